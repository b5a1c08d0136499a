// SPDX-License-Identifier: GPL-2.0-only
/* Frames that are fine, odd, or broken: one table, run through TC and XDP, which have to agree. */
#include <string.h>

#include <criterion/criterion.h>

#include "stage.h"

typedef void (*break_fn)(struct packet *packet);

/* Every frame begins as a permitted TCP SYN from front to back at port 80, or as said; then it is broken. */
struct frame_case {
	const char *name;
	bool ipv4;
	uint8_t protocol; /* 0: TCP */
	break_fn break_it;
	enum epg_reason reason; /* EPG_REASON_NONE: passes */
};

static void nothing(struct packet *packet)
{
	(void)packet;
}

static void put16(struct packet *packet, size_t offset, unsigned int value)
{
	packet->data[offset] = (uint8_t)(value >> 8);
	packet->data[offset + 1] = (uint8_t)value;
}

static unsigned int get16(const struct packet *packet, size_t offset)
{
	return (unsigned int)packet->data[offset] << 8 | packet->data[offset + 1];
}

static void pad(struct packet *packet)
{
	memset(packet->data + packet->length, 0, 18);
	packet->length += 18;
}

static void cut_ip_header(struct packet *packet)
{
	packet->length = packet->network + 19;
}

static void cut_transport(struct packet *packet)
{
	packet->length = packet->transport + 7;
}

static void wrong_version(struct packet *packet)
{
	packet->data[packet->network] ^= 0xf0;
}

static void short_header_length(struct packet *packet)
{
	packet->data[packet->network] = 0x44;
}

static void long_header_length(struct packet *packet)
{
	packet->data[packet->network] = 0x4f;
}

static void total_too_long(struct packet *packet)
{
	put16(packet, packet->network + 2, get16(packet, packet->network + 2) + 1);
}

static void total_too_short(struct packet *packet)
{
	put16(packet, packet->network + 2, 19);
}

static void total_hides_ports(struct packet *packet)
{
	put16(packet, packet->network + 2, 20 + 12); /* ends within the TCP header */
}

static void payload_too_long(struct packet *packet)
{
	put16(packet, packet->network + 4, get16(packet, packet->network + 4) + 1);
}

static void payload_hides_ports(struct packet *packet)
{
	put16(packet, packet->network + 4, 12);
}

static void tcp_offset_too_small(struct packet *packet)
{
	packet->data[packet->transport + 12] = 0x40;
}

static void tcp_offset_too_large(struct packet *packet)
{
	packet->data[packet->transport + 12] = 0xf0;
}

static void udp_length_too_small(struct packet *packet)
{
	put16(packet, packet->transport + 4, 7);
}

static void udp_length_too_large(struct packet *packet)
{
	put16(packet, packet->transport + 4, get16(packet, packet->transport + 4) + 1);
}

static void more_fragments(struct packet *packet)
{
	packet->data[packet->network + 6] |= 0x20;
}

static void fragment_offset(struct packet *packet)
{
	packet->data[packet->network + 7] = 3;
}

static void do_not_fragment(struct packet *packet)
{
	packet->data[packet->network + 6] |= 0x40;
}

static void mapped_addresses(struct packet *packet)
{
	stage_address(true, stage_host(STAGE_FRONT), packet->data + packet->network + 8);
	stage_address(true, stage_host(STAGE_BACK), packet->data + packet->network + 24);
}

static void vlan_tag(struct packet *packet)
{
	put16(packet, 12, 0x8100);
}

static void service_tag(struct packet *packet)
{
	put16(packet, 12, 0x88a8);
}

static void llc(struct packet *packet)
{
	put16(packet, 12, 0x0026);
}

static void lldp(struct packet *packet)
{
	put16(packet, 12, 0x88cc);
}

static void lldp_multicast(struct packet *packet)
{
	lldp(packet);
	packet->data[0] = 0x01;
}

/* The UDP header tells the length of the whole datagram. */
static void first_of_longer(struct packet *packet)
{
	more_fragments(packet);
	put16(packet, packet->transport + 4, 3000);
}

static void fragment_over_flags(struct packet *packet)
{
	put16(packet, packet->network + 6, 1);
}

