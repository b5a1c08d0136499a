/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/read.h"
#include "policy/names.h"
#include "base/util.h"

#define POLICY_VERSION 1

DEFINE_AUTO(struct model, model_free)
DEFINE_AUTO(struct arena, arena_free)

/* ---- for all parts of the reader ---- */

void read_each(struct reader *reader, const struct tree_node *list, read_item_fn fn, void *object)
{
	if (!list || !schema_list(reader->diagnostics, list))
		return;
	for (uint32_t i = 0; i < list->count && !reader->out_of_memory; i++)
		fn(reader, list->items[i], object);
}

void *read_array(struct reader *reader, const struct tree_node *list, size_t size)
{
	void *array;

	if (!list || list->kind != TREE_SEQUENCE)
		return NULL;
	array = arena_array(reader->arena, list->count, size);
	reader->out_of_memory |= !array;
	return array;
}

void *read_push(struct reader *reader, void *array, size_t *count, size_t size)
{
	void *element = arena_push(reader->arena, array, count, size);

	reader->out_of_memory |= !element;
	return element;
}

const char *read_full_name(struct reader *reader, const char *profile, const struct tree_node *name)
{
	const char *full;

	if (!name || !schema_name(reader->diagnostics, name))
		return NULL;
	full = arena_format(reader->arena, "%s/%s%s%s", reader->tenant_name, profile ? profile : "", profile ? "/" : "",
			    name->text);
	reader->out_of_memory |= !full;
	return full;
}

void read_register(struct reader *reader, struct string_index *index, const char *kind, const char *key,
		   const struct tree_node *name, uint32_t value)
{
	const struct string_index_entry *first;
	char hint[SCHEMA_HINT_BYTES];
	int error;

	if (!key)
		return;
	error = string_index_add(index, key, strlen(key), value, name->place, &first);
	if (error == -ENOMEM)
		reader->out_of_memory = true;
	if (error != -EEXIST)
		return;
	snprintf(hint, sizeof(hint), "the first one is in line %u", first->place.line);
	diagnostics_error(reader->diagnostics, name->place, hint, "%s \"%s\" exists already", kind, name->text);
}

bool read_once(struct reader *reader, struct string_index *index, const void *key, size_t length, const char *what,
	       const struct tree_node *node)
{
	const struct string_index_entry *first = string_index_find(index, key, length);
	char hint[SCHEMA_HINT_BYTES];
	const char *copy;

	if (first) {
		snprintf(hint, sizeof(hint), "it is given first in line %u", first->place.line);
		diagnostics_error(reader->diagnostics, node->place, hint, "the %s %.64s is given twice", what,
				  node->text);
		return false;
	}
	copy = arena_string(reader->arena, key, length);
	if (!copy || string_index_add(index, copy, length, 0, node->place, NULL))
		reader->out_of_memory = true;
	return true;
}

/* ---- VRFs and bridge domains ---- */

static const struct schema_key any_keys[] = {
	SCHEMA_KEY("provide", OPTIONAL, struct read_binding, provide),
	SCHEMA_KEY("consume", OPTIONAL, struct read_binding, consume),
};
static const struct schema any_schema = SCHEMA("vzAny", any_keys);

struct vrf_nodes {
	const struct tree_node *name, *enforcement, *preferred_group, *any;
};

static const struct schema_key vrf_keys[] = {
	SCHEMA_KEY("name", REQUIRED, struct vrf_nodes, name),
	SCHEMA_KEY("enforcement", OPTIONAL, struct vrf_nodes, enforcement),
	SCHEMA_KEY("preferredGroup", OPTIONAL, struct vrf_nodes, preferred_group),
	SCHEMA_KEY("vzAny", OPTIONAL, struct vrf_nodes, any),
};
static const struct schema vrf_schema = SCHEMA("a VRF", vrf_keys);

static void read_vrf(struct reader *reader, const struct tree_node *node, void *unused)
{
	static const char *const enforcements[] = {"enforced", "unenforced"};
	uint32_t index = (uint32_t)reader->model->n_vrfs;
	struct read_binding binding = {.group = MODEL_NONE, .vrf = index};
	struct vrf_nodes nodes = {0};
	unsigned int enforcement = 0;
	struct model_vrf *vrf;

	(void)unused;
	if (!schema_read(reader->diagnostics, node, &vrf_schema, &nodes))
		return;
	if (nodes.any)
		schema_read(reader->diagnostics, nodes.any, &any_schema, &binding);
	if (nodes.enforcement)
		schema_choice(reader->diagnostics, nodes.enforcement, enforcements, ARRAY_SIZE(enforcements),
			      &enforcement);
	vrf = read_push(reader, &reader->model->vrfs, &reader->model->n_vrfs, sizeof(*vrf));
	if (!vrf)
		return;
	vrf->name = read_full_name(reader, NULL, nodes.name);
	vrf->place = node->place;
	vrf->tenant = reader->tenant;
	vrf->enforced = enforcement == 0;
	if (nodes.preferred_group)
		schema_boolean(reader->diagnostics, nodes.preferred_group, &vrf->preferred_group);
	read_bind_later(reader, &binding);
	read_register(reader, &reader->vrfs, "VRF", vrf->name, nodes.name, index);
}

