// SPDX-License-Identifier: GPL-2.0-only
/* ICMP and ICMPv6: echo, errors and what they quote, the rest. */
#include <string.h>

#include <netinet/in.h>

#include "../differential/ground.h"
#include "rows.h"

/* ---- echo and others ---- */

void build_echo(struct odd *odd)
{
	odd_echo(odd);
}

void build_echo_code(struct odd *odd)
{
	odd_echo(odd);
	odd->spec.icmp_code = 5;
}

static void echo_reply(struct odd *odd)
{
	odd_echo(odd);
	odd->spec.icmp_type = odd->ipv4 ? 0 : 129;
}

void build_echo_reply_unasked(struct odd *odd)
{
	echo_reply(odd);
}

void build_echo_request_by_reply(struct odd *odd)
{
	odd_echo(odd);
	odd_goes_first(odd, true);
	odd_is_answered(odd, 0);
	odd_is_turned(odd);
}

void build_echo_reply_other_id(struct odd *odd)
{
	odd_echo(odd);
	odd_goes_first(odd, true);
	odd_is_turned(odd);
	odd->spec.icmp_type = odd->ipv4 ? 0 : 129;
	odd->spec.icmp_id = 8;
}

void build_icmp_short(struct odd *odd)
{
	odd_echo(odd);
	odd_build(odd);
	odd_cut(&odd->packet, odd->packet.transport + 4);
	odd_store_length(&odd->packet);
}

#define MESSAGE(name, type)                 \
	void build_##name(struct odd *odd)  \
	{                                   \
		odd_echo(odd);              \
		odd->spec.icmp_type = type; \
	}

MESSAGE(icmp_redirect, 5)
MESSAGE(icmp_router_advertisement, 9)
MESSAGE(icmp_timestamp, 13)
MESSAGE(icmp_mask, 17)
MESSAGE(icmp_unknown, 255)
MESSAGE(icmp_node_information, 139)

/* ---- errors ---- */

/* What back has answered on a connection of the sender, as it is quoted. */
static struct packet answer_of_back(struct odd *odd)
{
	struct odd turned;

	odd_begin(&turned, odd->ipv4, odd->place);
	odd_is_turned(&turned);
	turned.spec.tcp_flags = PACKET_TCP_SYN | PACKET_TCP_ACK;
	return *odd_build(&turned);
}

static void open_flow(struct odd *odd)
{
	odd_goes_first(odd, true);
	odd_is_answered(odd, PACKET_TCP_SYN | PACKET_TCP_ACK);
}

/* Port unreachable, or whatever the specification says. */
static void complain(struct odd *odd, const struct packet *cause)
{
	if (!odd->spec.icmp_type) {
		odd->spec.icmp_type = odd->ipv4 ? 3 : 1;
		odd->spec.icmp_code = odd->ipv4 ? 3 : 4;
	}
	GROUND_CHECK(!packet_build_error(&odd->spec, cause, &odd->packet), "an ICMP error");
}

/* About the tracked flow, whose quote is then changed: returns where it begins. */
static uint8_t *complain_about_flow(struct odd *odd)
{
	struct packet cause = answer_of_back(odd);

	open_flow(odd);
	complain(odd, &cause);
	return odd->packet.data + odd->packet.payload;
}

void build_error_related(struct odd *odd)
{
	complain_about_flow(odd);
}

void build_error_time_exceeded(struct odd *odd)
{
	struct packet cause = answer_of_back(odd);

	open_flow(odd);
	odd->spec.icmp_type = odd->ipv4 ? 11 : 3;
	complain(odd, &cause);
}

void build_error_by_router(struct odd *odd)
{
	struct packet cause = answer_of_back(odd);

	open_flow(odd);
	odd_address(odd, odd->spec.source, "203.0.113.1", "2001:db8:ffff::1");
	complain(odd, &cause);
}

void build_error_of_nothing(struct odd *odd)
{
	struct packet cause = answer_of_back(odd);

	complain(odd, &cause);
}

void build_error_turned(struct odd *odd)
{
	struct packet cause = *odd_build(odd);

	open_flow(odd);
	complain(odd, &cause);
}

void build_error_other_port(struct odd *odd)
{
	uint8_t *quote = complain_about_flow(odd);

	quote[(odd->ipv4 ? 20 : 40) + 3] ^= 1;
}

void build_error_other_protocol(struct odd *odd)
{
	complain_about_flow(odd)[odd->ipv4 ? 9 : 6] = IPPROTO_UDP;
}

void build_error_without_quote(struct odd *odd)
{
	complain_about_flow(odd);
	odd_cut(&odd->packet, odd->packet.payload);
	odd_store_length(&odd->packet);
}

void build_error_quote_cut(struct odd *odd)
{
	complain_about_flow(odd);
	odd_cut(&odd->packet, odd->packet.payload + (odd->ipv4 ? 20 : 40) + 2);
	odd_store_length(&odd->packet);
}

void build_error_quote_fragment(struct odd *odd)
{
	static const uint8_t header[8] = {IPPROTO_TCP, 0, 0, 0x40};
	uint8_t *quote = complain_about_flow(odd);

	if (odd->ipv4) {
		quote[7] = 8;
		return;
	}
	quote[6] = IPPROTO_FRAGMENT;
	odd_insert(&odd->packet, odd->packet.payload + 40, header, sizeof(header));
	odd_store_length(&odd->packet);
}

void build_error_quote_ihl(struct odd *odd)
{
	complain_about_flow(odd)[0] = 0x4f;
}

void build_error_quote_ihl_0(struct odd *odd)
{
	complain_about_flow(odd)[0] = 0x40;
}

void build_error_quote_version(struct odd *odd)
{
	complain_about_flow(odd)[0] = 0x75;
}

void build_error_quote_extensions(struct odd *odd)
{
	uint8_t *quote = complain_about_flow(odd);
	uint8_t options[8] = {IPPROTO_DSTOPTS, 0, 1, 4};

	quote[6] = IPPROTO_DSTOPTS;
	options[0] = IPPROTO_TCP;
	for (int i = 0; i < 12; i++) {
		odd_insert(&odd->packet, odd->packet.payload + 40, options, sizeof(options));
		options[0] = IPPROTO_DSTOPTS;
	}
	odd_store_length(&odd->packet);
}

void build_error_to_third(struct odd *odd)
{
	struct packet cause = answer_of_back(odd);

	open_flow(odd);
	odd_address(odd, odd->spec.destination, "10.1.0.3", "fd00:1::3");
	complain(odd, &cause);
}
