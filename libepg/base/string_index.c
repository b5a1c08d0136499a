/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/array.h"
#include "base/string_index.h"

#define SLOTS_FIRST 16

#define TAG(hash) ((hash) >> 32 << 32)
#define ENTRY(slot) ((uint32_t)(slot)-1)

void string_index_clear(struct string_index *index)
{
	free(index->entries);
	free(index->slots);
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

/* The slot that leads to the key, or the free one where it belongs. Tags tell most others apart. */
static uint64_t *slot_of(const struct string_index *index, uint64_t hash, const void *key, size_t length)
{
	for (size_t slot = hash & (index->n_slots - 1);; slot = (slot + 1) & (index->n_slots - 1)) {
		uint64_t *found = &index->slots[slot];
		const struct string_index_entry *entry;

		if (!*found)
			return found;
		if (TAG(*found) != TAG(hash))
			continue;
		entry = &index->entries[ENTRY(*found)];
		if (entry->hash == hash && entry->length == length && !memcmp(entry->key, key, length))
			return found;
	}
}

const struct string_index_entry *string_index_find(const struct string_index *index, const void *key, size_t length)
{
	uint64_t slot;

	if (index->n_slots == 0)
		return NULL;
	slot = *slot_of(index, hash_of(index, key, length), key, length);
	return slot ? &index->entries[ENTRY(slot)] : NULL;
}

void string_index_expect(const struct string_index *index, const void *key, size_t length)
{
	if (index->n_slots)
		__builtin_prefetch(&index->slots[hash_of(index, key, length) & (index->n_slots - 1)]);
}

static void take_slot(struct string_index *index, size_t entry)
{
	uint64_t hash = index->entries[entry].hash;
	size_t slot = hash & (index->n_slots - 1);

	while (index->slots[slot])
		slot = (slot + 1) & (index->n_slots - 1);
	index->slots[slot] = TAG(hash) | (entry + 1);
}

/* Keeps at least half of the slots free. */
int string_index_reserve(struct string_index *index, size_t n)
{
	size_t n_slots = index->n_slots ? index->n_slots : SLOTS_FIRST;
	uint64_t *slots;

	if (n > UINT32_MAX / 2 || array_reserve(&index->entries, &index->capacity, n, sizeof(*index->entries)))
		return -ENOMEM;
	while (n_slots < n * 2)
		n_slots *= 2;
	if (n_slots == index->n_slots)
		return 0;
	slots = calloc(n_slots, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	if (!index->n_slots && getrandom(index->seed, sizeof(index->seed), GRND_NONBLOCK) < 0)
		index->seed[1] = (uintptr_t)slots; /* so early in the life of a machine nobody attacks it */
	index->seed[1] |= 1;
	free(index->slots);
	index->slots = slots;
	index->n_slots = n_slots;
	for (size_t i = 0; i < index->n_entries; i++)
		take_slot(index, i);
	return 0;
}

int string_index_add(struct string_index *index, const void *key, size_t length, uint32_t value, struct place place,
		     const struct string_index_entry **reterr_first)
{
	uint64_t hash, *slot;

	if (length > UINT32_MAX || string_index_reserve(index, index->n_entries + 1))
		return -ENOMEM;
	hash = hash_of(index, key, length);
	slot = slot_of(index, hash, key, length);
	if (*slot) {
		if (reterr_first)
			*reterr_first = &index->entries[ENTRY(*slot)];
		return -EEXIST;
	}
	*slot = TAG(hash) | (index->n_entries + 1);
	index->entries[index->n_entries++] = (struct string_index_entry){
		.key = key, .length = (uint32_t)length, .value = value, .hash = hash, .place = place};
	return 0;
}

void string_index_change(struct string_index *index, const void *key, size_t length, uint32_t value)
{
	uint64_t slot = index->n_slots ? *slot_of(index, hash_of(index, key, length), key, length) : 0;

	if (slot)
		index->entries[ENTRY(slot)].value = value;
}
