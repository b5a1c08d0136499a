/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Who may talk to whom: contracts' rules by pairs of groups; pairs with the same rules share one diagram. */
#ifndef EPG_RULE_SETS_H
#define EPG_RULE_SETS_H

#include <stddef.h>

#include "compile/diagram.h"
#include "compile/draft.h"
#include "policy/model.h"
#include "compile/pairs.h"

struct epg_diagnostics;

/* Sum of the lengths of all rule sets: 64 MB. */
#define MEMBERS_MAX ((size_t)1 << 24)

/*
 * Writes pairs, rule sets and members into the draft, which has the model's contracts and their rules
 * (`rules`) already, and builds the diagrams. `class_ids` is by group. `ret` has as many elements as the
 * draft has pairs; the caller frees it.
 * Warns about rules that can never match. Returns 0, -EBADMSG (beyond one of the bounds: reported), -ENOMEM.
 */
int rule_sets_build(const struct model *model, const uint16_t *class_ids, const struct epg_rule *rules,
		    struct diagram_builder *builder, struct epg_diagnostics *diagnostics, struct draft *draft,
		    struct pair_root **ret);

#endif
