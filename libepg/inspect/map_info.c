/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The maps of an instance: their pins, how full they are, what they cost. */
#include "inspect/map_info.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/array.h"
#include "inspect/flow_fill.h"
#include "runtime/flow_table.h"
#include "runtime/walk.h"

static const struct {
	const char *name;
	size_t fd; /* offset in struct instance */
} instance_maps[] = {
#define INSTANCE_MAP(name) {#name, offsetof(struct instance, fd.name)},
	INSTANCE_MAPS(INSTANCE_MAP)
#undef INSTANCE_MAP
};

/* What a generation pins. */
static const char *const generation_maps[] = {
#define GENERATION_MAP(name, type) #name,
	EPG_TABLES(GENERATION_MAP)
#undef GENERATION_MAP
		"catalog",
	"source",
};

static const char *type_name(uint32_t type)
{
	switch (type) {
	case BPF_MAP_TYPE_HASH:
		return "hash";
	case BPF_MAP_TYPE_LRU_HASH:
		return "lru hash";
	case BPF_MAP_TYPE_ARRAY:
		return "array";
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		return "per-CPU array";
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
		return "array of maps";
	case BPF_MAP_TYPE_PROG_ARRAY:
		return "array of programs";
	case BPF_MAP_TYPE_RINGBUF:
		return "ring buffer";
	default:
		return "other";
	}
}

/* What the kernel charges for a map; it says so only in the descriptor's text. */
static uint64_t memory_of(int fd)
{
	char path[64], line[256];
	uint64_t bytes = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "memlock: %" SCNu64, &bytes) == 1)
			break;
	fclose(file);
	return bytes;
}

static uint64_t slots_in_use(int fd, uint32_t slots)
{
	uint64_t used = 0;
	uint32_t inner;

	for (uint32_t slot = 0; slot < slots; slot++)
		used += !bpf_map_lookup_elem(fd, &slot, &inner);
	return used;
}

static int count_entries(int fd, const struct bpf_map_info *info, uint64_t *ret)
{
	switch (info->type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
		return walk_count(fd, ret);
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		*ret = info->max_entries;
		return 0;
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_PROG_ARRAY:
		*ret = slots_in_use(fd, info->max_entries);
		return 0;
	default:
		*ret = 0;
		return 0;
	}
}

struct listing {
	struct epg *epg;
	epg_map_fn fn;
	void *user;
};

/* Completes and tells what is known of a map. */
static int tell_map(const struct listing *listing, struct epg_map_info *map)
{
	char path[PATH_MAX];
	int error = pins_path(listing->epg, path, "%s", map->name);

	if (error)
		return error;
	map->pin = path;
	return listing->fn(listing->user, map);
}

static int tell(const struct listing *listing, int fd, const char *name)
{
	struct bpf_map_info info = {0};
	struct epg_map_info map = {.name = name};
	uint32_t size = sizeof(info);
	int error;

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return context_fail_kernel(listing->epg, -errno, name, "can't read the map's layout");
	error = count_entries(fd, &info, &map.entries);
	if (error)
		return context_fail_kernel(listing->epg, error, name, "can't count the map's entries");
	map.type = type_name(info.type);
	map.capacity = info.max_entries;
	map.bytes = memory_of(fd);
	return tell_map(listing, &map);
}

/* The tables of flows are the only elements of their maps: theirs is the memory, and flows are what fills them. */
static int tell_flow_table(const struct listing *listing, int fd, const char *name, uint64_t flows, uint64_t capacity)
{
	AUTO_CLOSE int table = flow_table_fd(fd);
	struct epg_map_info map = {
		.name = name,
		.type = type_name(BPF_MAP_TYPE_ARRAY),
		.entries = flows,
		.capacity = capacity,
		.bytes = memory_of(fd),
	};

	if (table < 0 && table != -ENOENT)
		return context_fail_kernel(listing->epg, table, name, "can't open the table of flows");
	if (table >= 0)
		map.bytes += memory_of(table);
	return tell_map(listing, &map);
}

