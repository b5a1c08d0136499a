/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "epg/epg.h"

static const char text[] =
	"version: 1\n"
	"tenants:\n"
	"- name: shop\n"
	"  vrfs: [{name: prod}]\n"
	"  bridgeDomains: [{name: bd1, vrf: prod, subnets: [10.1.0.1/24]}]\n"
	"  filters:\n"
	"  - {name: http, entries: [{name: web, etherT: ip, prot: tcp, dPort: 80}]}\n"
	"  - name: many\n"
	"    entries:\n"
	"    - {name: a, etherT: ip, prot: tcp, dPort: 1000-1100}\n"
	"    - {name: b, etherT: ip, prot: tcp, dPort: 2000-2100, stateful: false}\n"
	"    - {name: c, etherT: ip, prot: udp, dPort: 3000-3100}\n"
	"  contracts:\n"
	"  - {name: web, subjects: [{name: s, filters: [http]}]}\n"
	"  - {name: bulk, subjects: [{name: s, filters: [many]}]}\n"
	"  - {name: idle, subjects: [{name: s, filters: [http]}]}\n"
	"  taboos: [{name: no-web, filters: [http]}]\n"
	"  appProfiles:\n"
	"  - name: store\n"
	"    epgs:\n"
	"    - {name: front, bridgeDomain: bd1, consume: [web, bulk], endpoints: [{interface: f, ips: [10.1.0.2]}]}\n"
	"    - {name: back, bridgeDomain: bd1, provide: [web], endpoints: [{interface: b, ips: [10.1.0.3, "
	"10.1.0.4]}]}\n"
	"    - {name: store, bridgeDomain: bd1, provide: [bulk], taboos: [no-web]}\n";

static struct epg *epg;
static struct epg_policy *policy;

static void read_policy(void)
{
	const struct epg_options options = {.size = sizeof(options), .pin = "/sys/fs/bpf/epg-test-cost"};
	const struct epg_policy_source source = {.size = sizeof(source), .text = text, .length = sizeof(text) - 1};

	cr_assert_eq(epg_open(&options, &epg), 0);
	cr_assert_eq(epg_policy_read(epg, &source, &policy, NULL), 0, "%s", epg_error(epg)->message);
}

static void free_policy(void)
{
	epg_policy_free(policy);
	epg_close(epg);
}

TestSuite(policy_cost, .init = read_policy, .fini = free_policy);

struct costs {
	char contracts[512];
	size_t last_bytes, rules, nodes;
	uint64_t entries_of_rules, entries_of_nodes, map_bytes;
	char maps[256];
	int stop_at, calls;
};

static int take_contract(void *user, const struct epg_contract_cost *cost)
{
	struct costs *costs = user;
	size_t length = strlen(costs->contracts);

	cr_assert(!length || cost->bytes <= costs->last_bytes, "the most expensive come first");
	costs->last_bytes = cost->bytes;
	costs->rules += cost->rules;
	snprintf(costs->contracts + length, sizeof(costs->contracts) - length, "%s %s %u: %zu pairs %zu rules\n",
		 cost->kind, cost->name, cost->line, cost->pairs, cost->rules);
	return ++costs->calls == costs->stop_at ? 42 : 0;
}

static int take_map(void *user, const struct epg_map_need *need)
{
	struct costs *costs = user;
	size_t length = strlen(costs->maps);

	cr_assert_leq(need->entries, need->capacity, "%s", need->map);
	costs->map_bytes += need->bytes;
	if (!strcmp(need->map, "rules"))
		costs->entries_of_rules = need->entries;
	if (!strcmp(need->map, "nodes"))
		costs->entries_of_nodes = need->entries;
	if (!strcmp(need->map, "endpoints"))
		cr_assert(need->entries == 2 && need->capacity == 16384);
	if (!strcmp(need->map, "addresses"))
		cr_assert(need->entries == 3 && need->capacity == 32768);
	snprintf(costs->maps + length, sizeof(costs->maps) - length, "%s ", need->map);
	return 0;
}

Test(policy_cost, every_contract_is_told_with_what_it_takes)
{
	struct costs costs = {0};

	cr_assert_eq(epg_policy_costs_each(epg, policy, take_contract, NULL, &costs), 0);
	cr_assert_str_eq(costs.contracts, "contract shop/bulk 15: 2 pairs 4 rules\n"
					  "contract shop/web 14: 1 pairs 1 rules\n"
					  "taboo shop/no-web 17: 1 pairs 1 rules\n"
					  "contract shop/idle 16: 0 pairs 1 rules\n");
	cr_assert_str_eq(costs.maps, "");
}

Test(policy_cost, the_maps_hold_the_sum)
{
	struct costs costs = {0};
	struct epg_cost all;

	cr_assert_eq(epg_policy_costs_each(epg, policy, take_contract, take_map, &costs), 0);
	cr_assert_eq(epg_policy_cost(epg, policy, &all, NULL), 0);
	cr_assert_str_eq(costs.maps, "rules counters nodes pairs classes groups endpoints addresses ");
	cr_assert_eq(costs.entries_of_rules, all.rules);
	cr_assert_eq(costs.rules + EPG_RULE_IMPLICIT_COUNT, all.rules);
	cr_assert_eq(costs.entries_of_nodes, all.nodes);
	cr_assert_eq(all.taboos, 1);
	cr_assert_eq(all.contracts, 3);
}

Test(policy_cost, the_callback_stops_the_walk)
{
	struct costs costs = {.stop_at = 2};

	cr_assert_eq(epg_policy_costs_each(epg, policy, take_contract, take_map, &costs), 42);
	cr_assert_str_eq(costs.maps, "");
}
