/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include "compiled.h"
#include "shop.h"

/*
 * 500 EPGs, each of which provides a contract with 20 entries that 50 others consume; vzAny consumes the first and
 * provides the second one.
 */
#define GROUPS 500u
#define ENTRIES 20u
#define CONSUMERS 50u

static struct tables *large_policy(void)
{
	SHOP(shop);
	struct model_builder *builder = &shop.builder;
	struct model_vrf *vrf = &builder->model.vrfs[shop.vrf];
	uint32_t contracts[GROUPS], groups[GROUPS];

	for (uint32_t i = 0; i < GROUPS; i++) {
		uint32_t filter = build_filter(builder, arena_format(shop_arena, "shop/f%u", i));

		for (uint32_t j = 0; j < ENTRIES; j++)
			build_entry(builder, filter, arena_format(shop_arena, "e%u", j), TCP,
				    PORT((uint16_t)(i + 700 * j)));
		contracts[i] = build_contract(builder, arena_format(shop_arena, "shop/c%u", i), MODEL_SCOPE_VRF);
		build_subject(builder, contracts[i], "s", filter);
		groups[i] = build_group(builder, arena_format(shop_arena, "shop/store/g%u", i), 0, shop.domain);
	}
	for (uint32_t i = 0; i < GROUPS; i++) {
		build_provide(builder, groups[i], contracts[i]);
		for (uint32_t j = 1; j <= CONSUMERS; j++)
			build_consume(builder, groups[i], contracts[(i + j) % GROUPS]);
	}
	BUILD(builder, vrf->consume, vrf->n_consume, {.contract = contracts[0]});
	BUILD(builder, vrf->provide, vrf->n_provide, {.contract = contracts[1]});
	return build_tables(builder, NULL);
}

Test(rule_sets, memory_is_pairs_and_distinct_rule_sets_not_their_product)
{
	AUTO(tables_free) struct tables *tables = large_policy();
	struct catalog catalog = catalog_of(tables);
	/* Besides the shop's own pair and rule: vzAny to the first group, and 50 consumers to vzAny. */
	size_t pairs = 1 + GROUPS * CONSUMERS + 1 + CONSUMERS;
	size_t entries = 1 + (GROUPS + 2) * ENTRIES;
	size_t bound = (pairs + entries) * 12 / 10;

	cr_assert_eq(tables->n_pairs, pairs);
	cr_assert_eq(tables->n_rule_sets, 1 + GROUPS + 2);
	cr_assert_eq(catalog.n_members, entries);
	cr_assert_eq(tables->n_rules, EPG_RULE_IMPLICIT_COUNT + entries);
	/* The places of table `pairs`, used or free, and what stands for the entries in any other table. */
	cr_assert_leq(tables->n_buckets * EPG_BUCKET_PAIRS + tables->n_rules, bound);
	cr_assert_leq(tables->n_buckets * EPG_BUCKET_PAIRS + tables->n_nodes, bound);
	cr_assert_leq(tables->n_nodes, entries / 2, "a node tells several entries apart");
}

/* A contract's rules for x and y; %s: subjects. */
static struct compiled compile_subjects(const char *subjects)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "version: 1\n"
		 "tenants:\n"
		 "- name: t\n"
		 "  vrfs: [{name: v}]\n"
		 "  bridgeDomains: [{name: b, vrf: v}]\n"
		 "  filters:\n"
		 "  - {name: web, entries: [{name: http, etherT: ip, prot: tcp, dPort: 80}]}\n"
		 "  - {name: low, entries: [{name: ports, etherT: ip, prot: tcp, dPort: 1-1023}]}\n"
		 "  - {name: pieces, entries: [{name: later, etherT: ip, fragments: only}]}\n"
		 "  - {name: marked, entries: [{name: ef, etherT: ip, matchDscp: EF}]}\n"
		 "  - {name: opening, entries: [{name: syn, etherT: ip, prot: tcp, tcpFlags: [syn]}]}\n"
		 "  - {name: all, entries: [{name: any}]}\n"
		 "  contracts: [{name: c, subjects: [%s]}]\n"
		 "  appProfiles:\n"
		 "  - name: a\n"
		 "    epgs: [{name: x, bridgeDomain: b, consume: [c]}, {name: y, bridgeDomain: b, provide: [c]}]\n",
		 subjects);
	return compile_text(text, NULL);
}

