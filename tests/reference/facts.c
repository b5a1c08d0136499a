// SPDX-License-Identifier: GPL-2.0-only
#include "facts.h"

#include <string.h>

#include <linux/if_ether.h>
#include <netinet/in.h>

bool facts_is_ip(const struct reference_packet *packet)
{
	return packet->ether_type == ETH_P_IP || packet->ether_type == ETH_P_IPV6;
}

/* ---- addresses ---- */

bool facts_is_ipv4(const uint8_t address[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(address, mapped, sizeof(mapped)) == 0;
}

bool facts_is_unspecified(const uint8_t address[16])
{
	static const uint8_t none4[16] = {[10] = 0xff, [11] = 0xff}, none6[16] = {0};

	return memcmp(address, none4, 16) == 0 || memcmp(address, none6, 16) == 0;
}

/* And the IPv4 address of everybody. */
bool facts_is_multicast(const uint8_t address[16])
{
	static const uint8_t everybody[4] = {255, 255, 255, 255};

	if (!facts_is_ipv4(address))
		return address[0] == 0xff;
	return (address[12] >= 224 && address[12] < 240) || memcmp(address + 12, everybody, 4) == 0;
}

static bool is_loopback(const uint8_t address[16])
{
	static const uint8_t loopback6[16] = {[15] = 1};

	return facts_is_ipv4(address) ? address[12] == 127 : memcmp(address, loopback6, 16) == 0;
}

/* RFC 9293, 3.10.7: every segment has ACK, but one that opens or resets; and none does both. */
static bool flags_make_sense(uint8_t flags)
{
	if (flags & EPG_FLAG_SYN)
		return !(flags & (EPG_FLAG_FIN | EPG_FLAG_RST));
	return flags & (EPG_FLAG_ACK | EPG_FLAG_RST);
}

enum epg_reason facts_refuse(const struct reference_packet *packet)
{
	if (packet->vlan)
		return EPG_REASON_VLAN;
	if (!facts_is_ip(packet))
		return EPG_REASON_NONE;
	if (facts_is_multicast(packet->source) || is_loopback(packet->source) || is_loopback(packet->destination) ||
	    facts_is_unspecified(packet->destination))
		return EPG_REASON_MARTIAN;
	if (packet->protocol == IPPROTO_TCP && packet->fragment != EPG_FRAGMENT_LATER &&
	    !flags_make_sense(packet->tcp_flags))
		return EPG_REASON_TCP_FLAGS;
	return EPG_REASON_NONE;
}

/* ---- what entries ask about ---- */

bool facts_is_icmp(const struct reference_packet *packet)
{
	return packet->ether_type == ETH_P_IP ? packet->protocol == IPPROTO_ICMP : packet->protocol == IPPROTO_ICMPV6;
}

static bool has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_DCCP ||
	       protocol == IPPROTO_SCTP || protocol == IPPROTO_UDPLITE;
}

struct facts facts_of(const struct reference_packet *packet)
{
	struct facts facts = {.kind = packet->ether_type};

	if (packet->ether_type == ETH_P_ARP)
		facts.destination = packet->arp_operation;
	if (!facts_is_ip(packet))
		return facts;
	facts.kind = (uint16_t)((packet->ether_type == ETH_P_IP ? EPG_KIND_IPV4 : EPG_KIND_IPV6) | packet->protocol);
	facts.dscp = packet->dscp;
	facts.piece = packet->fragment == EPG_FRAGMENT_LATER ? EPG_PIECE_LATER : EPG_PIECE_WHOLE;
	if (facts.piece)
		return facts;
	if (facts_is_icmp(packet)) {
		facts.destination = packet->icmp_type;
		facts.source = packet->icmp_code;
	} else if (has_ports(packet->protocol)) {
		facts.destination = packet->destination_port;
		facts.source = packet->source_port;
	}
	if (packet->protocol == IPPROTO_TCP)
		facts.flags = packet->tcp_flags;
	return facts;
}

static bool within(struct model_range range, unsigned int value)
{
	return range.first <= value && value <= range.last;
}

bool facts_match(const struct model_entry *entry, bool deny, const struct facts *facts)
{
	bool kind = false, asks_for_header = entry->fragment.last == 0;

	for (unsigned int i = 0; i < entry->n_kinds; i++)
		kind |= within(entry->kinds[i], facts->kind);
	if (!kind || !within(entry->dscp, facts->dscp))
		return false;
	if (facts->piece == EPG_PIECE_EARLY)
		return entry->fragment.first == 0 && !(deny && asks_for_header);
	return within(entry->destination, facts->destination) && within(entry->source, facts->source) &&
	       within(entry->fragment, facts->piece == EPG_PIECE_LATER) && (entry->tcp_flags >> facts->flags & 1);
}

static bool is_whole_tcp(const struct facts *facts)
{
	return (facts->kind == EPG_KIND_IPV4 + IPPROTO_TCP || facts->kind == EPG_KIND_IPV6 + IPPROTO_TCP) &&
	       facts->piece == EPG_PIECE_WHOLE;
}

bool facts_match_opposite(const struct model_entry *entry, bool deny, const struct facts *facts)
{
	struct model_entry turned = *entry;
	struct facts opposite = *facts;

	if (entry->arp && (facts->destination == 1 || facts->destination == 2))
		opposite.destination = facts->destination == 1 ? 2 : 1;
	if (!entry->arp && !entry->icmp) {
		opposite.destination = facts->source;
		opposite.source = facts->destination;
	}
	if (facts->piece == EPG_PIECE_EARLY)
		return !(deny && entry->tcp && entry->fragment.first == 0) && facts_match(entry, deny, facts);
	if (entry->tcp && entry->fragment.first == 0) {
		if (!(facts->flags & (EPG_FLAG_ACK | EPG_FLAG_RST)))
			return false;
		turned.tcp_flags = MODEL_TCP_FLAGS_ANY;
	} else if (is_whole_tcp(facts) && facts->flags && !(facts->flags & (EPG_FLAG_ACK | EPG_FLAG_RST))) {
		return false; /* TCP among other protocols: what could open a connection does not pass either */
	}
	return facts_match(&turned, deny, &opposite);
}
