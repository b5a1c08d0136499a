/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Contracts and their subjects. */
#include <errno.h>
#include <stdio.h>

#include "policy/read.h"
#include "base/util.h"

struct contract_nodes {
	const struct tree_node *name, *scope, *subjects;
};

static const struct schema_key contract_keys[] = {
	SCHEMA_KEY("name", REQUIRED, struct contract_nodes, name),
	SCHEMA_KEY("scope", OPTIONAL, struct contract_nodes, scope),
	SCHEMA_NOT_YET("onChange", "reevaluate"),
	SCHEMA_KEY("subjects", REQUIRED, struct contract_nodes, subjects),
};
static const struct schema contract_schema = SCHEMA("a contract", contract_keys);

struct subject_nodes {
	const struct tree_node *name, *filters;
};

static const struct schema_key subject_keys[] = {
	SCHEMA_KEY("name", REQUIRED, struct subject_nodes, name),
	SCHEMA_NOT_YET("bothDirections", "true"),
	SCHEMA_NOT_YET("reverseFilterPorts", "true"),
	SCHEMA_NOT_YET("dscp", NULL),
	SCHEMA_NOT_YET("mode", "enforce"),
	SCHEMA_KEY("filters", REQUIRED, struct subject_nodes, filters),
};
static const struct schema subject_schema = SCHEMA("a subject", subject_keys);

struct filter_use_nodes {
	const struct tree_node *name;
};

static const struct schema_key filter_use_keys[] = {
	SCHEMA_KEY("name", REQUIRED, struct filter_use_nodes, name),
	SCHEMA_NOT_YET("action", "permit"),
	SCHEMA_NOT_YET("priority", NULL),
	SCHEMA_NOT_YET("log", "false"),
};
static const struct schema filter_use_schema = SCHEMA("a filter of a subject", filter_use_keys);

static void read_filter_use(struct reader *reader, const struct tree_node *node, void *object)
{
	struct model_subject *subject = object;
	struct filter_use_nodes nodes = {.name = node};
	uint32_t filter;

	if (node->kind == TREE_MAPPING) {
		nodes.name = NULL;
		schema_read(reader->diagnostics, node, &filter_use_schema, &nodes);
	}
	filter = read_reference(reader, &reader->filters, "filter", nodes.name);
	if (filter != MODEL_NONE)
		subject->filters[subject->n_filters++] = (struct model_filter_use){filter, node->place};
}

/* A list that may be empty, but does nothing then. */
static void warn_if_empty(struct reader *reader, const struct tree_node *list, const char *message)
{
	if (list && list->kind == TREE_SEQUENCE && list->count == 0)
		diagnostics_warning(reader->diagnostics, list->place, NULL, "%s", message);
}

static void read_subject(struct reader *reader, const struct tree_node *node, void *object)
{
	struct model_contract *contract = object;
	struct subject_nodes nodes = {0};
	struct model_subject *subject;

	if (!schema_read(reader->diagnostics, node, &subject_schema, &nodes))
		return;
	subject = &contract->subjects[contract->n_subjects++];
	subject->place = node->place;
	if (nodes.name && schema_name(reader->diagnostics, nodes.name)) {
		subject->name = arena_string(reader->arena, nodes.name->text, nodes.name->count);
		reader->out_of_memory |= !subject->name;
	}
	subject->filters = read_array(reader, nodes.filters, sizeof(*subject->filters));
	read_each(reader, nodes.filters, read_filter_use, subject);
	warn_if_empty(reader, nodes.filters, "the subject has no filters: it permits nothing");
}

static void check_subject_names(struct reader *reader, const struct model_contract *contract)
{
	struct string_index names = {0};

	for (size_t i = 0; i < contract->n_subjects; i++) {
		const struct model_subject *subject = &contract->subjects[i];
		const struct tree_node name = {.place = subject->place, .text = subject->name};

		read_register(reader, &names, "subject", subject->name, &name, (uint32_t)i);
	}
	string_index_clear(&names);
}

void read_contract(struct reader *reader, const struct tree_node *node, void *unused)
{
	static const char *const scopes[] = {
		[MODEL_SCOPE_APPLICATION_PROFILE] = "application-profile",
		[MODEL_SCOPE_VRF] = "vrf",
		[MODEL_SCOPE_TENANT] = "tenant",
		[MODEL_SCOPE_GLOBAL] = "global",
	};
	uint32_t index = (uint32_t)reader->model->n_contracts;
	unsigned int scope = MODEL_SCOPE_VRF;
	struct contract_nodes nodes = {0};
	struct model_contract *contract;

	(void)unused;
	if (!schema_read(reader->diagnostics, node, &contract_schema, &nodes))
		return;
	contract = read_push(reader, &reader->model->contracts, &reader->model->n_contracts, sizeof(*contract));
	if (!contract)
		return;
	contract->name = read_full_name(reader, NULL, nodes.name);
	contract->place = node->place;
	contract->tenant = reader->tenant;
	if (nodes.scope)
		schema_choice(reader->diagnostics, nodes.scope, scopes, ARRAY_SIZE(scopes), &scope);
	contract->scope = (enum model_scope)scope;
	contract->subjects = read_array(reader, nodes.subjects, sizeof(*contract->subjects));
	read_each(reader, nodes.subjects, read_subject, contract);
	warn_if_empty(reader, nodes.subjects, "the contract has no subjects: it permits nothing");
	check_subject_names(reader, contract);
	read_register(reader, &reader->contracts, "contract", contract->name, nodes.name, index);
}
