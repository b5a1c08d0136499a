/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>

#include <netinet/in.h>

#include "asked.h"
#include "base/util.h"

static const char policy[] =
	"version: 1\n"
	"tenants:\n"
	"- name: shop\n"
	"  vrfs: [{name: prod}, {name: lab}]\n"
	"  bridgeDomains:\n"
	"  - {name: bd1, vrf: prod, subnets: [10.1.0.1/24]}\n"
	"  - {name: bd2, vrf: lab, subnets: [10.2.0.1/24]}\n"
	"  filters:\n"
	"  - {name: http, entries: [{name: web, etherT: ip, prot: tcp, dPort: 80}]}\n"
	"  - {name: alt, entries: [{name: high, etherT: ip, prot: tcp, dPort: 8000-8999}]}\n"
	"  - {name: dns, entries: [{name: query, etherT: ip, prot: udp, dPort: 53}]}\n"
	"  - {name: diag, entries: [{name: echo, etherT: ipv4, prot: icmp, icmpType: echo-request}]}\n"
	"  - {name: log, entries: [{name: syslog, etherT: ip, prot: tcp, dPort: 514, stateful: false}]}\n"
	"  contracts:\n"
	"  - {name: web, subjects: [{name: http, filters: [http, alt]}]}\n"
	"  - {name: names, subjects: [{name: dns, filters: [dns]}]}\n"
	"  - {name: diag, subjects: [{name: ping, filters: [diag]}]}\n"
	"  - {name: log, subjects: [{name: log, filters: [log]}]}\n"
	"  - {name: probe, subjects: [{name: all, filters: [http, diag]}]}\n"
	"  appProfiles:\n"
	"  - name: store\n"
	"    epgs:\n"
	"    - {name: front, bridgeDomain: bd1, consume: [web, diag, log]}\n"
	"    - {name: back, bridgeDomain: bd1, provide: [web, names, log]}\n"
	"    - {name: away, bridgeDomain: bd2, provide: [web]}\n"
	"    - {name: alone, bridgeDomain: bd1}\n"
	"    - {name: prober, bridgeDomain: bd1, consume: [probe]}\n"
	"    - {name: target, bridgeDomain: bd1, provide: [probe]}\n";

#define FRONT_LINE 23
#define BACK_LINE 24

static struct asked ask(const char *source, const char *destination, const struct rule_packet *fields)
{
	return ask_about(policy, source, destination, fields);
}

static const char *entry_of(const struct asked *asked, size_t i)
{
	const struct catalog *catalog = &asked->compiled.catalog;

	return catalog_string(catalog, catalog->rules[asked->misses[i].rule].entry);
}

#define TCP_SYN_TO(port) \
	(&(struct rule_packet){.kind = IPPROTO_TCP, .destination = (port), .source = 40000, .flags = EPG_FLAG_SYN})

Test(near_miss, names_the_port_that_would_have_matched)
{
	struct asked asked = ask("shop/store/front", "shop/store/back", TCP_SYN_TO(443));

	cr_assert_eq(asked.misses[0].cause, NEAR_MISS_FIELDS);
	cr_assert_str_eq(entry_of(&asked, 0), "web");
	cr_assert_str_eq(asked.why, "destination port 443 is not 80");
	asked_why(&asked, 1);
	cr_assert_str_eq(asked.why, "destination port 443 is not in 8000-8999");
	cr_assert(strstr(asked.remedy.hint,
			 "add an entry for tcp dport 443 to filter shop/http of contract shop/web (shop.yaml:9)"),
		  "%s", asked.remedy.hint);
	compiled_clear(&asked.compiled);
}

Test(near_miss, names_the_protocol_that_differs)
{
	const struct rule_packet udp = {.kind = EPG_KIND_IPV6 + IPPROTO_UDP, .destination = 80, .source = 9};
	struct asked asked = ask("shop/store/front", "shop/store/back", &udp);

	cr_assert_str_eq(entry_of(&asked, 0), "web");
	cr_assert_str_eq(asked.why, "protocol udp is not tcp");
	compiled_clear(&asked.compiled);
}

