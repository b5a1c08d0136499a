/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/diagram.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bitset.h"
#include "compile/lists.h"
#include "base/util.h"

/* List elements that are remembered at a time (64 MB); beyond, equal parts are built twice. */
#define REMEMBERED_MAX ((size_t)1 << 24)

/* A value of an event, at most 0x10000, is sorted by two digits. */
#define RADIX_BITS 9
#define RADIX_MASK ((UINT64_C(1) << RADIX_BITS) - 1)
#define FEW_EVENTS 64
/* Events of so many boxes are sorted in one pass, by the whole value. */
#define MANY_BOXES 16384

/* A box begins and ends, in the first field twice at most. */
#define EVENTS_OF_BOX 4

/* An interval costs more than a list's element: it stays, as a piece of a node. */
#define INTERVAL_STEPS 16

/* One diagram being built. Lists hold indices of boxes in order of precedence. */
struct build {
	struct diagram_builder *builder;
	struct diagram_box *boxes;
	uint8_t *constrained; /* by box: a bit for each field that is not the full range */
	struct list_table known;
};

/* What one field's sweep over a list needs. */
struct sweep {
	uint64_t *events;     /* value << 32 | place in the list << 1 | whether the box begins there */
	size_t n_events;      /* as much room again is for sorting, where there are not many */
	struct bitset active; /* places in the list whose boxes are around the current value */
	uint32_t *rest;       /* list for the fields that follow */
	struct node_interval *intervals;
	size_t n_intervals;
};

static int build_list(struct build *build, unsigned int field, const uint32_t *list, size_t n, uint32_t *ret_target);

void diagram_builder_clear(struct diagram_builder *builder)
{
	node_store_clear(&builder->nodes);
}

static int spend(struct build *build, size_t steps)
{
	build->builder->work += steps;
	return build->builder->work > DIAGRAM_WORK_MAX ? -E2BIG : 0;
}

static void sweep_clear(struct sweep *sweep)
{
	free(sweep->events);
	free(sweep->rest);
	free(sweep->intervals);
	bitset_clear(&sweep->active);
}

static size_t events_room(unsigned int field, size_t n)
{
	return n * (field == 0 ? EVENTS_OF_BOX : EVENTS_OF_BOX / 2);
}

/* What is not used of it is not touched: that would take longer than to build most fields. */
static int sweep_init(struct sweep *sweep, unsigned int field, size_t n)
{
	int error = bitset_init(&sweep->active, n);

	if (error)
		return error;
	sweep->events = reallocarray(NULL, 2 * events_room(field, n), sizeof(*sweep->events));
	sweep->rest = reallocarray(NULL, n, sizeof(*sweep->rest));
	sweep->intervals = reallocarray(NULL, events_room(field, n) + 1, sizeof(*sweep->intervals));
	return sweep->events && sweep->rest && sweep->intervals ? 0 : -ENOMEM;
}

/* One pass of a radix sort: by 9 bits of the events' values, from bit `shift` on. Equal ones keep their order. */
static void sort_pass(const uint64_t *from, uint64_t *to, size_t n, unsigned int shift)
{
	size_t places[1 << RADIX_BITS] = {0};
	size_t place = 0;

	for (size_t i = 0; i < n; i++)
		places[from[i] >> shift & RADIX_MASK]++;
	for (size_t digit = 0; digit <= RADIX_MASK; digit++) {
		size_t count = places[digit];

		places[digit] = place;
		place += count;
	}
	for (size_t i = 0; i < n; i++)
		to[places[from[i] >> shift & RADIX_MASK]++] = from[i];
}

/* By value; a few by insertion, many in two passes, since sorting is most of the work on large policies. */
static void sort_events(uint64_t *events, uint64_t *spare, size_t n)
{
	if (n > FEW_EVENTS) {
		sort_pass(events, spare, n, 32);
		sort_pass(spare, events, n, 32 + RADIX_BITS);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		uint64_t event = events[i];
		size_t place = i;

		for (; place > 0 && events[place - 1] > event; place--)
			events[place] = events[place - 1];
		events[place] = event;
	}
}

/* Where a box begins and ends in a field; returns how many events that are. */
static size_t events_of(const struct diagram_box *box, unsigned int field, size_t place, uint64_t ret[EVENTS_OF_BOX])
{
	const struct model_range ranges[] = {box->fields[field], box->also};
	size_t n_ranges = field == 0 && box->twofold ? 2 : 1, n = 0;

	for (size_t i = 0; i < n_ranges; i++) {
		ret[n++] = (uint64_t)ranges[i].first << 32 | place << 1 | 1;
		if (ranges[i].last < UINT16_MAX)
			ret[n++] = ((uint64_t)ranges[i].last + 1) << 32 | place << 1;
	}
	return n;
}

