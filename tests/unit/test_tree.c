/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "policy/diagnostic.h"
#include "policy/tree.h"

/* A text that was read, and what there is to say about it. */
struct reading {
	struct arena *arena;
	struct epg_diagnostics *diagnostics;
	const struct tree_node *root;
	int error;
};

static struct reading read_bytes(const char *text, size_t length)
{
	struct reading reading = {.arena = arena_new()};

	cr_assert_eq(diagnostics_new("p.yaml", &reading.diagnostics), 0);
	diagnostics_set_text(reading.diagnostics, text, length);
	reading.error = tree_read(text, length, reading.arena, reading.diagnostics, &reading.root);
	return reading;
}

static void forget(struct reading *reading)
{
	epg_diagnostics_free(reading->diagnostics);
	arena_free(reading->arena);
}

static void expect_error(const char *text, size_t length, uint32_t line, uint32_t column, const char *message,
			 const char *hint)
{
	struct reading reading = read_bytes(text, length);
	const struct epg_diagnostic *first = epg_diagnostics_get(reading.diagnostics, 0);

	cr_assert_not_null(first, "%s", text);
	cr_assert(strstr(first->message, message), "%s: %s", text, first->message);
	cr_assert(strstr(first->hint, hint), "%s: %s", text, first->hint);
	cr_assert_eq(first->line, line, "%s: line %u", text, first->line);
	cr_assert_eq(first->column, column, "%s: column %u", text, first->column);
	forget(&reading);
}

#define EXPECT(text, line, column, message, hint) expect_error(text, sizeof(text) - 1, line, column, message, hint)

Test(tree, places_are_counted_in_characters)
{
	static const char text[] = "\xef\xbb\xbf"
				   "\xc3\xa4: [\xe2\x82\xac, b]\r\n\"c\": {d: 'e'}\n";
	struct reading reading = read_bytes(text, strlen(text));
	const struct tree_node *list, *object;

	cr_assert_eq(reading.error, 0);
	cr_assert_eq(reading.root->kind, TREE_MAPPING);
	cr_assert_eq(reading.root->count, 2);
	list = reading.root->pairs[0].value;
	cr_assert_eq(list->kind, TREE_SEQUENCE);
	cr_assert_eq(list->items[1]->place.line, 1);
	cr_assert_eq(list->items[1]->place.column, 8);
	cr_assert_not(list->items[1]->quoted);
	object = reading.root->pairs[1].value;
	cr_assert_eq(object->place.line, 2);
	cr_assert_eq(object->place.column, 6);
	cr_assert_str_eq(object->pairs[0].value->text, "e");
	cr_assert(object->pairs[0].value->quoted);
	forget(&reading);
}

Test(tree, json_is_read)
{
	static const char text[] = "{\"version\": 1,\n\t\"names\": [\"a\\u0062\", null, true, {}]}";
	struct reading reading = read_bytes(text, strlen(text));
	const struct tree_node *names;

	cr_assert_eq(reading.error, 0);
	names = reading.root->pairs[1].value;
	cr_assert_eq(names->count, 4);
	cr_assert_str_eq(names->items[0]->text, "ab");
	cr_assert(tree_is_null(names->items[1]));
	cr_assert_not(tree_is_null(names->items[2]));
	forget(&reading);
}

Test(tree, only_unquoted_nothing_is_null)
{
	static const char text[] = "[~, null, , 'null', \"\", \"~\", nul]";
	static const char good[] = "[~, null, 'null', \"\", \"~\", nul, {a: }]";
	static const bool nulls[] = {true, true, false, false, false, false};
	struct reading reading = read_bytes(good, strlen(good));

	for (size_t i = 0; i < 6; i++)
		cr_assert_eq(tree_is_null(reading.root->items[i]), nulls[i], "item %zu", i);
	cr_assert(tree_is_null(reading.root->items[6]->pairs[0].value));
	forget(&reading);
	EXPECT(text, 1, 11, "a value is missing", "");
}

Test(tree, duplicate_keys_are_all_told)
{
	char text[4000], *end = text;
	struct reading reading;

	EXPECT("a: 1\nb: 2\na: 3\n", 3, 1, "duplicate key \"a\"", "line 1, column 1");
	for (int i = 0; i < 200; i++)
		end += sprintf(end, "key%d: 1\n", i);
	sprintf(end, "key3: 2\nkey150: 3\n");
	reading = read_bytes(text, strlen(text));
	cr_assert_eq(reading.error, 0, "reading goes on behind it");
	cr_assert_eq(epg_diagnostics_errors(reading.diagnostics), 2);
	cr_assert_eq(epg_diagnostics_get(reading.diagnostics, 1)->line, 202);
	cr_assert_eq(reading.root->count, 200);
	forget(&reading);
}

Test(tree, unquoted_addresses_in_brackets_get_a_helpful_hint)
{
	EXPECT("subnets: [0.0.0.0/0, ::/0]", 1, 22, "must be quoted", "quote it: \"::/0\"");
	EXPECT("{ip: ::1}", 1, 6, "must be quoted", "quote it: \"::1\"");
	EXPECT("[fd00::]", 1, 7, "must be quoted", "quote it: \"fd00::\"");
	EXPECT("{ip: fd00::, x: 1}", 1, 11, "must be quoted", "quote it: \"fd00::\"");
}

