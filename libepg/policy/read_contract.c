/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Contracts with their subjects, and taboos. */
#include <errno.h>
#include <stdio.h>

#include "policy/read.h"
#include "base/util.h"

/* ---- filters in use ---- */

/* What a subject or a taboo does with a filter. */
struct filter_use_nodes {
	const struct tree_node *name, *action, *priority, *log;
};

static const struct schema_key filter_use_keys[] = {
	SCHEMA_KEY("name", REQUIRED, struct filter_use_nodes, name),
	SCHEMA_KEY("action", OPTIONAL, struct filter_use_nodes, action),
	SCHEMA_KEY("priority", OPTIONAL, struct filter_use_nodes, priority),
	SCHEMA_KEY("log", OPTIONAL, struct filter_use_nodes, log),
};
static const struct schema filter_use_schema = SCHEMA("a filter of a subject", filter_use_keys);
static const struct schema taboo_filter_schema = SCHEMA("a filter of a taboo", filter_use_keys);

/* The list that is being read. */
struct filter_list {
	struct model_filter_use *uses;
	size_t n_uses;
	bool taboo;
	struct string_index seen;
};

static void read_action(struct reader *reader, const struct filter_use_nodes *nodes, struct model_filter_use *use)
{
	static const char *const actions[] = {"permit", "deny"};
	static const char *const priorities[] = {
		[MODEL_PRIORITY_DEFAULT] = "default",
		[MODEL_PRIORITY_LEVEL1] = "level1",
		[MODEL_PRIORITY_LEVEL2] = "level2",
		[MODEL_PRIORITY_LEVEL3] = "level3",
	};
	unsigned int action = 0, priority = MODEL_PRIORITY_DEFAULT;
	bool good = true;

	if (nodes->action)
		good = schema_choice(reader->diagnostics, nodes->action, actions, ARRAY_SIZE(actions), &action);
	if (nodes->priority)
		schema_choice(reader->diagnostics, nodes->priority, priorities, ARRAY_SIZE(priorities), &priority);
	if (good && nodes->priority && action == 0)
		diagnostics_error(reader->diagnostics, nodes->priority->place, "add action: deny, or take it out",
				  "only a deny has a priority");
	use->deny = action == 1;
	use->priority = (enum model_priority)priority;
}

/* All that a taboo's filters match is denied, before any contract is asked. */
static void refuse_action(struct reader *reader, const struct filter_use_nodes *nodes)
{
	const struct tree_node *node = nodes->action ? nodes->action : nodes->priority;

	if (node)
		diagnostics_error(reader->diagnostics, node->place, "take it out",
				  "a taboo denies whatever its filters match: it has no %s",
				  nodes->action ? "action" : "priority");
}

static void read_filter_use(struct reader *reader, const struct tree_node *node, void *object)
{
	struct filter_list *list = object;
	struct filter_use_nodes nodes = {.name = node};
	struct model_filter_use use = {.place = node->place};

	if (node->kind == TREE_MAPPING) {
		nodes.name = NULL;
		schema_read(reader->diagnostics, node, list->taboo ? &taboo_filter_schema : &filter_use_schema, &nodes);
	}
	if (list->taboo)
		refuse_action(reader, &nodes);
	else
		read_action(reader, &nodes, &use);
	use.deny |= list->taboo;
	if (nodes.log)
		schema_boolean(reader->diagnostics, nodes.log, &use.log);
	use.filter = read_reference(reader, &reader->filters, "filter", nodes.name);
	if (use.filter != MODEL_NONE &&
	    read_once(reader, &list->seen, &use.filter, sizeof(use.filter), "filter", nodes.name))
		list->uses[list->n_uses++] = use;
}

static void read_filter_uses(struct reader *reader, const struct tree_node *node, bool taboo,
			     struct model_filter_use **ret, size_t *ret_count)
{
	struct filter_list list = {.uses = read_array(reader, node, sizeof(*list.uses)), .taboo = taboo};

	read_each(reader, node, read_filter_use, &list);
	string_index_clear(&list.seen);
	*ret = list.uses;
	*ret_count = list.n_uses;
}

/* A list that may be empty, but does nothing then. */
static void warn_if_empty(struct reader *reader, const struct tree_node *list, const char *message)
{
	if (list && list->kind == TREE_SEQUENCE && list->count == 0)
		diagnostics_lint(reader->diagnostics, EPG_LINT_CONTRACT_EMPTY, list->place, NULL, "%s", message);
}

/* ---- subjects ---- */

struct subject_nodes {
	const struct tree_node *name, *both_directions, *reverse_ports, *dscp, *mode, *filters;
};

static const struct schema_key subject_keys[] = {
	SCHEMA_KEY("name", REQUIRED, struct subject_nodes, name),
	SCHEMA_KEY("bothDirections", OPTIONAL, struct subject_nodes, both_directions),
	SCHEMA_KEY("reverseFilterPorts", OPTIONAL, struct subject_nodes, reverse_ports),
	SCHEMA_KEY("dscp", OPTIONAL, struct subject_nodes, dscp),
	SCHEMA_KEY("mode", OPTIONAL, struct subject_nodes, mode),
	SCHEMA_KEY("filters", REQUIRED, struct subject_nodes, filters),
};
static const struct schema subject_schema = SCHEMA("a subject", subject_keys);

