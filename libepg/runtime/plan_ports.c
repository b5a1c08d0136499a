/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Who is behind interfaces that several share. A new port is there before the generation comes into force, and one that
 * goes is there a little longer: it counts for the programs only while its endpoint has a group.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "runtime/membership.h"
#include "runtime/plan.h"

/* ---- what is ---- */

static int read_port(void *user, uint32_t id, const struct epg_port_name *entry)
{
	struct plan *plan = user;
	struct plan_endpoint *endpoint = plan_find(plan, plan->n_endpoints, id);

	if (!endpoint)
		return 0;
	endpoint->place = *entry;
	endpoint->present = *port_name(plan->epg, plan->instance, id, endpoint->interface);
	return 0;
}

int plan_read_ports(struct plan *plan)
{
	return port_each(plan->instance, read_port, plan);
}

/* ---- what the policy wants ---- */

/* Somebody behind an interface, as the policy has it. */
struct wish {
	struct epg_port_key place;
	const struct catalog_binding *binding;
};

struct wishes {
	struct wish *items;
	size_t count, capacity;
};

static int push_wish(struct wishes *wishes, uint32_t ifindex, const struct catalog_binding *binding)
{
	struct wish *wish;

	if (wishes->count == wishes->capacity) {
		size_t capacity = wishes->capacity * 2 + 64;
		struct wish *items = reallocarray(wishes->items, capacity, sizeof(*items));

		if (!items)
			return -ENOMEM;
		wishes->items = items;
		wishes->capacity = capacity;
	}
	wish = &wishes->items[wishes->count++];
	*wish = (struct wish){.place = {.ifindex = ifindex, .vlan = binding->vlan}, .binding = binding};
	memcpy(wish->place.mac, binding->mac, sizeof(wish->place.mac));
	return 0;
}

/* By place; at one place the binding that decides first. */
static int compare_wishes(const void *a, const void *b)
{
	const struct wish *left = a, *right = b;
	int order = memcmp(&left->place, &right->place, sizeof(left->place));

	return order ? order : (left->binding > right->binding) - (left->binding < right->binding);
}

/* Index of the VRF whose uplink an interface will be. */
static uint32_t uplink_vrf(const struct plan *plan, size_t known, uint32_t ifindex)
{
	const struct plan_endpoint *endpoint = plan_find(plan, known, ifindex);
	const struct catalog_group *group =
		endpoint ? catalog_group_by_class(plan->policy->catalog, endpoint->after.class_id) : NULL;

	return group && group->external ? group->vrf : CATALOG_NONE;
}

static int wish_behind(struct plan *plan, size_t known, const struct if_nameindex *interface, struct wishes *wishes)
{
	uint32_t vrf = uplink_vrf(plan, known, interface->if_index);
	const struct catalog *catalog = plan->policy->catalog;
	const struct catalog_binding *binding = NULL;
	int error = 0;

	while (!error && (binding = catalog_behind_next(catalog, interface->if_name, vrf, binding)))
		error = push_wish(wishes, interface->if_index, binding);
	return error;
}

/* The endpoint of a wish: one that is, or a new one. */
static int endpoint_of(struct plan *plan, size_t known, const struct wish *wish, const char *interface,
		       struct plan_endpoint **ret)
{
	struct plan_endpoint *endpoint;
	uint32_t id = 0;

	if (bpf_map_lookup_elem(plan->instance->fd.ports, &wish->place, &id) && errno != ENOENT)
		return -errno;
	*ret = id ? plan_find(plan, known, id) : NULL;
	if (*ret)
		return 0;
	if (!id)
		id = plan->last_port = port_number_after(plan->last_port);
	*ret = endpoint = plan_push(plan, id);
	if (!endpoint)
		return -ENOMEM;
	endpoint->present = endpoint->unnamed = true;
	endpoint->place.place = wish->place;
	snprintf(endpoint->place.interface, sizeof(endpoint->place.interface), "%s", interface);
	port_text(&endpoint->place, interface, endpoint->interface);
	return 0;
}

static int grant(struct plan *plan, size_t known, const struct wishes *wishes)
{
	const struct wish *last = NULL;

	for (size_t i = 0; i < wishes->count; i++) {
		const struct wish *wish = &wishes->items[i];
		struct plan_endpoint *endpoint = NULL;
		char interface[IF_NAMESIZE];
		int error;

		if (last && !memcmp(&last->place, &wish->place, sizeof(wish->place)))
			continue;
		last = wish;
		/* Gone since it was listed. */
		if (!if_indextoname(wish->place.ifindex, interface))
			continue;
		error = endpoint_of(plan, known, wish, interface, &endpoint);
		if (error)
			return error;
		endpoint->wanted = wish->binding;
	}
	return 0;
}

