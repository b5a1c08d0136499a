// SPDX-License-Identifier: GPL-2.0-only
#include "packets.h"

#include <string.h>

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "base/util.h"

#define NEIGHBOR_SOLICITATION 135
#define NEIGHBOR_ADVERTISEMENT 136

struct roll {
	const struct model *model;
	uint64_t *random;
	const struct model_entry *entry; /* that the packet is aimed at; NULL: at none */
	bool opposite;                   /* aimed at what the provider sends */
	bool is_plain;                   /* neither ARP nor neighbour discovery */
	struct reference_packet packet;
	const struct model_group *group; /* of the hook's endpoint; NULL: nobody's */
	const struct model_endpoint *endpoint;
};

static unsigned int below(struct roll *roll, size_t bound)
{
	return (unsigned int)random_below(roll->random, bound);
}

static bool chance(struct roll *roll, unsigned int percent)
{
	return pool_chance(roll->random, percent);
}

/* ---- values ---- */

/* A value of the interval, at its ends, next to them; where it says nothing, one that others ask about. */
static uint16_t near(struct roll *roll, struct model_range range, uint16_t last)
{
	unsigned int value;

	if (range.first == 0 && range.last >= last) {
		value = POOL_PORT[below(roll, POOL_PORTS)] + (chance(roll, 15) ? 1u : 0u);
		return (uint16_t)(value > last ? last : value);
	}
	switch (below(roll, 8)) {
	case 0:
		value = range.first ? range.first - 1u : 0;
		break;
	case 1:
		value = range.last + 1u;
		break;
	case 2:
	case 3:
		value = range.last;
		break;
	case 4:
		value = range.first + below(roll, range.last - range.first + 1u);
		break;
	default:
		value = range.first;
		break;
	}
	return (uint16_t)(value > last ? last : value);
}

/* Those that a segment may have, in no order. */
static const uint8_t sensible_flags[] = {EPG_FLAG_SYN,
					 EPG_FLAG_SYN | EPG_FLAG_ACK,
					 EPG_FLAG_ACK,
					 EPG_FLAG_ACK | EPG_FLAG_FIN,
					 EPG_FLAG_ACK | EPG_FLAG_RST,
					 EPG_FLAG_RST,
					 EPG_FLAG_RST | EPG_FLAG_FIN,
					 EPG_FLAG_RST | EPG_FLAG_FIN | EPG_FLAG_ACK};

static uint8_t tcp_flags(struct roll *roll)
{
	size_t first = below(roll, ARRAY_SIZE(sensible_flags));
	uint8_t flags = chance(roll, 60) ? EPG_FLAG_SYN : sensible_flags[first];

	if (chance(roll, 2))
		return (uint8_t)below(roll, 16);
	if (roll->entry && roll->entry->tcp_flags != MODEL_TCP_FLAGS_ANY && chance(roll, 75)) {
		for (size_t i = 0; i < ARRAY_SIZE(sensible_flags); i++) {
			flags = sensible_flags[(first + i) % ARRAY_SIZE(sensible_flags)];
			if (roll->entry->tcp_flags >> flags & 1)
				break;
		}
	}
	if (roll->opposite && chance(roll, 70))
		flags = (flags | EPG_FLAG_ACK) & (flags & EPG_FLAG_SYN ? EPG_FLAG_SYN | EPG_FLAG_ACK : EPG_FLAGS_ALL);
	return flags;
}

/* Errors follow flows; routers' messages are not asked about. */
static bool is_asked_about(uint8_t type, bool ipv6)
{
	if (ipv6)
		return type >= 128 && type != 133 && type != 134 && type != 137;
	return type != 3 && type != 4 && type != 11 && type != 12;
}

static uint8_t icmp_type(struct roll *roll, bool ipv6)
{
	static const uint8_t others4[] = {0, 5, 8, 13, 14, 40, 255}, others6[] = {128, 129, 139, 140, 200, 255};
	struct model_range any = MODEL_RANGE_ANY;
	uint16_t type = ipv6 ? others6[below(roll, ARRAY_SIZE(others6))] : others4[below(roll, ARRAY_SIZE(others4))];

	if (roll->entry && roll->entry->icmp && chance(roll, 85))
		type = near(roll, roll->entry->destination.last > UINT8_MAX ? any : roll->entry->destination, 255);
	if (!is_asked_about((uint8_t)type, ipv6))
		return ipv6 ? 128 : 8;
	return (uint8_t)type;
}

