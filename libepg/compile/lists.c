/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/lists.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void list_table_clear(struct list_table *table)
{
	free(table->pool);
	free(table->entries);
	free(table->slots);
	*table = (struct list_table){0};
}

static bool is_same(const struct list_table *table, const struct list_entry *entry, const uint32_t *list, size_t n)
{
	return entry->n == n && !memcmp(table->pool + entry->first, list, n * sizeof(*list));
}

int list_table_find(const struct list_table *table, uint32_t tag, const uint32_t *list, size_t n, uint32_t *ret)
{
	uint64_t hash = hash_list(list, n, tag);

	if (!table->n_slots)
		return -ENOENT;
	for (size_t slot = hash & (table->n_slots - 1); table->slots[slot]; slot = (slot + 1) & (table->n_slots - 1)) {
		const struct list_entry *entry = &table->entries[table->slots[slot] - 1];

		if (entry->hash == hash && entry->tag == tag && is_same(table, entry, list, n)) {
			*ret = entry->value;
			return 0;
		}
	}
	return -ENOENT;
}

static void take_slot(struct list_table *table, uint32_t entry)
{
	size_t slot = table->entries[entry].hash & (table->n_slots - 1);

	while (table->slots[slot])
		slot = (slot + 1) & (table->n_slots - 1);
	table->slots[slot] = entry + 1;
}

/* Keeps at least half of the slots free. */
static int make_slots(struct list_table *table)
{
	size_t n_slots = table->n_slots ? table->n_slots * 2 : 64;
	uint32_t *slots;

	if ((table->n_entries + 1) * 2 <= table->n_slots)
		return 0;
	slots = calloc(n_slots, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(table->slots);
	table->slots = slots;
	table->n_slots = n_slots;
	for (uint32_t entry = 0; entry < table->n_entries; entry++)
		take_slot(table, entry);
	return 0;
}

int list_table_add(struct list_table *table, uint32_t tag, const uint32_t *list, size_t n, uint32_t value)
{
	struct list_entry *entry;

	if (array_reserve(&table->pool, &table->pool_capacity, table->n_pool + n, sizeof(*table->pool)) ||
	    array_reserve(&table->entries, &table->entries_capacity, table->n_entries + 1, sizeof(*table->entries)) ||
	    make_slots(table))
		return -ENOMEM;
	entry = &table->entries[table->n_entries];
	*entry = (struct list_entry){
		.first = table->n_pool,
		.n = (uint32_t)n,
		.tag = tag,
		.hash = hash_list(list, n, tag),
		.value = value,
	};
	memcpy(table->pool + table->n_pool, list, n * sizeof(*list));
	table->n_pool += n;
	take_slot(table, (uint32_t)table->n_entries++);
	return 0;
}
