/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Packets held against rules, field by field, as the catalog knows both: to say why, never to decide. */
#ifndef EPG_RULE_MATCH_H
#define EPG_RULE_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile/catalog.h"

/* The rules of a generation. */
struct rule_book {
	const struct catalog *catalog;
};

const struct epg_rule *rule_book_rule(const struct rule_book *book, uint32_t index);

/* What rules see of a packet: its groups, and the fields of enum epg_field. */
struct rule_packet {
	uint16_t source_class;
	uint16_t destination_class;
	uint16_t kind;
	uint16_t destination;
	uint16_t source;
	uint8_t flags; /* EPG_FLAG_… */
	uint8_t dscp;
	uint8_t fragment; /* enum epg_piece */
};

/* EPG_KIND_… with the ICMP of its family: the fields are type and code, not ports. */
bool rule_match_is_icmp(uint16_t kind);
bool rule_match_has_kind(const struct catalog_rule *rule, uint16_t kind);

/*
 * Bits 1 << enum epg_field that the packet does not match; 0: it matches. Fields that mean something else to the rule,
 * as an ICMP type does to a port, are left out.
 */
unsigned int rule_match_missed(const struct catalog_rule *rule, const struct rule_packet *packet);
/* The other fields mean the same to both, even where the protocols differ. */
bool rule_match_comparable(const struct catalog_rule *rule, uint16_t kind);

/* The packet that this one would be the answer to. */
struct rule_packet rule_match_opposite(const struct rule_packet *packet);

/* Pairs that are asked about one packet (struct epg_bucket). */
#define RULE_PAIRS_MAX 5

struct rule_pairs {
	const struct catalog_rule_set *sets[RULE_PAIRS_MAX];
	size_t n;
	bool intra; /* within one group */
};

/* Their rule sets; those without rules are left out. */
struct rule_pairs rule_match_pairs(const struct catalog *catalog, uint16_t source, uint16_t destination);

/*
 * Rules that match the packet, enforced ones only, in order of precedence: at most `max` of them. Returns how many
 * there are.
 */
size_t rule_match_all(const struct rule_book *book, const struct rule_packet *packet, uint32_t *rules, size_t max);

#endif
