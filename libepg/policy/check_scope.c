/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Contracts that bind nobody: with an end missing, or with no two ends within their scope. */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/util.h"
#include "policy/read.h"

enum side {
	SIDE_PROVIDER,
	SIDE_CONSUMER,
	SIDES
};

static const char *const side_names[SIDES] = {"provider", "consumer"};

/* Who is at the ends of a contract, in all or within one domain. */
struct ends {
	size_t n[SIDES];
	uint32_t first[SIDES]; /* id of a party */
};

/* Where a contract binds: parties of the same key find each other. Compared as bytes. */
struct domain {
	uint32_t contract;
	uint32_t vrf;   /* 0 where the scope does not ask for it, else index + 1; the others too */
	uint32_t other; /* application profile or tenant */
};

/* A group, or the vzAny of a VRF. */
struct party {
	uint32_t id; /* groups first, then VRFs */
	uint32_t tenant;
	uint32_t vrf;
	uint32_t app_profile; /* MODEL_NONE: in none */
	bool any;
	struct place place;
	const struct model_contract_use *uses[SIDES];
	size_t n_uses[SIDES];
};

struct scopes {
	struct reader *reader;
	const struct model *model;
	struct ends *ends;           /* by contract */
	bool *intra;                 /* by contract: some group has it within itself */
	struct string_index domains; /* struct domain; values are indices into domain_ends */
	struct ends *domain_ends;
	size_t domains_capacity;
};

static const char *short_name(const char *full_name)
{
	return strrchr(full_name, '/') + 1;
}

static size_t n_parties(const struct model *model)
{
	return model->n_groups + model->n_vrfs;
}

static struct party party_of_group(const struct model *model, uint32_t index)
{
	const struct model_group *group = &model->groups[index];

	return (struct party){
		.id = index,
		.tenant = group->tenant,
		.vrf = group->vrf,
		.app_profile = group->app_profile,
		.place = group->place,
		.uses = {group->provide, group->consume},
		.n_uses = {group->n_provide, group->n_consume},
	};
}

static struct party party_of_vrf(const struct model *model, uint32_t index)
{
	const struct model_vrf *vrf = &model->vrfs[index];

	return (struct party){
		.id = (uint32_t)model->n_groups + index,
		.tenant = vrf->tenant,
		.vrf = index,
		.app_profile = MODEL_NONE,
		.any = true,
		.place = vrf->place,
		.uses = {vrf->provide, vrf->consume},
		.n_uses = {vrf->n_provide, vrf->n_consume},
	};
}

static struct party party_at(const struct model *model, uint32_t id)
{
	return id < model->n_groups ? party_of_group(model, id) : party_of_vrf(model, id - (uint32_t)model->n_groups);
}

/* ---- who finds whom ---- */

/* False where the contract does not bind the party at all. */
static bool find_domain(const struct scopes *scopes, const struct party *party, uint32_t contract, struct domain *ret)
{
	*ret = (struct domain){.contract = contract};
	switch (scopes->model->contracts[contract].scope) {
	case MODEL_SCOPE_APPLICATION_PROFILE:
		ret->vrf = party->vrf + 1;
		ret->other = party->app_profile + 1;
		return party->app_profile != MODEL_NONE;
	case MODEL_SCOPE_VRF:
		ret->vrf = party->vrf + 1;
		return true;
	case MODEL_SCOPE_TENANT:
		ret->other = party->tenant + 1;
		return true;
	case MODEL_SCOPE_GLOBAL:
		return true;
	}
	return false;
}

/* The ends within a domain, new ones where there are none yet. NULL without memory. */
static struct ends *ends_within(struct scopes *scopes, const struct domain *domain, struct place place)
{
	struct string_index *domains = &scopes->domains;
	const struct string_index_entry *found = string_index_find(domains, domain, sizeof(*domain));
	size_t index = domains->n_entries;
	const char *key;

	if (found)
		return &scopes->domain_ends[found->value];
	key = arena_string(scopes->reader->arena, (const char *)domain, sizeof(*domain));
	if (!key ||
	    array_reserve(&scopes->domain_ends, &scopes->domains_capacity, index + 1, sizeof(*scopes->domain_ends)) ||
	    string_index_add(domains, key, sizeof(*domain), (uint32_t)index, place, NULL)) {
		scopes->reader->out_of_memory = true;
		return NULL;
	}
	scopes->domain_ends[index] = (struct ends){0};
	return &scopes->domain_ends[index];
}

static void add_end(struct ends *ends, enum side side, uint32_t party)
{
	if (ends->n[side]++ == 0)
		ends->first[side] = party;
}

static void collect_uses(struct scopes *scopes, const struct party *party, enum side side)
{
	for (size_t i = 0; i < party->n_uses[side]; i++) {
		uint32_t contract = party->uses[side][i].contract;
		struct domain domain;
		struct ends *ends;

		add_end(&scopes->ends[contract], side, party->id);
		if (!find_domain(scopes, party, contract, &domain))
			continue;
		ends = ends_within(scopes, &domain, party->place);
		if (ends)
			add_end(ends, side, party->id);
	}
}

static void collect(struct scopes *scopes)
{
	const struct model *model = scopes->model;

	for (uint32_t id = 0; id < n_parties(model); id++) {
		struct party party = party_at(model, id);

		collect_uses(scopes, &party, SIDE_PROVIDER);
		collect_uses(scopes, &party, SIDE_CONSUMER);
	}
	for (size_t i = 0; i < model->n_groups; i++)
		for (size_t j = 0; j < model->groups[i].n_intra; j++)
			scopes->intra[model->groups[i].intra[j].contract] = true;
}

