/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "policy/edit_text.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/util.h"
#include "policy/edit_entry.h"
#include "policy/edit_plain.h"
#include "policy/edit_span.h"

DEFINE_AUTO(struct arena, arena_free)

/* What remains of a filter's edits: names of the text that go, and entries that come, in their order. */
struct addition {
	struct edit_entry entry;
	const char *name; /* NULL: it is gone again */
};

struct filter_edits {
	struct string_index removed;
	struct string_index added; /* value: index */
	struct addition *additions;
	size_t n_additions;
	size_t n_living;
};

struct splice {
	struct arena *arena;
	struct string_index filters; /* value: index */
	struct filter_edits *edits;
	size_t n_edits;
	struct edit_spans spans;
	const char *text;
	size_t length;
	size_t position; /* up to here it has been written */
	struct edit_output output;
};

static void splice_clear(struct splice *splice)
{
	for (size_t i = 0; i < splice->n_edits; i++) {
		string_index_clear(&splice->edits[i].removed);
		string_index_clear(&splice->edits[i].added);
	}
	string_index_clear(&splice->filters);
	free(splice->output.text);
}

/* ---- what the edits come to ---- */

static int edits_of(struct splice *splice, const char *name, size_t length, struct filter_edits **ret)
{
	const struct string_index_entry *found = string_index_find(&splice->filters, name, length);
	const char *copy;

	if (!found) {
		copy = arena_string(splice->arena, name, length);
		if (!copy || string_index_add(&splice->filters, copy, length, (uint32_t)splice->n_edits,
					      (struct place){0}, NULL))
			return -ENOMEM;
		if (!arena_push(splice->arena, &splice->edits, &splice->n_edits, sizeof(*splice->edits)))
			return -ENOMEM;
		*ret = &splice->edits[splice->n_edits - 1];
		return 0;
	}
	*ret = &splice->edits[found->value];
	return 0;
}

/* Makes `value` what the name stands for. The name lives as long as the index. */
static int know(struct string_index *index, const char *name, size_t length, uint32_t value)
{
	int error = string_index_add(index, name, length, value, (struct place){0}, NULL);

	if (error == -EEXIST)
		string_index_change(index, name, length, value);
	return error == -ENOMEM ? error : 0;
}

static int replay_add(struct splice *splice, struct filter_edits *edits, const struct edit_entry *entry,
		      const char *name, size_t length)
{
	struct addition *addition =
		arena_push(splice->arena, &edits->additions, &edits->n_additions, sizeof(*addition));

	if (!addition)
		return -ENOMEM;
	addition->entry = *entry;
	addition->name = arena_string(splice->arena, name, length);
	edits->n_living++;
	return addition->name ? know(&edits->added, addition->name, length, (uint32_t)edits->n_additions - 1) : -ENOMEM;
}

static int replay_remove(struct splice *splice, struct filter_edits *edits, const char *name, size_t length)
{
	const struct string_index_entry *found = string_index_find(&edits->added, name, length);
	const char *copy;

	if (found && edits->additions[found->value].name) {
		edits->additions[found->value].name = NULL;
		edits->n_living--;
		return 0;
	}
	copy = arena_string(splice->arena, name, length);
	return copy ? know(&edits->removed, copy, length, 0) : -ENOMEM;
}

static int replay_batch(struct splice *splice, struct edit_walk *walk)
{
	struct filter_edits *edits;
	struct edit_entry entry;
	const char *name;
	size_t length;
	int more, error = edits_of(splice, walk->filter, walk->batch->filter_length, &edits);

	if (error)
		return error;
	while ((more = edit_walk_item(walk, &entry, &name, &length)) > 0) {
		error = walk->batch->removed ? replay_remove(splice, edits, name, length)
					     : replay_add(splice, edits, &entry, name, length);
		if (error)
			return error;
	}
	return more;
}

