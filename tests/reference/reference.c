// SPDX-License-Identifier: GPL-2.0-only
#include "reference.h"

#include <string.h>

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "facts.h"
#include "parties.h"

#define NEIGHBOR_SOLICITATION 135
#define NEIGHBOR_ADVERTISEMENT 136

/* ---- the search for the rule that decides ---- */

struct search {
	const struct model *model;
	const struct model_group *source;
	const struct model_group *destination;
	struct facts facts;
	bool audited; /* as if audited subjects were enforced */
	bool found;
	struct reference_rule best;
};

/* The lowest level; within it a deny before a permit; among equals the one that came first. */
static void consider(struct search *search, const struct reference_rule *rule)
{
	if (search->found) {
		if (rule->level > search->best.level)
			return;
		if (rule->level == search->best.level &&
		    !(rule->action == EPG_DENY && search->best.action == EPG_PERMIT))
			return;
	}
	search->found = true;
	search->best = *rule;
}

static struct reference_rule implicit_rule(enum epg_implicit_rule id, enum epg_level level, enum epg_verdict action)
{
	return (struct reference_rule){.level = level, .action = action, .implicit = true, .id = id};
}

static void consider_implicit(struct search *search, enum epg_implicit_rule id, enum epg_level level,
			      enum epg_verdict action)
{
	struct reference_rule rule = implicit_rule(id, level, action);

	consider(search, &rule);
}

static enum epg_level level_of(enum reference_role role, bool filtered)
{
	switch (role) {
	case REFERENCE_INTRA:
		return EPG_LEVEL_INTRA_CONTRACT;
	case REFERENCE_TABOO:
		return EPG_LEVEL_TABOO;
	case REFERENCE_PAIR:
		return filtered ? EPG_LEVEL_FILTERED : EPG_LEVEL_UNFILTERED;
	case REFERENCE_TO_ANY:
		return filtered ? EPG_LEVEL_TO_ANY_FILTERED : EPG_LEVEL_TO_ANY_UNFILTERED;
	case REFERENCE_FROM_ANY:
		return filtered ? EPG_LEVEL_FROM_ANY_FILTERED : EPG_LEVEL_FROM_ANY_UNFILTERED;
	case REFERENCE_ANY:
	case REFERENCE_ROLES:
		break;
	}
	return filtered ? EPG_LEVEL_ANY_FILTERED : EPG_LEVEL_ANY_UNFILTERED;
}

static enum epg_level level_of_deny(enum reference_role role, bool filtered, enum model_priority priority)
{
	if (role == REFERENCE_INTRA || role == REFERENCE_TABOO)
		return level_of(role, filtered);
	switch (priority) {
	case MODEL_PRIORITY_LEVEL3:
		return EPG_LEVEL_FILTERED;
	case MODEL_PRIORITY_LEVEL2:
		return role == REFERENCE_FROM_ANY ? EPG_LEVEL_FROM_ANY_FILTERED : EPG_LEVEL_TO_ANY_FILTERED;
	case MODEL_PRIORITY_LEVEL1:
		return EPG_LEVEL_ANY_FILTERED;
	case MODEL_PRIORITY_DEFAULT:
		break;
	}
	return level_of(role, filtered);
}

/* Does the contract bind the packet's groups in this role, with the packet going to its provider, or from it? */
static bool role_binds(const struct search *search, uint32_t contract, enum reference_role role, bool opposite)
{
	bool from_any = role == REFERENCE_FROM_ANY || role == REFERENCE_ANY;
	bool to_any = role == REFERENCE_TO_ANY || role == REFERENCE_ANY;
	struct party source = {search->source, search->source->vrf, from_any};
	struct party destination = {search->destination, search->destination->vrf, to_any};

	if (role == REFERENCE_INTRA) {
		for (size_t i = 0; i < search->source->n_intra; i++)
			if (search->source->intra[i].contract == contract)
				return search->source == search->destination;
		return false;
	}
	if (search->source == search->destination)
		return false;
	return parties_bound(search->model, contract, opposite ? &destination : &source,
			     opposite ? &source : &destination);
}

