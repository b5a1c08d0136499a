/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include <netinet/in.h>

#include "base/util.h"
#include "inspect/explain_packet.h"

static struct epg *epg;

static void open_context(void)
{
	const struct epg_options options = {.size = sizeof(options)};

	cr_assert_eq(epg_open(&options, &epg), 0);
}

static void close_context(void)
{
	epg_close(epg);
}

TestSuite(explain_packet, .init = open_context, .fini = close_context);

#define QUESTION(...) (&(struct epg_question){.icmp_type = -1, __VA_ARGS__})

static struct explain_packet read_question(const struct epg_question *question)
{
	struct explain_packet packet;

	cr_assert_eq(explain_packet_read(epg, question, &packet), 0, "%s", epg_error(epg)->message);
	return packet;
}

static void expect_text(const struct explain_packet *packet, bool ipv4, const char *expected)
{
	char text[EXPLAIN_PACKET_TEXT_MAX];

	explain_packet_text(packet, ipv4, text);
	cr_assert_str_eq(text, expected);
}

Test(explain_packet, packets_and_their_answers_in_words)
{
	static const struct {
		struct epg_question question;
		const char *packet, *reply;
		enum family family;
	} cases[] = {
		{{.protocol = "tcp", .icmp_type = -1, .destination_port = 80},
		 "tcp dport 80 sport 40000 flags syn",
		 "tcp dport 40000 sport 80 flags syn,ack",
		 FAMILY_ANY},
		{{.protocol = "tcp", .icmp_type = -1, .destination_port = 80, .source_port = 9, .tcp_flags = 0x11},
		 "tcp dport 80 sport 9 flags fin,ack",
		 "tcp dport 9 sport 80 flags ack",
		 FAMILY_ANY},
		{{.protocol = "udp", .icmp_type = -1, .destination_port = 53, .dscp = 18},
		 "udp dport 53 sport 40000 dscp AF21",
		 "udp dport 40000 sport 53 dscp AF21",
		 FAMILY_ANY},
		{{.protocol = "132", .icmp_type = -1, .destination_port = 5060, .fragment = EPG_FRAGMENT_FIRST},
		 "sctp dport 5060 sport 40000, first fragment",
		 "sctp dport 40000 sport 5060",
		 FAMILY_ANY},
		{{.protocol = "icmp", .icmp_type = -1}, "icmp echo-request", "icmp echo-reply", FAMILY_IPV4},
		{{.protocol = "icmpv6", .icmp_type = -1}, "icmpv6 echo-request", "icmpv6 echo-reply", FAMILY_IPV6},
		{{.protocol = "icmpv6", .icmp_type = 135},
		 "icmpv6 neighbor-solicitation",
		 "icmpv6 neighbor-advertisement",
		 FAMILY_IPV6},
		{{.protocol = "arp", .icmp_type = -1}, "arp request", "arp reply", FAMILY_IPV4},
		{{.protocol = "0x88cc", .icmp_type = -1}, "ethertype 0x88cc", "ethertype 0x88cc", FAMILY_NONE},
		{{.protocol = "47", .icmp_type = -1}, "gre", "gre", FAMILY_ANY},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct explain_packet packet = read_question(&cases[i].question);
		struct explain_packet reply = explain_packet_reply(&packet);
		bool ipv4 = cases[i].family != FAMILY_IPV6;

		cr_assert_eq(explain_packet_family(&packet), cases[i].family, "%s", cases[i].packet);
		expect_text(&packet, ipv4, cases[i].packet);
		expect_text(&reply, ipv4, cases[i].reply);
	}
}

Test(explain_packet, what_opens_a_flow)
{
	static const struct {
		struct epg_question question;
		bool opens;
	} cases[] = {
		{{.protocol = "tcp", .icmp_type = -1, .destination_port = 80}, true},
		{{.protocol = "tcp", .icmp_type = -1, .destination_port = 80, .tcp_flags = 0x10}, true},
		{{.protocol = "tcp", .icmp_type = -1, .destination_port = 80, .tcp_flags = 0x04}, false},
		{{.protocol = "udp", .icmp_type = -1, .fragment = EPG_FRAGMENT_LATER}, false},
		{{.protocol = "icmp", .icmp_type = -1}, true},
		{{.protocol = "icmp", .icmp_type = 13}, false},
		{{.protocol = "arp", .icmp_type = -1}, false},
		{{.protocol = "50", .icmp_type = -1}, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct explain_packet packet = read_question(&cases[i].question);

		cr_assert_eq(explain_packet_opens(&packet), cases[i].opens, "case %zu", i);
	}
}

Test(explain_packet, a_later_fragment_shows_rules_nothing_but_its_protocol)
{
	struct explain_packet packet =
		read_question(QUESTION(.protocol = "tcp", .fragment = EPG_FRAGMENT_LATER, .dscp = 10));
	struct rule_packet fields = explain_packet_fields(&packet, false);

	cr_assert_eq(fields.kind, EPG_KIND_IPV6 | IPPROTO_TCP);
	cr_assert_eq(fields.destination | fields.source | fields.flags, 0);
	cr_assert_eq(fields.fragment, 1);
	cr_assert_eq(fields.dscp, 10);
}

Test(explain_packet, types_and_opcodes_stand_where_ports_do)
{
	struct explain_packet packet = read_question(QUESTION(.protocol = "icmp", .icmp_code = 3));
	struct rule_packet fields = explain_packet_fields(&packet, true);

	cr_assert_eq(fields.destination, 8);
	cr_assert_eq(fields.source, 3);
	packet = read_question(QUESTION(.protocol = "arp"));
	fields = explain_packet_fields(&packet, true);
	cr_assert_eq(fields.kind, 0x806);
	cr_assert_eq(fields.destination, 1);
	packet = read_question(QUESTION(.protocol = "tcp", .destination_port = 80, .tcp_flags = 0x12));
	cr_assert_eq(explain_packet_fields(&packet, true).flags, EPG_FLAG_SYN | EPG_FLAG_ACK);
}

Test(explain_packet, a_first_fragment_has_a_multiple_of_eight_bytes)
{
	static const char *const protocols[] = {"tcp", "udp", "sctp", "udplite", "dccp"};

	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		struct explain_packet packet = read_question(
			QUESTION(.protocol = protocols[i], .destination_port = 80, .fragment = EPG_FRAGMENT_FIRST));
		struct explain_sides sides = {0};
		struct packet frame;

		cr_assert_eq(explain_packet_build(&packet, &sides, &frame), 0);
		cr_assert_eq((frame.length - frame.transport) % 8, 0, "%s", protocols[i]);
	}
}

