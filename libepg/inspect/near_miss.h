/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Why no rule permitted a packet: the rules that were not far off, and what would have to be written. */
#ifndef EPG_NEAR_MISS_H
#define EPG_NEAR_MISS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile/catalog.h"

#define NEAR_MISSES_MAX 5

/* Two names of groups and one of a contract, with the words around them. */
#define NEAR_MISS_TEXT_MAX 1024

/* What rules see of a packet: its groups, and the fields of enum epg_field. */
struct near_miss_packet {
	uint16_t source_class;
	uint16_t destination_class;
	uint16_t kind;
	uint16_t destination;
	uint16_t source;
	uint16_t flags;
};

/* In the order in which they are told when they are equally near. */
enum near_miss_cause {
	NEAR_MISS_CONSUME,   /* the packet's source does not consume what its destination provides */
	NEAR_MISS_SCOPE,     /* it does, but the contract's scope does not reach that far */
	NEAR_MISS_DIRECTION, /* the rule lets the other side open connections */
	NEAR_MISS_PROVIDE,   /* the packet's destination does not provide what its source consumes */
	NEAR_MISS_REPLY,     /* the packet could only be an answer within a tracked flow */
	NEAR_MISS_FIELDS,    /* the rule stands between both, but asks for something else */
};

struct near_miss {
	uint32_t rule;
	enum near_miss_cause cause;
	unsigned int fields;   /* bits 1 << enum epg_field that the packet does not match */
	unsigned int distance; /* the smaller, the nearer */
};

/* EPG_KIND_… with the ICMP of its family: the fields are type and code, not ports. */
bool near_miss_is_icmp(uint16_t kind);
bool near_miss_matches_kind(const struct catalog_rule *rule, uint16_t kind);

/* Finds the nearest ones, best first; returns their number. Unknown groups have none. */
size_t near_miss_find(const struct catalog *catalog, const struct near_miss_packet *packet,
		      struct near_miss ret[NEAR_MISSES_MAX]);

/* Says in what the packet missed the rule. */
void near_miss_why(const struct catalog *catalog, const struct near_miss_packet *packet, const struct near_miss *miss,
		   char text[NEAR_MISS_TEXT_MAX]);

/* Says what to write into the policy so that the packet is permitted, going by the nearest miss, if there is one. */
void near_miss_hint(const struct catalog *catalog, const struct near_miss_packet *packet,
		    const struct near_miss *misses, size_t n, char text[NEAR_MISS_TEXT_MAX]);

#endif
