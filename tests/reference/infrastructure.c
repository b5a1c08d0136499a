// SPDX-License-Identifier: GPL-2.0-only
#include "between.h"

#include <string.h>

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "facts.h"
#include "parties.h"

#define ROUTER_SOLICITATION 133
#define ROUTER_ADVERTISEMENT 134
#define NEIGHBOR_SOLICITATION 135
#define NEIGHBOR_ADVERTISEMENT 136
#define REDIRECT 137

static bool is_icmpv6(const struct reference_packet *packet)
{
	return packet->ether_type == ETH_P_IPV6 && packet->protocol == IPPROTO_ICMPV6 &&
	       packet->fragment != EPG_FRAGMENT_LATER;
}

/* ---- who may say so ---- */

/* An address of one's own; outside: one that no endpoint has. None at all is for those who have none yet. */
static enum epg_reason may_speak_for(const struct model *model, const struct reference_answer *answer,
				     const struct model_endpoint *endpoint, const uint8_t address[16])
{
	const struct model_group *owner;

	if (answer->source)
		return parties_may_use(model, answer->source, endpoint, address);
	return reference_owner(model, answer->destination->vrf, address, &owner) ? EPG_REASON_SPOOFED_ADDRESS
										 : EPG_REASON_NONE;
}

static enum epg_reason may_ask(const struct model *model, const struct reference_packet *packet,
			       const struct reference_answer *answer, const struct model_endpoint *endpoint)
{
	if (facts_is_unspecified(packet->source))
		return EPG_REASON_NONE;
	return may_speak_for(model, answer, endpoint, packet->source);
}

static bool claims_other_mac(const struct reference_packet *packet)
{
	static const uint8_t none[6] = {0};

	return memcmp(packet->claimed_mac, none, 6) != 0 && memcmp(packet->claimed_mac, packet->source_mac, 6) != 0;
}

/* ---- ARP and neighbour discovery ---- */

static bool is_discovery(const struct reference_packet *packet)
{
	return is_icmpv6(packet) && packet->icmp_type >= ROUTER_SOLICITATION && packet->icmp_type <= REDIRECT;
}

/* Routers are asked by everybody's address; what goes to one is a packet as any other. */
static bool is_resolution(const struct reference_packet *packet)
{
	if (packet->ether_type == ETH_P_ARP)
		return true;
	return is_discovery(packet) &&
	       (packet->icmp_type != ROUTER_SOLICITATION || facts_is_multicast(packet->destination));
}

static enum epg_reason refuse_discovery(const struct model *model, const struct reference_packet *packet,
					const struct model_endpoint *endpoint, const struct reference_answer *answer)
{
	const struct model_group *inside = answer->source ? answer->source : answer->destination, *owner;
	bool for_none = facts_is_unspecified(packet->source);
	const struct model_endpoint *owning;

	if (packet->forwarded || packet->fragment)
		return EPG_REASON_MALFORMED;
	if (answer->source && (packet->icmp_type == ROUTER_ADVERTISEMENT || packet->icmp_type == REDIRECT))
		return EPG_REASON_ROUTER;
	if (answer->source && claims_other_mac(packet))
		return EPG_REASON_SPOOFED_MAC;
	if (packet->icmp_type == NEIGHBOR_ADVERTISEMENT)
		return may_speak_for(model, answer, endpoint, packet->target);
	owning = reference_owner(model, inside->vrf, packet->target, &owner);
	/* RFC 4862, 5.4.3: it keeps the owner from its address. */
	if (packet->icmp_type == NEIGHBOR_SOLICITATION && for_none && owning && (!answer->source || owning != endpoint))
		return EPG_REASON_SPOOFED_ADDRESS;
	return EPG_REASON_NONE;
}

static enum epg_reason refuse_resolution(const struct model *model, const struct reference_packet *packet,
					 const struct model_endpoint *endpoint, const struct reference_answer *answer)
{
	enum epg_reason reason = EPG_REASON_NONE;

	if (packet->ether_type != ETH_P_ARP)
		reason = refuse_discovery(model, packet, endpoint, answer);
	else if (answer->source && claims_other_mac(packet))
		reason = EPG_REASON_SPOOFED_MAC;
	return reason ? reason : may_ask(model, packet, answer, endpoint);
}

