/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/prefix_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "policy/diagnostic.h"
#include "compile/prefixes.h"
#include "base/util.h"

/* Prefixes either nest or have nothing in common: those around the current one form a stack, at most one a length. */
#define NESTING_MAX 129

/* In the order in which equal prefixes are looked at. */
enum kind {
	KIND_SUBNET, /* of a bridge domain of the VRF */
	KIND_CLAIM,  /* of a group of the VRF: external, or `match: {ip}` */
	KIND_LEAK,
};

struct item {
	uint8_t first[16]; /* host bits are zero */
	const struct model_prefix *prefix;
	const char *owner;
	const struct leak *leak; /* NULL: of the VRF itself */
	uint32_t vrf;
	enum kind kind;
	bool member; /* a claim by `match: {ip}` */
};

/* One prefix, and the first of each kind that has it. */
struct level {
	const struct item *around;
	const struct item *subnet;
	const struct item *claim;
	const struct item *member; /* the first claim by `match: {ip}` */
	const struct item *leak;
	const struct item *inner_leak; /* the first one that is not of the outside */
};

struct check {
	const struct model *model;
	struct epg_diagnostics *diagnostics;
	struct item *items;
	size_t n;
	struct level levels[NESTING_MAX];
	size_t depth;
	int error;
};

static size_t count_items(const struct model *model, const struct leaks *leaks)
{
	size_t n = leaks->n;

	for (size_t i = 0; i < model->n_bridge_domains; i++)
		n += model->bridge_domains[i].n_subnets;
	for (size_t i = 0; i < model->n_groups; i++)
		n += model->groups[i].n_subnets + model->groups[i].n_matches;
	return n;
}

static void add_item(struct check *check, struct item item)
{
	memcpy(item.first, item.prefix->address, sizeof(item.first));
	for (unsigned int bit = item.prefix->length; bit < 128; bit++)
		item.first[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	check->items[check->n++] = item;
}

static void list_items(struct check *check, const struct leaks *leaks)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->n_bridge_domains; i++) {
		const struct model_bridge_domain *domain = &model->bridge_domains[i];
		struct item item = {.owner = domain->name, .vrf = domain->vrf, .kind = KIND_SUBNET};

		for (size_t j = 0; j < domain->n_subnets; j++) {
			item.prefix = &domain->subnets[j];
			add_item(check, item);
		}
	}
	for (size_t i = 0; i < model->n_groups; i++) {
		const struct model_group *group = &model->groups[i];
		struct item item = {.owner = group->name, .vrf = group->vrf, .kind = KIND_CLAIM};

		for (size_t j = 0; j < group->n_subnets; j++) {
			item.prefix = &group->subnets[j];
			add_item(check, item);
		}
		for (size_t j = 0; j < group->n_matches; j++) {
			item.prefix = &group->matches[j].prefix;
			item.member = true;
			if (model_match_is_prefix(&group->matches[j]))
				add_item(check, item);
		}
	}
	for (size_t i = 0; i < leaks->n; i++) {
		const struct leak *leak = &leaks->items[i];

		add_item(check, (struct item){.prefix = leak->prefix,
					      .owner = leak->owner,
					      .leak = leak,
					      .vrf = leak->vrf,
					      .kind = KIND_LEAK});
	}
}

/* By VRF; outer prefixes before those inside them. */
static int compare_items(const void *left, const void *right)
{
	const struct item *a = left, *b = right;
	int order;

	if (a->vrf != b->vrf)
		return a->vrf < b->vrf ? -1 : 1;
	order = memcmp(a->first, b->first, sizeof(a->first));
	if (order)
		return order;
	if (a->prefix->length != b->prefix->length)
		return a->prefix->length < b->prefix->length ? -1 : 1;
	return (a->kind > b->kind) - (a->kind < b->kind);
}

static bool contains(const struct item *outer, const struct item *inner)
{
	unsigned int bytes = outer->prefix->length / 8, bits = outer->prefix->length % 8;

	if (outer->vrf != inner->vrf || memcmp(outer->first, inner->first, bytes) != 0)
		return false;
	return !bits || !((outer->first[bytes] ^ inner->first[bytes]) >> (8 - bits));
}

