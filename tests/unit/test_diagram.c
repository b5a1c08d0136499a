/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compile/diagram.h"
#include "random.h"
#include "base/util.h"

#define BUILDER __attribute__((cleanup(diagram_builder_clear))) struct diagram_builder

static struct diagram_box any_box(uint32_t leaf)
{
	struct diagram_box box = DIAGRAM_BOX_ANY;

	box.leaf = EPG_TARGET_LEAF | leaf;
	return box;
}

static struct diagram_box box2(uint32_t leaf, struct model_range kind, struct model_range destination)
{
	struct diagram_box box = any_box(leaf);

	box.fields[EPG_FIELD_KIND] = kind;
	box.fields[EPG_FIELD_DESTINATION] = destination;
	return box;
}

static uint16_t field_of(const uint64_t key[2], unsigned int field)
{
	return (uint16_t)epg_key_field(key[0], key[1], field);
}

static void set_field(uint64_t key[2], unsigned int field, uint16_t value)
{
	unsigned int shift = 48 - 16 * (field % 4);

	key[field / 4] = (key[field / 4] & ~(UINT64_C(0xffff) << shift)) | (uint64_t)value << shift;
}

/* What the diagram must answer, found the slow way. */
static uint32_t first_around(const struct diagram_box *boxes, size_t n, const uint64_t key[2])
{
	for (size_t i = 0; i < n; i++) {
		bool inside = true;

		for (unsigned int field = 0; field < DIAGRAM_FIELDS; field++)
			inside = inside && field_of(key, field) >= boxes[i].fields[field].first &&
				 field_of(key, field) <= boxes[i].fields[field].last;
		if (inside)
			return boxes[i].leaf;
	}
	return EPG_TARGET_MISS;
}

/* A key near the edges of boxes, where mistakes live. */
static void edgy_key(uint64_t *random, const struct diagram_box *boxes, size_t n, uint64_t key[2])
{
	for (unsigned int field = 0; field < DIAGRAM_FIELDS; field++) {
		const struct diagram_box *box = &boxes[random_below(random, n)];
		uint16_t edges[] = {
			box->fields[field].first,
			(uint16_t)(box->fields[field].first - 1),
			box->fields[field].last,
			(uint16_t)(box->fields[field].last + 1),
			0,
			UINT16_MAX,
			(uint16_t)random_next(random),
		};

		set_field(key, field, edges[random_below(random, ARRAY_SIZE(edges))]);
	}
}

static void check_against_boxes(const struct diagram_builder *builder, uint32_t root, const struct diagram_box *boxes,
				size_t n, uint64_t *random)
{
	for (unsigned int i = 0; i < 4000; i++) {
		uint64_t key[2] = {0};

		edgy_key(random, boxes, n, key);
		cr_assert_eq(diagram_find(builder->nodes.lines, builder->nodes.n_lines, root, key[0], key[1]),
			     first_around(boxes, n, key), "key %016lx %016lx of %zu boxes", key[0], key[1], n);
	}
}

static void check_line(const struct epg_node *node, unsigned int field)
{
	uint32_t places = epg_node_places(node);

	cr_assert_leq(node->form, EPG_FORM_NARROW);
	cr_assert(node->form == EPG_FORM_NARROW || node->wide.reserved == 0);
	cr_assert_lt(node->field, DIAGRAM_FIELDS);
	cr_assert_geq(node->field, field, "fields are tested in ascending order");
	for (uint32_t i = 1; i < places; i++)
		cr_assert(epg_node_start(node, i) > epg_node_start(node, i - 1) ||
			  (epg_node_start(node, i) == UINT16_MAX &&
			   epg_node_target(node, i) == epg_node_target(node, places - 1)));
}

/*
 * Checks every node below a target as abi.h promises it; returns the number of nodes on the longest way down.
 * `lengths` remembers those of nodes that were seen, by index: ways meet again, and are too many to walk each.
 */
