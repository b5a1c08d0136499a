/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Who may talk to whom: rules by pairs of classes; pairs with the same rules share one diagram. */
#ifndef EPG_RULE_SETS_H
#define EPG_RULE_SETS_H

#include <stddef.h>
#include <stdint.h>

#include "compile/diagram.h"
#include "compile/draft.h"
#include "compile/links.h"
#include "policy/model.h"
#include "compile/pairs.h"

struct epg_diagnostics;

/* Sum of the lengths of all rule sets: 64 MB. */
#define MEMBERS_MAX ((size_t)1 << 24)

struct rule_sets {
	struct pair_set *pairs;       /* as many as the draft has pairs */
	struct epg_rule_set *records; /* as many as the draft has rule sets */
	uint32_t *nodes;              /* by rule set: nodes that it needed beyond those that earlier ones had */
	uint8_t *reached; /* by rule: whether some packet between some pair is decided by it, in either view */
};

/* Rule sets begin as all zero. */
void rule_sets_clear(struct rule_sets *sets);

/*
 * Writes pairs, rule sets and members into the draft, which has the contracts and their rules (`rules`) already, and
 * builds the diagrams. Returns 0, -EBADMSG (beyond one of the bounds: reported), -ENOMEM.
 */
int rule_sets_build(const struct model *model, const struct links *links, const struct epg_rule *rules,
		    struct diagram_builder *builder, struct epg_diagnostics *diagnostics, struct draft *draft,
		    struct rule_sets *ret);

#endif
