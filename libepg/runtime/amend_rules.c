/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* One entry more, or one less, in the sets of rules that it stands in. */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "compile/draft.h"
#include "compile/links.h"
#include "compile/rule_boxes.h"
#include "runtime/amend.h"

/* Rules under one that goes, and members of sets to look through for them: more take a whole generation. */
#define UNDER_MAX 4096
#define SCANNED_MAX ((size_t)1 << 23)

/* Told the rules that one use of a filter makes of an entry: those of the draft. */
typedef int (*made_fn)(struct amending *amending);

static int touch(struct amending *amending, uint32_t set)
{
	if (amending->is_touched[set])
		return 0;
	if (array_reserve(&amending->touched, &amending->touched_capacity, amending->n_touched + 1,
			  sizeof(*amending->touched)))
		return -ENOMEM;
	amending->is_touched[set] = 1;
	amending->touched[amending->n_touched++] = set;
	return 0;
}

/* ---- one rule more ---- */

static int add_to_sets(struct amending *amending, uint32_t index, uint32_t part)
{
	struct amend *amend = amending->amend;
	struct diagram_box boxes[RULE_BOXES_MAX];
	struct rule_boxes_early early = {0};
	size_t n_boxes = rule_boxes(amend_detail(amend, index), amend_leaf(amend, index), &early, boxes), n_sets;
	const struct amend_part *sets = amend_sets(amend, part, &n_sets);
	int error = 0;

	for (size_t i = 0; !error && i < n_sets; i++) {
		uint32_t set = sets[i].set;

		error = touch(amending, set);
		if (!error)
			error = array_reserve(&amend->members, &amend->members_capacity, amend->n_members + 1,
					      sizeof(*amend->members));
		if (error)
			return error;
		amend->members[amend->n_members++] = (struct amendments_member){set, index};
		for (size_t j = 0; !error && j < n_boxes; j++)
			error = overlay_add(&amend->overlay, amend->roots[set], &boxes[j], &amend->roots[set]);
	}
	return error;
}

static int add_rule(struct amending *amending, const struct catalog_rule *detail)
{
	struct amend *amend = amending->amend;
	size_t index = amend_n_rules(amend);
	uint32_t part = LINK_PART(detail->contract, detail->role, detail->reverse);

	if (index >= generation_rules_room(amend->generation) || index >= amending->rule_limit)
		return -ENOSPC;
	if (array_reserve(&amend->added, &amend->added_capacity, amend->n_added + 1, sizeof(*amend->added)) ||
	    array_reserve(&amending->rules, &amending->rules_capacity, amending->n_rules + 1, sizeof(*amending->rules)))
		return -ENOMEM;
	amend->added[amend->n_added++] = *detail;
	amending->rules[amending->n_rules++] = *detail;
	amend->part_rules[part]++;
	return add_to_sets(amending, (uint32_t)index, part);
}

/* A contract that has had no rules for a direction binds nobody in it: that would have to change too. */
static int add_made(struct amending *amending)
{
	const struct draft *draft = amending->draft;
	int error = 0;

	for (size_t i = 0; !error && i < draft->n_rules; i++) {
		const struct catalog_rule *detail = &draft->rules[i];

		if (!amending->amend->part_rules[LINK_PART(detail->contract, detail->role, detail->reverse)])
			return -EOPNOTSUPP;
		error = add_rule(amending, detail);
	}
	return error;
}

/* ---- one rule less ---- */

static bool ranges_meet(struct catalog_range one, struct catalog_range other)
{
	return one.first <= other.last && other.first <= one.last;
}

static bool kinds_meet(const struct catalog_rule *one, const struct catalog_rule *other)
{
	for (uint32_t i = 0; i < one->n_kinds; i++) {
		for (uint32_t j = 0; j < other->n_kinds; j++)
			if (ranges_meet(one->kinds[i], other->kinds[j]))
				return true;
	}
	return false;
}

/* Pieces that come early show neither ports nor type: the rule matches some of them for what it does not ask for. */
static bool matches_early(const struct catalog_rule *rule)
{
	return rule->fragment.last >= EPG_PIECE_EARLY && rule->destination.first == 0 && rule->source.first == 0;
}

#define KINDS_OF_IP (EPG_KIND_IPV6 + 0x100)

