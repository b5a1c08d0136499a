// SPDX-License-Identifier: GPL-2.0-only
/* The IPv6 header, extension headers, neighbour discovery. */
#include <string.h>

#include <netinet/in.h>

#include "../differential/ground.h"
#include "base/util.h"
#include "rows.h"

#define HEADER 40

/* ---- lengths ---- */

static void payload_length(struct odd *odd, unsigned int value)
{
	odd_build(odd);
	odd_store16(&odd->packet, odd->packet.network + 4, value);
}

void build_ipv6_payload_beyond(struct odd *odd)
{
	payload_length(odd, 21);
}

void build_ipv6_payload_cuts_tcp(struct odd *odd)
{
	payload_length(odd, 19);
}

void build_ipv6_payload_zero(struct odd *odd)
{
	payload_length(odd, 0);
}

void build_ipv6_jumbogram(struct odd *odd)
{
	static const uint8_t jumbo[] = {0xc2, 4, 0, 1, 0, 0}; /* RFC 2675: 65536 bytes */

	odd->spec.extensions[odd->spec.n_extensions++] = IPPROTO_HOPOPTS;
	payload_length(odd, 0);
	memcpy(odd->packet.data + odd->packet.network + HEADER + 2, jumbo, sizeof(jumbo));
}

void build_flow_label(struct odd *odd)
{
	odd_build(odd);
	memset(odd->packet.data + odd->packet.network + 2, 0xff, 2);
	odd->packet.data[odd->packet.network + 1] |= 0x0f;
}

/* ---- extension headers ---- */

#define EXTENSIONS(name, ...)                                           \
	void build_##name(struct odd *odd)                              \
	{                                                               \
		static const uint8_t headers[] = {__VA_ARGS__};         \
                                                                        \
		odd->spec.n_extensions = sizeof(headers);               \
		memcpy(odd->spec.extensions, headers, sizeof(headers)); \
	}

#define OPTIONS IPPROTO_DSTOPTS

EXTENSIONS(hop_by_hop, IPPROTO_HOPOPTS)
EXTENSIONS(routing, IPPROTO_ROUTING)
EXTENSIONS(destination_options, OPTIONS)
EXTENSIONS(authentication, IPPROTO_AH)
EXTENSIONS(hop_by_hop_later, OPTIONS, IPPROTO_HOPOPTS)
EXTENSIONS(extensions_six, OPTIONS, OPTIONS, OPTIONS, OPTIONS, OPTIONS, OPTIONS)
EXTENSIONS(extensions_six_mixed, IPPROTO_HOPOPTS, OPTIONS, IPPROTO_ROUTING, IPPROTO_AH, IPPROTO_AH, OPTIONS)
EXTENSIONS(extensions_seven, OPTIONS, OPTIONS, OPTIONS, OPTIONS, OPTIONS, OPTIONS, OPTIONS)
EXTENSIONS(extensions_twelve, OPTIONS, OPTIONS, OPTIONS, OPTIONS, OPTIONS, OPTIONS, OPTIONS, OPTIONS, OPTIONS, OPTIONS,
	   OPTIONS, OPTIONS)

void build_extensions_six_denied(struct odd *odd)
{
	build_extensions_six(odd);
	odd->spec.destination_port = 22;
}

void build_extensions_fragment_seventh(struct odd *odd)
{
	build_extensions_six(odd);
	odd->spec.fragment = true;
}

static void later_behind(struct odd *odd, size_t extensions)
{
	build_extensions_six(odd);
	odd->spec.n_extensions = extensions;
	odd_fragment(odd, 64, 24, true);
}

void build_extensions_later_fragment_sixth(struct odd *odd)
{
	later_behind(odd, 5);
}

void build_extensions_later_fragment_seventh(struct odd *odd)
{
	later_behind(odd, 6);
}

void build_routing_0(struct odd *odd)
{
	static const uint8_t header[] = {2, 0, 1}; /* length in eights, type, segments left */
	static const uint8_t address[16] = {0xfd, 0, 0, 1, [15] = SCENE_PEER_HOST};

	build_routing(odd);
	odd_build(odd);
	memcpy(odd->packet.data + odd->packet.network + HEADER + 1, header, sizeof(header));
	odd_insert(&odd->packet, odd->packet.network + HEADER + 8, address, sizeof(address));
	odd_store_length(&odd->packet);
}