struct bridge_domain_nodes {
	const struct tree_node *name, *vrf, *subnets, *arp, *forwarding;
};

static const struct schema_key bridge_domain_keys[] = {
	SCHEMA_KEY("name", REQUIRED, struct bridge_domain_nodes, name),
	SCHEMA_KEY("vrf", REQUIRED, struct bridge_domain_nodes, vrf),
	SCHEMA_KEY("subnets", OPTIONAL, struct bridge_domain_nodes, subnets),
	SCHEMA_KEY("arp", OPTIONAL, struct bridge_domain_nodes, arp),
	SCHEMA_KEY("forwarding", OPTIONAL, struct bridge_domain_nodes, forwarding),
};
static const struct schema bridge_domain_schema = SCHEMA("a bridge domain", bridge_domain_keys);

static void read_subnet(struct reader *reader, const struct tree_node *node, void *object)
{
	struct model_bridge_domain *bridge_domain = object;

	if (read_prefix(reader, node, true, &bridge_domain->subnets[bridge_domain->n_subnets]))
		bridge_domain->n_subnets++;
}

static void read_bridge_domain(struct reader *reader, const struct tree_node *node, void *unused)
{
	static const char *const arps[] = {"permit", "require-contract"};
	static const char *const forwardings[] = {"stack", "direct"};
	uint32_t index = (uint32_t)reader->model->n_bridge_domains;
	struct bridge_domain_nodes nodes = {0};
	unsigned int arp = 0, forwarding = 0;
	struct model_bridge_domain *bridge_domain;

	(void)unused;
	if (!schema_read(reader->diagnostics, node, &bridge_domain_schema, &nodes))
		return;
	bridge_domain = read_push(reader, &reader->model->bridge_domains, &reader->model->n_bridge_domains,
				  sizeof(*bridge_domain));
	if (!bridge_domain)
		return;
	bridge_domain->name = read_full_name(reader, NULL, nodes.name);
	bridge_domain->place = node->place;
	bridge_domain->tenant = reader->tenant;
	bridge_domain->vrf = read_reference(reader, &reader->vrfs, "VRF", nodes.vrf);
	bridge_domain->subnets = read_array(reader, nodes.subnets, sizeof(*bridge_domain->subnets));
	read_each(reader, nodes.subnets, read_subnet, bridge_domain);
	if (nodes.arp)
		schema_choice(reader->diagnostics, nodes.arp, arps, ARRAY_SIZE(arps), &arp);
	bridge_domain->arp_contract = arp == 1;
	if (nodes.forwarding)
		schema_choice(reader->diagnostics, nodes.forwarding, forwardings, ARRAY_SIZE(forwardings), &forwarding);
	bridge_domain->direct = forwarding == 1;
	read_register(reader, &reader->bridge_domains, "bridge domain", bridge_domain->name, nodes.name, index);
}

/* ---- tenants ---- */

struct tenant_nodes {
	const struct tree_node *name, *vrfs, *bridge_domains, *filters, *contracts, *taboos;
	const struct tree_node *app_profiles, *externals;
};

static const struct schema_key tenant_keys[] = {
	SCHEMA_KEY("name", REQUIRED, struct tenant_nodes, name),
	SCHEMA_KEY("vrfs", OPTIONAL, struct tenant_nodes, vrfs),
	SCHEMA_KEY("bridgeDomains", OPTIONAL, struct tenant_nodes, bridge_domains),
	SCHEMA_KEY("filters", OPTIONAL, struct tenant_nodes, filters),
	SCHEMA_KEY("contracts", OPTIONAL, struct tenant_nodes, contracts),
	SCHEMA_KEY("taboos", OPTIONAL, struct tenant_nodes, taboos),
	SCHEMA_KEY("appProfiles", OPTIONAL, struct tenant_nodes, app_profiles),
	SCHEMA_KEY("externalEpgs", OPTIONAL, struct tenant_nodes, externals),
};
static const struct schema tenant_schema = SCHEMA("a tenant", tenant_keys);

static void begin_tenant(struct reader *reader, const struct tree_node *node, const struct tree_node *name)
{
	uint32_t index = (uint32_t)reader->model->n_tenants;
	struct model_tenant *tenant =
		read_push(reader, &reader->model->tenants, &reader->model->n_tenants, sizeof(*tenant));

	reader->tenant = index;
	reader->tenant_name = "?"; /* what is in it is still looked at */
	if (!tenant)
		return;
	tenant->place = node->place;
	if (!name || !schema_name(reader->diagnostics, name))
		return;
	tenant->name = arena_string(reader->arena, name->text, name->count);
	if (tenant->name)
		reader->tenant_name = tenant->name;
	else
		reader->out_of_memory = true;
	read_register(reader, &reader->tenants, "tenant", tenant->name, name, index);
}

