/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What can only be said of a policy as a whole: who is bound by which contract, and what is of no use. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "policy/read.h"
#include "base/util.h"

/* Entries looked at in search of repetitions between the filters of a subject: a bound for hostile files. */
#define REPETITIONS_MAX 4000000

/* The EPGs at both ends of one contract. */
struct ends {
	size_t providers;
	size_t consumers;
	uint32_t provider;       /* the first one */
	uint32_t other_provider; /* the first one in another VRF than the first; MODEL_NONE: there is none */
};

/* Where a contract binds: EPGs of the same key find each other. Compared as bytes. */
struct domain {
	uint32_t contract;
	uint32_t vrf;
	uint32_t app_profile; /* 0 where the scope does not ask for it, else index + 1 */
};

struct checker {
	struct reader *reader;
	const struct model *model;
	struct ends *ends;            /* by contract */
	struct string_index provided; /* struct domain */
	struct string_index consumed;
	size_t repetitions;
};

static const char *short_name(const char *full_name)
{
	return strrchr(full_name, '/') + 1;
}

/* ---- who finds whom ---- */

static bool joins_vrfs(const struct model_contract *contract)
{
	return contract->scope == MODEL_SCOPE_TENANT || contract->scope == MODEL_SCOPE_GLOBAL;
}

/* False where the contract binds nobody: an external EPG is in no application profile. */
static bool find_domain(const struct checker *checker, const struct model_group *group, uint32_t contract,
			struct domain *ret)
{
	bool by_profile = checker->model->contracts[contract].scope == MODEL_SCOPE_APPLICATION_PROFILE;

	if (by_profile && group->external)
		return false;
	*ret = (struct domain){contract, group->vrf, by_profile ? group->app_profile + 1 : 0};
	return true;
}

static void add_domain(struct checker *checker, struct string_index *index, const struct model_group *group,
		       uint32_t contract)
{
	struct domain domain;
	const char *key;

	if (!find_domain(checker, group, contract, &domain) || string_index_find(index, &domain, sizeof(domain)))
		return;
	key = arena_string(checker->reader->arena, (const char *)&domain, sizeof(domain));
	if (!key || string_index_add(index, key, sizeof(domain), 0, group->place, NULL))
		checker->reader->out_of_memory = true;
}

static void add_provider(struct checker *checker, uint32_t group, uint32_t contract)
{
	struct ends *ends = &checker->ends[contract];
	const struct model_group *groups = checker->model->groups;

	if (ends->providers++ == 0)
		ends->provider = group;
	else if (ends->other_provider == MODEL_NONE && groups[group].vrf != groups[ends->provider].vrf)
		ends->other_provider = group;
}

static void collect_ends(struct checker *checker)
{
	const struct model *model = checker->model;

	for (size_t i = 0; i < model->n_contracts; i++)
		checker->ends[i].other_provider = MODEL_NONE;
	for (uint32_t i = 0; i < model->n_groups; i++) {
		const struct model_group *group = &model->groups[i];

		for (size_t j = 0; j < group->n_provide; j++) {
			add_provider(checker, i, group->provide[j].contract);
			add_domain(checker, &checker->provided, group, group->provide[j].contract);
		}
		for (size_t j = 0; j < group->n_consume; j++) {
			checker->ends[group->consume[j].contract].consumers++;
			add_domain(checker, &checker->consumed, group, group->consume[j].contract);
		}
	}
}

/* A provider in another VRF than the consumer; NULL where there is none. */
static const struct model_group *foreign_provider(const struct checker *checker, const struct model_group *consumer,
						  const struct ends *ends)
{
	const struct model_group *groups = checker->model->groups;

	if (ends->providers == 0)
		return NULL;
	if (groups[ends->provider].vrf != consumer->vrf)
		return &groups[ends->provider];
	return ends->other_provider == MODEL_NONE ? NULL : &groups[ends->other_provider];
}

static void check_vrfs(struct checker *checker, const struct model_group *consumer,
		       const struct model_contract_use *use)
{
	const struct model_contract *contract = &checker->model->contracts[use->contract];
	const struct model_group *provider = foreign_provider(checker, consumer, &checker->ends[use->contract]);
	const struct model_vrf *vrfs = checker->model->vrfs;

	if (!joins_vrfs(contract) || !provider || provider->vrf == MODEL_NONE || consumer->vrf == MODEL_NONE)
		return;
	diagnostics_error(
		checker->reader->diagnostics, use->place, "with scope: vrf, the contract binds only EPGs of one VRF",
		"not supported yet: contract \"%s\" joins EPGs of different VRFs: it is provided by %s in %s, "
		"and consumed in %s",
		short_name(contract->name), provider->name ? provider->name : "an EPG", vrfs[provider->vrf].name,
		vrfs[consumer->vrf].name);
}

/* Warns where nobody at the other end is within the contract's scope. */
static void check_scope(struct checker *checker, const struct model_group *group, const struct model_contract_use *use,
			const struct string_index *others, const char *other)
{
	const struct model_contract *contract = &checker->model->contracts[use->contract];
	bool by_profile = contract->scope == MODEL_SCOPE_APPLICATION_PROFILE;
	struct domain domain;

	if (group->vrf == MODEL_NONE)
		return;
	if (!find_domain(checker, group, use->contract, &domain))
		diagnostics_warning(
			checker->reader->diagnostics, use->place, "the contract has scope: application-profile",
			"contract \"%s\" does not bind this EPG: an external EPG is in no application profile",
			short_name(contract->name));
	else if (!string_index_find(others, &domain, sizeof(domain)))
		diagnostics_warning(checker->reader->diagnostics, use->place,
				    by_profile ? "the contract has scope: application-profile"
					       : "the contract has scope: vrf",
				    "contract \"%s\" does not bind this EPG: no %s of it is in the same %s",
				    short_name(contract->name), other, by_profile ? "application profile" : "VRF");
}

