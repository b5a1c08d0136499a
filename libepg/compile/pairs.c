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
			buckets[i].set[place] = PAIRS_UNKNOWN;
	}
	return buckets;
}

static bool put_into(struct epg_bucket *bucket, struct pair_set entry)
{
	for (unsigned int place = 0; place < EPG_BUCKET_PAIRS; place++) {
		if (!bucket->pair[place]) {
			bucket->pair[place] = entry.pair;
			bucket->set[place] = entry.set;
			return true;
		}
	}
	return false;
}

static struct pair_set exchange(struct epg_bucket *bucket, unsigned int place, struct pair_set entry)
{
	struct pair_set displaced = {bucket->pair[place], bucket->set[place]};

	bucket->pair[place] = entry.pair;
	bucket->set[place] = entry.set;
	return displaced;
}

/*
 * Puts an entry into one of its buckets; when both are full, it takes the place of another, which moves on to
 * its own other bucket. `random` makes the way wander, the same way each time.
 */
static bool put(struct epg_bucket *buckets, size_t n_buckets, struct pair_set entry, uint32_t *random)
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

static bool put_all(struct epg_bucket *buckets, size_t n_buckets, const struct pair_set *pairs, size_t n)
{
	uint32_t random = 1;

	for (size_t i = 0; i < n; i++) {
		if (!put(buckets, n_buckets, pairs[i], &random))
			return false;
	}
	return true;
}

int pairs_build(const struct pair_set *pairs, size_t n, struct epg_bucket **ret, size_t *ret_buckets)
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
	uint32_t set = PAIRS_UNKNOWN;

	for (unsigned int place = 0; place < EPG_BUCKET_PAIRS; place++) {
		if (bucket->pair[place] == pair)
			set = bucket->set[place];
	}
	return set;
}

uint32_t pairs_find(const struct epg_bucket *buckets, size_t n_buckets, uint32_t pair)
{
	uint32_t set = find_in(&buckets[epg_pair_bucket(pair, 0, (uint32_t)n_buckets)], pair);

	if (set == PAIRS_UNKNOWN)
		set = find_in(&buckets[epg_pair_bucket(pair, 1, (uint32_t)n_buckets)], pair);
	return set;
}
