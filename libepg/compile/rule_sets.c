/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/rule_sets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "policy/diagnostic.h"
#include "compile/links.h"
#include "compile/lists.h"
#include "base/util.h"

struct composition {
	const struct model *model;
	const struct epg_rule *rules;
	struct diagram_builder *builder;
	struct epg_diagnostics *diagnostics;
	struct draft *draft;
	struct list_table known; /* list of LINK_PARTs -> rule set */
	uint32_t *parts;         /* of the pair at hand */
	size_t n_parts, parts_capacity;
	uint32_t *roots; /* by rule set */
	size_t roots_capacity;
};

static void composition_clear(struct composition *composition)
{
	list_table_clear(&composition->known);
	free(composition->parts);
	free(composition->roots);
}

static int report(const struct composition *composition, const char *what)
{
	const struct model_contract *contract = &composition->model->contracts[LINK_CONTRACT(composition->parts[0])];
	char more[64] = "";

	if (composition->n_parts > 1)
		snprintf(more, sizeof(more), " and %zu more that bind the same groups", composition->n_parts - 1);
	diagnostics_error(composition->diagnostics, contract->place,
			  "use fewer contracts for the same groups, or fewer ranges that overlap in both ports",
			  "the rules of contract %s%s %s", contract->name, more, what);
	return -EBADMSG;
}

/* Adds the contract's rules of one level; `forward` and `reverse` say which directions hold for the pair. */
static int add_members(struct composition *composition, uint32_t contract, bool forward, bool reverse, uint8_t level)
{
	struct draft *draft = composition->draft;
	const struct catalog_contract *catalogued = &draft->contracts[contract];

	for (uint32_t i = 0; i < catalogued->n_rules; i++) {
		uint32_t rule = catalogued->first_rule + i;
		struct catalog_member *member;

		if (composition->rules[rule].level != level || !(draft->rules[rule].reverse ? reverse : forward))
			continue;
		if (draft->n_members == MEMBERS_MAX)
			return report(composition, "make the lists of rules too long");
		member = draft_add_members(draft, 1);
		if (!member)
			return -ENOMEM;
		member->rule = rule;
	}
	return 0;
}

/* All members of the set of the pair at hand, in order of precedence: level, then place in the file. */
static int list_members(struct composition *composition)
{
	static const uint8_t levels[] = {EPG_LEVEL_FILTERED, EPG_LEVEL_UNFILTERED};
	const uint32_t *parts = composition->parts;

	for (size_t level = 0; level < ARRAY_SIZE(levels); level++) {
		for (size_t i = 0; i < composition->n_parts; i++) {
			uint32_t contract = LINK_CONTRACT(parts[i]);
			bool both = i + 1 < composition->n_parts && LINK_CONTRACT(parts[i + 1]) == contract;
			int error = add_members(composition, contract, both || !LINK_REVERSE(parts[i]),
						both || LINK_REVERSE(parts[i]), levels[level]);

			if (error)
				return error;
			i += both;
		}
	}
	return 0;
}

static void make_boxes(const struct draft *draft, const struct catalog_rule_set *set, struct diagram_box *boxes,
		       size_t *ret_n)
{
	size_t n = 0;

	for (uint32_t i = 0; i < set->count; i++) {
		uint32_t index = draft->members[set->first + i].rule;
		const struct catalog_rule *rule = &draft->rules[index];

		for (unsigned int kind = 0; kind < rule->n_kinds; kind++) {
			struct diagram_box *box = &boxes[n++];

			*box = DIAGRAM_BOX_ANY;
			box->fields[EPG_FIELD_KIND] =
				(struct model_range){rule->kinds[kind].first, rule->kinds[kind].last};
			box->fields[EPG_FIELD_DESTINATION] =
				(struct model_range){rule->destination.first, rule->destination.last};
			box->fields[EPG_FIELD_SOURCE] = (struct model_range){rule->source.first, rule->source.last};
			box->fields[EPG_FIELD_FLAGS] = (struct model_range){rule->flags.first, rule->flags.last};
			box->leaf = index;
		}
	}
	*ret_n = n;
}

static int build_root(struct composition *composition, const struct catalog_rule_set *set, uint32_t *ret_root)
{
	AUTO_FREE struct diagram_box *boxes = array_new(2 * (size_t)set->count, sizeof(*boxes));
	size_t n;
	int error;

	if (!boxes)
		return -ENOMEM;
	make_boxes(composition->draft, set, boxes, &n);
	error = diagram_build(composition->builder, boxes, n, ret_root);
	return error == -E2BIG ? report(composition, "combine into too many cases") : error;
}

