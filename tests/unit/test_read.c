/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/diagnostic.h"
#include "policy/model.h"

struct reading {
	struct model *model; /* NULL after an error */
	struct epg_diagnostics *diagnostics;
	int error;
};

static struct reading read_text(const char *text)
{
	struct reading reading = {0};

	cr_assert_eq(diagnostics_new("p.yaml", &reading.diagnostics), 0);
	reading.error = model_read("p.yaml", text, strlen(text), 1 << 20, reading.diagnostics, &reading.model);
	return reading;
}

static void forget(struct reading *reading)
{
	epg_diagnostics_free(reading->diagnostics);
	model_free(reading->model);
}

/* The policy that tests vary: %s stands for the entry, or for what else is looked at. */
#define BEFORE_ENTRY                                                             \
	"version: 1\n"                                                           \
	"tenants:\n"                                                             \
	"- name: shop\n"                                                         \
	"  vrfs: [{name: prod}, {name: dev}]\n"                                  \
	"  bridgeDomains:\n"                                                     \
	"  - {name: bd1, vrf: prod, subnets: [10.1.0.1/24, \"fd00:1::1/64\"]}\n" \
	"  - {name: bd2, vrf: dev}\n"                                            \
	"  filters:\n"                                                           \
	"  - name: http\n"                                                       \
	"    entries:\n"                                                         \
	"    - {name: web"
#define ENTRY_LINE 11
#define AFTER_ENTRY                                                \
	"}\n"                                                      \
	"  contracts:\n"                                           \
	"  - name: web\n"                                          \
	"    subjects: [{name: http, filters: [http]}]\n"          \
	"  appProfiles:\n"                                         \
	"  - name: store\n"                                        \
	"    epgs:\n"                                              \
	"    - {name: front, bridgeDomain: bd1, consume: [web]}\n" \
	"    - {name: back, bridgeDomain: bd1, provide: [web]}\n"
#define BEFORE_MORE BEFORE_ENTRY AFTER_ENTRY
#define MORE_LINE 20

/* Finds a message by a piece of it. */
static const struct epg_diagnostic *find(const struct reading *reading, const char *piece)
{
	for (size_t i = 0; i < epg_diagnostics_count(reading->diagnostics); i++) {
		const struct epg_diagnostic *message = epg_diagnostics_get(reading->diagnostics, i);

		if (strstr(message->message, piece))
			return message;
	}
	return NULL;
}

/* The text leads to exactly one error, in this line, with these words. */
static void expect_error(const char *text, uint32_t line, const char *piece, const char *hint)
{
	struct reading reading = read_text(text);
	const struct epg_diagnostic *message = find(&reading, piece);
	const struct epg_diagnostic *any = epg_diagnostics_get(reading.diagnostics, 0);

	cr_assert_not_null(message, "expected \"%s\", not \"%s\"", piece, any ? any->message : "nothing");
	cr_assert_eq(message->severity, EPG_SEVERITY_ERROR);
	cr_assert_eq(message->line, line, "%s: line %u", piece, message->line);
	cr_assert(strstr(message->hint, hint), "%s: hint \"%s\"", piece, message->hint);
	cr_assert_eq(diagnostics_errors(reading.diagnostics), 1, "\"%s\" among others: \"%s\"", piece, any->message);
	cr_assert_eq(reading.error, -EBADMSG);
	cr_assert_null(reading.model);
	forget(&reading);
}

static void expect_warning(const char *text, uint32_t line, const char *piece)
{
	struct reading reading = read_text(text);
	const struct epg_diagnostic *message = find(&reading, piece);

	cr_assert_eq(reading.error, 0);
	cr_assert_not_null(message, "%s", piece);
	cr_assert_eq(message->severity, EPG_SEVERITY_WARNING);
	cr_assert_eq(message->line, line, "%s: line %u", piece, message->line);
	forget(&reading);
}