static int replay(struct splice *splice, const struct edit_piece *piece, uint32_t generation)
{
	struct edit_walk walk;
	size_t offset = 0;
	int more;

	while ((more = edit_walk_batch(piece->bytes, piece->length, &offset, &walk)) > 0) {
		int error = 0;

		if (!walk.batch->generation || (int32_t)(generation - walk.batch->generation) >= 0)
			error = replay_batch(splice, &walk);
		if (error)
			return error;
	}
	return more;
}

/* ---- cutting and pasting ---- */

static void put_until(struct splice *splice, size_t end)
{
	if (end <= splice->position)
		return;
	edit_put(&splice->output, splice->text + splice->position, end - splice->position);
	splice->position = end;
}

/* Behind the line's end. */
static size_t next_line(const struct splice *splice, size_t offset)
{
	const char *end = memchr(splice->text + offset, '\n', splice->length - offset);

	return end ? (size_t)(end - splice->text) + 1 : splice->length;
}

static size_t line_start(const struct splice *splice, size_t offset)
{
	while (offset > 0 && splice->text[offset - 1] != '\n')
		offset--;
	return offset;
}

/* The dash before item `i` of a block: what follows its predecessor but for blanks and comments. */
static size_t dash_of(const struct splice *splice, const struct edit_list *list, size_t i)
{
	size_t offset = i ? list->items[i - 1].end : list->start;

	while (offset < splice->length && strchr(" \t\r\n#", splice->text[offset]))
		offset = splice->text[offset] == '#' ? next_line(splice, offset) : offset + 1;
	return offset;
}

/* The list is a block of lines, each item of which begins a line with its dash. */
static bool is_regular(const struct splice *splice, const struct edit_list *list)
{
	for (size_t i = 0; i < list->n_items; i++) {
		size_t dash = dash_of(splice, list, i), start = line_start(splice, dash);

		if (dash >= splice->length || splice->text[dash] != '-' || dash - start != list->column)
			return false;
		for (; start < dash; start++)
			if (splice->text[start] != ' ')
				return false;
	}
	return true;
}

static bool is_removed(const struct filter_edits *edits, const struct edit_item *item)
{
	return string_index_find(&edits->removed, item->name, strlen(item->name));
}

static size_t count_staying(const struct filter_edits *edits, const struct edit_list *list)
{
	size_t staying = 0;

	for (size_t i = 0; i < list->n_items; i++)
		staying += !is_removed(edits, &list->items[i]);
	return staying;
}

static void put_addition(struct splice *splice, const struct addition *addition)
{
	char line[EDIT_LINE_BYTES];

	edit_put(&splice->output, line, edit_line(&addition->entry, addition->name, splice->spans.json, line));
}

static void splice_block(struct splice *splice, const struct edit_list *list, const struct filter_edits *edits)
{
	bool empty = !edits->n_living && !count_staying(edits, list);

	if (empty) {
		const char *colon = memchr(splice->text + list->key_end, ':', list->start - list->key_end);

		put_until(splice, colon ? (size_t)(colon - splice->text) + 1 : list->key_end);
		edit_put(&splice->output, " []", 3);
	}
	for (size_t i = 0; i < list->n_items; i++) {
		if (!is_removed(edits, &list->items[i]))
			continue;
		put_until(splice, line_start(splice, dash_of(splice, list, i)));
		splice->position = next_line(splice, list->items[i].end);
	}
	put_until(splice, next_line(splice, list->end));
	for (size_t i = 0; i < edits->n_additions; i++) {
		if (!edits->additions[i].name)
			continue;
		if (splice->output.length && splice->output.text[splice->output.length - 1] != '\n')
			edit_put(&splice->output, "\n", 1);
		for (size_t column = 0; column < list->column; column++)
			edit_put(&splice->output, " ", 1);
		edit_put(&splice->output, "- ", 2);
		put_addition(splice, &edits->additions[i]);
		edit_put(&splice->output, "\n", 1);
	}
}

