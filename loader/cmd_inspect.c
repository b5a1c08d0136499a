/* SPDX-License-Identifier: GPL-2.0-only */
/* group ls, contract ls, drops */
#include "commands.h"
#include "report.h"
#include "rule_text.h"

/* ---- group ls ---- */

static int write_group(void *user, const struct epg_group_info *group)
{
	const struct writer_value values[] = {
		value_text(group->name),        value_number(group->class_id),    value_number(group->external),
		value_text(group->vrf),         value_text(group->bridge_domain), value_number(group->line),
		value_number(group->endpoints), value_number(group->provides),    value_number(group->consumes),
		value_number(group->pairs),     value_number(group->packets),     value_number(group->bytes),
	};

	writer_row(user, values);
	return 0;
}

int cmd_group_ls(struct cli *cli)
{
	static const struct writer_column columns[] = {
		{"name", "GROUP", WRITER_WORD},
		{"class", "CLASS", WRITER_NUMBER},
		{"external", NULL, WRITER_BOOLEAN},
		{"vrf", "VRF", WRITER_WORD},
		{"bridgeDomain", NULL, WRITER_TEXT},
		{"line", NULL, WRITER_NUMBER},
		{"endpoints", "ENDPOINTS", WRITER_NUMBER},
		{"provides", "PROVIDES", WRITER_NUMBER},
		{"consumes", "CONSUMES", WRITER_NUMBER},
		{"pairs", "PAIRS", WRITER_NUMBER},
		{"packets", "PACKETS", WRITER_NUMBER},
		{"bytes", "BYTES", WRITER_BYTES},
	};
	static const struct writer_table table = {"groups", columns, ARRAY_SIZE(columns), "no groups"};
	int error;

	writer_rows_begin(cli->writer, &table);
	error = epg_groups_each(cli->epg, write_group, cli->writer);
	if (error)
		return report_failure(cli, error);
	writer_rows_end(cli->writer);
	return CLI_OK;
}

/* ---- contract ls ---- */

/*
 * The columns of a rule stand under those of the contracts' table. `line` is how people's column of that
 * name is called: the rules that every policy has stand in no line.
 */
#define RULE_COLUMNS(line)                                                                                             \
	{                                                                                                              \
		{"index", NULL, WRITER_NUMBER}, {NULL, "CONTRACT", WRITER_WORD}, {"contract", NULL, WRITER_TEXT},      \
			{"subject", NULL, WRITER_TEXT}, {"filter", NULL, WRITER_TEXT}, {"entry", NULL, WRITER_TEXT},   \
			{"file", NULL, WRITER_TEXT}, {"line", line, WRITER_NUMBER}, {"action", NULL, WRITER_TEXT},     \
			{"match", NULL, WRITER_TEXT}, {NULL, "RULE", WRITER_TEXT}, {"stateful", NULL, WRITER_BOOLEAN}, \
			{"reverse", NULL, WRITER_BOOLEAN}, {"level", NULL, WRITER_NUMBER},                             \
			{"packets", "PACKETS", WRITER_NUMBER}, {"bytes", "BYTES", WRITER_BYTES},                       \
	}

static void write_rule(struct writer *writer, const struct epg_rule_info *rule)
{
	const char *action = rule->permit ? "permit" : "deny";
	char name[512], match[512];

	if (*rule->contract)
		snprintf(name, sizeof(name), "%s > %s > %s", rule->subject, rule->filter, rule->entry);
	else
		snprintf(name, sizeof(name), "%s", rule->entry);
	snprintf(match, sizeof(match), "%s %s%s", action, rule->match, rule->reverse ? " (reverse)" : "");

	const struct writer_value values[] = {
		value_number(rule->index),
		value_text(name),
		value_text(rule->contract),
		value_text(rule->subject),
		value_text(rule->filter),
		value_text(rule->entry),
		value_text(rule->file),
		value_number(rule->line),
		value_text(action),
		value_text(rule->match),
		value_coloured(match, rule->permit ? DISPLAY_GREEN : DISPLAY_RED),
		value_number(rule->stateful),
		value_number(rule->reverse),
		value_number(rule->level),
		value_number(rule->packets),
		value_number(rule->bytes),
	};

	writer_row(writer, values);
}

