/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What rules have counted: their counters, and what CPUs have counted and have yet to add to them (struct epg_tally). */
#ifndef EPG_COUNTS_H
#define EPG_COUNTS_H

#include "runtime/internal.h"

/*
 * Reads what CPUs have yet to add to the counters of the running generation, so that generation_counter knows it: no
 * packet is missing, none counts twice. Where a CPU has been stopped while it was adding, what it has is left out. A failure
 * is recorded.
 */
int counts_read(struct epg *epg, const struct instance *instance, struct generation *generation);

/*
 * Adds what CPUs still have of tables to their counters, and frees all entries but those of the tables in force. No program
 * may be running that has seen others in force. 0 or -errno.
 */
int counts_settle(const struct instance *instance, uint32_t tables, const struct map_view *counters);

/* Is there an entry that counts_settle would take? */
bool counts_are_left(const struct instance *instance);

#endif
