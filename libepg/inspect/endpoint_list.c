/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Telling the endpoints of an instance. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/direct.h"
#include "runtime/hooks.h"
#include "runtime/near.h"
#include "runtime/observe.h"
#include "runtime/port.h"
#include "runtime/runtime.h"
#include "runtime/walk.h"

struct listed_endpoint {
	uint32_t ifindex;
	struct epg_binding binding;
	uint64_t packets, bytes;
};

struct listed_address {
	uint32_t ifindex;
	uint16_t flags;
	char text[TEXT_ADDRESS_MAX];
};

/* Both arrays are sorted by ifindex. */
struct list {
	uint32_t running;
	struct listed_endpoint *endpoints;
	size_t n_endpoints, endpoints_capacity;
	struct listed_address *addresses;
	size_t n_addresses, addresses_capacity;
	struct hooks *hooks;
	size_t n_hooks;
};

static void list_clear(struct list *list)
{
	free(list->endpoints);
	free(list->addresses);
	free(list->hooks);
}

static int collect_endpoint(void *user, const void *key, const void *value)
{
	const struct epg_endpoint_key *place = key;
	const struct epg_endpoint *entry = value;
	struct list *list = user;
	const struct epg_binding *binding = observe_binding(entry, list->running);

	/* Waits for a generation, or is done with. */
	if (entry->next_generation && !binding->class_id)
		return 0;
	if (list->n_endpoints == list->endpoints_capacity) {
		size_t capacity = list->endpoints_capacity * 2 + 64;
		struct listed_endpoint *larger = reallocarray(list->endpoints, capacity, sizeof(*larger));

		if (!larger)
			return -ENOMEM;
		list->endpoints = larger;
		list->endpoints_capacity = capacity;
	}
	list->endpoints[list->n_endpoints++] =
		(struct listed_endpoint){place->ifindex, *binding, entry->packets, entry->bytes};
	return 0;
}

static int collect_address(void *user, const void *key, const void *value)
{
	struct list *list = user;
	const struct epg_owner *owner = observe_owner(value, list->running);
	struct listed_address *address;

	if (!owner->ifindex)
		return 0;
	if (list->n_addresses == list->addresses_capacity) {
		size_t capacity = list->addresses_capacity * 2 + 64;
		struct listed_address *larger = reallocarray(list->addresses, capacity, sizeof(*larger));

		if (!larger)
			return -ENOMEM;
		list->addresses = larger;
		list->addresses_capacity = capacity;
	}
	address = &list->addresses[list->n_addresses++];
	address->ifindex = owner->ifindex;
	address->flags = owner->flags;
	text_address(((const struct epg_address_key *)key)->address, address->text);
	return 0;
}

static int compare_endpoints(const void *a, const void *b)
{
	uint32_t left = ((const struct listed_endpoint *)a)->ifindex;
	uint32_t right = ((const struct listed_endpoint *)b)->ifindex;

	return (left > right) - (left < right);
}

static int compare_addresses(const void *a, const void *b)
{
	const struct listed_address *left = a, *right = b;

	if (left->ifindex != right->ifindex)
		return left->ifindex < right->ifindex ? -1 : 1;
	return strcmp(left->text, right->text);
}

static int list_read(struct epg *epg, struct instance *instance, struct list *list)
{
	int error;

	list->running = observe_generation(instance);
	error = near_walk_endpoints(instance, collect_endpoint, list);
	if (!error)
		error = walk_map(instance->fd.addresses, collect_address, list);
	if (error)
		return context_fail_kernel(epg, error, "endpoints, addresses", "can't read the maps");
	if (list->n_endpoints)
		qsort(list->endpoints, list->n_endpoints, sizeof(*list->endpoints), compare_endpoints);
	if (list->n_addresses)
		qsort(list->addresses, list->n_addresses, sizeof(*list->addresses), compare_addresses);
	return hooks_read(epg, &list->hooks, &list->n_hooks);
}

