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
 * The first interval's start is written as 0: whoever reaches this node has a value at or after it, and
 * equal halves of different trees become one node. Unused places begin at 0xffff with the last target, so
 * that they are right for the value 0xffff, the only one that reaches them.
 */
struct epg_node node_line(uint16_t field, const struct node_interval *intervals, size_t n)
{
	struct epg_node line = {.field = field};

	for (size_t i = 0; i < EPG_NODE_FANOUT; i++) {
		line.start[i] = i < n ? intervals[i].start : UINT16_MAX;
		line.target[i] = intervals[i < n ? i : n - 1].target;
	}
	line.start[0] = 0;
	return line;
}

int node_store_tree(struct node_store *store, uint16_t field, struct node_interval *intervals, size_t n,
		    uint32_t *ret_target)
{
	while (n > 1) {
		size_t n_lines = (n + EPG_NODE_FANOUT - 1) / EPG_NODE_FANOUT;

		/* Evenly filled lines: none is left with a single interval. */
		for (size_t i = 0; i < n_lines; i++) {
			size_t first = n * i / n_lines, end = n * (i + 1) / n_lines;
			struct epg_node line = node_line(field, intervals + first, end - first);
			uint32_t target;
			int error = intern(store, &line, &target);

			if (error)
				return error;
			intervals[i] = (struct node_interval){intervals[first].start, target};
		}
		n = n_lines;
	}
	*ret_target = intervals[0].target;
	return 0;
}
