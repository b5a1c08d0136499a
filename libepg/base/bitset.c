/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/bitset.h"

#include <errno.h>
#include <stdlib.h>

int bitset_init(struct bitset *set, size_t capacity)
{
	size_t lengths[BITSET_LEVELS];
	size_t total = 0, members = capacity;
	uint64_t *words;

	for (unsigned int level = 0; level < BITSET_LEVELS; level++) {
		/* One word more than members need: so bitset_next may look past the last one. */
		lengths[level] = members / 64 + 1;
		members = lengths[level];
		total += members;
	}
	words = calloc(total, sizeof(*words));
	if (!words)
		return -ENOMEM;
	set->capacity = capacity;
	for (unsigned int level = 0; level < BITSET_LEVELS; level++) {
		set->words[level] = words;
		words += lengths[level];
	}
	return 0;
}

void bitset_clear(struct bitset *set)
{
	free(set->words[0]);
	set->words[0] = NULL;
}

void bitset_insert(struct bitset *set, size_t member)
{
	for (unsigned int level = 0; level < BITSET_LEVELS; level++) {
		uint64_t *word = &set->words[level][member / 64];
		bool known = *word;

		*word |= UINT64_C(1) << member % 64;
		if (known)
			return;
		member /= 64;
	}
}

void bitset_remove(struct bitset *set, size_t member)
{
	for (unsigned int level = 0; level < BITSET_LEVELS; level++) {
		uint64_t *word = &set->words[level][member / 64];

		*word &= ~(UINT64_C(1) << member % 64);
		if (*word)
			return;
		member /= 64;
	}
}

/* Goes down from a word of `level` that is known to have a member at or after `position`. */
static size_t lowest_below(const struct bitset *set, unsigned int level, size_t position)
{
	while (level > 0) {
		level--;
		position = position * 64 + (size_t)__builtin_ctzll(set->words[level][position]);
	}
	return position;
}

size_t bitset_next(const struct bitset *set, size_t from)
{
	if (from >= set->capacity)
		return BITSET_END;
	for (unsigned int level = 0; level < BITSET_LEVELS; level++) {
		uint64_t rest = set->words[level][from / 64] >> from % 64;

		if (rest)
			return lowest_below(set, level, from + (size_t)__builtin_ctzll(rest));
		/* Nothing more in this word: one level up, from its right neighbour on; levels are long enough. */
		from = from / 64 + 1;
	}
	return BITSET_END;
}
