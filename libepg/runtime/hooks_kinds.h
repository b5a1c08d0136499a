/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The two ways to put a program on traffic control: TCX, and filters of a clsact qdisc on kernels before 6.6. */
#ifndef EPG_HOOKS_KINDS_H
#define EPG_HOOKS_KINDS_H

#include <stdbool.h>
#include <stdint.h>

/* Our filters of a clsact qdisc: before those of all others, which could let a packet pass us by. */
#define HOOKS_CLSACT_HANDLE 1
#define HOOKS_CLSACT_PRIORITY 1

/* Where a TCX program goes. */
struct tcx_place {
	int netns;        /* -1: the current network namespace */
	uint32_t ifindex; /* as that namespace numbers it */
	bool egress;
	uint32_t before, after; /* ids of programs of others, at most one of both; 0: ours comes first */
};

/* Attaches by a link, whose descriptor is returned, or a negative errno value. */
int tcx_link(const struct tcx_place *place, int program);
/* Is the program of this id attached there? 1, 0, or a negative errno value. */
int tcx_has(const struct tcx_place *place, uint32_t id);
/*
 * The id of a program that is not `own`: behind it, or with `any` anywhere; without `own` ours will come first. 0: there
 * is none, or no TCX; or a negative errno value.
 */
int tcx_other(const struct tcx_place *place, uint32_t own, bool any);
/* Whether a link is in force. It outlives its interface, which then has number 0. 1, 0, or a negative errno value. */
int tcx_state(int link, uint32_t ifindex);

int clsact_attach(int program, uint32_t ifindex, bool egress);
void clsact_detach(uint32_t ifindex, bool egress);
/* Is `program` the one that our filter runs? 1, 0, or a negative errno value. */
int clsact_state(int program, uint32_t ifindex, bool egress);

#endif
