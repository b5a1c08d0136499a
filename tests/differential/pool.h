/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What random policies and random packets have in common: interfaces, addresses, ports. Everything is small, so that
 * policies collide with each other and packets hit them.
 */
#ifndef EPG_TEST_POOL_H
#define EPG_TEST_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "../unit/random.h"

/* Interfaces e0 to e9; the last two are bound by globs sometimes, the others by name only. */
#define POOL_INTERFACES 10
#define POOL_GLOB_FIRST 8

extern const char *const POOL_INTERFACE[POOL_INTERFACES];

/* Ports that entries begin or end at, in order. */
#define POOL_PORTS 12
extern const uint16_t POOL_PORT[POOL_PORTS];

/* EtherTypes that are neither IP nor ARP. */
#define POOL_ETHER_TYPES 4
extern const uint16_t POOL_ETHER_TYPE[POOL_ETHER_TYPES];

/* Does something happen, that many times of a hundred? */
static inline int pool_chance(uint64_t *random, unsigned int percent)
{
	return random_below(random, 100) < percent;
}

/* Number of the endpoint at interface `index` within its bridge domain; each has a second address. */
#define POOL_HOST(index) (16 + (index))
#define POOL_SECOND_HOST(index) (96 + (index))

#endif
