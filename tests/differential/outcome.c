// SPDX-License-Identifier: GPL-2.0-only
#include "outcome.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"

static const char *const implicit_names[] = {
#define IMPLICIT_NAME(id, name, action, level, flags, text) name,
	EPG_IMPLICIT_RULES(IMPLICIT_NAME)
#undef IMPLICIT_NAME
};

static const char *const role_names[] = {"group", "to-any", "from-any", "any", "intra-epg", "taboo"};

/* A rule of the policy, whoever names it. */
struct named_rule {
	const char *contract, *subject, *filter, *entry;
	unsigned int line;
	const char *role;
	bool opposite;
};

static void write_rule(const struct named_rule *rule, char text[OUTCOME_RULE_BYTES])
{
	snprintf(text, OUTCOME_RULE_BYTES, "%s %s%s%s %s line %u %s%s", rule->contract, rule->subject,
		 *rule->subject ? " " : "", rule->filter, rule->entry, rule->line, rule->role,
		 rule->opposite ? " opposite" : "");
}

static void write_groups(const char *source, const char *destination, struct outcome *ret)
{
	snprintf(ret->groups, sizeof(ret->groups), "%s -> %s", source, destination);
}

/* ---- the reference ---- */

static void write_reference_rule(const struct reference_rule *rule, char text[OUTCOME_RULE_BYTES])
{
	if (rule->implicit) {
		snprintf(text, OUTCOME_RULE_BYTES, "%s", implicit_names[rule->id]);
		return;
	}
	write_rule(&(struct named_rule){.contract = rule->contract ? rule->contract->name : rule->taboo->name,
					.subject = rule->subject ? rule->subject->name : "",
					.filter = rule->filter->name,
					.entry = rule->entry->name,
					.line = rule->entry->place.line,
					.role = role_names[rule->role],
					.opposite = rule->opposite},
		   text);
}

void outcome_of_reference(const struct reference_answer *answer, struct outcome *ret)
{
	*ret = (struct outcome){.verdict = answer->verdict, .reason = answer->reason, .rule = "-", .audited = "-"};
	if (!answer->has_rule)
		return;
	ret->level = answer->level;
	write_reference_rule(&answer->rule, ret->rule);
	if (answer->has_audited)
		write_reference_rule(&answer->audited, ret->audited);
	if (answer->level != EPG_LEVEL_INFRASTRUCTURE)
		write_groups(answer->source->name, answer->destination->name, ret);
}

/* ---- the programs ---- */

static void write_catalog_rule(const struct catalog *catalog, uint32_t index, char text[OUTCOME_RULE_BYTES])
{
	const struct catalog_rule *rule;

	if (index == EPG_RULE_NONE) {
		snprintf(text, OUTCOME_RULE_BYTES, "-");
		return;
	}
	if (index < EPG_RULE_IMPLICIT_COUNT) {
		snprintf(text, OUTCOME_RULE_BYTES, "%s", implicit_names[index]);
		return;
	}
	if (index >= catalog->n_rules || catalog->rules[index].contract >= catalog->n_contracts ||
	    catalog->rules[index].role >= ARRAY_SIZE(role_names)) {
		snprintf(text, OUTCOME_RULE_BYTES, "rule %u, which is none", index);
		return;
	}
	rule = &catalog->rules[index];
	write_rule(&(struct named_rule){.contract = catalog_string(catalog, catalog->contracts[rule->contract].name),
					.subject = catalog_string(catalog, rule->subject),
					.filter = catalog_string(catalog, rule->filter),
					.entry = catalog_string(catalog, rule->entry),
					.line = rule->line,
					.role = role_names[rule->role],
					.opposite = rule->reverse},
		   text);
}

static const char *group_name(const struct catalog *catalog, uint16_t class_id)
{
	const struct catalog_group *group = catalog_group_by_class(catalog, class_id);

	return group ? catalog_string(catalog, group->name) : "?";
}

void outcome_of_event(const struct catalog *catalog, const struct epg_event *event, struct outcome *ret)
{
	*ret = (struct outcome){.verdict = event->verdict, .reason = event->reason, .rule = "-", .audited = "-"};
	/* Where a side is unknown, the rule that would deny anything else stands for the denial. */
	if (event->rule == EPG_RULE_NONE || event->reason == EPG_REASON_UNKNOWN_SOURCE ||
	    event->reason == EPG_REASON_UNKNOWN_DESTINATION)
		return;
	ret->level = event->level;
	write_catalog_rule(catalog, event->rule, ret->rule);
	write_catalog_rule(catalog, event->audited_rule, ret->audited);
	if (event->level != EPG_LEVEL_INFRASTRUCTURE)
		write_groups(group_name(catalog, event->source_class), group_name(catalog, event->destination_class),
			     ret);
}

/* ---- explain ---- */

static void write_rule_info(const struct epg_rule_info *rule, char text[OUTCOME_RULE_BYTES])
{
	if (!rule)
		snprintf(text, OUTCOME_RULE_BYTES, "-");
	else if (*rule->name)
		snprintf(text, OUTCOME_RULE_BYTES, "%s", rule->name);
	else
		write_rule(&(struct named_rule){rule->contract, rule->subject, rule->filter, rule->entry, rule->line,
						rule->role, rule->reverse},
			   text);
}

void outcome_of_answer(const struct epg_answer *answer, struct outcome *ret)
{
	*ret = (struct outcome){.verdict = answer->verdict, .reason = answer->reason, .rule = "-", .audited = "-"};
	if (!answer->rule || answer->reason == EPG_REASON_UNKNOWN_SOURCE ||
	    answer->reason == EPG_REASON_UNKNOWN_DESTINATION)
		return;
	ret->level = answer->level;
	write_rule_info(answer->rule, ret->rule);
	write_rule_info(answer->audited, ret->audited);
	if (answer->level != EPG_LEVEL_INFRASTRUCTURE)
		write_groups(answer->source_group, answer->destination_group, ret);
}

/* ---- both ---- */

bool outcome_equal(const struct outcome *one, const struct outcome *other)
{
	return one->verdict == other->verdict && one->reason == other->reason && one->level == other->level &&
	       strcmp(one->rule, other->rule) == 0 && strcmp(one->audited, other->audited) == 0 &&
	       strcmp(one->groups, other->groups) == 0;
}

/* What the rule does not say already. */
static const char *told_reason(const struct outcome *outcome)
{
	const char *name = epg_reason_name(outcome->reason);

	if (!name)
		return ", for no known reason";
	switch (outcome->reason) {
	case EPG_REASON_NONE:
	case EPG_REASON_IMPLICIT_DENY:
	case EPG_REASON_DENIED:
		return "";
	default:
		return name;
	}
}

void outcome_print(const struct outcome *outcome, char text[OUTCOME_TEXT_BYTES])
{
	const char *verdict = outcome->verdict == EPG_PERMIT ? "permit" : "deny", *reason = told_reason(outcome);
	bool audited = strcmp(outcome->audited, "-") != 0;

	if (strcmp(outcome->rule, "-") == 0)
		snprintf(text, OUTCOME_TEXT_BYTES, "%s %s", verdict, reason);
	else
		snprintf(text, OUTCOME_TEXT_BYTES, "%s level %u by %s%s%s%s%s%s%s", verdict, outcome->level,
			 outcome->rule, *reason ? ", " : "", reason, audited ? ", audited: " : "",
			 audited ? outcome->audited : "", *outcome->groups ? ", " : "", outcome->groups);
}
