/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Who takes which contracts: `provide`, `consume` and what else names contracts or groups of any tenant. It is
 * resolved when all tenants are known.
 */
#include <stdio.h>

#include "base/array.h"
#include "policy/read.h"

void read_bind_later(struct reader *reader, const struct read_binding *binding)
{
	if (array_reserve(&reader->bindings, &reader->bindings_capacity, reader->n_bindings + 1, sizeof(*binding))) {
		reader->out_of_memory = true;
		return;
	}
	reader->bindings[reader->n_bindings] = *binding;
	reader->bindings[reader->n_bindings].tenant_name = reader->tenant_name;
	reader->n_bindings++;
}

/* A list that is being read, and what it has named so far. */
struct use_list {
	const struct read_binding *binding;
	void *uses;
	size_t n_uses;
	struct string_index seen;
};

/* False, with a message, when the list has named it before. */
static bool once_in_list(struct reader *reader, struct use_list *list, uint32_t object, const char *kind,
			 const struct tree_node *node)
{
	return object != MODEL_NONE && read_once(reader, &list->seen, &object, sizeof(object), kind, node);
}

static void read_contract_use(struct reader *reader, const struct tree_node *node, void *object)
{
	struct use_list *list = object;
	struct model_contract_use *uses = list->uses;
	uint32_t contract = read_contract_reference(reader, node);

	if (once_in_list(reader, list, contract, "contract", node))
		uses[list->n_uses++] = (struct model_contract_use){contract, node->place};
}

static void read_contract_uses(struct reader *reader, const struct tree_node *node, struct model_contract_use **ret,
			       size_t *ret_count)
{
	struct use_list list = {.uses = read_array(reader, node, sizeof(**ret))};

	read_each(reader, node, read_contract_use, &list);
	string_index_clear(&list.seen);
	*ret = list.uses;
	*ret_count = list.n_uses;
}

static void read_taboo_use(struct reader *reader, const struct tree_node *node, void *object)
{
	struct use_list *list = object;
	struct model_taboo_use *uses = list->uses;
	uint32_t taboo = read_reference(reader, &reader->taboos, "taboo", node);

	if (once_in_list(reader, list, taboo, "taboo", node))
		uses[list->n_uses++] = (struct model_taboo_use){taboo, node->place};
}

/* Inheriting is for groups that see the same addresses: a contract of scope vrf would mean something else there. */
static bool in_one_vrf(struct reader *reader, uint32_t heir, uint32_t group, const struct tree_node *node)
{
	const struct model *model = reader->model;
	uint32_t vrf = model->groups[group].vrf, own = model->groups[heir].vrf;
	char hint[SCHEMA_HINT_BYTES];

	if (vrf == own || vrf == MODEL_NONE || own == MODEL_NONE)
		return true;
	snprintf(hint, sizeof(hint), "it is in VRF %.64s, and this one in %.64s",
		 model->vrfs[vrf].name ? model->vrfs[vrf].name : "?",
		 model->vrfs[own].name ? model->vrfs[own].name : "?");
	diagnostics_error(reader->diagnostics, node->place, hint, "\"%.64s\" is in another VRF: nothing is inherited",
			  node->text);
	return false;
}

static void read_inherit(struct reader *reader, const struct tree_node *node, void *object)
{
	struct use_list *list = object;
	struct model_inherit *inherit = list->uses;
	uint32_t group = read_group_reference(reader, list->binding->profile, node);

	if (once_in_list(reader, list, group, "group", node) && in_one_vrf(reader, list->binding->group, group, node))
		inherit[list->n_uses++] = (struct model_inherit){group, node->place};
}

static void bind_group(struct reader *reader, const struct read_binding *binding)
{
	struct model_group *group = &reader->model->groups[binding->group];
	struct use_list taboos = {.binding = binding,
				  .uses = read_array(reader, binding->taboos, sizeof(*group->taboos))};
	struct use_list inherit = {.binding = binding,
				   .uses = read_array(reader, binding->inherit, sizeof(*group->inherit))};

	read_contract_uses(reader, binding->provide, &group->provide, &group->n_provide);
	read_contract_uses(reader, binding->consume, &group->consume, &group->n_consume);
	read_contract_uses(reader, binding->intra, &group->intra, &group->n_intra);
	read_each(reader, binding->taboos, read_taboo_use, &taboos);
	read_each(reader, binding->inherit, read_inherit, &inherit);
	string_index_clear(&taboos.seen);
	string_index_clear(&inherit.seen);
	group->taboos = taboos.uses;
	group->n_taboos = taboos.n_uses;
	group->inherit = inherit.uses;
	group->n_inherit = inherit.n_uses;
}

void read_bindings(struct reader *reader)
{
	for (size_t i = 0; i < reader->n_bindings && !reader->out_of_memory; i++) {
		const struct read_binding *binding = &reader->bindings[i];

		reader->tenant_name = binding->tenant_name;
		if (binding->group != MODEL_NONE) {
			bind_group(reader, binding);
		} else {
			struct model_vrf *vrf = &reader->model->vrfs[binding->vrf];

			read_contract_uses(reader, binding->provide, &vrf->provide, &vrf->n_provide);
			read_contract_uses(reader, binding->consume, &vrf->consume, &vrf->n_consume);
		}
	}
}
