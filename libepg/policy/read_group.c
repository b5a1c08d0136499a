/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Endpoint groups: the EPGs of application profiles, and external ones. */
#include <string.h>

#include "policy/read.h"
#include "base/util.h"

/* ---- both sorts of groups ---- */

static void read_class(struct reader *reader, const struct tree_node *node, struct model_group *group)
{
	uint32_t class_id;

	if (!node || !schema_number(reader->diagnostics, node, "class", EPG_CLASS_FIRST, EPG_CLASS_LAST, &class_id))
		return;
	group->class_id = (uint16_t)class_id;
	read_once(reader, &reader->classes, &group->class_id, sizeof(group->class_id), "class", node);
}

static void add_group(struct reader *reader, const struct read_group *draft, struct read_binding *binding,
		      const struct tree_node *name)
{
	struct model_group *group;

	binding->group = (uint32_t)reader->model->n_groups;
	group = read_push(reader, &reader->model->groups, &reader->model->n_groups, sizeof(*group));
	if (!group)
		return;
	*group = draft->group;
	read_register(reader, &reader->groups, group->external ? "external EPG" : "EPG", group->name, name,
		      binding->group);
	read_bind_later(reader, binding);
}

static void read_preferred(struct reader *reader, const struct tree_node *node, struct model_group *group)
{
	const struct model_vrf *vrf = group->vrf == MODEL_NONE ? NULL : &reader->model->vrfs[group->vrf];

	if (!node || !schema_boolean(reader->diagnostics, node, &group->preferred_member))
		return;
	if (group->preferred_member && vrf && vrf->name && !vrf->preferred_group)
		diagnostics_lint(reader->diagnostics, EPG_LINT_PREFERRED_MEMBER_WITHOUT_GROUP, node->place,
				 "the VRF lacks preferredGroup: true",
				 "preferredGroupMember does nothing here: VRF \"%s\" has no preferred group",
				 strchr(vrf->name, '/') + 1);
}

/* ---- EPGs ---- */

struct intra_nodes {
	const struct tree_node *isolation, *contracts;
};

static const struct schema_key intra_keys[] = {
	SCHEMA_KEY("isolation", OPTIONAL, struct intra_nodes, isolation),
	SCHEMA_KEY("contracts", OPTIONAL, struct intra_nodes, contracts),
};
static const struct schema intra_schema = SCHEMA("intraEpg", intra_keys);

struct epg_nodes {
	const struct tree_node *name, *bridge_domain, *class_id, *provide, *consume, *endpoints, *match;
	const struct tree_node *taboos, *intra, *preferred, *inherit, *police;
};

static const struct schema_key epg_keys[] = {
	SCHEMA_KEY("name", REQUIRED, struct epg_nodes, name),
	SCHEMA_KEY("bridgeDomain", REQUIRED, struct epg_nodes, bridge_domain),
	SCHEMA_KEY("class", OPTIONAL, struct epg_nodes, class_id),
	SCHEMA_KEY("provide", OPTIONAL, struct epg_nodes, provide),
	SCHEMA_KEY("consume", OPTIONAL, struct epg_nodes, consume),
	SCHEMA_KEY("endpoints", OPTIONAL, struct epg_nodes, endpoints),
	SCHEMA_KEY("match", OPTIONAL, struct epg_nodes, match),
	SCHEMA_KEY("taboos", OPTIONAL, struct epg_nodes, taboos),
	SCHEMA_KEY("intraEpg", OPTIONAL, struct epg_nodes, intra),
	SCHEMA_KEY("preferredGroupMember", OPTIONAL, struct epg_nodes, preferred),
	SCHEMA_KEY("inherit", OPTIONAL, struct epg_nodes, inherit),
	SCHEMA_KEY("police", OPTIONAL, struct epg_nodes, police),
};
static const struct schema epg_schema = SCHEMA("an EPG", epg_keys);

/* The application profile whose EPGs are being read. */
struct profile {
	const char *name;
	uint32_t index;
};

static void find_bridge_domain(struct reader *reader, const struct tree_node *node, struct read_group *draft)
{
	uint32_t index = read_reference(reader, &reader->bridge_domains, "bridge domain", node);

	draft->group.bridge_domain = index;
	draft->group.vrf = MODEL_NONE;
	if (index == MODEL_NONE)
		return;
	draft->bridge_domain = &reader->model->bridge_domains[index];
	draft->group.vrf = draft->bridge_domain->vrf;
}

static void read_intra(struct reader *reader, const struct tree_node *node, struct model_group *group,
		       struct read_binding *binding)
{
	struct intra_nodes nodes = {0};

	if (!node || !schema_read(reader->diagnostics, node, &intra_schema, &nodes))
		return;
	if (nodes.isolation)
		schema_boolean(reader->diagnostics, nodes.isolation, &group->isolated);
	binding->intra = nodes.contracts;
}

