/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What is in force: groups, contracts, rules and drops, with their counts. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "runtime/counts.h"
#include "runtime/near.h"
#include "runtime/observe.h"
#include "runtime/runtime.h"
#include "runtime/walk.h"

static int open_running(struct epg *epg, struct instance **ret_instance, struct generation **ret)
{
	struct instance *instance;
	int error = instance_open(epg, &instance);

	if (error)
		return error;
	error = generation_open_running(epg, instance, ret);
	if (!error)
		error = counts_read(epg, instance, *ret);
	if (error)
		return error;
	*ret_instance = instance;
	return 0;
}

static int fail_memory(struct epg *epg)
{
	return context_fail_kernel(epg, -ENOMEM, NULL, "can't list what is in force");
}

/* ---- orders by name: catalogs sort by ids ---- */

struct named {
	const char *name;
	uint32_t index;
	bool taboo; /* behind all contracts */
};

static int compare_named(const void *left, const void *right)
{
	const struct named *a = left, *b = right;

	if (a->taboo != b->taboo)
		return a->taboo ? 1 : -1;
	return strcmp(a->name, b->name);
}

static struct named *groups_by_name(const struct catalog *catalog)
{
	struct named *order = array_new(catalog->n_groups, sizeof(*order));

	if (!order)
		return NULL;
	for (uint32_t i = 0; i < catalog->n_groups; i++)
		order[i] = (struct named){catalog_string(catalog, catalog->groups[i].name), i, false};
	qsort(order, catalog->n_groups, sizeof(*order), compare_named);
	return order;
}

static struct named *contracts_by_name(const struct catalog *catalog)
{
	struct named *order = array_new(catalog->n_contracts, sizeof(*order));

	if (!order)
		return NULL;
	for (uint32_t i = 0; i < catalog->n_contracts; i++)
		order[i] = (struct named){catalog_string(catalog, catalog->contracts[i].name), i,
					  catalog->contracts[i].taboo};
	qsort(order, catalog->n_contracts, sizeof(*order), compare_named);
	return order;
}

/* ---- groups ---- */

#define CLASSES ((size_t)EPG_CLASS_LAST + 1)

/* What one class takes part in. */
struct participation {
	size_t endpoints;
	size_t pairs;
	uint64_t packets, bytes;
};

struct participations {
	uint32_t generation;
	struct participation *by_class; /* CLASSES elements */
};

static int add_endpoint(void *user, const void *key, const void *value)
{
	const struct participations *participations = user;
	const struct epg_endpoint *endpoint = value;
	const struct epg_binding *binding = observe_binding(endpoint, participations->generation);
	struct participation *participation = &participations->by_class[binding->class_id];

	(void)key;
	participation->endpoints++;
	participation->packets += endpoint->packets;
	participation->bytes += endpoint->bytes;
	return 0;
}

static void add_pairs(struct participation *by_class, const struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->n_pairs; i++) {
		const struct catalog_pair *pair = &catalog->pairs[i];

		by_class[pair->source].pairs++;
		if (pair->destination != pair->source)
			by_class[pair->destination].pairs++;
	}
}

static void count_relations(const struct catalog *catalog, uint32_t group, struct epg_group_info *info)
{
	size_t *const counts[] = {
		[CATALOG_PROVIDES] = &info->provides,
		[CATALOG_CONSUMES] = &info->consumes,
		[CATALOG_INTRA] = &info->intra_contracts,
		[CATALOG_TABOO] = &info->taboos,
	};
	size_t first = observe_relations(catalog, group, 0);

	for (size_t i = first; i < catalog->n_relations && catalog->relations[i].group == group; i++)
		if (catalog->relations[i].kind < ARRAY_SIZE(counts))
			(*counts[catalog->relations[i].kind])++;
}

static void fill_group(const struct catalog *catalog, uint32_t index, const struct participation *by_class,
		       struct epg_group_info *ret)
{
	const struct catalog_group *group = &catalog->groups[index];
	const struct participation *participation = &by_class[group->class_id];
	bool bridged = group->bridge_domain != CATALOG_NONE;

