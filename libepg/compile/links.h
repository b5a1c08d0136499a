/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Which contracts and taboos bind which pairs of classes. */
#ifndef EPG_LINKS_H
#define EPG_LINKS_H

#include <stddef.h>
#include <stdint.h>

#include "compile/catalog.h"
#include "compile/ids.h"
#include "compile/rules.h"
#include "policy/model.h"

struct epg_diagnostics;

/* Links of a policy: 64 MB while they are sorted. */
#define LINKS_MAX ((size_t)1 << 23)

/* A pair of class ids in the order of `pairs`, and the rules of a contract that hold for it. */
struct link {
	uint32_t pair; /* PAIRS_KEY */
	uint32_t part; /* LINK_PART */
};

/* The rules of one contract (index in the catalog: taboos stand behind contracts), role and direction. */
#define LINK_PART(contract, role, reverse) ((uint32_t)(contract) << 4 | (uint32_t)(role) << 1 | !!(reverse))
#define LINK_CONTRACT(part) ((part) >> 4)
#define LINK_ROLE(part) ((part) >> 1 & 7)
#define LINK_REVERSE(part) ((part)&1)

struct links {
	struct link *items; /* each once, sorted by pair, then part */
	size_t n, capacity;
	uint16_t *uses; /* by contract, then taboo: the RULES_USE of all links */
};

/* Links begin as all zero. */
void links_clear(struct links *links);

/*
 * All links of contracts that have rules for their direction, as `counts` (rules_count) says. vzAny stands in pairs as
 * the class of its VRF; within one group only contracts of `intraEpg` bind, whatever else it provides and consumes.
 * Returns 0, -EBADMSG (more than LINKS_MAX: reported at the contract), -ENOMEM.
 */
int links_collect(const struct model *model, const struct ids *ids, const struct rules_count *counts,
		  struct epg_diagnostics *diagnostics, struct links *ret);

#endif
