/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The packets that a rule matches, as boxes of a diagram. */
#ifndef EPG_RULE_BOXES_H
#define EPG_RULE_BOXES_H

#include <stddef.h>
#include <stdint.h>

#include "compile/catalog.h"
#include "compile/diagram.h"

/* Two kinds, and flags that take turns. */
#define RULE_BOXES_MAX 16

/*
 * Writes the boxes of a rule, which lead to `leaf`; returns how many. They tell apart what packets can be: a later
 * fragment has neither ports nor type nor flags (EPG_FIELD_FRAGMENT), so that a box which asks for any of these need
 * not ask for a whole packet too, and for most rules the field costs nothing.
 */
size_t rule_boxes(const struct catalog_rule *rule, uint32_t leaf, struct diagram_box boxes[RULE_BOXES_MAX]);

#endif
