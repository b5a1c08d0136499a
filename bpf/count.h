/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counting: exact, and small. Nothing is counted while a packet is explained. */
#ifndef BPF_COUNT_H
#define BPF_COUNT_H

#include "generation.h"

/* Set in the copy of the programs that answers questions: it decides alike and leaves no trace but its answer. */
const volatile __u32 epg_explaining = 0;

/* Pairs and reasons; each reason's catch-all, with both class ids zero, is inserted at load time. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, struct epg_drop_key);
	__type(value, struct epg_counter);
} drops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EPG_STAT_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} stats SEC(".maps");

static __always_inline void count_stat(enum epg_stat stat)
{
	__u32 index = stat;
	__u64 *value = bpf_map_lookup_elem(&stats, &index);

	if (value && !epg_explaining)
		(*value)++;
}

static __always_inline void counter_add(struct epg_counter *counter, __u32 length)
{
	__sync_fetch_and_add(&counter->packets, 1);
	__sync_fetch_and_add(&counter->bytes, length);
}

static __always_inline void count_rule(__u32 slot, __u32 rule, __u32 length)
{
	struct epg_counter *counter;

	if (epg_explaining)
		return;
	counter = counters_get(slot, rule);
	if (counter)
		counter_add(counter, length);
}

static __always_inline void count_drop(struct epg_drop_key *key, __u32 length)
{
	struct epg_counter *counter;
	struct epg_counter first = {};

	if (epg_explaining)
		return;
	counter = bpf_map_lookup_elem(&drops, key);
	if (!counter) {
		bpf_map_update_elem(&drops, key, &first, BPF_NOEXIST);
		counter = bpf_map_lookup_elem(&drops, key);
	}
	if (!counter) {
		key->source = EPG_CLASS_NONE;
		key->destination = EPG_CLASS_NONE;
		counter = bpf_map_lookup_elem(&drops, key);
	}
	if (counter)
		counter_add(counter, length);
}

#endif