static void check_scopes(struct checker *checker, const struct model_group *group)
{
	for (size_t i = 0; i < group->n_consume; i++) {
		const struct model_contract_use *use = &group->consume[i];

		if (!joins_vrfs(&checker->model->contracts[use->contract]) &&
		    checker->ends[use->contract].providers > 0)
			check_scope(checker, group, use, &checker->provided, "provider");
	}
	for (size_t i = 0; i < group->n_provide; i++) {
		const struct model_contract_use *use = &group->provide[i];

		if (!joins_vrfs(&checker->model->contracts[use->contract]) &&
		    checker->ends[use->contract].consumers > 0)
			check_scope(checker, group, use, &checker->consumed, "consumer");
	}
}

/* An interface that is an endpoint needs no match, and if another group matches it, that is in vain. */
static void check_matches(struct checker *checker, const struct model_group *group)
{
	for (size_t i = 0; i < group->n_matches; i++) {
		const struct model_match *match = &group->matches[i];
		const struct string_index_entry *endpoint = NULL;
		char hint[SCHEMA_HINT_BYTES];

		if (match->interface)
			endpoint = string_index_find(&checker->reader->interfaces, match->interface,
						     strlen(match->interface));
		if (!endpoint)
			continue;
		snprintf(hint, sizeof(hint), "the interface is an endpoint in line %u", endpoint->place.line);
		diagnostics_warning(checker->reader->diagnostics, match->place, hint, "the match \"%s\" never decides",
				    match->interface);
	}
}

/* ---- what is of no use ---- */

static void check_contract(struct checker *checker, uint32_t index)
{
	const struct model_contract *contract = &checker->model->contracts[index];
	const struct ends *ends = &checker->ends[index];
	const char *missing = ends->providers == 0 && ends->consumers == 0 ? "neither provider nor consumer"
			      : ends->providers == 0                       ? "no provider"
									   : "no consumer";

	if (ends->providers > 0 && ends->consumers > 0)
		return;
	diagnostics_warning(checker->reader->diagnostics, contract->place, "it permits nothing",
			    "contract \"%s\" has %s", short_name(contract->name), missing);
}

/* Tells of a filter that repeats an entry of a filter before it in the same subject. */
static void check_repetition(struct checker *checker, const struct model_filter_use *use, struct string_index *matches)
{
	const struct model_filter *filter = &checker->model->filters[use->filter];

	checker->repetitions += filter->n_entries;
	for (size_t i = 0; i < filter->n_entries; i++) {
		const struct model_entry *entry = &filter->entries[i];
		const struct string_index_entry *first;
		char hint[SCHEMA_HINT_BYTES];
		size_t length;
		const void *match = read_entry_match(entry, &length);
		int error = string_index_add(matches, match, length, use->filter, entry->place, &first);

		checker->reader->out_of_memory |= error == -ENOMEM;
		if (error != -EEXIST || first->value == use->filter) /* within a filter it is told there */
			continue;
		snprintf(hint, sizeof(hint), "the entry in line %u comes first and matches the same",
			 first->place.line);
		diagnostics_warning(checker->reader->diagnostics, use->place, hint,
				    "entry \"%s\" of filter \"%s\" never decides here", entry->name,
				    short_name(filter->name));
	}
}

static void check_subject(struct checker *checker, const struct model_subject *subject, bool *used)
{
	struct string_index matches = {0};

	for (size_t i = 0; i < subject->n_filters; i++) {
		const struct model_filter_use *use = &subject->filters[i];

		used[use->filter] = true;
		if (subject->n_filters > 1 && checker->repetitions < REPETITIONS_MAX)
			check_repetition(checker, use, &matches);
	}
	string_index_clear(&matches);
}

static void check_filters(struct checker *checker)
{
	const struct model *model = checker->model;
	AUTO_FREE bool *used = array_new(model->n_filters, sizeof(*used));

	if (!used) {
		checker->reader->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < model->n_contracts; i++)
		for (size_t j = 0; j < model->contracts[i].n_subjects; j++)
			check_subject(checker, &model->contracts[i].subjects[j], used);
	for (size_t i = 0; i < model->n_filters; i++)
		if (!used[i])
			diagnostics_warning(checker->reader->diagnostics, model->filters[i].place, NULL,
					    "filter \"%s\" is used by no contract", short_name(model->filters[i].name));
}

static void check_use(struct checker *checker)
{
	for (size_t i = 0; i < checker->model->n_groups; i++) {
		check_scopes(checker, &checker->model->groups[i]);
		check_matches(checker, &checker->model->groups[i]);
	}
	for (uint32_t i = 0; i < checker->model->n_contracts; i++)
		check_contract(checker, i);
	check_filters(checker);
}

void read_check(struct reader *reader)
{
	const struct model *model = reader->model;
	AUTO_FREE struct ends *ends = array_new(model->n_contracts, sizeof(*ends));
	struct checker checker = {.reader = reader, .model = model, .ends = ends};

	if (!ends) {
		reader->out_of_memory = true;
		return;
	}
	collect_ends(&checker);
	for (size_t i = 0; i < model->n_groups; i++)
		for (size_t j = 0; j < model->groups[i].n_consume; j++)
			check_vrfs(&checker, &model->groups[i], &model->groups[i].consume[j]);
	if (diagnostics_errors(reader->diagnostics) == 0) /* else much would seem useless that only is not read */
		check_use(&checker);
	string_index_clear(&checker.provided);
	string_index_clear(&checker.consumed);
}
