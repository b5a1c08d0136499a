/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "compile/overlay.h"
#include "random.h"

#define BOXES_MAX 400
#define NODES_ROOM 200000

/* A diagram that changes, and the boxes that it should be of. Smaller leaves come first. */
struct scene {
	struct diagram_box boxes[BOXES_MAX];
	size_t n;
	struct epg_node *nodes;
	struct overlay overlay;
	uint32_t root;
	uint64_t random;
	uint32_t leaves;     /* that are drawn from: near each other, as narrow nodes have them, or not */
	unsigned int values; /* of a field that boxes are drawn from: a few, so that edges meet, or all */
};

static uint16_t field_of(const uint64_t key[2], unsigned int field)
{
	return (uint16_t)epg_key_field(key[0], key[1], field);
}

static void set_field(uint64_t key[2], unsigned int field, uint16_t value)
{
	unsigned int shift = 48 - 16 * (field % 4);

	key[field / 4] = (key[field / 4] & ~(UINT64_C(0xffff) << shift)) | (uint64_t)value << shift;
}

static bool is_inside(const struct diagram_box *box, const uint64_t key[2])
{
	for (unsigned int field = 0; field < DIAGRAM_FIELDS; field++) {
		if (field_of(key, field) < box->fields[field].first || field_of(key, field) > box->fields[field].last)
			return false;
	}
	return true;
}

/* What the diagram must answer, found the slow way. */
static uint32_t smallest_around(const struct scene *scene, const uint64_t key[2])
{
	uint32_t leaf = EPG_TARGET_MISS;

	for (size_t i = 0; i < scene->n; i++) {
		if (scene->boxes[i].leaf < leaf && is_inside(&scene->boxes[i], key))
			leaf = scene->boxes[i].leaf;
	}
	return leaf;
}

/* Both ends of the space are drawn as often as all the rest. */
static uint16_t random_value(struct scene *scene)
{
	size_t value = random_below(&scene->random, scene->values + 2);

	if (value >= scene->values)
		return value == scene->values ? 0 : UINT16_MAX;
	return scene->values > 1000 ? (uint16_t)value : (uint16_t)(value * 0x1111);
}

static struct diagram_box random_box(struct scene *scene)
{
	struct diagram_box box = DIAGRAM_BOX_ANY;

	for (unsigned int field = 0; field < DIAGRAM_FIELDS; field++) {
		uint16_t one = random_value(scene), other = random_value(scene);

		if (random_below(&scene->random, 8) >= (field < 3 ? 6 : 1))
			continue;
		if (random_below(&scene->random, 2))
			other = one;
		box.fields[field] = one < other ? (struct model_range){one, other} : (struct model_range){other, one};
	}
	return box;
}

/* No two boxes have the same leaf, as no two rules have. */
static uint32_t random_leaf(struct scene *scene)
{
	for (;;) {
		uint32_t leaf = EPG_TARGET_LEAF | (uint32_t)random_below(&scene->random, scene->leaves);
		size_t i = 0;

		while (i < scene->n && scene->boxes[i].leaf != leaf)
			i++;
		if (i == scene->n)
			return leaf;
	}
}

static int compare_boxes(const void *left, const void *right)
{
	uint32_t a = ((const struct diagram_box *)left)->leaf, b = ((const struct diagram_box *)right)->leaf;

	return (a > b) - (a < b);
}

/* Begins with a diagram of `n` boxes as the compiler makes it. */
static void begin(struct scene *scene, size_t n, unsigned int values, uint64_t seed)
{
	__attribute__((cleanup(diagram_builder_clear))) struct diagram_builder builder = {0};

	*scene = (struct scene){.random = seed, .values = values, .leaves = seed % 2 ? 1 << 20 : 1 << 12};
	for (; scene->n < n; scene->n++) {
		scene->boxes[scene->n] = random_box(scene);
		scene->boxes[scene->n].leaf = random_leaf(scene);
	}
	qsort(scene->boxes, n, sizeof(scene->boxes[0]), compare_boxes);
	cr_assert_eq(diagram_build(&builder, scene->boxes, n, &scene->root), 0);
	scene->nodes = calloc(NODES_ROOM, sizeof(*scene->nodes));
	if (builder.nodes.n_lines)
		memcpy(scene->nodes, builder.nodes.lines, builder.nodes.n_lines * sizeof(*scene->nodes));
	cr_assert_eq(overlay_init(&scene->overlay, scene->nodes, builder.nodes.n_lines, NODES_ROOM), 0);
}

