/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "runtime/hooks.h"
#include "runtime/inside.h"
#include "runtime/membership.h"
#include "runtime/observe.h"
#include "runtime/walk.h"

#define VLAN_LAST 4094

/* ---- names ---- */

static int fail_name(struct epg *epg, const char *name, const char *message)
{
	return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, name,
			    "IF/120, IF/02:00:0a:01:00:02 and IF/120/02:00:0a:01:00:02 are behind an interface; "
			    "IF@/run/netns/NAME is inside a network namespace",
			    "%s", message);
}

/* Digits only, up to the end or a slash. */
static const char *parse_vlan(const char *text, uint16_t *ret)
{
	unsigned int vlan = 0;

	for (; *text >= '0' && *text <= '9' && vlan <= VLAN_LAST; text++)
		vlan = vlan * 10 + (unsigned int)(*text - '0');
	if ((*text && *text != '/') || vlan < 1 || vlan > VLAN_LAST)
		return NULL;
	*ret = (uint16_t)vlan;
	return text;
}

static int parse_behind(struct epg *epg, const char *name, const char *text, struct port_spec *ret)
{
	if (!strchr(text, ':')) {
		text = parse_vlan(text, &ret->vlan);
		return text && !*text ? 0 : fail_name(epg, name, "the VLAN is not a number from 1 to 4094");
	}
	if (strchr(text, '/')) {
		text = parse_vlan(text, &ret->vlan);
		if (!text)
			return fail_name(epg, name, "the VLAN is not a number from 1 to 4094");
		text++;
	}
	if (text_parse_mac(text, ret->mac))
		return fail_name(epg, name, "what stands behind the last slash is not a MAC address");
	if (ret->mac[0] & 1 || mac_is_zero(ret->mac))
		return fail_name(epg, name, "the MAC address of an endpoint is neither a multicast one nor zero");
	return 0;
}

int port_parse(struct epg *epg, const char *name, struct port_spec *ret)
{
	const char *slash = name ? strchr(name, '/') : NULL;
	bool inside = slash && slash > name && slash[-1] == '@';
	size_t length;

	*ret = (struct port_spec){0};
	if (!name || !*name)
		return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, NULL, NULL, "no interface was given");
	length = slash ? (size_t)(slash - name) - inside : strlen(name);
	if (length >= IF_NAMESIZE)
		return context_fail(epg, EPG_FAILURE_INPUT, -ENAMETOOLONG, name, NULL,
				    "the name is longer than an interface's can be, %d characters", IF_NAMESIZE - 1);
	if (!length)
		return fail_name(epg, name, "the name of the interface is missing");
	memcpy(ret->interface, name, length);
	if (!slash)
		return 0;
	if (!inside)
		return parse_behind(epg, name, slash + 1, ret);
	if (strlen(slash) >= sizeof(ret->netns))
		return context_fail(epg, EPG_FAILURE_INPUT, -ENAMETOOLONG, name, NULL, "the path is too long");
	strcpy(ret->netns, slash);
	return 0;
}

void port_text(const struct epg_port_name *entry, const char *interface, char name[PORT_NAME_MAX])
{
	const uint8_t *mac = entry->place.mac;
	int length;

	if (entry->netns) {
		snprintf(name, PORT_NAME_MAX, "%s@%.*s", interface, EPG_PORT_PLACE_MAX, entry->path);
		return;
	}
	length = snprintf(name, PORT_NAME_MAX, "%s", interface);
	if (entry->place.vlan)
		length += snprintf(name + length, (size_t)(PORT_NAME_MAX - length), "/%u", entry->place.vlan);
	if (!mac_is_zero(mac))
		snprintf(name + length, (size_t)(PORT_NAME_MAX - length), "/%02x:%02x:%02x:%02x:%02x:%02x", mac[0],
			 mac[1], mac[2], mac[3], mac[4], mac[5]);
}

/* ---- from a name to the interface ---- */

static int fail_no_interface(struct epg *epg, const char *name, const char *where)
{
	return context_fail(epg, EPG_FAILURE_NOT_FOUND, -ENOENT, name, "ip link shows the interfaces",
			    "there is no such interface in %s", where);
}

