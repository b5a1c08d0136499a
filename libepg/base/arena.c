/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

/* Enough for pointers and 64-bit integers; alignment for wider types would waste a third of a tree. */
#define ALIGNMENT alignof(uint64_t)
#define CHUNK_FIRST ((size_t)4096)
#define CHUNK_LARGEST ((size_t)1 << 20)

struct chunk {
	struct chunk *next;
	size_t size;
	size_t used;
	alignas(ALIGNMENT) unsigned char bytes[];
};

struct arena {
	struct chunk *chunks; /* the one being filled comes first */
	size_t next_size;
};

struct arena *arena_new(void)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena)
		arena->next_size = CHUNK_FIRST;
	return arena;
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	while (arena->chunks) {
		struct chunk *chunk = arena->chunks;

		arena->chunks = chunk->next;
		free(chunk);
	}
	free(arena);
}

static struct chunk *chunk_new(size_t size)
{
	struct chunk *chunk;

	if (size > SIZE_MAX - sizeof(*chunk))
		return NULL;
	chunk = malloc(sizeof(*chunk) + size);
	if (!chunk)
		return NULL;
	chunk->next = NULL;
	chunk->size = size;
	chunk->used = 0;
	return chunk;
}

/* A chunk with room for `size` bytes at its end. */
static struct chunk *chunk_with_room(struct arena *arena, size_t size)
{
	struct chunk *first = arena->chunks, *chunk;

	if (first && size <= first->size - first->used)
		return first;
	chunk = chunk_new(size > arena->next_size / 2 ? size : arena->next_size);
	if (!chunk)
		return NULL;
	if (first && chunk->size == size) {
		/* A chunk for one large piece alone: the one that is being filled still has room for small ones. */
		chunk->next = first->next;
		first->next = chunk;
		return chunk;
	}
	chunk->next = first;
	arena->chunks = chunk;
	if (arena->next_size < CHUNK_LARGEST)
		arena->next_size *= 2;
	return chunk;
}

static void *take(struct arena *arena, size_t size, size_t alignment)
{
	struct chunk *chunk = arena->chunks;
	size_t start;
	void *piece;

	if (chunk) {
		start = (chunk->used + alignment - 1) & ~(alignment - 1);
		if (start > chunk->size)
			start = chunk->size;
		chunk->used = start;
	}
	chunk = chunk_with_room(arena, size);
	if (!chunk)
		return NULL;
	piece = chunk->bytes + chunk->used;
	chunk->used += size;
	return piece;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	size_t bytes;
	void *array;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	array = take(arena, bytes ? bytes : 1, ALIGNMENT);
	if (array)
		memset(array, 0, bytes);
	return array;
}

void *arena_push(struct arena *arena, void *array, size_t *count, size_t size)
{
	void **items = array;
	size_t n = *count;

	if ((n & (n - 1)) == 0) {
		void *larger = arena_array(arena, n ? n * 2 : 1, size);

		if (!larger)
			return NULL;
		if (n)
			memcpy(larger, *items, n * size);
		*items = larger;
	}
	*count = n + 1;
	return (char *)*items + n * size;
}

char *arena_string(struct arena *arena, const char *text, size_t length)
{
	char *copy = length < SIZE_MAX ? take(arena, length + 1, 1) : NULL;

	if (!copy)
		return NULL;
	if (length)
		memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
	va_list arguments, again;
	char *text = NULL;
	int length;

	va_start(arguments, format);
	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, arguments);
	if (length >= 0)
		text = take(arena, (size_t)length + 1, 1);
	if (text)
		vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	va_end(arguments);
	return text;
}
