/* SPDX-License-Identifier: GPL-2.0-only */
/* Output for people: blocks of "heading  value", lines, and tables. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "writer_backend.h"
#include "writer_table.h"

/* A line of a block, kept until the block's widest heading is known. */
struct people_entry {
	const char *heading;
	char *text;
	enum display_colour colour;
};

struct people {
	struct people_entry *entries;
	size_t n_entries;

	/* The object or record that is open: its values are joined into one text. */
	bool joining;
	unsigned int hidden; /* objects for JSON only, one within the other */
	const char *heading;
	const char *separator;
	FILE *joined;
	char *text;
	size_t length;

	/* The table that is open: its lines, the inner one a branch of the outer one. */
	struct people_table *table;
	struct libscols_line *lines[WRITER_DEPTH];
	size_t depth; /* of rows */
	size_t row_depth;

	bool printed; /* something stands above */
};

static int people_new(struct writer *writer)
{
	writer->state = calloc(1, sizeof(struct people));
	return writer->state ? 0 : -ENOMEM;
}

static void drop_entries(struct people *people)
{
	for (size_t i = 0; i < people->n_entries; i++)
		free(people->entries[i].text);
	free(people->entries);
	people->entries = NULL;
	people->n_entries = 0;
}

static void people_reset(struct writer *writer)
{
	struct people *people = writer->state;

	drop_entries(people);
	if (people->joined)
		fclose(people->joined);
	free(people->text);
	people_table_free(people->table);
	memset(people, 0, sizeof(*people));
}

static void people_free(struct writer *writer)
{
	if (writer->state)
		people_reset(writer);
	free(writer->state);
}

static char *join_list(const struct writer_value *value, const char *separator)
{
	AUTO_FREE char *text = NULL;
	size_t length;
	FILE *stream = open_memstream(&text, &length);

	if (!stream)
		return NULL;
	for (size_t i = 0; i < value->n_items; i++)
		fprintf(stream, "%s%s", i ? separator : "", value->items[i]);
	return fclose(stream) ? NULL : TAKE_PTR(text);
}

/* The value as people read it, for the caller to free; NULL when memory is out. */
static char *value_for_people(enum writer_kind kind, const struct writer_value *value, const char *separator)
{
	char bytes[DISPLAY_BYTES_MAX], moment[DISPLAY_TIME_MAX];
	char *text = NULL;

	switch (kind) {
	case WRITER_TEXT:
	case WRITER_WORD:
		return strdup(value->text ? value->text : "");
	case WRITER_NUMBER:
		return asprintf(&text, "%" PRIu64, value->number) < 0 ? NULL : text;
	case WRITER_BYTES:
		display_bytes(value->number, bytes);
		return strdup(bytes);
	case WRITER_BOOLEAN:
		return strdup(value->number ? "yes" : "no");
	case WRITER_TIME:
		display_time(value->number, moment);
		return strdup(moment);
	case WRITER_LIST:
		return join_list(value, separator);
	}
	return NULL;
}

/* ---- blocks ---- */

/* Prints `text` broken at blanks, later lines indented as far as the first one already is. */
static void print_wrapped(struct writer *writer, size_t indent, enum display_colour colour, const char *text)
{
	size_t width = writer->options.width > indent + 20 ? writer->options.width - indent : 20;
	bool coloured = writer->options.coloured && colour != DISPLAY_PLAIN;

	for (;;) {
		size_t length = display_break(text, width, false);

		if (coloured)
			fputs(display_sequence(colour), writer->out);
		display_text(writer->out, text, length);
		fprintf(writer->out, "%s\n", coloured ? DISPLAY_RESET : "");
		text += length;
		if (!*text)
			return;
		text++;
		fprintf(writer->out, "%*s", (int)indent, "");
	}
}

/* Prints the block that has been collected, its values below each other. */
static void flush_block(struct writer *writer)
{
	struct people *people = writer->state;
	const char *previous = "";
	size_t widest = 0;

	for (size_t i = 0; i < people->n_entries; i++) {
		size_t width = display_width(people->entries[i].heading, strlen(people->entries[i].heading));

		widest = width > widest ? width : widest;
	}
	for (size_t i = 0; i < people->n_entries; i++) {
		const struct people_entry *entry = &people->entries[i];
		bool repeated = *entry->heading && !strcmp(entry->heading, previous);

		if (*entry->heading)
			fprintf(writer->out, "%-*s  ", (int)widest, repeated ? "" : entry->heading);
		print_wrapped(writer, *entry->heading ? widest + 2 : 0, entry->colour, entry->text);
		previous = entry->heading;
		people->printed = true;
	}
	drop_entries(people);
}

/* Adds a line to the block; takes `text` over. Nothing is said of what is empty. */
static void add_entry(struct writer *writer, const char *heading, char *text, enum display_colour colour)
{
	struct people *people = writer->state;
	struct people_entry *entries;

	if (!*text) {
		free(text);
		return;
	}
	entries = reallocarray(people->entries, people->n_entries + 1, sizeof(*entries));
	if (!entries) {
		free(text);
		writer_fail(writer, -ENOMEM);
		return;
	}
	people->entries = entries;
	entries[people->n_entries++] = (struct people_entry){heading, text, colour};
}

/* ---- objects and records ---- */

static void begin_joining(struct writer *writer, const char *heading, const char *separator)
{
	struct people *people = writer->state;

	people->joined = open_memstream(&people->text, &people->length);
	if (!people->joined)
		writer_fail(writer, -ENOMEM);
	people->joining = true;
	people->heading = heading;
	people->separator = separator;
}

