// SPDX-License-Identifier: GPL-2.0-only
/* What is in force, as it is listed: groups, contracts, drops, maps, status, and what an apply would change. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "stage.h"

static bool send(struct stage *stage, uint16_t port, uint8_t flags)
{
	struct packet_spec spec = stage_spec(true, STAGE_FRONT, stage_host(STAGE_BACK));

	spec.destination_port = port;
	spec.tcp_flags = flags;
	return stage_sends(stage, STAGE_FRONT, &spec);
}

/* ---- groups ---- */

struct groups {
	size_t count;
	char last[EPG_NAME_MAX];
	struct epg_group_info front;
};

static int take_group(void *user, const struct epg_group_info *group)
{
	struct groups *groups = user;

	cr_assert_lt(strcmp(groups->last, group->name), 0, "groups come in the order of names");
	snprintf(groups->last, sizeof(groups->last), "%s", group->name);
	groups->count++;
	if (strcmp(group->name, "shop/store/front") == 0) {
		groups->front = *group;
		cr_assert_str_eq(group->vrf, "shop/prod");
		cr_assert_str_eq(group->bridge_domain, "shop/bd1");
	}
	return 0;
}

Test(inspect, groups_tell_members_contracts_and_what_they_sent)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct groups groups = {0};

	cr_assert(send(stage, 80, PACKET_TCP_SYN));
	cr_assert(send(stage, 80, PACKET_TCP_ACK));
	cr_assert_not(send(stage, 22, PACKET_TCP_SYN));
	cr_assert_eq(epg_groups_each(stage_epg(stage), take_group, &groups), 0);
	cr_assert_eq(groups.count, 8);
	cr_assert_eq(groups.front.endpoints, 2);
	cr_assert_eq(groups.front.consumes, 1);
	cr_assert_eq(groups.front.provides, 0);
	cr_assert_eq(groups.front.pairs, 1);
	cr_assert_eq(groups.front.packets, 2, "permitted ones only");
	cr_assert_eq(groups.front.bytes, 2 * 54);
	stage_close(stage);
}

/* ---- contracts ---- */

struct contracts {
	size_t count;
	size_t rules;
	struct epg_contract_info web;
};

static int take_contract(void *user, const struct epg_contract_info *contract)
{
	struct contracts *contracts = user;

	contracts->count++;
	contracts->rules += contract->n_rules;
	if (strcmp(contract->name, "shop/web") == 0) {
		contracts->web = *contract;
		cr_assert_str_eq(contract->scope, "vrf");
		cr_assert_str_eq(contract->file, "stage.yaml");
		cr_assert_str_eq(contract->rules[0].entry, "web");
		cr_assert_eq(contract->rules[0].packets, 2);
	}
	return 0;
}

Test(inspect, contracts_count_what_their_rules_permitted)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct contracts contracts = {0};

	cr_assert(send(stage, 80, PACKET_TCP_SYN));
	cr_assert(send(stage, 80, PACKET_TCP_ACK));
	cr_assert_eq(epg_contracts_each(stage_epg(stage), take_contract, &contracts), 0);
	cr_assert_eq(contracts.count, 5);
	cr_assert_eq(contracts.rules, 9, "a stateless entry is two rules");
	cr_assert_eq(contracts.web.packets, 2);
	cr_assert_eq(contracts.web.bytes, 2 * 54);
	cr_assert_eq(contracts.web.providers, 1);
	cr_assert_eq(contracts.web.consumers, 1);
	cr_assert_eq(contracts.web.n_rules, 4);
	stage_close(stage);
}

/* ---- drops ---- */

struct drops {
	size_t count;
	uint64_t last;
	bool found;
};

static int take_drop(void *user, const struct epg_drop_info *drop)
{
	struct drops *drops = user;

	if (drops->count++ > 0)
		cr_assert_leq(drop->packets, drops->last, "most packets first");
	drops->last = drop->packets;
	if (drop->reason == EPG_REASON_IMPLICIT_DENY && strcmp(drop->source, "shop/store/front") == 0 &&
	    strcmp(drop->destination, "shop/store/back") == 0 && drop->packets == 2)
		drops->found = true;
	return 0;
}