static void add_events(const struct build *build, struct sweep *sweep, unsigned int field, const uint32_t *list,
		       size_t n)
{
	for (size_t place = 0; place < n; place++)
		sweep->n_events += events_of(&build->boxes[list[place]], field, place, sweep->events + sweep->n_events);
	sort_events(sweep->events, sweep->events + events_room(field, n), sweep->n_events);
}

/* The same for many: counts how many there are of each value, and writes each event where it belongs. */
static int add_many_events(const struct build *build, struct sweep *sweep, unsigned int field, const uint32_t *list,
			   size_t n)
{
	AUTO_FREE uint32_t *places = array_new(UINT16_MAX + 1, sizeof(*places));
	uint64_t events[EVENTS_OF_BOX];

	if (!places)
		return -ENOMEM;
	for (size_t place = 0; place < n; place++)
		for (size_t i = events_of(&build->boxes[list[place]], field, place, events); i-- > 0;)
			places[events[i] >> 32]++;
	for (size_t value = 0; value <= UINT16_MAX; value++) {
		uint32_t count = places[value];

		places[value] = (uint32_t)sweep->n_events;
		sweep->n_events += count;
	}
	for (size_t place = 0; place < n; place++) {
		size_t n_events = events_of(&build->boxes[list[place]], field, place, events);

		for (size_t i = 0; i < n_events; i++)
			sweep->events[places[events[i] >> 32]++] = events[i];
	}
	return 0;
}

/* Opens and closes boxes at the value of the next event; returns that value. */
static uint16_t advance(struct sweep *sweep, size_t *next)
{
	uint16_t value = (uint16_t)(sweep->events[*next] >> 32);

	for (; *next < sweep->n_events && sweep->events[*next] >> 32 == value; ++*next) {
		size_t place = (uint32_t)sweep->events[*next] >> 1;

		if (sweep->events[*next] & 1)
			bitset_insert(&sweep->active, place);
		else
			bitset_remove(&sweep->active, place);
	}
	return value;
}

static void add_interval(struct sweep *sweep, uint16_t start, uint32_t target)
{
	if (!sweep->n_intervals || sweep->intervals[sweep->n_intervals - 1].target != target)
		sweep->intervals[sweep->n_intervals++] = (struct node_interval){start, target};
}

/* The target for values where exactly the active boxes are. The first box that is free from here on hides the rest. */
static int build_rest(struct build *build, struct sweep *sweep, unsigned int field, const uint32_t *list,
		      uint32_t *ret_target)
{
	size_t n = 0;
	int error;

	for (size_t place = bitset_next(&sweep->active, 0); place != BITSET_END;
	     place = bitset_next(&sweep->active, place + 1)) {
		sweep->rest[n++] = list[place];
		if (!(build->constrained[list[place]] >> (field + 1)))
			break;
	}
	error = spend(build, n + INTERVAL_STEPS);
	return error ? error : build_list(build, field + 1, sweep->rest, n, ret_target);
}

static int sweep_run(struct build *build, struct sweep *sweep, unsigned int field, const uint32_t *list)
{
	if (sweep->events[0] >> 32)
		add_interval(sweep, 0, EPG_TARGET_MISS);
	for (size_t next = 0; next < sweep->n_events;) {
		uint16_t start = advance(sweep, &next);
		uint32_t target;
		int error = build_rest(build, sweep, field, list, &target);

		if (error)
			return error;
		add_interval(sweep, start, target);
	}
	return node_store_tree(&build->builder->nodes, (uint8_t)field, sweep->intervals, sweep->n_intervals,
			       &sweep->intervals[0].target);
}

static int build_field(struct build *build, unsigned int field, const uint32_t *list, size_t n, uint32_t *ret_target)
{
	__attribute__((cleanup(sweep_clear))) struct sweep sweep = {0};
	int error = sweep_init(&sweep, field, n);

	if (error)
		return error;
	if (n < MANY_BOXES)
		add_events(build, &sweep, field, list, n);
	else
		error = add_many_events(build, &sweep, field, list, n);
	if (!error)
		error = spend(build, sweep.n_events);
	if (error)
		return error;
	error = sweep_run(build, &sweep, field, list);
	if (!error)
		*ret_target = sweep.intervals[0].target;
	return error;
}

