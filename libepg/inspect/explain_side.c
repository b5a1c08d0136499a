/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "inspect/explain_side.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "runtime/hooks.h"
#include "runtime/observe.h"
#include "inspect/packet.h"
#include "runtime/walk.h"

#define VRF_UNKNOWN 0

/* What the look-ups of one question share. */
struct search {
	struct epg *epg;
	struct instance *instance;
	const struct generation *generation;
	enum family family;
	uint32_t vrf; /* id; VRF_UNKNOWN until one side tells */
};

static enum family family_of(const uint8_t address[16])
{
	return packet_address_is_ipv4(address) ? FAMILY_IPV4 : FAMILY_IPV6;
}

/* ---- VRFs ---- */

static int vrf_by_name(struct search *search, const char *name)
{
	const struct catalog *catalog = &search->generation->catalog;

	for (size_t i = 0; i < catalog->n_vrfs; i++) {
		if (strcmp(catalog_string(catalog, catalog->vrfs[i].name), name) == 0) {
			search->vrf = catalog->vrfs[i].id;
			return 0;
		}
	}
	return context_fail(search->epg, EPG_FAILURE_NOT_FOUND, -ENOENT, name, "write it as tenant/vrf",
			    "the running policy has no such VRF");
}

static uint32_t vrf_of_class(const struct search *search, uint16_t class_id)
{
	const struct catalog *catalog = &search->generation->catalog;
	const struct catalog_group *group = catalog_group_by_class(catalog, class_id);

	return group ? catalog->vrfs[group->vrf].id : VRF_UNKNOWN;
}

/* ---- endpoints ---- */

/* Takes the binding of a side's interface. Returns 0, or -ENOENT without a failure: the interface is none. */
static int take_binding(const struct search *search, struct explain_side *side)
{
	struct epg_endpoint_key key = {.ifindex = side->ifindex};
	struct epg_endpoint endpoint;

	if (bpf_map_lookup_elem(search->instance->fd.endpoints, &key, &endpoint))
		return -errno;
	side->binding = *observe_binding(&endpoint, search->generation->number);
	return side->binding.class_id == EPG_CLASS_NONE ? -ENOENT : 0;
}

/* An interface without endpoint can be asked about where it is attached: as a source, it is quarantined. */
static int take_quarantined(const struct search *search, struct explain_side *side)
{
	struct hooks hooks;
	int error = hooks_find(search->epg, side->hook, &hooks);

	if (error)
		return error;
	side->quarantined = hooks_complete(&hooks);
	if (side->quarantined)
		return 0;
	return context_fail(search->epg, EPG_FAILURE_NOT_FOUND, -ENOENT, side->text,
			    "bind it to a group: in the policy, or with epgctl endpoint add",
			    "the interface is neither attached nor an endpoint: nothing is decided there");
}

void explain_side_take_place(struct instance *instance, struct explain_side *side)
{
	struct epg_port_name entry;

	side->hook = port_hooks_id(instance, side->ifindex);
	if (side->ifindex & EPG_PORT && port_read(instance, side->ifindex, &entry))
		side->vlan = entry.place.vlan;
}

/* A name that is neither that of a port nor of an interface may be meant for an address. */
static int fail_interface(const struct search *search, const struct explain_side *side, int error)
{
	if (strpbrk(side->text, "/@"))
		return error;
	return context_fail(search->epg, EPG_FAILURE_NOT_FOUND, -ENOENT, side->text,
			    "give an endpoint's interface in this network namespace, or an address",
			    "no such interface, and not an address");
}

static int find_id(const struct search *search, struct explain_side *side)
{
	AUTO_PORT struct port port = PORT_INIT;
	int error = port_locate(search->epg, side->text, &port);

	if (error)
		return fail_interface(search, side, error);
	error = port_identify(search->epg, search->instance, &port);
	if (error)
		return error;
	side->ifindex = port.id;
	if (side->ifindex)
		return 0;
	return context_fail(search->epg, EPG_FAILURE_NOT_FOUND, -ENOENT, side->text,
			    "bind it to a group: in the policy, or with epgctl endpoint add",
			    "nobody there is an endpoint");
}

static int find_interface(struct search *search, struct explain_side *side)
{
	int error = find_id(search, side);

	if (error)
		return error;
	explain_side_take_place(search->instance, side);
	snprintf(side->interface, sizeof(side->interface), "%.*s", PORT_NAME_MAX - 1, side->text);
	error = take_binding(search, side);
	if (error == -ENOENT)
		return take_quarantined(search, side);
	if (error)
		return context_fail_kernel(search->epg, error, "endpoints", "can't read the map");
	if (side->binding.flags & EPG_ENDPOINT_UPLINK)
		return context_fail(search->epg, EPG_FAILURE_INPUT, -EINVAL, side->text,
				    "give the address that you mean",
				    "the interface leads outside: many addresses are behind it");
	if (search->vrf == VRF_UNKNOWN)
		search->vrf = vrf_of_class(search, side->binding.class_id);
	return 0;
}

