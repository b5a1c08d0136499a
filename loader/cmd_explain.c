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

/* ---- what people read ---- */

/* A rule that does not decide: its place behind it, and remarks on either side. */
static void tell_other_rule(struct writer *writer, const char *heading, const char *before,
			    const struct epg_rule_info *rule, const char *behind)
{
	char name[RULE_NAME_MAX], place[RULE_PLACE_MAX];

	rule_text_name(rule, name);
	rule_text_place(rule, place);
	writer_tell(writer, heading, "%s%s%s%s%s%s", before, name, *place ? " (" : "", place, *place ? ")" : "",
		    behind);
}

static void tell_beaten(struct writer *writer, const struct epg_answer *answer)
{
	for (size_t i = 0; i < answer->n_beaten; i++) {
		const struct epg_rule_info *rule = &answer->beaten[i];
		char remark[32];

		snprintf(remark, sizeof(remark), "%s of level %u: ", rule->permit ? "permit" : "deny", rule->level);
		tell_other_rule(writer, "goes before", remark, rule, "");
	}
	if (answer->n_beaten_all > answer->n_beaten)
		writer_tell(writer, "goes before", "and %zu more", answer->n_beaten_all - answer->n_beaten);
}

static void tell_near_misses(struct writer *writer, const struct epg_answer *answer)
{
	for (size_t i = 0; i < answer->n_near_misses; i++) {
		char why[512];

		snprintf(why, sizeof(why), ": %s", answer->near_misses[i].why);
		tell_other_rule(writer, "near miss", "", answer->near_misses[i].rule, why);
	}
}

/* How the packet fared that this one is an answer to, or an error about. */
static void tell_opening(struct writer *writer, const struct epg_answer *answer)
{
	const struct epg_answer *opening = answer->opening;
	bool permit = opening->verdict == EPG_PERMIT;
	char name[RULE_NAME_MAX] = "";

	if (opening->rule)
		rule_text_name(opening->rule, name);
	writer_tell(writer, "opened by", "%s: %s%s%s", opening->packet, permit ? "permit" : "deny", *name ? " by " : "",
		    name);
	if (answer->by_flow)
		writer_tell(writer, "passes", "as part of the flow that this opens");
	else
		writer_tell(writer, "decided", "as a packet of its own: %s",
			    permit ? "what it is about opens no flow" : "what it is about does not pass");
}

/* Where the packet that all begins with does not pass, that is what is to be lifted. */
static void tell_remedy(struct writer *writer, const struct epg_answer *answer)
{
	bool opening_denied = answer->opening && answer->opening->verdict != EPG_PERMIT;
	const struct epg_remedy *remedy = opening_denied ? &answer->opening->remedy : &answer->remedy;

	writer_tell(writer, "hint", "%s", remedy->hint);
	writer_tell(writer, "write there", "%s", remedy->yaml);
}

static void tell_answer(struct writer *writer, const struct epg_answer *answer)
{
	if (answer->opening)
		tell_opening(writer, answer);
	if (answer->rule) {
		rule_text_tell(writer, "rule", answer->rule);
		writer_tell(writer, "level", "%u: %s", answer->level, rule_text_level((enum epg_level)answer->level));
	}
	tell_beaten(writer, answer);
	if (answer->audited)
		tell_other_rule(writer, "audited",
				answer->audited->permit ? "would permit it: " : "would deny it: ", answer->audited, "");
	writer_tell(writer, "generation", "%" PRIu32, answer->generation);
	tell_near_misses(writer, answer);
	tell_remedy(writer, answer);
}

/* ---- what programs read ---- */

#define MISSED_MAX EPG_MISS_COUNT

static size_t missed_names(uint32_t missed, const char *names[MISSED_MAX])
{
	size_t count = 0;

	for (unsigned int miss = 0; miss < EPG_MISS_COUNT; miss++)
		if (missed & 1u << miss)
			names[count++] = epg_miss_name((enum epg_miss)miss);
	return count;
}

