/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Endpoint groups: the EPGs of application profiles, and external ones. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "policy/read.h"
#include "base/util.h"

/* A group while it is being read; it moves into the model when all is known. */
struct group_draft {
	struct model_group group;
	const struct model_bridge_domain *bridge_domain; /* NULL: external, or unknown */
};

/* ---- addresses ---- */

/* What may stand once in a VRF; compared as bytes. */
struct vrf_key {
	uint32_t vrf;
	uint8_t address[16];
	uint8_t length;
	uint8_t ipv4;
	uint8_t reserved[2];
};

static bool once_in_vrf(struct reader *reader, struct string_index *index, const struct model_group *group,
			const struct model_prefix *prefix, const struct tree_node *node)
{
	struct vrf_key key = {.vrf = group->vrf, .length = prefix->length, .ipv4 = prefix->ipv4};

	if (group->vrf == MODEL_NONE)
		return true;
	memcpy(key.address, prefix->address, sizeof(key.address));
	return read_once(reader, index, &key, sizeof(key), prefix->length == 128 ? "address" : "prefix", node);
}

/* Some subnet of the bridge domain holds all of the prefix, or nothing is known of its subnets. */
static bool is_in_subnets(const struct group_draft *draft, const struct model_prefix *prefix)
{
	const struct model_bridge_domain *bridge_domain = draft->bridge_domain;

	if (!bridge_domain || bridge_domain->n_subnets == 0)
		return true;
	for (size_t i = 0; i < bridge_domain->n_subnets; i++)
		if (read_is_within(prefix, &bridge_domain->subnets[i]))
			return true;
	return false;
}

/* "10.1.0.0/24, fd00:1::/64": the subnets, to say where an address should be. */
static const char *list_subnets(const struct group_draft *draft, char hint[SCHEMA_HINT_BYTES])
{
	const struct model_bridge_domain *bridge_domain = draft->bridge_domain;
	int length = snprintf(hint, SCHEMA_HINT_BYTES, "it has");

	for (size_t i = 0; i < bridge_domain->n_subnets && length < SCHEMA_HINT_BYTES; i++) {
		const struct model_prefix *subnet = &bridge_domain->subnets[i];
		char address[TEXT_ADDRESS_MAX];

		text_address(subnet->address, address);
		length += snprintf(hint + length, SCHEMA_HINT_BYTES - (size_t)length, "%s %s/%d", i ? "," : "", address,
				   subnet->length - (subnet->ipv4 ? 96 : 0));
	}
	return hint;
}

/* ---- endpoints known beforehand ---- */

struct endpoint_nodes {
	const struct tree_node *interface, *ips, *mac;
};

static const struct schema_key endpoint_keys[] = {
	SCHEMA_KEY("interface", REQUIRED, struct endpoint_nodes, interface),
	SCHEMA_KEY("ips", OPTIONAL, struct endpoint_nodes, ips),
	SCHEMA_KEY("mac", OPTIONAL, struct endpoint_nodes, mac),
};
static const struct schema endpoint_schema = SCHEMA("an endpoint", endpoint_keys);

struct endpoint_draft {
	const struct group_draft *group;
	struct model_endpoint endpoint;
};

static void read_endpoint_ip(struct reader *reader, const struct tree_node *node, void *object)
{
	struct endpoint_draft *draft = object;
	char hint[SCHEMA_HINT_BYTES];
	struct model_prefix address;

	if (!read_address(reader, node, &address))
		return;
	if (!is_in_subnets(draft->group, &address)) {
		diagnostics_error(reader->diagnostics, node->place, list_subnets(draft->group, hint),
				  "%s is in no subnet of bridge domain \"%s\"", node->text,
				  draft->group->bridge_domain->name);
		return;
	}
	if (once_in_vrf(reader, &reader->addresses, &draft->group->group, &address, node))
		draft->endpoint.ips[draft->endpoint.n_ips++] = address;
}

static void read_endpoint(struct reader *reader, const struct tree_node *node, void *object)
{
	struct group_draft *group = object;
	struct endpoint_draft draft = {.group = group, .endpoint = {.place = node->place}};
	struct endpoint_nodes nodes = {0};

	if (!schema_read(reader->diagnostics, node, &endpoint_schema, &nodes))
		return;
	if (nodes.interface && read_interface(reader, nodes.interface, false) &&
	    read_once(reader, &reader->interfaces, nodes.interface->text, nodes.interface->count, "interface",
		      nodes.interface)) {
		draft.endpoint.interface = arena_string(reader->arena, nodes.interface->text, nodes.interface->count);
		reader->out_of_memory |= !draft.endpoint.interface;
	}
	draft.endpoint.ips = read_array(reader, nodes.ips, sizeof(*draft.endpoint.ips));
	read_each(reader, nodes.ips, read_endpoint_ip, &draft);
	if (nodes.mac)
		draft.endpoint.has_mac = read_mac(reader, nodes.mac, draft.endpoint.mac);
	group->group.endpoints[group->group.n_endpoints++] = draft.endpoint;
}

/* ---- match ---- */

struct match_nodes {
	const struct tree_node *interface, *ip;
};

