/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The headers above IP. `at` is where one begins, `left` the bytes that the IP header promises from there; whatever is
 * promised and not there is refused.
 */
#ifndef BPF_UPPER_H
#define BPF_UPPER_H

#include "packet.h"

/* RFC 9260, 3.2: types of the first chunk, behind the common header. */
#define SCTP_HEADER 12
#define SCTP_INIT 1
#define SCTP_ABORT 6
#define SCTP_SHUTDOWN_COMPLETE 14

/* RFC 4340, 5.1: the type stands in bits 1 to 4 of byte 8. */
#define DCCP_HEADER 12
#define DCCP_REQUEST 0
#define DCCP_RESET 7

/* Options that are read of neighbour and router solicitations, and of neighbour advertisements. */
#define NEIGHBOR_OPTIONS_MAX 4

/* RFC 9293, 3.10.7: only the first segment and a reset may lack ACK, and neither of them ends anything. */
static __always_inline bool tcp_flags_contradict(__u8 flags)
{
	if (flags & TCP_SYN)
		return flags & (TCP_FIN | TCP_RST);
	return !(flags & (TCP_ACK | TCP_RST));
}

static __always_inline __u8 tcp_signals(__u8 flags)
{
	__u32 syn = flags >> 1, ack = flags >> 4;

	_Static_assert(TCP_SYN == 1 << 1 && TCP_ACK == 1 << 4 && TCP_RST == SIGNAL_ABORTS &&
			       TCP_FIN << 1 == SIGNAL_ENDS,
		       "without branches, which the verifier would multiply");
	return (syn & ~ack & SIGNAL_OPENS) | (flags & TCP_FIN) << 1 | (flags & TCP_RST);
}

static __always_inline enum epg_reason parse_tcp(struct packet *packet, void *at, void *end, __u32 left)
{
	struct tcphdr *tcp = at;
	__u8 flags;

	if ((void *)(tcp + 1) > end || tcp->doff < 5 || tcp->doff * 4u > left)
		return EPG_REASON_MALFORMED;
	flags = ((__u8 *)tcp)[13];
	packet->signals = tcp_signals(flags);
	packet->source_port_be = tcp->source;
	packet->destination_port_be = tcp->dest;
	packet->tcp_flags = flags;
	if (tcp_flags_contradict(flags))
		return EPG_REASON_TCP_FLAGS;
	return EPG_REASON_NONE;
}

static __always_inline enum epg_reason parse_udp(struct packet *packet, void *at, void *end, __u32 left)
{
	struct udphdr *udp = at;
	__u32 length;

	if (left < sizeof(*udp) || (void *)(udp + 1) > end)
		return EPG_REASON_MALFORMED;
	/* The length is the whole datagram's, of which a first fragment has a part. */
	length = bpf_ntohs(udp->len);
	if (length < sizeof(*udp) || (length > left && packet->fragment != EPG_FRAGMENT_FIRST))
		return EPG_REASON_MALFORMED;
	packet->source_port_be = udp->source;
	packet->destination_port_be = udp->dest;
	return EPG_REASON_NONE;
}

/* Of SCTP and DCCP: who begins, and what ends all. */
static __always_inline enum epg_reason parse_signals(struct packet *packet, const __u8 *at, const void *end, __u32 left)
{
	if (packet->protocol == IPPROTO_SCTP) {
		if (left < SCTP_HEADER + 4)
			return left < SCTP_HEADER ? EPG_REASON_MALFORMED : EPG_REASON_NONE;
		if ((void *)(at + SCTP_HEADER + 4) > end)
			return EPG_REASON_MALFORMED;
		if (at[SCTP_HEADER] == SCTP_INIT)
			packet->signals = SIGNAL_OPENS;
		else if (at[SCTP_HEADER] == SCTP_ABORT || at[SCTP_HEADER] == SCTP_SHUTDOWN_COMPLETE)
			packet->signals = SIGNAL_ABORTS;
	} else if (packet->protocol == IPPROTO_DCCP) {
		if (left < DCCP_HEADER || (void *)(at + DCCP_HEADER) > end)
			return EPG_REASON_MALFORMED;
		if ((at[8] >> 1 & 0xf) == DCCP_REQUEST)
			packet->signals = SIGNAL_OPENS;
		else if ((at[8] >> 1 & 0xf) == DCCP_RESET)
			packet->signals = SIGNAL_ABORTS;
	}
	return EPG_REASON_NONE;
}