static enum epg_fragment fragment(struct roll *roll)
{
	unsigned int at = below(roll, 100);

	if (roll->entry && roll->entry->fragment.first == 1 && chance(roll, 80))
		return EPG_FRAGMENT_LATER;
	return at < 6 ? EPG_FRAGMENT_LATER : at < 11 ? EPG_FRAGMENT_FIRST : EPG_FRAGMENT_NONE;
}

static void roll_ports(struct roll *roll)
{
	struct model_range any = MODEL_RANGE_ANY;
	struct model_range destination = roll->entry ? roll->entry->destination : any;
	struct model_range source = roll->entry ? roll->entry->source : any;

	roll->packet.destination_port = near(roll, roll->opposite ? source : destination, UINT16_MAX);
	roll->packet.source_port = near(roll, roll->opposite ? destination : source, UINT16_MAX);
}

/* What stands behind the IP header. */
static void roll_upper(struct roll *roll)
{
	struct reference_packet *packet = &roll->packet;
	struct model_range any = MODEL_RANGE_ANY;
	bool ipv6 = packet->ether_type == ETH_P_IPV6;

	packet->fragment = fragment(roll);
	packet->dscp = chance(roll, 70) ? 0 : (uint8_t)below(roll, 64);
	if (roll->entry && roll->entry->dscp.last < 64 && chance(roll, 85))
		packet->dscp = (uint8_t)near(roll, roll->entry->dscp, 63);
	if (packet->fragment == EPG_FRAGMENT_LATER)
		return;
	switch (packet->protocol) {
	case IPPROTO_TCP:
		packet->tcp_flags = tcp_flags(roll);
		roll_ports(roll);
		break;
	case IPPROTO_UDP:
	case IPPROTO_DCCP:
	case IPPROTO_SCTP:
	case IPPROTO_UDPLITE:
		roll_ports(roll);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (ipv6 != (packet->protocol == IPPROTO_ICMPV6))
			break;
		packet->icmp_type = icmp_type(roll, ipv6);
		packet->icmp_code =
			(uint8_t)near(roll, roll->entry && roll->entry->icmp ? roll->entry->source : any, 255);
		break;
	default:
		break;
	}
}

/* ---- kinds ---- */

static uint8_t some_protocol(struct roll *roll)
{
	static const uint8_t protocols[] = {6, 6, 6, 6, 17, 17, 1, 58, 132, 136, 33, 47, 2, 253, 255};

	return protocols[below(roll, ARRAY_SIZE(protocols))];
}

/* They are no protocols of IPv6: the real one stands behind them. */
static bool is_extension(uint8_t protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING || protocol == IPPROTO_FRAGMENT ||
	       protocol == IPPROTO_AH || protocol == IPPROTO_DSTOPTS;
}

static void roll_kind(struct roll *roll)
{
	const struct model_entry *entry = roll->entry;
	struct reference_packet *packet = &roll->packet;
	struct model_range kinds = {EPG_KIND_IPV4, EPG_KIND_IPV6 + UINT8_MAX};
	unsigned int at = below(roll, 100);

	if (entry && entry->kinds[0].last != UINT16_MAX)
		kinds = entry->kinds[entry->n_kinds > 1 ? below(roll, entry->n_kinds) : 0];
	if (kinds.first > EPG_KIND_IPV6 + UINT8_MAX) {
		packet->ether_type = kinds.first;
	} else if (at < 2) {
		packet->ether_type = ETH_P_ARP;
	} else if (at < 4) {
		packet->ether_type = POOL_ETHER_TYPE[below(roll, POOL_ETHER_TYPES)];
	} else if (kinds.first == kinds.last && at < 95) {
		packet->protocol = (uint8_t)kinds.first;
		packet->ether_type = kinds.first < EPG_KIND_IPV6 ? ETH_P_IP : ETH_P_IPV6;
	} else {
		packet->protocol = some_protocol(roll);
		packet->ether_type = chance(roll, 50) ? ETH_P_IP : ETH_P_IPV6;
		if (kinds.last < EPG_KIND_IPV6 || kinds.first >= EPG_KIND_IPV6)
			packet->ether_type = kinds.first < EPG_KIND_IPV6 ? ETH_P_IP : ETH_P_IPV6;
	}
	if (packet->ether_type == ETH_P_IPV6 && is_extension(packet->protocol))
		packet->protocol = 47;
}

