// SPDX-License-Identifier: GPL-2.0-only
/* Reading all of a hash map: each entry once, over many batches. */
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <criterion/criterion.h>

#include "environment.h"
#include "runtime/walk.h"

#define ENTRIES 30000

static int map_with_entries(enum bpf_map_type type)
{
	int fd;

	environment_require_bpf();
	fd = bpf_map_create(type, "walk_test", sizeof(uint32_t), 20, ENTRIES, NULL);
	cr_assert_geq(fd, 0);
	for (uint32_t key = 0; key < ENTRIES; key++) {
		uint32_t value[5] = {key, 0, 0, 0, ~key};

		cr_assert_eq(bpf_map_update_elem(fd, &key, value, BPF_NOEXIST), 0);
	}
	return fd;
}

static int mark(void *user, const void *key, const void *value)
{
	const uint32_t *number = key, *words = value;
	uint8_t *seen = user;

	cr_assert_lt(*number, ENTRIES);
	cr_assert_eq(words[0], *number);
	cr_assert_eq(words[4], ~*number);
	cr_assert_eq(seen[*number]++, 0, "entry %u was told twice", *number);
	return 0;
}

Test(walk, tells_every_entry_once)
{
	int fd = map_with_entries(BPF_MAP_TYPE_HASH);
	uint8_t *seen = calloc(ENTRIES, 1);
	uint64_t count = 0;

	cr_assert_eq(walk_map(fd, mark, seen), 0);
	for (size_t i = 0; i < ENTRIES; i++)
		cr_assert_eq(seen[i], 1, "entry %zu was not told", i);
	cr_assert_eq(walk_count(fd, &count), 0);
	cr_assert_eq(count, ENTRIES);
	free(seen);
	close(fd);
}

static int stop_at_third(void *user, const void *key, const void *value)
{
	(void)key;
	(void)value;
	return ++*(int *)user == 3 ? 33 : 0;
}

Test(walk, stops_when_told)
{
	int fd = map_with_entries(BPF_MAP_TYPE_HASH), calls = 0;

	cr_assert_eq(walk_map(fd, stop_at_third, &calls), 33);
	cr_assert_eq(calls, 3);
	close(fd);
}

Test(walk, an_empty_map_and_no_map)
{
	uint64_t count = 7;
	int fd;

	environment_require_bpf();
	fd = bpf_map_create(BPF_MAP_TYPE_HASH, "walk_empty", 4, 4, 16, NULL);
	cr_assert_eq(walk_count(fd, &count), 0);
	cr_assert_eq(count, 0);
	close(fd);
	count = 7;
	cr_assert_lt(walk_count(-1, &count), 0);
	cr_assert_eq(count, 7);
}