/* Rules under one that goes. */
struct under {
	const struct catalog_rule *gone;
	bool early; /* it speaks of pieces that come early */
	size_t n;
	uint32_t leaves[UNDER_MAX];
	/* By kind: the first one that permits its early pieces, as nearly all do. The others are not needed for that. */
	uint32_t early_leaf[KINDS_OF_IP];
};

static int add_under(struct under *under, uint32_t leaf)
{
	if (under->n == UNDER_MAX)
		return -E2BIG;
	under->leaves[under->n++] = leaf;
	return 0;
}

static int add_early(struct under *under, const struct catalog_rule *rule, uint32_t leaf)
{
	for (uint32_t i = 0; i < rule->n_kinds; i++) {
		uint16_t kind = rule->kinds[i].first;

		if (kind != rule->kinds[i].last || kind >= KINDS_OF_IP || rule->dscp.first > 0 ||
		    rule->dscp.last < UINT16_MAX)
			return add_under(under, leaf);
		if (leaf < under->early_leaf[kind])
			under->early_leaf[kind] = leaf;
	}
	return 0;
}

/* More rules than are needed do no harm. */
static int consider(const struct amend *amend, struct under *under, uint32_t index)
{
	const struct catalog_rule *rule = amend_detail(amend, index), *gone = under->gone;

	if (amend->gone[index] || !kinds_meet(rule, gone) || !ranges_meet(rule->dscp, gone->dscp))
		return 0;
	if (ranges_meet(rule->destination, gone->destination) && ranges_meet(rule->source, gone->source))
		return add_under(under, amend_leaf(amend, index));
	if (!under->early)
		return 0;
	if (rule->early)
		return add_early(under, rule, amend_leaf(amend, index));
	return matches_early(rule) ? add_under(under, amend_leaf(amend, index)) : 0;
}

/* Members of a set come in the order of precedence: the first one that permits early pieces of a kind is enough. */
static bool is_passed_over(const struct under *under, const struct amend_brief *brief)
{
	if (ranges_meet(brief->destination, under->gone->destination) &&
	    ranges_meet(brief->source, under->gone->source))
		return false;
	if (!under->early || brief->early == AMEND_NEVER_EARLY)
		return true;
	return brief->early == AMEND_EARLY && under->early_leaf[brief->kinds[0]] != EPG_TARGET_MISS &&
	       under->early_leaf[brief->kinds[1]] != EPG_TARGET_MISS;
}

