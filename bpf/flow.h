/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Third step: tracked flows. Both directions of a flow meet in one entry. */
#ifndef BPF_FLOW_H
#define BPF_FLOW_H

#include "endpoint.h"
#include "flow_table.h"
#include "quoted.h"

/* Both flags of a flow's closing, of either end. */
#define CLOSED_FIN_BOTH (EPG_FLOW_CLOSED_FIN | EPG_FLOW_CLOSED_FIN << 1)
#define CLOSED_RST_BOTH (EPG_FLOW_CLOSED_RST | EPG_FLOW_CLOSED_RST << 1)

/* Begins a connection, of a protocol that has them. */
static __always_inline bool is_connecting(const struct packet *packet)
{
	return packet->signals & SIGNAL_OPENS;
}

static __always_inline bool is_opening(const struct packet *packet)
{
	return is_connecting(packet) || is_echo_request(packet);
}

static __always_inline bool has_connections(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP;
}

/*
 * All of IP but what is sent to many, later fragments, whose ports nobody knows, and ICMP other than echo, where nothing
 * says what answers what. Protocols without ports have one flow between two addresses.
 */
static __always_inline bool is_trackable(const struct packet *packet)
{
	if (!is_ip(packet) || packet->fragment == EPG_FRAGMENT_LATER || is_for_many(packet))
		return false;
	return !is_icmp(packet) || is_echo_request(packet) || is_echo_reply(packet);
}

/* The key of a packet with these ends; returns which end its source is. */
static __always_inline __u32 flow_key(struct sought *key, const struct ends *ends, __u32 vrf)
{
	__u16 source_port = bpf_ntohs(ends->source_port_be), destination_port = bpf_ntohs(ends->destination_port_be);

	if (address_is_mapped(&ends->source))
		return flow_key_ipv4(key, bpf_ntohl(ends->source.words_be[3]), bpf_ntohl(ends->destination.words_be[3]),
				     source_port, destination_port, EPG_FLOW_KEY_REST(vrf, ends->protocol, 4));
	return flow_key_ipv6(key, &ends->source, &ends->destination, source_port, destination_port,
			     EPG_FLOW_KEY_REST(vrf, ends->protocol, 6));
}

/* ICMP echo: the requester's end has the identifier, the other one the type of a request. */
static __always_inline void flow_ends(struct ends *ends, const struct packet *packet)
{
	__be16 request_be = bpf_htons(is_ipv4(packet) ? ICMP_ECHO : ICMPV6_ECHO_REQUEST);

	ends->source = packet->source;
	ends->destination = packet->destination;
	ends->protocol = packet->protocol;
	ends->source_port_be = packet->source_port_be;
	ends->destination_port_be = packet->destination_port_be;
	if (is_echo_request(packet)) {
		ends->source_port_be = packet->echo_be;
		ends->destination_port_be = request_be;
	} else if (is_echo_reply(packet)) {
		ends->source_port_be = request_be;
		ends->destination_port_be = packet->echo_be;
	}
}

/* Another CPU may have stamped it a tick after this one has read the clock. */
static __always_inline bool flow_is_idle(const struct epg_control *config, const struct epg_flow *flow, __u32 now)
{
	__u32 idle = now - flow->seen;

	return idle > flow_timeout(config, flow->state, EPG_FLOW_KEY_PROTOCOL(flow->key[1])) &&
	       idle <= (__u32)-EPG_FLOW_SEEN_LATER;
}

/* Entries are explained away: a question is about the policy, not about what it has let through before. */
static __always_inline struct epg_flow *flow_find(const struct epg_control *config, const struct sought *key)
{
	struct epg_flow *flow;

	if (epg_explaining)
		return NULL;
	flow = flow_table_find(config, key);
	return flow && !flow_is_idle(config, flow, (__u32)bpf_jiffies64()) ? flow : NULL;
}

static __always_inline bool flow_is_current(const struct epg_control *config, const struct epg_flow *flow,
					    __u32 generation)
{
	return flow->generation == generation && flow->epoch == config->epoch;
}

/* RFC 9293, 3.5: both ends of a connection may begin it at once. */
static __always_inline bool is_crossing(const struct epg_flow *flow, const struct packet *packet)
{
	return flow->state == EPG_FLOW_NEW && packet->protocol == IPPROTO_TCP &&
	       (flow->opened_flags & (EPG_FLAG_SYN | EPG_FLAG_ACK)) == EPG_FLAG_SYN;
}

/* Can this packet belong to the flow? A new opening is decided as such: nobody opens by way of a reply. */
static __always_inline bool flow_accepts(const struct epg_flow *flow, const struct packet *packet, __u32 from)
{
	if (!is_opening(packet))
		return true;
	if (flow->rule == EPG_RULE_KEPT && is_connecting(packet))
		return false;
	return flow->opener == from ? flow->state != EPG_FLOW_CLOSING : is_crossing(flow, packet);
}

/*
 * What ends the flow. Sequence numbers are not looked at, so a reset may be a stranger's: who goes on after it has not
 * sent it.
 */
static __always_inline void flow_close(struct epg_flow *flow, __u8 signals, __u32 from)
{
	__u8 reset = EPG_FLOW_CLOSED_RST << from;

	if (signals & SIGNAL_ENDS)
		flow->closed |= EPG_FLOW_CLOSED_FIN << from;
	if (signals & SIGNAL_ABORTS)
		flow->closed |= reset;
	else if (flow->closed & reset)
		flow->closed &= ~reset;
	else if (!signals)
		return;
	if (flow->closed & CLOSED_RST_BOTH || (flow->closed & CLOSED_FIN_BOTH) == CLOSED_FIN_BOTH)
		flow->state = EPG_FLOW_CLOSING;
	else if (flow->state == EPG_FLOW_CLOSING)
		flow->state = EPG_FLOW_ESTABLISHED;
}

/* What a packet says about the flow that it belongs to. */
struct message {
	__u8 protocol;
	__u8 tcp_flags;
	__u8 signals;
};

static __always_inline struct message message_of(const struct packet *packet)
{
	return (struct message){packet->protocol, packet->tcp_flags, packet->signals};
}

static __always_inline bool is_answer(struct message message)
{
	return message.protocol != IPPROTO_TCP || message.tcp_flags & TCP_ACK;
}

/* Written only where something changes. */
static __always_inline void flow_advance(struct epg_flow *flow, struct message message, __u32 from)
{
	__u32 now = (__u32)bpf_jiffies64();

	if (flow->seen != now)
		flow->seen = now;
	if (has_connections(message.protocol))
		flow_close(flow, message.signals, from);
	/* Nobody answers himself: he would be both ends of as many flows as he likes. */
	if (flow->state == EPG_FLOW_NEW && flow->opener != from && is_answer(message) &&
	    flow->ifindex[0] != flow->ifindex[1])
		flow->state = EPG_FLOW_ESTABLISHED;
}

#endif
