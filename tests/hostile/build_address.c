// SPDX-License-Identifier: GPL-2.0-only
/* IP addresses; multicast and broadcast, and membership of their groups. */
#include <string.h>

#include <netinet/in.h>

#include "rows.h"

#define FROM(name, ipv4, ipv6)                                  \
	void build_##name(struct odd *odd)                      \
	{                                                       \
		odd_address(odd, odd->spec.source, ipv4, ipv6); \
	}

#define TO(name, ipv4, ipv6)                                         \
	void build_##name(struct odd *odd)                           \
	{                                                            \
		odd_address(odd, odd->spec.destination, ipv4, ipv6); \
	}

FROM(address_of_peer, "10.1.0.3", "fd00:1::3")
FROM(address_land, "10.1.0.4", "fd00:1::4")
FROM(address_undeclared, "10.1.0.99", "fd00:1::99")
FROM(address_of_gateway, "10.1.0.1", "fd00:1::1")
FROM(address_outside, "203.0.113.9", "2001:db8:9::9")
FROM(address_none, "0.0.0.0", "::")
FROM(address_multicast, "224.0.0.1", "ff02::1")
FROM(address_broadcast, "255.255.255.255", "")
FROM(address_loopback, "127.0.0.1", "::1")
FROM(address_loopback_last, "127.255.255.255", "")
FROM(address_subnet_broadcast, "10.1.0.255", "")
FROM(address_class_e, "240.0.0.1", "")
FROM(address_link_local, "169.254.1.1", "fe80::99")
FROM(address_compatible, "", "::10.1.0.2")
TO(address_to_loopback, "127.0.0.1", "::1")
TO(address_to_loopback_net, "127.8.8.8", "")
TO(address_to_none, "0.0.0.0", "::")
TO(address_to_nobody, "10.1.0.99", "fd00:1::99")

void build_address_to_peer(struct odd *odd)
{
	odd_address(odd, odd->spec.destination, "10.1.0.3", "fd00:1::3");
	odd->spec.destination_mac[5] = SCENE_PEER_HOST;
}

void build_address_to_self(struct odd *odd)
{
	memcpy(odd->spec.destination, odd->spec.source, 16);
	memcpy(odd->spec.destination_mac, odd->spec.source_mac, 6);
}

static const uint8_t mapped[16] = {[10] = 0xff, 0xff, 10, 1, 0, 2};

void build_address_mapped(struct odd *odd)
{
	odd_build(odd);
	memcpy(odd->packet.data + odd->packet.network + 8, mapped, 16);
}

void build_address_mapped_destination(struct odd *odd)
{
	odd_build(odd);
	memcpy(odd->packet.data + odd->packet.network + 24, mapped, 16);
}

/* ---- multicast and broadcast ---- */

#define UDP_TO(name, port, ipv4, ipv6)             \
	void build_##name(struct odd *odd)         \
	{                                          \
		odd_udp(odd);                      \
		odd->spec.destination_port = port; \
		odd_to_group(odd, ipv4, ipv6);     \
	}

#define PROTOCOL_TO(name, number, ipv4, ipv6)  \
	void build_##name(struct odd *odd)     \
	{                                      \
		odd->spec.protocol = number;   \
		odd->spec.payload = 32;        \
		odd->spec.ttl = 1;             \
		odd_to_group(odd, ipv4, ipv6); \
	}

UDP_TO(multicast_denied, 9999, "239.1.2.3", "ff05::1:3")
UDP_TO(multicast_to_outside, SCENE_MULTICAST_PORT, "224.0.0.251", "ff02::fb")
UDP_TO(multicast_from_outside, SCENE_UDP_PORT, "224.0.0.251", "ff02::fb")
UDP_TO(broadcast, SCENE_MULTICAST_PORT, "255.255.255.255", "")
UDP_TO(rip, 520, "224.0.0.9", "ff02::9")
PROTOCOL_TO(pim_hello, 103, "224.0.0.13", "ff02::d")
PROTOCOL_TO(ospf_hello, 89, "224.0.0.5", "ff02::5")
PROTOCOL_TO(vrrp, 112, "224.0.0.18", "ff02::12")

