/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What later steps know of a packet. No pointer into it is among that. */
#ifndef BPF_PACKET_H
#define BPF_PACKET_H

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

/* Of <linux/if_packet.h>: to the device's own MAC address. */
#define PACKET_HOST 0

/* Bytes that are made contiguous when headers do not lie in the packet's first piece. */
#define HEADER_BYTES_MAX 512

/* Offsets in network headers. */
#define IPV4_TOS 1
#define IPV4_TTL 8
#define IPV4_CHECKSUM 10
#define IPV6_HOP_LIMIT 7

/* More fragments follow; which eight bytes of the packet this one begins with. */
#define IPV4_MORE 0x2000
#define IPV4_OFFSET_MASK 0x1fff
#define IPV6_MORE 0x0001
#define IPV6_OFFSET_MASK 0xfff8

/* <linux/icmp.h> drags the C library in; RFC 792, RFC 1256, RFC 4443. */
#define ICMP_ECHOREPLY 0
#define ICMP_DEST_UNREACH 3
#define ICMP_SOURCE_QUENCH 4
#define ICMP_REDIRECT 5
#define ICMP_ECHO 8
#define ICMP_ROUTER_ADVERTISEMENT 9
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETERPROB 12
#define ICMPV6_INFORMATIONAL 128
#define ICMPV6_ECHO_REQUEST 128
#define ICMPV6_ECHO_REPLY 129

#define ND_ROUTER_SOLICITATION 133
#define ND_ROUTER_ADVERTISEMENT 134
#define ND_NEIGHBOR_SOLICITATION 135
#define ND_NEIGHBOR_ADVERTISEMENT 136
#define ND_REDIRECT 137

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* The first eight bytes of ICMP and ICMPv6. */
struct icmp_header {
	__u8 type;
	__u8 code;
	__be16 checksum_be;
	__be16 echo_be;
	__be16 sequence_be;
};

/* Either family; IPv4 in its mapped form. */
union address {
	__u8 bytes[16];
	__be32 words_be[4];
	__be64 halves_be[2];
};

/* What a packet says about the connection that it is part of. */
enum signal {
	SIGNAL_OPENS = 1,  /* TCP: SYN without ACK; SCTP: INIT; DCCP: Request */
	SIGNAL_ENDS = 2,   /* its side has nothing more to say: TCP: FIN */
	SIGNAL_ABORTS = 4, /* it is over: TCP: RST */
};

/* All that later steps know of a packet. */
struct packet {
	union address source;
	union address destination;
	union address target; /* ARP: the sender's protocol address; ND: the target */
	__u8 source_mac[6];
	__u8 destination_mac[6];
	__u8 claimed_mac[6]; /* ARP: the sender's hardware address; ND: of a link-layer option, else zero */
	__be16 source_port_be;
	__be16 destination_port_be;
	__be16 echo_be; /* identifier of an ICMP echo */
	__u16 ethertype;
	__u32 length;          /* of the frame */
	__u32 network;         /* offset of the network header */
	__u32 upper;           /* offset of the upper-layer header */
	__be32 fragment_id_be; /* of the packet that a fragment is a piece of */
	__u32 fragment_start;  /* which of that packet's bytes a fragment holds, from this one … */
	__u32 fragment_end;    /* … to before this one */
	__u8 protocol;         /* after extension headers */
	__u8 hop_limit;
	__u8 tcp_flags;
	__u8 icmp_type; /* IGMP: its type */
	__u8 icmp_code;
	__u8 reason;        /* enum epg_reason: why nobody understands the frame */
	__u8 traffic_class; /* DSCP and ECN (RFC 2474, RFC 3168) */
	__u8 fragment;      /* enum epg_fragment */
	__u8 signals;       /* enum signal */
	__u8 accelerated;   /* the device, or the kernel, has taken the tag out of the frame */
	__u16 arp_operation;
	__u16 vlan; /* of the tag; 0: none, or one that has only a priority */
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

static __always_inline bool address_is_loopback(const union address *address)
{
	if (address_is_mapped(address))
		return address->bytes[12] == 127;
	return !address->halves_be[0] && address->halves_be[1] == bpf_cpu_to_be64(1);
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

/* To all, or to many: nobody in particular answers. */
static __always_inline bool is_for_many(const struct packet *packet)
{
	return packet->destination_mac[0] & 1;
}

#endif
