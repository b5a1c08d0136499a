/* SPDX-License-Identifier: GPL-2.0-only */
#include "reading.h"

/* One more EPG, in one line, whose matches are these. */
#define MATCH "    - {name: x, bridgeDomain: bd1, match: ["
#define END "]}\n"
#define BAD_MATCH(item, piece, hint) expect_error(BEFORE_MORE MATCH item END, MORE_LINE, piece, hint)

#define MAC_1 "\"02:00:0a:01:00:07\""
#define MAC_2 "\"02:00:0a:01:00:08\""

static const struct model_match *matches_of(const struct reading *reading)
{
	return reading->model->groups[2].matches;
}

Test(read_member, stations_behind_an_interface)
{
	struct reading reading = read_good(
		BEFORE_MORE MATCH "{interface: eth1, vlan: 120}, {interface: \"bond*\", vlan: 4094, mac: " MAC_1
				  "}, {interface: eth1, mac: " MAC_1 "}, {mac: " MAC_1 "}, {interface: eth1}, "
				  "{ip: 10.1.0.64/26}" END);
	const struct model_match *matches = matches_of(&reading);
	static const struct {
		const char *interface;
		uint16_t vlan;
		bool has_mac, prefix, behind;
		const char *station;
	} expected[] = {
		{"eth1", 120, false, false, true, "eth1/120"},
		{"bond*", 4094, true, false, true, "bond*/4094/02:00:0a:01:00:07"},
		{"eth1", 0, true, false, true, "eth1/02:00:0a:01:00:07"},
		{NULL, 0, true, false, true, "02:00:0a:01:00:07"},
		{"eth1", 0, false, false, false, "eth1"},
		{NULL, 0, false, true, false, ""},
	};

	cr_assert_eq(reading.model->groups[2].n_matches, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		char station[MODEL_STATION_MAX];

		if (expected[i].interface)
			cr_assert_str_eq(matches[i].interface, expected[i].interface);
		else
			cr_assert_null(matches[i].interface);
		cr_assert_eq(matches[i].vlan, expected[i].vlan, "item %zu", i);
		cr_assert_eq(matches[i].has_mac, expected[i].has_mac, "item %zu", i);
		cr_assert_eq(matches[i].has_mac, matches[i].mac[5] == 7, "item %zu", i);
		cr_assert_eq(model_match_is_prefix(&matches[i]), expected[i].prefix, "item %zu", i);
		cr_assert_eq(model_match_is_behind(&matches[i]), expected[i].behind, "item %zu", i);
		cr_assert_eq(matches[i].n_ips, 0);
		model_match_station(&matches[i], station);
		cr_assert_str_eq(station, expected[i].station);
	}
	forget(&reading);
}

Test(read_member, the_longest_name_of_a_station_fits)
{
	struct model_match match = {.interface = "fifteen-bytes-x", .vlan = 4094, .has_mac = true};
	char station[MODEL_STATION_MAX];

	model_match_station(&match, station);
	cr_assert_str_eq(station, "fifteen-bytes-x/4094/00:00:00:00:00:00");
}

Test(read_member, stations_have_declared_addresses)
{
	struct reading reading =
		read_good(BEFORE_MORE MATCH "{interface: eth1, vlan: 120, ips: [10.1.0.7, \"fd00:1::7\"]}, "
					    "{mac: " MAC_1 ", ips: [10.1.0.8]}, {mac: " MAC_2 ", ips: []}" END);
	const struct model_match *matches = matches_of(&reading);

	cr_assert_eq(matches[0].n_ips, 2);
	cr_assert_eq(matches[0].ips[0].length, 128);
	cr_assert(matches[0].ips[0].ipv4);
	cr_assert_eq(matches[0].ips[0].address[15], 7);
	cr_assert_not(matches[0].ips[1].ipv4);
	cr_assert_eq(matches[1].n_ips, 1);
	cr_assert_eq(matches[1].ips[0].address[15], 8);
	cr_assert_eq(matches[2].n_ips, 0);
	forget(&reading);
}

