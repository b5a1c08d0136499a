/* SPDX-License-Identifier: GPL-2.0-only */
/* doctor */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "report.h"

static const struct {
	const char *name;
	enum display_colour colour;
} healths[] = {
	[EPG_HEALTH_GOOD] = {"good", DISPLAY_GREEN},
	[EPG_HEALTH_NOTE] = {"note", DISPLAY_YELLOW},
	[EPG_HEALTH_BAD] = {"bad", DISPLAY_RED},
};

#define FOUND_MAX 1024

struct writing {
	struct writer *writer;
	size_t counts[ARRAY_SIZE(healths)];
};

static int write_checkup(void *user, const struct epg_checkup *checkup)
{
	const char *separator = *checkup->hint ? "\n" : "";
	struct writing *writing = user;
	char found[FOUND_MAX];

	snprintf(found, sizeof(found), "%s%s%s%s", checkup->text, separator, *separator ? "hint: " : "", checkup->hint);

	const struct writer_value values[] = {
		value_coloured(healths[checkup->health].name, healths[checkup->health].colour),
		value_text(checkup->name),
		value_text(checkup->subject),
		value_text(checkup->text),
		value_text(found),
		value_text(checkup->hint),
	};

	writing->counts[checkup->health]++;
	writer_row(writing->writer, values);
	return 0;
}

static void write_counts(const struct writing *writing)
{
	static const struct writer_column columns[] = {
		{"good", NULL, WRITER_NUMBER},
		{"notes", NULL, WRITER_NUMBER},
		{"bad", NULL, WRITER_NUMBER},
	};
	size_t bad = writing->counts[EPG_HEALTH_BAD], notes = writing->counts[EPG_HEALTH_NOTE];

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		writer_field(writing->writer, &columns[i], value_number(writing->counts[i]));
	writer_say(writing->writer, bad ? DISPLAY_RED : DISPLAY_PLAIN, "%zu bad, %zu note%s, %zu good", bad, notes,
		   notes == 1 ? "" : "s", writing->counts[EPG_HEALTH_GOOD]);
}

int cmd_doctor(struct cli *cli)
{
	static const struct writer_column columns[] = {
		{"health", "HEALTH", WRITER_WORD}, {"name", "CHECK", WRITER_WORD}, {"subject", "ABOUT", WRITER_WORD},
		{"text", NULL, WRITER_TEXT},       {NULL, "FOUND", WRITER_TEXT},   {"hint", NULL, WRITER_TEXT},
	};
	static const struct writer_table table = {"checks", columns, ARRAY_SIZE(columns), "nothing was looked at"};
	struct writing writing = {.writer = cli->writer};
	int error;

	writer_rows_begin(cli->writer, &table);
	error = epg_doctor(cli->epg, write_checkup, &writing);
	if (error)
		return report_failure(cli, error);
	writer_rows_end(cli->writer);
	write_counts(&writing);
	return writing.counts[EPG_HEALTH_BAD] ? CLI_NO : CLI_OK;
}
