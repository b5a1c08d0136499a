/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The catalog of an amended generation: that of its tables, with what the amendments say. */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "runtime/amendments.h"

/* A catalog being put together; what it owns moves to the generation at the end. */
struct merge {
	const struct map_view *map;
	struct generation *generation;
	const struct catalog *base;
	size_t n_rules, n_strings, n_members; /* of the base, and all amendments */
	struct generation_merged merged;
	struct amendments_member *members; /* by set */
	size_t n_new;
};

static void merge_clear(struct merge *merge)
{
	generation_merged_clear(&merge->merged);
	free(merge->members);
}

static int count(struct merge *merge)
{
	struct amendment_view amendment;
	size_t offset = 0;
	int more;

	merge->n_rules = merge->base->n_rules;
	merge->n_strings = merge->base->n_strings;
	while ((more = amendments_next(merge->map, merge->generation->number, &offset, &amendment)) > 0) {
		merge->n_rules += amendment.head->n_rules;
		merge->n_strings += amendment.head->n_strings;
		merge->n_members += amendment.head->n_members;
		merge->generation->applied_at = amendment.head->applied_at;
		merge->generation->amended = true;
	}
	return more;
}

static int make_room(struct merge *merge)
{
	const struct catalog *base = merge->base;
	struct generation_merged *merged = &merge->merged;

	merged->rules = array_new(merge->n_rules, sizeof(*merged->rules));
	merged->strings = array_new(merge->n_strings, 1);
	merged->contracts = array_new(base->n_contracts, sizeof(*merged->contracts));
	merged->contract_rules = array_new(merge->n_rules, sizeof(*merged->contract_rules));
	merged->rule_sets = array_new(base->n_rule_sets, sizeof(*merged->rule_sets));
	merged->members = array_new(base->n_members + merge->n_members, sizeof(*merged->members));
	merge->members = array_new(merge->n_members, sizeof(*merge->members));
	if (!merged->rules || !merged->strings || !merged->contracts || !merged->contract_rules || !merged->rule_sets ||
	    !merged->members || !merge->members)
		return -ENOMEM;
	memcpy(merged->rules, base->rules, base->n_rules * sizeof(*merged->rules));
	memcpy(merged->strings, base->strings, base->n_strings);
	memcpy(merged->contracts, base->contracts, base->n_contracts * sizeof(*merged->contracts));
	return 0;
}

static bool is_good(const struct merge *merge, const struct amendment_view *amendment, const struct catalog_rule *rule)
{
	uint32_t n = amendment->head->n_strings;

	return rule->contract < merge->base->n_contracts && rule->subject < n && rule->filter < n && rule->entry < n &&
	       rule->n_kinds <= 2 && rule->role < CATALOG_ROLES;
}

static int take_rules(struct merge *merge, const struct amendment_view *amendment, size_t n_rules, size_t n_strings)
{
	const struct amendment *head = amendment->head;

	if (head->n_strings == 0 ? head->n_rules > 0 : amendment->strings[head->n_strings - 1] != '\0')
		return -EBADMSG;
	memcpy(merge->merged.strings + n_strings, amendment->strings, head->n_strings);
	for (uint32_t i = 0; i < head->n_rules; i++) {
		struct catalog_rule rule = amendment->rules[i];

		if (!is_good(merge, amendment, &rule))
			return -EBADMSG;
		rule.subject += (uint32_t)n_strings;
		rule.filter += (uint32_t)n_strings;
		rule.entry += (uint32_t)n_strings;
		merge->merged.rules[n_rules + i] = rule;
	}
	return 0;
}

static int take(struct merge *merge, const struct amendment_view *amendment, size_t n_rules)
{
	const struct amendment *head = amendment->head;

	for (uint32_t i = 0; i < head->n_removed; i++) {
		if (amendment->removed[i] >= n_rules || amendment->removed[i] < EPG_RULE_IMPLICIT_COUNT)
			return -EBADMSG;
		merge->merged.rules[amendment->removed[i]].n_kinds = 0;
	}
	for (uint32_t i = 0; i < head->n_members; i++) {
		if (amendment->members[i].set >= merge->base->n_rule_sets || amendment->members[i].rule >= n_rules)
			return -EBADMSG;
		merge->members[merge->n_new++] = amendment->members[i];
	}
	return 0;
}

static int take_all(struct merge *merge)
{
	size_t n_rules = merge->base->n_rules, n_strings = merge->base->n_strings, offset = 0;
	struct amendment_view amendment;
	int more, error;

	while ((more = amendments_next(merge->map, merge->generation->number, &offset, &amendment)) > 0) {
		error = take_rules(merge, &amendment, n_rules, n_strings);
		n_rules += amendment.head->n_rules;
		n_strings += amendment.head->n_strings;
		if (!error)
			error = take(merge, &amendment, n_rules);
		if (error)
			return error;
	}
	return more;
}

