/* SPDX-License-Identifier: GPL-2.0-only */
#include "reading.h"

/* What follows are keys of an EPG, or of an external EPG, in line 20. */
#define BEFORE_EPG BEFORE_MORE "    - {name: x, bridgeDomain: bd1, "
#define BEFORE_EXTERNAL BEFORE_MORE "  externalEpgs: [{name: o, vrf: prod, subnets: [0.0.0.0/0], "

static struct model_group group_of(const char *text)
{
	struct reading reading = read_good(text);
	struct model_group group = reading.model->groups[2];

	forget(&reading);
	return group; /* its lists are gone with the model */
}

#define EPG(keys) group_of(BEFORE_EPG keys "}\n")

/* ---- police ---- */

Test(read_group, rates_are_bits_or_bytes_a_second)
{
	cr_assert_eq(EPG("police: {rate: 100mbit}").police.rate, 12500000);
	cr_assert_eq(EPG("police: {rate: 8kbit}").police.rate, 1000);
	cr_assert_eq(EPG("police: {rate: 8000bit}").police.rate, 1000);
	cr_assert_eq(EPG("police: {rate: 1000gbit}").police.rate, 125000000000);
	cr_assert_eq(EPG("police: {rate: 1000bps}").police.rate, 1000);
	cr_assert_eq(EPG("police: {rate: 3kbps}").police.rate, 3000);
	cr_assert_eq(EPG("police: {rate: 3mbps}").police.rate, 3000000);
	cr_assert_eq(EPG("police: {rate: 3gbps}").police.rate, 3000000000);
	cr_assert_eq(EPG("class: 16").police.rate, 0);
}

Test(read_group, bursts_are_bytes)
{
	cr_assert_eq(EPG("police: {rate: 100mbit, burst: 512kb}").police.burst, 512 << 10);
	cr_assert_eq(EPG("police: {rate: 100mbit, burst: 1514b}").police.burst, 1514);
	cr_assert_eq(EPG("police: {rate: 100mbit, burst: 256mb}").police.burst, 256 << 20);
	cr_assert_eq(EPG("police: {rate: 100mbit}").police.burst, 1250000, "a tenth of a second");
	cr_assert_eq(EPG("police: {rate: 8kbit}").police.burst, 64 << 10, "but at least 64 kB");
	cr_assert_eq(EPG("police: {rate: 1000gbit}").police.burst, 256 << 20, "and at most what may be asked for");
}

Test(read_group, wrong_police)
{
	static const struct bad bad[] = {
		{"police: {burst: 64kb}", "police needs the key \"rate\"", ""},
		{"police: 100mbit", "police must stand here, not a single value", "rate, burst"},
		{"police: {rate: 100}", "the rate 100 has no unit", "bit, kbit, mbit"},
		{"police: {rate: 100mb}", "\"100mb\" is not a rate", "mbit"},
		{"police: {rate: mbit}", "\"mbit\" is not a rate", ""},
		{"police: {rate: 1.5mbit}", "\"1.5mbit\" is not a rate", ""},
		{"police: {rate: -1mbit}", "\"-1mbit\" is not a rate", ""},
		{"police: {rate: 010mbit}", "\"010mbit\" is not a rate", ""},
		{"police: {rate: \"\"}", "\"\" is not a rate", ""},
		{"police: {rate: 0bit}", "the rate 0bit is out of range", "from 8kbit to 1000gbit"},
		{"police: {rate: 7999bit}", "the rate 7999bit is out of range", ""},
		{"police: {rate: 1001gbit}", "the rate 1001gbit is out of range", ""},
		{"police: {rate: 18446744073709551617mbit}", "is out of range", ""},
		{"police: {rate: 1mbit, burst: 64}", "the burst 64 has no unit", "b, kb or mb"},
		{"police: {rate: 1mbit, burst: 64kbit}", "\"64kbit\" is not a burst", ""},
		{"police: {rate: 1mbit, burst: 1513b}", "the burst 1513b is out of range", "from 1514b to 256mb"},
		{"police: {rate: 1mbit, burst: 257mb}", "the burst 257mb is out of range", ""},
		{"police: {rate: [1mbit]}", "a single value must stand here, not a list", ""},
	};

	EXPECT_ERRORS(BEFORE_EPG, "}\n", MORE_LINE, bad);
}

