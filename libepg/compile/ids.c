/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/ids.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "policy/diagnostic.h"
#include "base/util.h"

#define IDS (UINT16_MAX + 1u)

_Static_assert(EPG_CLASS_LAST - EPG_CLASS_FIRST + 1 == 65520, "report_shortage tells how many there are");

/* The running generation's catalog, and that of the one before. */
enum {
	RUNNING,
	BEFORE,
	MEMORIES
};

/* Groups and VRFs share one space: names of both kinds may be equal, ids may not. */
enum kind {
	KIND_GROUP,
	KIND_VRF,
	KIND_BRIDGE_DOMAIN,
};

/* An object of the model that needs an id. */
struct claim {
	const char *name;
	struct place place;
	enum kind kind;
	uint16_t wanted; /* as the policy demands; 0: any */
	uint16_t id;     /* 0: none yet */
};

/* An id that a catalog gives to a name. */
struct held {
	const char *name;
	enum kind kind;
	uint32_t id;
};

/* Objects that take their ids from the same numbers. */
struct space {
	struct claim *claims;
	size_t n_claims, claims_capacity;
	struct held *held[MEMORIES]; /* sorted before ids are given */
	size_t n_held[MEMORIES], held_capacity[MEMORIES];
	const uint8_t *in_use, *left;    /* bitmaps; NULL: none */
	struct held holders[IDS];        /* by id: whom the running generation calls so; no name: nobody */
	const struct claim *owners[IDS]; /* by id: whose it is from now on */
	bool reserved[IDS];              /* by id: not for newcomers */
	struct epg_diagnostics *diagnostics;
};

static const char *kind_name(enum kind kind)
{
	switch (kind) {
	case KIND_GROUP:
		return "group";
	case KIND_VRF:
		return "VRF";
	case KIND_BRIDGE_DOMAIN:
		return "bridge domain";
	}
	return "object";
}

static void space_free(struct space *space)
{
	free(space->claims);
	free(space->held[RUNNING]);
	free(space->held[BEFORE]);
	free(space);
}
DEFINE_AUTO(struct space, space_free)

static int compare_held(const void *left, const void *right)
{
	const struct held *a = left, *b = right;

	return a->kind != b->kind ? (a->kind < b->kind ? -1 : 1) : strcmp(a->name, b->name);
}

/* The id that a catalog gives to a claim's object, or 0. */
static uint16_t held_by(const struct space *space, int memory, const struct claim *claim)
{
	const struct held key = {.name = claim->name, .kind = claim->kind};
	const struct held *found;

	if (!space->n_held[memory])
		return 0;
	found = bsearch(&key, space->held[memory], space->n_held[memory], sizeof(key), compare_held);
	return found ? (uint16_t)found->id : 0;
}

static bool has(const uint8_t *bitmap, uint32_t id)
{
	return bitmap && bitmap[id / 8] >> id % 8 & 1;
}

static void space_sort(struct space *space)
{
	for (int memory = 0; memory < MEMORIES; memory++) {
		struct held *held = space->held[memory];

		for (size_t i = 0; i < space->n_held[memory]; i++) {
			space->reserved[held[i].id] = true;
			if (memory == RUNNING)
				space->holders[held[i].id] = held[i];
		}
		if (space->n_held[memory])
			qsort(held, space->n_held[memory], sizeof(*held), compare_held);
	}
	for (uint32_t id = 0; id < IDS; id++)
		space->reserved[id] |= has(space->in_use, id) || has(space->left, id);
}

static void give(struct space *space, struct claim *claim, uint16_t id)
{
	claim->id = id;
	space->owners[id] = claim;
}

/*
 * Whether a claim may have the id that it demands; reports why not. What the running generation has given away stays
 * given: maps that others write are keyed by VRFs' ids, and bound endpoints carry those of groups.
 */
static bool may_have(const struct space *space, const struct claim *claim)
{
	const struct claim *owner = space->owners[claim->wanted];
	const struct held *holder = &space->holders[claim->wanted];
	bool own = held_by(space, RUNNING, claim) == claim->wanted || held_by(space, BEFORE, claim) == claim->wanted;
	char hint[EPG_NAME_MAX + 128];

	if (owner) {
		snprintf(hint, sizeof(hint), "%s has it, in line %u", owner->name, owner->place.line);
		diagnostics_error(space->diagnostics, claim->place, hint, "class %u is taken twice", claim->wanted);
	} else if (holder->name && (holder->kind != claim->kind || strcmp(holder->name, claim->name) != 0)) {
		snprintf(hint, sizeof(hint), "choose another id: the running policy has given it to %s %s",
			 kind_name(holder->kind), holder->name);
		diagnostics_error(space->diagnostics, claim->place, hint, "class %u belongs to %s%s", claim->wanted,
				  holder->kind == claim->kind ? "another " : "a ", kind_name(holder->kind));
	} else if (!own && has(space->in_use, claim->wanted)) {
		diagnostics_error(space->diagnostics, claim->place,
				  "choose another id, or remove the endpoints that still have it",
				  "class %u is in use by endpoints of a group that is gone", claim->wanted);
	} else {
		return true;
	}
	return false;
}

