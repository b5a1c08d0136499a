/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/array.h"
#include "policy/diagnostic.h"
#include "base/utf8.h"
#include "base/util.h"

#define KEPT_MAX 1000
#define MESSAGE_BYTES 512
#define EXCERPT_BYTES 200
/* Of a line that is longer than an excerpt, this much is shown before the place. */
#define EXCERPT_BEFORE 100
/* Distance of remembered positions: from the nearest one on, the text is read character by character. */
#define CHECKPOINT_BYTES 4096

/* A position in the text, both as bytes and as people count. */
struct cursor {
	size_t offset;
	struct place place;
};

struct epg_diagnostics {
	struct arena *arena;
	const char *name;
	const char *text;
	size_t length;
	struct cursor *checkpoints; /* made when the first message needs one */
	size_t n_checkpoints;
	size_t checkpoint_capacity;
	struct epg_diagnostic *kept[KEPT_MAX]; /* in the order of places */
	size_t n_kept;
	size_t n_kept_warnings;
	size_t n_errors;
	bool failed; /* out of memory */
};

int diagnostics_new(const char *name, struct epg_diagnostics **ret)
{
	struct epg_diagnostics *diagnostics = calloc(1, sizeof(*diagnostics));

	if (!diagnostics)
		return -ENOMEM;
	diagnostics->arena = arena_new();
	if (diagnostics->arena)
		diagnostics->name = arena_string(diagnostics->arena, name, strlen(name));
	if (!diagnostics->name) {
		diagnostics_free(diagnostics);
		return -ENOMEM;
	}
	*ret = diagnostics;
	return 0;
}

void diagnostics_free(struct epg_diagnostics *diagnostics)
{
	if (!diagnostics)
		return;
	arena_free(diagnostics->arena);
	free(diagnostics->checkpoints);
	free(diagnostics);
}

void diagnostics_set_text(struct epg_diagnostics *diagnostics, const char *text, size_t length)
{
	diagnostics->text = text;
	diagnostics->length = length;
	diagnostics->n_checkpoints = 0;
}

/* ---- places in the text ---- */

static void cursor_step(const char *text, size_t length, struct cursor *cursor)
{
	uint32_t code;
	size_t width = utf8_decode(text + cursor->offset, length - cursor->offset, &code);

	if (width == 0) {
		width = 1;
		code = 0;
	}
	cursor->offset += width;
	if (!utf8_is_break(code)) {
		cursor->place.column++;
		return;
	}
	if (code == '\r' && cursor->offset < length && text[cursor->offset] == '\n')
		cursor->offset++;
	cursor->place.line++;
	cursor->place.column = 1;
}

static void make_checkpoints(struct epg_diagnostics *diagnostics)
{
	struct cursor cursor = {0, {1, 1}};
	size_t next = 0;

	if (diagnostics->length >= 3 && !memcmp(diagnostics->text, "\xef\xbb\xbf", 3))
		cursor.offset = 3; /* a byte order mark takes no column */
	for (;;) {
		if (cursor.offset >= next) {
			if (array_reserve(&diagnostics->checkpoints, &diagnostics->checkpoint_capacity,
					  diagnostics->n_checkpoints + 1, sizeof(cursor))) {
				diagnostics->failed = true;
				return;
			}
			diagnostics->checkpoints[diagnostics->n_checkpoints++] = cursor;
			next += CHECKPOINT_BYTES;
		}
		if (cursor.offset >= diagnostics->length)
			return;
		cursor_step(diagnostics->text, diagnostics->length, &cursor);
	}
}

static bool place_before(struct place one, struct place other)
{
	return one.line < other.line || (one.line == other.line && one.column < other.column);
}

/* The last checkpoint that stands before a place, or (place.line 0) before an offset. */
static struct cursor nearest_checkpoint(struct epg_diagnostics *diagnostics, struct cursor wanted)
{
	size_t low = 0, high;

	if (diagnostics->n_checkpoints == 0)
		make_checkpoints(diagnostics);
	high = diagnostics->n_checkpoints;
	if (high == 0)
		return (struct cursor){0, {1, 1}};
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		const struct cursor *checkpoint = &diagnostics->checkpoints[middle];

		if (wanted.place.line ? place_before(wanted.place, checkpoint->place)
				      : wanted.offset < checkpoint->offset)
			high = middle;
		else
			low = middle;
	}
	return diagnostics->checkpoints[low];
}