static void end(struct scene *scene)
{
	overlay_clear(&scene->overlay);
	free(scene->nodes);
}

static void add(struct scene *scene)
{
	struct diagram_box box = random_box(scene);

	box.leaf = random_leaf(scene);
	cr_assert_eq(overlay_add(&scene->overlay, scene->root, &box, &scene->root), 0);
	scene->boxes[scene->n++] = box;
}

static bool overlap(const struct diagram_box *one, const struct diagram_box *other)
{
	for (unsigned int field = 0; field < DIAGRAM_FIELDS; field++) {
		if (one->fields[field].last < other->fields[field].first ||
		    other->fields[field].last < one->fields[field].first)
			return false;
	}
	return true;
}

static void drop(struct scene *scene)
{
	__attribute__((cleanup(diagram_builder_clear))) struct diagram_builder builder = {0};
	struct diagram_box gone, under[BOXES_MAX];
	size_t which = random_below(&scene->random, scene->n), n = 0;
	uint32_t rest;

	gone = scene->boxes[which];
	scene->boxes[which] = scene->boxes[--scene->n];
	for (size_t i = 0; i < scene->n; i++) {
		if (overlap(&scene->boxes[i], &gone))
			under[n++] = scene->boxes[i];
	}
	qsort(under, n, sizeof(under[0]), compare_boxes);
	cr_assert_eq(diagram_build(&builder, under, n, &rest), 0);
	cr_assert_eq(overlay_remove(&scene->overlay, scene->root, &gone, &builder, rest, &scene->root), 0);
}

/* A key near the edges of boxes, where mistakes live. */
static void edgy_key(struct scene *scene, uint64_t key[2])
{
	const struct diagram_box any = DIAGRAM_BOX_ANY;
	const struct diagram_box *near = scene->n ? &scene->boxes[random_below(&scene->random, scene->n)] : &any;

	for (unsigned int field = 0; field < DIAGRAM_FIELDS; field++) {
		const struct diagram_box *box = scene->n && !random_below(&scene->random, 4)
							? &scene->boxes[random_below(&scene->random, scene->n)]
							: near;
		const uint16_t edges[] = {box->fields[field].first, (uint16_t)(box->fields[field].first - 1),
					  box->fields[field].last, (uint16_t)(box->fields[field].last + 1),
					  (uint16_t)random_next(&scene->random)};

		set_field(key, field, edges[random_below(&scene->random, ARRAY_SIZE(edges))]);
	}
}

static void check(struct scene *scene, unsigned int keys)
{
	for (unsigned int i = 0; i < keys; i++) {
		uint64_t key[2] = {0};
		uint32_t found, expected;

		edgy_key(scene, key);
		found = diagram_find(scene->nodes, scene->overlay.n_nodes, scene->root, key[0], key[1]);
		expected = smallest_around(scene, key);
		cr_assert_eq(found, expected, "%zu boxes: 0x%x, not 0x%x, at %016lx %016lx", scene->n, found, expected,
			     (unsigned long)key[0], (unsigned long)key[1]);
	}
}

/* Nodes of a kind that came up in changes. */
struct tally {
	size_t given, made; /* narrow ones: by the builder, by changes */
	size_t made_wide;
};

static void count_nodes(const struct scene *scene, struct tally *tally)
{
	for (size_t i = 0; i < scene->overlay.n_nodes; i++) {
		bool is_narrow = scene->nodes[i].form == EPG_FORM_NARROW, is_made = i >= scene->overlay.n_first;

		tally->given += is_narrow && !is_made;
		tally->made += is_narrow && is_made;
		tally->made_wide += !is_narrow && is_made;
	}
}

