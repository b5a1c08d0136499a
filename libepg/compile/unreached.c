/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/unreached.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "policy/diagnostic.h"
#include "compile/rules.h"
#include "base/util.h"

/* Stronger rules that are looked at to find the one that covers another. */
#define STRONGER_MAX 256

#define NO_SET UINT32_MAX

struct search {
	const struct model *model;
	const struct draft *draft;
	const uint8_t *reached;
	struct epg_diagnostics *diagnostics;
	uint32_t *set_of;                    /* by rule: the first rule set that has it, or NO_SET */
	const struct model_subject *subject; /* that the walk is at */
	uint32_t rule;                       /* the next one, in step with the walk through the model */
};

static bool is_within(struct catalog_range inner, struct catalog_range outer)
{
	return inner.first >= outer.first && inner.last <= outer.last;
}

static bool kinds_within(const struct catalog_rule *inner, const struct catalog_rule *outer)
{
	for (uint32_t i = 0; i < inner->n_kinds; i++) {
		bool within = false;

		for (uint32_t j = 0; j < outer->n_kinds; j++)
			within = within || is_within(inner->kinds[i], outer->kinds[j]);
		if (!within)
			return false;
	}
	return true;
}

static bool covers(const struct catalog_rule *outer, const struct catalog_rule *inner)
{
	return kinds_within(inner, outer) && is_within(inner->destination, outer->destination) &&
	       is_within(inner->source, outer->source) && is_within(inner->dscp, outer->dscp) &&
	       is_within(inner->fragment, outer->fragment) && !(inner->tcp_flags & ~outer->tcp_flags) &&
	       (inner->audit || !outer->audit);
}

/* A stronger rule of the same rule set that alone covers the rule, or NULL. */
static const struct catalog_rule *find_cover(const struct search *search, uint32_t rule)
{
	const struct draft *draft = search->draft;
	const struct catalog_member *members = &draft->members[draft->rule_sets[search->set_of[rule]].first];

	for (size_t i = 0; i < STRONGER_MAX && members[i].rule != rule; i++) {
		if (covers(&draft->rules[members[i].rule], &draft->rules[rule]))
			return &draft->rules[members[i].rule];
	}
	return NULL;
}

static bool has_only_default_priorities(const struct model_subject *subject)
{
	for (size_t i = 0; i < subject->n_filters; i++)
		if (subject->filters[i].priority != MODEL_PRIORITY_DEFAULT)
			return false;
	return true;
}

/* An entry that repeats another one of its filter, or of its subject, was told when the policy was read. */
static bool is_repetition(const struct search *search, const struct catalog_rule *cover,
			  const struct catalog_rule *rule)
{
	const char *strings = search->draft->strings;

	return cover->contract == rule->contract && covers(rule, cover) &&
	       !strcmp(strings + cover->subject, strings + rule->subject) &&
	       (!strcmp(strings + cover->filter, strings + rule->filter) ||
		has_only_default_priorities(search->subject));
}

static void warn(const struct search *search, const struct model_entry *entry, uint32_t rule)
{
	const struct draft *draft = search->draft;
	const struct catalog_contract *contract = &draft->contracts[draft->rules[rule].contract];
	const struct catalog_rule *cover = find_cover(search, rule);
	char hint[3 * EPG_NAME_MAX] = "stronger rules for the same groups cover it together";

	if (cover && is_repetition(search, cover, &draft->rules[rule]))
		return;
	if (cover)
		snprintf(hint, sizeof(hint), "entry %s of filter %s in %s %s, line %u, covers it",
			 draft->strings + cover->entry, draft->strings + cover->filter,
			 draft->contracts[cover->contract].taboo ? "taboo" : "contract",
			 draft->strings + draft->contracts[cover->contract].name, cover->line);
	diagnostics_lint(search->diagnostics, cover ? EPG_LINT_RULE_SHADOWED : EPG_LINT_RULE_UNREACHABLE, entry->place,
			 hint, "entry %s of filter %s can never match in %s %s", entry->name,
			 draft->strings + draft->rules[rule].filter, contract->taboo ? "taboo" : "contract",
			 draft->strings + contract->name);
}

/* The rules of one entry stand together, one for each use of the contract: rules.c. */
static void search_entry(struct search *search, const struct model_entry *entry, unsigned int n_rules)
{
	uint32_t first = search->rule, member = NO_SET;
	bool reached = false;

	search->rule += n_rules;
	for (uint32_t rule = first; rule < search->rule; rule++) {
		reached = reached || search->reached[rule];
		if (member == NO_SET && search->set_of[rule] != NO_SET)
			member = rule;
	}
	if (member != NO_SET && !reached)
		warn(search, entry, member);
}

static void search_subject(struct search *search, const struct model_subject *subject, uint32_t uses)
{
	unsigned int forward = (unsigned int)__builtin_popcount(uses & RULES_USES_FORWARD);
	unsigned int reverse = (unsigned int)__builtin_popcount(uses & RULES_USES_REVERSE);

	search->subject = subject;
	for (size_t i = 0; i < subject->n_filters; i++) {
		const struct model_filter *filter = &search->model->filters[subject->filters[i].filter];

		for (size_t j = 0; j < filter->n_entries; j++) {
			const struct model_entry *entry = &filter->entries[j];

			search_entry(search, entry, forward + (rules_have_reverse(subject, entry) ? reverse : 0));
		}
	}
}

static uint32_t *find_sets(const struct draft *draft)
{
	uint32_t *set_of = array_new(draft->n_rules, sizeof(*set_of));

	for (size_t i = 0; set_of && i < draft->n_rules; i++)
		set_of[i] = NO_SET;
	for (size_t i = draft->n_rule_sets; set_of && i-- > 0;) {
		const struct catalog_rule_set *set = &draft->rule_sets[i];

		for (uint32_t j = 0; j < set->count; j++)
			set_of[draft->members[set->first + j].rule] = (uint32_t)i;
	}
	return set_of;
}

int unreached_warn(const struct model *model, const struct draft *draft, const uint16_t *uses, const uint8_t *reached,
		   struct epg_diagnostics *diagnostics)
{
	AUTO_FREE uint32_t *set_of = find_sets(draft);
	struct search search = {
		.model = model, .draft = draft, .reached = reached, .diagnostics = diagnostics, .set_of = set_of};

	if (!set_of)
		return -ENOMEM;
	for (size_t i = 0; i < model->n_contracts; i++) {
		search.rule = draft->contracts[i].first_rule;
		for (size_t j = 0; j < model->contracts[i].n_subjects; j++)
			search_subject(&search, &model->contracts[i].subjects[j], uses[i]);
	}
	for (size_t i = 0; i < model->n_taboos; i++) {
		const struct model_taboo *taboo = &model->taboos[i];
		const struct model_subject subject = {.filters = taboo->filters, .n_filters = taboo->n_filters};

		search.rule = draft->contracts[model->n_contracts + i].first_rule;
		search_subject(&search, &subject, RULES_USE(CATALOG_ROLE_TABOO, 0));
	}
	return 0;
}
