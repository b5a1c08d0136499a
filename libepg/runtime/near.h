/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What endpoints have sent: their entries, and what each CPU has counted and not yet added to them. */
#ifndef EPG_NEAR_H
#define EPG_NEAR_H

#include "runtime/internal.h"
#include "runtime/walk.h"

/*
 * Tells every entry of `endpoints` as walk_map does, with packets and bytes as they are: no packet is missing, none is
 * counted twice. Returns 0, what `fn` returned if that is not 0, or a negative errno value.
 */
int near_walk_endpoints(const struct instance *instance, walk_fn fn, void *user);

#endif
