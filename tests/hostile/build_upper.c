// SPDX-License-Identifier: GPL-2.0-only
/* TCP, UDP, and others with ports; DHCP. */
#include <string.h>

#include <netinet/in.h>

#include "rows.h"

#define SYN PACKET_TCP_SYN
#define ACK PACKET_TCP_ACK
#define FIN PACKET_TCP_FIN
#define RST PACKET_TCP_RST
#define PSH PACKET_TCP_PSH
#define URG 0x20
#define ECE 0x40
#define CWR 0x80

static uint8_t *transport(struct odd *odd)
{
	odd_build(odd);
	return odd->packet.data + odd->packet.transport;
}

static void cut_transport(struct odd *odd, size_t length)
{
	transport(odd);
	odd_cut(&odd->packet, odd->packet.transport + length);
	odd_store_length(&odd->packet);
}

/* ---- ports ---- */

#define PORT(name, prepare, port)                  \
	void build_##name(struct odd *odd)         \
	{                                          \
		prepare;                           \
		odd->spec.destination_port = port; \
	}

#define FROM_PORT(name, prepare, port)        \
	void build_##name(struct odd *odd)    \
	{                                     \
		prepare;                      \
		odd->spec.source_port = port; \
	}

PORT(tcp_denied, , 22)
PORT(tcp_taboo, , 23)
PORT(tcp_port_0, , 0)
PORT(udp_denied, odd_udp(odd), 9999)
PORT(udp_port_0, odd_udp(odd), 0)
FROM_PORT(tcp_from_port_0, , 0)
FROM_PORT(udp_from_port_0, odd_udp(odd), 0)

/* ---- flags ---- */

#define FLAGS(name, flags)                   \
	void build_##name(struct odd *odd)   \
	{                                    \
		odd->spec.tcp_flags = flags; \
	}

FLAGS(tcp_null, 0)
FLAGS(tcp_xmas, FIN | PSH | URG)
FLAGS(tcp_all_flags, 0xff)
FLAGS(tcp_syn_fin, SYN | FIN)
FLAGS(tcp_syn_fin_ack, SYN | FIN | ACK)
FLAGS(tcp_syn_rst, SYN | RST)
FLAGS(tcp_fin, FIN)
FLAGS(tcp_psh, PSH)
FLAGS(tcp_urg, URG)
FLAGS(tcp_fin_rst, FIN | RST)
FLAGS(tcp_ack, ACK)
FLAGS(tcp_rst, RST)
FLAGS(tcp_syn_ack, SYN | ACK)
FLAGS(tcp_syn_ecn, SYN | ECE | CWR)
FLAGS(tcp_syn_urg, SYN | URG | PSH)

void build_tcp_answer_unasked(struct odd *odd)
{
	odd->spec.source_port = SCENE_TCP_PORT;
	odd->spec.destination_port = 40000;
	odd->spec.tcp_flags = SYN | ACK;
}

void build_tcp_syn_with_data(struct odd *odd)
{
	odd->spec.payload = 100;
}

/* ---- the TCP header ---- */

#define OFFSET_BYTE(name, value)            \
	void build_##name(struct odd *odd)  \
	{                                   \
		transport(odd)[12] = value; \
	}

OFFSET_BYTE(tcp_offset_0, 0x00)
OFFSET_BYTE(tcp_offset_4, 0x40)
OFFSET_BYTE(tcp_offset_beyond, 0xf0)
OFFSET_BYTE(tcp_reserved_bits, 0x5f)

void build_tcp_cut(struct odd *odd)
{
	cut_transport(odd, 16);
}

/* ---- connections ---- */

/* Both ends have spoken. */
static void establish(struct odd *odd)
{
	odd_goes_first(odd, true);
	odd_is_answered(odd, SYN | ACK);
	odd->spec.tcp_flags = ACK;
	odd_goes_first(odd, true);
}

void build_tcp_simultaneous(struct odd *odd)
{
	odd_goes_first(odd, true);
	odd_is_turned(odd);
}

void build_tcp_syn_by_reply(struct odd *odd)
{
	establish(odd);
	odd_is_turned(odd);
	odd->spec.tcp_flags = SYN;
}

void build_tcp_syn_after_reset(struct odd *odd)
{
	establish(odd);
	odd->spec.tcp_flags = RST;
	odd_goes_first(odd, true);
	odd_is_turned(odd);
	odd->spec.tcp_flags = SYN;
}

void build_tcp_goes_on_after_reset(struct odd *odd)
{
	establish(odd);
	odd->spec.tcp_flags = RST;
	odd_goes_first(odd, true);
	odd_is_turned(odd);
	odd->spec.tcp_flags = ACK;
}

void build_tcp_null_in_flow(struct odd *odd)
{
	establish(odd);
	odd->spec.tcp_flags = 0;
}

/* ---- UDP ---- */

#define UDP_LENGTH(name, length)                                              \
	void build_##name(struct odd *odd)                                    \
	{                                                                     \
		odd_udp(odd);                                                 \
		transport(odd);                                               \
		odd_store16(&odd->packet, odd->packet.transport + 4, length); \
	}

