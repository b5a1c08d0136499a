/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>
#include <errno.h>
#include <locale.h>
#include <string.h>

#include "writer.h"

static void use_utf8(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
}

TestSuite(writer, .init = use_utf8);

/* A writer into memory. */
struct output {
	struct writer *writer;
	FILE *stream;
	char *text;
	size_t length;
};

static struct output *open_output(struct output *output, struct writer_options options)
{
	memset(output, 0, sizeof(*output));
	output->stream = open_memstream(&output->text, &output->length);
	options.stream = output->stream;
	if (!options.width)
		options.width = 100;
	cr_assert_eq(writer_new(&options, &output->writer), 0);
	return output;
}

static void close_output(struct output *output)
{
	writer_free(output->writer);
	fclose(output->stream);
	free(output->text);
}

static void check_output(struct output *output, const char *expected)
{
	cr_assert_eq(writer_finish(output->writer), 0);
	fflush(output->stream);
	cr_assert_str_eq(output->text, expected);
	close_output(output);
}

static const struct writer_column name_column = {"name", "NAME", WRITER_WORD};

static const struct writer_column columns[] = {
	{"name", "NAME", WRITER_WORD},    {"text", "TEXT", WRITER_TEXT}, {"packets", "PACKETS", WRITER_NUMBER},
	{"bytes", "BYTES", WRITER_BYTES}, {"up", "UP", WRITER_BOOLEAN},  {"list", "LIST", WRITER_LIST},
	{"hidden", NULL, WRITER_NUMBER},  {NULL, "SHOWN", WRITER_WORD},
};
static const struct writer_table table = {"rows", columns, ARRAY_SIZE(columns), "no rows"};

static void write_rows(struct writer *writer)
{
	static const char *const items[] = {"one", "two"};
	const struct writer_value first[] = {
		value_text("a"), value_text("first row"), value_number(5),  value_number(2048),
		value_number(1), value_list(items, 2),    value_number(42), value_text("yes"),
	};
	const struct writer_value second[] = {
		value_text("bb"), value_text(""),      value_number(12345678), value_number(12),
		value_number(0),  value_list(NULL, 0), value_number(43),       value_text("no"),
	};

	writer_rows_begin(writer, &table);
	writer_row(writer, first);
	writer_row(writer, second);
	writer_rows_end(writer);
}

/* ---- JSON ---- */

Test(writer, json_of_rows)
{
	struct output output;

	write_rows(open_output(&output, (struct writer_options){.json = true})->writer);
	check_output(&output,
		     "{\"rows\":[{\"name\":\"a\",\"text\":\"first row\",\"packets\":5,\"bytes\":2048,\"up\":true,"
		     "\"list\":[\"one\",\"two\"],\"hidden\":42},"
		     "{\"name\":\"bb\",\"text\":\"\",\"packets\":12345678,\"bytes\":12,\"up\":false,\"list\":[],"
		     "\"hidden\":43}]}\n");
}

Test(writer, json_escapes_what_it_must)
{
	struct output output;

	open_output(&output, (struct writer_options){.json = true});
	writer_field(output.writer, &name_column, value_text("\"\\/\b\f\n\r\t\x01\x1f\x7f\xc3\xa9\xf0\x9f\x98\x80"));
	check_output(&output, "{\"name\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa9\xf0\x9f\x98\x80\"}\n");
}

Test(writer, json_replaces_bytes_that_are_not_utf8)
{
	struct output output;

	open_output(&output, (struct writer_options){.json = true});
	writer_field(output.writer, &name_column, value_text("a\xff\xc3\x28\xed\xa0\x80z"));
	check_output(&output, "{\"name\":\"a\\ufffd\\ufffd(\\ufffd\\ufffd\\ufffdz\"}\n");
}

Test(writer, json_numbers_are_exact)
{
	static const struct writer_column column = {"packets", NULL, WRITER_NUMBER};
	struct output output;

	open_output(&output, (struct writer_options){.json = true});
	writer_field(output.writer, &column, value_number(UINT64_MAX));
	check_output(&output, "{\"packets\":18446744073709551615}\n");
}

