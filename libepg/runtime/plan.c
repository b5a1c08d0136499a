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

static struct plan_endpoint *find_endpoint(const struct plan *plan, size_t count, uint32_t ifindex)
{
	struct plan_endpoint key = {.ifindex = ifindex};

	return count ? bsearch(&key, plan->endpoints, count, sizeof(key), compare_endpoints) : NULL;
}

const struct plan_endpoint *plan_endpoint_of(const struct plan *plan, uint32_t ifindex)
{
	return find_endpoint(plan, plan->n_endpoints, ifindex);
}

static void sort_endpoints(struct plan *plan)
{
	if (plan->n_endpoints)
		qsort(plan->endpoints, plan->n_endpoints, sizeof(*plan->endpoints), compare_endpoints);
}

static struct plan_endpoint *push_endpoint(struct plan *plan, uint32_t ifindex)
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

	if (place->vlan)
		return 0;
	endpoint = push_endpoint(plan, place->ifindex);
	if (!endpoint)
		return -ENOMEM;
	endpoint->exists = true;
	endpoint->before = *observe_binding(value, plan->running);
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
		struct plan_endpoint *endpoint = find_endpoint(plan, known, at->if_index);

		if (!endpoint && wanted)
			endpoint = push_endpoint(plan, at->if_index);
		if (!endpoint) {
			error = wanted ? -ENOMEM : 0;
			continue;
		}
		endpoint->present = true;
		endpoint->wanted = wanted;
		snprintf(endpoint->interface, sizeof(endpoint->interface), "%s", at->if_name);
	}
	if_freenameindex(interfaces);
	sort_endpoints(plan);
	return error;
}

static int read_hooks(struct plan *plan)
{
	AUTO_FREE struct hooks *hooks = NULL;
	size_t count;
	int error;

	error = hooks_read(plan->epg, &hooks, &count);
	if (error)
		return error;
	for (size_t i = 0; i < count; i++) {
		struct plan_endpoint *endpoint = find_endpoint(plan, plan->n_endpoints, hooks[i].ifindex);

		if (!endpoint)
			continue;
		endpoint->xdp = hooks[i].xdp;
		endpoint->attached = hooks_complete(&hooks[i]);
	}
	return 0;
}

/* Exact names come first; each names at most one interface. */
static void count_absent(struct plan *plan)
{
	const struct catalog *catalog = plan->policy->catalog;

	for (size_t i = 0; i < catalog->n_bindings && !catalog->bindings[i].glob; i++)
		plan->absent += !if_nametoindex(catalog_string(catalog, catalog->bindings[i].interface));
}

/* ---- what becomes of it ---- */

static bool mac_is_zero(const uint8_t mac[6])
{
	static const uint8_t zero[6];

	return !memcmp(mac, zero, sizeof(zero));
}

/* A MAC address that the endpoint was seen with stays its own; one that was declared goes with its declaration. */
static bool keeps_mac(const struct plan *plan, const struct plan_endpoint *endpoint)
{
	const struct catalog_binding *declared;

	if (endpoint->before.class_id != endpoint->after.class_id || !plan->policy->running)
		return false;
	if (!(endpoint->before.flags & EPG_ENDPOINT_FROM_POLICY))
		return false;
	declared = catalog_binding_of(plan->policy->running, endpoint->interface);
	return !declared || mac_is_zero(declared->mac);
}

static void bind_by_policy(const struct plan *plan, struct plan_endpoint *endpoint)
{
	struct membership membership = membership_of_policy(plan->policy->catalog, endpoint->wanted, endpoint->ifindex);

	endpoint->after = membership.binding;
	if (endpoint->xdp)
		endpoint->after.flags |= EPG_ENDPOINT_XDP;
	if (mac_is_zero(endpoint->after.mac) && keeps_mac(plan, endpoint))
		memcpy(endpoint->after.mac, endpoint->before.mac, sizeof(endpoint->after.mac));
}

/* An interface that was bound by hand yields to the policy only where the policy names it. */
static bool is_of_policy(const struct plan_endpoint *endpoint)
{
	bool by_hand = endpoint->before.class_id && !(endpoint->before.flags & EPG_ENDPOINT_FROM_POLICY);

	return endpoint->wanted && !(by_hand && endpoint->wanted->glob);
}

static void decide_endpoint(struct plan *plan, struct plan_endpoint *endpoint)
{
	const struct plan_policy *policy = plan->policy;
	uint16_t class_id = endpoint->before.class_id;

	if (is_of_policy(endpoint)) {
		bind_by_policy(plan, endpoint);
		plan->bound++;
	} else {
		endpoint->wanted = NULL;
		if (!(endpoint->before.flags & EPG_ENDPOINT_FROM_POLICY) &&
		    catalog_group_by_class(policy->catalog, class_id))
			endpoint->after = endpoint->before;
	}
	class_id = endpoint->after.class_id;
	if (class_id && class_id < policy->n_classes)
		endpoint->vrf = policy->classes[class_id].vrf;
}

int plan_make(struct plan *plan, struct epg *epg, struct instance *instance, const struct plan_policy *policy)
{
	int error;

	plan->epg = epg;
	plan->instance = instance;
	plan->policy = policy;
	plan->running = observe_generation(instance);
	error = walk_map(instance->fd.endpoints, read_endpoint, plan);
	sort_endpoints(plan);
	if (!error)
		error = read_interfaces(plan);
	if (error)
		return context_fail_kernel(epg, error, "endpoints", "can't read the endpoints and interfaces");
	error = read_hooks(plan);
	if (error)
		return error;
	for (size_t i = 0; i < plan->n_endpoints; i++)
		decide_endpoint(plan, &plan->endpoints[i]);
	count_absent(plan);
	return plan_make_addresses(plan);
}

void plan_clear(struct plan *plan)
{
	free(plan->endpoints);
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
	size_t endpoints = 0;
	int error;

	for (size_t i = 0; i < plan->n_endpoints; i++)
		endpoints += plan->endpoints[i].exists || plan->endpoints[i].after.class_id;
	error = check_map(plan, plan->instance->fd.endpoints, "endpoints", "--endpoints N", endpoints);
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

	if (bindings_equal(&endpoint->before, &endpoint->after))
		return 0;
	(void)bpf_map_lookup_elem(map, &key, &entry);
	entry.now = endpoint->before;
	entry.next = endpoint->after;
	entry.next_generation = number;
	error = journal_write(journal, map, &key, &entry);
	return error ? membership_fail_write(plan->epg, error, map, "endpoints") : 0;
}

int plan_stage(const struct plan *plan, struct journal *journal, uint32_t number)
{
	for (size_t i = 0; i < plan->n_endpoints; i++) {
		int error = stage_endpoint(plan, journal, &plan->endpoints[i], number);

		if (error)
			return error;
	}
	return plan_stage_addresses(plan, journal, number);
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

		if (!endpoint->wanted || endpoint->attached)
			continue;
		error = hooks_attach(plan->epg, endpoint->ifindex, endpoint->interface, endpoint->xdp);
		if (error > 0)
			attached[count++] = endpoint->ifindex;
	}
	*ret_attached = attached;
	*ret_count = count;
	return error < 0 ? error : 0;
}

void plan_settle(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_endpoints; i++) {
		const struct plan_endpoint *endpoint = &plan->endpoints[i];
		struct epg_endpoint_key key = {.ifindex = endpoint->ifindex};

		if (!endpoint->after.class_id && endpoint->before.class_id)
			bpf_map_delete_elem(plan->instance->fd.endpoints, &key);
	}
	plan_settle_addresses(plan);
}
