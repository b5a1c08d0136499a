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

/* The running generation's catalog, and that of the one before. */
enum {
	RUNNING,
	BEFORE,
	MEMORIES
};

/* An object of the model that needs an id. */
struct claim {
	const char *name;
	struct place place;
	uint16_t wanted; /* as the policy demands; 0: any */
	uint16_t id;     /* 0: none yet */
};

/* An id that a catalog gives to a name. */
struct held {
	const char *name;
	uint32_t id;
};

/* The ids of one kind of object. */
struct space {
	const char *kind; /* for messages */
	uint32_t first;   /* lowest id to give out */
	struct claim *claims;
	size_t n_claims, claims_capacity;
	struct held *held[MEMORIES]; /* sorted by name before ids are given */
	size_t n_held[MEMORIES], held_capacity[MEMORIES];
	const uint8_t *in_use;           /* bitmap; NULL: none */
	const char *holders[IDS];        /* by id: whom the running generation calls so */
	const struct claim *owners[IDS]; /* by id: whose it is from now on */
	bool reserved[IDS];              /* by id: not for newcomers */
	struct epg_diagnostics *diagnostics;
};

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
	return strcmp(((const struct held *)left)->name, ((const struct held *)right)->name);
}

/* The id that a catalog gives to a name, or 0. */
static uint16_t held_by(const struct space *space, int memory, const char *name)
{
	const struct held key = {.name = name};
	const struct held *found;

	if (!space->n_held[memory])
		return 0;
	found = bsearch(&key, space->held[memory], space->n_held[memory], sizeof(key), compare_held);
	return found ? (uint16_t)found->id : 0;
}

static bool is_in_use(const struct space *space, uint16_t id)
{
	return space->in_use && space->in_use[id / 8] >> id % 8 & 1;
}

static void space_sort(struct space *space)
{
	for (int memory = 0; memory < MEMORIES; memory++) {
		struct held *held = space->held[memory];

		for (size_t i = 0; i < space->n_held[memory]; i++) {
			space->reserved[held[i].id] = true;
			if (memory == RUNNING)
				space->holders[held[i].id] = held[i].name;
		}
		if (space->n_held[memory])
			qsort(held, space->n_held[memory], sizeof(*held), compare_held);
	}
	for (uint32_t id = 0; id < IDS; id++)
		space->reserved[id] |= is_in_use(space, (uint16_t)id);
}

static void give(struct space *space, struct claim *claim, uint16_t id)
{
	claim->id = id;
	space->owners[id] = claim;
}

/* Whether a claim may have the id that it demands; reports why not. */
static bool may_have(const struct space *space, const struct claim *claim)
{
	const struct claim *owner = space->owners[claim->wanted];
	const char *holder = space->holders[claim->wanted];
	bool own = held_by(space, RUNNING, claim->name) == claim->wanted ||
		   held_by(space, BEFORE, claim->name) == claim->wanted;
	char hint[EPG_NAME_MAX + 128];

	if (owner) {
		snprintf(hint, sizeof(hint), "%s has it, in line %u", owner->name, owner->place.line);
		diagnostics_error(space->diagnostics, claim->place, hint, "class %u is taken twice", claim->wanted);
	} else if (holder && strcmp(holder, claim->name) != 0) {
		snprintf(hint, sizeof(hint), "choose another id: the running policy has given it to %s", holder);
		diagnostics_error(space->diagnostics, claim->place, hint, "class %u belongs to another group",
				  claim->wanted);
	} else if (!own && is_in_use(space, claim->wanted)) {
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
		before = held_by(space, RUNNING, claim->name);
		if (before && before != claim->wanted)
			diagnostics_warning(space->diagnostics, claim->place,
					    "endpoints that were bound by hand must be bound again",
					    "the class id of %s changes from %u to %u", claim->name, before,
					    claim->wanted);
	}
}

static void give_remembered(struct space *space, int memory)
{
	for (size_t i = 0; i < space->n_claims; i++) {
		struct claim *claim = &space->claims[i];
		uint16_t id = held_by(space, memory, claim->name);

		if (!claim->wanted && !claim->id && id && !space->owners[id])
			give(space, claim, id);
	}
}

static void give_new(struct space *space)
{
	uint32_t id = space->first;

	for (size_t i = 0; i < space->n_claims; i++) {
		struct claim *claim = &space->claims[i];

		if (claim->wanted || claim->id)
			continue;
		while (id < IDS && (space->reserved[id] || space->owners[id]))
			id++;
		if (id == IDS) {
			diagnostics_error(space->diagnostics, claim->place,
					  "ids of the running generation, of the one before and of bound endpoints "
					  "count too",
					  "no %s id is left for %s", space->kind, claim->name);
			return;
		}
		give(space, claim, (uint16_t)id);
	}
}

