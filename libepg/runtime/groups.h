/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The public map of groups, in which those who write the maps by hand find a group's ids by its name. Buckets for all
 * groups that there can be are a megabyte: so it is made with the first policy that has groups.
 */
#ifndef EPG_GROUPS_H
#define EPG_GROUPS_H

#include "runtime/internal.h"

/* Where it isn't there yet it is made and pinned. The caller holds the instance's lock. Failures are recorded. */
int groups_make(struct epg *epg, struct instance *instance);

#endif
