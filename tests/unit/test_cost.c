/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include "compile/cost.h"
#include "shop.h"

Test(cost, a_contract_costs_its_rules_and_takes_part_in_pairs_and_rule_sets)
{
	SHOP(shop);
	uint32_t other = build_group(&shop.builder, "shop/store/other", 0, shop.domain);
	uint32_t ssh = build_filter(&shop.builder, "shop/ssh");
	uint32_t admin = build_contract(&shop.builder, "shop/admin", MODEL_SCOPE_VRF);
	uint32_t unused = build_contract(&shop.builder, "shop/unused", MODEL_SCOPE_VRF);
	AUTO(tables_free) struct tables *tables = NULL;
	AUTO_FREE struct contract_cost *costs = NULL;
	struct contract_cost total;
	struct catalog catalog;

	build_entry(&shop.builder, ssh, "ssh", TCP, PORT(22));
	build_entry(&shop.builder, ssh, "mosh", 17, (struct model_range){60000, 61000});
	build_subject(&shop.builder, admin, "s", ssh);
	build_subject(&shop.builder, unused, "s", ssh);
	build_consume(&shop.builder, other, shop.web);
	build_provide(&shop.builder, shop.back, admin);
	build_consume(&shop.builder, other, admin);
	tables = build_tables(&shop.builder, NULL);
	catalog = catalog_of(tables);
	cr_assert_eq(cost_contracts(tables, &catalog, &costs), 0);
	/* front -> back by web alone, other -> back by both. */
	cr_assert_eq(costs[shop.web].rules, 1);
	cr_assert_eq(costs[shop.web].pairs, 2);
	cr_assert_eq(costs[shop.web].rule_sets, 2);
	cr_assert_eq(costs[shop.web].members, 2);
	cr_assert_eq(costs[admin].rules, 2);
	cr_assert_eq(costs[admin].pairs, 1);
	cr_assert_eq(costs[admin].rule_sets, 1);
	cr_assert_eq(costs[admin].members, 2);
	cr_assert_gt(costs[admin].nodes, 0);
	cr_assert_eq(costs[shop.web].nodes, costs[admin].nodes + tables->rule_set_nodes[0]);
	cr_assert_eq(costs[unused].rules, 2);
	cr_assert_eq(costs[unused].pairs, 0);
	cr_assert_eq(costs[unused].nodes, 0);
	total = cost_total(tables, &catalog);
	cr_assert_eq(total.rules, EPG_RULE_IMPLICIT_COUNT + 5);
	cr_assert_eq(total.pairs, 2);
	cr_assert_eq(total.rule_sets, 2);
	cr_assert_eq(total.members, 4);
	cr_assert_eq(total.nodes, tables->rule_set_nodes[0] + tables->rule_set_nodes[1], "there are no prefixes");
}
