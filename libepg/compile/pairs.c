/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/pairs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/util.h"

/* Tables are begun this full, in percent, and grow when a pair finds no place. */
#define LOAD_PERCENT 85

/* Pairs moved for the sake of one newcomer, before the table is called too small. */
#define MOVES_MAX 512

static struct epg_bucket *new_buckets(size_t n)
{
	struct epg_bucket *buckets = calloc(n, sizeof(*buckets));

	/* A free place leads nowhere, whatever it may be looked up by. */
	for (size_t i = 0; buckets && i < n; i++) {
		for (unsigned int place = 0; place < EPG_BUCKET_PAIRS; place++)
			buckets[i].root[place] = EPG_TARGET_MISS;
	}
	return buckets;
}

static bool put_into(struct epg_bucket *bucket, struct pair_root entry)
{
	for (unsigned int place = 0; place < EPG_BUCKET_PAIRS; place++) {
		if (!bucket->pair[place]) {
			bucket->pair[place] = entry.pair;
			bucket->root[place] = entry.root;
			return true;
		}
	}
	return false;
}

static struct pair_root exchange(struct epg_bucket *bucket, unsigned int place, struct pair_root entry)
{
	struct pair_root displaced = {bucket->pair[place], bucket->root[place]};

	bucket->pair[place] = entry.pair;
	bucket->root[place] = entry.root;
	return displaced;
}

/*
 * Puts an entry into one of its buckets; when both are full, it takes the place of another, which moves on to
 * its own other bucket. `random` makes the way wander, the same way each time.
 */
static bool put(struct epg_bucket *buckets, size_t n_buckets, struct pair_root entry, uint32_t *random)
{
	uint32_t bucket = epg_pair_bucket(entry.pair, 0, (uint32_t)n_buckets);

	if (put_into(&buckets[bucket], entry))
		return true;
	for (unsigned int move = 0; move < MOVES_MAX; move++) {
		uint32_t first = epg_pair_bucket(entry.pair, 0, (uint32_t)n_buckets);
		uint32_t second = epg_pair_bucket(entry.pair, 1, (uint32_t)n_buckets);

		bucket = bucket == first ? second : first;
		if (put_into(&buckets[bucket], entry))
			return true;
		*random = *random * 1664525 + 1013904223;
		entry = exchange(&buckets[bucket], *random >> 29, entry);
	}
	return false;
}

static bool put_all(struct epg_bucket *buckets, size_t n_buckets, const struct pair_root *pairs, size_t n)
{
	uint32_t random = 1;

	for (size_t i = 0; i < n; i++) {
		if (!put(buckets, n_buckets, pairs[i], &random))
			return false;
	}
	return true;
}

int pairs_build(const struct pair_root *pairs, size_t n, struct epg_bucket **ret, size_t *ret_buckets)
{
	size_t n_buckets = n * 100 / (EPG_BUCKET_PAIRS * LOAD_PERCENT) + 1;

	for (;;) {
		AUTO_FREE struct epg_bucket *buckets = new_buckets(n_buckets);

		if (!buckets)
			return -ENOMEM;
		if (put_all(buckets, n_buckets, pairs, n)) {
			*ret = TAKE_PTR(buckets);
			*ret_buckets = n_buckets;
			return 0;
		}
		n_buckets += n_buckets / 8 + 1;
	}
}

static uint32_t find_in(const struct epg_bucket *bucket, uint32_t pair)
{
	uint32_t root = EPG_TARGET_MISS;

	for (unsigned int place = 0; place < EPG_BUCKET_PAIRS; place++) {
		if (bucket->pair[place] == pair)
			root = bucket->root[place];
	}
	return root;
}

uint32_t pairs_find(const struct epg_bucket *buckets, size_t n_buckets, uint32_t pair)
{
	uint32_t root = find_in(&buckets[epg_pair_bucket(pair, 0, (uint32_t)n_buckets)], pair);

	if (root == EPG_TARGET_MISS)
		root = find_in(&buckets[epg_pair_bucket(pair, 1, (uint32_t)n_buckets)], pair);
	return root;
}
