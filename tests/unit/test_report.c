/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>
#include <locale.h>
#include <string.h>

#include "report.h"

static void use_utf8(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
}

TestSuite(report, .init = use_utf8);

/* A message about file "p" whose line was not cut. */
#define EXCERPT(severity_, line_, column_, message_, hint_, excerpt_)                                       \
	{                                                                                                   \
		.severity = EPG_SEVERITY_##severity_, .code = EPG_LINT_COUNT, .file = "p", .line = (line_), \
		.column = (column_), .message = (message_), .hint = (hint_), .excerpt = (excerpt_),         \
		.excerpt_column = 1                                                                         \
	}

static void check_diagnostic(const struct epg_diagnostic *diagnostic, bool coloured, const char *expected)
{
	AUTO_FREE char *text = NULL;
	size_t length;
	FILE *stream = open_memstream(&text, &length);

	report_diagnostic(stream, diagnostic, coloured);
	fclose(stream);
	cr_assert_str_eq(text, expected);
}

Test(report, a_caret_stands_below_the_column)
{
	const struct epg_diagnostic diagnostic = {.severity = EPG_SEVERITY_ERROR,
						  .code = EPG_LINT_COUNT,
						  .file = "shop.yaml",
						  .line = 12,
						  .column = 5,
						  .message = "unknown key \'nam\'",
						  .hint = "did you mean \'name\'?",
						  .excerpt = "  - nam: web",
						  .excerpt_column = 1};

	check_diagnostic(&diagnostic, false,
			 "shop.yaml:12:5: error: unknown key 'nam'\n"
			 "  - nam: web\n"
			 "    ^\n"
			 "hint: did you mean 'name'?\n");
}

Test(report, tabs_are_kept_so_that_the_caret_stands_right)
{
	const struct epg_diagnostic diagnostic = EXCERPT(WARNING, 1, 6, "odd", "", "\ta\t\tbcd");

	check_diagnostic(&diagnostic, false, "p:1:6: warning: odd\n\ta\t\tbcd\n\t \t\t ^\n");
}

Test(report, columns_are_characters_and_wide_ones_take_two)
{
	const struct epg_diagnostic diagnostic = EXCERPT(ERROR, 3, 5, "odd", "", "\u00e9\u65e5\u672c: x");

	check_diagnostic(&diagnostic, false, "p:3:5: error: odd\n\u00e9\u65e5\u672c: x\n      ^\n");
}

Test(report, bytes_that_are_no_characters_take_one_column)
{
	const struct epg_diagnostic diagnostic = EXCERPT(ERROR, 3, 3, "odd", "", "\xff\033x");

	check_diagnostic(&diagnostic, false, "p:3:3: error: odd\n\ufffd\ufffdx\n  ^\n");
}

Test(report, a_caret_may_stand_right_behind_the_line)
{
	const struct epg_diagnostic diagnostic = EXCERPT(ERROR, 3, 4, "more expected", "", "abc");

	check_diagnostic(&diagnostic, false, "p:3:4: error: more expected\nabc\n   ^\n");
}

Test(report, a_long_line_is_cut_and_the_caret_moves_along)
{
	struct epg_diagnostic diagnostic = EXCERPT(ERROR, 1, 900, "far out", "", "bcd");

	diagnostic.excerpt_column = 899;
	check_diagnostic(&diagnostic, false, "p:1:900: error: far out\n\u2026bcd\n  ^\n");
}

Test(report, no_caret_where_the_excerpt_does_not_reach)
{
	struct epg_diagnostic diagnostic = EXCERPT(ERROR, 1, 900, "far out", "", "abc");

	check_diagnostic(&diagnostic, false, "p:1:900: error: far out\nabc\n");
	diagnostic.excerpt_column = 901;
	check_diagnostic(&diagnostic, false, "p:1:900: error: far out\n\u2026abc\n");
}

