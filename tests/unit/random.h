/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers that look random and are the same in every run. */
#ifndef EPG_TEST_RANDOM_H
#define EPG_TEST_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* splitmix64 */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t mixed = *state += 0x9e3779b97f4a7c15u;

	mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
	mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
	return mixed ^ mixed >> 31;
}

static inline size_t random_below(uint64_t *state, size_t bound)
{
	return random_next(state) % bound;
}

#endif
