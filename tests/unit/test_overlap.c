// SPDX-License-Identifier: GPL-2.0-only
#include <criterion/criterion.h>

#include "compile/overlap.h"
#include "model_builder.h"

/* Two VRFs with a subnet each; do they share addresses? */
static bool share(const char *left, const char *right)
{
	MODEL_BUILDER(builder);
	uint32_t tenant = build_tenant(&builder, "t");
	uint32_t first = build_vrf(&builder, "t/first", tenant, true);
	uint32_t second = build_vrf(&builder, "t/second", tenant, true);
	uint32_t third = build_vrf(&builder, "t/third", tenant, true);
	AUTO_FREE bool *shared = NULL;

	build_subnet(&builder, build_bridge_domain(&builder, "t/a", first), left);
	build_subnet(&builder, build_bridge_domain(&builder, "t/b", second), right);
	build_subnet(&builder, build_bridge_domain(&builder, "t/c", third), "203.0.113.1/24");
	cr_assert_eq(overlap_find(&builder.model, &shared), 0);
	cr_assert_eq(shared[first], shared[second]);
	cr_assert_not(shared[third]);
	return shared[first];
}

Test(overlap, equal_and_nested_subnets_are_shared)
{
	cr_assert(share("10.1.0.1/24", "10.1.0.9/24"));
	cr_assert(share("10.1.0.1/16", "10.1.200.1/24"));
	cr_assert(share("10.1.200.1/24", "10.0.0.1/8"));
	cr_assert(share("fd00:1::1/64", "fd00:1::1/63"));
}

Test(overlap, neighbours_and_families_are_not)
{
	cr_assert_not(share("10.1.0.1/24", "10.1.1.1/24"));
	cr_assert_not(share("10.1.0.1/25", "10.1.0.129/25"));
	cr_assert_not(share("fd00:1::1/64", "fd00:1:0:1::1/64"));
	cr_assert_not(share("10.1.0.1/24", "::a01:1/120"));
}

Test(overlap, one_vrf_may_repeat_itself)
{
	MODEL_BUILDER(builder);
	uint32_t vrf = build_vrf(&builder, "t/v", build_tenant(&builder, "t"), true);
	AUTO_FREE bool *shared = NULL;

	build_subnet(&builder, build_bridge_domain(&builder, "t/a", vrf), "10.1.0.1/24");
	build_subnet(&builder, build_bridge_domain(&builder, "t/b", vrf), "10.1.0.1/16");
	cr_assert_eq(overlap_find(&builder.model, &shared), 0);
	cr_assert_not(shared[vrf]);
}

Test(overlap, stations_declare_addresses_as_endpoints_do)
{
	struct model_prefix ip = build_prefix("10.1.0.7/32");

	ip.length = 128;
	for (unsigned int station = 0; station < 2; station++) {
		MODEL_BUILDER(builder);
		uint32_t tenant = build_tenant(&builder, "t");
		uint32_t first = build_vrf(&builder, "t/first", tenant, true);
		uint32_t second = build_vrf(&builder, "t/second", tenant, true);
		uint32_t domain = build_bridge_domain(&builder, "t/a", first);
		uint32_t group = build_group(&builder, "t/p/g", 0, build_bridge_domain(&builder, "t/b", second));
		AUTO_FREE bool *shared = NULL;

		build_subnet(&builder, domain, "10.1.0.1/24");
		if (station) {
			struct model_match *match = build_match_station(&builder, group, "eth1", 120, 0);

			match->ips = &ip;
			match->n_ips = 1;
		}
		cr_assert_eq(overlap_find(&builder.model, &shared), 0);
		cr_assert_eq(shared[first], station);
		cr_assert_eq(shared[second], station);
	}
}
