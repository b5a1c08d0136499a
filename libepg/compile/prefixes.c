/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/prefixes.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "policy/diagnostic.h"
#include "base/util.h"

/* Bits of the mapped form before an IPv4 address. */
#define MAPPED_BITS 96
#define MAPPED_FIELDS (MAPPED_BITS / 16)

/* Leaf of a subnet's diagram: that it is hit says all. */
#define SUBNET_HIT (EPG_TARGET_LEAF | 1)

/* Addresses of one subnet that nobody learns, at most. */
#define SUBNET_RESERVED 3

struct claimed_prefix {
	const struct model_prefix *prefix;
	uint32_t group;      /* index; MODEL_NONE: a leak */
	uint32_t vrf;        /* index */
	uint32_t leaf;       /* EPG_PREFIX_… */
	uint64_t address[2]; /* of the prefix, as numbers: many are sorted, and it lies far away */
	uint8_t length;
	bool ipv4;
};

struct claimed_prefixes {
	struct claimed_prefix *items;
	size_t n, capacity;
};

static void claimed_prefixes_clear(struct claimed_prefixes *claimed)
{
	free(claimed->items);
}

static struct diagram_box box_of(const struct model_prefix *prefix, uint32_t leaf)
{
	struct diagram_box box = DIAGRAM_BOX_ANY;

	for (unsigned int field = prefix->ipv4 ? MAPPED_FIELDS : 0; field < DIAGRAM_FIELDS; field++) {
		unsigned int bits = prefix->length > 16 * field ? prefix->length - 16 * field : 0;
		unsigned int free_bits = bits < 16 ? UINT16_MAX >> bits : 0;
		unsigned int value = (unsigned int)prefix->address[2 * field] << 8 | prefix->address[2 * field + 1];

		box.fields[field].first = (uint16_t)(value & ~free_bits);
		box.fields[field].last = (uint16_t)(value | free_bits);
	}
	box.leaf = leaf;
	return box;
}

const char *prefix_text(const struct model_prefix *prefix, char text[static PREFIX_TEXT_MAX])
{
	char address[INET6_ADDRSTRLEN] = "";

	if (prefix->ipv4)
		inet_ntop(AF_INET, prefix->address + MAPPED_BITS / 8, address, sizeof(address));
	else
		inet_ntop(AF_INET6, prefix->address, address, sizeof(address));
	snprintf(text, PREFIX_TEXT_MAX, "%s/%d", address, prefix->length - (prefix->ipv4 ? MAPPED_BITS : 0));
	return text;
}

bool prefixes_make_members(const struct model_group *group)
{
	for (size_t i = 0; i < group->n_matches; i++) {
		if (model_match_is_prefix(&group->matches[i]))
			return true;
	}
	return false;
}

static int claim(struct claimed_prefixes *claimed, struct claimed_prefix prefix)
{
	if (array_reserve(&claimed->items, &claimed->capacity, claimed->n + 1, sizeof(*claimed->items)))
		return -ENOMEM;
	memcpy(prefix.address, prefix.prefix->address, sizeof(prefix.address));
	for (size_t i = 0; i < ARRAY_SIZE(prefix.address); i++)
		prefix.address[i] = be64toh(prefix.address[i]);
	prefix.length = prefix.prefix->length;
	prefix.ipv4 = prefix.prefix->ipv4;
	claimed->items[claimed->n++] = prefix;
	return 0;
}

static int claim_leaks(const struct leaks *leaks, struct claimed_prefixes *claimed)
{
	for (size_t i = 0; i < leaks->n; i++) {
		const struct leak *leak = &leaks->items[i];

		if (claim(claimed, (struct claimed_prefix){.prefix = leak->prefix,
							   .group = MODEL_NONE,
							   .vrf = leak->vrf,
							   .leaf = leak->leaf}))
			return -ENOMEM;
	}
	return 0;
}

