/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/array.h"
#include "policy/diagnostic.h"
#include "base/string_index.h"
#include "policy/tree.h"
#include "policy/tree_text.h"
#include "base/util.h"

/* Mappings up to this many keys are searched for keys given twice without an index. */
#define FEW_KEYS 8

/* A mapping or sequence that has begun and not ended. */
struct frame {
	struct tree_node *node;
	size_t first_child; /* its children so far stand in builder.children from here on */
	size_t visited;     /* builder.visited at its begin */
	uint32_t anchor;    /* index into builder.anchors, or MODEL_NONE */
};

struct anchor {
	const struct tree_node *node; /* NULL: its mapping or sequence has not ended yet */
	size_t size;                  /* nodes, those behind aliases counted each time */
};

struct builder {
	struct arena *arena;
	struct epg_diagnostics *diagnostics;
	struct frame frames[TREE_DEPTH_MAX];
	size_t depth;
	const struct tree_node **children;
	size_t n_children;
	size_t children_capacity;
	struct anchor *anchors;
	size_t n_anchors;
	size_t anchors_capacity;
	struct string_index anchor_index;
	size_t visited; /* nodes so far, those behind aliases counted each time */
	size_t aliased; /* nodes that aliases have repeated */
	size_t documents;
	const struct tree_node *root;
};

static void builder_clear(struct builder *builder)
{
	free(builder->children);
	free(builder->anchors);
	string_index_clear(&builder->anchor_index);
}

static struct place place_of(const yaml_event_t *event)
{
	return (struct place){(uint32_t)event->start_mark.line + 1, (uint32_t)event->start_mark.column + 1};
}

static int refuse(struct builder *builder, struct place place, const char *hint, const char *message)
{
	diagnostics_error(builder->diagnostics, place, hint, "%s", message);
	return -EBADMSG;
}

/* ---- anchors and aliases ---- */

/* Remembers what an anchor stands for; a later anchor of the same name replaces an earlier one. */
static int add_anchor(struct builder *builder, const yaml_char_t *name, struct anchor anchor, uint32_t *ret)
{
	uint32_t number = (uint32_t)builder->n_anchors;
	const struct string_index_entry *first;
	char *copy;
	int error;

	*ret = MODEL_NONE;
	if (!name)
		return 0;
	copy = arena_string(builder->arena, (const char *)name, strlen((const char *)name));
	if (!copy ||
	    array_reserve(&builder->anchors, &builder->anchors_capacity, builder->n_anchors + 1, sizeof(anchor)))
		return -ENOMEM;
	error = string_index_add(&builder->anchor_index, copy, strlen(copy), number, (struct place){0}, &first);
	if (error == -ENOMEM)
		return error;
	if (error)
		number = first->value;
	else
		builder->n_anchors++;
	builder->anchors[number] = anchor;
	*ret = number;
	return 0;
}

static int add_child(struct builder *builder, const struct tree_node *node)
{
	if (builder->depth == 0) {
		builder->root = node;
		return 0;
	}
	if (array_reserve(&builder->children, &builder->children_capacity, builder->n_children + 1, sizeof(node)))
		return -ENOMEM;
	builder->children[builder->n_children++] = node;
	return 0;
}

static int on_alias(struct builder *builder, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	const struct string_index_entry *found = string_index_find(&builder->anchor_index, name, strlen(name));
	struct place place = place_of(event);
	const struct anchor *anchor;
	char hint[128];

	if (!found) {
		snprintf(hint, sizeof(hint), "an unquoted \"*\" begins an alias; if it is a text, write \"*%.64s\"",
			 name);
		diagnostics_error(builder->diagnostics, place, hint, "there is no anchor \"&%.64s\" before this alias",
				  name);
		return -EBADMSG;
	}
	anchor = &builder->anchors[found->value];
	if (!anchor->node)
		return refuse(builder, place, NULL, "the alias stands within what it stands for");
	builder->visited += anchor->size;
	builder->aliased += anchor->size;
	if (builder->aliased > TREE_ALIASED_MAX)
		return refuse(builder, place, "write out what is meant",
			      "the aliases up to here stand for more than 1000000 values");
	return add_child(builder, anchor->node);
}

