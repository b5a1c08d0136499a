/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What the program said about a packet, told with names, lines, and what might have been. */
#ifndef EPG_EXPLAIN_ANSWER_H
#define EPG_EXPLAIN_ANSWER_H

#include "base/arena.h"
#include "inspect/explain_packet.h"

/* One packet that was asked about, between its sides, and what the program left about it. */
struct explain_step {
	const struct explain_packet *packet;
	bool ipv4;
	struct epg_event event;
	char source[PORT_NAME_MAX], destination[PORT_NAME_MAX]; /* endpoints; "": outside */
};

/* Fills an answer whose strings and arrays lie in the arena. Returns 0 or -ENOMEM. */
int explain_answer_fill(struct arena *arena, const struct generation *generation, const struct explain_step *step,
			struct epg_answer *ret);

/* The same for a reply or an error that passes by the flow that `opening` begins. */
int explain_answer_by_flow(struct arena *arena, const struct explain_packet *packet, bool ipv4,
			   const struct epg_answer *opening, struct epg_answer *ret);

#endif