static int write_contract(void *user, const struct epg_contract_info *contract)
{
	static const struct writer_column columns[] = RULE_COLUMNS("LINE");
	static const struct writer_table rules = {"rules", columns, ARRAY_SIZE(columns), NULL};
	struct writer *writer = user;
	char relations[80];

	snprintf(relations, sizeof(relations), "%zu provide, %zu consume it", contract->providers, contract->consumers);

	const struct writer_value values[] = {
		value_text(contract->name),   value_text(contract->scope),       value_text(contract->file),
		value_number(contract->line), value_number(contract->providers), value_number(contract->consumers),
		value_text(relations),        value_number(contract->packets),   value_number(contract->bytes),
	};

	writer_row_begin(writer, values);
	writer_rows_begin(writer, &rules);
	for (size_t i = 0; i < contract->n_rules; i++)
		write_rule(writer, &contract->rules[i]);
	writer_rows_end(writer);
	writer_row_end(writer);
	return 0;
}

static int write_implicit_rule(void *user, const struct epg_rule_info *rule)
{
	if (!*rule->contract)
		write_rule(user, rule);
	return 0;
}

int cmd_contract_ls(struct cli *cli)
{
	static const struct writer_column columns[] = {
		{"name", "CONTRACT", WRITER_WORD},  {"scope", NULL, WRITER_TEXT},
		{"file", NULL, WRITER_TEXT},        {"line", "LINE", WRITER_NUMBER},
		{"providers", NULL, WRITER_NUMBER}, {"consumers", NULL, WRITER_NUMBER},
		{NULL, "RULE", WRITER_TEXT},        {"packets", "PACKETS", WRITER_NUMBER},
		{"bytes", "BYTES", WRITER_BYTES},
	};
	static const struct writer_table contracts = {"contracts", columns, ARRAY_SIZE(columns), "no contracts"};
	static const struct writer_column implicit_columns[] = RULE_COLUMNS(NULL);
	static const struct writer_table implicit = {"implicit", implicit_columns, ARRAY_SIZE(implicit_columns), NULL};
	int error;

	writer_rows_begin(cli->writer, &contracts);
	error = epg_contracts_each(cli->epg, write_contract, cli->writer);
	if (error)
		return report_failure(cli, error);
	writer_rows_end(cli->writer);
	writer_rows_begin(cli->writer, &implicit);
	error = epg_rules_each(cli->epg, write_implicit_rule, cli->writer);
	if (error)
		return report_failure(cli, error);
	writer_rows_end(cli->writer);
	return CLI_OK;
}

/* ---- drops ---- */

static int write_drop(void *user, const struct epg_drop_info *drop)
{
	const struct writer_value values[] = {
		value_coloured(drop->reason_name, DISPLAY_RED),
		value_text(drop->source),
		value_text(drop->destination),
		value_number(drop->packets),
		value_number(drop->bytes),
		value_text(drop->reason_text),
	};

	writer_row(user, values);
	return 0;
}

int cmd_drops(struct cli *cli)
{
	static const struct writer_column columns[] = {
		{"reason", "REASON", WRITER_WORD},
		{"source", "SOURCE", WRITER_WORD},
		{"destination", "DESTINATION", WRITER_WORD},
		{"packets", "PACKETS", WRITER_NUMBER},
		{"bytes", "BYTES", WRITER_BYTES},
		{"text", "BECAUSE", WRITER_TEXT},
	};
	static const struct writer_table table = {"drops", columns, ARRAY_SIZE(columns), "nothing was dropped"};
	int error;

	writer_rows_begin(cli->writer, &table);
	error = epg_drops_each(cli->epg, write_drop, cli->writer);
	if (error)
		return report_failure(cli, error);
	writer_rows_end(cli->writer);
	return CLI_OK;
}