Test(near_miss, the_same_protocol_is_nearer_than_another_one)
{
	const struct rule_packet timestamp = {.kind = IPPROTO_ICMP, .destination = 13};
	struct asked asked = ask("shop/store/prober", "shop/store/target", &timestamp);

	cr_assert_str_eq(entry_of(&asked, 0), "echo");
	cr_assert_str_eq(asked.why, "ICMP type 13 is not 8");
	cr_assert(strstr(asked.remedy.hint, "an entry for icmp type timestamp-request to"), "%s", asked.remedy.hint);
	asked_why(&asked, 1);
	cr_assert_str_eq(asked.why, "protocol icmp is not tcp");
	compiled_clear(&asked.compiled);
}

Test(near_miss, says_who_does_not_consume_and_where_to_write_it)
{
	const struct rule_packet dns = {.kind = IPPROTO_UDP, .destination = 53, .source = 40000};
	struct asked asked = ask("shop/store/front", "shop/store/back", &dns);
	char expected[NEAR_MISS_TEXT_MAX];

	cr_assert_eq(asked.misses[0].cause, NEAR_MISS_CONSUME);
	cr_assert_str_eq(asked.why, "shop/store/front does not consume it");
	snprintf(expected, sizeof(expected), "add \"names\" to consume of shop/store/front (shop.yaml:%d)", FRONT_LINE);
	cr_assert_str_eq(asked.remedy.hint, expected);
	compiled_clear(&asked.compiled);
}

Test(near_miss, says_who_does_not_provide)
{
	const struct rule_packet ping = {.kind = IPPROTO_ICMP, .destination = 8};
	struct asked asked = ask("shop/store/front", "shop/store/back", &ping);
	char expected[NEAR_MISS_TEXT_MAX];

	cr_assert_eq(asked.misses[0].cause, NEAR_MISS_PROVIDE);
	cr_assert_str_eq(asked.why, "shop/store/back does not provide it");
	snprintf(expected, sizeof(expected), "add \"diag\" to provide of shop/store/back (shop.yaml:%d)", BACK_LINE);
	cr_assert_str_eq(asked.remedy.hint, expected);
	compiled_clear(&asked.compiled);
}

Test(near_miss, tells_the_other_direction_from_an_answer)
{
	const struct rule_packet answer = {.kind = IPPROTO_TCP,
					   .destination = 40000,
					   .source = 80,
					   .flags = EPG_FLAG_SYN | EPG_FLAG_ACK};
	struct asked asked = ask("shop/store/back", "shop/store/front", TCP_SYN_TO(80));

	cr_assert_eq(asked.misses[0].cause, NEAR_MISS_DIRECTION);
	cr_assert_str_eq(asked.why, "it permits the other direction: only shop/store/front opens connections to "
				    "shop/store/back");
	compiled_clear(&asked.compiled);

	asked = ask("shop/store/back", "shop/store/front", &answer);
	cr_assert_eq(asked.misses[0].cause, NEAR_MISS_REPLY);
	cr_assert_str_eq(asked.why, "it permits such packets as answers only, within a connection that "
				    "shop/store/front has opened");
	compiled_clear(&asked.compiled);
}

Test(near_miss, a_scope_that_ends_at_the_vrf_is_told)
{
	struct asked asked = ask("shop/store/front", "shop/store/away", TCP_SYN_TO(80));

	cr_assert_eq(asked.misses[0].cause, NEAR_MISS_SCOPE);
	cr_assert_str_eq(asked.why, "its scope keeps it within one VRF");
	cr_assert(strstr(asked.remedy.hint, "widen the scope of contract shop/web"));
	compiled_clear(&asked.compiled);
}

