/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The groups of two policies by name, and any group of each VRF; and the pairs of them that may talk. */
#ifndef EPG_DIFF_GROUPS_H
#define EPG_DIFF_GROUPS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "compile/catalog.h"
#include "epg/epg.h"
#include "inspect/rule_match.h"

enum diff_side {
	DIFF_BEFORE,
	DIFF_AFTER,
	DIFF_SIDES,
};

struct diff_group {
	const char *name;              /* of any group of a VRF: DIFF_ANY and the VRF's */
	uint16_t class_id[DIFF_SIDES]; /* EPG_CLASS_NONE: this side has no such group */
};

#define DIFF_ANY "any of "

/* Sorted by name; each name once. */
struct diff_groups {
	struct diff_group *items;
	size_t n;
};

/* Either catalog may be NULL. Names belong to the catalogs and the arena. Returns 0 or -ENOMEM. */
int diff_groups_merge(struct arena *arena, const struct catalog *const catalogs[DIFF_SIDES], struct diff_groups *ret);
/* NULL where neither side has it. */
const struct diff_group *diff_groups_find(const struct diff_groups *groups, const char *name);

/*
 * Tells pairs that gain or lose their permits, by the names of their groups. A book's catalog is NULL where there is no
 * policy. Returns 0, -ENOMEM, or what fn returned.
 */
int diff_permissions(const struct rule_book books[DIFF_SIDES], const struct diff_groups *groups, epg_change_fn fn,
		     void *user);

#endif
