/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "inspect/diff_groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare_groups(const void *left, const void *right)
{
	return strcmp(((const struct diff_group *)left)->name, ((const struct diff_group *)right)->name);
}

/* Makes one of two neighbours that have the same name. */
static void unite(struct diff_groups *groups)
{
	size_t n = 0;

	for (size_t i = 0; i < groups->n; i++) {
		struct diff_group *last = n > 0 ? &groups->items[n - 1] : NULL;

		if (!last || strcmp(last->name, groups->items[i].name) != 0) {
			groups->items[n++] = groups->items[i];
			continue;
		}
		for (int side = 0; side < DIFF_SIDES; side++)
			if (groups->items[i].class_id[side])
				last->class_id[side] = groups->items[i].class_id[side];
	}
	groups->n = n;
}

static int add_side(struct arena *arena, const struct catalog *catalog, enum diff_side side, struct diff_groups *groups)
{
	for (size_t i = 0; i < catalog->n_groups; i++) {
		struct diff_group *group = &groups->items[groups->n++];

		group->name = catalog_string(catalog, catalog->groups[i].name);
		group->class_id[side] = (uint16_t)catalog->groups[i].class_id;
	}
	for (size_t i = 0; i < catalog->n_vrfs; i++) {
		struct diff_group *group = &groups->items[groups->n++];

		group->name = arena_format(arena, DIFF_ANY "%s", catalog_string(catalog, catalog->vrfs[i].name));
		group->class_id[side] = (uint16_t)catalog->vrfs[i].id;
		if (!group->name)
			return -ENOMEM;
	}
	return 0;
}

int diff_groups_merge(struct arena *arena, const struct catalog *const catalogs[DIFF_SIDES], struct diff_groups *ret)
{
	struct diff_groups groups = {0};
	size_t room = 0;

	for (int side = 0; side < DIFF_SIDES; side++)
		room += catalogs[side] ? catalogs[side]->n_groups + catalogs[side]->n_vrfs : 0;
	groups.items = arena_array(arena, room, sizeof(*groups.items));
	if (!groups.items)
		return -ENOMEM;
	for (int side = 0; side < DIFF_SIDES; side++)
		if (catalogs[side] && add_side(arena, catalogs[side], side, &groups))
			return -ENOMEM;
	qsort(groups.items, groups.n, sizeof(*groups.items), compare_groups);
	unite(&groups);
	*ret = groups;
	return 0;
}

const struct diff_group *diff_groups_find(const struct diff_groups *groups, const char *name)
{
	struct diff_group key = {.name = name};

	return bsearch(&key, groups->items, groups->n, sizeof(*groups->items), compare_groups);
}