static void report(struct check *check, const struct item *leaked, const struct item *other)
{
	const struct model_contract *contract = &check->model->contracts[leaked->leak->contract];
	char text[PREFIX_TEXT_MAX], other_text[PREFIX_TEXT_MAX], hint[EPG_NAME_MAX + 128];

	snprintf(hint, sizeof(hint), "contract %s, line %u, binds groups of both VRFs: their addresses must differ",
		 contract->name, contract->place.line);
	diagnostics_error(check->diagnostics, leaked->prefix->place, hint,
			  "%s of %s cannot be known in VRF %s, where %s has %s", prefix_text(leaked->prefix, text),
			  leaked->owner, check->model->vrfs[leaked->vrf].name, other->owner,
			  prefix_text(other->prefix, other_text));
	check->error = -EBADMSG;
}

static const struct item *find_conflict(const struct check *check, const struct item *leaked)
{
	const struct level *same = &check->levels[check->depth - 1];

	for (size_t i = 0; i < check->depth; i++) {
		if (check->levels[i].subnet)
			return check->levels[i].subnet;
	}
	if (same->claim)
		return same->claim;
	return same->leak && same->leak->leak->leaf != leaked->leak->leaf ? same->leak : NULL;
}

static void check_subnet(struct check *check, const struct item *subnet)
{
	for (size_t i = 0; i < check->depth; i++) {
		if (check->levels[i].inner_leak)
			report(check, check->levels[i].inner_leak, subnet);
	}
}

/*
 * The longest prefix answers, and an external group's would hide from endpoints within it that their addresses belong
 * to another group than their interfaces.
 */
static void check_external(struct check *check, const struct item *external)
{
	char text[PREFIX_TEXT_MAX], other_text[PREFIX_TEXT_MAX], hint[EPG_NAME_MAX + 128];

	for (size_t i = 0; i + 1 < check->depth; i++) {
		const struct item *member = check->levels[i].member;

		if (!member)
			continue;
		snprintf(hint, sizeof(hint), "write the match of %s, line %u, without these addresses", member->owner,
			 member->prefix->place.line);
		diagnostics_error(check->diagnostics, external->prefix->place, hint,
				  "%s of the outside lies within %s, which belongs to %s",
				  prefix_text(external->prefix, text), prefix_text(member->prefix, other_text),
				  member->owner);
		check->error = -EBADMSG;
		return;
	}
}

static void set_first(const struct item **first, const struct item *item)
{
	if (!*first)
		*first = item;
}

static void check_item(struct check *check, const struct item *item)
{
	struct level *level;

	while (check->depth && !contains(check->levels[check->depth - 1].around, item))
		check->depth--;
	if (!check->depth || check->levels[check->depth - 1].around->prefix->length != item->prefix->length)
		check->levels[check->depth++] = (struct level){.around = item};
	level = &check->levels[check->depth - 1];
	switch (item->kind) {
	case KIND_SUBNET:
		check_subnet(check, item);
		set_first(&level->subnet, item);
		break;
	case KIND_CLAIM:
		if (!item->member)
			check_external(check, item);
		set_first(&level->claim, item);
		set_first(&level->member, item->member ? item : level->member);
		break;
	case KIND_LEAK:
		if (find_conflict(check, item))
			report(check, item, find_conflict(check, item));
		if (item->leak->external)
			check_external(check, item);
		set_first(&level->leak, item);
		if (!item->leak->external)
			set_first(&level->inner_leak, item);
		break;
	}
}

int prefix_check(const struct model *model, const struct leaks *leaks, struct epg_diagnostics *diagnostics)
{
	AUTO_FREE struct item *items = array_new(count_items(model, leaks), sizeof(*items));
	struct check check = {.model = model, .diagnostics = diagnostics, .items = items};

	if (!items)
		return -ENOMEM;
	list_items(&check, leaks);
	if (check.n)
		qsort(items, check.n, sizeof(*items), compare_items);
	for (size_t i = 0; i < check.n; i++)
		check_item(&check, &items[i]);
	return check.error;
}