static const char *entry_between(const struct compiled *compiled, struct packet_fields packet)
{
	const struct catalog_rule *rule = compiled_rule(compiled, "t/a/x", "t/a/y", packet);

	return catalog_string(&compiled->catalog, rule->entry);
}

Test(rule_sets, members_stand_in_the_order_in_which_they_decide)
{
	struct compiled compiled =
		compile_subjects("{name: s, filters: [all, low, {name: web, action: deny, priority: level1}]}, "
				 "{name: r, filters: [{name: marked, action: deny}]}");
	const struct catalog_rule_set *set =
		catalog_rules_between(&compiled.catalog, compiled_class(&compiled, "t/a/x"),
				      compiled_class(&compiled, "t/a/y"));
	static const char *const expected[] = {"ef", "ports", "any", "http"};
	static const uint8_t levels[] = {7, 7, 9, 17};

	cr_assert_eq(set->count, ARRAY_SIZE(expected));
	for (uint32_t i = 0; i < set->count; i++) {
		uint32_t rule = compiled.catalog.members[set->first + i].rule;

		cr_assert_str_eq(catalog_string(&compiled.catalog, compiled.catalog.rules[rule].entry), expected[i]);
		cr_assert_eq(compiled.tables->rules[rule].level, levels[i]);
	}
	compiled_clear(&compiled);
}

Test(rule_sets, dscp_flags_and_fragments_decide)
{
	struct compiled compiled = compile_subjects("{name: s, filters: [marked, pieces, opening, low]}");

	cr_assert_str_eq(entry_between(&compiled, (struct packet_fields){17, 53, 9, 0, 46, 0, 0}), "ef");
	cr_assert_str_eq(entry_between(&compiled, (struct packet_fields){17, 53, 9, 0, 45, 0, 0}), "implicit-deny");
	cr_assert_str_eq(entry_between(&compiled, (struct packet_fields){17, 0, 0, 0, 0, 1, 0}), "later");
	cr_assert_str_eq(entry_between(&compiled, (struct packet_fields){TCP, 80, 9, EPG_FLAG_SYN, 0, 0, 0}), "syn");
	cr_assert_str_eq(entry_between(&compiled,
				       (struct packet_fields){TCP, 80, 9, EPG_FLAG_SYN | EPG_FLAG_ACK, 0, 0, 0}),
			 "syn");
	cr_assert_str_eq(entry_between(&compiled, (struct packet_fields){TCP, 80, 9, EPG_FLAG_ACK, 0, 0, 0}), "ports");
	cr_assert_str_eq(entry_between(&compiled, (struct packet_fields){TCP, 0, 0, 0, 0, 0, 0}), "implicit-deny");
	compiled_clear(&compiled);
}

Test(rule_sets, audited_rules_decide_in_their_view_alone)
{
	struct compiled compiled = compile_subjects("{name: s, filters: [low]}, {name: r, mode: audit, filters: "
						    "[{name: web, action: deny}, all]}");
	const struct packet_fields web = {TCP, 80, 9, 0, 0, 0, 0}, other = {17, 53, 9, 0, 0, 0, 0};
	struct packet_fields audited_web = web, audited_other = other;

	audited_web.view = audited_other.view = EPG_VIEW_AUDITED;
	cr_assert_str_eq(entry_between(&compiled, web), "ports");
	cr_assert_str_eq(entry_between(&compiled, audited_web), "http");
	cr_assert_str_eq(entry_between(&compiled, other), "implicit-deny");
	cr_assert_str_eq(entry_between(&compiled, audited_other), "any");
	compiled_clear(&compiled);
}

Test(rule_sets, pairs_of_different_roles_never_share_rules)
{
	SHOP(shop);
	struct model_vrf *vrf = &shop.builder.model.vrfs[shop.vrf];
	AUTO(tables_free) struct tables *tables = NULL;
	struct catalog catalog;

	BUILD(&shop.builder, vrf->consume, vrf->n_consume, {.contract = shop.web});
	tables = build_tables(&shop.builder, NULL);
	catalog = catalog_of(tables);
	cr_assert_eq(tables->n_pairs, 2);
	cr_assert_eq(tables->n_rule_sets, 2);
	cr_assert_eq(catalog.rules[catalog.members[0].rule].role, CATALOG_ROLE_PAIR);
	cr_assert_eq(catalog.rules[catalog.members[1].rule].role, CATALOG_ROLE_FROM_ANY);
}
