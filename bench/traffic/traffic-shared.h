/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the load generators and their BPF programs both know. */
#ifndef BENCH_TRAFFIC_SHARED_H
#define BENCH_TRAFFIC_SHARED_H

#include <linux/types.h>

/* Powers of 2. */
#define SINK_CPUS 256
#define FRAME_FLOWS_MAX 131072

enum sink_mode {
	SINK_DROP = 0,    /* count and drop UDP */
	SINK_REFLECT = 1, /* send it back, so that each flow has been seen in both directions */
	SINK_PASS = 2     /* everything goes up to the sockets */
};

/* A cache line each, so that CPUs don't share any. */
struct sink_count {
	__u64 packets;
	__u64 unused[7];
};

/* Ethernet, IPv6 or IPv4, UDP: what is not header is payload. */
struct frame_headers {
	__u16 words[31];
};

struct frame_ports {
	__be16 source_be;
	__be16 destination_be;
};

#endif
