/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The packet that an ICMP error quotes: read as far as it names a flow. */
#ifndef BPF_QUOTED_H
#define BPF_QUOTED_H

#include "packet.h"

/* Both ends of a packet as its flow has them. */
struct ends {
	union address source;
	union address destination;
	__be16 source_port_be;
	__be16 destination_port_be;
	__u8 protocol;
};

/* The first eight bytes of the quoted upper header: all that RFC 792 promises. */
static __always_inline bool quoted_ports(struct ends *quoted, bool ipv4, void *at, void *end)
{
	__be16 *ports_be = at;
	__u8 *icmp = at;
	bool request;

	if (at + 8 > end)
		return false;
	if (has_ports(quoted->protocol)) {
		quoted->source_port_be = ports_be[0];
		quoted->destination_port_be = ports_be[1];
		return true;
	}
	if (quoted->protocol != (ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return true; /* flows of other protocols have no ports */
	request = icmp[0] == (ipv4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST);
	if (!request && icmp[0] != (ipv4 ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY))
		return false;
	quoted->source_port_be = request ? ports_be[2] : bpf_htons(ipv4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST);
	quoted->destination_port_be = request ? bpf_htons(ipv4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST) : ports_be[2];
	return true;
}

/* Of a quoted packet: what its own sender may have put before the upper header. */
#define QUOTED_EXTENSIONS_MAX 3

/* Follows extension headers; NULL: they go on for too long, or it is a later fragment, which has no ports. */
static __always_inline void *quoted_upper(struct ends *quoted, void *at, void *end)
{
#pragma unroll
	for (int i = 0; i < QUOTED_EXTENSIONS_MAX; i++) {
		__u8 *header = at;
		__u32 length;

		if (quoted->protocol != IPPROTO_FRAGMENT && quoted->protocol != IPPROTO_HOPOPTS &&
		    quoted->protocol != IPPROTO_ROUTING && quoted->protocol != IPPROTO_DSTOPTS)
			return at;
		if ((void *)(header + 8) > end)
			return NULL;
		if (quoted->protocol == IPPROTO_FRAGMENT && *(__be16 *)(header + 2) & bpf_htons(IPV6_OFFSET_MASK))
			return NULL;
		length = quoted->protocol == IPPROTO_FRAGMENT ? 8 : (header[1] + 1u) * 8;
		quoted->protocol = header[0];
		at += length;
	}
	return at;
}

/*
 * Reads what stands behind the eight bytes of an ICMP error at `offset`. What is quoted of a later fragment tells no
 * flow: such an error is unrelated.
 */
static __always_inline int parse_quoted(struct ends *quoted, void *data, void *end, __u32 offset)
{
	struct ipv6hdr *ip6;
	struct iphdr *ip;
	void *upper;

	if (offset > HEADER_BYTES_MAX)
		return -1;
	ip = data + offset + sizeof(struct icmp_header);
	ip6 = (void *)ip;
	if ((void *)(ip + 1) > end)
		return -1;
	if (ip->version == 4 && ip->ihl >= 5) {
		if (ip->frag_off & bpf_htons(IPV4_OFFSET_MASK))
			return -1;
		address_map_ipv4(&quoted->source, ip->saddr);
		address_map_ipv4(&quoted->destination, ip->daddr);
		quoted->protocol = ip->protocol;
		return quoted_ports(quoted, true, (void *)ip + ip->ihl * 4u, end) ? 0 : -1;
	}
	if (ip->version != 6 || (void *)(ip6 + 1) > end)
		return -1;
	__builtin_memcpy(&quoted->source, &ip6->saddr, 16);
	__builtin_memcpy(&quoted->destination, &ip6->daddr, 16);
	quoted->protocol = ip6->nexthdr;
	upper = quoted_upper(quoted, ip6 + 1, end);
	return upper && quoted_ports(quoted, false, upper, end) ? 0 : -1;
}

#endif
