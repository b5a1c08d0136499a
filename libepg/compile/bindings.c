/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/bindings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/util.h"

/* An endpoint, or a match of interfaces, and where it stands. */
struct source {
	const char *interface;
	struct place place;
	uint32_t group;                        /* index */
	const struct model_endpoint *endpoint; /* NULL: a match */
};

/* Exact names before globs, either in the order of the file. */
static int compare_sources(const void *left, const void *right)
{
	const struct source *a = left, *b = right;

	if (!a->endpoint != !b->endpoint)
		return a->endpoint ? -1 : 1;
	if (a->place.line != b->place.line)
		return a->place.line < b->place.line ? -1 : 1;
	return (a->place.column > b->place.column) - (a->place.column < b->place.column);
}

static size_t list_sources(const struct model *model, struct source *sources)
{
	size_t n = 0;

	for (uint32_t i = 0; i < model->n_groups; i++) {
		const struct model_group *group = &model->groups[i];

		for (size_t j = 0; j < group->n_endpoints; j++) {
			const struct model_endpoint *endpoint = &group->endpoints[j];

			sources[n++] = (struct source){endpoint->interface, endpoint->place, i, endpoint};
		}
		for (size_t j = 0; j < group->n_matches; j++) {
			const struct model_match *match = &group->matches[j];

			if (match->interface)
				sources[n++] = (struct source){match->interface, match->place, i, NULL};
		}
	}
	return n;
}

static int add_addresses(struct draft *draft, const struct model_endpoint *endpoint, struct catalog_binding *binding)
{
	struct catalog_address *addresses;

	binding->first_address = (uint32_t)draft->n_addresses;
	binding->n_addresses = (uint32_t)endpoint->n_ips;
	if (!endpoint->n_ips)
		return 0;
	addresses = draft_add_addresses(draft, endpoint->n_ips);
	if (!addresses)
		return -ENOMEM;
	for (size_t i = 0; i < endpoint->n_ips; i++)
		memcpy(addresses[i].address, endpoint->ips[i].address, sizeof(addresses[i].address));
	return 0;
}

static int add_binding(struct draft *draft, const struct source *source, const uint32_t *catalogued)
{
	struct catalog_binding *binding = draft_add_bindings(draft, 1);

	if (!binding || draft_string(draft, source->interface, &binding->interface))
		return -ENOMEM;
	binding->group = catalogued[source->group];
	binding->line = source->place.line;
	binding->glob = !source->endpoint;
	if (!source->endpoint)
		return 0;
	if (source->endpoint->has_mac)
		memcpy(binding->mac, source->endpoint->mac, sizeof(binding->mac));
	return add_addresses(draft, source->endpoint, binding);
}

int bindings_collect(const struct model *model, const uint32_t *catalogued, struct draft *draft)
{
	AUTO_FREE struct source *sources = NULL;
	size_t n = 0;

	for (size_t i = 0; i < model->n_groups; i++)
		n += model->groups[i].n_endpoints + model->groups[i].n_matches;
	sources = array_new(n, sizeof(*sources));
	if (!sources)
		return -ENOMEM;
	n = list_sources(model, sources);
	qsort(sources, n, sizeof(*sources), compare_sources);
	for (size_t i = 0; i < n; i++) {
		if (add_binding(draft, &sources[i], catalogued))
			return -ENOMEM;
	}
	return 0;
}
