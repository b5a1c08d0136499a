/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Endpoints by hand: binding an interface to a group, unbinding it, without an apply. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "runtime/attach.h"
#include "runtime/hooks.h"
#include "runtime/membership.h"
#include "runtime/observe.h"
#include "runtime/runtime.h"

static int fail_input(struct epg *epg, const char *where, const char *message)
{
	return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, where, NULL, "%s", message);
}

static int find_group(struct epg *epg, struct instance *instance, const char *name, struct epg_group *ret)
{
	struct epg_group_key key = {0};

	if (!name || !*name)
		return fail_input(epg, NULL, "no group was given");
	if (!observe_generation(instance))
		return context_fail(epg, EPG_FAILURE_NOT_FOUND, -ENOENT, name, "apply one: epgctl apply -f FILE",
				    "no policy has been applied yet, so there are no groups");
	if (instance->fd.groups >= 0 && strlen(name) < sizeof(key.name)) {
		memcpy(key.name, name, strlen(name));
		if (!bpf_map_lookup_elem(instance->fd.groups, &key, ret))
			return 0;
		if (errno != ENOENT)
			return context_fail_kernel(epg, -errno, "groups", "can't read the map");
	}
	return context_fail(epg, EPG_FAILURE_NOT_FOUND, -ENOENT, name,
			    "epgctl group ls shows the groups; a full name is tenant/application-profile/group",
			    "the running policy has no such group");
}

static bool is_unicast(const uint8_t address[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}, zero[16];

	if (!memcmp(address, mapped, sizeof(mapped)))
		return address[12] != 0 && address[12] < 224;
	return address[0] != 0xff && memcmp(address, zero, sizeof(zero));
}

static int parse_addresses(struct epg *epg, const struct epg_endpoint_spec *spec, struct catalog_address **ret)
{
	AUTO_FREE struct catalog_address *addresses = NULL;

	if (spec->n_addresses && !spec->addresses)
		return fail_input(epg, NULL, "n_addresses is set and addresses is not");
	addresses = calloc(spec->n_addresses + 1, sizeof(*addresses));
	if (!addresses)
		return context_fail_kernel(epg, -ENOMEM, NULL, "can't add the endpoint");
	for (size_t i = 0; i < spec->n_addresses; i++) {
		const char *text = spec->addresses[i];

		if (text_parse_address(text ? text : "", addresses[i].address))
			return fail_input(epg, text, "not an IPv4 or IPv6 address");
		if (!is_unicast(addresses[i].address))
			return fail_input(epg, text, "not an address that an endpoint can have");
	}
	*ret = TAKE_PTR(addresses);
	return 0;
}

static int parse_mac(struct epg *epg, const char *text, uint8_t ret[6])
{
	static const uint8_t none[6];
	uint8_t mac[6];

	if (!text)
		return 0;
	if (text_parse_mac(text, mac))
		return fail_input(epg, text, "not a MAC address such as 02:00:0a:01:00:02");
	if (mac[0] & 1 || !memcmp(mac, none, sizeof(none)))
		return fail_input(epg, text, "the MAC address of an endpoint is neither a multicast one nor zero");
	memcpy(ret, mac, sizeof(mac));
	return 0;
}

/* What the name itself says of the endpoint. */
static void fill_port(const struct port *port, bool detour, struct epg_binding *binding)
{
	const uint8_t *mac = port->entry.place.mac;

	if (port_is_inside(&port->entry))
		binding->flags |= EPG_ENDPOINT_INSIDE;
	else if (port_is_behind(&port->entry) && mac_is_zero(mac))
		binding->flags |= EPG_ENDPOINT_MANY;
	else if (port_is_behind(&port->entry))
		memcpy(binding->mac, mac, sizeof(binding->mac));
	if (detour || port->vepa)
		binding->flags |= EPG_ENDPOINT_DETOUR;
}

static int check_spec(struct epg *epg, const struct epg_endpoint_spec *spec, const struct port *port,
		      const struct epg_group *group)
{
	bool external = group->flags & EPG_GROUP_EXTERNAL;

	if (external && (spec->n_addresses || spec->mac))
		return fail_input(epg, spec->group,
				  "an external group makes the interface an uplink, which has no addresses of its own");
	if (external && (port_is_behind(&port->entry) || port_is_inside(&port->entry)))
		return fail_input(epg, spec->group,
				  "an external group takes interfaces of this network namespace, each as a whole");
	if (spec->mac && port_is_behind(&port->entry))
		return fail_input(epg, spec->interface,
				  "the MAC address of those behind an interface is in their name");
	return 0;
}

