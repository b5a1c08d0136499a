// SPDX-License-Identifier: GPL-2.0-only
#include "facts.h"

#include <linux/if_ether.h>
#include <netinet/in.h>

bool facts_is_ip(const struct reference_packet *packet)
{
	return packet->ether_type == ETH_P_IP || packet->ether_type == ETH_P_IPV6;
}

static bool is_icmp(const struct reference_packet *packet)
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
	facts.later_fragment = packet->fragment == EPG_FRAGMENT_LATER;
	if (facts.later_fragment)
		return facts;
	if (is_icmp(packet)) {
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

bool facts_match(const struct model_entry *entry, const struct facts *facts)
{
	bool kind = false;

	for (unsigned int i = 0; i < entry->n_kinds; i++)
		kind |= within(entry->kinds[i], facts->kind);
	return kind && within(entry->destination, facts->destination) && within(entry->source, facts->source) &&
	       within(entry->dscp, facts->dscp) && within(entry->fragment, facts->later_fragment) &&
	       (entry->tcp_flags >> facts->flags & 1);
}

static bool is_whole_tcp(const struct facts *facts)
{
	return (facts->kind == EPG_KIND_IPV4 + IPPROTO_TCP || facts->kind == EPG_KIND_IPV6 + IPPROTO_TCP) &&
	       !facts->later_fragment;
}

bool facts_match_opposite(const struct model_entry *entry, const struct facts *facts)
{
	struct model_entry turned = *entry;
	struct facts opposite = *facts;

	if (entry->arp && (facts->destination == 1 || facts->destination == 2))
		opposite.destination = facts->destination == 1 ? 2 : 1;
	if (!entry->arp && !entry->icmp) {
		opposite.destination = facts->source;
		opposite.source = facts->destination;
	}
	if (entry->tcp && entry->fragment.first == 0) {
		if (!(facts->flags & (EPG_FLAG_ACK | EPG_FLAG_RST)))
			return false;
		turned.tcp_flags = MODEL_TCP_FLAGS_ANY;
	} else if (is_whole_tcp(facts) && facts->flags && !(facts->flags & (EPG_FLAG_ACK | EPG_FLAG_RST))) {
		return false; /* TCP among other protocols: what could open a connection does not pass either */
	}
	return facts_match(&turned, &opposite);
}
