// SPDX-License-Identifier: GPL-2.0-only
/* Tracked flows: replies, errors, and what may not pass as one. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "stage.h"

/* The answer to a packet: both ends swapped. */
static struct packet_spec answer(const struct packet_spec *spec)
{
	struct packet_spec reply = *spec;

	memcpy(reply.source_mac, spec->destination_mac, 6);
	memcpy(reply.destination_mac, spec->source_mac, 6);
	memcpy(reply.source, spec->destination, 16);
	memcpy(reply.destination, spec->source, 16);
	reply.source_port = spec->destination_port;
	reply.destination_port = spec->source_port;
	if (spec->protocol == 6)
		reply.tcp_flags = PACKET_TCP_ACK | (spec->tcp_flags & PACKET_TCP_SYN);
	return reply;
}

static struct packet_spec opening(bool ipv4, uint8_t protocol, uint16_t port)
{
	struct packet_spec spec = stage_spec(ipv4, STAGE_FRONT, stage_host(STAGE_BACK));

	spec.protocol = protocol;
	spec.destination_port = port;
	if (protocol == 1 || protocol == 58) {
		spec.icmp_type = ipv4 ? 8 : 128;
		spec.icmp_id = 4711;
	}
	return spec;
}

static void expect_replies(bool ipv4)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec specs[] = {opening(ipv4, 6, 80), opening(ipv4, 17, 53), opening(ipv4, ipv4 ? 1 : 58, 0)};

	for (int i = 0; i < 3; i++) {
		struct packet_spec reply = answer(&specs[i]);

		if (i == 2)
			reply.icmp_type = ipv4 ? 0 : 129;
		cr_assert_not(stage_sends(stage, STAGE_BACK, &reply), "protocol %d: a reply to nothing",
			      specs[i].protocol);
		cr_assert(stage_delivers(stage, STAGE_FRONT, STAGE_BACK, &specs[i]));
		cr_assert(stage_delivers(stage, STAGE_BACK, STAGE_FRONT, &reply), "protocol %d", specs[i].protocol);
		reply.destination_port++;
		reply.icmp_id++;
		cr_assert_not(stage_sends(stage, STAGE_BACK, &reply), "protocol %d: of another flow",
			      specs[i].protocol);
	}
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "web"), 2, "both directions, each packet once");
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "dns"), 2);
	cr_assert_eq(stage_rule_packets(stage, "shop/web", ipv4 ? "echo4" : "echo6"), 2);
	cr_assert_eq(stage_stat(stage, EPG_STAT_FLOWS_CREATED), 3);
	stage_close(stage);
}

Test(flow, replies_pass_by_the_flow_ipv4)
{
	expect_replies(true);
}

Test(flow, replies_pass_by_the_flow_ipv6)
{
	expect_replies(false);
}

Test(flow, a_provider_cannot_open_by_way_of_a_reply)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec open = opening(true, 6, 80), reply = answer(&open), data = open;

	cr_assert(stage_sends(stage, STAGE_FRONT, &open));
	cr_assert(stage_sends(stage, STAGE_BACK, &reply));
	data.tcp_flags = PACKET_TCP_ACK;
	cr_assert(stage_sends(stage, STAGE_FRONT, &data));
	reply.tcp_flags = PACKET_TCP_SYN;
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_BACK, &reply));
	reply.tcp_flags = PACKET_TCP_ACK;
	cr_assert(stage_sends(stage, STAGE_BACK, &reply), "the flow has not suffered");
	stage_close(stage);
}

Test(flow, a_closed_connection_is_opened_again_by_its_opener_only)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec open = opening(false, 6, 443), reply = answer(&open), end = open;

	cr_assert(stage_sends(stage, STAGE_FRONT, &open));
	cr_assert(stage_sends(stage, STAGE_BACK, &reply));
	end.tcp_flags = PACKET_TCP_RST;
	cr_assert(stage_sends(stage, STAGE_FRONT, &end));
	reply.tcp_flags = PACKET_TCP_SYN;
	cr_assert_not(stage_sends(stage, STAGE_BACK, &reply));
	cr_assert(stage_sends(stage, STAGE_FRONT, &open));
	cr_assert_eq(stage_stat(stage, EPG_STAT_FLOWS_CREATED), 2, "a new flow");
	stage_close(stage);
}