static int compare_leaves(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

/* In the order of precedence. */
static int find_under(struct amending *amending, uint32_t set, const struct catalog_rule *gone, struct under *under)
{
	const struct amend *amend = amending->amend;
	const struct catalog *catalog = &amend->generation->catalog;
	const struct catalog_rule_set *members = &catalog->rule_sets[set];
	int error = 0;

	under->gone = gone;
	under->early = gone->early || matches_early(gone);
	under->n = 0;
	for (size_t i = 0; i < KINDS_OF_IP; i++)
		under->early_leaf[i] = EPG_TARGET_MISS;
	amending->scanned += members->count + amend->n_members;
	if (amending->scanned > SCANNED_MAX)
		return -E2BIG;
	for (uint32_t i = 0; !error && i < members->count; i++) {
		uint32_t rule = catalog->members[members->first + i].rule;

		if (!is_passed_over(under, &amend->briefs[rule]))
			error = consider(amend, under, rule);
	}
	for (size_t i = 0; !error && i < amend->n_members; i++)
		if (amend->members[i].set == set)
			error = consider(amend, under, amend->members[i].rule);
	for (size_t i = 0; !error && i < KINDS_OF_IP; i++)
		if (under->early_leaf[i] != EPG_TARGET_MISS)
			error = add_under(under, under->early_leaf[i]);
	qsort(under->leaves, under->n, sizeof(under->leaves[0]), compare_leaves);
	return error;
}

/* The diagram of the rules that remain where one goes. */
static int build_rest(const struct amend *amend, const struct under *under, struct diagram_builder *builder,
		      uint32_t *ret_root)
{
	AUTO_FREE struct diagram_box *boxes = array_new(under->n * RULE_BOXES_MAX, sizeof(*boxes));
	struct rule_boxes_early early = {0};
	size_t n = 0;

	if (!boxes)
		return -ENOMEM;
	for (size_t i = 0; i < under->n; i++)
		n += rule_boxes(amend_detail(amend, EPG_LEAF_RULE(under->leaves[i])), under->leaves[i], &early,
				boxes + n);
	return diagram_build(builder, boxes, n, ret_root);
}

static int remove_from_set(struct amending *amending, uint32_t set, uint32_t index)
{
	__attribute__((cleanup(diagram_builder_clear))) struct diagram_builder builder = {0};
	AUTO_FREE struct under *under = malloc(sizeof(*under));
	struct amend *amend = amending->amend;
	struct diagram_box boxes[RULE_BOXES_MAX];
	struct rule_boxes_early early = {0};
	size_t n_boxes = rule_boxes(amend_detail(amend, index), amend_leaf(amend, index), &early, boxes);
	uint32_t rest;
	int error = under ? touch(amending, set) : -ENOMEM;

	if (!error)
		error = find_under(amending, set, amend_detail(amend, index), under);
	if (!error)
		error = build_rest(amend, under, &builder, &rest);
	for (size_t i = 0; !error && i < n_boxes; i++)
		error = overlay_remove(&amend->overlay, amend->roots[set], &boxes[i], &builder, rest,
				       &amend->roots[set]);
	return error;
}

static int remove_rule(struct amending *amending, uint32_t index, uint32_t part)
{
	struct amend *amend = amending->amend;
	size_t n_sets;
	const struct amend_part *sets = amend_sets(amend, part, &n_sets);
	int error;

	if (array_reserve(&amending->removed, &amending->removed_capacity, amending->n_removed + 1,
			  sizeof(*amending->removed)))
		return -ENOMEM;
	amending->removed[amending->n_removed++] = index;
	amend_set_gone(amend, index);
	error = --amend->part_rules[part] ? 0 : -EOPNOTSUPP; /* the contract binds nobody any more in this direction */
	for (size_t i = 0; !error && i < n_sets; i++)
		error = remove_from_set(amending, sets[i].set, index);
	return error;
}

static int remove_made(struct amending *amending)
{
	const struct draft *draft = amending->draft;
	int error = 0;

	for (size_t i = 0; !error && i < draft->n_rules; i++) {
		const struct catalog_rule *detail = &draft->rules[i];
		uint32_t index = CATALOG_NONE;

		error = amend_find(amending->amend, detail->identity, &index);
		if (!error && index == CATALOG_NONE)
			return -EOPNOTSUPP;
		if (!error)
			error = remove_rule(amending, index,
					    LINK_PART(detail->contract, detail->role, detail->reverse));
	}
	return error;
}

/* ---- where a filter is used ---- */

static int in_subject(struct amending *amending, uint32_t contract, const struct model_subject *subject,
		      const struct edit_change *change, made_fn fn)
{
	int error = 0;

	for (size_t i = 0; !error && i < subject->n_filters; i++) {
		const struct rules_place place = {
			.contract = contract,
			.subject = subject,
			.use = &subject->filters[i],
			.uses = amending->amend->uses[contract],
		};

		if (place.use->filter != change->filter)
			continue;
		if (subject->audit || !(place.uses & RULES_USES_FORWARD) ||
		    (rules_have_reverse(subject, &change->entry) && !(place.uses & RULES_USES_REVERSE)))
			return -EOPNOTSUPP;
		error = rules_of_entry(amending->model, &place, &change->entry, amending->draft);
		if (!error)
			error = fn(amending);
	}
	return error;
}

static bool is_in_taboo(const struct model *model, uint32_t filter)
{
	for (size_t i = 0; i < model->n_taboos; i++) {
		for (size_t j = 0; j < model->taboos[i].n_filters; j++)
			if (model->taboos[i].filters[j].filter == filter)
				return true;
	}
	return false;
}

int amend_change(struct amending *amending, const struct edit_change *change)
{
	const struct model *model = amending->model;
	int error = is_in_taboo(model, change->filter) ? -EOPNOTSUPP : 0;

	for (uint32_t i = 0; !error && i < model->n_contracts; i++) {
		const struct model_contract *contract = &model->contracts[i];

		for (size_t j = 0; !error && j < contract->n_subjects; j++)
			error = in_subject(amending, i, &contract->subjects[j], change,
					   change->removed ? remove_made : add_made);
	}
	return error;
}
