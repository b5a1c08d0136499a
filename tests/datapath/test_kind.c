// SPDX-License-Identifier: GPL-2.0-only
/* Neither TCP, UDP nor echo: other EtherTypes, other protocols, fragments, and ARP where it takes a contract. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "stage.h"

/* front consumes of back what `entries` say. */
static struct stage *open_with(const char *entries)
{
	char *filter = stage_policy_with(STAGE_POLICY, "{name: http, prot: tcp, dPort: 80}", entries);
	char *policy = stage_policy_with(filter, "{name: web, subjects: [{name: all, filters: [web]}]}",
					 "{name: web, subjects: [{name: all, filters: [http]}]}");
	struct stage *stage = stage_open(policy);

	free(policy);
	free(filter);
	return stage;
}

static struct packet_spec between(enum stage_interface from, enum stage_interface to)
{
	return stage_spec(true, from, stage_host(to));
}

/* ---- other EtherTypes ---- */

static struct packet other(enum stage_interface from, enum stage_interface to, uint16_t ethertype)
{
	struct packet_spec spec = between(from, to);
	struct packet packet;

	spec.payload = 100;
	cr_assert_eq(packet_build_other(&spec, ethertype, &packet), 0);
	return packet;
}

static bool passes(struct stage *stage, enum stage_interface from, const struct packet *packet)
{
	struct stage_hook hook = {.program = STAGE_INGRESS, .interface = from};

	return stage_run(stage, &hook, packet).passed;
}

static bool arrives(struct stage *stage, enum stage_interface from, enum stage_interface at,
		    const struct packet *packet)
{
	struct stage_hook ingress = {.program = STAGE_INGRESS, .interface = from};
	struct stage_hook egress = {.program = STAGE_EGRESS,
				    .interface = at,
				    .ingress_ifindex = stage_ifindex(stage, from)};
	struct stage_result sent = stage_run(stage, &ingress, packet);

	if (!sent.passed)
		return false;
	egress.mark = sent.mark;
	return stage_run(stage, &egress, packet).passed;
}

/* A MAC address is known once its endpoint has sent a frame. */
static void introduce(struct stage *stage, enum stage_interface who)
{
	struct stage_hook hook = {.program = STAGE_INGRESS, .interface = who};
	struct packet_spec spec = stage_spec(true, who, 1); /* it asks for the gateway */
	struct packet arp;

	cr_assert_eq(packet_build_arp(&spec, 1, &arp), 0);
	cr_assert(stage_run(stage, &hook, &arp).passed);
}

Test(kind, another_ethertype_passes_between_the_groups_of_its_contract_both_ways)
{
	struct stage *stage = open_with("{name: lldp, etherT: 0x88cc}");
	struct packet to_back = other(STAGE_FRONT, STAGE_BACK, 0x88cc),
		      to_front = other(STAGE_BACK, STAGE_FRONT, 0x88cc);
	struct packet unlisted = other(STAGE_FRONT, STAGE_BACK, 0x88cd), to_db = other(STAGE_FRONT, STAGE_DB, 0x88cc);

	STAGE_EXPECT_DROP(stage, EPG_REASON_UNKNOWN_DESTINATION, passes(stage, STAGE_FRONT, &to_back));
	introduce(stage, STAGE_BACK);
	introduce(stage, STAGE_DB);
	cr_assert(arrives(stage, STAGE_FRONT, STAGE_BACK, &to_back));
	cr_assert(arrives(stage, STAGE_BACK, STAGE_FRONT, &to_front));
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, passes(stage, STAGE_FRONT, &unlisted));
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, passes(stage, STAGE_FRONT, &to_db));
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "lldp"), 2, "each once, by one of its two rules");
	stage_close(stage);
}

Test(kind, a_flooded_frame_arrives_only_where_its_mac_address_is)
{
	struct stage *stage = open_with("{name: lldp, etherT: 0x88cc}");
	struct packet to_back = other(STAGE_FRONT, STAGE_BACK, 0x88cc);

	introduce(stage, STAGE_BACK);
	STAGE_EXPECT_DROP(stage, EPG_REASON_MISDIRECTED, arrives(stage, STAGE_FRONT, STAGE_FRONT2, &to_back));
	stage_close(stage);
}

Test(kind, a_mac_address_stays_with_its_endpoint_through_an_apply)
{
	struct stage *stage = open_with("{name: lldp, etherT: 0x88cc}");
	struct packet to_back = other(STAGE_FRONT, STAGE_BACK, 0x88cc);
	char *filter =
		stage_policy_with(STAGE_POLICY, "{name: http, prot: tcp, dPort: 80}", "{name: lldp, etherT: 0x88cc}");

	introduce(stage, STAGE_BACK);
	stage_apply(stage, STAGE_POLICY);
	cr_assert_not(passes(stage, STAGE_FRONT, &to_back));
	stage_apply(stage, filter);
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, passes(stage, STAGE_FRONT, &to_back));
	free(filter);
	stage_close(stage);
}