#define BAD_ENTRY(keys, piece, hint) expect_error(BEFORE_ENTRY keys AFTER_ENTRY, ENTRY_LINE, piece, hint)
#define BAD_MORE(more, piece, hint) expect_error(BEFORE_MORE more, MORE_LINE, piece, hint)

/* ---- filter entries ---- */

static struct model_entry entry_of(const char *text)
{
	struct reading reading = read_text(text);
	struct model_entry entry;

	cr_assert_eq(reading.error, 0, "%s", reading.error ? epg_diagnostics_get(reading.diagnostics, 0)->message : "");
	entry = reading.model->filters[0].entries[0];
	forget(&reading);
	entry.name = NULL; /* gone with the model */
	return entry;
}

#define ENTRY(keys) entry_of(BEFORE_ENTRY keys AFTER_ENTRY)

static void expect_kinds(struct model_entry entry, uint16_t first, uint16_t last)
{
	cr_assert_eq(entry.n_kinds, 1);
	cr_assert_eq(entry.kinds[0].first, first, "0x%x", entry.kinds[0].first);
	cr_assert_eq(entry.kinds[0].last, last, "0x%x", entry.kinds[0].last);
}

static void expect_both_kinds(struct model_entry entry, uint16_t protocol)
{
	cr_assert_eq(entry.n_kinds, 2);
	cr_assert_eq(entry.kinds[0].first, protocol);
	cr_assert_eq(entry.kinds[0].last, protocol);
	cr_assert_eq(entry.kinds[1].first, 0x100 + protocol);
	cr_assert_eq(entry.kinds[1].last, 0x100 + protocol);
}

Test(read, kinds_of_entries)
{
	expect_kinds(ENTRY(""), 0, 0xffff);
	expect_kinds(ENTRY(", etherT: ip"), 0, 0x1ff);
	expect_kinds(ENTRY(", etherT: ipv4"), 0, 0xff);
	expect_kinds(ENTRY(", etherT: 0x86dd"), 0x100, 0x1ff);
	expect_kinds(ENTRY(", etherT: arp"), 0x806, 0x806);
	expect_both_kinds(ENTRY(", etherT: ip, prot: tcp"), 6);
	expect_both_kinds(ENTRY(", prot: 47"), 47);
	expect_kinds(ENTRY(", etherT: ipv6, prot: udp"), 0x111, 0x111);
	expect_kinds(ENTRY(", prot: icmp"), 1, 1);
	expect_kinds(ENTRY(", etherT: ip, prot: icmpv6"), 0x13a, 0x13a);
}

Test(read, ports_and_types_of_entries)
{
	struct model_entry entry = ENTRY(", prot: tcp, dPort: 80-443, sPort: https");

	cr_assert_eq(entry.destination.first, 80);
	cr_assert_eq(entry.destination.last, 443);
	cr_assert_eq(entry.source.first, 443);
	cr_assert_eq(entry.source.last, 443);
	cr_assert(entry.tcp);
	cr_assert(entry.stateful);
	cr_assert_not(entry.icmp);
	entry = ENTRY(", prot: udp, dPort: \"53\", stateful: false");
	cr_assert_eq(entry.destination.last, 53);
	cr_assert_eq(entry.source.first, 0);
	cr_assert_eq(entry.source.last, 65535);
	cr_assert_not(entry.tcp);
	cr_assert_not(entry.stateful);
	entry = ENTRY(", prot: icmpv6, icmpType: echo-request, icmpCode: 0");
	cr_assert(entry.icmp);
	cr_assert_eq(entry.destination.first, 128);
	cr_assert_eq(entry.destination.last, 128);
	cr_assert_eq(entry.source.last, 0);
	entry = ENTRY(", prot: icmp, icmpType: echo-request");
	cr_assert_eq(entry.destination.first, 8);
	cr_assert_eq(entry.source.last, 65535);
}

Test(read, filtered_is_what_says_more_than_ip)
{
	cr_assert_not(ENTRY("").filtered);
	cr_assert_not(ENTRY(", etherT: ip").filtered);
	cr_assert_not(ENTRY(", etherT: ip, stateful: false").filtered);
	cr_assert(ENTRY(", etherT: ipv4").filtered);
	cr_assert(ENTRY(", etherT: arp").filtered);
	cr_assert(ENTRY(", prot: tcp").filtered);
}

