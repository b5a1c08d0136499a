/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Names of endpoints, for views that need the same ones many thousand times. */
#ifndef EPG_ENDPOINT_NAMES_H
#define EPG_ENDPOINT_NAMES_H

#include "runtime/internal.h"

struct endpoint_names;

/* NULL: no memory. */
struct endpoint_names *endpoint_names_new(struct epg *epg, const struct instance *instance);
void endpoint_names_free(struct endpoint_names *names);
DEFINE_AUTO(struct endpoint_names, endpoint_names_free)

/* As epg.h says; "" for 0, and for one that has vanished. It lives until the next call. */
const char *endpoint_names_find(struct endpoint_names *names, uint32_t id);

#endif
