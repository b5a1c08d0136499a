/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/string_index.h"

#define CAPACITY_FIRST 16

void string_index_clear(struct string_index *index)
{
	free(index->entries);
	*index = (struct string_index){0};
}

/* Multiplies to 128 bits and folds: every bit of both reaches every bit of the result. */
static uint64_t fold(uint64_t one, uint64_t other)
{
	__uint128_t product = (__uint128_t)one * other;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_of(const struct string_index *index, const void *key, size_t length)
{
	const uint8_t *bytes = key;
	uint64_t hash = index->seed[0] ^ length, word;

	for (; length >= sizeof(word); length -= sizeof(word), bytes += sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		hash = fold(hash ^ word, index->seed[1]);
	}
	word = 0;
	memcpy(&word, bytes, length);
	return fold(hash ^ word, index->seed[1]);
}

/* The entry that holds the key, or the free one where it belongs. */
static struct string_index_entry *slot_of(const struct string_index *index, uint64_t hash, const void *key,
					  size_t length)
{
	for (size_t slot = hash & (index->capacity - 1);; slot = (slot + 1) & (index->capacity - 1)) {
		struct string_index_entry *entry = &index->entries[slot];

		if (!entry->key || (entry->hash == hash && entry->length == length && !memcmp(entry->key, key, length)))
			return entry;
	}
}

const struct string_index_entry *string_index_find(const struct string_index *index, const void *key, size_t length)
{
	const struct string_index_entry *entry;

	if (index->capacity == 0)
		return NULL;
	entry = slot_of(index, hash_of(index, key, length), key, length);
	return entry->key ? entry : NULL;
}

static int grow(struct string_index *index)
{
	struct string_index larger = *index;

	if (index->capacity == 0 && getrandom(larger.seed, sizeof(larger.seed), GRND_NONBLOCK) < 0)
		larger.seed[1] = (uintptr_t)index; /* so early in the life of a machine nobody attacks it */
	larger.seed[1] |= 1;
	larger.capacity = index->capacity ? index->capacity * 2 : CAPACITY_FIRST;
	larger.entries = calloc(larger.capacity, sizeof(*larger.entries));
	if (!larger.entries)
		return -ENOMEM;
	for (size_t i = 0; i < index->capacity; i++) {
		const struct string_index_entry *entry = &index->entries[i];

		if (entry->key)
			*slot_of(&larger, entry->hash, entry->key, entry->length) = *entry;
	}
	free(index->entries);
	*index = larger;
	return 0;
}

int string_index_add(struct string_index *index, const void *key, size_t length, uint32_t value, struct place place,
		     const struct string_index_entry **reterr_first)
{
	struct string_index_entry *entry;
	uint64_t hash;

	if (index->n_entries >= index->capacity / 2 && grow(index))
		return -ENOMEM;
	hash = hash_of(index, key, length);
	entry = slot_of(index, hash, key, length);
	if (entry->key) {
		if (reterr_first)
			*reterr_first = entry;
		return -EEXIST;
	}
	*entry = (struct string_index_entry){key, length, hash, place, value};
	index->n_entries++;
	return 0;
}
