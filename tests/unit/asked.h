/* SPDX-License-Identifier: GPL-2.0-only */
/* A question about a policy as text: what nearly permitted a packet, and what would. */
#ifndef EPG_TEST_ASKED_H
#define EPG_TEST_ASKED_H

#include "compiled.h"
#include "inspect/near_miss.h"
#include "inspect/remedy.h"

struct asked {
	struct compiled compiled;
	struct rule_packet packet;
	struct near_miss misses[NEAR_MISSES_MAX];
	size_t n;
	char why[NEAR_MISS_TEXT_MAX]; /* of the nearest one */
	struct remedy remedy;
};

static inline struct rule_book book_of(const struct compiled *compiled)
{
	return (struct rule_book){&compiled->catalog};
}

static inline void asked_why(struct asked *asked, size_t miss)
{
	const struct rule_book book = book_of(&asked->compiled);

	near_miss_why(&book, &asked->packet, &asked->misses[miss], asked->why);
}

/* The rule that decides is the tables' own answer. */
static inline struct asked ask_about(const char *policy, const char *source, const char *destination,
				     const struct rule_packet *fields)
{
	struct asked asked = {.compiled = compile_text(policy, NULL), .packet = *fields};
	const struct rule_book book = book_of(&asked.compiled);
	const struct packet_fields key = {fields->kind, fields->destination, fields->source,   fields->flags,
					  fields->dscp, fields->fragment,    EPG_VIEW_ENFORCED};
	uint32_t leaf = compiled_leaf(&asked.compiled, source, destination, key);

	asked.packet.source_class = compiled_class(&asked.compiled, source);
	asked.packet.destination_class = compiled_class(&asked.compiled, destination);
	asked.n = near_miss_find(&book, &asked.packet, asked.misses);
	cr_assert(asked.n <= NEAR_MISSES_MAX);
	if (asked.n > 0)
		asked_why(&asked, 0);
	remedy_find(&book, &asked.packet, EPG_LEAF_RULE(leaf), asked.misses, asked.n, &asked.remedy);
	return asked;
}

#endif
