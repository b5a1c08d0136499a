/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Who is a member of an EPG: endpoints known beforehand, and what others are known by. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/util.h"
#include "policy/read.h"

#define VLAN_FIRST 1
#define VLAN_LAST 4094

/* ---- addresses ---- */

/* What may stand once in a VRF; compared as bytes. */
struct vrf_key {
	uint32_t vrf;
	uint8_t address[16];
	uint8_t length;
	uint8_t ipv4;
	uint8_t reserved[2];
};

bool read_once_in_vrf(struct reader *reader, struct string_index *index, const struct model_group *group,
		      const struct model_prefix *prefix, const struct tree_node *node)
{
	struct vrf_key key = {.vrf = group->vrf, .length = prefix->length, .ipv4 = prefix->ipv4};

	if (group->vrf == MODEL_NONE)
		return true;
	memcpy(key.address, prefix->address, sizeof(key.address));
	return read_once(reader, index, &key, sizeof(key), prefix->length == 128 ? "address" : "prefix", node);
}

/* Some subnet of the bridge domain holds all of the prefix, or nothing is known of its subnets. */
static bool is_in_subnets(const struct read_group *draft, const struct model_prefix *prefix)
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
static const char *list_subnets(const struct read_group *draft, char hint[SCHEMA_HINT_BYTES])
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

/* ---- declared addresses ---- */

struct declared {
	const struct read_group *group;
	struct model_prefix *ips;
	size_t n_ips;
};

static void read_declared_ip(struct reader *reader, const struct tree_node *node, void *object)
{
	struct declared *declared = object;
	const struct read_group *group = declared->group;
	char hint[SCHEMA_HINT_BYTES];
	struct model_prefix address;

	if (!read_address(reader, node, &address))
		return;
	if (!is_in_subnets(group, &address)) {
		diagnostics_error(reader->diagnostics, node->place, list_subnets(group, hint),
				  "%s is in no subnet of bridge domain \"%s\"", node->text, group->bridge_domain->name);
		return;
	}
	if (read_once_in_vrf(reader, &reader->addresses, &group->group, &address, node))
		declared->ips[declared->n_ips++] = address;
}

