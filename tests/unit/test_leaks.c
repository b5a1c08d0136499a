/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <stdio.h>

#include <arpa/inet.h>

#include "compile/diagram.h"
#include "compiled.h"
#include "base/util.h"

/* Group x of VRF a and y of VRF b; %s: subnets of bridge domain bd-a, vzAny of b, bd-b, x, y, and externalEpgs. */
static const char two_vrfs[] = "version: 1\n"
			       "tenants:\n"
			       "- name: t\n"
			       "  vrfs: [{name: a}, {name: b%s}]\n"
			       "  bridgeDomains:\n"
			       "  - {name: bd-a, vrf: a, subnets: [%s]}\n"
			       "  - {name: bd-b, vrf: b, subnets: [%s]}\n"
			       "  - {name: bd-unused, vrf: b, subnets: [10.9.0.1/24]}\n"
			       "  filters: [{name: web, entries: [{name: http, etherT: ip, prot: tcp, dPort: 80}]}]\n"
			       "  contracts: [{name: c, scope: tenant, subjects: [{name: s, filters: [web]}]}]\n"
			       "  appProfiles:\n"
			       "  - name: app\n"
			       "    epgs:\n"
			       "    - {name: x, bridgeDomain: bd-a%s}\n"
			       "    - {name: y, bridgeDomain: bd-b%s}\n"
			       "    - {name: unbound, bridgeDomain: bd-unused}\n"
			       "  externalEpgs:\n"
			       "  - {name: out-a, vrf: a, subnets: [203.0.113.0/24]}\n"
			       "%s";

struct text {
	char text[4096];
};

struct situation {
	const char *any_b, *bd_a, *bd_b, *x, *y, *external;
};

#define PROVIDE ", provide: [c]"
#define CONSUME ", consume: [c]"

static const struct situation plain = {
	"", "10.1.0.1/24, \"fd00:1::1/64\"", "10.2.0.1/24, \"fd00:2::1/64\"", CONSUME, PROVIDE, ""};

static struct text write_policy(struct situation situation)
{
	struct text text;

	snprintf(text.text, sizeof(text.text), two_vrfs, situation.any_b, situation.bd_a, situation.bd_b, situation.x,
		 situation.y, situation.external);
	return text;
}

/* What the prefixes of a group's VRF say about an address: a leaf's value, or UINT32_MAX. */
static uint32_t look_up(const struct compiled *compiled, const char *group, const char *address)
{
	const struct epg_class *record = &compiled->tables->classes[compiled_class(compiled, group)];
	uint8_t bytes[16] = {[10] = 0xff, [11] = 0xff};
	bool ipv4 = !strchr(address, ':');
	uint64_t high = 0, low = 0;
	uint32_t leaf;

	cr_assert_eq(inet_pton(ipv4 ? AF_INET : AF_INET6, address, ipv4 ? bytes + 12 : bytes), 1);
	for (unsigned int i = 0; i < 8; i++) {
		high = high << 8 | bytes[i];
		low = low << 8 | bytes[8 + i];
	}
	leaf = diagram_find(compiled->tables->nodes, compiled->tables->n_nodes,
			    ipv4 ? record->prefixes4 : record->prefixes6, high, low);
	return leaf == EPG_TARGET_MISS ? UINT32_MAX : EPG_LEAF_VALUE(leaf);
}

/* It names some group of the VRF: the one with the lowest class id. */
static uint32_t vrf_leaf(const struct compiled *compiled, const char *group)
{
	const struct epg_class *classes = compiled->tables->classes;
	uint32_t id = 0;

	while (!(classes[id].flags & EPG_CLASS_VALID) ||
	       classes[id].vrf != classes[compiled_class(compiled, group)].vrf)
		id++;
	return EPG_PREFIX_VRF | id;
}

Test(leaks, each_side_learns_the_subnets_of_the_others_bridge_domain_and_no_more)
{
	struct text text = write_policy(plain);
	struct compiled compiled = compile_text(text.text, NULL);

	cr_assert_eq(look_up(&compiled, "t/app/x", "10.2.0.7"), vrf_leaf(&compiled, "t/app/y"));
	cr_assert_eq(look_up(&compiled, "t/app/x", "fd00:2::7"), vrf_leaf(&compiled, "t/app/y"));
	cr_assert_eq(look_up(&compiled, "t/app/y", "10.1.0.7"), vrf_leaf(&compiled, "t/app/x"));
	cr_assert_eq(look_up(&compiled, "t/app/x", "10.1.0.7"), UINT32_MAX, "its own");
	cr_assert_eq(look_up(&compiled, "t/app/x", "10.9.0.7"), UINT32_MAX, "of nobody who is bound");
	cr_assert_eq(look_up(&compiled, "t/app/y", "203.0.113.7"), UINT32_MAX);
	compiled_clear(&compiled);
}

