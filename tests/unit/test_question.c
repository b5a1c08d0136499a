/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "question.h"

static const struct argument sides[] = {{OPTION_SOURCE, "veth0"}, {OPTION_DESTINATION, "10.1.0.3"}};

/* A question as of `explain -s veth0 -d 10.1.0.3 OPERAND` and at most one option more. */
struct asked {
	char protocol[QUESTION_PROTOCOL_MAX];
	struct epg_question question;
	struct usage_error error;
};

static int ask(struct asked *asked, const char *operand, enum option_id id, const char *value)
{
	struct argument given[] = {sides[0], sides[1], {id, value}};
	char text[64];
	char *operands[] = {text};
	const struct arguments arguments = {.given = given,
					    .n_given = value ? 3 : 2,
					    .operands = operands,
					    .n_operands = 1};

	memset(asked, 0, sizeof(*asked));
	snprintf(text, sizeof(text), "%s", operand);
	return question_read(&arguments, asked->protocol, &asked->question, &asked->error);
}

Test(question, a_protocol_and_a_port)
{
	struct asked asked;

	cr_assert_eq(ask(&asked, "tcp/443", OPTION_VRF, "shop/prod"), 0);
	cr_assert_str_eq(asked.question.source, "veth0");
	cr_assert_str_eq(asked.question.destination, "10.1.0.3");
	cr_assert_str_eq(asked.question.protocol, "tcp");
	cr_assert_eq(asked.question.destination_port, 443);
	cr_assert_eq(asked.question.source_port, 0, "the library's default");
	cr_assert_eq(asked.question.icmp_type, -1, "the library's default");
	cr_assert_str_eq(asked.question.vrf, "shop/prod");
}

Test(question, a_protocol_alone_or_as_a_number)
{
	struct asked asked;

	cr_assert_eq(ask(&asked, "icmp", OPTION_VRF, NULL), 0);
	cr_assert_str_eq(asked.question.protocol, "icmp");
	cr_assert_null(asked.question.vrf);
	cr_assert_eq(ask(&asked, "132/5000", OPTION_VRF, NULL), 0);
	cr_assert_str_eq(asked.question.protocol, "132");
	cr_assert_eq(asked.question.destination_port, 5000);
}

Test(question, icmp_types_by_name_and_number)
{
	struct asked asked;

	cr_assert_eq(ask(&asked, "icmp", OPTION_ICMP_TYPE, "echo-reply"), 0);
	cr_assert_eq(asked.question.icmp_type, 0);
	cr_assert_eq(ask(&asked, "icmpv6", OPTION_ICMP_TYPE, "echo-reply"), 0);
	cr_assert_eq(asked.question.icmp_type, 129);
	cr_assert_eq(ask(&asked, "58", OPTION_ICMP_TYPE, "packet-too-big"), 0);
	cr_assert_eq(asked.question.icmp_type, 2);
	cr_assert_eq(ask(&asked, "icmp", OPTION_ICMP_TYPE, "13"), 0);
	cr_assert_eq(asked.question.icmp_type, 13);
	cr_assert_eq(ask(&asked, "icmp", OPTION_ICMP_CODE, "3"), 0);
	cr_assert_eq(asked.question.icmp_code, 3);
}

Test(question, tcp_flags_as_in_the_header)
{
	struct asked asked;

	cr_assert_eq(ask(&asked, "tcp/80", OPTION_TCP_FLAGS, "syn,ack"), 0);
	cr_assert_eq(asked.question.tcp_flags, 0x12);
	cr_assert_eq(ask(&asked, "6/80", OPTION_TCP_FLAGS, "fin,syn,rst,psh,ack,urg"), 0);
	cr_assert_eq(asked.question.tcp_flags, 0x3f);
}

Test(question, dscp_by_name_and_number)
{
	struct asked asked;

	cr_assert_eq(ask(&asked, "udp/53", OPTION_DSCP, "AF21"), 0);
	cr_assert_eq(asked.question.dscp, 18);
	cr_assert_eq(ask(&asked, "udp/53", OPTION_DSCP, "ef"), 0);
	cr_assert_eq(asked.question.dscp, 46);
	cr_assert_eq(ask(&asked, "udp/53", OPTION_DSCP, "63"), 0);
	cr_assert_eq(asked.question.dscp, 63);
	cr_assert_eq(ask(&asked, "udp/53", OPTION_VRF, NULL), 0);
	cr_assert_eq(asked.question.dscp, 0);
}