/* Its end says more than its beginning. */
static void keep_path(const char *path, char kept[EPG_PORT_PLACE_MAX])
{
	size_t length = strlen(path), room = EPG_PORT_PLACE_MAX - 1;

	memcpy(kept, path + (length > room ? length - room : 0), length > room ? room : length);
}

static int locate_inside(struct epg *epg, const char *name, const struct port_spec *spec, struct port *port)
{
	struct inside_device device;
	__u64 here;
	int error;

	port->netns = inside_open(epg, spec->netns);
	if (port->netns < 0)
		return port->netns;
	error = inside_cookie(port->netns, &port->entry.netns);
	if (error == -EINVAL)
		return context_fail(epg, EPG_FAILURE_INPUT, error, spec->netns, NULL,
				    "the path does not lead to a network namespace");
	if (!error)
		error = inside_cookie(-1, &here);
	if (!error)
		error = inside_find(port->netns, spec->interface, &device);
	if (error == -ENODEV)
		return fail_no_interface(epg, name, "that network namespace");
	if (error)
		return context_fail_kernel(epg, error, name, "can't look into the network namespace");
	if (here != port->entry.netns && !device.macvlan)
		return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, name,
				    "attach the interface on the host's side: ip link shows it by the same link",
				    "it is no macvlan device: only those need a hook inside a network namespace");
	port->ifindex = port->entry.place.ifindex = device.ifindex;
	port->parent = device.parent;
	port->vepa = device.vepa;
	if (here != port->entry.netns) {
		keep_path(spec->netns, port->entry.path);
		return 0;
	}
	/* By a way about it is an interface like others. */
	util_close(&port->netns);
	port->entry = (struct epg_port_name){0};
	port->id = port->ifindex;
	return 0;
}

int port_locate(struct epg *epg, const char *name, struct port *ret)
{
	struct port_spec spec;
	int error = port_parse(epg, name, &spec);

	if (error)
		return error;
	snprintf(ret->entry.interface, sizeof(ret->entry.interface), "%s", spec.interface);
	if (*spec.netns)
		return locate_inside(epg, name, &spec, ret);
	ret->ifindex = if_nametoindex(spec.interface);
	if (!ret->ifindex)
		return fail_no_interface(epg, name, "this network namespace");
	if (!spec.vlan && mac_is_zero(spec.mac)) {
		ret->id = ret->ifindex;
		return 0;
	}
	ret->entry.place = (struct epg_port_key){.ifindex = ret->ifindex, .vlan = spec.vlan};
	memcpy(ret->entry.place.mac, spec.mac, sizeof(spec.mac));
	return 0;
}

void port_close(struct port *port)
{
	util_close(&port->netns);
}

/* ---- from the interface to its number ---- */

struct inside_search {
	uint64_t netns;
	uint32_t ifindex, id;
};

static int match_inside(void *user, const void *key, const void *value)
{
	const struct epg_port_name *entry = value;
	struct inside_search *search = user;

	if (entry->netns != search->netns || entry->place.ifindex != search->ifindex)
		return 0;
	search->id = *(const uint32_t *)key;
	return 1;
}

int port_identify(struct epg *epg, struct instance *instance, struct port *port)
{
	struct inside_search search = {port->entry.netns, port->ifindex, 0};
	int error = 0;

	if (port->id)
		return 0;
	if (port_is_inside(&port->entry)) {
		error = walk_map(instance->fd.port_names, match_inside, &search);
		port->id = search.id;
	} else if (bpf_map_lookup_elem(instance->fd.ports, &port->entry.place, &port->id)) {
		port->id = 0;
		error = errno == ENOENT ? 0 : -errno;
	}
	return error < 0 ? context_fail_kernel(epg, error, "ports", "can't read the map") : 0;
}

