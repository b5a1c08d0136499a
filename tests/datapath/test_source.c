// SPDX-License-Identifier: GPL-2.0-only
/* Who may send with which MAC and address: quarantine, spoofing, learning. */
#include <string.h>

#include <criterion/criterion.h>

#include "stage.h"

static struct packet_spec web(bool ipv4, enum stage_interface from)
{
	struct packet_spec spec = stage_spec(ipv4, from, stage_host(STAGE_BACK));

	spec.destination_port = 80;
	return spec;
}

/* The guest sends from address number `host`: does the source stand? What it asks for is denied in any case. */
static void guest_uses(struct stage *stage, bool ipv4, unsigned int host, enum epg_reason expected)
{
	struct packet_spec spec = web(ipv4, STAGE_GUEST);

	stage_address(ipv4, host, spec.source);
	STAGE_EXPECT_DROP(stage, expected, stage_sends(stage, STAGE_GUEST, &spec));
}

Test(source, an_interface_without_endpoint_is_quarantined)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = web(true, STAGE_NOBODY);
	struct stage_hook towards = {.program = STAGE_EGRESS, .interface = STAGE_NOBODY};
	struct packet packet;

	STAGE_EXPECT_DROP(stage, EPG_REASON_QUARANTINE, stage_sends(stage, STAGE_NOBODY, &spec));
	cr_assert_eq(packet_build(&spec, &packet), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_QUARANTINE, stage_run(stage, &towards, &packet).passed);
	cr_assert_eq(packet_build_arp(&spec, 1, &packet), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_QUARANTINE, stage_run(stage, &towards, &packet).passed);
	stage_close(stage);
}

Test(source, before_the_first_policy_everything_is_dropped)
{
	struct stage *stage = stage_open(NULL);
	struct packet_spec spec = web(true, STAGE_FRONT);

	STAGE_EXPECT_DROP(stage, EPG_REASON_NO_POLICY, stage_sends(stage, STAGE_FRONT, &spec));
	stage_close(stage);
}

Test(source, a_declared_mac_is_the_only_one)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	for (int ipv4 = 0; ipv4 < 2; ipv4++) {
		struct packet_spec spec = web(ipv4, STAGE_FRONT);

		cr_assert(stage_sends(stage, STAGE_FRONT, &spec));
		stage_mac(stage_host(STAGE_FRONT2), spec.source_mac);
		STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_MAC, stage_sends(stage, STAGE_FRONT, &spec));
		memset(spec.source_mac, 0, 6);
		STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_MAC, stage_sends(stage, STAGE_FRONT, &spec));
	}
	cr_assert_eq(stage_drops_between(stage, "shop/store/front", "", EPG_REASON_SPOOFED_MAC), 4);
	stage_close(stage);
}

Test(source, the_first_mac_seen_is_kept_where_none_is_declared)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = web(true, STAGE_GUEST);

	spec.source_mac[0] = 0x03; /* a group address is nobody's source */
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_MAC, stage_sends(stage, STAGE_GUEST, &spec));
	stage_mac(60, spec.source_mac);
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_GUEST, &spec));
	stage_mac(61, spec.source_mac);
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_MAC, stage_sends(stage, STAGE_GUEST, &spec));
	stage_close(stage);
}

Test(source, declared_addresses_are_the_only_ones)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	for (int ipv4 = 0; ipv4 < 2; ipv4++) {
		struct packet_spec spec = web(ipv4, STAGE_FRONT);

		stage_address(ipv4, 200, spec.source); /* free, inside the subnet */
		STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS, stage_sends(stage, STAGE_FRONT, &spec));
		stage_address(ipv4, stage_host(STAGE_DB), spec.source); /* another endpoint's */
		STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS, stage_sends(stage, STAGE_FRONT, &spec));
	}
	stage_close(stage);
}

Test(source, an_established_flow_does_not_help_a_spoofer)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = web(true, STAGE_FRONT);

	cr_assert(stage_sends(stage, STAGE_FRONT, &spec));
	stage_mac(stage_host(STAGE_FRONT2), spec.source_mac);
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS, stage_sends(stage, STAGE_FRONT2, &spec));
	stage_close(stage);
}

Test(source, addresses_are_learned_within_the_subnets)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec outside = web(true, STAGE_GUEST), asked = stage_spec(true, STAGE_FRONT, 201);

	guest_uses(stage, true, 201, EPG_REASON_IMPLICIT_DENY);
	guest_uses(stage, false, 201, EPG_REASON_IMPLICIT_DENY);
	cr_assert_eq(stage_stat(stage, EPG_STAT_ADDRESSES_LEARNED), 2);
	outside.source[13] = 9; /* 10.9.0.6 */
	STAGE_EXPECT_DROP(stage, EPG_REASON_OUTSIDE_SUBNET, stage_sends(stage, STAGE_GUEST, &outside));
	memset(outside.source + 12, 0, 4);
	STAGE_EXPECT_DROP(stage, EPG_REASON_OUTSIDE_SUBNET, stage_sends(stage, STAGE_GUEST, &outside));
	/* The learned address now leads to the guest's group. */
	cr_assert_not(stage_sends(stage, STAGE_FRONT, &asked));
	cr_assert_eq(stage_drops_between(stage, "shop/store/front", "shop/store/guest", EPG_REASON_IMPLICIT_DENY), 1);
	stage_close(stage);
}

Test(source, nobody_learns_what_another_owns)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	guest_uses(stage, true, stage_host(STAGE_BACK), EPG_REASON_SPOOFED_ADDRESS);
	guest_uses(stage, false, stage_host(STAGE_BACK), EPG_REASON_SPOOFED_ADDRESS);
	stage_close(stage);
}

Test(source, nobody_learns_the_gateway_or_the_ends_of_a_subnet)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	guest_uses(stage, true, 1, EPG_REASON_OUTSIDE_SUBNET);
	guest_uses(stage, false, 1, EPG_REASON_OUTSIDE_SUBNET);
	guest_uses(stage, true, 0, EPG_REASON_OUTSIDE_SUBNET);
	guest_uses(stage, true, 255, EPG_REASON_OUTSIDE_SUBNET);
	stage_close(stage);
}

Test(source, learning_ends_at_the_limit)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	for (unsigned int i = 0; i < EPG_LEARNED_MAX; i++)
		guest_uses(stage, true, 210 + i, EPG_REASON_IMPLICIT_DENY);
	guest_uses(stage, true, 230, EPG_REASON_LEARN_LIMIT);
	guest_uses(stage, true, 210, EPG_REASON_IMPLICIT_DENY);
	cr_assert_eq(stage_stat(stage, EPG_STAT_ADDRESSES_LEARNED), EPG_LEARNED_MAX);
	stage_close(stage);
}

Test(source, link_local_addresses_are_learned_beside_declared_ones)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = web(false, STAGE_FRONT), thief = web(false, STAGE_GUEST);

	memset(spec.source, 0, 16);
	spec.source[0] = 0xfe;
	spec.source[1] = 0x80;
	spec.source[15] = 0x22;
	memcpy(thief.source, spec.source, 16);
	cr_assert(stage_sends(stage, STAGE_FRONT, &spec));
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS, stage_sends(stage, STAGE_GUEST, &thief));
	stage_close(stage);
}
