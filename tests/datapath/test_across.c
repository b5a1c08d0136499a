// SPDX-License-Identifier: GPL-2.0-only
/* Groups of different VRFs, which a contract of wider scope joins: both hooks, both directions, and who may say so. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "stage.h"

/* The lab's VRF is enforced, and its group consumes tcp 80 of back. */
static char *joined_policy(void)
{
	char *enforced = stage_policy_with(STAGE_POLICY, "{name: open, enforcement: unenforced}", "{name: open}");
	char *scope = stage_policy_with(enforced, "{name: world, subjects:", "{name: world, scope: tenant, subjects:");
	char *consumer = stage_policy_with(scope, "      bridgeDomain: bd2\n",
					   "      bridgeDomain: bd2\n      consume: [world]\n");

	free(scope);
	free(enforced);
	return consumer;
}

static struct stage *open_joined(void)
{
	char *policy = joined_policy();
	struct stage *stage = stage_open(policy);

	free(policy);
	return stage;
}

/* 10.2.0.2, the lab's endpoint. */
static void lab_address(uint8_t ret[16])
{
	stage_address(true, 2, ret);
	ret[13] = 2;
}

static struct packet_spec from_lab(uint16_t port)
{
	struct packet_spec spec = stage_spec(true, STAGE_FREE, stage_host(STAGE_BACK));

	lab_address(spec.source);
	spec.destination_port = port;
	return spec;
}

static struct packet_spec to_lab(const struct packet_spec *open)
{
	struct packet_spec spec = stage_spec(true, STAGE_BACK, stage_host(STAGE_FREE));

	lab_address(spec.destination);
	spec.source_port = open->destination_port;
	spec.destination_port = open->source_port;
	spec.tcp_flags = PACKET_TCP_SYN | PACKET_TCP_ACK;
	return spec;
}

/* Through the sender's hook and then, routed by the host from its bridge, the receiver's. */
static bool routed(struct stage *stage, enum stage_interface from, enum stage_interface to,
		   const struct packet_spec *spec)
{
	struct stage_hook ingress = {.program = STAGE_INGRESS, .interface = from};
	struct stage_hook egress = {.program = STAGE_EGRESS,
				    .interface = to,
				    .ingress_ifindex = stage_ifindex(stage, STAGE_NOBODY)};
	struct stage_result sent;
	struct packet packet;

	cr_assert_eq(packet_build(spec, &packet), 0);
	sent = stage_run(stage, &ingress, &packet);
	if (!sent.passed)
		return false;
	egress.mark = sent.mark;
	return stage_run(stage, &egress, &packet).passed;
}

Test(across, a_contract_of_wider_scope_joins_two_vrfs_and_replies_come_back)
{
	struct stage *stage = open_joined();
	struct packet_spec open = from_lab(80), reply = to_lab(&open), other = from_lab(81);

	cr_assert_not(routed(stage, STAGE_BACK, STAGE_FREE, &reply), "a reply to nothing");
	for (int i = 0; i < 3; i++) {
		cr_assert(routed(stage, STAGE_FREE, STAGE_BACK, &open), "round %d", i);
		cr_assert(routed(stage, STAGE_BACK, STAGE_FREE, &reply), "round %d", i);
	}
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_FREE, &other));
	cr_assert_eq(stage_rule_packets(stage, "shop/world", "http"), 6, "each packet once");
	stage_close(stage);
}

/* What goes to an endpoint of the other VRF is seen by that side's entry too, or it would be forgotten too soon. */
Test(across, both_sides_see_both_directions)
{
	struct stage *stage = open_joined();
	struct packet_spec open = from_lab(80), reply = to_lab(&open), data = open;
	size_t count;

	data.tcp_flags = PACKET_TCP_ACK;
	cr_assert(routed(stage, STAGE_FREE, STAGE_BACK, &open));
	cr_assert(routed(stage, STAGE_BACK, STAGE_FREE, &reply));
	cr_assert(routed(stage, STAGE_FREE, STAGE_BACK, &data));
	count = stage_count_flows(stage, EPG_FLOW_ESTABLISHED);
	cr_assert_eq(count, 2, "%zu entries", count);
	stage_close(stage);
}

Test(across, straight_from_the_senders_interface_too)
{
	struct stage *stage = open_joined();
	struct packet_spec open = from_lab(80), reply = to_lab(&open);

	cr_assert(stage_delivers(stage, STAGE_FREE, STAGE_BACK, &open));
	cr_assert(stage_delivers(stage, STAGE_BACK, STAGE_FREE, &reply));
	stage_close(stage);
}

Test(across, without_such_a_contract_the_other_vrf_is_nowhere)
{
	char *policy = stage_policy_with(STAGE_POLICY, "{name: open, enforcement: unenforced}", "{name: open}");
	struct stage *stage = stage_open(policy);
	struct packet_spec open = from_lab(80);

	STAGE_EXPECT_DROP(stage, EPG_REASON_UNKNOWN_DESTINATION, stage_sends(stage, STAGE_FREE, &open));
	stage_close(stage);
	free(policy);
}

