/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What each contract takes in the tables. */
#ifndef EPG_COST_H
#define EPG_COST_H

#include <stddef.h>

#include "compile/tables.h"

/*
 * Of a contract or taboo. Rules and members are its own. Pairs, rule sets and nodes are those that it takes part in:
 * where it shares them with others, they count for each.
 */
struct contract_cost {
	size_t rules;
	size_t pairs;
	size_t rule_sets;
	size_t members; /* its rules in those rule sets */
	size_t nodes;   /* that those rule sets needed beyond what earlier ones had */
};

/*
 * One for each element of the catalog's `contracts`, which the caller frees; `catalog` is that of `tables`, opened.
 * Returns 0 or -ENOMEM.
 */
int cost_contracts(const struct tables *tables, const struct catalog *catalog, struct contract_cost **ret);

/* What all of a policy takes: the sums of what stands in the tables, each thing once. */
struct contract_cost cost_total(const struct tables *tables, const struct catalog *catalog);

#endif
