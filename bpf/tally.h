/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A rule's counter is a cache line that all CPUs write to: with each packet, it would cost as much as all the rest. So each
 * CPU adds up for itself what one rule counts within a jiffy, and adds that to the counter when it needs the place.
 */
#ifndef BPF_TALLY_H
#define BPF_TALLY_H

#include "count.h"
#include "near.h"

/* libepg makes it as long as there are CPUs. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct epg_tallies);
} tallies SEC(".maps");

static __always_inline struct epg_tallies *tallies_get(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&tallies, &cpu);
}

/* Before and after a change: who reads entries and counters looks whether there was one in between. */
static __always_inline void tallies_change(struct epg_tallies *own)
{
	asm volatile("" ::: "memory");
	*(volatile __u32 *)&own->sequence = own->sequence + 1;
	asm volatile("" ::: "memory");
}

static __always_inline void tally_settle(const struct epg_tally *tally, __u32 slot)
{
	struct epg_counter *counter = counters_get(slot, tally->rule);

	if (!counter)
		return;
	__sync_fetch_and_add(&counter->packets, tally->packets);
	__sync_fetch_and_add(&counter->bytes, tally->bytes);
}

/* Begins an entry with one packet. The oldest one makes room; unless that is libepg's to take: then nothing waits. */
STEP int tally_begin(__u32 slot, __u32 tables, __u32 rule, __u32 length)
{
	struct epg_tallies *own = tallies_get();
	struct epg_tally *tally;
	__u32 place;

	if (!own)
		return 0;
	place = (own->last + 1) % EPG_TALLIES;
	tally = &own->tally[place];
	if (tally->packets && tally->tables != tables) {
		count_rule(slot, rule, length);
		return 0;
	}
	tallies_change(own);
	if (tally->packets)
		tally_settle(tally, slot);
	tally->rule = rule;
	tally->tables = tables;
	tally->seen = (__u32)bpf_jiffies64();
	tally->bytes = length;
	tally->packets = 1;
	own->last = place;
	tallies_change(own);
	return 0;
}

/* Counts a packet of an endpoint that is known in this jiffy. */
static __always_inline void tally_rule(const struct epg_near *source, __u32 slot, __u32 rule, __u32 length)
{
	struct epg_tallies *own = tallies_get();
	struct epg_tally *tally;

	if (!own) {
		count_rule(slot, rule, length);
		return;
	}
	tally = &own->tally[own->last % EPG_TALLIES];
	if (tally->rule != rule || tally->tables != source->tables || tally->seen != source->seen) {
		tally_begin(slot, source->tables, rule, length);
		return;
	}
	tally->packets++;
	tally->bytes += length;
}

#endif