/* A destination options header with this length, in eights beyond the first. */
static void extension_length(struct odd *odd, uint8_t eights)
{
	build_destination_options(odd);
	odd_build(odd);
	odd->packet.data[odd->packet.network + HEADER + 1] = eights;
}

void build_extension_too_long(struct odd *odd)
{
	extension_length(odd, 255);
}

void build_extension_takes_tcp(struct odd *odd)
{
	extension_length(odd, 1);
}

void build_extension_to_end(struct odd *odd)
{
	odd->spec.payload = 4;
	extension_length(odd, 3);
}

void build_extension_cut(struct odd *odd)
{
	build_destination_options(odd);
	odd_build(odd);
	odd_cut(&odd->packet, odd->packet.network + HEADER + 4);
	odd_store_length(&odd->packet);
}

/* A TCP header to port 80 within the first extension header, of so many eights more than one. */
static void hide(struct odd *odd, size_t offset, uint8_t length, size_t room)
{
	static const uint8_t zeros[64];
	struct odd fake;

	odd_begin(&fake, false, odd->place);
	odd_build(&fake);
	odd->spec.destination_port = 22;
	odd_build(odd);
	odd->packet.data[odd->packet.network + HEADER + 1] = length;
	odd_insert(&odd->packet, odd->packet.network + HEADER + offset, zeros, room);
	memcpy(odd->packet.data + odd->packet.network + HEADER + offset, fake.packet.data + fake.packet.transport, 20);
	odd_store_length(&odd->packet);
}

void build_extension_hides_port(struct odd *odd)
{
	build_destination_options(odd);
	hide(odd, 8, 3, 24);
}

/* 16 bytes in fours; in eights it would be 24, where the other header begins: real, 8 bytes of data, false one. */
void build_authentication_hides_port(struct odd *odd)
{
	struct odd fake;

	odd_begin(&fake, false, odd->place);
	odd_build(&fake);
	build_authentication(odd);
	odd->spec.destination_port = 22;
	odd->spec.payload = 64;
	odd_build(odd);
	memcpy(odd->packet.data + odd->packet.network + HEADER + 24 + 16, fake.packet.data + fake.packet.transport, 20);
	odd->packet.data[odd->packet.network + HEADER + 1] = 2;
}

/* ---- neighbour discovery ---- */

#define TARGET_AT (HEADER + 8)
#define OPTION_AT (HEADER + 24)

static struct packet *neighbor(struct odd *odd, uint8_t type, const char *target)
{
	uint8_t address[16];

	odd_address(odd, address, "", target);
	GROUND_CHECK(!packet_build_neighbor(&odd->spec, type, address, &odd->packet), "neighbour discovery");
	return &odd->packet;
}

static struct packet *solicitation(struct odd *odd)
{
	return neighbor(odd, 135, "fd00:1::4");
}

/* Of its own address; from outside: of an address outside. */
static struct packet *advertisement(struct odd *odd)
{
	return neighbor(odd, 136, odd->place == PLACE_ENDPOINT ? "fd00:1::2" : "2001:db8::7");
}

void build_nd_solicitation(struct odd *odd)
{
	solicitation(odd);
}

void build_nd_solicitation_routed(struct odd *odd)
{
	solicitation(odd);
	odd->packet.data[odd->packet.network + 7] = 254;
}

void build_nd_solicitation_cut(struct odd *odd)
{
	solicitation(odd);
	odd_cut(&odd->packet, odd->packet.network + OPTION_AT - 1);
	odd_store_length(&odd->packet);
}

/* Puts an extension header before the message. */
static void extend(struct odd *odd, uint8_t type, const uint8_t header[8])
{
	uint8_t *network = odd->packet.data + odd->packet.network;

	odd_insert(&odd->packet, odd->packet.network + HEADER, header, 8);
	network[HEADER] = network[6];
	network[6] = type;
	odd_store_length(&odd->packet);
}

static const uint8_t nothing[8] = {0, 0, 1, 4}, first_fragment[8] = {0, 0, 0, 1};

void build_nd_solicitation_fragment(struct odd *odd)
{
	solicitation(odd);
	extend(odd, IPPROTO_FRAGMENT, first_fragment);
}

void build_nd_solicitation_extended(struct odd *odd)
{
	solicitation(odd);
	extend(odd, IPPROTO_DSTOPTS, nothing);
}

