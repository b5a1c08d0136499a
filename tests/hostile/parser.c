// SPDX-License-Identifier: GPL-2.0-only
#include "parser.h"

#include <string.h>

/* Numbers of IEEE 802 and of IANA, written down once more on purpose. */
enum {
	ETHERNET_HEADER = 14,
	TYPE_IPV4 = 0x0800,
	TYPE_ARP = 0x0806,
	TYPE_VLAN = 0x8100,
	TYPE_IPV6 = 0x86dd,
	TYPE_SERVICE_VLAN = 0x88a8,
	TYPE_SMALLEST = 0x0600,
	ARP_LARGEST_FRAME = 64,
	PROTOCOL_ICMP = 1,
	PROTOCOL_IGMP = 2,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_DCCP = 33,
	PROTOCOL_ICMPV6 = 58,
	PROTOCOL_SCTP = 132,
	PROTOCOL_UDPLITE = 136,
	EXTENSION_HOP_BY_HOP = 0,
	EXTENSION_ROUTING = 43,
	EXTENSION_FRAGMENT = 44,
	EXTENSION_AUTHENTICATION = 51,
	EXTENSION_DESTINATION = 60,
	LARGEST_PACKET = 65535,
};

/* What is left to be read. Whoever reads beyond its end gets zeros, and `broken` is set for good. */
struct rest {
	const uint8_t *at;
	size_t left;
	bool broken;
};

static uint8_t take8(struct rest *rest)
{
	if (!rest->left) {
		rest->broken = true;
		return 0;
	}
	rest->left--;
	return *rest->at++;
}

static uint16_t take16(struct rest *rest)
{
	uint16_t high = take8(rest);

	return (uint16_t)(high << 8 | take8(rest));
}

static void take(struct rest *rest, uint8_t *ret, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = take8(rest);
}

static void skip(struct rest *rest, size_t n)
{
	if (n > rest->left) {
		rest->broken = true;
		n = rest->left;
	}
	rest->at += n;
	rest->left -= n;
}

/* Everything behind the first `n` bytes is none of the packet's. */
static void shorten(struct rest *rest, size_t n)
{
	if (n > rest->left)
		rest->broken = true;
	else
		rest->left = n;
}

static enum epg_reason verdict(const struct rest *rest)
{
	return rest->broken ? EPG_REASON_MALFORMED : EPG_REASON_NONE;
}

/* ---- upper layers ---- */

static void read_tcp(struct rest rest, struct reference_packet *packet, struct rest *whole)
{
	const size_t left = rest.left;
	uint8_t offset, flags;

	packet->source_port = take16(&rest);
	packet->destination_port = take16(&rest);
	skip(&rest, 8);
	offset = take8(&rest) >> 4;
	flags = take8(&rest);
	skip(&rest, 6);
	packet->tcp_flags = (uint8_t)((flags & 7) | (flags & 0x10 ? EPG_FLAG_ACK : 0));
	whole->broken |= rest.broken || offset < 5 || offset * 4u > left;
}

static void read_udp(struct rest rest, struct reference_packet *packet, struct rest *whole)
{
	const size_t left = rest.left;
	uint16_t length;

	packet->source_port = take16(&rest);
	packet->destination_port = take16(&rest);
	length = take16(&rest);
	take16(&rest);
	whole->broken |= rest.broken || length < 8;
	/* Of a packet in pieces it tells the length of them all. */
	if (packet->fragment == EPG_FRAGMENT_NONE && length > left)
		whole->broken = true;
}

static void read_ports(struct rest rest, struct reference_packet *packet, struct rest *whole)
{
	packet->source_port = take16(&rest);
	packet->destination_port = take16(&rest);
	skip(&rest, 4);
	if (packet->protocol == PROTOCOL_DCCP) {
		packet->chunk = take8(&rest) >> 1 & 0xf;
		skip(&rest, 3);
	} else if (packet->protocol == PROTOCOL_SCTP) {
		skip(&rest, 4);
		packet->chunk = rest.left >= 4 ? *rest.at : 0;
	}
	whole->broken |= rest.broken;
}

