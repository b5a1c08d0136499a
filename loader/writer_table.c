/* SPDX-License-Identifier: GPL-2.0-only */
#include "writer_table.h"

#include <errno.h>
#include <libsmartcols.h>
#include <string.h>

#define SEPARATOR "  "

/* A table that does not fit is narrowed step by step: columns of a kind, but none below so many columns. */
static const struct {
	enum writer_kind kind;
	size_t narrowest;
} narrowing[] = {{WRITER_TEXT, 20}, {WRITER_WORD, 40}, {WRITER_TEXT, 12}, {WRITER_WORD, 20}};

/* Wider than any table: libsmartcols is to lay out nothing by itself. */
#define UNLIMITED_WIDTH 100000

/* Columns that a branch of the tree takes before its text. */
#define BRANCH_WIDTH 2

struct people_table {
	struct libscols_table *scols;
	enum writer_kind *kinds; /* of the columns */
	size_t *widths;
	size_t n_columns;
	size_t width; /* to fit into */
	bool headings;
};

static bool is_number(enum writer_kind kind)
{
	return kind == WRITER_NUMBER || kind == WRITER_BYTES;
}

static bool add_column(struct people_table *table, const struct writer_column *column)
{
	int flags = is_number(column->kind) ? SCOLS_FL_RIGHT : SCOLS_FL_WRAP;
	struct libscols_column *scols = scols_table_new_column(table->scols, column->heading, 0, flags);

	if (!scols)
		return false;
	table->kinds[table->n_columns++] = column->kind;
	/* Cells are broken where we say so. */
	return is_number(column->kind) ||
	       (!scols_column_set_safechars(scols, "\n") &&
		!scols_column_set_wrapfunc(scols, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL));
}

static bool set_up(struct people_table *table, const struct writer_options *options,
		   const struct writer_table *description)
{
	table->scols = scols_new_table();
	table->kinds = calloc(description->n_columns, sizeof(*table->kinds));
	table->widths = calloc(description->n_columns, sizeof(*table->widths));
	table->width = options->width;
	table->headings = !options->no_headers;
	if (!table->scols || !table->kinds || !table->widths)
		return false;
	for (size_t i = 0; i < description->n_columns; i++)
		if (description->columns[i].heading && !add_column(table, &description->columns[i]))
			return false;
	return !scols_table_set_termforce(table->scols, SCOLS_TERMFORCE_ALWAYS) &&
	       !scols_table_set_termwidth(table->scols, UNLIMITED_WIDTH) &&
	       !scols_table_enable_noheadings(table->scols, options->no_headers) &&
	       !scols_table_enable_colors(table->scols, options->coloured) &&
	       !scols_table_set_column_separator(table->scols, SEPARATOR);
}

int people_table_new(const struct writer_options *options, const struct writer_table *description,
		     struct people_table **ret)
{
	struct people_table *table = calloc(1, sizeof(*table));

	if (!table)
		return -ENOMEM;
	if (!set_up(table, options, description)) {
		people_table_free(table);
		return -ENOMEM;
	}
	*ret = table;
	return 0;
}

void people_table_free(struct people_table *table)
{
	if (!table)
		return;
	scols_unref_table(table->scols);
	free(table->kinds);
	free(table->widths);
	free(table);
}

struct libscols_line *people_table_add_line(struct people_table *table, struct libscols_line *parent)
{
	struct libscols_column *first = scols_table_get_column(table->scols, 0);

	/* The first branch makes the table a tree. */
	if (parent && !scols_column_is_tree(first))
		scols_column_set_flags(first, scols_column_get_flags(first) | SCOLS_FL_TREE);
	return scols_table_new_line(table->scols, parent);
}

bool people_table_is_empty(const struct people_table *table)
{
	return scols_table_is_empty(table->scols);
}

static const char *heading_of(const struct people_table *table, size_t column)
{
	return scols_cell_get_data(scols_column_get_header(scols_table_get_column(table->scols, column)));
}

/* The text without what could steer the terminal, line by line; for the caller to free. */
static char *clean(const char *text)
{
	AUTO_FREE char *cleaned = NULL;
	size_t size;
	FILE *stream = open_memstream(&cleaned, &size);

	if (!stream)
		return NULL;
	while (*text) {
		size_t length = strcspn(text, "\n");

		display_text(stream, text, length);
		text += length;
		if (*text)
			fputc(*text++, stream);
	}
	return fclose(stream) ? NULL : TAKE_PTR(cleaned);
}

int people_table_set(struct people_table *table, struct libscols_line *line, const char *heading, const char *text,
		     enum display_colour colour)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		struct libscols_cell *cell = scols_line_get_cell(line, i);
		AUTO_FREE char *cleaned = NULL;

		if (strcmp(heading_of(table, i), heading))
			continue;
		cleaned = clean(text);
		if (!cleaned || scols_cell_set_data(cell, cleaned))
			return -ENOMEM;
		if (colour != DISPLAY_PLAIN && scols_cell_set_color(cell, display_colour_name(colour)))
			return -ENOMEM;
	}
	return 0;
}