static void change_and_check(size_t n, unsigned int values, unsigned int steps, unsigned int keys, uint64_t seed,
			     struct tally *tally)
{
	static struct scene scene;

	begin(&scene, n, values, seed);
	check(&scene, keys);
	for (unsigned int i = 0; i < steps; i++) {
		if (scene.n && (random_below(&scene.random, 2) || scene.n == BOXES_MAX))
			drop(&scene);
		else
			add(&scene);
		check(&scene, keys);
	}
	count_nodes(&scene, tally);
	end(&scene);
}

/* Thousands of changes of small diagrams whose boxes share their edges. */
Test(overlay, is_what_the_builder_makes)
{
	struct tally tally = {0};

	for (uint64_t seed = 1; seed <= 1500; seed++)
		change_and_check(random_below(&(uint64_t){seed}, 9), 1 + seed % 15, 8, 60, seed, &tally);
	cr_assert(tally.given > 20 && tally.made > 500, "%zu narrow nodes given, %zu made", tally.given, tally.made);
}

Test(overlay, is_what_the_builder_makes_of_any_values)
{
	struct tally tally = {0};

	for (uint64_t seed = 1; seed <= 120; seed++)
		change_and_check(20, 65536, 30, 150, seed, &tally);
	cr_assert(tally.given > 500 && tally.made > 500, "%zu narrow nodes given, %zu made", tally.given, tally.made);
}

/* What a list of ports is, and where its overlay finds it. */
static void check_ports(const struct scene *scene, const uint32_t *leaves)
{
	for (uint32_t port = 0; port <= UINT16_MAX; port++)
		cr_assert_eq(diagram_find(scene->nodes, scene->overlay.n_nodes, scene->root, (uint64_t)port << 32, 0),
			     leaves[port], "port %u", port);
}

static void change_port(struct scene *scene, uint16_t port, uint32_t before, uint32_t after)
{
	__attribute__((cleanup(diagram_builder_clear))) struct diagram_builder nothing = {0};
	struct diagram_box box = DIAGRAM_BOX_ANY;

	box.fields[EPG_FIELD_DESTINATION] = (struct model_range){port, port};
	if (before != EPG_TARGET_MISS) {
		box.leaf = before;
		cr_assert_eq(overlay_remove(&scene->overlay, scene->root, &box, &nothing, EPG_TARGET_MISS,
					    &scene->root),
			     0);
	}
	if (after != EPG_TARGET_MISS) {
		box.leaf = after;
		cr_assert_eq(overlay_add(&scene->overlay, scene->root, &box, &scene->root), 0);
	}
}

/* Leaves come and go that narrow nodes have a step for, and such as they have none for, among thousands of ports. */
Test(overlay, nodes_change_from_either_form_to_the_other)
{
	static uint32_t leaves[UINT16_MAX + 1];
	static struct scene scene;
	struct tally tally = {0};

	begin(&scene, 0, 65536, 1);
	memset(leaves, 0xff, sizeof(leaves));
	for (unsigned int i = 0; i < 6000; i++) {
		uint16_t port = (uint16_t)random_below(&scene.random, 3000);
		uint32_t after = (uint32_t)random_below(&scene.random, 1000);

		if (port % 1000 < 100)
			after += (uint32_t)random_below(&scene.random, 3) * 65000;
		after = random_below(&scene.random, 3) ? EPG_TARGET_LEAF | after : EPG_TARGET_MISS;
		change_port(&scene, port, leaves[port], after);
		leaves[port] = after;
		if (i % 500 == 0)
			check_ports(&scene, leaves);
	}
	check_ports(&scene, leaves);
	count_nodes(&scene, &tally);
	cr_assert(tally.made > 500 && tally.made_wide > 500, "%zu narrow, %zu wide", tally.made, tally.made_wide);
	end(&scene);
}