/* Whether, and how, an entry says something about packets from the provider. */
static bool opposite_matches(const struct search *search, const struct model_subject *subject,
			     const struct model_entry *entry)
{
	if (!subject->both_directions)
		return false;
	if (!subject->reverse_ports)
		return facts_match(entry, &search->facts);
	/* The replies of a stateful entry follow its flows. */
	return !entry->stateful && facts_match_opposite(entry, &search->facts);
}

static void try_entry(struct search *search, uint32_t contract, const struct model_subject *subject,
		      const struct model_filter_use *use, const struct model_entry *entry)
{
	const bool forward = facts_match(entry, &search->facts);
	const bool backward = opposite_matches(search, subject, entry);
	struct reference_rule rule = {
		.action = use->deny ? EPG_DENY : EPG_PERMIT,
		.contract = &search->model->contracts[contract],
		.subject = subject,
		.filter = &search->model->filters[use->filter],
		.entry = entry,
	};

	for (rule.role = REFERENCE_PAIR; rule.role < REFERENCE_TABOO; rule.role++) {
		rule.level = use->deny ? level_of_deny(rule.role, entry->filtered, use->priority)
				       : level_of(rule.role, entry->filtered);
		rule.opposite = false;
		if (forward && role_binds(search, contract, rule.role, false))
			consider(search, &rule);
		rule.opposite = true;
		if (backward && role_binds(search, contract, rule.role, true))
			consider(search, &rule);
	}
}

static void try_contracts(struct search *search)
{
	for (uint32_t i = 0; i < search->model->n_contracts; i++) {
		const struct model_contract *contract = &search->model->contracts[i];

		for (size_t j = 0; j < contract->n_subjects; j++) {
			const struct model_subject *subject = &contract->subjects[j];

			for (size_t k = 0; k < subject->n_filters; k++) {
				const struct model_filter *filter = &search->model->filters[subject->filters[k].filter];

				for (size_t l = 0; l < filter->n_entries && (!subject->audit || search->audited); l++)
					try_entry(search, i, subject, &subject->filters[k], &filter->entries[l]);
			}
		}
	}
}

static void try_taboo(struct search *search, const struct model_taboo *taboo)
{
	for (size_t i = 0; i < taboo->n_filters; i++) {
		const struct model_filter *filter = &search->model->filters[taboo->filters[i].filter];

		for (size_t j = 0; j < filter->n_entries; j++) {
			struct reference_rule rule = {
				.level = EPG_LEVEL_TABOO,
				.action = EPG_DENY,
				.taboo = taboo,
				.filter = filter,
				.entry = &filter->entries[j],
				.role = REFERENCE_TABOO,
			};

			if (facts_match(&filter->entries[j], &search->facts))
				consider(search, &rule);
		}
	}
}

/* In the order in which taboos stand in the file, whatever the order of the group's list. */
static void try_taboos(struct search *search)
{
	for (uint32_t i = 0; i < search->model->n_taboos; i++)
		for (size_t j = 0; j < search->destination->n_taboos; j++)
			if (search->destination->taboos[j].taboo == i)
				try_taboo(search, &search->model->taboos[i]);
}

/* Isolation, or a contract of its own, which is a list of all that may be said; an audited one only would be. */
static bool is_isolated(const struct search *search)
{
	const struct model_group *group = search->source;

	if (group->isolated)
		return true;
	for (size_t i = 0; i < group->n_intra; i++) {
		const struct model_contract *contract = &search->model->contracts[group->intra[i].contract];
		bool enforced = contract->n_subjects == 0;

		for (size_t j = 0; j < contract->n_subjects; j++)
			enforced |= !contract->subjects[j].audit;
		if (enforced || search->audited)
			return true;
	}
	return false;
}

