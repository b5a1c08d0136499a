// SPDX-License-Identifier: GPL-2.0-only
#include "reference.h"

#include "between.h"
#include "facts.h"
#include "parties.h"

/* ---- the search for the rule that decides ---- */

struct search {
	const struct model *model;
	const struct model_group *source;
	const struct model_group *destination;
	struct facts facts;
	bool audited; /* as if audited subjects were enforced */
	bool found;
	struct reference_rule best;
};

/* The lowest level; within it a deny before a permit; among equals the one that came first. */
static void consider(struct search *search, const struct reference_rule *rule)
{
	if (search->found) {
		if (rule->level > search->best.level)
			return;
		if (rule->level == search->best.level &&
		    !(rule->action == EPG_DENY && search->best.action == EPG_PERMIT))
			return;
	}
	search->found = true;
	search->best = *rule;
}

static struct reference_rule implicit_rule(enum epg_implicit_rule id, enum epg_level level, enum epg_verdict action)
{
	return (struct reference_rule){.level = level, .action = action, .implicit = true, .id = id};
}

static void consider_implicit(struct search *search, enum epg_implicit_rule id, enum epg_level level,
			      enum epg_verdict action)
{
	struct reference_rule rule = implicit_rule(id, level, action);

	consider(search, &rule);
}

static enum epg_level level_of(enum reference_role role, bool filtered)
{
	switch (role) {
	case REFERENCE_INTRA:
		return EPG_LEVEL_INTRA_CONTRACT;
	case REFERENCE_TABOO:
		return EPG_LEVEL_TABOO;
	case REFERENCE_PAIR:
		return filtered ? EPG_LEVEL_FILTERED : EPG_LEVEL_UNFILTERED;
	case REFERENCE_TO_ANY:
		return filtered ? EPG_LEVEL_TO_ANY_FILTERED : EPG_LEVEL_TO_ANY_UNFILTERED;
	case REFERENCE_FROM_ANY:
		return filtered ? EPG_LEVEL_FROM_ANY_FILTERED : EPG_LEVEL_FROM_ANY_UNFILTERED;
	case REFERENCE_ANY:
	case REFERENCE_ROLES:
		break;
	}
	return filtered ? EPG_LEVEL_ANY_FILTERED : EPG_LEVEL_ANY_UNFILTERED;
}

static enum epg_level level_of_deny(enum reference_role role, bool filtered, enum model_priority priority)
{
	if (role == REFERENCE_INTRA || role == REFERENCE_TABOO)
		return level_of(role, filtered);
	switch (priority) {
	case MODEL_PRIORITY_LEVEL3:
		return EPG_LEVEL_FILTERED;
	case MODEL_PRIORITY_LEVEL2:
		return role == REFERENCE_FROM_ANY ? EPG_LEVEL_FROM_ANY_FILTERED : EPG_LEVEL_TO_ANY_FILTERED;
	case MODEL_PRIORITY_LEVEL1:
		return EPG_LEVEL_ANY_FILTERED;
	case MODEL_PRIORITY_DEFAULT:
		break;
	}
	return level_of(role, filtered);
}

/* Does the contract bind the packet's groups in this role, with the packet going to its provider, or from it? */
static bool role_binds(const struct search *search, uint32_t contract, enum reference_role role, bool opposite)
{
	bool from_any = role == REFERENCE_FROM_ANY || role == REFERENCE_ANY;
	bool to_any = role == REFERENCE_TO_ANY || role == REFERENCE_ANY;
	struct party source = {search->source, search->source->vrf, from_any};
	struct party destination = {search->destination, search->destination->vrf, to_any};

	if (role == REFERENCE_INTRA) {
		for (size_t i = 0; i < search->source->n_intra; i++)
			if (search->source->intra[i].contract == contract)
				return search->source == search->destination;
		return false;
	}
	if (search->source == search->destination)
		return false;
	return parties_bound(search->model, contract, opposite ? &destination : &source,
			     opposite ? &source : &destination);
}

/* Whether, and how, an entry says something about packets from the provider. */
static bool opposite_matches(const struct search *search, const struct model_subject *subject,
			     const struct model_entry *entry, bool deny)
{
	if (!subject->both_directions)
		return false;
	if (!subject->reverse_ports)
		return facts_match(entry, deny, &search->facts);
	/* The replies of a stateful entry follow its flows. */
	return !entry->stateful && facts_match_opposite(entry, deny, &search->facts);
}