Test(inspect, drops_are_told_by_pair_and_reason_most_first)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spoofed = stage_spec(true, STAGE_FRONT, stage_host(STAGE_BACK));
	struct drops drops = {0};

	stage_address(true, 99, spoofed.source);
	cr_assert_not(stage_sends(stage, STAGE_FRONT, &spoofed));
	cr_assert_not(send(stage, 22, PACKET_TCP_SYN));
	cr_assert_not(send(stage, 23, PACKET_TCP_SYN));
	cr_assert_eq(epg_drops_each(stage_epg(stage), take_drop, &drops), 0);
	cr_assert(drops.found);
	stage_close(stage);
}

/* ---- maps ---- */

struct maps {
	size_t count;
	uint64_t bytes;
	uint64_t flows, endpoints;
	bool catalog;
};

static int take_map(void *user, const struct epg_map_info *map)
{
	struct maps *maps = user;
	struct epg_map_info known = *map;

	maps->count++;
	maps->bytes += map->bytes;
	cr_assert_gt(map->capacity, 0, "%s", map->name);
	cr_assert_leq(map->entries, map->capacity, "%s", map->name);
	cr_assert_str_neq(map->type, "other", "%s", map->name);
	cr_assert_eq(map->pin[0], '/');
	if (strcmp(known.name, "flows") == 0)
		maps->flows = map->entries;
	if (strcmp(known.name, "endpoints") == 0)
		maps->endpoints = map->entries;
	if (strcmp(known.name, "inside") == 0) {
		cr_assert_str_eq(known.type, "array of programs");
		cr_assert_eq(known.entries, 2);
	}
	if (strncmp(known.name, "generations/", 12) == 0 && strstr(known.name, "/catalog"))
		maps->catalog = true;
	return 0;
}

Test(inspect, maps_tell_fill_and_memory)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_status status;
	struct maps maps = {0};

	cr_assert(send(stage, 80, PACKET_TCP_SYN));
	cr_assert_eq(epg_maps_each(stage_epg(stage), take_map, &maps), 0);
	cr_assert_eq(maps.flows, 1);
	cr_assert_eq(maps.endpoints, 6);
	cr_assert(maps.catalog, "the maps of generations are listed too");
	cr_assert_gt(maps.bytes, 100000);
	cr_assert_eq(epg_status(stage_epg(stage), &status), 0);
	cr_assert_eq(status.flows, 1);
	stage_close(stage);
}

/* ---- status ---- */

Test(inspect, status_is_one_look_at_everything)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_status status;

	cr_assert_eq(epg_attach(stage_epg(stage), "nobody", NULL), 0);
	cr_assert(send(stage, 80, PACKET_TCP_SYN));
	cr_assert_not(send(stage, 22, PACKET_TCP_SYN));
	cr_assert_eq(epg_status(stage_epg(stage), &status), 0);
	cr_assert(status.loaded);
	cr_assert_eq(status.generation, 1);
	cr_assert_eq(status.previous_generation, 0);
	cr_assert_str_eq(status.file, "stage.yaml");
	cr_assert_neq(status.applied_at, 0);
	cr_assert_eq(status.endpoints, 6);
	cr_assert_eq(status.attached, 7);
	cr_assert_eq(status.quarantined, 1);
	cr_assert_eq(status.groups, 8);
	cr_assert_eq(status.contracts, 5);
	cr_assert_eq(status.rules, EPG_RULE_IMPLICIT_COUNT + 9);
	cr_assert_geq(status.permitted_packets, 1);
	cr_assert_geq(status.dropped_packets, 1);
	cr_assert_eq(status.flows_capacity, 262144);
	cr_assert_eq(status.stats[EPG_STAT_FLOWS_CREATED], status.flows);
	stage_close(stage);
}

