/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * First step: a frame's bytes become facts. Whatever contradicts itself is refused with a reason; nothing
 * passes because a header could not be read. No pointer into the packet outlives this step.
 */
#ifndef BPF_FRAME_H
#define BPF_FRAME_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "epg/abi.h"

/* Extension headers that are followed before the upper-layer header (docs/datapath.md). */
#define EXTENSION_HEADERS_MAX 6

/* Bytes that are made contiguous when headers do not lie in the packet's first piece. */
#define HEADER_BYTES_MAX 512

/* More fragments follow; which eight bytes of the packet this one begins with. */
#define IPV4_MORE 0x2000
#define IPV4_OFFSET_MASK 0x1fff
#define IPV6_MORE 0x0001
#define IPV6_OFFSET_MASK 0xfff8

/* Below, the field is the length of an IEEE 802.3 frame. */
#define ETHERTYPE_FIRST 0x600

/* <linux/icmp.h> and <linux/if_arp.h> drag the C library in; RFC 792, RFC 4443, RFC 826. */
#define ICMP_ECHOREPLY 0
#define ICMP_DEST_UNREACH 3
#define ICMP_SOURCE_QUENCH 4
#define ICMP_ECHO 8
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETERPROB 12
#define ICMPV6_INFORMATIONAL 128
#define ICMPV6_ECHO_REQUEST 128
#define ICMPV6_ECHO_REPLY 129
#define ARP_HARDWARE_ETHERNET 1
#define ARP_FRAME_MAX 64

#define ND_ROUTER_SOLICITATION 133
#define ND_ROUTER_ADVERTISEMENT 134
#define ND_NEIGHBOR_SOLICITATION 135
#define ND_NEIGHBOR_ADVERTISEMENT 136
#define ND_REDIRECT 137

/* The first eight bytes of ICMP and ICMPv6. */
struct icmp_header {
	__u8 type;
	__u8 code;
	__be16 checksum_be;
	__be16 echo_be;
	__be16 sequence_be;
};

struct arp_packet {
	__be16 hardware_be;
	__be16 protocol_be;
	__u8 hardware_length;
	__u8 protocol_length;
	__be16 operation_be;
	__u8 sender_mac[6];
	__u8 sender[4];
	__u8 target_mac[6];
	__u8 target[4];
};

/* Either family; IPv4 in its mapped form. */
union address {
	__u8 bytes[16];
	__be32 words_be[4];
	__be64 halves_be[2];
};

/* All that later steps know of a packet. */
struct packet {
	union address source;
	union address destination;
	union address target; /* ARP: the sender's protocol address; ND: the target */
	__u8 source_mac[6];
	__u8 destination_mac[6];
	__u8 claimed_mac[6]; /* ARP: the sender's hardware address; ND: of the first link-layer option, else zero */
	__be16 source_port_be;
	__be16 destination_port_be;
	__be16 echo_be; /* identifier of an ICMP echo */
	__u16 ethertype;
	__u32 length;  /* of the frame */
	__u32 upper;   /* offset of the upper-layer header */
	__u8 protocol; /* after extension headers */
	__u8 hop_limit;
	__u8 tcp_flags;
	__u8 icmp_type; /* IGMP: its type */
	__u8 icmp_code;
	__u8 reason;        /* enum epg_reason: why nobody understands the frame */
	__u8 traffic_class; /* DSCP and ECN (RFC 2474, RFC 3168) */
	__u8 fragment;      /* enum epg_fragment */
	__u16 arp_operation;
};

static __always_inline bool is_ipv4(const struct packet *packet)
{
	return packet->ethertype == ETH_P_IP;
}

static __always_inline bool is_ip(const struct packet *packet)
{
	return packet->ethertype == ETH_P_IP || packet->ethertype == ETH_P_IPV6;
}

/* Neither IP nor ARP: known by its MAC addresses and its EtherType alone. */
static __always_inline bool is_other(const struct packet *packet)
{
	return !is_ip(packet) && packet->ethertype != ETH_P_ARP;
}

/* A message of ICMP or ICMPv6, with its type. */
static __always_inline bool is_icmp(const struct packet *packet)
{
	if (packet->fragment == EPG_FRAGMENT_LATER)
		return false;
	return is_ipv4(packet) ? packet->protocol == IPPROTO_ICMP : packet->protocol == IPPROTO_ICMPV6;
}

