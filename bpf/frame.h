/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * First step: a frame's bytes become facts. Whatever contradicts itself is refused with a reason; nothing
 * passes because a header could not be read. No pointer into the packet outlives this step. `left` is the bytes behind
 * the Ethernet header, trailing padding included.
 */
#ifndef BPF_FRAME_H
#define BPF_FRAME_H

#include "upper.h"

/* Extension headers that are followed before the upper-layer header (docs/datapath.md). */
#define EXTENSION_HEADERS_MAX 6

/* A packet has so many bytes at most, however many pieces it comes in. */
#define PACKET_BYTES_MAX 65535

/* Below, the field is the length of an IEEE 802.3 frame. */
#define ETHERTYPE_FIRST 0x600

/* IEEE 802.1Q, 9.6: of the tag's control information. */
#define VLAN_ID_MASK 0x0fff

struct vlan_tag {
	__be16 control_be;
	__be16 ethertype_be;
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

#define ARP_HARDWARE_ETHERNET 1
#define ARP_FRAME_MAX 64

/* RFC 1122, 3.2.1.3; RFC 4291, 2.5.3 and 2.7: addresses that no packet between hosts has. */
static __always_inline bool is_martian(const struct packet *packet)
{
	const union address *source = &packet->source, *destination = &packet->destination;

	return address_is_multicast(source) || address_is_loopback(source) || address_is_loopback(destination) ||
	       address_is_unspecified(destination);
}

/*
 * A fragment with `length` bytes of its packet. RFC 791, 3.2; RFC 8200, 4.5: all but the last one hold eights. RFC 1858,
 * 3.2: a piece that begins with the second eight bytes of TCP would put other flags over the first one's.
 */
static __always_inline enum epg_reason parse_fragment(struct packet *packet, __u32 eights, bool more, __u32 length)
{
	packet->fragment_start = eights * 8;
	packet->fragment_end = packet->fragment_start + length;
	packet->fragment = eights ? EPG_FRAGMENT_LATER : EPG_FRAGMENT_FIRST;
	if (packet->fragment_end > PACKET_BYTES_MAX || !length || (more && length & 7))
		return EPG_REASON_MALFORMED;
	return packet->protocol == IPPROTO_TCP && eights == 1 ? EPG_REASON_MALFORMED : EPG_REASON_NONE;
}

static __always_inline enum epg_reason parse_ipv4(struct packet *packet, void *data, void *end, __u32 left)
{
	enum epg_reason reason = EPG_REASON_NONE;
	struct iphdr *ip = data;
	__u32 header, total, offset;

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
	if (is_martian(packet))
		return EPG_REASON_MARTIAN;
	packet->protocol = ip->protocol;
	packet->hop_limit = ip->ttl;
	packet->traffic_class = ip->tos;
	packet->upper = packet->network + header;
	offset = bpf_ntohs(ip->frag_off);
	if (offset & (IPV4_OFFSET_MASK | IPV4_MORE)) {
		packet->fragment_id_be = ip->id;
		reason = parse_fragment(packet, offset & IPV4_OFFSET_MASK, offset & IPV4_MORE, total - header);
	}
	if (reason || packet->fragment == EPG_FRAGMENT_LATER)
		return reason;
	return parse_upper(packet, data + header, end, total - header);
}

/* Those that are followed: one bit a protocol. ESP and "no next header" end the chain as protocols of their own. */
#define EXTENSIONS                                                                                           \
	(1ull << IPPROTO_HOPOPTS | 1ull << IPPROTO_ROUTING | 1ull << IPPROTO_FRAGMENT | 1ull << IPPROTO_AH | \
	 1ull << IPPROTO_DSTOPTS)

/* None is longer than 257 eights. */
#define EXTENSION_LENGTH_MASK 0xfff

/* 1 or 0, without a branch, which the verifier would multiply. */
static __always_inline __u32 is_same(__u32 a, __u32 b)
{
	return ((a ^ b) - 1) >> 31;
}

/* RFC 8200, 4.2 to 4.6: in eights, the first one not counted; RFC 4302, 2.2: AH's in fours, less two. */
static __always_inline __u32 extension_length(const __u8 *header, __u8 protocol)
{
	__u32 authentication = is_same(protocol, IPPROTO_AH), fragment = is_same(protocol, IPPROTO_FRAGMENT);
	__u32 length = ((header[1] & (fragment - 1)) + 1 + authentication) << (3 - authentication);

	/* The verifier knows no bounds of what was shifted. */
	asm volatile("" : "+r"(length));
	return length & EXTENSION_LENGTH_MASK;
}

/* A chain of extension headers as it is followed. */
struct chain {
	void *at;
	__u32 left; /* bytes of the packet from there */
	__u32 fragment; /* offset and flags of a fragment header; 0: there is none, or it is the whole packet's (RFC 6946) */
	__u32 fragment_left; /* bytes behind it */
};

/* RFC 8200, section 4. A later fragment ends the chain. */
static __always_inline enum epg_reason parse_extensions(struct packet *packet, struct chain *chain, void *end)
{
#pragma unroll
	for (int i = 0; i <= EXTENSION_HEADERS_MAX; i++) {
		__u8 *header = chain->at, protocol = packet->protocol;
		__u32 length;

		if (protocol > 63 || !(EXTENSIONS >> protocol & 1))
			return EPG_REASON_NONE;
		if (i == EXTENSION_HEADERS_MAX)
			break;
		if ((void *)(header + 8) > end)
			return EPG_REASON_MALFORMED;
		length = extension_length(header, protocol);
		if (length > chain->left)
			return EPG_REASON_MALFORMED;
		packet->protocol = header[0];
		packet->upper += length;
		chain->left -= length;
		chain->at += length;
		if (protocol != IPPROTO_FRAGMENT)
			continue;
		if (chain->fragment)
			return EPG_REASON_MALFORMED; /* a piece of a piece */
		chain->fragment = bpf_ntohs(*(__be16 *)(header + 2)) & (IPV6_OFFSET_MASK | IPV6_MORE);
		chain->fragment_left = chain->left;
		packet->fragment_id_be = *(__be32 *)(header + 4);
		if (chain->fragment & IPV6_OFFSET_MASK)
			return EPG_REASON_NONE;
	}
	return EPG_REASON_EXTENSION;
}

static __always_inline enum epg_reason parse_ipv6(struct packet *packet, void *data, void *end, __u32 left)
{
	struct ipv6hdr *ip = data;
	struct chain chain = {.at = ip + 1};
	enum epg_reason reason;

	if (chain.at > end || ip->version != 6)
		return EPG_REASON_MALFORMED;
	chain.left = bpf_ntohs(ip->payload_len);
	if (!chain.left && left > 0xffff)
		chain.left = left - sizeof(*ip); /* aggregated: a jumbogram */
	if (chain.left + sizeof(*ip) > left)
		return EPG_REASON_MALFORMED;
	__builtin_memcpy(&packet->source, &ip->saddr, 16);
	__builtin_memcpy(&packet->destination, &ip->daddr, 16);
	if (address_is_mapped(&packet->source) || address_is_mapped(&packet->destination))
		return EPG_REASON_MALFORMED;
	if (is_martian(packet))
		return EPG_REASON_MARTIAN;
	packet->protocol = ip->nexthdr;
	packet->hop_limit = ip->hop_limit;
	packet->traffic_class = ip->priority << 4 | ip->flow_lbl[0] >> 4;
	packet->upper = packet->network + sizeof(*ip);
	reason = parse_extensions(packet, &chain, end);
	if (!reason && chain.fragment)
		reason = parse_fragment(packet, chain.fragment >> 3, chain.fragment & IPV6_MORE, chain.fragment_left);
	if (reason || packet->fragment == EPG_FRAGMENT_LATER)
		return reason;
	return parse_upper(packet, chain.at, end, chain.left);
}

/* RFC 826, for IPv4 over Ethernet only. */
static __always_inline enum epg_reason parse_arp(struct packet *packet, void *data, void *end)
{
	struct arp_packet *arp = data;
	__be32 address_be;

	/* Nobody has a reason to put anything behind it but padding. */
	if ((void *)(arp + 1) > end || packet->length > ARP_FRAME_MAX + packet->network - ETH_HLEN ||
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

/*
 * Reads the frame in [data, end); packet->length, the whole frame's, may be more when it is not contiguous. One tag is
 * read, in the frame or taken out of it before; what stands behind a second one nobody was given.
 */
static __noinline int parse_frame(struct packet *packet, void *data, void *end)
{
	struct ethhdr *ethernet = data;
	struct vlan_tag *tag = (void *)(ethernet + 1);
	void *network = ethernet + 1;

	if (network > end)
		return EPG_REASON_MALFORMED;
	__builtin_memcpy(packet->source_mac, ethernet->h_source, 6);
	__builtin_memcpy(packet->destination_mac, ethernet->h_dest, 6);
	packet->ethertype = bpf_ntohs(ethernet->h_proto);
	packet->network = ETH_HLEN;
	packet->fragment = EPG_FRAGMENT_NONE;
	packet->signals = 0;
	__builtin_memset(packet->claimed_mac, 0, sizeof(packet->claimed_mac));
	if (packet->ethertype == ETH_P_8021Q && !packet->accelerated) {
		if ((void *)(tag + 1) > end)
			return EPG_REASON_MALFORMED;
		packet->vlan = bpf_ntohs(tag->control_be) & VLAN_ID_MASK;
		packet->ethertype = bpf_ntohs(tag->ethertype_be);
		packet->network += sizeof(*tag);
		network = tag + 1;
	}
	if (packet->length < packet->network)
		return EPG_REASON_MALFORMED;
	switch (packet->ethertype) {
	case ETH_P_IP:
		return parse_ipv4(packet, network, end, packet->length - packet->network);
	case ETH_P_IPV6:
		return parse_ipv6(packet, network, end, packet->length - packet->network);
	case ETH_P_ARP:
		return parse_arp(packet, network, end);
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
