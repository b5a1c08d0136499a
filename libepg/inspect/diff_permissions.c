/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Pairs of groups that gain or lose their permits. There may be millions: they are compared as numbers. */
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

static bool is_permit(const struct rule_book *book, uint32_t rule)
{
	const struct epg_rule *what = rule_book_rule(book, rule);

	return what->action == EPG_PERMIT && !(what->flags & EPG_RULE_AUDIT);
}

/* By rule set: whether it permits anything. */
static bool *permitting_sets(const struct rule_book *book)
{
	const struct catalog *catalog = book->catalog;
	bool *permits = array_new(catalog->n_rule_sets, sizeof(*permits));

	for (size_t i = 0; permits && i < catalog->n_rule_sets; i++) {
		const struct catalog_rule_set *set = &catalog->rule_sets[i];

		for (uint32_t j = 0; j < set->count && !permits[i]; j++)
			permits[i] = is_permit(book, catalog->members[set->first + j].rule);
	}
	return permits;
}

static int list_pairs(const struct rule_book *book, const struct diff_groups *groups, enum diff_side side,
		      struct place_pairs *ret)
{
	const struct catalog *catalog = book->catalog;
	AUTO_FREE uint32_t *places = places_by_class(groups, side);
	AUTO_FREE bool *permits = catalog ? permitting_sets(book) : NULL;
	size_t room = catalog ? catalog->n_pairs : 0;

	ret->items = array_new(room, sizeof(*ret->items));
	if (!places || !ret->items || (catalog && !permits))
		return -ENOMEM;
	for (size_t i = 0; i < room; i++) {
		const struct catalog_pair *pair = &catalog->pairs[i];
		uint32_t source = places[pair->source], destination = places[pair->destination];

		if (source != UNKNOWN && destination != UNKNOWN && permits[pair->rule_set])
			ret->items[ret->n++] = (struct place_pair){(uint64_t)source << 32 | destination, pair};
	}
	qsort(ret->items, ret->n, sizeof(*ret->items), compare_places);
	return 0;
}

/* ---- words for one pair ---- */

/* A group by its class, or any group of a VRF, as relations name it. */
struct end {
	uint32_t group; /* index; CATALOG_NONE: any */
	uint32_t vrf;
};

static struct end end_of(const struct catalog *catalog, uint16_t class_id)
{
	const struct catalog_group *group = catalog_group_by_class(catalog, class_id);
	struct end end = {CATALOG_NONE, CATALOG_NONE};

	if (group)
		return (struct end){(uint32_t)(group - catalog->groups), group->vrf};
	for (uint32_t i = 0; i < catalog->n_vrfs; i++)
		if (catalog->vrfs[i].id == class_id)
			end.vrf = i;
	return end;
}

/* The line by which the consumer takes the contract of a rule; 0: unknown. */
static uint32_t consumer_line(const struct catalog *catalog, const struct catalog_pair *pair,
			      const struct catalog_rule *rule)
{
	const struct end end = end_of(catalog, rule->reverse ? pair->destination : pair->source);

	for (size_t i = observe_relations(catalog, end.group, rule->contract); i < catalog->n_relations; i++) {
		const struct catalog_relation *relation = &catalog->relations[i];

		if (relation->group != end.group || relation->contract != rule->contract)
			break;
		if (relation->vrf == end.vrf && (relation->kind == CATALOG_CONSUMES || relation->kind == CATALOG_INTRA))
			return relation->line;
	}
	return 0;
}

/* "by shop/web, shop/dns": contracts in the order in which their permits decide. */
static void list_contracts(const struct rule_book *book, const struct catalog_rule_set *set, char *text, size_t size)
{
	const struct catalog *catalog = book->catalog;
	uint32_t told[CONTRACTS_TOLD];
	size_t n = 0, length = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < set->count && length < size; i++) {
		uint32_t rule = catalog->members[set->first + i].rule, contract = catalog->rules[rule].contract;
		bool known = contract == CATALOG_NONE || !is_permit(book, rule);

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

/* The first rule of a set that permits; every set here has one. */
static const struct catalog_rule *first_permit(const struct rule_book *book, const struct catalog_rule_set *set)
{
	const struct catalog *catalog = book->catalog;
	uint32_t i = 0;

	while (i + 1 < set->count && !is_permit(book, catalog->members[set->first + i].rule))
		i++;
	return &catalog->rules[catalog->members[set->first + i].rule];
}

static int tell_pair(const struct rule_book *book, const struct diff_groups *groups, const struct place_pair *place,
		     enum epg_change_kind kind, epg_change_fn fn, void *user)
{
	const struct catalog_rule_set *set = &book->catalog->rule_sets[place->pair->rule_set];
	char name[2 * EPG_NAME_MAX + 32], contracts[CONTRACTS_TOLD * EPG_NAME_MAX + 32];
	const struct epg_change change = {
		.kind = kind,
		.object = "permission",
		.name = name,
		.detail = contracts,
		.line = consumer_line(book->catalog, place->pair, first_permit(book, set)),
	};

	snprintf(name, sizeof(name), "%s -> %s", groups->items[place->places >> 32].name,
		 groups->items[(uint32_t)place->places].name);
	list_contracts(book, set, contracts, sizeof(contracts));
	return fn(user, &change);
}

static int tell_pairs(const struct rule_book books[DIFF_SIDES], const struct diff_groups *groups,
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
			result =
				tell_pair(&books[DIFF_BEFORE], groups, &before->items[i], EPG_CHANGE_REMOVED, fn, user);
		else if (order > 0)
			result = tell_pair(&books[DIFF_AFTER], groups, &after->items[j], EPG_CHANGE_ADDED, fn, user);
		i += order <= 0;
		j += order >= 0;
	}
	return result;
}

int diff_permissions(const struct rule_book books[DIFF_SIDES], const struct diff_groups *groups, epg_change_fn fn,
		     void *user)
{
	struct place_pairs pairs[DIFF_SIDES] = {0};
	int result = 0;

	for (int side = 0; !result && side < DIFF_SIDES; side++)
		result = list_pairs(&books[side], groups, side, &pairs[side]);
	if (!result)
		result = tell_pairs(books, groups, pairs, fn, user);
	for (int side = 0; side < DIFF_SIDES; side++)
		free(pairs[side].items);
	return result;
}
