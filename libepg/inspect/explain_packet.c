/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "inspect/explain_packet.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <net/if_arp.h>
#include <netinet/in.h>

#include "policy/names.h"

#define DEFAULT_SOURCE_PORT 40000
/* RFC 4861, 4.3 and 4.4 */
#define NEIGHBOR_SOLICITATION 135
#define NEIGHBOR_ADVERTISEMENT 136

#define LATER_OFFSET 185 /* in units of 8 bytes: what a first fragment leaves of an Ethernet frame */
#define IGMP_BYTES 8     /* RFC 3376: what every message begins with */

/* ---- reading ---- */

static bool is_icmp(const struct explain_packet *packet)
{
	return !packet->ethertype && (packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6);
}

static bool is_request(const struct explain_packet *packet)
{
	uint8_t type = packet->icmp_type;

	if (packet->protocol == IPPROTO_ICMPV6)
		return type == ICMPV6_ECHO_REQUEST || type == NEIGHBOR_SOLICITATION;
	return type == ICMP_ECHO || type == ICMP_TIMESTAMP;
}

static bool is_error(const struct explain_packet *packet)
{
	uint8_t type = packet->icmp_type;

	if (packet->protocol == IPPROTO_ICMPV6)
		return !(type & ICMPV6_INFOMSG_MASK);
	return type == ICMP_DEST_UNREACH || type == ICMP_SOURCE_QUENCH || type == ICMP_TIME_EXCEEDED ||
	       type == ICMP_PARAMETERPROB;
}

/* IP by its protocol, else the EtherType; -EINVAL. */
static int parse_protocol(const char *text, struct explain_packet *packet)
{
	uint16_t ethertype;

	if (!names_parse_protocol(text, &packet->protocol))
		return 0;
	if (names_parse_ether_type(text, &ethertype) || ethertype == ETH_P_IP || ethertype == ETH_P_IPV6 ||
	    ethertype == ETH_P_8021Q || ethertype == ETH_P_8021AD)
		return -EINVAL;
	packet->ethertype = ethertype;
	return 0;
}

static int contradiction(struct epg *epg, const char *message)
{
	return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, NULL, NULL, "%s", message);
}

static int check_numbers(struct epg *epg, const struct epg_question *question, const struct explain_packet *packet)
{
	bool types = is_icmp(packet) || packet->ethertype == ETH_P_ARP;

	if (question->dscp > PACKET_DSCP_MAX)
		return contradiction(epg, "DSCPs go from 0 to 63");
	if (question->icmp_type > UINT8_MAX || question->icmp_code < 0 || question->icmp_code > UINT8_MAX)
		return contradiction(epg, "ICMP types and codes go from 0 to 255");
	if ((unsigned int)question->fragment > EPG_FRAGMENT_LATER || (unsigned int)question->ask > EPG_ASK_ERROR)
		return contradiction(epg, "the question asks for what this version does not know");
	if (packet->ethertype && (question->dscp || question->fragment))
		return contradiction(epg, "only IP has DSCPs and fragments");
	if (!types && question->icmp_type >= 0)
		return contradiction(epg, "only ICMP has types, and ARP opcodes");
	if (question->tcp_flags && (packet->ethertype || packet->protocol != IPPROTO_TCP))
		return contradiction(epg, "only TCP has flags");
	return 0;
}

static int check_ports(struct epg *epg, const struct epg_question *question, const struct explain_packet *packet)
{
	bool ports = !packet->ethertype && names_has_ports(packet->protocol);
	bool given = question->source_port || question->destination_port;

	if (question->fragment == EPG_FRAGMENT_LATER && (given || question->tcp_flags || question->icmp_type >= 0))
		return contradiction(epg, "a later fragment shows neither ports nor flags nor types");
	if (!ports && given)
		return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, NULL, NULL, "%s has no ports", question->protocol);
	if (ports && !question->destination_port && question->fragment != EPG_FRAGMENT_LATER)
		return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, NULL, "say tcp/80, for example",
				    "%s needs a destination port", question->protocol);
	return 0;
}

