// SPDX-License-Identifier: GPL-2.0-only
/* Which group may say what to which: packet, verdict, counter, and the packet that must not match. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "stage.h"

static const bool FAMILIES[] = {true, false};

#define FOR_EACH_FAMILY(ipv4) for (const bool *family_ = FAMILIES, *(ipv4) = family_; (ipv4) < FAMILIES + 2; (ipv4)++)

static struct packet_spec tcp(bool ipv4, enum stage_interface from, enum stage_interface to, uint16_t port)
{
	struct packet_spec spec = stage_spec(ipv4, from, stage_host(to));

	spec.destination_port = port;
	return spec;
}

static struct packet_spec udp(bool ipv4, enum stage_interface from, enum stage_interface to, uint16_t port)
{
	struct packet_spec spec = tcp(ipv4, from, to, port);

	spec.protocol = 17;
	spec.tcp_flags = 0;
	return spec;
}

static struct packet_spec icmp(bool ipv4, enum stage_interface from, enum stage_interface to, uint8_t type)
{
	struct packet_spec spec = stage_spec(ipv4, from, stage_host(to));

	spec.protocol = ipv4 ? 1 : 58;
	spec.icmp_type = type;
	spec.icmp_id = 77;
	return spec;
}

Test(contract, permits_what_the_filter_says_and_counts_it)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	uint64_t bytes = 0, packets = 0;

	FOR_EACH_FAMILY(ipv4)
	{
		const uint16_t ports[] = {80, 81, 443};

		for (int i = 0; i < 3; i++) {
			struct packet_spec spec = tcp(*ipv4, STAGE_FRONT, STAGE_BACK, ports[i]);
			struct packet packet;

			cr_assert_eq(packet_build(&spec, &packet), 0);
			cr_assert(stage_sends(stage, STAGE_FRONT, &spec), "port %u, IPv%d", ports[i], *ipv4 ? 4 : 6);
			bytes += packet.length;
			packets++;
		}
	}
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "web"), packets);
	cr_assert_eq(stage_rule_bytes(stage, "shop/web", "web"), bytes);
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "dns"), 0);
	stage_close(stage);
}

Test(contract, drops_ports_beside_the_filter_and_counts_pair_and_reason)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	const uint16_t ports[] = {0, 22, 79, 444, 65535};
	uint64_t dropped = 0;

	FOR_EACH_FAMILY(ipv4)
	{
		for (int i = 0; i < 5; i++) {
			struct packet_spec spec = tcp(*ipv4, STAGE_FRONT, STAGE_BACK, ports[i]);

			STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_FRONT, &spec));
			dropped++;
		}
	}
	cr_assert_eq(stage_drops_between(stage, "shop/store/front", "shop/store/back", EPG_REASON_IMPLICIT_DENY),
		     dropped);
	cr_assert_eq(stage_drops_between(stage, "shop/store/back", "shop/store/front", EPG_REASON_IMPLICIT_DENY), 0);
	cr_assert_eq(stage_implicit_packets(stage, EPG_RULE_IMPLICIT_DENY), dropped);
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "web"), 0);
	stage_close(stage);
}

Test(contract, tells_protocols_apart)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	FOR_EACH_FAMILY(ipv4)
	{
		struct packet_spec dns = udp(*ipv4, STAGE_FRONT, STAGE_BACK, 53);
		struct packet_spec tcp_dns = tcp(*ipv4, STAGE_FRONT, STAGE_BACK, 53);
		struct packet_spec udp_web = udp(*ipv4, STAGE_FRONT, STAGE_BACK, 80);
		struct packet_spec sctp = tcp(*ipv4, STAGE_FRONT, STAGE_BACK, 80);

		sctp.protocol = 132;
		sctp.payload = 64;
		cr_assert(stage_sends(stage, STAGE_FRONT, &dns));
		STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_FRONT, &tcp_dns));
		STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_FRONT, &udp_web));
		STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_FRONT, &sctp));
	}
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "dns"), 2);
	stage_close(stage);
}

Test(contract, tells_icmp_types_apart)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	FOR_EACH_FAMILY(ipv4)
	{
		struct packet_spec echo = icmp(*ipv4, STAGE_FRONT, STAGE_BACK, *ipv4 ? 8 : 128);
		struct packet_spec timestamp = icmp(*ipv4, STAGE_FRONT, STAGE_BACK, *ipv4 ? 13 : 139);

		cr_assert(stage_sends(stage, STAGE_FRONT, &echo));
		STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_FRONT, &timestamp));
	}
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "echo4"), 1);
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "echo6"), 1);
	stage_close(stage);
}

Test(contract, has_a_direction)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	FOR_EACH_FAMILY(ipv4)
	{
		struct packet_spec provider_opens = tcp(*ipv4, STAGE_BACK, STAGE_FRONT, 80);
		struct packet_spec from_port = tcp(*ipv4, STAGE_BACK, STAGE_FRONT, 40000);

		from_port.source_port = 80;
		STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_BACK, &provider_opens));
		STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_BACK, &from_port));
	}
	stage_close(stage);
}

Test(contract, does_not_reach_beyond_its_groups)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	FOR_EACH_FAMILY(ipv4)
	{
		struct packet_spec front_to_db = tcp(*ipv4, STAGE_FRONT, STAGE_DB, 5432);
		struct packet_spec db_to_back = tcp(*ipv4, STAGE_DB, STAGE_BACK, 80);

		STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_FRONT, &front_to_db));
		STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_DB, &db_to_back));
	}
	stage_close(stage);
}

Test(contract, is_not_needed_within_a_group)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	FOR_EACH_FAMILY(ipv4)
	{
		struct packet_spec spec = tcp(*ipv4, STAGE_FRONT, STAGE_FRONT2, 9999);
		struct packet_spec odd = tcp(*ipv4, STAGE_FRONT, STAGE_FRONT2, 0);

		odd.protocol = 47;
		cr_assert(stage_sends(stage, STAGE_FRONT, &spec));
		cr_assert(stage_sends(stage, STAGE_FRONT, &odd));
	}
	cr_assert_eq(stage_implicit_packets(stage, EPG_RULE_INTRA_EPG), 4);
	stage_close(stage);
}

Test(contract, reaches_external_groups_by_their_longest_prefix)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct stage_hook hook = {.program = STAGE_EGRESS, .interface = STAGE_BACK};
	static const struct {
		uint8_t address[16];
		uint16_t port;
		bool passes;
	} CASES[] = {
		{{[10] = 0xff, 0xff, 198, 51, 100, 7}, 80, true},   /* world */
		{{[10] = 0xff, 0xff, 198, 51, 100, 7}, 443, false}, /* world has no 443 */
		{{[10] = 0xff, 0xff, 192, 0, 2, 7}, 443, true},     /* partners */
		{{[10] = 0xff, 0xff, 192, 0, 2, 7}, 80, false},     /* partners are not the world */
		{{[10] = 0xff, 0xff, 192, 0, 3, 0}, 80, true},      /* just beside */
		{{[10] = 0xff, 0xff, 192, 0, 1, 255}, 80, true},        {{0x20, 0x01, 0x0d, 0xb8, [15] = 9}, 443, true},
		{{0x20, 0x01, 0x0d, 0xb8, [15] = 9}, 80, false},        {{0x20, 0x01, 0x0d, 0xb9, [15] = 9}, 80, true},
		{{0x20, 0x01, 0x0d, 0xb7, 0xff, [15] = 9}, 443, false},
	};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct packet_spec spec = stage_spec(CASES[i].address[10] == 0xff, STAGE_FRONT, stage_host(STAGE_BACK));
		struct packet packet;

		memcpy(spec.source, CASES[i].address, 16);
		stage_mac(99, spec.source_mac);
		spec.destination_port = CASES[i].port;
		cr_assert_eq(packet_build(&spec, &packet), 0);
		hook.ingress_ifindex = stage_ifindex(stage, STAGE_NOBODY);
		cr_assert_eq(stage_run(stage, &hook, &packet).passed, CASES[i].passes, "case %zu", i);
	}
	stage_close(stage);
}

