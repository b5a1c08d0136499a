/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* A policy as a sorted list of named things with facts about each: two such lists are easily compared. */
#ifndef EPG_DIFF_ITEMS_H
#define EPG_DIFF_ITEMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "compile/catalog.h"
#include "inspect/diff_groups.h"
#include "policy/model.h"

enum diff_object {
	DIFF_VRF,
	DIFF_BRIDGE_DOMAIN,
	DIFF_GROUP,
	DIFF_CONTRACT,
	DIFF_TABOO,
	DIFF_RULE,
	DIFF_ENDPOINT,
	DIFF_OBJECTS,
};

struct diff_item {
	enum diff_object object;
	const char *name;
	uint32_t line;
	const char **facts; /* sorted */
	size_t n_facts;
};

/* Sorted by object, then name. */
struct diff_items {
	struct diff_item *items;
	size_t n;
};

/* A policy on one side of a comparison. Both are NULL where there is none. */
struct diff_policy {
	const struct model *model;
	struct rule_book book; /* its catalog is the policy's */
};

/*
 * Lists what a policy consists of; `groups` are those of both sides, `side` is the policy's own. Names and facts are
 * in the arena or belong to model and catalog. Returns 0 or -ENOMEM.
 */
int diff_items_list(struct arena *arena, const struct diff_policy *policy, const struct diff_groups *groups,
		    enum diff_side side, struct diff_items *ret);

/* Tells what differs, in the order of objects; permissions stand between rules and endpoints. Returns as epg_diff. */
int diff_policies(const struct diff_policy policies[DIFF_SIDES], epg_change_fn fn, void *user);

#endif
