/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Diagrams that change while they are in use: one more box over a diagram, or one less, by new nodes along the ways
 * that the box touches. All other nodes are shared with the diagram before, and no node that is there is ever written.
 */
#ifndef EPG_OVERLAY_H
#define EPG_OVERLAY_H

#include <stddef.h>
#include <stdint.h>

#include "compile/diagram.h"

/* Steps that one change may take: a box that leaves fields open touches all ways through them. */
#define OVERLAY_WORK_MAX (UINT32_C(1) << 18)

/* Nodes that are in use, and room for more behind them. */
struct overlay {
	struct epg_node *nodes; /* n_nodes of them; memory of the caller's */
	size_t n_nodes, capacity;
	size_t n_first;   /* those behind were made here */
	uint8_t *heights; /* by node: nodes on the longest way down from it */
	uint32_t *slots;  /* nodes that were made here, by content: index + 1; 0: free */
	size_t n_slots;
};

/* 0, -EBADMSG (nodes that do not lead downwards), -ENOMEM. */
int overlay_init(struct overlay *overlay, struct epg_node *nodes, size_t n_nodes, size_t capacity);
void overlay_clear(struct overlay *overlay);

/*
 * A diagram in which `box` has been added: each point inside has the smaller one of its leaf and the box's.
 * Returns 0, -ENOSPC (no room for the nodes), -E2BIG (too much work, or ways that get too long), -ENOMEM. After a
 * failure the overlay is of no use any more.
 */
int overlay_add(struct overlay *overlay, uint32_t root, const struct diagram_box *box, uint32_t *ret_root);

/*
 * A diagram in which points inside `box` that lead to its leaf lead where `rest` does: a diagram of its own, which is
 * right at such points. Returns what overlay_add does.
 */
int overlay_remove(struct overlay *overlay, uint32_t root, const struct diagram_box *box,
		   const struct diagram_builder *rest, uint32_t rest_root, uint32_t *ret_root);

#endif
