/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The tables of one generation, ready to be copied into maps, and the compiler that lays them out. */
#ifndef EPG_TABLES_H
#define EPG_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epg/abi.h"
#include "compile/catalog.h"
#include "policy/model.h"

struct tables {
	struct epg_class *classes; /* by class id */
	size_t n_classes;          /* highest class id + 1 */
	struct epg_bucket *pairs;
	size_t n_buckets;
	struct epg_rule_set *sets; /* n_rule_sets */
	struct epg_node *nodes;
	size_t n_nodes;
	struct epg_rule *rules;
	size_t n_rules;
	uint8_t *reached; /* by rule: whether some packet between some pair is decided by it, in either view */
	size_t n_pairs;
	size_t n_rule_sets;
	uint32_t *rule_set_nodes; /* by rule set: nodes that it needed beyond those that earlier ones had */
	uint8_t *catalog;         /* see catalog.h */
	size_t catalog_length;
};

/* What earlier generations and the host have already taken. */
struct compile_memory {
	const struct catalog *catalogs[2]; /* of the running generation and the one before; may be NULL */
	const uint8_t *classes_in_use;     /* bitmap of 65536 bits: ids that endpoints carry; may be NULL */
	const uint8_t *classes_left;       /* bitmap: ids of which counters or flows are left; may be NULL */
};

/*
 * Lays out the tables of `model`. Groups, VRFs and bridge domains keep the ids that the catalogs of
 * `memory` (NULL: nothing) give them; new ones get ids of which nothing is left. Problems of the policy (a class id taken twice,
 * more ids than there are, a diagram beyond bounds) go to `diagnostics`.
 * Returns 0, -EBADMSG with at least one error in diagnostics, or -ENOMEM.
 */
int tables_compile(const struct model *model, const struct compile_memory *memory, struct epg_diagnostics *diagnostics,
		   struct tables **ret);
void tables_free(struct tables *tables);

#endif
