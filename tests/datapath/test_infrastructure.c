// SPDX-License-Identifier: GPL-2.0-only
/* ARP, neighbour and router discovery, DHCP, multicast membership: permitted, but never in another's name. */
#include <string.h>

#include <criterion/criterion.h>

#include "stage.h"

static bool runs(struct stage *stage, enum stage_program program, enum stage_interface interface,
		 const struct packet *packet)
{
	struct stage_hook hook = {.program = program, .interface = interface};

	return stage_run(stage, &hook, packet).passed;
}

Test(infrastructure, arp_is_held_to_the_senders_own_address_and_mac)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = stage_spec(true, STAGE_FRONT, stage_host(STAGE_DB));
	struct packet packet;

	for (uint16_t operation = 1; operation <= 2; operation++) {
		cr_assert_eq(packet_build_arp(&spec, operation, &packet), 0);
		cr_assert(runs(stage, STAGE_INGRESS, STAGE_FRONT, &packet), "no contract needed");
	}
	packet.data[packet.network + 8 + 5]++; /* sender hardware address differs from the frame's */
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_MAC, runs(stage, STAGE_INGRESS, STAGE_FRONT, &packet));
	stage_address(true, stage_host(STAGE_BACK), spec.source);
	cr_assert_eq(packet_build_arp(&spec, 2, &packet), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS, runs(stage, STAGE_INGRESS, STAGE_FRONT, &packet));
	stage_address(true, 1, spec.source); /* the gateway's */
	cr_assert_eq(packet_build_arp(&spec, 2, &packet), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS, runs(stage, STAGE_INGRESS, STAGE_FRONT, &packet));
	memset(spec.source + 12, 0, 4); /* a probe, RFC 5227 */
	cr_assert_eq(packet_build_arp(&spec, 1, &packet), 0);
	cr_assert(runs(stage, STAGE_INGRESS, STAGE_FRONT, &packet));
	cr_assert_eq(stage_implicit_packets(stage, EPG_RULE_INFRASTRUCTURE), 3);
	stage_close(stage);
}

Test(infrastructure, arp_from_elsewhere_does_not_speak_for_endpoints)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = stage_spec(true, STAGE_NOBODY, stage_host(STAGE_FRONT));
	struct packet packet;

	stage_address(true, 1, spec.source);
	cr_assert_eq(packet_build_arp(&spec, 2, &packet), 0);
	cr_assert(runs(stage, STAGE_EGRESS, STAGE_FRONT, &packet), "the gateway answers");
	stage_address(true, stage_host(STAGE_BACK), spec.source);
	cr_assert_eq(packet_build_arp(&spec, 2, &packet), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS, runs(stage, STAGE_EGRESS, STAGE_FRONT, &packet));
	stage_close(stage);
}

Test(infrastructure, malformed_arp_is_dropped)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = stage_spec(true, STAGE_FRONT, stage_host(STAGE_DB));
	const size_t fields[] = {1, 3, 4, 5}; /* hardware type, protocol type, their lengths */

	for (size_t i = 0; i < 4; i++) {
		struct packet packet;

		cr_assert_eq(packet_build_arp(&spec, 1, &packet), 0);
		packet.data[packet.network + fields[i]] ^= 1;
		STAGE_EXPECT_DROP(stage, EPG_REASON_MALFORMED, runs(stage, STAGE_INGRESS, STAGE_FRONT, &packet));
	}
	stage_close(stage);
}

Test(infrastructure, neighbours_answer_for_themselves_only)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = stage_spec(false, STAGE_FRONT, stage_host(STAGE_DB));
	uint8_t own[16], victim[16];
	struct packet packet;

	stage_address(false, stage_host(STAGE_FRONT), own);
	stage_address(false, stage_host(STAGE_BACK), victim);
	cr_assert_eq(packet_build_neighbor(&spec, 135, victim, &packet), 0);
	cr_assert(runs(stage, STAGE_INGRESS, STAGE_FRONT, &packet), "anybody may ask");
	cr_assert_eq(packet_build_neighbor(&spec, 136, own, &packet), 0);
	cr_assert(runs(stage, STAGE_INGRESS, STAGE_FRONT, &packet));
	packet.data[packet.length - 1]++; /* the option tells another's MAC */
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_MAC, runs(stage, STAGE_INGRESS, STAGE_FRONT, &packet));
	cr_assert_eq(packet_build_neighbor(&spec, 136, victim, &packet), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS, runs(stage, STAGE_INGRESS, STAGE_FRONT, &packet));
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS, runs(stage, STAGE_EGRESS, STAGE_DB, &packet));
	cr_assert_eq(packet_build_neighbor(&spec, 135, victim, &packet), 0);
	packet.data[packet.network + 7] = 64; /* hop limit: came from further away */
	STAGE_EXPECT_DROP(stage, EPG_REASON_MALFORMED, runs(stage, STAGE_INGRESS, STAGE_FRONT, &packet));
	stage_close(stage);
}

static struct packet_spec icmpv6(enum stage_interface from, uint8_t type, uint8_t group)
{
	struct packet_spec spec = stage_spec(false, from, 0);

	memset(spec.destination, 0, 16);
	spec.destination[0] = 0xff;
	spec.destination[1] = 0x02;
	spec.destination[15] = group;
	spec.protocol = 58;
	spec.icmp_type = type;
	spec.ttl = 255;
	spec.payload = 16;
	return spec;
}