/* Gives every claim its id and writes them to `ids`. */
static int space_assign(struct space *space, uint16_t **ret)
{
	size_t errors = diagnostics_errors(space->diagnostics);
	AUTO_FREE uint16_t *ids = array_new(space->n_claims, sizeof(*ids));

	if (!ids)
		return -ENOMEM;
	space_sort(space);
	give_demanded(space);
	give_remembered(space, RUNNING);
	give_remembered(space, BEFORE);
	give_new(space);
	if (diagnostics_errors(space->diagnostics) > errors)
		return -EBADMSG;
	for (size_t i = 0; i < space->n_claims; i++)
		ids[i] = space->claims[i].id;
	*ret = TAKE_PTR(ids);
	return 0;
}

static struct space *space_new(const char *kind, uint32_t first, struct epg_diagnostics *diagnostics)
{
	struct space *space = calloc(1, sizeof(*space));

	if (space) {
		space->kind = kind;
		space->first = first;
		space->diagnostics = diagnostics;
	}
	return space;
}

/* Remembers that a catalog gives the id to the name. */
static int space_hold(struct space *space, int memory, const char *name, uint32_t id)
{
	if (array_reserve(&space->held[memory], &space->held_capacity[memory], space->n_held[memory] + 1,
			  sizeof(*space->held[memory])))
		return -ENOMEM;
	space->held[memory][space->n_held[memory]++] = (struct held){name, id};
	return 0;
}

static int space_claim(struct space *space, const char *name, struct place place, uint16_t wanted)
{
	if (array_reserve(&space->claims, &space->claims_capacity, space->n_claims + 1, sizeof(*space->claims)))
		return -ENOMEM;
	space->claims[space->n_claims++] = (struct claim){.name = name, .place = place, .wanted = wanted};
	return 0;
}

static int assign_vrfs(const struct model *model, const struct compile_memory *memory,
		       struct epg_diagnostics *diagnostics, uint16_t **ret)
{
	AUTO(space_free) struct space *space = space_new("VRF", 1, diagnostics);

	if (!space)
		return -ENOMEM;
	for (size_t i = 0; i < model->n_vrfs; i++) {
		if (space_claim(space, model->vrfs[i].name, model->vrfs[i].place, 0))
			return -ENOMEM;
	}
	for (int generation = 0; generation < MEMORIES; generation++) {
		const struct catalog *catalog = memory->catalogs[generation];

		for (size_t i = 0; catalog && i < catalog->n_vrfs; i++) {
			const struct catalog_vrf *vrf = &catalog->vrfs[i];

			if (space_hold(space, generation, catalog_string(catalog, vrf->name), vrf->id))
				return -ENOMEM;
		}
	}
	return space_assign(space, ret);
}

static int assign_bridge_domains(const struct model *model, const struct compile_memory *memory,
				 struct epg_diagnostics *diagnostics, uint16_t **ret)
{
	AUTO(space_free) struct space *space = space_new("bridge domain", 1, diagnostics);

	if (!space)
		return -ENOMEM;
	for (size_t i = 0; i < model->n_bridge_domains; i++) {
		if (space_claim(space, model->bridge_domains[i].name, model->bridge_domains[i].place, 0))
			return -ENOMEM;
	}
	for (int generation = 0; generation < MEMORIES; generation++) {
		const struct catalog *catalog = memory->catalogs[generation];

		for (size_t i = 0; catalog && i < catalog->n_bridge_domains; i++) {
			const struct catalog_bridge_domain *domain = &catalog->bridge_domains[i];

			if (space_hold(space, generation, catalog_string(catalog, domain->name), domain->id))
				return -ENOMEM;
		}
	}
	return space_assign(space, ret);
}

static int assign_groups(const struct model *model, const struct compile_memory *memory,
			 struct epg_diagnostics *diagnostics, uint16_t **ret)
{
	AUTO(space_free) struct space *space = space_new("class", EPG_CLASS_FIRST, diagnostics);

	if (!space)
		return -ENOMEM;
	space->in_use = memory->classes_in_use;
	for (size_t i = 0; i < model->n_groups; i++) {
		const struct model_group *group = &model->groups[i];

		if (space_claim(space, group->name, group->place, group->class_id))
			return -ENOMEM;
	}
	for (int generation = 0; generation < MEMORIES; generation++) {
		const struct catalog *catalog = memory->catalogs[generation];

		for (size_t i = 0; catalog && i < catalog->n_groups; i++) {
			const struct catalog_group *group = &catalog->groups[i];

			if (space_hold(space, generation, catalog_string(catalog, group->name), group->class_id))
				return -ENOMEM;
		}
	}
	return space_assign(space, ret);
}

void ids_clear(struct ids *ids)
{
	free(ids->groups);
	free(ids->vrfs);
	free(ids->bridge_domains);
	*ids = (struct ids){0};
}

int ids_assign(const struct model *model, const struct compile_memory *memory, struct epg_diagnostics *diagnostics,
	       struct ids *ret)
{
	struct ids ids = {0};
	int error = assign_vrfs(model, memory, diagnostics, &ids.vrfs);

	if (!error)
		error = assign_bridge_domains(model, memory, diagnostics, &ids.bridge_domains);
	if (!error)
		error = assign_groups(model, memory, diagnostics, &ids.groups);
	if (error)
		ids_clear(&ids);
	else
		*ret = ids;
	return error;
}
