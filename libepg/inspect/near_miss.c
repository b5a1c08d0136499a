/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "inspect/near_miss.h"

#include <netinet/in.h>

#include "runtime/observe.h"

/*
 * Distances. A rule that matches as it stands is nearer than one that asks for something else; each field
 * that differs takes it further away.
 */
#define DISTANCE_RELATION 1 /* one line in the policy is missing */
#define DISTANCE_ANSWER 2
#define DISTANCE_FIELDS 1
#define DISTANCE_OTHER_DIRECTION 3
#define DISTANCE_A_FIELD 2
#define DISTANCE_A_PROTOCOL 3   /* ports or types may still be the same */
#define DISTANCE_INCOMPARABLE 5 /* nor do they mean the same */

/* The nearest ones so far. */
struct nearest {
	const struct catalog *catalog;
	const struct near_miss_packet *packet;
	struct near_miss *items; /* NEAR_MISSES_MAX */
	size_t n;
};

/* ---- does a rule match? ---- */

static bool in_range(struct catalog_range range, uint16_t value)
{
	return range.first <= value && value <= range.last;
}

bool near_miss_is_icmp(uint16_t kind)
{
	return kind == EPG_KIND_IPV4 + IPPROTO_ICMP || kind == EPG_KIND_IPV6 + IPPROTO_ICMPV6;
}

bool near_miss_matches_kind(const struct catalog_rule *rule, uint16_t kind)
{
	for (uint32_t i = 0; i < rule->n_kinds && i < ARRAY_SIZE(rule->kinds); i++)
		if (in_range(rule->kinds[i], kind))
			return true;
	return rule->n_kinds == 0;
}

/* Whether the other fields mean the same to rule and packet: ports, or type and code. */
static bool comparable(const struct catalog_rule *rule, uint16_t kind)
{
	return near_miss_matches_kind(rule, kind) ||
	       (rule->n_kinds > 0 && near_miss_is_icmp(rule->kinds[0].first) == near_miss_is_icmp(kind));
}

static unsigned int fields_missed(const struct catalog_rule *rule, const struct near_miss_packet *packet)
{
	unsigned int missed = 0;

	if (!near_miss_matches_kind(rule, packet->kind))
		missed |= 1u << EPG_FIELD_KIND;
	if (!comparable(rule, packet->kind))
		return missed;
	if (!in_range(rule->destination, packet->destination))
		missed |= 1u << EPG_FIELD_DESTINATION;
	if (!in_range(rule->source, packet->source))
		missed |= 1u << EPG_FIELD_SOURCE;
	if (!missed && !in_range(rule->flags, packet->flags))
		missed |= 1u << EPG_FIELD_FLAGS;
	return missed;
}

/* The packet that this one would be the answer to. */
static struct near_miss_packet opposite(const struct near_miss_packet *packet)
{
	bool icmp = near_miss_is_icmp(packet->kind);

	return (struct near_miss_packet){
		.source_class = packet->destination_class,
		.destination_class = packet->source_class,
		.kind = packet->kind,
		.destination = icmp ? packet->destination : packet->source,
		.source = icmp ? packet->source : packet->destination,
		.flags = packet->flags,
	};
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
	unsigned int others = fields & ~(1u << EPG_FIELD_KIND);
	unsigned int distance = DISTANCE_A_FIELD * (unsigned int)__builtin_popcount(others);

	if (fields != others)
		distance += comparable(rule, kind) ? DISTANCE_A_PROTOCOL : DISTANCE_INCOMPARABLE;
	return distance;
}

static void offer_fields(struct nearest *nearest, uint32_t rule, enum near_miss_cause cause, unsigned int fields,
			 unsigned int distance)
{
	distance += distance_of(&nearest->catalog->rules[rule], nearest->packet->kind, fields);
	offer(nearest, (struct near_miss){rule, cause, fields, distance});
}

/* ---- rules between the two groups ---- */

static void search_between(struct nearest *nearest)
{
	const struct near_miss_packet *packet = nearest->packet;
	const struct catalog *catalog = nearest->catalog;
	const struct catalog_rule_set *set =
		catalog_rules_between(catalog, packet->source_class, packet->destination_class);

	for (uint32_t i = 0; set && i < set->count; i++) {
		uint32_t rule = catalog->members[set->first + i].rule;
		unsigned int fields = fields_missed(&catalog->rules[rule], packet);

		if (fields)
			offer_fields(nearest, rule, NEAR_MISS_FIELDS, fields, DISTANCE_FIELDS);
	}
}

