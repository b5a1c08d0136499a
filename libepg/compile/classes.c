/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/classes.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "compile/leaks.h"
#include "compile/overlap.h"
#include "compile/prefix_check.h"
#include "compile/prefixes.h"
#include "base/util.h"

struct construction {
	const struct model *model;
	const struct ids *ids;
	const struct draft *draft;
	struct class_table table;
	uint32_t *vrf_flags;           /* by VRF: of all its groups */
	struct prefix_roots *prefixes; /* by VRF */
	struct prefix_roots *subnets;  /* by bridge domain */
};

static void construction_clear(struct construction *construction)
{
	free(construction->table.records);
	free(construction->vrf_flags);
	free(construction->prefixes);
	free(construction->subnets);
}

/* Whoever reads a record that no group has is led nowhere. */
static int make_records(struct construction *construction)
{
	struct class_table *table = &construction->table;

	table->n = 1;
	for (size_t i = 0; i < construction->model->n_groups; i++)
		table->n = construction->ids->groups[i] >= table->n ? construction->ids->groups[i] + 1u : table->n;
	table->records = array_new(table->n, sizeof(*table->records));
	construction->vrf_flags = array_new(construction->model->n_vrfs, sizeof(*construction->vrf_flags));
	if (!table->records || !construction->vrf_flags)
		return -ENOMEM;
	for (size_t i = 0; i < table->n; i++) {
		struct epg_class *record = &table->records[i];

		record->prefixes4 = record->prefixes6 = record->subnets4 = record->subnets6 = EPG_TARGET_MISS;
	}
	return 0;
}

static int build_diagrams(struct construction *construction, const struct links *links, struct diagram_builder *builder,
			  struct epg_diagnostics *diagnostics)
{
	__attribute__((cleanup(leaks_clear))) struct leaks leaks = {0};
	const struct model *model = construction->model;
	int error = leaks_collect(model, construction->ids, links, diagnostics, &leaks);

	if (!error)
		error = prefix_check(model, &leaks, diagnostics);
	if (!error)
		error = prefixes_build(model, construction->ids->groups, &leaks, builder, diagnostics,
				       &construction->prefixes);
	if (!error)
		error = subnets_build(model, builder, diagnostics, &construction->subnets);
	return error;
}

static int flag_vrfs(struct construction *construction)
{
	const struct model *model = construction->model;
	AUTO_FREE bool *shared = NULL;

	if (overlap_find(model, &shared))
		return -ENOMEM;
	for (size_t i = 0; i < model->n_vrfs; i++) {
		uint32_t *flags = &construction->vrf_flags[i];

		*flags |= model->vrfs[i].enforced ? 0 : EPG_CLASS_UNENFORCED;
		*flags |= model->vrfs[i].preferred_group ? EPG_CLASS_PREFERRED : 0;
		*flags |= shared[i] ? EPG_CLASS_AMBIGUOUS : 0;
	}
	/* Members by address send from interfaces of other groups. */
	for (size_t i = 0; i < model->n_groups; i++) {
		const struct model_group *group = &model->groups[i];

		if (group->police.rate && prefixes_make_members(group))
			construction->vrf_flags[group->vrf] |= EPG_CLASS_POLICED;
	}
	return 0;
}

static bool is_audited(const struct model_contract *contract)
{
	for (size_t i = 0; i < contract->n_subjects; i++) {
		if (!contract->subjects[i].audit)
			return false;
	}
	return contract->n_subjects > 0;
}

/* Contracts within a group are all that its endpoints may do; but audited ones close nothing. */
static uint32_t isolation_flags(const struct model *model, const struct model_group *group)
{
	uint32_t flags = group->isolated ? EPG_CLASS_ISOLATED : 0;

	for (size_t i = 0; i < group->n_intra; i++)
		flags |= is_audited(&model->contracts[group->intra[i].contract]) ? EPG_CLASS_ISOLATED_AUDITED
										 : EPG_CLASS_ISOLATED;
	return flags;
}