Test(read_member, keys_that_do_not_go_together)
{
	BAD_MATCH("{ip: 10.1.0.0/26, mac: " MAC_1 "}", "not by both", "its \"ips\"");
	BAD_MATCH("{ip: 10.1.0.0/26, interface: eth1, vlan: 1}", "not by both", "its \"ips\"");
	BAD_MATCH("{ip: 10.1.0.0/26, vlan: 1}", "not by both", "");
	BAD_MATCH("{ip: 10.1.0.0/26, interface: eth1}", "not by both", "write two items");
	BAD_MATCH("{ip: 10.1.0.0/26, ips: [10.1.0.2]}", "not by both", "write two items");
	BAD_MATCH("{vlan: 120}", "a VLAN is one of an interface", "{interface: eth1, vlan: 120}");
	BAD_MATCH("{vlan: 120, mac: " MAC_1 "}", "a VLAN is one of an interface", "such as");
	BAD_MATCH("{interface: eth1, ips: [10.1.0.2]}", "need its VLAN or its MAC address", "below \"endpoints\"");
	BAD_MATCH("{ips: [10.1.0.2]}", "need its VLAN or its MAC address", "{mac: ");
	BAD_MATCH("{}", "says nothing", "{interface: \"veth-*\"}");
	BAD_MATCH("{label: a}", "\"label\" is not supported yet", "take it out");
	BAD_MATCH("{interface: eth1, vlans: 120}", "unknown key \"vlans\"", "did you mean \"vlan\"?");
}

Test(read_member, carets_stand_at_the_key_that_is_wrong)
{
	struct reading reading = read_text(BEFORE_MORE MATCH "{vlan: 120}, {interface: eth1, ips: [10.1.0.2]}" END);
	uint32_t first = (uint32_t)strlen(MATCH) + (uint32_t)strlen("{vlan: ") + 1;

	cr_assert_eq(epg_diagnostics_count(reading.diagnostics), 2);
	cr_assert_eq(epg_diagnostics_get(reading.diagnostics, 0)->column, first);
	cr_assert_eq(epg_diagnostics_get(reading.diagnostics, 1)->column,
		     first + strlen("120}, {interface: eth1, ips: "));
	forget(&reading);
}

Test(read_member, values_of_stations_are_checked)
{
	BAD_MATCH("{interface: eth1, vlan: 0}", "VLAN 0 is out of range", "from 1 to 4094");
	BAD_MATCH("{interface: eth1, vlan: 4095}", "VLAN 4095 is out of range", "from 1 to 4094");
	BAD_MATCH("{interface: eth1, vlan: voice}", "\"voice\" is not a number", "");
	BAD_MATCH("{interface: eth1, vlan: [120]}", "a single value must stand here", "");
	BAD_MATCH("{interface: eth1/120, vlan: 120}", "is not a pattern of interface names", "slashes");
	BAD_MATCH("{mac: \"01:00:5e:00:00:01\"}", "not a MAC address that an interface can have", "");
	BAD_MATCH("{mac: \"00:00:00:00:00:00\"}", "not a MAC address that an interface can have", "");
	BAD_MATCH("{mac: \"02:00:0a:01:00\"}", "is not a MAC address", "such as");
	BAD_MATCH("{mac: " MAC_1 ", ips: [10.2.0.2]}", "10.2.0.2 is in no subnet", "10.1.0.1/24");
	BAD_MATCH("{mac: " MAC_1 ", ips: [127.0.0.1]}", "can have", "");
	BAD_MATCH("{mac: " MAC_1 ", ips: [\"::1\"]}", "can have", "");
	BAD_MATCH("{mac: " MAC_1 ", ips: 10.1.0.2}", "a list must stand here", "write [10.1.0.2]");
}

Test(read_member, the_outside_has_no_stations)
{
	expect_error(BEFORE_MORE "  externalEpgs:\n  - {name: o, vrf: prod, subnets: [0.0.0.0/0], match: [{mac: " MAC_1
				 "}]}\n",
		     21, "unknown key \"match\"", "an external EPG has the keys");
}

