/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/rules.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "policy/diagnostic.h"
#include "base/util.h"

/* Where rules come from while they are collected. */
struct origin {
	uint32_t contract; /* index */
	const char *contract_name;
	const char *subject;
	const char *filter;
};

/* FNV-1a over a string and its terminating zero, which keeps "ab" + "c" and "a" + "bc" apart. */
static uint64_t identity_add(uint64_t identity, const char *string)
{
	do
		identity = (identity ^ (unsigned char)*string) * 0x100000001b3u;
	while (*string++);
	return identity;
}

static uint64_t identity_of(const struct origin *origin, const char *entry, bool reverse)
{
	uint64_t identity = identity_add(0xcbf29ce484222325u, origin->contract_name);

	identity = identity_add(identity, origin->subject);
	identity = identity_add(identity, origin->filter);
	identity = identity_add(identity, entry);
	return identity_add(identity, reverse ? "reverse" : "forward");
}

static struct catalog_range to_range(struct model_range range)
{
	return (struct catalog_range){range.first, range.last};
}

/*
 * The opposite packets of a stateless entry: ports change places, type and code do not. Nobody is there to
 * know who opened the flow, so TCP asks for ACK or RST: a provider cannot open connections with it.
 */
static void turn_round(const struct model_entry *entry, struct catalog_rule *rule)
{
	struct catalog_range destination = rule->destination;

	rule->reverse = 1;
	if (!entry->icmp) {
		rule->destination = rule->source;
		rule->source = destination;
	}
	if (entry->tcp)
		rule->flags = (struct catalog_range){EPG_FLAG_RST, EPG_FLAGS_ALL};
}

static int name_rule(struct draft *draft, const struct origin *origin, const char *entry, struct catalog_rule *rule)
{
	if (draft_string(draft, origin->subject, &rule->subject) ||
	    draft_string(draft, origin->filter, &rule->filter) || draft_string(draft, entry, &rule->entry))
		return -ENOMEM;
	rule->contract = origin->contract;
	rule->identity = identity_of(origin, entry, rule->reverse);
	return 0;
}

static int add_rule(struct draft *draft, const struct origin *origin, const struct model_entry *entry, bool reverse,
		    struct epg_rule *rule)
{
	struct catalog_rule *detail = draft_add_rules(draft, 1);

	if (!detail)
		return -ENOMEM;
	detail->line = entry->place.line;
	detail->n_kinds = entry->n_kinds;
	for (unsigned int i = 0; i < entry->n_kinds; i++)
		detail->kinds[i] = to_range(entry->kinds[i]);
	detail->destination = to_range(entry->destination);
	detail->source = to_range(entry->source);
	detail->flags = to_range(MODEL_RANGE_ANY);
	if (reverse)
		turn_round(entry, detail);
	*rule = (struct epg_rule){
		.action = EPG_PERMIT,
		.level = entry->filtered ? EPG_LEVEL_FILTERED : EPG_LEVEL_UNFILTERED,
		.flags = entry->stateful ? EPG_RULE_STATEFUL : 0,
	};
	return name_rule(draft, origin, entry->name, detail);
}

static int add_filter(struct draft *draft, const struct origin *origin, const struct model_filter *filter,
		      struct epg_rule *rules)
{
	int error = 0;

	for (size_t i = 0; !error && i < filter->n_entries; i++) {
		const struct model_entry *entry = &filter->entries[i];

		error = add_rule(draft, origin, entry, false, &rules[draft->n_rules]);
		if (!error && !entry->stateful)
			error = add_rule(draft, origin, entry, true, &rules[draft->n_rules]);
	}
	return error;
}

static int add_contract(const struct model *model, uint32_t index, struct draft *draft, struct epg_rule *rules)
{
	const struct model_contract *contract = &model->contracts[index];
	struct catalog_contract *catalogued = draft_add_contracts(draft, 1);
	struct origin origin = {.contract = index, .contract_name = contract->name};

	if (!catalogued || draft_string(draft, contract->name, &catalogued->name))
		return -ENOMEM;
	catalogued->scope = contract->scope;
	catalogued->line = contract->place.line;
	catalogued->first_rule = (uint32_t)draft->n_rules;
	for (size_t i = 0; i < contract->n_subjects; i++) {
		const struct model_subject *subject = &contract->subjects[i];

		origin.subject = subject->name;
		for (size_t j = 0; j < subject->n_filters; j++) {
			const struct model_filter *filter = &model->filters[subject->filters[j].filter];

			origin.filter = filter->name;
			if (add_filter(draft, &origin, filter, rules))
				return -ENOMEM;
		}
	}
	catalogued->n_rules = (uint32_t)(draft->n_rules - catalogued->first_rule);
	return 0;
}

