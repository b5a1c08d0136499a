/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Diagrams: an ordered list of boxes in a space of eight 16-bit fields becomes nodes (struct epg_node) that
 * find the first box around a point by walking, field after field.
 */
#ifndef EPG_DIAGRAM_H
#define EPG_DIAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epg/abi.h"
#include "policy/model.h"
#include "compile/nodes.h"

#define DIAGRAM_FIELDS 8

/* Steps that one builder may take, about half a second: overlapping ranges can multiply without bounds. */
#define DIAGRAM_WORK_MAX (UINT64_C(1) << 27)

struct diagram_box {
	struct model_range fields[DIAGRAM_FIELDS];
	uint32_t leaf; /* target: the answer for points inside; EPG_TARGET_MISS cuts a hole */
	bool reached;  /* set by diagram_build: some point finds this box first */
	bool twofold;  /* for diagram_build alone: there is more of the first field, behind what stands in `fields` */
	struct model_range also;
};

#define DIAGRAM_BOX_ANY                                                                                             \
	((struct diagram_box){{MODEL_RANGE_ANY, MODEL_RANGE_ANY, MODEL_RANGE_ANY, MODEL_RANGE_ANY, MODEL_RANGE_ANY, \
			       MODEL_RANGE_ANY, MODEL_RANGE_ANY, MODEL_RANGE_ANY},                                  \
			      EPG_TARGET_MISS,                                                                      \
			      false,                                                                                \
			      false,                                                                                \
			      {0, 0}})

/*
 * Makes `box` stand for `next` too, if they are the same but for the first field, where `next` comes later: so what a
 * rule asks of IPv4 and of IPv6 takes memory and time once. Returns whether it does now.
 */
bool diagram_box_join(struct diagram_box *box, const struct diagram_box *next);

/* Builds diagrams that share their nodes. */
struct diagram_builder {
	struct node_store nodes;
	uint64_t work; /* steps taken so far */
};

/* A builder begins as all zero. */
void diagram_builder_clear(struct diagram_builder *builder);

/*
 * Adds the diagram of `boxes`: the first one around a point decides, none is EPG_TARGET_MISS.
 * `ret_root` is a target. Returns 0, -E2BIG (too much work, too many nodes or boxes), -ENOMEM.
 */
int diagram_build(struct diagram_builder *builder, struct diagram_box *boxes, size_t n, uint32_t *ret_root);

/*
 * Walks as the BPF programs do, from `root` to a leaf, and returns it: EPG_TARGET_LEAF with a value, or
 * EPG_TARGET_MISS. The key's fields are laid out as for epg_key_field. What leaves the nodes, or goes round in them,
 * is no way: the last target seen is returned, which is no leaf.
 */
uint32_t diagram_find(const struct epg_node *nodes, size_t n_nodes, uint32_t root, uint64_t high, uint64_t low);

#endif
