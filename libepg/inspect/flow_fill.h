/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* How full the table of flows is. */
#ifndef EPG_FLOW_FILL_H
#define EPG_FLOW_FILL_H

#include "runtime/internal.h"

struct flow_fill {
	uint64_t flows; /* tracked: idle ones are forgotten, though they stay in their places until those are needed */
	uint64_t ipv6;  /* of them */
	uint64_t capacity; /* places; also of a table that no policy has made yet */
};

/* Returns 0 or a negative errno value. */
int flow_fill_read(struct instance *instance, struct flow_fill *ret);

#endif