static void read_epg(struct reader *reader, const struct tree_node *node, void *object)
{
	const struct profile *profile = object;
	struct read_group draft = {.group = {.place = node->place, .tenant = reader->tenant}};
	struct read_binding binding = {.profile = profile->name};
	struct epg_nodes nodes = {0};

	if (!schema_read(reader->diagnostics, node, &epg_schema, &nodes))
		return;
	draft.group.name = read_full_name(reader, profile->name, nodes.name);
	draft.group.app_profile = profile->index;
	find_bridge_domain(reader, nodes.bridge_domain, &draft);
	read_class(reader, nodes.class_id, &draft.group);
	read_endpoints(reader, nodes.endpoints, &draft);
	read_matches(reader, nodes.match, &draft);
	read_intra(reader, nodes.intra, &draft.group, &binding);
	read_preferred(reader, nodes.preferred, &draft.group);
	if (nodes.police)
		read_police(reader, nodes.police, &draft.group.police);
	binding.provide = nodes.provide;
	binding.consume = nodes.consume;
	binding.taboos = nodes.taboos;
	binding.inherit = nodes.inherit;
	add_group(reader, &draft, &binding, nodes.name);
}

struct profile_nodes {
	const struct tree_node *name, *epgs;
};

static const struct schema_key profile_keys[] = {
	SCHEMA_KEY("name", REQUIRED, struct profile_nodes, name),
	SCHEMA_KEY("epgs", REQUIRED, struct profile_nodes, epgs),
};
static const struct schema profile_schema = SCHEMA("an application profile", profile_keys);

void read_app_profile(struct reader *reader, const struct tree_node *node, void *unused)
{
	struct profile profile = {.name = "?", .index = reader->n_app_profiles++};
	struct profile_nodes nodes = {0};
	const char *full;

	(void)unused;
	if (!schema_read(reader->diagnostics, node, &profile_schema, &nodes))
		return;
	full = read_full_name(reader, NULL, nodes.name);
	read_register(reader, &reader->app_profiles, "application profile", full, nodes.name, profile.index);
	if (full)
		profile.name = nodes.name->text;
	read_each(reader, nodes.epgs, read_epg, &profile);
}

/* ---- external EPGs ---- */

struct external_nodes {
	const struct tree_node *name, *vrf, *subnets, *class_id, *provide, *consume, *taboos, *preferred, *inherit;
};

static const struct schema_key external_keys[] = {
	SCHEMA_KEY("name", REQUIRED, struct external_nodes, name),
	SCHEMA_KEY("vrf", REQUIRED, struct external_nodes, vrf),
	SCHEMA_KEY("subnets", REQUIRED, struct external_nodes, subnets),
	SCHEMA_KEY("class", OPTIONAL, struct external_nodes, class_id),
	SCHEMA_KEY("provide", OPTIONAL, struct external_nodes, provide),
	SCHEMA_KEY("consume", OPTIONAL, struct external_nodes, consume),
	SCHEMA_KEY("taboos", OPTIONAL, struct external_nodes, taboos),
	SCHEMA_KEY("preferredGroupMember", OPTIONAL, struct external_nodes, preferred),
	SCHEMA_KEY("inherit", OPTIONAL, struct external_nodes, inherit),
};
static const struct schema external_schema = SCHEMA("an external EPG", external_keys);

static void read_external_subnet(struct reader *reader, const struct tree_node *node, void *object)
{
	struct model_group *group = object;
	struct model_prefix prefix;

	if (read_prefix(reader, node, false, &prefix) &&
	    read_once_in_vrf(reader, &reader->prefixes, group, &prefix, node))
		group->subnets[group->n_subnets++] = prefix;
}

void read_external(struct reader *reader, const struct tree_node *node, void *unused)
{
	struct read_group draft = {
		.group =
			{
				.place = node->place,
				.tenant = reader->tenant,
				.app_profile = MODEL_NONE,
				.bridge_domain = MODEL_NONE,
				.external = true,
			},
	};
	struct external_nodes nodes = {0};
	struct read_binding binding = {0};

	(void)unused;
	if (!schema_read(reader->diagnostics, node, &external_schema, &nodes))
		return;
	draft.group.name = read_full_name(reader, NULL, nodes.name);
	draft.group.vrf = read_reference(reader, &reader->vrfs, "VRF", nodes.vrf);
	read_class(reader, nodes.class_id, &draft.group);
	read_preferred(reader, nodes.preferred, &draft.group);
	draft.group.subnets = read_array(reader, nodes.subnets, sizeof(*draft.group.subnets));
	read_each(reader, nodes.subnets, read_external_subnet, &draft.group);
	binding.provide = nodes.provide;
	binding.consume = nodes.consume;
	binding.taboos = nodes.taboos;
	binding.inherit = nodes.inherit;
	add_group(reader, &draft, &binding, nodes.name);
}
