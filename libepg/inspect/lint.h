/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What is suspicious about a policy beyond what reading and compiling it tells. */
#ifndef EPG_LINT_H
#define EPG_LINT_H

#include <stdbool.h>

#include "policy/diagnostic.h"
#include "policy/model.h"

/*
 * Subjects that decide nothing yet, VRFs that let everything pass, groups that nobody is in. `bound` tells, by group,
 * whether an endpoint is bound to it right now; NULL: nobody knows.
 */
void lint_model(const struct model *model, const bool *bound, struct epg_diagnostics *diagnostics);

/* Entries that match the same packets in part, within a filter or between the filters of a subject. 0 or -ENOMEM. */
int lint_overlaps(const struct model *model, struct epg_diagnostics *diagnostics);

#endif
