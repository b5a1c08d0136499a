/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "inspect/diff_items.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runtime/internal.h"

/* A list that grows. */
struct listing {
	struct arena *arena;
	const struct model *model;
	const struct rule_book *book;
	const struct diff_groups *groups;
	enum diff_side side;
	struct diff_items list;
	bool failed; /* out of memory */
};

/* The new item stays in place until the next one begins. */
static void begin(struct listing *listing, enum diff_object object, const char *name, uint32_t line)
{
	struct diff_item *item =
		arena_push(listing->arena, &listing->list.items, &listing->list.n, sizeof(*listing->list.items));

	if (!item || !name)
		listing->failed = true;
	else
		*item = (struct diff_item){.object = object, .name = name, .line = line};
}

/* A fact of the last item: two words or so, of which the first may be empty. */
static void fact(struct listing *listing, const char *format, const char *text)
{
	struct diff_item *item;
	const char **place;

	if (listing->failed)
		return;
	item = &listing->list.items[listing->list.n - 1];
	place = arena_push(listing->arena, &item->facts, &item->n_facts, sizeof(*item->facts));
	if (place)
		*place = arena_format(listing->arena, format, text);
	if (!place || !*place)
		listing->failed = true;
}

static void prefix_fact(struct listing *listing, const char *format, const struct model_prefix *prefix)
{
	char address[TEXT_ADDRESS_MAX], text[TEXT_ADDRESS_MAX + 8];

	text_address(prefix->address, address);
	snprintf(text, sizeof(text), "%s/%d", address, prefix->ipv4 ? prefix->length - 96 : prefix->length);
	fact(listing, format, text);
}

static void uses_facts(struct listing *listing, const char *format, const struct model_contract_use *uses, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fact(listing, format, listing->model->contracts[uses[i].contract].name);
}

static void list_vrfs(struct listing *listing)
{
	const struct model *model = listing->model;

	for (size_t i = 0; i < model->n_vrfs; i++) {
		begin(listing, DIFF_VRF, model->vrfs[i].name, model->vrfs[i].place.line);
		fact(listing, "%s", model->vrfs[i].enforced ? "enforced" : "unenforced");
		if (model->vrfs[i].preferred_group)
			fact(listing, "%s", "with a preferred group");
		uses_facts(listing, "any group provides %s", model->vrfs[i].provide, model->vrfs[i].n_provide);
		uses_facts(listing, "any group consumes %s", model->vrfs[i].consume, model->vrfs[i].n_consume);
	}
}

static void list_bridge_domains(struct listing *listing)
{
	const struct model *model = listing->model;

	for (size_t i = 0; i < model->n_bridge_domains; i++) {
		const struct model_bridge_domain *domain = &model->bridge_domains[i];

		begin(listing, DIFF_BRIDGE_DOMAIN, domain->name, domain->place.line);
		fact(listing, "in VRF %s", model->vrfs[domain->vrf].name);
		for (size_t j = 0; j < domain->n_subnets; j++)
			prefix_fact(listing, "subnet %s", &domain->subnets[j]);
		if (domain->arp_contract)
			fact(listing, "%s", "ARP takes a contract");
		if (domain->direct)
			fact(listing, "%s", "forwards directly");
	}
}

static void list_contracts(struct listing *listing)
{
	static const char *const scopes[] = {
		[MODEL_SCOPE_APPLICATION_PROFILE] = "scope application-profile",
		[MODEL_SCOPE_VRF] = "scope vrf",
		[MODEL_SCOPE_TENANT] = "scope tenant",
		[MODEL_SCOPE_GLOBAL] = "scope global",
	};
	const struct model *model = listing->model;

	for (size_t i = 0; i < model->n_contracts; i++) {
		begin(listing, DIFF_CONTRACT, model->contracts[i].name, model->contracts[i].place.line);
		fact(listing, "%s", scopes[model->contracts[i].scope]);
		if (model->contracts[i].keep)
			fact(listing, "%s", "keeps tracked flows");
	}
	for (size_t i = 0; i < model->n_taboos; i++)
		begin(listing, DIFF_TABOO, model->taboos[i].name, model->taboos[i].place.line);
}

/* ---- groups ---- */

