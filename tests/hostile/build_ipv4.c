// SPDX-License-Identifier: GPL-2.0-only
/* The IPv4 header and its options; what both families' headers have in common; protocols that nobody reads. */
#include <string.h>

#include <netinet/in.h>

#include "rows.h"

static uint8_t *network(struct odd *odd)
{
	odd_build(odd);
	return odd->packet.data + odd->packet.network;
}

/* ---- options ---- */

/* `bytes` at the beginning of 40 bytes of options. */
static void options(struct odd *odd, const uint8_t *bytes, size_t n)
{
	odd->spec.ipv4_options = 40;
	memcpy(network(odd) + 20, bytes, n);
}

#define OPTIONS(name, ...)                                    \
	void build_##name(struct odd *odd)                    \
	{                                                     \
		static const uint8_t bytes[] = {__VA_ARGS__}; \
                                                              \
		options(odd, bytes, sizeof(bytes));           \
	}

OPTIONS(options_nothing, 1)
OPTIONS(options_loose_route, 131, 7, 4, 10, 1, 0, 3)
OPTIONS(options_strict_route, 137, 7, 4, 10, 1, 0, 3)
OPTIONS(options_record_route, 7, 39, 4)
OPTIONS(options_timestamp, 68, 36, 5, 1)
OPTIONS(options_lying, 131, 255, 4)
OPTIONS(options_zero_length, 131, 0, 4)

void build_options_like_ports(struct odd *odd)
{
	odd->spec.ipv4_options = 4;
	odd->spec.destination_port = 22;
	odd_build(odd);
	odd_store16(&odd->packet, odd->packet.network + 20, 40000);
	odd_store16(&odd->packet, odd->packet.network + 22, SCENE_TCP_PORT);
}

void build_ihl_hides_port(struct odd *odd)
{
	struct packet fake = *odd_build(odd);

	odd->spec.ipv4_options = 40;
	odd->spec.destination_port = 22;
	memcpy(network(odd) + 20, fake.data + fake.transport, 20);
}

/* ---- fields ---- */

#define FIRST_BYTE(name, value)            \
	void build_##name(struct odd *odd) \
	{                                  \
		network(odd)[0] = value;   \
	}

FIRST_BYTE(ihl_0, 0x40)
FIRST_BYTE(ihl_4, 0x44)
FIRST_BYTE(ihl_6, 0x46)
FIRST_BYTE(ihl_15, 0x4f)
FIRST_BYTE(version_0, 0x05)
FIRST_BYTE(version_5, 0x55)
FIRST_BYTE(ipv6_version_4, 0x40)
FIRST_BYTE(ipv6_version_15, 0xf0)

#define TOTAL(name, value)                                                 \
	void build_##name(struct odd *odd)                                 \
	{                                                                  \
		odd_build(odd);                                            \
		odd_store16(&odd->packet, odd->packet.network + 2, value); \
	}

TOTAL(total_zero, 0)
TOTAL(total_below_header, 19)
TOTAL(total_beyond, 41)
TOTAL(total_largest, 65535)
TOTAL(total_cuts_tcp, 39)
TOTAL(total_header_only, 20)

void build_total_cuts_udp(struct odd *odd)
{
	odd_udp(odd);
	build_total_header_only(odd);
	odd->packet.data[odd->packet.network + 3] = 27;
}

void build_header_cut(struct odd *odd)
{
	odd_build(odd);
	odd_cut(&odd->packet, odd->packet.transport - 1);
}

void build_trailing_bytes(struct odd *odd)
{
	static const uint8_t more[100] = {0xff, 0xff};

	odd_build(odd);
	odd_insert(&odd->packet, odd->packet.length, more, sizeof(more));
}

void build_padding(struct odd *odd)
{
	static const uint8_t more[6];

	odd_build(odd);
	odd_insert(&odd->packet, odd->packet.length, more, sizeof(more));
}

static void hop_limit(struct odd *odd, uint8_t value)
{
	network(odd)[odd->ipv4 ? 8 : 7] = value;
}

void build_ttl_0(struct odd *odd)
{
	hop_limit(odd, 0);
}

void build_ttl_255(struct odd *odd)
{
	hop_limit(odd, 255);
}

void build_checksum_wrong(struct odd *odd)
{
	network(odd)[10] ^= 0xff;
}

void build_reserved_flag(struct odd *odd)
{
	network(odd)[6] |= 0x80;
}

void build_traffic_class(struct odd *odd)
{
	odd->spec.dscp = 63;
	if (odd->ipv4)
		network(odd)[1] |= 3;
	else
		network(odd)[1] |= 0x30;
}

void build_gso_tcp(struct odd *odd)
{
	odd->spec.tcp_flags = PACKET_TCP_ACK;
	odd->spec.payload = 1900;
	odd->gso_size = 500;
}

void build_gso_denied(struct odd *odd)
{
	build_gso_tcp(odd);
	odd->spec.destination_port = 22;
}

/* ---- protocols ---- */

#define PROTOCOL(name, number)               \
	void build_##name(struct odd *odd)   \
	{                                    \
		odd->spec.protocol = number; \
		odd->spec.payload = 32;      \
	}

PROTOCOL(protocol_0, 0)
PROTOCOL(protocol_253, 253)
PROTOCOL(protocol_255, 255)
PROTOCOL(gre, 47)
PROTOCOL(esp, 50)
PROTOCOL(l2tp, 115)
PROTOCOL(etherip, 97)
PROTOCOL(ipcomp, 108)
PROTOCOL(no_next_header, 59)
PROTOCOL(mobility, 135)
PROTOCOL(host_identity, 139)

/* The upper header of `inner` becomes what the packet of another protocol carries. */
static void wrap(struct odd *odd, uint8_t protocol, size_t skip, const void *bytes, size_t n)
{
	odd->spec.protocol = protocol;
	odd->spec.payload = skip + n;
	odd_build(odd);
	memcpy(odd->packet.data + odd->packet.payload + skip, bytes, n);
}

void build_esp_like_tcp(struct odd *odd)
{
	struct packet tcp;

	odd->spec.destination_port = 22;
	tcp = *odd_build(odd);
	wrap(odd, IPPROTO_ESP, 8, tcp.data + tcp.transport, 20);
}

void build_ah_in_ipv4(struct odd *odd)
{
	static const uint8_t header[12] = {IPPROTO_TCP, 1};
	struct packet tcp = *odd_build(odd);

	wrap(odd, IPPROTO_AH, sizeof(header), tcp.data + tcp.transport, 20);
	memcpy(odd->packet.data + odd->packet.payload, header, sizeof(header));
}

static void tunnel(struct odd *odd, uint8_t protocol, bool ipv4)
{
	struct odd inner;

	odd_begin(&inner, ipv4, odd->place);
	odd_build(&inner);
	wrap(odd, protocol, 0, inner.packet.data + inner.packet.network, inner.packet.length - inner.packet.network);
}

void build_ip_in_ip(struct odd *odd)
{
	tunnel(odd, IPPROTO_IPIP, true);
}

void build_ipv6_in_ip(struct odd *odd)
{
	tunnel(odd, IPPROTO_IPV6, false);
}

void build_icmp_of_other_family(struct odd *odd)
{
	odd_echo(odd);
	odd->spec.protocol = odd->ipv4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	odd->spec.icmp_type = odd->ipv4 ? 128 : 8;
}
