/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a network needs before anybody can talk: ARP, neighbour and router discovery, DHCP, multicast
 * membership. Permitted without a contract; senders are held to their own addresses; an endpoint is never
 * a router or a DHCP server.
 */
#ifndef BPF_INFRASTRUCTURE_H
#define BPF_INFRASTRUCTURE_H

#include "source.h"

#define NOT_INFRASTRUCTURE (-1)

#define DHCP_SERVER_PORT 67
#define DHCP_CLIENT_PORT 68
#define DHCPV6_CLIENT_PORT 546
#define DHCPV6_SERVER_PORT 547

#define ND_HOP_LIMIT 255 /* RFC 4861, 7.1: proves that no router has forwarded it */

/* RFC 1112, RFC 2236, RFC 3376 */
#define IGMP_QUERY 0x11
#define IGMP_V1_REPORT 0x12
#define IGMP_V2_REPORT 0x16
#define IGMP_V2_LEAVE 0x17
#define IGMP_V3_REPORT 0x22
#define MLD_QUERY 130
#define MLD_REPORT 131
#define MLD_DONE 132
#define MLD2_REPORT 143

/* The unspecified address is nobody's: probes and requests of those who have none yet. */
static __always_inline int source_may_ask(const struct work *work)
{
	if (address_is_unspecified(&work->packet.source))
		return EPG_REASON_NONE;
	return source_may_use_source();
}

static __always_inline bool claims_other_mac(const struct work *work)
{
	const struct packet *packet = &work->packet;

	return work->source.ifindex && !mac_is_zero(packet->claimed_mac) &&
	       !mac_equal(packet->claimed_mac, packet->source_mac);
}

static __always_inline int arp(const struct work *work)
{
	return claims_other_mac(work) ? EPG_REASON_SPOOFED_MAC : source_may_ask(work);
}

/* RFC 4862, 5.4.3: asking without an address of one's own claims the target, and keeps its owner from using it. */
static __always_inline bool claims_owned_target(const struct work *work)
{
	__u32 owner = address_owner(&work->realm, &work->packet.target);

	return owner && owner != work->source.ifindex;
}

static __always_inline int neighbor_discovery(const struct work *work)
{
	const struct packet *packet = &work->packet;
	bool router = packet->icmp_type == ND_ROUTER_ADVERTISEMENT || packet->icmp_type == ND_REDIRECT;

	/* RFC 6980: never in fragments. */
	if (packet->hop_limit != ND_HOP_LIMIT || packet->fragment)
		return EPG_REASON_MALFORMED;
	if (router && work->source.ifindex)
		return EPG_REASON_ROUTER;
	if (claims_other_mac(work))
		return EPG_REASON_SPOOFED_MAC;
	if (packet->icmp_type == ND_NEIGHBOR_ADVERTISEMENT) {
		int reason = source_may_use_target();

		if (reason)
			return reason;
	}
	if (packet->icmp_type == ND_NEIGHBOR_SOLICITATION && address_is_unspecified(&packet->source) &&
	    claims_owned_target(work))
		return EPG_REASON_SPOOFED_ADDRESS;
	return source_may_ask(work);
}

/* A client asks everybody; unicast renewals need a contract, or any address would be a DHCP server's. */
static __always_inline bool is_dhcp_request(const struct packet *packet)
{
	if (packet->protocol != IPPROTO_UDP)
		return false;
	if (is_ipv4(packet))
		return packet->source_port_be == bpf_htons(DHCP_CLIENT_PORT) &&
		       packet->destination_port_be == bpf_htons(DHCP_SERVER_PORT) &&
		       packet->destination.words_be[3] == 0xffffffff;
	return packet->source_port_be == bpf_htons(DHCPV6_CLIENT_PORT) &&
	       packet->destination_port_be == bpf_htons(DHCPV6_SERVER_PORT) &&
	       packet->destination.words_be[0] == bpf_htonl(0xff020000) && !packet->destination.words_be[1] &&
	       !packet->destination.words_be[2] && packet->destination.words_be[3] == bpf_htonl(0x00010002);
}

static __always_inline bool is_dhcp_answer(const struct packet *packet)
{
	if (packet->protocol != IPPROTO_UDP)
		return false;
	if (is_ipv4(packet))
		return packet->source_port_be == bpf_htons(DHCP_SERVER_PORT) &&
		       packet->destination_port_be == bpf_htons(DHCP_CLIENT_PORT);
	return packet->source_port_be == bpf_htons(DHCPV6_SERVER_PORT) &&
	       packet->destination_port_be == bpf_htons(DHCPV6_CLIENT_PORT);
}

