/* SPDX-License-Identifier: GPL-2.0-only */
#include "reading.h"

static struct model_entry entry_of(const char *text)
{
	struct reading reading = read_good(text);
	struct model_entry entry = reading.model->filters[0].entries[0];

	forget(&reading);
	entry.name = NULL; /* gone with the model */
	return entry;
}

#define ENTRY(keys) entry_of(BEFORE_ENTRY keys AFTER_ENTRY)

static void expect_range(struct model_range range, uint16_t first, uint16_t last)
{
	cr_assert_eq(range.first, first, "0x%x", range.first);
	cr_assert_eq(range.last, last, "0x%x", range.last);
}

static void expect_kinds(struct model_entry entry, uint16_t first, uint16_t last)
{
	cr_assert_eq(entry.n_kinds, 1);
	expect_range(entry.kinds[0], first, last);
}

static void expect_both_kinds(struct model_entry entry, uint16_t protocol)
{
	cr_assert_eq(entry.n_kinds, 2);
	expect_range(entry.kinds[0], protocol, protocol);
	expect_range(entry.kinds[1], 0x100 + protocol, 0x100 + protocol);
}

/* ---- what entries become ---- */

Test(read_entry, kinds)
{
	expect_kinds(ENTRY(""), 0, 0xffff);
	expect_kinds(ENTRY(", etherT: ip"), 0, 0x1ff);
	expect_kinds(ENTRY(", etherT: ipv4"), 0, 0xff);
	expect_kinds(ENTRY(", etherT: 0x86dd"), 0x100, 0x1ff);
	expect_kinds(ENTRY(", etherT: 2048"), 0, 0xff);
	expect_kinds(ENTRY(", etherT: arp"), 0x806, 0x806);
	expect_kinds(ENTRY(", etherT: 0x88cc"), 0x88cc, 0x88cc);
	expect_kinds(ENTRY(", etherT: 1536"), 0x600, 0x600);
	expect_kinds(ENTRY(", etherT: 0xffff"), 0xffff, 0xffff);
	expect_both_kinds(ENTRY(", etherT: ip, prot: tcp"), 6);
	expect_both_kinds(ENTRY(", prot: 47"), 47);
	expect_kinds(ENTRY(", etherT: ipv6, prot: udp"), 0x111, 0x111);
	expect_kinds(ENTRY(", prot: icmp"), 1, 1);
	expect_kinds(ENTRY(", etherT: ip, prot: icmpv6"), 0x13a, 0x13a);
	expect_kinds(ENTRY(", matchDscp: EF"), 0, 0x1ff);
	expect_kinds(ENTRY(", fragments: only"), 0, 0x1ff);
}

Test(read_entry, ports_and_types)
{
	struct model_entry entry = ENTRY(", prot: tcp, dPort: 80-443, sPort: https");

	expect_range(entry.destination, 80, 443);
	expect_range(entry.source, 443, 443);
	cr_assert(entry.tcp);
	cr_assert(entry.stateful);
	cr_assert_not(entry.icmp);
	entry = ENTRY(", prot: udp, dPort: \"53\", stateful: false");
	expect_range(entry.destination, 53, 53);
	expect_range(entry.source, 0, 65535);
	cr_assert_not(entry.tcp);
	cr_assert_not(entry.stateful);
	entry = ENTRY(", prot: icmpv6, icmpType: echo-request, icmpCode: 0");
	cr_assert(entry.icmp);
	expect_range(entry.destination, 128, 128);
	expect_range(entry.source, 0, 0);
	entry = ENTRY(", prot: icmp, icmpType: echo-request");
	expect_range(entry.destination, 8, 8);
	expect_range(entry.source, 0, 65535);
}

