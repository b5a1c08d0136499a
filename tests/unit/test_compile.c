/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiled.h"
#include "shop.h"

/* The rule that decides, or EPG_RULE_NONE: no contract does. */
static uint32_t decide(const struct tables *tables, const char *source, const char *destination,
		       struct packet_fields packet)
{
	uint32_t leaf = tables_leaf(tables, class_of(tables, source), class_of(tables, destination), packet);

	return leaf == EPG_LEAF_IMPLICIT_DENY ? EPG_RULE_NONE : EPG_LEAF_RULE(leaf);
}

static bool permits(const struct tables *tables, const char *source, const char *destination,
		    struct packet_fields packet)
{
	uint32_t rule = decide(tables, source, destination, packet);

	return rule != EPG_RULE_NONE && tables->rules[rule].action == EPG_PERMIT;
}

static const struct packet_fields syn_80 = {TCP, 80, 40000, EPG_FLAG_SYN, 0, 0, 0};

Test(compile, a_contract_permits_the_consumer_to_open_flows_to_the_provider)
{
	SHOP(shop);
	AUTO(tables_free) struct tables *tables = build_tables(&shop.builder, NULL);
	uint32_t rule = decide(tables, "shop/store/front", "shop/store/back", syn_80);

	cr_assert_eq(rule, EPG_RULE_IMPLICIT_COUNT);
	cr_assert_eq(tables->rules[rule].action, EPG_PERMIT);
	cr_assert_eq(tables->rules[rule].level, EPG_LEVEL_FILTERED);
	cr_assert_eq(tables->rules[rule].flags, EPG_RULE_STATEFUL);
	cr_assert(permits(tables, "shop/store/front", "shop/store/back",
			  (struct packet_fields){EPG_KIND_IPV6 | TCP, 80, 1, 0, 0, 0, 0}));
	cr_assert_not(permits(tables, "shop/store/front", "shop/store/back",
			      (struct packet_fields){TCP, 81, 40000, EPG_FLAG_SYN, 0, 0, 0}));
	cr_assert_not(permits(tables, "shop/store/front", "shop/store/back",
			      (struct packet_fields){17, 80, 40000, 0, 0, 0, 0}));
	cr_assert_not(permits(tables, "shop/store/back", "shop/store/front", syn_80));
	cr_assert_not(permits(tables, "shop/store/back", "shop/store/front",
			      (struct packet_fields){TCP, 40000, 80, 8, 0, 0, 0}),
		      "replies pass by the tracked flow, not by a rule");
	cr_assert_eq(tables->n_pairs, 1);
}