int port_find_vanished(struct epg *epg, struct instance *instance, const char *name, uint32_t *ret)
{
	AUTO_PORT struct port port = PORT_INIT;
	struct epg_port_name entry;
	unsigned int number;
	int error;
	char rest;

	if (name && !if_nametoindex(name)) {
		if (sscanf(name, "if%u%c", &number, &rest) == 1 && number && !(number & EPG_PORT)) {
			*ret = number;
			return 0;
		}
		if (sscanf(name, "port%u%c", &number, &rest) == 1 && port_read(instance, number | EPG_PORT, &entry)) {
			*ret = number | EPG_PORT;
			return 0;
		}
	}
	error = port_locate(epg, name, &port);
	if (!error)
		error = port_identify(epg, instance, &port);
	if (error)
		return error;
	if (!port.id)
		return context_fail(epg, EPG_FAILURE_NOT_FOUND, -ENOENT, name, "epgctl endpoint ls shows them",
				    "there is no such endpoint");
	*ret = port.id;
	return 0;
}

/* ---- from the number to the interface ---- */

bool port_read(const struct instance *instance, uint32_t id, struct epg_port_name *ret)
{
	return id & EPG_PORT && !bpf_map_lookup_elem(instance->fd.port_names, &id, ret);
}

/* Its hooks know; without them the way by which it was found is gone once more. */
static bool inside_lives(struct epg *epg, uint32_t id, const struct epg_port_name *entry)
{
	char path[EPG_PORT_PLACE_MAX + 1];
	AUTO_CLOSE int netns = -1;
	enum hooks_life life = hooks_life(epg, id);
	__u64 cookie;

	if (life != HOOKS_NONE)
		return life == HOOKS_ALIVE;
	snprintf(path, sizeof(path), "%.*s", EPG_PORT_PLACE_MAX, entry->path);
	netns = open(path, O_RDONLY | O_CLOEXEC);
	return netns >= 0 && !inside_cookie(netns, &cookie) && cookie == entry->netns &&
	       inside_has(netns, entry->place.ifindex);
}

const char *port_name(struct epg *epg, const struct instance *instance, uint32_t id, char name[PORT_NAME_MAX])
{
	struct epg_port_name entry;
	char interface[IF_NAMESIZE];

	name[0] = '\0';
	if (!(id & EPG_PORT))
		return observe_interface(id, name);
	if (!port_read(instance, id, &entry))
		return name;
	if (entry.netns && inside_lives(epg, id, &entry))
		port_text(&entry, entry.interface, name);
	else if (!entry.netns && *observe_interface(entry.place.ifindex, interface))
		port_text(&entry, interface, name);
	return name;
}

bool port_lives(struct epg *epg, const struct instance *instance, uint32_t id)
{
	char name[PORT_NAME_MAX];

	return *port_name(epg, instance, id, name);
}

uint32_t port_hooks_id(const struct instance *instance, uint32_t id)
{
	struct epg_port_name entry;

	return port_read(instance, id, &entry) && !entry.netns ? entry.place.ifindex : id;
}

/* ---- changes ---- */

uint32_t port_number_last(const struct instance *instance)
{
	return instance->control->last_port | EPG_PORT;
}

uint32_t port_number_after(uint32_t id)
{
	uint32_t number = ((id + 1) & EPG_PORT_LAST) | EPG_PORT;

	return number == EPG_PORT ? EPG_PORT | 1 : number;
}

void port_number_take(struct instance *instance, uint32_t id)
{
	__atomic_store_n(&instance->control->last_port, id & ~EPG_PORT, __ATOMIC_RELEASE);
}

/* Told by its MAC address, within a VLAN or without. */
static bool is_station(const struct epg_port_key *place)
{
	return !mac_is_zero(place->mac);
}

static struct epg_port_key all_stations(const struct epg_port_key *place)
{
	struct epg_port_key all = *place;

	memset(all.mac, 0xff, sizeof(all.mac));
	return all;
}

int port_write(struct epg *epg, struct instance *instance, struct journal *journal, uint32_t id,
	       const struct epg_port_name *entry)
{
	int error = journal_write(journal, instance->fd.port_names, &id, entry);

	if (error)
		return membership_fail_write(epg, error, instance->fd.port_names, "port_names");
	if (!port_is_behind(entry))
		return 0;
	error = journal_write(journal, instance->fd.ports, &entry->place, &id);
	if (!error && is_station(&entry->place)) {
		struct epg_port_key all = all_stations(&entry->place);

		error = journal_write(journal, instance->fd.ports, &all, &id);
	}
	return error ? membership_fail_write(epg, error, instance->fd.ports, "ports") : 0;
}

