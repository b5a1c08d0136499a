// SPDX-License-Identifier: GPL-2.0-only
#include "document.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* Longest collection that is written in one line. */
#define LINE_MAX_BYTES 110

static void *check(void *pointer)
{
	if (!pointer)
		abort();
	return pointer;
}

static struct document_node *add(struct arena *arena, struct document_node *parent, const char *key,
				 enum document_kind kind)
{
	struct document_node *node = check(ARENA_NEW(arena, struct document_node));

	node->kind = kind;
	node->key = key ? check(arena_string(arena, key, strlen(key))) : NULL;
	node->parent = parent;
	if (!parent)
		return node;
	if (parent->last)
		parent->last->next = node;
	else
		parent->first = node;
	parent->last = node;
	return node;
}

struct document_node *document_mapping(struct arena *arena, struct document_node *parent, const char *key)
{
	return add(arena, parent, key, DOCUMENT_MAPPING);
}

struct document_node *document_sequence(struct arena *arena, struct document_node *parent, const char *key)
{
	return add(arena, parent, key, DOCUMENT_SEQUENCE);
}

void document_scalar(struct arena *arena, struct document_node *parent, const char *key, const char *format, ...)
{
	struct document_node *node = add(arena, parent, key, DOCUMENT_SCALAR);
	AUTO_FREE char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		abort();
	va_end(arguments);
	node->text = check(arena_string(arena, text, strlen(text)));
}

/* ---- printing ---- */

static const struct document_node *visible(const struct document_node *node)
{
	while (node && node->hidden)
		node = node->next;
	return node;
}

static void print_line(FILE *file, const struct document_node *node)
{
	const char *brackets = node->kind == DOCUMENT_MAPPING ? "{}" : "[]";
	const char *comma = "";

	if (node->kind == DOCUMENT_SCALAR) {
		fputs(node->text, file);
		return;
	}
	fputc(brackets[0], file);
	for (const struct document_node *child = visible(node->first); child; child = visible(child->next)) {
		fputs(comma, file);
		if (child->key)
			fprintf(file, "%s: ", child->key);
		print_line(file, child);
		comma = ", ";
	}
	fputc(brackets[1], file);
}

/* In one line, where that is not too long; the caller frees. */
static char *in_one_line(const struct document_node *node)
{
	AUTO_FREE char *text = NULL;
	size_t length = 0;
	FILE *file = check(open_memstream(&text, &length));

	print_line(file, node);
	fclose(file);
	return node->kind == DOCUMENT_SCALAR || length <= LINE_MAX_BYTES ? TAKE_PTR(text) : NULL;
}

/* The first line of a mapping that is an element of a sequence stands behind its dash. */
static void print_block(FILE *file, const struct document_node *node, int indent, bool behind_dash)
{
	for (const struct document_node *child = visible(node->first); child; child = visible(child->next)) {
		AUTO_FREE char *line = in_one_line(child);
		bool element = node->kind == DOCUMENT_SEQUENCE;

		fprintf(file, "%*s", behind_dash ? 0 : indent, "");
		behind_dash = false;
		if (element)
			fputs("- ", file);
		else
			fprintf(file, "%s:%s", child->key, line ? " " : "\n");
		if (line)
			fprintf(file, "%s\n", line);
		else
			print_block(file, child, indent + (element || child->kind == DOCUMENT_MAPPING ? 2 : 0),
				    element);
	}
}

char *document_print(const struct document_node *root)
{
	char *text = NULL;
	size_t length = 0;
	FILE *file = check(open_memstream(&text, &length));

	print_block(file, root, 0, false);
	fclose(file);
	return text;
}

/* ---- walking ---- */

struct document_node *document_skip(struct document_node *node)
{
	while (node && !node->next)
		node = node->parent;
	return node ? node->next : NULL;
}

struct document_node *document_next(struct document_node *node)
{
	return node->first ? node->first : document_skip(node);
}