static void read_tenant(struct reader *reader, const struct tree_node *node, void *unused)
{
	struct tenant_nodes nodes = {0};

	(void)unused;
	if (!schema_read(reader->diagnostics, node, &tenant_schema, &nodes))
		return;
	begin_tenant(reader, node, nodes.name);
	read_each(reader, nodes.vrfs, read_vrf, NULL);
	read_each(reader, nodes.bridge_domains, read_bridge_domain, NULL);
	read_each(reader, nodes.filters, read_filter, NULL);
	read_each(reader, nodes.contracts, read_contract, NULL);
	read_each(reader, nodes.taboos, read_taboo, NULL);
	read_each(reader, nodes.app_profiles, read_app_profile, NULL);
	read_each(reader, nodes.externals, read_external, NULL);
}

/* ---- the policy ---- */

struct policy_nodes {
	const struct tree_node *version, *tenants;
};

static const struct schema_key policy_keys[] = {
	SCHEMA_KEY("version", REQUIRED, struct policy_nodes, version),
	SCHEMA_KEY("tenants", REQUIRED, struct policy_nodes, tenants),
};
static const struct schema policy_schema = SCHEMA("a policy", policy_keys);

static void read_policy(struct reader *reader, const struct tree_node *root)
{
	struct policy_nodes nodes = {0};
	uint32_t version;

	if (!schema_read(reader->diagnostics, root, &policy_schema, &nodes))
		return;
	if (nodes.version && schema_number(reader->diagnostics, nodes.version, "version", 0, UINT32_MAX, &version) &&
	    version != POLICY_VERSION)
		diagnostics_error(reader->diagnostics, nodes.version->place, "write version: 1",
				  "version %u of the policy language is unknown", version);
	read_each(reader, nodes.tenants, read_tenant, NULL);
	read_bindings(reader);
	if (!reader->out_of_memory)
		read_inherited(reader);
	if (!reader->out_of_memory)
		read_check(reader);
}

static void reader_clear(struct reader *reader)
{
	struct string_index *indexes[] = {
		&reader->tenants,    &reader->vrfs,         &reader->bridge_domains, &reader->filters,
		&reader->contracts,  &reader->app_profiles, &reader->groups,         &reader->classes,
		&reader->interfaces, &reader->globs,        &reader->addresses,      &reader->prefixes,
		&reader->services,   &reader->taboos,       &reader->stations,
	};

	free(reader->bindings);

	for (size_t i = 0; i < ARRAY_SIZE(indexes); i++)
		string_index_clear(indexes[i]);
}

/* A model and the memory that everything in it lives in. */
struct owned_model {
	struct model model; /* first: model_free finds the arena by it */
	struct arena *arena;
};

static int new_model(const char *name, const char *text, size_t length, struct model **ret)
{
	struct owned_model *owned = calloc(1, sizeof(*owned));

	if (!owned)
		return -ENOMEM;
	owned->arena = arena_new();
	if (owned->arena) {
		owned->model.file = arena_string(owned->arena, name, strlen(name));
		owned->model.text = arena_string(owned->arena, text, length);
		owned->model.text_length = length;
	}
	if (!owned->arena || !owned->model.file || !owned->model.text) {
		model_free(&owned->model);
		return -ENOMEM;
	}
	*ret = &owned->model;
	return 0;
}

struct arena *model_arena(struct model *model)
{
	return ((struct owned_model *)model)->arena;
}

void model_free(struct model *model)
{
	struct owned_model *owned = (struct owned_model *)model;

	if (!owned)
		return;
	arena_free(owned->arena);
	free(owned);
}

static int read_tree(struct model *model, const struct tree_node *root, struct epg_diagnostics *diagnostics)
{
	struct reader reader = {
		.model = model,
		.arena = model_arena(model),
		.diagnostics = diagnostics,
	};

	read_policy(&reader, root);
	reader_clear(&reader);
	if (reader.out_of_memory || diagnostics_failed(diagnostics))
		return -ENOMEM;
	return diagnostics_errors(diagnostics) ? -EBADMSG : 0;
}

int model_read(const char *name, const char *text, size_t length, size_t max_bytes, struct epg_diagnostics *diagnostics,
	       struct model **ret)
{
	AUTO(model_free) struct model *model = NULL;
	AUTO(arena_free) struct arena *tree = NULL;
	const struct tree_node *root;
	int error;

	if (length > max_bytes)
		return -EFBIG;
	tree = arena_new();
	error = tree ? new_model(name, text, length, &model) : -ENOMEM;
	if (error)
		return error;
	diagnostics_set_text(diagnostics, model->text, length);
	error = tree_read(model->text, length, tree, diagnostics, &root);
	if (!error)
		error = read_tree(model, root, diagnostics);
	diagnostics_set_text(diagnostics, NULL, 0);
	if (!error)
		*ret = TAKE_PTR(model);
	return error;
}