Test(writer, json_nests_objects_and_rows)
{
	struct output output;
	const struct writer_table outer = {"outer", &name_column, 1, NULL};
	const struct writer_table inner = {"inner", &name_column, 1, NULL};
	const struct writer_value value = value_text("x");
	struct writer *writer = open_output(&output, (struct writer_options){.json = true})->writer;

	writer_object_begin(writer, "rule", "rule");
	writer_field(writer, &name_column, value_text(NULL));
	writer_object_end(writer);
	writer_rows_begin(writer, &outer);
	writer_row_begin(writer, &value);
	writer_rows_begin(writer, &inner);
	writer_row(writer, &value);
	writer_row(writer, &value);
	writer_rows_end(writer);
	writer_row_end(writer);
	writer_rows_end(writer);
	check_output(&output, "{\"rule\":{\"name\":null},\"outer\":[{\"name\":\"x\",\"inner\":[{\"name\":\"x\"},"
			      "{\"name\":\"x\"}]}]}\n");
}

Test(writer, json_is_a_document_even_with_nothing_to_say)
{
	struct output output;

	open_output(&output, (struct writer_options){.json = true});
	writer_say(output.writer, DISPLAY_PLAIN, "for people");
	writer_raw(output.writer, "text", 4);
	check_output(&output, "{}\n");
}

Test(writer, json_records_stand_in_lines_of_their_own)
{
	struct output output;

	open_output(&output, (struct writer_options){.json = true});
	writer_records(output.writer);
	for (int i = 0; i < 2; i++) {
		writer_record_begin(output.writer);
		writer_field(output.writer, &name_column, value_text("e"));
		writer_object_begin(output.writer, "source", NULL);
		writer_object_end(output.writer);
		cr_assert_eq(writer_record_end(output.writer), 0);
	}
	cr_assert_str_eq(output.text, "{\"name\":\"e\",\"source\":{}}\n{\"name\":\"e\",\"source\":{}}\n",
			 "written at once");
	check_output(&output, "{\"name\":\"e\",\"source\":{}}\n{\"name\":\"e\",\"source\":{}}\n");
}

/* ---- people ---- */

Test(writer, a_table_for_people)
{
	struct output output;

	write_rows(open_output(&output, (struct writer_options){0})->writer);
	check_output(&output, "NAME  TEXT        PACKETS    BYTES  UP   LIST  SHOWN\n"
			      "a     first row         5  2.0 KiB  yes  one   yes\n"
			      "                                         two\n"
			      "bb    -          12345678     12 B  no   -     no\n");
}

Test(writer, a_table_without_headings)
{
	struct output output;
	const struct writer_table small = {"rows", &name_column, 1, NULL};
	const struct writer_value value = value_text("x");

	open_output(&output, (struct writer_options){.no_headers = true});
	writer_rows_begin(output.writer, &small);
	writer_row(output.writer, &value);
	writer_rows_end(output.writer);
	check_output(&output, "x\n");
}

Test(writer, a_table_without_rows_says_so)
{
	struct output output;

	open_output(&output, (struct writer_options){0});
	writer_rows_begin(output.writer, &table);
	writer_rows_end(output.writer);
	check_output(&output, "no rows\n");
}

static size_t widest_line(const char *text)
{
	size_t widest = 0;

	while (*text) {
		size_t length = strcspn(text, "\n"), width = display_width(text, length);

		widest = width > widest ? width : widest;
		text += length + (text[length] == '\n');
	}
	return widest;
}

Test(writer, a_table_fits_its_width)
{
	static const size_t widths[] = {60, 80, 100, 200};

	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		struct output output;
		const struct writer_value values[] = {
			value_text("interface0"),
			value_text(
				"a sentence that goes on and on, far beyond what a line of a table can hold, because "
				"whoever wrote it had a lot to say about it"),
			value_number(1),
			value_number(1),
			value_number(1),
			value_list(NULL, 0),
			value_number(1),
			value_text("short"),
		};

		open_output(&output, (struct writer_options){.width = widths[i]});
		writer_rows_begin(output.writer, &table);
		writer_row(output.writer, values);
		writer_rows_end(output.writer);
		cr_assert_eq(writer_finish(output.writer), 0);
		cr_assert(widest_line(output.text) <= widths[i], "%zu columns in\n%s", widths[i], output.text);
		cr_assert(strstr(output.text, "interface0  "), "words stay whole:\n%s", output.text);
		close_output(&output);
	}
}

