// SPDX-License-Identifier: GPL-2.0-only
/* The hook towards an endpoint: believes what cannot be forged, decides the rest, and binds decisions to endpoints. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "stage.h"

#define MARK 0x10000000u /* the default of epg_load_options.mark */

static struct packet_spec web(bool ipv4)
{
	struct packet_spec spec = stage_spec(ipv4, STAGE_FRONT, stage_host(STAGE_BACK));

	spec.destination_port = 80;
	return spec;
}

Test(egress, passes_what_the_senders_hook_has_decided_and_counts_it_once)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = web(true);

	cr_assert(stage_delivers(stage, STAGE_FRONT, STAGE_BACK, &spec));
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "web"), 1);
	spec = web(false);
	cr_assert(stage_delivers(stage, STAGE_FRONT, STAGE_BACK, &spec));
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "web"), 2);
	stage_close(stage);
}

Test(egress, marks_what_it_permits_and_takes_the_mark_away_again)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = web(true);
	struct stage_hook ingress = {.program = STAGE_INGRESS, .interface = STAGE_FRONT, .mark = 0x42};
	struct stage_hook egress = {.program = STAGE_EGRESS, .interface = STAGE_BACK};
	struct stage_result result;
	struct packet packet;

	cr_assert_eq(packet_build(&spec, &packet), 0);
	result = stage_run(stage, &ingress, &packet);
	cr_assert(result.passed);
	cr_assert_eq(result.mark, MARK | 0x42, "other bits belong to others");
	egress.mark = result.mark;
	egress.ingress_ifindex = stage_ifindex(stage, STAGE_FRONT);
	result = stage_run(stage, &egress, &packet);
	cr_assert(result.passed);
	cr_assert_eq(result.mark, 0x42);
	stage_close(stage);
}

Test(egress, does_not_believe_a_mark_on_a_frame_that_came_in_nowhere)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = web(true);
	struct stage_hook hook = {.program = STAGE_EGRESS, .interface = STAGE_BACK, .mark = UINT32_MAX};
	struct packet packet;

	cr_assert_eq(packet_build(&spec, &packet), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS, stage_run(stage, &hook, &packet).passed);
	/* Not even on a flow that the true endpoint has established. */
	cr_assert(stage_delivers(stage, STAGE_FRONT, STAGE_BACK, &spec));
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS, stage_run(stage, &hook, &packet).passed);
	stage_close(stage);
}

Test(egress, decides_what_no_hook_has_decided)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec allowed = web(true), denied = web(true);
	struct stage_hook hook = {.program = STAGE_EGRESS, .interface = STAGE_BACK};
	struct packet packet;

	hook.ingress_ifindex = stage_ifindex(stage, STAGE_FRONT); /* bound, but its ingress has not marked */
	cr_assert_eq(packet_build(&allowed, &packet), 0);
	cr_assert(stage_run(stage, &hook, &packet).passed);
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "web"), 1);
	denied.destination_port = 22;
	cr_assert_eq(packet_build(&denied, &packet), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_run(stage, &hook, &packet).passed);
	stage_address(true, stage_host(STAGE_DB), allowed.source);
	cr_assert_eq(packet_build(&allowed, &packet), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS, stage_run(stage, &hook, &packet).passed);
	stage_close(stage);
}

Test(egress, a_frame_that_leads_to_another_than_its_address_is_dropped)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	for (int ipv4 = 0; ipv4 < 2; ipv4++) {
		struct packet_spec spec = web(ipv4);

		/* Permitted towards back, but its MAC has led it to db. */
		STAGE_EXPECT_DROP(stage, EPG_REASON_MISDIRECTED, stage_delivers(stage, STAGE_FRONT, STAGE_DB, &spec));
		/* The same on the established flow. */
		cr_assert(stage_delivers(stage, STAGE_FRONT, STAGE_BACK, &spec));
		STAGE_EXPECT_DROP(stage, EPG_REASON_MISDIRECTED, stage_delivers(stage, STAGE_FRONT, STAGE_DB, &spec));
	}
	stage_close(stage);
}