/* ---- ends ---- */

static bool is_ipv6(const struct roll *roll)
{
	return roll->packet.ether_type == ETH_P_IPV6;
}

/* One of the endpoint's addresses of the packet's family. */
static bool take_address(struct roll *roll, const struct model_endpoint *endpoint, uint8_t ret[16])
{
	size_t first = endpoint->n_ips ? below(roll, endpoint->n_ips) : 0;

	for (size_t i = 0; i < endpoint->n_ips; i++) {
		const struct model_prefix *ip = &endpoint->ips[(first + i) % endpoint->n_ips];

		if (ip->ipv4 == !is_ipv6(roll)) {
			memcpy(ret, ip->address, 16);
			return true;
		}
	}
	return false;
}

/* An address of a prefix that nobody need have: its last byte is as given. */
static bool take_of_prefixes(struct roll *roll, const struct model_prefix *prefixes, size_t n, uint8_t last,
			     uint8_t ret[16])
{
	size_t first = n ? below(roll, n) : 0;

	for (size_t i = 0; i < n; i++) {
		const struct model_prefix *prefix = &prefixes[(first + i) % n];

		if (prefix->ipv4 == is_ipv6(roll))
			continue;
		memcpy(ret, prefix->address, 16);
		if (prefix->length < 128)
			ret[15] = (uint8_t)(ret[15] |
					    (last & (0xff >> (prefix->length < 120 ? 0 : prefix->length - 120))));
		return true;
	}
	return false;
}

/* An endpoint of some group that is wanted. */
static const struct model_endpoint *some_endpoint(struct roll *roll, const struct model_group *like, bool same_group)
{
	size_t first = below(roll, roll->model->n_groups);

	for (size_t i = 0; i < roll->model->n_groups; i++) {
		const struct model_group *group = &roll->model->groups[(first + i) % roll->model->n_groups];
		const struct model_endpoint *endpoint;

		if (group->n_endpoints == 0 || (group == like) != same_group || group->vrf != like->vrf)
			continue;
		endpoint = &group->endpoints[below(roll, group->n_endpoints)];
		if (strcmp(endpoint->interface, roll->packet.interface) != 0)
			return endpoint;
	}
	return NULL;
}

/* Some group that has what is wanted, the packet's VRF mostly. */
static const struct model_group *some_group(struct roll *roll, bool external)
{
	size_t first = below(roll, roll->model->n_groups);
	bool any_vrf = chance(roll, 20);

	for (size_t i = 0; i < roll->model->n_groups; i++) {
		const struct model_group *group = &roll->model->groups[(first + i) % roll->model->n_groups];

		if (group->external == external && (any_vrf || !roll->group || group->vrf == roll->group->vrf))
			return group;
	}
	return NULL;
}

static bool take_external(struct roll *roll, uint8_t ret[16])
{
	const struct model_group *group = some_group(roll, true);

	return group && take_of_prefixes(roll, group->subnets, group->n_subnets, (uint8_t)below(roll, 256), ret);
}

static bool take_match(struct roll *roll, uint8_t ret[16])
{
	const struct model_group *group = some_group(roll, false);

	for (size_t i = 0; group && i < group->n_matches; i++)
		if (model_match_is_prefix(&group->matches[i]) &&
		    take_of_prefixes(roll, &group->matches[i].prefix, 1, (uint8_t)below(roll, 256), ret))
			return true;
	return false;
}

static void take_unknown(struct roll *roll, uint8_t ret[16])
{
	static const uint8_t unknown4[16] = {[10] = 0xff, 0xff, 203, 0, 113}, unknown6[16] = {0x20, 1, 0xd, 0xb9};

	memcpy(ret, is_ipv6(roll) ? unknown6 : unknown4, 16);
	ret[15] = (uint8_t)below(roll, 256);
}

