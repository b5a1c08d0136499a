/* SPDX-License-Identifier: GPL-2.0-only */
#include "question.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DSCP_MAX 63

/* ICMP types by name, as policies name them; not every one exists in both protocols. */
static const struct {
	const char *name;
	int icmp, icmpv6; /* -1: none */
} icmp_types[] = {
	{"echo-reply", 0, 129},
	{"destination-unreachable", 3, 1},
	{"redirect", 5, 137},
	{"echo-request", 8, 128},
	{"router-advertisement", 9, 134},
	{"router-solicitation", 10, 133},
	{"time-exceeded", 11, 3},
	{"parameter-problem", 12, 4},
	{"timestamp-request", 13, -1},
	{"timestamp-reply", 14, -1},
	{"packet-too-big", -1, 2},
	{"neighbor-solicitation", -1, 135},
	{"neighbor-advertisement", -1, 136},
};

/* Flags by name, as they stand in the TCP header. */
static const struct {
	const char *name;
	uint8_t flag;
} tcp_flags[] = {
	{"fin", 0x01}, {"syn", 0x02}, {"rst", 0x04}, {"psh", 0x08}, {"ack", 0x10}, {"urg", 0x20},
};

static int read_number(const char *what, const char *text, uint64_t most, uint64_t *ret, struct usage_error *reterr)
{
	if (arguments_parse_number(text, 0, most, ret))
		return usage_fail(reterr, NULL, "%s is a number from 0 to %u, not '%s'", what, (unsigned int)most,
				  text);
	return 0;
}

/* Splits "tcp/80". */
static int read_protocol(const char *operand, char protocol[QUESTION_PROTOCOL_MAX], struct epg_question *question,
			 struct usage_error *reterr)
{
	size_t length = strcspn(operand, "/");
	uint64_t port;
	int error;

	if (!length || length >= QUESTION_PROTOCOL_MAX)
		return usage_fail(reterr, "such as tcp/80, udp/53, icmp, arp", "'%s' is no protocol", operand);
	memcpy(protocol, operand, length);
	protocol[length] = 0;
	question->protocol = protocol;
	if (!operand[length])
		return 0;
	error = read_number("a destination port", operand + length + 1, UINT16_MAX, &port, reterr);
	if (error)
		return error;
	question->destination_port = (uint16_t)port;
	return 0;
}

static int read_icmp_type(const char *text, const char *protocol, struct epg_question *question,
			  struct usage_error *reterr)
{
	bool version6 = !strcmp(protocol, "icmpv6") || !strcmp(protocol, "58");
	uint64_t number;

	for (size_t i = 0; i < ARRAY_SIZE(icmp_types); i++) {
		int type = version6 ? icmp_types[i].icmpv6 : icmp_types[i].icmp;

		if (strcmp(icmp_types[i].name, text) || type < 0)
			continue;
		question->icmp_type = type;
		return 0;
	}
	if (arguments_parse_number(text, 0, UINT8_MAX, &number))
		return usage_fail(reterr, "a number from 0 to 255, or a name such as echo-request",
				  "%s has no type '%s'", protocol, text);
	question->icmp_type = (int)number;
	return 0;
}

static int read_tcp_flags(const char *text, struct epg_question *question, struct usage_error *reterr)
{
	for (;;) {
		size_t length = strcspn(text, ","), i = 0;

		while (i < ARRAY_SIZE(tcp_flags) &&
		       (strlen(tcp_flags[i].name) != length || strncmp(tcp_flags[i].name, text, length)))
			i++;
		if (i == ARRAY_SIZE(tcp_flags))
			return usage_fail(reterr, "fin, syn, rst, psh, ack, urg, commas between", "no TCP flag '%.*s'",
					  (int)length, text);
		question->tcp_flags |= tcp_flags[i].flag;
		if (!text[length])
			return 0;
		text += length + 1;
	}
}

static int read_arp_opcode(const char *text, struct epg_question *question, struct usage_error *reterr)
{
	if (!strcmp(text, "request"))
		question->icmp_type = 1;
	else if (!strcmp(text, "reply"))
		question->icmp_type = 2;
	else
		return usage_fail(reterr, "request or reply", "ARP has no opcode '%s'", text);
	return 0;
}

