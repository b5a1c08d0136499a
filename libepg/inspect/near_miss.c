/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "inspect/near_miss.h"

#include "runtime/observe.h"

/*
 * Distances. A rule that matches as it stands is nearer than one that asks for something else; each field
 * that differs takes it further away.
 */
#define DISTANCE_RELATION 1 /* one line in the policy is missing */
#define DISTANCE_ANSWER 2
#define DISTANCE_FIELDS 1
#define DISTANCE_OTHER_DIRECTION 3
#define DISTANCE_A_FIELD 2      /* ports, types: what a question is about */
#define DISTANCE_A_DETAIL 1     /* flags, DSCP, fragments */
#define DISTANCE_A_PROTOCOL 3   /* ports or types may still be the same */
#define DISTANCE_INCOMPARABLE 5 /* nor do they mean the same */

/* The nearest ones so far. */
struct nearest {
	const struct rule_book *book;
	const struct catalog *catalog;
	const struct rule_packet *packet;
	struct near_miss *items; /* NEAR_MISSES_MAX */
	size_t n;
};

static bool permits(const struct nearest *nearest, uint32_t rule)
{
	return rule_book_rule(nearest->book, rule)->action == EPG_PERMIT;
}

static bool is_audited(const struct nearest *nearest, uint32_t rule)
{
	return rule_book_rule(nearest->book, rule)->flags & EPG_RULE_AUDIT;
}

/* ---- collecting ---- */

static bool nearer(const struct near_miss *a, const struct near_miss *b)
{
	if (a->distance != b->distance)
		return a->distance < b->distance;
	if (a->cause != b->cause)
		return a->cause < b->cause;
	return a->rule < b->rule;
}

/* Both directions of a stateless entry are one thing to tell. */
static bool same_entry(const struct catalog *catalog, uint32_t left, uint32_t right)
{
	const struct catalog_rule *a = &catalog->rules[left], *b = &catalog->rules[right];

	return a->contract == b->contract && a->subject == b->subject && a->filter == b->filter &&
	       a->entry == b->entry && a->line == b->line;
}

static void remove_at(struct nearest *nearest, size_t place)
{
	nearest->n--;
	for (size_t i = place; i < nearest->n; i++)
		nearest->items[i] = nearest->items[i + 1];
}

static void offer(struct nearest *nearest, struct near_miss miss)
{
	size_t place;

	for (size_t i = 0; i < nearest->n; i++) {
		if (!same_entry(nearest->catalog, nearest->items[i].rule, miss.rule))
			continue;
		if (!nearer(&miss, &nearest->items[i]))
			return;
		remove_at(nearest, i);
		break;
	}
	if (nearest->n == NEAR_MISSES_MAX) {
		if (!nearer(&miss, &nearest->items[nearest->n - 1]))
			return;
		nearest->n--;
	}
	for (place = nearest->n; place > 0 && nearer(&miss, &nearest->items[place - 1]); place--)
		nearest->items[place] = nearest->items[place - 1];
	nearest->items[place] = miss;
	nearest->n++;
}

static unsigned int distance_of(const struct catalog_rule *rule, uint16_t kind, unsigned int fields)
{
	unsigned int ports = fields & (1u << EPG_FIELD_DESTINATION | 1u << EPG_FIELD_SOURCE);
	unsigned int details = fields & ~ports & ~(1u << EPG_FIELD_KIND);
	unsigned int distance = DISTANCE_A_FIELD * (unsigned int)__builtin_popcount(ports) +
				DISTANCE_A_DETAIL * (unsigned int)__builtin_popcount(details);

	if (fields & 1u << EPG_FIELD_KIND)
		distance += rule_match_comparable(rule, kind) ? DISTANCE_A_PROTOCOL : DISTANCE_INCOMPARABLE;
	return distance;
}