Test(read, numbers_are_strict)
{
	BAD_ENTRY(", prot: tcp, dPort: 80abc", "\"80abc\" is not a port", "a number from 0 to 65535");
	BAD_ENTRY(", prot: tcp, dPort: 010", "\"010\" is not a port", "without leading zeros: 10");
	BAD_ENTRY(", prot: tcp, dPort: +5", "\"+5\" is not a port", "");
	BAD_ENTRY(", prot: tcp, dPort: 0x50", "\"0x50\" is not a port", "");
	BAD_ENTRY(", prot: tcp, dPort: 65536", "port 65536 is out of range", "65535");
	BAD_ENTRY(", prot: tcp, dPort: 443-80", "wrong way round", "write 80-443");
	BAD_ENTRY(", prot: tcp, dPort: 81-80", "wrong way round", "write 80-81");
	BAD_ENTRY(", prot: tcp, dPort: 80-", "not a port", "");
	BAD_ENTRY(", prot: tcp, dPort: 1-2-3", "not a port", "");
	BAD_ENTRY(", prot: tcp, dPort: \"-\"", "not a port", "");
	BAD_ENTRY(", prot: tcp, dPort: \"\"", "not a port", "");
	BAD_ENTRY(", prot: tcp, dPort: [80]", "not a list", "an entry for each");
	BAD_ENTRY(", prot: tcp, dPort: htpp", "no service \"htpp\" is known over tcp", "did you mean \"http\"?");
	BAD_ENTRY(", prot: 256", "out of range", "255");
	BAD_ENTRY(", prot: tpc", "\"tpc\" is not a protocol", "did you mean \"tcp\"?");
	BAD_ENTRY(", prot: icmp, icmpType: echo-requst", "not a type of icmp", "did you mean \"echo-request\"?");
	BAD_ENTRY(", prot: icmp, icmpType: 256", "out of range", "255");
	BAD_ENTRY(", stateful: no", "neither true nor false", "write false");
}

Test(read, what_does_not_go_together_is_refused)
{
	BAD_ENTRY(", dPort: 80", "dPort needs a prot", "tcp");
	BAD_ENTRY(", prot: gre, sPort: 80", "has no ports", "");
	BAD_ENTRY(", prot: icmp, etherT: ipv6", "does not occur", "icmpv6");
	BAD_ENTRY(", prot: icmpv6, etherT: ipv4", "does not occur", "prot: icmp");
	BAD_ENTRY(", prot: tcp, etherT: arp", "no IP protocol", "");
	BAD_ENTRY(", prot: tcp, icmpType: 8", "is for prot icmp", "");
	BAD_ENTRY(", icmpCode: 0", "is for prot icmp", "");
	BAD_ENTRY(", prot: icmp, icmpCode: 0", "needs an icmpType", "");
	BAD_ENTRY(", etherT: arp, stateful: false", "not tracked", "");
}

Test(read, what_is_not_enforced_is_refused)
{
	BAD_ENTRY(", tcpFlags: est", "\"tcpFlags\" is not supported yet", "");
	BAD_ENTRY(", fragments: only", "\"fragments\" is not supported yet", "");
	BAD_ENTRY(", etherT: 0x8847", "not supported yet", "");
	BAD_ENTRY(", prot: sctp, dPort: 80", "ports of prot sctp are not supported yet", "");
	BAD_MORE("    - {name: x, bridgeDomain: bd1, police: {rate: 1mbit}}\n", "\"police\" is not supported yet", "");
	BAD_MORE("    - {name: x, bridgeDomain: bd1, intraEpg: {isolation: true}}\n", "\"isolation\" is not", "false");
	BAD_MORE("    - {name: x, bridgeDomain: bd1, consume: [acme/web]}\n", "of another tenant", "");
	BAD_MORE("    - {name: x, bridgeDomain: bd1, match: [{label: a}]}\n", "\"label\" is not supported yet", "");
}