static int fill_membership(struct epg *epg, struct instance *instance, const struct epg_endpoint_spec *spec,
			   const struct port *port, struct membership *membership)
{
	struct epg_group group;
	int error;

	error = find_group(epg, instance, spec->group, &group);
	if (!error)
		error = check_spec(epg, spec, port, &group);
	if (!error)
		error = parse_mac(epg, spec->mac, membership->binding.mac);
	if (error)
		return error;
	membership->vrf = group.vrf;
	membership->n_addresses = spec->n_addresses;
	membership->binding.class_id = group.class_id;
	membership->ifindex = port->ifindex;
	if (group.flags & EPG_GROUP_EXTERNAL)
		membership_be_uplink(membership);
	if (spec->n_addresses)
		membership->binding.flags |= EPG_ENDPOINT_ADDRESSES_DECLARED;
	fill_port(port, spec->detour, &membership->binding);
	return 0;
}

/* Whose programs decide for the endpoint. */
static struct hooks_order order_of(const struct port *port, const char *name)
{
	bool behind = port_is_behind(&port->entry);

	return (struct hooks_order){
		.id = behind ? port->ifindex : port->id,
		.name = behind ? port->entry.interface : name,
		.netns = port->netns,
		.ifindex = port->ifindex,
	};
}

static int write_member(struct epg *epg, struct instance *instance, struct journal *journal, struct port *port,
			struct membership *membership)
{
	int error = attach_number(epg, instance, journal, port);

	membership->ifindex = port->id;
	if (!error)
		error = membership_write(epg, instance, journal, membership);
	if (!error && port_is_behind(&port->entry))
		error = membership_set_flag(epg, instance, journal, port->ifindex, EPG_ENDPOINT_SHARED, true);
	if (!error && membership->binding.flags & EPG_ENDPOINT_UPLINK)
		error = attach_behind_by_policy(epg, instance, journal, port->ifindex, port->entry.interface);
	return error;
}

/* Written before it is attached: so an interface that comes under enforcement loses no packet of the permitted. */
static int join(struct epg *epg, struct instance *instance, const char *name, struct port *port,
		struct membership *membership)
{
	AUTO_LEFTOVERS struct leftovers leftovers = {0};
	AUTO_JOURNAL struct journal journal = {0};
	struct hooks_order order;
	struct hooks hooks;
	int attached, error;

	error = hooks_find(epg, port_is_behind(&port->entry) ? port->ifindex : port->id, &hooks);
	if (error)
		return error;
	if (hooks.xdp)
		membership->binding.flags |= EPG_ENDPOINT_XDP;
	error = write_member(epg, instance, &journal, port, membership);
	if (error)
		return error;
	order = order_of(port, name);
	order.xdp = hooks.xdp;
	attached = attach_interface(epg, instance, &journal, &order);
	if (attached < 0)
		return attached;
	error = leftovers_find(epg, instance, membership, &leftovers);
	if (!error && !membership->n_addresses)
		error = membership_forget_vanished(epg, instance);
	if (error) {
		if (attached)
			hooks_detach(epg, order.id);
		return error;
	}
	attach_note_parent(epg, instance, port, name);
	journal_keep(&journal);
	leftovers_drop(instance, &leftovers);
	return 0;
}

int epg_endpoint_add(struct epg *epg, const struct epg_endpoint_spec *given)
{
	CONTEXT_CALL(epg);
	AUTO_FREE struct catalog_address *addresses = NULL;
	AUTO_PORT struct port port = PORT_INIT;
	struct membership membership = {0};
	struct epg_endpoint_spec spec;
	struct instance *instance;
	AUTO_CLOSE int lock = -1;
	int error;

	error = context_options(epg, &spec, sizeof(spec), given);
	if (!error)
		error = port_locate(epg, spec.interface, &port);
	if (!error)
		error = parse_addresses(epg, &spec, &addresses);
	if (!error)
		error = instance_begin_change(epg, false, &lock, &instance);
	if (!error)
		error = fill_membership(epg, instance, &spec, &port, &membership);
	if (!error)
		error = port_identify(epg, instance, &port);
	if (error)
		return error;
	membership.addresses = addresses;
	return join(epg, instance, spec.interface, &port, &membership);
}

int epg_endpoint_remove(struct epg *epg, const char *interface)
{
	CONTEXT_CALL(epg);
	struct instance *instance;
	AUTO_CLOSE int lock = -1;
	uint32_t id;
	int error;

	error = instance_begin_change(epg, false, &lock, &instance);
	if (!error)
		error = port_find_vanished(epg, instance, interface, &id);
	if (error)
		return error;
	error = membership_remove(epg, instance, id);
	if (error == -ENOENT)
		return context_fail(epg, EPG_FAILURE_NOT_FOUND, -ENOENT, interface, "epgctl endpoint ls shows them",
				    "there is no such endpoint");
	return error;
}
