// SPDX-License-Identifier: GPL-2.0-only
#include "frame.h"

#include <string.h>

#include <linux/if_ether.h>
#include <netinet/in.h>

#define MAPPED_IPV4 12

/* Bytes behind the upper header of a whole packet. */
#define PAYLOAD 24
/* Of a fragment that does not say which bytes it holds. */
#define FIRST_END 48
#define LATER_BYTES 24

struct builder {
	uint8_t *frame;
	size_t length;
};

static void bytes(struct builder *builder, const void *data, size_t n)
{
	memcpy(builder->frame + builder->length, data, n);
	builder->length += n;
}

static void zeros(struct builder *builder, size_t n)
{
	memset(builder->frame + builder->length, 0, n);
	builder->length += n;
}

static void byte(struct builder *builder, unsigned int value)
{
	builder->frame[builder->length++] = (uint8_t)value;
}

static void be16(struct builder *builder, unsigned int value)
{
	byte(builder, value >> 8 & 0xff);
	byte(builder, value & 0xff);
}

/* Which bytes of the packet a fragment holds. */
struct piece {
	unsigned int begin, end;
	bool more;
};

static struct piece piece_of(const struct reference_packet *packet)
{
	struct piece piece = {packet->piece_begin, packet->piece_end, !packet->piece_last};

	if (packet->fragment == EPG_FRAGMENT_FIRST)
		return (struct piece){0, piece.end ? piece.end : FIRST_END, true};
	if (!piece.begin)
		piece = (struct piece){FIRST_END, FIRST_END + LATER_BYTES, true};
	return piece;
}

uint8_t frame_tcp_flags(const struct reference_packet *packet)
{
	return (uint8_t)((packet->tcp_flags & 7) | (packet->tcp_flags & EPG_FLAG_ACK ? 0x10 : 0));
}

static void tcp(struct builder *builder, const struct reference_packet *packet)
{
	be16(builder, packet->source_port);
	be16(builder, packet->destination_port);
	zeros(builder, 8);
	byte(builder, 5 << 4);
	byte(builder, frame_tcp_flags(packet));
	zeros(builder, 6);
}

/* A first fragment of UDP tells the length of the whole. */
static void udp(struct builder *builder, const struct reference_packet *packet)
{
	be16(builder, packet->source_port);
	be16(builder, packet->destination_port);
	be16(builder, packet->fragment == EPG_FRAGMENT_FIRST ? 1400 : 8 + PAYLOAD);
	zeros(builder, 2);
}

/* SCTP with one chunk, DCCP with long sequence numbers. */
static void ports(struct builder *builder, const struct reference_packet *packet)
{
	bool dccp = packet->protocol == IPPROTO_DCCP;

	be16(builder, packet->source_port);
	be16(builder, packet->destination_port);
	byte(builder, dccp ? 5 : 0); /* where data begins, in units of 4 bytes */
	zeros(builder, 3);
	byte(builder, dccp ? packet->chunk << 1 | 1u : 0);
	zeros(builder, 3);
	byte(builder, dccp ? 0 : packet->chunk);
	byte(builder, 0);
	be16(builder, dccp ? 0 : 4);
}

static bool is_neighbor(const struct reference_packet *packet)
{
	return packet->ether_type == ETH_P_IPV6 && packet->protocol == IPPROTO_ICMPV6 &&
	       (packet->icmp_type == 135 || packet->icmp_type == 136);
}

static void icmp(struct builder *builder, const struct reference_packet *packet)
{
	byte(builder, packet->icmp_type);
	byte(builder, packet->icmp_code);
	zeros(builder, 2);
	be16(builder, packet->echo);
	zeros(builder, 2);
	if (!is_neighbor(packet))
		return;
	bytes(builder, packet->target, 16);
	byte(builder, packet->icmp_type == 136 ? 2 : 1);
	byte(builder, 1);
	bytes(builder, packet->source_mac, 6);
}

