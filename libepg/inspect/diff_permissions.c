/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Pairs of groups that gain or lose their rules. There may be millions: they are compared as numbers. */
#include "inspect/diff_groups.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "runtime/observe.h"

/* Contracts that are named with a pair. */
#define CONTRACTS_TOLD 4
#define CLASSES ((size_t)EPG_CLASS_LAST + 1)

#define UNKNOWN UINT32_MAX

/* A pair as the places of its groups in the order of names. */
struct place_pair {
	uint64_t places; /* source << 32 | destination */
	const struct catalog_pair *pair;
};

struct place_pairs {
	struct place_pair *items;
	size_t n;
};

static int compare_places(const void *left, const void *right)
{
	uint64_t a = ((const struct place_pair *)left)->places, b = ((const struct place_pair *)right)->places;

	return (a > b) - (a < b);
}

/* Place of each class of one side. NULL without memory. */
static uint32_t *places_by_class(const struct diff_groups *groups, enum diff_side side)
{
	uint32_t *places = malloc(CLASSES * sizeof(*places));

	if (!places)
		return NULL;
	for (size_t i = 0; i < CLASSES; i++)
		places[i] = UNKNOWN;
	for (size_t i = 0; i < groups->n; i++)
		if (groups->items[i].class_id[side])
			places[groups->items[i].class_id[side]] = (uint32_t)i;
	return places;
}

static int list_pairs(const struct catalog *catalog, const struct diff_groups *groups, enum diff_side side,
		      struct place_pairs *ret)
{
	AUTO_FREE uint32_t *places = places_by_class(groups, side);
	size_t room = catalog ? catalog->n_pairs : 0;

	ret->items = array_new(room, sizeof(*ret->items));
	if (!places || !ret->items)
		return -ENOMEM;
	for (size_t i = 0; i < room; i++) {
		const struct catalog_pair *pair = &catalog->pairs[i];
		uint32_t source = places[pair->source], destination = places[pair->destination];

		if (source != UNKNOWN && destination != UNKNOWN)
			ret->items[ret->n++] = (struct place_pair){(uint64_t)source << 32 | destination, pair};
	}
	qsort(ret->items, ret->n, sizeof(*ret->items), compare_places);
	return 0;
}

/* ---- words for one pair ---- */

/* The line by which the consumer takes the contract of a rule; 0: unknown. */
static uint32_t consumer_line(const struct catalog *catalog, const struct catalog_pair *pair,
			      const struct catalog_rule *rule)
{
	uint16_t class_id = rule->reverse ? pair->destination : pair->source;
	const struct catalog_group *group = catalog_group_by_class(catalog, class_id);
	uint32_t index = group ? (uint32_t)(group - catalog->groups) : 0;

	for (size_t i = observe_relations(catalog, index, rule->contract); group && i < catalog->n_relations; i++) {
		const struct catalog_relation *relation = &catalog->relations[i];

		if (relation->group != index || relation->contract != rule->contract)
			break;
		if (relation->consume)
			return relation->line;
	}
	return 0;
}

/* "by shop/web, shop/dns": contracts in the order in which their rules decide. */
static void list_contracts(const struct catalog *catalog, const struct catalog_rule_set *set, char *text, size_t size)
{
	uint32_t told[CONTRACTS_TOLD];
	size_t n = 0, length = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < set->count && length < size; i++) {
		uint32_t contract = catalog->rules[catalog->members[set->first + i].rule].contract;
		bool known = contract == CATALOG_NONE;

		for (size_t j = 0; j < n; j++)
			known |= told[j] == contract;
		if (known)
			continue;
		if (n == CONTRACTS_TOLD) {
			snprintf(text + length, size - length, ", …");
			return;
		}
		told[n++] = contract;
		length += (size_t)snprintf(text + length, size - length, "%s %s", n == 1 ? "by" : ",",
					   catalog_string(catalog, catalog->contracts[contract].name));
	}
}

static int tell_pair(const struct catalog *catalog, const struct diff_groups *groups, const struct place_pair *place,
		     enum epg_change_kind kind, epg_change_fn fn, void *user)
{
	const struct catalog_rule_set *set = &catalog->rule_sets[place->pair->rule_set];
	char name[2 * EPG_NAME_MAX + 8], contracts[CONTRACTS_TOLD * EPG_NAME_MAX + 32];
	struct epg_change change = {.kind = kind, .object = "permission", .name = name, .detail = contracts};

	snprintf(name, sizeof(name), "%s -> %s", groups->items[place->places >> 32].name,
		 groups->items[(uint32_t)place->places].name);
	list_contracts(catalog, set, contracts, sizeof(contracts));
	if (set->count > 0)
		change.line = consumer_line(catalog, place->pair, &catalog->rules[catalog->members[set->first].rule]);
	return fn(user, &change);
}

static int tell_pairs(const struct catalog *const catalogs[DIFF_SIDES], const struct diff_groups *groups,
		      const struct place_pairs pairs[DIFF_SIDES], epg_change_fn fn, void *user)
{
	const struct place_pairs *before = &pairs[DIFF_BEFORE], *after = &pairs[DIFF_AFTER];
	size_t i = 0, j = 0;
	int result = 0;

	while (!result && (i < before->n || j < after->n)) {
		int order = i == before->n  ? 1
			    : j == after->n ? -1
					    : compare_places(&before->items[i], &after->items[j]);

		if (order < 0)
			result = tell_pair(catalogs[DIFF_BEFORE], groups, &before->items[i], EPG_CHANGE_REMOVED, fn,
					   user);
		else if (order > 0)
			result = tell_pair(catalogs[DIFF_AFTER], groups, &after->items[j], EPG_CHANGE_ADDED, fn, user);
		i += order <= 0;
		j += order >= 0;
	}
	return result;
}

int diff_permissions(const struct catalog *const catalogs[DIFF_SIDES], const struct diff_groups *groups,
		     epg_change_fn fn, void *user)
{
	struct place_pairs pairs[DIFF_SIDES] = {0};
	int result = 0;

	for (int side = 0; !result && side < DIFF_SIDES; side++)
		result = list_pairs(catalogs[side], groups, side, &pairs[side]);
	if (!result)
		result = tell_pairs(catalogs, groups, pairs, fn, user);
	for (int side = 0; side < DIFF_SIDES; side++)
		free(pairs[side].items);
	return result;
}
