/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/cost.h"

#include <errno.h>

#include "base/array.h"
#include "base/util.h"

/* Rule sets are numbered from 1 here, so that all zero is none. */
static void add_rule_set(const struct catalog *catalog, size_t number, size_t pairs, size_t nodes, size_t *last_set,
			 struct contract_cost *costs)
{
	const struct catalog_rule_set *set = &catalog->rule_sets[number - 1];

	for (uint32_t i = 0; i < set->count; i++) {
		uint32_t contract = catalog->rules[catalog->members[set->first + i].rule].contract;

		if (contract == CATALOG_NONE)
			continue;
		costs[contract].members++;
		if (last_set[contract] == number)
			continue;
		last_set[contract] = number;
		costs[contract].rule_sets++;
		costs[contract].pairs += pairs;
		costs[contract].nodes += nodes;
	}
}

int cost_contracts(const struct tables *tables, const struct catalog *catalog, struct contract_cost **ret)
{
	AUTO_FREE struct contract_cost *costs = array_new(catalog->n_contracts, sizeof(*costs));
	AUTO_FREE size_t *pairs = array_new(catalog->n_rule_sets, sizeof(*pairs));
	AUTO_FREE size_t *last_set = array_new(catalog->n_contracts, sizeof(*last_set));

	if (!costs || !pairs || !last_set)
		return -ENOMEM;
	for (size_t i = 0; i < catalog->n_contracts; i++)
		costs[i].rules = catalog->contracts[i].n_rules;
	for (size_t i = 0; i < catalog->n_pairs; i++)
		pairs[catalog->pairs[i].rule_set]++;
	for (size_t i = 0; i < catalog->n_rule_sets; i++)
		add_rule_set(catalog, i + 1, pairs[i], tables->rule_set_nodes[i], last_set, costs);
	*ret = TAKE_PTR(costs);
	return 0;
}

struct contract_cost cost_total(const struct tables *tables, const struct catalog *catalog)
{
	return (struct contract_cost){
		.rules = tables->n_rules,
		.pairs = tables->n_pairs,
		.rule_sets = tables->n_rule_sets,
		.members = catalog->n_members,
		.nodes = tables->n_nodes,
	};
}
