/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/membership.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>

#include <bpf/bpf.h>

#include "runtime/hooks.h"
#include "runtime/observe.h"
#include "runtime/port.h"
#include "runtime/walk.h"

static bool is_hardware(int fd, const char *interface)
{
	struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq request = {.ifr_data = (void *)&driver};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	return !ioctl(fd, SIOCETHTOOL, &request) && *driver.bus_info;
}

/*
 * An uplink's own MAC address tells the host's frames from those of devices stacked on it. What can't be found out is
 * left out: then less is told apart.
 */
void membership_be_uplink(struct membership *membership)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {0};

	membership->binding.flags |= EPG_ENDPOINT_UPLINK;
	if (fd < 0 || !if_indextoname(membership->ifindex, request.ifr_name))
		return;
	if (is_hardware(fd, request.ifr_name))
		membership->binding.flags |= EPG_ENDPOINT_DEVICE;
	if (!ioctl(fd, SIOCGIFHWADDR, &request))
		memcpy(membership->binding.mac, request.ifr_hwaddr.sa_data, sizeof(membership->binding.mac));
}

struct membership membership_of_policy(const struct catalog *catalog, const struct catalog_binding *binding,
				       uint32_t ifindex)
{
	const struct catalog_group *group = &catalog->groups[binding->group];
	struct membership membership = {
		.ifindex = ifindex,
		.binding = {.class_id = (uint16_t)group->class_id, .flags = EPG_ENDPOINT_FROM_POLICY},
		.vrf = catalog->vrfs[group->vrf].id,
		.address_flags = EPG_ADDRESS_FROM_POLICY,
		.addresses = catalog->addresses + binding->first_address,
		.n_addresses = binding->n_addresses,
	};

	memcpy(membership.binding.mac, binding->mac, sizeof(membership.binding.mac));
	if (group->external)
		membership_be_uplink(&membership);
	if (binding->n_addresses)
		membership.binding.flags |= EPG_ENDPOINT_ADDRESSES_DECLARED;
	if (binding->behind != CATALOG_ALONE && mac_is_zero(binding->mac))
		membership.binding.flags |= EPG_ENDPOINT_MANY;
	return membership;
}

/* ---- failures ---- */

int membership_fail_write(struct epg *epg, int error, int map, const char *name)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);
	char hint[EPG_ERROR_TEXT];

	if (error != -E2BIG && error != -ENOSPC)
		return context_fail_kernel(epg, error, name, "can't write the map");
	bpf_obj_get_info_by_fd(map, &info, &size);
	snprintf(hint, sizeof(hint), "enlarge it: epgctl unload, then epgctl load --endpoints N, then apply again");
	return context_fail(epg, EPG_FAILURE_KERNEL, -ENOSPC, name, hint, "the map %s is full: it has room for %u",
			    name, info.max_entries);
}

int membership_fail_owned(struct epg *epg, const struct epg_address_key *key, uint32_t owner, const char *wanted)
{
	char address[TEXT_ADDRESS_MAX], name[PORT_NAME_MAX];

	text_address(key->address, address);
	return context_fail(epg, EPG_FAILURE_INPUT, -EEXIST, wanted, "epgctl endpoint ls shows the owners",
			    "the address %s is owned by the endpoint %s (%s %u)", address,
			    port_name(epg, epg->instance, owner, name), owner & EPG_PORT ? "port" : "interface",
			    owner & ~EPG_PORT);
}

/* ---- binding ---- */

static struct epg_address_key address_key(const struct membership *membership, size_t i)
{
	struct epg_address_key key = {.vrf = membership->vrf};

	memcpy(key.address, membership->addresses[i].address, sizeof(key.address));
	return key;
}

/* The endpoint that owns an address now; an interface that has vanished owns nothing. */
static uint32_t living_owner(struct epg *epg, struct instance *instance, const struct epg_address_key *key)
{
	struct epg_address entry;
	uint32_t owner;

	if (bpf_map_lookup_elem(instance->fd.addresses, key, &entry))
		return 0;
	owner = observe_owner(&entry, observe_generation(instance))->ifindex;
	return owner && port_lives(epg, instance, owner) ? owner : 0;
}

