/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All output on stdout. A command describes what it has to say once; it comes out as tables and blocks of
 * "key  value" for people, or as one JSON document for programs.
 *
 * Nothing is written before writer_finish (or the end of a record), so that a command that fails half-way
 * leaves an error instead of half a document. Running out of memory or a failing write is remembered
 * and returned by writer_finish.
 */
#ifndef EPGCTL_WRITER_H
#define EPGCTL_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "display.h"
#include "base/util.h"

enum writer_kind {
	WRITER_TEXT, /* broken over several lines where a table is too wide */
	WRITER_WORD, /* a text that stays whole, unless it is very long */
	WRITER_NUMBER,
	WRITER_BYTES,   /* a number; "12.3 KiB" for people */
	WRITER_BOOLEAN, /* true, false; "yes", "no" for people */
	WRITER_TIME,    /* seconds since the epoch; local date and time for people */
	WRITER_LIST,    /* of texts */
};

/* What a value is, and how both forms call it. */
struct writer_column {
	const char *name;    /* in JSON; NULL: for people only */
	const char *heading; /* for people; NULL: in JSON only; "": the value stands without a label */
	enum writer_kind kind;
};

struct writer_value {
	union {
		const char *text; /* NULL: JSON null; for people nothing, where an empty cell of a table is "-" */
		uint64_t number;
		struct {
			const char *const *items;
			size_t n_items;
		};
	};
	enum display_colour colour;
};

static inline struct writer_value value_text(const char *text)
{
	return (struct writer_value){.text = text};
}

static inline struct writer_value value_coloured(const char *text, enum display_colour colour)
{
	return (struct writer_value){.text = text, .colour = colour};
}

static inline struct writer_value value_number(uint64_t number)
{
	return (struct writer_value){.number = number};
}

static inline struct writer_value value_list(const char *const *items, size_t n_items)
{
	return (struct writer_value){.items = items, .n_items = n_items};
}

struct writer;

struct writer_options {
	FILE *stream;
	bool json;
	bool quiet; /* writer_finish and records write nothing */
	bool no_headers;
	bool coloured;
	size_t width; /* columns that tables and blocks are fitted into */
};

int writer_new(const struct writer_options *options, struct writer **ret);
void writer_free(struct writer *writer);
DEFINE_AUTO(struct writer, writer_free)

bool writer_is_json(const struct writer *writer);

/* A value on a line of its own, "heading  value"; within an object, one of its values. */
void writer_field(struct writer *writer, const struct writer_column *column, struct writer_value value);
/* As many fields as there are columns. */
void writer_fields(struct writer *writer, const struct writer_column *columns, size_t n_columns,
		   const struct writer_value *values);

/*
 * An object of its own in JSON; for people one line, "heading  value, label value, …", its values joined.
 * The heading follows the rules of struct writer_column.
 */
void writer_object_begin(struct writer *writer, const char *name, const char *heading);
void writer_object_end(struct writer *writer);

/*
 * Rows: an array of objects in JSON, a table for people, who read `empty` where there is no row.
 * Rows may hold rows, between writer_row_begin and writer_row_end: for people they stand below it as the
 * branches of a tree, each value under the heading of its own column in the outer table; inner rows
 * without any heading are for JSON only.
 */
struct writer_table {
	const char *name;
	const struct writer_column *columns;
	size_t n_columns;
	const char *empty; /* NULL: nothing is said */
};

void writer_rows_begin(struct writer *writer, const struct writer_table *table);
void writer_row_begin(struct writer *writer, const struct writer_value *values);
void writer_row_end(struct writer *writer);
void writer_row(struct writer *writer, const struct writer_value *values);
void writer_rows_end(struct writer *writer);

/* From now on the output is a stream of records, not a document. */
void writer_records(struct writer *writer);
/* A record: an object in a line of its own, written at once; for people the values with blanks between. */
void writer_record_begin(struct writer *writer);
/* Returns 0, or a negative errno value when it could not be written. */
int writer_record_end(struct writer *writer);

/* A line for people; JSON leaves it out. */
void writer_say(struct writer *writer, enum display_colour colour, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* "heading  value" for people, where the value is made of several; JSON leaves it out. */
void writer_tell(struct writer *writer, const char *heading, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Text for people as it is, byte for byte; JSON leaves it out. */
void writer_raw(struct writer *writer, const char *text, size_t length);

/* Forgets all that was described so far. What follows is a failure, told to those who want quiet too. */
void writer_discard(struct writer *writer);

/* Ends the document and writes it. Returns 0, or a negative errno value when that failed. */
int writer_finish(struct writer *writer);

#endif
