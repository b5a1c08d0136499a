// SPDX-License-Identifier: GPL-2.0-only
#include "talks.h"

#include <stdio.h>
#include <string.h>

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "../reference/flows.h"
#include "packet_text.h"

#define TALK_PACKETS 8

/* Two ends that answer pings nobody has sent have two flows. */
static bool is_echo_reply(const struct reference_packet *packet)
{
	return packet->ether_type == ETH_P_IP ? packet->protocol == IPPROTO_ICMP && packet->icmp_type == 0
					      : packet->protocol == IPPROTO_ICMPV6 && packet->icmp_type == 129;
}

/* Both ends are endpoints with declared addresses and MACs, and can hear each other. */
static const struct model_endpoint *other_end(const struct model *model, const struct reference_packet *first)
{
	const struct model_endpoint *endpoint, *other;
	const struct model_group *group = reference_member(model, first->interface, &endpoint), *other_group;

	if (!group || !endpoint || !endpoint->has_mac || first->from_outside || first->fragment ||
	    memcmp(first->source_mac, endpoint->mac, 6) != 0 || packets_ask_for_neighbors(first) ||
	    is_echo_reply(first) || (first->ether_type != ETH_P_IP && first->ether_type != ETH_P_IPV6) ||
	    reference_owner(model, group->vrf, first->source, &other_group) != endpoint)
		return NULL;
	other = reference_owner(model, group->vrf, first->destination, &other_group);
	return other && other != endpoint && other->has_mac ? other : NULL;
}

static struct reference_packet turned(const struct reference_packet *packet, const struct model_endpoint *sender)
{
	struct reference_packet answer = *packet;

	answer.interface = sender->interface;
	memcpy(answer.source, packet->destination, 16);
	memcpy(answer.destination, packet->source, 16);
	memcpy(answer.source_mac, sender->mac, 6);
	memcpy(answer.destination_mac, packet->source_mac, 6);
	answer.source_port = packet->destination_port;
	answer.destination_port = packet->source_port;
	return answer;
}

/* Something else on the same flow. */
static void vary(struct reference_packet *packet, uint64_t *random)
{
	static const uint8_t flags[] = {EPG_FLAG_SYN,
					EPG_FLAG_SYN | EPG_FLAG_ACK,
					EPG_FLAG_ACK,
					EPG_FLAG_ACK,
					EPG_FLAG_ACK | EPG_FLAG_FIN,
					EPG_FLAG_RST,
					EPG_FLAG_RST | EPG_FLAG_ACK,
					0};
	static const uint8_t sctp[] = {0, 1, 2, 3, 6, 14}, dccp[] = {0, 1, 2, 3, 7};

	switch (packet->protocol) {
	case IPPROTO_TCP:
		packet->tcp_flags = flags[random_below(random, sizeof(flags))];
		break;
	case IPPROTO_SCTP:
		packet->chunk = sctp[random_below(random, sizeof(sctp))];
		break;
	case IPPROTO_DCCP:
		packet->chunk = dccp[random_below(random, sizeof(dccp))];
		break;
	default:
		break;
	}
}

/* Whoever pings has a flow of its own: here each end keeps to its part. */
static void answer_echo(struct reference_packet *packet)
{
	if (packet->ether_type == ETH_P_IP && packet->protocol == IPPROTO_ICMP && packet->icmp_type == 8)
		packet->icmp_type = 0;
	else if (packet->ether_type == ETH_P_IPV6 && packet->protocol == IPPROTO_ICMPV6 && packet->icmp_type == 128)
		packet->icmp_type = 129;
}

static void tell(const struct reference_packet *said, size_t n, bool passes)
{
	char text[PACKET_TEXT_BYTES];

	for (size_t i = 0; i < n; i++) {
		packet_text_print(&said[i], text);
		fprintf(stderr, "# said: %s\n", text);
	}
	fprintf(stderr, "# answer: %s, the programs do the opposite\n", passes ? "permit" : "deny");
}

bool talks_agree(struct rig *rig, const struct model *model, const struct reference_packet *first, uint64_t *random,
		 struct talks_counts *counts)
{
	const struct model_endpoint *other = other_end(model, first);
	struct reference_packet said[TALK_PACKETS], back;
	struct reference_flow flow = {0};
	bool agree = true;

	if (!other)
		return true;
	back = turned(first, other);
	answer_echo(&back);
	counts->talks++;
	for (size_t i = 0; i < TALK_PACKETS && agree; i++) {
		unsigned int from = i ? (unsigned int)random_below(random, 2) : 0;
		bool passes, knew = flow.exists;

		said[i] = from ? back : *first;
		if (i)
			vary(&said[i], random);
		passes = reference_passes(model, &said[i], from, &flow);
		agree = rig_passes(rig, &said[i]) == passes;
		counts->packets++;
		counts->passed += passes;
		counts->by_flow += passes && knew;
		if (!agree)
			tell(said, i + 1, passes);
	}
	rig_forget(rig);
	return agree;
}
