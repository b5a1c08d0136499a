/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/rule_boxes.h"

#define LATER_FRAGMENT 1

static struct model_range to_range(struct catalog_range range)
{
	return (struct model_range){range.first, range.last};
}

/* The fewest intervals that make up a set of TCP flags; returns how many. */
static size_t flag_ranges(uint16_t set, struct model_range ranges[RULE_BOXES_MAX / 2])
{
	size_t n = 0;

	if (set == MODEL_TCP_FLAGS_ANY) {
		ranges[0] = MODEL_RANGE_ANY;
		return 1;
	}
	for (uint16_t value = 0; value <= EPG_FLAGS_ALL; value++) {
		if (!(set >> value & 1))
			continue;
		if (value > 0 && set >> (value - 1) & 1)
			ranges[n - 1].last = value;
		else
			ranges[n++] = (struct model_range){value, value};
	}
	return n;
}

static struct model_range fragment_of(const struct catalog_rule *rule, const struct diagram_box *box)
{
	bool whole = rule->fragment.first == 0 && rule->fragment.last == 0;

	if (whole && (box->fields[EPG_FIELD_DESTINATION].first > 0 || box->fields[EPG_FIELD_SOURCE].first > 0 ||
		      box->fields[EPG_FIELD_FLAGS].first > 0))
		return MODEL_RANGE_ANY;
	return to_range(rule->fragment);
}

size_t rule_boxes(const struct catalog_rule *rule, uint32_t leaf, struct diagram_box boxes[RULE_BOXES_MAX])
{
	struct model_range flags[RULE_BOXES_MAX / 2];
	size_t n_flags = flag_ranges(rule->tcp_flags, flags), n = 0;

	for (size_t i = 0; i < rule->n_kinds * n_flags; i++) {
		struct diagram_box *box = &boxes[n++];

		*box = DIAGRAM_BOX_ANY;
		box->fields[EPG_FIELD_KIND] = to_range(rule->kinds[i / n_flags]);
		box->fields[EPG_FIELD_DESTINATION] = to_range(rule->destination);
		box->fields[EPG_FIELD_SOURCE] = to_range(rule->source);
		box->fields[EPG_FIELD_FLAGS] = flags[i % n_flags];
		box->fields[EPG_FIELD_DSCP] = to_range(rule->dscp);
		box->fields[EPG_FIELD_FRAGMENT] = fragment_of(rule, box);
		if (rule->fragment.first == LATER_FRAGMENT && rule->destination.first == 0)
			box->fields[EPG_FIELD_DESTINATION].last = 0;
		if (rule->audit)
			box->fields[EPG_FIELD_VIEW] = (struct model_range){EPG_VIEW_AUDITED, EPG_VIEW_AUDITED};
		box->leaf = leaf;
	}
	return n;
}