Test(near_miss, stateless_answers_lack_a_flag)
{
	const struct rule_packet syn = {.kind = IPPROTO_TCP,
					.destination = 40000,
					.source = 514,
					.flags = EPG_FLAG_SYN};
	struct asked asked = ask("shop/store/back", "shop/store/front", &syn);
	size_t told = 0;

	for (size_t i = 0; i < asked.n; i++)
		told += strcmp(entry_of(&asked, i), "syslog") == 0;
	cr_assert_eq(told, 1, "both directions of an entry are one near miss");
	compiled_clear(&asked.compiled);
}

Test(near_miss, the_answering_half_of_an_entry_lets_nobody_open_connections)
{
	const struct rule_packet from_port = {.kind = IPPROTO_TCP,
					      .destination = 40000,
					      .source = 514,
					      .flags = EPG_FLAG_ACK};
	struct asked asked = ask("shop/store/front", "shop/store/back", &from_port);

	for (size_t i = 0; i < asked.n; i++)
		cr_assert_neq(asked.misses[i].cause, NEAR_MISS_DIRECTION);
	compiled_clear(&asked.compiled);
}

Test(near_miss, groups_without_contracts_are_told_to_begin_one)
{
	struct asked asked = ask("shop/store/front", "shop/store/alone", TCP_SYN_TO(22));

	cr_assert_eq(asked.n, 0);
	cr_assert(strstr(asked.remedy.hint, "provide a contract in shop/store/alone"), "%s", asked.remedy.hint);
	compiled_clear(&asked.compiled);
}

Test(near_miss, what_is_permitted_is_no_miss)
{
	struct asked asked = ask("shop/store/front", "shop/store/back", TCP_SYN_TO(80));

	for (size_t i = 0; i < asked.n; i++)
		cr_assert_str_neq(entry_of(&asked, i), "web");
	compiled_clear(&asked.compiled);
}

Test(near_miss, the_nearest_come_first)
{
	struct asked asked = ask("shop/store/front", "shop/store/back", TCP_SYN_TO(443));

	for (size_t i = 1; i < asked.n; i++)
		cr_assert(asked.misses[i - 1].distance <= asked.misses[i].distance);
	compiled_clear(&asked.compiled);
}

/* Contracts of any group, a deny, an audited subject, and a group within itself. */
static const char richer[] =
	"version: 1\n"
	"tenants:\n"
	"- name: shop\n"
	"  vrfs: [{name: prod, vzAny: {provide: [offered]}}, {name: lab, vzAny: {provide: [elsewhere]}}]\n"
	"  bridgeDomains: [{name: bd1, vrf: prod, subnets: [10.1.0.1/24]}]\n"
	"  filters:\n"
	"  - {name: http, entries: [{name: web, etherT: ip, prot: tcp, dPort: 80}]}\n"
	"  - {name: ssh, entries: [{name: shell, etherT: ip, prot: tcp, dPort: 22}]}\n"
	"  - {name: dns, entries: [{name: query, etherT: ip, prot: udp, dPort: 53, matchDscp: EF}]}\n"
	"  - {name: ask, entries: [{name: who, etherT: arp, arpOpcode: request, stateful: false}]}\n"
	"  contracts:\n"
	"  - {name: offered, subjects: [{name: s, filters: [http]}]}\n"
	"  - {name: elsewhere, subjects: [{name: s, filters: [ssh]}]}\n"
	"  - name: mixed\n"
	"    subjects:\n"
	"    - {name: s, filters: [{name: ssh, action: deny}, dns, ask]}\n"
	"    - {name: trial, mode: audit, filters: [http]}\n"
	"  appProfiles:\n"
	"  - name: store\n"
	"    epgs:\n"
	"    - {name: front, bridgeDomain: bd1, consume: [mixed]}\n"
	"    - {name: back, bridgeDomain: bd1, provide: [mixed], intraEpg: {isolation: true}}\n";

