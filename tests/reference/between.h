/* SPDX-License-Identifier: GPL-2.0-only */
/* Within the reference: from the two sides to an answer. */
#ifndef EPG_TEST_BETWEEN_H
#define EPG_TEST_BETWEEN_H

#include "reference.h"

void answer_denied(struct reference_answer *answer, enum epg_reason reason);
/* By an implicit rule, whoever the two sides are. */
void answer_permitted(struct reference_answer *answer, enum epg_implicit_rule id);

/* By the rules between the answer's `source` and `destination`. `vrf` is that of the hook's endpoint. */
void decide_between(const struct model *model, const struct reference_packet *packet, uint32_t vrf,
		    struct reference_answer *answer);

/*
 * What passes without a contract: ARP and neighbour discovery, DHCP, membership of multicast groups. True: it is that,
 * and `answer` says whether the sender may say so. Of the answer one side is known: the one that the hook's endpoint is;
 * `endpoint` is the sender, NULL: outside, or nothing is declared of it.
 */
bool decide_infrastructure(const struct model *model, const struct reference_packet *packet,
			   const struct model_endpoint *endpoint, struct reference_answer *answer);

#endif
