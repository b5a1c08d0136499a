// SPDX-License-Identifier: GPL-2.0-only
#include "parties.h"

#include <fnmatch.h>
#include <string.h>

static bool is_ipv4(const uint8_t address[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(address, mapped, sizeof(mapped)) == 0;
}

static bool contains(const struct model_prefix *prefix, const uint8_t address[16])
{
	if (prefix->ipv4 != is_ipv4(address))
		return false;
	for (unsigned int bit = 0; bit < prefix->length; bit++) {
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		if ((prefix->address[bit / 8] ^ address[bit / 8]) & mask)
			return false;
	}
	return true;
}

/* ---- endpoints ---- */

static bool owns(const struct model_endpoint *endpoint, const uint8_t address[16])
{
	for (size_t i = 0; i < endpoint->n_ips; i++)
		if (memcmp(endpoint->ips[i].address, address, 16) == 0)
			return true;
	return false;
}

const struct model_endpoint *reference_owner(const struct model *model, uint32_t vrf, const uint8_t address[16],
					     const struct model_group **ret_group)
{
	for (size_t i = 0; i < model->n_groups; i++) {
		const struct model_group *group = &model->groups[i];

		for (size_t j = 0; group->vrf == vrf && j < group->n_endpoints; j++) {
			if (owns(&group->endpoints[j], address)) {
				*ret_group = group;
				return &group->endpoints[j];
			}
		}
	}
	*ret_group = NULL;
	return NULL;
}

static bool is_earlier(struct place place, struct place other)
{
	return place.line < other.line || (place.line == other.line && place.column < other.column);
}

static const struct model_group *member_by_glob(const struct model *model, const char *interface)
{
	const struct model_group *found = NULL;
	struct place first = {0};

	for (size_t i = 0; i < model->n_groups; i++) {
		const struct model_group *group = &model->groups[i];

		for (size_t j = 0; j < group->n_matches; j++) {
			const struct model_match *match = &group->matches[j];

			if (model_match_is_prefix(match) || model_match_is_behind(match) ||
			    fnmatch(match->interface, interface, 0) != 0)
				continue;
			if (!found || is_earlier(match->place, first)) {
				found = group;
				first = match->place;
			}
		}
	}
	return found;
}

const struct model_group *reference_member(const struct model *model, const char *interface,
					   const struct model_endpoint **ret_endpoint)
{
	for (size_t i = 0; i < model->n_groups; i++) {
		const struct model_group *group = &model->groups[i];

		for (size_t j = 0; j < group->n_endpoints; j++) {
			if (strcmp(group->endpoints[j].interface, interface) == 0) {
				*ret_endpoint = &group->endpoints[j];
				return group;
			}
		}
	}
	*ret_endpoint = NULL;
	return member_by_glob(model, interface);
}

enum epg_reason parties_may_use(const struct model *model, const struct model_group *group,
				const struct model_endpoint *endpoint, const uint8_t address[16])
{
	const struct model_bridge_domain *domain = &model->bridge_domains[group->bridge_domain];
	const struct model_group *owner_group;
	const struct model_endpoint *owner = reference_owner(model, group->vrf, address, &owner_group);
	bool link_local = address[0] == 0xfe && (address[1] & 0xc0) == 0x80;

	if (owner)
		return owner == endpoint ? EPG_REASON_NONE : EPG_REASON_SPOOFED_ADDRESS;
	if (link_local)
		return EPG_REASON_NONE;
	if (endpoint && endpoint->n_ips > 0)
		return EPG_REASON_SPOOFED_ADDRESS;
	for (size_t i = 0; i < domain->n_subnets; i++)
		if (contains(&domain->subnets[i], address))
			return EPG_REASON_NONE;
	return EPG_REASON_OUTSIDE_SUBNET;
}

const struct model_group *parties_of_mac(const struct model *model, uint32_t bridge_domain, const uint8_t mac[6])
{
	for (size_t i = 0; i < model->n_groups; i++) {
		const struct model_group *group = &model->groups[i];

		for (size_t j = 0; group->bridge_domain == bridge_domain && j < group->n_endpoints; j++)
			if (group->endpoints[j].has_mac && memcmp(group->endpoints[j].mac, mac, 6) == 0)
				return group;
	}
	return NULL;
}

/* ---- contracts ---- */

static bool lists(const struct model_contract_use *uses, size_t n, uint32_t contract)
{
	for (size_t i = 0; i < n; i++)
		if (uses[i].contract == contract)
			return true;
	return false;
}

/* By itself, or by inheritance from a group that does. */
static bool group_uses(const struct model *model, const struct model_group *group, bool consume, uint32_t contract)
{
	if (lists(consume ? group->consume : group->provide, consume ? group->n_consume : group->n_provide, contract))
		return true;
	for (size_t i = 0; i < group->n_inherit; i++)
		if (group_uses(model, &model->groups[group->inherit[i].group], consume, contract))
			return true;
	return false;
}

static bool party_uses(const struct model *model, const struct party *party, bool consume, uint32_t contract)
{
	const struct model_vrf *vrf = &model->vrfs[party->vrf];

	if (!party->any)
		return group_uses(model, party->group, consume, contract);
	return lists(consume ? vrf->consume : vrf->provide, consume ? vrf->n_consume : vrf->n_provide, contract);
}

static uint32_t tenant_of(const struct model *model, const struct party *party)
{
	return party->any ? model->vrfs[party->vrf].tenant : party->group->tenant;
}

/* Groups of different VRFs never talk under the two narrow scopes, even within one application profile. */
static bool in_scope(const struct model *model, enum model_scope scope, const struct party *consumer,
		     const struct party *provider)
{
	switch (scope) {
	case MODEL_SCOPE_APPLICATION_PROFILE:
		if (consumer->any || provider->any || consumer->group->external || provider->group->external)
			return false;
		return consumer->vrf == provider->vrf && consumer->group->app_profile == provider->group->app_profile;
	case MODEL_SCOPE_VRF:
		return consumer->vrf == provider->vrf;
	case MODEL_SCOPE_TENANT:
		return tenant_of(model, consumer) == tenant_of(model, provider);
	case MODEL_SCOPE_GLOBAL:
		return true;
	}
	return false;
}

bool parties_bound(const struct model *model, uint32_t contract, const struct party *consumer,
		   const struct party *provider)
{
	return party_uses(model, consumer, true, contract) && party_uses(model, provider, false, contract) &&
	       in_scope(model, model->contracts[contract].scope, consumer, provider);
}

/* Does any contract bind the party to a group of the VRF, or to all of them? */
static bool bound_to_vrf(const struct model *model, const struct party *party, uint32_t vrf)
{
	for (uint32_t contract = 0; contract < model->n_contracts; contract++) {
		struct party other = {.vrf = vrf, .any = true};

		if (parties_bound(model, contract, party, &other) || parties_bound(model, contract, &other, party))
			return true;
		for (size_t i = 0; i < model->n_groups; i++) {
			other = (struct party){.group = &model->groups[i], .vrf = vrf};
			if (model->groups[i].vrf == vrf && (parties_bound(model, contract, party, &other) ||
							    parties_bound(model, contract, &other, party)))
				return true;
		}
	}
	return false;
}

/* ---- addresses ---- */

/* The longest prefix so far that contains an address, and what it says. */
struct longest {
	const uint8_t *address;
	int length; /* -1: none yet */
	const struct model_group *group;
	uint32_t vrf; /* where the owner is to be looked for; MODEL_NONE: it is `group` */
};

static void try_prefix(struct longest *longest, const struct model_prefix *prefix, const struct model_group *group,
		       uint32_t vrf)
{
	if (!contains(prefix, longest->address) || prefix->length <= longest->length)
		return;
	longest->length = prefix->length;
	longest->group = group;
	longest->vrf = vrf;
}

/* `vrf` as of struct longest. */
static void try_matches(struct longest *longest, const struct model_group *group, uint32_t vrf)
{
	for (size_t i = 0; i < group->n_matches; i++)
		if (model_match_is_prefix(&group->matches[i]))
			try_prefix(longest, &group->matches[i].prefix, group, vrf);
}

static void try_subnets(struct longest *longest, const struct model_group *group, uint32_t vrf)
{
	for (size_t i = 0; i < group->n_subnets; i++)
		try_prefix(longest, &group->subnets[i], group, vrf);
}

static void try_domain(struct longest *longest, const struct model *model, uint32_t bridge_domain)
{
	const struct model_bridge_domain *domain = &model->bridge_domains[bridge_domain];

	for (size_t i = 0; i < domain->n_subnets; i++)
		try_prefix(longest, &domain->subnets[i], NULL, domain->vrf);
}

/*
 * What a VRF gets to know of another one: where contracts bind groups of both, the addresses of those groups; where
 * they bind all groups of the other one, those of its bridge domains, but not of its outside.
 */
static void try_other_vrf(struct longest *longest, const struct model *model, uint32_t vrf, uint32_t other)
{
	struct party any = {.vrf = other, .any = true};
	bool all = bound_to_vrf(model, &any, vrf);

	for (size_t i = 0; i < model->n_groups; i++) {
		const struct model_group *group = &model->groups[i];
		struct party party = {.group = group, .vrf = other};

		if (group->vrf != other || !((all && !group->external) || bound_to_vrf(model, &party, vrf)))
			continue;
		if (group->external) {
			try_subnets(longest, group, other);
		} else {
			try_matches(longest, group, other);
			try_domain(longest, model, group->bridge_domain);
		}
	}
	for (uint32_t i = 0; all && i < model->n_bridge_domains; i++)
		if (model->bridge_domains[i].vrf == other)
			try_domain(longest, model, i);
}

const struct model_group *parties_refine(const struct model *model, const struct model_group *bound,
					 const uint8_t address[16])
{
	struct longest longest = {.address = address, .length = -1, .group = bound};

	for (size_t i = 0; i < model->n_groups; i++)
		if (model->groups[i].vrf == bound->vrf)
			try_matches(&longest, &model->groups[i], MODEL_NONE);
	return longest.group;
}

/* By what the VRF has itself. */
static void try_own(struct longest *longest, const struct model *model, uint32_t vrf)
{
	for (size_t i = 0; i < model->n_groups; i++) {
		if (model->groups[i].vrf == vrf) {
			try_matches(longest, &model->groups[i], MODEL_NONE);
			try_subnets(longest, &model->groups[i], MODEL_NONE);
		}
	}
}

const struct model_group *parties_of_address(const struct model *model, uint32_t vrf, const uint8_t address[16])
{
	struct longest longest = {.address = address, .length = -1, .vrf = MODEL_NONE}, there = longest;
	const struct model_group *owner;

	if (reference_owner(model, vrf, address, &owner))
		return parties_refine(model, owner, address);
	try_own(&longest, model, vrf);
	for (uint32_t other = 0; other < model->n_vrfs; other++)
		if (other != vrf)
			try_other_vrf(&longest, model, vrf, other);
	if (longest.vrf == MODEL_NONE)
		return longest.group;
	if (reference_owner(model, longest.vrf, address, &owner))
		return parties_refine(model, owner, address);
	try_own(&there, model, longest.vrf);
	return there.group;
}
