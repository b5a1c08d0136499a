/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Filter entries that can never decide a packet, since stronger ones cover them. */
#ifndef EPG_UNREACHED_H
#define EPG_UNREACHED_H

#include <stdint.h>

#include "compile/draft.h"
#include "policy/model.h"

struct epg_diagnostics;

/*
 * Warns about entries none of whose rules is `reached` (by rule) although they stand between groups, and names the
 * entry that covers them where it is a single one. The draft is complete, `uses` as for rules_collect. 0 or -ENOMEM.
 */
int unreached_warn(const struct model *model, const struct draft *draft, const uint16_t *uses, const uint8_t *reached,
		   struct epg_diagnostics *diagnostics);

#endif
