/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What both sides of the benchmark of flow tables know. */
#ifndef BENCH_FLOW_TABLE_H
#define BENCH_FLOW_TABLE_H

#include <linux/types.h>

#define FLOW_TABLE_ENTRIES 262144
#define FLOW_TABLE_WAYS 8
#define FLOW_TABLE_GROUPS (FLOW_TABLE_ENTRIES / FLOW_TABLE_WAYS)
#define FLOW_TABLE_LOCKS 4096
#define FLOW_TABLE_BATCH 32
#define FLOW_TABLE_CPUS 16 /* that are told apart */

/* As memory: two IPv6 addresses, ports, VRF, protocol. */
struct flow_key40 {
	__u64 words[5];
};

/* Two IPv4 addresses, or a hash of two IPv6 ones, ports, VRF, protocol. */
struct flow_key16 {
	__u64 words[2];
};

/* As large as struct epg_flow was when this was first measured. */
struct flow_value {
	__u64 packets;
	__u64 bytes;
	__u32 seen;
	__u32 zero;
	__u64 others[2];
};

/* How far a CPU has come. */
struct progress {
	__u64 next;      /* look-up */
	__u64 next_flow; /* to be inserted */
	__u64 missed;    /* look-ups that found nothing, insertions that failed */
	__u64 padding[13];
};

struct flow_entry {
	struct flow_key16 key;
	struct flow_value value;
	__u64 unused;
};

struct flow_group {
	struct flow_entry entries[FLOW_TABLE_WAYS];
};

#endif
