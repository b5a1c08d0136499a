/* SPDX-License-Identifier: GPL-2.0-only */
#include "rule_text.h"

#include <inttypes.h>

void rule_text_place(const struct epg_rule_info *rule, char text[RULE_PLACE_MAX])
{
	*text = 0;
	if (rule->line)
		snprintf(text, RULE_PLACE_MAX, "%s:%" PRIu32, rule->file, rule->line);
}

void rule_text_tell(struct writer *writer, const char *heading, const struct epg_rule_info *rule)
{
	char place[RULE_PLACE_MAX];

	if (!*rule->contract) {
		writer_tell(writer, heading, "%s", rule->entry);
		return;
	}
	rule_text_place(rule, place);
	writer_tell(writer, heading, "contract %s, subject %s, filter %s, entry %s%s (%s)", rule->contract,
		    rule->subject, rule->filter, rule->entry, rule->reverse ? ", in reverse" : "", rule->match);
	writer_tell(writer, "written at", "%s", place);
}

void rule_text_write(struct writer *writer, const char *name, const struct epg_rule_info *rule)
{
	static const struct writer_column columns[] = {
		{"contract", NULL, WRITER_TEXT}, {"subject", NULL, WRITER_TEXT}, {"filter", NULL, WRITER_TEXT},
		{"entry", NULL, WRITER_TEXT},    {"match", NULL, WRITER_TEXT},   {"file", NULL, WRITER_TEXT},
		{"line", NULL, WRITER_NUMBER},
	};
	const struct writer_column none = {name, NULL, WRITER_TEXT};

	if (!rule) {
		writer_field(writer, &none, value_text(NULL));
		return;
	}

	const struct writer_value values[] = {
		value_text(rule->contract), value_text(rule->subject), value_text(rule->filter),
		value_text(rule->entry),    value_text(rule->match),   value_text(rule->file),
		value_number(rule->line),
	};

	writer_object_begin(writer, name, NULL);
	writer_fields(writer, columns, ARRAY_SIZE(columns), values);
	writer_object_end(writer);
}