/* ---- owners of addresses ---- */

/* The interface that owns an address in a VRF; 0: nobody. */
static int owner_in(const struct search *search, uint32_t vrf, const uint8_t address[16], uint32_t *ret)
{
	struct epg_address_key key = {.vrf = vrf};
	struct epg_address entry;

	memcpy(key.address, address, sizeof(key.address));
	if (!bpf_map_lookup_elem(search->instance->fd.addresses, &key, &entry))
		*ret = observe_owner(&entry, search->generation->number)->ifindex;
	else if (errno == ENOENT)
		*ret = 0;
	else
		return context_fail_kernel(search->epg, -errno, "addresses", "can't read the map");
	return 0;
}

/* Looks in all VRFs; more than one owner is a question that has no answer. */
static int owner_anywhere(struct search *search, struct explain_side *side)
{
	const struct catalog *catalog = &search->generation->catalog;

	for (size_t i = 0; i < catalog->n_vrfs; i++) {
		uint32_t owner = 0;
		int error = owner_in(search, catalog->vrfs[i].id, side->address, &owner);

		if (error)
			return error;
		if (owner && side->ifindex)
			return context_fail(search->epg, EPG_FAILURE_INPUT, -EINVAL, side->text, "name the VRF",
					    "endpoints of several VRFs own the address");
		if (owner) {
			side->ifindex = owner;
			search->vrf = catalog->vrfs[i].id;
		}
	}
	return 0;
}

static int find_owner(struct search *search, struct explain_side *side)
{
	int error;

	if (search->vrf == VRF_UNKNOWN)
		error = owner_anywhere(search, side);
	else
		error = owner_in(search, search->vrf, side->address, &side->ifindex);
	if (error || !side->ifindex)
		return error;
	if (!*port_name(search->epg, search->instance, side->ifindex, side->interface))
		return context_fail(search->epg, EPG_FAILURE_NOT_FOUND, -ENOENT, side->text,
				    "take it away: epgctl endpoint rm if<index>, or port<number>",
				    "the interface of the endpoint that owns the address (%s %u) has vanished",
				    side->ifindex & EPG_PORT ? "port" : "index", side->ifindex & ~EPG_PORT);
	explain_side_take_place(search->instance, side);
	error = take_binding(search, side);
	if (error == -ENOENT)
		return context_fail(search->epg, EPG_FAILURE_NOT_FOUND, -ENOENT, side->interface,
				    "bind it to a group: in the policy, or with epgctl endpoint add",
				    "the address belongs to an interface that is no endpoint any more");
	return error ? context_fail_kernel(search->epg, error, "endpoints", "can't read the map") : 0;
}

/* ---- addresses of endpoints ---- */

/* The lowest address of each family: link-local ones are above all others that an endpoint has. */
struct own_addresses {
	const struct search *search;
	uint32_t ifindex;
	uint32_t vrf; /* the endpoint's own: both sides may be in different ones */
	bool has_ipv4, has_ipv6;
	uint8_t ipv4[16], ipv6[16];
};

static int take_own_address(void *user, const void *key, const void *value)
{
	struct own_addresses *own = user;
	const struct epg_address_key *address = key;
	const struct epg_owner *owner = observe_owner(value, own->search->generation->number);

	if (owner->ifindex != own->ifindex || address->vrf != own->vrf)
		return 0;
	if (packet_address_is_ipv4(address->address)) {
		if (!own->has_ipv4 || memcmp(address->address, own->ipv4, sizeof(own->ipv4)) < 0)
			memcpy(own->ipv4, address->address, sizeof(own->ipv4));
		own->has_ipv4 = true;
	} else {
		if (!own->has_ipv6 || memcmp(address->address, own->ipv6, sizeof(own->ipv6)) < 0)
			memcpy(own->ipv6, address->address, sizeof(own->ipv6));
		own->has_ipv6 = true;
	}
	return 0;
}

static int read_own_addresses(const struct search *search, const struct explain_side *side, struct own_addresses *ret)
{
	int error;

	*ret = (struct own_addresses){
		.search = search,
		.ifindex = side->ifindex,
		.vrf = vrf_of_class(search, side->binding.class_id),
	};
	error = walk_map(search->instance->fd.addresses, take_own_address, ret);
	return error ? context_fail_kernel(search->epg, error, "addresses", "can't read the map") : 0;
}

