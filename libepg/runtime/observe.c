/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/observe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "runtime/libbpf_log.h"

uint32_t observe_generation(const struct instance *instance)
{
	return EPG_ACTIVE_GENERATION(__atomic_load_n(&instance->control->active, __ATOMIC_ACQUIRE));
}

/* Generation numbers wrap around: the difference says which one is later. */
static bool is_due(uint32_t next_generation, uint32_t running)
{
	return next_generation != 0 && (int32_t)(running - next_generation) >= 0;
}

const struct epg_binding *observe_binding(const struct epg_endpoint *endpoint, uint32_t running)
{
	return is_due(endpoint->next_generation, running) ? &endpoint->next : &endpoint->now;
}

const struct epg_owner *observe_owner(const struct epg_address *address, uint32_t running)
{
	return is_due(address->next_generation, running) ? &address->next : &address->now;
}

int observe_running(struct epg *epg, struct instance *instance, struct generation **ret)
{
	if (observe_generation(instance) == 0) {
		*ret = NULL;
		return 0;
	}
	return generation_open_running(epg, instance, ret);
}

const char *observe_group(const struct catalog *catalog, uint16_t class_id, char text[EPG_NAME_MAX])
{
	const struct catalog_group *group;

	if (class_id == EPG_CLASS_NONE)
		return "";
	group = catalog ? catalog_group_by_class(catalog, class_id) : NULL;
	if (group)
		return catalog_string(catalog, group->name);
	snprintf(text, EPG_NAME_MAX, "class %u", class_id);
	return text;
}

static bool relation_below(const struct catalog_relation *relation, uint32_t group, uint32_t contract)
{
	return relation->group < group || (relation->group == group && relation->contract < contract);
}

size_t observe_relations(const struct catalog *catalog, uint32_t group, uint32_t contract)
{
	size_t low = 0, high = catalog->n_relations;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (relation_below(&catalog->relations[middle], group, contract))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int observe_stats(struct epg *epg, int fd, uint64_t ret[EPG_STAT_COUNT])
{
	LIBBPF_LOG(epg);
	uint64_t totals[EPG_STAT_COUNT] = {0};
	AUTO_FREE uint64_t *values = NULL;
	int cpus = libbpf_num_possible_cpus();

	if (cpus < 0)
		return context_fail_kernel(epg, cpus, "stats", "can't tell how many CPUs there are");
	values = calloc((size_t)cpus, sizeof(*values));
	if (!values)
		return context_fail_kernel(epg, -ENOMEM, "stats", "can't read the map");
	for (uint32_t stat = 0; stat < EPG_STAT_COUNT; stat++) {
		if (bpf_map_lookup_elem(fd, &stat, values))
			return context_fail_kernel(epg, -errno, "stats", "can't read the map");
		for (int cpu = 0; cpu < cpus; cpu++)
			totals[stat] += values[cpu];
	}
	memcpy(ret, totals, sizeof(totals));
	return 0;
}

const char *observe_interface(uint32_t ifindex, char name[IF_NAMESIZE])
{
	if (!if_indextoname(ifindex, name))
		name[0] = '\0';
	return name;
}