static void write_near_misses(struct writer *writer, const struct epg_answer *answer)
{
	static const struct writer_column columns[] = {
		RULE_TEXT_COLUMNS,
		{"missed", NULL, WRITER_LIST},
		{"why", NULL, WRITER_TEXT},
	};
	static const struct writer_table table = {"nearMisses", columns, ARRAY_SIZE(columns), NULL};

	writer_rows_begin(writer, &table);
	for (size_t i = 0; i < answer->n_near_misses; i++) {
		const struct epg_near_miss *miss = &answer->near_misses[i];
		struct writer_value values[ARRAY_SIZE(columns)];
		const char *missed[MISSED_MAX];

		rule_text_values(miss->rule, values);
		values[RULE_TEXT_N_COLUMNS] = value_list(missed, missed_names(miss->missed, missed));
		values[RULE_TEXT_N_COLUMNS + 1] = value_text(miss->why);
		writer_row(writer, values);
	}
	writer_rows_end(writer);
}

/* How the denial can be lifted. */
static void write_remedy(struct writer *writer, const struct epg_remedy *remedy)
{
	static const struct writer_column hint = {"hint", NULL, WRITER_TEXT};
	static const struct writer_column columns[] = {
		{"yaml", NULL, WRITER_TEXT},
		{"file", NULL, WRITER_TEXT},
		{"line", NULL, WRITER_NUMBER},
	};
	const struct writer_value values[] = {
		value_text(remedy->yaml),
		value_text(remedy->file),
		value_number(remedy->line),
	};

	writer_field(writer, &hint, value_text(remedy->hint));
	writer_object_begin(writer, "remedy", NULL);
	writer_fields(writer, columns, ARRAY_SIZE(columns), values);
	writer_object_end(writer);
}

static void write_verdict(struct writer *writer, const struct epg_answer *answer)
{
	static const struct writer_column columns[] = {
		{"verdict", "", WRITER_TEXT},      {"reason", NULL, WRITER_TEXT},
		{"reasonText", NULL, WRITER_TEXT}, {"level", NULL, WRITER_NUMBER},
		{"levelText", NULL, WRITER_TEXT},  {"generation", NULL, WRITER_NUMBER},
		{"packet", "packet", WRITER_TEXT},
	};
	bool permit = answer->verdict == EPG_PERMIT;
	const struct writer_value values[] = {
		value_coloured(permit ? "permit" : "deny", permit ? DISPLAY_GREEN : DISPLAY_RED),
		value_text(epg_reason_name(answer->reason)),
		value_text(answer->reason_text),
		value_number(answer->level),
		value_text(rule_text_level((enum epg_level)answer->level)),
		value_number(answer->generation),
		value_text(answer->packet),
	};

	writer_fields(writer, columns, ARRAY_SIZE(columns), values);
	if (!permit)
		writer_tell(writer, "reason", "%s (%s)", answer->reason_text, epg_reason_name(answer->reason));
	write_side(writer, "source", answer->source_group, answer->source_interface, answer->source_address);
	write_side(writer, "destination", answer->destination_group, answer->destination_interface,
		   answer->destination_address);
	rule_text_write(writer, "rule", answer->rule);
}

static void write_opening(struct writer *writer, const struct epg_answer *answer)
{
	static const struct writer_column none = {"opening", NULL, WRITER_TEXT};
	static const struct writer_column by_flow = {"byFlow", NULL, WRITER_BOOLEAN};

	writer_field(writer, &by_flow, value_number(answer->by_flow));
	if (!answer->opening) {
		writer_field(writer, &none, value_text(NULL));
		return;
	}
	writer_object_begin(writer, "opening", NULL);
	write_verdict(writer, answer->opening);
	write_remedy(writer, &answer->opening->remedy);
	writer_object_end(writer);
}

static void write_answer(struct writer *writer, const struct epg_answer *answer)
{
	write_verdict(writer, answer);
	tell_answer(writer, answer);
	rule_text_write_list(writer, "beaten", answer->beaten, answer->n_beaten);
	rule_text_write(writer, "audited", answer->audited);
	write_near_misses(writer, answer);
	write_remedy(writer, &answer->remedy);
	write_opening(writer, answer);
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