Test(explain_packet, contradictory_questions_are_refused)
{
	static const struct epg_question questions[] = {
		{.protocol = "icmp", .icmp_type = -1, .destination_port = 80},
		{.protocol = "udp", .icmp_type = -1, .destination_port = 53, .tcp_flags = 2},
		{.protocol = "udp", .icmp_type = 8, .destination_port = 53},
		{.protocol = "tcp", .icmp_type = -1, .destination_port = 80, .dscp = 64},
		{.protocol = "tcp", .icmp_type = -1, .destination_port = 80, .fragment = EPG_FRAGMENT_LATER},
		{.protocol = "tcp", .icmp_type = -1, .fragment = EPG_FRAGMENT_LATER, .ask = EPG_ASK_REPLY},
		{.protocol = "arp", .icmp_type = -1, .dscp = 8},
		{.protocol = "arp", .icmp_type = -1, .ask = EPG_ASK_ERROR},
		{.protocol = "arp", .icmp_type = 2, .ask = EPG_ASK_REPLY},
		{.protocol = "icmp", .icmp_type = 3, .ask = EPG_ASK_ERROR},
		{.protocol = "icmp", .icmp_type = 0, .ask = EPG_ASK_REPLY},
		{.protocol = "0x0800", .icmp_type = -1},
		{.protocol = "0x8100", .icmp_type = -1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
		struct explain_packet packet;

		cr_assert_eq(explain_packet_read(epg, &questions[i], &packet), -EINVAL, "question %zu", i);
		cr_assert_eq(epg_error(epg)->failure, EPG_FAILURE_INPUT);
		cr_assert_neq(epg_error(epg)->message[0], '\0');
	}
}

/* From 10.1.0.2, or fd00:1::2, to an address, each an endpoint or not. */
static struct packet build(const char *source, const char *destination, uint16_t source_vlan, uint16_t destination_vlan)
{
	struct explain_packet packet = read_question(QUESTION(.protocol = "udp", .destination_port = 53));
	struct explain_sides sides = {
		.source = {.ifindex = source_vlan ? EPG_PORT | 1 : 0, .vlan = source_vlan},
		.destination = {.ifindex = EPG_PORT | 2, .vlan = destination_vlan},
	};
	struct packet frame;

	cr_assert_eq(text_parse_address(source, sides.source.address), 0);
	cr_assert_eq(text_parse_address(destination, sides.destination.address), 0);
	cr_assert_eq(explain_packet_build(&packet, &sides, &frame), 0);
	return frame;
}

static uint16_t word_at(const struct packet *frame, size_t offset)
{
	return (uint16_t)(frame->data[offset] << 8 | frame->data[offset + 1]);
}

Test(explain_packet, a_frame_carries_the_tag_of_the_hook_that_decides)
{
	struct packet from = build("10.1.0.2", "10.1.0.3", 120, 130), to = build("192.0.2.1", "10.1.0.3", 0, 130),
		      plain = build("192.0.2.1", "10.1.0.3", 0, 0);

	cr_assert_eq(word_at(&from, 12), 0x8100);
	cr_assert_eq(word_at(&from, 14), 120);
	cr_assert_eq(word_at(&from, 16), 0x0800);
	cr_assert_eq(word_at(&to, 12), 0x8100, "towards it the endpoint's own hook decides");
	cr_assert_eq(word_at(&to, 14), 130);
	cr_assert_eq(word_at(&plain, 12), 0x0800);
}

Test(explain_packet, what_is_sent_to_many_has_their_mac_address)
{
	static const struct {
		const char *source, *destination;
		uint8_t mac[6];
	} cases[] = {
		{"10.1.0.2", "224.129.2.3", {0x01, 0x00, 0x5e, 0x01, 0x02, 0x03}},
		{"10.1.0.2", "255.255.255.255", {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
		{"fd00:1::2", "ff02::1:2", {0x33, 0x33, 0x00, 0x01, 0x00, 0x02}},
		{"10.1.0.2", "223.255.255.255", {0x02, 0x00, 0x00, 0x00, 0x00, 0x02}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct packet frame = build(cases[i].source, cases[i].destination, 0, 0);

		cr_assert_arr_eq(frame.data, cases[i].mac, 6, "%s", cases[i].destination);
	}
}