/* Contracts keep their order, and the rules of each stand together. */
static int list_contract_rules(struct merge *merge)
{
	const struct catalog *base = merge->base;
	struct generation_merged *merged = &merge->merged;
	AUTO_FREE uint32_t *ends = array_new(base->n_contracts + 1, sizeof(*ends));

	if (!ends)
		return -ENOMEM;
	for (size_t i = 0; i < base->n_contracts; i++)
		merged->contracts[i].n_rules = 0;
	for (size_t i = 0; i < merge->n_rules; i++)
		if (merged->rules[i].contract != CATALOG_NONE && merged->rules[i].n_kinds)
			merged->contracts[merged->rules[i].contract].n_rules++;
	for (size_t i = 0; i < base->n_contracts; i++) {
		merged->contracts[i].first_rule = ends[i];
		ends[i + 1] = ends[i] + merged->contracts[i].n_rules;
	}
	for (size_t i = 0; i < merge->n_rules; i++)
		if (merged->rules[i].contract != CATALOG_NONE && merged->rules[i].n_kinds)
			merged->contract_rules[ends[merged->rules[i].contract]++] = (uint32_t)i;
	return 0;
}

static uint32_t leaf_of(const struct merge *merge, uint32_t rule)
{
	const struct epg_rule *what = &merge->merged.rules[rule].what;

	return EPG_LEAF(what->level, what->action, rule);
}

/* The place among a set's members, which stand in the order of their leaves. */
static void insert_member(struct merge *merge, struct catalog_rule_set *set, uint32_t rule)
{
	struct catalog_member *members = merge->merged.members + set->first;
	uint32_t place = set->count++;

	for (; place > 0 && leaf_of(merge, members[place - 1].rule) > leaf_of(merge, rule); place--)
		members[place] = members[place - 1];
	members[place].rule = rule;
}

static int compare_members(const void *left, const void *right)
{
	const struct amendments_member *a = left, *b = right;

	if (a->set != b->set)
		return a->set < b->set ? -1 : 1;
	return (a->rule > b->rule) - (a->rule < b->rule);
}

static void merge_sets(struct merge *merge)
{
	const struct catalog *base = merge->base;
	struct generation_merged *merged = &merge->merged;
	uint32_t n = 0;
	size_t new = 0;

	qsort(merge->members, merge->n_new, sizeof(*merge->members), compare_members);
	for (uint32_t i = 0; i < base->n_rule_sets; i++) {
		struct catalog_rule_set *set = &merged->rule_sets[i];

		set->first = n;
		for (uint32_t j = 0; j < base->rule_sets[i].count; j++) {
			uint32_t rule = base->members[base->rule_sets[i].first + j].rule;

			if (merged->rules[rule].n_kinds)
				merged->members[set->first + set->count++].rule = rule;
		}
		for (; new < merge->n_new && merge->members[new].set == i; new ++)
			if (merged->rules[merge->members[new].rule].n_kinds)
				insert_member(merge, set, merge->members[new].rule);
		n += set->count;
	}
	merged->n_members = n;
}

static void hand_over(struct merge *merge)
{
	struct generation *generation = merge->generation;
	struct catalog *catalog = &generation->catalog;

	generation->merged = merge->merged;
	merge->merged = (struct generation_merged){0};
	catalog->rules = generation->merged.rules;
	catalog->n_rules = merge->n_rules;
	catalog->strings = generation->merged.strings;
	catalog->n_strings = merge->n_strings;
	catalog->contracts = generation->merged.contracts;
	catalog->contract_rules = generation->merged.contract_rules;
	catalog->rule_sets = generation->merged.rule_sets;
	catalog->members = generation->merged.members;
	catalog->n_members = generation->merged.n_members;
}

int amendments_merge(struct generation *generation, const struct map_view *map)
{
	__attribute__((cleanup(merge_clear))) struct merge merge = {.map = map,
								    .generation = generation,
								    .base = &generation->catalog};
	int error = count(&merge);

	if (error || !generation->amended)
		return error;
	if (merge.n_rules > generation_rules_room(generation))
		return -EBADMSG;
	error = make_room(&merge);
	if (!error)
		error = take_all(&merge);
	if (!error)
		error = list_contract_rules(&merge);
	if (error)
		return error;
	merge_sets(&merge);
	hand_over(&merge);
	return 0;
}