Test(kind, a_mac_address_that_two_have_stays_with_the_first)
{
	struct stage *stage = open_with("{name: lldp, etherT: 0x88cc}");
	struct packet to_back = other(STAGE_FRONT, STAGE_BACK, 0x88cc);
	struct stage_hook guest = {.program = STAGE_INGRESS, .interface = STAGE_GUEST};
	struct packet_spec spec = stage_spec(true, STAGE_GUEST, 1);
	struct packet arp;

	introduce(stage, STAGE_BACK);
	stage_mac(stage_host(STAGE_BACK), spec.source_mac);
	cr_assert_eq(packet_build_arp(&spec, 1, &arp), 0);
	stage_run(stage, &guest, &arp);
	cr_assert(arrives(stage, STAGE_FRONT, STAGE_BACK, &to_back));
	cr_assert_not(arrives(stage, STAGE_FRONT, STAGE_GUEST, &to_back));
	stage_close(stage);
}

Test(kind, a_mac_address_that_an_endpoint_no_longer_has_leads_nowhere)
{
	struct stage *stage = open_with("{name: lldp, etherT: 0x88cc}");
	struct packet to_back = other(STAGE_FRONT, STAGE_BACK, 0x88cc);
	char *changed = stage_policy_with(STAGE_POLICY, "mac: \"02:00:00:00:00:04\"", "mac: \"02:00:00:00:00:44\"");

	introduce(stage, STAGE_BACK);
	stage_apply(stage, changed);
	STAGE_EXPECT_DROP(stage, EPG_REASON_UNKNOWN_DESTINATION, passes(stage, STAGE_FRONT, &to_back));
	stage_close(stage);
	free(changed);
}

/* ---- other protocols ---- */

static struct packet_spec turned(const struct packet_spec *spec, enum stage_interface from, enum stage_interface to)
{
	struct packet_spec reply = between(from, to);

	reply.protocol = spec->protocol;
	reply.source_port = spec->destination_port;
	reply.destination_port = spec->source_port;
	return reply;
}

Test(kind, protocols_without_ports_are_tracked_by_their_addresses)
{
	struct stage *stage = open_with("{name: gre, prot: gre}");
	struct packet_spec open = between(STAGE_FRONT, STAGE_BACK), reply;

	open.protocol = 47;
	open.source_port = 0;
	reply = turned(&open, STAGE_BACK, STAGE_FRONT);
	cr_assert_not(stage_sends(stage, STAGE_BACK, &reply), "a provider does not open");
	cr_assert(stage_delivers(stage, STAGE_FRONT, STAGE_BACK, &open));
	cr_assert(stage_delivers(stage, STAGE_BACK, STAGE_FRONT, &reply));
	stage_close(stage);
}

Test(kind, sctp_dccp_and_udplite_have_ports)
{
	static const uint8_t PROTOCOLS[] = {132, 33, 136};
	struct stage *stage = open_with("{name: s, prot: sctp, dPort: 3868}, {name: d, prot: dccp, dPort: 3868}, "
					"{name: u, prot: udplite, dPort: 3868}");

	for (size_t i = 0; i < sizeof(PROTOCOLS); i++) {
		struct packet_spec open = between(STAGE_FRONT, STAGE_BACK), reply;

		open.protocol = PROTOCOLS[i];
		open.destination_port = 3868;
		reply = turned(&open, STAGE_BACK, STAGE_FRONT);
		cr_assert(stage_delivers(stage, STAGE_FRONT, STAGE_BACK, &open), "protocol %u", PROTOCOLS[i]);
		/* What is built of DCCP is a request: nobody opens by way of a reply. */
		cr_assert_eq(stage_delivers(stage, STAGE_BACK, STAGE_FRONT, &reply), PROTOCOLS[i] != 33, "protocol %u",
			     PROTOCOLS[i]);
		open.destination_port++;
		STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_FRONT, &open));
	}
	stage_close(stage);
}

/* ---- fragments ---- */

