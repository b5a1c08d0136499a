/* SPDX-License-Identifier: GPL-2.0-only */
/* Two endpoints that say this and that to each other: the live programs and the reference must agree on each packet. */
#ifndef EPG_TEST_TALKS_H
#define EPG_TEST_TALKS_H

#include "packets.h"
#include "rig.h"

struct talks_counts {
	size_t talks, packets, passed, by_flow;
};

/* True: they agree on all packets of a random conversation that begins with `first`. What they don't is told on stderr. */
bool talks_agree(struct rig *rig, const struct model *model, const struct reference_packet *first, uint64_t *random,
		 struct talks_counts *counts);

#endif
