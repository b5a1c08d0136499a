/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <stdlib.h>

#include "compile/pairs.h"
#include "base/util.h"

/* `n` pairs of classes as policies have them: small numbers, dense. */
static struct pair_set *dense_pairs(size_t n, uint32_t side)
{
	struct pair_set *pairs = calloc(n, sizeof(*pairs));

	for (size_t i = 0; i < n; i++) {
		uint32_t source = EPG_CLASS_FIRST + (uint32_t)i / side;
		uint32_t destination = EPG_CLASS_FIRST + (uint32_t)i % side;

		pairs[i] = (struct pair_set){PAIRS_KEY(source, destination), (uint32_t)i};
	}
	return pairs;
}

static void check_table(size_t n, uint32_t side, size_t buckets_max)
{
	AUTO_FREE struct pair_set *pairs = dense_pairs(n, side);
	AUTO_FREE struct epg_bucket *buckets = NULL;
	size_t n_buckets, used = 0;

	cr_assert_eq(pairs_build(pairs, n, &buckets, &n_buckets), 0);
	cr_assert_leq(n_buckets, buckets_max);
	for (size_t i = 0; i < n; i++)
		cr_assert_eq(pairs_find(buckets, n_buckets, pairs[i].pair), pairs[i].set);
	for (size_t i = 0; i < n_buckets; i++) {
		for (unsigned int place = 0; place < EPG_BUCKET_PAIRS; place++)
			used += buckets[i].pair[place] != 0;
	}
	cr_assert_eq(used, n, "each pair stands in one place");
	for (uint32_t other = 0; other < 1000; other++)
		cr_assert_eq(pairs_find(buckets, n_buckets, PAIRS_KEY(60000, 1000 + other)), PAIRS_UNKNOWN);
}

Test(pairs, an_empty_table_has_one_bucket)
{
	AUTO_FREE struct epg_bucket *buckets = NULL;
	size_t n_buckets;

	cr_assert_eq(pairs_build(NULL, 0, &buckets, &n_buckets), 0);
	cr_assert_eq(n_buckets, 1);
	cr_assert_eq(pairs_find(buckets, n_buckets, PAIRS_KEY(16, 17)), PAIRS_UNKNOWN);
	cr_assert_eq(pairs_find(buckets, n_buckets, 0), PAIRS_UNKNOWN, "a free place leads nowhere");
}

Test(pairs, every_pair_is_found_at_any_size)
{
	for (size_t n = 1; n <= 300; n++)
		check_table(n, 17, n / 5 + 2);
}

Test(pairs, large_tables_are_four_fifths_full)
{
	check_table(40000, 200, 40000 / (EPG_BUCKET_PAIRS * 4 / 5));
	check_table(250000, 500, 250000 / (EPG_BUCKET_PAIRS * 4 / 5));
	check_table(65000, 65000, 65000 / (EPG_BUCKET_PAIRS * 4 / 5));
}

Test(pairs, direction_matters)
{
	const struct pair_set pairs[] = {{PAIRS_KEY(16, 17), 1}};
	AUTO_FREE struct epg_bucket *buckets = NULL;
	size_t n_buckets;

	cr_assert_eq(pairs_build(pairs, 1, &buckets, &n_buckets), 0);
	cr_assert_eq(pairs_find(buckets, n_buckets, PAIRS_KEY(16, 17)), 1);
	cr_assert_eq(pairs_find(buckets, n_buckets, PAIRS_KEY(17, 16)), PAIRS_UNKNOWN);
}
