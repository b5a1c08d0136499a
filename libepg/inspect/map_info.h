/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#ifndef EPG_MAP_INFO_H
#define EPG_MAP_INFO_H

#include "runtime/internal.h"

/* epg_maps_each within a call that has been begun already. */
int map_info_each(struct epg *epg, struct instance *instance, epg_map_fn fn, void *user);

#endif
