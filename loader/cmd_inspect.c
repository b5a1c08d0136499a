/* SPDX-License-Identifier: GPL-2.0-only */
/* group ls, contract ls, drops */
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "report.h"
#include "rule_text.h"

/* ---- group ls ---- */

/* What else holds for a group, one a line, for people. */
#define ATTRIBUTES_MAX 256

static void add_attribute(char text[ATTRIBUTES_MAX], const char *attribute)
{
	size_t length = strlen(text);

	snprintf(text + length, ATTRIBUTES_MAX - length, "%s%s", length ? "\n" : "", attribute);
}

static void add_counted(char text[ATTRIBUTES_MAX], size_t count, const char *one, const char *many)
{
	char attribute[64];

	snprintf(attribute, sizeof(attribute), "%zu %s", count, count == 1 ? one : many);
	if (count)
		add_attribute(text, attribute);
}

static void describe_attributes(const struct epg_group_info *group, char text[ATTRIBUTES_MAX])
{
	char rate[DISPLAY_BYTES_MAX];

	*text = 0;
	if (group->external)
		add_attribute(text, "external");
	if (group->isolated)
		add_attribute(text, "isolated");
	add_counted(text, group->intra_contracts, "intra-EPG", "intra-EPG");
	add_counted(text, group->taboos, "taboo", "taboos");
	if (group->preferred_member)
		add_attribute(text, "preferred");
	if (!group->police_rate)
		return;
	display_rate(group->police_rate, rate);
	add_attribute(text, rate);
}