Test(flow, two_hosts_that_ping_each_other_have_two_flows)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec request = opening(true, 1, 0), back = answer(&request), reply = answer(&request);

	reply.icmp_type = 0;
	back.icmp_type = 8;
	cr_assert(stage_sends(stage, STAGE_FRONT, &request));
	cr_assert_not(stage_sends(stage, STAGE_BACK, &back), "the same identifier does not make it a reply");
	cr_assert(stage_sends(stage, STAGE_BACK, &reply));
	stage_close(stage);
}

static void expect_errors(bool ipv4)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec open = opening(ipv4, 17, 53), error = answer(&open), other = open;
	struct stage_hook back = {.program = STAGE_INGRESS, .interface = STAGE_BACK};
	struct stage_hook guest = {.program = STAGE_INGRESS, .interface = STAGE_FRONT2};
	struct stage_hook outside = {.program = STAGE_EGRESS, .interface = STAGE_FRONT};
	struct packet cause, unrelated, packet;

	error.protocol = ipv4 ? 1 : 58;
	error.icmp_type = ipv4 ? 3 : 1;
	error.icmp_code = ipv4 ? 3 : 4;
	other.source_port++;
	cr_assert_eq(packet_build(&open, &cause), 0);
	cr_assert_eq(packet_build(&other, &unrelated), 0);
	cr_assert_eq(packet_build_error(&error, &cause, &packet), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_UNRELATED, stage_run(stage, &back, &packet).passed);
	cr_assert(stage_sends(stage, STAGE_FRONT, &open));
	cr_assert(stage_run(stage, &back, &packet).passed, "port unreachable, about a tracked flow");
	cr_assert_eq(packet_build_error(&error, &unrelated, &packet), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_UNRELATED, stage_run(stage, &back, &packet).passed);

	/* Another endpoint has no business with this flow, even with its own source address. */
	stage_address(ipv4, stage_host(STAGE_FRONT2), error.source);
	stage_mac(stage_host(STAGE_FRONT2), error.source_mac);
	cr_assert_eq(packet_build_error(&error, &cause, &packet), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_UNRELATED, stage_run(stage, &guest, &packet).passed);

	/* A router on the way may complain: "packet too big" from an address that is nobody's. */
	stage_address(ipv4, 200, error.source);
	error.icmp_type = ipv4 ? 3 : 2;
	error.icmp_code = ipv4 ? 4 : 0;
	cr_assert_eq(packet_build_error(&error, &cause, &packet), 0);
	outside.ingress_ifindex = stage_ifindex(stage, STAGE_NOBODY);
	cr_assert(stage_run(stage, &outside, &packet).passed);
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "dns"), 3, "the packet and both errors");
	stage_close(stage);
}

Test(flow, icmp_errors_follow_the_flow_that_they_quote_ipv4)
{
	expect_errors(true);
}

Test(flow, icmp_errors_follow_the_flow_that_they_quote_ipv6)
{
	expect_errors(false);
}

Test(flow, an_error_for_somebody_else_than_the_quoted_sender_is_dropped)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec open = opening(true, 6, 80), error = answer(&open);
	struct stage_hook back = {.program = STAGE_INGRESS, .interface = STAGE_BACK};
	struct packet cause, packet;

	cr_assert(stage_sends(stage, STAGE_FRONT, &open));
	error.protocol = 1;
	error.icmp_type = 3;
	stage_address(true, stage_host(STAGE_FRONT2), error.destination);
	cr_assert_eq(packet_build(&open, &cause), 0);
	cr_assert_eq(packet_build_error(&error, &cause, &packet), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_UNRELATED, stage_run(stage, &back, &packet).passed);
	stage_close(stage);
}