/* Has it what is asked for, a reply or an error? */
static int check_ask(struct epg *epg, const struct epg_question *question, const struct explain_packet *packet)
{
	if (question->ask == EPG_ASK_PACKET)
		return 0;
	if (packet->fragment == EPG_FRAGMENT_LATER)
		return contradiction(epg, "nobody answers a later fragment by itself: ask about the first one");
	if (question->ask == EPG_ASK_ERROR && packet->ethertype)
		return contradiction(epg, "ICMP errors are about IP only");
	if (question->ask == EPG_ASK_ERROR && is_icmp(packet) && is_error(packet))
		return contradiction(epg, "nobody sends an ICMP error about an ICMP error");
	if (question->ask == EPG_ASK_REPLY && is_icmp(packet) && !is_request(packet))
		return contradiction(epg, "such an ICMP message has no reply");
	if (question->ask == EPG_ASK_REPLY && packet->ethertype == ETH_P_ARP && packet->icmp_type != ARPOP_REQUEST)
		return contradiction(epg, "only an ARP request has a reply");
	return 0;
}

static uint8_t default_type(const struct explain_packet *packet)
{
	if (packet->ethertype == ETH_P_ARP)
		return ARPOP_REQUEST;
	return packet->protocol == IPPROTO_ICMPV6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO;
}

static void fill(const struct epg_question *question, struct explain_packet *packet)
{
	bool ports =
		!packet->ethertype && names_has_ports(packet->protocol) && question->fragment != EPG_FRAGMENT_LATER;

	packet->fragment = question->fragment;
	packet->dscp = question->dscp;
	packet->icmp_code = (uint8_t)question->icmp_code;
	packet->icmp_type = question->icmp_type >= 0 ? (uint8_t)question->icmp_type : default_type(packet);
	packet->destination_port = question->destination_port;
	if (ports)
		packet->source_port = question->source_port ? question->source_port : DEFAULT_SOURCE_PORT;
	if (ports && packet->protocol == IPPROTO_TCP)
		packet->tcp_flags = question->tcp_flags ? question->tcp_flags : PACKET_TCP_SYN;
}

int explain_packet_read(struct epg *epg, const struct epg_question *question, struct explain_packet *ret)
{
	const char *protocol = question->protocol ? question->protocol : "";
	struct explain_packet packet = {0};
	int error;

	if (parse_protocol(protocol, &packet))
		return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, NULL,
				    "say tcp, udp, icmp, icmpv6, a number, arp, or an EtherType such as 0x88cc",
				    "unknown protocol \"%s\"", protocol);
	error = check_numbers(epg, question, &packet);
	if (!error)
		error = check_ports(epg, question, &packet);
	if (error)
		return error;
	fill(question, &packet);
	error = check_ask(epg, question, &packet);
	if (error)
		return error;
	*ret = packet;
	return 0;
}

enum family explain_packet_family(const struct explain_packet *packet)
{
	if (packet->ethertype)
		return packet->ethertype == ETH_P_ARP ? FAMILY_IPV4 : FAMILY_NONE;
	if (packet->protocol == IPPROTO_ICMP)
		return FAMILY_IPV4;
	return packet->protocol == IPPROTO_ICMPV6 ? FAMILY_IPV6 : FAMILY_ANY;
}

/* ---- what follows from it ---- */

bool explain_packet_opens(const struct explain_packet *packet)
{
	uint8_t echo = packet->protocol == IPPROTO_ICMPV6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO;

	if (packet->ethertype || packet->fragment == EPG_FRAGMENT_LATER)
		return false;
	if (is_icmp(packet))
		return packet->icmp_type == echo;
	return !(packet->tcp_flags & PACKET_TCP_RST);
}

struct explain_packet explain_packet_reply(const struct explain_packet *packet)
{
	static const uint8_t answers[][2] = {
		{ICMP_ECHO, ICMP_ECHOREPLY},
		{ICMP_TIMESTAMP, ICMP_TIMESTAMPREPLY},
		{ICMPV6_ECHO_REQUEST, ICMPV6_ECHO_REPLY},
		{NEIGHBOR_SOLICITATION, NEIGHBOR_ADVERTISEMENT},
	};
	struct explain_packet reply = *packet;

	reply.fragment = EPG_FRAGMENT_NONE;
	reply.source_port = packet->destination_port;
	reply.destination_port = packet->source_port;
	if (packet->tcp_flags)
		reply.tcp_flags = packet->tcp_flags & PACKET_TCP_SYN && !(packet->tcp_flags & PACKET_TCP_ACK)
					  ? PACKET_TCP_SYN | PACKET_TCP_ACK
					  : PACKET_TCP_ACK;
	if (packet->ethertype == ETH_P_ARP)
		reply.icmp_type = ARPOP_REPLY;
	for (size_t i = 0; is_icmp(packet) && i < ARRAY_SIZE(answers); i++)
		if (packet->icmp_type == answers[i][0])
			reply.icmp_type = answers[i][1];
	return reply;
}