static int tell_flow_tables(const struct listing *listing, struct instance *instance)
{
	struct flow_fill fill;
	int result = flow_fill_read(instance, &fill);

	if (result)
		return context_fail_kernel(listing->epg, result, "flows", "can't count the flows");
	result = tell_flow_table(listing, instance->fd.flows, "flows", fill.flows, fill.capacity);
	if (result)
		return result;
	return tell_flow_table(listing, instance->fd.flow_addresses, "flow_addresses", fill.ipv6, fill.capacity);
}

/* ---- generations ---- */

struct numbers {
	uint32_t *items;
	size_t n, capacity;
};

static void numbers_clear(struct numbers *numbers)
{
	free(numbers->items);
}

static int compare_numbers(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

static int add_number(struct numbers *numbers, const char *name)
{
	char *end;
	unsigned long number = strtoul(name, &end, 10);

	if (end == name || *end || number > UINT32_MAX)
		return 0;
	if (array_reserve(&numbers->items, &numbers->capacity, numbers->n + 1, sizeof(*numbers->items)))
		return -ENOMEM;
	numbers->items[numbers->n++] = (uint32_t)number;
	return 0;
}

/* Numbers of the generations that have pins, in order. */
static int list_generations(struct epg *epg, struct numbers *ret)
{
	struct dirent *entry;
	char path[PATH_MAX];
	DIR *directory;
	int error = pins_path(epg, path, "generations");

	if (error)
		return error;
	directory = opendir(path);
	if (!directory)
		return errno == ENOENT ? 0 : context_fail_kernel(epg, -errno, path, "can't list the directory");
	while (!error && (entry = readdir(directory)))
		error = add_number(ret, entry->d_name);
	closedir(directory);
	if (error)
		return context_fail_kernel(epg, error, path, "can't list the directory");
	if (ret->n > 0)
		qsort(ret->items, ret->n, sizeof(*ret->items), compare_numbers);
	return 0;
}

static int tell_generation(const struct listing *listing, uint32_t number)
{
	for (size_t i = 0; i < ARRAY_SIZE(generation_maps); i++) {
		AUTO_CLOSE int fd = -1;
		char path[PATH_MAX], name[64];
		int result;

		snprintf(name, sizeof(name), "generations/%u/%s", number, generation_maps[i]);
		result = pins_path(listing->epg, path, "%s", name);
		if (result)
			return result;
		fd = bpf_obj_get(path);
		if (fd < 0 && errno == ENOENT)
			continue; /* an apply has taken the generation away meanwhile */
		if (fd < 0)
			return context_fail_kernel(listing->epg, -errno, path, "can't open the pinned map");
		result = tell(listing, fd, name);
		if (result)
			return result;
	}
	return 0;
}

int map_info_each(struct epg *epg, struct instance *instance, epg_map_fn fn, void *user)
{
	__attribute__((cleanup(numbers_clear))) struct numbers generations = {0};
	struct listing listing = {epg, fn, user};
	int result;

	for (size_t i = 0; i < ARRAY_SIZE(instance_maps); i++) {
		int fd = *(const int *)((const char *)instance + instance_maps[i].fd);

		if (fd < 0 || fd == instance->fd.flow_addresses)
			continue; /* not made yet; told with the flows */
		result = fd == instance->fd.flows ? tell_flow_tables(&listing, instance)
						  : tell(&listing, fd, instance_maps[i].name);
		if (result)
			return result;
	}
	result = list_generations(epg, &generations);
	for (size_t i = 0; !result && i < generations.n; i++)
		result = tell_generation(&listing, generations.items[i]);
	return result;
}

int epg_maps_each(struct epg *epg, epg_map_fn fn, void *user)
{
	CONTEXT_CALL(epg);
	struct instance *instance;
	int error = instance_open(epg, &instance);

	return error ? error : map_info_each(epg, instance, fn, user);
}
