/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What a policy takes: as a whole, by contract, and of each map. */
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/array.h"
#include "compile/cost.h"
#include "compile/links.h"
#include "compile/nodes.h"
#include "policy/edit.h"
#include "runtime/internal.h"

DEFINE_AUTO(struct epg_diagnostics, diagnostics_free)
DEFINE_AUTO(struct tables, tables_free)

/* Bytes of one element of a table in its map. */
#define RULE_BYTES (sizeof(struct epg_rule_more) + sizeof(struct epg_counter))

void policy_cost(const struct model *model, const struct tables *tables, struct epg_cost *ret)
{
	*ret = (struct epg_cost){
		.groups = model->n_groups,
		.contracts = model->n_contracts,
		.taboos = model->n_taboos,
		.pairs = tables->n_pairs,
		.rules = tables->n_rules,
		.rule_sets = tables->n_rule_sets,
		.nodes = tables->n_nodes,
		.bytes = tables->n_classes * sizeof(*tables->classes) + tables->n_buckets * sizeof(*tables->pairs) +
			 tables->n_nodes * sizeof(*tables->nodes) + tables->n_rules * RULE_BYTES,
	};
}

int policy_compile(struct epg *epg, const struct model *model, struct epg_diagnostics *diagnostics, struct tables **ret)
{
	const struct compile_memory nothing = {0};
	int error;

	diagnostics_set_text(diagnostics, model->text, model->text_length);
	error = tables_compile(model, &nothing, diagnostics, ret);
	diagnostics_set_text(diagnostics, NULL, 0);
	if (!error)
		return 0;
	return context_fail(epg, EPG_FAILURE_INPUT, error, model->file, NULL, "the policy cannot be compiled%s%s",
			    error == -EBADMSG ? "" : ": ", error == -EBADMSG ? "" : strerror(-error));
}

static int fail_memory(struct epg *epg)
{
	return context_fail_kernel(epg, -ENOMEM, NULL, "can't tell what the policy takes");
}

int epg_policy_cost(struct epg *epg, const struct epg_policy *policy, struct epg_cost *ret,
		    struct epg_diagnostics **ret_diagnostics)
{
	AUTO(diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	AUTO(tables_free) struct tables *tables = NULL;
	int error;

	CONTEXT_CALL(epg);
	if (diagnostics_new(policy->model->file, &diagnostics))
		return fail_memory(epg);
	edits_settle(policy->edits);
	error = policy_compile(epg, policy->model, diagnostics, &tables);
	if (error == -EBADMSG && ret_diagnostics)
		*ret_diagnostics = TAKE_PTR(diagnostics);
	if (error)
		return error;
	policy_cost(policy->model, tables, ret);
	return 0;
}

/* ---- by contract ---- */

static int compare_costs(const void *left, const void *right)
{
	const struct epg_contract_cost *a = left, *b = right;

	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	return strcmp(a->name, b->name);
}

static void fill_cost(const struct catalog *catalog, uint32_t contract, const struct contract_cost *cost,
		      struct epg_contract_cost *ret)
{
	*ret = (struct epg_contract_cost){
		.name = catalog_string(catalog, catalog->contracts[contract].name),
		.kind = catalog->contracts[contract].taboo ? "taboo" : "contract",
		.file = catalog->file,
		.line = catalog->contracts[contract].line,
		.pairs = cost->pairs,
		.rules = cost->rules,
		.rule_sets = cost->rule_sets,
		.nodes = cost->nodes,
		.bytes = cost->rules * RULE_BYTES + cost->nodes * sizeof(struct epg_node),
	};
}

static int tell_contracts(struct epg *epg, const struct tables *tables, const struct catalog *catalog,
			  epg_contract_cost_fn fn, void *user)
{
	AUTO_FREE struct contract_cost *costs = NULL;
	AUTO_FREE struct epg_contract_cost *told = array_new(catalog->n_contracts, sizeof(*told));
	int result = 0;

	if (!told || cost_contracts(tables, catalog, &costs))
		return fail_memory(epg);
	for (uint32_t i = 0; i < catalog->n_contracts; i++)
		fill_cost(catalog, i, &costs[i], &told[i]);
	if (catalog->n_contracts > 1)
		qsort(told, catalog->n_contracts, sizeof(*told), compare_costs);
	for (size_t i = 0; !result && i < catalog->n_contracts; i++)
		result = fn(user, &told[i]);
	return result;
}

/* ---- by map ---- */

/* Room in maps that hold more than one generation's: of the loaded instance, or what loading makes. */
struct room {
	uint64_t rules, groups, endpoints, addresses;
};

static void take_capacity(int map, uint64_t *capacity)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);

	if (!bpf_obj_get_info_by_fd(map, &info, &size))
		*capacity = info.max_entries;
}