static const struct frame_case CASES[] = {
	{"TCP over IPv4", true, 6, nothing, EPG_REASON_NONE},
	{"TCP over IPv6", false, 6, nothing, EPG_REASON_NONE},
	{"IPv4 with trailing padding", true, 6, pad, EPG_REASON_NONE},
	{"IPv6 with trailing padding", false, 6, pad, EPG_REASON_NONE},
	{"IPv4 don't fragment", true, 6, do_not_fragment, EPG_REASON_NONE},
	{"IPv4 header cut short", true, 6, cut_ip_header, EPG_REASON_MALFORMED},
	{"IPv6 header cut short", false, 6, cut_ip_header, EPG_REASON_MALFORMED},
	{"TCP header cut short, IPv4", true, 6, cut_transport, EPG_REASON_MALFORMED},
	{"TCP header cut short, IPv6", false, 6, cut_transport, EPG_REASON_MALFORMED},
	{"UDP header cut short, IPv4", true, 17, cut_transport, EPG_REASON_MALFORMED},
	{"UDP header cut short, IPv6", false, 17, cut_transport, EPG_REASON_MALFORMED},
	{"IPv4 EtherType, other version", true, 6, wrong_version, EPG_REASON_MALFORMED},
	{"IPv6 EtherType, other version", false, 6, wrong_version, EPG_REASON_MALFORMED},
	{"IPv4 header of 16 bytes", true, 6, short_header_length, EPG_REASON_MALFORMED},
	{"IPv4 header longer than the packet", true, 6, long_header_length, EPG_REASON_MALFORMED},
	{"IPv4 total length beyond the frame", true, 6, total_too_long, EPG_REASON_MALFORMED},
	{"IPv4 total length below the header", true, 6, total_too_short, EPG_REASON_MALFORMED},
	{"IPv4 total length ends in the TCP header", true, 6, total_hides_ports, EPG_REASON_MALFORMED},
	{"IPv6 payload length beyond the frame", false, 6, payload_too_long, EPG_REASON_MALFORMED},
	{"IPv6 payload length ends in the TCP header", false, 6, payload_hides_ports, EPG_REASON_MALFORMED},
	{"IPv6 with IPv4-mapped addresses", false, 6, mapped_addresses, EPG_REASON_MALFORMED},
	{"TCP data offset 4, IPv4", true, 6, tcp_offset_too_small, EPG_REASON_MALFORMED},
	{"TCP data offset 4, IPv6", false, 6, tcp_offset_too_small, EPG_REASON_MALFORMED},
	{"TCP data offset beyond the packet, IPv4", true, 6, tcp_offset_too_large, EPG_REASON_MALFORMED},
	{"TCP data offset beyond the packet, IPv6", false, 6, tcp_offset_too_large, EPG_REASON_MALFORMED},
	{"UDP length 7, IPv4", true, 17, udp_length_too_small, EPG_REASON_MALFORMED},
	{"UDP length 7, IPv6", false, 17, udp_length_too_small, EPG_REASON_MALFORMED},
	{"UDP length beyond the packet, IPv4", true, 17, udp_length_too_large, EPG_REASON_MALFORMED},
	{"UDP length beyond the packet, IPv6", false, 17, udp_length_too_large, EPG_REASON_MALFORMED},
	{"first fragment, with its ports", true, 6, more_fragments, EPG_REASON_NONE},
	{"first fragment of a longer datagram", true, 17, first_of_longer, EPG_REASON_NONE},
	{"later fragment", true, 6, fragment_offset, EPG_REASON_NONE},
	{"fragment that would write over TCP flags", true, 6, fragment_over_flags, EPG_REASON_MALFORMED},
	{"802.1Q tag", true, 6, vlan_tag, EPG_REASON_VLAN},
	{"802.1ad tag", false, 6, service_tag, EPG_REASON_VLAN},
	{"LLC frame", true, 6, llc, EPG_REASON_ETHERTYPE},
	{"LLDP, to one endpoint", true, 6, lldp, EPG_REASON_UNKNOWN_DESTINATION},
	{"LLDP, to a group", true, 6, lldp_multicast, EPG_REASON_ETHERTYPE},
};

static void run_table(enum stage_program program)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct stage_hook hook = {.program = program, .interface = STAGE_FRONT};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		const struct frame_case *test = &CASES[i];
		struct packet_spec spec = stage_spec(test->ipv4, STAGE_FRONT, stage_host(STAGE_BACK));
		uint64_t before = stage_drops(stage, test->reason);
		struct packet packet;
		bool passed;

		spec.protocol = test->protocol;
		spec.destination_port = test->protocol == 17 ? 53 : 80;
		spec.payload = test->protocol == 6 ? 4 : 0; /* whole eights, should it be a fragment */
		cr_assert_eq(packet_build(&spec, &packet), 0);
		test->break_it(&packet);
		/* The kernel itself refuses to run a TC program on less than an IP header. */
		if (program != STAGE_XDP && packet.length < packet.transport)
			continue;
		passed = stage_run(stage, &hook, &packet).passed;
		cr_assert_eq(passed, test->reason == EPG_REASON_NONE, "%s", test->name);
		if (!passed)
			cr_assert_eq(stage_drops(stage, test->reason), before + 1, "%s: another reason", test->name);
	}
	stage_close(stage);
}

