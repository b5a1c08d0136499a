/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/overlay.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/util.h"

/* What a pair of targets has become already, from a field on. */
struct known {
	uint32_t before, rest, field; /* field + 1; 0: a free place */
	uint32_t after;
};

/* One change. */
struct change {
	struct overlay *overlay;
	const struct diagram_box *box;
	bool removing;
	const struct epg_node *rest; /* of a removal: the nodes that `rest` targets lead to */
	struct node_interval *stack; /* intervals of the nodes that are being made, from the outermost on */
	size_t n_stack, stack_capacity;
	struct known *known;
	size_t n_known, n_places; /* a power of 2 */
	uint32_t work;
};

/* The part of a field's values that a piece of a tree tells apart, and where the diagram that is laid over it is. */
struct piece {
	unsigned int field;
	uint32_t first, last;
	uint32_t rest;
};

static int combine(struct change *change, uint32_t before, uint32_t rest, unsigned int field, uint32_t *ret);

/* ---- nodes ---- */

static uint8_t height_of(const struct overlay *overlay, uint32_t target)
{
	return target & EPG_TARGET_LEAF ? 0 : overlay->heights[target];
}

static int measure(struct overlay *overlay, uint32_t index)
{
	const struct epg_node *node = &overlay->nodes[index];
	unsigned int height = 0;

	for (unsigned int i = 0; i < epg_node_places(node); i++) {
		uint32_t target = epg_node_target(node, i);

		if (!(target & EPG_TARGET_LEAF) && target >= index)
			return -EBADMSG;
		if (height_of(overlay, target) > height)
			height = height_of(overlay, target);
	}
	if (height >= EPG_DIAGRAM_DEPTH)
		return -E2BIG;
	overlay->heights[index] = (uint8_t)(height + 1);
	return 0;
}

int overlay_init(struct overlay *overlay, struct epg_node *nodes, size_t n_nodes, size_t capacity)
{
	struct overlay new = {.nodes = nodes, .n_nodes = n_nodes, .capacity = capacity, .n_first = n_nodes};
	int error = 0;

	new.heights = array_new(capacity, sizeof(*new.heights));
	if (!new.heights)
		return -ENOMEM;
	for (size_t i = 0; !error && i < n_nodes; i++)
		error = measure(&new, (uint32_t)i);
	if (error)
		overlay_clear(&new);
	else
		*overlay = new;
	return error;
}

void overlay_clear(struct overlay *overlay)
{
	free(overlay->heights);
	free(overlay->slots);
	*overlay = (struct overlay){0};
}

static uint64_t hash_node(const struct epg_node *node)
{
	uint64_t words[sizeof(*node) / sizeof(uint64_t)], hash = 0;

	memcpy(words, node, sizeof(words));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		hash = hash_word(hash, words[i]);
	return hash;
}

static uint32_t *find_slot(const struct overlay *overlay, const struct epg_node *node)
{
	size_t slot = hash_node(node) & (overlay->n_slots - 1);

	while (overlay->slots[slot] && memcmp(&overlay->nodes[overlay->slots[slot] - 1], node, sizeof(*node)) != 0)
		slot = (slot + 1) & (overlay->n_slots - 1);
	return &overlay->slots[slot];
}

/* Keeps at least half of the slots free. */
static int make_slots(struct overlay *overlay)
{
	struct overlay larger = *overlay;

	if ((overlay->n_nodes - overlay->n_first + 1) * 2 <= overlay->n_slots)
		return 0;
	larger.n_slots = overlay->n_slots ? overlay->n_slots * 2 : 256;
	larger.slots = calloc(larger.n_slots, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = overlay->n_first; i < overlay->n_nodes; i++)
		*find_slot(&larger, &overlay->nodes[i]) = (uint32_t)i + 1;
	free(overlay->slots);
	*overlay = larger;
	return 0;
}

/* Equal nodes that were made here are one. */
static int add_node(struct overlay *overlay, const struct epg_node *node, uint32_t *ret_target)
{
	uint32_t *slot;
	int error = make_slots(overlay);

	if (error)
		return error;
	slot = find_slot(overlay, node);
	if (!*slot) {
		if (overlay->n_nodes == overlay->capacity)
			return -ENOSPC;
		overlay->nodes[overlay->n_nodes] = *node;
		error = measure(overlay, (uint32_t)overlay->n_nodes);
		if (error)
			return error;
		*slot = (uint32_t)++overlay->n_nodes;
	}
	*ret_target = *slot - 1;
	return 0;
}

/* ---- the intervals of nodes that are being made ---- */

