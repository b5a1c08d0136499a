/* SPDX-License-Identifier: GPL-2.0-only */
/* What follows a flow: one that packets of two endpoints have, as docs/datapath.md describes it. */
#ifndef EPG_TEST_FLOWS_H
#define EPG_TEST_FLOWS_H

#include "reference.h"

/* The flow of one pair of addresses and ports; all zero: none is tracked. */
struct reference_flow {
	bool exists;
	bool crossing; /* a SYN has opened it: the other end may open it too, as long as it has not answered */
	unsigned int opener;
	enum epg_flow_state state;
	bool finished[2]; /* each end */
	bool reset[2];
};

/*
 * Does a packet of this flow's addresses and ports pass? `from` tells which end sends it: 0 or 1. Whole packets between
 * endpoints of one VRF only, at the hook of the one that sends.
 */
bool reference_passes(const struct model *model, const struct reference_packet *packet, unsigned int from,
		      struct reference_flow *flow);

#endif