Test(frame, table_over_tc)
{
	run_table(STAGE_INGRESS);
}

Test(frame, table_over_xdp)
{
	run_table(STAGE_XDP);
}

Test(frame, ipv4_options_are_stepped_over)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = stage_spec(true, STAGE_FRONT, stage_host(STAGE_BACK));

	for (size_t options = 4; options <= 40; options += 4) {
		spec.ipv4_options = options;
		spec.destination_port = 80;
		cr_assert(stage_sends(stage, STAGE_FRONT, &spec), "%zu bytes", options);
		spec.destination_port = 22;
		cr_assert_not(stage_sends(stage, STAGE_FRONT, &spec), "%zu bytes", options);
	}
	stage_close(stage);
}

/* Hop-by-hop, routing, destination options and AH in every order that a chain of `count` may begin with. */
static void run_chain(struct stage *stage, size_t count, bool passes)
{
	static const uint8_t HEADERS[] = {0, 43, 60, 51};

	for (size_t first = 0; first < 4; first++) {
		struct packet_spec spec = stage_spec(false, STAGE_FRONT, stage_host(STAGE_BACK));

		for (size_t i = 0; i < count; i++)
			spec.extensions[i] = HEADERS[(first + i) % 4];
		spec.n_extensions = count;
		spec.destination_port = 80;
		if (!passes) {
			STAGE_EXPECT_DROP(stage, EPG_REASON_EXTENSION, stage_sends(stage, STAGE_FRONT, &spec));
			continue;
		}
		cr_assert(stage_sends(stage, STAGE_FRONT, &spec), "%zu headers from %zu", count, first);
		spec.destination_port = 22;
		STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_sends(stage, STAGE_FRONT, &spec));
	}
}

Test(frame, ipv6_extension_headers_are_followed_within_a_bound)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	for (size_t count = 1; count <= 6; count++)
		run_chain(stage, count, true);
	run_chain(stage, 7, false);
	run_chain(stage, 12, false);
	stage_close(stage);
}

Test(frame, ipv6_fragments_and_headers_that_lie)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = stage_spec(false, STAGE_FRONT, stage_host(STAGE_BACK));
	struct stage_hook hook = {.program = STAGE_INGRESS, .interface = STAGE_FRONT};
	struct packet packet;

	spec.destination_port = 80;
	spec.payload = 4;
	spec.fragment = spec.more_fragments = true;
	cr_assert(stage_sends(stage, STAGE_FRONT, &spec), "the first one has ports");
	spec.payload = 24;
	spec.fragment_offset = 3;
	cr_assert(stage_sends(stage, STAGE_FRONT, &spec), "a later one follows it");
	spec.fragment_offset = 1;
	STAGE_EXPECT_DROP(stage, EPG_REASON_MALFORMED, stage_sends(stage, STAGE_FRONT, &spec));
	spec.fragment_offset = 0;
	spec.more_fragments = false;
	cr_assert(stage_sends(stage, STAGE_FRONT, &spec), "a fragment that is the whole packet");
	spec.fragment = false;
	spec.extensions[0] = 60;
	spec.n_extensions = 1;
	cr_assert_eq(packet_build(&spec, &packet), 0);
	packet.data[packet.network + 41] = 200; /* an option header longer than the packet */
	STAGE_EXPECT_DROP(stage, EPG_REASON_MALFORMED, stage_run(stage, &hook, &packet).passed);
	stage_close(stage);
}

Test(frame, xdp_gives_the_verdicts_of_tc)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	const uint16_t ports[] = {22, 53, 79, 80, 443, 444};
	const uint8_t protocols[] = {6, 17};

	for (int i = 0; i < 24; i++) {
		struct packet_spec spec = stage_spec(i & 1, STAGE_FRONT, stage_host(STAGE_BACK));
		struct stage_hook tc = {.program = STAGE_INGRESS, .interface = STAGE_FRONT};
		struct stage_hook xdp = {.program = STAGE_XDP, .interface = STAGE_FRONT};
		struct packet packet;

		spec.protocol = protocols[i / 2 % 2];
		spec.destination_port = ports[i / 4];
		cr_assert_eq(packet_build(&spec, &packet), 0);
		cr_assert_eq(stage_run(stage, &tc, &packet).passed, stage_run(stage, &xdp, &packet).passed, "case %d",
			     i);
	}
	stage_close(stage);
}