static uint32_t group_flags(const struct construction *construction, const struct model_group *group)
{
	const struct model *model = construction->model;
	uint32_t flags = EPG_CLASS_VALID | construction->vrf_flags[group->vrf];

	flags |= group->preferred_member ? EPG_CLASS_MEMBER : 0;
	flags |= group->n_taboos ? EPG_CLASS_TABOO : 0;
	if (group->external)
		return (flags | EPG_CLASS_EXTERNAL) & ~(uint32_t)EPG_CLASS_POLICED;
	flags |= isolation_flags(model, group);
	flags |= group->police.rate ? EPG_CLASS_POLICED : 0;
	flags |= model->bridge_domains[group->bridge_domain].arp_contract ? EPG_CLASS_ARP : 0;
	flags |= model->bridge_domains[group->bridge_domain].direct ? EPG_CLASS_DIRECT : 0;
	return flags;
}

static void fill_record(struct construction *construction, const struct model_group *group, struct epg_class *record)
{
	record->flags |= group_flags(construction, group);
	record->vrf = construction->ids->vrfs[group->vrf];
	record->prefixes4 = construction->prefixes[group->vrf].ipv4;
	record->prefixes6 = construction->prefixes[group->vrf].ipv6;
	if (group->external)
		return;
	record->police_rate = group->police.rate;
	record->police_burst = group->police.burst;
	record->bridge_domain = construction->ids->bridge_domains[group->bridge_domain];
	record->subnets4 = construction->subnets[group->bridge_domain].ipv4;
	record->subnets6 = construction->subnets[group->bridge_domain].ipv6;
}

/* By rule set: whether any of its rules is audited. */
static bool *find_audited(const struct draft *draft)
{
	bool *audited = array_new(draft->n_rule_sets, sizeof(*audited));

	for (size_t i = 0; audited && i < draft->n_rule_sets; i++) {
		const struct catalog_rule_set *set = &draft->rule_sets[i];

		for (uint32_t j = 0; j < set->count; j++)
			audited[i] |= draft->rules[draft->members[set->first + j].rule].audit;
	}
	return audited;
}

/* What a pair says about one of its classes: a group, or all groups of a VRF, or nobody (EPG_CLASS_NONE). */
static void flag_class(struct construction *construction, uint16_t class_id, bool audited)
{
	const struct class_owner *owner = &construction->ids->owners[class_id];
	uint32_t flags = audited ? EPG_CLASS_AUDITED : 0;

	if (owner->group != MODEL_NONE)
		construction->table.records[class_id].flags |= flags;
	else if (owner->vrf != MODEL_NONE)
		construction->vrf_flags[owner->vrf] |= EPG_CLASS_ANY | flags;
}

static int flag_pairs(struct construction *construction)
{
	const struct draft *draft = construction->draft;
	AUTO_FREE bool *audited = find_audited(draft);

	if (!audited)
		return -ENOMEM;
	for (size_t i = 0; i < draft->n_pairs; i++) {
		const struct catalog_pair *pair = &draft->pairs[i];

		flag_class(construction, pair->source, audited[pair->rule_set]);
		flag_class(construction, pair->destination, audited[pair->rule_set]);
	}
	return 0;
}

int classes_build(const struct model *model, const struct ids *ids, const struct links *links,
		  const struct draft *draft, struct diagram_builder *builder, struct epg_diagnostics *diagnostics,
		  struct class_table *ret)
{
	__attribute__((cleanup(construction_clear))) struct construction construction = {.model = model,
											 .ids = ids,
											 .draft = draft};
	int error = make_records(&construction);

	if (!error)
		error = build_diagrams(&construction, links, builder, diagnostics);
	if (!error)
		error = flag_vrfs(&construction);
	if (!error)
		error = flag_pairs(&construction);
	if (error)
		return error;
	for (size_t i = 0; i < model->n_groups; i++)
		fill_record(&construction, &model->groups[i], &construction.table.records[ids->groups[i]]);
	*ret = construction.table;
	construction.table = (struct class_table){0};
	return 0;
}
