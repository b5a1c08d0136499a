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
	if (strlen(name) < sizeof(key.name)) {
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

static int fill_membership(struct epg *epg, struct instance *instance, const struct epg_endpoint_spec *spec,
			   struct membership *membership)
{
	struct epg_group group;
	int error;

	error = find_group(epg, instance, spec->group, &group);
	if (!error)
		error = parse_mac(epg, spec->mac, membership->binding.mac);
	if (error)
		return error;
	if (group.flags & EPG_GROUP_EXTERNAL && (spec->n_addresses || spec->mac))
		return fail_input(epg, spec->group,
				  "an external group makes the interface an uplink, which has no addresses of its own");
	membership->vrf = group.vrf;
	membership->n_addresses = spec->n_addresses;
	membership->binding.class_id = group.class_id;
	if (group.flags & EPG_GROUP_EXTERNAL)
		membership->binding.flags |= EPG_ENDPOINT_UPLINK;
	if (spec->n_addresses)
		membership->binding.flags |= EPG_ENDPOINT_ADDRESSES_DECLARED;
	return 0;
}

/* Written before it is attached: so an interface that comes under enforcement loses no packet of the permitted. */
static int join(struct epg *epg, struct instance *instance, const char *interface, struct membership *membership)
{
	AUTO_LEFTOVERS struct leftovers leftovers = {0};
	AUTO_JOURNAL struct journal journal = {0};
	struct hooks hooks;
	int attached, error;

	error = hooks_find(epg, membership->ifindex, &hooks);
	if (error)
		return error;
	if (hooks.xdp)
		membership->binding.flags |= EPG_ENDPOINT_XDP;
	error = membership_write(epg, instance, &journal, membership);
	if (error)
		return error;
	attached = attach_interface(epg, instance, &journal, membership->ifindex, interface, hooks.xdp);
	if (attached < 0)
		return attached;
	error = leftovers_find(epg, instance, membership, &leftovers);
	if (error) {
		if (attached)
			hooks_detach(epg, membership->ifindex);
		return error;
	}
	journal_keep(&journal);
	leftovers_drop(instance, &leftovers);
	return 0;
}

int epg_endpoint_add(struct epg *epg, const struct epg_endpoint_spec *given)
{
	CONTEXT_CALL(epg);
	AUTO_FREE struct catalog_address *addresses = NULL;
	struct membership membership = {0};
	struct epg_endpoint_spec spec;
	struct instance *instance;
	AUTO_CLOSE int lock = -1;
	int error;

	error = context_options(epg, &spec, sizeof(spec), given);
	if (!error)
		error = attach_find_interface(epg, spec.interface, &membership.ifindex);
	if (!error)
		error = parse_addresses(epg, &spec, &addresses);
	if (!error)
		error = instance_begin_change(epg, false, &lock, &instance);
	if (!error)
		error = fill_membership(epg, instance, &spec, &membership);
	if (error)
		return error;
	membership.addresses = addresses;
	return join(epg, instance, spec.interface, &membership);
}

int epg_endpoint_remove(struct epg *epg, const char *interface)
{
	CONTEXT_CALL(epg);
	struct instance *instance;
	AUTO_CLOSE int lock = -1;
	uint32_t ifindex;
	int error;

	error = attach_find_vanished(epg, interface, &ifindex);
	if (!error)
		error = instance_begin_change(epg, false, &lock, &instance);
	if (error)
		return error;
	error = membership_remove(epg, instance, ifindex);
	if (error == -ENOENT)
		return context_fail(epg, EPG_FAILURE_NOT_FOUND, -ENOENT, interface, "epgctl endpoint ls shows them",
				    "there is no such endpoint");
	return error;
}
