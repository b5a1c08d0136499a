/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "compile/bindings.h"
#include "policy/diagnostic.h"
#include "compile/diagram.h"
#include "compile/draft.h"
#include "compile/ids.h"
#include "compile/pairs.h"
#include "compile/overlap.h"
#include "compile/prefixes.h"
#include "compile/rule_sets.h"
#include "compile/rules.h"
#include "compile/tables.h"
#include "base/util.h"

DEFINE_AUTO(struct tables, tables_free)

struct compilation {
	const struct model *model;
	struct epg_diagnostics *diagnostics;
	struct ids ids;
	uint32_t *catalogued; /* by group: its index in the catalog */
	struct draft draft;
	struct diagram_builder builder;
	struct tables *tables;
};

static void compilation_clear(struct compilation *compilation)
{
	ids_clear(&compilation->ids);
	free(compilation->catalogued);
	draft_clear(&compilation->draft);
	diagram_builder_clear(&compilation->builder);
}

void tables_free(struct tables *tables)
{
	if (!tables)
		return;
	free(tables->classes);
	free(tables->pairs);
	free(tables->nodes);
	free(tables->rules);
	free(tables->catalog);
	free(tables);
}

static int add_vrfs(struct compilation *compilation)
{
	for (size_t i = 0; i < compilation->model->n_vrfs; i++) {
		const struct model_vrf *vrf = &compilation->model->vrfs[i];
		struct catalog_vrf *added = draft_add_vrfs(&compilation->draft, 1);

		if (!added || draft_string(&compilation->draft, vrf->name, &added->name))
			return -ENOMEM;
		added->id = compilation->ids.vrfs[i];
		added->enforced = vrf->enforced;
		added->line = vrf->place.line;
	}
	return 0;
}

static int add_bridge_domains(struct compilation *compilation)
{
	for (size_t i = 0; i < compilation->model->n_bridge_domains; i++) {
		const struct model_bridge_domain *domain = &compilation->model->bridge_domains[i];
		struct catalog_bridge_domain *added = draft_add_bridge_domains(&compilation->draft, 1);

		if (!added || draft_string(&compilation->draft, domain->name, &added->name))
			return -ENOMEM;
		added->id = compilation->ids.bridge_domains[i];
		added->vrf = domain->vrf;
		added->line = domain->place.line;
	}
	return 0;
}

static int add_group(struct compilation *compilation, uint32_t index)
{
	const struct model_group *group = &compilation->model->groups[index];
	struct catalog_group *added = draft_add_groups(&compilation->draft, 1);

	if (!added || draft_string(&compilation->draft, group->name, &added->name))
		return -ENOMEM;
	compilation->catalogued[index] = (uint32_t)compilation->draft.n_groups - 1;
	added->class_id = compilation->ids.groups[index];
	added->external = group->external;
	added->vrf = group->vrf;
	added->bridge_domain = group->external ? CATALOG_NONE : group->bridge_domain;
	added->line = group->place.line;
	return 0;
}

/* In the order of class ids. */
static int add_groups(struct compilation *compilation)
{
	size_t n = compilation->model->n_groups;
	AUTO_FREE uint32_t *group_of = array_new(EPG_CLASS_LAST + 1, sizeof(*group_of));

	compilation->catalogued = array_new(n, sizeof(*compilation->catalogued));
	if (!group_of || !compilation->catalogued)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		group_of[compilation->ids.groups[i]] = i + 1;
	for (size_t id = 0; id <= EPG_CLASS_LAST; id++) {
		if (group_of[id] && add_group(compilation, group_of[id] - 1))
			return -ENOMEM;
	}
	return 0;
}

static int compare_relations(const void *left, const void *right)
{
	const struct catalog_relation *a = left, *b = right;

	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	if (a->contract != b->contract)
		return a->contract < b->contract ? -1 : 1;
	return (a->consume > b->consume) - (a->consume < b->consume);
}

static int add_uses(struct compilation *compilation, uint32_t group, const struct model_contract_use *uses, size_t n,
		    bool consume)
{
	struct catalog_relation *added = draft_add_relations(&compilation->draft, n);

	if (!added)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		added[i] = (struct catalog_relation){compilation->catalogued[group], uses[i].contract, consume,
						     uses[i].place.line};
	return 0;
}

static int add_relations(struct compilation *compilation)
{
	struct draft *draft = &compilation->draft;

	for (uint32_t i = 0; i < compilation->model->n_groups; i++) {
		const struct model_group *group = &compilation->model->groups[i];

		if ((group->n_provide && add_uses(compilation, i, group->provide, group->n_provide, false)) ||
		    (group->n_consume && add_uses(compilation, i, group->consume, group->n_consume, true)))
			return -ENOMEM;
	}
	if (draft->n_relations)
		qsort(draft->relations, draft->n_relations, sizeof(*draft->relations), compare_relations);
	return 0;
}

static int add_names(struct compilation *compilation)
{
	if (add_vrfs(compilation) || add_bridge_domains(compilation) || add_groups(compilation) ||
	    add_relations(compilation) ||
	    bindings_collect(compilation->model, compilation->catalogued, &compilation->draft))
		return -ENOMEM;
	return 0;
}