static unsigned int check_nodes(const struct diagram_builder *builder, uint32_t target, unsigned int field,
				unsigned int *lengths)
{
	const struct epg_node *node = &builder->nodes.lines[target];
	unsigned int longest = 0;

	if (target & EPG_TARGET_LEAF)
		return 0;
	cr_assert_lt(target, builder->nodes.n_lines);
	check_line(node, field);
	for (uint32_t i = 0; i < epg_node_places(node) && !lengths[target]; i++) {
		unsigned int length = check_nodes(builder, epg_node_target(node, i), node->field, lengths);

		longest = length > longest ? length : longest;
	}
	lengths[target] = lengths[target] ? lengths[target] : longest + 1;
	return lengths[target];
}

static unsigned int longest_way(const struct diagram_builder *builder, uint32_t root)
{
	AUTO_FREE unsigned int *lengths = calloc(builder->nodes.n_lines + 1, sizeof(*lengths));

	return check_nodes(builder, root, 0, lengths);
}

static struct diagram_box random_box(uint64_t *random, unsigned int span, uint32_t leaf)
{
	struct diagram_box box = any_box(leaf);

	for (unsigned int field = 0; field < DIAGRAM_FIELDS; field++) {
		uint16_t first = (uint16_t)random_below(random, span), last = (uint16_t)random_below(random, span);

		switch (random_below(random, 6)) {
		case 0:
			box.fields[field] = (struct model_range){first, first};
			break;
		case 1:
			box.fields[field] =
				(struct model_range){first < last ? first : last, first < last ? last : first};
			break;
		case 2:
			box.fields[field] = (struct model_range){(uint16_t)(UINT16_MAX - first), UINT16_MAX};
			break;
		default:
			break;
		}
	}
	return box;
}

Test(diagram, fields_of_a_key_stand_in_order)
{
	for (unsigned int field = 0; field < DIAGRAM_FIELDS; field++)
		cr_assert_eq(epg_key_field(0x0100020103020403, 0x0504060507060807, field), (field + 1) << 8 | field);
}

Test(diagram, no_box_is_a_miss)
{
	BUILDER builder = {0};
	uint32_t root;

	cr_assert_eq(diagram_build(&builder, NULL, 0, &root), 0);
	cr_assert_eq(root, EPG_TARGET_MISS);
	cr_assert_eq(diagram_find(NULL, 0, root, 0, 0), EPG_TARGET_MISS);
}

Test(diagram, a_box_around_everything_is_a_leaf)
{
	BUILDER builder = {0};
	struct diagram_box boxes[] = {any_box(7), any_box(8)};
	uint32_t root;

	cr_assert_eq(diagram_build(&builder, boxes, 2, &root), 0);
	cr_assert_eq(root, EPG_TARGET_LEAF | 7);
	cr_assert_eq(builder.nodes.n_lines, 0);
}

Test(diagram, first_box_wins_and_the_highest_value_belongs_to_it)
{
	BUILDER builder = {0};
	struct diagram_box boxes[] = {
		box2(1, (struct model_range){6, 6}, (struct model_range){UINT16_MAX, UINT16_MAX}),
		box2(2, (struct model_range){6, 6}, (struct model_range){80, UINT16_MAX}),
	};
	uint32_t root;

	cr_assert_eq(diagram_build(&builder, boxes, 2, &root), 0);
	cr_assert_eq(diagram_find(builder.nodes.lines, builder.nodes.n_lines, root, 6ull << 48 | 0xffffull << 32, 0),
		     EPG_TARGET_LEAF | 1);
	cr_assert_eq(diagram_find(builder.nodes.lines, builder.nodes.n_lines, root, 6ull << 48 | 0xfffeull << 32, 0),
		     EPG_TARGET_LEAF | 2);
	cr_assert_eq(diagram_find(builder.nodes.lines, builder.nodes.n_lines, root, 6ull << 48 | 79ull << 32, 0),
		     EPG_TARGET_MISS);
	cr_assert_eq(diagram_find(builder.nodes.lines, builder.nodes.n_lines, root, 7ull << 48 | 80ull << 32, 0),
		     EPG_TARGET_MISS);
}

