/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/counts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/*
 * A CPU that adds an entry to its counter changes both, one after the other. A reading is good if it has not begun to
 * meanwhile; it takes a hundred nanoseconds, so that this many readings fail only where the CPU was stopped in between.
 */
#define ATTEMPTS 4096

static size_t n_cpus(const struct map_view *map)
{
	return map->length / sizeof(struct epg_tallies);
}

static struct epg_tallies *of_cpu(const struct map_view *map, size_t cpu)
{
	return &((struct epg_tallies *)map->bytes)[cpu];
}

/* All entries of all CPUs, one behind the other. */
static size_t n_entries(const struct map_view *map)
{
	return n_cpus(map) * EPG_TALLIES;
}

static struct epg_tally *entry_at(const struct map_view *map, size_t i)
{
	return &of_cpu(map, i / EPG_TALLIES)->tally[i % EPG_TALLIES];
}

static bool is_pending(const struct epg_tally *tally, uint32_t tables)
{
	return tally->packets && tally->tables == tables;
}

static uint32_t sequence_of(const struct map_view *map, size_t cpu)
{
	uint32_t sequence;

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	sequence = __atomic_load_n(&of_cpu(map, cpu)->sequence, __ATOMIC_ACQUIRE);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return sequence;
}

/* ---- of the running generation ---- */

static struct epg_counter stored(const struct generation *generation, uint32_t rule)
{
	const struct epg_counter *counter = &generation->counters[rule];

	return (struct epg_counter){__atomic_load_n(&counter->packets, __ATOMIC_RELAXED),
				    __atomic_load_n(&counter->bytes, __ATOMIC_RELAXED)};
}

static int compare_counts(const void *a, const void *b)
{
	uint32_t left = ((const struct generation_count *)a)->rule, right = ((const struct generation_count *)b)->rule;

	return (left > right) - (left < right);
}

static void sort_counts(struct generation *generation)
{
	if (generation->n_counts)
		qsort(generation->counts, generation->n_counts, sizeof(*generation->counts), compare_counts);
}

static struct generation_count *find(const struct generation *generation, uint32_t rule)
{
	const struct generation_count key = {.rule = rule};

	return generation->n_counts
		       ? bsearch(&key, generation->counts, generation->n_counts, sizeof(key), compare_counts)
		       : NULL;
}

struct epg_counter generation_counter(const struct generation *generation, uint32_t rule)
{
	const struct generation_count *count = find(generation, rule);

	return count ? count->counter : stored(generation, rule);
}

/* The caller sorts them. */
static int append(struct generation *generation, const struct generation_count *count)
{
	if (array_reserve(&generation->counts, &generation->counts_capacity, generation->n_counts + 1,
			  sizeof(*generation->counts)))
		return -ENOMEM;
	generation->counts[generation->n_counts++] = *count;
	return 0;
}

/* What is being read: of which rule, and how far the CPUs were that have something of it. */
struct reading {
	const struct map_view *map;
	const struct generation *generation;
	uint32_t tables;
	uint32_t *sequences; /* by CPU; odd: it has nothing of the rule */
};

static struct epg_counter pending_of(const struct reading *reading, size_t cpu, uint32_t rule)
{
	struct epg_counter sum = {0};

	for (size_t i = 0; i < EPG_TALLIES; i++) {
		const struct epg_tally tally = *(const volatile struct epg_tally *)&of_cpu(reading->map, cpu)->tally[i];

		if (!is_pending(&tally, reading->tables) || tally.rule != rule)
			continue;
		sum.packets += tally.packets;
		sum.bytes += tally.bytes;
	}
	return sum;
}

/* False: some CPU was changing what was read. */
static bool read_once(const struct reading *reading, uint32_t rule, struct epg_counter *ret)
{
	struct epg_counter sum = {0}, counter;

	for (size_t cpu = 0; cpu < n_cpus(reading->map); cpu++) {
		uint32_t sequence = sequence_of(reading->map, cpu);
		const struct epg_counter pending = pending_of(reading, cpu, rule);

		if (sequence & 1)
			return false;
		reading->sequences[cpu] = pending.packets ? sequence : 1;
		sum.packets += pending.packets;
		sum.bytes += pending.bytes;
	}
	counter = stored(reading->generation, rule);
	for (size_t cpu = 0; cpu < n_cpus(reading->map); cpu++)
		if (!(reading->sequences[cpu] & 1) && sequence_of(reading->map, cpu) != reading->sequences[cpu])
			return false;
	*ret = (struct epg_counter){counter.packets + sum.packets, counter.bytes + sum.bytes};
	return true;
}

static struct epg_counter read_rule(const struct reading *reading, uint32_t rule)
{
	struct epg_counter counter;

	for (int attempt = 0; attempt < ATTEMPTS; attempt++)
		if (read_once(reading, rule, &counter))
			return counter;
	return stored(reading->generation, rule);
}

/* Rules of which some CPU has something, each once. */
static int list_pending(const struct reading *reading, struct generation *generation)
{
	size_t n = 0;
	int error = 0;

	for (size_t i = 0; !error && i < n_entries(reading->map); i++) {
		const struct epg_tally *tally = entry_at(reading->map, i);
		const struct generation_count count = {.rule = tally->rule};

		if (is_pending(tally, reading->tables) && count.rule < generation->catalog.n_rules)
			error = append(generation, &count);
	}
	sort_counts(generation);
	for (size_t i = 0; i < generation->n_counts; i++)
		if (!i || generation->counts[i].rule != generation->counts[i - 1].rule)
			generation->counts[n++] = generation->counts[i];
	generation->n_counts = n;
	return error;
}

