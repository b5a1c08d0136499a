/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/leaks.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "policy/diagnostic.h"
#include "compile/lists.h"
#include "compile/prefixes.h"
#include "base/util.h"

/* What a VRF has learned already: tags of the table `known`. */
enum known {
	KNOWN_GROUP = 1,
	KNOWN_BRIDGE_DOMAIN,
	KNOWN_ANY,
};

/* Objects by VRF: those of VRF i are items[first[i] … first[i + 1] - 1]. */
struct by_vrf {
	uint32_t *first;
	uint32_t *items;
};

struct collection {
	const struct model *model;
	const struct ids *ids;
	struct epg_diagnostics *diagnostics;
	struct by_vrf bridge_domains;
	struct by_vrf matching;  /* EPGs with `match: {ip}` */
	uint16_t *spokesmen;     /* by VRF: the class id of one of its groups; EPG_CLASS_NONE: it has none */
	struct list_table known; /* {VRF, index} by enum known */
	struct leaks leaks;
};

static void collection_clear(struct collection *collection)
{
	free(collection->bridge_domains.first);
	free(collection->bridge_domains.items);
	free(collection->matching.first);
	free(collection->matching.items);
	free(collection->spokesmen);
	list_table_clear(&collection->known);
	leaks_clear(&collection->leaks);
}

/* `vrf_of` is by object; MODEL_NONE leaves it out. */
static int sort_by_vrf(const uint32_t *vrf_of, size_t n, size_t n_vrfs, struct by_vrf *ret)
{
	ret->first = array_new(n_vrfs + 2, sizeof(*ret->first));
	ret->items = array_new(n, sizeof(*ret->items));
	if (!ret->first || !ret->items)
		return -ENOMEM;
	/* first[i + 1] is where the next object of VRF i goes: in the end, where VRF i + 1 begins. */
	for (size_t i = 0; i < n; i++) {
		if (vrf_of[i] != MODEL_NONE)
			ret->first[vrf_of[i] + 2]++;
	}
	for (size_t i = 2; i < n_vrfs + 2; i++)
		ret->first[i] += ret->first[i - 1];
	for (uint32_t i = 0; i < n; i++) {
		if (vrf_of[i] != MODEL_NONE)
			ret->items[ret->first[vrf_of[i] + 1]++] = i;
	}
	return 0;
}

static int sort_objects(struct collection *collection)
{
	const struct model *model = collection->model;
	AUTO_FREE uint32_t *domains = array_new(model->n_bridge_domains, sizeof(*domains));
	AUTO_FREE uint32_t *groups = array_new(model->n_groups, sizeof(*groups));

	if (!domains || !groups)
		return -ENOMEM;
	for (size_t i = 0; i < model->n_bridge_domains; i++)
		domains[i] = model->bridge_domains[i].vrf;
	for (size_t i = 0; i < model->n_groups; i++)
		groups[i] = prefixes_make_members(&model->groups[i]) ? model->groups[i].vrf : MODEL_NONE;
	if (sort_by_vrf(domains, model->n_bridge_domains, model->n_vrfs, &collection->bridge_domains))
		return -ENOMEM;
	return sort_by_vrf(groups, model->n_groups, model->n_vrfs, &collection->matching);
}

/* All leaks of a VRF name the same group: equal prefixes then have equal leaves. */
static int choose_spokesmen(struct collection *collection)
{
	const struct model *model = collection->model;

	collection->spokesmen = array_new(model->n_vrfs, sizeof(*collection->spokesmen));
	if (!collection->spokesmen)
		return -ENOMEM;
	for (size_t i = 0; i < model->n_groups; i++) {
		uint16_t *spokesman = &collection->spokesmen[model->groups[i].vrf];

		if (*spokesman == EPG_CLASS_NONE || collection->ids->groups[i] < *spokesman)
			*spokesman = collection->ids->groups[i];
	}
	return 0;
}

void leaks_clear(struct leaks *leaks)
{
	free(leaks->items);
	*leaks = (struct leaks){0};
}

/* Returns 1 when the VRF knows the object already, 0 when it learns it now, or -ENOMEM. */
static int learn(struct collection *collection, enum known tag, uint32_t vrf, uint32_t index)
{
	const uint32_t key[] = {vrf, index};
	uint32_t unused;

	if (!list_table_find(&collection->known, tag, key, ARRAY_SIZE(key), &unused))
		return 1;
	return list_table_add(&collection->known, tag, key, ARRAY_SIZE(key), 0);
}