static void read_directions(struct reader *reader, const struct subject_nodes *nodes, struct model_subject *subject)
{
	subject->both_directions = true;
	subject->reverse_ports = true;
	if (nodes->both_directions)
		schema_boolean(reader->diagnostics, nodes->both_directions, &subject->both_directions);
	if (nodes->reverse_ports)
		schema_boolean(reader->diagnostics, nodes->reverse_ports, &subject->reverse_ports);
	if (!subject->both_directions && nodes->reverse_ports)
		diagnostics_lint(reader->diagnostics, EPG_LINT_SETTING_WITHOUT_EFFECT, nodes->reverse_ports->place,
				 "bothDirections: false permits no packet in the opposite direction",
				 "reverseFilterPorts does nothing here");
}

static bool permits(const struct model_subject *subject)
{
	for (size_t i = 0; i < subject->n_filters; i++)
		if (!subject->filters[i].deny)
			return true;
	return false;
}

static void read_marking(struct reader *reader, const struct tree_node *node, struct model_subject *subject)
{
	subject->dscp = MODEL_DSCP_NONE;
	if (!node || !read_dscp(reader, node, &subject->dscp))
		return;
	if (subject->n_filters > 0 && !permits(subject))
		diagnostics_lint(reader->diagnostics, EPG_LINT_SETTING_WITHOUT_EFFECT, node->place,
				 "denied packets are not marked",
				 "dscp does nothing here: all filters of the subject deny");
}

static void read_subject(struct reader *reader, const struct tree_node *node, void *object)
{
	static const char *const modes[] = {"enforce", "audit"};
	struct model_contract *contract = object;
	struct subject_nodes nodes = {0};
	struct model_subject *subject;
	unsigned int mode = 0;

	if (!schema_read(reader->diagnostics, node, &subject_schema, &nodes))
		return;
	subject = &contract->subjects[contract->n_subjects++];
	subject->place = node->place;
	if (nodes.name && schema_name(reader->diagnostics, nodes.name)) {
		subject->name = arena_string(reader->arena, nodes.name->text, nodes.name->count);
		reader->out_of_memory |= !subject->name;
	}
	read_directions(reader, &nodes, subject);
	if (nodes.mode)
		schema_choice(reader->diagnostics, nodes.mode, modes, ARRAY_SIZE(modes), &mode);
	subject->audit = mode == 1;
	read_filter_uses(reader, nodes.filters, false, &subject->filters, &subject->n_filters);
	read_marking(reader, nodes.dscp, subject);
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

/* ---- contracts ---- */

struct contract_nodes {
	const struct tree_node *name, *scope, *on_change, *subjects;
};

static const struct schema_key contract_keys[] = {
	SCHEMA_KEY("name", REQUIRED, struct contract_nodes, name),
	SCHEMA_KEY("scope", OPTIONAL, struct contract_nodes, scope),
	SCHEMA_KEY("onChange", OPTIONAL, struct contract_nodes, on_change),
	SCHEMA_KEY("subjects", REQUIRED, struct contract_nodes, subjects),
};
static const struct schema contract_schema = SCHEMA("a contract", contract_keys);

void read_contract(struct reader *reader, const struct tree_node *node, void *unused)
{
	static const char *const scopes[] = {
		[MODEL_SCOPE_APPLICATION_PROFILE] = "application-profile",
		[MODEL_SCOPE_VRF] = "vrf",
		[MODEL_SCOPE_TENANT] = "tenant",
		[MODEL_SCOPE_GLOBAL] = "global",
	};
	static const char *const changes[] = {"reevaluate", "keep"};
	uint32_t index = (uint32_t)reader->model->n_contracts;
	unsigned int scope = MODEL_SCOPE_VRF, change = 0;
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
	if (nodes.on_change)
		schema_choice(reader->diagnostics, nodes.on_change, changes, ARRAY_SIZE(changes), &change);
	contract->keep = change == 1;
	contract->subjects = read_array(reader, nodes.subjects, sizeof(*contract->subjects));
	read_each(reader, nodes.subjects, read_subject, contract);
	warn_if_empty(reader, nodes.subjects, "the contract has no subjects: it permits nothing");
	check_subject_names(reader, contract);
	read_register(reader, &reader->contracts, "contract", contract->name, nodes.name, index);
}

/* ---- taboos ---- */

struct taboo_nodes {
	const struct tree_node *name, *filters;
};

static const struct schema_key taboo_keys[] = {
	SCHEMA_KEY("name", REQUIRED, struct taboo_nodes, name),
	SCHEMA_KEY("filters", REQUIRED, struct taboo_nodes, filters),
};
static const struct schema taboo_schema = SCHEMA("a taboo", taboo_keys);

void read_taboo(struct reader *reader, const struct tree_node *node, void *unused)
{
	uint32_t index = (uint32_t)reader->model->n_taboos;
	struct taboo_nodes nodes = {0};
	struct model_taboo *taboo;

	(void)unused;
	if (!schema_read(reader->diagnostics, node, &taboo_schema, &nodes))
		return;
	taboo = read_push(reader, &reader->model->taboos, &reader->model->n_taboos, sizeof(*taboo));
	if (!taboo)
		return;
	taboo->name = read_full_name(reader, NULL, nodes.name);
	taboo->place = node->place;
	taboo->tenant = reader->tenant;
	read_filter_uses(reader, nodes.filters, true, &taboo->filters, &taboo->n_filters);
	warn_if_empty(reader, nodes.filters, "the taboo has no filters: it denies nothing");
	read_register(reader, &reader->taboos, "taboo", taboo->name, nodes.name, index);
}