Test(writer, texts_are_broken_before_words_are)
{
	static const struct writer_column two[] = {{"name", "NAME", WRITER_WORD}, {"text", "TEXT", WRITER_TEXT}};
	const struct writer_table small = {"rows", two, ARRAY_SIZE(two), NULL};
	const struct writer_value values[] = {value_text("shop/store/front -> shop/store/back"),
					      value_text("by contract shop/web and by shop/diag")};
	struct output output;

	open_output(&output, (struct writer_options){.width = 60});
	writer_rows_begin(output.writer, &small);
	writer_row(output.writer, values);
	writer_rows_end(output.writer);
	check_output(&output, "NAME                                 TEXT\n"
			      "shop/store/front -> shop/store/back  by contract shop/web\n"
			      "                                     and by shop/diag\n");
}

Test(writer, rows_in_rows_are_branches)
{
	static const struct writer_column outer_columns[] = {{"name", "NAME", WRITER_WORD},
							     {NULL, "RULE", WRITER_TEXT},
							     {"packets", "PACKETS", WRITER_NUMBER}};
	static const struct writer_column inner_columns[] = {{"entry", "NAME", WRITER_WORD},
							     {"line", NULL, WRITER_NUMBER},
							     {"match", "RULE", WRITER_TEXT},
							     {"packets", "PACKETS", WRITER_NUMBER}};
	const struct writer_table outer = {"contracts", outer_columns, ARRAY_SIZE(outer_columns), NULL};
	const struct writer_table inner = {"rules", inner_columns, ARRAY_SIZE(inner_columns), NULL};
	const struct writer_value contract[] = {value_text("web"), value_text(NULL), value_number(7)};
	const struct writer_value rule[] = {value_text("http"), value_number(3), value_text("tcp"), value_number(7)};
	struct output output;
	struct writer *writer = open_output(&output, (struct writer_options){0})->writer;

	writer_rows_begin(writer, &outer);
	writer_row_begin(writer, contract);
	writer_rows_begin(writer, &inner);
	writer_row(writer, rule);
	writer_rows_end(writer);
	writer_row_end(writer);
	writer_rows_end(writer);
	check_output(&output, "NAME    RULE  PACKETS\nweb                 7\n└─http  tcp         7\n");
}

Test(writer, values_of_a_block_stand_below_each_other)
{
	static const struct writer_column source = {"interface", "interface", WRITER_TEXT};
	static const struct writer_column group = {"group", "", WRITER_TEXT};
	static const struct writer_column longer = {"packets", "permitted", WRITER_NUMBER};
	struct output output;

	open_output(&output, (struct writer_options){0});
	writer_say(output.writer, DISPLAY_GREEN, "a line of %d words", 5);
	writer_object_begin(output.writer, "source", "source");
	writer_field(output.writer, &group, value_text("shop/front"));
	writer_field(output.writer, &source, value_text("veth1"));
	writer_field(output.writer, &name_column, value_text(""));
	writer_object_end(output.writer);
	writer_object_begin(output.writer, "json", NULL);
	writer_field(output.writer, &group, value_text("not for people"));
	writer_object_end(output.writer);
	writer_field(output.writer, &longer, value_number(3));
	writer_tell(output.writer, "flows", "%d of %d", 1, 2);
	check_output(&output, "a line of 5 words\n"
			      "source     shop/front, interface veth1\n"
			      "permitted  3\n"
			      "flows      1 of 2\n");
}

Test(writer, what_stands_in_an_object_for_programs_is_not_for_people)
{
	static const struct writer_column group = {"group", "", WRITER_TEXT};
	struct output output;

	open_output(&output, (struct writer_options){0});
	writer_object_begin(output.writer, "opening", NULL);
	writer_object_begin(output.writer, "source", "source");
	writer_field(output.writer, &group, value_text("not for people"));
	writer_object_end(output.writer);
	writer_tell(output.writer, "reason", "nor this");
	writer_object_begin(output.writer, "rule", NULL);
	writer_object_end(output.writer);
	writer_field(output.writer, &group, value_text("nor that"));
	writer_object_end(output.writer);
	writer_field(output.writer, &group, value_text("but this"));
	check_output(&output, "but this\n");
}