/* ---- what is told ---- */

static void tell_no_profile(const struct scopes *scopes, const struct party *party,
			    const struct model_contract_use *use)
{
	const char *name = short_name(scopes->model->contracts[use->contract].name);
	struct epg_diagnostics *diagnostics = scopes->reader->diagnostics;
	const char *hint = "the contract has scope: application-profile";

	if (party->any)
		diagnostics_lint(diagnostics, EPG_LINT_SCOPE_EXCLUDES, use->place, hint,
				 "contract \"%s\" does not bind vzAny: a VRF is in no application profile", name);
	else
		diagnostics_lint(diagnostics, EPG_LINT_SCOPE_EXCLUDES, use->place, hint,
				 "contract \"%s\" does not bind this EPG: an external EPG is in no application profile",
				 name);
}

static void tell_nobody(const struct scopes *scopes, const struct party *party, const struct model_contract_use *use,
			enum side other, bool itself)
{
	static const struct {
		const char *where, *hint;
	} texts[] = {
		[MODEL_SCOPE_APPLICATION_PROFILE] = {"is in the same application profile",
						     "the contract has scope: application-profile"},
		[MODEL_SCOPE_VRF] = {"is in the same VRF", "the contract has scope: vrf"},
		[MODEL_SCOPE_TENANT] = {"is in the same tenant", "the contract has scope: tenant"},
		[MODEL_SCOPE_GLOBAL] = {"exists", NULL},
	};
	const struct model_contract *contract = &scopes->model->contracts[use->contract];

	diagnostics_lint(scopes->reader->diagnostics, EPG_LINT_SCOPE_EXCLUDES, use->place,
			 itself ? "for contracts within an EPG there is intraEpg: {contracts: […]}"
				: texts[contract->scope].hint,
			 "contract \"%s\" does not bind %s: no %s%s of it %s", short_name(contract->name),
			 party->any ? "vzAny" : "this EPG", itself ? "other " : "", side_names[other],
			 texts[contract->scope].where);
}

/* Warns where nobody at the other end is within the contract's scope. */
static void check_use(struct scopes *scopes, const struct party *party, const struct model_contract_use *use,
		      enum side other)
{
	const struct ends *ends;
	struct domain domain;
	bool itself;

	if (scopes->ends[use->contract].n[other] == 0) /* told at the contract */
		return;
	if (!find_domain(scopes, party, use->contract, &domain)) {
		tell_no_profile(scopes, party, use);
		return;
	}
	ends = ends_within(scopes, &domain, party->place);
	if (!ends)
		return;
	itself = !party->any && ends->n[other] == 1 && ends->first[other] == party->id;
	if (ends->n[other] == 0 || itself)
		tell_nobody(scopes, party, use, other, itself);
}

static void check_parties(struct scopes *scopes)
{
	for (uint32_t id = 0; id < n_parties(scopes->model); id++) {
		struct party party = party_at(scopes->model, id);

		for (size_t i = 0; i < party.n_uses[SIDE_CONSUMER]; i++)
			check_use(scopes, &party, &party.uses[SIDE_CONSUMER][i], SIDE_PROVIDER);
		for (size_t i = 0; i < party.n_uses[SIDE_PROVIDER]; i++)
			check_use(scopes, &party, &party.uses[SIDE_PROVIDER][i], SIDE_CONSUMER);
	}
}

static void check_contracts(const struct scopes *scopes)
{
	for (size_t i = 0; i < scopes->model->n_contracts; i++) {
		const struct model_contract *contract = &scopes->model->contracts[i];
		const size_t *n = scopes->ends[i].n;
		const char *missing = n[SIDE_PROVIDER] == 0 && n[SIDE_CONSUMER] == 0 ? "neither provider nor consumer"
				      : n[SIDE_PROVIDER] == 0                        ? "no provider"
										     : "no consumer";
		enum epg_lint_code code = n[SIDE_PROVIDER] == 0 && n[SIDE_CONSUMER] == 0 ? EPG_LINT_CONTRACT_UNUSED
					  : n[SIDE_PROVIDER] == 0 ? EPG_LINT_CONTRACT_WITHOUT_PROVIDER
								  : EPG_LINT_CONTRACT_WITHOUT_CONSUMER;

		if (scopes->intra[i] || (n[SIDE_PROVIDER] > 0 && n[SIDE_CONSUMER] > 0))
			continue;
		diagnostics_lint(scopes->reader->diagnostics, code, contract->place, "it permits nothing",
				 "contract \"%s\" has %s", short_name(contract->name), missing);
	}
}

void read_check_scopes(struct reader *reader)
{
	const struct model *model = reader->model;
	AUTO_FREE struct ends *ends = array_new(model->n_contracts, sizeof(*ends));
	AUTO_FREE bool *intra = array_new(model->n_contracts, sizeof(*intra));
	struct scopes scopes = {.reader = reader, .model = model, .ends = ends, .intra = intra};

	if (!ends || !intra) {
		reader->out_of_memory = true;
		return;
	}
	collect(&scopes);
	if (!reader->out_of_memory) {
		check_parties(&scopes);
		check_contracts(&scopes);
	}
	string_index_clear(&scopes.domains);
	free(scopes.domain_ends);
}
