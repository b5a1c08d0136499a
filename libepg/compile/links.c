/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/links.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/array.h"
#include "policy/diagnostic.h"
#include "compile/pairs.h"
#include "base/util.h"

/* A group, or vzAny, that provides or consumes a contract. Only sides with the same key are bound. */
struct side {
	uint64_t key;
	uint32_t group; /* index; MODEL_NONE: any group of the VRF */
	uint32_t vrf;
	uint32_t contract;
	bool consume;
	bool bound; /* false: the contract's scope excludes the side */
};

struct collection {
	const struct model *model;
	const struct ids *ids;
	const struct rules_count *counts;
	struct epg_diagnostics *diagnostics;
	struct links links;
};

static void collection_clear(struct collection *collection)
{
	links_clear(&collection->links);
}

void links_clear(struct links *links)
{
	free(links->items);
	free(links->uses);
	*links = (struct links){0};
}

/* Fills in what the scope of the side's contract compares. */
static void apply_scope(const struct model *model, struct side *side)
{
	const struct model_group *group = side->group == MODEL_NONE ? NULL : &model->groups[side->group];

	side->bound = true;
	switch (model->contracts[side->contract].scope) {
	case MODEL_SCOPE_APPLICATION_PROFILE:
		/* Groups of different VRFs never talk with this scope, even within one profile. */
		side->bound = group && group->app_profile != MODEL_NONE;
		side->key = (uint64_t)side->vrf << 32 | (group ? group->app_profile : 0);
		break;
	case MODEL_SCOPE_VRF:
		side->key = side->vrf;
		break;
	case MODEL_SCOPE_TENANT:
		side->key = group ? group->tenant : model->vrfs[side->vrf].tenant;
		break;
	case MODEL_SCOPE_GLOBAL:
		side->key = 0;
		break;
	}
}

static struct side *add_sides(const struct model *model, struct side side, const struct model_contract_use *uses,
			      size_t n, struct side *next)
{
	for (size_t i = 0; i < n; i++, next++) {
		*next = side;
		next->contract = uses[i].contract;
		apply_scope(model, next);
	}
	return next;
}

/* By contract, then key; within both, providers first. */
static int compare_sides(const void *left, const void *right)
{
	const struct side *a = left, *b = right;

	if (a->contract != b->contract)
		return a->contract < b->contract ? -1 : 1;
	if (a->bound != b->bound)
		return a->bound ? -1 : 1;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	if (a->consume != b->consume)
		return a->consume ? 1 : -1;
	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	return (a->vrf > b->vrf) - (a->vrf < b->vrf);
}

static int collect_sides(const struct model *model, struct side **ret, size_t *ret_n)
{
	struct side *sides, *next;
	size_t n = 0;

	for (size_t i = 0; i < model->n_groups; i++)
		n += model->groups[i].n_provide + model->groups[i].n_consume;
	for (size_t i = 0; i < model->n_vrfs; i++)
		n += model->vrfs[i].n_provide + model->vrfs[i].n_consume;
	sides = next = array_new(n, sizeof(*sides));
	if (!sides)
		return -ENOMEM;
	for (uint32_t i = 0; i < model->n_groups; i++) {
		const struct model_group *group = &model->groups[i];
		struct side side = {.group = i, .vrf = group->vrf};

		next = add_sides(model, side, group->provide, group->n_provide, next);
		side.consume = true;
		next = add_sides(model, side, group->consume, group->n_consume, next);
	}
	for (uint32_t i = 0; i < model->n_vrfs; i++) {
		const struct model_vrf *vrf = &model->vrfs[i];
		struct side side = {.group = MODEL_NONE, .vrf = i};

		next = add_sides(model, side, vrf->provide, vrf->n_provide, next);
		side.consume = true;
		next = add_sides(model, side, vrf->consume, vrf->n_consume, next);
	}
	qsort(sides, n, sizeof(*sides), compare_sides);
	*ret = sides;
	*ret_n = n;
	return 0;
}

static int report_limit(const struct collection *collection, uint32_t contract)
{
	const struct model *model = collection->model;
	bool taboo = contract >= model->n_contracts;

	diagnostics_error(collection->diagnostics,
			  taboo ? model->taboos[contract - model->n_contracts].place : model->contracts[contract].place,
			  "narrow the contract's scope, or put groups that are treated alike into one",
			  "with %s %s the policy binds more than %zu pairs of groups", taboo ? "taboo" : "contract",
			  taboo ? model->taboos[contract - model->n_contracts].name : model->contracts[contract].name,
			  LINKS_MAX);
	return -EBADMSG;
}

static int add_link(struct collection *collection, uint16_t source, uint16_t destination, uint32_t part)
{
	struct links *links = &collection->links;
	uint32_t contract = LINK_CONTRACT(part);
	const struct rules_count *count = &collection->counts[contract];

	if (!(LINK_REVERSE(part) ? count->reverse : count->forward))
		return 0;
	if (links->n == LINKS_MAX)
		return report_limit(collection, contract);
	if (array_reserve(&links->items, &links->capacity, links->n + 1, sizeof(*links->items)))
		return -ENOMEM;
	links->items[links->n++] = (struct link){PAIRS_KEY(source, destination), part};
	links->uses[contract] |= (uint16_t)RULES_USE(LINK_ROLE(part), LINK_REVERSE(part));
	return 0;
}

