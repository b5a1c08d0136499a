/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/rule_sets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "policy/diagnostic.h"
#include "compile/lists.h"
#include "compile/rule_boxes.h"
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
	uint32_t *leaves; /* of the rule set at hand */
	size_t n_leaves, leaves_capacity;
	struct diagram_box *boxes;
	size_t boxes_capacity;
	size_t records_capacity;
	size_t nodes_capacity;
	struct rule_sets sets;
};

static void composition_clear(struct composition *composition)
{
	list_table_clear(&composition->known);
	free(composition->parts);
	free(composition->leaves);
	free(composition->boxes);
	rule_sets_clear(&composition->sets);
}

void rule_sets_clear(struct rule_sets *sets)
{
	free(sets->pairs);
	free(sets->records);
	free(sets->nodes);
	free(sets->reached);
	*sets = (struct rule_sets){0};
}

static int report(const struct composition *composition, const char *what)
{
	const struct model *model = composition->model;
	uint32_t contract = LINK_CONTRACT(composition->parts[0]);
	bool taboo = contract >= model->n_contracts;
	char more[64] = "";

	if (composition->n_parts > 1)
		snprintf(more, sizeof(more), " and %zu more that bind the same groups", composition->n_parts - 1);
	diagnostics_error(composition->diagnostics,
			  taboo ? model->taboos[contract - model->n_contracts].place : model->contracts[contract].place,
			  "use fewer contracts for the same groups, or fewer ranges that overlap in both ports",
			  "the rules of %s %s%s %s", taboo ? "taboo" : "contract",
			  taboo ? model->taboos[contract - model->n_contracts].name : model->contracts[contract].name,
			  more, what);
	return -EBADMSG;
}

/* Adds the leaves of a contract's rules of one role and direction. */
static int add_leaves(struct composition *composition, uint32_t part)
{
	const struct draft *draft = composition->draft;
	const struct catalog_contract *contract = &draft->contracts[LINK_CONTRACT(part)];

	if (array_reserve(&composition->leaves, &composition->leaves_capacity,
			  composition->n_leaves + contract->n_rules, sizeof(*composition->leaves)))
		return -ENOMEM;
	for (uint32_t i = 0; i < contract->n_rules; i++) {
		uint32_t index = contract->first_rule + i;
		const struct epg_rule *rule = &composition->rules[index];

		if (draft->rules[index].role == LINK_ROLE(part) && draft->rules[index].reverse == LINK_REVERSE(part))
			composition->leaves[composition->n_leaves++] = EPG_LEAF(rule->level, rule->action, index);
	}
	if (composition->n_leaves + draft->n_members > MEMBERS_MAX)
		return report(composition, "make the lists of rules too long");
	return 0;
}

