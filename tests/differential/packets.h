/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random packets for a policy: mostly aimed at one of its entries, with values at the ends of its intervals and just
 * beyond; between endpoints that it has, from and to outside, forged ones, and such as nobody has heard of.
 */
#ifndef EPG_TEST_PACKETS_H
#define EPG_TEST_PACKETS_H

#include "../reference/reference.h"
#include "pool.h"

/* Is it one that the reference knows an answer to? Extension headers, errors and messages to everybody are not. */
bool packets_make_sense(const struct reference_packet *packet);

/* ARP and neighbour discovery. */
bool packets_ask_for_neighbors(const struct reference_packet *packet);

void packets_random(const struct model *model, uint64_t *random, struct reference_packet *ret);

#define PACKETS_PIECES_MAX 6

/*
 * Pieces of one packet, which is made of a random one: in order mostly, some of them overlapping, twice or missing.
 * Returns how many; 0: the packet at hand can't come in pieces.
 */
size_t packets_in_pieces(const struct reference_packet *whole, uint64_t *random,
			 struct reference_packet ret[PACKETS_PIECES_MAX]);

#endif
