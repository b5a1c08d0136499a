/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "compile/bindings.h"
#include "compile/classes.h"
#include "compile/diagram.h"
#include "compile/draft.h"
#include "compile/ids.h"
#include "compile/links.h"
#include "compile/objects.h"
#include "compile/pairs.h"
#include "compile/rule_sets.h"
#include "compile/rules.h"
#include "compile/tables.h"
#include "compile/unreached.h"
#include "base/util.h"

DEFINE_AUTO(struct tables, tables_free)

struct compilation {
	const struct model *model;
	struct epg_diagnostics *diagnostics;
	struct ids ids;
	uint32_t *catalogued; /* by group: its index in the catalog */
	struct links links;
	struct draft draft;
	struct diagram_builder builder;
	struct tables *tables;
};

static void compilation_clear(struct compilation *compilation)
{
	ids_clear(&compilation->ids);
	free(compilation->catalogued);
	links_clear(&compilation->links);
	draft_clear(&compilation->draft);
	diagram_builder_clear(&compilation->builder);
}

void tables_free(struct tables *tables)
{
	if (!tables)
		return;
	free(tables->classes);
	free(tables->pairs);
	free(tables->sets);
	free(tables->nodes);
	free(tables->rules);
	free(tables->reached);
	free(tables->rule_set_nodes);
	free(tables->catalog);
	free(tables);
}

static int add_objects(struct compilation *compilation)
{
	const struct model *model = compilation->model;
	int error = objects_add(model, &compilation->ids, &compilation->draft, &compilation->catalogued);

	return error ? error : bindings_collect(model, compilation->catalogued, &compilation->draft);
}

/* Which rules there are depends on who uses their contracts. */
static int add_rules(struct compilation *compilation)
{
	AUTO_FREE struct rules_count *counts = NULL;
	const struct model *model = compilation->model;
	int error = rules_count(model, &counts);

	if (!error)
		error = links_collect(model, &compilation->ids, counts, compilation->diagnostics, &compilation->links);
	if (!error)
		error = rules_collect(model, counts, compilation->links.uses, compilation->diagnostics,
				      &compilation->draft, &compilation->tables->rules);
	if (!error)
		error = relations_add(model, compilation->catalogued, &compilation->draft);
	return error;
}

static int build_rule_sets(struct compilation *compilation)
{
	__attribute__((cleanup(rule_sets_clear))) struct rule_sets sets = {0};
	struct tables *tables = compilation->tables;
	struct draft *draft = &compilation->draft;
	int error = rule_sets_build(compilation->model, &compilation->links, tables->rules, &compilation->builder,
				    compilation->diagnostics, draft, &sets);

	if (!error)
		error = unreached_warn(compilation->model, draft, compilation->links.uses, sets.reached,
				       compilation->diagnostics);
	if (error)
		return error;
	tables->n_rules = draft->n_rules;
	tables->n_pairs = draft->n_pairs;
	tables->n_rule_sets = draft->n_rule_sets;
	tables->reached = TAKE_PTR(sets.reached);
	tables->rule_set_nodes = TAKE_PTR(sets.nodes);
	tables->sets = TAKE_PTR(sets.records);
	return pairs_build(sets.pairs, draft->n_pairs, &tables->pairs, &tables->n_buckets);
}

static int build_classes(struct compilation *compilation)
{
	struct class_table table = {0};
	int error = classes_build(compilation->model, &compilation->ids, &compilation->links, &compilation->draft,
				  &compilation->builder, compilation->diagnostics, &table);

	if (error)
		return error;
	compilation->tables->classes = table.records;
	compilation->tables->n_classes = table.n;
	return 0;
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
		error = add_objects(&compilation);
	if (!error)
		error = add_rules(&compilation);
	if (!error)
		error = build_rule_sets(&compilation);
	if (!error)
		error = build_classes(&compilation);
	if (!error)
		error = take_nodes(&compilation);
	if (!error)
		error = draft_write(&compilation.draft, model->file, &tables->catalog, &tables->catalog_length);
	if (!error)
		*ret = TAKE_PTR(tables);
	return error;
}