Test(leaks, nothing_is_known_of_vrfs_without_a_contract_across)
{
	struct situation situation = plain;
	struct compiled compiled;
	struct text text;

	situation.y = "";
	text = write_policy(situation);
	compiled = compile_text(text.text, NULL);
	cr_assert_eq(look_up(&compiled, "t/app/x", "10.2.0.7"), UINT32_MAX);
	cr_assert_eq(look_up(&compiled, "t/app/y", "10.1.0.7"), UINT32_MAX);
	compiled_clear(&compiled);
}

Test(leaks, vzany_brings_all_bridge_domains_of_its_vrf)
{
	struct situation situation = plain;
	struct compiled compiled;
	struct text text;

	situation.any_b = ", vzAny: {provide: [c]}";
	situation.y = "";
	situation.external = "  - {name: out-b, vrf: b, subnets: [0.0.0.0/0]}\n";
	text = write_policy(situation);
	compiled = compile_text(text.text, NULL);
	cr_assert_eq(look_up(&compiled, "t/app/x", "10.2.0.7"), vrf_leaf(&compiled, "t/app/y"));
	cr_assert_eq(look_up(&compiled, "t/app/x", "10.9.0.7"), vrf_leaf(&compiled, "t/app/y"));
	cr_assert_eq(look_up(&compiled, "t/app/y", "10.1.0.7"), vrf_leaf(&compiled, "t/app/x"));
	cr_assert_eq(look_up(&compiled, "t/app/x", "8.8.8.8"), UINT32_MAX, "the outside of b stays outside of b");
	compiled_clear(&compiled);
}

Test(leaks, an_external_group_brings_its_subnets_even_around_those_of_the_other_vrf)
{
	struct situation situation = plain;
	struct compiled compiled;
	struct text text;

	situation.y = "";
	situation.external = "  - {name: out-b, vrf: b, subnets: [0.0.0.0/0], provide: [c]}\n";
	text = write_policy(situation);
	compiled = compile_text(text.text, NULL);
	cr_assert_eq(look_up(&compiled, "t/app/x", "8.8.8.8"), vrf_leaf(&compiled, "t/app/y"));
	cr_assert_eq(look_up(&compiled, "t/app/x", "203.0.113.7"), compiled_class(&compiled, "t/out-a"),
		     "the longer prefix");
	cr_assert_eq(look_up(&compiled, "t/app/y", "10.1.0.7"), vrf_leaf(&compiled, "t/app/x"));
	compiled_clear(&compiled);
}

Test(leaks, members_by_address_are_found_in_their_own_vrf)
{
	struct situation situation = plain;
	struct compiled compiled;
	struct text text;

	situation.y = ", provide: [c], match: [{ip: 10.9.0.64/26}, {mac: \"02:00:00:00:00:01\"}]";
	text = write_policy(situation);
	compiled = compile_text(text.text, NULL);
	cr_assert_eq(look_up(&compiled, "t/app/x", "10.9.0.70"), vrf_leaf(&compiled, "t/app/y"));
	cr_assert_eq(look_up(&compiled, "t/app/x", "10.9.0.7"), UINT32_MAX);
	cr_assert_eq(look_up(&compiled, "t/app/x", "2001:db8::1"), UINT32_MAX, "a station has no prefix");
	cr_assert_eq(look_up(&compiled, "t/app/y", "10.9.0.70"),
		     EPG_PREFIX_MEMBER | compiled_class(&compiled, "t/app/y"));
	compiled_clear(&compiled);
}

Test(leaks, one_owner_may_offer_a_prefix_twice)
{
	struct situation situation = plain;
	struct compiled compiled;
	struct text text;

	situation.y = ", provide: [c], match: [{ip: 10.2.0.0/24}]";
	text = write_policy(situation);
	compiled = compile_text(text.text, NULL);
	cr_assert_eq(look_up(&compiled, "t/app/x", "10.2.0.7"), vrf_leaf(&compiled, "t/app/y"));
	compiled_clear(&compiled);
}

static void check_refused(struct situation situation, const char *words)
{
	struct text text = write_policy(situation);

	cr_assert(compile_refuses(text.text, words), "%s", words);
}

