/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Reads all entries of a hash map. */
#ifndef EPG_WALK_H
#define EPG_WALK_H

#include <stdint.h>

typedef int (*walk_fn)(void *user, const void *key, const void *value);

/*
 * Tells every entry of a hash map. Entries that come or go meanwhile may be told or not; all others are told
 * exactly once. Returns 0, what `fn` returned if that is not 0, or a negative errno value.
 */
int walk_map(int fd, walk_fn fn, void *user);

/* Number of entries. Returns 0 or a negative errno value. */
int walk_count(int fd, uint64_t *ret);

#endif
