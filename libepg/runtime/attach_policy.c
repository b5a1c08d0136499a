/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What the running policy says of an interface that comes under enforcement between two applies. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "runtime/attach.h"
#include "runtime/membership.h"
#include "runtime/observe.h"
#include "runtime/runtime.h"

struct coming {
	struct epg *epg;
	struct instance *instance;
	struct journal *journal;
	const struct catalog *catalog;
	uint32_t ifindex;
	const char *interface;
};

static int bind_itself(const struct coming *coming)
{
	const struct catalog_binding *wanted = catalog_binding_of(coming->catalog, coming->interface);
	struct membership membership;
	struct epg_binding binding;

	if (!wanted || membership_find(coming->instance, coming->ifindex, &binding))
		return 0;
	membership = membership_of_policy(coming->catalog, wanted, coming->ifindex);
	return membership_write(coming->epg, coming->instance, coming->journal, &membership);
}

static int bind_one_behind(const struct coming *coming, const struct catalog_binding *wanted)
{
	struct port port = {
		.ifindex = coming->ifindex,
		.netns = -1,
		.entry = {.place = {.ifindex = coming->ifindex, .vlan = wanted->vlan}},
	};
	struct membership membership;
	int error;

	memcpy(port.entry.place.mac, wanted->mac, sizeof(wanted->mac));
	snprintf(port.entry.interface, sizeof(port.entry.interface), "%s", coming->interface);
	error = port_identify(coming->epg, coming->instance, &port);
	if (error || port.id)
		return error;
	error = attach_number(coming->epg, coming->instance, coming->journal, &port);
	if (error)
		return error;
	membership = membership_of_policy(coming->catalog, wanted, port.id);
	error = membership_write(coming->epg, coming->instance, coming->journal, &membership);
	return error ? error
		     : membership_set_flag(coming->epg, coming->instance, coming->journal, coming->ifindex,
					   EPG_ENDPOINT_SHARED, true);
}

/* Index of the VRF whose uplink the interface is. */
static uint32_t uplink_vrf(const struct coming *coming)
{
	const struct catalog_group *group;
	struct epg_binding binding;

	if (!membership_find(coming->instance, coming->ifindex, &binding))
		return CATALOG_NONE;
	group = catalog_group_by_class(coming->catalog, binding.class_id);
	return group && group->external ? group->vrf : CATALOG_NONE;
}

static int bind_behind(const struct coming *coming)
{
	uint32_t vrf = uplink_vrf(coming);
	const struct catalog_binding *wanted = NULL;
	int error = 0;

	while (!error && (wanted = catalog_behind_next(coming->catalog, coming->interface, vrf, wanted)))
		error = bind_one_behind(coming, wanted);
	return error;
}

static int by_policy(struct coming *coming, bool itself)
{
	AUTO(generation_close) struct generation *running = NULL;
	int error = observe_running(coming->epg, coming->instance, &running);

	if (error || !running)
		return error;
	coming->catalog = &running->catalog;
	error = itself ? bind_itself(coming) : 0;
	return error ? error : bind_behind(coming);
}

int attach_by_policy(struct epg *epg, struct instance *instance, struct journal *journal, uint32_t ifindex,
		     const char *interface)
{
	struct coming coming = {epg, instance, journal, NULL, ifindex, interface};

	return by_policy(&coming, true);
}

int attach_behind_by_policy(struct epg *epg, struct instance *instance, struct journal *journal, uint32_t ifindex,
			    const char *interface)
{
	struct coming coming = {epg, instance, journal, NULL, ifindex, interface};

	return by_policy(&coming, false);
}