Test(question, fragments)
{
	struct asked asked;

	cr_assert_eq(ask(&asked, "udp/53", OPTION_FRAGMENT, "first"), 0);
	cr_assert_eq(asked.question.fragment, EPG_FRAGMENT_FIRST);
	cr_assert_eq(ask(&asked, "udp", OPTION_FRAGMENT, "later"), 0);
	cr_assert_eq(asked.question.fragment, EPG_FRAGMENT_LATER);
	cr_assert_eq(ask(&asked, "udp/53", OPTION_VRF, NULL), 0);
	cr_assert_eq(asked.question.fragment, EPG_FRAGMENT_NONE);
}

Test(question, arp_and_its_opcode)
{
	struct asked asked;

	cr_assert_eq(ask(&asked, "arp", OPTION_ARP_OPCODE, "reply"), 0);
	cr_assert_str_eq(asked.question.protocol, "arp");
	cr_assert_eq(asked.question.icmp_type, 2);
	cr_assert_eq(ask(&asked, "arp", OPTION_ARP_OPCODE, "request"), 0);
	cr_assert_eq(asked.question.icmp_type, 1);
	cr_assert_eq(ask(&asked, "arp", OPTION_VRF, NULL), 0);
	cr_assert_eq(asked.question.icmp_type, -1, "the library's default");
}

Test(question, about_what_comes_back)
{
	struct asked asked;

	cr_assert_eq(ask(&asked, "tcp/80", OPTION_REPLY, ""), 0);
	cr_assert_eq(asked.question.ask, EPG_ASK_REPLY);
	cr_assert_eq(ask(&asked, "tcp/80", OPTION_ICMP_ERROR, ""), 0);
	cr_assert_eq(asked.question.ask, EPG_ASK_ERROR);
	cr_assert_eq(ask(&asked, "tcp/80", OPTION_VRF, NULL), 0);
	cr_assert_eq(asked.question.ask, EPG_ASK_PACKET);
}

Test(question, one_thing_at_a_time)
{
	struct argument given[] = {sides[0], sides[1], {OPTION_REPLY, ""}, {OPTION_ICMP_ERROR, ""}};
	char operand[] = "tcp/80", *operands[] = {operand};
	const struct arguments arguments = {.given = given, .n_given = 4, .operands = operands, .n_operands = 1};
	char protocol[QUESTION_PROTOCOL_MAX];
	struct epg_question question;
	struct usage_error error;

	cr_assert_eq(question_read(&arguments, protocol, &question, &error), -EINVAL);
	cr_assert_str_eq(error.message, "--reply and --icmp-error are two questions: ask one at a time");
}

static void check_refused(const char *operand, enum option_id id, const char *value, const char *message)
{
	struct asked asked;

	cr_assert_eq(ask(&asked, operand, id, value), -EINVAL, "%s %s was accepted", operand, value);
	cr_assert_str_eq(asked.error.message, message);
}

Test(question, nonsense_is_refused)
{
	check_refused("", OPTION_VRF, NULL, "'' is no protocol");
	check_refused("/80", OPTION_VRF, NULL, "'/80' is no protocol");
	check_refused("a-protocol-with-much-too-long-a-name/80", OPTION_VRF, NULL,
		      "'a-protocol-with-much-too-long-a-name/80' is no protocol");
	check_refused("tcp/", OPTION_VRF, NULL, "a destination port is a number from 0 to 65535, not ''");
	check_refused("tcp/65536", OPTION_VRF, NULL, "a destination port is a number from 0 to 65535, not '65536'");
	check_refused("tcp/80", OPTION_SPORT, "x", "--sport is a number from 0 to 65535, not 'x'");
	check_refused("icmp", OPTION_ICMP_CODE, "256", "--icmp-code is a number from 0 to 255, not '256'");
	check_refused("icmp", OPTION_ICMP_TYPE, "packet-too-big", "icmp has no type 'packet-too-big'");
	check_refused("tcp/80", OPTION_TCP_FLAGS, "syn,", "no TCP flag ''");
	check_refused("tcp/80", OPTION_TCP_FLAGS, "sy", "no TCP flag 'sy'");
	check_refused("tcp/80", OPTION_DSCP, "64", "no DSCP '64'");
	check_refused("tcp/80", OPTION_DSCP, "AF99", "no DSCP 'AF99'");
	check_refused("tcp/80", OPTION_FRAGMENT, "last", "no fragment is called 'last'");
	check_refused("arp", OPTION_ARP_OPCODE, "query", "ARP has no opcode 'query'");
}

Test(question, options_of_other_protocols_are_not_ignored)
{
	check_refused("udp/53", OPTION_TCP_FLAGS, "syn", "udp has no TCP flags");
	check_refused("tcp/80", OPTION_ICMP_TYPE, "8", "tcp has no ICMP type and code");
	check_refused("icmp", OPTION_SPORT, "80", "icmp has no ports");
	check_refused("arp", OPTION_SPORT, "80", "arp has no ports");
	check_refused("udp/53", OPTION_ARP_OPCODE, "reply", "udp has no ARP opcode");
}