struct place diagnostics_place(struct epg_diagnostics *diagnostics, size_t offset)
{
	struct cursor cursor = nearest_checkpoint(diagnostics, (struct cursor){offset, {0, 0}});

	while (cursor.offset < offset && cursor.offset < diagnostics->length)
		cursor_step(diagnostics->text, diagnostics->length, &cursor);
	return cursor.place;
}

size_t diagnostics_offset(struct epg_diagnostics *diagnostics, struct place place)
{
	struct cursor cursor = nearest_checkpoint(diagnostics, (struct cursor){0, place});

	while (place_before(cursor.place, place) && cursor.offset < diagnostics->length)
		cursor_step(diagnostics->text, diagnostics->length, &cursor);
	return cursor.offset;
}

/* ---- what people are shown ---- */

/* Takes out, in place, whatever could make a terminal do anything but show it. */
static void clean(char *text)
{
	size_t length = strlen(text), from = 0, to = 0;

	while (from < length) {
		uint32_t code;
		size_t width = utf8_decode(text + from, length - from, &code);

		if (width > 0 && utf8_is_harmless(code)) {
			memmove(text + to, text + from, width);
			to += width;
		} else {
			text[to++] = '?';
		}
		from += width > 0 ? width : 1;
	}
	text[to] = '\0';
}

static bool is_line_start(const char *text, size_t offset)
{
	const char *end = text + offset;

	return offset == 0 || end[-1] == '\n' || end[-1] == '\r' || (offset >= 2 && !memcmp(end - 2, "\xc2\x85", 2)) ||
	       (offset >= 3 && (!memcmp(end - 3, "\xe2\x80\xa8", 3) || !memcmp(end - 3, "\xe2\x80\xa9", 3))) ||
	       (offset == 3 && !memcmp(text, "\xef\xbb\xbf", 3));
}

static bool is_continuation(char byte)
{
	return ((uint8_t)byte & 0xc0) == 0x80;
}

/* Where the excerpt around `offset` begins: at the line's begin, if that is not too far. */
static size_t excerpt_start(const char *text, size_t offset)
{
	size_t start = offset;

	while (offset - start < EXCERPT_BEFORE && !is_line_start(text, start))
		start--;
	while (start < offset && is_continuation(text[start]))
		start++;
	return start;
}

static const char *make_excerpt(struct epg_diagnostics *diagnostics, struct place place, uint32_t *ret_column)
{
	const char *text = diagnostics->text;
	size_t length = diagnostics->length, offset = diagnostics_offset(diagnostics, place);
	struct cursor cursor = {excerpt_start(text, offset), place};
	size_t start = cursor.offset, end = start;
	uint32_t before = 0;
	char *excerpt;

	while (cursor.place.line == place.line && cursor.offset < length) {
		end = cursor.offset;
		before += cursor.offset < offset;
		cursor_step(text, length, &cursor);
		if (cursor.offset - start > EXCERPT_BYTES)
			break;
		if (cursor.place.line == place.line)
			end = cursor.offset;
	}
	excerpt = arena_string(diagnostics->arena, text + start, end - start);
	if (excerpt)
		clean(excerpt);
	*ret_column = place.column > before ? place.column - before : 1;
	return excerpt;
}

/* ---- messages ---- */

/* Makes room for a message: the first ones are kept, but a warning gives way to an error. */
static bool make_room(struct epg_diagnostics *diagnostics, enum epg_severity severity)
{
	size_t last = diagnostics->n_kept;

	if (last < KEPT_MAX)
		return true;
	if (severity != EPG_SEVERITY_ERROR || diagnostics->n_kept_warnings == 0)
		return false;
	while (diagnostics->kept[last - 1]->severity == EPG_SEVERITY_ERROR)
		last--;
	memmove(&diagnostics->kept[last - 1], &diagnostics->kept[last],
		(diagnostics->n_kept - last) * sizeof(diagnostics->kept[0]));
	diagnostics->n_kept--;
	diagnostics->n_kept_warnings--;
	return true;
}