/* Somebody in any VRF. */
static const struct model_endpoint *anybody(struct roll *roll)
{
	const struct model_group *group = &roll->model->groups[below(roll, roll->model->n_groups)];

	return group->n_endpoints ? &group->endpoints[below(roll, group->n_endpoints)] : NULL;
}

/* Of mDNS: many get it, or nobody in particular. */
static void take_multicast(struct roll *roll)
{
	static const uint8_t group4[16] = {[10] = 0xff, 0xff, 224, 0, 0, 251}, group6[16] = {0xff, 2, [15] = 0xfb};
	static const uint8_t mac4[6] = {1, 0, 0x5e, 0, 0, 0xfb}, mac6[6] = {0x33, 0x33, 0, 0, 0, 0xfb};

	memcpy(roll->packet.destination, is_ipv6(roll) ? group6 : group4, 16);
	memcpy(roll->packet.destination_mac, is_ipv6(roll) ? mac6 : mac4, 6);
}

/* That no host has. */
static void take_martian(struct roll *roll, uint8_t ret[16])
{
	static const uint8_t martians4[][4] = {{127, 0, 0, 1}, {224, 0, 0, 1}, {255, 255, 255, 255}, {0, 0, 0, 0}};
	static const uint8_t martians6[][16] = {{[15] = 1}, {0xff, 2, [15] = 1}, {0}};

	if (is_ipv6(roll)) {
		memcpy(ret, martians6[below(roll, ARRAY_SIZE(martians6))], 16);
		return;
	}
	memset(ret, 0, 10);
	memset(ret + 10, 0xff, 2);
	memcpy(ret + 12, martians4[below(roll, ARRAY_SIZE(martians4))], 4);
}

static void roll_destination(struct roll *roll)
{
	static const uint8_t nobody[6] = {2, 0xff};
	struct reference_packet *packet = &roll->packet;
	const struct model_endpoint *to = NULL;
	unsigned int at = below(roll, 100);

	memcpy(packet->destination_mac, nobody, 6);
	if (roll->is_plain && chance(roll, 2)) {
		take_multicast(roll);
		return;
	}
	if (at >= 90 && at < 96 && take_external(roll, packet->destination))
		return;
	if (at >= 96 && at < 98 && take_match(roll, packet->destination))
		return;
	if (at < 16 && roll->group)
		to = some_endpoint(roll, roll->group, true);
	else if (at < 78 && roll->group)
		to = some_endpoint(roll, roll->group, false);
	if (!to && at < 98)
		to = anybody(roll);
	if (to && to->has_mac)
		memcpy(packet->destination_mac, to->mac, 6);
	if (!to || !take_address(roll, to, packet->destination))
		take_unknown(roll, packet->destination);
}

/* What the hook's endpoint sends from: its own, with exceptions. */
static void roll_source(struct roll *roll)
{
	struct reference_packet *packet = &roll->packet;
	const struct model_endpoint *other = anybody(roll);
	const struct model_bridge_domain *domain;

	memcpy(packet->source_mac, (const uint8_t[6]){2, 0, 0, 0, 0, 0x77}, 6);
	if (roll->endpoint && roll->endpoint->has_mac && !chance(roll, 1))
		memcpy(packet->source_mac, roll->endpoint->mac, 6);
	if (other && chance(roll, 1) && take_address(roll, other, packet->source))
		return;
	if (roll->is_plain && below(roll, 300) == 0) {
		take_martian(roll, packet->source);
		return;
	}
	if (chance(roll, 1)) {
		take_unknown(roll, packet->source);
		return;
	}
	if (roll->endpoint && take_address(roll, roll->endpoint, packet->source))
		return;
	take_unknown(roll, packet->source);
	if (!roll->group)
		return;
	domain = &roll->model->bridge_domains[roll->group->bridge_domain];
	take_of_prefixes(roll, domain->subnets, domain->n_subnets, (uint8_t)(200 + below(roll, 40)), packet->source);
}

static void roll_from_outside(struct roll *roll)
{
	static const uint8_t router[6] = {2, 0xfe};
	struct reference_packet *packet = &roll->packet;

	packet->from_outside = true;
	memcpy(packet->source_mac, router, 6);
	memcpy(packet->destination_mac, roll->endpoint->mac, 6);
	if (chance(roll, 3) || !take_external(roll, packet->source))
		take_unknown(roll, packet->source);
	if (chance(roll, 10))
		take_multicast(roll);
	else if (!take_address(roll, roll->endpoint, packet->destination))
		take_unknown(roll, packet->destination);
	if (below(roll, 50) == 0)
		take_martian(roll, packet->source);
}

