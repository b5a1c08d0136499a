/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Who is meant by the source and the destination of a question. */
#ifndef EPG_EXPLAIN_SIDE_H
#define EPG_EXPLAIN_SIDE_H

#include "runtime/port.h"

enum family {
	FAMILY_ANY,
	FAMILY_NONE, /* neither IP nor ARP: no addresses are needed */
	FAMILY_IPV4,
	FAMILY_IPV6,
};

struct explain_side {
	const char *text;
	uint32_t ifindex; /* of the endpoint, or its port; 0: none of this host */
	uint32_t hook;    /* of the interface whose hooks decide for it; the port of one inside */
	uint16_t vlan;    /* that its frames carry; 0: none */
	char interface[PORT_NAME_MAX];
	struct epg_binding binding;
	bool quarantined; /* attached, but no endpoint: no address of it counts */
	bool has_address;
	uint8_t address[16];
};

struct explain_sides {
	struct explain_side source;
	struct explain_side destination;
};

/* Where the frames of a side's endpoint are seen, and with which tag. */
void explain_side_take_place(struct instance *instance, struct explain_side *side);

/*
 * Finds both sides: interfaces, endpoints that own addresses, addresses of endpoints in the family that both
 * have. `vrf` ("tenant/vrf") may be NULL. Returns 0, or a negative errno value with a failure recorded.
 */
int explain_sides_find(struct epg *epg, struct instance *instance, const struct generation *generation,
		       const struct epg_question *question, enum family family, struct explain_sides *ret);

#endif