static const char WITHOUT_WEB[] = "version: 1\n"
				  "tenants:\n"
				  "- name: shop\n"
				  "  vrfs: [{name: prod}]\n"
				  "  bridgeDomains: [{name: bd1, vrf: prod, subnets: [10.1.0.1/24]}]\n"
				  "  filters:\n"
				  "  - {name: dns, entries: [{name: dns, prot: udp, dPort: 53}]}\n"
				  "  contracts:\n"
				  "  - {name: web, subjects: [{name: all, filters: [dns]}]}\n"
				  "  appProfiles:\n"
				  "  - name: store\n"
				  "    epgs:\n"
				  "    - name: front\n"
				  "      bridgeDomain: bd1\n"
				  "      consume: [web]\n"
				  "      endpoints: [{interface: front, ips: [10.1.0.2], mac: \"02:00:00:00:00:02\"}]\n"
				  "    - name: back\n"
				  "      bridgeDomain: bd1\n"
				  "      provide: [web]\n"
				  "      endpoints: [{interface: back, ips: [10.1.0.4], mac: \"02:00:00:00:00:04\"}]\n";

Test(flow, an_apply_revokes_at_the_next_packet_what_it_no_longer_permits)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec web = opening(true, 6, 80), web_reply = answer(&web);
	struct packet_spec dns = opening(true, 17, 53), dns_reply = answer(&dns);

	cr_assert(stage_sends(stage, STAGE_FRONT, &web));
	cr_assert(stage_sends(stage, STAGE_BACK, &web_reply));
	cr_assert(stage_sends(stage, STAGE_FRONT, &dns));
	stage_apply(stage, WITHOUT_WEB);
	web.tcp_flags = PACKET_TCP_ACK;
	web_reply.tcp_flags = PACKET_TCP_ACK;
	cr_assert_not(stage_sends(stage, STAGE_BACK, &web_reply), "the reply is revoked too");
	cr_assert_not(stage_sends(stage, STAGE_FRONT, &web));
	cr_assert(stage_sends(stage, STAGE_BACK, &dns_reply), "goes on: its opener may still open it");
	cr_assert(stage_sends(stage, STAGE_FRONT, &dns));
	cr_assert_eq(stage_stat(stage, EPG_STAT_FLOWS_REVOKED), 1, "once, however often it tries");
	cr_assert_eq(epg_rollback(stage_epg(stage), NULL), 0);
	cr_assert(stage_sends(stage, STAGE_BACK, &web_reply), "back in force, also for the side that did not open it");
	cr_assert(stage_sends(stage, STAGE_FRONT, &web));
	stage_close(stage);
}

Test(flow, counters_move_with_the_policy)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec dns = opening(true, 17, 53);

	cr_assert(stage_sends(stage, STAGE_FRONT, &dns));
	cr_assert(stage_sends(stage, STAGE_FRONT, &dns));
	stage_apply(stage, STAGE_POLICY);
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "dns"), 2);
	cr_assert(stage_sends(stage, STAGE_FRONT, &dns));
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "dns"), 3);
	cr_assert_eq(epg_rollback(stage_epg(stage), NULL), 0);
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "dns"), 3);
	stage_close(stage);
}

Test(flow, an_endpoint_that_moves_takes_no_flow_along)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec web = opening(true, 6, 80);
	const char *address = "10.1.0.2";
	struct epg_endpoint_spec move = {.size = sizeof(move),
					 .interface = "front",
					 .group = "shop/store/db",
					 .addresses = &address,
					 .n_addresses = 1};

	cr_assert(stage_sends(stage, STAGE_FRONT, &web));
	web.tcp_flags = PACKET_TCP_ACK;
	cr_assert(stage_sends(stage, STAGE_FRONT, &web));
	cr_assert_eq(epg_endpoint_add(stage_epg(stage), &move), 0, "%s", epg_error(stage_epg(stage))->message);
	cr_assert_not(stage_sends(stage, STAGE_FRONT, &web));
	cr_assert_eq(epg_endpoint_remove(stage_epg(stage), "front"), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_QUARANTINE, stage_sends(stage, STAGE_FRONT, &web));
	stage_close(stage);
}

Test(flow, an_endpoint_that_loses_an_address_loses_its_flows)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec web = opening(true, 6, 80);
	const char *address = "10.1.0.9";
	struct epg_endpoint_spec change = {.size = sizeof(change),
					   .interface = "front",
					   .group = "shop/store/front",
					   .addresses = &address,
					   .n_addresses = 1};

	cr_assert(stage_sends(stage, STAGE_FRONT, &web));
	web.tcp_flags = PACKET_TCP_ACK;
	cr_assert(stage_sends(stage, STAGE_FRONT, &web));
	cr_assert_eq(epg_endpoint_add(stage_epg(stage), &change), 0, "%s", epg_error(stage_epg(stage))->message);
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS, stage_sends(stage, STAGE_FRONT, &web));
	stage_close(stage);
}