/* Ends the joining; returns the text, for the caller to free, or NULL. */
static char *end_joining(struct writer *writer)
{
	struct people *people = writer->state;

	people->joining = false;
	if (people->joined && fclose(people->joined))
		writer_fail(writer, -ENOMEM);
	people->joined = NULL;
	return TAKE_PTR(people->text);
}

static void join_field(struct writer *writer, const char *heading, const char *text, enum display_colour colour)
{
	struct people *people = writer->state;

	if (!people->joined || !*text)
		return;
	if (ftell(people->joined) > 0)
		fputs(people->separator, people->joined);
	if (*heading)
		fprintf(people->joined, "%s ", heading);
	/* A line of a block is cleaned and coloured as a whole, a record is not. */
	if (people->heading)
		fputs(text, people->joined);
	else
		display_coloured(people->joined, writer->options.coloured, colour, text);
}

static void people_field(struct writer *writer, const struct writer_column *column, struct writer_value value)
{
	struct people *people = writer->state;
	AUTO_FREE char *text = NULL;

	if (!column->heading || people->hidden || people->row_depth)
		return;
	text = value_for_people(column->kind, &value, ", ");
	if (!text)
		writer_fail(writer, -ENOMEM);
	else if (people->joining)
		join_field(writer, column->heading, text, value.colour);
	else
		add_entry(writer, column->heading, TAKE_PTR(text), value.colour);
}

static void people_object_begin(struct writer *writer, const char *name, const char *heading)
{
	struct people *people = writer->state;

	(void)name;
	if (people->row_depth)
		return;
	if (people->hidden || !heading)
		people->hidden++;
	else
		begin_joining(writer, heading, ", ");
}

static void people_object_end(struct writer *writer)
{
	struct people *people = writer->state;
	char *text;

	if (people->row_depth)
		return;
	if (people->hidden) {
		people->hidden--;
		return;
	}
	text = end_joining(writer);
	if (text)
		add_entry(writer, people->heading, text, DISPLAY_PLAIN);
}

static void people_record_begin(struct writer *writer)
{
	begin_joining(writer, NULL, "  ");
}

static void people_record_end(struct writer *writer)
{
	AUTO_FREE char *text = end_joining(writer);

	if (text)
		fprintf(writer->out, "%s\n", text);
}

/* ---- tables ---- */

static bool has_headings(const struct writer_table *table)
{
	for (size_t i = 0; i < table->n_columns; i++)
		if (table->columns[i].heading)
			return true;
	return false;
}

static void people_rows_begin(struct writer *writer, const struct writer_table *table)
{
	struct people *people = writer->state;

	if (people->depth++ || !has_headings(table))
		return;
	flush_block(writer);
	if (people_table_new(&writer->options, table, &people->table))
		writer_fail(writer, -ENOMEM);
}

static void set_cell(struct writer *writer, struct libscols_line *line, const struct writer_column *column,
		     const struct writer_value *value)
{
	struct people *people = writer->state;
	bool is_text = column->kind == WRITER_TEXT || column->kind == WRITER_WORD;
	AUTO_FREE char *text = NULL;

	if (is_text && !value->text)
		return;
	/* A list's items stand below each other. */
	text = value_for_people(column->kind, value, "\n");
	if (!text || people_table_set(people->table, line, column->heading, *text ? text : "-", value->colour))
		writer_fail(writer, -ENOMEM);
}

static void people_row_begin(struct writer *writer, const struct writer_table *table, const struct writer_value *values)
{
	struct people *people = writer->state;
	struct libscols_line *parent = people->row_depth ? people->lines[people->row_depth - 1] : NULL;
	struct libscols_line *line = NULL;

	if (people->table && has_headings(table)) {
		line = people_table_add_line(people->table, parent);
		if (!line)
			writer_fail(writer, -ENOMEM);
	}
	people->lines[people->row_depth++] = line;
	for (size_t i = 0; line && i < table->n_columns; i++)
		if (table->columns[i].heading)
			set_cell(writer, line, &table->columns[i], &values[i]);
}

static void people_row_end(struct writer *writer)
{
	struct people *people = writer->state;

	people->row_depth--;
}

static void people_rows_end(struct writer *writer, const struct writer_table *table)
{
	struct people *people = writer->state;
	bool empty;

	if (--people->depth || !people->table)
		return;
	empty = people_table_is_empty(people->table);
	if (people->printed && (table->empty || !empty))
		fputc('\n', writer->out);
	if (!empty && people_table_print(people->table, writer->out))
		writer_fail(writer, -ENOMEM);
	if (empty && table->empty)
		fprintf(writer->out, "%s\n", table->empty);
	people->printed = true;
	people_table_free(people->table);
	people->table = NULL;
}

/* ---- lines ---- */

static void people_say(struct writer *writer, enum display_colour colour, const char *line)
{
	struct people *people = writer->state;

	flush_block(writer);
	print_wrapped(writer, 0, colour, line);
	people->printed = true;
}

static void people_raw(struct writer *writer, const char *text, size_t length)
{
	flush_block(writer);
	fwrite(text, 1, length, writer->out);
}

static void people_finish(struct writer *writer)
{
	struct people *people = writer->state;

	flush_block(writer);
	people->printed = false;
}

const struct writer_operations writer_people = {
	.new = people_new,
	.free = people_free,
	.reset = people_reset,
	.field = people_field,
	.object_begin = people_object_begin,
	.object_end = people_object_end,
	.rows_begin = people_rows_begin,
	.row_begin = people_row_begin,
	.row_end = people_row_end,
	.rows_end = people_rows_end,
	.record_begin = people_record_begin,
	.record_end = people_record_end,
	.say = people_say,
	.raw = people_raw,
	.finish = people_finish,
};
