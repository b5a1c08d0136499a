/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "inspect/packet.h"

#include <errno.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <netinet/in.h>

#include "base/util.h"

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define TCP_HEADER 20
#define UDP_HEADER 8
#define ICMP_HEADER 8
#define DCCP_REQUEST 20 /* with sequence numbers of 48 bits, and the service code */
#define EXTENSION_BYTES 8
#define AUTHENTICATION_BYTES 16

#define MAPPED_IPV4 12 /* where the four bytes of a mapped address begin */

#define SCTP_CHECKSUM_AT 8

#define QUOTE_MAX_IPV4 548  /* RFC 1812, 4.3.2.3: the error fits in 576 bytes */
#define QUOTE_MAX_IPV6 1232 /* RFC 4443, 2.4: the error fits in 1280 bytes */

bool packet_address_is_ipv4(const uint8_t address[16])
{
	static const uint8_t prefix[MAPPED_IPV4] = {[10] = 0xff, [11] = 0xff};

	return memcmp(address, prefix, sizeof(prefix)) == 0;
}

/* ---- appending; running over the end is remembered as a length beyond it ---- */

static uint8_t *append_zeros(struct packet *packet, size_t length)
{
	uint8_t *at = packet->data + packet->length;

	if (packet->length > PACKET_MAX || length > PACKET_MAX - packet->length) {
		packet->length = PACKET_MAX + 1;
		return NULL;
	}
	packet->length += length;
	return memset(at, 0, length);
}

static void append(struct packet *packet, const void *bytes, size_t length)
{
	uint8_t *at = append_zeros(packet, length);

	if (at && length > 0)
		memcpy(at, bytes, length);
}

static void append_byte(struct packet *packet, uint8_t value)
{
	append(packet, &value, sizeof(value));
}

static void append_be16(struct packet *packet, uint16_t value)
{
	uint16_t value_be = htons(value);

	append(packet, &value_be, sizeof(value_be));
}

/* Puts a 16-bit value where zeros were left for it. */
static void store_be16(struct packet *packet, size_t offset, uint16_t value)
{
	uint16_t value_be = htons(value);

	if (packet->length <= PACKET_MAX)
		memcpy(packet->data + offset, &value_be, sizeof(value_be));
}

/* ---- checksums: RFC 1071 ---- */

static uint32_t checksum_add(uint32_t sum, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		sum += i & 1 ? bytes[i] : (uint32_t)bytes[i] << 8;
	return sum;
}

static uint16_t checksum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Over the pseudo-header of the packet's family and everything from the upper-layer header on. */
static uint16_t upper_checksum(const struct packet *packet, const struct packet_spec *spec)
{
	bool ipv4 = packet_address_is_ipv4(spec->source);
	size_t skip = ipv4 ? MAPPED_IPV4 : 0;
	size_t length = packet->length - packet->transport;
	uint32_t sum = 0;

	if (spec->protocol != IPPROTO_ICMP) {
		sum = checksum_add(sum, spec->source + skip, sizeof(spec->source) - skip);
		sum = checksum_add(sum, spec->destination + skip, sizeof(spec->destination) - skip);
		sum += (uint32_t)length + spec->protocol;
	}
	return checksum_fold(checksum_add(sum, packet->data + packet->transport, length));
}

/* RFC 9260, appendix A: CRC32c over everything from the upper-layer header on, its bytes in little-endian order. */
static void store_crc32c(struct packet *packet, size_t offset)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = packet->transport; i < packet->length; i++) {
		crc ^= packet->data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	crc = ~crc;
	for (int i = 0; i < 4; i++)
		packet->data[offset + i] = (uint8_t)(crc >> 8 * i);
}

/* ---- headers ---- */

static void begin_frame(struct packet *packet, const struct packet_spec *spec, uint16_t ethertype)
{
	packet->length = 0;
	append(packet, spec->destination_mac, ETH_ALEN);
	append(packet, spec->source_mac, ETH_ALEN);
	for (size_t i = 0; i < spec->n_tags && i < PACKET_TAGS_MAX; i++) {
		append_be16(packet, spec->tags[i].ethertype);
		append_be16(packet, spec->tags[i].control);
	}
	append_be16(packet, ethertype);
	packet->network = packet->length;
}

