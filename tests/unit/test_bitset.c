/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <stdlib.h>

#include "base/bitset.h"
#include "random.h"
#include "base/util.h"

/* The same set as an array of flags, asked the slow way. */
static size_t next_flag(const bool *flags, size_t capacity, size_t from)
{
	for (size_t i = from; i < capacity; i++) {
		if (flags[i])
			return i;
	}
	return BITSET_END;
}

static void check(size_t capacity, uint64_t *random)
{
	AUTO_FREE bool *flags = calloc(capacity + 1, sizeof(*flags));
	struct bitset set;

	cr_assert_eq(bitset_init(&set, capacity), 0);
	cr_assert_eq(bitset_next(&set, 0), BITSET_END);
	for (unsigned int step = 0; step < 2000; step++) {
		size_t member = random_below(random, capacity), from = random_below(random, capacity + 2);

		flags[member] = random_below(random, 3) == 0;
		if (flags[member])
			bitset_insert(&set, member);
		else
			bitset_remove(&set, member);
		cr_assert_eq(bitset_next(&set, from), next_flag(flags, capacity, from), "from %zu of %zu", from,
			     capacity);
	}
	bitset_clear(&set);
}

Test(bitset, agrees_with_an_array_of_flags)
{
	static const size_t capacities[] = {1, 2, 63, 64, 65, 127, 128, 4095, 4096, 4097, 20000};
	uint64_t random = 3;

	for (size_t i = 0; i < ARRAY_SIZE(capacities); i++)
		check(capacities[i], &random);
}

Test(bitset, the_largest_set_knows_its_last_member)
{
	struct bitset set;

	cr_assert_eq(bitset_init(&set, BITSET_MAX), 0);
	bitset_insert(&set, BITSET_MAX - 1);
	cr_assert_eq(bitset_next(&set, 0), BITSET_MAX - 1);
	cr_assert_eq(bitset_next(&set, BITSET_MAX - 1), BITSET_MAX - 1);
	cr_assert_eq(bitset_next(&set, BITSET_MAX), BITSET_END);
	bitset_clear(&set);
}