static void try_within_group(struct search *search)
{
	if (is_isolated(search))
		consider_implicit(search, EPG_RULE_ISOLATION, EPG_LEVEL_ISOLATION, EPG_DENY);
	consider_implicit(search, EPG_RULE_INTRA_EPG, EPG_LEVEL_INTRA_EPG, EPG_PERMIT);
}

static void try_between_groups(struct search *search)
{
	bool same_vrf = search->source->vrf == search->destination->vrf;

	if (same_vrf && search->model->vrfs[search->source->vrf].preferred_group) {
		if (!search->source->preferred_member)
			consider_implicit(search, EPG_RULE_SOURCE_NOT_PREFERRED, EPG_LEVEL_SOURCE_NOT_PREFERRED,
					  EPG_DENY);
		else if (!search->destination->preferred_member)
			consider_implicit(search, EPG_RULE_DESTINATION_NOT_PREFERRED,
					  EPG_LEVEL_DESTINATION_NOT_PREFERRED, EPG_DENY);
		else
			consider_implicit(search, EPG_RULE_PREFERRED_GROUP, EPG_LEVEL_ANY_UNFILTERED, EPG_PERMIT);
	}
	consider_implicit(search, EPG_RULE_IMPLICIT_DENY, EPG_LEVEL_IMPLICIT, EPG_DENY);
	try_taboos(search);
}

static struct reference_rule find_rule(struct search search, bool audited)
{
	search.audited = audited;
	if (search.source == search.destination && !search.source->external)
		try_within_group(&search);
	else
		try_between_groups(&search);
	try_contracts(&search);
	return search.best;
}

/* ---- answers ---- */

static void answer_denied(struct reference_answer *answer, enum epg_reason reason)
{
	answer->verdict = EPG_DENY;
	answer->reason = reason;
	answer->level = EPG_LEVEL_IMPLICIT;
}

static void answer_by_rule(struct reference_answer *answer, const struct reference_rule *rule)
{
	answer->has_rule = true;
	answer->rule = *rule;
	answer->level = rule->level;
	answer->verdict = rule->action;
	answer->reason = EPG_REASON_NONE;
	if (rule->action == EPG_DENY)
		answer->reason = rule->implicit && rule->id == EPG_RULE_IMPLICIT_DENY ? EPG_REASON_IMPLICIT_DENY
										      : EPG_REASON_DENIED;
}

static void answer_permitted(struct reference_answer *answer, enum epg_implicit_rule id)
{
	struct reference_rule rule = implicit_rule(id, EPG_LEVEL_INFRASTRUCTURE, EPG_PERMIT);

	answer_by_rule(answer, &rule);
}

/* Both sides are found, or not: `vrf` is that of the hook's endpoint. */
static void decide_between(const struct model *model, const struct reference_packet *packet, uint32_t vrf,
			   struct reference_answer *answer)
{
	struct search search = {
		.model = model,
		.source = answer->source,
		.destination = answer->destination,
		.facts = facts_of(packet),
	};
	struct reference_rule rule;

	if (!model->vrfs[vrf].enforced) {
		answer_permitted(answer, EPG_RULE_UNENFORCED);
		return;
	}
	if (!search.source || !search.destination) {
		answer_denied(answer, search.source ? EPG_REASON_UNKNOWN_DESTINATION : EPG_REASON_UNKNOWN_SOURCE);
		return;
	}
	rule = find_rule(search, false);
	answer_by_rule(answer, &rule);
	/* Its ports, which another fragment has shown, might have had a permit. */
	if (answer->reason == EPG_REASON_IMPLICIT_DENY && search.facts.later_fragment)
		answer->reason = EPG_REASON_FRAGMENT;
	rule = find_rule(search, true);
	answer->has_audited = rule.action != answer->verdict;
	answer->audited = rule;
}

/* ---- kinds of packets ---- */