Test(flow, a_flow_is_forgotten_when_idle_and_sooner_while_only_its_opener_has_spoken)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec one_sided = opening(true, 17, 53), two_sided = opening(false, 17, 53);
	struct packet_spec late = answer(&one_sided), reply = answer(&two_sided);

	stage_set_timeout(stage, EPG_FLOW_NEW, 1);
	stage_set_timeout(stage, EPG_FLOW_ESTABLISHED, 1000);
	cr_assert(stage_sends(stage, STAGE_FRONT, &one_sided));
	cr_assert(stage_sends(stage, STAGE_FRONT, &two_sided));
	cr_assert(stage_sends(stage, STAGE_BACK, &reply));
	usleep(1500000);
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_BACK, &late));
	cr_assert(stage_sends(stage, STAGE_BACK, &reply));
	stage_set_timeout(stage, EPG_FLOW_ESTABLISHED, 1);
	usleep(1500000);
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_BACK, &reply));
	stage_close(stage);
}

Test(flow, a_clock_tick_between_two_cpus_ends_no_flow)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec open = opening(true, 17, 53), reply = answer(&open);

	cr_assert(stage_sends(stage, STAGE_FRONT, &open));
	stage_shift_flows(stage, 100); /* stands for one tick: seen by a CPU whose clock is ahead of the reader's */
	cr_assert(stage_sends(stage, STAGE_BACK, &reply));
	stage_close(stage);
}

/* Front asks a service address, which the host translates to back; the reply comes in by back's interface. */
Test(flow, replies_of_a_translated_address_belong_to_the_flow_that_asked_it)
{
	char *provided = stage_policy_with(STAGE_POLICY, "consume: [world]}", "consume: [world], provide: [alt]}");
	char *policy = stage_policy_with(provided, "      consume: [web]\n", "      consume: [web, alt]\n");
	struct stage *stage = stage_open(policy);
	struct packet_spec open = stage_spec(true, STAGE_FRONT, 0), reply;
	struct stage_hook hook = {.program = STAGE_EGRESS, .interface = STAGE_FRONT, .mark = 0x10000000};
	struct packet packet;

	memcpy(open.destination + 12, (uint8_t[]){172, 30, 0, 10}, 4);
	open.destination_port = 8080;
	cr_assert(stage_sends(stage, STAGE_FRONT, &open));
	reply = answer(&open);
	hook.ingress_ifindex = stage_ifindex(stage, STAGE_BACK);
	cr_assert_eq(packet_build(&reply, &packet), 0);
	cr_assert(stage_run(stage, &hook, &packet).passed);
	reply.source_port++;
	cr_assert_eq(packet_build(&reply, &packet), 0);
	cr_assert_not(stage_run(stage, &hook, &packet).passed, "of no flow");
	stage_close(stage);
	free(policy);
	free(provided);
}

Test(flow, an_endpoint_that_is_moved_in_the_map_takes_no_flow_along_either)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec web = opening(true, 6, 80), reply = answer(&web);

	cr_assert(stage_sends(stage, STAGE_FRONT, &web));
	cr_assert(stage_sends(stage, STAGE_BACK, &reply));
	stage_move_endpoint(stage, STAGE_FRONT, STAGE_DB);
	web.tcp_flags = reply.tcp_flags = PACKET_TCP_ACK;
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_FRONT, &web));
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_BACK, &reply));
	stage_close(stage);
}

/* ---- both ends at once, and who says that it is over ---- */

static struct packet_spec syn_of_provider(const struct packet_spec *open)
{
	struct packet_spec syn = answer(open);

	syn.tcp_flags = PACKET_TCP_SYN;
	return syn;
}

