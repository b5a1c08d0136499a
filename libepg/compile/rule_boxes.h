/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The packets that a rule matches, as boxes of a diagram. */
#ifndef EPG_RULE_BOXES_H
#define EPG_RULE_BOXES_H

#include <stddef.h>
#include <stdint.h>

#include "compile/catalog.h"
#include "compile/diagram.h"

#define RULE_FLAG_RANGES_MAX 8 /* flags that take turns */
/* Two kinds, each with its flags and with what comes early. */
#define RULE_BOXES_MAX (2 * (RULE_FLAG_RANGES_MAX + 1))

/*
 * The kinds whose early pieces a stronger rule of the list permits already, a bit each: as many rules permit the same
 * ones, most need no box for them. Begins as all zero.
 */
struct rule_boxes_early {
	uint64_t kinds[(EPG_KIND_IPV6 + 0x100) / 64];
};

/*
 * Writes the boxes of a rule, which lead to `leaf`; returns how many. They tell apart what packets can be: a later
 * fragment has neither ports nor type nor flags (EPG_FIELD_FRAGMENT), so that a box which asks for any of these need
 * not ask for a whole packet too, and for most rules the field costs nothing.
 */
size_t rule_boxes(const struct catalog_rule *rule, uint32_t leaf, struct rule_boxes_early *early,
		  struct diagram_box boxes[RULE_BOXES_MAX]);

/* The box is for pieces that come early, and for nothing else. */
bool rule_boxes_is_early(const struct diagram_box *box);

#endif