Test(diagram, neighbours_with_one_answer_are_one_interval)
{
	BUILDER builder = {0};
	struct diagram_box boxes[20];
	uint32_t root;

	for (unsigned int i = 0; i < 20; i++)
		boxes[i] = box2(5, MODEL_RANGE_ANY, (struct model_range){(uint16_t)(100 + i), (uint16_t)(100 + i)});
	cr_assert_eq(diagram_build(&builder, boxes, 20, &root), 0);
	cr_assert_eq(builder.nodes.n_lines, 1, "100-119 is a single interval");
	cr_assert_eq(builder.nodes.lines[root].field, EPG_FIELD_DESTINATION, "a field that is free is not tested");
}

Test(diagram, equal_diagrams_share_their_nodes)
{
	BUILDER builder = {0};
	struct diagram_box tcp4 = box2(9, (struct model_range){6, 6}, (struct model_range){80, 90});
	struct diagram_box tcp6 = box2(9, (struct model_range){0x106, 0x106}, (struct model_range){80, 90});
	struct diagram_box both[] = {tcp4, tcp6};
	uint32_t first, again;

	cr_assert_eq(diagram_build(&builder, both, 2, &first), 0);
	cr_assert_eq(builder.nodes.n_lines, 2, "one node for the kinds, one for the ports of both");
	cr_assert_eq(diagram_build(&builder, both, 2, &again), 0);
	cr_assert_eq(first, again);
	cr_assert_eq(builder.nodes.n_lines, 2);
}

static size_t count_narrow(const struct diagram_builder *builder)
{
	size_t n = 0;

	for (size_t i = 0; i < builder->nodes.n_lines; i++)
		n += builder->nodes.lines[i].form == EPG_FORM_NARROW;
	return n;
}

Test(diagram, agrees_with_the_list_of_boxes)
{
	uint64_t random = 20261122;
	size_t narrow = 0;

	for (unsigned int round = 0; round < 60; round++) {
		BUILDER builder = {0};
		struct diagram_box boxes[24];
		size_t n = 1 + random_below(&random, ARRAY_SIZE(boxes));
		unsigned int span = round % 2 ? 12 : UINT16_MAX;
		uint32_t root;

		for (size_t i = 0; i < n; i++)
			boxes[i] = random_box(&random, span, (uint32_t)random_below(&random, 6));
		cr_assert_eq(diagram_build(&builder, boxes, n, &root), 0);
		cr_assert_leq(longest_way(&builder, root), EPG_DIAGRAM_DEPTH);
		check_against_boxes(&builder, root, boxes, n, &random);
		narrow += count_narrow(&builder);
	}
	cr_assert_gt(narrow, 100);
}

/* Boxes as rules for IPv4 and IPv6 have them, one beside the other; returns how many there are when they are joined. */
static size_t join(const struct diagram_box *boxes, size_t n, struct diagram_box *ret)
{
	size_t joined = 0;

	for (size_t i = 0; i < n; i++)
		if (!joined || !diagram_box_join(&ret[joined - 1], &boxes[i]))
			ret[joined++] = boxes[i];
	return joined;
}

static struct model_range short_range(uint64_t *random)
{
	uint16_t first = (uint16_t)random_below(random, 12);

	return (struct model_range){first, (uint16_t)(first + random_below(random, 3))};
}

Test(diagram, a_box_that_is_joined_stands_for_both)
{
	uint64_t random = 20261123;
	size_t joins = 0;

	for (unsigned int round = 0; round < 60; round++) {
		BUILDER builder = {0};
		struct diagram_box boxes[24], joined[ARRAY_SIZE(boxes)];
		size_t n = 2 * (1 + random_below(&random, ARRAY_SIZE(boxes) / 2)), n_joined;
		uint32_t root;

		for (size_t i = 0; i < n; i += 2) {
			boxes[i] = random_box(&random, 12, (uint32_t)random_below(&random, 6));
			boxes[i + 1] = boxes[i];
			boxes[i].fields[0] = short_range(&random);
			boxes[i + 1].fields[0] = short_range(&random);
		}
		n_joined = join(boxes, n, joined);
		joins += n - n_joined;
		cr_assert_eq(diagram_build(&builder, joined, n_joined, &root), 0);
		check_against_boxes(&builder, root, boxes, n, &random);
	}
	cr_assert_gt(joins, 50);
}

