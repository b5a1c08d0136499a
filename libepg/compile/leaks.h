/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Prefixes that one VRF must know of another, since a contract binds groups of both: subnets of the other EPG's bridge
 * domain and the addresses that make members of it; for vzAny, those of all bridge domains of its VRF; for an external
 * group its own subnets. Nothing else of a VRF is known outside.
 */
#ifndef EPG_LEAKS_H
#define EPG_LEAKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile/ids.h"
#include "compile/links.h"
#include "policy/model.h"

struct epg_diagnostics;

/* All VRFs together: 40 MB. */
#define LEAKS_MAX ((size_t)1 << 20)

struct leak {
	const struct model_prefix *prefix;
	uint32_t vrf;      /* index: who must know it */
	uint32_t leaf;     /* EPG_PREFIX_… */
	const char *owner; /* the bridge domain or group whose it is */
	bool external;
	uint32_t contract; /* one that asks for it */
};

struct leaks {
	struct leak *items;
	size_t n, capacity;
};

/* Leaks begin as all zero. */
void leaks_clear(struct leaks *leaks);

/*
 * A bridge domain without subnets, whose groups cannot be found, is a warning.
 * Returns 0, -EBADMSG (more than LEAKS_MAX: reported), -ENOMEM.
 */
int leaks_collect(const struct model *model, const struct ids *ids, const struct links *links,
		  struct epg_diagnostics *diagnostics, struct leaks *ret);

#endif
