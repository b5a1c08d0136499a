/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/rule_boxes.h"

#include "base/util.h"

static struct model_range to_range(struct catalog_range range)
{
	return (struct model_range){range.first, range.last};
}

/* The fewest intervals that make up a set of TCP flags; returns how many. */
static size_t flag_ranges(uint16_t set, struct model_range ranges[RULE_FLAG_RANGES_MAX])
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

bool rule_boxes_is_early(const struct diagram_box *box)
{
	return box->fields[EPG_FIELD_FRAGMENT].first == EPG_PIECE_EARLY;
}

/*
 * What a piece that comes early does not show is 0, so that one such field is enough to keep its box out of the others':
 * the first one in which the rule asks for something else.
 */
static enum epg_field apart_from(const struct diagram_box *box)
{
	static const enum epg_field hidden[] = {EPG_FIELD_DESTINATION, EPG_FIELD_SOURCE, EPG_FIELD_FLAGS};

	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++)
		if (box->fields[hidden[i]].first > 0)
			return hidden[i];
	return EPG_FIELD_DESTINATION;
}

/* True when a stronger rule permits the kind's early pieces, whatever their DSCP. */
static bool is_permitted(struct rule_boxes_early *early, const struct catalog_rule *rule, struct model_range kinds)
{
	uint64_t *word = &early->kinds[kinds.first / 64 % ARRAY_SIZE(early->kinds)];
	uint64_t bit = UINT64_C(1) << kinds.first % 64;
	bool permitted = *word & bit;

	if (kinds.first != kinds.last || kinds.last > EPG_KIND_IPV6 + UINT8_MAX)
		return false;
	if (rule->dscp.first == 0 && rule->dscp.last == UINT16_MAX)
		*word |= bit;
	return permitted;
}

static size_t add_early(const struct catalog_rule *rule, const struct diagram_box *box, struct rule_boxes_early *early,
			struct diagram_box *ret)
{
	if (is_permitted(early, rule, box->fields[EPG_FIELD_KIND]))
		return 0;
	*ret = DIAGRAM_BOX_ANY;
	ret->fields[EPG_FIELD_KIND] = box->fields[EPG_FIELD_KIND];
	ret->fields[apart_from(box)] = (struct model_range){0, 0};
	ret->fields[EPG_FIELD_DSCP] = to_range(rule->dscp);
	ret->fields[EPG_FIELD_FRAGMENT] = (struct model_range){EPG_PIECE_EARLY, EPG_PIECE_EARLY};
	ret->leaf = box->leaf;
	return 1;
}

size_t rule_boxes(const struct catalog_rule *rule, uint32_t leaf, struct rule_boxes_early *early,
		  struct diagram_box boxes[RULE_BOXES_MAX])
{
	struct model_range flags[RULE_FLAG_RANGES_MAX];
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
		if (rule->fragment.first == EPG_PIECE_LATER && rule->destination.first == 0)
			box->fields[EPG_FIELD_DESTINATION].last = 0;
		if (rule->audit)
			box->fields[EPG_FIELD_VIEW] = (struct model_range){EPG_VIEW_AUDITED, EPG_VIEW_AUDITED};
		box->leaf = leaf;
	}
	for (size_t i = 0, n_plain = n; rule->early && i < n_plain; i += n_flags)
		n += add_early(rule, &boxes[i], early, &boxes[n]);
	return n;
}