/* Nodes split and trees grow, and no way gets longer than the programs walk. */
Test(overlay, grows_to_many_intervals)
{
	static struct scene scene;

	begin(&scene, 0, 65536, 1);
	for (unsigned int i = 0; i < 20000; i++) {
		struct diagram_box box = DIAGRAM_BOX_ANY;
		uint16_t port = (uint16_t)(i * 7919);

		box.fields[EPG_FIELD_KIND] = (struct model_range){6, 6};
		box.fields[EPG_FIELD_DESTINATION] = (struct model_range){port, port};
		box.leaf = EPG_TARGET_LEAF | i;
		cr_assert_eq(overlay_add(&scene.overlay, scene.root, &box, &scene.root), 0);
		if (!(scene.root & EPG_TARGET_LEAF))
			cr_assert_leq(scene.overlay.heights[scene.root], EPG_DIAGRAM_DEPTH);
	}
	for (unsigned int i = 0; i < 20000; i++) {
		uint64_t key[2] = {0};

		set_field(key, EPG_FIELD_KIND, 6);
		set_field(key, EPG_FIELD_DESTINATION, (uint16_t)(i * 7919));
		cr_assert_eq(diagram_find(scene.nodes, scene.overlay.n_nodes, scene.root, key[0], key[1]),
			     EPG_TARGET_LEAF | i);
	}
	cr_assert_leq(scene.overlay.heights[scene.root], 8);
	cr_assert_geq(scene.overlay.heights[scene.root], 6, "ten intervals a node, 20000 ports, and the kind");
	end(&scene);
}

/* A rule may have several boxes, which go one by one. */
Test(overlay, removes_one_of_two_boxes_with_the_same_leaf)
{
	__attribute__((cleanup(diagram_builder_clear))) struct diagram_builder builder = {0}, rest = {0};
	struct diagram_box boxes[] = {DIAGRAM_BOX_ANY, DIAGRAM_BOX_ANY, DIAGRAM_BOX_ANY};
	struct epg_node nodes[64] = {0};
	struct overlay overlay = {0};
	uint32_t root, rest_root;

	boxes[0].fields[0] = (struct model_range){0, 4};
	boxes[1].fields[0] = (struct model_range){5, 9};
	boxes[0].leaf = boxes[1].leaf = EPG_TARGET_LEAF | 1;
	boxes[2].leaf = EPG_TARGET_LEAF | 2;
	cr_assert_eq(diagram_build(&builder, boxes, 3, &root), 0);
	memcpy(nodes, builder.nodes.lines, builder.nodes.n_lines * sizeof(*nodes));
	cr_assert_eq(overlay_init(&overlay, nodes, builder.nodes.n_lines, ARRAY_SIZE(nodes)), 0);
	cr_assert_eq(diagram_build(&rest, &boxes[2], 1, &rest_root), 0);
	cr_assert_eq(overlay_remove(&overlay, root, &boxes[1], &rest, rest_root, &root), 0);
	for (uint64_t value = 0; value < 12; value++)
		cr_assert_eq(diagram_find(nodes, overlay.n_nodes, root, value << 48, 0), boxes[value < 5 ? 0 : 2].leaf);
	overlay_clear(&overlay);
}

/* What is in use is never written: those who walk it see either diagram whole. */
Test(overlay, leaves_the_diagram_before_alone)
{
	static struct scene scene;
	struct epg_node *before = calloc(NODES_ROOM, sizeof(*before));

	begin(&scene, 60, 65536, 3);
	for (unsigned int i = 0; i < 200; i++) {
		size_t n = scene.overlay.n_nodes;

		memcpy(before, scene.nodes, n * sizeof(*before));
		if (i % 2)
			add(&scene);
		else
			drop(&scene);
		cr_assert_arr_eq(scene.nodes, before, n * sizeof(*before));
	}
	free(before);
	end(&scene);
}