static void append_ipv4(struct packet *packet, const struct packet_spec *spec)
{
	uint16_t fragment = spec->fragment ? spec->fragment_offset & 0x1fff : 0;
	uint8_t *options;

	if (spec->fragment && spec->more_fragments)
		fragment |= 0x2000;
	append_byte(packet, (uint8_t)(0x40 | (IPV4_HEADER + spec->ipv4_options) / 4));
	append_byte(packet, (uint8_t)(spec->dscp << 2));
	append_be16(packet, 0); /* the length, at the end */
	append_be16(packet, spec->fragment_id);
	append_be16(packet, fragment);
	append_byte(packet, spec->ttl ? spec->ttl : PACKET_TTL);
	append_byte(packet, spec->protocol);
	append_be16(packet, 0); /* the checksum, at the end */
	append(packet, spec->source + MAPPED_IPV4, 4);
	append(packet, spec->destination + MAPPED_IPV4, 4);
	options = append_zeros(packet, spec->ipv4_options);
	if (options)
		memset(options, 1, spec->ipv4_options); /* RFC 791: no operation */
}

/* One extension header that does nothing. */
static void append_extension(struct packet *packet, uint8_t type, uint8_t next)
{
	static const uint8_t padding[6] = {1, 4}; /* RFC 8200, 4.2: PadN of six bytes */

	append_byte(packet, next);
	switch (type) {
	case IPPROTO_AH:
		append_byte(packet, AUTHENTICATION_BYTES / 4 - 2);
		append_zeros(packet, AUTHENTICATION_BYTES - 2);
		break;
	case IPPROTO_HOPOPTS:
	case IPPROTO_DSTOPTS:
		append_byte(packet, 0);
		append(packet, padding, sizeof(padding));
		break;
	default:
		append_zeros(packet, EXTENSION_BYTES - 1);
		break;
	}
}

static void append_fragment_header(struct packet *packet, const struct packet_spec *spec)
{
	append_byte(packet, spec->protocol);
	append_byte(packet, 0);
	append_be16(packet, (uint16_t)(spec->fragment_offset << 3 | spec->more_fragments));
	append_be16(packet, 0);
	append_be16(packet, spec->fragment_id);
}

static void append_ipv6(struct packet *packet, const struct packet_spec *spec)
{
	uint8_t upper = spec->fragment ? IPPROTO_FRAGMENT : spec->protocol;

	append_be16(packet, (uint16_t)(0x6000 | spec->dscp << 6));
	append_zeros(packet, 2);
	append_be16(packet, 0); /* the length, at the end */
	append_byte(packet, spec->n_extensions > 0 ? spec->extensions[0] : upper);
	append_byte(packet, spec->ttl ? spec->ttl : PACKET_TTL);
	append(packet, spec->source, sizeof(spec->source));
	append(packet, spec->destination, sizeof(spec->destination));
	for (size_t i = 0; i < spec->n_extensions; i++)
		append_extension(packet, spec->extensions[i],
				 i + 1 < spec->n_extensions ? spec->extensions[i + 1] : upper);
	if (spec->fragment)
		append_fragment_header(packet, spec);
}

static void append_ports(struct packet *packet, const struct packet_spec *spec)
{
	append_be16(packet, spec->source_port);
	append_be16(packet, spec->destination_port);
}

static void append_tcp(struct packet *packet, const struct packet_spec *spec)
{
	append_ports(packet, spec);
	append_zeros(packet, 8); /* sequence, acknowledgement */
	append_byte(packet, (TCP_HEADER / 4) << 4);
	append_byte(packet, spec->tcp_flags);
	append_be16(packet, UINT16_MAX); /* window */
	append_zeros(packet, 4);         /* checksum, urgent pointer */
}

/* UDP-Lite too (RFC 3828): its checksum covers as many bytes as the length tells. */
static void append_udp(struct packet *packet, const struct packet_spec *spec)
{
	append_ports(packet, spec);
	append_be16(packet, (uint16_t)(UDP_HEADER + spec->payload));
	append_be16(packet, 0);
}

