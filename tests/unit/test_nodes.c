/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "compile/nodes.h"
#include "random.h"

#define STORE __attribute__((cleanup(node_store_clear))) struct node_store
#define INTERVALS_MAX 400
#define WINDOW 65535u /* of targets, among which a narrow node's are */

/* Neighbours differ, as in all lists: interval i begins at 100 i and leads to leaf 3 i. */
static void near_intervals(struct node_interval *intervals, size_t n)
{
	for (size_t i = 0; i < n; i++)
		intervals[i] = (struct node_interval){(uint16_t)(100 * i), EPG_TARGET_LEAF | (uint32_t)(3 * i)};
}

static uint32_t target_of(const struct node_interval *intervals, size_t n, uint32_t value)
{
	size_t i = n - 1;

	while (i > 0 && intervals[i].start > value)
		i--;
	return intervals[i].target;
}

/* A node answers as its intervals do, whether it is asked by value or by place. */
static void check_node(const struct epg_node *node, const struct node_interval *intervals, size_t n)
{
	cr_assert_leq(n, epg_node_places(node));
	for (uint32_t value = 0; value <= UINT16_MAX; value++)
		if (value >= intervals[0].start)
			cr_assert_eq(epg_node_find(node, value), target_of(intervals, n, value), "value %u of %zu",
				     value, n);
	cr_assert_eq(epg_node_start(node, 0), 0);
	for (uint32_t i = 0; i < epg_node_places(node); i++) {
		const struct node_interval *interval = &intervals[i < n ? i : n - 1];

		cr_assert_eq(epg_node_target(node, i), interval->target);
		if (i > 0)
			cr_assert_eq(epg_node_start(node, i), i < n ? interval->start : UINT16_MAX);
	}
}

/* One level of nodes; returns how many, with the number of intervals that each one took. */
static size_t make_level(const struct node_interval *intervals, size_t n, size_t parts[], size_t *ret_narrow)
{
	size_t n_nodes = 0;

	*ret_narrow = 0;
	for (size_t first = 0; first < n; first += parts[n_nodes++]) {
		struct epg_node node;

		parts[n_nodes] = node_make(5, intervals + first, n - first, &node);
		cr_assert_eq(node.field, 5);
		cr_assert_eq(node.form == EPG_FORM_NARROW, parts[n_nodes] > EPG_NODE_WIDE);
		*ret_narrow += node.form == EPG_FORM_NARROW;
		check_node(&node, intervals + first, parts[n_nodes]);
	}
	return n_nodes;
}

static void expect_level(const struct node_interval *intervals, size_t n, const size_t *expected, size_t n_expected,
			 size_t narrow)
{
	size_t parts[INTERVALS_MAX], n_narrow;

	cr_assert_eq(make_level(intervals, n, parts, &n_narrow), n_expected, "%zu intervals", n);
	cr_assert_arr_eq(parts, expected, n_expected * sizeof(*parts), "%zu intervals", n);
	cr_assert_eq(n_narrow, narrow, "%zu intervals", n);
}

#define PARTS(...) (const size_t[]){__VA_ARGS__}, sizeof((size_t[]){__VA_ARGS__}) / sizeof(size_t)

Test(nodes, are_narrow_from_eleven_to_fifteen_intervals)
{
	struct node_interval intervals[INTERVALS_MAX];

	near_intervals(intervals, 31);
	expect_level(intervals, 2, PARTS(2), 0);
	expect_level(intervals, 10, PARTS(10), 0);
	expect_level(intervals, 11, PARTS(11), 1);
	expect_level(intervals, 15, PARTS(15), 1);
	expect_level(intervals, 16, PARTS(8, 8), 0);
	expect_level(intervals, 20, PARTS(10, 10), 0);
	expect_level(intervals, 21, PARTS(11, 10), 1);
	expect_level(intervals, 30, PARTS(15, 15), 2);
	expect_level(intervals, 31, PARTS(11, 10, 10), 1);
}

Test(nodes, are_wide_where_targets_lie_too_far_apart)
{
	struct node_interval intervals[INTERVALS_MAX];

	near_intervals(intervals, 30);
	for (size_t i = 0; i < 30; i++)
		intervals[i].target = EPG_TARGET_LEAF | (uint32_t)(i * WINDOW);
	expect_level(intervals, 11, PARTS(6, 5), 0);
	expect_level(intervals, 15, PARTS(8, 7), 0);
	expect_level(intervals, 30, PARTS(10, 10, 10), 0);
	near_intervals(intervals, 30);
	intervals[3].target = 7;
	expect_level(intervals, 30, PARTS(10, 10, 10), 0);
	near_intervals(intervals, 30);
	intervals[12].target = 7;
	expect_level(intervals, 30, PARTS(10, 10, 10), 0);
	near_intervals(intervals, 30);
	intervals[29].target = 7;
	expect_level(intervals, 30, PARTS(15, 8, 7), 1);
}

/* The first and the last target of a node, with all others between. */
static void expect_form(uint32_t first, uint32_t last, enum epg_node_form form)
{
	struct node_interval intervals[11];
	struct epg_node node;
	size_t n;

	near_intervals(intervals, ARRAY_SIZE(intervals));
	for (size_t i = 0; i < ARRAY_SIZE(intervals); i++)
		intervals[i].target = (first < last ? first : last) + 1 + (uint32_t)i;
	intervals[2].target = first;
	intervals[9].target = last;
	n = node_make(0, intervals, ARRAY_SIZE(intervals), &node);
	cr_assert_eq((enum epg_node_form)node.form, form, "from 0x%x to 0x%x", first, last);
	check_node(&node, intervals, n);
}

