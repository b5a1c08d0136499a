/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/rules.h"

#include <errno.h>
#include <stdlib.h>

#include <netinet/in.h>

#include "base/array.h"
#include "compile/identity.h"
#include "policy/diagnostic.h"
#include "base/util.h"

_Static_assert(RULES_MAX <= EPG_LEAF_RULE(UINT32_MAX) + (size_t)1, "an EPG_LEAF has room for every rule");

/* TCP flags of which ACK or RST is one. */
#define FLAGS_ESTABLISHED ((uint16_t)(UINT16_MAX << EPG_FLAG_RST))
/* What is not TCP has none. */
#define FLAGS_NONE ((uint16_t)1)

/* Entries of a filter whose names may be those of another one's: with more it is not looked for. */
#define SHARED_NAMES_MAX 4096

/* Where rules come from while they are collected. */
struct origin {
	uint32_t contract; /* index in the catalog */
	const char *contract_name;
	bool keep;
	const struct model_subject *subject;
	const struct model_filter_use *use;
	const struct model_filter *filter;
	uint64_t identity; /* of contract, subject and filter: what the rules have in common */
	uint32_t subject_name, filter_name, entry_name; /* in the draft */
	uint32_t uses;
};

struct collection {
	const struct model *model;
	const struct rules_count *counts;
	const uint16_t *uses;
	struct draft *draft;
	struct epg_rule *rules;
	uint32_t **names; /* by filter: its entries' names in the draft; NULL: none yet */
};

static void collection_clear(struct collection *collection)
{
	for (size_t i = 0; collection->names && i < collection->model->n_filters; i++)
		free(collection->names[i]);
	free(collection->names);
	free(collection->rules);
}

static struct catalog_range to_range(struct model_range range)
{
	return (struct catalog_range){range.first, range.last};
}

static enum epg_level permit_level(enum catalog_role role, bool filtered)
{
	switch (role) {
	case CATALOG_ROLE_PAIR:
		return filtered ? EPG_LEVEL_FILTERED : EPG_LEVEL_UNFILTERED;
	case CATALOG_ROLE_TO_ANY:
		return filtered ? EPG_LEVEL_TO_ANY_FILTERED : EPG_LEVEL_TO_ANY_UNFILTERED;
	case CATALOG_ROLE_FROM_ANY:
		return filtered ? EPG_LEVEL_FROM_ANY_FILTERED : EPG_LEVEL_FROM_ANY_UNFILTERED;
	case CATALOG_ROLE_ANY:
		return filtered ? EPG_LEVEL_ANY_FILTERED : EPG_LEVEL_ANY_UNFILTERED;
	case CATALOG_ROLE_INTRA:
		return EPG_LEVEL_INTRA_CONTRACT;
	case CATALOG_ROLE_TABOO:
	case CATALOG_ROLES:
		break;
	}
	return EPG_LEVEL_TABOO;
}

/* A deny may rank with rules of another level than those of its own role. */
static enum epg_level deny_level(enum catalog_role role, bool filtered, enum model_priority priority)
{
	if (role == CATALOG_ROLE_INTRA || role == CATALOG_ROLE_TABOO)
		return permit_level(role, filtered);
	switch (priority) {
	case MODEL_PRIORITY_LEVEL3:
		return EPG_LEVEL_FILTERED;
	case MODEL_PRIORITY_LEVEL2:
		return role == CATALOG_ROLE_FROM_ANY ? EPG_LEVEL_FROM_ANY_FILTERED : EPG_LEVEL_TO_ANY_FILTERED;
	case MODEL_PRIORITY_LEVEL1:
		return EPG_LEVEL_ANY_FILTERED;
	case MODEL_PRIORITY_DEFAULT:
		break;
	}
	return permit_level(role, filtered);
}

bool rules_have_reverse(const struct model_subject *subject, const struct model_entry *entry)
{
	return subject->both_directions && !(subject->reverse_ports && entry->stateful);
}