void build_multicast_tcp(struct odd *odd)
{
	odd_to_group(odd, "224.0.0.1", "ff02::1");
}

void build_multicast_by_unicast_mac(struct odd *odd)
{
	odd_udp(odd);
	odd_address(odd, odd->spec.destination, "224.0.0.251", "ff02::fb");
}

void build_multicast_spoofed(struct odd *odd)
{
	odd_address(odd, odd->spec.source, "10.1.0.3", "fd00:1::3");
	build_multicast_to_outside(odd);
}

void build_broadcast_subnet(struct odd *odd)
{
	odd_udp(odd);
	odd->spec.destination_port = SCENE_MULTICAST_PORT;
	odd_address(odd, odd->spec.destination, "10.1.0.255", "");
	memset(odd->spec.destination_mac, 0xff, 6);
}

void build_broadcast_smurf(struct odd *odd)
{
	odd_echo(odd);
	odd_address(odd, odd->spec.source, "10.1.0.3", "");
	odd_address(odd, odd->spec.destination, "10.1.0.255", "");
	memset(odd->spec.destination_mac, 0xff, 6);
}

/* ---- membership ---- */

static struct packet *igmp(struct odd *odd, uint8_t type)
{
	odd->spec.protocol = IPPROTO_IGMP;
	odd->spec.ttl = 1;
	odd->spec.payload = 8;
	odd_build(odd);
	odd->packet.data[odd->packet.transport] = type;
	return &odd->packet;
}

#define IGMP(name, type)                                   \
	void build_##name(struct odd *odd)                 \
	{                                                  \
		odd_to_group(odd, "224.1.1.1", "ff02::9"); \
		igmp(odd, type);                           \
	}

IGMP(igmp_report, 0x16)
IGMP(igmp_report_v1, 0x12)
IGMP(igmp_report_v3, 0x22)
IGMP(igmp_leave, 0x17)
IGMP(igmp_query, 0x11)
IGMP(igmp_unknown, 0x13)

void build_igmp_unicast(struct odd *odd)
{
	igmp(odd, 0x16);
}

void build_igmp_in_ipv6(struct odd *odd)
{
	igmp(odd, 0x16);
}

void build_igmp_short(struct odd *odd)
{
	igmp(odd, 0x16);
	odd_cut(&odd->packet, odd->packet.transport + 4);
	odd_store_length(&odd->packet);
}

void build_igmp_spoofed(struct odd *odd)
{
	odd_address(odd, odd->spec.source, "10.1.0.3", "");
	build_igmp_report(odd);
}

void build_igmp_fragment(struct odd *odd)
{
	odd->spec.fragment = odd->spec.more_fragments = true;
	build_igmp_report(odd);
}

static void mld(struct odd *odd, uint8_t type)
{
	odd->spec.protocol = IPPROTO_ICMPV6;
	odd->spec.icmp_type = type;
	odd->spec.ttl = 1;
	odd->spec.payload = 16;
}

#define MLD(name, type)                            \
	void build_##name(struct odd *odd)         \
	{                                          \
		odd_to_group(odd, "", "ff02::16"); \
		mld(odd, type);                    \
	}

MLD(mld_report, 131)
MLD(mld_done, 132)
MLD(mld_query, 130)

void build_mld_report_v2(struct odd *odd)
{
	odd_to_group(odd, "", "ff02::16");
	mld(odd, 143);
	odd->spec.extensions[odd->spec.n_extensions++] = IPPROTO_HOPOPTS;
}

void build_mld_unicast(struct odd *odd)
{
	mld(odd, 131);
}

void build_mld_spoofed(struct odd *odd)
{
	odd_address(odd, odd->spec.source, "", "fd00:1::3");
	build_mld_report(odd);
}
