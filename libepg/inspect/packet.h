/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Builds frames: what explain asks the programs about, and what tests and benchmarks send through them.
 * Lengths and checksums are right; whoever wants a broken frame breaks it afterwards, by the offsets.
 */
#ifndef EPG_PACKET_H
#define EPG_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_MAX 2048
#define PACKET_EXTENSIONS_MAX 12
#define PACKET_TAGS_MAX 3
#define PACKET_TTL 64
#define PACKET_DSCP_MAX 63

#define PACKET_TCP_FIN 0x01
#define PACKET_TCP_SYN 0x02
#define PACKET_TCP_RST 0x04
#define PACKET_TCP_PSH 0x08
#define PACKET_TCP_ACK 0x10

/* A tag in the frame (IEEE 802.1Q, 9.6). */
struct packet_tag {
	uint16_t ethertype; /* 0x8100, or 0x88a8 */
	uint16_t control;   /* priority, drop eligibility, VLAN id */
};

/*
 * An IPv4 or IPv6 packet; the family is that of the addresses, which are in their mapped form.
 * TCP, UDP, UDP-Lite, SCTP, DCCP (a request), ICMP and ICMPv6 get their headers, any other protocol is payload only.
 */
struct packet_spec {
	uint8_t source_mac[6];
	uint8_t destination_mac[6];
	struct packet_tag tags[PACKET_TAGS_MAX]; /* the outermost first; all builders put them in */
	size_t n_tags;
	uint8_t source[16];
	uint8_t destination[16];
	uint8_t protocol;
	uint8_t ttl; /* 0: PACKET_TTL */
	uint8_t dscp;
	uint8_t tcp_flags; /* PACKET_TCP_…, exactly these */
	uint8_t icmp_type;
	uint8_t icmp_code;
	uint16_t icmp_id;
	uint16_t source_port;
	uint16_t destination_port;
	size_t payload; /* bytes behind the upper-layer header */

	size_t ipv4_options; /* bytes of no-operation options: a multiple of 4, at most 40 */

	/* IPv6 extension headers in order, by their numbers: hop-by-hop, routing, destination options, AH. */
	uint8_t extensions[PACKET_EXTENSIONS_MAX];
	size_t n_extensions;

	/* A fragment; one with an offset has no upper-layer header, but payload only. */
	bool fragment;
	bool more_fragments;
	uint16_t fragment_offset; /* in units of 8 bytes */
	uint16_t fragment_id;
};

struct packet {
	size_t length;    /* of the frame */
	size_t network;   /* offset of the IP or ARP header */
	size_t transport; /* offset of the upper-layer header */
	size_t payload;   /* offset of what that header carries */
	uint8_t data[PACKET_MAX];
};

/*
 * The builders fill `packet`, which holds nothing of use after a failure.
 * Errors: -EINVAL (addresses of two families, options, extensions or tags that don't fit, a DSCP beyond its range),
 * -EMSGSIZE (too long).
 */
int packet_build(const struct packet_spec *spec, struct packet *packet);

/*
 * An ARP request or reply (operation 1 or 2) from `source` about `destination`. A request goes to everybody,
 * a reply to `destination_mac`. Only MACs and addresses of the specification are used. Errors: -EINVAL (not IPv4).
 */
int packet_build_arp(const struct packet_spec *spec, uint16_t operation, struct packet *packet);

/*
 * A frame of another EtherType, its payload zeros, padded to Ethernet's shortest. Only MACs and the length of the
 * payload are used. Errors: -EMSGSIZE.
 */
int packet_build_other(const struct packet_spec *spec, uint16_t ethertype, struct packet *packet);

/*
 * A neighbour solicitation or advertisement (ICMPv6 type 135 or 136) about `target`, with the source's MAC in its
 * link-layer option. Only MACs and addresses of the specification are used. Errors: -EINVAL (not IPv6, another type).
 */
int packet_build_neighbor(const struct packet_spec *spec, uint8_t type, const uint8_t target[16],
			  struct packet *packet);

/*
 * An ICMP error, of the type and code of the specification, which quotes `cause` from its IP header on.
 * MACs, addresses and ttl are the specification's, the protocol is that of its family. Errors as packet_build.
 */
int packet_build_error(const struct packet_spec *spec, const struct packet *cause, struct packet *packet);

bool packet_address_is_ipv4(const uint8_t address[16]);

#endif
