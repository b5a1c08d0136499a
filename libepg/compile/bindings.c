/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/bindings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/util.h"

/* An endpoint, or a match of interfaces or stations, and where it stands. */
struct source {
	const char *interface;
	struct place place;
	uint32_t group; /* index */
	enum catalog_behind behind;
	bool glob;
	uint16_t vlan;
	const uint8_t *mac; /* NULL: not declared */
	const struct model_prefix *ips;
	size_t n_ips;
};

/* Within each kind exact names before globs, either in the order of the file. */
static int compare_sources(const void *left, const void *right)
{
	const struct source *a = left, *b = right;

	if (a->behind != b->behind)
		return a->behind < b->behind ? -1 : 1;
	if (a->glob != b->glob)
		return a->glob ? 1 : -1;
	if (a->place.line != b->place.line)
		return a->place.line < b->place.line ? -1 : 1;
	return (a->place.column > b->place.column) - (a->place.column < b->place.column);
}

static struct source source_of_endpoint(const struct model_endpoint *endpoint)
{
	return (struct source){
		.interface = endpoint->interface,
		.place = endpoint->place,
		.mac = endpoint->has_mac ? endpoint->mac : NULL,
		.ips = endpoint->ips,
		.n_ips = endpoint->n_ips,
	};
}

/* Whoever matches an interface itself gives way to `endpoints`, even with a plain name: such a match counts as a glob. */
static struct source source_of_match(const struct model_match *match)
{
	bool behind = model_match_is_behind(match);

	return (struct source){
		.interface = match->interface ? match->interface : "*",
		.place = match->place,
		.behind = !behind            ? CATALOG_ALONE
			  : match->interface ? CATALOG_BEHIND
					     : CATALOG_BEHIND_UPLINK,
		.glob = !behind || !match->interface || strpbrk(match->interface, "*?[\\"),
		.vlan = match->vlan,
		.mac = match->has_mac ? match->mac : NULL,
		.ips = match->ips,
		.n_ips = match->n_ips,
	};
}

static size_t list_sources(const struct model *model, struct source *sources)
{
	size_t n = 0;

	for (uint32_t i = 0; i < model->n_groups; i++) {
		const struct model_group *group = &model->groups[i];
		size_t first = n;

		for (size_t j = 0; j < group->n_endpoints; j++)
			sources[n++] = source_of_endpoint(&group->endpoints[j]);
		for (size_t j = 0; j < group->n_matches; j++) {
			if (!model_match_is_prefix(&group->matches[j]))
				sources[n++] = source_of_match(&group->matches[j]);
		}
		while (first < n)
			sources[first++].group = i;
	}
	return n;
}

static int add_addresses(struct draft *draft, const struct source *source, struct catalog_binding *binding)
{
	struct catalog_address *addresses;

	binding->first_address = (uint32_t)draft->n_addresses;
	binding->n_addresses = (uint32_t)source->n_ips;
	if (!source->n_ips)
		return 0;
	addresses = draft_add_addresses(draft, source->n_ips);
	if (!addresses)
		return -ENOMEM;
	for (size_t i = 0; i < source->n_ips; i++)
		memcpy(addresses[i].address, source->ips[i].address, sizeof(addresses[i].address));
	return 0;
}

static int add_binding(struct draft *draft, const struct source *source, const uint32_t *catalogued)
{
	struct catalog_binding *binding = draft_add_bindings(draft, 1);

	if (!binding || draft_string(draft, source->interface, &binding->interface))
		return -ENOMEM;
	binding->group = catalogued[source->group];
	binding->line = source->place.line;
	binding->glob = source->glob;
	binding->behind = source->behind;
	binding->vlan = source->vlan;
	if (source->mac)
		memcpy(binding->mac, source->mac, sizeof(binding->mac));
	return add_addresses(draft, source, binding);
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