static const struct hooks *hooks_of(const struct list *list, uint32_t ifindex)
{
	for (size_t low = 0, high = list->n_hooks; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (list->hooks[middle].ifindex == ifindex)
			return &list->hooks[middle];
		if (list->hooks[middle].ifindex < ifindex)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* The addresses of one endpoint, of which the first is at `*at` or later; moves `*at` behind them. */
static size_t slice(const struct list *list, uint32_t ifindex, size_t *at)
{
	size_t first;

	while (*at < list->n_addresses && list->addresses[*at].ifindex < ifindex)
		++*at;
	first = *at;
	while (*at < list->n_addresses && list->addresses[*at].ifindex == ifindex)
		++*at;
	return first;
}

static void text_mac(const uint8_t mac[6], char text[18])
{
	static const uint8_t none[6];

	text[0] = '\0';
	if (memcmp(mac, none, sizeof(none)))
		snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

/* NULL: the running policy has no such group. */
static const struct catalog_group *group_of(const struct generation *generation, uint16_t class_id)
{
	return generation ? catalog_group_by_class(&generation->catalog, class_id) : NULL;
}

/* Its bridge domain asks for forwarding past the host; if so, tells what stands in the way. */
static bool asks_direct(struct epg *epg, const struct generation *generation, const struct catalog_group *group,
			const struct listed_endpoint *endpoint, const struct hooks *hooks, struct direct *found)
{
	const struct hooks none = {.ifindex = endpoint->ifindex};

	*found = (struct direct){0};
	if (!group || group->external || !generation->catalog.bridge_domains[group->bridge_domain].direct)
		return false;
	direct_look(epg, endpoint->ifindex, endpoint->binding.flags, hooks ? hooks : &none, found);
	return true;
}

/* Strings and flags of the endpoints' addresses, in the order of list->addresses. */
struct columns {
	const char **texts;
	uint16_t *flags;
};

static void columns_clear(struct columns *columns)
{
	free(columns->texts);
	free(columns->flags);
}

static int columns_fill(const struct list *list, struct columns *columns)
{
	columns->texts = calloc(list->n_addresses + 1, sizeof(*columns->texts));
	columns->flags = calloc(list->n_addresses + 1, sizeof(*columns->flags));
	if (!columns->texts || !columns->flags)
		return -ENOMEM;
	for (size_t i = 0; i < list->n_addresses; i++) {
		columns->texts[i] = list->addresses[i].text;
		columns->flags[i] = list->addresses[i].flags;
	}
	return 0;
}

static int tell(struct epg *epg, const struct instance *instance, const struct list *list,
		const struct columns *columns, const struct generation *generation, epg_endpoint_fn fn, void *user)
{
	size_t at = 0;
	int result = 0;

	for (size_t i = 0; !result && i < list->n_endpoints; i++) {
		const struct listed_endpoint *endpoint = &list->endpoints[i];
		const struct catalog_group *group = group_of(generation, endpoint->binding.class_id);
		const struct hooks *hooks = hooks_of(list, port_hooks_id(instance, endpoint->ifindex));
		size_t first = slice(list, endpoint->ifindex, &at);
		char name[PORT_NAME_MAX], mac[18];
		struct direct found;
		struct epg_endpoint_info info = {
			.ifindex = endpoint->ifindex,
			.interface = port_name(epg, instance, endpoint->ifindex, name),
			.group = group ? catalog_string(&generation->catalog, group->name) : "",
			.class_id = endpoint->binding.class_id,
			.flags = endpoint->binding.flags,
			.attached = hooks && hooks_complete(hooks),
			.mac = mac,
			.addresses = columns->texts + first,
			.address_flags = columns->flags + first,
			.n_addresses = at - first,
			.packets = endpoint->packets,
			.bytes = endpoint->bytes,
			.direct_asked = asks_direct(epg, generation, group, endpoint, hooks, &found),
			.stack_why = found.why,
		};

		text_mac(endpoint->binding.mac, mac);
		result = fn(user, &info);
	}
	return result;
}

int epg_endpoints_each(struct epg *epg, epg_endpoint_fn fn, void *user)
{
	CONTEXT_CALL(epg);
	__attribute__((cleanup(list_clear))) struct list list = {0};
	__attribute__((cleanup(columns_clear))) struct columns columns = {0};
	AUTO(generation_close) struct generation *generation = NULL;
	struct instance *instance;
	int error;

	error = instance_open(epg, &instance);
	if (!error)
		error = observe_running(epg, instance, &generation);
	if (!error)
		error = list_read(epg, instance, &list);
	if (error)
		return error;
	if (columns_fill(&list, &columns))
		return context_fail_kernel(epg, -ENOMEM, NULL, "can't list the endpoints");
	return tell(epg, instance, &list, &columns, generation, fn, user);
}