void build_nd_solicitation_spoofed(struct odd *odd)
{
	odd_address(odd, odd->spec.source, "", "fd00:1::3");
	solicitation(odd);
}

void build_nd_solicitation_claims_mac(struct odd *odd)
{
	solicitation(odd);
	odd->packet.data[odd->packet.network + OPTION_AT + 7] = SCENE_PEER_HOST;
}

static void duplicate(struct odd *odd, const char *target)
{
	odd_address(odd, odd->spec.source, "", "::");
	odd_to_group(odd, "", "ff02::1:ff00:4");
	neighbor(odd, 135, target);
	odd_cut(&odd->packet, odd->packet.network + OPTION_AT);
	odd_store_length(&odd->packet);
}

void build_nd_duplicate_own(struct odd *odd)
{
	duplicate(odd, "fd00:1::2");
}

void build_nd_duplicate_of_owned(struct odd *odd)
{
	duplicate(odd, "fd00:1::4");
}

void build_nd_advertisement(struct odd *odd)
{
	advertisement(odd);
}

void build_nd_advertisement_of_peer(struct odd *odd)
{
	neighbor(odd, 136, "fd00:1::3");
}

void build_nd_advertisement_of_gateway(struct odd *odd)
{
	neighbor(odd, 136, "fd00:1::1");
}

void build_nd_advertisement_claims_mac(struct odd *odd)
{
	advertisement(odd);
	odd->packet.data[odd->packet.network + OPTION_AT + 7] = SCENE_PEER_HOST;
}

void build_nd_advertisement_second_option(struct odd *odd)
{
	static const uint8_t nonce[8] = {14, 1, 1, 2, 3, 4, 5, 6};

	build_nd_advertisement_claims_mac(odd);
	odd_insert(&odd->packet, odd->packet.network + OPTION_AT, nonce, sizeof(nonce));
	odd_store_length(&odd->packet);
}

void build_nd_advertisement_option_0(struct odd *odd)
{
	advertisement(odd);
	odd->packet.data[odd->packet.network + OPTION_AT + 1] = 0;
}

void build_nd_advertisement_option_beyond(struct odd *odd)
{
	advertisement(odd);
	odd->packet.data[odd->packet.network + OPTION_AT + 1] = 2;
}

/* Behind the option that is there. */
static void append_options(struct odd *odd, const uint8_t option[8], unsigned int n)
{
	advertisement(odd);
	for (; n > 0; n--)
		odd_insert(&odd->packet, odd->packet.length, option, 8);
	odd_store_length(&odd->packet);
}

void build_nd_advertisement_two_macs(struct odd *odd)
{
	append_options(odd, (const uint8_t[8]){2, 1, 2, 0, 0, 0, 0, SCENE_PEER_HOST}, 1);
}

void build_nd_advertisement_many_options(struct odd *odd)
{
	append_options(odd, (const uint8_t[8]){14, 1}, 11);
}

/* A message of routers. */
static void routers(struct odd *odd, uint8_t type, uint8_t limit)
{
	odd->spec.protocol = IPPROTO_ICMPV6;
	odd->spec.icmp_type = type;
	odd->spec.ttl = limit;
	odd->spec.payload = 32;
}

void build_nd_router_advertisement(struct odd *odd)
{
	routers(odd, 134, 255);
}

void build_nd_router_advertisement_routed(struct odd *odd)
{
	routers(odd, 134, 64);
}

void build_nd_router_advertisement_extended(struct odd *odd)
{
	routers(odd, 134, 255);
	odd->spec.n_extensions = 2;
	odd->spec.extensions[0] = IPPROTO_HOPOPTS;
	odd->spec.extensions[1] = IPPROTO_DSTOPTS;
}

void build_nd_router_advertisement_fragment(struct odd *odd)
{
	routers(odd, 134, 255);
	odd->spec.fragment = odd->spec.more_fragments = true;
}

void build_nd_redirect(struct odd *odd)
{
	routers(odd, 137, 255);
}

void build_nd_router_solicitation(struct odd *odd)
{
	routers(odd, 133, 255);
	odd->spec.payload = 0;
	odd_to_group(odd, "", "ff02::2");
}

void build_nd_router_solicitation_unicast(struct odd *odd)
{
	routers(odd, 133, 255);
	odd->spec.payload = 0;
}
