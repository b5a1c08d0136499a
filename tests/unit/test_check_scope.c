/* SPDX-License-Identifier: GPL-2.0-only */
#include "reading.h"

/* A consumer in one VRF and a provider in another, in lines 11 and 12. */
#define TWO_VRFS(scope)                                                                          \
	"version: 1\n"                                                                           \
	"tenants:\n"                                                                             \
	"- name: shop\n"                                                                         \
	"  vrfs: [{name: prod}, {name: dev}]\n"                                                  \
	"  bridgeDomains: [{name: bd1, vrf: prod}, {name: bd2, vrf: dev}]\n"                     \
	"  filters: [{name: ip, entries: [{name: all}]}]\n"                                      \
	"  contracts: [{name: web, scope: " scope ", subjects: [{name: all, filters: [ip]}]}]\n" \
	"  appProfiles:\n"                                                                       \
	"  - name: a\n"                                                                          \
	"    epgs:\n"                                                                            \
	"    - {name: front, bridgeDomain: bd1, consume: [web]}\n"                               \
	"    - {name: back, bridgeDomain: bd2, provide: [web]}\n"

Test(check_scope, contracts_join_vrfs_only_by_their_scope)
{
	expect_warning(TWO_VRFS("vrf"), 11, "does not bind this EPG: no provider of it is in the same VRF");
	expect_warning(TWO_VRFS("vrf"), 12, "does not bind this EPG: no consumer of it is in the same VRF");
	expect_nothing(TWO_VRFS("tenant"));
	expect_nothing(TWO_VRFS("global"));
}

Test(check_scope, application_profile_is_the_narrowest_scope)
{
	static const char text[] =
		TWO_VRFS("application-profile") "    - {name: near, bridgeDomain: bd1, provide: [web]}\n"
						"  - name: b\n"
						"    epgs: [{name: far, bridgeDomain: bd1, consume: [web]}]\n"
						"  externalEpgs: [{name: out, vrf: prod, subnets: [0.0.0.0/0], "
						"consume: [web]}]\n";

	expect_warning(text, 12, "no consumer of it is in the same application profile");
	expect_warning(text, 15, "no provider of it is in the same application profile");
	expect_warning(text, 16, "an external EPG is in no application profile");
}

/* A contract of tenant common, consumed in two tenants and provided in one of them. */
#define THREE_TENANTS(scope)                                                                     \
	"version: 1\n"                                                                           \
	"tenants:\n"                                                                             \
	"- name: common\n"                                                                       \
	"  filters: [{name: ip, entries: [{name: all}]}]\n"                                      \
	"  contracts: [{name: dns, scope: " scope ", subjects: [{name: all, filters: [ip]}]}]\n" \
	"- name: shop\n"                                                                         \
	"  vrfs: [{name: v}]\n"                                                                  \
	"  bridgeDomains: [{name: b, vrf: v}]\n"                                                 \
	"  appProfiles: [{name: a, epgs: [{name: x, bridgeDomain: b, consume: [common/dns]},\n"  \
	"    {name: y, bridgeDomain: b, provide: [common/dns]}]}]\n"                             \
	"- name: acme\n"                                                                         \
	"  vrfs: [{name: v}]\n"                                                                  \
	"  bridgeDomains: [{name: b, vrf: v}]\n"                                                 \
	"  appProfiles: [{name: a, epgs: [{name: x, bridgeDomain: b, consume: [common/dns]}]}]\n"

Test(check_scope, tenants_share_what_is_global)
{
	expect_nothing(THREE_TENANTS("global"));
	expect_warning(THREE_TENANTS("tenant"), 14, "no provider of it is in the same tenant");
	expect_warning(THREE_TENANTS("vrf"), 14, "no provider of it is in the same VRF");
}

#define WITH_ANY(any, scope, epg)                                                              \
	"version: 1\n"                                                                         \
	"tenants:\n"                                                                           \
	"- name: shop\n"                                                                       \
	"  vrfs: [{name: prod, vzAny: {" any "}}]\n"                                           \
	"  bridgeDomains: [{name: b, vrf: prod}]\n"                                            \
	"  filters: [{name: ip, entries: [{name: all}]}]\n"                                    \
	"  contracts: [{name: dns, scope: " scope ", subjects: [{name: s, filters: [ip]}]}]\n" \
	"  appProfiles: [{name: a, epgs: [{name: x, bridgeDomain: b" epg "}]}]\n"

Test(check_scope, any_is_an_end_too)
{
	expect_nothing(WITH_ANY("consume: [dns]", "vrf", ", provide: [dns]"));
	expect_nothing(WITH_ANY("provide: [dns]", "tenant", ", consume: [dns]"));
	expect_nothing(WITH_ANY("provide: [dns], consume: [dns]", "global", ""));
	expect_warning(WITH_ANY("consume: [dns]", "vrf", ""), 7, "contract \"dns\" has no provider");
	expect_warning(WITH_ANY("provide: [dns]", "vrf", ""), 7, "contract \"dns\" has no consumer");
}

Test(check_scope, any_is_in_no_application_profile)
{
	expect_warning(WITH_ANY("consume: [dns]", "application-profile", ", provide: [dns]"), 4,
		       "contract \"dns\" does not bind vzAny: a VRF is in no application profile");
}

Test(check_scope, ends_that_are_missing)
{
	expect_warning("version: 1\ntenants:\n- {name: a, contracts: [{name: web, subjects: []}]}\n", 3,
		       "contract \"web\" has neither provider nor consumer");
	expect_warning(WITH_ANY("", "vrf", ", provide: [dns]"), 7, "contract \"dns\" has no consumer");
	expect_warning(WITH_ANY("", "vrf", ", provide: [dns], consume: [dns]"), 8,
		       "contract \"dns\" does not bind this EPG: no other provider of it is in the same VRF");
	expect_nothing(WITH_ANY("", "vrf", ", intraEpg: {contracts: [dns]}"));
}