static int add_leak(struct collection *collection, const struct leak *leak, const struct model_prefix *prefix)
{
	struct leaks *leaks = &collection->leaks;

	if (leaks->n == LEAKS_MAX) {
		const struct model_contract *contract = &collection->model->contracts[leak->contract];

		diagnostics_error(collection->diagnostics, contract->place,
				  "narrow the contract's scope, or let fewer VRFs take part by vzAny",
				  "with contract %s VRFs have to know more than %zu prefixes of each other",
				  contract->name, LEAKS_MAX);
		return -EBADMSG;
	}
	if (array_reserve(&leaks->items, &leaks->capacity, leaks->n + 1, sizeof(*leaks->items)))
		return -ENOMEM;
	leaks->items[leaks->n] = *leak;
	leaks->items[leaks->n++].prefix = prefix;
	return 0;
}

static int leak_bridge_domain(struct collection *collection, struct leak leak, uint32_t index)
{
	const struct model_bridge_domain *domain = &collection->model->bridge_domains[index];
	int known = learn(collection, KNOWN_BRIDGE_DOMAIN, leak.vrf, index);
	int error = 0;

	if (known)
		return known < 0 ? known : 0;
	if (!domain->n_subnets)
		diagnostics_lint(
			collection->diagnostics, EPG_LINT_BRIDGE_DOMAIN_WITHOUT_SUBNETS, domain->place,
			"give it a subnet",
			"bridge domain %s has no subnets by which VRF %s could find its groups, as contract %s asks",
			domain->name, collection->model->vrfs[leak.vrf].name,
			collection->model->contracts[leak.contract].name);
	leak.owner = domain->name;
	leak.leaf = EPG_PREFIX_VRF | collection->spokesmen[domain->vrf];
	for (size_t i = 0; !error && i < domain->n_subnets; i++)
		error = add_leak(collection, &leak, &domain->subnets[i]);
	return error;
}

static int leak_group(struct collection *collection, struct leak leak, uint32_t index)
{
	const struct model_group *group = &collection->model->groups[index];
	int known = learn(collection, KNOWN_GROUP, leak.vrf, index);
	int error = 0;

	if (known)
		return known < 0 ? known : 0;
	leak.owner = group->name;
	leak.external = group->external;
	leak.leaf = EPG_PREFIX_VRF | collection->spokesmen[group->vrf];
	for (size_t i = 0; !error && i < group->n_subnets; i++)
		error = add_leak(collection, &leak, &group->subnets[i]);
	for (size_t i = 0; !error && i < group->n_matches; i++) {
		if (model_match_is_prefix(&group->matches[i]))
			error = add_leak(collection, &leak, &group->matches[i].prefix);
	}
	if (error || group->external)
		return error;
	return leak_bridge_domain(collection, leak, group->bridge_domain);
}

/* Any group of a VRF: its bridge domains. What its external groups own stays its own, as 0.0.0.0/0 mostly is. */
static int leak_any(struct collection *collection, struct leak leak, uint32_t of)
{
	const struct by_vrf *groups = &collection->matching, *domains = &collection->bridge_domains;
	int error = learn(collection, KNOWN_ANY, leak.vrf, of);

	if (error)
		return error < 0 ? error : 0;
	for (uint32_t i = groups->first[of]; !error && i < groups->first[of + 1]; i++)
		error = leak_group(collection, leak, groups->items[i]);
	for (uint32_t i = domains->first[of]; !error && i < domains->first[of + 1]; i++)
		error = leak_bridge_domain(collection, leak, domains->items[i]);
	return error;
}

/* The VRF must know what a class of another one stands for. */
static int leak_class(struct collection *collection, uint32_t vrf, const struct class_owner *owner, uint32_t contract)
{
	const struct leak leak = {.vrf = vrf, .contract = contract};

	if (owner->group == MODEL_NONE)
		return leak_any(collection, leak, owner->vrf);
	return leak_group(collection, leak, owner->group);
}

static int leak_links(struct collection *collection, const struct links *links)
{
	int error = 0;

	for (size_t i = 0; !error && i < links->n; i++) {
		const struct class_owner *source = &collection->ids->owners[links->items[i].pair >> 16];
		const struct class_owner *destination = &collection->ids->owners[links->items[i].pair & UINT16_MAX];
		uint32_t contract = LINK_CONTRACT(links->items[i].part);

		/* Taboos have no source, and bind nobody to anybody. */
		if (source->vrf == MODEL_NONE || source->vrf == destination->vrf)
			continue;
		error = leak_class(collection, source->vrf, destination, contract);
		if (!error)
			error = leak_class(collection, destination->vrf, source, contract);
	}
	return error;
}

int leaks_collect(const struct model *model, const struct ids *ids, const struct links *links,
		  struct epg_diagnostics *diagnostics, struct leaks *ret)
{
	__attribute__((cleanup(collection_clear))) struct collection collection = {.model = model,
										   .ids = ids,
										   .diagnostics = diagnostics};
	int error = sort_objects(&collection);

	if (!error)
		error = choose_spokesmen(&collection);
	if (!error)
		error = leak_links(&collection, links);
	if (error)
		return error;
	*ret = collection.leaks;
	collection.leaks = (struct leaks){0};
	return 0;
}