static int claim_groups(const struct model *model, const uint16_t *class_ids, struct claimed_prefixes *claimed)
{
	for (uint32_t i = 0; i < model->n_groups; i++) {
		const struct model_group *group = &model->groups[i];
		struct claimed_prefix prefix = {.group = i, .vrf = group->vrf, .leaf = class_ids[i]};

		for (size_t j = 0; j < group->n_subnets; j++) {
			prefix.prefix = &group->subnets[j];
			if (claim(claimed, prefix))
				return -ENOMEM;
		}
		prefix.leaf |= EPG_PREFIX_MEMBER;
		for (size_t j = 0; j < group->n_matches; j++) {
			prefix.prefix = &group->matches[j].prefix;
			if (model_match_is_prefix(&group->matches[j]) && claim(claimed, prefix))
				return -ENOMEM;
		}
	}
	return 0;
}

/* By VRF and family, the longest prefix first; where both name the same prefix, members before the outside. */
static int compare_precedence(const struct claimed_prefix *left, const struct claimed_prefix *right)
{
	if (left->vrf != right->vrf)
		return left->vrf < right->vrf ? -1 : 1;
	if (left->ipv4 != right->ipv4)
		return left->ipv4 ? -1 : 1;
	if (left->length != right->length)
		return left->length > right->length ? -1 : 1;
	for (size_t i = 0; i < ARRAY_SIZE(left->address); i++)
		if (left->address[i] != right->address[i])
			return left->address[i] < right->address[i] ? -1 : 1;
	return (int)(right->leaf & EPG_PREFIX_MEMBER) - (int)(left->leaf & EPG_PREFIX_MEMBER);
}

static int compare_claimed(const void *left, const void *right)
{
	const struct claimed_prefix *a = left, *b = right;
	int order = compare_precedence(a, b);

	/* Groups in the order of the file, so that a conflict is reported at the later one. */
	return order ? order : (a->group > b->group) - (a->group < b->group);
}

/* Which of two groups an address belongs to must not depend on their order. */
static int check_conflicts(const struct model *model, const struct claimed_prefixes *claimed,
			   struct epg_diagnostics *diagnostics)
{
	int error = 0;

	for (size_t i = 1; i < claimed->n; i++) {
		const struct claimed_prefix *prefix = &claimed->items[i];
		char text[PREFIX_TEXT_MAX], hint[EPG_NAME_MAX + 64];

		if (compare_precedence(prefix - 1, prefix) != 0 || prefix[-1].leaf == prefix->leaf)
			continue;
		snprintf(hint, sizeof(hint), "%s has it, in line %u", model->groups[prefix[-1].group].name,
			 prefix[-1].prefix->place.line);
		diagnostics_error(diagnostics, prefix->prefix->place, hint, "%s belongs to two groups of VRF %s",
				  prefix_text(prefix->prefix, text), model->vrfs[prefix->vrf].name);
		error = -EBADMSG;
	}
	return error;
}

/* A diagram beyond bounds is the policy's fault, at `place`. */
static int build(struct diagram_builder *builder, struct diagram_box *boxes, size_t n,
		 struct epg_diagnostics *diagnostics, struct place place, uint32_t *ret_root)
{
	int error = diagram_build(builder, boxes, n, ret_root);

	if (error != -E2BIG)
		return error;
	diagnostics_error(diagnostics, place, "use fewer prefixes", "the prefixes here are too many for a table");
	return -EBADMSG;
}

/* One VRF and family: items[0 … n - 1], in order of precedence. */
static int build_claimed(const struct claimed_prefix *items, size_t n, struct diagram_builder *builder,
			 struct epg_diagnostics *diagnostics, uint32_t *ret_root)
{
	AUTO_FREE struct diagram_box *boxes = array_new(n, sizeof(*boxes));

	if (!boxes)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		boxes[i] = box_of(items[i].prefix, EPG_TARGET_LEAF | items[i].leaf);
	return build(builder, boxes, n, diagnostics, items[0].prefix->place, ret_root);
}

static struct prefix_roots *new_roots(size_t n)
{
	struct prefix_roots *roots = array_new(n, sizeof(*roots));

	for (size_t i = 0; roots && i < n; i++)
		roots[i] = (struct prefix_roots){EPG_TARGET_MISS, EPG_TARGET_MISS};
	return roots;
}

int prefixes_build(const struct model *model, const uint16_t *class_ids, const struct leaks *leaks,
		   struct diagram_builder *builder, struct epg_diagnostics *diagnostics, struct prefix_roots **ret)
{
	__attribute__((cleanup(claimed_prefixes_clear))) struct claimed_prefixes claimed = {0};
	AUTO_FREE struct prefix_roots *roots = new_roots(model->n_vrfs);
	int error;