/* Whatever contracts permit: between members of one group anything else may pass. */
Test(infrastructure, nor_does_it_tell_others_where_to_send)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = stage_spec(true, STAGE_FRONT, stage_host(STAGE_FRONT2));
	static const uint8_t TYPES[] = {5, 9};

	spec.protocol = 1;
	for (size_t i = 0; i < sizeof(TYPES); i++) {
		spec.icmp_type = TYPES[i];
		STAGE_EXPECT_DROP(stage, EPG_REASON_ROUTER, stage_sends(stage, STAGE_FRONT, &spec));
	}
	spec.icmp_type = 13;
	cr_assert(stage_sends(stage, STAGE_FRONT, &spec), "a timestamp request");
	stage_close(stage);
}

Test(infrastructure, an_endpoint_is_no_router)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec solicitation = icmpv6(STAGE_FRONT, 133, 2), advertisement = icmpv6(STAGE_FRONT, 134, 1);
	struct packet_spec redirect = icmpv6(STAGE_FRONT, 137, 1), gateway = icmpv6(STAGE_NOBODY, 134, 1);
	struct packet packet;

	solicitation.payload = 0;
	cr_assert(stage_sends(stage, STAGE_FRONT, &solicitation));
	STAGE_EXPECT_DROP(stage, EPG_REASON_ROUTER, stage_sends(stage, STAGE_FRONT, &advertisement));
	STAGE_EXPECT_DROP(stage, EPG_REASON_ROUTER, stage_sends(stage, STAGE_FRONT, &redirect));
	cr_assert_eq(packet_build(&gateway, &packet), 0);
	cr_assert(runs(stage, STAGE_EGRESS, STAGE_FRONT, &packet), "the host may be one");
	stage_close(stage);
}

static struct packet_spec dhcp(enum stage_interface from, uint16_t source_port, uint16_t destination_port)
{
	struct packet_spec spec = stage_spec(true, from, 0);

	memset(spec.source + 12, 0, 4);
	memset(spec.destination + 12, 0xff, 4);
	memset(spec.destination_mac, 0xff, 6);
	spec.protocol = 17;
	spec.source_port = source_port;
	spec.destination_port = destination_port;
	spec.payload = 240;
	return spec;
}

Test(infrastructure, an_endpoint_asks_for_an_address_and_serves_none)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec request = dhcp(STAGE_GUEST, 68, 67), offer = dhcp(STAGE_GUEST, 67, 68);
	struct packet_spec unicast = stage_spec(true, STAGE_FRONT, stage_host(STAGE_DB));
	struct packet packet;

	cr_assert(stage_sends(stage, STAGE_GUEST, &request));
	stage_address(true, stage_host(STAGE_GUEST), offer.source);
	cr_assert_not(stage_sends(stage, STAGE_GUEST, &offer));
	stage_address(true, 1, offer.source);
	cr_assert_eq(packet_build(&offer, &packet), 0);
	cr_assert(runs(stage, STAGE_EGRESS, STAGE_GUEST, &packet), "the host's server may offer");
	unicast.protocol = 17;
	unicast.source_port = 68;
	unicast.destination_port = 67;
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_FRONT, &unicast));
	stage_close(stage);
}

Test(infrastructure, an_endpoint_of_another_vrf_serves_no_addresses_either)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec offer = dhcp(STAGE_FREE, 67, 68);

	stage_address(true, 2, offer.source);
	offer.source[13] = 2;
	cr_assert(stage_sends(stage, STAGE_FREE, &offer), "its own VRF is not enforced");
	cr_assert_not(stage_delivers(stage, STAGE_FREE, STAGE_GUEST, &offer));
	stage_close(stage);
}

Test(infrastructure, nobody_probes_for_anothers_address)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = stage_spec(false, STAGE_FRONT, stage_host(STAGE_BACK));
	uint8_t victim[16], own[16];
	struct packet packet;

	stage_address(false, stage_host(STAGE_BACK), victim);
	stage_address(false, stage_host(STAGE_FRONT), own);
	memset(spec.source, 0, 16);
	cr_assert_eq(packet_build_neighbor(&spec, 135, own, &packet), 0);
	cr_assert(runs(stage, STAGE_INGRESS, STAGE_FRONT, &packet));
	cr_assert_eq(packet_build_neighbor(&spec, 135, victim, &packet), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS, runs(stage, STAGE_INGRESS, STAGE_FRONT, &packet));
	stage_close(stage);
}

Test(infrastructure, multicast_membership_passes_and_multicast_does_not)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec report = icmpv6(STAGE_FRONT, 143, 0x16), igmp = stage_spec(true, STAGE_FRONT, 0), data,
			   query;
	struct packet packet;

	report.ttl = 1;
	cr_assert(stage_sends(stage, STAGE_FRONT, &report));
	query = report;
	query.icmp_type = 130;
	STAGE_EXPECT_DROP(stage, EPG_REASON_ROUTER, stage_sends(stage, STAGE_FRONT, &query));
	igmp.protocol = 2;
	igmp.payload = 8;
	igmp.destination[12] = 224;
	igmp.destination[13] = 0;
	igmp.destination[15] = 22;
	cr_assert_eq(packet_build(&igmp, &packet), 0);
	packet.data[packet.transport] = 0x22;
	cr_assert(runs(stage, STAGE_INGRESS, STAGE_FRONT, &packet), "a report of version 3");
	data = igmp;
	data.protocol = 17;
	data.destination_port = 5353;
	cr_assert_not(stage_sends(stage, STAGE_FRONT, &data));
	igmp.destination[12] = 10;
	cr_assert_not(stage_sends(stage, STAGE_FRONT, &igmp), "unicast is not membership");
	stage_close(stage);
}
