/* SPDX-License-Identifier: GPL-2.0-only */
#include "reading.h"

#define BAD_MORE(more, piece, hint) expect_error(BEFORE_MORE more, MORE_LINE, piece, hint)

/* ---- keys and names ---- */

Test(read, keys_are_known_given_and_spelled_right)
{
	BAD_MORE("    - {name: x, bridgedomain: bd1, bridgeDomain: bd1}\n", "unknown key \"bridgedomain\"",
		 "did you mean \"bridgeDomain\"?");
	BAD_MORE("    - {name: x, bridgeDomain: bd1, colour: blue}\n", "unknown key \"colour\"",
		 "an EPG has the keys name, bridgeDomain");
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

/* ---- VRFs and bridge domains ---- */

Test(read, vrfs_and_bridge_domains)
{
	struct reading reading = read_good("version: 1\n"
					   "tenants:\n"
					   "- name: shop\n"
					   "  vrfs:\n"
					   "  - {name: v, enforcement: unenforced, preferredGroup: true}\n"
					   "  - {name: w, enforcement: enforced, preferredGroup: false, vzAny: {}}\n"
					   "  bridgeDomains:\n"
					   "  - {name: a, vrf: v, arp: require-contract, subnets: [10.0.0.1/8],\n"
					   "     forwarding: direct}\n"
					   "  - {name: b, vrf: w, arp: permit, forwarding: stack}\n");
	const struct model *model = reading.model;

	cr_assert_not(model->vrfs[0].enforced);
	cr_assert(model->vrfs[0].preferred_group);
	cr_assert(model->vrfs[1].enforced);
	cr_assert_not(model->vrfs[1].preferred_group);
	cr_assert(model->bridge_domains[0].arp_contract);
	cr_assert(model->bridge_domains[0].direct);
	cr_assert_eq(model->bridge_domains[0].n_subnets, 1);
	cr_assert_not(model->bridge_domains[1].arp_contract);
	cr_assert_not(model->bridge_domains[1].direct);
	cr_assert_eq(model->bridge_domains[1].vrf, 1);
	forget(&reading);
}

Test(read, wrong_bridge_domains)
{
	static const struct bad bad[] = {
		{"arp: deny", "\"deny\" is not possible here", "one of permit or require-contract"},
		{"arp: [permit]", "not a list", ""},
		{"forwarding: fast", "\"fast\" is not possible here", "one of stack or direct"},
		{"forwarding: {direct: true}", "a single value must stand here, not an object", ""},
	};

	EXPECT_ERRORS("version: 1\ntenants:\n- {name: a, vrfs: [{name: v}], bridgeDomains: [{name: b, vrf: v, ",
		      "}]}\n", 3, bad);
	expect_error("version: 1\ntenants: [{name: a, vrfs: [{name: v}], bridgeDomains: [{name: b, vrf: c/v}]}]\n", 2,
		     "\"c/v\" is a VRF of another tenant", "define it in tenant \"a\" too");
	expect_error("version: 1\ntenants: [{name: a, vrfs: [{name: v, enforcement: no}]}]\n", 2,
		     "\"no\" is not possible here", "enforced");
}

/* ---- the whole ---- */

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
