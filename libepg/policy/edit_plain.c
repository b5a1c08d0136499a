/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "policy/edit_plain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/utf8.h"
#include "base/util.h"
#include "policy/diagnostic.h"
#include "policy/tree.h"

DEFINE_AUTO(struct arena, arena_free)
DEFINE_AUTO(struct epg_diagnostics, diagnostics_free)

static void put_node(struct edit_output *output, const struct tree_node *node, size_t indent);

void edit_put(struct edit_output *output, const char *text, size_t length)
{
	if (!output->error)
		output->error = array_reserve(&output->text, &output->capacity, output->length + length + 1, 1);
	if (output->error)
		return;
	memcpy(output->text + output->length, text, length);
	output->length += length;
	output->text[output->length] = '\0';
}

static void put_string(struct edit_output *output, const char *text)
{
	edit_put(output, text, strlen(text));
}

static void put_indent(struct edit_output *output, size_t indent)
{
	while (indent-- > 0)
		edit_put(output, " ", 1);
}

/* YAML takes some characters for line breaks, and does not let others stand in a text as they are. */
static void put_character(struct edit_output *output, uint32_t code, const char *text, size_t width)
{
	char escaped[16];

	if (code == '\n' || code == '\t') {
		put_string(output, code == '\n' ? "\\n" : "\\t");
		return;
	}
	if (!utf8_is_allowed(code) || utf8_is_break(code)) { /* none has more than four digits */
		snprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned int)code);
		put_string(output, escaped);
		return;
	}
	if (code == '"' || code == '\\')
		edit_put(output, "\\", 1);
	edit_put(output, text, width);
}

static void put_quoted(struct edit_output *output, const char *text)
{
	size_t left = strlen(text), width;
	uint32_t code;

	edit_put(output, "\"", 1);
	for (; left > 0 && !output->error; text += width, left -= width) {
		width = utf8_decode(text, left, &code);
		if (!width) {
			output->error = -EBADMSG;
			return;
		}
		put_character(output, code, text, width);
	}
	edit_put(output, "\"", 1);
}

/* What was quoted remains so, since a quoted null is a word. */
static void put_scalar(struct edit_output *output, const struct tree_node *node)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./";

	if (tree_is_null(node)) {
		put_string(output, "null");
		return;
	}
	if (!node->quoted && node->text[strspn(node->text, plain)] == '\0') {
		put_string(output, node->text);
		return;
	}
	put_quoted(output, node->text);
}

/* The value of a key, behind its colon. */
static void put_value(struct edit_output *output, const struct tree_node *node, size_t indent)
{
	if (node->kind != TREE_SCALAR && node->count > 0) {
		edit_put(output, "\n", 1);
		put_indent(output, indent);
		put_node(output, node, indent);
		return;
	}
	edit_put(output, " ", 1);
	put_node(output, node, indent);
	edit_put(output, "\n", 1);
}

/* The first line is indented already. */
static void put_mapping(struct edit_output *output, const struct tree_node *node, size_t indent)
{
	for (uint32_t i = 0; i < node->count; i++) {
		if (i)
			put_indent(output, indent);
		put_scalar(output, node->pairs[i].key);
		edit_put(output, ":", 1);
		put_value(output, node->pairs[i].value, indent + 2);
	}
}

static void put_sequence(struct edit_output *output, const struct tree_node *node, size_t indent)
{
	for (uint32_t i = 0; i < node->count; i++) {
		const struct tree_node *item = node->items[i];

		if (i)
			put_indent(output, indent);
		edit_put(output, "- ", 2);
		put_node(output, item, indent + 2);
		if (item->kind == TREE_SCALAR || item->count == 0)
			edit_put(output, "\n", 1);
	}
}

static void put_node(struct edit_output *output, const struct tree_node *node, size_t indent)
{
	switch ((enum tree_kind)node->kind) {
	case TREE_SCALAR:
		put_scalar(output, node);
		return;
	case TREE_SEQUENCE:
		if (node->count)
			put_sequence(output, node, indent);
		else
			put_string(output, "[]");
		return;
	case TREE_MAPPING:
		if (node->count)
			put_mapping(output, node, indent);
		else
			put_string(output, "{}");
		return;
	}
}

int edit_plain(const char *text, size_t length, char **ret, size_t *ret_length)
{
	AUTO(diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	AUTO(arena_free) struct arena *arena = arena_new();
	struct edit_output output = {0};
	const struct tree_node *root;
	int error = arena ? diagnostics_new("", &diagnostics) : -ENOMEM;

	if (error)
		return error;
	diagnostics_set_text(diagnostics, text, length);
	error = tree_read(text, length, arena, diagnostics, &root);
	if (error)
		return error;
	put_node(&output, root, 0);
	if (output.error) {
		free(output.text);
		return output.error;
	}
	*ret = output.text;
	*ret_length = output.length;
	return 0;
}