static bool holds_tcp(const struct model_entry *entry)
{
	for (unsigned int i = 0; i < entry->n_kinds; i++) {
		uint16_t first = entry->kinds[i].first, last = entry->kinds[i].last;

		if ((first <= EPG_KIND_IPV4 + IPPROTO_TCP && last >= EPG_KIND_IPV4 + IPPROTO_TCP) ||
		    (first <= EPG_KIND_IPV6 + IPPROTO_TCP && last >= EPG_KIND_IPV6 + IPPROTO_TCP))
			return true;
	}
	return false;
}

/*
 * The opposite packets of a stateless entry: ports change places, an ARP request and its reply too; type and code of
 * ICMP do not. Nobody is there to know who opened the flow, so TCP asks for ACK or RST: a provider cannot open
 * connections with it. So does TCP among other protocols, whose packets have no flags; a TCP packet without any
 * opens nothing. Later fragments, which show no flags, open nothing either: a rule for them alone asks for none.
 */
static void turn_round(const struct model_entry *entry, struct catalog_rule *rule)
{
	struct catalog_range destination = rule->destination;

	if (entry->arp && destination.first == destination.last && (destination.first == 1 || destination.first == 2)) {
		rule->destination.first = rule->destination.last = 3 - destination.first;
	} else if (!entry->icmp && !entry->arp) {
		rule->destination = rule->source;
		rule->source = destination;
	}
	if (entry->tcp && entry->fragment.first == 0) {
		rule->tcp_flags = FLAGS_ESTABLISHED;
		rule->fragment.last = 0;
	} else if (holds_tcp(entry)) {
		rule->tcp_flags = FLAGS_ESTABLISHED | FLAGS_NONE;
	}
}

static struct epg_rule make_rule(const struct origin *origin, const struct model_entry *entry, enum catalog_role role)
{
	const struct model_subject *subject = origin->subject;
	struct epg_rule rule = {.flags = origin->use->log ? EPG_RULE_LOG : 0};

	if (subject->audit)
		rule.flags |= EPG_RULE_AUDIT;
	if (entry->fragment.first == EPG_PIECE_LATER)
		rule.flags |= EPG_RULE_FRAGMENTS;
	if (origin->use->deny) {
		rule.action = EPG_DENY;
		rule.level = (__u8)deny_level(role, entry->filtered, origin->use->priority);
		return rule;
	}
	rule.action = EPG_PERMIT;
	rule.level = (__u8)permit_level(role, entry->filtered);
	if (entry->stateful && subject->both_directions)
		rule.flags |= EPG_RULE_STATEFUL;
	if (origin->keep)
		rule.flags |= EPG_RULE_KEEP;
	if (subject->dscp != MODEL_DSCP_NONE) {
		rule.flags |= EPG_RULE_DSCP;
		rule.dscp = subject->dscp;
	}
	return rule;
}

/* Once for all entries of a filter. */
static int name_origin(struct draft *draft, struct origin *origin)
{
	origin->identity = identity_begin(origin->contract_name, origin->subject->name, origin->filter->name);
	return draft_string(draft, origin->subject->name, &origin->subject_name) ||
			       draft_string(draft, origin->filter->name, &origin->filter_name)
		       ? -ENOMEM
		       : 0;
}

static void name_rule(const struct origin *origin, const char *entry, struct catalog_rule *rule)
{
	rule->entry = origin->entry_name;
	rule->subject = origin->subject_name;
	rule->filter = origin->filter_name;
	rule->contract = origin->contract;
	rule->identity = identity_end(origin->identity, entry, rule->reverse, rule->role);
}

/*
 * What becomes of pieces that come before the first one. An audited rule decides nothing there: such a piece passes on
 * credit, which is no decision to compare another one with.
 */
static void add_early(const struct epg_rule *rule, struct catalog_rule *detail)
{
	if (!(rule->flags & EPG_RULE_AUDIT))
		detail->early = rule->action == EPG_PERMIT && detail->fragment.last == EPG_PIECE_WHOLE;
	else if (detail->fragment.last > EPG_PIECE_LATER)
		detail->fragment.last = EPG_PIECE_LATER;
}