Test(inspect, status_works_where_nothing_is_loaded)
{
	struct stage *stage = stage_open(NULL);
	struct epg_options options = {.size = sizeof(options), .pin = "/sys/fs/bpf/epg-test-nothing"};
	struct epg_status status;
	struct epg *epg;

	cr_assert_eq(epg_status(stage_epg(stage), &status), 0);
	cr_assert(status.loaded);
	cr_assert_eq(status.generation, 0);
	cr_assert_str_eq(status.file, "");
	cr_assert_eq(epg_open(&options, &epg), 0);
	cr_assert_eq(epg_status(epg, &status), 0);
	cr_assert_not(status.loaded);
	cr_assert_str_eq(status.pin, options.pin);
	cr_assert_eq(epg_error(epg)->failure, EPG_FAILURE_NONE, "not loaded is an answer here");
	cr_assert_eq(epg_groups_each(epg, take_group, NULL), -ENODEV);
	epg_close(epg);
	stage_close(stage);
}

/* ---- diff ---- */

struct changes {
	size_t count;
	char last[512];
};

static int take_change(void *user, const struct epg_change *change)
{
	struct changes *changes = user;

	changes->count++;
	snprintf(changes->last, sizeof(changes->last), "%s %s: %s", change->object, change->name, change->detail);
	return 0;
}

static struct changes diff(struct stage *stage, const char *text)
{
	struct epg_policy_source source = {.size = sizeof(source),
					   .path = "new.yaml",
					   .text = text,
					   .length = strlen(text)};
	struct changes changes = {0};
	struct epg_policy *policy;

	cr_assert_eq(epg_policy_read(stage_epg(stage), &source, &policy, NULL), 0);
	cr_assert_eq(epg_diff(stage_epg(stage), policy, NULL, take_change, &changes, NULL), 0, "%s",
		     epg_error(stage_epg(stage))->message);
	epg_policy_free(policy);
	return changes;
}

Test(inspect, diff_compares_with_what_runs)
{
	struct stage *stage = stage_open(NULL);
	char changed[8192];
	struct changes changes = diff(stage, STAGE_POLICY);

	cr_assert_gt(changes.count, 20, "without a running policy everything is added");
	stage_apply(stage, STAGE_POLICY);
	cr_assert_eq(diff(stage, STAGE_POLICY).count, 0);
	snprintf(changed, sizeof(changed), "%s", STAGE_POLICY);
	memcpy(strstr(changed, "dPort: 8080"), "dPort: 8081", strlen("dPort: 8080"));
	changes = diff(stage, changed);
	cr_assert_eq(changes.count, 1, "%s", changes.last);
	cr_assert_str_eq(changes.last,
			 "rule shop/alt > all > shop/alt > alt: no longer tcp dport 8080; now tcp dport 8081");
	stage_close(stage);
}

/* ---- attributes ---- */

struct attributes {
	struct epg_group_info back;
	size_t contracts, taboos;
	bool keep;
	uint64_t taboo_packets;
};

static int take_attributes_of_group(void *user, const struct epg_group_info *group)
{
	struct attributes *attributes = user;

	if (strcmp(group->name, "shop/store/back") == 0)
		attributes->back = *group;
	return 0;
}

static int take_attributes_of_contract(void *user, const struct epg_contract_info *contract)
{
	struct attributes *attributes = user;
	bool taboo = strcmp(contract->kind, "taboo") == 0;

	attributes->contracts += !taboo;
	attributes->taboos += taboo;
	cr_assert(taboo || attributes->taboos == 0, "taboos come behind contracts");
	cr_assert_str_eq(contract->scope, taboo ? "" : "vrf");
	if (strcmp(contract->name, "shop/web") == 0)
		attributes->keep = contract->keep;
	if (taboo) {
		cr_assert_eq(contract->n_rules, 1);
		cr_assert_str_eq(contract->rules[0].role, "taboo");
		cr_assert_eq(contract->rules[0].level, EPG_LEVEL_TABOO);
		attributes->taboo_packets += contract->packets;
	}
	return 0;
}

