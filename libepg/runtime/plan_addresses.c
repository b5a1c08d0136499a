/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Who owns which address afterwards. Everybody who has a claim puts it down; the claims are sorted, the best one
 * for each address is met, and what differs from the map is staged.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "compile/diagram.h"
#include "runtime/membership.h"
#include "runtime/observe.h"
#include "runtime/plan.h"
#include "runtime/walk.h"

static int push_address(struct plan_addresses *addresses, const struct plan_address *address)
{
	if (addresses->count == addresses->capacity) {
		size_t capacity = addresses->capacity * 2 + 64;
		struct plan_address *items = reallocarray(addresses->items, capacity, sizeof(*items));

		if (!items)
			return -ENOMEM;
		addresses->items = items;
		addresses->capacity = capacity;
	}
	addresses->items[addresses->count++] = *address;
	return 0;
}

static int compare_addresses(const void *a, const void *b)
{
	const struct plan_address *left = a, *right = b;
	int order = memcmp(&left->key, &right->key, sizeof(left->key));

	return order ? order : (int)left->claim - (int)right->claim;
}

static void sort_addresses(struct plan_addresses *addresses)
{
	if (addresses->count)
		qsort(addresses->items, addresses->count, sizeof(*addresses->items), compare_addresses);
}

static int read_address(void *user, const void *key, const void *value)
{
	struct plan_address address = {0};
	struct plan *plan = user;

	memcpy(&address.key, key, sizeof(address.key));
	address.owner = *observe_owner(value, plan->running);
	return push_address(&plan->before, &address);
}

/* ---- claims ---- */

static int claim_of_policy(struct plan *plan, const struct plan_endpoint *endpoint)
{
	const struct catalog_binding *wanted = endpoint->wanted;
	struct plan_address claim = {
		.key = {.vrf = endpoint->vrf},
		.owner = {.ifindex = endpoint->ifindex, .flags = EPG_ADDRESS_FROM_POLICY},
		.claim = PLAN_DECLARED,
	};

	for (uint32_t i = 0; wanted && i < wanted->n_addresses; i++) {
		const struct catalog_address *address = &plan->policy->catalog->addresses[wanted->first_address + i];
		int error;

		memcpy(claim.key.address, address->address, sizeof(claim.key.address));
		error = push_address(&plan->after, &claim);
		if (error)
			return error;
	}
	return 0;
}