struct explain_packet explain_packet_error(bool ipv4)
{
	return (struct explain_packet){
		.protocol = ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
		.icmp_type = ipv4 ? ICMP_DEST_UNREACH : ICMPV6_DEST_UNREACH,
		.icmp_code = ipv4 ? ICMP_PORT_UNREACH : ICMPV6_PORT_UNREACH,
	};
}

/* ---- building ---- */

/* An endpoint's own MAC where it is known; programs let others pass where it is not. */
static void take_mac(const struct explain_side *side, uint8_t otherwise, uint8_t mac[6])
{
	static const uint8_t none[6];

	if (memcmp(side->binding.mac, none, sizeof(none))) {
		memcpy(mac, side->binding.mac, sizeof(none));
		return;
	}
	memset(mac, 0, sizeof(none));
	mac[0] = 2; /* locally administered */
	mac[5] = otherwise;
}

/* RFC 1112, section 6.4; RFC 2464, section 7. False: the address is one host's. */
static bool take_group_mac(const uint8_t address[16], uint8_t mac[6])
{
	bool ipv4 = packet_address_is_ipv4(address);

	if (ipv4 ? address[12] < 224 : address[0] != 0xff)
		return false;
	if (ipv4 && address[12] >= 240) {
		memset(mac, 0xff, 6); /* broadcast */
		return true;
	}
	memcpy(mac, ipv4 ? (const uint8_t[]){0x01, 0x00, 0x5e} : (const uint8_t[]){0x33, 0x33, 0}, 3);
	memcpy(mac + 2, address + 12, 4);
	if (ipv4) {
		mac[2] = 0x5e;
		mac[3] &= 0x7f;
	}
	return true;
}

static struct packet_spec spec_of(const struct explain_packet *packet, const struct explain_sides *sides)
{
	struct packet_spec spec = {
		.protocol = packet->protocol,
		.tcp_flags = packet->tcp_flags,
		.icmp_type = packet->icmp_type,
		.icmp_code = packet->icmp_code,
		.icmp_id = 1,
		.source_port = packet->source_port,
		.destination_port = packet->destination_port,
		.dscp = packet->dscp,
		.fragment = packet->fragment != EPG_FRAGMENT_NONE,
		.more_fragments = packet->fragment == EPG_FRAGMENT_FIRST,
		.fragment_offset = packet->fragment == EPG_FRAGMENT_LATER ? LATER_OFFSET : 0,
	};
	/* As the hook sees it that decides. */
	uint16_t tag = sides->source.ifindex ? sides->source.vlan : sides->destination.vlan;
	bool odd =
		packet->protocol == IPPROTO_TCP || packet->protocol == IPPROTO_SCTP || packet->protocol == IPPROTO_DCCP;

	/* All fragments but the last have a multiple of eight bytes; half of the headers have four more. */
	if (packet->protocol == IPPROTO_IGMP)
		spec.payload = IGMP_BYTES;
	if (spec.fragment)
		spec.payload = spec.more_fragments && odd ? 12 : 8;
	if (tag) {
		spec.tags[0] = (struct packet_tag){ETH_P_8021Q, tag};
		spec.n_tags = 1;
	}
	memcpy(spec.source, sides->source.address, sizeof(spec.source));
	memcpy(spec.destination, sides->destination.address, sizeof(spec.destination));
	take_mac(&sides->source, 1, spec.source_mac);
	if (!take_group_mac(sides->destination.address, spec.destination_mac))
		take_mac(&sides->destination, 2, spec.destination_mac);
	return spec;
}

int explain_packet_build(const struct explain_packet *packet, const struct explain_sides *sides, struct packet *ret)
{
	struct packet_spec spec = spec_of(packet, sides);
	bool neighbor = is_icmp(packet) && packet->protocol == IPPROTO_ICMPV6 && !spec.fragment;

	if (packet->ethertype == ETH_P_ARP)
		return packet_build_arp(&spec, packet->icmp_type, ret);
	if (packet->ethertype)
		return packet_build_other(&spec, packet->ethertype, ret);
	if (neighbor && packet->icmp_type == NEIGHBOR_SOLICITATION)
		return packet_build_neighbor(&spec, packet->icmp_type, spec.destination, ret);
	if (neighbor && packet->icmp_type == NEIGHBOR_ADVERTISEMENT)
		return packet_build_neighbor(&spec, packet->icmp_type, spec.source, ret);
	return packet_build(&spec, ret);
}

