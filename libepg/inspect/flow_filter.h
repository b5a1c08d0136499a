/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Which tracked flows are meant: an epg_flow_filter with its names looked up. */
#ifndef EPG_FLOW_FILTER_H
#define EPG_FLOW_FILTER_H

#include "runtime/flow_table.h"

/* Of what is not set, any. */
struct flow_filter {
	bool by_interface, by_group, by_address, by_protocol, by_port, by_state, revoked;
	uint32_t ifindex;
	uint16_t class_id;
	uint8_t address[16];
	unsigned int length; /* of the prefix: bits of the mapped form */
	uint8_t protocol;
	uint16_t port;
	uint8_t state; /* enum epg_flow_state */
};

/* "established"; NULL for a number that is no state. */
const char *flow_filter_state_name(unsigned int state);

/*
 * `running` may be NULL: no policy is in force, and there are no groups. Errors: -EINVAL, -ENOENT, with a failure
 * recorded.
 */
int flow_filter_read(struct epg *epg, struct instance *instance, const struct generation *running,
		     const struct epg_flow_filter *given, struct flow_filter *ret);

bool flow_filter_selects(const struct flow_filter *filter, const struct epg_flow_key *key, const struct epg_flow *flow);

#endif
