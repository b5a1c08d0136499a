/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/nodes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void node_store_clear(struct node_store *store)
{
	free(store->lines);
	free(store->slots);
	*store = (struct node_store){0};
}

static uint64_t hash_line(const struct epg_node *line)
{
	uint64_t words[sizeof(*line) / sizeof(uint64_t)];
	uint64_t hash = 0;

	memcpy(words, line, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		hash = hash_word(hash, words[i]);
	return hash;
}

/* The slot of the line, or the free one where it belongs. */
static uint32_t *find_slot(const struct node_store *store, const struct epg_node *line)
{
	size_t slot = hash_line(line) & (store->n_slots - 1);

	while (store->slots[slot] && memcmp(&store->lines[store->slots[slot] - 1], line, sizeof(*line)) != 0)
		slot = (slot + 1) & (store->n_slots - 1);
	return &store->slots[slot];
}

/* Keeps at least half of the slots free. */
static int make_slots(struct node_store *store)
{
	struct node_store larger = *store;

	if ((store->n_lines + 1) * 2 <= store->n_slots)
		return 0;
	larger.n_slots = store->n_slots ? store->n_slots * 2 : 64;
	larger.slots = calloc(larger.n_slots, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (uint32_t index = 0; index < store->n_lines; index++)
		*find_slot(&larger, &store->lines[index]) = index + 1;
	free(store->slots);
	*store = larger;
	return 0;
}

static int intern(struct node_store *store, const struct epg_node *line, uint32_t *ret_target)
{
	uint32_t *slot;

	if (make_slots(store))
		return -ENOMEM;
	slot = find_slot(store, line);
	if (!*slot) {
		if (store->n_lines == NODES_MAX)
			return -E2BIG;
		if (array_reserve(&store->lines, &store->capacity, store->n_lines + 1, sizeof(*line)))
			return -ENOMEM;
		store->lines[store->n_lines++] = *line;
		*slot = (uint32_t)store->n_lines;
	}
	*ret_target = *slot - 1;
	return 0;
}

/*
 * Narrow nodes hold the distances of targets from the smallest one. Returns that one if each distance has room,
 * what misses left aside, else EPG_TARGET_MISS, as where all of them miss.
 */
static uint32_t base_of(const struct node_interval *intervals, size_t n)
{
	uint32_t least = EPG_TARGET_MISS, most = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t target = intervals[i].target;

		if (target == EPG_TARGET_MISS)
			continue;
		least = target < least ? target : least;
		most = target > most ? target : most;
	}
	return most - least < EPG_STEP_MISS ? least : EPG_TARGET_MISS;
}

/* Of `n` intervals: how many each node gets, where a node has room for `places` and all are filled evenly. */
static size_t even_part(size_t n, size_t places)
{
	size_t n_nodes = (n + places - 1) / places;

	return (n + n_nodes - 1) / n_nodes;
}

/*
 * The first interval's start is left away: whoever reaches this node has a value at or after it, and equal halves of
 * different trees become one node. Unused places begin at 0xffff with the last target, so that they are right for the
 * value 0xffff, the only one that reaches them.
 */
static struct epg_node make_wide(uint8_t field, const struct node_interval *intervals, size_t n)
{
	struct epg_node node = {.field = field, .form = EPG_FORM_WIDE};

	for (size_t i = 0; i < EPG_NODE_WIDE; i++) {
		if (i > 0)
			node.start[i - 1] = i < n ? intervals[i].start : UINT16_MAX;
		node.wide.target[i] = intervals[i < n ? i : n - 1].target;
	}
	return node;
}

/* The same with a base; narrow nodes are made where a wide one has too few places. */
static struct epg_node make_narrow(uint8_t field, const struct node_interval *intervals, size_t n, uint32_t base)
{
	struct epg_node node = {.field = field, .form = EPG_FORM_NARROW};

	node.narrow.base = base;
	for (size_t i = 0; i < EPG_NODE_NARROW; i++) {
		uint16_t start = i < n ? intervals[i].start : UINT16_MAX;
		uint32_t target = intervals[i < n ? i : n - 1].target;

		if (i >= EPG_NODE_WIDE)
			node.narrow.start[i - EPG_NODE_WIDE] = start;
		else if (i > 0)
			node.start[i - 1] = start;
		node.narrow.step[i] = target == EPG_TARGET_MISS ? EPG_STEP_MISS : (uint16_t)(target - base);
	}
	return node;
}

/*
 * What ten places are enough for, as in short lists, is wide: the programs read that faster. However targets lie,
 * there are never more nodes than if all were wide.
 */
size_t node_make(uint8_t field, const struct node_interval *intervals, size_t n, struct epg_node *ret)
{
	size_t part = even_part(n, EPG_NODE_NARROW);

	if (part > EPG_NODE_WIDE) {
		uint32_t base = base_of(intervals, part);

		if (base != EPG_TARGET_MISS) {
			*ret = make_narrow(field, intervals, part, base);
			return part;
		}
		part = even_part(n, EPG_NODE_WIDE);
	}
	*ret = make_wide(field, intervals, part);
	return part;
}

int node_store_tree(struct node_store *store, uint8_t field, struct node_interval *intervals, size_t n,
		    uint32_t *ret_target)
{
	while (n > 1) {
		size_t n_nodes = 0;

		for (size_t first = 0, part; first < n; first += part) {
			struct epg_node node;
			uint32_t target;
			int error;

			part = node_make(field, intervals + first, n - first, &node);
			error = intern(store, &node, &target);
			if (error)
				return error;
			intervals[n_nodes++] = (struct node_interval){intervals[first].start, target};
		}
		n = n_nodes;
	}
	*ret_target = intervals[0].target;
	return 0;
}
