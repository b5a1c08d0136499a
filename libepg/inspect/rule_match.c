/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "inspect/rule_match.h"

#include <netinet/in.h>

#include "base/util.h"

const struct epg_rule *rule_book_rule(const struct rule_book *book, uint32_t index)
{
	return &book->catalog->rules[index].what;
}

/* ---- one rule ---- */

static bool in_range(struct catalog_range range, uint16_t value)
{
	return range.first <= value && value <= range.last;
}

bool rule_match_is_icmp(uint16_t kind)
{
	return kind == EPG_KIND_IPV4 + IPPROTO_ICMP || kind == EPG_KIND_IPV6 + IPPROTO_ICMPV6;
}

bool rule_match_has_kind(const struct catalog_rule *rule, uint16_t kind)
{
	for (uint32_t i = 0; i < rule->n_kinds && i < ARRAY_SIZE(rule->kinds); i++)
		if (in_range(rule->kinds[i], kind))
			return true;
	return rule->n_kinds == 0;
}

/* What destination and source of a key mean: ports, type and code, opcode, nothing. */
enum meaning {
	MEANING_PORTS,
	MEANING_ICMP,
	MEANING_OTHER,
};

static enum meaning meaning_of(uint16_t kind)
{
	if (rule_match_is_icmp(kind))
		return MEANING_ICMP;
	return kind < EPG_KIND_IPV6 + 0x100 ? MEANING_PORTS : MEANING_OTHER;
}

bool rule_match_comparable(const struct catalog_rule *rule, uint16_t kind)
{
	if (rule_match_has_kind(rule, kind))
		return true;
	return meaning_of(rule->kinds[0].first) == meaning_of(kind) && meaning_of(kind) != MEANING_OTHER;
}

unsigned int rule_match_missed(const struct catalog_rule *rule, const struct rule_packet *packet)
{
	bool early = packet->fragment == EPG_PIECE_EARLY && rule->early;
	unsigned int missed = 0;

	if (!rule_match_has_kind(rule, packet->kind))
		missed |= 1u << EPG_FIELD_KIND;
	if (!in_range(rule->dscp, packet->dscp))
		missed |= 1u << EPG_FIELD_DSCP;
	if (!early && !in_range(rule->fragment, packet->fragment))
		missed |= 1u << EPG_FIELD_FRAGMENT;
	/* A later fragment does not show its ports: they are not wrong, they are not there. */
	if (early || !rule_match_comparable(rule, packet->kind) || missed & 1u << EPG_FIELD_FRAGMENT)
		return missed;
	if (!in_range(rule->destination, packet->destination))
		missed |= 1u << EPG_FIELD_DESTINATION;
	if (!in_range(rule->source, packet->source))
		missed |= 1u << EPG_FIELD_SOURCE;
	if (!(missed & 1u << EPG_FIELD_KIND) && !(rule->tcp_flags >> packet->flags & 1))
		missed |= 1u << EPG_FIELD_FLAGS;
	return missed;
}

struct rule_packet rule_match_opposite(const struct rule_packet *packet)
{
	bool ports = meaning_of(packet->kind) == MEANING_PORTS;
	struct rule_packet opposite = *packet;

	opposite.source_class = packet->destination_class;
	opposite.destination_class = packet->source_class;
	opposite.destination = ports ? packet->source : packet->destination;
	opposite.source = ports ? packet->destination : packet->source;
	return opposite;
}

/* ---- all rules of a pair ---- */

static void add_pair(struct rule_pairs *pairs, const struct catalog *catalog, uint16_t source, uint16_t destination)
{
	const struct catalog_rule_set *set = catalog_rules_between(catalog, source, destination);

	if (set)
		pairs->sets[pairs->n++] = set;
}

struct rule_pairs rule_match_pairs(const struct catalog *catalog, uint16_t source, uint16_t destination)
{
	const struct catalog_group *from = catalog_group_by_class(catalog, source);
	const struct catalog_group *to = catalog_group_by_class(catalog, destination);
	struct rule_pairs pairs = {.intra = from && from == to && !from->external};
	uint16_t source_vrf, destination_vrf;

	if (!from || !to)
		return pairs;
	add_pair(&pairs, catalog, source, destination);
	if (pairs.intra)
		return pairs;
	source_vrf = (uint16_t)catalog->vrfs[from->vrf].id;
	destination_vrf = (uint16_t)catalog->vrfs[to->vrf].id;
	add_pair(&pairs, catalog, EPG_CLASS_NONE, destination);
	add_pair(&pairs, catalog, source, destination_vrf);
	add_pair(&pairs, catalog, source_vrf, destination);
	add_pair(&pairs, catalog, source_vrf, destination_vrf);
	return pairs;
}

/* Precedence among all rules. */
static uint32_t leaf_of(const struct rule_book *book, uint32_t index)
{
	const struct epg_rule *rule = rule_book_rule(book, index);

	return EPG_LEAF(rule->level, rule->action, index);
}

/* Keeps the best `max` in order. */
static void insert(const struct rule_book *book, uint32_t rule, uint32_t *rules, size_t n, size_t max)
{
	size_t place = n < max ? n : max;

	while (place > 0 && leaf_of(book, rules[place - 1]) > leaf_of(book, rule))
		place--;
	if (place == max)
		return;
	for (size_t i = n < max ? n : max - 1; i > place; i--)
		rules[i] = rules[i - 1];
	rules[place] = rule;
}

size_t rule_match_all(const struct rule_book *book, const struct rule_packet *packet, uint32_t *rules, size_t max)
{
	const struct catalog *catalog = book->catalog;
	struct rule_pairs pairs = rule_match_pairs(catalog, packet->source_class, packet->destination_class);
	size_t n = 0;

	for (size_t i = 0; i < pairs.n; i++) {
		for (uint32_t j = 0; j < pairs.sets[i]->count; j++) {
			uint32_t rule = catalog->members[pairs.sets[i]->first + j].rule;

			if (rule_book_rule(book, rule)->flags & EPG_RULE_AUDIT ||
			    rule_match_missed(&catalog->rules[rule], packet))
				continue;
			insert(book, rule, rules, n++, max);
		}
	}
	return n;
}
