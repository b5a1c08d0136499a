/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <stdio.h>

#include "compiled.h"
#include "base/util.h"

/* Groups x and y in VRF v, z in VRF w, outside of v; %s: keys of v, of its bridge domain, of the contract, x, y. */
static const char policy[] = "version: 1\n"
			     "tenants:\n"
			     "- name: t\n"
			     "  vrfs: [{name: v%s}, {name: w}]\n"
			     "  bridgeDomains:\n"
			     "  - {name: bd-v, vrf: v, subnets: [10.1.0.1/24]%s}\n"
			     "  - {name: bd-w, vrf: w, subnets: [10.2.0.1/24]}\n"
			     "  filters: [{name: web, entries: [{name: http, etherT: ip, prot: tcp, dPort: 80}]}]\n"
			     "  contracts: [{name: c, subjects: [{name: s, filters: [web]%s}]}]\n"
			     "  taboos: [{name: no, filters: [web]}]\n"
			     "  appProfiles:\n"
			     "  - name: a\n"
			     "    epgs:\n"
			     "    - {name: x, bridgeDomain: bd-v%s}\n"
			     "    - {name: y, bridgeDomain: bd-v%s}\n"
			     "    - {name: z, bridgeDomain: bd-w}\n"
			     "  externalEpgs: [{name: outside, vrf: v, subnets: [0.0.0.0/0]%s}]\n";

static struct compiled compile_policy(const char *vrf, const char *domain, const char *contract, const char *x,
				      const char *y, const char *outside)
{
	char text[4096];

	snprintf(text, sizeof(text), policy, vrf, domain, contract, x, y, outside);
	return compile_text(text, NULL);
}

static uint32_t flags_of(const struct compiled *compiled, const char *group)
{
	return compiled->tables->classes[compiled_class(compiled, group)].flags;
}

/* The flags of x, y, z and outside, apart from those that tell what it is. */
static void check_flags(const struct compiled *compiled, uint32_t x, uint32_t y, uint32_t z, uint32_t outside)
{
	cr_assert_eq(flags_of(compiled, "t/a/x"), EPG_CLASS_VALID | x, "x: %#x", flags_of(compiled, "t/a/x"));
	cr_assert_eq(flags_of(compiled, "t/a/y"), EPG_CLASS_VALID | y, "y: %#x", flags_of(compiled, "t/a/y"));
	cr_assert_eq(flags_of(compiled, "t/a/z"), EPG_CLASS_VALID | z, "z: %#x", flags_of(compiled, "t/a/z"));
	cr_assert_eq(flags_of(compiled, "t/outside"), EPG_CLASS_VALID | EPG_CLASS_EXTERNAL | outside, "outside: %#x",
		     flags_of(compiled, "t/outside"));
}

Test(classes, nothing_is_flagged_that_nobody_asked_for)
{
	struct compiled compiled = compile_policy("", "", "", ", consume: [c]", ", provide: [c]", "");

	check_flags(&compiled, 0, 0, 0, 0);
	compiled_clear(&compiled);
}

Test(classes, flags_of_a_vrf_reach_all_its_groups)
{
	struct compiled compiled =
		compile_policy(", enforcement: unenforced, preferredGroup: true, vzAny: {consume: [c]}", "", "",
			       ", provide: [c]", ", preferredGroupMember: true", ", preferredGroupMember: true");
	const uint32_t all = EPG_CLASS_UNENFORCED | EPG_CLASS_PREFERRED | EPG_CLASS_ANY;

	check_flags(&compiled, all, all | EPG_CLASS_MEMBER, 0, all | EPG_CLASS_MEMBER);
	compiled_clear(&compiled);
}

Test(classes, taboos_flag_those_that_list_them)
{
	struct compiled compiled = compile_policy("", "", "", ", taboos: [no]", "", ", taboos: [no]");

	check_flags(&compiled, EPG_CLASS_TABOO, 0, 0, EPG_CLASS_TABOO);
	compiled_clear(&compiled);
}