static int write_address(struct epg *epg, struct instance *instance, struct journal *journal,
			 const struct membership *membership, size_t i)
{
	struct epg_address entry = {.now = {.ifindex = membership->ifindex, .flags = membership->address_flags}};
	struct epg_address_key key = address_key(membership, i);
	uint32_t owner = living_owner(epg, instance, &key);
	char name[PORT_NAME_MAX];
	int error;

	if (owner && owner != membership->ifindex)
		return membership_fail_owned(epg, &key, owner, port_name(epg, instance, membership->ifindex, name));
	error = journal_write(journal, instance->fd.addresses, &key, &entry);
	return error ? membership_fail_write(epg, error, instance->fd.addresses, "addresses") : 0;
}

/* Counters go on; what the endpoint counts between both system calls is lost. */
static int write_binding(struct epg *epg, struct instance *instance, struct journal *journal, uint32_t ifindex,
			 const struct epg_binding *binding)
{
	struct epg_endpoint_key key = {.ifindex = ifindex};
	struct epg_endpoint entry = {0};
	int error;

	(void)bpf_map_lookup_elem(instance->fd.endpoints, &key, &entry);
	entry = (struct epg_endpoint){.now = *binding,
				      .packets = entry.packets,
				      .bytes = entry.bytes,
				      .mtu = entry.mtu};
	error = journal_write(journal, instance->fd.endpoints, &key, &entry);
	return error ? membership_fail_write(epg, error, instance->fd.endpoints, "endpoints") : 0;
}

int membership_write(struct epg *epg, struct instance *instance, struct journal *journal,
		     const struct membership *membership)
{
	struct epg_binding binding = membership->binding, before;

	for (size_t i = 0; i < membership->n_addresses; i++) {
		int error = write_address(epg, instance, journal, membership, i);

		if (error)
			return error;
	}
	if (membership_look(instance, membership->ifindex, &before))
		binding.flags |= before.flags & MEMBERSHIP_FACTS;
	return write_binding(epg, instance, journal, membership->ifindex, &binding);
}

bool membership_look(struct instance *instance, uint32_t ifindex, struct epg_binding *ret)
{
	struct epg_endpoint_key key = {.ifindex = ifindex};
	const struct epg_binding *binding;
	struct epg_endpoint entry;

	if (bpf_map_lookup_elem(instance->fd.endpoints, &key, &entry))
		return false;
	binding = observe_binding(&entry, observe_generation(instance));
	if (membership_is_empty(binding))
		return false;
	*ret = *binding;
	return true;
}

bool membership_find(struct instance *instance, uint32_t ifindex, struct epg_binding *ret)
{
	struct epg_binding binding;

	if (!membership_look(instance, ifindex, &binding) || binding.class_id == EPG_CLASS_NONE)
		return false;
	*ret = binding;
	return true;
}

static struct epg_binding nobody_with_facts(struct instance *instance, uint32_t ifindex)
{
	struct epg_port_name entry;
	bool inside = port_read(instance, ifindex, &entry) && port_is_inside(&entry);

	return (struct epg_binding){.flags = inside ? EPG_ENDPOINT_INSIDE : 0};
}

int membership_set_flag(struct epg *epg, struct instance *instance, struct journal *journal, uint32_t ifindex,
			uint16_t flag, bool on)
{
	struct epg_endpoint_key key = {.ifindex = ifindex};
	struct epg_binding binding;
	uint16_t before;
	int error;

	if (!membership_look(instance, ifindex, &binding)) {
		if (!on || !(flag & MEMBERSHIP_FACTS))
			return 0;
		binding = nobody_with_facts(instance, ifindex);
	}
	before = binding.flags;
	binding.flags = (uint16_t)(on ? before | flag : before & ~flag);
	if (binding.flags == before)
		return 0;
	if (!membership_is_empty(&binding))
		return write_binding(epg, instance, journal, ifindex, &binding);
	error = journal_delete(journal, instance->fd.endpoints, &key);
	return error ? context_fail_kernel(epg, error, "endpoints", "can't write the map") : 0;
}

