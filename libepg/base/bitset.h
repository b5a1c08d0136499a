/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* A set of small integers that finds its next member in constant time: each level sums up 64 words of the one below. */
#ifndef EPG_BITSET_H
#define EPG_BITSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITSET_LEVELS 4
#define BITSET_MAX ((size_t)1 << 6 * BITSET_LEVELS)
#define BITSET_END SIZE_MAX

struct bitset {
	uint64_t *words[BITSET_LEVELS]; /* one allocation, owned by words[0] */
	size_t capacity;
};

/* An empty set for members below `capacity`, at most BITSET_MAX. Returns 0 or -ENOMEM. */
int bitset_init(struct bitset *set, size_t capacity);
void bitset_clear(struct bitset *set);

void bitset_insert(struct bitset *set, size_t member);
void bitset_remove(struct bitset *set, size_t member);

/* The smallest member that is at least `from`, or BITSET_END. */
size_t bitset_next(const struct bitset *set, size_t from);

#endif