static enum catalog_role role_of(const struct side *source, const struct side *destination)
{
	if (source->group == MODEL_NONE)
		return destination->group == MODEL_NONE ? CATALOG_ROLE_ANY : CATALOG_ROLE_FROM_ANY;
	return destination->group == MODEL_NONE ? CATALOG_ROLE_TO_ANY : CATALOG_ROLE_PAIR;
}

static uint16_t class_of(const struct collection *collection, const struct side *side)
{
	return side->group == MODEL_NONE ? collection->ids->vrfs[side->vrf] : collection->ids->groups[side->group];
}

/* Packets from `source` to `destination`: the contract's rules of one direction. */
static int bind_direction(struct collection *collection, const struct side *source, const struct side *destination,
			  bool reverse)
{
	return add_link(collection, class_of(collection, source), class_of(collection, destination),
			LINK_PART(source->contract, role_of(source, destination), reverse));
}

/* Sides of one contract and key: each provider with each consumer. */
static int bind_sides(struct collection *collection, const struct side *sides, size_t n)
{
	size_t first_consumer = 0;

	while (first_consumer < n && !sides[first_consumer].consume)
		first_consumer++;
	for (size_t i = 0; i < first_consumer; i++) {
		for (size_t j = first_consumer; j < n; j++) {
			int error;

			/* Nothing that a group provides and consumes holds within it. */
			if (sides[i].group != MODEL_NONE && sides[i].group == sides[j].group)
				continue;
			error = bind_direction(collection, &sides[j], &sides[i], false);
			if (!error)
				error = bind_direction(collection, &sides[i], &sides[j], true);
			if (error)
				return error;
		}
	}
	return 0;
}

static int bind_contracts(struct collection *collection, const struct side *sides, size_t n)
{
	for (size_t first = 0, end; first < n; first = end) {
		const struct side *side = &sides[first];
		int error;

		for (end = first + 1; end < n && sides[end].contract == side->contract &&
				      sides[end].bound == side->bound && sides[end].key == side->key;)
			end++;
		if (!side->bound || !collection->counts[side->contract].forward)
			continue;
		error = bind_sides(collection, side, end - first);
		if (error)
			return error;
	}
	return 0;
}

/* Contracts within the group, and its taboos. */
static int bind_group(struct collection *collection, uint32_t index)
{
	const struct model_group *group = &collection->model->groups[index];
	uint16_t class_id = collection->ids->groups[index];
	int error = 0;

	for (size_t i = 0; !error && i < group->n_intra; i++) {
		uint32_t contract = group->intra[i].contract;

		error = add_link(collection, class_id, class_id, LINK_PART(contract, CATALOG_ROLE_INTRA, 0));
		if (!error)
			error = add_link(collection, class_id, class_id, LINK_PART(contract, CATALOG_ROLE_INTRA, 1));
	}
	for (size_t i = 0; !error && i < group->n_taboos; i++) {
		size_t contract = collection->model->n_contracts + group->taboos[i].taboo;

		error = add_link(collection, EPG_CLASS_NONE, class_id, LINK_PART(contract, CATALOG_ROLE_TABOO, 0));
	}
	return error;
}

static int compare_links(const void *left, const void *right)
{
	const struct link *a = left, *b = right;

	if (a->pair != b->pair)
		return a->pair < b->pair ? -1 : 1;
	return (a->part > b->part) - (a->part < b->part);
}

/* A group may name a contract twice. */
static size_t sort_unique(struct link *links, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(links, n, sizeof(*links), compare_links);
	for (size_t i = 0; i < n; i++) {
		if (!kept || compare_links(&links[kept - 1], &links[i]) != 0)
			links[kept++] = links[i];
	}
	return kept;
}

int links_collect(const struct model *model, const struct ids *ids, const struct rules_count *counts,
		  struct epg_diagnostics *diagnostics, struct links *ret)
{
	__attribute__((cleanup(collection_clear))) struct collection collection = {.model = model,
										   .ids = ids,
										   .counts = counts,
										   .diagnostics = diagnostics};
	AUTO_FREE struct side *sides = NULL;
	size_t n_sides;
	int error;

	collection.links.uses = array_new(model->n_contracts + model->n_taboos, sizeof(*collection.links.uses));
	error = collection.links.uses ? collect_sides(model, &sides, &n_sides) : -ENOMEM;
	if (!error)
		error = bind_contracts(&collection, sides, n_sides);
	for (uint32_t i = 0; !error && i < model->n_groups; i++)
		error = bind_group(&collection, i);
	if (error)
		return error;
	collection.links.n = sort_unique(collection.links.items, collection.links.n);
	*ret = collection.links;
	collection.links = (struct links){0};
	return 0;
}