Test(contract, denies_destinations_that_nobody_owns)
{
	const char *policy = "version: 1\n"
			     "tenants:\n"
			     "- name: t\n"
			     "  vrfs: [{name: v}]\n"
			     "  bridgeDomains: [{name: b, vrf: v, subnets: [10.1.0.1/24]}]\n"
			     "  appProfiles:\n"
			     "  - name: a\n"
			     "    epgs:\n"
			     "    - {name: e, bridgeDomain: b, endpoints: [{interface: front, ips: [10.1.0.2]}]}\n";
	struct stage *stage = stage_open(policy);
	struct packet_spec spec = tcp(true, STAGE_FRONT, STAGE_BACK, 80);

	STAGE_EXPECT_DROP(stage, EPG_REASON_UNKNOWN_DESTINATION, stage_sends(stage, STAGE_FRONT, &spec));
	cr_assert_eq(stage_drops_between(stage, "t/a/e", "", EPG_REASON_UNKNOWN_DESTINATION), 1);
	stage_close(stage);
}

Test(contract, an_address_rule_makes_members)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec inside = stage_spec(true, STAGE_BACK, 64), last = stage_spec(true, STAGE_BACK, 127);
	struct packet_spec below = stage_spec(true, STAGE_BACK, 63), above = stage_spec(true, STAGE_BACK, 128);

	inside.destination_port = last.destination_port = below.destination_port = above.destination_port = 8080;
	cr_assert(stage_sends(stage, STAGE_BACK, &inside));
	cr_assert(stage_sends(stage, STAGE_BACK, &last));
	cr_assert_not(stage_sends(stage, STAGE_BACK, &below));
	cr_assert_not(stage_sends(stage, STAGE_BACK, &above));
	inside.destination_port = 8081;
	cr_assert_not(stage_sends(stage, STAGE_BACK, &inside));
	cr_assert_eq(stage_drops_between(stage, "shop/store/back", "shop/store/vip", EPG_REASON_IMPLICIT_DENY), 1);
	stage_close(stage);
}

