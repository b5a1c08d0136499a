/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "compile/diagram.h"
#include "shop.h"

static uint32_t find_address(const struct tables *tables, uint32_t root, const char *address)
{
	char text[64];
	struct model_prefix prefix;
	uint64_t high = 0, low = 0;

	snprintf(text, sizeof(text), "%s/0", address);
	prefix = build_prefix(text);
	for (unsigned int i = 0; i < 8; i++) {
		high = high << 8 | prefix.address[i];
		low = low << 8 | prefix.address[8 + i];
	}
	return diagram_find(tables->nodes, tables->n_nodes, root, high, low);
}

Test(prefixes, the_longest_prefix_of_the_vrf_names_the_group)
{
	SHOP(shop);
	uint32_t internet = build_external(&shop.builder, "shop/internet", shop.vrf);
	uint32_t partner = build_external(&shop.builder, "shop/partner", shop.vrf);
	AUTO(tables_free) struct tables *tables = NULL;
	const struct epg_class *front;
	uint32_t internet_leaf, partner_leaf, member_leaf;

	build_external_subnet(&shop.builder, internet, "0.0.0.0/0");
	build_external_subnet(&shop.builder, internet, "::/0");
	build_external_subnet(&shop.builder, partner, "192.0.2.0/24");
	build_external_subnet(&shop.builder, partner, "2001:db8:7::/49");
	build_match_prefix(&shop.builder, shop.back, "192.0.2.77/32");
	tables = build_tables(&shop.builder, NULL);
	front = &tables->classes[class_of(tables, "shop/store/front")];
	internet_leaf = EPG_TARGET_LEAF | class_of(tables, "shop/internet");
	partner_leaf = EPG_TARGET_LEAF | class_of(tables, "shop/partner");
	member_leaf = EPG_TARGET_LEAF | EPG_PREFIX_MEMBER | class_of(tables, "shop/store/back");
	cr_assert_eq(find_address(tables, front->prefixes4, "8.8.8.8"), internet_leaf);
	cr_assert_eq(find_address(tables, front->prefixes4, "192.0.1.255"), internet_leaf);
	cr_assert_eq(find_address(tables, front->prefixes4, "192.0.2.0"), partner_leaf);
	cr_assert_eq(find_address(tables, front->prefixes4, "192.0.2.255"), partner_leaf);
	cr_assert_eq(find_address(tables, front->prefixes4, "192.0.2.77"), member_leaf);
	cr_assert_eq(find_address(tables, front->prefixes6, "2001:db8:7:7fff::1"), partner_leaf);
	cr_assert_eq(find_address(tables, front->prefixes6, "2001:db8:7:8000::1"), internet_leaf);
	cr_assert_eq(memcmp(front, &tables->classes[class_of(tables, "shop/store/back")], sizeof(*front)), 0);
}

Test(prefixes, stations_have_none)
{
	SHOP(shop);
	AUTO(tables_free) struct tables *tables = NULL;
	const struct epg_class *front;

	build_match_station(&shop.builder, shop.back, NULL, 0, 7);
	build_match_station(&shop.builder, shop.back, "eth1", 120, 0);
	tables = build_tables(&shop.builder, NULL);
	front = &tables->classes[class_of(tables, "shop/store/front")];
	cr_assert_eq(front->prefixes4, EPG_TARGET_MISS);
	cr_assert_eq(front->prefixes6, EPG_TARGET_MISS);
}

Test(prefixes, prefixes_of_another_vrf_do_not_count)
{
	SHOP(shop);
	uint32_t other = build_vrf(&shop.builder, "shop/other", 0, true);
	uint32_t outside = build_external(&shop.builder, "shop/outside", other);
	AUTO(tables_free) struct tables *tables = NULL;

	build_external_subnet(&shop.builder, outside, "10.0.0.0/8");
	tables = build_tables(&shop.builder, NULL);
	cr_assert_eq(tables->classes[class_of(tables, "shop/store/front")].prefixes4, EPG_TARGET_MISS);
	cr_assert_neq(tables->classes[class_of(tables, "shop/outside")].prefixes4, EPG_TARGET_MISS);
}

Test(prefixes, endpoints_may_learn_what_their_bridge_domains_subnets_have_to_give)
{
	SHOP(shop);
	uint32_t bare = build_bridge_domain(&shop.builder, "shop/bare", shop.vrf);
	AUTO(tables_free) struct tables *tables = NULL;
	const struct epg_class *front, *external, *lonely;
	static const char *const learnable[] = {"10.1.0.2", "10.1.0.254", "fd00:1::2", "fd00:1::ffff:ffff:ffff:ffff"};
	/* Outside, and inside: network, gateway, broadcast. */
	static const char *const others[] = {"10.0.255.255", "10.1.1.0", "10.1.0.0",  "10.1.0.1",
					     "10.1.0.255",   "fd00:1::", "fd00:1::1", "fd00:1:0:1::2"};

	build_subnet(&shop.builder, shop.domain, "10.1.0.1/24");
	build_subnet(&shop.builder, shop.domain, "fd00:1::1/64");
	build_group(&shop.builder, "shop/store/lonely", 0, bare);
	build_external(&shop.builder, "shop/internet", shop.vrf);
	tables = build_tables(&shop.builder, NULL);
	front = &tables->classes[class_of(tables, "shop/store/front")];
	external = &tables->classes[class_of(tables, "shop/internet")];
	lonely = &tables->classes[class_of(tables, "shop/store/lonely")];
	for (size_t i = 0; i < ARRAY_SIZE(learnable); i++)
		cr_assert_neq(find_address(tables, strchr(learnable[i], ':') ? front->subnets6 : front->subnets4,
					   learnable[i]),
			      EPG_TARGET_MISS, "%s", learnable[i]);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		cr_assert_eq(find_address(tables, strchr(others[i], ':') ? front->subnets6 : front->subnets4,
					  others[i]),
			     EPG_TARGET_MISS, "%s", others[i]);
	cr_assert_eq(lonely->subnets4, EPG_TARGET_MISS);
	cr_assert_eq(lonely->subnets6, EPG_TARGET_MISS);
	cr_assert_eq(external->subnets4, EPG_TARGET_MISS);
	cr_assert_eq(external->flags, EPG_CLASS_VALID | EPG_CLASS_EXTERNAL);
	cr_assert_eq(external->bridge_domain, 0);
	cr_assert_neq(front->bridge_domain, lonely->bridge_domain);
	cr_assert_eq(front->vrf, external->vrf);
}

Test(prefixes, a_prefix_of_two_groups_is_refused)
{
	SHOP(shop);
	AUTO(diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	uint32_t one = build_external(&shop.builder, "shop/one", shop.vrf);
	uint32_t two = build_external(&shop.builder, "shop/two", shop.vrf);
	const struct epg_diagnostic *message;

	build_external_subnet(&shop.builder, one, "192.0.2.0/24");
	build_external_subnet(&shop.builder, two, "192.0.2.0/24");
	message = refuse(&shop.builder, NULL, &diagnostics);
	cr_assert_eq(message->line, shop.builder.model.groups[two].subnets[0].place.line);
	cr_assert(strstr(message->message, "192.0.2.0/24"));
	cr_assert(strstr(message->hint, "shop/one"));
}
