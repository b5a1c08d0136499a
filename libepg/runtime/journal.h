/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Changes of hash maps that can be taken back: what goes wrong halfway leaves everything as it was. */
#ifndef EPG_JOURNAL_H
#define EPG_JOURNAL_H

#include <stddef.h>

struct journal_change;

/* Begins as all zero. */
struct journal {
	struct journal_change **changes;
	size_t n_changes;
	size_t capacity;
};

/* Writes or removes an entry, and remembers what was there. Returns 0 or a negative errno value: nothing was done. */
int journal_write(struct journal *journal, int map, const void *key, const void *value);
int journal_delete(struct journal *journal, int map, const void *key);

/* Takes all changes back, the last one first. */
void journal_undo(struct journal *journal);
/* Forgets the changes: they stay. */
void journal_keep(struct journal *journal);

/* An owning local takes back what was not kept. */
#define AUTO_JOURNAL __attribute__((cleanup(journal_undo)))

#endif