/* RFC 4861, 4.6: a link-layer address that any option tells; another one than the frame's, if there is one. */
static void read_link_layer_options(struct rest rest, struct reference_packet *packet, struct rest *whole)
{
	for (int i = 0; rest.left >= 8; i++) {
		struct rest option = rest;
		uint8_t type = take8(&option), eights = take8(&option), mac[6];

		if (!eights || i == PARSER_OPTIONS_MAX) {
			whole->broken = true;
			return;
		}
		take(&option, mac, 6);
		if ((type == 1 || type == 2) && eights == 1 && memcmp(mac, packet->source_mac, 6) != 0)
			memcpy(packet->claimed_mac, mac, 6);
		skip(&rest, eights * 8u);
	}
	whole->broken |= rest.broken;
}

static void read_icmp(struct rest rest, struct reference_packet *packet, struct rest *whole)
{
	bool target;

	packet->icmp_type = take8(&rest);
	packet->icmp_code = take8(&rest);
	take16(&rest);
	packet->echo = take16(&rest);
	take16(&rest);
	whole->broken |= rest.broken;
	if (packet->ether_type != TYPE_IPV6 || packet->icmp_type < 133 || packet->icmp_type > 136)
		return;
	target = packet->icmp_type >= 135;
	if (target)
		take(&rest, packet->target, 16);
	whole->broken |= rest.broken;
	if (target || packet->icmp_type == 133)
		read_link_layer_options(rest, packet, whole);
}

static bool is_icmp(const struct reference_packet *packet)
{
	return packet->protocol == (packet->ether_type == TYPE_IPV4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6);
}

static void read_upper(struct rest *rest, struct reference_packet *packet)
{
	if (packet->fragment == EPG_FRAGMENT_LATER)
		return;
	if (is_icmp(packet)) {
		read_icmp(*rest, packet, rest);
		return;
	}
	switch (packet->protocol) {
	case PROTOCOL_TCP:
		read_tcp(*rest, packet, rest);
		break;
	case PROTOCOL_UDP:
		read_udp(*rest, packet, rest);
		break;
	case PROTOCOL_UDPLITE:
	case PROTOCOL_SCTP:
	case PROTOCOL_DCCP:
		read_ports(*rest, packet, rest);
		break;
	case PROTOCOL_IGMP:
		packet->icmp_type = rest->left ? *rest->at : 0;
		if (packet->ether_type == TYPE_IPV4 && rest->left < 8)
			rest->broken = true;
		break;
	default:
		break;
	}
}

bool parser_is_error(const struct reference_packet *packet)
{
	if ((packet->ether_type != TYPE_IPV4 && packet->ether_type != TYPE_IPV6) || !is_icmp(packet) ||
	    packet->fragment == EPG_FRAGMENT_LATER)
		return false;
	if (packet->ether_type == TYPE_IPV6)
		return packet->icmp_type < 128;
	return packet->icmp_type == 3 || packet->icmp_type == 4 || packet->icmp_type == 11 || packet->icmp_type == 12;
}

/* ---- IP ---- */

/* `rest` holds just the piece. */
static void note_piece(struct rest *rest, struct reference_packet *packet, unsigned int eights, bool more)
{
	unsigned int end = eights * 8 + (unsigned int)rest->left;

	if (!eights && !more)
		return;
	if (packet->fragment || !rest->left)
		rest->broken = true; /* a piece of a piece, or of nothing */
	packet->fragment = eights ? EPG_FRAGMENT_LATER : EPG_FRAGMENT_FIRST;
	packet->piece_begin = (uint16_t)(eights * 8);
	packet->piece_end = (uint16_t)end;
	if (end > LARGEST_PACKET || (more && rest->left % 8) || (eights == 1 && packet->protocol == PROTOCOL_TCP))
		rest->broken = true;
}

static void read_ipv4_address(struct rest *rest, uint8_t ret[16])
{
	memset(ret, 0, 10);
	memset(ret + 10, 0xff, 2);
	take(rest, ret + 12, 4);
}

static enum epg_reason read_ipv4(struct rest rest, struct reference_packet *packet)
{
	uint8_t first = take8(&rest), traffic = take8(&rest);
	uint16_t total = take16(&rest), id = take16(&rest), fragment = take16(&rest);
	unsigned int header = (first & 15u) * 4;

	(void)id;
	if (first >> 4 != 4 || header < 20 || total < header)
		return EPG_REASON_MALFORMED;
	shorten(&rest, total - 8u);
	packet->forwarded = take8(&rest) != 255;
	packet->protocol = take8(&rest);
	take16(&rest);
	read_ipv4_address(&rest, packet->source);
	read_ipv4_address(&rest, packet->destination);
	packet->dscp = traffic >> 2;
	skip(&rest, header - 20);
	note_piece(&rest, packet, fragment & 0x1fff, fragment & 0x2000);
	read_upper(&rest, packet);
	return verdict(&rest);
}

