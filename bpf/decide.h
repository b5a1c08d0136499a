/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fourth step: may one group say this to another? The only place that answers. */
#ifndef BPF_DECIDE_H
#define BPF_DECIDE_H

#include "endpoint.h"

/* What was decided, and by what. */
struct decision {
	__u32 rule; /* index; EPG_RULE_NONE: dropped before any rule was asked */
	__u8 verdict;
	__u8 level;
	__u8 reason;
	__u8 flags; /* EPG_RULE_… */
};

/* The target where the rules of a pair begin; EPG_TARGET_MISS: the pair has none. */
static __always_inline __u32 pair_find(const struct epg_control *config, __u32 slot, __u32 pair)
{
	if (slot >= EPG_SLOTS)
		return EPG_TARGET_MISS;
	for (__u32 choice = 0; choice < 2; choice++) {
		struct epg_bucket *bucket = pairs_get(slot, epg_pair_bucket(pair, choice, config->pair_buckets[slot]));

		if (!bucket)
			return 0;
#pragma unroll
		for (int i = 0; i < EPG_BUCKET_PAIRS; i++) {
			if (bucket->pair[i] == pair)
				return bucket->root[i];
		}
	}
	return EPG_TARGET_MISS;
}

/* The packet as a key of a rule's diagram, fields 0 to 3; 4 to 7 are not used. */
static __always_inline __u64 rule_key(const struct packet *packet)
{
	__u64 kind = packet->ethertype, destination = bpf_ntohs(packet->destination_port_be);
	__u64 source = bpf_ntohs(packet->source_port_be), flags = 0;

	if (is_ip(packet))
		kind = packet->protocol | (is_ipv4(packet) ? EPG_KIND_IPV4 : EPG_KIND_IPV6);
	if (is_ip(packet) && is_icmp(packet)) {
		destination = packet->icmp_type;
		source = packet->icmp_code;
	}
	if (packet->protocol == IPPROTO_TCP)
		flags = (packet->tcp_flags & 7) | (packet->tcp_flags >> 4 & 1) << 3;
	return kind << 48 | destination << 32 | source << 16 | flags;
}

/* The key of the packet that opened the flow of which this one is a reply. */
static __always_inline __u64 rule_key_of_opener(const struct packet *packet)
{
	__u64 kind = packet->protocol | (is_ipv4(packet) ? EPG_KIND_IPV4 : EPG_KIND_IPV6);
	__u64 destination = bpf_ntohs(packet->source_port_be), source = bpf_ntohs(packet->destination_port_be);
	__u64 flags = packet->protocol == IPPROTO_TCP ? EPG_FLAG_ACK : 0;

	if (is_icmp(packet)) {
		destination = is_ipv4(packet) ? ICMP_ECHO : ICMPV6_ECHO_REQUEST;
		source = 0;
	}
	return kind << 48 | destination << 32 | source << 16 | flags;
}

static __always_inline int decide_by_rule(struct decision *decision, __u32 slot, __u32 index)
{
	struct epg_rule *rule = rules_get(slot, index);

	decision->rule = index;
	if (!rule) {
		decision->reason = EPG_REASON_INTERNAL;
		return 0;
	}
	decision->level = rule->level;
	decision->flags = rule->flags;
	decision->verdict = rule->action;
	if (rule->action == EPG_PERMIT)
		decision->reason = EPG_REASON_NONE;
	else
		decision->reason = index == EPG_RULE_IMPLICIT_DENY ? EPG_REASON_IMPLICIT_DENY : EPG_REASON_DENIED;
	return 0;
}

/* The levels in their order (docs/policy.md). */
static __noinline int decide(const struct epg_control *config, const struct realm *realm, __u32 pair, __u64 key,
			     struct decision *decision)
{
	__u16 source = pair >> 16, destination = (__u16)pair;
	__u32 leaf;

	decision->verdict = EPG_DENY;
	decision->flags = 0;
	decision->level = EPG_LEVEL_IMPLICIT;
	if (realm->flags & EPG_CLASS_UNENFORCED)
		return decide_by_rule(decision, realm->slot, EPG_RULE_UNENFORCED);
	decision->rule = EPG_RULE_IMPLICIT_DENY;
	if (!source || !destination) {
		decision->reason = source ? EPG_REASON_UNKNOWN_DESTINATION : EPG_REASON_UNKNOWN_SOURCE;
		return 0;
	}
	/* The hook's endpoint is a member of one of both: equal groups are never two strangers of the outside. */
	if (source == destination && !(realm->flags & EPG_CLASS_EXTERNAL))
		return decide_by_rule(decision, realm->slot, EPG_RULE_INTRA_EPG);
	leaf = diagram_find(realm->slot, pair_find(config, realm->slot, pair), key, 0);
	if (leaf == EPG_TARGET_MISS)
		return decide_by_rule(decision, realm->slot, EPG_RULE_IMPLICIT_DENY);
	if (!(leaf & EPG_TARGET_LEAF)) {
		decision->reason = EPG_REASON_INTERNAL;
		return 0;
	}
	return decide_by_rule(decision, realm->slot, EPG_LEAF_VALUE(leaf));
}

#endif