Test(compile, every_policy_has_the_implicit_rules)
{
	MODEL_BUILDER(empty);
	AUTO(tables_free) struct tables *tables = build_tables(&empty, NULL);
	struct catalog catalog = catalog_of(tables);

	cr_assert_eq(tables->n_rules, EPG_RULE_IMPLICIT_COUNT);
	cr_assert_eq(catalog.n_rules, EPG_RULE_IMPLICIT_COUNT);
#define CHECK_IMPLICIT(id, name, rule_action, rule_level, rule_flags, text) \
	cr_assert_eq(tables->rules[EPG_RULE_##id].action, rule_action);     \
	cr_assert_eq(tables->rules[EPG_RULE_##id].level, rule_level);       \
	cr_assert_eq(tables->rules[EPG_RULE_##id].flags, rule_flags);       \
	cr_assert_str_eq(catalog_string(&catalog, catalog.rules[EPG_RULE_##id].entry), name);
	EPG_IMPLICIT_RULES(CHECK_IMPLICIT)
#undef CHECK_IMPLICIT
	for (size_t i = 0; i < EPG_RULE_IMPLICIT_COUNT; i++)
		cr_assert_eq(catalog.rules[i].contract, CATALOG_NONE);
	cr_assert_geq(tables->n_buckets, 1);
	cr_assert_geq(tables->n_nodes, 1);
	cr_assert_geq(tables->n_classes, 1);
}

Test(compile, a_stateless_entry_gets_a_reverse_rule_that_cannot_open_tcp)
{
	SHOP(shop);
	const char *front = "shop/store/front", *back = "shop/store/back";
	AUTO(tables_free) struct tables *tables = NULL;
	uint32_t forward, reverse;

	shop.builder.model.filters[shop.http].entries[0].stateful = false;
	tables = build_tables(&shop.builder, NULL);
	forward = decide(tables, front, back, syn_80);
	reverse = decide(tables, back, front,
			 (struct packet_fields){TCP, 40000, 80, EPG_FLAG_ACK | EPG_FLAG_SYN, 0, 0, 0});
	cr_assert_neq(forward, EPG_RULE_NONE);
	cr_assert_eq(tables->rules[forward].flags, 0);
	cr_assert_neq(reverse, EPG_RULE_NONE);
	cr_assert_neq(forward, reverse, "each direction is counted by itself");
	cr_assert(permits(tables, back, front, (struct packet_fields){TCP, 40000, 80, EPG_FLAG_RST, 0, 0, 0}));
	cr_assert_not(permits(tables, back, front, (struct packet_fields){TCP, 40000, 80, EPG_FLAG_SYN, 0, 0, 0}));
	cr_assert_not(permits(tables, back, front, (struct packet_fields){TCP, 40000, 80, EPG_FLAG_FIN, 0, 0, 0}));
	cr_assert_not(permits(tables, back, front, (struct packet_fields){TCP, 80, 40000, EPG_FLAG_ACK, 0, 0, 0}));
	cr_assert_not(permits(tables, front, back, (struct packet_fields){TCP, 40000, 80, EPG_FLAG_ACK, 0, 0, 0}));
}

Test(compile, a_stateless_icmp_entry_keeps_type_and_code_both_ways)
{
	SHOP(shop);
	struct model_entry *entry = &shop.builder.model.filters[shop.http].entries[0];
	AUTO(tables_free) struct tables *tables = NULL;

	*entry = (struct model_entry){.name = "echo",
				      .kinds = {{1, 1}},
				      .n_kinds = 1,
				      .destination = PORT(8),
				      .source = PORT(3),
				      .dscp = MODEL_RANGE_ANY,
				      .tcp_flags = MODEL_TCP_FLAGS_ANY,
				      .icmp = true,
				      .filtered = true};
	tables = build_tables(&shop.builder, NULL);
	cr_assert(permits(tables, "shop/store/front", "shop/store/back", (struct packet_fields){1, 8, 3, 0, 0, 0, 0}));
	cr_assert(permits(tables, "shop/store/back", "shop/store/front", (struct packet_fields){1, 8, 3, 0, 0, 0, 0}));
	cr_assert_not(
		permits(tables, "shop/store/back", "shop/store/front", (struct packet_fields){1, 3, 8, 0, 0, 0, 0}));
}

Test(compile, a_filter_decides_before_no_filter_and_earlier_entries_before_later_ones)
{
	SHOP(shop);
	uint32_t any = build_filter(&shop.builder, "shop/any"), all = build_contract(&shop.builder, "shop/all", 1);
	struct model_entry *entry = build_entry(&shop.builder, any, "any", 0, MODEL_RANGE_ANY);
	AUTO(tables_free) struct tables *tables = NULL;
	struct catalog catalog;

	/* The unfiltered contract is the first one of the model. */
	entry->kinds[0] = MODEL_RANGE_ANY;
	entry->n_kinds = 1;
	entry->filtered = false;
	shop.builder.model.contracts[all] = shop.builder.model.contracts[shop.web];
	shop.builder.model.contracts[shop.web] = (struct model_contract){.name = "shop/all", .scope = MODEL_SCOPE_VRF};
	build_subject(&shop.builder, shop.web, "all", any);
	build_provide(&shop.builder, shop.back, all);
	build_consume(&shop.builder, shop.front, all);
	build_entry(&shop.builder, shop.http, "again", TCP, (struct model_range){80, 90});
	tables = build_tables(&shop.builder, NULL);
	catalog = catalog_of(tables);
	cr_assert_str_eq(
		catalog_string(&catalog,
			       catalog.rules[decide(tables, "shop/store/front", "shop/store/back", syn_80)].entry),
		"web");
	cr_assert_str_eq(catalog_string(&catalog, catalog.rules[decide(tables, "shop/store/front", "shop/store/back",
								       (struct packet_fields){TCP, 90, 1, 2, 0, 0, 0})]
							  .entry),
			 "again");
	cr_assert_str_eq(catalog_string(&catalog, catalog.rules[decide(tables, "shop/store/front", "shop/store/back",
								       (struct packet_fields){17, 53, 1, 0, 0, 0, 0})]
							  .entry),
			 "any");
}

Test(compile, a_contract_both_provided_and_consumed_by_two_groups_works_both_ways)
{
	SHOP(shop);
	AUTO(tables_free) struct tables *tables = NULL;

	build_provide(&shop.builder, shop.front, shop.web);
	build_consume(&shop.builder, shop.back, shop.web);
	shop.builder.model.filters[shop.http].entries[0].stateful = false;
	tables = build_tables(&shop.builder, NULL);
	cr_assert(permits(tables, "shop/store/front", "shop/store/back", syn_80));
	cr_assert(permits(tables, "shop/store/back", "shop/store/front", syn_80));
	cr_assert(
		permits(tables, "shop/store/back", "shop/store/front", (struct packet_fields){TCP, 5, 80, 8, 0, 0, 0}));
	cr_assert_eq(tables->n_pairs, 2, "a group with itself is no pair");
	cr_assert_eq(tables->n_rule_sets, 1);
	cr_assert_eq(catalog_of(tables).n_members, 2, "the rule and its reverse, each once");
}

Test(compile, pairs_with_the_same_contracts_share_a_rule_set)
{
	SHOP(shop);
	AUTO(tables_free) struct tables *tables = NULL;
	size_t nodes;

	{
		AUTO(tables_free) struct tables *two_groups = build_tables(&shop.builder, NULL);

		nodes = two_groups->n_nodes;
	}
	for (unsigned int i = 0; i < 50; i++) {
		char *name = arena_format(shop_arena, "shop/store/c%u", i);

		build_consume(&shop.builder, build_group(&shop.builder, name, 0, shop.domain), shop.web);
	}
	tables = build_tables(&shop.builder, NULL);
	cr_assert_eq(tables->n_pairs, 51);
	cr_assert_eq(tables->n_rule_sets, 1);
	cr_assert_eq(tables->n_nodes, nodes);
	cr_assert(permits(tables, "shop/store/c49", "shop/store/back", syn_80));
	cr_assert_not(permits(tables, "shop/store/c49", "shop/store/c48", syn_80));
}

Test(compile, a_contract_that_nobody_uses_is_catalogued_and_permits_nothing)
{
	SHOP(shop);
	AUTO(tables_free) struct tables *tables = NULL;
	struct catalog catalog;

	shop.builder.model.groups[shop.front].n_consume = 0;
	tables = build_tables(&shop.builder, NULL);
	catalog = catalog_of(tables);
	cr_assert_eq(tables->n_pairs, 0);
	cr_assert_eq(catalog.n_contracts, 1);
	cr_assert_eq(catalog.contracts[0].providers, 1);
	cr_assert_eq(catalog.contracts[0].consumers, 0);
	cr_assert_eq(catalog.contracts[0].n_rules, 1);
	cr_assert_eq(catalog.contracts[0].first_rule, EPG_RULE_IMPLICIT_COUNT);
}

/* Consumers at every distance from a provider, in the order of `reached` below. */
static const char *const consumers[] = {
	"one/app/near",     /* same application profile */
	"one/other/far",    /* same VRF */
	"one/app/apart",    /* same application profile, another VRF */
	"one/outside",      /* external group of the VRF */
	"two/app/stranger", /* another tenant */
};

static void check_scope(enum model_scope scope, const bool reached[ARRAY_SIZE(consumers)])
{
	MODEL_BUILDER(builder);
	uint32_t one = build_tenant(&builder, "one"), two = build_tenant(&builder, "two");
	uint32_t vrf = build_vrf(&builder, "one/a", one, true), apart = build_vrf(&builder, "one/b", one, true);
	uint32_t domain = build_bridge_domain(&builder, "one/bd", vrf);
	uint32_t apart_domain = build_bridge_domain(&builder, "one/bd2", apart);
	uint32_t strange_domain = build_bridge_domain(&builder, "two/bd", build_vrf(&builder, "two/a", two, true));
	uint32_t filter = build_filter(&builder, "one/http");
	uint32_t contract = build_contract(&builder, "one/web", scope);
	uint32_t provider = build_group(&builder, "one/app/provider", 0, domain);
	const uint32_t groups[] = {
		build_group(&builder, consumers[0], 0, domain),         build_group(&builder, consumers[1], 1, domain),
		build_group(&builder, consumers[2], 0, apart_domain),   build_external(&builder, consumers[3], vrf),
		build_group(&builder, consumers[4], 2, strange_domain),
	};
	AUTO(tables_free) struct tables *tables = NULL;

	build_entry(&builder, filter, "web", TCP, PORT(80));
	build_subject(&builder, contract, "http", filter);
	build_provide(&builder, provider, contract);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		build_consume(&builder, groups[i], contract);
	tables = build_tables(&builder, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		cr_assert_eq(permits(tables, consumers[i], "one/app/provider", syn_80), reached[i], "%s, scope %d",
			     consumers[i], scope);
		cr_assert_not(permits(tables, "one/app/provider", consumers[i], syn_80));
	}
}

Test(compile, scope_bounds_whom_a_contract_binds)
{
	check_scope(MODEL_SCOPE_APPLICATION_PROFILE, (bool[]){true, false, false, false, false});
	check_scope(MODEL_SCOPE_VRF, (bool[]){true, true, false, true, false});
	check_scope(MODEL_SCOPE_TENANT, (bool[]){true, true, true, true, false});
	check_scope(MODEL_SCOPE_GLOBAL, (bool[]){true, true, true, true, true});
}

Test(compile, two_external_groups_share_no_application_profile)
{
	SHOP(shop);
	uint32_t one = build_external(&shop.builder, "shop/one", shop.vrf);
	uint32_t two = build_external(&shop.builder, "shop/two", shop.vrf);
	uint32_t contract = build_contract(&shop.builder, "shop/outer", MODEL_SCOPE_APPLICATION_PROFILE);
	AUTO(tables_free) struct tables *tables = NULL;

	build_subject(&shop.builder, contract, "s", shop.http);
	build_provide(&shop.builder, one, contract);
	build_consume(&shop.builder, two, contract);
	tables = build_tables(&shop.builder, NULL);
	cr_assert_not(permits(tables, "shop/two", "shop/one", syn_80));
}

Test(compile, records_without_a_group_are_not_valid_and_lead_nowhere)
{
	SHOP(shop);
	AUTO(tables_free) struct tables *tables = NULL;

	shop.builder.model.groups[shop.front].class_id = 1000;
	tables = build_tables(&shop.builder, NULL);
	cr_assert_eq(tables->n_classes, 1001);
	cr_assert_eq(tables->classes[999].flags, 0);
	cr_assert_eq(tables->classes[999].prefixes4, EPG_TARGET_MISS);
	cr_assert_eq(tables->classes[999].subnets6, EPG_TARGET_MISS);
}

Test(compile, groups_of_an_unenforced_vrf_say_so)
{
	SHOP(shop);
	AUTO(tables_free) struct tables *tables = NULL;

	shop.builder.model.vrfs[shop.vrf].enforced = false;
	tables = build_tables(&shop.builder, NULL);
	cr_assert_eq(tables->classes[class_of(tables, "shop/store/front")].flags,
		     EPG_CLASS_VALID | EPG_CLASS_UNENFORCED);
}

Test(compile, rules_keep_their_identity_when_others_come_and_go)
{
	SHOP(before);
	SHOP(after);
	AUTO(tables_free) struct tables *first = build_tables(&before.builder, NULL);
	AUTO(tables_free) struct tables *second = NULL;
	struct catalog old = catalog_of(first), new;
	uint32_t filter = build_filter(&after.builder, "shop/ssh");

	build_entry(&after.builder, filter, "web", TCP, PORT(22))->stateful = false;
	build_subject(&after.builder, after.web, "http", filter);
	second = build_tables(&after.builder, NULL);
	new = catalog_of(second);
	cr_assert_eq(new.n_rules, EPG_RULE_IMPLICIT_COUNT + 3);
	for (size_t i = 0; i <= EPG_RULE_IMPLICIT_COUNT; i++)
		cr_assert_eq(new.rules[i].identity, old.rules[i].identity);
	for (size_t i = 0; i < new.n_rules; i++) {
		for (size_t j = 0; j < i; j++)
			cr_assert_neq(new.rules[i].identity, new.rules[j].identity, "rules %zu and %zu", i, j);
	}
}

Test(compile, ranges_that_multiply_are_refused_at_their_contract)
{
	SHOP(shop);
	AUTO(diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	const struct epg_diagnostic *message;

	for (uint16_t i = 0; i < 20000; i++) {
		struct model_range ports = {i, (uint16_t)(i + 30000)};

		build_entry(&shop.builder, shop.http, "many", TCP, ports)->source = PORT(2 * i);
	}
	message = refuse(&shop.builder, NULL, &diagnostics);
	cr_assert_eq(message->line, shop.builder.model.contracts[shop.web].place.line);
	cr_assert(strstr(message->message, "shop/web"));
}

Test(compile, a_small_file_cannot_ask_for_endless_rules)
{
	SHOP(shop);
	AUTO(diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	const struct epg_diagnostic *message;
	uint32_t contract;

	for (unsigned int i = 0; i < 5000; i++)
		build_entry(&shop.builder, shop.http, "many", TCP, PORT(80));
	for (unsigned int i = 0; i < 2000; i++) {
		contract = build_contract(&shop.builder, "shop/more", MODEL_SCOPE_VRF);
		build_subject(&shop.builder, contract, "http", shop.http);
	}
	message = refuse(&shop.builder, NULL, &diagnostics);
	cr_assert(strstr(message->message, "more than 4194304 rules"));
}

Test(compile, relations_name_who_provides_and_who_consumes)
{
	SHOP(shop);
	AUTO(tables_free) struct tables *tables = build_tables(&shop.builder, NULL);
	struct catalog catalog = catalog_of(tables);

	cr_assert_eq(catalog.n_relations, 2);
	cr_assert_str_eq(catalog_string(&catalog, catalog.groups[catalog.relations[0].group].name), "shop/store/front");
	cr_assert_eq(catalog.relations[0].kind, CATALOG_CONSUMES);
	cr_assert_str_eq(catalog_string(&catalog, catalog.groups[catalog.relations[1].group].name), "shop/store/back");
	cr_assert_eq(catalog.relations[1].kind, CATALOG_PROVIDES);
	cr_assert_str_eq(catalog.file, "shop.yaml");
}
