/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Generations that are not in force: the one before, older ones, and those that never came into force. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "runtime/amendments.h"
#include "runtime/build.h"
#include "runtime/counts.h"
#include "runtime/membership.h"
#include "runtime/observe.h"
#include "runtime/port.h"
#include "runtime/runtime.h"
#include "runtime/walk.h"

/* ---- counters ---- */

/* A rule that has counted. */
struct counted {
	uint64_t identity;
	struct epg_counter *counter;
};

static int compare_counted(const void *a, const void *b)
{
	uint64_t left = ((const struct counted *)a)->identity, right = ((const struct counted *)b)->identity;

	return (left > right) - (left < right);
}

static size_t collect_counted(const struct catalog *catalog, struct epg_counter *counters, struct counted *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < catalog->n_rules; i++) {
		if (__atomic_load_n(&counters[i].packets, __ATOMIC_RELAXED))
			ret[count++] = (struct counted){catalog->rules[i].identity, &counters[i]};
	}
	if (count)
		qsort(ret, count, sizeof(*ret), compare_counted);
	return count;
}

/* The programs may add to either counter meanwhile: nothing gets lost, nothing counts twice. */
static void move_counter(struct epg_counter *from, struct epg_counter *to)
{
	uint64_t packets = __atomic_exchange_n(&from->packets, 0, __ATOMIC_RELAXED);
	uint64_t bytes = __atomic_exchange_n(&from->bytes, 0, __ATOMIC_RELAXED);

	__atomic_add_fetch(&to->packets, packets, __ATOMIC_RELAXED);
	__atomic_add_fetch(&to->bytes, bytes, __ATOMIC_RELAXED);
}

static int open_counters(struct epg *epg, uint32_t number, struct map_view *ret)
{
	AUTO_CLOSE int fd = generation_table(epg, number, "counters");

	return fd < 0 ? fd : map_view_open(fd, true, ret);
}

static int fail_fold(struct epg *epg, int error, uint32_t to)
{
	return context_fail_kernel(epg, error, "counters", "can't move the counters to generation %u", to);
}

static int fold(const struct catalog *from, struct epg_counter *from_counters, const struct catalog *to,
		struct epg_counter *to_counters)
{
	AUTO_FREE struct counted *counted = calloc(from->n_rules + 1, sizeof(*counted));
	size_t count;

	if (!counted)
		return -ENOMEM;
	count = collect_counted(from, from_counters, counted);
	for (size_t i = 0; count && i < to->n_rules; i++) {
		struct counted key = {.identity = to->rules[i].identity};
		struct counted *found = bsearch(&key, counted, count, sizeof(key), compare_counted);

		/* It may have been added again, under another index, where it is counted and told. */
		if (catalog_rule_is_gone(&to->rules[i]))
			continue;
		/* One that was removed and added again has counted under two indices. */
		while (found && found > counted && found[-1].identity == key.identity)
			found--;
		for (; found && found < counted + count && found->identity == key.identity; found++)
			move_counter(found->counter, &to_counters[i]);
	}
	return 0;
}

static bool has_counted(const struct map_view *view)
{
	const struct epg_counter *counters = (const struct epg_counter *)view->bytes;
	size_t count = view->length / sizeof(*counters);

	for (size_t i = 0; i < count; i++)
		if (__atomic_load_n(&counters[i].packets, __ATOMIC_RELAXED))
			return true;
	return false;
}

static int fold_views(struct epg *epg, uint32_t from_number, struct map_view *from_counters, uint32_t to_number,
		      struct map_view *to_counters)
{
	AUTO(generation_close) struct generation *from = NULL;
	AUTO(generation_close) struct generation *to = NULL;
	int error;

	error = generation_open(epg, from_number, 0, &from);
	if (!error)
		error = generation_open(epg, to_number, 0, &to);
	if (error)
		return error;
	error = fold(&from->catalog, (struct epg_counter *)from_counters->bytes, &to->catalog,
		     (struct epg_counter *)to_counters->bytes);
	return error ? fail_fold(epg, error, to_number) : 0;
}