/* Another station of a VLAN, or of none. */
struct another {
	struct epg_port_key all;
	uint32_t id, found;
};

static int find_another(void *user, uint32_t id, const struct epg_port_name *entry)
{
	struct another *another = user;

	if (id != another->id && port_is_behind(entry) && is_station(&entry->place) &&
	    entry->place.ifindex == another->all.ifindex && entry->place.vlan == another->all.vlan)
		another->found = id;
	return 0;
}

/* What is sent to all stations of a VLAN is looked at for one of them, as long as there is one. */
static int hand_over(struct instance *instance, struct journal *journal, uint32_t id, const struct epg_port_key *place)
{
	struct another another = {.all = all_stations(place), .id = id};
	uint32_t owner = 0;

	if (!is_station(place))
		return 0;
	if (bpf_map_lookup_elem(instance->fd.ports, &another.all, &owner))
		return errno == ENOENT ? 0 : -errno;
	if (owner != id)
		return 0;
	(void)port_each(instance, find_another, &another);
	return another.found ? journal_write(journal, instance->fd.ports, &another.all, &another.found)
			     : journal_delete(journal, instance->fd.ports, &another.all);
}

int port_delete(struct epg *epg, struct instance *instance, struct journal *journal, uint32_t id)
{
	struct epg_port_name entry;
	uint32_t owner = 0;
	int error = 0;

	if (bpf_map_lookup_elem(instance->fd.port_names, &id, &entry))
		return errno == ENOENT ? 0 : context_fail_kernel(epg, -errno, "port_names", "can't read the map");
	if (port_is_behind(&entry) && bpf_map_lookup_elem(instance->fd.ports, &entry.place, &owner))
		error = errno == ENOENT ? 0 : -errno;
	if (!error && owner == id)
		error = journal_delete(journal, instance->fd.ports, &entry.place);
	if (!error && port_is_behind(&entry))
		error = hand_over(instance, journal, id, &entry.place);
	if (!error)
		error = journal_delete(journal, instance->fd.port_names, &id);
	return error ? context_fail_kernel(epg, error, "ports", "can't write the map") : 0;
}

struct each {
	port_fn fn;
	void *user;
};

static int tell_port(void *user, const void *key, const void *value)
{
	const struct each *each = user;

	return each->fn(each->user, *(const uint32_t *)key, value);
}

int port_each(struct instance *instance, port_fn fn, void *user)
{
	struct each each = {fn, user};

	return walk_map(instance->fd.port_names, tell_port, &each);
}

struct idle {
	struct epg *epg;
	struct instance *instance;
	uint32_t *ids;
	size_t count, capacity;
};

static int collect_idle(void *user, uint32_t id, const struct epg_port_name *entry)
{
	struct epg_endpoint_key key = {.ifindex = id};
	struct epg_endpoint endpoint;
	struct idle *idle = user;

	if (!bpf_map_lookup_elem(idle->instance->fd.endpoints, &key, &endpoint) || errno != ENOENT ||
	    (port_is_inside(entry) && hooks_life(idle->epg, id) == HOOKS_ALIVE))
		return 0;
	if (idle->count == idle->capacity) {
		uint32_t *larger = reallocarray(idle->ids, idle->capacity * 2 + 16, sizeof(*larger));

		if (!larger)
			return -ENOMEM;
		idle->ids = larger;
		idle->capacity = idle->capacity * 2 + 16;
	}
	idle->ids[idle->count++] = id;
	return 0;
}

void port_sweep(struct epg *epg, struct instance *instance)
{
	struct idle idle = {.epg = epg, .instance = instance};
	struct journal journal = {0};

	(void)port_each(instance, collect_idle, &idle);
	for (size_t i = 0; i < idle.count; i++)
		if (port_delete(epg, instance, &journal, idle.ids[i]))
			context_forget(epg);
	journal_keep(&journal);
	free(idle.ids);
}
