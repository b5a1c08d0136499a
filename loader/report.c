/* SPDX-License-Identifier: GPL-2.0-only */
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* ---- one message about a policy ---- */

/* What stands for the beginning of a line that was cut; one column wide. */
static const char cut_mark[] = "\xe2\x80\xa6";

/* Blanks up to the column: a tab stays a tab, a wide character takes two, so that the caret stands below it. */
static void print_caret(FILE *stream, const struct epg_diagnostic *diagnostic, bool coloured)
{
	size_t length = strlen(diagnostic->excerpt), offset = 0;
	uint32_t first = diagnostic->excerpt_column ? diagnostic->excerpt_column : 1;

	/* It may point right behind the excerpt, but not beyond or before. */
	if (diagnostic->column < first || diagnostic->column - first > display_characters(diagnostic->excerpt))
		return;
	if (first > 1)
		fputc(' ', stream);
	for (uint32_t column = first; column < diagnostic->column; column++) {
		uint32_t character;
		bool valid;

		offset += display_decode(diagnostic->excerpt + offset, length - offset, &character, &valid);
		if (character == '\t')
			fputc('\t', stream);
		else
			fprintf(stream, "%*s", (int)display_character_width(character), "");
	}
	display_coloured(stream, coloured, DISPLAY_GREEN, "^");
	fputc('\n', stream);
}

static void print_excerpt(FILE *stream, const struct epg_diagnostic *diagnostic, bool coloured)
{
	if (diagnostic->excerpt_column > 1)
		fputs(cut_mark, stream);
	display_text(stream, diagnostic->excerpt, strlen(diagnostic->excerpt));
	fputc('\n', stream);
	print_caret(stream, diagnostic, coloured);
}

void report_diagnostic(FILE *stream, const struct epg_diagnostic *diagnostic, bool coloured)
{
	bool is_error = diagnostic->severity == EPG_SEVERITY_ERROR;
	char place[32] = "";

	if (diagnostic->line)
		snprintf(place, sizeof(place), ":%" PRIu32 ":%" PRIu32, diagnostic->line, diagnostic->column);
	display_coloured(stream, coloured, DISPLAY_BOLD, diagnostic->file);
	if (*place)
		display_coloured(stream, coloured, DISPLAY_BOLD, place);
	fputs(": ", stream);
	display_coloured(stream, coloured, is_error ? DISPLAY_RED : DISPLAY_YELLOW, is_error ? "error" : "warning");
	fputs(": ", stream);
	display_text(stream, diagnostic->message, strlen(diagnostic->message));
	if (epg_lint_code_name(diagnostic->code))
		fprintf(stream, " [%s]", epg_lint_code_name(diagnostic->code));
	fputc('\n', stream);
	if (*diagnostic->excerpt)
		print_excerpt(stream, diagnostic, coloured);
	if (*diagnostic->hint) {
		display_coloured(stream, coloured, DISPLAY_CYAN, "hint");
		fputs(": ", stream);
		display_text(stream, diagnostic->hint, strlen(diagnostic->hint));
		fputc('\n', stream);
	}
}

/* ---- all messages about a policy ---- */

/* Messages of one severity: among those that are kept, and errors also beyond them. */
static size_t count_severity(const struct epg_diagnostics *diagnostics, enum epg_severity severity)
{
	const struct epg_diagnostic *diagnostic;
	size_t count = 0;

	if (severity == EPG_SEVERITY_ERROR)
		return epg_diagnostics_errors(diagnostics);
	for (size_t i = 0; (diagnostic = epg_diagnostics_get(diagnostics, i)); i++)
		count += diagnostic->severity == severity;
	return count;
}

/* "3 errors, 1 warning" */
static void summarise(const struct epg_diagnostics *diagnostics, char *text, size_t size)
{
	size_t errors = count_severity(diagnostics, EPG_SEVERITY_ERROR);
	size_t warnings = count_severity(diagnostics, EPG_SEVERITY_WARNING);
	char parts[2][40] = {"", ""};

	if (errors)
		snprintf(parts[0], sizeof(parts[0]), "%zu error%s", errors, errors == 1 ? "" : "s");
	if (warnings)
		snprintf(parts[1], sizeof(parts[1]), "%zu warning%s", warnings, warnings == 1 ? "" : "s");
	snprintf(text, size, "%s%s%s", parts[0], errors && warnings ? ", " : "", parts[1]);
}

static void print_diagnostics(struct cli *cli, const struct epg_diagnostics *diagnostics)
{
	const struct epg_diagnostic *diagnostic;
	char summary[100];

	for (size_t i = 0; (diagnostic = epg_diagnostics_get(diagnostics, i)); i++)
		report_diagnostic(stderr, diagnostic, cli->coloured_errors);
	summarise(diagnostics, summary, sizeof(summary));
	if (*summary)
		fprintf(stderr, "%s\n", summary);
}