static void append_sctp(struct packet *packet, const struct packet_spec *spec)
{
	append_ports(packet, spec);
	append_zeros(packet, 8); /* verification tag, checksum */
}

/* RFC 4340, 5.1: a request, whose sequence number is the long one. */
static void append_dccp(struct packet *packet, const struct packet_spec *spec)
{
	append_ports(packet, spec);
	append_byte(packet, DCCP_REQUEST / 4);
	append_zeros(packet, 3); /* coverage: all; checksum */
	append_byte(packet, 1);
	append_zeros(packet, DCCP_REQUEST - 9);
}

static void append_icmp(struct packet *packet, const struct packet_spec *spec)
{
	append_byte(packet, spec->icmp_type);
	append_byte(packet, spec->icmp_code);
	append_be16(packet, 0);
	append_be16(packet, spec->icmp_id);
	append_be16(packet, 0);
}

/* An upper layer with a header of ours. */
struct upper {
	uint8_t protocol;
	void (*append)(struct packet *packet, const struct packet_spec *spec);
	uint8_t checksum_at;
	bool zero_means_none; /* RFC 768: a checksum of zero is sent as all ones */
};

/* NULL: all that follows is payload. */
static const struct upper *upper_of(const struct packet_spec *spec)
{
	static const struct upper uppers[] = {
		{IPPROTO_TCP, append_tcp, 16, false},    {IPPROTO_UDP, append_udp, 6, true},
		{IPPROTO_UDPLITE, append_udp, 6, true},  {IPPROTO_SCTP, append_sctp, SCTP_CHECKSUM_AT, false},
		{IPPROTO_DCCP, append_dccp, 6, false},   {IPPROTO_ICMP, append_icmp, 2, false},
		{IPPROTO_ICMPV6, append_icmp, 2, false},
	};

	if (spec->fragment && spec->fragment_offset > 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(uppers); i++)
		if (uppers[i].protocol == spec->protocol)
			return &uppers[i];
	return NULL;
}

static void append_upper(struct packet *packet, const struct packet_spec *spec)
{
	const struct upper *upper = upper_of(spec);

	packet->transport = packet->length;
	if (upper)
		upper->append(packet, spec);
	packet->payload = packet->length;
}

static void store_checksum(struct packet *packet, const struct packet_spec *spec)
{
	const struct upper *upper = upper_of(spec);
	uint16_t checksum;

	if (!upper)
		return;
	if (upper->protocol == IPPROTO_SCTP) {
		store_crc32c(packet, packet->transport + SCTP_CHECKSUM_AT);
		return;
	}
	checksum = upper_checksum(packet, spec);
	if (!checksum && upper->zero_means_none)
		checksum = UINT16_MAX;
	store_be16(packet, packet->transport + upper->checksum_at, checksum);
}

/* Fills in what depends on the whole packet. */
static int finish(struct packet *packet, const struct packet_spec *spec)
{
	size_t after_network = packet->length - packet->network;
	uint16_t checksum;

	if (packet->length > PACKET_MAX)
		return -EMSGSIZE;
	if (packet_address_is_ipv4(spec->source)) {
		size_t header = IPV4_HEADER + spec->ipv4_options;

		store_be16(packet, packet->network + 2, (uint16_t)after_network);
		checksum = checksum_fold(checksum_add(0, packet->data + packet->network, header));
		store_be16(packet, packet->network + 10, checksum);
	} else {
		store_be16(packet, packet->network + 4, (uint16_t)(after_network - IPV6_HEADER));
	}
	store_checksum(packet, spec);
	return 0;
}

static int check(const struct packet_spec *spec)
{
	bool ipv4 = packet_address_is_ipv4(spec->source);

	if (spec->dscp > PACKET_DSCP_MAX)
		return -EINVAL;
	if (ipv4 != packet_address_is_ipv4(spec->destination))
		return -EINVAL;
	if (spec->ipv4_options % 4 || spec->ipv4_options > 40 || (spec->ipv4_options && !ipv4))
		return -EINVAL;
	if (spec->n_tags > PACKET_TAGS_MAX)
		return -EINVAL;
	if (spec->n_extensions > PACKET_EXTENSIONS_MAX || (spec->n_extensions && ipv4))
		return -EINVAL;
	return spec->payload > PACKET_MAX ? -EMSGSIZE : 0;
}