static int write_group(void *user, const struct epg_group_info *group)
{
	char attributes[ATTRIBUTES_MAX];

	describe_attributes(group, attributes);

	const struct writer_value values[] = {
		value_text(group->name),
		value_number(group->class_id),
		value_number(group->external),
		value_text(group->vrf),
		value_text(group->bridge_domain),
		value_number(group->line),
		value_number(group->endpoints),
		value_number(group->provides),
		value_number(group->consumes),
		value_number(group->pairs),
		value_number(group->packets),
		value_number(group->bytes),
		value_text(attributes),
		value_number(group->isolated),
		value_number(group->intra_contracts),
		value_number(group->taboos),
		value_number(group->preferred_member),
		value_number(group->police_rate),
		value_number(group->police_burst),
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
		{"pairs", NULL, WRITER_NUMBER},
		{"packets", "PACKETS", WRITER_NUMBER},
		{"bytes", "BYTES", WRITER_BYTES},
		{NULL, "AND", WRITER_TEXT},
		{"isolated", NULL, WRITER_BOOLEAN},
		{"intraContracts", NULL, WRITER_NUMBER},
		{"taboos", NULL, WRITER_NUMBER},
		{"preferredGroupMember", NULL, WRITER_BOOLEAN},
		{"policeBytesPerSecond", NULL, WRITER_NUMBER},
		{"policeBurstBytes", NULL, WRITER_NUMBER},
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
#define RULE_COLUMNS(line)                                                                                           \
	{                                                                                                            \
		{"index", NULL, WRITER_NUMBER}, {NULL, "CONTRACT", WRITER_WORD}, {"contract", NULL, WRITER_TEXT},    \
			{"subject", NULL, WRITER_TEXT}, {"filter", NULL, WRITER_TEXT}, {"entry", NULL, WRITER_TEXT}, \
			{"file", NULL, WRITER_TEXT}, {"line", line, WRITER_NUMBER}, {"action", NULL, WRITER_TEXT},   \
			{"match", NULL, WRITER_TEXT}, {NULL, "RULE", WRITER_TEXT}, {"role", NULL, WRITER_TEXT},      \
			{"stateful", NULL, WRITER_BOOLEAN}, {"reverse", NULL, WRITER_BOOLEAN},                       \
			{"audit", NULL, WRITER_BOOLEAN}, {"keep", NULL, WRITER_BOOLEAN},                             \
			{"log", NULL, WRITER_BOOLEAN}, {"dscp", NULL, WRITER_TEXT}, {"level", NULL, WRITER_NUMBER},  \
			{"packets", "PACKETS", WRITER_NUMBER}, {"bytes", "BYTES", WRITER_BYTES},                     \
	}

/* What people read in the first column: the way to the entry. */
#define RULE_PATH_MAX 512

static void describe_path(const struct epg_rule_info *rule, char text[RULE_PATH_MAX])
{
	if (!*rule->contract)
		snprintf(text, RULE_PATH_MAX, "%s", rule->name);
	else
		snprintf(text, RULE_PATH_MAX, "%s%s%s > %s", rule->subject, *rule->subject ? " > " : "", rule->filter,
			 rule->entry);
}

/* Audited rules decide nothing, and so look neither like a permit nor like a deny. */
static enum display_colour rule_colour(const struct epg_rule_info *rule)
{
	if (rule->audit)
		return DISPLAY_YELLOW;
	return rule->permit ? DISPLAY_GREEN : DISPLAY_RED;
}

static void write_rule(struct writer *writer, const struct epg_rule_info *rule)
{
	char path[RULE_PATH_MAX], effect[RULE_EFFECT_MAX], dscp[RULE_DSCP_MAX];

	describe_path(rule, path);
	rule_text_effect(rule, effect);
	rule_text_dscp(rule, dscp);

	const struct writer_value values[] = {
		value_number(rule->index),
		value_text(path),
		value_text(rule->contract),
		value_text(rule->subject),
		value_text(rule->filter),
		value_text(*rule->contract ? rule->entry : rule->name),
		value_text(rule->file),
		value_number(rule->line),
		value_text(rule->permit ? "permit" : "deny"),
		value_text(*rule->contract ? rule->match : rule->text),
		value_coloured(effect, rule_colour(rule)),
		value_text(rule->role),
		value_number(rule->stateful),
		value_number(rule->reverse),
		value_number(rule->audit),
		value_number(rule->keep),
		value_number(rule->log),
		value_text(*dscp ? dscp : NULL),
		value_number(rule->level),
		value_number(rule->packets),
		value_number(rule->bytes),
	};

	writer_row(writer, values);
}

/* Who has to do with a contract, or with a taboo, for people. */
static void describe_relations(const struct epg_contract_info *contract, char *text, size_t size)
{
	if (!strcmp(contract->kind, "taboo"))
		snprintf(text, size, "taboo of %zu group%s", contract->providers, contract->providers == 1 ? "" : "s");
	else
		snprintf(text, size, "%zu provide, %zu consume it%s", contract->providers, contract->consumers,
			 contract->keep ? ", keeps flows" : "");
}

static int write_contract(void *user, const struct epg_contract_info *contract)
{
	static const struct writer_column columns[] = RULE_COLUMNS("LINE");
	static const struct writer_table rules = {"rules", columns, ARRAY_SIZE(columns), NULL};
	struct writer *writer = user;
	char relations[100];

	describe_relations(contract, relations, sizeof(relations));

	const struct writer_value values[] = {
		value_text(contract->name),        value_text(contract->kind),        value_text(contract->scope),
		value_number(contract->keep),      value_text(contract->file),        value_number(contract->line),
		value_number(contract->providers), value_number(contract->consumers), value_text(relations),
		value_number(contract->packets),   value_number(contract->bytes),
	};

	writer_row_begin(writer, values);
	writer_rows_begin(writer, &rules);
	for (size_t i = 0; i < contract->n_rules; i++)
		write_rule(writer, &contract->rules[i]);
	writer_rows_end(writer);
	writer_row_end(writer);
	return 0;
}

/* People are spared the rules of every policy that have met nothing yet. */
static int write_implicit_rule(void *user, const struct epg_rule_info *rule)
{
	struct writer *writer = user;

	if (!*rule->contract && (rule->packets || writer_is_json(writer)))
		write_rule(writer, rule);
	return 0;
}

int cmd_contract_ls(struct cli *cli)
{
	static const struct writer_column columns[] = {
		{"name", "CONTRACT", WRITER_WORD},  {"kind", NULL, WRITER_TEXT},
		{"scope", NULL, WRITER_TEXT},       {"keep", NULL, WRITER_BOOLEAN},
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

/* What audited subjects would have decided otherwise; single rules tell in contract ls. */
static void write_audit(struct writer *writer, const uint64_t stats[EPG_STAT_COUNT])
{
	static const struct writer_column columns[] = {
		{"wouldDeny", NULL, WRITER_NUMBER},
		{"wouldPermit", NULL, WRITER_NUMBER},
	};
	static const enum epg_stat counters[] = {EPG_STAT_WOULD_DENY, EPG_STAT_WOULD_PERMIT};

	for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
		uint64_t count = stats[counters[i]];

		writer_field(writer, &columns[i], value_number(count));
		if (count)
			writer_say(writer, DISPLAY_YELLOW, "%" PRIu64 " %s", count, epg_stat_text(counters[i]));
	}
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
	struct epg_status status;
	int error;

	writer_rows_begin(cli->writer, &table);
	error = epg_drops_each(cli->epg, write_drop, cli->writer);
	if (error)
		return report_failure(cli, error);
	writer_rows_end(cli->writer);
	error = epg_status(cli->epg, &status);
	if (error)
		return report_failure(cli, error);
	write_audit(cli->writer, status.stats);
	return CLI_OK;
}
