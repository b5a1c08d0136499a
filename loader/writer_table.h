/* SPDX-License-Identifier: GPL-2.0-only */
/* A table for people, by libsmartcols, laid out to fit a width: texts are broken at blanks. */
#ifndef EPGCTL_WRITER_TABLE_H
#define EPGCTL_WRITER_TABLE_H

#include "writer.h"

struct people_table;
struct libscols_line;

/* An empty table with those columns of `table` that have a heading. Returns 0 or -ENOMEM. */
int people_table_new(const struct writer_options *options, const struct writer_table *table, struct people_table **ret);
void people_table_free(struct people_table *table);

/* A new line, a branch of `parent` unless that is NULL; it belongs to the table. NULL when memory is out. */
struct libscols_line *people_table_add_line(struct people_table *table, struct libscols_line *parent);

/* Fills the cell under `heading`; where the table has no such column nothing happens. Returns 0 or -ENOMEM. */
int people_table_set(struct people_table *table, struct libscols_line *line, const char *heading, const char *text,
		     enum display_colour colour);

bool people_table_is_empty(const struct people_table *table);

/* Prints headings and lines. Returns 0 or -ENOMEM. */
int people_table_print(struct people_table *table, FILE *stream);

#endif
