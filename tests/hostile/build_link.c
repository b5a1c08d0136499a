// SPDX-License-Identifier: GPL-2.0-only
/* Ethernet, tags, MAC addresses; frames that are no IP. */
#include <string.h>

#include <netinet/in.h>

#include "../differential/ground.h"
#include "rows.h"

#define VLAN 0x8100
#define SERVICE 0x88a8

static void add_tag(struct odd *odd, uint16_t ethertype, uint16_t control)
{
	odd->spec.tags[odd->spec.n_tags++] = (struct packet_tag){ethertype, control};
}

/* A row of tags and nothing else. */
#define TAGGED(name, ...)                                                   \
	void build_##name(struct odd *odd)                                  \
	{                                                                   \
		static const uint16_t tags[][2] = {__VA_ARGS__};            \
                                                                            \
		for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) \
			add_tag(odd, tags[i][0], tags[i][1]);               \
	}

TAGGED(vlan_tag, {VLAN, 120})
TAGGED(vlan_priority, {VLAN, 0})
TAGGED(vlan_priority_bits, {VLAN, 0xf000})
TAGGED(vlan_reserved, {VLAN, 4095})
TAGGED(vlan_qinq, {VLAN, 120}, {VLAN, 121})
TAGGED(vlan_qinq_priorities, {VLAN, 0}, {VLAN, 0})
TAGGED(vlan_service, {SERVICE, 120})
TAGGED(vlan_service_priority, {SERVICE, 0})
TAGGED(vlan_service_and_customer, {SERVICE, 120}, {VLAN, 121})
TAGGED(vlan_priority_and_service, {VLAN, 0}, {SERVICE, 120})
TAGGED(vlan_three, {VLAN, 1}, {VLAN, 2}, {VLAN, 3})

void build_vlan_of_denied(struct odd *odd)
{
	add_tag(odd, VLAN, 0);
	odd->spec.destination_port = 22;
}

static void tagged_malformed(struct odd *odd, uint16_t vlan)
{
	add_tag(odd, VLAN, vlan);
	odd_build(odd);
	odd_cut(&odd->packet, odd->packet.transport + 16);
	odd_store_length(&odd->packet);
}

void build_vlan_of_malformed(struct odd *odd)
{
	tagged_malformed(odd, 0);
}

void build_vlan_tag_of_malformed(struct odd *odd)
{
	tagged_malformed(odd, 120);
}

void build_vlan_of_arp(struct odd *odd)
{
	add_tag(odd, VLAN, 0);
	GROUND_CHECK(!packet_build_arp(&odd->spec, 1, &odd->packet), "ARP");
}

void build_vlan_of_spoofed_arp(struct odd *odd)
{
	odd_address(odd, odd->spec.source, "10.1.0.3", "");
	build_vlan_of_arp(odd);
}

void build_vlan_cut(struct odd *odd)
{
	add_tag(odd, VLAN, 0);
	odd_cut(odd_build(odd), 17);
}

void build_vlan_of_nothing(struct odd *odd)
{
	add_tag(odd, VLAN, 0);
	odd_cut(odd_build(odd), 18);
}

void build_ethernet_alone(struct odd *odd)
{
	odd_cut(odd_build(odd), 16);
}

void build_ethernet_says_ipv4(struct odd *odd)
{
	odd_store16(odd_build(odd), 12, 0x0800);
}

void build_ethernet_says_ipv6(struct odd *odd)
{
	odd_store16(odd_build(odd), 12, 0x86dd);
}

/* ---- neither IP nor ARP ---- */

static void build_other(struct odd *odd, uint16_t ethertype, const uint8_t *destination)
{
	if (destination)
		memcpy(odd->spec.destination_mac, destination, 6);
	odd->spec.payload = 46;
	GROUND_CHECK(!packet_build_other(&odd->spec, ethertype, &odd->packet), "a frame of another EtherType");
}

#define OTHER(name, ethertype)                     \
	void build_##name(struct odd *odd)         \
	{                                          \
		build_other(odd, ethertype, NULL); \
	}

#define OTHER_TO(name, ethertype, ...)                               \
	void build_##name(struct odd *odd)                           \
	{                                                            \
		static const uint8_t destination[6] = {__VA_ARGS__}; \
                                                                     \
		build_other(odd, ethertype, destination);            \
	}

