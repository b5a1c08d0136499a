/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/decide.h"

#include "compile/diagram.h"
#include "compile/pairs.h"
#include "compile/tables.h"

struct tables_view tables_view_of(const struct tables *tables)
{
	return (struct tables_view){
		.classes = tables->classes,
		.n_classes = tables->n_classes,
		.pairs = tables->pairs,
		.n_buckets = tables->n_buckets,
		.sets = tables->sets,
		.n_sets = tables->n_rule_sets,
		.nodes = tables->nodes,
		.n_nodes = tables->n_nodes,
	};
}

struct question {
	const struct tables_view *view;
	uint64_t high, low;
	uint32_t first; /* the smallest leaf so far; what is no leaf is smaller than all */
};

static void consider(struct question *question, uint32_t leaf)
{
	if (leaf < question->first)
		question->first = leaf;
}

/* As the programs do; what is no set leads to no node. */
static uint32_t root_of(const struct tables_view *view, uint32_t index)
{
	const struct epg_rule_set *set;

	if (index == PAIRS_UNKNOWN)
		return EPG_TARGET_MISS;
	if (index >= view->n_sets)
		return EPG_TARGET_LEAF - 1;
	set = &view->sets[index];
	return set->next_generation && (int32_t)(view->generation - set->next_generation) >= 0 ? set->next_root
											       : set->root;
}

static void consider_pair(struct question *question, uint32_t source, uint32_t destination)
{
	const struct tables_view *view = question->view;
	uint32_t root = root_of(view, pairs_find(view->pairs, view->n_buckets, PAIRS_KEY(source, destination)));

	consider(question, diagram_find(view->nodes, view->n_nodes, root, question->high, question->low));
}

static void decide_within(struct question *question, uint16_t class_id)
{
	uint32_t flags = question->view->classes[class_id].flags;
	uint32_t isolating = EPG_CLASS_ISOLATED;

	if (epg_key_field(question->high, question->low, EPG_FIELD_VIEW) == EPG_VIEW_AUDITED)
		isolating |= EPG_CLASS_ISOLATED_AUDITED;
	consider(question, flags & isolating ? EPG_LEAF_ISOLATION : EPG_LEAF_INTRA_EPG);
	consider_pair(question, class_id, class_id);
}

static void decide_preferred(struct question *question, const struct epg_class *source,
			     const struct epg_class *destination)
{
	if (source->vrf != destination->vrf || !(source->flags & EPG_CLASS_PREFERRED))
		return;
	if (!(source->flags & EPG_CLASS_MEMBER))
		consider(question, EPG_LEAF_SOURCE_NOT_PREFERRED);
	else if (!(destination->flags & EPG_CLASS_MEMBER))
		consider(question, EPG_LEAF_DESTINATION_NOT_PREFERRED);
	else
		consider(question, EPG_LEAF_PREFERRED_GROUP);
}

static void decide_between(struct question *question, uint16_t source_id, uint16_t destination_id)
{
	const struct epg_class *source = &question->view->classes[source_id];
	const struct epg_class *destination = &question->view->classes[destination_id];

	consider_pair(question, source_id, destination_id);
	if (destination->flags & EPG_CLASS_TABOO)
		consider_pair(question, EPG_CLASS_NONE, destination_id);
	if ((source->flags | destination->flags) & EPG_CLASS_ANY) {
		consider_pair(question, source_id, destination->vrf);
		consider_pair(question, source->vrf, destination_id);
		consider_pair(question, source->vrf, destination->vrf);
	}
	decide_preferred(question, source, destination);
}

uint32_t tables_decide(const struct tables_view *view, uint16_t source, uint16_t destination, uint64_t key_high,
		       uint64_t key_low)
{
	struct question question = {.view = view, .high = key_high, .low = key_low, .first = EPG_LEAF_IMPLICIT_DENY};

	if (source >= view->n_classes || destination >= view->n_classes ||
	    !(view->classes[source].flags & view->classes[destination].flags & EPG_CLASS_VALID))
		return EPG_LEAF_IMPLICIT_DENY;
	if (source == destination && !(view->classes[source].flags & EPG_CLASS_EXTERNAL))
		decide_within(&question, source);
	else
		decide_between(&question, source, destination);
	return question.first & EPG_TARGET_LEAF ? question.first : (uint32_t)EPG_LEAF_IMPLICIT_DENY;
}