/* ---- within the EPG, and the preferred group ---- */

Test(read_group, isolation)
{
	cr_assert_not(EPG("class: 16").isolated);
	cr_assert_not(EPG("intraEpg: {}").isolated);
	cr_assert_not(EPG("intraEpg: {isolation: false, contracts: []}").isolated);
	cr_assert(EPG("intraEpg: {isolation: true}").isolated);
	cr_assert(EPG("intraEpg: {isolation: true, contracts: [web]}").isolated);
	cr_assert_eq(EPG("intraEpg: {contracts: [web]}").n_intra, 1);
}

Test(read_group, wrong_isolation)
{
	static const struct bad bad[] = {
		{"intraEpg: true", "intraEpg must stand here, not a single value", "isolation, contracts"},
		{"intraEpg: {isolation: on}", "\"on\" is neither true nor false", "write true"},
		{"intraEpg: {contracts: web}", "a list must stand here", "write [web]"},
		{"intraEpg: {contracts: [web, shop/web]}", "the contract shop/web is given twice", "line 20"},
		{"intraEpg: {contracts: [wbe]}", "contract \"wbe\" does not exist", "did you mean \"web\"?"},
		{"intraEpg: {isolaton: true}", "unknown key \"isolaton\"", "did you mean \"isolation\"?"},
	};

	EXPECT_ERRORS(BEFORE_EPG, "}\n", MORE_LINE, bad);
}

#define PREFERRED(vrf, epg, external)                     \
	"version: 1\n"                                    \
	"tenants:\n"                                      \
	"- name: shop\n"                                  \
	"  vrfs: [{name: prod" vrf "}]\n"                 \
	"  bridgeDomains: [{name: bd1, vrf: prod}]\n"     \
	"  appProfiles:\n"                                \
	"  - name: store\n"                               \
	"    epgs:\n"                                     \
	"    - {name: front, bridgeDomain: bd1" epg "}\n" \
	"  externalEpgs:\n"                               \
	"  - {name: internet, vrf: prod, subnets: [0.0.0.0/0]" external "}\n"

Test(read_group, members_of_the_preferred_group)
{
	struct reading reading = read_good(
		PREFERRED(", preferredGroup: true", ", preferredGroupMember: true", ", preferredGroupMember: false"));

	cr_assert_eq(epg_diagnostics_count(reading.diagnostics), 0, "%s", first_message(&reading));
	cr_assert(reading.model->vrfs[0].preferred_group);
	cr_assert(reading.model->groups[0].preferred_member);
	cr_assert_not(reading.model->groups[1].preferred_member);
	forget(&reading);
	reading = read_good(PREFERRED(", preferredGroup: true", "", ", preferredGroupMember: true"));
	cr_assert(reading.model->groups[1].preferred_member);
	forget(&reading);
}

Test(read_group, membership_in_no_preferred_group_gets_a_warning)
{
	expect_warning(PREFERRED("", ", preferredGroupMember: true", ""), 9, "VRF \"prod\" has no preferred group");
	expect_warning(PREFERRED(", preferredGroup: false", "", ", preferredGroupMember: true"), 11,
		       "VRF \"prod\" has no preferred group");
	expect_nothing(PREFERRED("", ", preferredGroupMember: false", ""));
	expect_error(PREFERRED("", ", preferredGroupMember: 1", ""), 9, "neither true nor false", "write true");
	expect_error(PREFERRED(", preferredGroup: [true]", "", ""), 4, "not a list", "");
}

/* ---- what only one sort of group has ---- */

Test(read_group, external_epgs_have_no_endpoints_of_their_own)
{
	static const struct bad bad[] = {
		{"police: {rate: 1mbit}", "unknown key \"police\"", "an external EPG has the keys"},
		{"intraEpg: {isolation: true}", "unknown key \"intraEpg\"", ""},
		{"endpoints: []", "unknown key \"endpoints\"", ""},
	};

	EXPECT_ERRORS(BEFORE_EXTERNAL, "}]\n", MORE_LINE, bad);
}

Test(read_group, what_is_not_enforced_is_refused)
{
	static const struct bad bad[] = {
		{"match: [{label: a}]", "\"label\" is not supported yet", "take it out"},
	};

	EXPECT_ERRORS(BEFORE_EPG, "}\n", MORE_LINE, bad);
}
