/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets that come in pieces, put to the live programs and to the reference, which both remember those before. */
#ifndef EPG_TEST_PIECES_H
#define EPG_TEST_PIECES_H

#include "packets.h"
#include "rig.h"

struct pieces_counts {
	size_t packets, pieces, passed, on_credit, followed, overlaps;
};

/* True: they agree on each piece of a random packet made of `whole`. What they do not agree on is told on stderr. */
bool pieces_agree(struct rig *rig, const struct model *model, const struct reference_packet *whole, uint64_t *random,
		  struct pieces_counts *counts);

#endif
