/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#ifndef EPG_LOAD_OPTIONS_H
#define EPG_LOAD_OPTIONS_H

#include "runtime/internal.h"

/* Sets sizes that were not given, and checks all of them. Failures are recorded. */
int load_complete_options(struct epg *epg, struct epg_load_options *options);
int load_check_timeouts(struct epg *epg, const struct epg_load_options *options);

/* Sets the clock's rate and all timeouts. */
void load_default_timeouts(struct epg_control *control);
/* Sets the timeouts that were given; the others stay as they are. */
void load_set_timeouts(struct epg_control *control, const struct epg_load_options *options);

#endif