	*ret = (struct epg_group_info){
		.name = catalog_string(catalog, group->name),
		.class_id = (uint16_t)group->class_id,
		.external = group->external,
		.vrf = catalog_string(catalog, catalog->vrfs[group->vrf].name),
		.bridge_domain =
			bridged ? catalog_string(catalog, catalog->bridge_domains[group->bridge_domain].name) : "",
		.line = group->line,
		.isolated = group->isolated,
		.preferred_member = group->preferred_member,
		.police_rate = group->police_rate,
		.police_burst = group->police_burst,
		.endpoints = participation->endpoints,
		.pairs = participation->pairs,
		.packets = participation->packets,
		.bytes = participation->bytes,
	};
	count_relations(catalog, index, ret);
}

int epg_groups_each(struct epg *epg, epg_group_fn fn, void *user)
{
	CONTEXT_CALL(epg);
	AUTO(generation_close) struct generation *generation = NULL;
	AUTO_FREE struct participation *by_class = NULL;
	AUTO_FREE struct named *order = NULL;
	struct participations participations;
	struct instance *instance;
	int result = open_running(epg, &instance, &generation);

	if (result)
		return result;
	by_class = calloc(CLASSES, sizeof(*by_class));
	order = groups_by_name(&generation->catalog);
	if (!by_class || !order)
		return fail_memory(epg);
	participations = (struct participations){generation->number, by_class};
	result = near_walk_endpoints(instance, add_endpoint, &participations);
	if (result)
		return context_fail_kernel(epg, result, "endpoints", "can't read the map");
	add_pairs(by_class, &generation->catalog);
	for (size_t i = 0; !result && i < generation->catalog.n_groups; i++) {
		struct epg_group_info info;

		fill_group(&generation->catalog, order[i].index, by_class, &info);
		result = fn(user, &info);
	}
	return result;
}

/* ---- contracts and rules ---- */

static const char *scope_name(uint32_t scope)
{
	switch ((enum model_scope)scope) {
	case MODEL_SCOPE_APPLICATION_PROFILE:
		return "application-profile";
	case MODEL_SCOPE_VRF:
		return "vrf";
	case MODEL_SCOPE_TENANT:
		return "tenant";
	case MODEL_SCOPE_GLOBAL:
		return "global";
	}
	return "";
}

/* Room for the rules of one contract. */
struct rule_room {
	struct epg_rule_info *rules;
	char (*matches)[RULE_TEXT_MATCH_MAX];
};

static void rule_room_clear(struct rule_room *room)
{
	free(room->rules);
	free(room->matches);
}

/* Room for the longest contract. */
static int rule_room_init(struct rule_room *room, const struct catalog *catalog)
{
	size_t longest = 0;

	for (size_t i = 0; i < catalog->n_contracts; i++)
		if (catalog->contracts[i].n_rules > longest)
			longest = catalog->contracts[i].n_rules;
	room->rules = array_new(longest, sizeof(*room->rules));
	room->matches = array_new(longest, sizeof(*room->matches));
	return room->rules && room->matches ? 0 : -ENOMEM;
}

static void fill_contract(const struct generation *generation, uint32_t index, struct rule_room *room,
			  struct epg_contract_info *ret)
{
	const struct catalog *catalog = &generation->catalog;
	const struct catalog_contract *contract = &catalog->contracts[index];

	*ret = (struct epg_contract_info){
		.name = catalog_string(catalog, contract->name),
		.kind = contract->taboo ? "taboo" : "contract",
		.scope = contract->taboo ? "" : scope_name(contract->scope),
		.keep = contract->keep,
		.file = catalog->file,
		.line = contract->line,
		.providers = contract->providers,
		.consumers = contract->consumers,
		.rules = room->rules,
		.n_rules = contract->n_rules,
	};
	for (uint32_t i = 0; i < contract->n_rules; i++) {
		struct epg_rule_info *rule = &room->rules[i];

		rule_text_info(generation, catalog_contract_rule(catalog, contract, i), room->matches[i],
			       RULE_TEXT_MATCH_MAX, rule);
		ret->packets += rule->packets;
		ret->bytes += rule->bytes;
	}
}

