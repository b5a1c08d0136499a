// SPDX-License-Identifier: GPL-2.0-only
#include "flows.h"

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "between.h"
#include "facts.h"

#define SCTP_INIT 1
#define SCTP_ABORT 6
#define SCTP_SHUTDOWN_COMPLETE 14
#define DCCP_REQUEST 0
#define DCCP_RESET 7

static bool is_echo(const struct reference_packet *packet, bool request)
{
	bool ipv4 = packet->ether_type == ETH_P_IP;

	return facts_is_icmp(packet) && packet->icmp_type == (ipv4 ? (request ? 8 : 0) : (request ? 128 : 129));
}

static bool is_trackable(const struct reference_packet *packet)
{
	if (!facts_is_ip(packet) || packet->destination_mac[0] & 1)
		return false;
	return !facts_is_icmp(packet) || is_echo(packet, true) || is_echo(packet, false);
}

static bool is_syn(const struct reference_packet *packet)
{
	return packet->protocol == IPPROTO_TCP && (packet->tcp_flags & (EPG_FLAG_SYN | EPG_FLAG_ACK)) == EPG_FLAG_SYN;
}

static bool opens(const struct reference_packet *packet)
{
	if (packet->protocol == IPPROTO_SCTP)
		return packet->chunk == SCTP_INIT;
	if (packet->protocol == IPPROTO_DCCP)
		return packet->chunk == DCCP_REQUEST;
	return is_syn(packet) || is_echo(packet, true);
}

static bool resets(const struct reference_packet *packet)
{
	if (packet->protocol == IPPROTO_SCTP)
		return packet->chunk == SCTP_ABORT || packet->chunk == SCTP_SHUTDOWN_COMPLETE;
	if (packet->protocol == IPPROTO_DCCP)
		return packet->chunk == DCCP_RESET;
	return packet->protocol == IPPROTO_TCP && packet->tcp_flags & EPG_FLAG_RST;
}

static bool belongs(const struct reference_flow *flow, const struct reference_packet *packet, unsigned int from)
{
	if (!flow->exists || !opens(packet))
		return flow->exists;
	if (flow->opener == from)
		return flow->state != EPG_FLOW_CLOSING;
	return flow->state == EPG_FLOW_NEW && flow->crossing && is_syn(packet);
}

/* Who sends on has not sent the reset in its name. */
static void advance(struct reference_flow *flow, const struct reference_packet *packet, unsigned int from)
{
	bool closing, was_closing = flow->state == EPG_FLOW_CLOSING;
	bool answers = packet->protocol != IPPROTO_TCP || packet->tcp_flags & EPG_FLAG_ACK;

	if (packet->protocol == IPPROTO_TCP && packet->tcp_flags & EPG_FLAG_FIN)
		flow->finished[from] = true;
	flow->reset[from] = resets(packet);
	closing = flow->reset[0] || flow->reset[1] || (flow->finished[0] && flow->finished[1]);
	if (closing)
		flow->state = EPG_FLOW_CLOSING;
	else if (was_closing || (flow->state == EPG_FLOW_NEW && flow->opener != from && answers))
		flow->state = EPG_FLOW_ESTABLISHED;
}

static bool is_tracked_by(const struct reference_answer *answer)
{
	if (answer->rule.implicit)
		return answer->rule.id != EPG_RULE_INFRASTRUCTURE;
	return answer->rule.entry->stateful && answer->rule.subject->both_directions;
}

bool reference_passes(const struct model *model, const struct reference_packet *packet, unsigned int from,
		      struct reference_flow *flow)
{
	struct reference_answer answer;

	if (!facts_refuse(packet) && is_trackable(packet) && belongs(flow, packet, from)) {
		advance(flow, packet, from);
		return true;
	}
	reference_decide(model, packet, &answer);
	if (answer.verdict != EPG_PERMIT || !answer.has_rule)
		return false;
	if (is_trackable(packet) && is_tracked_by(&answer) && !resets(packet))
		*flow = (struct reference_flow){.exists = true, .opener = from, .crossing = is_syn(packet)};
	return true;
}
