/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "runtime/attach.h"
#include "runtime/membership.h"
#include "runtime/observe.h"
#include "runtime/walk.h"

static int compare_endpoints(const void *a, const void *b)
{
	uint32_t left = ((const struct plan_endpoint *)a)->ifindex, right = ((const struct plan_endpoint *)b)->ifindex;

	return (left > right) - (left < right);
}

struct plan_endpoint *plan_find(const struct plan *plan, size_t count, uint32_t ifindex)
{
	struct plan_endpoint key = {.ifindex = ifindex};

	return count ? bsearch(&key, plan->endpoints, count, sizeof(key), compare_endpoints) : NULL;
}

const struct plan_endpoint *plan_endpoint_of(const struct plan *plan, uint32_t ifindex)
{
	return plan_find(plan, plan->n_endpoints, ifindex);
}

void plan_sort(struct plan *plan)
{
	if (plan->n_endpoints)
		qsort(plan->endpoints, plan->n_endpoints, sizeof(*plan->endpoints), compare_endpoints);
}

struct plan_endpoint *plan_push(struct plan *plan, uint32_t ifindex)
{
	struct plan_endpoint *endpoint;

	if (plan->n_endpoints == plan->endpoints_capacity) {
		size_t capacity = plan->endpoints_capacity * 2 + 64;

		endpoint = reallocarray(plan->endpoints, capacity, sizeof(*plan->endpoints));
		if (!endpoint)
			return NULL;
		plan->endpoints = endpoint;
		plan->endpoints_capacity = capacity;
	}
	endpoint = &plan->endpoints[plan->n_endpoints++];
	*endpoint = (struct plan_endpoint){.ifindex = ifindex};
	return endpoint;
}

/* ---- what is, and what the policy speaks of ---- */

static int read_endpoint(void *user, const void *key, const void *value)
{
	const struct epg_endpoint_key *place = key;
	struct plan *plan = user;
	struct plan_endpoint *endpoint;

	endpoint = plan_push(plan, place->ifindex);
	if (!endpoint)
		return -ENOMEM;
	endpoint->exists = true;
	endpoint->before = *observe_binding(value, plan->running);
	endpoint->mtu_before = endpoint->mtu = ((const struct epg_endpoint *)value)->mtu;
	return 0;
}

/* Adds what the host has: names of interfaces, and what the policy says about them. */
static int read_interfaces(struct plan *plan)
{
	struct if_nameindex *interfaces = if_nameindex();
	size_t known = plan->n_endpoints;
	int error = 0;

	if (!interfaces)
		return -errno;
	for (const struct if_nameindex *at = interfaces; !error && at->if_index; at++) {
		const struct catalog_binding *wanted = catalog_binding_of(plan->policy->catalog, at->if_name);
		struct plan_endpoint *endpoint = plan_find(plan, known, at->if_index);

		if (!endpoint && wanted)
			endpoint = plan_push(plan, at->if_index);
		if (!endpoint) {
			error = wanted ? -ENOMEM : 0;
			continue;
		}
		endpoint->present = true;
		endpoint->wanted = wanted;
		snprintf(endpoint->interface, sizeof(endpoint->interface), "%s", at->if_name);
	}
	if_freenameindex(interfaces);
	plan_sort(plan);
	return error;
}

