/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/links.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/array.h"
#include "policy/diagnostic.h"
#include "compile/pairs.h"
#include "base/util.h"

/* A group that provides or consumes a contract. Only sides with the same key are bound. */
struct side {
	uint64_t key;
	uint32_t group; /* index */
	uint32_t contract;
	bool consume;
	bool bound; /* false: the contract's scope excludes the group */
};

struct collection {
	const struct model *model;
	const uint16_t *class_ids;
	struct epg_diagnostics *diagnostics;
	struct draft *draft;
	bool has_rules, has_reverse; /* of the contract at hand: any rules, reverse rules */
	struct link *links;
	size_t n_links, capacity;
};

static void collection_clear(struct collection *collection)
{
	free(collection->links);
}

/* Fills in what the scope of the side's contract compares. */
static void apply_scope(const struct model *model, struct side *side)
{
	const struct model_group *group = &model->groups[side->group];

	side->bound = true;
	switch (model->contracts[side->contract].scope) {
	case MODEL_SCOPE_APPLICATION_PROFILE:
		/* Groups of different VRFs never talk with this scope, even within one profile. */
		side->key = (uint64_t)group->vrf << 32 | group->app_profile;
		side->bound = group->app_profile != MODEL_NONE;
		break;
	case MODEL_SCOPE_VRF:
		side->key = group->vrf;
		break;
	case MODEL_SCOPE_TENANT:
		side->key = group->tenant;
		break;
	case MODEL_SCOPE_GLOBAL:
		side->key = 0;
		break;
	}
}

static struct side *add_sides(const struct model *model, uint32_t group, bool consume, struct side *next)
{
	const struct model_group *source = &model->groups[group];
	const struct model_contract_use *uses = consume ? source->consume : source->provide;
	size_t n_uses = consume ? source->n_consume : source->n_provide;

	for (size_t i = 0; i < n_uses; i++, next++) {
		*next = (struct side){.group = group, .contract = uses[i].contract, .consume = consume};
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
	return (a->group > b->group) - (a->group < b->group);
}

static int collect_sides(const struct model *model, struct side **ret, size_t *ret_n)
{
	struct side *sides, *next;
	size_t n = 0;

	for (size_t i = 0; i < model->n_groups; i++)
		n += model->groups[i].n_provide + model->groups[i].n_consume;
	sides = array_new(n, sizeof(*sides));
	if (!sides)
		return -ENOMEM;
	next = sides;
	for (uint32_t i = 0; i < model->n_groups; i++) {
		next = add_sides(model, i, false, next);
		next = add_sides(model, i, true, next);
	}
	qsort(sides, n, sizeof(*sides), compare_sides);
	*ret = sides;
	*ret_n = n;
	return 0;
}

static int add_link(struct collection *collection, uint32_t source, uint32_t destination, uint32_t part)
{
	uint32_t contract = LINK_CONTRACT(part);

	if (collection->n_links == LINKS_MAX) {
		diagnostics_error(collection->diagnostics, collection->model->contracts[contract].place,
				  "narrow the contract's scope, or put groups that are treated alike into one",
				  "with contract %s the policy opens more than %zu pairs of groups",
				  collection->model->contracts[contract].name, LINKS_MAX);
		return -EBADMSG;
	}
	if (array_reserve(&collection->links, &collection->capacity, collection->n_links + 1,
			  sizeof(*collection->links)))
		return -ENOMEM;
	collection->links[collection->n_links++] = (struct link){
		.pair = PAIRS_KEY(collection->class_ids[source], collection->class_ids[destination]),
		.part = part,
	};
	return 0;
}

static void find_directions(struct collection *collection, uint32_t contract)
{
	const struct catalog_contract *catalogued = &collection->draft->contracts[contract];

	collection->has_rules = catalogued->n_rules > 0;
	collection->has_reverse = false;
	for (uint32_t i = 0; i < catalogued->n_rules; i++)
		collection->has_reverse |= collection->draft->rules[catalogued->first_rule + i].reverse;
}

static int bind_groups(struct collection *collection, const struct side *provider, const struct side *consumer)
{
	uint32_t contract = provider->contract;
	int error;

	/* Within a group the datapath permits by itself. */
	if (provider->group == consumer->group)
		return 0;
	error = add_link(collection, consumer->group, provider->group, LINK_PART(contract, 0));
	if (!error && collection->has_reverse)
		error = add_link(collection, provider->group, consumer->group, LINK_PART(contract, 1));
	return error;
}

/* Sides of one contract and key: each provider with each consumer. */
static int bind_sides(struct collection *collection, const struct side *sides, size_t n)
{
	size_t first_consumer = 0;

	while (first_consumer < n && !sides[first_consumer].consume)
		first_consumer++;
	for (size_t i = 0; i < first_consumer; i++) {
		for (size_t j = first_consumer; j < n; j++) {
			int error = bind_groups(collection, &sides[i], &sides[j]);

			if (error)
				return error;
		}
	}
	return 0;
}

static int collect(struct collection *collection, const struct side *sides, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct catalog_contract *contract = &collection->draft->contracts[sides[i].contract];

		if (sides[i].consume)
			contract->consumers++;
		else
			contract->providers++;
	}
	for (size_t first = 0, end; first < n; first = end) {
		const struct side *side = &sides[first];
		int error;

		if (first == 0 || side->contract != side[-1].contract)
			find_directions(collection, side->contract);
		for (end = first + 1; end < n && sides[end].contract == side->contract &&
				      sides[end].bound == side->bound && sides[end].key == side->key;)
			end++;
		error = side->bound && collection->has_rules ? bind_sides(collection, side, end - first) : 0;
		if (error)
			return error;
	}
	return 0;
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

int links_collect(const struct model *model, const uint16_t *class_ids, struct epg_diagnostics *diagnostics,
		  struct draft *draft, struct link **ret, size_t *ret_n)
{
	__attribute__((cleanup(collection_clear))) struct collection collection = {.model = model,
										   .class_ids = class_ids,
										   .diagnostics = diagnostics,
										   .draft = draft};
	AUTO_FREE struct side *sides = NULL;
	size_t n_sides;
	int error = collect_sides(model, &sides, &n_sides);

	if (!error)
		error = collect(&collection, sides, n_sides);
	if (error)
		return error;
	*ret_n = sort_unique(collection.links, collection.n_links);
	*ret = TAKE_PTR(collection.links);
	return 0;
}