static int give_address(const struct search *search, const struct own_addresses *own, struct explain_side *side)
{
	bool ipv4 = search->family == FAMILY_IPV4;

	if (side->has_address)
		return 0;
	if (side->quarantined) {
		text_parse_address(ipv4 ? "0.0.0.0" : "::", side->address);
		return 0;
	}
	if (ipv4 ? !own->has_ipv4 : !own->has_ipv6)
		return context_fail(search->epg, EPG_FAILURE_NOT_FOUND, -ENOENT, side->text,
				    "declare its addresses in the policy, or let it send something first",
				    "the endpoint has no %s address that is known yet", ipv4 ? "IPv4" : "IPv6");
	memcpy(side->address, ipv4 ? own->ipv4 : own->ipv6, sizeof(side->address));
	side->has_address = true;
	return 0;
}

/* The one that both have; else one that either has, so that the failure speaks of the other. */
static enum family choose_family(const struct own_addresses *source, const struct own_addresses *destination)
{
	if (source->has_ipv4 && destination->has_ipv4)
		return FAMILY_IPV4;
	if (source->has_ipv6 && destination->has_ipv6)
		return FAMILY_IPV6;
	return source->has_ipv4 || destination->has_ipv4 ? FAMILY_IPV4 : FAMILY_IPV6;
}

/* Chooses the family, where the question leaves it open, and gives each interface an address of it. */
static int give_addresses(struct search *search, struct explain_sides *sides)
{
	struct own_addresses source = {0}, destination = {0};
	int error = 0;

	if (search->family == FAMILY_NONE)
		return 0;
	if (!sides->source.has_address)
		error = read_own_addresses(search, &sides->source, &source);
	if (!error && !sides->destination.has_address)
		error = read_own_addresses(search, &sides->destination, &destination);
	if (error)
		return error;
	if (search->family == FAMILY_ANY)
		search->family = choose_family(&source, &destination);
	error = give_address(search, &source, &sides->source);
	return error ? error : give_address(search, &destination, &sides->destination);
}

/* ---- both sides ---- */

/* An address fixes the family; two that differ, or a protocol of the other family, contradict each other. */
static int take_family(struct search *search, const struct explain_side *side)
{
	if (!side->has_address || search->family == FAMILY_NONE)
		return 0;
	if (search->family == FAMILY_ANY)
		search->family = family_of(side->address);
	if (search->family == family_of(side->address))
		return 0;
	return context_fail(search->epg, EPG_FAILURE_INPUT, -EINVAL, side->text,
			    "icmp goes with IPv4 addresses, icmpv6 with IPv6 ones",
			    "the address is of another family than the rest of the question");
}

/* Interfaces come first: they tell the VRF in which addresses are looked up. */
static int find_sides(struct search *search, struct explain_sides *sides)
{
	struct explain_side *both[] = {&sides->source, &sides->destination};
	int error = 0;

	for (size_t i = 0; !error && i < ARRAY_SIZE(both); i++) {
		both[i]->has_address = text_parse_address(both[i]->text, both[i]->address) == 0;
		error = both[i]->has_address ? take_family(search, both[i]) : find_interface(search, both[i]);
	}
	for (size_t i = 0; !error && i < ARRAY_SIZE(both); i++)
		if (both[i]->has_address)
			error = find_owner(search, both[i]);
	if (error)
		return error;
	if (!sides->source.ifindex && !sides->destination.ifindex)
		return context_fail(search->epg, EPG_FAILURE_NOT_FOUND, -ENOENT, NULL,
				    "epgctl endpoint ls tells which endpoints there are",
				    "neither %s nor %s is an endpoint of this host", sides->source.text,
				    sides->destination.text);
	return give_addresses(search, sides);
}

int explain_sides_find(struct epg *epg, struct instance *instance, const struct generation *generation,
		       const struct epg_question *question, enum family family, struct explain_sides *ret)
{
	struct search search = {epg, instance, generation, family, VRF_UNKNOWN};
	struct explain_sides sides = {.source = {.text = question->source},
				      .destination = {.text = question->destination}};
	int error;

	if (!question->source || !question->destination)
		return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, NULL, NULL,
				    "the question has no source, or no destination");
	error = question->vrf ? vrf_by_name(&search, question->vrf) : 0;
	if (!error)
		error = find_sides(&search, &sides);
	if (error)
		return error;
	*ret = sides;
	return 0;
}