static void try_entry(struct search *search, uint32_t contract, const struct model_subject *subject,
		      const struct model_filter_use *use, const struct model_entry *entry)
{
	const bool forward = facts_match(entry, use->deny, &search->facts);
	const bool backward = opposite_matches(search, subject, entry, use->deny);
	struct reference_rule rule = {
		.action = use->deny ? EPG_DENY : EPG_PERMIT,
		.contract = &search->model->contracts[contract],
		.subject = subject,
		.filter = &search->model->filters[use->filter],
		.entry = entry,
	};

	for (rule.role = REFERENCE_PAIR; rule.role < REFERENCE_TABOO; rule.role++) {
		rule.level = use->deny ? level_of_deny(rule.role, entry->filtered, use->priority)
				       : level_of(rule.role, entry->filtered);
		rule.opposite = false;
		if (forward && role_binds(search, contract, rule.role, false))
			consider(search, &rule);
		rule.opposite = true;
		if (backward && role_binds(search, contract, rule.role, true))
			consider(search, &rule);
	}
}

static void try_contracts(struct search *search)
{
	for (uint32_t i = 0; i < search->model->n_contracts; i++) {
		const struct model_contract *contract = &search->model->contracts[i];

		for (size_t j = 0; j < contract->n_subjects; j++) {
			const struct model_subject *subject = &contract->subjects[j];

			for (size_t k = 0; k < subject->n_filters; k++) {
				const struct model_filter *filter = &search->model->filters[subject->filters[k].filter];

				for (size_t l = 0; l < filter->n_entries && (!subject->audit || search->audited); l++)
					try_entry(search, i, subject, &subject->filters[k], &filter->entries[l]);
			}
		}
	}
}

static void try_taboo(struct search *search, const struct model_taboo *taboo)
{
	for (size_t i = 0; i < taboo->n_filters; i++) {
		const struct model_filter *filter = &search->model->filters[taboo->filters[i].filter];

		for (size_t j = 0; j < filter->n_entries; j++) {
			struct reference_rule rule = {
				.level = EPG_LEVEL_TABOO,
				.action = EPG_DENY,
				.taboo = taboo,
				.filter = filter,
				.entry = &filter->entries[j],
				.role = REFERENCE_TABOO,
			};

			if (facts_match(&filter->entries[j], true, &search->facts))
				consider(search, &rule);
		}
	}
}

/* In the order in which taboos stand in the file, whatever the order of the group's list. */
static void try_taboos(struct search *search)
{
	for (uint32_t i = 0; i < search->model->n_taboos; i++)
		for (size_t j = 0; j < search->destination->n_taboos; j++)
			if (search->destination->taboos[j].taboo == i)
				try_taboo(search, &search->model->taboos[i]);
}

/* Isolation, or a contract of its own, which is a list of all that may be said; an audited one only would be. */
static bool is_isolated(const struct search *search)
{
	const struct model_group *group = search->source;

	if (group->isolated)
		return true;
	for (size_t i = 0; i < group->n_intra; i++) {
		const struct model_contract *contract = &search->model->contracts[group->intra[i].contract];
		bool enforced = contract->n_subjects == 0;

		for (size_t j = 0; j < contract->n_subjects; j++)
			enforced |= !contract->subjects[j].audit;
		if (enforced || search->audited)
			return true;
	}
	return false;
}

static void try_within_group(struct search *search)
{
	if (is_isolated(search))
		consider_implicit(search, EPG_RULE_ISOLATION, EPG_LEVEL_ISOLATION, EPG_DENY);
	consider_implicit(search, EPG_RULE_INTRA_EPG, EPG_LEVEL_INTRA_EPG, EPG_PERMIT);
}

static void try_between_groups(struct search *search)
{
	bool same_vrf = search->source->vrf == search->destination->vrf;

	if (same_vrf && search->model->vrfs[search->source->vrf].preferred_group) {
		if (!search->source->preferred_member)
			consider_implicit(search, EPG_RULE_SOURCE_NOT_PREFERRED, EPG_LEVEL_SOURCE_NOT_PREFERRED,
					  EPG_DENY);
		else if (!search->destination->preferred_member)
			consider_implicit(search, EPG_RULE_DESTINATION_NOT_PREFERRED,
					  EPG_LEVEL_DESTINATION_NOT_PREFERRED, EPG_DENY);
		else
			consider_implicit(search, EPG_RULE_PREFERRED_GROUP, EPG_LEVEL_ANY_UNFILTERED, EPG_PERMIT);
	}
	consider_implicit(search, EPG_RULE_IMPLICIT_DENY, EPG_LEVEL_IMPLICIT, EPG_DENY);
	try_taboos(search);
}