Test(nodes, have_a_window_of_65535_targets)
{
	static const uint32_t bases[] = {0,
					 1,
					 70000,
					 EPG_TARGET_LEAF,
					 EPG_LEAF(EPG_LEVEL_FILTERED, EPG_PERMIT, 123456),
					 EPG_TARGET_MISS - WINDOW - 1};

	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		expect_form(bases[i], bases[i] + WINDOW - 1, EPG_FORM_NARROW);
		expect_form(bases[i], bases[i] + WINDOW, EPG_FORM_WIDE);
		expect_form(bases[i] + WINDOW - 1, bases[i], EPG_FORM_NARROW);
		expect_form(bases[i] + WINDOW, bases[i], EPG_FORM_WIDE);
	}
}

Test(nodes, lead_to_what_misses_from_either_form)
{
	struct node_interval intervals[INTERVALS_MAX];

	near_intervals(intervals, 15);
	for (size_t i = 0; i < 15; i += 2)
		intervals[i].target = EPG_TARGET_MISS;
	expect_level(intervals, 10, PARTS(10), 0);
	expect_level(intervals, 15, PARTS(15), 1);
	intervals[5].target = EPG_TARGET_LEAF | (intervals[1].target + WINDOW - 1);
	expect_level(intervals, 15, PARTS(15), 1);
	intervals[5].target++;
	expect_level(intervals, 15, PARTS(8, 7), 0);
	for (size_t i = 0; i < 15; i++)
		intervals[i].target = EPG_TARGET_MISS;
	expect_level(intervals, 15, PARTS(8, 7), 0);
}

Test(nodes, tell_the_highest_value_apart)
{
	struct node_interval intervals[INTERVALS_MAX];

	for (size_t n = 2; n <= EPG_NODE_NARROW; n++) {
		near_intervals(intervals, n);
		intervals[n - 1].start = UINT16_MAX;
		expect_level(intervals, n, PARTS(n), n > EPG_NODE_WIDE);
	}
}

static size_t random_intervals(uint64_t *random, struct node_interval *intervals)
{
	static const uint32_t spans[] = {4, 4000, 70000, 1 << 24};
	size_t n = 2 + random_below(random, INTERVALS_MAX - 2);
	uint32_t span = spans[random_below(random, ARRAY_SIZE(spans))], start = 0;
	unsigned int misses = (unsigned int)random_below(random, 4);

	for (size_t i = 0; i < n; i++) {
		intervals[i].start = (uint16_t)start;
		start += 1 + (uint32_t)random_below(random, (UINT16_MAX - start - (n - i - 2)) / (n - i) * 2 - 1);
		do {
			intervals[i].target = random_below(random, 4) < misses
						      ? EPG_TARGET_MISS
						      : EPG_TARGET_LEAF | (uint32_t)random_below(random, span);
		} while (i > 0 && intervals[i].target == intervals[i - 1].target);
	}
	if (random_below(random, 2))
		intervals[n - 1].start = UINT16_MAX;
	return n;
}

Test(nodes, answer_as_their_intervals_do)
{
	struct node_interval intervals[INTERVALS_MAX], level[INTERVALS_MAX];
	size_t parts[INTERVALS_MAX], narrow = 0, wide = 0;
	uint64_t random = 20261122;

	for (unsigned int round = 0; round < 100; round++) {
		STORE store = {0};
		size_t n = random_intervals(&random, intervals), n_narrow, n_nodes;
		uint32_t root;

		n_nodes = make_level(intervals, n, parts, &n_narrow);
		narrow += n_narrow;
		wide += n_nodes - n_narrow;
		cr_assert_leq(n_nodes, (n + EPG_NODE_WIDE - 1) / EPG_NODE_WIDE);
		for (size_t i = 0; i < n_nodes; i++)
			cr_assert_geq(parts[i], 2);
		memcpy(level, intervals, sizeof(level));
		cr_assert_eq(node_store_tree(&store, 5, level, n, &root), 0);
		for (uint32_t value = 0; value <= UINT16_MAX; value++) {
			uint32_t target = root;

			while (!(target & EPG_TARGET_LEAF))
				target = epg_node_find(&store.lines[target], value);
			cr_assert_eq(target, target_of(intervals, n, value));
		}
	}
	cr_assert(narrow > 500 && wide > 500, "%zu narrow, %zu wide", narrow, wide);
}

Test(nodes, of_the_same_intervals_are_one)
{
	struct node_interval first[40], again[40];
	STORE store = {0};
	uint32_t root, other;
	size_t n_lines;

	near_intervals(first, ARRAY_SIZE(first));
	memcpy(again, first, sizeof(again));
	cr_assert_eq(node_store_tree(&store, 5, first, ARRAY_SIZE(first), &root), 0);
	n_lines = store.n_lines;
	cr_assert_eq(n_lines, 4, "14, 13 and 13 intervals, and the way to them");
	cr_assert_eq(node_store_tree(&store, 5, again, ARRAY_SIZE(again), &other), 0);
	cr_assert_eq(root, other);
	cr_assert_eq(store.n_lines, n_lines);
}