static void give_demanded(struct space *space)
{
	for (size_t i = 0; i < space->n_claims; i++) {
		struct claim *claim = &space->claims[i];
		uint16_t before;

		if (!claim->wanted || !may_have(space, claim))
			continue;
		give(space, claim, claim->wanted);
		before = held_by(space, RUNNING, claim);
		if (before && before != claim->wanted)
			diagnostics_lint(space->diagnostics, EPG_LINT_CLASS_CHANGES, claim->place,
					 "endpoints that were bound by hand must be bound again",
					 "the class id of %s changes from %u to %u", claim->name, before,
					 claim->wanted);
	}
}

static void give_remembered(struct space *space, int memory)
{
	for (size_t i = 0; i < space->n_claims; i++) {
		struct claim *claim = &space->claims[i];
		uint16_t id = held_by(space, memory, claim);

		if (!claim->wanted && !claim->id && id && !space->owners[id])
			give(space, claim, id);
	}
}

static bool is_free(const struct space *space, uint32_t id)
{
	return !space->reserved[id] && !space->owners[id];
}

static void report_shortage(const struct space *space, const struct claim *claim)
{
	static const char memory[] =
		"those of the running generation, of the one before and of bound endpoints count too";
	char hint[160];

	snprintf(hint, sizeof(hint), "%s%s",
		 claim->kind == KIND_BRIDGE_DOMAIN ? "" : "there are 65520 for groups and VRFs together; ", memory);
	diagnostics_error(space->diagnostics, claim->place, hint, "no id is left for %s %s", kind_name(claim->kind),
			  claim->name);
}

/*
 * VRFs from the upper end, the others from the lower one: the classes of groups stay dense, as table `classes` likes
 * them, and policies that demand some seldom meet a VRF's.
 */
static void give_new(struct space *space, uint32_t first)
{
	uint32_t low = first, high = UINT16_MAX;

	for (size_t i = 0; i < space->n_claims; i++) {
		struct claim *claim = &space->claims[i];

		if (claim->wanted || claim->id)
			continue;
		while (low <= high && !is_free(space, low))
			low++;
		while (low <= high && !is_free(space, high))
			high--;
		if (low > high) {
			report_shortage(space, claim);
			return;
		}
		give(space, claim, (uint16_t)(claim->kind == KIND_VRF ? high : low));
	}
}

/* Gives every claim its id, new ones from `first` on. */
static int space_assign(struct space *space, uint32_t first)
{
	size_t errors = diagnostics_errors(space->diagnostics);

	space_sort(space);
	give_demanded(space);
	give_remembered(space, RUNNING);
	give_remembered(space, BEFORE);
	give_new(space, first);
	return diagnostics_errors(space->diagnostics) > errors ? -EBADMSG : 0;
}

/* The ids of `n` claims from `first` on. */
static uint16_t *copy_ids(const struct space *space, size_t first, size_t n)
{
	uint16_t *ids = array_new(n, sizeof(*ids));

	for (size_t i = 0; ids && i < n; i++)
		ids[i] = space->claims[first + i].id;
	return ids;
}

static struct space *space_new(struct epg_diagnostics *diagnostics)
{
	struct space *space = calloc(1, sizeof(*space));

	if (space)
		space->diagnostics = diagnostics;
	return space;
}

/* Remembers that a catalog gives the id to the name. */
static int space_hold(struct space *space, int memory, struct held held)
{
	if (array_reserve(&space->held[memory], &space->held_capacity[memory], space->n_held[memory] + 1,
			  sizeof(*space->held[memory])))
		return -ENOMEM;
	space->held[memory][space->n_held[memory]++] = held;
	return 0;
}

static int space_claim(struct space *space, struct claim claim)
{
	if (array_reserve(&space->claims, &space->claims_capacity, space->n_claims + 1, sizeof(*space->claims)))
		return -ENOMEM;
	space->claims[space->n_claims++] = claim;
	return 0;
}

static int claim_bridge_domains(struct space *space, const struct model *model, const struct compile_memory *memory)
{
	for (size_t i = 0; i < model->n_bridge_domains; i++) {
		const struct model_bridge_domain *domain = &model->bridge_domains[i];

		if (space_claim(space, (struct claim){domain->name, domain->place, KIND_BRIDGE_DOMAIN, 0, 0}))
			return -ENOMEM;
	}
	for (int generation = 0; generation < MEMORIES; generation++) {
		const struct catalog *catalog = memory->catalogs[generation];

		for (size_t i = 0; catalog && i < catalog->n_bridge_domains; i++) {
			const struct catalog_bridge_domain *domain = &catalog->bridge_domains[i];
			const char *name = catalog_string(catalog, domain->name);

			if (space_hold(space, generation, (struct held){name, KIND_BRIDGE_DOMAIN, domain->id}))
				return -ENOMEM;
		}
	}
	return 0;
}

