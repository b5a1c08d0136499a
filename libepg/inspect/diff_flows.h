/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Which tracked flows a policy would cut. */
#ifndef EPG_DIFF_FLOWS_H
#define EPG_DIFF_FLOWS_H

#include "runtime/internal.h"

/* `running` may be NULL: then nothing is tracked. Returns 0, what fn returned, or a failure that is recorded. */
int diff_flows(struct epg *epg, struct instance *instance, const struct generation *running,
	       const struct tables *tables, size_t max_flows, epg_change_fn fn, void *user,
	       struct epg_diff_result *ret);

#endif