/* Everything up to the payload. */
static void append_headers(struct packet *packet, const struct packet_spec *spec)
{
	if (packet_address_is_ipv4(spec->source)) {
		begin_frame(packet, spec, ETH_P_IP);
		append_ipv4(packet, spec);
	} else {
		begin_frame(packet, spec, ETH_P_IPV6);
		append_ipv6(packet, spec);
	}
	append_upper(packet, spec);
}

int packet_build(const struct packet_spec *spec, struct packet *packet)
{
	int error = check(spec);

	if (error)
		return error;
	append_headers(packet, spec);
	append_zeros(packet, spec->payload);
	return finish(packet, spec);
}

int packet_build_arp(const struct packet_spec *spec, uint16_t operation, struct packet *packet)
{
	struct packet_spec to = *spec;

	if (!packet_address_is_ipv4(spec->source) || !packet_address_is_ipv4(spec->destination))
		return -EINVAL;
	if (operation == ARPOP_REQUEST)
		memset(to.destination_mac, 0xff, ETH_ALEN);
	begin_frame(packet, &to, ETH_P_ARP);
	append_be16(packet, ARPHRD_ETHER);
	append_be16(packet, ETH_P_IP);
	append_byte(packet, ETH_ALEN);
	append_byte(packet, 4);
	append_be16(packet, operation);
	append(packet, spec->source_mac, ETH_ALEN);
	append(packet, spec->source + MAPPED_IPV4, 4);
	if (operation == ARPOP_REQUEST)
		append_zeros(packet, ETH_ALEN);
	else
		append(packet, spec->destination_mac, ETH_ALEN);
	append(packet, spec->destination + MAPPED_IPV4, 4);
	packet->transport = packet->payload = packet->length;
	return 0;
}

int packet_build_other(const struct packet_spec *spec, uint16_t ethertype, struct packet *packet)
{
	begin_frame(packet, spec, ethertype);
	packet->transport = packet->payload = packet->length;
	append_zeros(packet, spec->payload);
	if (packet->length < ETH_ZLEN)
		append_zeros(packet, ETH_ZLEN - packet->length);
	return packet->length > PACKET_MAX ? -EMSGSIZE : 0;
}

int packet_build_neighbor(const struct packet_spec *spec, uint8_t type, const uint8_t target[16], struct packet *packet)
{
	const uint8_t solicitation = 135, advertisement = 136;
	struct packet_spec message = *spec;

	if (packet_address_is_ipv4(spec->source) || packet_address_is_ipv4(spec->destination) ||
	    (type != solicitation && type != advertisement))
		return -EINVAL;
	message.protocol = IPPROTO_ICMPV6;
	message.ttl = 255; /* RFC 4861, 7.1: others are not believed */
	message.icmp_type = type;
	message.icmp_code = 0;
	message.icmp_id = type == advertisement ? 0x6000 : 0; /* solicited, override */
	message.n_extensions = 0;
	message.fragment = false;
	append_headers(packet, &message);
	append(packet, target, 16);
	append_byte(packet, type == advertisement ? 2 : 1); /* target's or source's link-layer address */
	append_byte(packet, 1);
	append(packet, spec->source_mac, ETH_ALEN);
	return finish(packet, &message);
}

int packet_build_error(const struct packet_spec *spec, const struct packet *cause, struct packet *packet)
{
	bool ipv4 = packet_address_is_ipv4(spec->source);
	size_t limit = ipv4 ? QUOTE_MAX_IPV4 : QUOTE_MAX_IPV6;
	size_t quoted = cause->length - cause->network;
	struct packet_spec message = *spec;
	int error;

	message.protocol = ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	message.icmp_id = 0;
	message.fragment = false;
	error = check(&message);
	if (error)
		return error;
	append_headers(packet, &message);
	append(packet, cause->data + cause->network, quoted < limit ? quoted : limit);
	return finish(packet, &message);
}
