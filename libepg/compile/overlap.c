/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/overlap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/util.h"

/* Prefixes either nest or have nothing in common: those around the current one form a stack, at most one a length. */
#define NESTING_MAX 129

struct claimed {
	uint8_t first[16];
	uint8_t length;
	uint32_t vrf;
};

static struct claimed claim(const struct model_prefix *prefix, uint32_t vrf)
{
	struct claimed claimed = {.length = prefix->length, .vrf = vrf};

	memcpy(claimed.first, prefix->address, sizeof(claimed.first));
	for (unsigned int bit = prefix->length; bit < 128; bit++)
		claimed.first[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return claimed;
}

static size_t count_prefixes(const struct model *model)
{
	size_t n = 0;

	for (size_t i = 0; i < model->n_bridge_domains; i++)
		n += model->bridge_domains[i].n_subnets;
	for (size_t i = 0; i < model->n_groups; i++) {
		for (size_t j = 0; j < model->groups[i].n_endpoints; j++)
			n += model->groups[i].endpoints[j].n_ips;
		for (size_t j = 0; j < model->groups[i].n_matches; j++)
			n += model->groups[i].matches[j].n_ips;
	}
	return n;
}

static size_t collect(const struct model *model, struct claimed *claimed)
{
	size_t n = 0;

	for (size_t i = 0; i < model->n_bridge_domains; i++) {
		const struct model_bridge_domain *domain = &model->bridge_domains[i];

		for (size_t j = 0; j < domain->n_subnets; j++)
			claimed[n++] = claim(&domain->subnets[j], domain->vrf);
	}
	for (size_t i = 0; i < model->n_groups; i++) {
		const struct model_group *group = &model->groups[i];

		for (size_t j = 0; j < group->n_endpoints; j++)
			for (size_t k = 0; k < group->endpoints[j].n_ips; k++)
				claimed[n++] = claim(&group->endpoints[j].ips[k], group->vrf);
		for (size_t j = 0; j < group->n_matches; j++)
			for (size_t k = 0; k < group->matches[j].n_ips; k++)
				claimed[n++] = claim(&group->matches[j].ips[k], group->vrf);
	}
	return n;
}

/* Outer prefixes before those inside them. */
static int compare_claimed(const void *left, const void *right)
{
	const struct claimed *a = left, *b = right;
	int order = memcmp(a->first, b->first, sizeof(a->first));

	return order ? order : (a->length > b->length) - (a->length < b->length);
}

static bool contains(const struct claimed *outer, const struct claimed *inner)
{
	unsigned int bytes = outer->length / 8, bits = outer->length % 8;

	if (outer->length > inner->length || memcmp(outer->first, inner->first, bytes) != 0)
		return false;
	return !bits || !((outer->first[bytes] ^ inner->first[bytes]) >> (8 - bits));
}

static void mark_shared(const struct claimed *claimed, size_t n, bool *shared)
{
	const struct claimed *around[NESTING_MAX];
	size_t depth = 0;

	for (size_t i = 0; i < n; i++) {
		while (depth && !contains(around[depth - 1], &claimed[i]))
			depth--;
		for (size_t j = 0; j < depth; j++)
			if (around[j]->vrf != claimed[i].vrf)
				shared[around[j]->vrf] = shared[claimed[i].vrf] = true;
		/* The same prefix again says nothing new, once another VRF was noticed. */
		if (!depth || around[depth - 1]->length != claimed[i].length)
			around[depth++] = &claimed[i];
	}
}

int overlap_find(const struct model *model, bool **ret)
{
	AUTO_FREE struct claimed *claimed = array_new(count_prefixes(model), sizeof(*claimed));
	bool *shared = array_new(model->n_vrfs, sizeof(*shared));
	size_t n;

	if (!claimed || !shared) {
		free(shared);
		return -ENOMEM;
	}
	n = collect(model, claimed);
	if (n)
		qsort(claimed, n, sizeof(*claimed), compare_claimed);
	mark_shared(claimed, n, shared);
	*ret = shared;
	return 0;
}
