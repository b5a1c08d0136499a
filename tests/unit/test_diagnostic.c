/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/diagnostic.h"

static struct epg_diagnostics *about(const char *text)
{
	struct epg_diagnostics *diagnostics = NULL;

	cr_assert_eq(diagnostics_new("shop.yaml", &diagnostics), 0);
	diagnostics_set_text(diagnostics, text, strlen(text));
	return diagnostics;
}

static const struct epg_diagnostic *only(struct epg_diagnostics *diagnostics, struct place place)
{
	diagnostics_error(diagnostics, place, NULL, "here");
	cr_assert_eq(epg_diagnostics_count(diagnostics), 1);
	return epg_diagnostics_get(diagnostics, 0);
}

Test(diagnostic, tells_file_place_message_hint_and_line)
{
	struct epg_diagnostics *diagnostics = about("version: 1\ncolour: blue\n");
	const struct epg_diagnostic *message;

	diagnostics_error(diagnostics, (struct place){2, 1}, "take it out", "unknown key \"%s\"", "colour");
	message = epg_diagnostics_get(diagnostics, 0);
	cr_assert_eq(message->severity, EPG_SEVERITY_ERROR);
	cr_assert_str_eq(message->file, "shop.yaml");
	cr_assert_eq(message->line, 2);
	cr_assert_eq(message->column, 1);
	cr_assert_str_eq(message->message, "unknown key \"colour\"");
	cr_assert_str_eq(message->hint, "take it out");
	cr_assert_str_eq(message->excerpt, "colour: blue");
	cr_assert_null(epg_diagnostics_get(diagnostics, 1));
	epg_diagnostics_free(diagnostics);
}

Test(diagnostic, messages_stand_in_the_order_of_places)
{
	struct epg_diagnostics *diagnostics = about("");
	static const struct place places[] = {{5, 2}, {1, 9}, {5, 1}, {0, 0}, {5, 2}};
	static const char *const expected[] = {"3", "1", "2", "0", "4"};

	for (int i = 0; i < 5; i++) {
		diagnostics_set_text(diagnostics, NULL, 0);
		diagnostics_lint(diagnostics, EPG_LINT_FILTER_UNUSED, places[i], NULL, "%d", i);
	}
	for (size_t i = 0; i < 5; i++)
		cr_assert_str_eq(epg_diagnostics_get(diagnostics, i)->message, expected[i]);
	cr_assert_eq(epg_diagnostics_errors(diagnostics), 0);
	epg_diagnostics_free(diagnostics);
}

Test(diagnostic, keeps_a_thousand_and_counts_the_rest)
{
	struct epg_diagnostics *diagnostics = about("");

	diagnostics_set_text(diagnostics, NULL, 0);
	for (uint32_t i = 1; i <= 1500; i++)
		diagnostics_lint(diagnostics, EPG_LINT_FILTER_UNUSED, (struct place){i, 1}, NULL, "warning");
	diagnostics_error(diagnostics, (struct place){2000, 1}, NULL, "the only error");
	cr_assert_eq(epg_diagnostics_count(diagnostics), 1000);
	cr_assert_eq(epg_diagnostics_errors(diagnostics), 1);
	cr_assert_str_eq(epg_diagnostics_get(diagnostics, 999)->message, "the only error", "a warning gave way");
	for (uint32_t i = 0; i < 5000; i++)
		diagnostics_error(diagnostics, (struct place){i + 1, 1}, NULL, "error");
	cr_assert_eq(epg_diagnostics_count(diagnostics), 1000);
	cr_assert_eq(epg_diagnostics_errors(diagnostics), 5001);
	for (size_t i = 0; i < 1000; i++)
		cr_assert_eq(epg_diagnostics_get(diagnostics, i)->severity, EPG_SEVERITY_ERROR);
	epg_diagnostics_free(diagnostics);
}

Test(diagnostic, a_line_of_a_long_text_is_found)
{
	char *text = malloc(200000), *end = text;
	struct epg_diagnostics *diagnostics;

	for (int i = 1; i <= 10000; i++)
		end += sprintf(end, "line \xc3\xa4 %d%s", i, i % 2 ? "\r\n" : "\n");
	diagnostics = about(text);
	for (uint32_t line = 1; line <= 10000; line += 333) {
		struct place place = {line, 8};
		size_t offset = diagnostics_offset(diagnostics, place);

		cr_assert_eq((uint32_t)atoi(text + offset), line);
		cr_assert_eq(diagnostics_place(diagnostics, offset).line, line);
		cr_assert_eq(diagnostics_place(diagnostics, offset).column, 8);
	}
	cr_assert_str_eq(only(diagnostics, (struct place){9999, 6})->excerpt, "line \xc3\xa4 9999");
	epg_diagnostics_free(diagnostics);
	free(text);
}

Test(diagnostic, of_a_long_line_the_part_around_the_place_is_shown)
{
	char text[20001];
	struct epg_diagnostics *diagnostics;
	const struct epg_diagnostic *message;

	memset(text, 'a', sizeof(text));
	text[9999] = '!';
	text[20000] = '\0';
	diagnostics = about(text);
	message = only(diagnostics, (struct place){1, 10000});
	cr_assert_eq(message->column, 10000);
	cr_assert_leq(strlen(message->excerpt), 200);
	cr_assert_eq(message->excerpt[message->column - message->excerpt_column], '!');
	epg_diagnostics_free(diagnostics);
}

Test(diagnostic, excerpt_never_cuts_a_character_in_two)
{
	char text[3001] = "";
	struct epg_diagnostics *diagnostics;
	const struct epg_diagnostic *message;

	for (int i = 0; i < 1000; i++)
		memcpy(text + 3 * i, "\xe2\x82\xac", 3); /* the euro sign */
	for (uint32_t column = 1; column <= 1000; column += 111) {
		diagnostics = about(text);
		message = only(diagnostics, (struct place){1, column});
		cr_assert_null(strchr(message->excerpt, '?'));
		cr_assert_eq(strlen(message->excerpt) % 3, 0);
		cr_assert_lt(message->column - message->excerpt_column, strlen(message->excerpt) / 3);
		epg_diagnostics_free(diagnostics);
	}
}

Test(diagnostic, a_place_behind_the_end_becomes_the_end)
{
	struct epg_diagnostics *diagnostics = about("a: [");
	const struct epg_diagnostic *message = only(diagnostics, (struct place){2, 1});

	cr_assert_eq(message->line, 1);
	cr_assert_eq(message->column, 5);
	cr_assert_str_eq(message->excerpt, "a: [");
	epg_diagnostics_free(diagnostics);
}

Test(diagnostic, nothing_reaches_the_terminal_that_is_not_text)
{
	struct epg_diagnostics *diagnostics = about("a: \x1b[31m \xc2\x9b \xe2\x80\xae \xff\tx");
	const struct epg_diagnostic *message;

	diagnostics_error(diagnostics, (struct place){1, 1}, "hint \x07", "message \x1b]0;\xe2\x82");
	message = epg_diagnostics_get(diagnostics, 0);
	cr_assert_str_eq(message->message, "message ?]0;??");
	cr_assert_str_eq(message->hint, "hint ?");
	cr_assert_str_eq(message->excerpt, "a: ?[31m ? ? ?\tx");
	epg_diagnostics_free(diagnostics);
}