Test(contract, an_address_rule_refines_an_endpoint_as_source_and_as_destination)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec arrives = stage_spec(true, STAGE_GUEST, stage_host(STAGE_FRONT));
	struct packet_spec asked = stage_spec(true, STAGE_BACK, 70);

	stage_address(true, 70, arrives.source); /* the guest takes an address of group vip */
	cr_assert_not(stage_sends(stage, STAGE_GUEST, &arrives));
	cr_assert_eq(stage_drops_between(stage, "shop/store/vip", "shop/store/front", EPG_REASON_IMPLICIT_DENY), 1);
	asked.destination_port = 8080;
	cr_assert(stage_delivers(stage, STAGE_BACK, STAGE_GUEST, &asked));
	stage_close(stage);
}

Test(contract, a_vrf_that_is_not_enforced_lets_everything_pass)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = stage_spec(true, STAGE_FREE, 0);

	spec.source[13] = 2;
	spec.source[15] = 2;
	spec.destination[12] = 203;
	spec.destination_port = 4444;
	cr_assert(stage_sends(stage, STAGE_FREE, &spec));
	cr_assert_eq(stage_implicit_packets(stage, EPG_RULE_UNENFORCED), 1);
	spec.source[15] = 3;
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS, stage_sends(stage, STAGE_FREE, &spec));
	stage_close(stage);
}