static void offer_fields(struct nearest *nearest, uint32_t rule, enum near_miss_cause cause, unsigned int fields,
			 unsigned int distance)
{
	distance += distance_of(&nearest->catalog->rules[rule], nearest->packet->kind, fields);
	offer(nearest, (struct near_miss){rule, cause, fields, distance});
}

/* ---- rules between the two groups ---- */

static void search_between(struct nearest *nearest, const struct rule_pairs *pairs)
{
	const struct catalog *catalog = nearest->catalog;

	for (size_t i = 0; i < pairs->n; i++) {
		for (uint32_t j = 0; j < pairs->sets[i]->count; j++) {
			uint32_t rule = catalog->members[pairs->sets[i]->first + j].rule;
			unsigned int fields = rule_match_missed(&catalog->rules[rule], nearest->packet);

			if (!permits(nearest, rule))
				continue;
			if (fields)
				offer_fields(nearest, rule, NEAR_MISS_FIELDS, fields, DISTANCE_FIELDS);
			else if (is_audited(nearest, rule))
				offer_fields(nearest, rule, NEAR_MISS_AUDIT, 0, DISTANCE_RELATION);
		}
	}
}

static void offer_opposite(struct nearest *nearest, uint32_t index)
{
	const struct catalog_rule *rule = &nearest->catalog->rules[index];
	const struct rule_packet answered = rule_match_opposite(nearest->packet);
	unsigned int fields = rule_match_missed(rule, nearest->packet);

	if (rule->reverse || !permits(nearest, index) || is_audited(nearest, index))
		return;
	if (fields == 0)
		offer_fields(nearest, index, NEAR_MISS_DIRECTION, 0, DISTANCE_RELATION);
	else if (rule_match_missed(rule, &answered) == 0)
		offer_fields(nearest, index, NEAR_MISS_REPLY, 0, DISTANCE_ANSWER);
	else
		offer_fields(nearest, index, NEAR_MISS_DIRECTION, fields, DISTANCE_OTHER_DIRECTION);
}

/* Rules by which the packet's destination may open connections to its source. */
static void search_opposite(struct nearest *nearest)
{
	const struct catalog *catalog = nearest->catalog;
	const struct rule_pairs pairs =
		rule_match_pairs(catalog, nearest->packet->destination_class, nearest->packet->source_class);

	for (size_t i = 0; i < pairs.n && !pairs.intra; i++)
		for (uint32_t j = 0; j < pairs.sets[i]->count; j++)
			offer_opposite(nearest, catalog->members[pairs.sets[i]->first + j].rule);
}

/* ---- rules of contracts that join the two groups by one end only ---- */

/* The relations of a group, then those that it has as any group of its VRF. */
struct relations {
	const struct catalog *catalog;
	uint32_t group, vrf;
	bool of_vrf;
	size_t next;
};

static struct relations relations_of(const struct catalog *catalog, uint32_t group)
{
	return (struct relations){catalog, group, catalog->groups[group].vrf, false,
				  observe_relations(catalog, group, 0)};
}

/* NULL: no more. */
static const struct catalog_relation *next_relation(struct relations *relations)
{
	const struct catalog *catalog = relations->catalog;

	while (relations->next < catalog->n_relations) {
		const struct catalog_relation *relation = &catalog->relations[relations->next];

		if (!relations->of_vrf && relation->group != relations->group) {
			relations->of_vrf = true;
			relations->next = observe_relations(catalog, CATALOG_NONE, 0);
			continue;
		}
		relations->next++;
		if (!relations->of_vrf || relation->vrf == relations->vrf)
			return relation;
	}
	return NULL;
}

static bool has_relation(const struct catalog *catalog, uint32_t group, uint32_t contract,
			 enum catalog_relation_kind kind)
{
	struct relations relations = relations_of(catalog, group);
	const struct catalog_relation *relation;

	while ((relation = next_relation(&relations)))
		if (relation->contract == contract && relation->kind == kind)
			return true;
	return false;
}

