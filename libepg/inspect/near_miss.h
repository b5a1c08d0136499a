/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Why no rule permitted a packet: the rules that were not far off, and what would have to be written. */
#ifndef EPG_NEAR_MISS_H
#define EPG_NEAR_MISS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile/catalog.h"
#include "inspect/rule_match.h"

#define NEAR_MISSES_MAX 5

/* Two names of groups and one of a contract, with the words around them. */
#define NEAR_MISS_TEXT_MAX 1024

/* In the order in which they are told when they are equally near. */
enum near_miss_cause {
	NEAR_MISS_CONSUME,   /* the packet's source does not consume what its destination provides */
	NEAR_MISS_SCOPE,     /* it does, but the contract's scope does not reach that far */
	NEAR_MISS_INTRA,     /* the group has the contract, but not within itself */
	NEAR_MISS_AUDIT,     /* the rule stands between both and matches, but its subject is audited only */
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

/* Finds the nearest permits, best first; returns their number. Unknown groups have none. */
size_t near_miss_find(const struct rule_book *book, const struct rule_packet *packet,
		      struct near_miss ret[NEAR_MISSES_MAX]);

/* In what the packet missed the rule: bits 1 << enum epg_miss. */
uint32_t near_miss_missed(const struct rule_packet *packet, const struct near_miss *miss);

/* The same in words. */
void near_miss_why(const struct rule_book *book, const struct rule_packet *packet, const struct near_miss *miss,
		   char text[NEAR_MISS_TEXT_MAX]);

#endif
