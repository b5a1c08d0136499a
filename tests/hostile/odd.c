// SPDX-License-Identifier: GPL-2.0-only
#include "odd.h"

#include <string.h>

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "../differential/ground.h"
#include "base/text.h"

static void mac_of_host(uint8_t host, uint8_t ret[6])
{
	memcpy(ret, (const uint8_t[6]){2, 0, 0, 0, 0, host}, 6);
}

static void address(const char *text, uint8_t ret[16])
{
	GROUND_CHECK(!text_parse_address(text, ret), "not an address: %s", text);
}

void odd_address(const struct odd *odd, uint8_t ret[16], const char *ipv4, const char *ipv6)
{
	address(odd->ipv4 ? ipv4 : ipv6, ret);
}

void odd_begin(struct odd *odd, bool ipv4, enum odd_place place)
{
	memset(odd, 0, offsetof(struct odd, frames));
	odd->ipv4 = ipv4;
	odd->place = place;
	odd->spec = (struct packet_spec){
		.protocol = IPPROTO_TCP,
		.tcp_flags = PACKET_TCP_SYN,
		.source_port = 40000,
		.destination_port = SCENE_TCP_PORT,
	};
	mac_of_host(place == PLACE_ENDPOINT ? SCENE_FRONT_HOST : 0xfe, odd->spec.source_mac);
	mac_of_host(SCENE_BACK_HOST, odd->spec.destination_mac);
	if (place == PLACE_ENDPOINT)
		odd_address(odd, odd->spec.source, "10.1.0.2", "fd00:1::2");
	else
		odd_address(odd, odd->spec.source, "198.51.100.7", "2001:db8::7");
	odd_address(odd, odd->spec.destination, "10.1.0.4", "fd00:1::4");
}

struct packet *odd_build(struct odd *odd)
{
	GROUND_CHECK(!packet_build(&odd->spec, &odd->packet), "the frame can't be built");
	return &odd->packet;
}

static void append(struct odd *odd, bool passes)
{
	struct odd_frame *frame = &odd->frames[odd->n_frames++];

	GROUND_CHECK(odd->n_frames <= ODD_FRAMES_MAX, "too many frames in a row");
	if (!odd->packet.length)
		odd_build(odd);
	frame->by_back = odd->by_back;
	frame->passes = passes;
	frame->length = odd->packet.length;
	memcpy(frame->data, odd->packet.data, frame->length);
	odd->packet.length = 0;
}

void odd_end(struct odd *odd)
{
	append(odd, true);
}

void odd_goes_first(struct odd *odd, bool passes)
{
	append(odd, passes);
}

void odd_is_turned(struct odd *odd)
{
	struct packet_spec asked = odd->spec;

	memcpy(odd->spec.source, asked.destination, 16);
	memcpy(odd->spec.destination, asked.source, 16);
	memcpy(odd->spec.source_mac, asked.destination_mac, 6);
	memcpy(odd->spec.destination_mac, asked.source_mac, 6);
	odd->spec.source_port = asked.destination_port;
	odd->spec.destination_port = asked.source_port;
	odd->by_back = !odd->by_back;
	odd->packet.length = 0;
}

void odd_is_answered(struct odd *odd, uint8_t tcp_flags)
{
	struct packet_spec asked = odd->spec;

	odd_is_turned(odd);
	odd->spec.tcp_flags = tcp_flags;
	if (asked.icmp_type)
		odd->spec.icmp_type = odd->ipv4 ? 0 : 129;
	odd_goes_first(odd, true);
	odd->by_back = !odd->by_back;
	odd->spec = asked;
}

/* ---- specifications ---- */

void odd_udp(struct odd *odd)
{
	odd->spec.protocol = IPPROTO_UDP;
	odd->spec.destination_port = SCENE_UDP_PORT;
	odd->spec.payload = 16;
}

void odd_echo(struct odd *odd)
{
	odd->spec.protocol = odd->ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	odd->spec.icmp_type = odd->ipv4 ? 8 : 128;
	odd->spec.icmp_id = 7;
	odd->spec.payload = 16;
}

void odd_sctp(struct odd *odd, uint8_t chunk)
{
	odd->spec.protocol = IPPROTO_SCTP;
	odd->spec.destination_port = SCENE_SCTP_PORT;
	odd->spec.payload = 20;
	odd_build(odd);
	odd->packet.data[odd->packet.payload] = chunk;
}

void odd_fragment(struct odd *odd, unsigned int begin, size_t length, bool more)
{
	odd->spec.fragment = true;
	odd->spec.fragment_id = 0x4711;
	odd->spec.fragment_offset = (uint16_t)(begin / 8);
	odd->spec.more_fragments = more;
	odd->spec.payload = length;
	if (begin)
		return;
	/* What stands before it in the first one is a part of the packet. */
	odd->spec.payload = 0;
	odd_build(odd);
	odd->spec.payload = length - (odd->packet.length - odd->packet.transport);
	odd->packet.length = 0;
}

void odd_to_group(struct odd *odd, const char *ipv4, const char *ipv6)
{
	odd_address(odd, odd->spec.destination, ipv4, ipv6);
	if (!odd->ipv4) {
		memcpy(odd->spec.destination_mac, (const uint8_t[2]){0x33, 0x33}, 2);
		memcpy(odd->spec.destination_mac + 2, odd->spec.destination + 12, 4);
	} else if (odd->spec.destination[12] == 255) {
		memset(odd->spec.destination_mac, 0xff, 6);
	} else {
		memcpy(odd->spec.destination_mac, (const uint8_t[3]){0x01, 0x00, 0x5e}, 3);
		memcpy(odd->spec.destination_mac + 3, odd->spec.destination + 13, 3);
		odd->spec.destination_mac[3] &= 0x7f;
	}
}

/* ---- built packets ---- */

void odd_store16(struct packet *packet, size_t offset, unsigned int value)
{
	packet->data[offset] = (uint8_t)(value >> 8);
	packet->data[offset + 1] = (uint8_t)value;
}

void odd_insert(struct packet *packet, size_t offset, const void *bytes, size_t n)
{
	GROUND_CHECK(offset <= packet->length && packet->length + n <= PACKET_MAX, "no room in the frame");
	memmove(packet->data + offset + n, packet->data + offset, packet->length - offset);
	memcpy(packet->data + offset, bytes, n);
	packet->length += n;
}

void odd_cut(struct packet *packet, size_t length)
{
	GROUND_CHECK(length <= packet->length, "the frame is shorter than that");
	packet->length = length;
}

void odd_store_length(struct packet *packet)
{
	size_t length = packet->length - packet->network;

	if (packet->data[packet->network] >> 4 == 4)
		odd_store16(packet, packet->network + 2, (unsigned int)length);
	else
		odd_store16(packet, packet->network + 4, (unsigned int)length - 40);
}
