/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Marks permitted packets with the DSCP of their contract's subject (RFC 2474); ECN stays as it is (RFC 3168). */
#ifndef BPF_DSCP_H
#define BPF_DSCP_H

#include "work.h"

#define ECN_MASK 0x03

/* Where a network header can begin: tells the verifier that it is not far. */
#define DSCP_NETWORK_MASK 0x1f

/* Of the first 16 bits of an IPv6 header: version, and the flow label's first bits. */
#define IPV6_BESIDE_CLASS_BE bpf_htons(0xf00f)

static __always_inline __u8 traffic_class_of(const struct work *work)
{
	return work->decision.dscp << 2 | (work->packet.traffic_class & ECN_MASK);
}

/*
 * Before the destination's endpoint on this host, else where the packet leaves the source: rules that match a DSCP see
 * it as it was sent, at both hooks.
 */
static __always_inline bool takes_dscp(const struct work *work)
{
	if (!(work->decision.flags & EPG_RULE_DSCP) || work->decision.verdict != EPG_PERMIT)
		return false;
	if (work->hook != EPG_HOOK_TC_EGRESS && (work->destination.ifindex || work->decided))
		return false;
	return is_ip(&work->packet) && traffic_class_of(work) != work->packet.traffic_class;
}

/* RFC 1624, equation 3. */
static __always_inline __be16 checksum_replace(__be16 checksum_be, __be16 from_be, __be16 to_be)
{
	__u32 sum = (__u16)~checksum_be + (__u16)~from_be + (__u16)to_be;

	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return ~sum;
}

/* Writes into headers that lie before `end`. */
static __always_inline void write_dscp_frame(void *data, void *end, const struct work *work)
{
	__u8 *ip = data + (work->packet.network & DSCP_NETWORK_MASK);
	__u8 traffic_class = traffic_class_of(work);
	__be16 *words_be = (void *)ip, before_be;

	if ((void *)(ip + sizeof(struct iphdr)) > end)
		return;
	before_be = words_be[0];
	if (is_ipv4(&work->packet)) {
		ip[1] = traffic_class;
		words_be[5] = checksum_replace(words_be[5], before_be, words_be[0]);
	} else {
		words_be[0] = (before_be & IPV6_BESIDE_CLASS_BE) | bpf_htons((__u16)(traffic_class << 4));
	}
}

/*
 * Through helpers: a program that wrote to packets itself would be given a prologue that copies each cloned one, as
 * TCP's are, marked or not.
 */
static __always_inline void write_dscp_skb(struct __sk_buff *skb, const struct work *work)
{
	__u8 traffic_class = traffic_class_of(work);
	__u32 network = work->packet.network;
	__be16 word_be;

	if (is_ipv4(&work->packet)) {
		bpf_l3_csum_replace(skb, network + IPV4_CHECKSUM, bpf_htons(work->packet.traffic_class),
				    bpf_htons(traffic_class), sizeof(word_be));
		bpf_skb_store_bytes(skb, network + IPV4_TOS, &traffic_class, sizeof(traffic_class), 0);
		return;
	}
	if (bpf_skb_load_bytes(skb, network, &word_be, sizeof(word_be)))
		return;
	word_be = (word_be & IPV6_BESIDE_CLASS_BE) | bpf_htons((__u16)(traffic_class << 4));
	bpf_skb_store_bytes(skb, network, &word_be, sizeof(word_be), BPF_F_RECOMPUTE_CSUM);
}

#endif
