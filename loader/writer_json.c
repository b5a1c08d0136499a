/* SPDX-License-Identifier: GPL-2.0-only */
/* JSON as of RFC 8259: one object, on one line. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "writer_backend.h"

/* What is open: for each level whether something stands in it already. */
struct json {
	bool filled[2 * WRITER_DEPTH];
	size_t depth;
};

static int json_new(struct writer *writer)
{
	writer->state = calloc(1, sizeof(struct json));
	return writer->state ? 0 : -ENOMEM;
}

static void json_free(struct writer *writer)
{
	free(writer->state);
}

static void json_reset(struct writer *writer)
{
	memset(writer->state, 0, sizeof(struct json));
}

static void write_character(FILE *out, const char *bytes, size_t length, uint32_t character)
{
	static const char *const escapes[0x20] = {
		['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r",
	};

	if (character == '"' || character == '\\')
		fputc('\\', out);
	if (character >= 0x20)
		fwrite(bytes, 1, length, out);
	else if (escapes[character])
		fputs(escapes[character], out);
	else
		fprintf(out, "\\u%04" PRIx32, character);
}

/* Bytes that are not UTF-8 come out as U+FFFD: JSON can't hold them. */
static void write_string(FILE *out, const char *text)
{
	size_t length = strlen(text);

	fputc('"', out);
	for (size_t i = 0, n; i < length; i += n) {
		uint32_t character;
		bool valid;

		n = display_decode(text + i, length - i, &character, &valid);
		if (valid)
			write_character(out, text + i, n, character);
		else
			fputs("\\ufffd", out);
	}
	fputc('"', out);
}

/* Opens the document with its first element, and separates an element from the one before. */
static void begin_element(struct writer *writer, const char *name)
{
	struct json *json = writer->state;

	if (!json->depth && !writer->records) {
		fputc('{', writer->out);
		json->depth = 1;
	}
	if (json->filled[json->depth])
		fputc(',', writer->out);
	json->filled[json->depth] = true;
	if (name) {
		write_string(writer->out, name);
		fputc(':', writer->out);
	}
}

static void open_level(struct writer *writer, char bracket)
{
	struct json *json = writer->state;

	assert(json->depth + 1 < 2 * WRITER_DEPTH);
	fputc(bracket, writer->out);
	json->filled[++json->depth] = false;
}

static void close_level(struct writer *writer, char bracket)
{
	struct json *json = writer->state;

	assert(json->depth);
	fputc(bracket, writer->out);
	json->depth--;
}

static void write_list(FILE *out, const struct writer_value *value)
{
	fputc('[', out);
	for (size_t i = 0; i < value->n_items; i++) {
		if (i)
			fputc(',', out);
		write_string(out, value->items[i]);
	}
	fputc(']', out);
}

static void json_field(struct writer *writer, const struct writer_column *column, struct writer_value value)
{
	if (!column->name)
		return;
	begin_element(writer, column->name);
	switch (column->kind) {
	case WRITER_TEXT:
	case WRITER_WORD:
		if (value.text)
			write_string(writer->out, value.text);
		else
			fputs("null", writer->out);
		break;
	case WRITER_NUMBER:
	case WRITER_BYTES:
	case WRITER_TIME:
		fprintf(writer->out, "%" PRIu64, value.number);
		break;
	case WRITER_BOOLEAN:
		fputs(value.number ? "true" : "false", writer->out);
		break;
	case WRITER_LIST:
		write_list(writer->out, &value);
		break;
	}
}

static void json_object_begin(struct writer *writer, const char *name, const char *heading)
{
	(void)heading;
	begin_element(writer, name);
	open_level(writer, '{');
}

static void json_object_end(struct writer *writer)
{
	close_level(writer, '}');
}

static void json_rows_begin(struct writer *writer, const struct writer_table *table)
{
	begin_element(writer, table->name);
	open_level(writer, '[');
}

static void json_row_begin(struct writer *writer, const struct writer_table *table, const struct writer_value *values)
{
	begin_element(writer, NULL);
	open_level(writer, '{');
	for (size_t i = 0; i < table->n_columns; i++)
		json_field(writer, &table->columns[i], values[i]);
}

static void json_row_end(struct writer *writer)
{
	close_level(writer, '}');
}

static void json_rows_end(struct writer *writer, const struct writer_table *table)
{
	(void)table;
	close_level(writer, ']');
}

static void json_record_begin(struct writer *writer)
{
	open_level(writer, '{');
}

static void json_record_end(struct writer *writer)
{
	close_level(writer, '}');
	fputc('\n', writer->out);
}

static void json_say(struct writer *writer, enum display_colour colour, const char *line)
{
	(void)writer;
	(void)colour;
	(void)line;
}

static void json_raw(struct writer *writer, const char *text, size_t length)
{
	(void)writer;
	(void)text;
	(void)length;
}

/* A command that has nothing to say still ends in a document, an empty object; records have none around them. */
static void json_finish(struct writer *writer)
{
	struct json *json = writer->state;

	if (!writer->records && !json->depth)
		open_level(writer, '{');
	while (json->depth)
		close_level(writer, '}');
	if (!writer->records)
		fputc('\n', writer->out);
	json_reset(writer);
}

const struct writer_operations writer_json = {
	.new = json_new,
	.free = json_free,
	.reset = json_reset,
	.field = json_field,
	.object_begin = json_object_begin,
	.object_end = json_object_end,
	.rows_begin = json_rows_begin,
	.row_begin = json_row_begin,
	.row_end = json_row_end,
	.rows_end = json_rows_end,
	.record_begin = json_record_begin,
	.record_end = json_record_end,
	.say = json_say,
	.raw = json_raw,
	.finish = json_finish,
};