Test(diagram, only_what_comes_later_in_the_first_field_is_joined)
{
	struct diagram_box box = box2(1, (struct model_range){6, 6}, (struct model_range){80, 80});
	struct diagram_box later = box, around = box, other_leaf = box, other_port = box;

	later.fields[0] = (struct model_range){7, 9};
	around.fields[0] = (struct model_range){0, 10};
	other_leaf.fields[0] = other_port.fields[0] = later.fields[0];
	other_leaf.leaf = EPG_TARGET_LEAF | 2;
	other_port.fields[EPG_FIELD_DESTINATION].last = 81;
	cr_assert_not(diagram_box_join(&box, &box));
	cr_assert_not(diagram_box_join(&box, &around));
	cr_assert_not(diagram_box_join(&box, &other_leaf));
	cr_assert_not(diagram_box_join(&box, &other_port));
	cr_assert(diagram_box_join(&box, &later));
	later.fields[0] = (struct model_range){11, 11};
	cr_assert_not(diagram_box_join(&box, &later), "there is room for two");
}

Test(diagram, many_joined_boxes_are_sorted_as_few_are)
{
	BUILDER builder = {0};
	const unsigned int n = 40000;
	AUTO_FREE struct diagram_box *boxes = calloc(n, sizeof(*boxes));
	uint32_t root;

	for (unsigned int i = 0; i < n; i++) {
		struct model_range port = {(uint16_t)(n - i), (uint16_t)(n - i)};
		struct diagram_box again = box2(i, (struct model_range){0x106, 0x106}, port);

		boxes[i] = box2(i, (struct model_range){6, 6}, port);
		cr_assert(diagram_box_join(&boxes[i], &again));
	}
	cr_assert_eq(diagram_build(&builder, boxes, n, &root), 0);
	for (unsigned int i = 0; i < n; i++) {
		static const uint16_t kinds[] = {5, 6, 7, 0x105, 0x106, 0x107};

		for (size_t j = 0; j < ARRAY_SIZE(kinds); j++)
			cr_assert_eq(diagram_find(builder.nodes.lines, builder.nodes.n_lines, root,
						  (uint64_t)kinds[j] << 48 | (uint64_t)(n - i) << 32, 0),
				     kinds[j] % 0x100 == 6 ? EPG_TARGET_LEAF | i : EPG_TARGET_MISS);
	}
}

/* Each value leads elsewhere; how far apart their leaves are decides which form the nodes have. */
static unsigned int depth_of_one_field(uint32_t apart)
{
	BUILDER builder = {0};
	AUTO_FREE struct diagram_box *boxes = calloc(UINT16_MAX + 1, sizeof(*boxes));
	uint32_t root;

	for (unsigned int i = 0; i <= UINT16_MAX; i++)
		boxes[i] = box2(apart * i, MODEL_RANGE_ANY, (struct model_range){(uint16_t)i, (uint16_t)i});
	cr_assert_eq(diagram_build(&builder, boxes, UINT16_MAX + 1, &root), 0);
	for (unsigned int i = 0; i <= UINT16_MAX; i++)
		cr_assert_eq(diagram_find(builder.nodes.lines, builder.nodes.n_lines, root, (uint64_t)i << 32, 0),
			     EPG_TARGET_LEAF | apart * i);
	return longest_way(&builder, root);
}

Test(diagram, one_field_is_at_most_five_nodes_deep)
{
	cr_assert_eq(depth_of_one_field(1), 5);
	cr_assert_eq(depth_of_one_field(0x7000), 5, "leaves too far apart for narrow nodes");
}