static bool pairs_have_contract(const struct catalog *catalog, const struct rule_pairs *pairs, uint32_t contract)
{
	for (size_t i = 0; i < pairs->n; i++)
		for (uint32_t j = 0; j < pairs->sets[i]->count; j++)
			if (catalog->rules[catalog->members[pairs->sets[i]->first + j].rule].contract == contract)
				return true;
	return false;
}

static void offer_contract(struct nearest *nearest, uint32_t contract, enum near_miss_cause cause)
{
	const struct catalog *catalog = nearest->catalog;

	for (uint32_t i = 0; i < catalog->contracts[contract].n_rules; i++) {
		uint32_t index = catalog_contract_rule(catalog, &catalog->contracts[contract], i);
		const struct catalog_rule *rule = &catalog->rules[index];

		if (!rule->reverse && permits(nearest, index) && !is_audited(nearest, index) &&
		    rule_match_missed(rule, nearest->packet) == 0)
			offer_fields(nearest, index, cause, 0,
				     cause == NEAR_MISS_PROVIDE ? DISTANCE_ANSWER : DISTANCE_RELATION);
	}
}

/* What the destination provides and the source does not consume; within one group, what it provides to others. */
static void search_provided(struct nearest *nearest, uint32_t source, uint32_t destination, bool intra)
{
	const struct catalog *catalog = nearest->catalog;
	struct relations relations = relations_of(catalog, destination);
	const struct catalog_relation *relation;

	while ((relation = next_relation(&relations))) {
		if (relation->kind != CATALOG_PROVIDES)
			continue;
		if (intra && !has_relation(catalog, source, relation->contract, CATALOG_INTRA))
			offer_contract(nearest, relation->contract, NEAR_MISS_INTRA);
		else if (!intra && !has_relation(catalog, source, relation->contract, CATALOG_CONSUMES))
			offer_contract(nearest, relation->contract, NEAR_MISS_CONSUME);
	}
}

/* What the source consumes, and the destination does not provide, or provides out of the contract's scope. */
static void search_consumed(struct nearest *nearest, const struct rule_pairs *pairs, uint32_t source,
			    uint32_t destination)
{
	const struct catalog *catalog = nearest->catalog;
	struct relations relations = relations_of(catalog, source);
	const struct catalog_relation *relation;

	while ((relation = next_relation(&relations))) {
		if (relation->kind != CATALOG_CONSUMES)
			continue;
		if (!has_relation(catalog, destination, relation->contract, CATALOG_PROVIDES))
			offer_contract(nearest, relation->contract, NEAR_MISS_PROVIDE);
		else if (!pairs_have_contract(catalog, pairs, relation->contract))
			offer_contract(nearest, relation->contract, NEAR_MISS_SCOPE);
	}
}

static void search_one_sided(struct nearest *nearest, const struct rule_pairs *pairs)
{
	const struct catalog *catalog = nearest->catalog;
	const struct catalog_group *from = catalog_group_by_class(catalog, nearest->packet->source_class);
	const struct catalog_group *to = catalog_group_by_class(catalog, nearest->packet->destination_class);
	uint32_t source, destination;

	if (!from || !to)
		return;
	source = (uint32_t)(from - catalog->groups);
	destination = (uint32_t)(to - catalog->groups);
	search_provided(nearest, source, destination, pairs->intra);
	if (!pairs->intra)
		search_consumed(nearest, pairs, source, destination);
}

size_t near_miss_find(const struct rule_book *book, const struct rule_packet *packet,
		      struct near_miss ret[NEAR_MISSES_MAX])
{
	struct nearest nearest = {book, book->catalog, packet, ret, 0};
	const struct rule_pairs pairs =
		rule_match_pairs(book->catalog, packet->source_class, packet->destination_class);

	search_between(&nearest, &pairs);
	search_opposite(&nearest);
	search_one_sided(&nearest, &pairs);
	return nearest.n;
}