/* Rules by which the packet's destination may open connections to its source. */
static void search_opposite(struct nearest *nearest)
{
	const struct near_miss_packet *packet = nearest->packet;
	const struct catalog *catalog = nearest->catalog;
	const struct near_miss_packet answered = opposite(packet);
	const struct catalog_rule_set *set =
		catalog_rules_between(catalog, packet->destination_class, packet->source_class);

	for (uint32_t i = 0; set && i < set->count; i++) {
		uint32_t index = catalog->members[set->first + i].rule;
		const struct catalog_rule *rule = &catalog->rules[index];
		unsigned int fields = fields_missed(rule, packet);

		if (rule->reverse)
			continue;
		if (fields == 0)
			offer_fields(nearest, index, NEAR_MISS_DIRECTION, 0, DISTANCE_RELATION);
		else if (fields_missed(rule, &answered) == 0)
			offer_fields(nearest, index, NEAR_MISS_REPLY, 0, DISTANCE_ANSWER);
		else
			offer_fields(nearest, index, NEAR_MISS_DIRECTION, fields, DISTANCE_OTHER_DIRECTION);
	}
}

/* ---- rules of contracts that join the two groups by one end only ---- */

static bool has_relation(const struct catalog *catalog, uint32_t group, uint32_t contract, bool consume)
{
	for (size_t i = observe_relations(catalog, group, contract); i < catalog->n_relations; i++) {
		const struct catalog_relation *relation = &catalog->relations[i];

		if (relation->group != group || relation->contract != contract)
			break;
		if (!relation->consume == !consume)
			return true;
	}
	return false;
}

static bool set_has_contract(const struct catalog *catalog, const struct catalog_rule_set *set, uint32_t contract)
{
	for (uint32_t i = 0; set && i < set->count; i++)
		if (catalog->rules[catalog->members[set->first + i].rule].contract == contract)
			return true;
	return false;
}

static void offer_contract(struct nearest *nearest, uint32_t contract, enum near_miss_cause cause)
{
	const struct catalog *catalog = nearest->catalog;
	uint32_t first = catalog->contracts[contract].first_rule;

	for (uint32_t i = 0; i < catalog->contracts[contract].n_rules; i++) {
		const struct catalog_rule *rule = &catalog->rules[first + i];

		if (!rule->reverse && fields_missed(rule, nearest->packet) == 0)
			offer_fields(nearest, first + i, cause, 0,
				     cause == NEAR_MISS_PROVIDE ? DISTANCE_ANSWER : DISTANCE_RELATION);
	}
}

/* What the destination provides and the source does not consume. */
static void search_provided(struct nearest *nearest, uint32_t source, uint32_t destination)
{
	const struct catalog *catalog = nearest->catalog;

	for (size_t i = observe_relations(catalog, destination, 0); i < catalog->n_relations; i++) {
		const struct catalog_relation *relation = &catalog->relations[i];

		if (relation->group != destination)
			break;
		if (!relation->consume && !has_relation(catalog, source, relation->contract, true))
			offer_contract(nearest, relation->contract, NEAR_MISS_CONSUME);
	}
}

/* What the source consumes, and the destination does not provide, or provides out of the contract's scope. */
static void search_consumed(struct nearest *nearest, uint32_t source, uint32_t destination)
{
	const struct catalog *catalog = nearest->catalog;
	const struct catalog_rule_set *set =
		catalog_rules_between(catalog, nearest->packet->source_class, nearest->packet->destination_class);

	for (size_t i = observe_relations(catalog, source, 0); i < catalog->n_relations; i++) {
		const struct catalog_relation *relation = &catalog->relations[i];

		if (relation->group != source)
			break;
		if (!relation->consume)
			continue;
		if (!has_relation(catalog, destination, relation->contract, false))
			offer_contract(nearest, relation->contract, NEAR_MISS_PROVIDE);
		else if (!set_has_contract(catalog, set, relation->contract))
			offer_contract(nearest, relation->contract, NEAR_MISS_SCOPE);
	}
}

static void search_one_sided(struct nearest *nearest)
{
	const struct catalog *catalog = nearest->catalog;
	const struct catalog_group *source = catalog_group_by_class(catalog, nearest->packet->source_class);
	const struct catalog_group *destination = catalog_group_by_class(catalog, nearest->packet->destination_class);

	if (!source || !destination)
		return;
	search_provided(nearest, (uint32_t)(source - catalog->groups), (uint32_t)(destination - catalog->groups));
	search_consumed(nearest, (uint32_t)(source - catalog->groups), (uint32_t)(destination - catalog->groups));
}

size_t near_miss_find(const struct catalog *catalog, const struct near_miss_packet *packet,
		      struct near_miss ret[NEAR_MISSES_MAX])
{
	struct nearest nearest = {catalog, packet, ret, 0};

	search_between(&nearest);
	search_opposite(&nearest);
	search_one_sided(&nearest);
	return nearest.n;
}
