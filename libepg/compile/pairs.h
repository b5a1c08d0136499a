/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The table of pairs: a hash table of 64-byte buckets in which each pair has two candidates (struct epg_bucket). */
#ifndef EPG_PAIRS_H
#define EPG_PAIRS_H

#include <stddef.h>
#include <stdint.h>

#include "epg/abi.h"

#define PAIRS_KEY(source, destination) ((uint32_t)(source) << 16 | (destination))

struct pair_set {
	uint32_t pair; /* PAIRS_KEY, never 0 */
	uint32_t set;  /* index of its rule set */
};

/* Lays out pairs, each of which may stand there once. At least one bucket. Returns 0 or -ENOMEM. */
int pairs_build(const struct pair_set *pairs, size_t n, struct epg_bucket **ret, size_t *ret_buckets);

/* The rule set of a pair, looked up as the BPF programs do, or PAIRS_UNKNOWN. */
#define PAIRS_UNKNOWN UINT32_MAX
uint32_t pairs_find(const struct epg_bucket *buckets, size_t n_buckets, uint32_t pair);

#endif