const struct hooks *plan_hooks_of(const struct plan *plan, uint32_t id)
{
	for (size_t low = 0, high = plan->n_hooks; low < high;) {
		size_t middle = low + (high - low) / 2;
		const struct hooks *hooks = &plan->hooks[middle];

		if (hooks->ifindex == id)
			return hooks;
		if (hooks->ifindex < id)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* A port behind an interface is decided for by the interface's programs. */
static void set_hooks(const struct plan *plan, struct plan_endpoint *endpoint)
{
	uint32_t id = port_is_behind(&endpoint->place) ? endpoint->place.place.ifindex : endpoint->ifindex;
	const struct hooks *hooks = plan_hooks_of(plan, id);

	endpoint->xdp = hooks && hooks->xdp;
	endpoint->attached = hooks && hooks_complete(hooks);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Interfaces that the policy names, each once, and this host does not have. */
static int count_absent(struct plan *plan)
{
	const struct catalog *catalog = plan->policy->catalog;
	AUTO_FREE const char **names = calloc(catalog->n_bindings + 1, sizeof(*names));
	size_t count = 0;

	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < catalog->n_bindings; i++)
		if (!catalog->bindings[i].glob && catalog->bindings[i].behind != CATALOG_BEHIND_UPLINK)
			names[count++] = catalog_string(catalog, catalog->bindings[i].interface);
	qsort(names, count, sizeof(*names), compare_names);
	for (size_t i = 0; i < count; i++)
		if ((i == 0 || strcmp(names[i - 1], names[i])) && !if_nametoindex(names[i]))
			plan->absent++;
	return 0;
}

/* ---- what becomes of it ---- */

/* A MAC address that the endpoint was seen with stays its own; one that was declared goes with its declaration. */
static bool keeps_mac(const struct plan *plan, const struct plan_endpoint *endpoint)
{
	const struct catalog_binding *declared;

	if (endpoint->before.class_id != endpoint->after.class_id || !plan->policy->running)
		return false;
	if (!(endpoint->before.flags & EPG_ENDPOINT_FROM_POLICY) || endpoint->ifindex & EPG_PORT)
		return false;
	declared = catalog_binding_of(plan->policy->running, endpoint->interface);
	return !declared || mac_is_zero(declared->mac);
}

static void bind_by_policy(const struct plan *plan, struct plan_endpoint *endpoint)
{
	struct membership membership = membership_of_policy(plan->policy->catalog, endpoint->wanted, endpoint->ifindex);

	endpoint->after = membership.binding;
	if (mac_is_zero(endpoint->after.mac) && keeps_mac(plan, endpoint))
		memcpy(endpoint->after.mac, endpoint->before.mac, sizeof(endpoint->after.mac));
	/* Where an address is noted does not change with what else is said of its owner. */
	if (!memcmp(endpoint->after.mac, endpoint->before.mac, sizeof(endpoint->after.mac)))
		endpoint->after.mac_noted = endpoint->before.mac_noted;
}

/* An interface that was bound by hand yields to the policy only where the policy names it. */
static bool is_of_policy(const struct plan_endpoint *endpoint)
{
	bool by_hand = endpoint->before.class_id && !(endpoint->before.flags & EPG_ENDPOINT_FROM_POLICY);

	return endpoint->wanted && !(by_hand && endpoint->wanted->glob);
}

/* What is known of the interface stays with it, whatever it is bound to. Who is shared is found out later. */
static void keep_facts(struct plan_endpoint *endpoint)
{
	uint16_t *flags = &endpoint->after.flags;

	*flags &= (uint16_t) ~(MEMBERSHIP_FACTS | EPG_ENDPOINT_XDP | EPG_ENDPOINT_DIRECT);
	if (endpoint->present || endpoint->after.class_id)
		*flags |= endpoint->before.flags & EPG_ENDPOINT_DETOUR;
	if (!endpoint->present && endpoint->after.class_id)
		*flags |= endpoint->before.flags & EPG_ENDPOINT_SHARED;
	if (membership_is_empty(&endpoint->after)) {
		endpoint->after = (struct epg_binding){0};
		return;
	}
	*flags |= endpoint->before.flags & EPG_ENDPOINT_INSIDE;
	if (endpoint->xdp)
		*flags |= EPG_ENDPOINT_XDP;
}

void plan_decide(struct plan *plan, struct plan_endpoint *endpoint)
{
	const struct plan_policy *policy = plan->policy;
	uint16_t class_id = endpoint->before.class_id;

	set_hooks(plan, endpoint);
	if (is_of_policy(endpoint)) {
		bind_by_policy(plan, endpoint);
		plan->bound++;
	} else {
		endpoint->wanted = NULL;
		if (!(endpoint->before.flags & EPG_ENDPOINT_FROM_POLICY) &&
		    catalog_group_by_class(policy->catalog, class_id))
			endpoint->after = endpoint->before;
	}
	keep_facts(endpoint);
	class_id = endpoint->after.class_id;
	if (class_id && class_id < policy->n_classes)
		endpoint->vrf = policy->classes[class_id].vrf;
}

static int plan_endpoints(struct plan *plan)
{
	int error = walk_map(plan->instance->fd.endpoints, read_endpoint, plan);

	plan_sort(plan);
	if (!error)
		error = read_interfaces(plan);
	if (!error)
		error = plan_read_ports(plan);
	if (error)
		return error;
	for (size_t i = 0; i < plan->n_endpoints && !(plan->endpoints[i].ifindex & EPG_PORT); i++)
		plan_decide(plan, &plan->endpoints[i]);
	error = plan_make_ports(plan);
	if (error)
		return error;
	plan_make_direct(plan);
	return count_absent(plan);
}

int plan_make(struct plan *plan, struct epg *epg, struct instance *instance, const struct plan_policy *policy)
{
	int error;

	plan->epg = epg;
	plan->instance = instance;
	plan->policy = policy;
	plan->running = observe_generation(instance);
	plan->last_port = port_number_last(instance);
	error = hooks_read(epg, &plan->hooks, &plan->n_hooks);
	if (error)
		return error;
	error = plan_endpoints(plan);
	if (error)
		return context_fail_kernel(epg, error, "endpoints", "can't read the endpoints and interfaces");
	return plan_make_addresses(plan);
}

void plan_clear(struct plan *plan)
{
	free(plan->endpoints);
	free(plan->hooks);
	plan_clear_addresses(plan);
}

/* ---- room ---- */

static int check_map(const struct plan *plan, int map, const char *name, const char *option, size_t needed)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);
	char hint[EPG_ERROR_TEXT];

	if (bpf_obj_get_info_by_fd(map, &info, &size))
		return context_fail_kernel(plan->epg, -errno, name, "can't look at the map");
	if (needed <= info.max_entries)
		return 0;
	snprintf(hint, sizeof(hint), "enlarge it: epgctl unload, then epgctl load %s, then apply again", option);
	return context_fail(plan->epg, EPG_FAILURE_KERNEL, -ENOSPC, name, hint,
			    "the map %s has room for %u, and the policy needs %zu", name, info.max_entries, needed);
}