static int add_rule(struct collection *collection, const struct origin *origin, const struct model_entry *entry,
		    enum catalog_role role, bool reverse)
{
	struct catalog_rule *detail = draft_add_rules(collection->draft, 1);
	struct epg_rule rule;

	if (!detail)
		return -ENOMEM;
	detail->line = entry->place.line;
	detail->role = role;
	detail->reverse = reverse;
	detail->audit = origin->subject->audit;
	detail->n_kinds = entry->n_kinds;
	for (unsigned int i = 0; i < entry->n_kinds; i++)
		detail->kinds[i] = to_range(entry->kinds[i]);
	detail->destination = to_range(entry->destination);
	detail->source = to_range(entry->source);
	detail->dscp = to_range(entry->dscp);
	detail->fragment = to_range(entry->fragment);
	detail->tcp_flags = entry->tcp_flags;
	if (reverse && origin->subject->reverse_ports)
		turn_round(entry, detail);
	rule = make_rule(origin, entry, role);
	add_early(&rule, detail);
	detail->what = collection->rules[collection->draft->n_rules - 1] = rule;
	name_rule(origin, entry->name, detail);
	return 0;
}

/* By role, then direction: the last of the orders that decide between rules of one level and action. */
static int add_entry(struct collection *collection, const struct origin *origin, const struct model_entry *entry)
{
	bool has_reverse = rules_have_reverse(origin->subject, entry);

	for (unsigned int role = 0; role < CATALOG_ROLES; role++) {
		for (unsigned int reverse = 0; reverse <= has_reverse; reverse++) {
			if (!(origin->uses & RULES_USE(role, reverse)))
				continue;
			if (add_rule(collection, origin, entry, (enum catalog_role)role, reverse))
				return -ENOMEM;
		}
	}
	return 0;
}

/* Once for all rules of a filter's entries; NULL: out of memory. */
static const uint32_t *name_entries(struct collection *collection, uint32_t index)
{
	const struct model_filter *filter = &collection->model->filters[index];
	bool many = filter->n_entries > SHARED_NAMES_MAX;
	uint32_t *names = collection->names[index];

	if (names)
		return names;
	names = collection->names[index] = array_new(filter->n_entries, sizeof(*names));
	for (size_t i = 0; names && i < filter->n_entries; i++) {
		const char *name = filter->entries[i].name;

		if (many ? draft_new_string(collection->draft, name, &names[i])
			 : draft_string(collection->draft, name, &names[i]))
			return NULL;
	}
	return names;
}

static int add_subject(struct collection *collection, struct origin *origin)
{
	const struct model_subject *subject = origin->subject;
	const uint32_t *names;

	for (size_t i = 0; i < subject->n_filters; i++) {
		origin->use = &subject->filters[i];
		origin->filter = &collection->model->filters[origin->use->filter];
		if (name_origin(collection->draft, origin))
			return -ENOMEM;
		names = name_entries(collection, origin->use->filter);
		if (!names)
			return -ENOMEM;
		for (size_t j = 0; j < origin->filter->n_entries; j++) {
			origin->entry_name = names[j];
			if (add_entry(collection, origin, &origin->filter->entries[j]))
				return -ENOMEM;
		}
	}
	return 0;
}

static struct catalog_contract *add_catalogued(struct draft *draft, const char *name, struct place place)
{
	struct catalog_contract *catalogued = draft_add_contracts(draft, 1);

	if (!catalogued || draft_string(draft, name, &catalogued->name))
		return NULL;
	catalogued->line = place.line;
	catalogued->first_rule = (uint32_t)draft->n_rules;
	return catalogued;
}

/* What nobody uses has rules for group to group, so that it can be spoken of. */
static uint32_t uses_of(const struct collection *collection, uint32_t contract)
{
	uint32_t uses = collection->uses[contract];

	return uses ? uses : RULES_USE(CATALOG_ROLE_PAIR, 0) | RULES_USE(CATALOG_ROLE_PAIR, 1);
}