static struct reference_rule find_rule(struct search search, bool audited)
{
	search.audited = audited;
	if (search.source == search.destination && !search.source->external)
		try_within_group(&search);
	else
		try_between_groups(&search);
	try_contracts(&search);
	return search.best;
}

/* ---- answers ---- */

void answer_denied(struct reference_answer *answer, enum epg_reason reason)
{
	answer->verdict = EPG_DENY;
	answer->reason = reason;
	answer->level = EPG_LEVEL_IMPLICIT;
}

static void answer_by_rule(struct reference_answer *answer, const struct reference_rule *rule)
{
	answer->has_rule = true;
	answer->rule = *rule;
	answer->level = rule->level;
	answer->verdict = rule->action;
	answer->reason = EPG_REASON_NONE;
	if (rule->action == EPG_DENY)
		answer->reason = rule->implicit && rule->id == EPG_RULE_IMPLICIT_DENY ? EPG_REASON_IMPLICIT_DENY
										      : EPG_REASON_DENIED;
}

void answer_permitted(struct reference_answer *answer, enum epg_implicit_rule id)
{
	struct reference_rule rule = implicit_rule(id, EPG_LEVEL_INFRASTRUCTURE, EPG_PERMIT);

	answer_by_rule(answer, &rule);
}

static void ask_both_views(struct search search, struct reference_answer *answer)
{
	struct reference_rule rule = find_rule(search, false);

	answer_by_rule(answer, &rule);
	rule = find_rule(search, true);
	answer->has_audited = rule.action != answer->verdict;
	answer->audited = rule;
}

/* Does it permit answers? */
static bool is_stateful(const struct reference_rule *rule)
{
	if (rule->implicit)
		return rule->id == EPG_RULE_INTRA_EPG || rule->id == EPG_RULE_PREFERRED_GROUP;
	return rule->entry->stateful && rule->subject->both_directions;
}

/*
 * What a piece may claim before the first one has come: that its packet is one that some rule permits, or an answer to
 * one. Audited rules have no say.
 */
static void ask_on_credit(struct search search, struct reference_answer *answer)
{
	struct search turned = search;
	struct reference_rule rule;

	search.facts.piece = EPG_PIECE_EARLY;
	rule = find_rule(search, false);
	if (rule.action == EPG_DENY) {
		turned.facts.piece = EPG_PIECE_EARLY;
		turned.source = search.destination;
		turned.destination = search.source;
		rule = find_rule(turned, false);
		if (rule.action == EPG_PERMIT && !is_stateful(&rule))
			rule.action = EPG_DENY;
	}
	answer->has_audited = false;
	if (rule.action == EPG_DENY) {
		answer->reason = EPG_REASON_FRAGMENT;
		return;
	}
	answer_by_rule(answer, &rule);
	answer->on_credit = true;
}

/* Of the first piece that is seen of its packet, unless that is the first one: does it pass? */
static void decide_early_piece(const struct search *search, struct reference_answer *answer)
{
	ask_both_views(*search, answer);
	answer->speaks_of_pieces = !answer->rule.implicit && answer->rule.entry->fragment.first == 1;
	if (answer->reason == EPG_REASON_IMPLICIT_DENY)
		ask_on_credit(*search, answer);
}

/* Both sides are found, or not. */
void decide_between(const struct model *model, const struct reference_packet *packet, uint32_t vrf,
		    struct reference_answer *answer)
{
	struct search search = {
		.model = model,
		.source = answer->source,
		.destination = answer->destination,
		.facts = facts_of(packet),
	};

	if (!model->vrfs[vrf].enforced)
		answer_permitted(answer, EPG_RULE_UNENFORCED);
	else if (!search.source || !search.destination)
		answer_denied(answer, search.source ? EPG_REASON_UNKNOWN_DESTINATION : EPG_REASON_UNKNOWN_SOURCE);
	else if (search.facts.piece == EPG_PIECE_LATER)
		decide_early_piece(&search, answer);
	else
		ask_both_views(search, answer);
}
