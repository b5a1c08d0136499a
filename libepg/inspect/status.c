/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* One look at everything. */
#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "runtime/counts.h"
#include "runtime/hooks.h"
#include "inspect/map_info.h"
#include "runtime/membership.h"
#include "runtime/observe.h"
#include "runtime/runtime.h"
#include "runtime/walk.h"

static int add_map(void *user, const struct epg_map_info *map)
{
	struct epg_status *status = user;

	status->memory_bytes += map->bytes;
	if (strcmp(map->name, "flows") == 0) {
		status->flows = map->entries;
		status->flows_capacity = map->capacity;
	}
	return 0;
}

static int add_drop(void *user, const void *key, const void *value)
{
	struct epg_status *status = user;
	const struct epg_counter *counter = value;

	(void)key;
	status->dropped_packets += counter->packets;
	status->dropped_bytes += counter->bytes;
	return 0;
}

struct endpoint_count {
	uint32_t generation;
	size_t n;
};

static int count_endpoint(void *user, const void *key, const void *value)
{
	struct endpoint_count *count = user;

	(void)key;
	if (observe_binding(value, count->generation)->class_id != EPG_CLASS_NONE)
		count->n++;
	return 0;
}

static int read_maps(struct epg *epg, struct instance *instance, struct epg_status *status)
{
	struct endpoint_count endpoints = {.generation = observe_generation(instance)};
	int error;

	error = walk_map(instance->fd.endpoints, count_endpoint, &endpoints);
	if (error)
		return context_fail_kernel(epg, error, "endpoints", "can't read the map");
	status->endpoints = endpoints.n;
	error = walk_map(instance->fd.drops, add_drop, status);
	if (error)
		return context_fail_kernel(epg, error, "drops", "can't read the map");
	error = observe_stats(epg, instance->fd.stats, status->stats);
	return error ? error : map_info_each(epg, instance, add_map, status);
}

/* Quarantined: attached, but bound to no group of the running policy. */
static int read_hooks(struct epg *epg, struct instance *instance, const struct generation *running,
		      struct epg_status *status)
{
	AUTO_FREE struct hooks *hooks = NULL;
	size_t count;
	int error = hooks_read(epg, &hooks, &count);

	if (error)
		return error;
	status->attached = count;
	for (size_t i = 0; i < count; i++) {
		struct epg_binding binding;

		if (!running || !membership_find(instance, hooks[i].ifindex, &binding) ||
		    !catalog_group_by_class(&running->catalog, binding.class_id))
			status->quarantined++;
	}
	return 0;
}

static int read_running(struct epg *epg, const struct generation *running, struct epg_status *status)
{
	const struct catalog *catalog = &running->catalog;

	status->file = arena_string(epg->answer, catalog->file, strlen(catalog->file));
	if (!status->file)
		return context_fail_kernel(epg, -ENOMEM, NULL, "can't tell the status");
	status->applied_at = running->applied_at;
	status->groups = catalog->n_groups;
	status->contracts = catalog->n_contracts;
	status->rules = catalog->n_rules;
	status->pairs = catalog->n_pairs;
	for (uint32_t i = 0; i < catalog->n_rules; i++) {
		struct epg_counter counter;

		status->rules -= catalog_rule_is_gone(&catalog->rules[i]);
		if (catalog->rules[i].what.action != EPG_PERMIT)
			continue;
		counter = generation_counter(running, i);
		status->permitted_packets += counter.packets;
		status->permitted_bytes += counter.bytes;
	}
	return 0;
}

static int read_instance(struct epg *epg, struct instance *instance, struct epg_status *status)
{
	AUTO(generation_close) struct generation *running = NULL;
	int error = observe_running(epg, instance, &running);

	if (error)
		return error;
	status->loaded = true;
	status->generation = running ? running->number : 0;
	status->previous_generation = __atomic_load_n(&instance->control->previous_generation, __ATOMIC_RELAXED);
	error = running ? counts_read(epg, instance, running) : 0;
	if (!error && running)
		error = read_running(epg, running, status);
	if (!error)
		error = read_hooks(epg, instance, running, status);
	return error ? error : read_maps(epg, instance, status);
}

/* Not loaded is an answer here, not a failure. */
static int open_if_loaded(struct epg *epg, struct instance **ret)
{
	int error = instance_open(epg, ret);

	if (error != -ENODEV)
		return error;
	context_clear(epg);
	*ret = NULL;
	return 0;
}

int epg_status(struct epg *epg, struct epg_status *ret)
{
	CONTEXT_CALL(epg);
	struct epg_status status = {.pin = epg->pin, .file = ""};
	struct instance *instance;
	int error = open_if_loaded(epg, &instance);

	if (error)
		return error;
	epg->answer = arena_new();
	if (!epg->answer)
		return context_fail_kernel(epg, -ENOMEM, NULL, "can't tell the status");
	error = instance ? read_instance(epg, instance, &status) : 0;
	if (error)
		return error;
	*ret = status;
	return 0;
}