struct behind {
	struct epg *epg;
	struct instance *instance;
	struct journal *journal;
	uint32_t ifindex;
	bool xdp;
	int error;
};

static int set_xdp_behind(void *user, uint32_t id, const struct epg_port_name *entry)
{
	struct behind *behind = user;

	if (port_is_behind(entry) && entry->place.ifindex == behind->ifindex)
		behind->error = membership_set_flag(behind->epg, behind->instance, behind->journal, id,
						    EPG_ENDPOINT_XDP, behind->xdp);
	return behind->error ? 1 : 0;
}

int membership_set_xdp(struct epg *epg, struct instance *instance, struct journal *journal, uint32_t ifindex, bool xdp)
{
	struct behind behind = {epg, instance, journal, ifindex, xdp, 0};
	struct epg_binding binding;
	int error;

	if (!membership_look(instance, ifindex, &binding))
		return 0;
	error = membership_set_flag(epg, instance, journal, ifindex, EPG_ENDPOINT_XDP, xdp);
	if (error || !(binding.flags & EPG_ENDPOINT_SHARED))
		return error;
	error = port_each(instance, set_xdp_behind, &behind);
	return error < 0 ? context_fail_kernel(epg, error, "port_names", "can't read the map") : behind.error;
}

struct parting {
	struct epg *epg;
	struct instance *instance;
	struct journal *journal;
	int error;
};

static int forget_parent(void *user, const void *key, const void *value)
{
	const struct epg_endpoint_key *place = key;
	const struct epg_endpoint *entry = value;
	struct parting *parting = user;

	if (entry->seen & EPG_SEEN_PARENT)
		parting->error = write_binding(parting->epg, parting->instance, parting->journal, place->ifindex,
					       observe_binding(entry, observe_generation(parting->instance)));
	return parting->error ? 1 : 0;
}

int membership_forget_parents(struct epg *epg, struct instance *instance, struct journal *journal)
{
	struct parting parting = {epg, instance, journal, 0};
	int error = walk_map(instance->fd.endpoints, forget_parent, &parting);

	return error < 0 ? context_fail_kernel(epg, error, "endpoints", "can't read the map") : parting.error;
}

/* ---- what was owned before ---- */

static bool is_address_of(const struct membership *membership, const struct epg_address_key *key)
{
	for (size_t i = 0; i < membership->n_addresses; i++) {
		struct epg_address_key own = address_key(membership, i);

		if (!memcmp(&own, key, sizeof(own)))
			return true;
	}
	return false;
}

static int collect_leftover(void *user, const void *key, const void *value)
{
	struct leftovers *leftovers = user;

	if (observe_owner(value, leftovers->generation)->ifindex != leftovers->membership->ifindex ||
	    is_address_of(leftovers->membership, key))
		return 0;
	if (leftovers->n_keys == leftovers->capacity) {
		size_t capacity = leftovers->capacity * 2 + 16;
		struct epg_address_key *keys = reallocarray(leftovers->keys, capacity, sizeof(*keys));

		if (!keys)
			return -ENOMEM;
		leftovers->keys = keys;
		leftovers->capacity = capacity;
	}
	memcpy(&leftovers->keys[leftovers->n_keys++], key, sizeof(struct epg_address_key));
	return 0;
}

void membership_free_slots(struct instance *instance, uint32_t ifindex)
{
	uint32_t slots = ifindex & EPG_PORT ? EPG_LEARNED_MANY : EPG_LEARNED_MAX;

	for (uint32_t slot = 0; slot < slots; slot++) {
		struct epg_learned_key key = {.ifindex = ifindex, .slot = slot};
		struct epg_address_key address;
		struct epg_address entry;
		const struct epg_owner *owner;

		if (bpf_map_lookup_elem(instance->fd.learned, &key, &address))
			continue;
		owner = bpf_map_lookup_elem(instance->fd.addresses, &address, &entry)
				? NULL
				: observe_owner(&entry, observe_generation(instance));
		if (!owner || owner->ifindex != ifindex || !(owner->flags & EPG_ADDRESS_LEARNED))
			bpf_map_delete_elem(instance->fd.learned, &key);
	}
}