Test(egress, a_frame_for_the_outside_does_not_reach_an_endpoint)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec open = stage_spec(true, STAGE_NOBODY, stage_host(STAGE_BACK)), reply;
	struct stage_hook hook = {.program = STAGE_EGRESS, .interface = STAGE_BACK};
	struct packet packet;

	open.source[12] = 198;
	open.destination_port = 80;
	hook.ingress_ifindex = stage_ifindex(stage, STAGE_NOBODY);
	cr_assert_eq(packet_build(&open, &packet), 0);
	cr_assert(stage_run(stage, &hook, &packet).passed, "the world opens");
	reply = stage_spec(true, STAGE_BACK, 0);
	memcpy(reply.destination, open.source, 16);
	reply.source_port = 80;
	reply.destination_port = open.source_port;
	reply.tcp_flags = PACKET_TCP_SYN | PACKET_TCP_ACK;
	cr_assert(stage_sends(stage, STAGE_BACK, &reply), "back answers the world");
	STAGE_EXPECT_DROP(stage, EPG_REASON_MISDIRECTED, stage_delivers(stage, STAGE_BACK, STAGE_GUEST, &reply));
	stage_close(stage);
}

Test(egress, the_host_itself_needs_a_group)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = web(true);
	struct stage_hook hook = {.program = STAGE_EGRESS, .interface = STAGE_DB};
	struct packet packet;

	stage_address(true, 1, spec.source);
	stage_address(true, stage_host(STAGE_DB), spec.destination);
	cr_assert_eq(packet_build(&spec, &packet), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_run(stage, &hook, &packet).passed);
	cr_assert_eq(stage_drops_between(stage, "shop/world", "shop/store/db", EPG_REASON_IMPLICIT_DENY), 1);
	stage_close(stage);
}

Test(egress, an_address_that_nobody_owns_leads_to_nobody)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = web(true);
	struct stage_hook hook = {.program = STAGE_EGRESS, .interface = STAGE_GUEST};
	struct packet packet;

	stage_address(true, 1, spec.source);
	stage_address(true, 222, spec.destination);
	cr_assert_eq(packet_build(&spec, &packet), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_UNKNOWN_DESTINATION, stage_run(stage, &hook, &packet).passed);
	stage_close(stage);
}

Test(egress, an_endpoint_of_another_vrf_is_outside)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec ssh = stage_spec(true, STAGE_FREE, stage_host(STAGE_BACK)), http, gre;

	/* Its own VRF is not enforced and lets it send anything; back's VRF knows its address as the world's. */
	ssh.source[13] = 2;
	ssh.source[15] = 2;
	http = gre = ssh;
	ssh.destination_port = 22;
	http.destination_port = 80;
	gre.protocol = 47;
	gre.payload = 32;
	cr_assert(stage_sends(stage, STAGE_FREE, &ssh));
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_delivers(stage, STAGE_FREE, STAGE_BACK, &ssh));
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_delivers(stage, STAGE_FREE, STAGE_BACK, &gre));
	cr_assert_eq(stage_drops_between(stage, "shop/world", "shop/store/back", EPG_REASON_IMPLICIT_DENY), 2);
	cr_assert(stage_delivers(stage, STAGE_FREE, STAGE_BACK, &http));
	cr_assert_eq(stage_rule_packets(stage, "shop/world", "http"), 1);
	stage_close(stage);
}

