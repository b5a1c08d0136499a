/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/counts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/*
 * A CPU settles an entry when it needs the place. Counters that are read meanwhile are read again; so often, where a busy
 * CPU and a slow reader keep missing each other.
 */
#define ATTEMPTS 16

/* All entries of all CPUs, at one moment. */
struct tallies {
	struct epg_tally *entries;
	size_t n;
};

static void tallies_clear(struct tallies *tallies)
{
	free(tallies->entries);
}

static int tallies_init(struct tallies *tallies, const struct map_view *map)
{
	tallies->n = map->length / sizeof(struct epg_tallies) * EPG_TALLIES;
	tallies->entries = calloc(tallies->n + 1, sizeof(*tallies->entries));
	return tallies->entries ? 0 : -ENOMEM;
}

static struct epg_tally *entry_of(const struct map_view *map, size_t i)
{
	return &((struct epg_tallies *)map->bytes)[i / EPG_TALLIES].tally[i % EPG_TALLIES];
}

static void tallies_look(struct tallies *tallies, const struct map_view *map)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	for (size_t i = 0; i < tallies->n; i++)
		tallies->entries[i] = *(const volatile struct epg_tally *)entry_of(map, i);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

static bool is_pending(const struct epg_tally *tally, uint32_t tables)
{
	return tally->packets && tally->tables == tables;
}

/* None that was pending has been settled in between. */
static bool none_settled(const struct tallies *before, const struct tallies *after, uint32_t tables)
{
	for (size_t i = 0; i < before->n; i++) {
		const struct epg_tally *old = &before->entries[i], *new = &after->entries[i];

		if (is_pending(old, tables) && (old->rule != new->rule || old->tables != new->tables ||
						old->seen != new->seen || old->packets > new->packets))
			return false;
	}
	return true;
}

/* ---- of the running generation ---- */

static struct epg_counter stored(const struct generation *generation, uint32_t rule)
{
	const struct epg_counter *counter = &generation->counters[rule];

	return (struct epg_counter){__atomic_load_n(&counter->packets, __ATOMIC_RELAXED),
				    __atomic_load_n(&counter->bytes, __ATOMIC_RELAXED)};
}

static struct generation_count *find(const struct generation *generation, uint32_t rule)
{
	for (size_t i = 0; i < generation->n_counts; i++)
		if (generation->counts[i].rule == rule)
			return &generation->counts[i];
	return NULL;
}

struct epg_counter generation_counter(const struct generation *generation, uint32_t rule)
{
	const struct generation_count *count = find(generation, rule);

	return count ? count->counter : stored(generation, rule);
}

static int add(struct generation *generation, uint32_t rule, const struct epg_counter *more)
{
	struct generation_count *count = find(generation, rule);

	if (!count) {
		if (array_reserve(&generation->counts, &generation->counts_capacity, generation->n_counts + 1,
				  sizeof(*generation->counts)))
			return -ENOMEM;
		count = &generation->counts[generation->n_counts++];
		*count = (struct generation_count){rule, stored(generation, rule)};
	}
	count->counter.packets += more->packets;
	count->counter.bytes += more->bytes;
	return 0;
}

static int add_pending(const struct tallies *tallies, uint32_t tables, struct generation *generation)
{
	int error = 0;

	generation->n_counts = 0;
	for (size_t i = 0; !error && i < tallies->n; i++) {
		const struct epg_tally *tally = &tallies->entries[i];
		const struct epg_counter pending = {tally->packets, tally->bytes};

		if (is_pending(tally, tables) && tally->rule < generation->catalog.n_rules)
			error = add(generation, tally->rule, &pending);
	}
	return error;
}

static int read_pending(const struct instance *instance, const struct map_view *map, struct generation *generation)
{
	__attribute__((cleanup(tallies_clear))) struct tallies before = {0}, after = {0};
	uint32_t tables = instance->control->tables[generation->slot];
	int error = tallies_init(&before, map);

	if (!error)
		error = tallies_init(&after, map);
	for (int attempt = 0; !error && attempt < ATTEMPTS; attempt++) {
		tallies_look(&before, map);
		error = add_pending(&before, tables, generation);
		tallies_look(&after, map);
		if (none_settled(&before, &after, tables))
			break;
	}
	return error;
}

/* The rule that an entry has which was removed and added again; CATALOG_NONE: it was not. */
static uint32_t successor(const struct catalog *catalog, uint32_t gone)
{
	for (uint32_t i = 0; i < catalog->n_rules; i++)
		if (catalog->rules[i].identity == catalog->rules[gone].identity &&
		    !catalog_rule_is_gone(&catalog->rules[i]))
			return i;
	return CATALOG_NONE;
}

/* What was counted late of rules that an amendment has removed. */
static int read_gone(struct generation *generation)
{
	const struct catalog *catalog = &generation->catalog;
	int error = 0;

	for (uint32_t i = 0; generation->amended && !error && i < catalog->n_rules; i++) {
		struct epg_counter counter;
		uint32_t rule;

		if (!catalog_rule_is_gone(&catalog->rules[i]))
			continue;
		counter = generation_counter(generation, i);
		rule = counter.packets ? successor(catalog, i) : CATALOG_NONE;
		if (rule != CATALOG_NONE)
			error = add(generation, rule, &counter);
	}
	return error;
}

int counts_read(const struct instance *instance, struct generation *generation)
{
	__attribute__((cleanup(map_view_close))) struct map_view map = {0};
	int error = map_view_open(instance->fd.tallies, false, &map);

	if (!error)
		error = read_pending(instance, &map, generation);
	return error ? error : read_gone(generation);
}

/* ---- of tables that are no longer in force ---- */

static void settle(const struct epg_tally *tally, const struct map_view *counters)
{
	struct epg_counter *counter = (struct epg_counter *)counters->bytes + tally->rule;

	if (tally->rule >= counters->length / sizeof(*counter))
		return;
	__atomic_add_fetch(&counter->packets, tally->packets, __ATOMIC_RELAXED);
	__atomic_add_fetch(&counter->bytes, tally->bytes, __ATOMIC_RELAXED);
}

/* An entry of other tables has been left by an apply that was killed, or failed; those tables are gone. */
int counts_settle(const struct instance *instance, uint32_t tables, const struct map_view *counters)
{
	__attribute__((cleanup(map_view_close))) struct map_view map = {0};
	uint32_t running = instance->control->tables[EPG_ACTIVE_SLOT(instance->control->active)];
	int error = map_view_open(instance->fd.tallies, true, &map);

	if (error)
		return error;
	for (size_t i = 0; i < map.length / sizeof(struct epg_tallies) * EPG_TALLIES; i++) {
		struct epg_tally *tally = entry_of(&map, i);

		if (!tally->packets || tally->tables == running)
			continue;
		if (tally->tables == tables)
			settle(tally, counters);
		__atomic_store_n(&tally->packets, 0, __ATOMIC_RELEASE);
	}
	return 0;
}
