/* SPDX-License-Identifier: GPL-2.0-only */
#include "compiled.h"

#include <stdio.h>

#include <netinet/in.h>

#include "inspect/near_miss.h"
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

struct asked {
	struct compiled compiled;
	struct near_miss_packet packet;
	struct near_miss misses[NEAR_MISSES_MAX];
	size_t n;
	char why[NEAR_MISS_TEXT_MAX];
	char hint[NEAR_MISS_TEXT_MAX];
};

/* Asks about an IPv4 TCP connection that is being opened, or about what `change` makes of it. */
static struct asked ask(const char *source, const char *destination, const struct near_miss_packet *fields)
{
	struct asked asked = {.compiled = compile_text(policy, NULL), .packet = *fields};

	asked.packet.source_class = compiled_class(&asked.compiled, source);
	asked.packet.destination_class = compiled_class(&asked.compiled, destination);
	asked.n = near_miss_find(&asked.compiled.catalog, &asked.packet, asked.misses);
	cr_assert(asked.n <= NEAR_MISSES_MAX);
	if (asked.n > 0)
		near_miss_why(&asked.compiled.catalog, &asked.packet, &asked.misses[0], asked.why);
	near_miss_hint(&asked.compiled.catalog, &asked.packet, asked.misses, asked.n, asked.hint);
	return asked;
}

static const char *entry_of(const struct asked *asked, size_t i)
{
	const struct catalog *catalog = &asked->compiled.catalog;

	return catalog_string(catalog, catalog->rules[asked->misses[i].rule].entry);
}

#define TCP_SYN_TO(port) \
	(&(struct near_miss_packet){.kind = IPPROTO_TCP, .destination = (port), .source = 40000, .flags = EPG_FLAG_SYN})

Test(near_miss, names_the_port_that_would_have_matched)
{
	struct asked asked = ask("shop/store/front", "shop/store/back", TCP_SYN_TO(443));

	cr_assert_eq(asked.misses[0].cause, NEAR_MISS_FIELDS);
	cr_assert_str_eq(entry_of(&asked, 0), "web");
	cr_assert_str_eq(asked.why, "destination port 443 is not 80");
	near_miss_why(&asked.compiled.catalog, &asked.packet, &asked.misses[1], asked.why);
	cr_assert_str_eq(asked.why, "destination port 443 is not in 8000-8999");
	cr_assert(strstr(asked.hint, "add an entry for tcp dport 443 to a filter of contract shop/web (shop.yaml:"),
		  "%s", asked.hint);
	compiled_clear(&asked.compiled);
}

Test(near_miss, names_the_protocol_that_differs)
{
	const struct near_miss_packet udp = {.kind = EPG_KIND_IPV6 + IPPROTO_UDP, .destination = 80, .source = 9};
	struct asked asked = ask("shop/store/front", "shop/store/back", &udp);

	cr_assert_str_eq(entry_of(&asked, 0), "web");
	cr_assert_str_eq(asked.why, "protocol udp is not tcp");
	compiled_clear(&asked.compiled);
}

Test(near_miss, the_same_protocol_is_nearer_than_another_one)
{
	const struct near_miss_packet timestamp = {.kind = IPPROTO_ICMP, .destination = 13};
	struct asked asked = ask("shop/store/prober", "shop/store/target", &timestamp);

	cr_assert_str_eq(entry_of(&asked, 0), "echo");
	cr_assert_str_eq(asked.why, "ICMP type 13 is not 8");
	cr_assert(strstr(asked.hint, "an entry for icmp type 13 to"), "%s", asked.hint);
	near_miss_why(&asked.compiled.catalog, &asked.packet, &asked.misses[1], asked.why);
	cr_assert_str_eq(asked.why, "protocol icmp is not tcp");
	compiled_clear(&asked.compiled);
}

Test(near_miss, says_who_does_not_consume_and_where_to_write_it)
{
	const struct near_miss_packet dns = {.kind = IPPROTO_UDP, .destination = 53, .source = 40000};
	struct asked asked = ask("shop/store/front", "shop/store/back", &dns);
	char expected[NEAR_MISS_TEXT_MAX];

	cr_assert_eq(asked.misses[0].cause, NEAR_MISS_CONSUME);
	cr_assert_str_eq(asked.why, "shop/store/front does not consume it");
	snprintf(expected, sizeof(expected), "add \"names\" to consume of shop/store/front (shop.yaml:%d)", FRONT_LINE);
	cr_assert_str_eq(asked.hint, expected);
	compiled_clear(&asked.compiled);
}

Test(near_miss, says_who_does_not_provide)
{
	const struct near_miss_packet ping = {.kind = IPPROTO_ICMP, .destination = 8};
	struct asked asked = ask("shop/store/front", "shop/store/back", &ping);
	char expected[NEAR_MISS_TEXT_MAX];

	cr_assert_eq(asked.misses[0].cause, NEAR_MISS_PROVIDE);
	cr_assert_str_eq(asked.why, "shop/store/back does not provide it");
	snprintf(expected, sizeof(expected), "add \"diag\" to provide of shop/store/back (shop.yaml:%d)", BACK_LINE);
	cr_assert_str_eq(asked.hint, expected);
	compiled_clear(&asked.compiled);
}

Test(near_miss, tells_the_other_direction_from_an_answer)
{
	const struct near_miss_packet answer = {.kind = IPPROTO_TCP,
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
	cr_assert(strstr(asked.hint, "widen the scope of contract shop/web"));
	compiled_clear(&asked.compiled);
}

Test(near_miss, stateless_answers_lack_a_flag)
{
	const struct near_miss_packet syn = {.kind = IPPROTO_TCP,
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
	const struct near_miss_packet from_port = {.kind = IPPROTO_TCP,
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
	cr_assert(strstr(asked.hint, "provide a contract in shop/store/alone"), "%s", asked.hint);
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