int plan_check_room(const struct plan *plan)
{
	uint64_t ports = 0;
	size_t endpoints = 0;
	int error;

	for (size_t i = 0; i < plan->n_endpoints; i++)
		endpoints += plan->endpoints[i].exists || !membership_is_empty(&plan->endpoints[i].after);
	error = check_map(plan, plan->instance->fd.endpoints, "endpoints", "--endpoints N", endpoints);
	if (error)
		return error;
	error = walk_count(plan->instance->fd.port_names, &ports);
	if (error)
		return context_fail_kernel(plan->epg, error, "port_names", "can't read the map");
	error = check_map(plan, plan->instance->fd.port_names, "port_names", "--endpoints N",
			  ports + plan_count_new_ports(plan));
	if (!error)
		error = check_map(plan, plan->instance->fd.addresses, "addresses", "--endpoints N",
				  plan_count_addresses(plan));
	return error;
}

/* ---- carrying it out ---- */

static bool bindings_equal(const struct epg_binding *a, const struct epg_binding *b)
{
	return a->class_id == b->class_id && a->flags == b->flags && !memcmp(a->mac, b->mac, sizeof(a->mac));
}

/*
 * Endpoints that stay as they are are not touched: an endpoint's entry can't be rewritten without losing what its
 * packets count between reading and writing.
 */
static int stage_endpoint(const struct plan *plan, struct journal *journal, const struct plan_endpoint *endpoint,
			  uint32_t number)
{
	struct epg_endpoint_key key = {.ifindex = endpoint->ifindex};
	int map = plan->instance->fd.endpoints, error;
	struct epg_endpoint entry = {0};

	if (bindings_equal(&endpoint->before, &endpoint->after) && endpoint->mtu == endpoint->mtu_before)
		return 0;
	(void)bpf_map_lookup_elem(map, &key, &entry);
	entry.now = endpoint->before;
	entry.next = endpoint->after;
	entry.next_generation = number;
	entry.mtu = endpoint->mtu;
	error = journal_write(journal, map, &key, &entry);
	return error ? membership_fail_write(plan->epg, error, map, "endpoints") : 0;
}

int plan_stage(const struct plan *plan, struct journal *journal, uint32_t number)
{
	int error = plan_stage_ports(plan, journal);

	for (size_t i = 0; !error && i < plan->n_endpoints; i++)
		error = stage_endpoint(plan, journal, &plan->endpoints[i], number);
	return error ? error : plan_stage_addresses(plan, journal, number);
}

/* Interfaces that the policy speaks of, and those with somebody behind them. */
static bool takes_hooks(const struct plan_endpoint *endpoint)
{
	return !(endpoint->ifindex & EPG_PORT) && endpoint->present &&
	       (endpoint->wanted || endpoint->after.flags & EPG_ENDPOINT_SHARED);
}

int plan_attach(const struct plan *plan, uint32_t **ret_attached, size_t *ret_count)
{
	uint32_t *attached = calloc(plan->n_endpoints + 1, sizeof(*attached));
	size_t count = 0;
	int error = 0;

	if (!attached)
		return context_fail_kernel(plan->epg, -ENOMEM, NULL, "can't attach the interfaces");
	for (size_t i = 0; error >= 0 && i < plan->n_endpoints; i++) {
		const struct plan_endpoint *endpoint = &plan->endpoints[i];
		struct hooks_order order;

		if (!takes_hooks(endpoint) || endpoint->attached)
			continue;
		order = HOOKS_ORDER(endpoint->ifindex, endpoint->interface);
		order.xdp = endpoint->xdp;
		error = hooks_attach(plan->epg, &order);
		if (error > 0)
			attached[count++] = endpoint->ifindex;
	}
	*ret_attached = attached;
	*ret_count = count;
	return error < 0 ? error : 0;
}

void plan_settle(struct plan *plan)
{
	plan_note_direct(plan);
	for (size_t i = 0; i < plan->n_endpoints; i++) {
		const struct plan_endpoint *endpoint = &plan->endpoints[i];
		struct epg_endpoint_key key = {.ifindex = endpoint->ifindex};

		if (!membership_is_empty(&endpoint->after) || membership_is_empty(&endpoint->before))
			continue;
		bpf_map_delete_elem(plan->instance->fd.endpoints, &key);
		if (endpoint->ifindex & EPG_PORT)
			plan_settle_port(plan, endpoint->ifindex);
	}
	plan_settle_addresses(plan);
}