/* The address alone proves nothing: nor does a mark on what came in by no interface. */
Test(across, a_stranger_does_not_pass_for_an_endpoint_of_the_other_vrf)
{
	struct stage *stage = open_joined();
	struct packet_spec open = from_lab(80);
	struct stage_hook egress = {.program = STAGE_EGRESS,
				    .interface = STAGE_BACK,
				    .ingress_ifindex = stage_ifindex(stage, STAGE_NOBODY)};
	struct packet packet;

	cr_assert_eq(packet_build(&open, &packet), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS, stage_run(stage, &egress, &packet).passed);
	egress.mark = 0x10000000;
	egress.ingress_ifindex = 0;
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS, stage_run(stage, &egress, &packet).passed);
	egress.ingress_ifindex = stage_ifindex(stage, STAGE_FRONT);
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS, stage_run(stage, &egress, &packet).passed);
	stage_close(stage);
}

/* Who an address of the outside is, its own VRF says: also a group there that takes part in nothing. */
Test(across, the_outside_of_the_other_vrf_is_what_it_is_there)
{
	char *wider = stage_policy_with(STAGE_POLICY, "{name: open, enforcement: unenforced}", "{name: open}");
	char *scope =
		stage_policy_with(wider, "{name: partners, subjects:", "{name: partners, scope: tenant, subjects:");
	char *special = stage_policy_with(scope, "  externalEpgs:\n",
					  "  externalEpgs:\n"
					  "  - {name: special, vrf: prod, subnets: [192.0.2.128/25]}\n");
	char *policy = stage_policy_with(special, "      bridgeDomain: bd2\n",
					 "      bridgeDomain: bd2\n      provide: [partners]\n");
	struct stage *stage = stage_open(policy);
	struct stage_hook egress = {.program = STAGE_EGRESS,
				    .interface = STAGE_FREE,
				    .ingress_ifindex = stage_ifindex(stage, STAGE_NOBODY)};
	struct packet_spec spec = stage_spec(true, STAGE_BACK, stage_host(STAGE_FREE));
	static const uint8_t partner[] = {192, 0, 2, 20};
	struct packet packet;

	lab_address(spec.destination);
	memcpy(spec.source + 12, partner, sizeof(partner));
	spec.destination_port = 443;
	cr_assert_eq(packet_build(&spec, &packet), 0);
	cr_assert(stage_run(stage, &egress, &packet).passed);
	spec.source[15] = 200;
	cr_assert_eq(packet_build(&spec, &packet), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_run(stage, &egress, &packet).passed);
	cr_assert_eq(stage_drops_between(stage, "shop/special", "shop/lab/free", EPG_REASON_IMPLICIT_DENY), 1);
	stage_close(stage);
	free(policy);
	free(special);
	free(scope);
	free(wider);
}

/* What an uplink of one VRF brings for an endpoint of another one is decided there, not let by. */
Test(across, an_uplink_decides_for_endpoints_of_the_other_vrf)
{
	char *wider = stage_policy_with(STAGE_POLICY, "{name: open, enforcement: unenforced}", "{name: open}");
	char *scope =
		stage_policy_with(wider, "{name: partners, subjects:", "{name: partners, scope: tenant, subjects:");
	char *policy = stage_policy_with(scope, "      bridgeDomain: bd2\n",
					 "      bridgeDomain: bd2\n      provide: [partners]\n");
	struct stage *stage = stage_open(policy);
	struct epg_endpoint_spec uplink = {.size = sizeof(uplink), .interface = "nobody", .group = "shop/partners"};
	struct stage_hook hook = {.program = STAGE_INGRESS, .interface = STAGE_NOBODY};
	struct packet_spec spec = stage_spec(true, STAGE_NOBODY, stage_host(STAGE_FREE));
	static const uint8_t partner[] = {192, 0, 2, 20};
	struct stage_result result;
	struct packet packet;

	cr_assert_eq(epg_endpoint_add(stage_epg(stage), &uplink), 0, "%s", epg_error(stage_epg(stage))->message);
	lab_address(spec.destination);
	memcpy(spec.source + 12, partner, sizeof(partner));
	spec.destination_port = 443;
	cr_assert_eq(packet_build(&spec, &packet), 0);
	result = stage_run(stage, &hook, &packet);
	cr_assert(result.passed);
	cr_assert_neq(result.mark, 0, "decided here");
	spec.destination_port = 444;
	cr_assert_eq(packet_build(&spec, &packet), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_run(stage, &hook, &packet).passed);
	stage_close(stage);
	free(policy);
	free(scope);
	free(wider);
}

Test(across, an_apply_that_parts_the_vrfs_cuts_their_flows)
{
	struct stage *stage = open_joined();
	char *parted = stage_policy_with(STAGE_POLICY, "{name: open, enforcement: unenforced}", "{name: open}");
	struct packet_spec open = from_lab(80), data = open;

	data.tcp_flags = PACKET_TCP_ACK;
	cr_assert(routed(stage, STAGE_FREE, STAGE_BACK, &open));
	stage_apply(stage, parted);
	cr_assert_not(stage_sends(stage, STAGE_FREE, &data));
	stage_close(stage);
	free(parted);
}
