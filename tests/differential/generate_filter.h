/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of the generator that writes filters, contracts and taboos. */
#ifndef EPG_TEST_GENERATE_FILTER_H
#define EPG_TEST_GENERATE_FILTER_H

#include <stdbool.h>

#include "document.h"
#include "pool.h"

struct generator {
	struct arena *arena;
	uint64_t *random;
	bool wide; /* contracts may bind groups of several VRFs */
	unsigned int tenants;
	unsigned int filters; /* of each tenant */
	unsigned int contracts;
	unsigned int taboos;
};

static inline unsigned int pick(struct generator *generator, unsigned int bound)
{
	return (unsigned int)random_below(generator->random, bound);
}

static inline bool chance(struct generator *generator, unsigned int percent)
{
	return pool_chance(generator->random, percent);
}

/* Index of a weight, as often as it weighs. */
unsigned int pick_weighted(struct generator *generator, const unsigned int *weights, unsigned int n);

/* Each adds a list to a tenant. */
void generate_filters(struct generator *generator, struct document_node *tenant);
void generate_contracts(struct generator *generator, struct document_node *tenant);
void generate_taboos(struct generator *generator, struct document_node *tenant);

#endif