Test(read, defaults_of_what_is_not_supported_are_accepted)
{
	struct reading reading =
		read_text("version: 1\n"
			  "tenants:\n"
			  "- name: shop\n"
			  "  taboos: []\n"
			  "  vrfs: [{name: prod, preferredGroup: false, vzAny: {provide: [], consume: []}}]\n"
			  "  bridgeDomains: [{name: bd1, vrf: prod, arp: permit, forwarding: stack}]\n"
			  "  filters: [{name: ip, entries: [{name: all}]}]\n"
			  "  contracts:\n"
			  "  - name: web\n"
			  "    onChange: reevaluate\n"
			  "    subjects:\n"
			  "    - name: all\n"
			  "      bothDirections: true\n"
			  "      reverseFilterPorts: true\n"
			  "      mode: enforce\n"
			  "      filters: [{name: ip, action: permit, log: false}]\n"
			  "  appProfiles:\n"
			  "  - name: store\n"
			  "    epgs:\n"
			  "    - name: front\n"
			  "      bridgeDomain: bd1\n"
			  "      consume: [web]\n"
			  "      provide: [shop/web]\n"
			  "      taboos: []\n"
			  "      inherit: []\n"
			  "      preferredGroupMember: false\n"
			  "      intraEpg: {isolation: false, contracts: []}\n");

	cr_assert_eq(reading.error, 0);
	cr_assert_eq(epg_diagnostics_count(reading.diagnostics), 0);
	forget(&reading);
}

/* ---- keys and names ---- */

Test(read, keys_are_known_given_and_spelled_right)
{
	BAD_ENTRY(", dport: 80", "unknown key \"dport\"", "did you mean \"dPort\"?");
	BAD_ENTRY(", colour: blue", "unknown key \"colour\"", "a filter entry has the keys name, etherT");
	BAD_MORE("    - {name: x}\n", "an EPG needs the key \"bridgeDomain\"", "");
	BAD_MORE("    - {name: x, bridgeDomain: bd1, consume: web}\n", "a list must stand here", "write [web]");
	BAD_MORE("    - {name: x, bridgeDomain: bd1, consume: }\n", "a list must stand here", "write []");
	BAD_MORE("    - just\n", "an EPG must stand here, not a single value", "name");
	BAD_MORE("    - {name: [x], bridgeDomain: bd1}\n", "a single value must stand here, not a list", "");
	BAD_MORE("    - {<<: {a: b}, name: x, bridgeDomain: bd1}\n", "unknown key \"<<\"", "merge keys");
	expect_error("tenants: []\n", 1, "a policy needs the key \"version\"", "");
	expect_error("version: 2\ntenants: []\n", 1, "version 2", "version: 1");
	expect_error("[]\n", 1, "a policy must stand here, not a list", "");
}

Test(read, names_are_checked)
{
	BAD_MORE("    - {name: a b, bridgeDomain: bd1}\n", "\"a b\" is not a name", "");
	BAD_MORE("    - {name: a/b, bridgeDomain: bd1}\n", "\"a/b\" is not a name", "");
	BAD_MORE("    - {name: \"\", bridgeDomain: bd1}\n", "\"\" is not a name", "");
	BAD_MORE("    - {name: x234567890123456789012345678901234567890123456789012345678901234, bridgeDomain: bd1}\n",
		 "is too long", "63");
}

Test(read, dangling_names_are_told_with_a_guess)
{
	BAD_MORE("    - {name: x, bridgeDomain: bd3}\n", "bridge domain \"bd3\" does not exist in tenant \"shop\"",
		 "did you mean \"bd1\"?");
	BAD_MORE("    - {name: x, bridgeDomain: bd1, consume: [wbe]}\n", "contract \"wbe\" does not exist",
		 "did you mean \"web\"?");
	BAD_MORE("  externalEpgs: [{name: x, vrf: prdo, subnets: []}]\n", "VRF \"prdo\" does not exist",
		 "did you mean \"prod\"?");
	expect_error("version: 1\ntenants:\n- name: shop\n  filters: [{name: http, entries: []}]\n"
		     "  contracts: [{name: web, subjects: [{name: s, filters: [htp]}]}]\n",
		     5, "filter \"htp\" does not exist", "did you mean \"http\"?");
}