static bool is_extension(uint8_t protocol)
{
	return protocol == EXTENSION_HOP_BY_HOP || protocol == EXTENSION_ROUTING || protocol == EXTENSION_FRAGMENT ||
	       protocol == EXTENSION_AUTHENTICATION || protocol == EXTENSION_DESTINATION;
}

/* One header; `rest` is moved behind it. */
static void read_extension(struct rest *rest, struct reference_packet *packet)
{
	struct rest header = *rest;
	uint8_t type = packet->protocol, next = take8(&header), length = take8(&header);
	uint16_t fragment = take16(&header);

	packet->protocol = next;
	if (type == EXTENSION_FRAGMENT) {
		skip(rest, 8);
		note_piece(rest, packet, fragment >> 3, fragment & 1);
	} else {
		skip(rest, type == EXTENSION_AUTHENTICATION ? (length + 2u) * 4 : (length + 1u) * 8);
	}
}

static enum epg_reason read_ipv6(struct rest rest, struct reference_packet *packet)
{
	static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
	uint16_t first = take16(&rest), payload;

	take16(&rest);
	payload = take16(&rest);
	packet->protocol = take8(&rest);
	packet->forwarded = take8(&rest) != 255;
	take(&rest, packet->source, 16);
	take(&rest, packet->destination, 16);
	shorten(&rest, payload);
	if (rest.broken || first >> 12 != 6)
		return EPG_REASON_MALFORMED;
	if (!memcmp(packet->source, mapped, 12) || !memcmp(packet->destination, mapped, 12))
		return EPG_REASON_MALFORMED;
	packet->dscp = (uint8_t)(first >> 6 & 0x3f);
	for (int i = 0; is_extension(packet->protocol) && packet->fragment != EPG_FRAGMENT_LATER; i++) {
		if (i == PARSER_EXTENSIONS_MAX)
			return EPG_REASON_EXTENSION;
		read_extension(&rest, packet);
		if (rest.broken)
			return EPG_REASON_MALFORMED;
	}
	read_upper(&rest, packet);
	return verdict(&rest);
}

static enum epg_reason read_arp(struct rest rest, size_t frame_length, struct reference_packet *packet)
{
	uint16_t hardware = take16(&rest), protocol = take16(&rest), lengths = take16(&rest);

	packet->arp_operation = take16(&rest);
	take(&rest, packet->claimed_mac, 6);
	read_ipv4_address(&rest, packet->source);
	skip(&rest, 6);
	read_ipv4_address(&rest, packet->destination);
	memcpy(packet->target, packet->destination, 16);
	if (hardware != 1 || protocol != TYPE_IPV4 || lengths != 0x0604 || frame_length > ARP_LARGEST_FRAME)
		return EPG_REASON_MALFORMED;
	return verdict(&rest);
}

enum epg_reason parser_read(const uint8_t *frame, size_t length, struct reference_packet *ret)
{
	struct rest rest = {.at = frame, .left = length};
	size_t untagged = length;

	memset(ret, 0, sizeof(*ret));
	take(&rest, ret->destination_mac, 6);
	take(&rest, ret->source_mac, 6);
	ret->ether_type = take16(&rest);
	if (ret->ether_type == TYPE_VLAN) {
		uint16_t control = take16(&rest);

		ret->ether_type = take16(&rest);
		ret->vlan = rest.broken ? 0 : control & 0xfff;
		untagged -= 4;
	}
	if (rest.broken)
		return EPG_REASON_MALFORMED;
	switch (ret->ether_type) {
	case TYPE_IPV4:
		return read_ipv4(rest, ret);
	case TYPE_IPV6:
		return read_ipv6(rest, ret);
	case TYPE_ARP:
		return read_arp(rest, untagged, ret);
	case TYPE_VLAN:
	case TYPE_SERVICE_VLAN:
		return EPG_REASON_VLAN;
	default:
		if (ret->ether_type < TYPE_SMALLEST || ret->destination_mac[0] & 1)
			return EPG_REASON_ETHERTYPE;
		return EPG_REASON_NONE;
	}
}