static const struct schema_key match_keys[] = {
	SCHEMA_KEY("interface", OPTIONAL, struct match_nodes, interface),
	SCHEMA_KEY("ip", OPTIONAL, struct match_nodes, ip),
	SCHEMA_NOT_YET("label", NULL),
	SCHEMA_NOT_YET("mac", NULL),
	SCHEMA_NOT_YET("vlan", NULL),
};
static const struct schema match_schema = SCHEMA("a match", match_keys);

static bool read_match_interface(struct reader *reader, const struct tree_node *node, struct model_match *match)
{
	const struct string_index_entry *first;
	char hint[SCHEMA_HINT_BYTES];
	int error;

	if (!read_interface(reader, node, true))
		return false;
	match->interface = arena_string(reader->arena, node->text, node->count);
	if (!match->interface) {
		reader->out_of_memory = true;
		return false;
	}
	error = string_index_add(&reader->globs, match->interface, node->count, 0, node->place, &first);
	reader->out_of_memory |= error == -ENOMEM;
	if (error == -EEXIST) {
		snprintf(hint, sizeof(hint), "the same stands in line %u, and the first one decides",
			 first->place.line);
		diagnostics_lint(reader->diagnostics, EPG_LINT_MATCH_UNREACHABLE, node->place, hint,
				 "the match \"%s\" never decides", node->text);
	}
	return true;
}

static bool read_match_ip(struct reader *reader, const struct tree_node *node, const struct group_draft *group,
			  struct model_match *match)
{
	char hint[SCHEMA_HINT_BYTES];

	if (!read_prefix(reader, node, false, &match->prefix))
		return false;
	if (!is_in_subnets(group, &match->prefix))
		diagnostics_lint(reader->diagnostics, EPG_LINT_MATCH_UNREACHABLE, node->place,
				 list_subnets(group, hint),
				 "%s is in no subnet of bridge domain \"%s\": it never matches", node->text,
				 group->bridge_domain->name);
	return once_in_vrf(reader, &reader->prefixes, &group->group, &match->prefix, node);
}

static void read_match(struct reader *reader, const struct tree_node *node, void *object)
{
	struct group_draft *group = object;
	struct model_match match = {.place = node->place};
	size_t errors = diagnostics_errors(reader->diagnostics);
	struct match_nodes nodes = {0};

	if (!schema_read(reader->diagnostics, node, &match_schema, &nodes))
		return;
	if (nodes.interface && nodes.ip)
		diagnostics_error(reader->diagnostics, node->place, "write two items",
				  "a match is by interface or by ip, not by both");
	else if ((nodes.interface && read_match_interface(reader, nodes.interface, &match)) ||
		 (nodes.ip && read_match_ip(reader, nodes.ip, group, &match)))
		group->group.matches[group->group.n_matches++] = match;
	else if (!nodes.interface && !nodes.ip && errors == diagnostics_errors(reader->diagnostics))
		diagnostics_error(reader->diagnostics, node->place,
				  "such as {interface: \"veth-*\"} or {ip: 10.1.0.64/26}", "a match says nothing");
}

/* ---- both sorts of groups ---- */

static void read_class(struct reader *reader, const struct tree_node *node, struct model_group *group)
{
	uint32_t class_id;

	if (!node || !schema_number(reader->diagnostics, node, "class", EPG_CLASS_FIRST, EPG_CLASS_LAST, &class_id))
		return;
	group->class_id = (uint16_t)class_id;
	read_once(reader, &reader->classes, &group->class_id, sizeof(group->class_id), "class", node);
}

static void add_group(struct reader *reader, const struct group_draft *draft, struct read_binding *binding,
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

static void find_bridge_domain(struct reader *reader, const struct tree_node *node, struct group_draft *draft)
{
	uint32_t index = read_reference(reader, &reader->bridge_domains, "bridge domain", node);

	draft->group.bridge_domain = index;
	draft->group.vrf = MODEL_NONE;
	if (index == MODEL_NONE)
		return;
	draft->bridge_domain = &reader->model->bridge_domains[index];
	draft->group.vrf = draft->bridge_domain->vrf;
}

/* Who is a member of the EPG. */
static void read_members(struct reader *reader, const struct epg_nodes *nodes, struct group_draft *draft)
{
	draft->group.endpoints = read_array(reader, nodes->endpoints, sizeof(*draft->group.endpoints));
	read_each(reader, nodes->endpoints, read_endpoint, draft);
	draft->group.matches = read_array(reader, nodes->match, sizeof(*draft->group.matches));
	read_each(reader, nodes->match, read_match, draft);
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
	struct group_draft draft = {.group = {.place = node->place, .tenant = reader->tenant}};
	struct read_binding binding = {.profile = profile->name};
	struct epg_nodes nodes = {0};

	if (!schema_read(reader->diagnostics, node, &epg_schema, &nodes))
		return;
	draft.group.name = read_full_name(reader, profile->name, nodes.name);
	draft.group.app_profile = profile->index;
	find_bridge_domain(reader, nodes.bridge_domain, &draft);
	read_class(reader, nodes.class_id, &draft.group);
	read_members(reader, &nodes, &draft);
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

	if (read_prefix(reader, node, false, &prefix) && once_in_vrf(reader, &reader->prefixes, group, &prefix, node))
		group->subnets[group->n_subnets++] = prefix;
}

void read_external(struct reader *reader, const struct tree_node *node, void *unused)
{
	struct group_draft draft = {
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