	if (!roots || claim_groups(model, class_ids, &claimed) || claim_leaks(leaks, &claimed))
		return -ENOMEM;
	if (claimed.n)
		qsort(claimed.items, claimed.n, sizeof(*claimed.items), compare_claimed);
	error = check_conflicts(model, &claimed, diagnostics);
	for (size_t first = 0, end; !error && first < claimed.n; first = end) {
		const struct claimed_prefix *item = &claimed.items[first];
		struct prefix_roots *root = &roots[item->vrf];

		for (end = first + 1;
		     end < claimed.n && claimed.items[end].vrf == item->vrf && claimed.items[end].ipv4 == item->ipv4;)
			end++;
		error = build_claimed(item, end - first, builder, diagnostics,
				      item->prefix->ipv4 ? &root->ipv4 : &root->ipv6);
	}
	if (!error)
		*ret = TAKE_PTR(roots);
	return error;
}

static struct diagram_box box_of_address(const struct model_prefix *subnet, const uint8_t address[16])
{
	struct model_prefix single = {.length = 128, .ipv4 = subnet->ipv4};

	memcpy(single.address, address, sizeof(single.address));
	return box_of(&single, EPG_TARGET_MISS);
}

/*
 * Addresses of a subnet that no endpoint may make its own: the gateway, as the subnet is written, the first one
 * (the network's; in IPv6 the routers' anycast address, RFC 4291, 2.6.1) and the last one of IPv4 (broadcast).
 */
static size_t reserve_addresses(const struct model_prefix *subnet, struct diagram_box boxes[SUBNET_RESERVED])
{
	uint8_t first[16], last[16];
	size_t n = 0;

	if (subnet->length >= 127)
		return 0;
	for (unsigned int byte = 0; byte < 16; byte++) {
		unsigned int bits = subnet->length > 8 * byte ? subnet->length - 8 * byte : 0;
		uint8_t free_bits = bits < 8 ? (uint8_t)(UINT8_MAX >> bits) : 0;

		first[byte] = subnet->address[byte] & (uint8_t)~free_bits;
		last[byte] = subnet->address[byte] | free_bits;
	}
	boxes[n++] = box_of_address(subnet, subnet->address);
	boxes[n++] = box_of_address(subnet, first);
	if (subnet->ipv4)
		boxes[n++] = box_of_address(subnet, last);
	return n;
}

static int build_subnets(const struct model_bridge_domain *domain, bool ipv4, struct diagram_builder *builder,
			 struct epg_diagnostics *diagnostics, uint32_t *ret_root)
{
	AUTO_FREE struct diagram_box *boxes = array_new(domain->n_subnets * (1 + SUBNET_RESERVED), sizeof(*boxes));
	size_t n = 0;

	if (!boxes)
		return -ENOMEM;
	for (size_t i = 0; i < domain->n_subnets; i++) {
		if (domain->subnets[i].ipv4 == ipv4)
			n += reserve_addresses(&domain->subnets[i], boxes + n);
	}
	for (size_t i = 0; i < domain->n_subnets; i++) {
		if (domain->subnets[i].ipv4 == ipv4)
			boxes[n++] = box_of(&domain->subnets[i], SUBNET_HIT);
	}
	return build(builder, boxes, n, diagnostics, domain->place, ret_root);
}

int subnets_build(const struct model *model, struct diagram_builder *builder, struct epg_diagnostics *diagnostics,
		  struct prefix_roots **ret)
{
	AUTO_FREE struct prefix_roots *roots = new_roots(model->n_bridge_domains);
	int error = 0;

	if (!roots)
		return -ENOMEM;
	for (size_t i = 0; !error && i < model->n_bridge_domains; i++) {
		const struct model_bridge_domain *domain = &model->bridge_domains[i];

		error = build_subnets(domain, true, builder, diagnostics, &roots[i].ipv4);
		if (!error)
			error = build_subnets(domain, false, builder, diagnostics, &roots[i].ipv6);
	}
	if (!error)
		*ret = TAKE_PTR(roots);
	return error;
}