Test(leaks, addresses_of_both_vrfs_must_differ_where_a_contract_binds_them)
{
	static const char *const clashes[][2] = {
		{"10.2.0.0/24", "10.2.0.9/24"},   /* equal, with another gateway */
		{"10.2.0.128/25", "10.2.0.1/24"}, /* within */
		{"10.0.0.1/8", "10.2.0.1/24"},    /* around */
		{"\"fd00:2::1/64\"", "\"fd00::1/16\""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(clashes); i++) {
		struct situation situation = plain;
		struct compiled compiled;
		struct text text;

		situation.bd_a = clashes[i][0];
		situation.bd_b = clashes[i][1];
		check_refused(situation, "of t/bd-b cannot be known in VRF t/a, where t/bd-a has ");
		check_refused(situation, "of t/bd-a cannot be known in VRF t/b, where t/bd-b has ");
		situation.x = "";
		text = write_policy(situation);
		compiled = compile_text(text.text, NULL);
		compiled_clear(&compiled);
	}
}

Test(leaks, a_prefix_has_one_owner)
{
	struct situation situation = plain;

	situation.y = "";
	situation.external = "  - {name: out-b, vrf: b, subnets: [203.0.113.0/24], provide: [c]}\n";
	check_refused(situation,
		      "203.0.113.0/24 of t/out-b cannot be known in VRF t/a, where t/out-a has 203.0.113.0/24");
	situation.external = "  - {name: out-b, vrf: b, subnets: [10.1.0.64/26], provide: [c]}\n";
	check_refused(situation, "10.1.0.64/26 of t/out-b cannot be known in VRF t/a, where t/bd-a has 10.1.0.1/24");
}

/* Subnets of b and c, either of which provides for a: equal ones belong to two. */
Test(leaks, two_other_vrfs_may_not_offer_one_prefix)
{
	static const char text[] =
		"version: 1\n"
		"tenants:\n"
		"- name: t\n"
		"  vrfs: [{name: a, vzAny: {consume: [c]}}, {name: b}, {name: c}]\n"
		"  bridgeDomains:\n"
		"  - {name: bd-a, vrf: a, subnets: [10.1.0.1/24]}\n"
		"  - {name: bd-b, vrf: b, subnets: [10.2.0.1/24]}\n"
		"  - {name: bd-c, vrf: c, subnets: [10.2.0.2/24]}\n"
		"  filters: [{name: web, entries: [{name: http, etherT: ip, prot: tcp, dPort: 80}]}]\n"
		"  contracts: [{name: c, scope: tenant, subjects: [{name: s, filters: [web]}]}]\n"
		"  appProfiles:\n"
		"  - name: app\n"
		"    epgs: [{name: y, bridgeDomain: bd-b, provide: [c]}, {name: z, bridgeDomain: bd-c, provide: "
		"[c]}]\n";

	cr_assert(compile_refuses(text, "cannot be known in VRF t/a, where t/bd-"));
}

Test(leaks, a_bridge_domain_without_subnets_cannot_be_found)
{
	struct situation situation = plain;
	struct epg_diagnostics *diagnostics;
	struct tables *tables = NULL;
	struct model *model;
	bool said = false;
	struct text text;

	situation.bd_b = "";
	text = write_policy(situation);
	cr_assert_eq(diagnostics_new("t.yaml", &diagnostics), 0);
	cr_assert_eq(model_read("t.yaml", text.text, strlen(text.text), sizeof(text), diagnostics, &model), 0);
	cr_assert_eq(tables_compile(model, NULL, diagnostics, &tables), 0);
	for (size_t i = 0; i < epg_diagnostics_count(diagnostics); i++)
		said = said || strstr(epg_diagnostics_get(diagnostics, i)->message,
				      "t/bd-b has no subnets by which VRF t/a could find its groups");
	cr_assert(said);
	tables_free(tables);
	model_free(model);
	epg_diagnostics_free(diagnostics);
}

/* The longest prefix answers, and would hide the match from the endpoints within. */
Test(leaks, an_external_group_does_not_lie_within_what_a_group_matches)
{
	struct situation situation = plain;
	struct compiled compiled;
	struct text text;

	situation.y = ", match: [{ip: 10.9.0.64/26}]";
	situation.external = "  - {name: out-b, vrf: b, subnets: [10.9.0.80/28]}\n";
	text = write_policy(situation);
	cr_assert(compile_refuses(text.text,
				  "10.9.0.80/28 of the outside lies within 10.9.0.64/26, which belongs to t/app/y"));
	situation.external = "  - {name: out-b, vrf: b, subnets: [10.9.0.0/24]}\n";
	text = write_policy(situation);
	compiled = compile_text(text.text, NULL);
	compiled_clear(&compiled);
}