UDP_LENGTH(udp_length_0, 0)
UDP_LENGTH(udp_length_7, 7)
UDP_LENGTH(udp_length_short, 8)
UDP_LENGTH(udp_length_beyond, 8 + 16 + 1)

void build_udp_cut(struct odd *odd)
{
	odd_udp(odd);
	cut_transport(odd, 6);
}

void build_udp_no_checksum(struct odd *odd)
{
	odd_udp(odd);
	transport(odd);
	odd_store16(&odd->packet, odd->packet.transport + 6, 0);
}

void build_udp_answer_unasked(struct odd *odd)
{
	odd_udp(odd);
	odd->spec.source_port = SCENE_UDP_PORT;
	odd->spec.destination_port = 40000;
}

static void udplite(struct odd *odd)
{
	odd->spec.protocol = IPPROTO_UDPLITE;
	odd->spec.destination_port = SCENE_UDPLITE_PORT;
	odd->spec.payload = 16;
}

void build_udplite(struct odd *odd)
{
	udplite(odd);
}

void build_udplite_coverage(struct odd *odd)
{
	udplite(odd);
	transport(odd);
	odd_store16(&odd->packet, odd->packet.transport + 4, 4);
}

void build_udplite_cut(struct odd *odd)
{
	udplite(odd);
	cut_transport(odd, 6);
}

/* ---- SCTP, DCCP ---- */

#define SCTP(name, chunk)                  \
	void build_##name(struct odd *odd) \
	{                                  \
		odd_sctp(odd, chunk);      \
	}

#define CHUNK_DATA 0
#define CHUNK_INIT 1
#define CHUNK_INIT_ACK 2
#define CHUNK_ABORT 6

SCTP(sctp_init, CHUNK_INIT)
SCTP(sctp_data, CHUNK_DATA)
SCTP(sctp_abort, CHUNK_ABORT)

void build_sctp_no_chunk(struct odd *odd)
{
	odd_sctp(odd, CHUNK_DATA);
	cut_transport(odd, 12);
}

void build_sctp_cut(struct odd *odd)
{
	odd_sctp(odd, CHUNK_INIT);
	cut_transport(odd, 10);
}

void build_sctp_denied(struct odd *odd)
{
	odd->spec.destination_port = 22;
	odd_sctp(odd, CHUNK_INIT);
	odd_store16(&odd->packet, odd->packet.transport + 2, 22);
}

/* An association, and a chunk of the one who was asked. */
static void sctp_by_reply(struct odd *odd, uint8_t chunk)
{
	odd_sctp(odd, CHUNK_INIT);
	odd_goes_first(odd, true);
	odd_is_turned(odd);
	odd_build(odd);
	odd->packet.data[odd->packet.payload] = CHUNK_INIT_ACK;
	odd_goes_first(odd, true);
	odd_build(odd);
	odd->packet.data[odd->packet.payload] = chunk;
}

void build_sctp_init_by_reply(struct odd *odd)
{
	sctp_by_reply(odd, CHUNK_INIT);
}

void build_sctp_data_by_reply(struct odd *odd)
{
	sctp_by_reply(odd, CHUNK_DATA);
}

static void dccp(struct odd *odd)
{
	odd->spec.protocol = IPPROTO_DCCP;
	odd->spec.destination_port = SCENE_DCCP_PORT;
}

void build_dccp_request(struct odd *odd)
{
	dccp(odd);
}

void build_dccp_cut(struct odd *odd)
{
	dccp(odd);
	cut_transport(odd, 10);
}

PORT(dccp_denied, dccp(odd), 22)

void build_dccp_request_by_reply(struct odd *odd)
{
	dccp(odd);
	odd_goes_first(odd, true);
	odd_is_turned(odd);
}

/* ---- DHCP ---- */

static void dhcp(struct odd *odd, bool by_client)
{
	const uint16_t client = odd->ipv4 ? 68 : 546, server = odd->ipv4 ? 67 : 547;

	odd_udp(odd);
	odd->spec.payload = 240;
	odd->spec.source_port = by_client ? client : server;
	odd->spec.destination_port = by_client ? server : client;
}

void build_dhcp_discover(struct odd *odd)
{
	dhcp(odd, true);
	odd_address(odd, odd->spec.source, "0.0.0.0", "");
	odd_to_group(odd, "255.255.255.255", "");
}

void build_dhcp_solicit(struct odd *odd)
{
	dhcp(odd, true);
	odd_to_group(odd, "", "ff02::1:2");
}

void build_dhcp_server(struct odd *odd)
{
	dhcp(odd, false);
}

void build_dhcp_server_to_all(struct odd *odd)
{
	dhcp(odd, false);
	odd_to_group(odd, "255.255.255.255", "");
}

void build_dhcp_unicast(struct odd *odd)
{
	dhcp(odd, true);
}

void build_dhcp_spoofed(struct odd *odd)
{
	dhcp(odd, true);
	odd_address(odd, odd->spec.source, "10.1.0.3", "fd00:1::3");
	odd_to_group(odd, "255.255.255.255", "ff02::1:2");
}