static int push(struct change *change, size_t base, uint32_t start, uint32_t target)
{
	if (change->n_stack > base && change->stack[change->n_stack - 1].target == target)
		return 0;
	if (array_reserve(&change->stack, &change->stack_capacity, change->n_stack + 1, sizeof(*change->stack)))
		return -ENOMEM;
	change->stack[change->n_stack++] = (struct node_interval){(uint16_t)start, target};
	return 0;
}

/* One level of nodes over the intervals from `base` on, which they replace. */
static int group(struct change *change, size_t base, unsigned int field)
{
	size_t end = base;

	if (change->n_stack == base + 1)
		return 0;
	for (size_t first = base, part; first < change->n_stack; first += part) {
		const struct node_interval *intervals = change->stack + first;
		struct epg_node node;
		uint32_t target;
		int error;

		part = node_make((uint8_t)field, intervals, change->n_stack - first, &node);
		error = add_node(change->overlay, &node, &target);
		if (error)
			return error;
		change->stack[end++] = (struct node_interval){intervals->start, target};
	}
	change->n_stack = end;
	return 0;
}

/* Place `i` of a node is one of its intervals, and not what fills it up. */
static bool is_interval(const struct epg_node *node, unsigned int i, uint32_t last)
{
	if (i == 0)
		return true;
	return i < epg_node_places(node) && epg_node_start(node, i) <= last &&
	       (epg_node_start(node, i) < UINT16_MAX || epg_node_target(node, i) != epg_node_target(node, i - 1));
}

static uint32_t end_of(const struct epg_node *node, unsigned int i, uint32_t last)
{
	return is_interval(node, i + 1, last) ? epg_node_start(node, i + 1) - 1 : last;
}

static unsigned int field_of(const struct epg_node *nodes, uint32_t target)
{
	return target & EPG_TARGET_LEAF ? DIAGRAM_FIELDS : nodes[target].field;
}

/* Where a value of a field leads in the diagram that is laid over, and up to which value it does. */
static uint32_t rest_at(const struct change *change, uint32_t rest, unsigned int field, uint32_t value,
			uint32_t *ret_last)
{
	uint32_t last = UINT16_MAX;

	while (field_of(change->rest, rest) == field) {
		const struct epg_node *node = &change->rest[rest];
		unsigned int i = 0;

		while (end_of(node, i, last) < value)
			i++;
		last = end_of(node, i, last);
		rest = epg_node_target(node, i);
	}
	*ret_last = last;
	return rest;
}

/* Values that lead to one target before: outside the box they still do. */
static int split(struct change *change, size_t base, const struct piece *piece, uint32_t before)
{
	struct model_range range = change->box->fields[piece->field];
	uint32_t value = piece->first;
	int error = 0;

	while (!error && value <= piece->last) {
		uint32_t last = piece->last, target = before;

		if (value < range.first) {
			last = range.first - 1u < last ? range.first - 1u : last;
		} else if (value <= range.last) {
			uint32_t rest_last, rest = rest_at(change, piece->rest, piece->field, value, &rest_last);

			last = range.last < last ? range.last : last;
			last = rest_last < last ? rest_last : last;
			error = combine(change, before, rest, piece->field + 1, &target);
		}
		if (!error)
			error = push(change, base, value, target);
		value = last + 1;
	}
	return error;
}

/* Nothing has changed: the intervals from `base` on are the node's own. */
static bool is_same(const struct change *change, size_t base, const struct epg_node *node, uint32_t last)
{
	size_t n = change->n_stack - base;

	for (size_t i = 0; i < n; i++) {
		const struct node_interval *interval = &change->stack[base + i];
		unsigned int place = (unsigned int)i;

		if (!is_interval(node, place, last) || interval->target != epg_node_target(node, place) ||
		    (i && interval->start != epg_node_start(node, place)))
			return false;
	}
	return !is_interval(node, (unsigned int)n, last);
}

/* Pushes what a piece of a field's tree becomes: one target, or several where its node has overflown. */
static int update(struct change *change, size_t base, const struct piece *piece, uint32_t before)
{
	struct model_range range = change->box->fields[piece->field];
	size_t own = change->n_stack;
	struct epg_node node;
	int error = 0;

	if (++change->work > OVERLAY_WORK_MAX)
		return -E2BIG;
	if (field_of(change->overlay->nodes, before) != piece->field)
		return split(change, base, piece, before);
	node = change->overlay->nodes[before];
	for (unsigned int i = 0; !error && is_interval(&node, i, piece->last); i++) {
		uint32_t target = epg_node_target(&node, i);
		struct piece part = *piece;

		part.first = i ? epg_node_start(&node, i) : piece->first;
		part.last = end_of(&node, i, piece->last);
		if (part.last < range.first || part.first > range.last)
			error = push(change, own, part.first, target);
		else
			error = update(change, own, &part, target);
	}
	if (error)
		return error;
	if (!is_same(change, own, &node, piece->last))
		return group(change, own, piece->field);
	change->n_stack = own;
	return push(change, base, piece->first, before);
}

