/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fourth step: may one group say this to another? The only place that answers. */
#ifndef BPF_DECIDE_H
#define BPF_DECIDE_H

#include "work.h"

/* A target that leads to no node: the walk ends without a leaf. */
#define PAIR_DAMAGED (EPG_TARGET_LEAF - 1)

#define PAIR_UNKNOWN 0xffffffffu

/* The set of rules of a pair; PAIR_UNKNOWN: it has none. */
static __always_inline __u32 pair_find(__u32 slot, __u32 pair)
{
	struct epg_control *config = control_get();

	if (!config || slot >= EPG_SLOTS)
		return PAIR_DAMAGED;
	for (__u32 choice = 0; choice < 2; choice++) {
		struct epg_bucket *bucket = pairs_get(slot, epg_pair_bucket(pair, choice, config->pair_buckets[slot]));

		if (!bucket)
			return PAIR_DAMAGED;
#pragma unroll
		for (int i = 0; i < EPG_BUCKET_PAIRS; i++) {
			if (bucket->pair[i] == pair)
				return bucket->set[i];
		}
	}
	return PAIR_UNKNOWN;
}

/* The target where the rules of a pair begin in a generation; EPG_TARGET_MISS: it has none. */
static __always_inline __u32 pair_root(__u32 slot, __u32 generation, __u32 pair)
{
	__u32 index = pair_find(slot, pair);
	struct epg_rule_set *set;

	if (index == PAIR_UNKNOWN)
		return EPG_TARGET_MISS;
	set = sets_get(slot, index);
	if (!set)
		return PAIR_DAMAGED;
	return is_staged(set->next_generation, generation) ? set->next_root : set->root;
}

/* The winner among the rules of a pair. */
STEP __u32 pair_decide(__u32 slot, __u32 generation, __u32 pair, __u64 high, __u64 low)
{
	return diagram_find(slot, pair_root(slot, generation, pair), high, low);
}

/* The smaller leaf has precedence; what is no leaf is smaller than all, and so a damaged table is not overlooked. */
static __always_inline __u32 leaf_first(__u32 a, __u32 b)
{
	return a < b ? a : b;
}

/* Within a group: level 1, if it has contracts of that kind, then 2 or 3. */
static __always_inline __u32 decide_within(__u32 slot, __u32 generation, const struct epg_class *class, __u32 pair,
					   __u64 high, __u64 low)
{
	__u32 isolating = EPG_CLASS_ISOLATED;

	if (epg_key_field(high, low, EPG_FIELD_VIEW) == EPG_VIEW_AUDITED)
		isolating |= EPG_CLASS_ISOLATED_AUDITED;
	if (!(class->flags & (EPG_CLASS_ISOLATED | EPG_CLASS_ISOLATED_AUDITED)))
		return EPG_LEAF_INTRA_EPG;
	return leaf_first(class->flags & isolating ? EPG_LEAF_ISOLATION : EPG_LEAF_INTRA_EPG,
			  pair_decide(slot, generation, pair, high, low));
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
STEP __u32 groups_decide(__u32 slot, __u32 generation, __u32 pair, __u64 high, __u64 low)
{
	__u32 source_id = pair >> 16, destination_id = pair & 0xffff;
	struct epg_class *source = classes_get(slot, source_id), *destination = classes_get(slot, destination_id);
	__u32 first;

	if (!source || !destination)
		return 0;
	/* The hook's endpoint is a member of one of both: equal groups are never two strangers of the outside. */
	if (source_id == destination_id && !(destination->flags & EPG_CLASS_EXTERNAL))
		return decide_within(slot, generation, destination, pair, high, low);
	first = leaf_first(EPG_LEAF_IMPLICIT_DENY, pair_decide(slot, generation, pair, high, low));
	if (destination->flags & EPG_CLASS_TABOO)
		first = leaf_first(first, pair_decide(slot, generation, destination_id, high, low));
	if ((source->flags | destination->flags) & EPG_CLASS_ANY) {
		__u32 from_any = (__u32)source->vrf << 16;

		first = leaf_first(first, pair_decide(slot, generation, source_id << 16 | destination->vrf, high, low));
		first = leaf_first(first, pair_decide(slot, generation, from_any | destination_id, high, low));
		first = leaf_first(first, pair_decide(slot, generation, from_any | destination->vrf, high, low));
	}
	return leaf_first(first, decide_preferred(source, destination));
}

static __always_inline int decide_by_rule(struct decision *decision, __u32 slot, __u32 leaf)
{
	__u32 index = EPG_LEAF_RULE(leaf);
	struct epg_rules *rules = rules_get(slot, index / EPG_RULES_EACH);
	const struct epg_rule_more *rule;

	decision->rule = index;
	if (!rules) {
		decision->reason = EPG_REASON_INTERNAL;
		return 0;
	}
	rule = &rules->rule[index % EPG_RULES_EACH];
	decision->level = EPG_LEAF_LEVEL(leaf);
	decision->flags = rule->flags;
	decision->dscp = rule->dscp;
	decision->verdict = EPG_LEAF_ACTION(leaf);
	if (decision->verdict == EPG_PERMIT)
		decision->reason = EPG_REASON_NONE;
	else
		decision->reason = index == EPG_RULE_IMPLICIT_DENY ? EPG_REASON_IMPLICIT_DENY : EPG_REASON_DENIED;
	return 0;
}

/* Asks again with the audited rules among the others, and notes the one that makes the difference. */
static __always_inline void audit(struct decision *decision, const struct realm *realm, __u32 pair,
				  const struct rule_key *key, __u32 leaf)
{
	struct epg_class *destination = classes_get(realm->slot, pair & 0xffff);
	__u32 audited;

	if (!destination || !(destination->flags & EPG_CLASS_AUDITED))
		return;
	audited = groups_decide(realm->slot, realm->generation, pair, key->high, key->low | EPG_VIEW_AUDITED);
	if (audited & EPG_TARGET_LEAF && EPG_LEAF_ACTION(audited) != EPG_LEAF_ACTION(leaf))
		decision->audited_rule = EPG_LEAF_RULE(audited);
}

/* Decides on a packet, as work->key has it, between two groups. */
STEP int decide(__u32 pair)
{
	struct work *work = work_get();
	struct decision *decision;
	struct realm *realm;
	__u16 source = pair >> 16, destination = (__u16)pair;
	__u32 leaf;

	if (!work)
		return 0;
	decision = &work->decision;
	realm = &work->realm;
	decision->verdict = EPG_DENY;
	decision->flags = 0;
	decision->level = EPG_LEVEL_IMPLICIT;
	decision->audited_rule = EPG_RULE_NONE;
	if (realm->flags & EPG_CLASS_UNENFORCED)
		return decide_by_rule(decision, realm->slot, EPG_LEAF_UNENFORCED);
	decision->rule = EPG_RULE_IMPLICIT_DENY;
	if (!source || !destination) {
		decision->reason = source ? EPG_REASON_UNKNOWN_DESTINATION : EPG_REASON_UNKNOWN_SOURCE;
		return 0;
	}
	leaf = groups_decide(realm->slot, realm->generation, pair, work->key.high, work->key.low);
	if (!(leaf & EPG_TARGET_LEAF)) {
		decision->reason = EPG_REASON_INTERNAL;
		return 0;
	}
	audit(decision, realm, pair, &work->key, leaf);
	return decide_by_rule(decision, realm->slot, leaf);
}

#endif