static int add_implicit(struct draft *draft, struct epg_rule *rules)
{
	static const struct {
		const char *name;
		struct epg_rule rule;
	} implicit[EPG_RULE_IMPLICIT_COUNT] = {
		[EPG_RULE_IMPLICIT_DENY] = {"implicit-deny", {EPG_DENY, EPG_LEVEL_IMPLICIT, 0, 0}},
		[EPG_RULE_INTRA_EPG] = {"intra-epg", {EPG_PERMIT, EPG_LEVEL_INTRA_EPG, EPG_RULE_STATEFUL, 0}},
		[EPG_RULE_UNENFORCED] = {"unenforced", {EPG_PERMIT, EPG_LEVEL_INFRASTRUCTURE, EPG_RULE_STATEFUL, 0}},
		[EPG_RULE_INFRASTRUCTURE] = {"infrastructure", {EPG_PERMIT, EPG_LEVEL_INFRASTRUCTURE, 0, 0}},
	};
	const struct origin nowhere = {.contract = CATALOG_NONE, .contract_name = "", .subject = "", .filter = ""};

	for (size_t i = 0; i < EPG_RULE_IMPLICIT_COUNT; i++) {
		struct catalog_rule *detail = draft_add_rules(draft, 1);

		if (!detail || name_rule(draft, &nowhere, implicit[i].name, detail))
			return -ENOMEM;
		detail->n_kinds = 1;
		detail->kinds[0] = to_range(MODEL_RANGE_ANY);
		detail->destination = detail->source = detail->flags = detail->kinds[0];
		rules[i] = implicit[i].rule;
	}
	return 0;
}

/* Rules by filter, both directions. */
static size_t *count_filters(const struct model *model)
{
	size_t *counts = array_new(model->n_filters, sizeof(*counts));

	for (size_t i = 0; counts && i < model->n_filters; i++) {
		for (size_t j = 0; j < model->filters[i].n_entries; j++)
			counts[i] += model->filters[i].entries[j].stateful ? 1 : 2;
	}
	return counts;
}

/* Counted before any is made: a small file can ask for a great many. */
static int count_rules(const struct model *model, struct epg_diagnostics *diagnostics, size_t *ret)
{
	AUTO_FREE size_t *counts = count_filters(model);
	size_t total = EPG_RULE_IMPLICIT_COUNT;

	if (!counts)
		return -ENOMEM;
	for (size_t i = 0; i < model->n_contracts; i++) {
		const struct model_contract *contract = &model->contracts[i];

		for (size_t j = 0; j < contract->n_subjects; j++) {
			for (size_t k = 0; k < contract->subjects[j].n_filters; k++)
				total += counts[contract->subjects[j].filters[k].filter];
		}
		if (total > RULES_MAX) {
			diagnostics_error(diagnostics, contract->place,
					  "each contract takes a rule for every entry of every filter it names",
					  "with contract %s the policy has more than %zu rules", contract->name,
					  RULES_MAX);
			return -EBADMSG;
		}
	}
	*ret = total;
	return 0;
}

int rules_collect(const struct model *model, struct epg_diagnostics *diagnostics, struct draft *draft,
		  struct epg_rule **ret)
{
	AUTO_FREE struct epg_rule *rules = NULL;
	size_t total;
	int error = count_rules(model, diagnostics, &total);

	if (error)
		return error;
	rules = array_new(total, sizeof(*rules));
	if (!rules || add_implicit(draft, rules))
		return -ENOMEM;
	for (uint32_t i = 0; i < model->n_contracts; i++) {
		error = add_contract(model, i, draft, rules);
		if (error)
			return error;
	}
	*ret = TAKE_PTR(rules);
	return 0;
}