static int add_contract(struct collection *collection, uint32_t index)
{
	const struct model_contract *contract = &collection->model->contracts[index];
	struct catalog_contract *catalogued = add_catalogued(collection->draft, contract->name, contract->place);
	struct origin origin = {
		.contract = index,
		.contract_name = contract->name,
		.keep = contract->keep,
		.uses = uses_of(collection, index),
	};

	if (!catalogued)
		return -ENOMEM;
	catalogued->scope = contract->scope;
	catalogued->keep = contract->keep;
	for (size_t i = 0; i < contract->n_subjects; i++) {
		origin.subject = &contract->subjects[i];
		if (add_subject(collection, &origin))
			return -ENOMEM;
	}
	catalogued->n_rules = (uint32_t)(collection->draft->n_rules - catalogued->first_rule);
	return 0;
}

static int add_taboo(struct collection *collection, uint32_t index)
{
	const struct model_taboo *taboo = &collection->model->taboos[index];
	struct catalog_contract *catalogued = add_catalogued(collection->draft, taboo->name, taboo->place);
	const struct model_subject subject = {.name = "",
					      .filters = taboo->filters,
					      .n_filters = taboo->n_filters,
					      .dscp = MODEL_DSCP_NONE};
	struct origin origin = {
		.contract = (uint32_t)collection->model->n_contracts + index,
		.contract_name = taboo->name,
		.subject = &subject,
		.uses = RULES_USE(CATALOG_ROLE_TABOO, 0),
	};

	if (!catalogued)
		return -ENOMEM;
	catalogued->taboo = 1;
	if (add_subject(collection, &origin))
		return -ENOMEM;
	catalogued->n_rules = (uint32_t)(collection->draft->n_rules - catalogued->first_rule);
	return 0;
}

static int add_implicit(struct collection *collection)
{
	static const struct {
		const char *name;
		struct epg_rule rule;
	} implicit[] = {
#define IMPLICIT_RULE(id, name, action, level, flags, text) {name, {action, level, flags, 0}},
		EPG_IMPLICIT_RULES(IMPLICIT_RULE)
#undef IMPLICIT_RULE
	};
	static const struct model_subject no_subject = {.name = ""};
	static const struct model_filter no_filter = {.name = ""};
	struct origin nowhere = {.contract = CATALOG_NONE,
				 .contract_name = "",
				 .subject = &no_subject,
				 .filter = &no_filter};

	if (name_origin(collection->draft, &nowhere))
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(implicit); i++) {
		struct catalog_rule *detail = draft_add_rules(collection->draft, 1);

		if (!detail || draft_string(collection->draft, implicit[i].name, &nowhere.entry_name))
			return -ENOMEM;
		name_rule(&nowhere, implicit[i].name, detail);
		detail->n_kinds = 1;
		detail->kinds[0] = detail->destination = detail->source = to_range(MODEL_RANGE_ANY);
		detail->dscp = detail->fragment = detail->kinds[0];
		detail->tcp_flags = MODEL_TCP_FLAGS_ANY;
		detail->what = collection->rules[i] = implicit[i].rule;
	}
	return 0;
}

/* Entries by filter, and those of them that are stateless. */
static void count_subject(const struct model *model, const struct model_subject *subject, const uint64_t *stateless,
			  struct rules_count *count)
{
	for (size_t i = 0; i < subject->n_filters; i++) {
		uint32_t filter = subject->filters[i].filter;
		uint64_t entries = model->filters[filter].n_entries;

		count->forward += entries;
		if (subject->both_directions)
			count->reverse += subject->reverse_ports ? stateless[filter] : entries;
	}
}

