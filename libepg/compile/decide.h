/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The datapath's decision over a generation's tables, in user space. */
#ifndef EPG_DECIDE_H
#define EPG_DECIDE_H

#include <stddef.h>
#include <stdint.h>

#include "epg/abi.h"

/* A generation's tables, freshly compiled or mapped; nothing is owned. */
struct tables_view {
	const struct epg_class *classes;
	size_t n_classes;
	const struct epg_bucket *pairs;
	size_t n_buckets;
	const struct epg_rule_set *sets;
	size_t n_sets;
	uint32_t generation; /* whose sets are asked for: 0: that with which the tables began */
	const struct epg_node *nodes;
	size_t n_nodes;
};

struct tables;

/* Tables just compiled. */
struct tables_view tables_view_of(const struct tables *tables);

/*
 * The leaf (EPG_LEAF_LEVEL, _ACTION, _RULE) that decides a packet between two classes, in the view that its key's
 * EPG_FIELD_VIEW names: at least EPG_LEAF_IMPLICIT_DENY, never EPG_TARGET_MISS. Classes without a group, and tables
 * that are damaged, are denied so too.
 *
 * It is the caller's to know whose hook decides: an unenforced VRF (EPG_CLASS_UNENFORCED) permits before any of this.
 */
uint32_t tables_decide(const struct tables_view *view, uint16_t source, uint16_t destination, uint64_t key_high,
		       uint64_t key_low);

#endif