Test(kind, a_later_fragment_is_what_only_rules_without_ports_can_mean)
{
	struct stage *stage = open_with("{name: pieces, prot: udp, fragments: only}, {name: all, prot: tcp}, "
					"{name: dns, prot: udp, dPort: 53}");

	for (int ipv4 = 0; ipv4 < 2; ipv4++) {
		struct packet_spec spec = stage_spec(ipv4, STAGE_FRONT, stage_host(STAGE_BACK));

		spec.fragment = true;
		spec.fragment_offset = 100;
		spec.payload = 64;
		cr_assert(stage_sends(stage, STAGE_FRONT, &spec), "TCP, whatever its ports");
		spec.protocol = 17;
		cr_assert(stage_sends(stage, STAGE_FRONT, &spec), "UDP, by the rule for fragments");
		spec.protocol = 132;
		STAGE_EXPECT_DROP(stage, EPG_REASON_FRAGMENT, stage_sends(stage, STAGE_FRONT, &spec));
		spec.protocol = 17;
		spec.fragment_offset = 0;
		spec.fragment_id++;
		spec.more_fragments = true;
		spec.destination_port = 54;
		STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_FRONT, &spec));
	}
	cr_assert_eq(stage_stat(stage, EPG_STAT_FLOWS_CREATED), 0, "a piece opens no flow");
	stage_close(stage);
}

/* ---- ARP and neighbour discovery by contract ---- */

#define SUBNETS "subnets: [10.1.0.1/24, \"fd00:1::1/64\"]"

static struct stage *open_arp(const char *entries)
{
	char *domain = stage_policy_with(STAGE_POLICY, SUBNETS, SUBNETS ", arp: require-contract");
	char *filter = stage_policy_with(domain, "{name: http, prot: tcp, dPort: 80}", entries);
	char *policy = stage_policy_with(filter, "{name: web, subjects: [{name: all, filters: [web]}]}",
					 "{name: web, subjects: [{name: all, filters: [http]}]}");
	struct stage *stage = stage_open(policy);

	free(policy);
	free(filter);
	free(domain);
	return stage;
}

static bool asks(struct stage *stage, enum stage_interface from, unsigned int host, uint16_t operation)
{
	struct stage_hook hook = {.program = STAGE_INGRESS, .interface = from};
	struct packet_spec spec = stage_spec(true, from, host);
	struct packet arp;

	cr_assert_eq(packet_build_arp(&spec, operation, &arp), 0);
	return stage_run(stage, &hook, &arp).passed;
}

Test(kind, arp_follows_the_contract_where_the_bridge_domain_says_so)
{
	struct stage *stage = open_arp("{name: who, etherT: arp, arpOpcode: request}");

	cr_assert(asks(stage, STAGE_FRONT, stage_host(STAGE_BACK), 1));
	cr_assert(asks(stage, STAGE_BACK, stage_host(STAGE_FRONT), 2), "the answer");
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, asks(stage, STAGE_BACK, stage_host(STAGE_FRONT), 1));
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, asks(stage, STAGE_FRONT, stage_host(STAGE_DB), 1));
	cr_assert(asks(stage, STAGE_FRONT, stage_host(STAGE_FRONT2), 1), "within a group");
	cr_assert(asks(stage, STAGE_FRONT, stage_host(STAGE_FRONT), 1), "about itself");
	cr_assert(asks(stage, STAGE_FRONT, 1, 1), "the gateway");
	stage_close(stage);
}

Test(kind, arp_is_free_by_default)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	cr_assert(asks(stage, STAGE_FRONT, stage_host(STAGE_DB), 1));
	stage_close(stage);
}

static bool solicits(struct stage *stage, enum stage_interface from, enum stage_interface target)
{
	struct stage_hook hook = {.program = STAGE_INGRESS, .interface = from};
	struct packet_spec spec = stage_spec(false, from, stage_host(target));
	struct packet packet;
	uint8_t address[16];

	stage_address(false, stage_host(target), address);
	cr_assert_eq(packet_build_neighbor(&spec, 135, address, &packet), 0);
	return stage_run(stage, &hook, &packet).passed;
}

Test(kind, neighbour_solicitations_follow_the_contract_too)
{
	struct stage *stage = open_arp("{name: who, prot: icmpv6, icmpType: neighbor-solicitation, stateful: false}");

	cr_assert(solicits(stage, STAGE_FRONT, STAGE_BACK));
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, solicits(stage, STAGE_FRONT, STAGE_DB));
	stage_close(stage);
}

/* Another's MAC address, or its IP address, makes it the other's business, whatever is asked about. */
Test(kind, what_is_sent_to_an_endpoint_takes_the_contract_whatever_it_asks_about)
{
	struct stage *stage = open_arp("{name: who, etherT: arp, arpOpcode: request}");
	struct stage_hook hook = {.program = STAGE_INGRESS, .interface = STAGE_FRONT};
	struct packet_spec spec = stage_spec(true, STAGE_FRONT, 1), ipv6 = stage_spec(false, STAGE_FRONT, 5);
	struct packet packet;
	uint8_t unowned[16];

	introduce(stage, STAGE_DB);
	stage_mac(stage_host(STAGE_DB), spec.destination_mac);
	cr_assert_eq(packet_build_arp(&spec, 2, &packet), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_run(stage, &hook, &packet).passed);
	stage_address(true, stage_host(STAGE_FRONT), spec.destination);
	cr_assert_eq(packet_build_arp(&spec, 2, &packet), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_run(stage, &hook, &packet).passed);
	stage_address(false, 77, unowned);
	cr_assert_eq(packet_build_neighbor(&ipv6, 136, unowned, &packet), 0);
	cr_assert_not(stage_run(stage, &hook, &packet).passed, "an advertisement of what is not its own");
	stage_close(stage);
}