/* Whoever reads a record that no group has is led nowhere. */
static struct epg_class *new_classes(size_t n)
{
	struct epg_class *classes = array_new(n, sizeof(*classes));

	for (size_t i = 0; classes && i < n; i++)
		classes[i].prefixes4 = classes[i].prefixes6 = classes[i].subnets4 = classes[i].subnets6 =
			EPG_TARGET_MISS;
	return classes;
}

static void fill_class(const struct compilation *compilation, uint32_t index, const struct prefix_roots *prefixes,
		       const struct prefix_roots *subnets, const bool *shared)
{
	const struct model_group *group = &compilation->model->groups[index];
	struct epg_class *record = &compilation->tables->classes[compilation->ids.groups[index]];

	record->flags = EPG_CLASS_VALID;
	if (group->external)
		record->flags |= EPG_CLASS_EXTERNAL;
	if (!compilation->model->vrfs[group->vrf].enforced)
		record->flags |= EPG_CLASS_UNENFORCED;
	if (shared[group->vrf])
		record->flags |= EPG_CLASS_AMBIGUOUS;
	record->vrf = compilation->ids.vrfs[group->vrf];
	record->prefixes4 = prefixes[group->vrf].ipv4;
	record->prefixes6 = prefixes[group->vrf].ipv6;
	if (group->external)
		return;
	record->bridge_domain = compilation->ids.bridge_domains[group->bridge_domain];
	record->subnets4 = subnets[group->bridge_domain].ipv4;
	record->subnets6 = subnets[group->bridge_domain].ipv6;
}

static int build_classes(struct compilation *compilation)
{
	const struct model *model = compilation->model;
	struct tables *tables = compilation->tables;
	AUTO_FREE struct prefix_roots *prefixes = NULL;
	AUTO_FREE struct prefix_roots *subnets = NULL;
	AUTO_FREE bool *shared = NULL;
	size_t n = 1;
	int error;

	for (size_t i = 0; i < model->n_groups; i++)
		n = compilation->ids.groups[i] >= n ? compilation->ids.groups[i] + 1u : n;
	tables->n_classes = n;
	tables->classes = new_classes(n);
	if (!tables->classes)
		return -ENOMEM;
	error = prefixes_build(model, compilation->ids.groups, &compilation->builder, compilation->diagnostics,
			       &prefixes);
	if (!error)
		error = subnets_build(model, &compilation->builder, compilation->diagnostics, &subnets);
	if (!error)
		error = overlap_find(model, &shared);
	for (uint32_t i = 0; !error && i < model->n_groups; i++)
		fill_class(compilation, i, prefixes, subnets, shared);
	return error;
}

static int build_rules(struct compilation *compilation)
{
	struct tables *tables = compilation->tables;
	struct draft *draft = &compilation->draft;
	AUTO_FREE struct pair_root *pairs = NULL;
	int error;

	error = rules_collect(compilation->model, compilation->diagnostics, draft, &tables->rules);
	if (!error)
		error = rule_sets_build(compilation->model, compilation->ids.groups, tables->rules,
					&compilation->builder, compilation->diagnostics, draft, &pairs);
	if (error)
		return error;
	tables->n_rules = draft->n_rules;
	tables->n_pairs = draft->n_pairs;
	tables->n_rule_sets = draft->n_rule_sets;
	return pairs_build(pairs, draft->n_pairs, &tables->pairs, &tables->n_buckets);
}

/* Hands the nodes over; there is always one, since a map can't be empty. */
static int take_nodes(struct compilation *compilation)
{
	struct node_store *nodes = &compilation->builder.nodes;

	if (!nodes->n_lines) {
		struct node_interval halves[] = {{0, EPG_TARGET_MISS}, {UINT16_MAX, EPG_TARGET_LEAF}};
		uint32_t unused;
		int error = node_store_tree(nodes, 0, halves, ARRAY_SIZE(halves), &unused);

		if (error)
			return error;
	}
	compilation->tables->n_nodes = nodes->n_lines;
	compilation->tables->nodes = TAKE_PTR(nodes->lines);
	return 0;
}

int tables_compile(const struct model *model, const struct compile_memory *memory, struct epg_diagnostics *diagnostics,
		   struct tables **ret)
{
	__attribute__((cleanup(compilation_clear))) struct compilation compilation = {.model = model,
										      .diagnostics = diagnostics};
	AUTO(tables_free) struct tables *tables = calloc(1, sizeof(*tables));
	const struct compile_memory nothing = {0};
	int error;

	if (!tables)
		return -ENOMEM;
	compilation.tables = tables;
	error = ids_assign(model, memory ? memory : &nothing, diagnostics, &compilation.ids);
	if (!error)
		error = add_names(&compilation);
	if (!error)
		error = build_classes(&compilation);
	if (!error)
		error = build_rules(&compilation);
	if (!error)
		error = take_nodes(&compilation);
	if (!error)
		error = draft_write(&compilation.draft, model->file, &tables->catalog, &tables->catalog_length);
	if (!error)
		*ret = TAKE_PTR(tables);
	return error;
}
