/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* A table from lists of numbers, each with a tag, to a number: what was built for a list is found again. */
#ifndef EPG_LISTS_H
#define EPG_LISTS_H

#include <stddef.h>
#include <stdint.h>

struct list_entry {
	size_t first; /* into pool */
	uint32_t n;
	uint32_t tag;
	uint64_t hash;
	uint32_t value;
};

struct list_table {
	uint32_t *pool;
	size_t n_pool, pool_capacity;
	struct list_entry *entries;
	size_t n_entries, entries_capacity;
	uint32_t *slots; /* index of an entry + 1; 0: free */
	size_t n_slots;  /* a power of 2 */
};

/* A table begins as all zero. */
void list_table_clear(struct list_table *table);

/* Returns 0 and the value, or -ENOENT. */
int list_table_find(const struct list_table *table, uint32_t tag, const uint32_t *list, size_t n, uint32_t *ret);

/* Adds a list that the table does not have. Returns 0 or -ENOMEM. */
int list_table_add(struct list_table *table, uint32_t tag, const uint32_t *list, size_t n, uint32_t value);

#endif