/* The addresses of an endpoint; `list` may be NULL. */
static struct model_prefix *read_declared(struct reader *reader, const struct tree_node *list,
					  const struct read_group *group, size_t *ret_count)
{
	struct declared declared = {.group = group, .ips = read_array(reader, list, sizeof(*declared.ips))};

	read_each(reader, list, read_declared_ip, &declared);
	*ret_count = declared.n_ips;
	return declared.ips;
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

static void read_endpoint(struct reader *reader, const struct tree_node *node, void *object)
{
	struct read_group *group = object;
	struct model_endpoint endpoint = {.place = node->place};
	struct endpoint_nodes nodes = {0};

	if (!schema_read(reader->diagnostics, node, &endpoint_schema, &nodes))
		return;
	if (nodes.interface && read_interface(reader, nodes.interface, false) &&
	    read_once(reader, &reader->interfaces, nodes.interface->text, nodes.interface->count, "interface",
		      nodes.interface)) {
		endpoint.interface = arena_string(reader->arena, nodes.interface->text, nodes.interface->count);
		reader->out_of_memory |= !endpoint.interface;
	}
	endpoint.ips = read_declared(reader, nodes.ips, group, &endpoint.n_ips);
	if (nodes.mac)
		endpoint.has_mac = read_mac(reader, nodes.mac, endpoint.mac);
	group->group.endpoints[group->group.n_endpoints++] = endpoint;
}

void read_endpoints(struct reader *reader, const struct tree_node *list, struct read_group *group)
{
	group->group.endpoints = read_array(reader, list, sizeof(*group->group.endpoints));
	read_each(reader, list, read_endpoint, group);
}

/* ---- match ---- */

struct match_nodes {
	const struct tree_node *interface, *vlan, *mac, *ips, *ip;
};

static const struct schema_key match_keys[] = {
	SCHEMA_KEY("interface", OPTIONAL, struct match_nodes, interface),
	SCHEMA_KEY("ip", OPTIONAL, struct match_nodes, ip),
	SCHEMA_KEY("vlan", OPTIONAL, struct match_nodes, vlan),
	SCHEMA_KEY("mac", OPTIONAL, struct match_nodes, mac),
	SCHEMA_KEY("ips", OPTIONAL, struct match_nodes, ips),
	SCHEMA_NOT_YET("label"),
};
static const struct schema match_schema = SCHEMA("a match", match_keys);

/* The first of several that match the same interfaces decides. */
static void once_as_glob(struct reader *reader, const struct tree_node *node)
{
	const struct string_index_entry *first;
	char hint[SCHEMA_HINT_BYTES];
	const char *copy = arena_string(reader->arena, node->text, node->count);
	int error = copy ? string_index_add(&reader->globs, copy, node->count, 0, node->place, &first) : -ENOMEM;

	reader->out_of_memory |= error == -ENOMEM;
	if (error != -EEXIST)
		return;
	snprintf(hint, sizeof(hint), "the same stands in line %u, and the first one decides", first->place.line);
	diagnostics_lint(reader->diagnostics, EPG_LINT_MATCH_UNREACHABLE, node->place, hint,
			 "the match \"%s\" never decides", node->text);
}

static bool read_match_ip(struct reader *reader, const struct tree_node *node, const struct read_group *group,
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
	return read_once_in_vrf(reader, &reader->prefixes, &group->group, &match->prefix, node);
}

/* ---- stations behind an interface ---- */

/* What one group only may claim; compared as bytes. */
struct station_key {
	char interface[IF_NAMESIZE]; /* as it is written; "": behind any uplink of the VRF */
	uint32_t vrf;
	uint16_t vlan;
	uint8_t mac[6];
};

void model_match_station(const struct model_match *match, char text[MODEL_STATION_MAX])
{
	int length = snprintf(text, MODEL_STATION_MAX, "%s", match->interface ? match->interface : "");

	if (match->vlan)
		length += snprintf(text + length, MODEL_STATION_MAX - (size_t)length, "/%u", match->vlan);
	if (match->has_mac)
		snprintf(text + length, MODEL_STATION_MAX - (size_t)length, "%s%02x:%02x:%02x:%02x:%02x:%02x",
			 match->interface ? "/" : "", match->mac[0], match->mac[1], match->mac[2], match->mac[3],
			 match->mac[4], match->mac[5]);
}

/* Interfaces are the host's, whatever VRF the group is in. */
static void once_as_station(struct reader *reader, const struct model_group *group, const struct model_match *match)
{
	struct station_key key = {.vlan = match->vlan};
	const struct string_index_entry *first;
	char hint[SCHEMA_HINT_BYTES], station[MODEL_STATION_MAX];
	const char *copy;
	int error;

	if (!match->interface && group->vrf == MODEL_NONE)
		return;
	if (match->interface)
		snprintf(key.interface, sizeof(key.interface), "%s", match->interface);
	else
		key.vrf = group->vrf;
	if (match->has_mac)
		memcpy(key.mac, match->mac, sizeof(key.mac));
	copy = arena_string(reader->arena, (const char *)&key, sizeof(key));
	error = copy ? string_index_add(&reader->stations, copy, sizeof(key), 0, match->place, &first) : -ENOMEM;
	reader->out_of_memory |= error == -ENOMEM;
	if (error != -EEXIST)
		return;
	model_match_station(match, station);
	snprintf(hint, sizeof(hint), "it is given first in line %u", first->place.line);
	diagnostics_error(reader->diagnostics, match->place, hint, "the station %s is given twice", station);
}

/* Keys that mean nothing without others, or beside them. */
static bool check_match_keys(struct reader *reader, const struct tree_node *node, const struct match_nodes *nodes)
{
	if (nodes->ip && (nodes->interface || nodes->vlan || nodes->mac || nodes->ips)) {
		diagnostics_error(reader->diagnostics, node->place,
				  nodes->vlan || nodes->mac ? "the addresses of a station are its \"ips\""
							    : "write two items",
				  "a match is by ip or by what sends, not by both");
		return false;
	}
	if (nodes->vlan && !nodes->interface) {
		diagnostics_error(reader->diagnostics, nodes->vlan->place, "such as {interface: eth1, vlan: 120}",
				  "a VLAN is one of an interface, and none is given");
		return false;
	}
	if (nodes->ips && !nodes->vlan && !nodes->mac) {
		diagnostics_error(reader->diagnostics, nodes->ips->place,
				  nodes->interface ? "an interface with known addresses belongs below \"endpoints\""
						   : "such as {mac: \"02:00:0a:01:00:02\", ips: [10.1.0.2]}",
				  "the addresses of a station need its VLAN or its MAC address");
		return false;
	}
	return true;
}

static bool read_match_station(struct reader *reader, const struct match_nodes *nodes, const struct read_group *group,
			       struct model_match *match)
{
	uint32_t vlan = 0;

	if (nodes->interface) {
		if (!read_interface(reader, nodes->interface, true))
			return false;
		match->interface = arena_string(reader->arena, nodes->interface->text, nodes->interface->count);
		reader->out_of_memory |= !match->interface;
	}
	if (nodes->vlan && !schema_number(reader->diagnostics, nodes->vlan, "VLAN", VLAN_FIRST, VLAN_LAST, &vlan))
		return false;
	match->vlan = (uint16_t)vlan;
	match->has_mac = nodes->mac && read_mac(reader, nodes->mac, match->mac);
	if (nodes->mac && !match->has_mac)
		return false;
	match->ips = read_declared(reader, nodes->ips, group, &match->n_ips);
	if (nodes->vlan || nodes->mac)
		once_as_station(reader, &group->group, match);
	else
		once_as_glob(reader, nodes->interface);
	return true;
}

static void read_match(struct reader *reader, const struct tree_node *node, void *object)
{
	struct read_group *group = object;
	struct model_match match = {.place = node->place};
	size_t errors = diagnostics_errors(reader->diagnostics);
	struct match_nodes nodes = {0};

	if (!schema_read(reader->diagnostics, node, &match_schema, &nodes) || !check_match_keys(reader, node, &nodes))
		return;
	if (nodes.ip ? read_match_ip(reader, nodes.ip, group, &match)
		     : (nodes.interface || nodes.mac) && read_match_station(reader, &nodes, group, &match))
		group->group.matches[group->group.n_matches++] = match;
	else if (errors == diagnostics_errors(reader->diagnostics))
		diagnostics_error(reader->diagnostics, node->place,
				  "such as {interface: \"veth-*\"} or {ip: 10.1.0.64/26}", "a match says nothing");
}

void read_matches(struct reader *reader, const struct tree_node *list, struct read_group *group)
{
	group->group.matches = read_array(reader, list, sizeof(*group->group.matches));
	read_each(reader, list, read_match, group);
}
