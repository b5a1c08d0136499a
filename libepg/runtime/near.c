/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/near.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/array.h"

/*
 * A CPU adds what it has counted to the entry once a jiffy, or when it needs the place for another endpoint. An entry
 * that is read meanwhile is read again; so often, where a busy CPU and a slow reader keep missing each other.
 */
#define ATTEMPTS 16

/* The map `near` at one moment. */
struct near {
	size_t cpus;
	struct epg_near *places; /* EPG_NEAR_ENDPOINTS, of each CPU */
};

struct entry {
	struct epg_endpoint_key key;
	struct epg_endpoint value;
};

struct entries {
	struct entry *items;
	size_t n, capacity;
};

static void near_clear(struct near *near)
{
	free(near->places);
}

static void entries_clear(struct entries *entries)
{
	free(entries->items);
}

static int near_init(struct near *near)
{
	int cpus = libbpf_num_possible_cpus();

	if (cpus < 0)
		return cpus;
	near->cpus = (size_t)cpus;
	near->places = calloc((size_t)EPG_NEAR_ENDPOINTS * near->cpus, sizeof(*near->places));
	return near->places ? 0 : -ENOMEM;
}

/* Those of one index, one a CPU. */
static struct epg_near *places_at(const struct near *near, uint32_t index)
{
	return near->places + (size_t)index * near->cpus;
}

static int read_places(const struct instance *instance, struct near *near, uint32_t index)
{
	return bpf_map_lookup_elem(instance->fd.near, &index, places_at(near, index)) ? -errno : 0;
}

static int read_all(const struct instance *instance, struct near *near)
{
	int error = 0;

	for (uint32_t index = 0; !error && index < EPG_NEAR_ENDPOINTS; index++)
		error = read_places(instance, near, index);
	return error;
}

/* No CPU has handed anything over in between. */
static bool are_same(const struct near *before, const struct near *after, uint32_t index)
{
	const struct epg_near *old = places_at(before, index), *new = places_at(after, index);

	for (size_t cpu = 0; cpu < before->cpus; cpu++)
		if (old[cpu].ifindex != new[cpu].ifindex || old[cpu].seen != new[cpu].seen ||
		    old[cpu].packets > new[cpu].packets)
			return false;
	return true;
}

static uint32_t index_of(const struct entry *entry)
{
	return entry->key.ifindex % EPG_NEAR_ENDPOINTS;
}

static void add_pending(const struct near *near, struct entry *entry)
{
	const struct epg_near *places = places_at(near, index_of(entry));

	for (size_t cpu = 0; cpu < near->cpus; cpu++) {
		if (places[cpu].ifindex != entry->key.ifindex)
			continue;
		entry->value.packets += places[cpu].packets;
		entry->value.bytes += places[cpu].bytes;
	}
}

/* Reads one entry, and what is pending of it, until both are of one moment. One that is gone stays as it was. */
static int read_again(const struct instance *instance, struct near *before, struct near *after, struct entry *entry)
{
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		int error = read_places(instance, before, index_of(entry));

		if (!error && bpf_map_lookup_elem(instance->fd.endpoints, &entry->key, &entry->value))
			error = errno == ENOENT ? 0 : -errno;
		if (!error)
			error = read_places(instance, after, index_of(entry));
		if (error || are_same(before, after, index_of(entry)))
			return error;
	}
	return 0;
}

static int collect(void *user, const void *key, const void *value)
{
	struct entries *entries = user;
	struct entry *entry;

	if (array_reserve(&entries->items, &entries->capacity, entries->n + 1, sizeof(*entries->items)))
		return -ENOMEM;
	entry = &entries->items[entries->n++];
	memcpy(&entry->key, key, sizeof(entry->key));
	memcpy(&entry->value, value, sizeof(entry->value));
	return 0;
}

/* Adds what was pending while the entries were read, between `before` and `after`. */
static int complete(const struct instance *instance, struct near *before, struct near *after, struct entries *entries)
{
	bool same[EPG_NEAR_ENDPOINTS];
	int error = 0;

	for (uint32_t index = 0; index < EPG_NEAR_ENDPOINTS; index++)
		same[index] = are_same(before, after, index);
	for (size_t i = 0; !error && i < entries->n; i++) {
		if (!same[index_of(&entries->items[i])])
			error = read_again(instance, before, after, &entries->items[i]);
		add_pending(before, &entries->items[i]);
	}
	return error;
}

static int read_entries(const struct instance *instance, struct entries *ret)
{
	__attribute__((cleanup(near_clear))) struct near before = {0}, after = {0};
	int error = near_init(&before);

	if (!error)
		error = near_init(&after);
	if (!error)
		error = read_all(instance, &before);
	if (!error)
		error = walk_map(instance->fd.endpoints, collect, ret);
	if (!error)
		error = read_all(instance, &after);
	return error ? error : complete(instance, &before, &after, ret);
}

int near_walk_endpoints(const struct instance *instance, walk_fn fn, void *user)
{
	__attribute__((cleanup(entries_clear))) struct entries entries = {0};
	int result = read_entries(instance, &entries);

	for (size_t i = 0; !result && i < entries.n; i++)
		result = fn(user, &entries.items[i].key, &entries.items[i].value);
	return result;
}