/* The id counts as a difference only where both policies have the group: a new one's is given at the apply. */
static void class_fact(struct listing *listing, const char *name)
{
	const struct diff_group *group = diff_groups_find(listing->groups, name);
	char text[16];

	if (!group || !group->class_id[DIFF_BEFORE] || !group->class_id[DIFF_AFTER])
		return;
	snprintf(text, sizeof(text), "%u", group->class_id[listing->side]);
	fact(listing, "class %s", text);
}

/* Its addresses are told as those of endpoints are. */
static void station_facts(struct listing *listing, const struct model_match *match)
{
	char station[MODEL_STATION_MAX], address[TEXT_ADDRESS_MAX], text[MODEL_STATION_MAX + TEXT_ADDRESS_MAX + 16];

	model_match_station(match, station);
	fact(listing, "matches station %s", station);
	for (size_t i = 0; i < match->n_ips; i++) {
		text_address(match->ips[i].address, address);
		snprintf(text, sizeof(text), "%s with address %s", station, address);
		fact(listing, "matches station %s", text);
	}
}

static void membership_facts(struct listing *listing, const struct model_group *group)
{
	for (size_t i = 0; i < group->n_matches; i++) {
		const struct model_match *match = &group->matches[i];

		if (model_match_is_prefix(match))
			prefix_fact(listing, "matches address %s", &match->prefix);
		else if (model_match_is_behind(match))
			station_facts(listing, match);
		else
			fact(listing, "matches interface %s", match->interface);
	}
	for (size_t i = 0; i < group->n_subnets; i++)
		prefix_fact(listing, "subnet %s", &group->subnets[i]);
}

static void police_fact(struct listing *listing, const struct model_police *police)
{
	char text[64];

	if (!police->rate)
		return;
	snprintf(text, sizeof(text), "%" PRIu64 " bytes a second, %" PRIu32 " at once", police->rate, police->burst);
	fact(listing, "sends at most %s", text);
}

static void attribute_facts(struct listing *listing, const struct model_group *group)
{
	const struct model *model = listing->model;

	if (group->isolated)
		fact(listing, "%s", "isolated");
	if (group->preferred_member)
		fact(listing, "%s", "member of the preferred group");
	uses_facts(listing, "provides %s", group->provide, group->n_provide);
	uses_facts(listing, "consumes %s", group->consume, group->n_consume);
	uses_facts(listing, "has %s within itself", group->intra, group->n_intra);
	for (size_t i = 0; i < group->n_taboos; i++)
		fact(listing, "denies by taboo %s", model->taboos[group->taboos[i].taboo].name);
	for (size_t i = 0; i < group->n_inherit; i++)
		fact(listing, "inherits from %s", model->groups[group->inherit[i].group].name);
	police_fact(listing, &group->police);
}

static void list_groups(struct listing *listing)
{
	const struct model *model = listing->model;

	for (size_t i = 0; i < model->n_groups; i++) {
		const struct model_group *group = &model->groups[i];

		begin(listing, DIFF_GROUP, group->name, group->place.line);
		fact(listing, "in VRF %s", model->vrfs[group->vrf].name);
		if (!group->external)
			fact(listing, "in bridge domain %s", model->bridge_domains[group->bridge_domain].name);
		class_fact(listing, group->name);
		attribute_facts(listing, group);
		membership_facts(listing, group);
	}
}

static void list_group_endpoints(struct listing *listing, const struct model_group *group)
{
	for (size_t i = 0; i < group->n_endpoints; i++) {
		const struct model_endpoint *endpoint = &group->endpoints[i];
		const uint8_t *mac = endpoint->mac;
		char text[TEXT_ADDRESS_MAX];

		begin(listing, DIFF_ENDPOINT, endpoint->interface, endpoint->place.line);
		fact(listing, "in group %s", group->name);
		for (size_t j = 0; j < endpoint->n_ips; j++) {
			text_address(endpoint->ips[j].address, text);
			fact(listing, "address %s", text);
		}
		if (!endpoint->has_mac)
			continue;
		snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
			 mac[5]);
		fact(listing, "MAC %s", text);
	}
}

static void list_endpoints(struct listing *listing)
{
	for (size_t i = 0; i < listing->model->n_groups; i++)
		list_group_endpoints(listing, &listing->model->groups[i]);
}

