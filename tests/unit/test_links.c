/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <stdio.h>

#include "compiled.h"
#include "shop.h"

#define SYN ((struct packet_fields){TCP, 80, 40000, EPG_FLAG_SYN, 0, 0, 0})

/* Two tenants, three VRFs, a group in each and one outside; %s: scope, vzAny of one/a, its group, the outside. */
static const char three_vrfs[] = "version: 1\n"
				 "tenants:\n"
				 "- name: one\n"
				 "  vrfs: [{name: a%s}, {name: b%s}]\n"
				 "  bridgeDomains:\n"
				 "  - {name: bd-a, vrf: a, subnets: [10.1.0.1/24]}\n"
				 "  - {name: bd-b, vrf: b, subnets: [10.2.0.1/24]}\n"
				 "  filters: [{name: web, entries: [{name: http, etherT: ip, prot: tcp, dPort: 80}]}]\n"
				 "  contracts: [{name: c, scope: %s, subjects: [{name: s, filters: [web]}]}]\n"
				 "  appProfiles:\n"
				 "  - name: app\n"
				 "    epgs:\n"
				 "    - {name: near, bridgeDomain: bd-a%s}\n"
				 "    - {name: other, bridgeDomain: bd-a}\n"
				 "    - {name: far, bridgeDomain: bd-b%s}\n"
				 "  externalEpgs: [{name: outside, vrf: a, subnets: [192.0.2.0/24]}]\n"
				 "- name: two\n"
				 "  vrfs: [{name: c}]\n"
				 "  bridgeDomains: [{name: bd-c, vrf: c, subnets: [10.3.0.1/24]}]\n"
				 "  appProfiles: [{name: app, epgs: [{name: strange, bridgeDomain: bd-c%s}]}]\n";

struct bound {
	const char *scope, *any_a, *any_b, *near, *far, *strange;
};

static struct compiled compile_bound(struct bound bound)
{
	char text[4096];

	snprintf(text, sizeof(text), three_vrfs, bound.any_a, bound.any_b, bound.scope, bound.near, bound.far,
		 bound.strange);
	return compile_text(text, NULL);
}

#define PROVIDE ", provide: [c]"
#define CONSUME ", consume: [c]"
#define CONSUME_FROM_ONE ", consume: [one/c]"
#define ANY_PROVIDES ", vzAny: {provide: [c]}"
#define ANY_CONSUMES ", vzAny: {consume: [c]}"
#define ANY_BOTH ", vzAny: {provide: [c], consume: [c]}"

Test(links, vzany_stands_for_every_group_of_its_vrf_the_outside_too)
{
	struct compiled compiled = compile_bound((struct bound){"vrf", ANY_CONSUMES, "", PROVIDE, CONSUME, ""});

	cr_assert(compiled_permits(&compiled, "one/app/other", "one/app/near", SYN));
	cr_assert(compiled_permits(&compiled, "one/outside", "one/app/near", SYN));
	cr_assert_not(compiled_permits(&compiled, "one/app/other", "one/outside", SYN));
	cr_assert_not(compiled_permits(&compiled, "one/app/far", "one/app/near", SYN), "scope vrf");
	cr_assert_eq(compiled.tables->n_pairs, 1);
	compiled_clear(&compiled);
}

Test(links, scope_bounds_vzany_too)
{
	static const struct {
		const char *scope;
		bool far, strange;
	} scopes[] = {
		{"application-profile", false, false},
		{"vrf", false, false},
		{"tenant", true, false},
		{"global", true, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++) {
		struct compiled compiled =
			compile_bound((struct bound){scopes[i].scope, ANY_PROVIDES, "", "", CONSUME, CONSUME_FROM_ONE});

		cr_assert_eq(compiled_permits(&compiled, "one/app/far", "one/app/near", SYN), scopes[i].far, "%s",
			     scopes[i].scope);
		cr_assert_eq(compiled_permits(&compiled, "one/app/far", "one/outside", SYN), scopes[i].far);
		cr_assert_eq(compiled_permits(&compiled, "two/app/strange", "one/app/other", SYN), scopes[i].strange);
		cr_assert_not(compiled_permits(&compiled, "one/app/near", "one/app/far", SYN));
		compiled_clear(&compiled);
	}
}

Test(links, an_application_profile_is_nothing_that_any_group_is_in)
{
	struct compiled compiled =
		compile_bound((struct bound){"application-profile", ANY_BOTH, "", PROVIDE CONSUME, "", ""});

	cr_assert_eq(compiled.tables->n_pairs, 0);
	compiled_clear(&compiled);
}

Test(links, any_of_one_vrf_talks_to_any_of_another_in_the_direction_of_the_contract)
{
	struct compiled compiled = compile_bound((struct bound){"tenant", ANY_PROVIDES, ANY_CONSUMES, "", "", ""});
	uint32_t leaf = compiled_leaf(&compiled, "one/app/far", "one/app/near", SYN);

	cr_assert_eq(EPG_LEAF_LEVEL(leaf), EPG_LEVEL_ANY_FILTERED);
	cr_assert_eq(EPG_LEAF_ACTION(leaf), EPG_PERMIT);
	cr_assert_not(compiled_permits(&compiled, "one/app/near", "one/app/far", SYN));
	cr_assert_not(compiled_permits(&compiled, "one/app/near", "one/app/other", SYN));
	compiled_clear(&compiled);
}

Test(links, vzany_with_itself_binds_all_groups_of_the_vrf)
{
	struct compiled compiled = compile_bound((struct bound){"vrf", ANY_BOTH, "", "", "", ""});

	cr_assert(compiled_permits(&compiled, "one/app/near", "one/app/other", SYN));
	cr_assert(compiled_permits(&compiled, "one/app/other", "one/app/near", SYN));
	cr_assert_eq(compiled.tables->n_pairs, 1);
	compiled_clear(&compiled);
}

Test(links, what_a_group_provides_and_consumes_does_nothing_within_it)
{
	SHOP(shop);
	AUTO(tables_free) struct tables *tables = NULL;
	uint16_t back;

	build_consume(&shop.builder, shop.back, shop.web);
	tables = build_tables(&shop.builder, NULL);
	back = class_of(tables, "shop/store/back");
	cr_assert_eq(tables->n_pairs, 1);
	cr_assert_eq(tables_leaf(tables, back, back, SYN), EPG_LEAF_INTRA_EPG);
}

Test(links, more_pairs_than_there_is_room_for_are_refused_at_their_contract)
{
	SHOP(shop);
	AUTO(diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	const struct epg_diagnostic *message;

	/* 3 000 x 2 999 pairs: more than 8 388 608. */
	for (unsigned int i = 0; i < 3000; i++) {
		uint32_t group =
			build_group(&shop.builder, arena_format(shop_arena, "shop/store/g%u", i), 0, shop.domain);

		build_provide(&shop.builder, group, shop.web);
		build_consume(&shop.builder, group, shop.web);
	}
	message = refuse(&shop.builder, NULL, &diagnostics);
	cr_assert_eq(message->line, shop.builder.model.contracts[shop.web].place.line);
	cr_assert(strstr(message->message, "more than 8388608 pairs"));
}