/* ---- from field to field ---- */

static unsigned int constrained_from(const struct diagram_box *box, unsigned int field)
{
	while (field < DIAGRAM_FIELDS && box->fields[field].first == 0 && box->fields[field].last == UINT16_MAX)
		field++;
	return field;
}

static struct known *find_known(const struct change *change, uint32_t before, uint32_t rest, unsigned int field)
{
	uint32_t key[] = {before, rest, field + 1};
	size_t place = hash_list(key, ARRAY_SIZE(key), 0) & (change->n_places - 1);

	while (change->known[place].field &&
	       (change->known[place].before != before || change->known[place].rest != rest ||
		change->known[place].field != field + 1))
		place = (place + 1) & (change->n_places - 1);
	return &change->known[place];
}

static int make_places(struct change *change)
{
	struct change larger = *change;

	if ((change->n_known + 1) * 2 <= change->n_places)
		return 0;
	larger.n_places = change->n_places ? change->n_places * 2 : 64;
	larger.known = calloc(larger.n_places, sizeof(*larger.known));
	if (!larger.known)
		return -ENOMEM;
	for (size_t i = 0; i < change->n_places; i++) {
		const struct known *known = &change->known[i];

		if (known->field)
			*find_known(&larger, known->before, known->rest, known->field - 1) = *known;
	}
	free(change->known);
	*change = larger;
	return 0;
}

static int remember(struct change *change, uint32_t before, uint32_t rest, unsigned int field, uint32_t after)
{
	int error = make_places(change);

	if (error)
		return error;
	*find_known(change, before, rest, field) = (struct known){before, rest, field + 1, after};
	change->n_known++;
	return 0;
}

/* Whatever is laid over it, this leaf stays. */
static bool stays(const struct change *change, uint32_t before)
{
	if (!(before & EPG_TARGET_LEAF))
		return false;
	return change->removing ? before != change->box->leaf : before <= change->box->leaf;
}

static int combine_field(struct change *change, uint32_t before, uint32_t rest, unsigned int field, uint32_t *ret)
{
	const struct piece piece = {.field = field, .first = 0, .last = UINT16_MAX, .rest = rest};
	size_t base = change->n_stack;
	int error = update(change, base, &piece, before);

	while (!error && change->n_stack > base + 1)
		error = group(change, base, field);
	if (error)
		return error;
	*ret = change->stack[base].target;
	change->n_stack = base;
	return 0;
}

/* What a target becomes for points that are in the box in all fields before `field`. */
static int combine(struct change *change, uint32_t before, uint32_t rest, unsigned int field, uint32_t *ret)
{
	unsigned int next = constrained_from(change->box, field), of_rest = field_of(change->rest, rest);
	unsigned int of_before = field_of(change->overlay->nodes, before);
	uint32_t after;
	int error;

	if (stays(change, before)) {
		*ret = before;
		return 0;
	}
	next = of_before < next ? of_before : next;
	next = of_rest < next ? of_rest : next;
	if (next == DIAGRAM_FIELDS) {
		*ret = rest;
		return 0;
	}
	if (change->n_places && find_known(change, before, rest, next)->field) {
		*ret = find_known(change, before, rest, next)->after;
		return 0;
	}
	error = combine_field(change, before, rest, next, &after);
	if (!error)
		error = remember(change, before, rest, next, after);
	if (!error)
		*ret = after;
	return error;
}

static int run(struct change *change, uint32_t root, uint32_t rest, uint32_t *ret_root)
{
	int error = combine(change, root, rest, 0, ret_root);

	free(change->stack);
	free(change->known);
	return error;
}

int overlay_add(struct overlay *overlay, uint32_t root, const struct diagram_box *box, uint32_t *ret_root)
{
	struct change change = {.overlay = overlay, .box = box};

	return run(&change, root, box->leaf, ret_root);
}

int overlay_remove(struct overlay *overlay, uint32_t root, const struct diagram_box *box,
		   const struct diagram_builder *rest, uint32_t rest_root, uint32_t *ret_root)
{
	struct change change = {.overlay = overlay, .box = box, .removing = true, .rest = rest->nodes.lines};

	return run(&change, root, rest_root, ret_root);
}
