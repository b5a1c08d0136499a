/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* An arena: memory that is taken piece by piece and given back all at once. */
#ifndef EPG_ARENA_H
#define EPG_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

/* NULL without memory. */
struct arena *arena_new(void);
/* NULL is allowed. */
void arena_free(struct arena *arena);

/*
 * `count` zeroed elements of `size` bytes, aligned for pointers and 64-bit integers; never NULL for want of
 * elements. NULL without memory.
 */
void *arena_array(struct arena *arena, size_t count, size_t size);
#define ARENA_NEW(arena, type) ((type *)arena_array(arena, 1, sizeof(type)))

/*
 * Room for one more element, zeroed, at the end of the array that the pointer at `array` points to, and counts it.
 * Room doubles whenever the count is a power of two, so arrays that grow must always grow through here.
 * The array may move. NULL without memory.
 */
void *arena_push(struct arena *arena, void *array, size_t *count, size_t size);

/* A copy of `length` bytes and a terminating zero. NULL without memory. */
char *arena_string(struct arena *arena, const char *text, size_t length);

/* NULL without memory. */
char *arena_format(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
