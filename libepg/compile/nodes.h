/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The nodes of all diagrams of a generation, each kept once: equal lines are shared. */
#ifndef EPG_NODES_H
#define EPG_NODES_H

#include <stddef.h>
#include <stdint.h>

#include "epg/abi.h"

/* 256 MB: beyond that a policy is not worth its memory. */
#define NODES_MAX ((size_t)1 << 22)

/* Values from `start` to before the next interval's start lead to `target`. */
struct node_interval {
	uint16_t start;
	uint32_t target;
};

struct node_store {
	struct epg_node *lines;
	size_t n_lines, capacity;
	uint32_t *slots; /* index of a line + 1; 0: free */
	size_t n_slots;  /* a power of 2 */
};

/* A store begins as all zero. */
void node_store_clear(struct node_store *store);

/*
 * Makes the first one of the nodes that `n` intervals of one field need, at least 2 of them. Returns how many intervals
 * it takes: as many as fill all these nodes evenly, never all but one. The same intervals always become the same nodes.
 */
size_t node_make(uint8_t field, const struct node_interval *intervals, size_t n, struct epg_node *ret);

/*
 * Makes nodes that tell `n` intervals of one field apart, the first of which starts at 0; `intervals` is
 * overwritten. One interval needs no node: its own target is returned.
 * Returns 0, -E2BIG (more than NODES_MAX), -ENOMEM.
 */
int node_store_tree(struct node_store *store, uint8_t field, struct node_interval *intervals, size_t n,
		    uint32_t *ret_target);

#endif
