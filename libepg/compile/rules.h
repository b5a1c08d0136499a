/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Contracts into rules: one for each entry of each filter that a subject uses, and direction. */
#ifndef EPG_RULES_H
#define EPG_RULES_H

#include "compile/draft.h"
#include "policy/model.h"

struct epg_diagnostics;

/* Rules of a policy: a quarter of a gigabyte of names and counters. */
#define RULES_MAX ((size_t)1 << 22)

/*
 * Writes the implicit rules, the contracts in the model's order, and their rules into the draft; returns the
 * elements of table `rules`, as many as the draft has rules. The caller frees them.
 * Returns 0, -EBADMSG (more than RULES_MAX, reported at the contract), -ENOMEM.
 */
int rules_collect(const struct model *model, struct epg_diagnostics *diagnostics, struct draft *draft,
		  struct epg_rule **ret);

#endif