static bool is_ipv4(const uint8_t address[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return !memcmp(address, mapped, sizeof(mapped));
}

/* The answer of a diagram for an address; what is no leaf says that it is damaged. */
static uint32_t find_target(const struct plan_policy *policy, uint32_t root, const uint8_t address[16])
{
	uint64_t halves[2];
	uint32_t target;

	memcpy(halves, address, sizeof(halves));
	target = diagram_find(policy->nodes, policy->n_nodes, root, be64toh(halves[0]), be64toh(halves[1]));
	return target & EPG_TARGET_LEAF ? target : EPG_TARGET_MISS;
}

/* Could the endpoint learn this address now, if it did not own it? */
static bool may_learn(const struct plan *plan, const struct plan_endpoint *endpoint, const uint8_t address[16])
{
	const struct epg_class *class;
	bool ipv4 = is_ipv4(address);

	if (endpoint->after.class_id >= plan->policy->n_classes)
		return false;
	if (!ipv4 && address[0] == 0xfe && (address[1] & 0xc0) == 0x80)
		return true;
	class = &plan->policy->classes[endpoint->after.class_id];
	return !(endpoint->after.flags & EPG_ENDPOINT_ADDRESSES_DECLARED) &&
	       find_target(plan->policy, ipv4 ? class->subnets4 : class->subnets6, address) != EPG_TARGET_MISS;
}

/* What an address that is owned now means for afterwards. */
static int claim_of_owner(struct plan *plan, const struct plan_address *address)
{
	const struct plan_endpoint *endpoint = plan_endpoint_of(plan, address->owner.ifindex);
	struct plan_address claim = *address;
	bool learned = address->owner.flags & EPG_ADDRESS_LEARNED;

	if (!address->owner.ifindex || address->owner.flags & EPG_ADDRESS_FROM_POLICY)
		return 0;
	claim.claim = learned || !endpoint || !endpoint->present ? PLAN_WEAK : PLAN_BY_HAND;
	if (!endpoint) {
		/* Others may write an address before they write its endpoint. */
		return !learned && port_lives(plan->epg, plan->instance, address->owner.ifindex)
			       ? push_address(&plan->after, &claim)
			       : 0;
	}
	if (!endpoint->after.class_id || (!learned && endpoint->wanted))
		return 0;
	/* Who has vanished keeps what was declared, until somebody else has it; what was learned goes at once. */
	if (learned && !endpoint->present)
		return 0;
	if (learned && (claim.key.vrf != endpoint->vrf || !may_learn(plan, endpoint, claim.key.address)))
		return 0;
	/* Its group may have moved to another VRF. */
	claim.key.vrf = endpoint->vrf;
	return push_address(&plan->after, &claim);
}

/* Keeps the best claim to each address. */
static int settle_claims(struct plan *plan)
{
	struct plan_addresses *claims = &plan->after;
	size_t kept = 0;

	sort_addresses(claims);
	for (size_t i = 0; i < claims->count; i++) {
		const struct plan_address *claim = &claims->items[i], *best = kept ? &claims->items[kept - 1] : NULL;

		if (!best || memcmp(&best->key, &claim->key, sizeof(claim->key))) {
			claims->items[kept++] = *claim;
			continue;
		}
		if (claim->claim == PLAN_WEAK || claim->owner.ifindex == best->owner.ifindex)
			continue;
		return membership_fail_owned(plan->epg, &claim->key, claim->owner.ifindex,
					     plan_endpoint_of(plan, best->owner.ifindex)->interface);
	}
	claims->count = kept;
	return 0;
}

int plan_make_addresses(struct plan *plan)
{
	int error;

	error = walk_map(plan->instance->fd.addresses, read_address, plan);
	for (size_t i = 0; !error && i < plan->n_endpoints; i++)
		error = claim_of_policy(plan, &plan->endpoints[i]);
	for (size_t i = 0; !error && i < plan->before.count; i++)
		error = claim_of_owner(plan, &plan->before.items[i]);
	if (error)
		return context_fail_kernel(plan->epg, error, "addresses", "can't read the addresses");
	sort_addresses(&plan->before);
	return settle_claims(plan);
}

void plan_clear_addresses(struct plan *plan)
{
	free(plan->before.items);
	free(plan->after.items);
}

/* ---- differences ---- */

typedef int (*difference_fn)(void *user, const struct plan_address *before, const struct plan_address *after);

/* Tells each address whose owner changes; `before` or `after` is NULL where it has none. */
static int each_difference(const struct plan *plan, difference_fn fn, void *user)
{
	const struct plan_addresses *before = &plan->before, *after = &plan->after;
	size_t i = 0, j = 0;
	int error = 0;

	while (!error && (i < before->count || j < after->count)) {
		int order = i == before->count  ? 1
			    : j == after->count ? -1
						: memcmp(&before->items[i].key, &after->items[j].key,
							 sizeof(struct epg_address_key));
		const struct plan_address *old = order <= 0 ? &before->items[i++] : NULL;
		const struct plan_address *new = order >= 0 ? &after->items[j++] : NULL;

		if (!old || !new || memcmp(&old->owner, &new->owner, sizeof(old->owner)))
			error = fn(user, old, new);
	}
	return error;
}

struct staging {
	const struct plan *plan;
	struct journal *journal;
	uint32_t number;
};

static int stage_address(void *user, const struct plan_address *before, const struct plan_address *after)
{
	const struct staging *staging = user;
	int map = staging->plan->instance->fd.addresses, error;
	struct epg_address entry = {.next_generation = staging->number};

	if (before)
		entry.now = before->owner;
	if (after)
		entry.next = after->owner;
	error = journal_write(staging->journal, map, before ? &before->key : &after->key, &entry);
	return error ? membership_fail_write(staging->plan->epg, error, map, "addresses") : 0;
}

int plan_stage_addresses(const struct plan *plan, struct journal *journal, uint32_t number)
{
	struct staging staging = {plan, journal, number};

	return each_difference(plan, stage_address, &staging);
}

static int settle_address(void *user, const struct plan_address *before, const struct plan_address *after)
{
	struct plan *plan = user;
	struct plan_endpoint *endpoint;

	if (!after)
		bpf_map_delete_elem(plan->instance->fd.addresses, &before->key);
	if (!before || !(before->owner.flags & EPG_ADDRESS_LEARNED))
		return 0;
	endpoint = plan_find(plan, plan->n_endpoints, before->owner.ifindex);
	if (endpoint)
		endpoint->slots_due = true;
	else
		membership_free_slots(plan->instance, before->owner.ifindex);
	return 0;
}

void plan_settle_addresses(struct plan *plan)
{
	(void)each_difference(plan, settle_address, plan);
	for (size_t i = 0; i < plan->n_endpoints; i++)
		if (plan->endpoints[i].slots_due)
			membership_free_slots(plan->instance, plan->endpoints[i].ifindex);
}

static int count_insertion(void *user, const struct plan_address *before, const struct plan_address *after)
{
	(void)after;
	*(size_t *)user += !before;
	return 0;
}

size_t plan_count_addresses(const struct plan *plan)
{
	size_t count = plan->before.count;

	(void)each_difference(plan, count_insertion, &count);
	return count;
}
