/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fourth step: may one group say this to another? The only place that answers. */
#ifndef BPF_DECIDE_H
#define BPF_DECIDE_H

#include "endpoint.h"

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
	rule_key_add(key, EPG_FIELD_FRAGMENT, packet->fragment == EPG_FRAGMENT_LATER);
}

/* A target that leads to no node: the walk ends without a leaf. */
#define PAIR_DAMAGED (EPG_TARGET_LEAF - 1)

/* The target where the rules of a pair begin; EPG_TARGET_MISS: the pair has none. */
static __always_inline __u32 pair_find(__u32 slot, __u32 pair)
{
	struct epg_control *config = control_get();

	if (!config || slot >= EPG_SLOTS)
		return EPG_TARGET_MISS;
	for (__u32 choice = 0; choice < 2; choice++) {
		struct epg_bucket *bucket = pairs_get(slot, epg_pair_bucket(pair, choice, config->pair_buckets[slot]));

		if (!bucket)
			return PAIR_DAMAGED;
#pragma unroll
		for (int i = 0; i < EPG_BUCKET_PAIRS; i++) {
			if (bucket->pair[i] == pair)
				return bucket->root[i];
		}
	}
	return EPG_TARGET_MISS;
}

/* The winner among the rules of a pair. A function of its own that takes scalars only, as diagram_find is. */
__attribute__((noinline)) __u32 pair_decide(__u32 slot, __u32 pair, __u64 high, __u64 low)
{
	return diagram_find(slot, pair_find(slot, pair), high, low);
}

/* The smaller leaf has precedence; what is no leaf is smaller than all, and so a damaged table is not overlooked. */
static __always_inline __u32 leaf_first(__u32 a, __u32 b)
{
	return a < b ? a : b;
}

/* Within a group: level 1, if it has contracts of that kind, then 2 or 3. */
static __always_inline __u32 decide_within(__u32 slot, const struct epg_class *class, __u32 pair, __u64 high, __u64 low)
{
	__u32 isolating = EPG_CLASS_ISOLATED;

	if (epg_key_field(high, low, EPG_FIELD_VIEW) == EPG_VIEW_AUDITED)
		isolating |= EPG_CLASS_ISOLATED_AUDITED;
	if (!(class->flags & (EPG_CLASS_ISOLATED | EPG_CLASS_ISOLATED_AUDITED)))
		return EPG_LEAF_INTRA_EPG;
	return leaf_first(class->flags & isolating ? EPG_LEAF_ISOLATION : EPG_LEAF_INTRA_EPG,
			  pair_decide(slot, pair, high, low));
}

/* What a VRF with a preferred group says, where both groups are in it: levels 18 to 20. */
static __always_inline __u32 decide_preferred(const struct epg_class *source, const struct epg_class *destination)
{
	if (source->vrf != destination->vrf || !(source->flags & EPG_CLASS_PREFERRED))
		return EPG_TARGET_MISS;
	if (!(source->flags & EPG_CLASS_MEMBER))
		return EPG_LEAF_SOURCE_NOT_PREFERRED;
	return destination->flags & EPG_CLASS_MEMBER ? EPG_LEAF_PREFERRED_GROUP : EPG_LEAF_DESTINATION_NOT_PREFERRED;
}

/* The levels in their order (docs/policy.md): the winning rule's leaf, for a pair of known groups. */
__attribute__((noinline)) __u32 groups_decide(__u32 slot, __u32 pair, __u64 high, __u64 low)
{
	__u32 source_id = pair >> 16, destination_id = pair & 0xffff;
	struct epg_class *source = classes_get(slot, source_id), *destination = classes_get(slot, destination_id);
	__u32 first;

	if (!source || !destination)
		return 0;
	/* The hook's endpoint is a member of one of both: equal groups are never two strangers of the outside. */
	if (source_id == destination_id && !(destination->flags & EPG_CLASS_EXTERNAL))
		return decide_within(slot, destination, pair, high, low);
	first = leaf_first(EPG_LEAF_IMPLICIT_DENY, pair_decide(slot, pair, high, low));
	if (destination->flags & EPG_CLASS_TABOO)
		first = leaf_first(first, pair_decide(slot, destination_id, high, low));
	if ((source->flags | destination->flags) & EPG_CLASS_ANY) {
		__u32 from_any = (__u32)source->vrf << 16;

		first = leaf_first(first, pair_decide(slot, source_id << 16 | destination->vrf, high, low));
		first = leaf_first(first, pair_decide(slot, from_any | destination_id, high, low));
		first = leaf_first(first, pair_decide(slot, from_any | destination->vrf, high, low));
	}
	return leaf_first(first, decide_preferred(source, destination));
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
	decision->dscp = rule->dscp;
	decision->verdict = rule->action;
	if (rule->action == EPG_PERMIT)
		decision->reason = EPG_REASON_NONE;
	else
		decision->reason = index == EPG_RULE_IMPLICIT_DENY ? EPG_REASON_IMPLICIT_DENY : EPG_REASON_DENIED;
	return 0;
}

/* Asks again with the audited rules among the others, and notes the one that makes the difference. */
static __always_inline void audit(struct decision *decision, __u32 slot, __u32 pair, const struct rule_key *key,
				  __u32 leaf)
{
	struct epg_class *destination = classes_get(slot, pair & 0xffff);
	__u32 audited;

	if (!destination || !(destination->flags & EPG_CLASS_AUDITED))
		return;
	audited = groups_decide(slot, pair, key->high, key->low | EPG_VIEW_AUDITED);
	if (audited & EPG_TARGET_LEAF && EPG_LEAF_ACTION(audited) != EPG_LEAF_ACTION(leaf))
		decision->audited_rule = EPG_LEAF_RULE(audited);
}

/* Decides on a packet between two groups. */
static __noinline int decide(const struct realm *realm, __u32 pair, const struct rule_key *key,
			     struct decision *decision)
{
	__u16 source = pair >> 16, destination = (__u16)pair;
	__u32 leaf;

	decision->verdict = EPG_DENY;
	decision->flags = 0;
	decision->level = EPG_LEVEL_IMPLICIT;
	decision->audited_rule = EPG_RULE_NONE;
	if (realm->flags & EPG_CLASS_UNENFORCED)
		return decide_by_rule(decision, realm->slot, EPG_RULE_UNENFORCED);
	decision->rule = EPG_RULE_IMPLICIT_DENY;
	if (!source || !destination) {
		decision->reason = source ? EPG_REASON_UNKNOWN_DESTINATION : EPG_REASON_UNKNOWN_SOURCE;
		return 0;
	}
	leaf = groups_decide(realm->slot, pair, key->high, key->low);
	if (!(leaf & EPG_TARGET_LEAF)) {
		decision->reason = EPG_REASON_INTERNAL;
		return 0;
	}
	audit(decision, realm->slot, pair, key, leaf);
	return decide_by_rule(decision, realm->slot, EPG_LEAF_RULE(leaf));
}

#endif