/* ---- rules: as compiled, so that one entry used by two contracts is two of them ---- */

/* "shop/web > http > shop/http > web (to any, reverse)" */
static const char *rule_name(struct listing *listing, const struct catalog_rule *rule)
{
	static const char *const suffixes[CATALOG_ROLES][2] = {
		[CATALOG_ROLE_PAIR] = {"", " (reverse)"},
		[CATALOG_ROLE_TO_ANY] = {" (to any)", " (to any, reverse)"},
		[CATALOG_ROLE_FROM_ANY] = {" (from any)", " (from any, reverse)"},
		[CATALOG_ROLE_ANY] = {" (any to any)", " (any to any, reverse)"},
		[CATALOG_ROLE_INTRA] = {" (within the group)", " (within the group, reverse)"},
		[CATALOG_ROLE_TABOO] = {"", ""},
	};
	const struct catalog *catalog = listing->book->catalog;
	const char *subject = catalog_string(catalog, rule->subject);

	return arena_format(listing->arena, "%s > %s%s%s > %s%s",
			    catalog_string(catalog, catalog->contracts[rule->contract].name), subject,
			    subject[0] ? " > " : "", catalog_string(catalog, rule->filter),
			    catalog_string(catalog, rule->entry),
			    rule->role < CATALOG_ROLES ? suffixes[rule->role][!!rule->reverse] : "");
}

static void dscp_fact(struct listing *listing, uint8_t dscp)
{
	const char *name = epg_dscp_name(dscp);
	char number[8];

	snprintf(number, sizeof(number), "%u", dscp);
	fact(listing, "marks with DSCP %s", name ? name : number);
}

static void rule_facts(struct listing *listing, const struct catalog_rule *rule, const struct epg_rule *what)
{
	char match[RULE_TEXT_MATCH_MAX], level[8];

	rule_text_match(rule, match, sizeof(match));
	fact(listing, "%s", match);
	snprintf(level, sizeof(level), "%u", what->level);
	fact(listing, what->action == EPG_PERMIT ? "permits at level %s" : "denies at level %s", level);
	if (what->flags & EPG_RULE_STATEFUL)
		fact(listing, "%s", "tracks flows");
	if (what->flags & EPG_RULE_AUDIT)
		fact(listing, "%s", "audited only");
	if (what->flags & EPG_RULE_LOG)
		fact(listing, "%s", "logs");
	if (what->flags & EPG_RULE_DSCP)
		dscp_fact(listing, what->dscp);
}

static void list_rules(struct listing *listing)
{
	const struct catalog *catalog = listing->book->catalog;

	for (uint32_t i = 0; i < catalog->n_rules; i++) {
		const struct catalog_rule *rule = &catalog->rules[i];

		if (rule->contract == CATALOG_NONE || catalog_rule_is_gone(rule))
			continue;
		begin(listing, DIFF_RULE, rule_name(listing, rule), rule->line);
		if (!listing->failed)
			rule_facts(listing, rule, rule_book_rule(listing->book, i));
	}
}

/* ---- order ---- */

static int compare_facts(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static int compare_items(const void *left, const void *right)
{
	const struct diff_item *a = left, *b = right;

	if (a->object != b->object)
		return a->object < b->object ? -1 : 1;
	return strcmp(a->name, b->name);
}

static void sort(struct diff_items *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].n_facts > 1)
			qsort(list->items[i].facts, list->items[i].n_facts, sizeof(char *), compare_facts);
	if (list->n > 1)
		qsort(list->items, list->n, sizeof(*list->items), compare_items);
}

int diff_items_list(struct arena *arena, const struct diff_policy *policy, const struct diff_groups *groups,
		    enum diff_side side, struct diff_items *ret)
{
	struct listing listing = {
		.arena = arena,
		.model = policy->model,
		.book = &policy->book,
		.groups = groups,
		.side = side,
	};

	if (policy->model) {
		list_vrfs(&listing);
		list_bridge_domains(&listing);
		list_groups(&listing);
		list_contracts(&listing);
		list_rules(&listing);
		list_endpoints(&listing);
	}
	if (listing.failed)
		return -ENOMEM;
	sort(&listing.list);
	*ret = listing.list;
	return 0;
}