/* ---- scalars ---- */

static int refuse_tag(struct builder *builder, const yaml_event_t *event, const yaml_char_t *tag)
{
	if (!tag)
		return 0;
	diagnostics_error(builder->diagnostics, place_of(event), "take it out; quote a value that begins with \"!\"",
			  "tags such as \"%.64s\" are not supported", (const char *)tag);
	return -EBADMSG;
}

static int on_scalar(struct builder *builder, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;
	struct tree_node *node = ARENA_NEW(builder->arena, struct tree_node);
	uint32_t anchor;
	int error;

	error = refuse_tag(builder, event, event->data.scalar.tag);
	if (error)
		return error;
	if (length > UINT32_MAX || memchr(text, '\0', length))
		return refuse(builder, place_of(event), NULL, "a text with a zero character");
	if (!node)
		return -ENOMEM;
	node->kind = TREE_SCALAR;
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	node->place = place_of(event);
	node->count = (uint32_t)length;
	node->text = arena_string(builder->arena, text, length);
	if (!node->text)
		return -ENOMEM;
	builder->visited++;
	error = add_anchor(builder, event->data.scalar.anchor, (struct anchor){node, 1}, &anchor);
	return error ? error : add_child(builder, node);
}

/* ---- mappings and sequences ---- */

static int begin(struct builder *builder, const yaml_event_t *event, enum tree_kind kind)
{
	bool mapping = kind == TREE_MAPPING;
	struct frame *frame;
	int error;

	error = refuse_tag(builder, event, mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag);
	if (error)
		return error;
	if (builder->depth == TREE_DEPTH_MAX)
		return refuse(builder, place_of(event), NULL, "nested deeper than 63 levels");
	frame = &builder->frames[builder->depth];
	frame->node = ARENA_NEW(builder->arena, struct tree_node);
	if (!frame->node)
		return -ENOMEM;
	frame->node->kind = (uint8_t)kind;
	frame->node->place = place_of(event);
	frame->first_child = builder->n_children;
	frame->visited = builder->visited;
	builder->visited++;
	builder->depth++;
	return add_anchor(builder, mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor,
			  (struct anchor){NULL, 0}, &frame->anchor);
}

static int end_sequence(struct builder *builder, const struct frame *frame)
{
	size_t n = builder->n_children - frame->first_child;

	frame->node->items = arena_array(builder->arena, n, sizeof(frame->node->items[0]));
	if (!frame->node->items)
		return -ENOMEM;
	if (n)
		memcpy(frame->node->items, builder->children + frame->first_child, n * sizeof(frame->node->items[0]));
	frame->node->count = (uint32_t)n;
	return 0;
}

static bool same_text(const struct tree_node *one, const struct tree_node *other)
{
	return one->count == other->count && !memcmp(one->text, other->text, one->count);
}

/* Where the key has been given before, among the first n pairs; line 0: nowhere. `index` may be unused as yet. */
static int find_earlier(const struct tree_pair *pairs, size_t n, const struct tree_node *key,
			struct string_index *index, struct place *ret)
{
	const struct string_index_entry *first;
	int error = 0;

	*ret = (struct place){0};
	if (n < FEW_KEYS) {
		for (size_t i = 0; i < n; i++)
			if (same_text(pairs[i].key, key))
				*ret = pairs[i].key->place;
		return 0;
	}
	for (size_t i = index->n_entries; i < n && !error; i++)
		error = string_index_add(index, pairs[i].key->text, pairs[i].key->count, 0, pairs[i].key->place, NULL);
	if (!error)
		first = string_index_find(index, key->text, key->count);
	else
		return error;
	if (first)
		*ret = first->place;
	return 0;
}

/* The key may stand in a mapping that has n pairs already; tells why not. */
static int check_key(struct builder *builder, const struct tree_pair *pairs, size_t n, const struct tree_node *key,
		     struct string_index *index, bool *ret)
{
	struct place earlier;
	char hint[64];
	int error;