Test(read, names_of_another_tenant_are_not_seen)
{
	expect_error(BEFORE_MORE "- name: acme\n"
				 "  bridgeDomains: [{name: bd1, vrf: prod}]\n",
		     MORE_LINE + 1, "VRF \"prod\" does not exist in tenant \"acme\"", "");
}

Test(read, nothing_exists_twice)
{
	BAD_MORE("    - {name: back, bridgeDomain: bd1}\n", "EPG \"back\" exists already", "line 19");
	BAD_MORE("  - {name: store, epgs: []}\n", "application profile \"store\" exists already", "line 16");
	BAD_MORE("- {name: shop}\n", "tenant \"shop\" exists already", "line 3");
	expect_error(BEFORE_ENTRY "}\n    - {name: web, prot: tcp" AFTER_ENTRY, ENTRY_LINE + 1,
		     "entry \"web\" exists already", "line 11");
	expect_error(BEFORE_ENTRY "}\n  - {name: http, entries: []" AFTER_ENTRY, ENTRY_LINE + 1,
		     "filter \"http\" exists already", "line 9");
}

Test(read, same_name_in_another_application_profile_is_another_epg)
{
	struct reading reading = read_text(BEFORE_MORE "  - {name: other, epgs: [{name: back, bridgeDomain: bd1}]}\n");

	cr_assert_eq(reading.error, 0);
	cr_assert_str_eq(reading.model->groups[1].name, "shop/store/back");
	cr_assert_str_eq(reading.model->groups[2].name, "shop/other/back");
	cr_assert_neq(reading.model->groups[1].app_profile, reading.model->groups[2].app_profile);
	forget(&reading);
}

Test(read, all_errors_are_told_in_the_order_of_lines)
{
	struct reading reading =
		read_text(BEFORE_ENTRY ", dport: 80" AFTER_ENTRY "    - {name: x, bridgeDomain: bd3, consume: [wbe]}\n"
				       "colour: blue\n");

	cr_assert_eq(reading.error, -EBADMSG);
	cr_assert_eq(diagnostics_errors(reading.diagnostics), 4);
	for (size_t i = 1; i < 4; i++)
		cr_assert_geq(epg_diagnostics_get(reading.diagnostics, i)->line,
			      epg_diagnostics_get(reading.diagnostics, i - 1)->line);
	forget(&reading);
}

/* ---- addresses, interfaces, classes ---- */

Test(read, endpoints_and_matches)
{
	struct reading reading = read_text(
		BEFORE_MORE "    - name: x\n"
			    "      bridgeDomain: bd1\n"
			    "      class: 32771\n"
			    "      endpoints:\n"
			    "      - {interface: veth-f1, ips: [10.1.0.2, \"fd00:1::2\"], mac: \"02:00:0a:01:00:02\"}\n"
			    "      match:\n"
			    "      - {interface: \"veth-*\"}\n"
			    "      - {ip: 10.1.0.64/26}\n");
	const struct model_group *group;

	cr_assert_eq(reading.error, 0);
	group = &reading.model->groups[2];
	cr_assert_eq(group->class_id, 32771);
	cr_assert_eq(group->vrf, 0);
	cr_assert_str_eq(group->endpoints[0].interface, "veth-f1");
	cr_assert_eq(group->endpoints[0].n_ips, 2);
	cr_assert(group->endpoints[0].ips[0].ipv4);
	cr_assert_eq(group->endpoints[0].ips[0].length, 128);
	cr_assert_eq(group->endpoints[0].ips[0].address[15], 2);
	cr_assert_eq(group->endpoints[0].ips[0].address[11], 0xff);
	cr_assert_not(group->endpoints[0].ips[1].ipv4);
	cr_assert(group->endpoints[0].has_mac);
	cr_assert_eq(group->endpoints[0].mac[2], 0x0a);
	cr_assert_str_eq(group->matches[0].interface, "veth-*");
	cr_assert_null(group->matches[1].interface);
	cr_assert_eq(group->matches[1].prefix.length, 96 + 26);
	forget(&reading);
}

