/* SPDX-License-Identifier: GPL-2.0-only */
/* The ends of a flood: programs in both containers that count and drop, reflect, or let pass. */
#ifndef BENCH_SINK_H
#define BENCH_SINK_H

#include "traffic.h"
#include "traffic-shared.h"

struct traffic_bpf;

struct sink {
	struct traffic_bpf *bpf;
	int links[2];
};

/* Attaches to the containers' interfaces; gone with the process. */
void sink_open(struct sink *sink, const struct options *options);
void sink_set_mode(struct sink *sink, enum sink_mode mode);

/* Packets since the process began; `elsewhere` those on other CPUs than `cpu`. */
uint64_t sink_received(const struct sink *sink, unsigned int cpu, uint64_t *ret_elsewhere);
uint64_t sink_answered(const struct sink *sink);

/* Waits until `expected` have come, or nothing has come for a while. Returns how many have. */
uint64_t sink_wait_received(const struct sink *sink, uint64_t expected);
uint64_t sink_wait_answered(const struct sink *sink, uint64_t expected);

/* Attaches to a TCX hook of an interface of the caller's namespace. Returns the link: it ends with the descriptor. */
int attach_tcx(int program, const char *interface, bool egress);

#endif