Test(contract, does_not_cross_vrfs)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = stage_spec(true, STAGE_BACK, 2);

	spec.destination[13] = 2; /* 10.2.0.2: an endpoint of the other VRF; here it belongs to the world */
	spec.destination_port = 80;
	cr_assert_not(stage_sends(stage, STAGE_BACK, &spec));
	cr_assert_eq(stage_drops_between(stage, "shop/store/back", "shop/world", EPG_REASON_IMPLICIT_DENY), 1);
	stage_close(stage);
}

Test(contract, stateless_entries_permit_both_directions_packet_by_packet)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	FOR_EACH_FAMILY(ipv4)
	{
		struct packet_spec query = tcp(*ipv4, STAGE_BACK, STAGE_DB, 5432);
		struct packet_spec answer = tcp(*ipv4, STAGE_DB, STAGE_BACK, 40000);

		answer.source_port = 5432;
		answer.tcp_flags = PACKET_TCP_ACK | PACKET_TCP_SYN;
		cr_assert(stage_sends(stage, STAGE_DB, &answer), "needs no flow");
		answer.tcp_flags = PACKET_TCP_RST;
		cr_assert(stage_sends(stage, STAGE_DB, &answer));
		answer.tcp_flags = PACKET_TCP_SYN;
		cr_assert_not(stage_sends(stage, STAGE_DB, &answer), "the provider can't open");
		answer.tcp_flags = PACKET_TCP_FIN;
		cr_assert_not(stage_sends(stage, STAGE_DB, &answer), "neither ACK nor RST");
		answer.tcp_flags = PACKET_TCP_ACK;
		answer.source_port = 5433;
		cr_assert_not(stage_sends(stage, STAGE_DB, &answer));
		cr_assert(stage_sends(stage, STAGE_BACK, &query));
	}
	cr_assert_eq(stage_stat(stage, EPG_STAT_FLOWS_CREATED), 0);
	stage_close(stage);
}

enum {
	CROWD = 200
};

/* A policy in which the outside is CROWD groups of one address each; every second one may ask back for pages. */
static char *crowd_policy(void)
{
	size_t length = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &length);

	cr_assert_not_null(out);
	fputs("version: 1\ntenants:\n- name: t\n  vrfs: [{name: v}]\n"
	      "  bridgeDomains: [{name: b, vrf: v, subnets: [10.1.0.1/24]}]\n"
	      "  filters: [{name: f, entries: [{name: web, prot: tcp, dPort: 80}]}]\n"
	      "  contracts: [{name: c, subjects: [{name: s, filters: [f]}]}]\n"
	      "  appProfiles: [{name: a, epgs: [{name: back, bridgeDomain: b, provide: [c],"
	      " endpoints: [{interface: back, ips: [10.1.0.4]}]}]}]\n"
	      "  externalEpgs:\n",
	      out);
	for (int i = 0; i < CROWD; i++)
		fprintf(out, "  - {name: g%d, vrf: v, subnets: [198.51.100.%d/32]%s}\n", i, i,
			i & 1 ? "" : ", consume: [c]");
	fclose(out);
	return text;
}

Test(contract, every_pair_of_many_is_found_and_no_other)
{
	char *policy = crowd_policy();
	struct stage *stage = stage_open(policy);
	struct stage_hook hook = {.program = STAGE_EGRESS, .interface = STAGE_BACK};

	hook.ingress_ifindex = stage_ifindex(stage, STAGE_NOBODY);
	for (int i = 0; i < CROWD; i++) {
		struct packet_spec spec = tcp(true, STAGE_NOBODY, STAGE_BACK, 80);
		const uint8_t source[4] = {198, 51, 100, (uint8_t)i};
		struct packet packet;

		memcpy(spec.source + 12, source, sizeof(source));
		cr_assert_eq(packet_build(&spec, &packet), 0);
		cr_assert_eq(stage_run(stage, &hook, &packet).passed, !(i & 1), "group %d", i);
	}
	cr_assert_eq(stage_rule_packets(stage, "t/c", "web"), CROWD / 2);
	stage_close(stage);
	free(policy);
}