#define ENDPOINT(keys) "    - {name: x, bridgeDomain: bd1, endpoints: [{interface: eth1" keys "}]}\n"

Test(read, addresses_are_checked)
{
	BAD_MORE(ENDPOINT(", ips: [10.2.0.2]"), "10.2.0.2 is in no subnet", "10.1.0.1/24, fd00:1::1/64");
	BAD_MORE(ENDPOINT(", ips: [\"fd00:2::2\"]"), "is in no subnet", "");
	BAD_MORE(ENDPOINT(", ips: [10.1.0.2/24]"), "is a prefix", "");
	BAD_MORE(ENDPOINT(", ips: [10.1.0]"), "is not an address", "");
	BAD_MORE(ENDPOINT(", ips: [10.1.0.02]"), "is not an address", "");
	BAD_MORE(ENDPOINT(", ips: [0.0.0.0]"), "can have", "");
	BAD_MORE(ENDPOINT(", ips: [224.0.0.1]"), "can have", "");
	BAD_MORE(ENDPOINT(", ips: [\"ff02::1\"]"), "can have", "");
	BAD_MORE(ENDPOINT(", ips: [\"::ffff:10.1.0.2\"]"), "IPv4 address in IPv6", "10.1.0.2");
	BAD_MORE(ENDPOINT(", ips: [10.1.0.2, 10.1.0.2]"), "the address 10.1.0.2 is given twice", "line 20");
	BAD_MORE(ENDPOINT(", mac: 01:00:5e:00:00:01"), "MAC address that an interface can have", "");
	BAD_MORE(ENDPOINT(", mac: 02:00:0a:01:00"), "is not a MAC address", "");
	BAD_MORE("    - {name: x, bridgeDomain: bd1, match: [{ip: 10.1.0.5/24}]}\n", "bits of a host",
		 "write 10.1.0.0/24");
	BAD_MORE("    - {name: x, bridgeDomain: bd1, match: [{ip: 10.1.0.5}]}\n", "lacks the length", "10.1.0.5/32");
	BAD_MORE("    - {name: x, bridgeDomain: bd1, match: [{ip: 10.1.0.0/33}]}\n", "length of an IPv4 prefix", "32");
	BAD_MORE("    - {name: x, bridgeDomain: bd1, match: [{}]}\n", "says nothing", "");
	BAD_MORE("    - {name: x, bridgeDomain: bd1, match: [{interface: a, ip: 10.1.0.0/24}]}\n", "not by both", "");
	BAD_MORE("  externalEpgs: [{name: x, vrf: prod, subnets: [10.0.0.0/8, 10.0.0.0/8]}]\n", "given twice", "");
	BAD_MORE("  externalEpgs: [{name: x, vrf: prod, subnets: [10.0.0.1/8]}]\n", "bits of a host", "10.0.0.0/8");
}

Test(read, subnet_of_all_ipv6_holds_no_ipv4_address)
{
	expect_error(
		"version: 1\ntenants:\n- name: shop\n  vrfs: [{name: prod}]\n"
		"  bridgeDomains: [{name: bd1, vrf: prod, subnets: [\"::/0\"]}]\n"
		"  appProfiles:\n"
		"  - {name: a, epgs: [{name: x, bridgeDomain: bd1, endpoints: [{interface: e, ips: [10.1.0.2]}]}]}\n",
		7, "10.1.0.2 is in no subnet", "::/0");
}

