/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/draft.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "compile/catalog_block.h"

void draft_clear(struct draft *draft)
{
#define DRAFT_FREE(name, type) free(draft->name);
	CATALOG_SECTIONS(DRAFT_FREE)
#undef DRAFT_FREE
	free(draft->strings);
	free(draft->string_slots);
	*draft = (struct draft){0};
}

/* `count` more elements of `size` bytes at the end of the array that the pointer at `array` points to. */
static void *append(void *array, size_t *n, size_t *capacity, size_t count, size_t size)
{
	uint8_t *added;

	if (array_reserve(array, capacity, *n + count, size))
		return NULL;
	added = (uint8_t *)*(void **)array + *n * size;
	memset(added, 0, count * size);
	*n += count;
	return added;
}

#define DRAFT_ADD(name, type)                                                                                       \
	struct type *draft_add_##name(struct draft *draft, size_t count)                                            \
	{                                                                                                           \
		return append(&draft->name, &draft->n_##name, &draft->name##_capacity, count, sizeof(struct type)); \
	}
CATALOG_SECTIONS(DRAFT_ADD)
#undef DRAFT_ADD

#define TAG(hash) ((hash) >> 32 << 32)

static uint64_t hash_string(const char *string)
{
	size_t length = strlen(string);
	uint64_t hash = length, word;

	for (; length >= sizeof(word); length -= sizeof(word), string += sizeof(word)) {
		memcpy(&word, string, sizeof(word));
		hash = hash_word(hash, word);
	}
	word = 0;
	memcpy(&word, string, length);
	return hash_word(hash, word);
}

/* The slot of the string, or the free one where it belongs. */
static uint64_t *find_slot(const struct draft *draft, const char *string, uint64_t hash)
{
	size_t slot = hash & (draft->n_string_slots - 1);

	while (draft->string_slots[slot] && (TAG(draft->string_slots[slot]) != TAG(hash) ||
					     strcmp(draft->strings + (uint32_t)draft->string_slots[slot], string) != 0))
		slot = (slot + 1) & (draft->n_string_slots - 1);
	return &draft->string_slots[slot];
}

/* Keeps at least half of the slots free. */
static int make_slots(struct draft *draft)
{
	struct draft larger = *draft;

	if ((draft->n_distinct + 1) * 2 <= draft->n_string_slots)
		return 0;
	larger.n_string_slots = draft->n_string_slots ? draft->n_string_slots * 2 : 256;
	larger.string_slots = calloc(larger.n_string_slots, sizeof(*larger.string_slots));
	if (!larger.string_slots)
		return -ENOMEM;
	for (size_t i = 0; i < draft->n_string_slots; i++) {
		const char *string = draft->strings + (uint32_t)draft->string_slots[i];

		if (draft->string_slots[i])
			*find_slot(&larger, string, hash_string(string)) = draft->string_slots[i];
	}
	free(draft->string_slots);
	*draft = larger;
	return 0;
}

int draft_reserve_rules(struct draft *draft, size_t n)
{
	return array_reserve(&draft->rules, &draft->rules_capacity, n, sizeof(*draft->rules));
}

static int append_string(struct draft *draft, const char *string, size_t size)
{
	if (size > UINT32_MAX - draft->n_strings ||
	    array_reserve(&draft->strings, &draft->strings_capacity, draft->n_strings + size, 1))
		return -ENOMEM;
	memcpy(draft->strings + draft->n_strings, string, size);
	draft->n_strings += size;
	return 0;
}

int draft_string(struct draft *draft, const char *string, uint32_t *ret)
{
	uint64_t hash, *slot;
	size_t offset;

	if (make_slots(draft) || (draft->n_strings == 0 && append_string(draft, "", 1)))
		return -ENOMEM;
	offset = draft->n_strings;
	if (!*string) {
		*ret = 0;
		return 0;
	}
	hash = hash_string(string);
	slot = find_slot(draft, string, hash);
	if (!*slot) {
		if (append_string(draft, string, strlen(string) + 1))
			return -ENOMEM;
		*slot = TAG(hash) | offset;
		draft->n_distinct++;
	}
	*ret = (uint32_t)*slot;
	return 0;
}

int draft_new_string(struct draft *draft, const char *string, uint32_t *ret)
{
	size_t offset;

	/* The pool begins with the empty string. */
	if (!draft->n_strings || !*string)
		return draft_string(draft, string, ret);
	offset = draft->n_strings;
	if (append_string(draft, string, strlen(string) + 1))
		return -ENOMEM;
	*ret = (uint32_t)offset;
	return 0;
}

static void copy_section(uint8_t *block, const struct catalog_extent *extent, const void *elements, size_t size)
{
	if (extent->count)
		memcpy(block + extent->offset, elements, extent->count * size);
}

int draft_write(struct draft *draft, const char *file, uint8_t **ret, size_t *ret_length)
{
	struct catalog_counts counts = {0};
	struct catalog_header header;
	uint32_t string;
	uint8_t *block;

	if (draft_string(draft, file, &string))
		return -ENOMEM;
#define DRAFT_COUNT(name, type) counts.sections[CATALOG_SECTION_##name] = draft->n_##name;
	CATALOG_SECTIONS(DRAFT_COUNT)
#undef DRAFT_COUNT
	counts.strings = draft->n_strings;
	header = catalog_layout(&counts, string);
	block = calloc(1, header.length);
	if (!block)
		return -ENOMEM;
	memcpy(block, &header, sizeof(header));
#define DRAFT_COPY(name, type) \
	copy_section(block, &header.sections[CATALOG_SECTION_##name], draft->name, sizeof(struct type));
	CATALOG_SECTIONS(DRAFT_COPY)
#undef DRAFT_COPY
	copy_section(block, &header.strings, draft->strings, 1);
	*ret = block;
	*ret_length = header.length;
	return 0;
}
