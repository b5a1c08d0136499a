/* SPDX-License-Identifier: GPL-2.0-only */
/* validate, apply, diff, rollback, export */
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "policy_file.h"

int cmd_validate(struct cli *cli)
{
	static const struct writer_column valid = {"valid", NULL, WRITER_BOOLEAN};
	AUTO(epg_policy_free) struct epg_policy *policy = NULL;
	AUTO(epg_diagnostics_free) struct epg_diagnostics *warnings = NULL;
	AUTO(epg_diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	char text[POLICY_COST_MAX];
	struct epg_cost cost;
	int error, status = policy_file_read(cli, &policy, &warnings);

	if (status)
		return status;
	error = epg_policy_cost(cli->epg, policy, &cost, &diagnostics);
	if (error)
		return policy_file_failure(cli, error, diagnostics);
	report_warnings(cli, warnings);
	writer_field(cli->writer, &valid, value_number(true));
	policy_file_write_cost(cli->writer, &cost);
	policy_file_cost_text(&cost, text);
	writer_say(cli->writer, DISPLAY_PLAIN, "ok: %s", text);
	return CLI_OK;
}

/* The first line for people of an apply, a dry run, or a rollback. */
static void say_outcome(struct writer *writer, const struct epg_apply_result *result, bool dry_run)
{
	char text[POLICY_COST_MAX];

	policy_file_cost_text(&result->cost, text);
	if (dry_run)
		writer_say(writer, DISPLAY_PLAIN, "ok, nothing was changed: %s", text);
	else
		writer_say(writer, DISPLAY_GREEN, "generation %" PRIu32 " is in force: %s", result->generation, text);
}

static void write_result(struct writer *writer, const struct epg_apply_result *result, bool dry_run)
{
	static const struct writer_column columns[] = {
		{"generation", NULL, WRITER_NUMBER}, {"dryRun", NULL, WRITER_BOOLEAN}, {"bound", NULL, WRITER_NUMBER},
		{"attached", NULL, WRITER_NUMBER},   {"absent", NULL, WRITER_NUMBER},
	};
	const struct writer_value values[] = {
		value_number(result->generation), value_number(dry_run),        value_number(result->bound),
		value_number(result->attached),   value_number(result->absent),
	};

	say_outcome(writer, result, dry_run);
	if (!dry_run)
		writer_tell(writer, "endpoints", "%zu bound, %zu interfaces newly attached, %zu absent", result->bound,
			    result->attached, result->absent);
	writer_fields(writer, columns, ARRAY_SIZE(columns), values);
	policy_file_write_cost(writer, &result->cost);
}

int cmd_apply(struct cli *cli)
{
	const struct epg_apply_options options = {
		.size = sizeof(options),
		.dry_run = arguments_has(&cli->arguments, OPTION_DRY_RUN),
	};
	AUTO(epg_policy_free) struct epg_policy *policy = NULL;
	AUTO(epg_diagnostics_free) struct epg_diagnostics *warnings = NULL;
	AUTO(epg_diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	struct epg_apply_result result;
	int error, status = policy_file_read(cli, &policy, &warnings);

	if (status)
		return status;
	error = epg_apply(cli->epg, policy, &options, &result, &diagnostics);
	if (error)
		return policy_file_failure(cli, error, diagnostics);
	report_warnings(cli, warnings);
	write_result(cli->writer, &result, options.dry_run);
	if (options.dry_run)
		writer_say(cli->writer, DISPLAY_PLAIN, "next: epgctl diff shows what it would change");
	else if (result.absent)
		writer_say(cli->writer, DISPLAY_PLAIN, "next: epgctl attach IF…, once the absent interfaces exist");
	else
		writer_say(cli->writer, DISPLAY_PLAIN, "next: epgctl status, epgctl contract ls, epgctl monitor");
	return CLI_OK;
}

int cmd_rollback(struct cli *cli)
{
	struct epg_apply_result result;
	int error = epg_rollback(cli->epg, &result);

	if (error)
		return report_failure(cli, error);
	write_result(cli->writer, &result, false);
	writer_say(cli->writer, DISPLAY_PLAIN, "next: epgctl rollback again returns to where you were");
	return CLI_OK;
}

/* How a kind of change is called, and how it looks. */
static const struct {
	const char *name;
	const char *sign;
	enum display_colour colour;
} change_kinds[] = {
	[EPG_CHANGE_ADDED] = {"added", "+", DISPLAY_GREEN},
	[EPG_CHANGE_REMOVED] = {"removed", "-", DISPLAY_RED},
	[EPG_CHANGE_CHANGED] = {"changed", "~", DISPLAY_YELLOW},
};

/* The walk over changes: whether there was one. */
struct diff_walk {
	struct writer *writer;
	bool differs;
};

static int write_change(void *user, const struct epg_change *change)
{
	struct diff_walk *walk = user;
	enum display_colour colour = change_kinds[change->kind].colour;
	char line[16] = "";

	if (change->line)
		snprintf(line, sizeof(line), "%" PRIu32, change->line);

	const struct writer_value values[] = {
		value_text(change_kinds[change->kind].name),
		value_coloured(change_kinds[change->kind].sign, colour),
		value_text(change->object),
		value_coloured(change->name, colour),
		value_text(change->detail),
		value_number(change->line),
		value_text(line),
	};

	walk->differs = true;
	writer_row(walk->writer, values);
	return 0;
}

int cmd_diff(struct cli *cli)
{
	static const struct writer_column columns[] = {
		{"change", NULL, WRITER_TEXT}, {NULL, " ", WRITER_WORD},          {"object", "OBJECT", WRITER_WORD},
		{"name", "NAME", WRITER_WORD}, {"detail", "DETAIL", WRITER_TEXT}, {"line", NULL, WRITER_NUMBER},
		{NULL, "LINE", WRITER_WORD},
	};
	static const struct writer_table table = {"changes", columns, ARRAY_SIZE(columns), "no difference"};
	static const struct writer_column differs = {"differs", NULL, WRITER_BOOLEAN};
	AUTO(epg_policy_free) struct epg_policy *policy = NULL;
	AUTO(epg_diagnostics_free) struct epg_diagnostics *warnings = NULL;
	struct diff_walk walk = {.writer = cli->writer};
	int error, status = policy_file_read(cli, &policy, &warnings);

	if (status)
		return status;
	writer_rows_begin(cli->writer, &table);
	error = epg_diff(cli->epg, policy, write_change, &walk);
	if (error)
		return report_failure(cli, error);
	writer_rows_end(cli->writer);
	writer_field(cli->writer, &differs, value_number(walk.differs));
	report_warnings(cli, warnings);
	return walk.differs ? CLI_NO : CLI_OK;
}

int cmd_export(struct cli *cli)
{
	static const struct writer_column columns[] = {{"file", NULL, WRITER_TEXT}, {"policy", NULL, WRITER_TEXT}};
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *file = NULL;
	size_t length;
	int error = epg_export(cli->epg, &text, &length, &file);

	if (error)
		return report_failure(cli, error);
	writer_field(cli->writer, &columns[0], value_text(file));
	writer_field(cli->writer, &columns[1], value_text(text));
	writer_raw(cli->writer, text, length);
	return CLI_OK;
}