Test(read, same_address_in_another_vrf_is_another_address)
{
	struct reading reading = read_text(
		BEFORE_MORE "    - {name: x, bridgeDomain: bd1, endpoints: [{interface: a, ips: [10.1.0.2]}]}\n"
			    "    - {name: y, bridgeDomain: bd2, endpoints: [{interface: b, ips: [10.1.0.2]}]}\n"
			    "  externalEpgs:\n"
			    "  - {name: v, vrf: prod, subnets: [0.0.0.0/0, \"::/0\"]}\n"
			    "  - {name: w, vrf: dev, subnets: [0.0.0.0/0]}\n");

	cr_assert_eq(reading.error, 0);
	cr_assert_eq(reading.model->groups[4].subnets[0].length, 96);
	cr_assert_eq(reading.model->groups[4].subnets[1].length, 0);
	cr_assert(reading.model->groups[4].external);
	cr_assert_eq(reading.model->groups[4].bridge_domain, MODEL_NONE);
	forget(&reading);
}

Test(read, interfaces_are_checked)
{
	BAD_MORE("    - {name: x, bridgeDomain: bd1, endpoints: [{interface: eth1}, {interface: eth1}]}\n",
		 "the interface eth1 is given twice", "");
	BAD_MORE("    - {name: x, bridgeDomain: bd1, endpoints: [{interface: sixteen-bytes-xx}]}\n", "too long", "15");
	BAD_MORE("    - {name: x, bridgeDomain: bd1, endpoints: [{interface: a/b}]}\n", "is not the name", "");
	BAD_MORE("    - {name: x, bridgeDomain: bd1, endpoints: [{interface: \"veth*\"}]}\n", "is a pattern", "match");
	BAD_MORE("    - {name: x, bridgeDomain: bd1, match: [{interface: \"a b*\"}]}\n", "is not a pattern", "");
}

Test(read, classes_are_checked)
{
	BAD_MORE("    - {name: x, bridgeDomain: bd1, class: 15}\n", "class 15 is out of range", "from 16 to 65535");
	BAD_MORE("    - {name: x, bridgeDomain: bd1, class: 65536}\n", "out of range", "");
	BAD_MORE("    - {name: x, bridgeDomain: bd1, class: 0x10}\n", "is not a number", "decimal");
	expect_error(BEFORE_MORE "    - {name: x, bridgeDomain: bd1, class: 16}\n"
				 "    - {name: y, bridgeDomain: bd1, class: 16}\n",
		     MORE_LINE + 1, "the class 16 is given twice", "line 20");
}

/* ---- scopes and warnings ---- */

#define TWO_VRFS(scope)                                                                          \
	"version: 1\n"                                                                           \
	"tenants:\n"                                                                             \
	"- name: shop\n"                                                                         \
	"  vrfs: [{name: prod}, {name: dev}]\n"                                                  \
	"  bridgeDomains: [{name: bd1, vrf: prod}, {name: bd2, vrf: dev}]\n"                     \
	"  filters: [{name: ip, entries: [{name: all}]}]\n"                                      \
	"  contracts: [{name: web, scope: " scope ", subjects: [{name: all, filters: [ip]}]}]\n" \
	"  appProfiles:\n"                                                                       \
	"  - name: a\n"                                                                          \
	"    epgs:\n"                                                                            \
	"    - {name: front, bridgeDomain: bd1, consume: [web]}\n"                               \
	"    - {name: back, bridgeDomain: bd2, provide: [web]}\n"

Test(read, a_contract_cannot_join_vrfs_yet)
{
	expect_error(TWO_VRFS("tenant"), 11, "not supported yet: contract \"web\" joins EPGs of different VRFs",
		     "scope: vrf");
	expect_error(TWO_VRFS("global"), 11, "joins EPGs of different VRFs", "");
	expect_warning(TWO_VRFS("vrf"), 11, "does not bind this EPG: no provider of it is in the same VRF");
	expect_warning(TWO_VRFS("vrf"), 12, "does not bind this EPG: no consumer of it is in the same VRF");
	expect_error(TWO_VRFS("vfr"), 7, "\"vfr\" is not possible here", "did you mean \"vrf\"?");
}