/* Items that stay, with what stands between them. */
static size_t put_staying(struct splice *splice, const struct edit_list *list, const struct filter_edits *edits)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n_items; i++) {
		if (is_removed(edits, &list->items[i]))
			continue;
		splice->position = n++ ? list->items[i - 1].end : list->items[i].start;
		put_until(splice, list->items[i].end);
	}
	return n;
}

static void splice_flow(struct splice *splice, const struct edit_list *list, const struct filter_edits *edits)
{
	size_t first = list->n_items ? list->items[0].start : list->start + 1, n;

	if (!edits->n_living && !count_staying(edits, list)) {
		put_until(splice, list->start);
		edit_put(&splice->output, "[]", 2);
		splice->position = list->end;
		return;
	}
	put_until(splice, first);
	n = put_staying(splice, list, edits);
	for (size_t i = 0; i < edits->n_additions; i++) {
		if (!edits->additions[i].name)
			continue;
		if (n++)
			edit_put(&splice->output, ", ", 2);
		put_addition(splice, &edits->additions[i]);
	}
	splice->position = list->n_items ? list->items[list->n_items - 1].end : first;
	put_until(splice, list->end);
}

static int write_text(struct splice *splice, char **ret, size_t *ret_length)
{
	size_t found = 0;

	for (size_t i = 0; i < splice->spans.n_lists; i++) {
		const struct edit_list *list = &splice->spans.lists[i];
		const struct string_index_entry *edits =
			string_index_find(&splice->filters, list->filter, strlen(list->filter));

		if (!edits)
			continue;
		found++;
		if (list->flow)
			splice_flow(splice, list, &splice->edits[edits->value]);
		else
			splice_block(splice, list, &splice->edits[edits->value]);
	}
	put_until(splice, splice->length);
	if (found != splice->n_edits)
		return -EBADMSG; /* edits of a filter that the text does not have */
	if (splice->output.error)
		return splice->output.error;
	*ret = TAKE_PTR(splice->output.text);
	*ret_length = splice->output.length;
	return 0;
}

/* ---- texts that can't be cut by bytes ---- */

/* Line breaks that YAML has beside LF and CR LF. */
static bool has_odd_breaks(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		const unsigned char *at = (const unsigned char *)text + i;

		if (*at == '\r' && (i + 1 == length || at[1] != '\n'))
			return true;
		if (*at == 0xc2 && i + 1 < length && at[1] == 0x85)
			return true;
		if (*at == 0xe2 && i + 2 < length && at[1] == 0x80 && (at[2] == 0xa8 || at[2] == 0xa9))
			return true;
	}
	return false;
}

static int find_spans(struct splice *splice, bool *ret_odd)
{
	int error = edit_spans_find(splice->text, splice->length, splice->arena, &splice->spans);

	*ret_odd = !error && (splice->spans.odd || has_odd_breaks(splice->text, splice->length));
	for (size_t i = 0; !error && !*ret_odd && i < splice->spans.n_lists; i++)
		*ret_odd = !splice->spans.lists[i].flow && !is_regular(splice, &splice->spans.lists[i]);
	return error;
}

int edit_text(const char *text, size_t length, const struct edit_piece *pieces, size_t n_pieces, uint32_t generation,
	      char **ret, size_t *ret_length)
{
	AUTO(arena_free) struct arena *arena = arena_new();
	__attribute__((cleanup(splice_clear))) struct splice splice = {.arena = arena, .text = text, .length = length};
	AUTO_FREE char *plain = NULL;
	bool odd = false;
	int error = arena ? 0 : -ENOMEM;

	for (size_t i = 0; !error && i < n_pieces; i++)
		error = replay(&splice, &pieces[i], generation);
	if (!error)
		error = find_spans(&splice, &odd);
	if (!error && odd) {
		error = edit_plain(text, length, &plain, &splice.length);
		splice.text = plain;
		if (!error)
			error = find_spans(&splice, &odd);
		if (!error && odd)
			return -EBADMSG;
	}
	return error ? error : write_text(&splice, ret, ret_length);
}