Test(diagram, nested_ranges_stay_linear)
{
	BUILDER builder = {0};
	const unsigned int n = 30000;
	AUTO_FREE struct diagram_box *boxes = calloc(n, sizeof(*boxes));
	uint32_t root;

	/* The innermost range comes first: box i begins i before the middle and ends i after it. */
	for (unsigned int i = 0; i < n; i++)
		boxes[i] = box2(i, MODEL_RANGE_ANY, (struct model_range){(uint16_t)(32000 - i), (uint16_t)(32000 + i)});
	cr_assert_eq(diagram_build(&builder, boxes, n, &root), 0);
	cr_assert_lt(builder.work, 100 * (uint64_t)n);
	cr_assert_eq(diagram_find(builder.nodes.lines, builder.nodes.n_lines, root, (32000ull - 123) << 32, 0),
		     EPG_TARGET_LEAF | 123);
	cr_assert_eq(diagram_find(builder.nodes.lines, builder.nodes.n_lines, root, (32000ull + 29999) << 32, 0),
		     EPG_TARGET_LEAF | 29999);
	cr_assert_eq(diagram_find(builder.nodes.lines, builder.nodes.n_lines, root, (32000ull + 30000) << 32, 0),
		     EPG_TARGET_MISS);
}

Test(diagram, ranges_that_multiply_are_refused)
{
	BUILDER builder = {0};
	const unsigned int n = 30000;
	AUTO_FREE struct diagram_box *boxes = calloc(n, sizeof(*boxes));
	uint32_t root = 42;

	for (unsigned int i = 0; i < n; i++) {
		boxes[i] = box2(i, MODEL_RANGE_ANY, (struct model_range){(uint16_t)i, (uint16_t)(i + 30000)});
		boxes[i].fields[EPG_FIELD_SOURCE] = (struct model_range){(uint16_t)(2 * i), (uint16_t)(2 * i)};
	}
	cr_assert_eq(diagram_build(&builder, boxes, n, &root), -E2BIG);
	cr_assert_eq(root, 42, "outputs are set only on success");
}

Test(diagram, marks_the_boxes_that_are_reached)
{
	BUILDER builder = {0};
	struct diagram_box boxes[] = {
		box2(0, (struct model_range){6, 6}, (struct model_range){0, 99}),
		box2(1, (struct model_range){6, 6}, (struct model_range){10, 20}),
		box2(2, (struct model_range){6, 6}, (struct model_range){90, 100}),
	};
	uint32_t root;

	cr_assert_eq(diagram_build(&builder, boxes, 3, &root), 0);
	cr_assert(boxes[0].reached);
	cr_assert_not(boxes[1].reached, "covered by the first box");
	cr_assert(boxes[2].reached);
}

Test(diagram, a_damaged_node_ends_the_walk_without_a_leaf)
{
	struct epg_node nodes[2] = {{.wide = {.target = {1}}}, {.field = EPG_FIELD_DESTINATION}};

	memset(nodes[0].start, 0xff, sizeof(nodes[0].start));
	memset(nodes[1].start, 0xff, sizeof(nodes[1].start));
	cr_assert_not(diagram_find(nodes, 2, 0, 0, 0) & EPG_TARGET_LEAF, "the nodes lead to each other");
	nodes[1].wide.target[0] = 2;
	cr_assert_eq(diagram_find(nodes, 2, 0, 0, 0), 2, "there is no such node");
}

/* Whatever stands in a node, no walk leaves it: the sanitizers see to that. */
Test(diagram, a_node_of_random_bytes_is_safe_to_walk)
{
	struct epg_node nodes[4];
	uint64_t random = 20261124;

	for (unsigned int round = 0; round < 20000; round++) {
		for (size_t i = 0; i < sizeof(nodes); i++)
			((uint8_t *)nodes)[i] = (uint8_t)random_next(&random);
		for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
			for (uint32_t place = 0; place < EPG_NODE_WIDE; place++)
				nodes[i].wide.target[place] %= ARRAY_SIZE(nodes) + 1;
		diagram_find(nodes, ARRAY_SIZE(nodes), 0, random_next(&random), random_next(&random));
	}
}
