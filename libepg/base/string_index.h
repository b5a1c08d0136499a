/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * An index of strings, or of any bytes: what each stands for, and where it was first seen. Nobody who writes
 * the strings can make it slow: the hash depends on a random seed.
 */
#ifndef EPG_STRING_INDEX_H
#define EPG_STRING_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/place.h"

struct string_index_entry {
	const void *key;
	uint32_t length;
	uint32_t value;
	uint64_t hash;
	struct place place;
};

/* All zero is an empty index. */
struct string_index {
	struct string_index_entry *entries; /* in the order in which they were added */
	size_t n_entries, capacity;
	uint64_t *slots; /* upper half of the hash << 32 | index of an entry + 1; 0: free */
	size_t n_slots;  /* 0 or a power of two */
	uint64_t seed[2];
};

void string_index_clear(struct string_index *index);

/* Room for `n` entries in all, so that they are added faster. Returns 0 or -ENOMEM. */
int string_index_reserve(struct string_index *index, size_t n);

/* The key is about to be looked up or added: what is needed for that comes into the cache meanwhile. */
void string_index_expect(const struct string_index *index, const void *key, size_t length);

/* NULL when it is not there. The answer lives until the next add. */
const struct string_index_entry *string_index_find(const struct string_index *index, const void *key, size_t length);

/*
 * Adds a key, which is not copied, unless it is there. Returns 0, -ENOMEM, or -EEXIST with `reterr_first` set to
 * what is there.
 */
int string_index_add(struct string_index *index, const void *key, size_t length, uint32_t value, struct place place,
		     const struct string_index_entry **reterr_first);

/* Lets a key that is there stand for something else; the key itself remains. */
void string_index_change(struct string_index *index, const void *key, size_t length, uint32_t value);

#endif