/* ARP and neighbour discovery: a matter of the bridge domain, unless that asks for contracts between its endpoints. */
static void decide_resolution(const struct model *model, const struct reference_packet *packet,
			      const struct model_endpoint *endpoint, struct reference_answer *answer)
{
	const struct model_bridge_domain *domain = &model->bridge_domains[answer->source->bridge_domain];
	bool solicits = packet->ether_type == ETH_P_ARP || packet->icmp_type == NEIGHBOR_SOLICITATION;
	const uint8_t *whom = solicits ? packet->target : packet->destination;
	const struct model_group *owner;
	const struct model_endpoint *owning = reference_owner(model, domain->vrf, whom, &owner);

	if (!domain->arp_contract || !owning || owning == endpoint) {
		answer_permitted(answer, EPG_RULE_INFRASTRUCTURE);
		return;
	}
	answer->source = parties_refine(model, answer->source, packet->source);
	answer->destination = parties_refine(model, owner, whom);
	decide_between(model, packet, domain->vrf, answer);
}

static bool is_resolution(const struct reference_packet *packet)
{
	if (packet->ether_type == ETH_P_ARP)
		return true;
	return packet->ether_type == ETH_P_IPV6 && packet->protocol == IPPROTO_ICMPV6 &&
	       packet->fragment == EPG_FRAGMENT_NONE &&
	       (packet->icmp_type == NEIGHBOR_SOLICITATION || packet->icmp_type == NEIGHBOR_ADVERTISEMENT);
}

static void decide_from_endpoint(const struct model *model, const struct reference_packet *packet,
				 const struct model_endpoint *endpoint, struct reference_answer *answer)
{
	const struct model_group *bound = answer->source;
	enum epg_reason reason;

	if (endpoint && endpoint->has_mac && memcmp(endpoint->mac, packet->source_mac, 6) != 0) {
		answer_denied(answer, EPG_REASON_SPOOFED_MAC);
		return;
	}
	if (!facts_is_ip(packet) && packet->ether_type != ETH_P_ARP) {
		answer->destination = parties_of_mac(model, bound->bridge_domain, packet->destination_mac);
		decide_between(model, packet, bound->vrf, answer);
		return;
	}
	reason = parties_may_use(model, bound, endpoint, packet->source);
	if (reason) {
		answer_denied(answer, reason);
		return;
	}
	if (is_resolution(packet)) {
		decide_resolution(model, packet, endpoint, answer);
		return;
	}
	answer->source = parties_refine(model, bound, packet->source);
	answer->destination = parties_of_address(model, bound->vrf, packet->destination);
	decide_between(model, packet, bound->vrf, answer);
}

/* From an address that no endpoint owns, to the endpoint of the hook. */
static void decide_from_outside(const struct model *model, const struct reference_packet *packet,
				const struct model_endpoint *endpoint, struct reference_answer *answer)
{
	const struct model_group *bound = answer->destination, *owner;
	const struct model_endpoint *owning = reference_owner(model, bound->vrf, packet->destination, &owner);

	if (reference_owner(model, bound->vrf, packet->source, &owner)) {
		answer_denied(answer, EPG_REASON_SPOOFED_ADDRESS);
	} else if (!owning && model->vrfs[bound->vrf].enforced) {
		answer_denied(answer, EPG_REASON_UNKNOWN_DESTINATION);
	} else if (owning && owning != endpoint) {
		answer_denied(answer, EPG_REASON_MISDIRECTED);
	} else {
		answer->source = parties_of_address(model, bound->vrf, packet->source);
		answer->destination = parties_refine(model, bound, packet->destination);
		decide_between(model, packet, bound->vrf, answer);
	}
}

void reference_decide(const struct model *model, const struct reference_packet *packet, struct reference_answer *ret)
{
	const struct model_endpoint *endpoint;
	const struct model_group *bound = reference_member(model, packet->interface, &endpoint);

	*ret = (struct reference_answer){0};
	if (!bound) {
		answer_denied(ret, EPG_REASON_QUARANTINE);
	} else if (packet->from_outside) {
		ret->destination = bound;
		decide_from_outside(model, packet, endpoint, ret);
	} else {
		ret->source = bound;
		decide_from_endpoint(model, packet, endpoint, ret);
	}
}
