/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Addresses that those have learned who are gone: whoever comes after them may learn the same ones. */
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "runtime/membership.h"
#include "runtime/observe.h"
#include "runtime/port.h"
#include "runtime/walk.h"

struct loan {
	uint32_t owner;
	struct epg_address_key key;
};

struct loans {
	uint32_t running;
	struct loan *items;
	size_t count, capacity;
};

static int collect_loan(void *user, const void *key, const void *value)
{
	struct loans *loans = user;
	const struct epg_owner *owner = observe_owner(value, loans->running);

	if (!owner->ifindex || !(owner->flags & EPG_ADDRESS_LEARNED))
		return 0;
	if (loans->count == loans->capacity) {
		size_t capacity = loans->capacity * 2 + 64;
		struct loan *items = reallocarray(loans->items, capacity, sizeof(*items));

		if (!items)
			return -ENOMEM;
		loans->items = items;
		loans->capacity = capacity;
	}
	loans->items[loans->count].owner = owner->ifindex;
	memcpy(&loans->items[loans->count++].key, key, sizeof(struct epg_address_key));
	return 0;
}

static int compare_loans(const void *a, const void *b)
{
	uint32_t left = ((const struct loan *)a)->owner, right = ((const struct loan *)b)->owner;

	return (left > right) - (left < right);
}

int membership_forget_vanished(struct epg *epg, struct instance *instance)
{
	struct loans loans = {.running = observe_generation(instance)};
	int error = walk_map(instance->fd.addresses, collect_loan, &loans);
	size_t next;

	if (loans.count)
		qsort(loans.items, loans.count, sizeof(*loans.items), compare_loans);
	for (size_t first = 0; !error && first < loans.count; first = next) {
		uint32_t owner = loans.items[first].owner;
		bool lives = port_lives(epg, instance, owner);

		for (next = first; next < loans.count && loans.items[next].owner == owner; next++)
			if (!lives)
				bpf_map_delete_elem(instance->fd.addresses, &loans.items[next].key);
		if (!lives)
			membership_free_slots(instance, owner);
	}
	free(loans.items);
	return error ? context_fail_kernel(epg, error, "addresses", "can't read the map") : 0;
}
