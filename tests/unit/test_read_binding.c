/* SPDX-License-Identifier: GPL-2.0-only */
#include "reading.h"

/* Two tenants: the first one names contracts of the second, which comes later. */
#define BEFORE_ANY       \
	"version: 1\n"   \
	"tenants:\n"     \
	"- name: shop\n" \
	"  vrfs:\n"      \
	"  - {name: prod, vzAny: {"
#define ANY_LINE 5
#define BETWEEN                                                                     \
	"}}\n"                                                                      \
	"  bridgeDomains: [{name: bd1, vrf: prod}]\n"                               \
	"  filters: [{name: ssh, entries: [{name: tcp, prot: tcp, dPort: ssh}]}]\n" \
	"  taboos: [{name: no-ssh, filters: [ssh]}]\n"                              \
	"  appProfiles: [{name: store, epgs: [\n"                                   \
	"    {name: front, bridgeDomain: bd1, "
#define EPG_LINE 10
#define AFTER_EPG                                                                   \
	"}]}]\n"                                                                    \
	"  contracts: [{name: web, subjects: []}]\n"                                \
	"- name: common\n"                                                          \
	"  filters: [{name: dns, entries: [{name: udp, prot: udp, dPort: dns}]}]\n" \
	"  taboos: [{name: no-dns, filters: [dns]}]\n"                              \
	"  contracts:\n"                                                            \
	"  - {name: dns, scope: global, subjects: [{name: s, filters: [dns]}]}\n"   \
	"  - {name: ntp, scope: global, subjects: [{name: s, filters: [dns]}]}\n"

Test(read_binding, contracts_of_tenants_that_come_later)
{
	struct reading reading =
		read_good(BEFORE_ANY "provide: [web], consume: [common/dns, web]" BETWEEN
				     "provide: [common/dns], consume: [shop/web, common/ntp], "
				     "intraEpg: {contracts: [common/ntp]}, taboos: [no-ssh]" AFTER_EPG);
	const struct model_group *group = &reading.model->groups[0];
	const struct model_vrf *vrf = &reading.model->vrfs[0];

	cr_assert_eq(vrf->n_provide, 1);
	cr_assert_eq(vrf->provide[0].contract, 0);
	cr_assert_eq(vrf->n_consume, 2);
	cr_assert_eq(vrf->consume[0].contract, 1);
	cr_assert_eq(vrf->consume[0].place.line, ANY_LINE);
	cr_assert_eq(vrf->consume[1].contract, 0);
	cr_assert_eq(group->n_provide, 1);
	cr_assert_eq(group->provide[0].contract, 1);
	cr_assert_eq(group->n_consume, 2);
	cr_assert_eq(group->consume[0].contract, 0);
	cr_assert_eq(group->consume[1].contract, 2);
	cr_assert_eq(group->n_intra, 1);
	cr_assert_eq(group->intra[0].contract, 2);
	cr_assert_eq(group->intra[0].place.line, EPG_LINE);
	cr_assert_eq(group->n_taboos, 1);
	cr_assert_eq(group->taboos[0].taboo, 0);
	forget(&reading);
}

Test(read_binding, names_that_lead_nowhere)
{
	static const struct bad bad[] = {
		{"consume: [commno/dns]", "tenant \"commno\" does not exist", "did you mean \"common\"?"},
		{"consume: [x/dns]", "tenant \"x\" does not exist", "tenant/contract"},
		{"consume: [/dns]", "tenant \"\" does not exist", ""},
		{"provide: [common/nds]", "contract \"nds\" does not exist in tenant \"common\"",
		 "did you mean \"dns\"?"},
		{"consume: [common/web]", "contract \"web\" does not exist in tenant \"common\"", ""},
		{"consume: [common/a/b]", "contract \"a/b\" does not exist in tenant \"common\"", ""},
		{"consume: [dns]", "contract \"dns\" does not exist in tenant \"shop\"", "write common/dns"},
		{"consume: [shop/wbe]", "contract \"wbe\" does not exist in tenant \"shop\"", "did you mean \"web\"?"},
		{"consume: [\"a b\"]", "\"a b\" is not a name", ""},
		{"consume: [[web]]", "a single value must stand here, not a list", ""},
		{"taboos: [no-shs]", "taboo \"no-shs\" does not exist", "did you mean \"no-ssh\"?"},
		{"taboos: [common/no-dns]", "\"common/no-dns\" is a taboo of another tenant", "in tenant \"shop\""},
		{"taboos: no-ssh", "a list must stand here", "write [no-ssh]"},
		{"intraEpg: {contracts: [ntp]}", "contract \"ntp\" does not exist", "write common/ntp"},
	};

	EXPECT_ERRORS(BEFORE_ANY BETWEEN, AFTER_EPG, EPG_LINE, bad);
}

Test(read_binding, nothing_is_given_twice)
{
	static const struct bad bad[] = {
		{"provide: [web, web]", "the contract web is given twice", "line 10"},
		{"consume: [web, shop/web]", "the contract shop/web is given twice", "line 10"},
		{"consume: [common/dns, common/dns]", "the contract common/dns is given twice", ""},
		{"taboos: [no-ssh, no-ssh]", "the taboo no-ssh is given twice", ""},
	};

	EXPECT_ERRORS(BEFORE_ANY BETWEEN, AFTER_EPG, EPG_LINE, bad);
}

Test(read_binding, contracts_of_any)
{
	static const struct bad bad[] = {
		{"consume: [common/dsn]", "contract \"dsn\" does not exist in tenant \"common\"",
		 "did you mean \"dns\"?"},
		{"provide: [wbe]", "contract \"wbe\" does not exist in tenant \"shop\"", "did you mean \"web\"?"},
		{"provide: [web, web]", "the contract web is given twice", "line 5"},
		{"provide: web", "a list must stand here", "write [web]"},
		{"provides: [web]", "unknown key \"provides\"", "did you mean \"provide\"?"},
		{"taboos: []", "unknown key \"taboos\"", "vzAny has the keys provide, consume"},
	};

	EXPECT_ERRORS(BEFORE_ANY, BETWEEN AFTER_EPG, ANY_LINE, bad);
	expect_error("version: 1\ntenants: [{name: a, vrfs: [{name: v, vzAny: [web]}]}]\n", 2,
		     "vzAny must stand here, not a list", "provide, consume");
}

Test(read_binding, the_first_of_many_tenants_is_proposed)
{
	expect_error("version: 1\n"
		     "tenants:\n"
		     "- {name: z, contracts: [{name: web, subjects: []}]}\n"
		     "- {name: b, contracts: [{name: web, subjects: []}]}\n"
		     "- {name: c, contracts: [{name: web, subjects: []}]}\n"
		     "- {name: shop, vrfs: [{name: v, vzAny: {provide: [web]}}]}\n",
		     6, "contract \"web\" does not exist in tenant \"shop\"", "write b/web");
}