static int make_wishes(struct plan *plan, struct wishes *wishes)
{
	struct if_nameindex *interfaces = if_nameindex();
	int error = 0;

	if (!interfaces)
		return -errno;
	for (const struct if_nameindex *at = interfaces; !error && at->if_index; at++)
		error = wish_behind(plan, plan->n_endpoints, at, wishes);
	if_freenameindex(interfaces);
	if (!error && wishes->count)
		qsort(wishes->items, wishes->count, sizeof(*wishes->items), compare_wishes);
	return error;
}

/* ---- which interfaces are shared ---- */

static int compare_ifindexes(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

/* An interface with somebody behind it has an entry of its own, which says so. */
static int share(struct plan *plan, size_t known, uint32_t ifindex)
{
	struct plan_endpoint *endpoint = plan_find(plan, known, ifindex);
	char interface[IF_NAMESIZE];

	if (!if_indextoname(ifindex, interface))
		return 0;
	if (!endpoint) {
		endpoint = plan_push(plan, ifindex);
		if (!endpoint)
			return -ENOMEM;
		endpoint->present = true;
		snprintf(endpoint->interface, sizeof(endpoint->interface), "%s", interface);
		plan_decide(plan, endpoint);
	}
	endpoint->after.flags |= EPG_ENDPOINT_SHARED;
	if (endpoint->xdp)
		endpoint->after.flags |= EPG_ENDPOINT_XDP;
	return 0;
}

static int share_all(struct plan *plan)
{
	AUTO_FREE uint32_t *ifindexes = calloc(plan->n_endpoints + 1, sizeof(*ifindexes));
	size_t known = plan->n_endpoints, count = 0;
	int error = 0;

	if (!ifindexes)
		return -ENOMEM;
	for (size_t i = 0; i < known; i++) {
		const struct plan_endpoint *endpoint = &plan->endpoints[i];

		if (port_is_behind(&endpoint->place) && endpoint->after.class_id)
			ifindexes[count++] = endpoint->place.place.ifindex;
	}
	qsort(ifindexes, count, sizeof(*ifindexes), compare_ifindexes);
	for (size_t i = 0; !error && i < count; i++)
		if (i == 0 || ifindexes[i] != ifindexes[i - 1])
			error = share(plan, known, ifindexes[i]);
	plan_sort(plan);
	return error;
}

int plan_make_ports(struct plan *plan)
{
	struct wishes wishes = {0};
	size_t known = plan->n_endpoints;
	int error = make_wishes(plan, &wishes);

	if (!error)
		error = grant(plan, known, &wishes);
	free(wishes.items);
	if (error)
		return error;
	for (size_t i = 0; i < plan->n_endpoints; i++)
		if (plan->endpoints[i].ifindex & EPG_PORT)
			plan_decide(plan, &plan->endpoints[i]);
	plan_sort(plan);
	return share_all(plan);
}

/* ---- carrying it out ---- */

int plan_stage_ports(const struct plan *plan, struct journal *journal)
{
	int error = 0;

	if (plan->last_port != port_number_last(plan->instance))
		port_number_take(plan->instance, plan->last_port);
	for (size_t i = 0; !error && i < plan->n_endpoints; i++) {
		const struct plan_endpoint *endpoint = &plan->endpoints[i];

		if (endpoint->unnamed && endpoint->after.class_id)
			error = port_write(plan->epg, plan->instance, journal, endpoint->ifindex, &endpoint->place);
	}
	return error;
}

void plan_settle_port(const struct plan *plan, uint32_t id)
{
	struct epg_port_name entry;
	struct journal journal = {0};

	if (port_read(plan->instance, id, &entry) && port_is_inside(&entry) && hooks_life(plan->epg, id) == HOOKS_ALIVE)
		return;
	/* Nothing of it bears on how packets are decided; the next change tries again. */
	if (port_delete(plan->epg, plan->instance, &journal, id))
		context_forget(plan->epg);
	journal_keep(&journal);
}

size_t plan_count_new_ports(const struct plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->n_endpoints; i++)
		count += plan->endpoints[i].unnamed;
	return count;
}
