/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What can only be said of a policy as a whole: what of it is of no use. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "policy/read.h"
#include "base/util.h"

/* Entries looked at in search of repetitions between the filters of a subject: a bound for hostile files. */
#define REPETITIONS_MAX 4000000

struct checker {
	struct reader *reader;
	const struct model *model;
	size_t repetitions;
};

static const char *short_name(const char *full_name)
{
	return strrchr(full_name, '/') + 1;
}

/* ---- members ---- */

/* An interface that is an endpoint needs no match, and if another group matches it, that is in vain. */
static void check_matches(const struct checker *checker, const struct model_group *group)
{
	for (size_t i = 0; i < group->n_matches; i++) {
		const struct model_match *match = &group->matches[i];
		const struct string_index_entry *endpoint = NULL;
		char hint[SCHEMA_HINT_BYTES];

		if (match->interface && !model_match_is_behind(match))
			endpoint = string_index_find(&checker->reader->interfaces, match->interface,
						     strlen(match->interface));
		if (!endpoint)
			continue;
		snprintf(hint, sizeof(hint), "the interface is an endpoint in line %u", endpoint->place.line);
		diagnostics_lint(checker->reader->diagnostics, EPG_LINT_MATCH_UNREACHABLE, match->place, hint,
				 "the match \"%s\" never decides", match->interface);
	}
}

static void check_preferred(const struct checker *checker)
{
	const struct model *model = checker->model;
	AUTO_FREE bool *has_member = array_new(model->n_vrfs, sizeof(*has_member));

	if (!has_member) {
		checker->reader->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < model->n_groups; i++)
		has_member[model->groups[i].vrf] |= model->groups[i].preferred_member;
	for (size_t i = 0; i < model->n_vrfs; i++)
		if (model->vrfs[i].preferred_group && !has_member[i])
			diagnostics_lint(checker->reader->diagnostics, EPG_LINT_PREFERRED_GROUP_WITHOUT_MEMBER,
					 model->vrfs[i].place, "members are EPGs with preferredGroupMember: true",
					 "the preferred group of VRF \"%s\" has no member",
					 short_name(model->vrfs[i].name));
}

/* ---- filters ---- */

/* Tells of entries of a filter that repeat one of a filter that goes first in the same subject. */
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
		snprintf(hint, sizeof(hint), "the entry in line %u goes first and matches the same", first->place.line);
		diagnostics_lint(checker->reader->diagnostics, EPG_LINT_RULE_SHADOWED, use->place, hint,
				 "entry \"%s\" of filter \"%s\" never decides here", entry->name,
				 short_name(filter->name));
	}
}

/* Denies go before permits; those that rank with another level may win or lose, as the contract is used. */
static void check_repetitions(struct checker *checker, const struct model_subject *subject)
{
	struct string_index matches = {0};

	for (int permit = 0; permit < 2; permit++)
		for (size_t i = 0; i < subject->n_filters; i++) {
			const struct model_filter_use *use = &subject->filters[i];

			if (use->deny != permit && use->priority == MODEL_PRIORITY_DEFAULT &&
			    checker->repetitions < REPETITIONS_MAX)
				check_repetition(checker, use, &matches);
		}
	string_index_clear(&matches);
}

static void check_subject(struct checker *checker, const struct model_subject *subject, bool *used)
{
	for (size_t i = 0; i < subject->n_filters; i++)
		used[subject->filters[i].filter] = true;
	if (subject->n_filters > 1)
		check_repetitions(checker, subject);
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
	for (size_t i = 0; i < model->n_taboos; i++)
		for (size_t j = 0; j < model->taboos[i].n_filters; j++)
			used[model->taboos[i].filters[j].filter] = true;
	for (size_t i = 0; i < model->n_filters; i++)
		if (!used[i])
			diagnostics_lint(checker->reader->diagnostics, EPG_LINT_FILTER_UNUSED, model->filters[i].place,
					 NULL, "filter \"%s\" is used by no contract and no taboo",
					 short_name(model->filters[i].name));
}

static void check_taboos(const struct checker *checker)
{
	const struct model *model = checker->model;
	AUTO_FREE bool *used = array_new(model->n_taboos, sizeof(*used));

	if (!used) {
		checker->reader->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < model->n_groups; i++)
		for (size_t j = 0; j < model->groups[i].n_taboos; j++)
			used[model->groups[i].taboos[j].taboo] = true;
	for (size_t i = 0; i < model->n_taboos; i++)
		if (!used[i])
			diagnostics_lint(checker->reader->diagnostics, EPG_LINT_TABOO_UNUSED, model->taboos[i].place,
					 "it denies nothing", "taboo \"%s\" is used by no EPG",
					 short_name(model->taboos[i].name));
}

/* Entries for ARP decide only where a bridge domain asks for a contract. */
static void check_arp(const struct checker *checker)
{
	const struct model *model = checker->model;

	for (size_t i = 0; i < model->n_bridge_domains; i++)
		if (model->bridge_domains[i].arp_contract)
			return;
	for (size_t i = 0; i < model->n_filters; i++)
		for (size_t j = 0; j < model->filters[i].n_entries; j++) {
			const struct model_entry *entry = &model->filters[i].entries[j];

			if (entry->arp)
				diagnostics_lint(checker->reader->diagnostics, EPG_LINT_RULE_UNREACHABLE, entry->place,
						 "a bridge domain with arp: require-contract leaves it to contracts",
						 "entry \"%s\" never decides: all bridge domains permit ARP",
						 entry->name);
		}
}

void read_check(struct reader *reader)
{
	struct checker checker = {.reader = reader, .model = reader->model};

	if (diagnostics_errors(reader->diagnostics) > 0) /* much would seem useless that only is not read */
		return;
	read_check_scopes(reader);
	for (size_t i = 0; i < checker.model->n_groups; i++)
		check_matches(&checker, &checker.model->groups[i]);
	check_preferred(&checker);
	check_filters(&checker);
	check_taboos(&checker);
	check_arp(&checker);
}
