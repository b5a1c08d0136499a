/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "question.h"
#include "report.h"
#include "rule_text.h"

/* One side of the packet. */
static void write_side(struct writer *writer, const char *name, const char *group, const char *interface,
		       const char *address)
{
	static const struct writer_column columns[] = {
		{"group", NULL, WRITER_TEXT},
		{NULL, "", WRITER_TEXT},
		{"interface", "interface", WRITER_TEXT},
		{"address", "address", WRITER_TEXT},
	};
	const struct writer_value values[] = {
		value_text(group),
		value_text(*group ? group : "no group"),
		value_text(interface),
		value_text(address),
	};

	writer_object_begin(writer, name, name);
	writer_fields(writer, columns, ARRAY_SIZE(columns), values);
	writer_object_end(writer);
}

static void tell_near_miss(struct writer *writer, const struct epg_near_miss *miss)
{
	char place[RULE_PLACE_MAX];

	rule_text_place(miss->rule, place);
	writer_tell(writer, "near miss", "contract %s, subject %s, filter %s, entry %s (%s): %s", miss->rule->contract,
		    miss->rule->subject, miss->rule->filter, miss->rule->entry, place, miss->why);
}

static void write_near_misses(struct writer *writer, const struct epg_answer *answer)
{
	static const struct writer_column columns[] = {
		{"contract", NULL, WRITER_TEXT}, {"subject", NULL, WRITER_TEXT}, {"filter", NULL, WRITER_TEXT},
		{"entry", NULL, WRITER_TEXT},    {"match", NULL, WRITER_TEXT},   {"file", NULL, WRITER_TEXT},
		{"line", NULL, WRITER_NUMBER},   {"why", NULL, WRITER_TEXT},
	};
	static const struct writer_table table = {"nearMisses", columns, ARRAY_SIZE(columns), NULL};

	for (size_t i = 0; i < answer->n_near_misses; i++)
		tell_near_miss(writer, &answer->near_misses[i]);
	writer_rows_begin(writer, &table);
	for (size_t i = 0; i < answer->n_near_misses; i++) {
		const struct epg_rule_info *rule = answer->near_misses[i].rule;
		const struct writer_value values[] = {
			value_text(rule->contract), value_text(rule->subject),
			value_text(rule->filter),   value_text(rule->entry),
			value_text(rule->match),    value_text(rule->file),
			value_number(rule->line),   value_text(answer->near_misses[i].why),
		};

		writer_row(writer, values);
	}
	writer_rows_end(writer);
}

static void write_answer(struct writer *writer, const struct epg_answer *answer)
{
	static const struct writer_column columns[] = {
		{"verdict", "", WRITER_TEXT},   {"reason", NULL, WRITER_TEXT},       {"reasonText", NULL, WRITER_TEXT},
		{"level", NULL, WRITER_NUMBER}, {"generation", NULL, WRITER_NUMBER},
	};
	static const struct writer_column hint = {"hint", "hint", WRITER_TEXT};
	bool permit = answer->verdict == EPG_PERMIT;
	const struct writer_value values[] = {
		value_coloured(permit ? "permit" : "deny", permit ? DISPLAY_GREEN : DISPLAY_RED),
		value_text(epg_reason_name(answer->reason)),
		value_text(answer->reason_text),
		value_number(answer->level),
		value_number(answer->generation),
	};

	writer_fields(writer, columns, ARRAY_SIZE(columns), values);
	if (!permit)
		writer_tell(writer, "reason", "%s (%s)", answer->reason_text, epg_reason_name(answer->reason));
	write_side(writer, "source", answer->source_group, answer->source_interface, answer->source_address);
	write_side(writer, "destination", answer->destination_group, answer->destination_interface,
		   answer->destination_address);
	rule_text_write(writer, "rule", answer->rule);
	if (answer->rule) {
		rule_text_tell(writer, "rule", answer->rule);
		writer_tell(writer, "level", "%u", answer->level);
	}
	writer_tell(writer, "generation", "%" PRIu32, answer->generation);
	write_near_misses(writer, answer);
	writer_field(writer, &hint, value_text(answer->hint));
}

int cmd_explain(struct cli *cli)
{
	char protocol[QUESTION_PROTOCOL_MAX];
	struct epg_question question;
	struct usage_error usage;
	struct epg_answer answer;
	int error = question_read(&cli->arguments, protocol, &question, &usage);

	if (error)
		return report_error(cli, CLI_USAGE, NULL, usage.hint, "%s", usage.message);
	error = epg_explain(cli->epg, &question, &answer);
	if (error)
		return report_failure(cli, error);
	write_answer(cli->writer, &answer);
	return answer.verdict == EPG_PERMIT ? CLI_OK : CLI_NO;
}