static __always_inline bool is_membership(const struct packet *packet)
{
	if (!address_is_multicast(&packet->destination) || packet->fragment)
		return false;
	if (is_ipv4(packet))
		return packet->protocol == IPPROTO_IGMP &&
		       (packet->icmp_type == IGMP_QUERY || packet->icmp_type == IGMP_V1_REPORT ||
			packet->icmp_type == IGMP_V2_REPORT || packet->icmp_type == IGMP_V2_LEAVE ||
			packet->icmp_type == IGMP_V3_REPORT);
	return packet->protocol == IPPROTO_ICMPV6 &&
	       ((packet->icmp_type >= MLD_QUERY && packet->icmp_type <= MLD_DONE) || packet->icmp_type == MLD2_REPORT);
}

/* Asking who listens is a router's business. */
static __always_inline int membership(const struct work *work)
{
	const struct packet *packet = &work->packet;

	if (work->source.ifindex && packet->icmp_type == (is_ipv4(packet) ? IGMP_QUERY : MLD_QUERY))
		return EPG_REASON_ROUTER;
	return source_may_ask(work);
}

static __always_inline bool is_neighbor_discovery(const struct packet *packet)
{
	return packet->ethertype == ETH_P_IPV6 && is_icmp(packet) && packet->icmp_type >= ND_ROUTER_SOLICITATION &&
	       packet->icmp_type <= ND_REDIRECT;
}

/* Whom ARP or neighbour discovery asks for, or answers: NULL: neither does. */
static __always_inline const union address *neighbor_of(const struct packet *packet)
{
	if (packet->ethertype == ETH_P_ARP)
		return &packet->destination;
	if (!is_neighbor_discovery(packet))
		return NULL;
	if (packet->icmp_type == ND_NEIGHBOR_SOLICITATION && address_is_multicast(&packet->destination))
		return &packet->target;
	return packet->icmp_type >= ND_NEIGHBOR_SOLICITATION && packet->icmp_type <= ND_NEIGHBOR_ADVERTISEMENT
		       ? &packet->destination
		       : NULL;
}

/*
 * Where the bridge domain says so, endpoints find each other only as contracts permit, whether the frame speaks of
 * another endpoint or is sent to one. Addresses that none of them owns, the gateway's for one, are free. Fills in whom
 * it is for.
 */
static __always_inline bool takes_contract(struct work *work)
{
	const struct packet *packet = &work->packet;
	const union address *neighbor = neighbor_of(packet);
	__u32 owner;

	if (!(work->realm.flags & EPG_CLASS_ARP) || work->decided || !work->source.ifindex || !neighbor)
		return false;
	owner = address_owner(&work->realm, neighbor);
	if (owner && owner != work->source.ifindex) {
		party_of_address(&work->realm, neighbor, address_is_mapped(neighbor), &work->destination);
		return true;
	}
	if (packet->destination_mac[0] & 1)
		return false;
	owner = mac_owner_of(&work->realm, packet->destination_mac);
	if (!owner || owner == work->source.ifindex)
		return false;
	party_be_endpoint(&work->destination, &work->realm, owner);
	return true;
}

/* Routers are asked by everybody's address: what goes to one address is as any other packet. */
static __always_inline bool is_resolution(const struct packet *packet)
{
	if (packet->ethertype == ETH_P_ARP)
		return true;
	if (!is_neighbor_discovery(packet))
		return false;
	return packet->icmp_type != ND_ROUTER_SOLICITATION || address_is_multicast(&packet->destination);
}

static __always_inline int resolution(const struct work *work)
{
	return work->packet.ethertype == ETH_P_ARP ? arp(work) : neighbor_discovery(work);
}

/* RFC 792, RFC 1256: what IPv4 has in place of IPv6's router advertisements and redirects. */
static __always_inline bool is_router_message(const struct packet *packet)
{
	return is_ip(packet) && is_ipv4(packet) && is_icmp(packet) &&
	       (packet->icmp_type == ICMP_REDIRECT || packet->icmp_type == ICMP_ROUTER_ADVERTISEMENT);
}

/* NOT_INFRASTRUCTURE, or why it is dropped, EPG_REASON_NONE: it passes. */
STEP int infrastructure(void)
{
	struct work *work = work_get();
	const struct packet *packet;
	bool from_endpoint;

	if (!work)
		return EPG_REASON_INTERNAL;
	packet = &work->packet;
	from_endpoint = work->source.ifindex != 0;

	if (is_resolution(packet) || is_membership(packet)) {
		/* An endpoint of another VRF has nothing to say here, on whatever bridge both are. */
		if (work->foreign)
			return EPG_REASON_UNKNOWN_SOURCE;
		if (work->decided)
			return EPG_REASON_NONE;
		return is_membership(packet) ? membership(work) : resolution(work);
	}
	if (from_endpoint && is_router_message(packet))
		return EPG_REASON_ROUTER;
	/* It goes out; other endpoints are no servers. */
	if (from_endpoint ? (!work->decided || leaves_host(work)) && is_dhcp_request(packet)
			  : !work->foreign && is_dhcp_answer(packet))
		return source_may_ask(work);
	return NOT_INFRASTRUCTURE;
}

#endif