Test(report, a_message_about_the_file_as_a_whole)
{
	const struct epg_diagnostic diagnostic = EXCERPT(ERROR, 0, 0, "too large", "", "");

	check_diagnostic(&diagnostic, false, "p: error: too large\n");
}

Test(report, a_warning_tells_its_code)
{
	struct epg_diagnostic diagnostic = EXCERPT(WARNING, 0, 0, "odd", "", "");

	diagnostic.code = EPG_LINT_FILTER_UNUSED;
	check_diagnostic(&diagnostic, false, "p: warning: odd [filter-unused]\n");
}

Test(report, colours_mark_severity_place_and_caret)
{
	const struct epg_diagnostic error = EXCERPT(ERROR, 1, 1, "odd", "why", "x");
	const struct epg_diagnostic warning = EXCERPT(WARNING, 0, 0, "odd", "", "");

	check_diagnostic(&error, true,
			 "\033[1mp\033[0m\033[1m:1:1\033[0m: \033[31merror\033[0m: odd\n"
			 "x\n"
			 "\033[32m^\033[0m\n"
			 "\033[36mhint\033[0m: why\n");
	check_diagnostic(&warning, true, "\033[1mp\033[0m: \033[33mwarning\033[0m: odd\n");
}

/* ---- failures, as a program sees them ---- */

/* A command's surroundings with JSON into memory. */
struct surroundings {
	struct cli cli;
	FILE *stream;
	char *text;
	size_t length;
};

static struct cli *begin(struct surroundings *surroundings)
{
	struct writer_options options = {.json = true, .width = 100};

	memset(surroundings, 0, sizeof(*surroundings));
	surroundings->stream = open_memstream(&surroundings->text, &surroundings->length);
	options.stream = surroundings->stream;
	cr_assert_eq(writer_new(&options, &surroundings->cli.writer), 0);
	cr_assert_eq(epg_open(&(struct epg_options){.size = sizeof(struct epg_options)}, &surroundings->cli.epg), 0);
	return &surroundings->cli;
}

static void end(struct surroundings *surroundings)
{
	writer_free(surroundings->cli.writer);
	epg_close(surroundings->cli.epg);
	fclose(surroundings->stream);
	free(surroundings->text);
}

Test(report, an_error_is_the_one_document)
{
	static const struct writer_column column = {"half", NULL, WRITER_TEXT};
	struct surroundings surroundings;
	struct cli *cli = begin(&surroundings);

	writer_field(cli->writer, &column, value_text("said"));
	cr_assert_eq(report_error(cli, CLI_NOT_FOUND, "veth\"0", NULL, "no %s", "interface"), 4);
	cr_assert_eq(writer_finish(cli->writer), 0);
	cr_assert_str_eq(surroundings.text, "{\"error\":{\"code\":4,\"message\":\"no interface\","
					    "\"where\":\"veth\\\"0\",\"hint\":\"\"}}\n");
	end(&surroundings);
}

Test(report, a_bad_policy_brings_all_its_messages)
{
	static const char text[] = "version: 1\nfrobnicate: 2\ntenants: []\n";
	const struct epg_policy_source source = {.size = sizeof(source),
						 .path = "shop.yaml",
						 .text = text,
						 .length = sizeof(text) - 1};
	AUTO(epg_diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	AUTO(epg_policy_free) struct epg_policy *policy = NULL;
	struct surroundings surroundings;
	struct cli *cli = begin(&surroundings);

	cr_assert(epg_policy_read(cli->epg, &source, &policy, &diagnostics) < 0);
	cr_assert_eq(report_policy(cli, diagnostics), 3);
	cr_assert_eq(writer_finish(cli->writer), 0);
	cr_assert(strstr(surroundings.text, "{\"error\":{\"code\":3,\"message\":\"1 error\",\"where\":\"shop.yaml\""));
	cr_assert(strstr(surroundings.text,
			 "\"diagnostics\":[{\"severity\":\"error\",\"code\":null,\"file\":\"shop.yaml\",\"line\":2,"
			 "\"column\":1,"));
	end(&surroundings);
}