/* Where nothing is loaded, or nobody may look, the defaults hold. */
static struct room find_room(struct epg *epg)
{
	struct room room = {LOAD_DEFAULT_RULES, EPG_CLASS_LAST + 1, LOAD_DEFAULT_ENDPOINTS, 2 * LOAD_DEFAULT_ENDPOINTS};
	struct instance *instance;

	if (instance_open(epg, &instance)) {
		context_clear(epg);
		return room;
	}
	room.rules = instance->control->rule_limit;
	take_capacity(instance->fd.groups, &room.groups);
	take_capacity(instance->fd.endpoints, &room.endpoints);
	take_capacity(instance->fd.addresses, &room.addresses);
	return room;
}

static int tell_maps(const struct model *model, const struct tables *tables, const struct room *room,
		     epg_map_need_fn fn, void *user)
{
	uint64_t endpoints = 0, addresses = 0;
	int result = 0;

	for (size_t i = 0; i < model->n_groups; i++) {
		endpoints += model->groups[i].n_endpoints;
		for (size_t j = 0; j < model->groups[i].n_endpoints; j++)
			addresses += model->groups[i].endpoints[j].n_ips;
		for (size_t j = 0; j < model->groups[i].n_matches; j++)
			addresses += model->groups[i].matches[j].n_ips;
	}
	const struct epg_map_need needs[] = {
		{"rules", tables->n_rules, room->rules, tables->n_rules * sizeof(struct epg_rule_more)},
		{"counters", tables->n_rules, room->rules, tables->n_rules * sizeof(struct epg_counter)},
		{"nodes", tables->n_nodes, NODES_MAX, tables->n_nodes * sizeof(struct epg_node)},
		{"pairs", tables->n_pairs, LINKS_MAX, tables->n_buckets * sizeof(struct epg_bucket)},
		{"classes", tables->n_classes, EPG_CLASS_LAST + 1, tables->n_classes * sizeof(struct epg_class)},
		{"groups", model->n_groups, room->groups,
		 model->n_groups * (sizeof(struct epg_group_key) + sizeof(struct epg_group))},
		{"endpoints", endpoints, room->endpoints,
		 endpoints * (sizeof(struct epg_endpoint_key) + sizeof(struct epg_endpoint))},
		{"addresses", addresses, room->addresses,
		 addresses * (sizeof(struct epg_address_key) + sizeof(struct epg_address))},
	};

	for (size_t i = 0; !result && i < ARRAY_SIZE(needs); i++)
		result = fn(user, &needs[i]);
	return result;
}

int epg_policy_costs_each(struct epg *epg, const struct epg_policy *policy, epg_contract_cost_fn contract_fn,
			  epg_map_need_fn map_fn, void *user)
{
	AUTO(diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	AUTO(tables_free) struct tables *tables = NULL;
	struct catalog catalog;
	struct room room;
	int result;

	CONTEXT_CALL(epg);
	if (diagnostics_new(policy->model->file, &diagnostics))
		return fail_memory(epg);
	edits_settle(policy->edits);
	result = policy_compile(epg, policy->model, diagnostics, &tables);
	if (result)
		return result;
	if (catalog_open(tables->catalog, tables->catalog_length, &catalog))
		return context_fail_kernel(epg, -EPROTO, NULL, "can't read what was compiled");
	if (contract_fn)
		result = tell_contracts(epg, tables, &catalog, contract_fn, user);
	if (result || !map_fn)
		return result;
	room = find_room(epg);
	return tell_maps(policy->model, tables, &room, map_fn, user);
}