Test(read_entry, all_protocols_with_ports_take_them)
{
	static const char *const texts[] = {
		BEFORE_ENTRY ", prot: tcp, dPort: 7" AFTER_ENTRY,     BEFORE_ENTRY ", prot: udp, dPort: 7" AFTER_ENTRY,
		BEFORE_ENTRY ", prot: sctp, dPort: 7" AFTER_ENTRY,    BEFORE_ENTRY ", prot: dccp, dPort: 7" AFTER_ENTRY,
		BEFORE_ENTRY ", prot: udplite, dPort: 7" AFTER_ENTRY, BEFORE_ENTRY ", prot: 132, dPort: 7" AFTER_ENTRY,
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		expect_range(entry_of(texts[i]).destination, 7, 7);
}

Test(read_entry, arp_opcodes)
{
	struct model_entry entry = ENTRY(", etherT: arp, arpOpcode: request");

	expect_range(entry.destination, 1, 1);
	cr_assert(entry.arp);
	entry = ENTRY(", etherT: 0x0806, arpOpcode: reply");
	expect_range(entry.destination, 2, 2);
	cr_assert(entry.arp);
	expect_range(ENTRY(", etherT: arp").destination, 0, 65535);
	cr_assert_not(ENTRY(", etherT: 0x88cc").arp);
}

/* Bit n of the set: packets whose flags are n, with FIN 1, SYN 2, RST 4, ACK 8. */
Test(read_entry, tcp_flags_are_sets_of_combinations)
{
	cr_assert_eq(ENTRY(", prot: tcp").tcp_flags, 0xffff);
	cr_assert_eq(ENTRY(", prot: tcp, tcpFlags: est").tcp_flags, 0xfff0);
	cr_assert_eq(ENTRY(", prot: tcp, tcpFlags: [fin]").tcp_flags, 0xaaaa);
	cr_assert_eq(ENTRY(", prot: tcp, tcpFlags: [syn]").tcp_flags, 0xcccc);
	cr_assert_eq(ENTRY(", prot: tcp, tcpFlags: [rst]").tcp_flags, 0xf0f0);
	cr_assert_eq(ENTRY(", prot: tcp, tcpFlags: [ack]").tcp_flags, 0xff00);
	cr_assert_eq(ENTRY(", prot: tcp, tcpFlags: [syn, ack]").tcp_flags, 0xcc00);
	cr_assert_eq(ENTRY(", prot: tcp, tcpFlags: [rst, fin, ack, syn]").tcp_flags, 0x8000);
}

Test(read_entry, dscp_by_name_and_number)
{
	expect_range(ENTRY("").dscp, 0, 65535);
	expect_range(ENTRY(", matchDscp: 0").dscp, 0, 0);
	expect_range(ENTRY(", matchDscp: 63").dscp, 63, 63);
	expect_range(ENTRY(", matchDscp: AF21").dscp, 18, 18);
	expect_range(ENTRY(", etherT: ipv6, matchDscp: VA").dscp, 44, 44);
}

/* A later fragment has neither ports nor flags nor types: what asks for those is about whole packets. */
Test(read_entry, fragments)
{
	expect_range(ENTRY(", prot: tcp").fragment, 0, 65535);
	expect_range(ENTRY(", prot: tcp, matchDscp: EF").fragment, 0, 65535);
	expect_range(ENTRY(", prot: tcp, dPort: 80").fragment, 0, 0);
	expect_range(ENTRY(", prot: udp, sPort: 0-65535").fragment, 0, 0);
	expect_range(ENTRY(", prot: tcp, tcpFlags: [syn]").fragment, 0, 0);
	expect_range(ENTRY(", prot: icmp, icmpType: 8").fragment, 0, 0);
	expect_range(ENTRY(", fragments: only").fragment, 1, 1);
	expect_range(ENTRY(", prot: tcp, fragments: only").fragment, 1, 1);
	cr_assert_not(ENTRY(", prot: tcp, fragments: only").tcp, "there is no ACK to ask for");
}

Test(read_entry, filtered_is_what_says_more_than_ip)
{
	cr_assert_not(ENTRY("").filtered);
	cr_assert_not(ENTRY(", etherT: ip").filtered);
	cr_assert_not(ENTRY(", etherT: ip, stateful: false").filtered);
	cr_assert(ENTRY(", etherT: ipv4").filtered);
	cr_assert(ENTRY(", etherT: arp").filtered);
	cr_assert(ENTRY(", etherT: 0x88cc").filtered);
	cr_assert(ENTRY(", prot: tcp").filtered);
	cr_assert(ENTRY(", matchDscp: 0").filtered);
	cr_assert(ENTRY(", fragments: only").filtered);
}

Test(read_entry, only_ip_is_tracked)
{
	cr_assert(ENTRY("").stateful);
	cr_assert(ENTRY(", etherT: ipv6").stateful);
	cr_assert_not(ENTRY(", etherT: arp").stateful);
	cr_assert_not(ENTRY(", etherT: arp, stateful: false").stateful);
	cr_assert_not(ENTRY(", etherT: 0x88cc").stateful);
}

/* ---- what is refused ---- */

Test(read_entry, keys_are_spelled_right)
{
	static const struct bad bad[] = {
		{", dport: 80", "unknown key \"dport\"", "did you mean \"dPort\"?"},
		{", matchDSCP: 0", "unknown key \"matchDSCP\"", "did you mean \"matchDscp\"?"},
		{", colour: blue", "unknown key \"colour\"", "a filter entry has the keys name, etherT"},
	};

	EXPECT_ERRORS(BEFORE_ENTRY, AFTER_ENTRY, ENTRY_LINE, bad);
}

Test(read_entry, numbers_are_strict)
{
	static const struct bad bad[] = {
		{", prot: tcp, dPort: 80abc", "\"80abc\" is not a port", "a number from 0 to 65535"},
		{", prot: tcp, dPort: 010", "\"010\" is not a port", "without leading zeros: 10"},
		{", prot: tcp, dPort: +5", "\"+5\" is not a port", ""},
		{", prot: tcp, dPort: 0x50", "\"0x50\" is not a port", ""},
		{", prot: tcp, dPort: 65536", "port 65536 is out of range", "65535"},
		{", prot: tcp, dPort: 443-80", "wrong way round", "write 80-443"},
		{", prot: tcp, dPort: 81-80", "wrong way round", "write 80-81"},
		{", prot: sctp, sPort: 2-1", "wrong way round", "write 1-2"},
		{", prot: tcp, dPort: 80-", "not a port", ""},
		{", prot: tcp, dPort: 1-2-3", "not a port", ""},
		{", prot: tcp, dPort: \"-\"", "not a port", ""},
		{", prot: tcp, dPort: \"\"", "not a port", ""},
		{", prot: tcp, dPort: [80]", "not a list", "an entry for each"},
		{", prot: tcp, dPort: {a: b}", "not an object", ""},
		{", prot: tcp, dPort: htpp", "no service \"htpp\" is known over tcp", "did you mean \"http\"?"},
		{", prot: dccp, dPort: tftp", "no service \"tftp\" is known over dccp", ""},
		{", prot: 256", "out of range", "255"},
		{", prot: tpc", "\"tpc\" is not a protocol", "did you mean \"tcp\"?"},
		{", prot: [tcp]", "not a list", ""},
		{", prot: icmp, icmpType: echo-requst", "not a type of icmp", "did you mean \"echo-request\"?"},
		{", prot: icmp, icmpType: 256", "out of range", "255"},
		{", prot: icmp, icmpType: 8, icmpCode: 256", "icmpCode 256 is out of range", "from 0 to 255"},
		{", stateful: no", "neither true nor false", "write false"},
	};

	EXPECT_ERRORS(BEFORE_ENTRY, AFTER_ENTRY, ENTRY_LINE, bad);
}

Test(read_entry, ether_types_are_checked)
{
	static const struct bad bad[] = {
		{", etherT: 0x5ff", "EtherType 0x5ff is out of range", "from 0x600 to 0xffff"},
		{", etherT: 65536", "EtherType 65536 is out of range", "from 0x600"},
		{", etherT: 0x8100", "0x8100 is a VLAN tag", "what the tagged frame carries"},
		{", etherT: 0x88a8", "0x88a8 is a VLAN tag", ""},
		{", etherT: 33024", "33024 is a VLAN tag", ""},
		{", etherT: ipv5", "\"ipv5\" is not an EtherType", "0x88cc"},
		{", etherT: [ip]", "not a list", ""},
	};

	EXPECT_ERRORS(BEFORE_ENTRY, AFTER_ENTRY, ENTRY_LINE, bad);
}

Test(read_entry, flags_dscp_opcodes_and_fragments_are_checked)
{
	static const struct bad bad[] = {
		{", prot: tcp, tcpFlags: syn", "a list must stand here", "write [syn]"},
		{", prot: tcp, tcpFlags: [est, syn]", "\"est\" stands alone", "tcpFlags: est"},
		{", prot: tcp, tcpFlags: [est]", "\"est\" stands alone", "tcpFlags: est"},
		{", prot: tcp, tcpFlags: [urg]", "\"urg\" is not a TCP flag", "syn, ack, fin and rst"},
		{", prot: tcp, tcpFlags: [sny]", "\"sny\" is not a TCP flag", "did you mean \"syn\"?"},
		{", prot: tcp, tcpFlags: [syn, syn]", "the flag syn is given twice", "once is enough"},
		{", prot: tcp, tcpFlags: []", "names no flag", "such as [syn]"},
		{", prot: tcp, tcpFlags: ", "names no flag", "est or a list"},
		{", matchDscp: ", "a single value must stand here, not nothing", "write one"},
		{", prot: tcp, tcpFlags: [[syn]]", "not a list", ""},
		{", matchDscp: 64", "DSCP 64 is out of range", "from 0 to 63"},
		{", matchDscp: AF44", "\"AF44\" is not a DSCP", ""},
		{", matchDscp: ef", "\"ef\" is not a DSCP", "did you mean \"EF\"?"},
		{", matchDscp: 010", "\"010\" is not a DSCP", "without leading zeros"},
		{", matchDscp: [0]", "not a list", ""},
		{", etherT: arp, arpOpcode: 1", "\"1\" is not possible here", "one of request or reply"},
		{", etherT: arp, arpOpcode: requst", "not possible here", "did you mean \"request\"?"},
		{", fragments: all", "\"all\" is not possible here", "write only"},
		{", fragments: true", "\"true\" is not possible here", "write only"},
	};

	EXPECT_ERRORS(BEFORE_ENTRY, AFTER_ENTRY, ENTRY_LINE, bad);
}

Test(read_entry, what_does_not_go_together_is_refused)
{
	static const struct bad bad[] = {
		{", dPort: 80", "dPort needs a prot", "tcp"},
		{", prot: icmp, dPort: 80", "prot icmp has no ports: dPort", "tcp, udp, sctp, udplite and dccp"},
		{", prot: gre, sPort: 80", "prot gre has no ports: sPort", ""},
		{", prot: icmp, etherT: ipv6", "does not occur", "icmpv6"},
		{", prot: icmpv6, etherT: ipv4", "does not occur", "prot: icmp"},
		{", prot: tcp, etherT: arp", "have no IP protocol", "etherT: ip"},
		{", prot: tcp, etherT: 0x88cc", "frames of etherT 0x88cc have no IP protocol", "etherT: ip"},
		{", prot: tcp, icmpType: 8", "icmpType is for prot icmp", "prot: icmp"},
		{", icmpCode: 0", "icmpCode is for prot icmp", ""},
		{", prot: icmp, icmpCode: 0", "needs an icmpType", ""},
		{", prot: udp, tcpFlags: est", "tcpFlags is for prot tcp", "write prot: tcp"},
		{", tcpFlags: [syn]", "tcpFlags is for prot tcp", ""},
		{", etherT: ip, arpOpcode: request", "arpOpcode is for etherT arp", "write etherT: arp"},
		{", arpOpcode: reply", "arpOpcode is for etherT arp", ""},
		{", etherT: 0x88cc, arpOpcode: reply", "arpOpcode is for etherT arp", ""},
		{", etherT: arp, matchDscp: EF", "frames of etherT arp have no DSCP", "etherT: ip"},
		{", etherT: 0x88cc, matchDscp: 0", "frames of etherT 0x88cc have no DSCP", ""},
		{", etherT: arp, fragments: only", "frames of etherT arp have no fragments", "etherT: ip"},
		{", prot: tcp, dPort: 80, fragments: only", "what dPort asks for", "two entries"},
		{", prot: udp, sPort: 53, fragments: only", "what sPort asks for", ""},
		{", prot: tcp, tcpFlags: est, fragments: only", "what tcpFlags asks for", ""},
		{", prot: icmp, icmpType: 8, fragments: only", "what icmpType asks for", ""},
		{", etherT: arp, stateful: true", "frames of etherT arp are not tracked", "stateful: false"},
		{", etherT: 0x88cc, stateful: true", "are not tracked", ""},
	};

	EXPECT_ERRORS(BEFORE_ENTRY, AFTER_ENTRY, ENTRY_LINE, bad);
}

Test(read_entry, the_caret_points_at_what_is_wrong)
{
	struct reading reading = read_text(BEFORE_ENTRY ", prot: udp, tcpFlags: est" AFTER_ENTRY);
	const struct epg_diagnostic *message = find(&reading, "tcpFlags is for prot tcp");

	cr_assert_not_null(message);
	cr_assert_eq(message->column, strlen("    - {name: web, prot: udp, tcpFlags: ") + 1);
	forget(&reading);
}