int explain_packet_build_error(const struct explain_packet *packet, const struct explain_sides *sides,
			       const struct packet *cause, struct packet *ret)
{
	struct packet_spec spec = spec_of(packet, sides);

	return packet_build_error(&spec, cause, ret);
}

/* ---- as rules see it, and in words ---- */

struct rule_packet explain_packet_fields(const struct explain_packet *packet, bool ipv4)
{
	struct rule_packet fields = {
		.kind = packet->ethertype ? packet->ethertype
					  : (uint16_t)(packet->protocol | (ipv4 ? EPG_KIND_IPV4 : EPG_KIND_IPV6)),
		.dscp = packet->dscp,
		.fragment = packet->fragment == EPG_FRAGMENT_LATER,
	};

	if (fields.fragment)
		return fields;
	fields.destination = packet->destination_port;
	fields.source = packet->source_port;
	if (is_icmp(packet)) {
		fields.destination = packet->icmp_type;
		fields.source = packet->icmp_code;
	}
	if (packet->ethertype == ETH_P_ARP)
		fields.destination = packet->icmp_type;
	fields.flags = (uint8_t)((packet->tcp_flags & 7) | (packet->tcp_flags & PACKET_TCP_ACK ? EPG_FLAG_ACK : 0));
	return fields;
}

static struct catalog_range only(uint16_t value)
{
	return (struct catalog_range){value, value};
}

/* The packet as a rule that matches little else. */
static struct catalog_rule rule_like(const struct explain_packet *packet, bool ipv4)
{
	const struct catalog_range any = {0, UINT16_MAX};
	const struct rule_packet fields = explain_packet_fields(packet, ipv4);
	struct catalog_rule rule = {
		.n_kinds = 1,
		.kinds = {only(fields.kind)},
		.destination = any,
		.source = any,
		.dscp = only(packet->dscp),
		.fragment = any,
		.tcp_flags = MODEL_TCP_FLAGS_ANY,
	};

	if (!packet->ethertype && !is_icmp(packet)) {
		rule.n_kinds = 2; /* the addresses tell the family */
		rule.kinds[0] = only(EPG_KIND_IPV4 | packet->protocol);
		rule.kinds[1] = only(EPG_KIND_IPV6 | packet->protocol);
	}
	if (!packet->dscp)
		rule.dscp = any;
	if (fields.fragment)
		return rule;
	if (is_icmp(packet) || packet->ethertype == ETH_P_ARP || names_has_ports(packet->protocol))
		rule.destination = only(fields.destination);
	if (names_has_ports(packet->protocol) || (is_icmp(packet) && packet->icmp_code))
		rule.source = only(fields.source);
	return rule;
}

static void add_flags(const struct explain_packet *packet, char text[EXPLAIN_PACKET_TEXT_MAX])
{
	static const char *const names[] = {"fin", "syn", "rst", "psh", "ack", "urg"};
	const char *before = " flags ";

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t length = strlen(text);

		if (!(packet->tcp_flags & 1u << i))
			continue;
		snprintf(text + length, EXPLAIN_PACKET_TEXT_MAX - length, "%s%s", before, names[i]);
		before = ",";
	}
}

void explain_packet_text(const struct explain_packet *packet, bool ipv4, char text[EXPLAIN_PACKET_TEXT_MAX])
{
	static const char *const fragments[] = {
		[EPG_FRAGMENT_NONE] = "",
		[EPG_FRAGMENT_FIRST] = ", first fragment",
		[EPG_FRAGMENT_LATER] = ", later fragment",
	};
	struct catalog_rule rule = rule_like(packet, ipv4);
	size_t length;

	rule_text_match(&rule, text, EXPLAIN_PACKET_TEXT_MAX);
	add_flags(packet, text);
	length = strlen(text);
	snprintf(text + length, EXPLAIN_PACKET_TEXT_MAX - length, "%s", fragments[packet->fragment]);
}