static int compare_leaves(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

static bool is_sorted(const uint32_t *leaves, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (leaves[i - 1] > leaves[i])
			return false;
	return true;
}

/* All rules of the pair at hand, in order of precedence, which is that of their leaves. */
static int list_leaves(struct composition *composition)
{
	composition->n_leaves = 0;
	for (size_t i = 0; i < composition->n_parts; i++) {
		int error = add_leaves(composition, composition->parts[i]);

		if (error)
			return error;
	}
	/* One contract's rules of one level are in order as they are. */
	if (!is_sorted(composition->leaves, composition->n_leaves))
		qsort(composition->leaves, composition->n_leaves, sizeof(*composition->leaves), compare_leaves);
	return 0;
}

static int add_members(struct composition *composition, struct catalog_rule_set *set)
{
	struct catalog_member *members;

	set->first = (uint32_t)composition->draft->n_members;
	set->count = (uint32_t)composition->n_leaves;
	members = draft_add_members(composition->draft, composition->n_leaves);
	if (!members)
		return -ENOMEM;
	for (size_t i = 0; i < composition->n_leaves; i++)
		members[i].rule = EPG_LEAF_RULE(composition->leaves[i]);
	return 0;
}

/* Those from `first` to `end`, in fewer where that can be; returns where they end then. */
static size_t join_boxes(struct diagram_box *boxes, size_t first, size_t end)
{
	size_t n = first;

	for (size_t i = first; i < end; i++)
		if (n == first || !diagram_box_join(&boxes[n - 1], &boxes[i]))
			boxes[n++] = boxes[i];
	return n;
}

static int list_boxes(struct composition *composition, size_t *ret_n)
{
	struct rule_boxes_early early = {0};
	size_t n = 0;

	for (size_t i = 0; i < composition->n_leaves; i++) {
		uint32_t leaf = composition->leaves[i];

		if (array_reserve(&composition->boxes, &composition->boxes_capacity, n + RULE_BOXES_MAX,
				  sizeof(*composition->boxes)))
			return -ENOMEM;
		n = join_boxes(composition->boxes, n,
			       n + rule_boxes(&composition->draft->rules[EPG_LEAF_RULE(leaf)], leaf, &early,
					      composition->boxes + n));
	}
	*ret_n = n;
	return 0;
}

static int build_root(struct composition *composition, uint32_t *ret_root)
{
	size_t n;
	int error = list_boxes(composition, &n);

	if (!error)
		error = diagram_build(composition->builder, composition->boxes, n, ret_root);
	if (error)
		return error == -E2BIG ? report(composition, "combine into too many cases") : error;
	for (size_t i = 0; i < n; i++) {
		const struct diagram_box *box = &composition->boxes[i];

		if (!rule_boxes_is_early(box))
			composition->sets.reached[EPG_LEAF_RULE(box->leaf)] |= box->reached;
	}
	return 0;
}

/* The rule set of the pair at hand, for which there is none yet. */
static int add_rule_set(struct composition *composition, uint32_t *ret)
{
	struct draft *draft = composition->draft;
	struct catalog_rule_set *set = draft_add_rule_sets(draft, 1);
	uint32_t index = (uint32_t)draft->n_rule_sets - 1;
	size_t nodes = composition->builder->nodes.n_lines;
	int error;

	if (!set ||
	    array_reserve(&composition->sets.records, &composition->records_capacity, index + 1,
			  sizeof(*composition->sets.records)) ||
	    array_reserve(&composition->sets.nodes, &composition->nodes_capacity, index + 1,
			  sizeof(*composition->sets.nodes)))
		return -ENOMEM;
	composition->sets.records[index] = (struct epg_rule_set){0};
	error = list_leaves(composition);
	if (!error)
		error = add_members(composition, set);
	if (!error)
		error = build_root(composition, &composition->sets.records[index].root);
	if (error)
		return error;
	composition->sets.nodes[index] = (uint32_t)(composition->builder->nodes.n_lines - nodes);
	*ret = index;
	return list_table_add(&composition->known, 0, composition->parts, composition->n_parts, index);
}

static int add_pair(struct composition *composition, const struct link *links, size_t n, struct pair_set *ret)
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
	*ret = (struct pair_set){links->pair, rule_set};
	return 0;
}

static size_t count_pairs(const struct link *links, size_t n)
{
	size_t pairs = 0;

	for (size_t i = 0; i < n; i++)
		pairs += i == 0 || links[i].pair != links[i - 1].pair;
	return pairs;
}

static int add_pairs(struct composition *composition, const struct link *links, size_t n)
{
	struct pair_set *pairs = composition->sets.pairs;

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

int rule_sets_build(const struct model *model, const struct links *links, const struct epg_rule *rules,
		    struct diagram_builder *builder, struct epg_diagnostics *diagnostics, struct draft *draft,
		    struct rule_sets *ret)
{
	__attribute__((cleanup(composition_clear))) struct composition composition = {
		.model = model, .rules = rules, .builder = builder, .diagnostics = diagnostics, .draft = draft};
	int error;

	composition.sets.reached = array_new(draft->n_rules, sizeof(*composition.sets.reached));
	composition.sets.pairs = array_new(count_pairs(links->items, links->n), sizeof(*composition.sets.pairs));
	if (!composition.sets.reached || !composition.sets.pairs)
		return -ENOMEM;
	memset(composition.sets.reached, 1, EPG_RULE_IMPLICIT_COUNT);
	error = add_pairs(&composition, links->items, links->n);
	if (error)
		return error;
	*ret = composition.sets;
	composition.sets = (struct rule_sets){0};
	return 0;
}