Test(near_miss, what_any_group_of_the_vrf_provides_can_be_consumed)
{
	const struct rule_packet web = {.kind = IPPROTO_TCP, .destination = 80, .source = 40000, .flags = EPG_FLAG_SYN};
	struct asked asked = ask_about(richer, "shop/store/front", "shop/store/back", &web);

	cr_assert_eq(asked.misses[0].cause, NEAR_MISS_CONSUME);
	cr_assert_eq(near_miss_missed(&asked.packet, &asked.misses[0]), 1u << EPG_MISS_CONSUMER);
	cr_assert_eq(asked.misses[1].cause, NEAR_MISS_AUDIT);
	asked_why(&asked, 1);
	cr_assert_str_eq(asked.why, "its subject is in audit mode: it decides nothing");
	compiled_clear(&asked.compiled);
}

Test(near_miss, neither_denies_nor_other_vrfs_are_near)
{
	const struct rule_packet shell = {.kind = IPPROTO_TCP,
					  .destination = 23,
					  .source = 40000,
					  .flags = EPG_FLAG_SYN};
	struct rule_packet ssh = shell;
	struct asked asked = ask_about(richer, "shop/store/front", "shop/store/back", &shell);

	for (size_t i = 0; i < asked.n; i++)
		cr_assert_str_neq(entry_of(&asked, i), "shell");
	compiled_clear(&asked.compiled);
	ssh.destination = 22;
	asked = ask_about(richer, "shop/store/back", "shop/store/front", &ssh);
	for (size_t i = 0; i < asked.n; i++)
		cr_assert_str_neq(entry_of(&asked, i), "shell");
	compiled_clear(&asked.compiled);
}

Test(near_miss, every_field_has_its_words)
{
	static const struct {
		struct rule_packet packet;
		const char *why;
		uint32_t missed;
	} cases[] = {
		{{.kind = IPPROTO_UDP, .destination = 53, .dscp = 10}, "DSCP AF11 is not EF", 1u << EPG_MISS_DSCP},
		{{.kind = IPPROTO_UDP, .destination = 53, .dscp = 1}, "DSCP 1 is not 46", 1u << EPG_MISS_DSCP},
		{{.kind = IPPROTO_UDP, .fragment = 1, .dscp = 46},
		 "a later fragment shows no ports, flags or types",
		 1u << EPG_MISS_FRAGMENT},
		{{.kind = 0x806, .destination = 2}, "ARP opcode 2 is not 1", 1u << EPG_MISS_ARP_OPCODE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct asked asked = ask_about(richer, "shop/store/front", "shop/store/back", &cases[i].packet);

		cr_assert_str_eq(asked.why, cases[i].why);
		cr_assert_eq(near_miss_missed(&asked.packet, &asked.misses[0]), cases[i].missed);
		compiled_clear(&asked.compiled);
	}
}

Test(near_miss, a_group_may_have_the_contract_only_towards_others)
{
	const struct rule_packet dns = {.kind = IPPROTO_UDP, .destination = 53, .source = 40000, .dscp = 46};
	struct asked asked = ask_about(richer, "shop/store/back", "shop/store/back", &dns);

	cr_assert_eq(asked.n, 1);
	cr_assert_eq(asked.misses[0].cause, NEAR_MISS_INTRA);
	cr_assert_eq(near_miss_missed(&asked.packet, &asked.misses[0]), 1u << EPG_MISS_INTRA);
	compiled_clear(&asked.compiled);
}

Test(near_miss, every_miss_has_a_name_of_its_own)
{
	for (unsigned int i = 0; i < EPG_MISS_COUNT; i++)
		for (unsigned int j = 0; j < i; j++)
			cr_assert_str_neq(epg_miss_name((enum epg_miss)i), epg_miss_name((enum epg_miss)j));
	cr_assert_null(epg_miss_name(EPG_MISS_COUNT));
}