int past_fold(struct epg *epg, const struct instance *instance, uint32_t from_number, uint32_t to_number, bool late)
{
	__attribute__((cleanup(map_view_close))) struct map_view from_counters = {0}, to_counters = {0};
	struct generation_source from, to;
	int error = generation_read_header(epg, from_number, &from);

	if (!error)
		error = generation_read_header(epg, to_number, &to);
	/* One has been amended to the other: both go by the same tables, and count in the same places. */
	if (!error && from.slot == to.slot)
		return 0;
	if (!error)
		error = open_counters(epg, from_number, &from_counters);
	if (!error && late && from.slot < EPG_SLOTS)
		error = counts_settle(instance, instance->control->tables[from.slot], &from_counters);
	if (error)
		return fail_fold(epg, error, to_number);
	/* Most have been moved before, and catalogs take long to open. */
	if (!has_counted(&from_counters))
		return 0;
	error = open_counters(epg, to_number, &to_counters);
	if (error)
		return fail_fold(epg, error, to_number);
	return fold_views(epg, from_number, &from_counters, to_number, &to_counters);
}

int past_move_counts(struct epg *epg, uint32_t number, const struct past_move *moves, size_t n)
{
	__attribute__((cleanup(map_view_close))) struct map_view view = {0};
	struct epg_counter *counters;
	int error = n ? open_counters(epg, number, &view) : 0;

	if (error)
		return fail_fold(epg, error, number);
	counters = (struct epg_counter *)view.bytes;
	for (size_t i = 0; i < n; i++)
		move_counter(&counters[moves[i].from], &counters[moves[i].to]);
	return 0;
}

/* ---- directories and slots ---- */

typedef void (*number_fn)(struct epg *epg, struct instance *instance, uint32_t number, void *user);

static void each_generation(struct epg *epg, struct instance *instance, number_fn fn, void *user)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *directory;

	if (pins_path(epg, path, "generations"))
		return;
	directory = opendir(path);
	if (!directory)
		return;
	while ((entry = readdir(directory))) {
		unsigned int number;

		if (sscanf(entry->d_name, "%u", &number) == 1)
			fn(epg, instance, number, user);
	}
	closedir(directory);
}

static void retire_one(struct epg *epg, struct instance *instance, uint32_t number, void *user)
{
	char path[PATH_MAX];

	(void)user;
	if (number != observe_generation(instance) && number != instance->control->previous_generation &&
	    !pins_path(epg, path, "generations/%u", number))
		pins_remove(path);
}

void past_retire_pins(struct epg *epg, struct instance *instance)
{
	each_generation(epg, instance, retire_one, NULL);
}

bool past_retire(struct epg *epg, struct instance *instance)
{
	const struct epg_control *control = instance->control;
	bool waited = false;

	past_retire_pins(epg, instance);
	for (uint32_t slot = 0; slot < EPG_SLOTS; slot++) {
		bool running = EPG_ACTIVE_GENERATION(control->active) && slot == EPG_ACTIVE_SLOT(control->active);
		bool previous = control->previous_generation && slot == control->previous_slot;

		if (!running && !previous)
			waited |= build_clear_slot(instance, slot);
	}
	return waited;
}

/* ---- after a kill ---- */

struct latest {
	uint32_t number; /* 0: none yet */
	uint32_t slot;
};

/* The latest complete generation before the running one. */
static void find_latest(struct epg *epg, struct instance *instance, uint32_t number, void *user)
{
	uint32_t running = observe_generation(instance);
	struct generation_source header;
	struct latest *latest = user;

	if (!running || !generation_is_later(running, number))
		return;
	if (latest->number && !generation_is_later(number, latest->number))
		return;
	if (!generation_read_header(epg, number, &header))
		*latest = (struct latest){number, header.slot};
}

/* Does the generation go on in the tables of the one before, which so has the same slot? */
static bool is_amendment(struct epg *epg, uint32_t number)
{
	__attribute__((cleanup(map_view_close))) struct map_view map = {0};
	struct amendment_view amendment;
	size_t offset = 0;

	if (amendments_open(epg, number, false, &map) || !map.bytes)
		return false;
	while (amendments_next(&map, number, &offset, &amendment) == 1)
		if (amendment.head->generation == number)
			return true;
	return false;
}

