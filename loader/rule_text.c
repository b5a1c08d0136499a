/* SPDX-License-Identifier: GPL-2.0-only */
#include "rule_text.h"

#include <inttypes.h>
#include <string.h>

static bool is_implicit(const struct epg_rule_info *rule)
{
	return !*rule->contract;
}

void rule_text_name(const struct epg_rule_info *rule, char text[RULE_NAME_MAX])
{
	bool taboo = !strcmp(rule->role, "taboo");

	if (is_implicit(rule))
		snprintf(text, RULE_NAME_MAX, "%s", rule->name);
	else
		snprintf(text, RULE_NAME_MAX, "%s %s%s%s, filter %s, entry %s%s", taboo ? "taboo" : "contract",
			 rule->contract, taboo ? "" : ", subject ", taboo ? "" : rule->subject, rule->filter,
			 rule->entry, rule->reverse ? ", in reverse" : "");
}

void rule_text_place(const struct epg_rule_info *rule, char text[RULE_PLACE_MAX])
{
	*text = 0;
	if (rule->line)
		snprintf(text, RULE_PLACE_MAX, "%s:%" PRIu32, rule->file, rule->line);
}

/* Between whom, where it is not group to group: the words for a role. */
static const char *role_words(const char *role)
{
	static const struct {
		const char *role, *words;
	} roles[] = {
		{"to-any", ", group to any"},
		{"from-any", ", any to group"},
		{"any", ", any to any"},
		{"intra-epg", ", within the group"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if (!strcmp(roles[i].role, role))
			return roles[i].words;
	return "";
}

void rule_text_dscp(const struct epg_rule_info *rule, char text[RULE_DSCP_MAX])
{
	const char *name = rule->dscp >= 0 ? epg_dscp_name((uint8_t)rule->dscp) : NULL;

	*text = 0;
	if (name)
		snprintf(text, RULE_DSCP_MAX, "%s", name);
	else if (rule->dscp >= 0)
		snprintf(text, RULE_DSCP_MAX, "%u", (uint8_t)rule->dscp);
}

void rule_text_effect(const struct epg_rule_info *rule, char text[RULE_EFFECT_MAX])
{
	char dscp[RULE_DSCP_MAX];

	rule_text_dscp(rule, dscp);
	snprintf(text, RULE_EFFECT_MAX, "%s%s%s %s%s%s%s%s%s%s", rule->audit ? "audit: " : "",
		 rule->permit ? "permit" : "deny", is_implicit(rule) ? ":" : "",
		 is_implicit(rule) ? rule->text : rule->match, role_words(rule->role),
		 rule->reverse ? ", in reverse" : "", *dscp ? ", marks " : "", dscp,
		 rule->keep && rule->stateful ? ", keeps flows" : "", rule->log ? ", log" : "");
}

const char *rule_text_level(enum epg_level level)
{
	switch (level) {
	case EPG_LEVEL_INFRASTRUCTURE:
		return "what no contract decides";
	case EPG_LEVEL_INTRA_CONTRACT:
		return "contract within the group";
	case EPG_LEVEL_ISOLATION:
		return "isolation of the group's members";
	case EPG_LEVEL_INTRA_EPG:
		return "within one group";
	case EPG_LEVEL_TABOO:
		return "taboo of the destination";
	case EPG_LEVEL_FILTERED:
		return "group to group, with a filter";
	case EPG_LEVEL_UNFILTERED:
		return "group to group, unfiltered";
	case EPG_LEVEL_TO_ANY_FILTERED:
		return "group to any, with a filter";
	case EPG_LEVEL_FROM_ANY_FILTERED:
		return "any to group, with a filter";
	case EPG_LEVEL_TO_ANY_UNFILTERED:
		return "group to any, unfiltered";
	case EPG_LEVEL_FROM_ANY_UNFILTERED:
		return "any to group, unfiltered";
	case EPG_LEVEL_ANY_FILTERED:
		return "any to any, with a filter";
	case EPG_LEVEL_SOURCE_NOT_PREFERRED:
		return "the source is outside the preferred group";
	case EPG_LEVEL_DESTINATION_NOT_PREFERRED:
		return "the destination is outside the preferred group";
	case EPG_LEVEL_ANY_UNFILTERED:
		return "any to any, unfiltered, and the preferred group";
	case EPG_LEVEL_IMPLICIT:
		return "nothing else matches";
	}
	return "";
}

void rule_text_tell(struct writer *writer, const char *heading, const struct epg_rule_info *rule)
{
	char name[RULE_NAME_MAX], place[RULE_PLACE_MAX];

	rule_text_name(rule, name);
	rule_text_place(rule, place);
	if (is_implicit(rule))
		writer_tell(writer, heading, "%s", name);
	else
		writer_tell(writer, heading, "%s (%s)", name, rule->match);
	if (*place)
		writer_tell(writer, "written at", "%s", place);
}

void rule_text_values(const struct epg_rule_info *rule, struct writer_value values[RULE_TEXT_N_COLUMNS])
{
	const struct writer_value all[] = {
		value_text(rule->contract),  value_text(rule->subject),
		value_text(rule->filter),    value_text(is_implicit(rule) ? rule->name : rule->entry),
		value_text(rule->match),     value_text(rule->file),
		value_number(rule->line),    value_text(rule->permit ? "permit" : "deny"),
		value_text(rule->role),      value_number(rule->level),
		value_number(rule->reverse), value_number(rule->audit),
	};

	_Static_assert(ARRAY_SIZE(all) == RULE_TEXT_N_COLUMNS, "a value a column");
	memcpy(values, all, sizeof(all));
}

static const struct writer_column rule_columns[] = {RULE_TEXT_COLUMNS};

void rule_text_write(struct writer *writer, const char *name, const struct epg_rule_info *rule)
{
	const struct writer_column none = {name, NULL, WRITER_TEXT};
	struct writer_value values[RULE_TEXT_N_COLUMNS];

	if (!rule) {
		writer_field(writer, &none, value_text(NULL));
		return;
	}
	rule_text_values(rule, values);
	writer_object_begin(writer, name, NULL);
	writer_fields(writer, rule_columns, ARRAY_SIZE(rule_columns), values);
	writer_object_end(writer);
}

void rule_text_write_list(struct writer *writer, const char *name, const struct epg_rule_info *rules, size_t n_rules)
{
	const struct writer_table table = {name, rule_columns, ARRAY_SIZE(rule_columns), NULL};

	writer_rows_begin(writer, &table);
	for (size_t i = 0; i < n_rules; i++) {
		struct writer_value values[RULE_TEXT_N_COLUMNS];

		rule_text_values(&rules[i], values);
		writer_row(writer, values);
	}
	writer_rows_end(writer);
}