Test(egress, a_marked_packet_from_behind_a_bridge_is_its_senders)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	for (int tracked = 0; tracked < 2; tracked++) {
		struct packet_spec spec = stage_spec(true, tracked ? STAGE_FRONT : STAGE_BACK,
						     stage_host(tracked ? STAGE_BACK : STAGE_DB));
		struct stage_hook ingress = {.program = STAGE_INGRESS, .interface = tracked ? STAGE_FRONT : STAGE_BACK};
		struct stage_hook egress = {.program = STAGE_EGRESS, .interface = tracked ? STAGE_BACK : STAGE_DB};
		const char *contract = tracked ? "shop/web" : "shop/sql", *entry = tracked ? "web" : "sql";
		struct packet packet;

		spec.destination_port = tracked ? 80 : 5432;
		cr_assert_eq(packet_build(&spec, &packet), 0);
		egress.mark = stage_run(stage, &ingress, &packet).mark;
		egress.ingress_ifindex = stage_ifindex(stage, STAGE_NOBODY); /* stands for the bridge */
		cr_assert(stage_run(stage, &egress, &packet).passed);
		cr_assert_eq(stage_rule_packets(stage, contract, entry), 1, "once");
		egress.mark = 0;
		STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS, stage_run(stage, &egress, &packet).passed);
	}
	stage_close(stage);
}

Test(egress, a_stateless_packet_passes_both_hooks_and_counts_once)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec query = stage_spec(true, STAGE_BACK, stage_host(STAGE_DB));

	query.destination_port = 5432;
	cr_assert(stage_delivers(stage, STAGE_BACK, STAGE_DB, &query));
	cr_assert_eq(stage_rule_packets(stage, "shop/sql", "sql"), 1);
	stage_close(stage);
}

Test(egress, an_apply_between_both_hooks_loses_nothing_that_stays_permitted)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec open = web(true), reply = open;
	struct stage_hook ingress = {.program = STAGE_INGRESS, .interface = STAGE_BACK};
	struct stage_hook egress = {.program = STAGE_EGRESS, .interface = STAGE_FRONT};
	struct packet packet;

	cr_assert(stage_delivers(stage, STAGE_FRONT, STAGE_BACK, &open));
	stage_address(true, stage_host(STAGE_BACK), reply.source);
	stage_address(true, stage_host(STAGE_FRONT), reply.destination);
	stage_mac(stage_host(STAGE_BACK), reply.source_mac);
	reply.source_port = 80;
	reply.destination_port = open.source_port;
	reply.tcp_flags = PACKET_TCP_SYN | PACKET_TCP_ACK;
	cr_assert_eq(packet_build(&reply, &packet), 0);
	egress.mark = stage_run(stage, &ingress, &packet).mark;
	egress.ingress_ifindex = stage_ifindex(stage, STAGE_BACK);
	stage_apply(stage, STAGE_POLICY);
	cr_assert(stage_run(stage, &egress, &packet).passed);
	stage_close(stage);
}

Test(egress, where_vrfs_share_addresses_an_address_behind_a_bridge_tells_nobody)
{
	char *shared = stage_policy_with(STAGE_POLICY, "[10.2.0.1/24]", "[10.1.0.1/24]");
	char *policy = stage_policy_with(shared, "{interface: free, ips: [10.2.0.2], mac: \"02:00:00:00:00:07\"}",
					 "{interface: free}");
	struct stage *stage = stage_open(policy);
	struct packet_spec spec = stage_spec(true, STAGE_FREE, stage_host(STAGE_BACK));
	struct stage_hook ingress = {.program = STAGE_INGRESS, .interface = STAGE_FREE};
	struct stage_hook egress = {.program = STAGE_EGRESS, .interface = STAGE_BACK};
	struct packet packet;

	/* In its own VRF the address is free to take; in back's VRF it is front's. */
	stage_address(true, stage_host(STAGE_FRONT), spec.source);
	spec.destination_port = 443;
	cr_assert_eq(packet_build(&spec, &packet), 0);
	egress.mark = stage_run(stage, &ingress, &packet).mark;
	cr_assert_eq(egress.mark, MARK);
	egress.ingress_ifindex = stage_ifindex(stage, STAGE_NOBODY); /* its bridge */
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS, stage_run(stage, &egress, &packet).passed);
	stage_close(stage);
	free(policy);
	free(shared);
}