/* The word had been flipped, but not been written down yet what was in force before. */
static void recover_previous(struct epg *epg, struct instance *instance)
{
	struct epg_control *control = instance->control;
	struct latest latest = {0};

	each_generation(epg, instance, find_latest, &latest);
	if (latest.number == control->previous_generation)
		return;
	if (latest.number && latest.slot == EPG_ACTIVE_SLOT(control->active) &&
	    !is_amendment(epg, EPG_ACTIVE_GENERATION(control->active)))
		return;
	context_log(epg, EPG_LOG_WARNING, "an apply was interrupted: the generation before is %u", latest.number);
	generation_set_previous(control, latest.number, latest.slot);
}

/* Entries that wait for a generation that never came, or are done with. */
struct stale {
	uint32_t running;
	size_t key_size;
	uint8_t *keys;
	size_t n_keys;
	size_t capacity;
};

static int collect_key(struct stale *stale, const void *key)
{
	if (stale->n_keys == stale->capacity) {
		size_t capacity = stale->capacity * 2 + 64;
		uint8_t *keys = reallocarray(stale->keys, capacity, stale->key_size);

		if (!keys)
			return -ENOMEM;
		stale->keys = keys;
		stale->capacity = capacity;
	}
	memcpy(stale->keys + stale->n_keys++ * stale->key_size, key, stale->key_size);
	return 0;
}

static int collect_endpoint(void *user, const void *key, const void *value)
{
	const struct epg_endpoint *entry = value;
	struct stale *stale = user;
	const struct epg_binding *binding = observe_binding(entry, stale->running);

	return entry->next_generation && (binding == &entry->now || membership_is_empty(binding))
		       ? collect_key(stale, key)
		       : 0;
}

static int collect_address(void *user, const void *key, const void *value)
{
	const struct epg_address *entry = value;
	struct stale *stale = user;
	const struct epg_owner *owner = observe_owner(entry, stale->running);

	return entry->next_generation && (owner == &entry->now || !owner->ifindex) ? collect_key(stale, key) : 0;
}

static void recover_endpoint(struct instance *instance, uint32_t running, const void *key)
{
	struct epg_endpoint entry;
	struct epg_binding binding;

	if (bpf_map_lookup_elem(instance->fd.endpoints, key, &entry))
		return;
	binding = *observe_binding(&entry, running);
	entry = (struct epg_endpoint){.now = binding, .packets = entry.packets, .bytes = entry.bytes, .mtu = entry.mtu};
	if (!membership_is_empty(&binding))
		bpf_map_update_elem(instance->fd.endpoints, key, &entry, BPF_EXIST);
	else
		bpf_map_delete_elem(instance->fd.endpoints, key);
}

static void recover_address(struct instance *instance, uint32_t running, const void *key)
{
	struct epg_address entry;
	struct epg_owner owner;

	if (bpf_map_lookup_elem(instance->fd.addresses, key, &entry))
		return;
	owner = *observe_owner(&entry, running);
	entry = (struct epg_address){.now = owner};
	if (owner.ifindex)
		bpf_map_update_elem(instance->fd.addresses, key, &entry, BPF_EXIST);
	else
		bpf_map_delete_elem(instance->fd.addresses, key);
}

static int recover_map(struct instance *instance, int map, size_t key_size, walk_fn collect,
		       void (*recover)(struct instance *instance, uint32_t running, const void *key))
{
	struct stale stale = {.running = observe_generation(instance), .key_size = key_size};
	int error = walk_map(map, collect, &stale);

	for (size_t i = 0; !error && i < stale.n_keys; i++)
		recover(instance, stale.running, stale.keys + i * key_size);
	free(stale.keys);
	return error;
}

int past_recover(struct epg *epg, struct instance *instance)
{
	int error;

	recover_previous(epg, instance);
	error = amendments_recover(epg, instance);
	if (error)
		return context_fail_kernel(epg, error, "sets, amendments", "can't put right what was begun before");
	past_retire(epg, instance);
	error = recover_map(instance, instance->fd.endpoints, sizeof(struct epg_endpoint_key), collect_endpoint,
			    recover_endpoint);
	if (!error)
		error = recover_map(instance, instance->fd.addresses, sizeof(struct epg_address_key), collect_address,
				    recover_address);
	if (error)
		return context_fail_kernel(epg, error, "endpoints, addresses", "can't remove what was staged before");
	port_sweep(epg, instance);
	if (counts_are_left(instance))
		slots_wait();
	if (instance->control->previous_generation)
		return past_fold(epg, instance, instance->control->previous_generation, observe_generation(instance),
				 true);
	return 0;
}