static void insert(struct epg_diagnostics *diagnostics, struct epg_diagnostic *message)
{
	struct place place = {message->line, message->column};
	size_t position = diagnostics->n_kept;

	while (position > 0) {
		const struct epg_diagnostic *previous = diagnostics->kept[position - 1];

		if (!place_before(place, (struct place){previous->line, previous->column}))
			break;
		position--;
	}
	memmove(&diagnostics->kept[position + 1], &diagnostics->kept[position],
		(diagnostics->n_kept - position) * sizeof(diagnostics->kept[0]));
	diagnostics->kept[position] = message;
	diagnostics->n_kept++;
	diagnostics->n_kept_warnings += message->severity != EPG_SEVERITY_ERROR;
}

static const char *clean_copy(struct epg_diagnostics *diagnostics, const char *text)
{
	char *copy = arena_string(diagnostics->arena, text, strlen(text));

	if (copy)
		clean(copy);
	return copy;
}

static const struct {
	const char *name;
	enum epg_severity severity;
	const char *text;
} lints[] = {
#define LINT(id, name, severity, text) {name, severity, text},
	EPG_LINTS(LINT)
#undef LINT
};

/* `code` is EPG_LINT_COUNT for an error. */
static void add(struct epg_diagnostics *diagnostics, enum epg_lint_code code, struct place place, const char *hint,
		const char *text)
{
	struct epg_diagnostic *message = ARENA_NEW(diagnostics->arena, struct epg_diagnostic);

	if (!message) {
		diagnostics->failed = true;
		return;
	}
	if (diagnostics->text && place.line > 0) /* an end that is missed may be thought to be a line further down */
		place = diagnostics_place(diagnostics, diagnostics_offset(diagnostics, place));
	message->severity = code < EPG_LINT_COUNT ? lints[code].severity : EPG_SEVERITY_ERROR;
	message->code = code;
	message->file = diagnostics->name;
	message->line = place.line;
	message->column = place.column;
	message->message = clean_copy(diagnostics, text);
	message->hint = hint ? clean_copy(diagnostics, hint) : "";
	message->excerpt = "";
	message->excerpt_column = 1;
	if (diagnostics->text && place.line > 0)
		message->excerpt = make_excerpt(diagnostics, place, &message->excerpt_column);
	if (message->message && message->hint && message->excerpt)
		insert(diagnostics, message);
	else
		diagnostics->failed = true;
}

void diagnostics_error(struct epg_diagnostics *diagnostics, struct place place, const char *hint, const char *format,
		       ...)
{
	char text[MESSAGE_BYTES];
	va_list arguments;

	diagnostics->n_errors++;
	if (!make_room(diagnostics, EPG_SEVERITY_ERROR))
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	add(diagnostics, EPG_LINT_COUNT, place, hint, text);
}

void diagnostics_lint(struct epg_diagnostics *diagnostics, enum epg_lint_code code, struct place place,
		      const char *hint, const char *format, ...)
{
	char text[MESSAGE_BYTES];
	va_list arguments;

	if (!make_room(diagnostics, lints[code].severity))
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	add(diagnostics, code, place, hint, text);
}

size_t diagnostics_errors(const struct epg_diagnostics *diagnostics)
{
	return diagnostics->n_errors;
}

bool diagnostics_failed(const struct epg_diagnostics *diagnostics)
{
	return diagnostics->failed;
}

bool diagnostics_full(const struct epg_diagnostics *diagnostics)
{
	return diagnostics->n_errors >= KEPT_MAX;
}

/* ---- public ---- */

const char *epg_lint_code_name(enum epg_lint_code code)
{
	return (size_t)code < ARRAY_SIZE(lints) ? lints[code].name : NULL;
}

const char *epg_lint_code_text(enum epg_lint_code code)
{
	return (size_t)code < ARRAY_SIZE(lints) ? lints[code].text : NULL;
}

size_t epg_diagnostics_count(const struct epg_diagnostics *diagnostics)
{
	return diagnostics->n_kept;
}

size_t epg_diagnostics_errors(const struct epg_diagnostics *diagnostics)
{
	return diagnostics->n_errors;
}

const struct epg_diagnostic *epg_diagnostics_get(const struct epg_diagnostics *diagnostics, size_t index)
{
	return index < diagnostics->n_kept ? diagnostics->kept[index] : NULL;
}

void epg_diagnostics_free(struct epg_diagnostics *diagnostics)
{
	diagnostics_free(diagnostics);
}
