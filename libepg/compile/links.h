/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Which contracts bind which pairs of groups. */
#ifndef EPG_LINKS_H
#define EPG_LINKS_H

#include <stddef.h>
#include <stdint.h>

#include "compile/draft.h"
#include "policy/model.h"

struct epg_diagnostics;

/* Links of a policy, one for each pair, contract and direction: 64 MB while they are sorted. */
#define LINKS_MAX ((size_t)1 << 23)

/* A pair of class ids in the order of `pairs`, and a contract with the direction of its rules that holds for it. */
struct link {
	uint32_t pair; /* PAIRS_KEY */
	uint32_t part; /* LINK_PART */
};

#define LINK_PART(contract, reverse) ((uint32_t)(contract) << 1 | (reverse))
#define LINK_CONTRACT(part) ((part) >> 1)
#define LINK_REVERSE(part) ((part)&1)

/*
 * All links, each once, sorted by pair, then contract. Reverse ones stand only where the contract, whose
 * rules are in the draft, has reverse rules. Counts providers and consumers in the draft's contracts too.
 * The caller frees `ret`. Returns 0, -EBADMSG (more than LINKS_MAX: reported at the contract), -ENOMEM.
 */
int links_collect(const struct model *model, const uint16_t *class_ids, struct epg_diagnostics *diagnostics,
		  struct draft *draft, struct link **ret, size_t *ret_n);

#endif