static __always_inline bool is_echo_request(const struct packet *packet)
{
	return is_icmp(packet) && packet->icmp_type == (is_ipv4(packet) ? ICMP_ECHO : ICMPV6_ECHO_REQUEST);
}

static __always_inline bool is_echo_reply(const struct packet *packet)
{
	return is_icmp(packet) && packet->icmp_type == (is_ipv4(packet) ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY);
}

/* RFC 792, RFC 4443: messages that quote the packet that they complain about. */
static __always_inline bool is_icmp_error(const struct packet *packet)
{
	if (!is_icmp(packet))
		return false;
	if (!is_ipv4(packet))
		return packet->icmp_type < ICMPV6_INFORMATIONAL;
	return packet->icmp_type == ICMP_DEST_UNREACH || packet->icmp_type == ICMP_SOURCE_QUENCH ||
	       packet->icmp_type == ICMP_TIME_EXCEEDED || packet->icmp_type == ICMP_PARAMETERPROB;
}

static __always_inline bool address_equal(const union address *a, const union address *b)
{
	return a->halves_be[0] == b->halves_be[0] && a->halves_be[1] == b->halves_be[1];
}

/* Written in the mapped form: IPv4. */
static __always_inline bool address_is_mapped(const union address *address)
{
	return !address->halves_be[0] && address->words_be[2] == bpf_htonl(0xffff);
}

static __always_inline bool address_is_unspecified(const union address *address)
{
	if (address_is_mapped(address))
		return !address->words_be[3];
	return !address->halves_be[0] && !address->halves_be[1];
}