Test(kind, an_endpoint_of_another_vrf_announces_nothing_here)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = stage_spec(true, STAGE_FREE, stage_host(STAGE_FRONT));
	struct stage_hook ingress = {.program = STAGE_INGRESS, .interface = STAGE_FREE};
	struct stage_hook egress = {.program = STAGE_EGRESS,
				    .interface = STAGE_FRONT,
				    .ingress_ifindex = stage_ifindex(stage, STAGE_FREE)};
	struct stage_result sent;
	struct packet arp;

	spec.source[13] = 2;
	spec.source[15] = 2;
	cr_assert_eq(packet_build_arp(&spec, 1, &arp), 0);
	sent = stage_run(stage, &ingress, &arp);
	cr_assert(sent.passed);
	egress.mark = sent.mark;
	STAGE_EXPECT_DROP(stage, EPG_REASON_UNKNOWN_SOURCE, stage_run(stage, &egress, &arp).passed);
	stage_close(stage);
}

Test(kind, infrastructure_carries_nothing_else)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct stage_hook hook = {.program = STAGE_INGRESS, .interface = STAGE_FRONT};
	struct packet_spec spec = between(STAGE_FRONT, STAGE_DB), solicit = stage_spec(false, STAGE_FRONT, 5);
	static const uint8_t group[] = {224, 0, 0, 22};
	struct packet packet;

	cr_assert_eq(packet_build_arp(&spec, 1, &packet), 0);
	packet.length += 1000;
	STAGE_EXPECT_DROP(stage, EPG_REASON_MALFORMED, stage_run(stage, &hook, &packet).passed);
	memcpy(spec.destination + 12, group, sizeof(group));
	spec.protocol = 2;
	spec.payload = 1000;
	cr_assert_eq(packet_build(&spec, &packet), 0);
	packet.data[packet.payload] = 0x13;
	cr_assert_not(stage_run(stage, &hook, &packet).passed, "IGMP of a router protocol");
	packet.data[packet.payload] = 0x22;
	cr_assert(stage_run(stage, &hook, &packet).passed, "a report");
	solicit.protocol = 58;
	solicit.icmp_type = 133;
	solicit.ttl = 255;
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_FRONT, &solicit));
	solicit.payload = 1000; /* no options: their length would be 0 (RFC 4861, 4.6) */
	STAGE_EXPECT_DROP(stage, EPG_REASON_MALFORMED, stage_sends(stage, STAGE_FRONT, &solicit));
	stage_close(stage);
}

Test(kind, a_stateless_rule_for_all_of_ip_opens_no_connection_backwards)
{
	struct stage *stage = open_with("{name: all, etherT: ip, stateful: false}");
	struct packet_spec open = between(STAGE_BACK, STAGE_FRONT), udp;

	open.destination_port = 22;
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_BACK, &open));
	open.tcp_flags = PACKET_TCP_ACK;
	cr_assert(stage_sends(stage, STAGE_BACK, &open));
	udp = open;
	udp.protocol = 17;
	cr_assert(stage_sends(stage, STAGE_BACK, &udp), "of UDP nobody knows");
	stage_close(stage);
}

/* An error about a packet that nothing tracks. */
Test(kind, an_icmp_error_may_be_what_a_rule_permits)
{
	struct stage *stage =
		open_with("{name: errors, prot: icmp, icmpType: destination-unreachable, stateful: false}");
	struct packet_spec error = between(STAGE_FRONT, STAGE_BACK), cause = between(STAGE_BACK, STAGE_FRONT);
	struct stage_hook hook = {.program = STAGE_INGRESS, .interface = STAGE_FRONT};
	struct packet about, packet;

	error.protocol = 1;
	error.icmp_type = 3;
	cr_assert_eq(packet_build(&cause, &about), 0);
	cr_assert_eq(packet_build_error(&error, &about, &packet), 0);
	cr_assert(stage_run(stage, &hook, &packet).passed);
	error.icmp_type = 11;
	cr_assert_eq(packet_build_error(&error, &about, &packet), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_UNRELATED, stage_run(stage, &hook, &packet).passed);
	stage_close(stage);
}