Test(tree, syntax_errors_are_told_in_words)
{
	EXPECT("a:\n\tb: c\n", 2, 1, "a tab", "indent with spaces");
	EXPECT("a: |\n\tb\n", 2, 1, "a tab", "indent with spaces");
	EXPECT("a:\n  - b\n c: d\n", 3, 2, "does not fit", "same column");
	EXPECT("- a\nb: c\n", 2, 1, "does not fit", "same column");
	EXPECT("a: b: c", 1, 5, "colon", "quote");
	EXPECT("a: @x", 1, 4, "begins with \"@\"", "quotation marks");
	EXPECT("a: \"x\nb: c\n", 1, 4, "never closed", "quotation mark");
	EXPECT("a: [b\nc: d\n", 2, 2, "list in [ ]", "comma");
	EXPECT("a: b\n}", 2, 1, "\"}\" closes nothing", "");
	EXPECT("a: \"\\q\"", 1, 5, "unknown escape", "single quotation marks");
	EXPECT("  a: b\nc: d\n", 2, 1, "ended before", "left");
}

Test(tree, bytes_that_are_no_text_are_refused)
{
	EXPECT("", 0, 0, "empty", "version: 1");
	EXPECT("# only a comment\n", 0, 0, "empty", "version: 1");
	EXPECT("\xef\xbb\xbf", 0, 0, "empty", "version: 1");
	EXPECT("a: \xcc", 1, 4, "byte 0xcc is not UTF-8", "UTF-8");
	EXPECT("a: \xc0\x80", 1, 4, "byte 0xc0 is not UTF-8", "UTF-8");
	EXPECT("a: \xed\xa0\x80", 1, 4, "byte 0xed is not UTF-8", "UTF-8");
	EXPECT("\xef\xbb\xbf"
	       "a: \xcc",
	       1, 4, "byte 0xcc", "UTF-8");
	EXPECT("a: b\nc\0d", 2, 2, "zero byte", "");
	EXPECT("a: \"b\\0c\"", 1, 4, "zero character", "");
	EXPECT("\xff\xfe"
	       "a\0",
	       1, 1, "UTF-16", "UTF-8");
	EXPECT("a: \x1b[31m", 1, 4, "U+001B", "");
}

Test(tree, what_is_yaml_but_not_ours_is_refused)
{
	EXPECT("--- {a: 1}\n--- {b: 1}\n", 2, 1, "second document", "one document");
	EXPECT("a: !!int 1", 1, 4, "tags such as", "");
	EXPECT("a: !x {b: c}", 1, 4, "tags such as", "");
	EXPECT("[a]: b", 1, 1, "a key must be a word", "");
}

Test(tree, aliases_are_what_they_stand_for)
{
	static const char text[] = "a: &x [1, 2]\nb: *x\nc: &x 3\nd: *x\n";
	struct reading reading = read_bytes(text, strlen(text));

	cr_assert_eq(reading.error, 0);
	cr_assert_eq(reading.root->pairs[1].value, reading.root->pairs[0].value);
	cr_assert_str_eq(reading.root->pairs[3].value->text, "3");
	forget(&reading);
	EXPECT("a: *x\nb: &x 1\n", 1, 4, "no anchor \"&x\"", "write \"*x\"");
	EXPECT("interface: *-front", 1, 12, "no anchor", "write \"*-front\"");
	EXPECT("a: &x [1, *x]", 1, 11, "stands within", "");
}

Test(tree, alias_bomb_ends_quickly)
{
	char text[4096] = "a: &a [x,x,x,x,x,x,x,x,x,x]\n", *end = text + strlen(text);
	clock_t begin = clock();
	struct reading reading;

	for (char name = 'b'; name < 'z'; name++) {
		end += sprintf(end, "%c: &%c [", name, name);
		for (int i = 0; i < 10; i++)
			end += sprintf(end, "%s*%c", i ? "," : "", name - 1);
		end += sprintf(end, "]\n");
	}
	reading = read_bytes(text, strlen(text));
	cr_assert_eq(reading.error, -EBADMSG);
	cr_assert(strstr(epg_diagnostics_get(reading.diagnostics, 0)->message, "more than 1000000"));
	cr_assert_lt(clock() - begin, CLOCKS_PER_SEC);
	forget(&reading);
}

/* `count` times `piece`. */
static struct reading read_repeated(const char *piece, size_t count)
{
	size_t length = strlen(piece);
	char *text = malloc(length * count + 1);
	struct reading reading;

	for (size_t i = 0; i < count; i++)
		memcpy(text + i * length, piece, length);
	reading = read_bytes(text, length * count);
	free(text);
	return reading;
}

Test(tree, depth_bombs_end_quickly)
{
	static const char *const pieces[] = {"[", "{a: ", "- ", "? ", "[{"};

	for (size_t i = 0; i < 5; i++) {
		clock_t begin = clock();
		struct reading reading = read_repeated(pieces[i], 500000);

		cr_assert_eq(reading.error, -EBADMSG);
		cr_assert_str_eq(epg_diagnostics_get(reading.diagnostics, 0)->message, "nested deeper than 63 levels");
		cr_assert_lt(clock() - begin, 2 * CLOCKS_PER_SEC);
		forget(&reading);
	}
}

Test(tree, depth_of_63_is_allowed)
{
	char text[127];
	struct reading reading;

	memset(text, '[', 63);
	memset(text + 63, ']', 63);
	reading = read_bytes(text, 126);
	cr_assert_eq(reading.error, 0);
	forget(&reading);
	memset(text, '[', 64);
	reading = read_bytes(text, 127);
	cr_assert_eq(reading.error, -EBADMSG);
	forget(&reading);
}