OTHER_TO(llc_longest, 0x05ff, 2, 0, 0, 0, 0, 4)
OTHER_TO(lldp, 0x88cc, 0x01, 0x80, 0xc2, 0, 0, 0x0e)
OTHER_TO(eapol, 0x888e, 0x01, 0x80, 0xc2, 0, 0, 3)
OTHER_TO(pause, 0x8808, 0x01, 0x80, 0xc2, 0, 0, 1)
OTHER_TO(rarp, 0x8035, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
OTHER(mpls, 0x8847)
OTHER(pppoe, 0x8864)
OTHER(macsec, 0x88e5)
OTHER(mac_in_mac, 0x88e7)
OTHER(ptp, 0x88f7)
OTHER(loopback_protocol, 0x9000)
OTHER(ethertype_600, 0x0600)
OTHER(ethertype_ffff, 0xffff)
OTHER_TO(ethertype_to_nobody, 0x88b5, 2, 0xff, 0, 0, 0, 1)
OTHER_TO(ethertype_to_all, 0x88b5, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
OTHER_TO(ethertype_to_peer, 0x88b5, 2, 0, 0, 0, 0, 3)

void build_llc_spanning_tree(struct odd *odd)
{
	static const uint8_t bridges[6] = {0x01, 0x80, 0xc2}, llc[] = {0x42, 0x42, 0x03};

	build_other(odd, 38, bridges);
	memcpy(odd->packet.data + 14, llc, sizeof(llc));
}

void build_llc_snap(struct odd *odd)
{
	static const uint8_t snap[] = {0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00};

	odd_build(odd);
	odd_insert(&odd->packet, 14, snap, sizeof(snap));
	odd_store16(&odd->packet, 12, (unsigned int)odd->packet.length - 14);
}

/* ---- MAC addresses ---- */

#define FROM_MAC(name, ...)                                  \
	void build_##name(struct odd *odd)                   \
	{                                                    \
		static const uint8_t mac[6] = {__VA_ARGS__}; \
                                                             \
		memcpy(odd->spec.source_mac, mac, 6);        \
	}

FROM_MAC(mac_spoofed, 2, 0xff, 0, 0, 0, 1)
FROM_MAC(mac_of_peer, 2, 0, 0, 0, 0, 3)
FROM_MAC(mac_of_all, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
FROM_MAC(mac_zero, 0, 0, 0, 0, 0, 0)

void build_mac_and_address_of_peer(struct odd *odd)
{
	build_mac_of_peer(odd);
	odd_address(odd, odd->spec.source, "10.1.0.3", "fd00:1::3");
}

void build_mac_to_all(struct odd *odd)
{
	memset(odd->spec.destination_mac, 0xff, 6);
}

void build_mac_to_peer(struct odd *odd)
{
	odd->spec.destination_mac[5] = SCENE_PEER_HOST;
}

/* ---- ARP ---- */

static struct packet *build_arp(struct odd *odd, uint16_t operation)
{
	GROUND_CHECK(!packet_build_arp(&odd->spec, operation, &odd->packet), "ARP");
	return &odd->packet;
}

static void arp_of(struct odd *odd, const char *address)
{
	odd_address(odd, odd->spec.source, address, "");
	build_arp(odd, 2);
}

/* Where ARP has its fields in the frame. */
#define ARP_HARDWARE 14
#define ARP_PROTOCOL 16
#define ARP_LENGTHS 18
#define ARP_OPERATION 20
#define ARP_SENDER_MAC 22
#define ARP_END 42

#define ARP_OF(name, address)              \
	void build_##name(struct odd *odd) \
	{                                  \
		arp_of(odd, address);      \
	}

#define ARP_WITH(name, offset, value)                          \
	void build_##name(struct odd *odd)                     \
	{                                                      \
		odd_store16(build_arp(odd, 1), offset, value); \
	}

void build_arp_request(struct odd *odd)
{
	build_arp(odd, 1);
}

void build_arp_reply(struct odd *odd)
{
	build_arp(odd, 2);
}

void build_arp_gratuitous(struct odd *odd)
{
	memcpy(odd->spec.destination, odd->spec.source, 16);
	build_arp(odd, 1);
}

void build_arp_gratuitous_of_peer(struct odd *odd)
{
	odd_address(odd, odd->spec.source, "10.1.0.3", "");
	build_arp_gratuitous(odd);
}

void build_arp_probe(struct odd *odd)
{
	odd_address(odd, odd->spec.source, "0.0.0.0", "");
	build_arp(odd, 1);
}

ARP_OF(arp_of_peer, "10.1.0.3")
ARP_OF(arp_of_gateway, "10.1.0.1")
ARP_OF(arp_of_outside, "203.0.113.9")
ARP_OF(arp_of_multicast, "224.0.0.1")

void build_arp_claims_mac(struct odd *odd)
{
	build_arp(odd, 2)->data[ARP_SENDER_MAC + 5] = SCENE_PEER_HOST;
}

void build_arp_claims_all(struct odd *odd)
{
	memset(build_arp(odd, 2)->data + ARP_SENDER_MAC, 0xff, 6);
}

void build_arp_mac_spoofed(struct odd *odd)
{
	build_arp(odd, 2)->data[6 + 5] = SCENE_PEER_HOST;
}

ARP_WITH(arp_hardware, ARP_HARDWARE, 6)
ARP_WITH(arp_protocol, ARP_PROTOCOL, 0x86dd)
ARP_WITH(arp_hardware_length, ARP_LENGTHS, 0x0804)
ARP_WITH(arp_protocol_length, ARP_LENGTHS, 0x0610)
ARP_WITH(arp_lengths_0, ARP_LENGTHS, 0)
ARP_WITH(arp_operation_0, ARP_OPERATION, 0)
ARP_WITH(arp_inverse, ARP_OPERATION, 8)

void build_arp_cut(struct odd *odd)
{
	odd_cut(build_arp(odd, 1), ARP_END - 1);
}

void build_arp_long(struct odd *odd)
{
	static const uint8_t more[100];

	odd_insert(build_arp(odd, 1), ARP_END, more, sizeof(more));
}