/* One box more among ten thousand takes a few nodes, and the same few among a thousand. */
static size_t nodes_of_one_more(size_t n_ports)
{
	__attribute__((cleanup(diagram_builder_clear))) struct diagram_builder builder = {0};
	AUTO_FREE struct diagram_box *boxes = calloc(n_ports, sizeof(*boxes));
	AUTO_FREE struct epg_node *nodes = calloc(NODES_ROOM, sizeof(*nodes));
	struct overlay overlay = {0};
	struct diagram_box more = DIAGRAM_BOX_ANY;
	size_t used;
	uint32_t root;

	for (size_t i = 0; i < n_ports; i++) {
		boxes[i] = (struct diagram_box)DIAGRAM_BOX_ANY;
		boxes[i].fields[EPG_FIELD_DESTINATION] = (struct model_range){(uint16_t)(2 * i), (uint16_t)(2 * i)};
		boxes[i].leaf = EPG_TARGET_LEAF | (uint32_t)i;
	}
	cr_assert_eq(diagram_build(&builder, boxes, n_ports, &root), 0);
	memcpy(nodes, builder.nodes.lines, builder.nodes.n_lines * sizeof(*nodes));
	cr_assert_eq(overlay_init(&overlay, nodes, builder.nodes.n_lines, NODES_ROOM), 0);
	more.fields[EPG_FIELD_DESTINATION] = (struct model_range){501, 501};
	more.leaf = EPG_TARGET_LEAF | (uint32_t)n_ports;
	cr_assert_eq(overlay_add(&overlay, root, &more, &root), 0);
	used = overlay.n_nodes - builder.nodes.n_lines;
	overlay_clear(&overlay);
	return used;
}

Test(overlay, takes_what_the_change_takes)
{
	cr_assert_leq(nodes_of_one_more(1000), 8);
	cr_assert_leq(nodes_of_one_more(10000), 10);
}

Test(overlay, a_box_that_changes_nothing_takes_nothing)
{
	static struct scene scene;
	struct diagram_box box;
	size_t n_nodes;
	uint32_t root;

	begin(&scene, 40, 65536, 5);
	box = scene.boxes[7];
	box.leaf = EPG_TARGET_LEAF | (1 << 21); /* behind its like */
	n_nodes = scene.overlay.n_nodes;
	cr_assert_eq(overlay_add(&scene.overlay, scene.root, &box, &root), 0);
	cr_assert_eq(root, scene.root);
	cr_assert_eq(scene.overlay.n_nodes, n_nodes);
	end(&scene);
}

Test(overlay, tells_when_there_is_no_room)
{
	static struct scene scene;
	struct diagram_box box = DIAGRAM_BOX_ANY;
	uint32_t root = 7;

	begin(&scene, 40, 65536, 6);
	box.fields[0] = (struct model_range){5, 5};
	box.leaf = EPG_TARGET_LEAF;
	scene.overlay.capacity = scene.overlay.n_nodes;
	cr_assert_eq(overlay_add(&scene.overlay, scene.root, &box, &root), -ENOSPC);
	cr_assert_eq(root, 7);
	end(&scene);
}

Test(overlay, refuses_nodes_that_go_round)
{
	struct epg_node nodes[2] = {0};
	struct overlay overlay;

	for (unsigned int i = 0; i < EPG_NODE_WIDE; i++)
		nodes[0].wide.target[i] = nodes[1].wide.target[i] = EPG_TARGET_MISS;
	nodes[0].wide.target[3] = 1;
	cr_assert_eq(overlay_init(&overlay, nodes, 2, 2), -EBADMSG);
	nodes[0].wide.target[3] = 0;
	cr_assert_eq(overlay_init(&overlay, nodes, 2, 2), -EBADMSG);
	nodes[0].form = EPG_FORM_NARROW;
	memset(&nodes[0].narrow, 0xff, sizeof(nodes[0].narrow));
	cr_assert_eq(overlay_init(&overlay, nodes, 2, 2), 0);
	overlay_clear(&overlay);
	nodes[0].narrow.base = 0;
	nodes[0].narrow.step[EPG_NODE_NARROW - 1] = 0;
	cr_assert_eq(overlay_init(&overlay, nodes, 2, 2), -EBADMSG);
}