Test(flow, both_ends_may_begin_at_once)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	for (int ipv4 = 0; ipv4 < 2; ipv4++) {
		struct packet_spec open = opening(ipv4, 6, 80), crossing = syn_of_provider(&open),
				   reply = answer(&open);
		struct packet_spec other = crossing;

		STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_BACK, &crossing));
		cr_assert(stage_delivers(stage, STAGE_FRONT, STAGE_BACK, &open));
		cr_assert(stage_delivers(stage, STAGE_BACK, STAGE_FRONT, &crossing));
		cr_assert(stage_delivers(stage, STAGE_BACK, STAGE_FRONT, &crossing), "once more");
		other.destination_port++;
		STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_BACK, &other));
		cr_assert(stage_delivers(stage, STAGE_BACK, STAGE_FRONT, &reply));
		STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_BACK, &crossing));
	}
	stage_close(stage);
}

/* A flow that is taken up in the middle has no opening that another one could cross. */
Test(flow, nobody_begins_in_the_middle)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec data = opening(true, 6, 80), crossing = syn_of_provider(&data);

	data.tcp_flags = PACKET_TCP_ACK;
	cr_assert(stage_sends(stage, STAGE_FRONT, &data));
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_BACK, &crossing));
	stage_close(stage);
}

/* Resets are not checked against sequence numbers, so a stranger's must not end what goes on. */
Test(flow, who_goes_on_after_a_reset_has_not_sent_it)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec open = opening(true, 6, 80), reply = answer(&open), reset = reply, data = open;

	reset.tcp_flags = PACKET_TCP_RST | PACKET_TCP_ACK;
	data.tcp_flags = PACKET_TCP_ACK;
	cr_assert(stage_sends(stage, STAGE_FRONT, &open));
	cr_assert(stage_sends(stage, STAGE_BACK, &reply));
	cr_assert(stage_sends(stage, STAGE_BACK, &reset));
	cr_assert_eq(stage_count_flows(stage, EPG_FLOW_CLOSING), 1);
	cr_assert(stage_sends(stage, STAGE_FRONT, &data), "the other side may not have got it yet");
	cr_assert_eq(stage_count_flows(stage, EPG_FLOW_CLOSING), 1);
	reply.tcp_flags = PACKET_TCP_ACK;
	cr_assert(stage_sends(stage, STAGE_BACK, &reply));
	cr_assert_eq(stage_count_flows(stage, EPG_FLOW_ESTABLISHED), 1);
	stage_close(stage);
}

Test(flow, only_an_acknowledgement_establishes_a_tcp_flow)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec open = opening(true, 6, 80), crossing = syn_of_provider(&open), reply = answer(&open);

	cr_assert(stage_sends(stage, STAGE_FRONT, &open));
	cr_assert(stage_sends(stage, STAGE_BACK, &crossing));
	cr_assert_eq(stage_count_flows(stage, EPG_FLOW_NEW), 1);
	cr_assert(stage_sends(stage, STAGE_BACK, &reply));
	cr_assert_eq(stage_count_flows(stage, EPG_FLOW_ESTABLISHED), 1);
	stage_close(stage);
}

Test(flow, what_is_sent_to_many_is_not_tracked)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = opening(true, 17, 53);

	memset(spec.destination_mac, 0xff, 6);
	cr_assert(stage_sends(stage, STAGE_FRONT, &spec));
	cr_assert_eq(stage_stat(stage, EPG_STAT_FLOWS_CREATED), 0);
	stage_close(stage);
}

Test(flow, a_reset_opens_nothing)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec reset = opening(true, 6, 80);

	reset.tcp_flags = PACKET_TCP_RST;
	cr_assert(stage_sends(stage, STAGE_FRONT, &reset), "its rule permits it");
	cr_assert_eq(stage_stat(stage, EPG_STAT_FLOWS_CREATED), 0);
	stage_close(stage);
}

/* A frame to all reaches everybody; what it carries is for the owner of the address all the same. */
Test(flow, an_address_in_a_frame_to_all_is_still_its_owners)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = stage_spec(true, STAGE_FRONT, stage_host(STAGE_FRONT2));

	spec.destination_port = 80; /* which front may send to back */
	memset(spec.destination_mac, 0xff, 6);
	STAGE_EXPECT_DROP(stage, EPG_REASON_MISDIRECTED, stage_delivers(stage, STAGE_FRONT, STAGE_BACK, &spec));
	stage_close(stage);
}