Test(classes, isolation_comes_by_word_or_by_contracts_within_and_audited_ones_only_would)
{
	struct compiled compiled =
		compile_policy("", "", "", ", intraEpg: {isolation: true}", ", intraEpg: {contracts: [c]}", "");

	check_flags(&compiled, EPG_CLASS_ISOLATED, EPG_CLASS_ISOLATED, 0, 0);
	compiled_clear(&compiled);
	compiled = compile_policy("", "", ", mode: audit", "", ", intraEpg: {contracts: [c]}", "");
	check_flags(&compiled, 0, EPG_CLASS_ISOLATED_AUDITED | EPG_CLASS_AUDITED, 0, 0);
	compiled_clear(&compiled);
}

Test(classes, audited_rules_flag_both_ends_of_their_pairs)
{
	struct compiled compiled = compile_policy("", "", ", mode: audit", ", consume: [c]", ", provide: [c]", "");

	check_flags(&compiled, EPG_CLASS_AUDITED, EPG_CLASS_AUDITED, 0, 0);
	compiled_clear(&compiled);
	compiled = compile_policy(", vzAny: {consume: [c]}", "", ", mode: audit", "", ", provide: [c]", "");
	check_flags(&compiled, EPG_CLASS_AUDITED | EPG_CLASS_ANY, EPG_CLASS_AUDITED | EPG_CLASS_ANY, 0,
		    EPG_CLASS_AUDITED | EPG_CLASS_ANY);
	compiled_clear(&compiled);
}

Test(classes, a_policed_group_brings_its_neighbours_along_when_members_come_by_address)
{
	struct compiled compiled = compile_policy("", "", "", ", police: {rate: 8mbit, burst: 64kb}", "", "");
	const struct epg_class *x = &compiled.tables->classes[compiled_class(&compiled, "t/a/x")];

	check_flags(&compiled, EPG_CLASS_POLICED, 0, 0, 0);
	cr_assert_eq(x->police_rate, 1000000);
	cr_assert_eq(x->police_burst, 65536);
	compiled_clear(&compiled);
	compiled = compile_policy("", "", "", ", police: {rate: 8mbit}, match: [{ip: 10.1.0.64/26}]", "", "");
	check_flags(&compiled, EPG_CLASS_POLICED, EPG_CLASS_POLICED, 0, 0);
	cr_assert_eq(compiled.tables->classes[compiled_class(&compiled, "t/a/y")].police_rate, 0);
	compiled_clear(&compiled);
	compiled = compile_policy("", "", "", ", match: [{ip: 10.1.0.64/26}]", "", "");
	check_flags(&compiled, 0, 0, 0, 0);
	compiled_clear(&compiled);
}

Test(classes, arp_by_contract_is_the_bridge_domains_word)
{
	struct compiled compiled = compile_policy("", ", arp: require-contract", "", "", "", "");

	check_flags(&compiled, EPG_CLASS_ARP, EPG_CLASS_ARP, 0, 0);
	cr_assert_eq(compiled.catalog.bridge_domains[0].arp_contract, 1);
	cr_assert_eq(compiled.catalog.bridge_domains[1].arp_contract, 0);
	compiled_clear(&compiled);
}

Test(classes, forwarding_is_the_bridge_domains_word_too)
{
	struct compiled compiled = compile_policy("", ", forwarding: direct", "", "", "", "");

	check_flags(&compiled, EPG_CLASS_DIRECT, EPG_CLASS_DIRECT, 0, 0);
	cr_assert_eq(compiled.catalog.bridge_domains[0].direct, 1);
	cr_assert_eq(compiled.catalog.bridge_domains[1].direct, 0);
	compiled_clear(&compiled);
}

Test(classes, the_id_of_a_vrf_is_no_group)
{
	struct compiled compiled = compile_policy(", vzAny: {consume: [c], provide: [c]}", "", "", "", "", "");

	for (size_t i = 0; i < compiled.catalog.n_vrfs; i++)
		cr_assert_geq(compiled.catalog.vrfs[i].id, compiled.tables->n_classes);
	cr_assert_eq(compiled.tables->classes[compiled_class(&compiled, "t/a/x")].vrf, compiled.catalog.vrfs[0].id);
	compiled_clear(&compiled);
}
