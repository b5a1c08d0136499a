/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Third step: tracked flows. Both directions of a flow meet in one entry. */
#ifndef BPF_FLOW_H
#define BPF_FLOW_H

#include "endpoint.h"
#include "quoted.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 262144);
	__type(key, struct epg_flow_key);
	__type(value, struct epg_flow);
} flows SEC(".maps");

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

/* Compared as memory: big-endian halves, then ports. */
static __always_inline bool is_lower(const struct ends *ends)
{
	for (int i = 0; i < 2; i++) {
		__u64 source = bpf_be64_to_cpu(ends->source.halves_be[i]);
		__u64 destination = bpf_be64_to_cpu(ends->destination.halves_be[i]);

		if (source != destination)
			return source < destination;
	}
	return bpf_ntohs(ends->source_port_be) <= bpf_ntohs(ends->destination_port_be);
}

/* The key of a packet with these ends; returns which end its source is. */
static __always_inline __u32 flow_key(struct epg_flow_key *key, const struct ends *ends, __u32 vrf)
{
	bool low = is_lower(ends);

	__builtin_memcpy(key->low, low ? &ends->source : &ends->destination, 16);
	__builtin_memcpy(key->high, low ? &ends->destination : &ends->source, 16);
	key->low_port_be = low ? ends->source_port_be : ends->destination_port_be;
	key->high_port_be = low ? ends->destination_port_be : ends->source_port_be;
	key->vrf = vrf;
	key->protocol = ends->protocol;
	key->reserved = 0;
	return low ? EPG_FLOW_LOW : EPG_FLOW_HIGH;
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

static __always_inline bool flow_is_idle(const struct epg_control *config, const struct epg_flow *flow, __u8 protocol)
{
	__u32 state = flow->state;
	__u32 idle = (__u32)bpf_jiffies64() - flow->seen;

	if (state >= EPG_FLOW_STATES)
		return true;
	/* Another CPU may have stamped it a tick after this one has read the clock. */
	if (idle > (__u32)-EPG_FLOW_SEEN_LATER)
		return false;
	return idle > (has_connections(protocol) ? config->connection_timeout[state] : config->timeout[state]);
}

/* Entries are explained away: a question is about the policy, not about what it has let through before. */
static __always_inline struct epg_flow *flow_find(const struct epg_control *config, const struct epg_flow_key *key)
{
	struct epg_flow *flow;

	if (epg_explaining)
		return NULL;
	flow = bpf_map_lookup_elem(&flows, key);
	if (!flow || flow_is_idle(config, flow, key->protocol))
		return NULL;
	return flow;
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
static __always_inline void flow_close(struct epg_flow *flow, const struct packet *packet, __u32 from)
{
	__u8 reset = EPG_FLOW_CLOSED_RST << from;

	if (packet->signals & SIGNAL_ENDS)
		flow->closed |= EPG_FLOW_CLOSED_FIN << from;
	if (packet->signals & SIGNAL_ABORTS)
		flow->closed |= reset;
	else if (flow->closed & reset)
		flow->closed &= ~reset;
	else if (!packet->signals)
		return;
	if (flow->closed & CLOSED_RST_BOTH || (flow->closed & CLOSED_FIN_BOTH) == CLOSED_FIN_BOTH)
		flow->state = EPG_FLOW_CLOSING;
	else if (flow->state == EPG_FLOW_CLOSING)
		flow->state = EPG_FLOW_ESTABLISHED;
}

static __always_inline bool is_answer(const struct packet *packet)
{
	return packet->protocol != IPPROTO_TCP || packet->tcp_flags & TCP_ACK;
}

/* What a packet of the flow says about it. Written only where something changes. */
static __always_inline void flow_advance(struct epg_flow *flow, const struct packet *packet, __u32 from)
{
	__u32 now = (__u32)bpf_jiffies64();

	if (flow->seen != now)
		flow->seen = now;
	if (has_connections(packet->protocol))
		flow_close(flow, packet, from);
	if (flow->state == EPG_FLOW_NEW && flow->opener != from && is_answer(packet))
		flow->state = EPG_FLOW_ESTABLISHED;
}

#endif
