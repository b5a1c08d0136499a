/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Holds what a group's endpoints send, all together, to a rate: a token bucket, kept as the time when it is full. */
#ifndef BPF_POLICE_H
#define BPF_POLICE_H

#include "work.h"

/* Time in sixteenths of a nanosecond: what a small packet costs at a high rate is still a whole number. */
#define TICKS_A_NANOSECOND 16
#define TICKS_A_SECOND (1000000000ull * TICKS_A_NANOSECOND)

/* Bytes that the kernel aggregates at most (BIG TCP). */
#define LARGEST_PACKET 524288

/* struct epg_policer, as the verifier wants to see it. */
struct policer {
	struct bpf_spin_lock lock;
	__u32 reserved;
	__u64 full_at;
};
_Static_assert(sizeof(struct policer) == sizeof(struct epg_policer), "the layout is ABI");

/* By class id. It outlives generations: an apply gives nobody a new burst. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct policer);
} policers SEC(".maps");

static __always_inline struct policer *policer_get(__u32 class_id)
{
	struct policer *policer = bpf_map_lookup_elem(&policers, &class_id);
	struct policer fresh = {};

	if (policer)
		return policer;
	bpf_map_update_elem(&policers, &class_id, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&policers, &class_id);
}

/*
 * A packet passes while the bucket is not empty, and takes what it weighs, also beyond the bottom: so aggregated
 * packets larger than the burst are not starved, and the rate is exact.
 */
static __always_inline bool policer_take(struct policer *policer, const struct epg_class *class, __u32 length)
{
	__u64 cost = length * TICKS_A_SECOND / class->police_rate;
	__u64 burst = class->police_burst * TICKS_A_SECOND / class->police_rate;
	__u64 largest = LARGEST_PACKET * TICKS_A_SECOND / class->police_rate;
	__u64 now = bpf_ktime_get_ns() * TICKS_A_NANOSECOND;
	bool passes;

	bpf_spin_lock(&policer->lock);
	/* Beyond an empty bucket and the largest packet, it is the debt of a lower rate: that one is forgiven. */
	if (policer->full_at < now)
		policer->full_at = now;
	else if (policer->full_at - now > burst + largest)
		policer->full_at = now + burst;
	passes = policer->full_at - now < burst;
	if (passes)
		policer->full_at += cost;
	bpf_spin_unlock(&policer->lock);
	return passes;
}

/* Each packet once, by the hook that has decided what its endpoint sends. */
static __always_inline bool takes_police(const struct work *work)
{
	if (epg_explaining || !(work->realm.flags & EPG_CLASS_POLICED))
		return false;
	return work->hook != EPG_HOOK_TC_EGRESS && !work->decided && work->source.ifindex == work->port &&
	       work->decision.rule != EPG_RULE_INFRASTRUCTURE;
}

/* The group that rules see is policed: an address may make its packets another group's than its interface's. */
STEP int police(void)
{
	struct work *work = work_get();
	struct epg_class *class;
	struct policer *policer;
	struct party source;

	if (!work)
		return EPG_REASON_INTERNAL;
	source = work->source;
	if (is_ip(&work->packet))
		party_refine(&source, address_prefix(&work->realm, &work->packet.source, is_ipv4(&work->packet)));
	class = classes_get(work->realm.slot, source.class_id);
	if (!class || !class->police_rate)
		return EPG_REASON_NONE;
	policer = policer_get(source.class_id);
	if (policer && policer_take(policer, class, work->packet.length))
		return EPG_REASON_NONE;
	work->source.class_id = source.class_id;
	work->decision.rule = work->decision.audited_rule = EPG_RULE_NONE;
	return EPG_REASON_POLICED;
}

#endif