static int claim_groups(struct space *space, const struct model *model, const struct compile_memory *memory)
{
	for (size_t i = 0; i < model->n_groups; i++) {
		const struct model_group *group = &model->groups[i];

		if (space_claim(space, (struct claim){group->name, group->place, KIND_GROUP, group->class_id, 0}))
			return -ENOMEM;
	}
	for (int generation = 0; generation < MEMORIES; generation++) {
		const struct catalog *catalog = memory->catalogs[generation];

		for (size_t i = 0; catalog && i < catalog->n_groups; i++) {
			const struct catalog_group *group = &catalog->groups[i];
			const char *name = catalog_string(catalog, group->name);

			if (space_hold(space, generation, (struct held){name, KIND_GROUP, group->class_id}))
				return -ENOMEM;
		}
	}
	return 0;
}

static int claim_vrfs(struct space *space, const struct model *model, const struct compile_memory *memory)
{
	for (size_t i = 0; i < model->n_vrfs; i++) {
		const struct model_vrf *vrf = &model->vrfs[i];

		if (space_claim(space, (struct claim){vrf->name, vrf->place, KIND_VRF, 0, 0}))
			return -ENOMEM;
	}
	for (int generation = 0; generation < MEMORIES; generation++) {
		const struct catalog *catalog = memory->catalogs[generation];

		for (size_t i = 0; catalog && i < catalog->n_vrfs; i++) {
			const struct catalog_vrf *vrf = &catalog->vrfs[i];
			const char *name = catalog_string(catalog, vrf->name);

			if (space_hold(space, generation, (struct held){name, KIND_VRF, vrf->id}))
				return -ENOMEM;
		}
	}
	return 0;
}

static int assign_bridge_domains(const struct model *model, const struct compile_memory *memory,
				 struct epg_diagnostics *diagnostics, struct ids *ids)
{
	AUTO(space_free) struct space *space = space_new(diagnostics);
	int error;

	if (!space || claim_bridge_domains(space, model, memory))
		return -ENOMEM;
	error = space_assign(space, 1);
	if (error)
		return error;
	ids->bridge_domains = copy_ids(space, 0, model->n_bridge_domains);
	return ids->bridge_domains ? 0 : -ENOMEM;
}

static int assign_classes(const struct model *model, const struct compile_memory *memory,
			  struct epg_diagnostics *diagnostics, struct ids *ids)
{
	AUTO(space_free) struct space *space = space_new(diagnostics);
	int error;

	if (!space || claim_groups(space, model, memory) || claim_vrfs(space, model, memory))
		return -ENOMEM;
	space->in_use = memory->classes_in_use;
	space->left = memory->classes_left;
	error = space_assign(space, EPG_CLASS_FIRST);
	if (error)
		return error;
	ids->groups = copy_ids(space, 0, model->n_groups);
	ids->vrfs = copy_ids(space, model->n_groups, model->n_vrfs);
	return ids->groups && ids->vrfs ? 0 : -ENOMEM;
}

static struct class_owner *list_owners(const struct model *model, const struct ids *ids)
{
	struct class_owner *owners = array_new(IDS, sizeof(*owners));

	for (size_t id = 0; owners && id < IDS; id++)
		owners[id] = (struct class_owner){MODEL_NONE, MODEL_NONE};
	for (uint32_t i = 0; owners && i < model->n_groups; i++)
		owners[ids->groups[i]] = (struct class_owner){i, model->groups[i].vrf};
	for (uint32_t i = 0; owners && i < model->n_vrfs; i++)
		owners[ids->vrfs[i]] = (struct class_owner){MODEL_NONE, i};
	return owners;
}

void ids_clear(struct ids *ids)
{
	free(ids->groups);
	free(ids->vrfs);
	free(ids->bridge_domains);
	free(ids->owners);
	*ids = (struct ids){0};
}

int ids_assign(const struct model *model, const struct compile_memory *memory, struct epg_diagnostics *diagnostics,
	       struct ids *ret)
{
	struct ids ids = {0};
	int error = assign_bridge_domains(model, memory, diagnostics, &ids);

	if (!error)
		error = assign_classes(model, memory, diagnostics, &ids);
	if (!error) {
		ids.owners = list_owners(model, &ids);
		error = ids.owners ? 0 : -ENOMEM;
	}
	if (error)
		ids_clear(&ids);
	else
		*ret = ids;
	return error;
}
