/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <stdint.h>
#include <string.h>

#include "base/arena.h"

Test(arena, gives_zeroed_and_aligned_memory)
{
	struct arena *arena = arena_new();

	for (size_t size = 1; size < 300; size++) {
		uint8_t *array = arena_array(arena, size, 7);

		cr_assert_eq((uintptr_t)array % sizeof(uint64_t), 0);
		for (size_t i = 0; i < size * 7; i++)
			cr_assert_eq(array[i], 0);
		memset(array, 0xff, size * 7);
		arena_string(arena, "x", 1); /* leaves the next piece at an odd place */
	}
	arena_free(arena);
}

Test(arena, pieces_do_not_overlap)
{
	struct arena *arena = arena_new();
	uint32_t *pieces[1000];

	for (uint32_t i = 0; i < 1000; i++) {
		size_t words = i % 10 == 0 ? 20000 : i % 37 + 1; /* large ones get chunks of their own */

		pieces[i] = arena_array(arena, words, sizeof(uint32_t));
		for (size_t j = 0; j < words; j++)
			pieces[i][j] = i;
	}
	for (uint32_t i = 0; i < 1000; i++)
		for (size_t j = 0; j < (i % 10 == 0 ? 20000 : i % 37 + 1); j++)
			cr_assert_eq(pieces[i][j], i);
	arena_free(arena);
}

Test(arena, refuses_a_size_beyond_all_memory)
{
	struct arena *arena = arena_new();

	cr_assert_null(arena_array(arena, SIZE_MAX, 2));
	cr_assert_null(arena_array(arena, 1, SIZE_MAX));
	cr_assert_null(arena_array(arena, 1, SIZE_MAX - 8));
	cr_assert_not_null(arena_array(arena, 0, 8));
	arena_free(arena);
}

Test(arena, array_grows_and_keeps_its_elements)
{
	struct arena *arena = arena_new();
	uint32_t *numbers = NULL;
	size_t n = 0;

	for (uint32_t i = 0; i < 1000; i++) {
		uint32_t *number = arena_push(arena, &numbers, &n, sizeof(*number));

		cr_assert_eq(*number, 0);
		*number = i;
	}
	cr_assert_eq(n, 1000);
	for (uint32_t i = 0; i < 1000; i++)
		cr_assert_eq(numbers[i], i);
	arena_free(arena);
}

Test(arena, strings_end_where_they_should)
{
	struct arena *arena = arena_new();

	cr_assert_str_eq(arena_string(arena, "abcdef", 3), "abc");
	cr_assert_str_eq(arena_string(arena, "", 0), "");
	cr_assert_str_eq(arena_format(arena, "%s/%d", "shop", 7), "shop/7");
	arena_free(arena);
	arena_free(NULL);
}