/* The rule set of the pair at hand, for which there is none yet. */
static int add_rule_set(struct composition *composition, uint32_t *ret)
{
	struct draft *draft = composition->draft;
	struct catalog_rule_set *set = draft_add_rule_sets(draft, 1);
	uint32_t index = (uint32_t)draft->n_rule_sets - 1;
	int error;

	if (!set || array_reserve(&composition->roots, &composition->roots_capacity, draft->n_rule_sets,
				  sizeof(*composition->roots)))
		return -ENOMEM;
	set->first = (uint32_t)draft->n_members;
	error = list_members(composition);
	if (error)
		return error;
	set->count = (uint32_t)draft->n_members - set->first;
	error = build_root(composition, set, &composition->roots[index]);
	if (error)
		return error;
	*ret = index;
	return list_table_add(&composition->known, 0, composition->parts, composition->n_parts, index);
}

static int add_pair(struct composition *composition, const struct link *links, size_t n, struct pair_root *ret)
{
	struct catalog_pair *pair = draft_add_pairs(composition->draft, 1);
	uint32_t rule_set;

	if (!pair || array_reserve(&composition->parts, &composition->parts_capacity, n, sizeof(*composition->parts)))
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		composition->parts[i] = links[i].part;
	composition->n_parts = n;
	if (list_table_find(&composition->known, 0, composition->parts, n, &rule_set)) {
		int error = add_rule_set(composition, &rule_set);

		if (error)
			return error;
	}
	pair->source = (uint16_t)(links->pair >> 16);
	pair->destination = (uint16_t)links->pair;
	pair->rule_set = rule_set;
	*ret = (struct pair_root){links->pair, composition->roots[rule_set]};
	return 0;
}

static size_t count_pairs(const struct link *links, size_t n)
{
	size_t pairs = 0;

	for (size_t i = 0; i < n; i++)
		pairs += i == 0 || links[i].pair != links[i - 1].pair;
	return pairs;
}

static int add_pairs(struct composition *composition, const struct link *links, size_t n, struct pair_root *pairs)
{
	for (size_t first = 0, end; first < n; first = end) {
		int error;

		for (end = first + 1; end < n && links[end].pair == links[first].pair;)
			end++;
		error = add_pair(composition, links + first, end - first, pairs++);
		if (error)
			return error;
	}
	return 0;
}

/* Rules stand in the order of the model's contracts, subjects, filters and entries: rules.c. */
static void warn_contract(const struct composition *composition, const struct model_contract *contract, uint32_t rule,
			  const uint8_t *member)
{
	for (size_t i = 0; i < contract->n_subjects; i++) {
		for (size_t j = 0; j < contract->subjects[i].n_filters; j++) {
			const struct model_filter *filter =
				&composition->model->filters[contract->subjects[i].filters[j].filter];

			for (size_t k = 0; k < filter->n_entries; k++) {
				const struct model_entry *entry = &filter->entries[k];

				if (member[rule] && !composition->builder->reached[rule])
					diagnostics_warning(composition->diagnostics, entry->place,
							    "earlier rules for the same groups cover it",
							    "entry %s of filter %s can never match in contract %s",
							    entry->name, filter->name, contract->name);
				rule += entry->stateful ? 1 : 2;
			}
		}
	}
}

static int warn_unreached(const struct composition *composition)
{
	const struct draft *draft = composition->draft;
	AUTO_FREE uint8_t *member = array_new(draft->n_rules, sizeof(*member));

	if (!member)
		return -ENOMEM;
	for (size_t i = 0; i < draft->n_members; i++)
		member[draft->members[i].rule] = 1;
	for (size_t i = 0; i < draft->n_contracts; i++)
		warn_contract(composition, &composition->model->contracts[i], draft->contracts[i].first_rule, member);
	return 0;
}

int rule_sets_build(const struct model *model, const uint16_t *class_ids, const struct epg_rule *rules,
		    struct diagram_builder *builder, struct epg_diagnostics *diagnostics, struct draft *draft,
		    struct pair_root **ret)
{
	__attribute__((cleanup(composition_clear))) struct composition composition = {
		.model = model, .rules = rules, .builder = builder, .diagnostics = diagnostics, .draft = draft};
	AUTO_FREE uint8_t *reached = array_new(draft->n_rules, sizeof(*reached));
	AUTO_FREE struct pair_root *pairs = NULL;
	AUTO_FREE struct link *links = NULL;
	size_t n_links;
	int error = reached ? links_collect(model, class_ids, diagnostics, draft, &links, &n_links) : -ENOMEM;

	if (error)
		return error;
	pairs = array_new(count_pairs(links, n_links), sizeof(*pairs));
	if (!pairs)
		return -ENOMEM;
	builder->reached = reached;
	error = add_pairs(&composition, links, n_links, pairs);
	if (!error)
		error = warn_unreached(&composition);
	builder->reached = NULL;
	if (!error)
		*ret = TAKE_PTR(pairs);
	return error;
}
