/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include "compiled.h"
#include "base/util.h"

static const char policy[] = "version: 1\n"
			     "tenants:\n"
			     "- name: t\n"
			     "  vrfs: [{name: v, preferredGroup: true, vzAny: {provide: [c], consume: [d]}}, {name: w, "
			     "vzAny: {consume: [c]}}]\n"
			     "  bridgeDomains: [{name: b, vrf: v, arp: require-contract}]\n"
			     "  filters: [{name: web, entries: [{name: http, etherT: ip, prot: tcp, dPort: 80}]}]\n"
			     "  contracts:\n"
			     "  - {name: c, onChange: keep, subjects: [{name: s, filters: [web]}]}\n"
			     "  - {name: d, scope: global, subjects: [{name: s, filters: [web]}]}\n"
			     "  taboos: [{name: no, filters: [web]}]\n"
			     "  appProfiles:\n"
			     "  - name: a\n"
			     "    epgs:\n"
			     "    - name: x\n"
			     "      class: 900\n"
			     "      bridgeDomain: b\n"
			     "      provide: [d]\n"
			     "      consume: [c]\n"
			     "      taboos: [no]\n"
			     "      preferredGroupMember: true\n"
			     "      intraEpg: {isolation: true, contracts: [c]}\n"
			     "      police: {rate: 80mbit, burst: 1mb}\n"
			     "    - {name: y, class: 800, bridgeDomain: b, inherit: [x]}\n";

struct expected {
	const char *group;
	const char *vrf;
	const char *contract;
	enum catalog_relation_kind kind;
	uint32_t line;
};

Test(objects, relations_of_all_kinds_are_told_vzanys_last)
{
	static const struct expected all[] = {
		{"t/a/y", "t/v", "t/c", CATALOG_CONSUMES, 23}, {"t/a/y", "t/v", "t/d", CATALOG_PROVIDES, 23},
		{"t/a/x", "t/v", "t/c", CATALOG_CONSUMES, 18}, {"t/a/x", "t/v", "t/c", CATALOG_INTRA, 21},
		{"t/a/x", "t/v", "t/d", CATALOG_PROVIDES, 17}, {"t/a/x", "t/v", "t/no", CATALOG_TABOO, 19},
		{NULL, "t/v", "t/c", CATALOG_PROVIDES, 4},     {NULL, "t/v", "t/d", CATALOG_CONSUMES, 4},
		{NULL, "t/w", "t/c", CATALOG_CONSUMES, 4},
	};
	struct compiled compiled = compile_text(policy, NULL);
	const struct catalog *catalog = &compiled.catalog;

	cr_assert_eq(catalog->n_relations, ARRAY_SIZE(all));
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		const struct catalog_relation *relation = &catalog->relations[i];

		if (all[i].group)
			cr_assert_str_eq(catalog_string(catalog, catalog->groups[relation->group].name), all[i].group);
		else
			cr_assert_eq(relation->group, CATALOG_NONE);
		cr_assert_str_eq(catalog_string(catalog, catalog->vrfs[relation->vrf].name), all[i].vrf);
		cr_assert_str_eq(catalog_string(catalog, catalog->contracts[relation->contract].name), all[i].contract);
		cr_assert_eq(relation->kind, all[i].kind, "relation %zu", i);
		cr_assert_eq(relation->line, all[i].line, "relation %zu: line %u", i, relation->line);
	}
	compiled_clear(&compiled);
}

Test(objects, contracts_know_how_many_provide_and_consume_them)
{
	struct compiled compiled = compile_text(policy, NULL);
	const struct catalog_contract *contracts = compiled.catalog.contracts;

	cr_assert_eq(contracts[0].providers, 1, "vzAny");
	cr_assert_eq(contracts[0].consumers, 3, "x, y by inheritance, vzAny of the other VRF");
	cr_assert_eq(contracts[0].keep, 1);
	cr_assert_eq(contracts[1].providers, 2);
	cr_assert_eq(contracts[1].consumers, 1);
	cr_assert_eq(contracts[2].taboo, 1);
	cr_assert_eq(contracts[2].providers, 1);
	compiled_clear(&compiled);
}

Test(objects, groups_vrfs_and_bridge_domains_tell_what_the_policy_says)
{
	struct compiled compiled = compile_text(policy, NULL);
	const struct catalog_group *groups = compiled.catalog.groups;

	cr_assert_eq(groups[0].class_id, 800);
	cr_assert_eq(groups[0].isolated, 0);
	cr_assert_eq(groups[0].police_rate, 0);
	cr_assert_eq(groups[1].class_id, 900);
	cr_assert_eq(groups[1].isolated, 1);
	cr_assert_eq(groups[1].preferred_member, 1);
	cr_assert_eq(groups[1].police_rate, 10000000);
	cr_assert_eq(groups[1].police_burst, 1 << 20);
	cr_assert_eq(compiled.catalog.vrfs[0].preferred_group, 1);
	cr_assert_eq(compiled.catalog.vrfs[1].preferred_group, 0);
	cr_assert_eq(compiled.catalog.bridge_domains[0].arp_contract, 1);
	compiled_clear(&compiled);
}