/* Two items, of EPGs x and y whose bridge domains are bd1 and this one. */
static void expect_claimed_twice(const char *first, const char *later, const char *bridge_domain, const char *station)
{
	char text[4096], piece[128];

	snprintf(text, sizeof(text), BEFORE_MORE MATCH "%s" END "    - {name: y, bridgeDomain: %s, match: [%s]}\n",
		 first, bridge_domain, later);
	snprintf(piece, sizeof(piece), "the station %s is given twice", station);
	expect_error(text, MORE_LINE + 1, piece, "line 20");
}

Test(read_member, a_station_belongs_to_one_group)
{
	expect_claimed_twice("{interface: eth1, vlan: 120}", "{interface: eth1, vlan: 120}", "bd1", "eth1/120");
	expect_claimed_twice("{interface: eth1, vlan: 120}", "{interface: eth1, vlan: 120}", "bd2", "eth1/120");
	expect_claimed_twice("{interface: \"e*\", mac: " MAC_1 "}", "{interface: \"e*\", mac: " MAC_1 "}", "bd1",
			     "e*/02:00:0a:01:00:07");
	expect_claimed_twice("{interface: e, vlan: 2, mac: " MAC_1 "}", "{vlan: 2, interface: e, mac: " MAC_1 "}",
			     "bd2", "e/2/02:00:0a:01:00:07");
	expect_claimed_twice("{mac: " MAC_1 "}", "{mac: \"02:00:0A:01:00:07\"}", "bd1", "02:00:0a:01:00:07");
	BAD_MATCH("{mac: " MAC_1 "}, {mac: " MAC_1 "}", "the station 02:00:0a:01:00:07 is given twice", "line 20");
}

/* Which VRF they are in is not known: that the bridge domain is unknown is enough to tell. */
Test(read_member, unknown_bridge_domains_claim_nothing)
{
	struct reading reading =
		read_text(BEFORE_MORE "    - {name: x, bridgeDomain: bd7, match: [{mac: " MAC_1 "}]}\n"
				      "    - {name: y, bridgeDomain: bd8, match: [{mac: " MAC_1 "}]}\n");

	cr_assert_eq(diagnostics_errors(reading.diagnostics), 2);
	cr_assert_null(find(&reading, "given twice"));
	forget(&reading);
}

Test(read_member, stations_that_differ_in_anything_are_others)
{
	expect_nothing(BEFORE_MORE MATCH "{interface: eth1, vlan: 120}, {interface: eth1, vlan: 121}, "
					 "{interface: eth2, vlan: 120}, {interface: eth1, mac: " MAC_1
					 "}, {interface: eth1, vlan: 120, mac: " MAC_1 "}, {mac: " MAC_1
					 "}, {mac: " MAC_2 "}, {interface: \"eth*\", vlan: 120}, {interface: eth1}" END
					 "    - {name: y, bridgeDomain: bd2, match: [{mac: " MAC_1 "}]}\n");
}

Test(read_member, an_address_is_declared_once_in_a_vrf)
{
	BAD_MATCH("{mac: " MAC_1 ", ips: [10.1.0.7]}, {mac: " MAC_2 ", ips: [10.1.0.7]}",
		  "the address 10.1.0.7 is given twice", "line 20");
	expect_error(BEFORE_MORE MATCH
		     "{mac: " MAC_1 ", ips: [10.1.0.7]}" END
		     "    - {name: y, bridgeDomain: bd1, endpoints: [{interface: e, ips: [10.1.0.7]}]}\n",
		     MORE_LINE + 1, "the address 10.1.0.7 is given twice", "line 20");
	expect_nothing(BEFORE_MORE MATCH "{mac: " MAC_1 ", ips: [10.1.0.7]}" END
					 "    - {name: y, bridgeDomain: bd2, match: [{mac: " MAC_1
					 ", ips: [10.1.0.7]}]}\n");
}

/* The interface itself is one thing, who is behind it another. */
Test(read_member, an_endpoint_hides_no_station_behind_its_interface)
{
	expect_nothing(BEFORE_MORE "    - {name: x, bridgeDomain: bd1, endpoints: [{interface: eth1}], "
				   "match: [{interface: eth1, vlan: 120}, {interface: eth1, mac: " MAC_1 "}]}\n");
}
