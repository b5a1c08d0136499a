/* SPDX-License-Identifier: GPL-2.0-only */
/* validate, lint: what can be said of a policy without applying it */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "policy_file.h"
#include "suggest.h"

/* ---- validate ---- */

/* The tables of --cost, which one walk fills one after the other. */
struct cost_walk {
	struct writer *writer;
	bool maps; /* the second one is begun */
};

static int write_contract_cost(void *user, const struct epg_contract_cost *cost)
{
	const struct cost_walk *walk = user;
	const struct writer_value values[] = {
		value_text(cost->name),    value_text(cost->kind),        value_text(cost->file),
		value_number(cost->line),  value_number(cost->pairs),     value_number(cost->rules),
		value_number(cost->nodes), value_number(cost->rule_sets), value_number(cost->bytes),
	};

	writer_row(walk->writer, values);
	return 0;
}

static void begin_maps(struct cost_walk *walk)
{
	static const struct writer_column columns[] = {
		{"name", "MAP", WRITER_WORD},
		{"entries", "NEEDED", WRITER_NUMBER},
		{"capacity", "CAPACITY", WRITER_NUMBER},
		{NULL, "USED", WRITER_WORD},
		{"bytes", "MEMORY", WRITER_BYTES},
	};
	static const struct writer_table table = {"maps", columns, ARRAY_SIZE(columns), NULL};

	if (walk->maps)
		return;
	writer_rows_end(walk->writer);
	writer_rows_begin(walk->writer, &table);
	walk->maps = true;
}

static int write_map_need(void *user, const struct epg_map_need *need)
{
	struct cost_walk *walk = user;
	bool exceeds = need->entries > need->capacity;
	char used[32] = "";

	if (need->capacity)
		snprintf(used, sizeof(used), "%.1f %%", 100.0 * (double)need->entries / (double)need->capacity);

	const struct writer_value values[] = {
		value_text(need->map),        value_number(need->entries),
		value_number(need->capacity), value_coloured(used, exceeds ? DISPLAY_RED : DISPLAY_PLAIN),
		value_number(need->bytes),
	};

	begin_maps(walk);
	writer_row(walk->writer, values);
	return 0;
}

static int write_costs(struct cli *cli, const struct epg_policy *policy)
{
	static const struct writer_column columns[] = {
		{"name", "CONTRACT", WRITER_WORD}, {"kind", "KIND", WRITER_WORD},
		{"file", NULL, WRITER_TEXT},       {"line", "LINE", WRITER_NUMBER},
		{"pairs", "PAIRS", WRITER_NUMBER}, {"rules", "RULES", WRITER_NUMBER},
		{"nodes", "NODES", WRITER_NUMBER}, {"ruleSets", "RULE SETS", WRITER_NUMBER},
		{"bytes", "MEMORY", WRITER_BYTES},
	};
	static const struct writer_table table = {"contracts", columns, ARRAY_SIZE(columns), "no contracts"};
	struct cost_walk walk = {.writer = cli->writer};
	int error;

	writer_rows_begin(cli->writer, &table);
	error = epg_policy_costs_each(cli->epg, policy, write_contract_cost, write_map_need, &walk);
	if (error)
		return report_failure(cli, error);
	begin_maps(&walk);
	writer_rows_end(cli->writer);
	return CLI_OK;
}

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
	writer_field(cli->writer, &valid, value_number(true));
	policy_file_write_cost(cli->writer, &cost);
	policy_file_cost_text(&cost, text);
	writer_say(cli->writer, DISPLAY_PLAIN, "ok: %s", text);
	if (arguments_has(&cli->arguments, OPTION_COST))
		status = write_costs(cli, policy);
	if (!status)
		report_warnings(cli, warnings);
	return status;
}

/* ---- lint ---- */

/* The walk over findings. */
struct lint_walk {
	struct writer *writer;
	uint64_t denied_codes; /* bits 1 << enum epg_lint_code */
	size_t findings, denied;
};

_Static_assert(EPG_LINT_COUNT <= 64, "denied codes are bits of one word");

/* The codes that one --deny names; 0 for a word that is none. */
static uint64_t codes_of(const char *word)
{
	if (!strcmp(word, "all"))
		return UINT64_MAX;
	for (unsigned int code = 0; code < EPG_LINT_COUNT; code++)
		if (!strcmp(epg_lint_code_name((enum epg_lint_code)code), word))
			return UINT64_C(1) << code;
	return 0;
}