static __always_inline bool address_is_link_local(const union address *address)
{
	return (address->words_be[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000);
}

/* Multicast of either family, and the IPv4 broadcast to all. */
static __always_inline bool address_is_multicast(const union address *address)
{
	if (address->bytes[0] == 0xff)
		return true;
	return address_is_mapped(address) && (address->bytes[12] >> 4 == 0xe || address->words_be[3] == 0xffffffff);
}

static __always_inline void address_map_ipv4(union address *address, __be32 ipv4_be)
{
	address->halves_be[0] = 0;
	address->words_be[2] = bpf_htonl(0xffff);
	address->words_be[3] = ipv4_be;
}

static __always_inline bool mac_equal(const __u8 *a, const __u8 *b)
{
	return *(const __u16 *)a == *(const __u16 *)b && *(const __u16 *)(a + 2) == *(const __u16 *)(b + 2) &&
	       *(const __u16 *)(a + 4) == *(const __u16 *)(b + 4);
}

static __always_inline bool mac_is_zero(const __u8 *mac)
{
	return !(*(const __u16 *)mac | *(const __u16 *)(mac + 2) | *(const __u16 *)(mac + 4));
}

static __always_inline bool has_ports(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP ||
	       protocol == IPPROTO_UDPLITE || protocol == IPPROTO_DCCP;
}

/* ---- upper layers: `at` is where the header begins, `left` the bytes that the IP header promises from there ---- */

static __always_inline enum epg_reason parse_ports(struct packet *packet, void *at, void *end, __u32 left)
{
	__be16 *ports_be = at;

	if (packet->protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = at;

		if ((void *)(tcp + 1) > end || tcp->doff < 5 || tcp->doff * 4u > left)
			return EPG_REASON_MALFORMED;
		packet->source_port_be = tcp->source;
		packet->destination_port_be = tcp->dest;
		packet->tcp_flags = ((__u8 *)tcp)[13];
	} else if (packet->protocol == IPPROTO_UDP) {
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
	} else if (has_ports(packet->protocol)) {
		if (left < 8 || at + 8 > end)
			return EPG_REASON_MALFORMED;
		packet->source_port_be = ports_be[0];
		packet->destination_port_be = ports_be[1];
	}
	return EPG_REASON_NONE;
}

/* RFC 4861, 4.1 to 4.5: the target address, and the first link-layer address option behind it. */
static __always_inline enum epg_reason parse_neighbor(struct packet *packet, void *at, void *end, __u32 left)
{
	bool has_target =
		packet->icmp_type == ND_NEIGHBOR_SOLICITATION || packet->icmp_type == ND_NEIGHBOR_ADVERTISEMENT;
	__u8 *option = at + 8;

	if (has_target) {
		if (left < 24 || at + 24 > end)
			return EPG_REASON_MALFORMED;
		__builtin_memcpy(&packet->target, at + 8, 16);
		option = at + 24;
	}
	if (packet->icmp_type != ND_ROUTER_SOLICITATION && !has_target)
		return EPG_REASON_NONE;
	if (left < (has_target ? 32 : 16))
		return EPG_REASON_NONE;
	if ((void *)(option + 8) > end)
		return EPG_REASON_MALFORMED;
	if ((option[0] == 1 || option[0] == 2) && option[1] == 1)
		__builtin_memcpy(packet->claimed_mac, option + 2, 6);
	return EPG_REASON_NONE;
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

/* ---- network layers: `left` is the bytes behind the Ethernet header, trailing padding included ---- */

/* RFC 1858, 3.2: a piece that begins with the second eight bytes of TCP would put other flags over the first one's. */
static __always_inline enum epg_reason later_fragment(struct packet *packet, __u32 eights)
{
	packet->fragment = EPG_FRAGMENT_LATER;
	return packet->protocol == IPPROTO_TCP && eights == 1 ? EPG_REASON_MALFORMED : EPG_REASON_NONE;
}

static __always_inline enum epg_reason parse_ipv4(struct packet *packet, void *data, void *end, __u32 left)
{
	struct iphdr *ip = data + ETH_HLEN;
	__u32 header, total;

	if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5)
		return EPG_REASON_MALFORMED;
	header = ip->ihl * 4u;
	total = bpf_ntohs(ip->tot_len);
	if (!total && left > 0xffff)
		total = left; /* aggregated beyond what the field can say */
	if (total < header || total > left)
		return EPG_REASON_MALFORMED;
	address_map_ipv4(&packet->source, ip->saddr);
	address_map_ipv4(&packet->destination, ip->daddr);
	packet->protocol = ip->protocol;
	packet->hop_limit = ip->ttl;
	packet->traffic_class = ip->tos;
	packet->upper = ETH_HLEN + header;
	if (ip->frag_off & bpf_htons(IPV4_OFFSET_MASK))
		return later_fragment(packet, bpf_ntohs(ip->frag_off) & IPV4_OFFSET_MASK);
	if (ip->frag_off & bpf_htons(IPV4_MORE))
		packet->fragment = EPG_FRAGMENT_FIRST;
	return parse_upper(packet, (void *)ip + header, end, total - header);
}

/* RFC 8200, 4.5. One that is the whole packet (RFC 6946) is none. */
static __always_inline enum epg_reason parse_fragment_header(struct packet *packet, const __u8 *header)
{
	__u32 offset = bpf_ntohs(*(__be16 *)(header + 2));

	packet->protocol = header[0];
	if (offset & IPV6_OFFSET_MASK)
		return later_fragment(packet, offset >> 3);
	if (offset & IPV6_MORE)
		packet->fragment = EPG_FRAGMENT_FIRST;
	return EPG_REASON_NONE;
}

/*
 * Follows the extension headers (RFC 8200, section 4) from `*at`. ESP and "no next header" end the chain as
 * protocols of their own; a later fragment ends it too.
 */
static __always_inline enum epg_reason parse_extensions(struct packet *packet, void **at, void *end, __u32 *left)
{
#pragma unroll
	for (int i = 0; i <= EXTENSION_HEADERS_MAX; i++) {
		enum epg_reason reason;
		__u8 *header = *at;
		__u32 length;

		switch (packet->protocol) {
		case IPPROTO_FRAGMENT:
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
		case IPPROTO_AH:
			break;
		default:
			return EPG_REASON_NONE;
		}
		if ((void *)(header + 8) > end)
			return EPG_REASON_MALFORMED;
		if (packet->protocol == IPPROTO_FRAGMENT)
			length = 8;
		else
			length = packet->protocol == IPPROTO_AH ? (header[1] + 2u) * 4 : (header[1] + 1u) * 8;
		if (length > *left)
			return EPG_REASON_MALFORMED;
		packet->upper += length;
		if (packet->protocol == IPPROTO_FRAGMENT) {
			reason = parse_fragment_header(packet, header);
			if (reason || packet->fragment == EPG_FRAGMENT_LATER)
				return reason;
		} else {
			packet->protocol = header[0];
		}
		*left -= length;
		*at += length;
	}
	return EPG_REASON_EXTENSION;
}

static __always_inline enum epg_reason parse_ipv6(struct packet *packet, void *data, void *end, __u32 left)
{
	struct ipv6hdr *ip = data + ETH_HLEN;
	enum epg_reason reason;
	void *at = ip + 1;
	__u32 payload;

	if (at > end || ip->version != 6)
		return EPG_REASON_MALFORMED;
	payload = bpf_ntohs(ip->payload_len);
	if (!payload && left > 0xffff)
		payload = left - sizeof(*ip); /* aggregated: a jumbogram */
	if (payload + sizeof(*ip) > left)
		return EPG_REASON_MALFORMED;
	__builtin_memcpy(&packet->source, &ip->saddr, 16);
	__builtin_memcpy(&packet->destination, &ip->daddr, 16);
	if (address_is_mapped(&packet->source) || address_is_mapped(&packet->destination))
		return EPG_REASON_MALFORMED;
	packet->protocol = ip->nexthdr;
	packet->hop_limit = ip->hop_limit;
	packet->traffic_class = ip->priority << 4 | ip->flow_lbl[0] >> 4;
	packet->upper = ETH_HLEN + sizeof(*ip);
	reason = parse_extensions(packet, &at, end, &payload);
	if (reason || packet->fragment == EPG_FRAGMENT_LATER)
		return reason;
	return parse_upper(packet, at, end, payload);
}

/* RFC 826, for IPv4 over Ethernet only. */
static __always_inline enum epg_reason parse_arp(struct packet *packet, void *data, void *end)
{
	struct arp_packet *arp = data + ETH_HLEN;
	__be32 address_be;

	/* Nobody has a reason to put anything behind it but padding. */
	if ((void *)(arp + 1) > end || packet->length > ARP_FRAME_MAX ||
	    arp->hardware_be != bpf_htons(ARP_HARDWARE_ETHERNET) || arp->protocol_be != bpf_htons(ETH_P_IP) ||
	    arp->hardware_length != 6 || arp->protocol_length != 4)
		return EPG_REASON_MALFORMED;
	packet->arp_operation = bpf_ntohs(arp->operation_be);
	__builtin_memcpy(packet->claimed_mac, arp->sender_mac, 6);
	__builtin_memcpy(&address_be, arp->sender, 4);
	address_map_ipv4(&packet->target, address_be);
	packet->source = packet->target;
	__builtin_memcpy(&address_be, arp->target, 4);
	address_map_ipv4(&packet->destination, address_be);
	return EPG_REASON_NONE;
}

/* Reads the frame in [data, end); packet->length, the whole frame's, may be more when it is not contiguous. */
static __noinline int parse_frame(struct packet *packet, void *data, void *end)
{
	struct ethhdr *ethernet = data;
	__u32 left = packet->length - ETH_HLEN;

	if ((void *)(ethernet + 1) > end || packet->length < ETH_HLEN)
		return EPG_REASON_MALFORMED;
	__builtin_memcpy(packet->source_mac, ethernet->h_source, 6);
	__builtin_memcpy(packet->destination_mac, ethernet->h_dest, 6);
	packet->ethertype = bpf_ntohs(ethernet->h_proto);
	switch (packet->ethertype) {
	case ETH_P_IP:
		return parse_ipv4(packet, data, end, left);
	case ETH_P_IPV6:
		return parse_ipv6(packet, data, end, left);
	case ETH_P_ARP:
		return parse_arp(packet, data, end);
	case ETH_P_8021Q:
	case ETH_P_8021AD:
		return EPG_REASON_VLAN;
	default:
		/* Without addresses, groups can only be told by a MAC address that one endpoint has. */
		if (packet->ethertype < ETHERTYPE_FIRST || packet->destination_mac[0] & 1)
			return EPG_REASON_ETHERTYPE;
		return EPG_REASON_NONE;
	}
}

#endif