int epg_contracts_each(struct epg *epg, epg_contract_fn fn, void *user)
{
	CONTEXT_CALL(epg);
	__attribute__((cleanup(rule_room_clear))) struct rule_room room = {0};
	AUTO(generation_close) struct generation *generation = NULL;
	AUTO_FREE struct named *order = NULL;
	struct instance *instance;
	int result = open_running(epg, &instance, &generation);

	if (result)
		return result;
	order = contracts_by_name(&generation->catalog);
	if (!order || rule_room_init(&room, &generation->catalog))
		return fail_memory(epg);
	for (size_t i = 0; !result && i < generation->catalog.n_contracts; i++) {
		struct epg_contract_info info;

		fill_contract(generation, order[i].index, &room, &info);
		result = fn(user, &info);
	}
	return result;
}

int epg_rules_each(struct epg *epg, epg_rule_fn fn, void *user)
{
	CONTEXT_CALL(epg);
	AUTO(generation_close) struct generation *generation = NULL;
	struct instance *instance;
	int result = open_running(epg, &instance, &generation);

	if (result)
		return result;
	for (uint32_t i = 0; !result && i < generation->catalog.n_rules; i++) {
		struct epg_rule_info info;
		char match[RULE_TEXT_MATCH_MAX];

		if (catalog_rule_is_gone(&generation->catalog.rules[i]))
			continue;
		rule_text_info(generation, i, match, sizeof(match), &info);
		result = fn(user, &info);
	}
	return result;
}

/* ---- drops ---- */

struct drop {
	struct epg_drop_key key;
	struct epg_counter counter;
};

struct drops {
	struct drop *items;
	size_t n, capacity;
};

static void drops_clear(struct drops *drops)
{
	free(drops->items);
}

static int add_drop(void *user, const void *key, const void *value)
{
	const struct epg_counter *counter = value;
	struct drops *drops = user;

	/* The catch-all of each reason is there from the beginning, whether it was needed or not. */
	if (!counter->packets)
		return 0;
	if (array_reserve(&drops->items, &drops->capacity, drops->n + 1, sizeof(*drops->items)))
		return -ENOMEM;
	drops->items[drops->n++] = (struct drop){.key = *(const struct epg_drop_key *)key, .counter = *counter};
	return 0;
}

/* Most packets first; the rest so that equal counts don't change places from call to call. */
static int compare_drops(const void *left, const void *right)
{
	const struct drop *a = left, *b = right;

	if (a->counter.packets != b->counter.packets)
		return a->counter.packets < b->counter.packets ? 1 : -1;
	return memcmp(&a->key, &b->key, sizeof(a->key));
}

static int tell_drop(const struct drop *drop, const struct catalog *catalog, epg_drop_fn fn, void *user)
{
	char source[EPG_NAME_MAX], destination[EPG_NAME_MAX];
	const char *name = epg_reason_name(drop->key.reason), *text = epg_reason_text(drop->key.reason);
	struct epg_drop_info info = {
		.reason = drop->key.reason,
		.reason_name = name ? name : "unknown",
		.reason_text = text ? text : "a reason that this version does not know",
		.source = observe_group(catalog, drop->key.source, source),
		.destination = observe_group(catalog, drop->key.destination, destination),
		.packets = drop->counter.packets,
		.bytes = drop->counter.bytes,
	};

	return fn(user, &info);
}

int epg_drops_each(struct epg *epg, epg_drop_fn fn, void *user)
{
	CONTEXT_CALL(epg);
	__attribute__((cleanup(drops_clear))) struct drops drops = {0};
	AUTO(generation_close) struct generation *generation = NULL;
	struct instance *instance;
	int result = instance_open(epg, &instance);

	if (!result)
		result = observe_running(epg, instance, &generation);
	if (result)
		return result;
	result = walk_map(instance->fd.drops, add_drop, &drops);
	if (result)
		return context_fail_kernel(epg, result, "drops", "can't read the map");
	if (drops.n > 0)
		qsort(drops.items, drops.n, sizeof(*drops.items), compare_drops);
	for (size_t i = 0; !result && i < drops.n; i++)
		result = tell_drop(&drops.items[i], generation ? &generation->catalog : NULL, fn, user);
	return result;
}