/* ---- layout ---- */

/* Columns that the widest line of a text takes. */
static size_t text_width(const char *text)
{
	size_t widest = 0;

	while (*text) {
		size_t length = strcspn(text, "\n"), width = display_width(text, length);

		widest = width > widest ? width : widest;
		text += length + (text[length] == '\n');
	}
	return widest;
}

/* What a cell's text stands behind: the branches of the tree, in the first column. */
static size_t branch_width(struct libscols_line *line, size_t column)
{
	size_t width = 0;

	if (!column)
		while ((line = scols_line_get_parent(line)))
			width += BRANCH_WIDTH;
	return width;
}

static const char *cell_text(struct libscols_line *line, size_t column)
{
	const char *text = scols_cell_get_data(scols_line_get_cell(line, column));

	return text ? text : "";
}

/* Notes how wide each column is by its cells; returns the whole table's width. */
static size_t measure(struct people_table *table, struct libscols_iter *lines)
{
	size_t total = (table->n_columns - 1) * strlen(SEPARATOR);

	for (size_t i = 0; i < table->n_columns; i++) {
		struct libscols_line *line;
		size_t widest = table->headings ? text_width(heading_of(table, i)) : 0;

		scols_reset_iter(lines, SCOLS_ITER_FORWARD);
		while (!scols_table_next_line(table->scols, lines, &line)) {
			size_t width = branch_width(line, i) + text_width(cell_text(line, i));

			widest = width > widest ? width : widest;
		}
		table->widths[i] = widest;
		total += widest;
	}
	return total;
}

/* The widest column of that kind that may become narrower; or the number of columns. */
static size_t find_widest(const struct people_table *table, enum writer_kind kind, size_t narrowest)
{
	size_t widest = table->n_columns;

	for (size_t i = 0; i < table->n_columns; i++)
		if (table->kinds[i] == kind && table->widths[i] > narrowest &&
		    (widest == table->n_columns || table->widths[i] > table->widths[widest]))
			widest = i;
	return widest;
}

/* The cell's text with line breaks, so that it is at most `width` columns wide. */
static int break_cell(struct libscols_cell *cell, const char *text, size_t width)
{
	AUTO_FREE char *broken = NULL;
	size_t size;
	FILE *stream = open_memstream(&broken, &size);

	if (!stream)
		return -ENOMEM;
	while (*text) {
		size_t length = display_break(text, width, true);

		fwrite(text, 1, length, stream);
		text += length;
		text += *text == ' ' || *text == '\n';
		if (*text)
			fputc('\n', stream);
	}
	return fclose(stream) || scols_cell_set_data(cell, broken) ? -ENOMEM : 0;
}

static int break_column(struct people_table *table, struct libscols_iter *lines, size_t column)
{
	struct libscols_line *line;

	scols_reset_iter(lines, SCOLS_ITER_FORWARD);
	while (!scols_table_next_line(table->scols, lines, &line)) {
		size_t width = table->widths[column] - branch_width(line, column);
		const char *text = cell_text(line, column);

		if (text_width(text) > width && break_cell(scols_line_get_cell(line, column), text, width))
			return -ENOMEM;
	}
	return 0;
}

/* Narrows columns, the widest first, until the table fits. */
static int fit(struct people_table *table, struct libscols_iter *lines)
{
	size_t total = measure(table, lines);
	int error = 0;

	for (size_t step = 0; step < ARRAY_SIZE(narrowing); step++) {
		while (total > table->width) {
			size_t column = find_widest(table, narrowing[step].kind, narrowing[step].narrowest);

			if (column == table->n_columns)
				break;
			table->widths[column]--;
			total--;
		}
	}
	for (size_t i = 0; i < table->n_columns && !error; i++)
		error = break_column(table, lines, i);
	return error;
}

/* libsmartcols fills up the last column of rows that take several lines: nobody needs these blanks. */
static void print_trimmed(FILE *stream, const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n"), kept = length;

		while (kept && text[kept - 1] == ' ')
			kept--;
		fwrite(text, 1, kept, stream);
		fputc('\n', stream);
		text += length + (text[length] == '\n');
	}
}

int people_table_print(struct people_table *table, FILE *stream)
{
	/* Lines are a list: by their numbers they would be counted from the first one on each time. */
	struct libscols_iter *lines = scols_new_iter(SCOLS_ITER_FORWARD);
	AUTO_FREE char *text = NULL;
	int error = lines ? fit(table, lines) : -ENOMEM;

	scols_free_iter(lines);
	if (error || scols_print_table_to_string(table->scols, &text))
		return -ENOMEM;
	print_trimmed(stream, text);
	return 0;
}