	*ret = false;
	if (key->kind != TREE_SCALAR) {
		diagnostics_error(builder->diagnostics, key->place, NULL, "a key must be a word, not a list or object");
		return 0;
	}
	error = find_earlier(pairs, n, key, index, &earlier);
	if (error)
		return error;
	if (earlier.line) {
		snprintf(hint, sizeof(hint), "it is given first in line %u, column %u", earlier.line, earlier.column);
		diagnostics_error(builder->diagnostics, key->place, hint, "duplicate key \"%.64s\"", key->text);
		return 0;
	}
	*ret = true;
	return 0;
}

static int end_mapping(struct builder *builder, const struct frame *frame)
{
	const struct tree_node **children = builder->children + frame->first_child;
	size_t n_children = builder->n_children - frame->first_child, n = 0;
	struct tree_pair *pairs = arena_array(builder->arena, n_children / 2, sizeof(*pairs));
	struct string_index index = {0};
	int error = pairs ? 0 : -ENOMEM;

	for (size_t i = 0; i + 1 < n_children && !error; i += 2) {
		bool usable;

		error = check_key(builder, pairs, n, children[i], &index, &usable);
		if (!error && usable)
			pairs[n++] = (struct tree_pair){children[i], children[i + 1]};
	}
	string_index_clear(&index);
	frame->node->pairs = pairs;
	frame->node->count = (uint32_t)n;
	return error;
}

static int end(struct builder *builder)
{
	const struct frame *frame = &builder->frames[builder->depth - 1];
	int error = frame->node->kind == TREE_MAPPING ? end_mapping(builder, frame) : end_sequence(builder, frame);

	if (error)
		return error;
	if (frame->anchor != MODEL_NONE)
		builder->anchors[frame->anchor] = (struct anchor){frame->node, builder->visited - frame->visited};
	builder->n_children = frame->first_child;
	builder->depth--;
	return add_child(builder, frame->node);
}

/* ---- the whole text ---- */

static int on_event(struct builder *builder, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (builder->documents++ == 0)
			return 0;
		return refuse(builder, place_of(event), "write all tenants into one document",
			      "a second document begins here");
	case YAML_ALIAS_EVENT:
		return on_alias(builder, event);
	case YAML_SCALAR_EVENT:
		return on_scalar(builder, event);
	case YAML_SEQUENCE_START_EVENT:
		return begin(builder, event, TREE_SEQUENCE);
	case YAML_MAPPING_START_EVENT:
		return begin(builder, event, TREE_MAPPING);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return end(builder);
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return 0;
	}
	return 0;
}

static int parse(struct builder *builder, yaml_parser_t *parser, const char *text, size_t length)
{
	yaml_event_type_t type;
	int error;

	do {
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event)) {
			if (parser->error == YAML_MEMORY_ERROR)
				return -ENOMEM;
			tree_text_explain(parser, text, length, builder->diagnostics);
			return -EBADMSG;
		}
		type = event.type;
		error = on_event(builder, &event);
		yaml_event_delete(&event);
	} while (!error && type != YAML_STREAM_END_EVENT);
	if (!error && !builder->root)
		return refuse(builder, (struct place){0}, "a policy begins with \"version: 1\"", "the policy is empty");
	return error;
}

int tree_read(const char *text, size_t length, struct arena *arena, struct epg_diagnostics *diagnostics,
	      const struct tree_node **ret)
{
	struct builder builder = {.arena = arena, .diagnostics = diagnostics};
	size_t mark = length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
	yaml_parser_t parser;
	int error;

	error = tree_text_check(text, length, mark, diagnostics);
	if (error)
		return error;
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text + mark, length - mark);
	error = parse(&builder, &parser, text, length);
	yaml_parser_delete(&parser);
	builder_clear(&builder);
	if (!error)
		*ret = builder.root;
	return error;
}

bool tree_is_null(const struct tree_node *node)
{
	return node->kind == TREE_SCALAR && !node->quoted &&
	       (!*node->text || !strcmp(node->text, "~") || !strcasecmp(node->text, "null"));
}