static void upper(struct builder *builder, const struct reference_packet *packet)
{
	bool is_icmp = packet->protocol == (packet->ether_type == ETH_P_IP ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	struct piece piece = piece_of(packet);
	size_t begin = builder->length;

	if (packet->fragment != EPG_FRAGMENT_LATER) {
		if (packet->protocol == IPPROTO_TCP)
			tcp(builder, packet);
		else if (packet->protocol == IPPROTO_UDP || packet->protocol == IPPROTO_UDPLITE)
			udp(builder, packet);
		else if (packet->protocol == IPPROTO_SCTP || packet->protocol == IPPROTO_DCCP)
			ports(builder, packet);
		else if (is_icmp)
			icmp(builder, packet);
	}
	if (packet->fragment)
		zeros(builder, piece.end - piece.begin - (builder->length - begin));
	else if (!is_neighbor(packet)) /* what stands behind would be options */
		zeros(builder, PAYLOAD);
}

static void ipv4(struct builder *builder, const struct reference_packet *packet)
{
	size_t begin = builder->length, total;
	struct piece piece = piece_of(packet);

	byte(builder, 0x45);
	byte(builder, (unsigned int)packet->dscp << 2);
	zeros(builder, 2);
	be16(builder, packet->piece_id);
	be16(builder, packet->fragment ? piece.begin / 8 | (piece.more ? 0x2000u : 0) : 0);
	byte(builder, 64);
	byte(builder, packet->protocol);
	zeros(builder, 2);
	bytes(builder, packet->source + MAPPED_IPV4, 4);
	bytes(builder, packet->destination + MAPPED_IPV4, 4);
	upper(builder, packet);
	total = builder->length - begin;
	builder->frame[begin + 2] = (uint8_t)(total >> 8);
	builder->frame[begin + 3] = (uint8_t)total;
}

static void ipv6(struct builder *builder, const struct reference_packet *packet)
{
	size_t begin = builder->length, payload;
	struct piece piece = piece_of(packet);

	byte(builder, 0x60 | packet->dscp >> 2);
	byte(builder, (packet->dscp & 3u) << 6);
	zeros(builder, 4);
	byte(builder, packet->fragment ? IPPROTO_FRAGMENT : packet->protocol);
	byte(builder, 255); /* neighbour discovery is believed with this hop limit only */
	bytes(builder, packet->source, 16);
	bytes(builder, packet->destination, 16);
	if (packet->fragment) {
		byte(builder, packet->protocol);
		byte(builder, 0);
		be16(builder, piece.begin | piece.more);
		zeros(builder, 2);
		be16(builder, packet->piece_id);
	}
	upper(builder, packet);
	payload = builder->length - begin - 40;
	builder->frame[begin + 4] = (uint8_t)(payload >> 8);
	builder->frame[begin + 5] = (uint8_t)payload;
}

static void arp(struct builder *builder, const struct reference_packet *packet)
{
	be16(builder, 1);
	be16(builder, ETH_P_IP);
	byte(builder, 6);
	byte(builder, 4);
	be16(builder, packet->arp_operation);
	bytes(builder, packet->source_mac, 6);
	bytes(builder, packet->source + MAPPED_IPV4, 4);
	zeros(builder, 6);
	bytes(builder, packet->target + MAPPED_IPV4, 4);
}

size_t frame_build(const struct reference_packet *packet, uint8_t frame[FRAME_MAX])
{
	struct builder builder = {.frame = frame};

	bytes(&builder, packet->destination_mac, 6);
	bytes(&builder, packet->source_mac, 6);
	be16(&builder, packet->ether_type);
	switch (packet->ether_type) {
	case ETH_P_IP:
		ipv4(&builder, packet);
		break;
	case ETH_P_IPV6:
		ipv6(&builder, packet);
		break;
	case ETH_P_ARP:
		arp(&builder, packet);
		break;
	default:
		zeros(&builder, 46);
	}
	return builder.length;
}