/* A list of one box, as most are that prefixes lead to: no sweep and no memory. */
static int build_single(struct build *build, unsigned int field, const uint32_t *list, uint32_t *ret_target)
{
	struct model_range range = build->boxes[*list].fields[field];
	struct node_interval intervals[3];
	uint32_t inside;
	size_t n = 0;
	int error = spend(build, INTERVAL_STEPS * ARRAY_SIZE(intervals));

	if (!error)
		error = build_list(build, field + 1, list, 1, &inside);
	if (error)
		return error;
	if (range.first > 0)
		intervals[n++] = (struct node_interval){0, EPG_TARGET_MISS};
	intervals[n++] = (struct node_interval){range.first, inside};
	if (range.last < UINT16_MAX)
		intervals[n++] = (struct node_interval){(uint16_t)(range.last + 1), EPG_TARGET_MISS};
	return node_store_tree(&build->builder->nodes, (uint8_t)field, intervals, n, ret_target);
}

/* The first field from `field` on that any box of the list constrains. */
static unsigned int next_field(const struct build *build, unsigned int field, const uint32_t *list, size_t n)
{
	unsigned int constrained = 0;

	for (size_t i = 0; i < n; i++)
		constrained |= build->constrained[list[i]];
	return field + (unsigned int)__builtin_ctz(constrained >> field);
}

static uint32_t leaf_of(const struct build *build, uint32_t box)
{
	build->boxes[box].reached = true;
	return build->boxes[box].leaf;
}

/* Only the last box of a list may be free in all fields from `field` on. */
static int build_list(struct build *build, unsigned int field, const uint32_t *list, size_t n, uint32_t *ret_target)
{
	uint32_t target;
	int error;

	if (n == 0 || !(build->constrained[list[0]] >> field)) {
		*ret_target = n ? leaf_of(build, list[0]) : EPG_TARGET_MISS;
		return 0;
	}
	field = next_field(build, field, list, n);
	if (n == 1 && !(field == 0 && build->boxes[*list].twofold))
		return build_single(build, field, list, ret_target);
	if (!list_table_find(&build->known, field, list, n, ret_target))
		return 0;
	error = build_field(build, field, list, n, &target);
	if (!error && build->known.n_pool + n <= REMEMBERED_MAX)
		error = list_table_add(&build->known, field, list, n, target);
	if (!error)
		*ret_target = target;
	return error;
}

static uint8_t constrained_fields(const struct diagram_box *box)
{
	unsigned int constrained = 0;

	for (unsigned int field = 0; field < DIAGRAM_FIELDS; field++) {
		if (box->fields[field].first > 0 || box->fields[field].last < UINT16_MAX)
			constrained |= 1u << field;
	}
	return (uint8_t)constrained;
}

bool diagram_box_join(struct diagram_box *box, const struct diagram_box *next)
{
	if (box->twofold || next->twofold || box->leaf != next->leaf || next->fields[0].first <= box->fields[0].last ||
	    memcmp(&box->fields[1], &next->fields[1], sizeof(box->fields) - sizeof(box->fields[0])) != 0)
		return false;
	box->twofold = true;
	box->also = next->fields[0];
	return true;
}

int diagram_build(struct diagram_builder *builder, struct diagram_box *boxes, size_t n, uint32_t *ret_root)
{
	AUTO_FREE uint8_t *constrained = array_new(n, sizeof(*constrained));
	AUTO_FREE uint32_t *list = array_new(n, sizeof(*list));
	struct build build = {.builder = builder, .boxes = boxes, .constrained = constrained};
	size_t n_list = 0;
	int error;

	if (!constrained || !list)
		return -ENOMEM;
	if (n > BITSET_MAX)
		return -E2BIG;
	for (size_t i = 0; i < n; i++) {
		constrained[i] = constrained_fields(&boxes[i]);
		list[n_list++] = (uint32_t)i;
		if (!constrained[i])
			break;
	}
	error = build_list(&build, 0, list, n_list, ret_root);
	list_table_clear(&build.known);
	return error;
}

uint32_t diagram_find(const struct epg_node *nodes, size_t n_nodes, uint32_t root, uint64_t high, uint64_t low)
{
	uint32_t target = root;

	for (unsigned int depth = 0; depth < EPG_DIAGRAM_DEPTH && target < n_nodes; depth++) {
		const struct epg_node *node = &nodes[target];

		target = epg_node_find(node, epg_key_field(high, low, node->field));
	}
	return target;
}
