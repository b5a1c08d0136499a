/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Straight into the receiver's network namespace, past bridge and host: where the bridge domains of both ends ask for it
 * and nothing stands in between that would miss the packet. What the host would have done to it is done here: of a
 * routed one MAC addresses and time to live.
 */
#ifndef BPF_DIRECT_H
#define BPF_DIRECT_H

#include <linux/pkt_cls.h>

#include "flow_table.h"
#include "near.h"

/* What is sent in one piece, or each segment that it will be cut into. */
static __always_inline bool is_longer(const struct __sk_buff *skb, const struct sought *key, __u32 mtu)
{
	__u32 segment = skb->gso_size + key->headers, whole = skb->len - ETH_HLEN;

	/* The verifier wants each load to be of one kind of memory. */
	asm volatile("" : "+r"(segment), "+r"(whole));
	return (skb->gso_size ? segment : whole) > mtu;
}

/* How the host would bring a frame to an endpoint. */
enum way {
	WAY_STACK, /* nobody knows */
	WAY_BRIDGED,
	WAY_ROUTED,
};

/* The sender and the frame tell it: addressed to the receiver, or to the host, which routes it. */
static __always_inline enum way way_to(const struct __sk_buff *skb, const struct epg_near *receiver,
				       __u16 bridge_domain, const __u8 *gateway)
{
	const void *data = (const void *)(long)skb->data, *end = (const void *)(long)skb->data_end;
	const struct ethhdr *ethernet = data;

	if ((const void *)(ethernet + 1) > end)
		return WAY_STACK;
	if (mac_equal(ethernet->h_dest, receiver->mac))
		return receiver->bridge_domain == bridge_domain ? WAY_BRIDGED : WAY_STACK;
	if (mac_is_zero(gateway) || mac_is_zero(receiver->gateway) || !mac_equal(ethernet->h_dest, gateway))
		return WAY_STACK;
	return WAY_ROUTED;
}

static __always_inline bool count_hop(struct __sk_buff *skb, __u32 at, __u64 flags)
{
	__u8 hops;

	if (bpf_skb_load_bytes(skb, at, &hops, sizeof(hops)) || hops <= 1)
		return false;
	hops--;
	return !bpf_skb_store_bytes(skb, at, &hops, sizeof(hops), flags);
}

/* RFC 1812, 5.3.1; RFC 8200, 3. False: the host is to answer that it has come too far. */
static __always_inline bool route(struct __sk_buff *skb, const struct sought *key, const struct epg_near *receiver)
{
	__u8 macs[12];

	if (flow_key_is_ipv4(key)) {
		/* The header's own checksum keeps its sum as it was. */
		if (!count_hop(skb, ETH_HLEN + IPV4_TTL, 0) ||
		    bpf_l3_csum_replace(skb, ETH_HLEN + IPV4_CHECKSUM, bpf_htons(0x0100), 0, sizeof(__u16)))
			return false;
	} else if (!count_hop(skb, ETH_HLEN + IPV6_HOP_LIMIT, BPF_F_RECOMPUTE_CSUM)) {
		return false;
	}
	__builtin_memcpy(macs, receiver->mac, 6);
	__builtin_memcpy(macs + 6, receiver->gateway, 6);
	return !bpf_skb_store_bytes(skb, 0, macs, sizeof(macs), 0);
}

/* TC_ACT_REDIRECT, or TC_ACT_UNSPEC: by the host's stack. */
static __always_inline int go_direct(struct __sk_buff *skb, const struct sought *key, const struct epg_near *receiver,
				     enum way way)
{
	/* A mark, of a program before ours, is for the host: nobody would take it off before the container. */
	if (way == WAY_STACK || skb->mark || is_longer(skb, key, receiver->mtu))
		return TC_ACT_UNSPEC;
	if (way == WAY_ROUTED && !route(skb, key, receiver))
		return TC_ACT_UNSPEC;
	if (skb->pkt_type != PACKET_HOST)
		bpf_skb_change_type(skb, PACKET_HOST);
	return bpf_redirect_peer(receiver->ifindex, 0);
}

#endif
