/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/string_index.h"

Test(string_index, finds_what_was_added_and_nothing_else)
{
	static char keys[5000][16];
	struct string_index index = {0};

	cr_assert_null(string_index_find(&index, "a", 1));
	for (uint32_t i = 0; i < 5000; i++) {
		snprintf(keys[i], sizeof(keys[i]), "key-%u", i);
		cr_assert_eq(string_index_add(&index, keys[i], strlen(keys[i]), i, (struct place){i, 1}, NULL), 0);
	}
	for (uint32_t i = 0; i < 5000; i++) {
		const struct string_index_entry *entry = string_index_find(&index, keys[i], strlen(keys[i]));

		cr_assert_not_null(entry);
		cr_assert_eq(entry->value, i);
		cr_assert_eq(entry->place.line, i);
	}
	cr_assert_null(string_index_find(&index, "key-5000", 8));
	cr_assert_null(string_index_find(&index, "key-1", 4), "a key's beginning is not the key");
	string_index_clear(&index);
}

Test(string_index, tells_what_came_first)
{
	struct string_index index = {0};
	const struct string_index_entry *first = NULL;

	cr_assert_eq(string_index_add(&index, "http", 4, 1, (struct place){7, 3}, &first), 0);
	cr_assert_eq(string_index_add(&index, "http", 4, 2, (struct place){9, 3}, &first), -EEXIST);
	cr_assert_eq(first->place.line, 7);
	cr_assert_eq(first->value, 1);
	string_index_clear(&index);
}

Test(string_index, tells_keys_apart_by_every_byte)
{
	struct string_index index = {0};
	uint8_t keys[64][33] = {{0}};

	/* All zero but for one byte, and all zero of each length. */
	for (uint32_t i = 0; i < 32; i++) {
		keys[i][i] = 1;
		cr_assert_eq(string_index_add(&index, keys[i], 33, i, (struct place){0}, NULL), 0);
		cr_assert_eq(string_index_add(&index, keys[40], i + 1, i, (struct place){0}, NULL), 0);
	}
	cr_assert_eq(index.n_entries, 64);
	string_index_clear(&index);
}

Test(string_index, room_made_beforehand_changes_nothing_but_speed)
{
	static char keys[1000][8];
	struct string_index index = {0};

	cr_assert_eq(string_index_reserve(&index, 100), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%u", i);
		cr_assert_eq(string_index_add(&index, keys[i], strlen(keys[i]), i, (struct place){i, 1}, NULL), 0);
		cr_assert_eq(string_index_reserve(&index, i), 0);
	}
	for (uint32_t i = 0; i < 1000; i++) {
		const struct string_index_entry *found = string_index_find(&index, keys[i], strlen(keys[i]));

		cr_assert(found && found->value == i && found->place.line == i);
		cr_assert_eq(index.entries[i].key, keys[i], "in the order in which they were added");
	}
	cr_assert_null(string_index_find(&index, "k1000", 5));
	string_index_clear(&index);
}

Test(string_index, what_a_key_stands_for_can_change)
{
	struct string_index index = {0};

	string_index_change(&index, "a", 1, 5);
	cr_assert_eq(string_index_add(&index, "a", 1, 1, (struct place){1, 1}, NULL), 0);
	string_index_change(&index, "a", 1, 2);
	string_index_change(&index, "b", 1, 3);
	cr_assert_eq(string_index_find(&index, "a", 1)->value, 2);
	cr_assert_null(string_index_find(&index, "b", 1));
	string_index_clear(&index);
}
