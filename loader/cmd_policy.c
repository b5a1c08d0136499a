/* SPDX-License-Identifier: GPL-2.0-only */
/* apply, diff, rollback, export */
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "policy_file.h"

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
	[EPG_CHANGE_ADDED] = {"added", "+", DISPLAY_GREEN},      [EPG_CHANGE_REMOVED] = {"removed", "-", DISPLAY_RED},
	[EPG_CHANGE_CHANGED] = {"changed", "~", DISPLAY_YELLOW}, [EPG_CHANGE_DENIED] = {"denied", "!", DISPLAY_RED},
	[EPG_CHANGE_KEPT] = {"kept", "=", DISPLAY_YELLOW},
};

static int write_change(void *user, const struct epg_change *change)
{
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

	writer_row(user, values);
	return 0;
}

/* What becomes of the tracked flows as a whole; single ones stand among the changes. */
static void write_flows(struct writer *writer, const struct epg_diff_result *result)
{
	static const struct writer_column columns[] = {
		{"tracked", NULL, WRITER_NUMBER},
		{"denied", NULL, WRITER_NUMBER},
		{"kept", NULL, WRITER_NUMBER},
	};
	const struct writer_value values[] = {
		value_number(result->flows),
		value_number(result->flows_denied),
		value_number(result->flows_kept),
	};

	writer_object_begin(writer, "flows", NULL);
	writer_fields(writer, columns, ARRAY_SIZE(columns), values);
	writer_object_end(writer);
	if (result->flows_denied)
		writer_say(writer, DISPLAY_RED, "! %zu of %zu tracked flows would be denied", result->flows_denied,
			   result->flows);
	if (result->flows_kept)
		writer_say(writer, DISPLAY_YELLOW, "= %zu of %zu tracked flows would only be kept", result->flows_kept,
			   result->flows);
}

static int read_max_flows(struct cli *cli, size_t *ret)
{
	const char *text = arguments_value(&cli->arguments, OPTION_MAX_FLOWS);
	uint64_t number = 0;

	if (text && arguments_parse_number(text, 1, UINT32_MAX, &number))
		return report_error(cli, CLI_USAGE, NULL, NULL, "--max-flows takes a number from 1 to %u, not '%s'",
				    UINT32_MAX, text);
	*ret = (size_t)number;
	return CLI_OK;
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
	struct epg_diff_options options = {.size = sizeof(options)};
	struct epg_diff_result result;
	bool different;
	int error, status = read_max_flows(cli, &options.max_flows);

	if (!status)
		status = policy_file_read(cli, &policy, &warnings);
	if (status)
		return status;
	writer_rows_begin(cli->writer, &table);
	error = epg_diff(cli->epg, policy, &options, write_change, cli->writer, &result);
	if (error)
		return report_failure(cli, error);
	writer_rows_end(cli->writer);
	different = result.changes || result.flows_denied || result.flows_kept;
	writer_field(cli->writer, &differs, value_number(different));
	write_flows(cli->writer, &result);
	report_warnings(cli, warnings);
	return different ? CLI_NO : CLI_OK;
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