Test(inspect, attributes_of_groups_and_contracts_are_told)
{
	char *keep = stage_policy_with(STAGE_POLICY, "{name: web, subjects", "{name: web, onChange: keep, subjects");
	char *taboo = stage_policy_with(keep, "  appProfiles:\n",
					"  taboos: [{name: no-web, filters: [https]}]\n  appProfiles:\n");
	char *policy = stage_policy_with(
		taboo, "      consume: [sql, alt]\n",
		"      consume: [sql, alt]\n      taboos: [no-web]\n      preferredGroupMember: true\n"
		"      police: {rate: 8mbit, burst: 64kb}\n"
		"      intraEpg: {isolation: true, contracts: [alt]}\n");
	struct stage *stage = stage_open(policy);
	struct attributes attributes = {0};

	cr_assert_not(send(stage, 443, PACKET_TCP_SYN));
	cr_assert_eq(epg_groups_each(stage_epg(stage), take_attributes_of_group, &attributes), 0);
	cr_assert_eq(epg_contracts_each(stage_epg(stage), take_attributes_of_contract, &attributes), 0);
	cr_assert(attributes.back.isolated && attributes.back.preferred_member);
	cr_assert_eq(attributes.back.police_rate, 1000000);
	cr_assert_eq(attributes.back.police_burst, 65536);
	cr_assert_eq(attributes.back.taboos, 1);
	cr_assert_eq(attributes.back.intra_contracts, 1);
	cr_assert_eq(attributes.back.provides, 3);
	cr_assert_eq(attributes.back.consumes, 2);
	cr_assert_eq(attributes.contracts, 5);
	cr_assert_eq(attributes.taboos, 1);
	cr_assert_eq(attributes.taboo_packets, 1);
	cr_assert(attributes.keep);
	stage_close(stage);
	free(policy);
	free(taboo);
	free(keep);
}

/* ---- lint ---- */

static int count_empty(void *user, const struct epg_finding *finding)
{
	*(size_t *)user += finding->code == EPG_LINT_GROUP_WITHOUT_ENDPOINTS;
	return 0;
}

static size_t empty_groups(struct stage *stage, const struct epg_policy *policy, bool instance)
{
	const struct epg_lint_options options = {.size = sizeof(options), .instance = instance};
	size_t empty = 0;

	cr_assert_eq(epg_lint(stage_epg(stage), policy, &options, count_empty, &empty), 0, "%s",
		     epg_error(stage_epg(stage))->message);
	return empty;
}

Test(inspect, lint_asks_the_instance_who_is_where)
{
	char *text = stage_policy_with(STAGE_POLICY, "      endpoints: [{interface: guest}]\n", "");
	struct stage *stage = stage_open(text);
	const struct epg_policy_source source = {.size = sizeof(source), .text = text, .length = strlen(text)};
	const struct epg_endpoint_spec spec = {.size = sizeof(spec), .interface = "guest", .group = "shop/store/guest"};
	struct epg_policy *policy;

	cr_assert_eq(epg_policy_read(stage_epg(stage), &source, &policy, NULL), 0);
	cr_assert_eq(empty_groups(stage, policy, false), 1);
	cr_assert_eq(empty_groups(stage, policy, true), 1);
	cr_assert_eq(epg_endpoint_add(stage_epg(stage), &spec), 0);
	cr_assert_eq(empty_groups(stage, policy, false), 1, "the policy alone does not know");
	cr_assert_eq(empty_groups(stage, policy, true), 0);
	epg_policy_free(policy);
	stage_close(stage);
	free(text);
}

/* ---- walks ---- */

static int stop(void *user, const struct epg_rule_info *rule)
{
	(void)rule;
	return *(int *)user += 20;
}

Test(inspect, a_callback_stops_the_walk_with_its_value)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	int calls = 0;

	cr_assert_eq(epg_rules_each(stage_epg(stage), stop, &calls), 20);
	cr_assert_eq(calls, 20);
	stage_close(stage);
}