Test(writer, long_values_are_broken_at_blanks)
{
	struct output output;

	open_output(&output, (struct writer_options){.width = 30});
	writer_tell(output.writer, "hint", "one two three four five six seven");
	writer_tell(output.writer, "path", "/a/path/that/is/longer/than/the/line/is");
	check_output(&output, "hint  one two three four five\n"
			      "      six seven\n"
			      "path  /a/path/that/is/longer/than/the/line/is\n");
}

Test(writer, colours_only_where_wanted)
{
	static const struct writer_column verdict = {"verdict", "", WRITER_TEXT};
	const struct writer_table small = {"rows", &name_column, 1, NULL};
	const struct writer_value value = value_coloured("x", DISPLAY_RED);
	struct output output;

	for (int coloured = 0; coloured < 2; coloured++) {
		open_output(&output, (struct writer_options){.coloured = coloured});
		writer_field(output.writer, &verdict, value_coloured("deny", DISPLAY_RED));
		writer_rows_begin(output.writer, &small);
		writer_row(output.writer, &value);
		writer_rows_end(output.writer);
		cr_assert_eq(writer_finish(output.writer), 0);
		cr_assert_eq(!strncmp(output.text, "\033[31mdeny\033[0m\n", 14), coloured);
		cr_assert_eq(strstr(output.text, "\033[31mx") != NULL, coloured);
		cr_assert_eq(strchr(output.text, '\033') != NULL, coloured);
		close_output(&output);
	}
}

Test(writer, what_others_wrote_cannot_steer_the_terminal)
{
	const struct writer_table small = {"rows", &name_column, 1, NULL};
	const struct writer_value value = value_text("a\033[2Jb");
	struct output output;

	open_output(&output, (struct writer_options){0});
	writer_field(output.writer, &name_column, value);
	writer_rows_begin(output.writer, &small);
	writer_row(output.writer, &value);
	writer_rows_end(output.writer);
	writer_record_begin(output.writer);
	writer_field(output.writer, &name_column, value);
	cr_assert_eq(writer_record_end(output.writer), 0);
	cr_assert_null(strchr(output.text, '\033'));
	close_output(&output);
}

Test(writer, records_for_people_are_lines)
{
	static const struct writer_column bare = {"verdict", "", WRITER_TEXT};
	struct output output;

	open_output(&output, (struct writer_options){0});
	writer_records(output.writer);
	writer_record_begin(output.writer);
	writer_field(output.writer, &bare, value_coloured("permit", DISPLAY_GREEN));
	writer_object_begin(output.writer, "source", NULL);
	writer_field(output.writer, &bare, value_text("not for people"));
	writer_object_end(output.writer);
	writer_field(output.writer, &bare, value_text("eth0"));
	cr_assert_eq(writer_record_end(output.writer), 0);
	check_output(&output, "permit  eth0\n");
}

/* ---- failures ---- */

Test(writer, a_failure_replaces_what_was_said)
{
	for (int json = 0; json < 2; json++) {
		struct output output;

		open_output(&output, (struct writer_options){.json = json, .quiet = true});
		writer_field(output.writer, &name_column, value_text("before"));
		writer_rows_begin(output.writer, &table);
		writer_discard(output.writer);
		writer_field(output.writer, &name_column, value_text("after"));
		check_output(&output, json ? "{\"name\":\"after\"}\n" : "NAME  after\n");
	}
}

Test(writer, quiet_says_nothing)
{
	for (int json = 0; json < 2; json++) {
		struct output output;

		write_rows(open_output(&output, (struct writer_options){.json = json, .quiet = true})->writer);
		check_output(&output, "");
	}
}

Test(writer, a_full_disk_is_told)
{
	FILE *full = fopen("/dev/full", "w");
	const struct writer_options options = {.stream = full, .width = 100};
	AUTO(writer_free) struct writer *writer = NULL;

	cr_assert_not_null(full);
	cr_assert_eq(writer_new(&options, &writer), 0);
	write_rows(writer);
	cr_assert_eq(writer_finish(writer), -ENOSPC);
	fclose(full);
}