static int read_pending(struct reading *reading, struct generation *generation)
{
	AUTO_FREE uint32_t *sequences = calloc(n_cpus(reading->map) + 1, sizeof(*sequences));
	int error = sequences ? list_pending(reading, generation) : -ENOMEM;

	reading->sequences = sequences;
	for (size_t i = 0; !error && i < generation->n_counts; i++)
		generation->counts[i].counter = read_rule(reading, generation->counts[i].rule);
	reading->sequences = NULL;
	return error;
}

/* ---- of rules that an amendment has removed: an entry that came again has another one ---- */

struct gone {
	uint64_t identity;
	uint32_t rule;
	struct epg_counter counter;
};

struct gone_list {
	struct gone *items;
	size_t n, capacity;
};

static void gone_clear(struct gone_list *gone)
{
	free(gone->items);
}

static int compare_gone(const void *a, const void *b)
{
	uint64_t left = ((const struct gone *)a)->identity, right = ((const struct gone *)b)->identity;

	return (left > right) - (left < right);
}

static int list_gone(const struct generation *generation, struct gone_list *gone)
{
	const struct catalog *catalog = &generation->catalog;

	for (uint32_t i = 0; i < catalog->n_rules; i++) {
		struct epg_counter counter;

		if (!catalog_rule_is_gone(&catalog->rules[i]))
			continue;
		counter = generation_counter(generation, i);
		if (!counter.packets)
			continue;
		if (array_reserve(&gone->items, &gone->capacity, gone->n + 1, sizeof(*gone->items)))
			return -ENOMEM;
		gone->items[gone->n++] = (struct gone){catalog->rules[i].identity, i, counter};
	}
	if (gone->n)
		qsort(gone->items, gone->n, sizeof(*gone->items), compare_gone);
	return 0;
}

/* What one of them has counted late is told as its successor's. */
static int hand_down(struct generation *generation, struct gone *from, uint32_t to)
{
	struct generation_count *old = find(generation, from->rule), *new = find(generation, to);
	const struct generation_count nothing = {.rule = from->rule};
	struct generation_count sum = {to, generation_counter(generation, to)};
	int error = 0;

	sum.counter.packets += from->counter.packets;
	sum.counter.bytes += from->counter.bytes;
	if (old)
		*old = nothing;
	if (new)
		*new = sum;
	if (!old)
		error = append(generation, &nothing);
	if (!error && !new)
		error = append(generation, &sum);
	sort_counts(generation);
	return error;
}

static int read_gone(struct generation *generation)
{
	__attribute__((cleanup(gone_clear))) struct gone_list gone = {0};
	const struct catalog *catalog = &generation->catalog;
	int error = generation->amended ? list_gone(generation, &gone) : 0;

	for (uint32_t i = 0; gone.n && !error && i < catalog->n_rules; i++) {
		const struct gone key = {.identity = catalog->rules[i].identity};
		struct gone *found;

		if (catalog_rule_is_gone(&catalog->rules[i]))
			continue;
		found = bsearch(&key, gone.items, gone.n, sizeof(key), compare_gone);
		while (found && found > gone.items && found[-1].identity == key.identity)
			found--;
		for (; !error && found && found < gone.items + gone.n && found->identity == key.identity; found++)
			error = hand_down(generation, found, i);
	}
	return error;
}

int counts_read(struct epg *epg, const struct instance *instance, struct generation *generation)
{
	__attribute__((cleanup(map_view_close))) struct map_view map = {0};
	struct reading reading = {&map, generation, instance->control->tables[generation->slot], NULL};
	int error = map_view_open(instance->fd.tallies, false, &map);

	generation->n_counts = 0;
	if (!error)
		error = read_pending(&reading, generation);
	if (!error)
		error = read_gone(generation);
	return error ? context_fail_kernel(epg, error, "tallies", "can't read the map") : 0;
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

/* Of tables that are not in force. */
static bool is_left(const struct epg_tally *tally, const struct instance *instance)
{
	const struct epg_control *control = instance->control;

	return tally->packets && tally->tables != control->tables[EPG_ACTIVE_SLOT(control->active)];
}

/* An entry of other tables has been left by an apply that was killed, or failed; those tables are gone. */
int counts_settle(const struct instance *instance, uint32_t tables, const struct map_view *counters)
{
	__attribute__((cleanup(map_view_close))) struct map_view map = {0};
	int error = map_view_open(instance->fd.tallies, true, &map);

	if (error)
		return error;
	for (size_t i = 0; i < n_entries(&map); i++) {
		struct epg_tally *tally = entry_at(&map, i);

		if (!is_left(tally, instance))
			continue;
		if (tally->tables == tables)
			settle(tally, counters);
		__atomic_store_n(&tally->packets, 0, __ATOMIC_RELEASE);
	}
	return 0;
}

bool counts_are_left(const struct instance *instance)
{
	__attribute__((cleanup(map_view_close))) struct map_view map = {0};

	if (map_view_open(instance->fd.tallies, false, &map))
		return true;
	for (size_t i = 0; i < n_entries(&map); i++)
		if (is_left(entry_at(&map, i), instance))
			return true;
	return false;
}
