/* SPDX-License-Identifier: GPL-2.0-only */
/* What the two forms of output implement; only writer*.c include this. */
#ifndef EPGCTL_WRITER_BACKEND_H
#define EPGCTL_WRITER_BACKEND_H

#include "writer.h"

/* Objects, rows, and rows of rows: as deep as documents go. */
#define WRITER_DEPTH 8

struct writer {
	const struct writer_operations *operations;
	struct writer_options options;
	FILE *out; /* the document, in memory until it is finished */
	char *text;
	size_t length;
	const struct writer_table *tables[WRITER_DEPTH]; /* of the rows that are open */
	size_t n_tables;
	bool records; /* a stream of records has no document around it */
	int error;    /* the first one, a negative errno value */
	void *state;  /* of the backend */
};

struct writer_operations {
	int (*new)(struct writer *writer);
	void (*free)(struct writer *writer);
	void (*reset)(struct writer *writer);
	void (*field)(struct writer *writer, const struct writer_column *column, struct writer_value value);
	void (*object_begin)(struct writer *writer, const char *name, const char *heading);
	void (*object_end)(struct writer *writer);
	void (*rows_begin)(struct writer *writer, const struct writer_table *table);
	void (*row_begin)(struct writer *writer, const struct writer_table *table, const struct writer_value *values);
	void (*row_end)(struct writer *writer);
	void (*rows_end)(struct writer *writer, const struct writer_table *table);
	void (*record_begin)(struct writer *writer);
	void (*record_end)(struct writer *writer);
	void (*say)(struct writer *writer, enum display_colour colour, const char *line);
	void (*raw)(struct writer *writer, const char *text, size_t length);
	void (*finish)(struct writer *writer);
};

extern const struct writer_operations writer_json;
extern const struct writer_operations writer_people;

/* Remembers the first error. */
void writer_fail(struct writer *writer, int error);

#endif
