/* SPDX-License-Identifier: GPL-2.0-only */
#include "writer.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>

#include "writer_backend.h"

void writer_fail(struct writer *writer, int error)
{
	if (!writer->error)
		writer->error = error;
}

/* Begins with an empty document in memory. */
static int open_document(struct writer *writer)
{
	writer->out = open_memstream(&writer->text, &writer->length);
	return writer->out ? 0 : -ENOMEM;
}

static void close_document(struct writer *writer)
{
	if (writer->out && fclose(writer->out))
		writer_fail(writer, -ENOMEM);
	writer->out = NULL;
}

static void drop_document(struct writer *writer)
{
	close_document(writer);
	free(writer->text);
	writer->text = NULL;
	writer->length = 0;
}

int writer_new(const struct writer_options *options, struct writer **ret)
{
	AUTO(writer_free) struct writer *writer = calloc(1, sizeof(*writer));
	int error;

	if (!writer)
		return -ENOMEM;
	writer->operations = options->json ? &writer_json : &writer_people;
	writer->options = *options;
	error = open_document(writer);
	if (!error)
		error = writer->operations->new (writer);
	if (error)
		return error;
	*ret = TAKE_PTR(writer);
	return 0;
}

void writer_free(struct writer *writer)
{
	if (!writer)
		return;
	writer->operations->free(writer);
	drop_document(writer);
	free(writer);
}

bool writer_is_json(const struct writer *writer)
{
	return writer->options.json;
}

void writer_field(struct writer *writer, const struct writer_column *column, struct writer_value value)
{
	writer->operations->field(writer, column, value);
}

void writer_fields(struct writer *writer, const struct writer_column *columns, size_t n_columns,
		   const struct writer_value *values)
{
	for (size_t i = 0; i < n_columns; i++)
		writer_field(writer, &columns[i], values[i]);
}

void writer_object_begin(struct writer *writer, const char *name, const char *heading)
{
	writer->operations->object_begin(writer, name, heading);
}

void writer_object_end(struct writer *writer)
{
	writer->operations->object_end(writer);
}

void writer_rows_begin(struct writer *writer, const struct writer_table *table)
{
	assert(writer->n_tables < WRITER_DEPTH);
	writer->operations->rows_begin(writer, table);
	writer->tables[writer->n_tables++] = table;
}

void writer_row_begin(struct writer *writer, const struct writer_value *values)
{
	assert(writer->n_tables);
	writer->operations->row_begin(writer, writer->tables[writer->n_tables - 1], values);
}

void writer_row_end(struct writer *writer)
{
	writer->operations->row_end(writer);
}

void writer_row(struct writer *writer, const struct writer_value *values)
{
	writer_row_begin(writer, values);
	writer_row_end(writer);
}

void writer_rows_end(struct writer *writer)
{
	assert(writer->n_tables);
	writer->operations->rows_end(writer, writer->tables[--writer->n_tables]);
}

/* Writes what the document holds by now, and empties it. */
static int write_document(struct writer *writer)
{
	FILE *stream = writer->options.stream;

	close_document(writer);
	if (!writer->error && !writer->options.quiet) {
		errno = 0;
		if (fwrite(writer->text, 1, writer->length, stream) != writer->length || fflush(stream))
			writer_fail(writer, errno ? -errno : -EIO);
	}
	drop_document(writer);
	if (open_document(writer))
		writer_fail(writer, -ENOMEM);
	return writer->error;
}

void writer_records(struct writer *writer)
{
	writer->records = true;
}

void writer_record_begin(struct writer *writer)
{
	writer->operations->record_begin(writer);
}

int writer_record_end(struct writer *writer)
{
	writer->operations->record_end(writer);
	return write_document(writer);
}

/* For the caller to free; NULL when memory is out. */
static char *compose(struct writer *writer, const char *format, va_list arguments)
{
	char *text;

	if (vasprintf(&text, format, arguments) >= 0)
		return text;
	writer_fail(writer, -ENOMEM);
	return NULL;
}

void writer_say(struct writer *writer, enum display_colour colour, const char *format, ...)
{
	AUTO_FREE char *line = NULL;
	va_list arguments;

	va_start(arguments, format);
	line = compose(writer, format, arguments);
	va_end(arguments);
	if (line)
		writer->operations->say(writer, colour, line);
}

void writer_tell(struct writer *writer, const char *heading, const char *format, ...)
{
	const struct writer_column column = {NULL, heading, WRITER_TEXT};
	AUTO_FREE char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = compose(writer, format, arguments);
	va_end(arguments);
	if (text)
		writer_field(writer, &column, value_text(text));
}

void writer_raw(struct writer *writer, const char *text, size_t length)
{
	writer->operations->raw(writer, text, length);
}

void writer_discard(struct writer *writer)
{
	writer->operations->reset(writer);
	writer->n_tables = 0;
	writer->records = false;
	writer->options.quiet = false;
	drop_document(writer);
	if (open_document(writer))
		writer_fail(writer, -ENOMEM);
}

int writer_finish(struct writer *writer)
{
	writer->operations->finish(writer);
	return write_document(writer);
}