static __always_inline enum epg_reason parse_ports(struct packet *packet, void *at, void *end, __u32 left)
{
	__be16 *ports_be = at;

	if (packet->protocol == IPPROTO_TCP)
		return parse_tcp(packet, at, end, left);
	if (packet->protocol == IPPROTO_UDP)
		return parse_udp(packet, at, end, left);
	if (!has_ports(packet->protocol))
		return EPG_REASON_NONE;
	if (left < 8 || at + 8 > end)
		return EPG_REASON_MALFORMED;
	packet->source_port_be = ports_be[0];
	packet->destination_port_be = ports_be[1];
	return parse_signals(packet, at, end, left);
}

/*
 * RFC 4861, 4.6: the link-layer addresses that options claim, wherever they stand: one that is not the frame's own source
 * is remembered rather than one that is.
 */
static __always_inline enum epg_reason parse_neighbor_options(struct packet *packet, const __u8 *option, void *end,
							      __u32 left)
{
#pragma unroll
	for (int i = 0; i < NEIGHBOR_OPTIONS_MAX; i++) {
		__u32 length;

		if (left < 8)
			return EPG_REASON_NONE;
		if ((void *)(option + 8) > end)
			return EPG_REASON_MALFORMED;
		length = option[1] * 8u;
		if (!length || length > left)
			return EPG_REASON_MALFORMED;
		if ((option[0] == 1 || option[0] == 2) && length == 8 &&
		    (mac_is_zero(packet->claimed_mac) || mac_equal(packet->claimed_mac, packet->source_mac)))
			__builtin_memcpy(packet->claimed_mac, option + 2, 6);
		option += length;
		left -= length;
	}
	return left < 8 ? EPG_REASON_NONE : EPG_REASON_MALFORMED;
}

/* RFC 4861, 4.1 to 4.5: the target address, and the options behind it. */
static __always_inline enum epg_reason parse_neighbor(struct packet *packet, void *at, void *end, __u32 left)
{
	if (packet->icmp_type == ND_ROUTER_SOLICITATION)
		return parse_neighbor_options(packet, at + 8, end, left - 8);
	if (packet->icmp_type != ND_NEIGHBOR_SOLICITATION && packet->icmp_type != ND_NEIGHBOR_ADVERTISEMENT)
		return EPG_REASON_NONE;
	if (left < 24 || at + 24 > end)
		return EPG_REASON_MALFORMED;
	__builtin_memcpy(&packet->target, at + 8, 16);
	return parse_neighbor_options(packet, at + 24, end, left - 24);
}

static __always_inline enum epg_reason parse_icmp(struct packet *packet, void *at, void *end, __u32 left)
{
	struct icmp_header *icmp = at;

	if (left < sizeof(*icmp) || (void *)(icmp + 1) > end)
		return EPG_REASON_MALFORMED;
	packet->icmp_type = icmp->type;
	packet->icmp_code = icmp->code;
	packet->echo_be = icmp->echo_be;
	if (!is_ipv4(packet) && icmp->type >= ND_ROUTER_SOLICITATION && icmp->type <= ND_REDIRECT)
		return parse_neighbor(packet, at, end, left);
	return EPG_REASON_NONE;
}

/* RFC 3376, section 4: all messages begin with their type and have at least eight bytes. */
static __always_inline enum epg_reason parse_igmp(struct packet *packet, void *at, void *end, __u32 left)
{
	if (left < 8 || at + 8 > end)
		return EPG_REASON_MALFORMED;
	packet->icmp_type = *(__u8 *)at;
	return EPG_REASON_NONE;
}

static __always_inline enum epg_reason parse_upper(struct packet *packet, void *at, void *end, __u32 left)
{
	if (is_icmp(packet))
		return parse_icmp(packet, at, end, left);
	if (is_ipv4(packet) && packet->protocol == IPPROTO_IGMP)
		return parse_igmp(packet, at, end, left);
	return parse_ports(packet, at, end, left);
}

#endif