/* A matter of the bridge domain, unless that asks for contracts between its endpoints. */
static void permit_resolution(const struct model *model, const struct reference_packet *packet,
			      const struct model_endpoint *endpoint, struct reference_answer *answer)
{
	const struct model_bridge_domain *domain = &model->bridge_domains[answer->source->bridge_domain];
	bool solicits = packet->ether_type == ETH_P_ARP ||
			(packet->icmp_type == NEIGHBOR_SOLICITATION && facts_is_multicast(packet->destination));
	const uint8_t *whom = solicits ? packet->target : packet->destination;
	const struct model_group *owner;
	const struct model_endpoint *owning = reference_owner(model, domain->vrf, whom, &owner);

	if (!domain->arp_contract || !owning || owning == endpoint) {
		answer_permitted(answer, EPG_RULE_INFRASTRUCTURE);
		return;
	}
	answer->source = parties_refine(model, answer->source, packet->source);
	answer->destination = parties_refine(model, owner, whom);
	decide_between(model, packet, domain->vrf, answer);
}

/* ---- multicast membership, DHCP ---- */

static bool is_membership(const struct reference_packet *packet)
{
	static const uint8_t igmp[] = {0x11, 0x12, 0x16, 0x17, 0x22}, mld[] = {130, 131, 132, 143};
	bool ipv4 = packet->ether_type == ETH_P_IP;

	if (packet->fragment || !facts_is_multicast(packet->destination))
		return false;
	if (ipv4 ? packet->protocol != IPPROTO_IGMP : packet->protocol != IPPROTO_ICMPV6)
		return false;
	return memchr(ipv4 ? igmp : mld, packet->icmp_type, ipv4 ? sizeof(igmp) : sizeof(mld));
}

static bool has_ports(const struct reference_packet *packet, uint16_t source, uint16_t destination)
{
	return packet->protocol == IPPROTO_UDP && packet->fragment != EPG_FRAGMENT_LATER &&
	       packet->source_port == source && packet->destination_port == destination;
}

static bool is_dhcp_request(const struct reference_packet *packet)
{
	static const uint8_t everybody[16] = {[10] = 0xff, 0xff, 255, 255, 255, 255};
	static const uint8_t servers[16] = {0xff, 2, [13] = 1, [15] = 2}; /* RFC 8415, 7.1 */

	if (packet->ether_type == ETH_P_IP)
		return has_ports(packet, 68, 67) && memcmp(packet->destination, everybody, 16) == 0;
	return has_ports(packet, 546, 547) && memcmp(packet->destination, servers, 16) == 0;
}

static bool is_dhcp_answer(const struct reference_packet *packet)
{
	return packet->ether_type == ETH_P_IP ? has_ports(packet, 67, 68) : has_ports(packet, 547, 546);
}

static enum epg_reason refuse_membership(const struct reference_packet *packet, const struct reference_answer *answer)
{
	bool asks = packet->icmp_type == (packet->ether_type == ETH_P_IP ? 0x11 : 130);

	return answer->source && asks ? EPG_REASON_ROUTER : EPG_REASON_NONE;
}

/* ---- all of them ---- */

/* RFC 792, RFC 1256: redirects and router advertisements of IPv4. */
static bool is_router_of_ipv4(const struct reference_packet *packet)
{
	return packet->ether_type == ETH_P_IP && facts_is_icmp(packet) && packet->fragment != EPG_FRAGMENT_LATER &&
	       (packet->icmp_type == 5 || packet->icmp_type == 9);
}

bool decide_infrastructure(const struct model *model, const struct reference_packet *packet,
			   const struct model_endpoint *endpoint, struct reference_answer *answer)
{
	enum epg_reason reason = EPG_REASON_NONE;
	bool resolution = is_resolution(packet), membership;

	if (answer->source && is_router_of_ipv4(packet)) {
		reason = EPG_REASON_ROUTER;
	} else if (resolution) {
		reason = refuse_resolution(model, packet, endpoint, answer);
	} else {
		if (!facts_is_ip(packet))
			return false;
		membership = is_membership(packet);
		if (!membership && !(answer->source ? is_dhcp_request(packet) : is_dhcp_answer(packet)))
			return false;
		if (membership)
			reason = refuse_membership(packet, answer);
		if (!reason)
			reason = may_ask(model, packet, answer, endpoint);
	}
	if (reason)
		answer_denied(answer, reason);
	else if (resolution && answer->source)
		permit_resolution(model, packet, endpoint, answer);
	else
		answer_permitted(answer, EPG_RULE_INFRASTRUCTURE);
	return true;
}
