/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A packet as rules see it, and what they say of it. */
#ifndef BPF_RULE_H
#define BPF_RULE_H

#include "packet.h"

/* What was decided, and by what. */
struct decision {
	__u32 rule;         /* index; EPG_RULE_NONE: dropped before any rule was asked */
	__u32 audited_rule; /* that would have decided otherwise if its subject were enforced; EPG_RULE_NONE */
	__u8 verdict;
	__u8 level;
	__u8 reason;
	__u8 flags; /* EPG_RULE_… */
	__u8 dscp;  /* with EPG_RULE_DSCP */
	__u8 reserved[3];
};

/* A packet as rules see it: the fields of enum epg_field. */
struct rule_key {
	__u64 high;
	__u64 low;
};

static __always_inline void rule_key_fill(struct rule_key *key, __u64 kind, __u64 destination, __u64 source,
					  __u64 flags)
{
	key->high = kind << 48 | destination << 32 | source << 16 | flags;
	key->low = 0;
}

static __always_inline void rule_key_add(struct rule_key *key, enum epg_field field, __u64 value)
{
	key->low |= value << (48 - 16 * (field & 3));
}

static __always_inline __u64 rule_kind(const struct packet *packet)
{
	if (!is_ip(packet))
		return packet->ethertype;
	return packet->protocol | (is_ipv4(packet) ? EPG_KIND_IPV4 : EPG_KIND_IPV6);
}

static __always_inline __u64 rule_flags(const struct packet *packet)
{
	if (packet->protocol != IPPROTO_TCP)
		return 0;
	return (packet->tcp_flags & 7) | (packet->tcp_flags >> 4 & 1) << 3;
}

/* A later fragment, as rules see it: enum epg_piece. */
static __always_inline void rule_key_of_piece(struct rule_key *key, const struct packet *packet, enum epg_piece piece)
{
	rule_key_fill(key, rule_kind(packet), 0, 0, 0);
	rule_key_add(key, EPG_FIELD_DSCP, packet->traffic_class >> 2);
	rule_key_add(key, EPG_FIELD_FRAGMENT, piece);
}

static __always_inline void rule_key_of_packet(struct rule_key *key, const struct packet *packet)
{
	__u64 destination = bpf_ntohs(packet->destination_port_be), source = bpf_ntohs(packet->source_port_be);

	if (packet->ethertype == ETH_P_ARP)
		destination = packet->arp_operation;
	if (is_ip(packet) && is_icmp(packet)) {
		destination = packet->icmp_type;
		source = packet->icmp_code;
	}
	rule_key_fill(key, rule_kind(packet), destination, source, rule_flags(packet));
	rule_key_add(key, EPG_FIELD_DSCP, packet->traffic_class >> 2);
}

#endif