static void write_diagnostics(struct writer *writer, const struct epg_diagnostics *diagnostics)
{
	static const struct writer_column columns[] = {
		{"severity", NULL, WRITER_TEXT}, {"code", NULL, WRITER_TEXT},     {"file", NULL, WRITER_TEXT},
		{"line", NULL, WRITER_NUMBER},   {"column", NULL, WRITER_NUMBER}, {"message", NULL, WRITER_TEXT},
		{"hint", NULL, WRITER_TEXT},     {"excerpt", NULL, WRITER_TEXT},
	};
	static const struct writer_table table = {"diagnostics", columns, ARRAY_SIZE(columns), NULL};
	const struct epg_diagnostic *diagnostic;

	writer_rows_begin(writer, &table);
	for (size_t i = 0; (diagnostic = epg_diagnostics_get(diagnostics, i)); i++) {
		const struct writer_value values[] = {
			value_text(diagnostic->severity == EPG_SEVERITY_ERROR ? "error" : "warning"),
			value_text(epg_lint_code_name(diagnostic->code)),
			value_text(diagnostic->file),
			value_number(diagnostic->line),
			value_number(diagnostic->column),
			value_text(diagnostic->message),
			value_text(diagnostic->hint),
			value_text(diagnostic->excerpt),
		};

		writer_row(writer, values);
	}
	writer_rows_end(writer);
}

void report_warnings(struct cli *cli, const struct epg_diagnostics *diagnostics)
{
	if (writer_is_json(cli->writer))
		write_diagnostics(cli->writer, diagnostics);
	else if (!cli->quiet)
		print_diagnostics(cli, diagnostics);
}

/* ---- failures ---- */

/* What is known of a failure. */
struct report {
	enum cli_status status;
	const char *message;
	const char *where;
	const char *hint;
	const struct epg_diagnostics *diagnostics;
};

static void write_report(struct writer *writer, const struct report *report)
{
	static const struct writer_column columns[] = {
		{"code", NULL, WRITER_NUMBER},
		{"message", NULL, WRITER_TEXT},
		{"where", NULL, WRITER_TEXT},
		{"hint", NULL, WRITER_TEXT},
	};
	const struct writer_value values[] = {
		value_number(report->status),
		value_text(report->message),
		value_text(report->where),
		value_text(report->hint),
	};

	writer_object_begin(writer, "error", NULL);
	writer_fields(writer, columns, ARRAY_SIZE(columns), values);
	if (report->diagnostics)
		write_diagnostics(writer, report->diagnostics);
	writer_object_end(writer);
}

static void print_report(struct cli *cli, const struct report *report)
{
	fputs("epgctl: ", stderr);
	display_coloured(stderr, cli->coloured_errors, DISPLAY_RED, report->message);
	if (*report->where) {
		fputs(": ", stderr);
		display_text(stderr, report->where, strlen(report->where));
	}
	fputc('\n', stderr);
	if (*report->hint) {
		display_coloured(stderr, cli->coloured_errors, DISPLAY_CYAN, "hint");
		fputs(": ", stderr);
		display_text(stderr, report->hint, strlen(report->hint));
		fputc('\n', stderr);
	}
}

static int tell(struct cli *cli, const struct report *report)
{
	writer_discard(cli->writer);
	if (writer_is_json(cli->writer))
		write_report(cli->writer, report);
	else if (report->diagnostics)
		print_diagnostics(cli, report->diagnostics);
	else
		print_report(cli, report);
	return report->status;
}

int report_failure(struct cli *cli, int error)
{
	const struct epg_error *failure = epg_error(cli->epg);
	struct report report = {(enum cli_status)failure->failure, failure->message, failure->where, failure->hint,
				NULL};

	/* Every failing call records why; should one not, its errno value still does. */
	if (failure->failure == EPG_FAILURE_NONE) {
		report.status = error == -ENOENT ? CLI_NOT_FOUND : CLI_KERNEL;
		report.message = strerror(-error);
	}
	return tell(cli, &report);
}

int report_policy(struct cli *cli, const struct epg_diagnostics *diagnostics)
{
	const struct epg_diagnostic *first = epg_diagnostics_get(diagnostics, 0);
	char summary[100];
	struct report report = {CLI_INPUT, summary, first ? first->file : "", "", diagnostics};

	summarise(diagnostics, summary, sizeof(summary));
	return tell(cli, &report);
}

int report_error(struct cli *cli, enum cli_status status, const char *where, const char *hint, const char *format, ...)
{
	struct report report = {status, "out of memory", where ? where : "", hint ? hint : "", NULL};
	AUTO_FREE char *message = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&message, format, arguments) < 0)
		message = NULL;
	else
		report.message = message;
	va_end(arguments);
	return tell(cli, &report);
}