static int read_dscp(const char *text, struct epg_question *question, struct usage_error *reterr)
{
	uint64_t number;

	for (uint8_t dscp = 0; dscp <= DSCP_MAX; dscp++) {
		const char *name = epg_dscp_name(dscp);

		if (!name || strcasecmp(name, text))
			continue;
		question->dscp = dscp;
		return 0;
	}
	if (arguments_parse_number(text, 0, DSCP_MAX, &number))
		return usage_fail(reterr, "a number from 0 to 63, or a name such as AF21, CS1 or EF", "no DSCP '%s'",
				  text);
	question->dscp = (uint8_t)number;
	return 0;
}

static int read_fragment(const char *text, struct epg_question *question, struct usage_error *reterr)
{
	if (!strcmp(text, "first"))
		question->fragment = EPG_FRAGMENT_FIRST;
	else if (!strcmp(text, "later"))
		question->fragment = EPG_FRAGMENT_LATER;
	else
		return usage_fail(reterr, "first or later", "no fragment is called '%s'", text);
	return 0;
}

/* What is asked about any packet of IP. */
static int read_circumstances(const struct arguments *arguments, struct epg_question *question,
			      struct usage_error *reterr)
{
	const char *dscp = arguments_value(arguments, OPTION_DSCP);
	const char *fragment = arguments_value(arguments, OPTION_FRAGMENT);
	bool reply = arguments_has(arguments, OPTION_REPLY), icmp_error = arguments_has(arguments, OPTION_ICMP_ERROR);
	int error = 0;

	if (reply && icmp_error)
		return usage_fail(reterr, NULL, "--reply and --icmp-error are two questions: ask one at a time");
	if (reply)
		question->ask = EPG_ASK_REPLY;
	if (icmp_error)
		question->ask = EPG_ASK_ERROR;
	if (dscp)
		error = read_dscp(dscp, question, reterr);
	if (!error && fragment)
		error = read_fragment(fragment, question, reterr);
	return error;
}

/* The options that only some protocols have: for another one they would be ignored silently. */
static int read_details(const struct arguments *arguments, struct epg_question *question, struct usage_error *reterr)
{
	const char *source_port = arguments_value(arguments, OPTION_SPORT);
	const char *type = arguments_value(arguments, OPTION_ICMP_TYPE);
	const char *code = arguments_value(arguments, OPTION_ICMP_CODE);
	const char *flags = arguments_value(arguments, OPTION_TCP_FLAGS);
	const char *opcode = arguments_value(arguments, OPTION_ARP_OPCODE);
	bool icmp = !strncmp(question->protocol, "icmp", 4) || !strcmp(question->protocol, "1") ||
		    !strcmp(question->protocol, "58");
	bool tcp = !strcmp(question->protocol, "tcp") || !strcmp(question->protocol, "6");
	bool arp = !strcmp(question->protocol, "arp");
	uint64_t number = 0;
	int error = 0;

	if ((type || code) && !icmp)
		return usage_fail(reterr, NULL, "%s has no ICMP type and code", question->protocol);
	if (flags && !tcp)
		return usage_fail(reterr, NULL, "%s has no TCP flags", question->protocol);
	if (opcode && !arp)
		return usage_fail(reterr, NULL, "%s has no ARP opcode", question->protocol);
	if (source_port && (icmp || arp))
		return usage_fail(reterr, NULL, "%s has no ports", question->protocol);
	if (source_port)
		error = read_number("--sport", source_port, UINT16_MAX, &number, reterr);
	question->source_port = (uint16_t)number;
	number = 0;
	if (!error && code)
		error = read_number("--icmp-code", code, UINT8_MAX, &number, reterr);
	question->icmp_code = (int)number;
	if (!error && type)
		error = read_icmp_type(type, question->protocol, question, reterr);
	if (!error && flags)
		error = read_tcp_flags(flags, question, reterr);
	if (!error && opcode)
		error = read_arp_opcode(opcode, question, reterr);
	return error;
}

int question_read(const struct arguments *arguments, char protocol[QUESTION_PROTOCOL_MAX], struct epg_question *ret,
		  struct usage_error *reterr)
{
	struct epg_question question = {
		.size = sizeof(question),
		.source = arguments_value(arguments, OPTION_SOURCE),
		.destination = arguments_value(arguments, OPTION_DESTINATION),
		.icmp_type = -1,
		.vrf = arguments_value(arguments, OPTION_VRF),
	};
	int error = read_protocol(arguments->operands[0], protocol, &question, reterr);

	if (!error)
		error = read_details(arguments, &question, reterr);
	if (!error)
		error = read_circumstances(arguments, &question, reterr);
	if (error)
		return error;
	*ret = question;
	return 0;
}