int rules_count(const struct model *model, struct rules_count **ret)
{
	AUTO_FREE struct rules_count *counts = array_new(model->n_contracts + model->n_taboos, sizeof(*counts));
	AUTO_FREE uint64_t *stateless = array_new(model->n_filters, sizeof(*stateless));

	if (!counts || !stateless)
		return -ENOMEM;
	for (size_t i = 0; i < model->n_filters; i++) {
		for (size_t j = 0; j < model->filters[i].n_entries; j++)
			stateless[i] += !model->filters[i].entries[j].stateful;
	}
	for (size_t i = 0; i < model->n_contracts; i++) {
		for (size_t j = 0; j < model->contracts[i].n_subjects; j++)
			count_subject(model, &model->contracts[i].subjects[j], stateless, &counts[i]);
	}
	for (size_t i = 0; i < model->n_taboos; i++) {
		for (size_t j = 0; j < model->taboos[i].n_filters; j++)
			counts[model->n_contracts + i].forward +=
				model->filters[model->taboos[i].filters[j].filter].n_entries;
	}
	*ret = TAKE_PTR(counts);
	return 0;
}

/* Known before any is made: a small file can ask for a great many. */
static int check_total(const struct collection *collection, struct epg_diagnostics *diagnostics, size_t *ret)
{
	const struct model *model = collection->model;
	size_t total = EPG_RULE_IMPLICIT_COUNT;

	for (uint32_t i = 0; i < model->n_contracts + model->n_taboos; i++) {
		bool taboo = i >= model->n_contracts;
		uint32_t uses = taboo ? RULES_USE(CATALOG_ROLE_TABOO, 0) : uses_of(collection, i);

		total += collection->counts[i].forward * (size_t)__builtin_popcount(uses & RULES_USES_FORWARD) +
			 collection->counts[i].reverse * (size_t)__builtin_popcount(uses & RULES_USES_REVERSE);
		if (total > RULES_MAX) {
			diagnostics_error(
				diagnostics,
				taboo ? model->taboos[i - model->n_contracts].place : model->contracts[i].place,
				"each contract takes a rule for every entry of every filter it names, and again where "
				"vzAny or a group within itself uses it",
				"with %s %s the policy has more than %zu rules", taboo ? "taboo" : "contract",
				taboo ? model->taboos[i - model->n_contracts].name : model->contracts[i].name,
				RULES_MAX);
			return -EBADMSG;
		}
	}
	*ret = total;
	return 0;
}

int rules_collect(const struct model *model, const struct rules_count *counts, const uint16_t *uses,
		  struct epg_diagnostics *diagnostics, struct draft *draft, struct epg_rule **ret)
{
	__attribute__((cleanup(collection_clear))) struct collection collection = {.model = model,
										   .counts = counts,
										   .uses = uses,
										   .draft = draft};
	size_t total;
	int error = check_total(&collection, diagnostics, &total);

	if (error)
		return error;
	collection.rules = array_new(total, sizeof(*collection.rules));
	collection.names = array_new(model->n_filters, sizeof(*collection.names));
	if (!collection.rules || !collection.names || draft_reserve_rules(draft, total) || add_implicit(&collection))
		return -ENOMEM;
	for (uint32_t i = 0; i < model->n_contracts; i++) {
		if (add_contract(&collection, i))
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < model->n_taboos; i++) {
		if (add_taboo(&collection, i))
			return -ENOMEM;
	}
	*ret = TAKE_PTR(collection.rules);
	return 0;
}

int rules_of_entry(const struct model *model, const struct rules_place *place, const struct model_entry *entry,
		   struct draft *draft)
{
	struct epg_rule rules[2 * CATALOG_ROLES];
	const struct model_contract *contract = &model->contracts[place->contract];
	struct collection collection = {.model = model, .draft = draft, .rules = rules};
	struct origin origin = {
		.contract = place->contract,
		.contract_name = contract->name,
		.keep = contract->keep,
		.uses = place->uses,
		.subject = place->subject,
		.use = place->use,
		.filter = &model->filters[place->use->filter],
	};

	draft->n_rules = 0;
	if (name_origin(draft, &origin) || draft_string(draft, entry->name, &origin.entry_name))
		return -ENOMEM;
	return add_entry(&collection, &origin, entry);
}