Test(read, application_profile_is_the_narrowest_scope)
{
	static const char text[] =
		TWO_VRFS("application-profile") "    - {name: near, bridgeDomain: bd1, provide: [web]}\n"
						"  - name: b\n"
						"    epgs: [{name: far, bridgeDomain: bd1, consume: [web]}]\n"
						"  externalEpgs: [{name: out, vrf: prod, subnets: [0.0.0.0/0], "
						"consume: [web]}]\n";

	expect_warning(text, 12, "no consumer of it is in the same application profile");
	expect_warning(text, 15, "no provider of it is in the same application profile");
	expect_warning(text, 16, "an external EPG is in no application profile");
}

Test(read, what_is_useless_gets_a_warning)
{
	expect_warning(BEFORE_ENTRY "}\n    - {name: again" AFTER_ENTRY, 12, "entry \"again\" never decides");
	expect_warning(BEFORE_ENTRY "}\n  - {name: unused, entries: [{name: a, prot: tcp}]" AFTER_ENTRY, 12,
		       "filter \"unused\" is used by no contract");
	expect_warning(BEFORE_ENTRY ", etherT: arp" AFTER_ENTRY, 11, "ARP needs no contract");
	expect_warning(BEFORE_MORE "    - {name: x, bridgeDomain: bd1, consume: [web, web]}\n", 20, "named twice");
	expect_warning(BEFORE_MORE "    - {name: x, bridgeDomain: bd1, match: [{ip: 10.9.0.0/24}]}\n", 20,
		       "it never matches");
	expect_warning(BEFORE_MORE
		       "    - {name: x, bridgeDomain: bd1, match: [{interface: \"v*\"}, {interface: \"v*\"}]}\n",
		       20, "never decides");
	expect_warning(BEFORE_MORE "    - {name: x, bridgeDomain: bd1, endpoints: [{interface: v}]}\n"
				   "    - {name: y, bridgeDomain: bd1, match: [{interface: v}]}\n",
		       21, "never decides");
	expect_warning("version: 1\ntenants:\n- {name: a, contracts: [{name: web, subjects: []}]}\n", 3,
		       "contract \"web\" has neither provider nor consumer");
}

Test(read, filters_of_one_subject_that_overlap_get_a_warning)
{
	static const char text[] =
		"version: 1\n"
		"tenants:\n"
		"- name: shop\n"
		"  filters:\n"
		"  - {name: a, entries: [{name: http, prot: tcp, dPort: 80}]}\n"
		"  - {name: b, entries: [{name: web, prot: tcp, dPort: http}, {name: x, prot: udp}]}\n"
		"  contracts:\n"
		"  - name: web\n"
		"    subjects:\n"
		"    - {name: s, filters: [a, b]}\n";

	expect_warning(text, 10, "entry \"web\" of filter \"b\" never decides here");
}

Test(read, a_policy_that_is_fine_gets_no_message)
{
	struct reading reading = read_text(BEFORE_MORE);

	cr_assert_eq(reading.error, 0);
	cr_assert_eq(epg_diagnostics_count(reading.diagnostics), 0);
	cr_assert_str_eq(reading.model->text, BEFORE_MORE);
	cr_assert_str_eq(reading.model->contracts[0].name, "shop/web");
	cr_assert_eq(reading.model->contracts[0].scope, MODEL_SCOPE_VRF);
	cr_assert_eq(reading.model->filters[0].entries[0].place.line, ENTRY_LINE);
	cr_assert_eq(reading.model->groups[0].consume[0].contract, 0);
	cr_assert(reading.model->vrfs[0].enforced);
	forget(&reading);
}

Test(read, too_long_a_text_is_refused_unread)
{
	struct epg_diagnostics *diagnostics;
	struct model *model = NULL;

	cr_assert_eq(diagnostics_new("p.yaml", &diagnostics), 0);
	cr_assert_eq(model_read("p.yaml", BEFORE_MORE, strlen(BEFORE_MORE), 100, diagnostics, &model), -EFBIG);
	cr_assert_null(model);
	epg_diagnostics_free(diagnostics);
}
