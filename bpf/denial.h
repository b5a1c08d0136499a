/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What was denied just now is denied again without being decided anew: in the same jiffy, generation and epoch, the same
 * endpoint sends a packet that rules can't tell from the one before. So a flood of what nobody permits costs less than
 * what is permitted. A flow that permits it is looked for before.
 */
#ifndef BPF_DENIAL_H
#define BPF_DENIAL_H

#include <linux/pkt_cls.h>

#include "flow_table.h"
#include "work.h"

#define DENIALS 64

struct denial {
	struct flow_name name;
	__u32 ifindex;
	__u32 generation;
	__u32 slot;
	__u32 epoch;
	__u32 seen;
	__u32 rule;
	struct epg_drop_key drop;
	__u8 tcp_flags;
	__u8 traffic_class;
	__u8 from;
	__u8 reserved[5];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DENIALS);
	__type(key, __u32);
	__type(value, struct denial);
} denials SEC(".maps");

static __always_inline struct denial *denial_at(const struct sought *key)
{
	__u32 index = key->hash % DENIALS;

	return bpf_map_lookup_elem(&denials, &index);
}

static __always_inline bool denial_is_of(const struct denial *denial, const struct sought *key)
{
	return denial->tcp_flags == key->tcp_flags && denial->traffic_class == key->traffic_class &&
	       denial->from == key->from && flow_name_is(&denial->name, key);
}

/* Denies the packet that has been sought for if the like of it was denied just now. False: it has to be decided. */
STEP int denial_repeat(__u32 ifindex, __u32 length)
{
	struct epg_control *config = control_get();
	struct sought *key = sought_get();
	struct denial *denial = key ? denial_at(key) : NULL;
	struct epg_drop_key drop;

	if (!config || !key || !denial || denial->ifindex != ifindex || denial->epoch != config->epoch ||
	    denial->generation != EPG_ACTIVE_GENERATION(*(volatile __u64 *)&config->active) ||
	    denial->seen != (__u32)bpf_jiffies64() || config->watch || !denial_is_of(denial, key))
		return false;
	if (denial->rule != EPG_RULE_NONE)
		count_rule(denial->slot, denial->rule, length);
	drop = denial->drop;
	count_drop(&drop, length);
	return true;
}

/* What follows from the packet, its endpoint and the policy alone. */
static __always_inline bool is_repeatable(int reason)
{
	return reason == EPG_REASON_IMPLICIT_DENY || reason == EPG_REASON_DENIED;
}

STEP int denial_note(void)
{
	struct sought *key = sought_get();
	struct denial *denial = key ? denial_at(key) : NULL;
	struct work *work = work_get();

	if (!key || !denial || !work || !key->plain || work->source.ifindex != work->ifindex ||
	    work->decision.audited_rule != EPG_RULE_NONE || !is_repeatable(work->decision.reason))
		return 0;
	flow_name_note(&denial->name, key);
	denial->ifindex = work->ifindex;
	denial->generation = work->realm.generation;
	denial->slot = work->realm.slot;
	denial->epoch = work->epoch;
	denial->seen = (__u32)bpf_jiffies64();
	denial->rule = work->decision.rule;
	denial->drop.source = work->source.class_id;
	denial->drop.destination = work->destination.class_id;
	denial->drop.reason = work->decision.reason;
	denial->tcp_flags = key->tcp_flags;
	denial->traffic_class = key->traffic_class;
	denial->from = key->from;
	return 0;
}

#endif