/* ---- the packet ---- */

/* Requests ask about the destination; a neighbour's answer tells of the source. */
static void finish_resolution(struct roll *roll)
{
	struct reference_packet *packet = &roll->packet;
	bool solicits = packet->icmp_type == NEIGHBOR_SOLICITATION;

	if (packet->ether_type == ETH_P_ARP) {
		packet->arp_operation = chance(roll, 50) ? 1 : 2;
		if (chance(roll, 3))
			packet->arp_operation = 3;
		memcpy(packet->target, packet->destination, 16);
	} else if (packet->ether_type == ETH_P_IPV6 && packet->protocol == IPPROTO_ICMPV6 &&
		   (solicits || packet->icmp_type == NEIGHBOR_ADVERTISEMENT)) {
		packet->fragment = EPG_FRAGMENT_NONE;
		packet->from_outside = false;
		memcpy(packet->target, solicits ? packet->destination : packet->source, 16);
	}
}

static const struct model_entry *some_entry(struct roll *roll)
{
	const struct model_filter *filter;

	if (roll->model->n_filters == 0 || chance(roll, 15))
		return NULL;
	filter = &roll->model->filters[below(roll, roll->model->n_filters)];
	return filter->n_entries ? &filter->entries[below(roll, filter->n_entries)] : NULL;
}

bool packets_ask_for_neighbors(const struct reference_packet *packet)
{
	return packet->ether_type == ETH_P_ARP ||
	       (packet->ether_type == ETH_P_IPV6 && packet->protocol == IPPROTO_ICMPV6 &&
		packet->fragment != EPG_FRAGMENT_LATER &&
		(packet->icmp_type == NEIGHBOR_SOLICITATION || packet->icmp_type == NEIGHBOR_ADVERTISEMENT));
}

void packets_random(const struct model *model, uint64_t *random, struct reference_packet *ret)
{
	struct roll roll = {.model = model, .random = random};
	struct reference_packet *packet = &roll.packet;
	bool is_ip;

	packet->interface = POOL_INTERFACE[below(&roll, POOL_INTERFACES)];
	roll.group = reference_member(model, packet->interface, &roll.endpoint);
	if (!roll.group && chance(&roll, 90)) {
		packet->interface = POOL_INTERFACE[0];
		roll.group = reference_member(model, packet->interface, &roll.endpoint);
	}
	roll.entry = some_entry(&roll);
	roll.opposite = chance(&roll, 25);
	roll_kind(&roll);
	is_ip = packet->ether_type == ETH_P_IP || packet->ether_type == ETH_P_IPV6;
	if (is_ip)
		roll_upper(&roll);
	roll.is_plain = is_ip && !packets_ask_for_neighbors(packet);
	if (is_ip && !packets_ask_for_neighbors(packet) && roll.endpoint && roll.endpoint->n_ips > 0 &&
	    chance(&roll, some_group(&roll, true) ? 12 : 1)) {
		roll_from_outside(&roll);
	} else {
		roll_source(&roll);
		roll_destination(&roll);
	}
	finish_resolution(&roll);
	if (!is_ip && packet->ether_type != ETH_P_ARP) {
		memset(packet->source, 0, 16);
		memset(packet->destination, 0, 16);
	}
	*ret = *packet;
}

bool packets_make_sense(const struct reference_packet *packet)
{
	bool ipv6 = packet->ether_type == ETH_P_IPV6;

	if (ipv6 && is_extension(packet->protocol))
		return false;
	if (!(ipv6 ? packet->protocol == IPPROTO_ICMPV6
		   : packet->ether_type == ETH_P_IP && packet->protocol == IPPROTO_ICMP))
		return true;
	if (packets_ask_for_neighbors(packet))
		return packet->fragment == EPG_FRAGMENT_NONE && !packet->from_outside;
	return packet->fragment == EPG_FRAGMENT_LATER || is_asked_about(packet->icmp_type, ipv6);
}