int leftovers_find(struct epg *epg, struct instance *instance, const struct membership *membership,
		   struct leftovers *ret)
{
	int error;

	*ret = (struct leftovers){.membership = membership, .generation = observe_generation(instance)};
	error = walk_map(instance->fd.addresses, collect_leftover, ret);
	return error ? context_fail_kernel(epg, error, "addresses", "can't find the endpoint's former addresses") : 0;
}

void leftovers_clear(struct leftovers *leftovers)
{
	free(leftovers->keys);
}

void leftovers_drop(struct instance *instance, const struct leftovers *leftovers)
{
	for (size_t i = 0; i < leftovers->n_keys; i++)
		bpf_map_delete_elem(instance->fd.addresses, &leftovers->keys[i]);
	membership_free_slots(instance, leftovers->membership->ifindex);
	__atomic_add_fetch(&instance->control->epoch, 1, __ATOMIC_RELEASE);
}

/* ---- unbinding ---- */

struct neighbours {
	uint32_t ifindex, but;
};

static int find_neighbour(void *user, uint32_t id, const struct epg_port_name *entry)
{
	const struct neighbours *neighbours = user;

	return port_is_behind(entry) && entry->place.ifindex == neighbours->ifindex && id != neighbours->but;
}

/* Forgets what a port was for; the last one behind an interface leaves it to itself. */
static int remove_port(struct epg *epg, struct instance *instance, struct journal *journal, uint32_t id)
{
	struct epg_port_name entry;
	struct neighbours neighbours;
	int error;

	if (!port_read(instance, id, &entry) || (port_is_inside(&entry) && hooks_life(epg, id) == HOOKS_ALIVE))
		return 0;
	error = port_delete(epg, instance, journal, id);
	if (error || port_is_inside(&entry))
		return error;
	neighbours = (struct neighbours){entry.place.ifindex, id};
	error = port_each(instance, find_neighbour, &neighbours);
	if (error < 0)
		return context_fail_kernel(epg, error, "port_names", "can't read the map");
	return error ? 0 : membership_set_flag(epg, instance, journal, entry.place.ifindex, EPG_ENDPOINT_SHARED, false);
}

/* An interface that is there remains what it is without a group. */
static int remove_binding(struct epg *epg, struct instance *instance, struct journal *journal, uint32_t ifindex,
			  const struct epg_binding *binding, bool lives)
{
	struct epg_binding rest = {.flags = binding->flags & (MEMBERSHIP_FACTS | EPG_ENDPOINT_XDP)};
	struct epg_endpoint_key key = {.ifindex = ifindex};
	int error;

	if (lives && !(ifindex & EPG_PORT) && !membership_is_empty(&rest))
		return write_binding(epg, instance, journal, ifindex, &rest);
	error = journal_delete(journal, instance->fd.endpoints, &key);
	return error ? context_fail_kernel(epg, error, "endpoints", "can't write the map") : 0;
}

int membership_remove(struct epg *epg, struct instance *instance, uint32_t ifindex)
{
	AUTO_LEFTOVERS struct leftovers leftovers = {0};
	AUTO_JOURNAL struct journal journal = {0};
	struct membership nobody = {.ifindex = ifindex};
	bool lives = port_lives(epg, instance, ifindex);
	struct epg_binding binding;
	int error;

	if (!membership_look(instance, ifindex, &binding) || (lives && binding.class_id == EPG_CLASS_NONE))
		return -ENOENT;
	error = remove_binding(epg, instance, &journal, ifindex, &binding, lives);
	if (!error)
		error = remove_port(epg, instance, &journal, ifindex);
	if (!error)
		error = leftovers_find(epg, instance, &nobody, &leftovers);
	if (error)
		return error;
	journal_keep(&journal);
	leftovers_drop(instance, &leftovers);
	return 0;
}
