/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Arrays that grow, and the hash of what lies in them. */
#ifndef EPG_ARRAY_H
#define EPG_ARRAY_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Makes room for `wanted` elements of `size` bytes in the array that the pointer at `array` points to.
 * Room grows by half, so that a large array wastes a third of its memory at most. Returns 0 or -ENOMEM.
 */
static inline int array_reserve(void *array, size_t *capacity, size_t wanted, size_t size)
{
	void **items = array;
	size_t larger = *capacity + *capacity / 2;
	void *moved;

	if (wanted <= *capacity)
		return 0;
	if (larger < wanted)
		larger = wanted;
	if (larger < 8)
		larger = 8;
	moved = reallocarray(*items, larger, size);
	if (!moved)
		return -ENOMEM;
	*items = moved;
	*capacity = larger;
	return 0;
}

/* An array for exactly n elements; never NULL for want of elements. */
static inline void *array_new(size_t n, size_t size)
{
	return calloc(n ? n : 1, size);
}

/* Mixes one more word into a hash: multiply and fold, so that high bits reach low ones. */
static inline uint64_t hash_word(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9fb21c651e98df25u;
	return hash ^ hash >> 32;
}

static inline uint64_t hash_list(const uint32_t *list, size_t n, uint64_t seed)
{
	uint64_t hash = hash_word(seed, n);

	for (size_t i = 0; i < n; i++)
		hash = hash_word(hash, list[i]);
	return hash;
}

#endif
