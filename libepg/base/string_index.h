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
	const void *key; /* NULL: free */
	size_t length;
	uint64_t hash;
	struct place place;
	uint32_t value;
};

/* All zero is an empty index. */
struct string_index {
	struct string_index_entry *entries;
	size_t capacity; /* 0 or a power of two */
	size_t n_entries;
	uint64_t seed[2];
};

void string_index_clear(struct string_index *index);

/* NULL when it is not there. The answer lives until the next add. */
const struct string_index_entry *string_index_find(const struct string_index *index, const void *key, size_t length);

/*
 * Adds a key, which is not copied, unless it is there. Returns 0, -ENOMEM, or -EEXIST with `reterr_first` set to
 * what is there.
 */
int string_index_add(struct string_index *index, const void *key, size_t length, uint32_t value, struct place place,
		     const struct string_index_entry **reterr_first);

#endif