static int fail_unknown_code(struct cli *cli, const char *word)
{
	struct suggestion suggestion = suggest_begin(word);
	char hint[160] = "epgctl lint --help lists the codes";

	suggest_candidate(&suggestion, "all");
	for (unsigned int code = 0; code < EPG_LINT_COUNT; code++)
		suggest_candidate(&suggestion, epg_lint_code_name((enum epg_lint_code)code));
	if (suggestion.closest)
		snprintf(hint, sizeof(hint), "did you mean '%s'?", suggestion.closest);
	return report_error(cli, CLI_USAGE, NULL, hint, "lint knows no code '%s'", word);
}

static int read_denied_codes(struct cli *cli, uint64_t *ret)
{
	uint64_t denied = 0;

	for (size_t i = 0; i < cli->arguments.n_given; i++) {
		const struct argument *given = &cli->arguments.given[i];
		uint64_t codes = given->id == OPTION_DENY ? codes_of(given->value) : 0;

		if (given->id == OPTION_DENY && !codes)
			return fail_unknown_code(cli, given->value);
		denied |= codes;
	}
	*ret = denied;
	return CLI_OK;
}

static int write_finding(void *user, const struct epg_finding *finding)
{
	struct lint_walk *walk = user;
	bool denied = walk->denied_codes >> finding->code & 1;
	bool is_note = finding->severity == EPG_SEVERITY_NOTE;
	enum display_colour colour = denied ? DISPLAY_RED : is_note ? DISPLAY_PLAIN : DISPLAY_YELLOW;
	AUTO_FREE char *text = NULL;

	if (asprintf(&text, "%s%s%s", finding->message, *finding->hint ? "\nhint: " : "", finding->hint) < 0) {
		text = NULL;
		return -ENOMEM;
	}

	const struct writer_value values[] = {
		value_number(finding->line),
		value_coloured(finding->code_name, colour),
		value_text(is_note ? "note" : "warning"),
		value_number(denied),
		value_text(finding->file),
		value_number(finding->column),
		value_text(text),
		value_text(finding->message),
		value_text(finding->hint),
		value_text(finding->excerpt),
	};

	walk->findings++;
	walk->denied += denied;
	writer_row(walk->writer, values);
	return 0;
}

static void write_lint_result(struct writer *writer, const struct lint_walk *walk)
{
	static const struct writer_column denied = {"denied", NULL, WRITER_NUMBER};

	writer_field(writer, &denied, value_number(walk->denied));
	if (walk->denied)
		writer_say(writer, DISPLAY_RED, "%zu of %zu findings denied", walk->denied, walk->findings);
}

int cmd_lint(struct cli *cli)
{
	static const struct writer_column columns[] = {
		{"line", "LINE", WRITER_NUMBER},  {"code", "CODE", WRITER_WORD},  {"severity", NULL, WRITER_TEXT},
		{"denied", NULL, WRITER_BOOLEAN}, {"file", NULL, WRITER_TEXT},    {"column", NULL, WRITER_NUMBER},
		{NULL, "FINDING", WRITER_TEXT},   {"message", NULL, WRITER_TEXT}, {"hint", NULL, WRITER_TEXT},
		{"excerpt", NULL, WRITER_TEXT},
	};
	static const struct writer_table table = {"findings", columns, ARRAY_SIZE(columns), "nothing found"};
	const struct epg_lint_options options = {
		.size = sizeof(options),
		.instance = arguments_has(&cli->arguments, OPTION_INSTANCE),
	};
	AUTO(epg_policy_free) struct epg_policy *policy = NULL;
	AUTO(epg_diagnostics_free) struct epg_diagnostics *warnings = NULL;
	struct lint_walk walk = {.writer = cli->writer};
	int error, status = read_denied_codes(cli, &walk.denied_codes);

	if (!status)
		status = policy_file_read(cli, &policy, &warnings);
	if (status)
		return status;
	writer_rows_begin(cli->writer, &table);
	error = epg_lint(cli->epg, policy, &options, write_finding, &walk);
	if (error)
		return report_failure(cli, error);
	writer_rows_end(cli->writer);
	write_lint_result(cli->writer, &walk);
	return walk.denied ? CLI_NO : CLI_OK;
}
