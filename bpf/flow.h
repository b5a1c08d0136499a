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

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

static __always_inline bool is_tcp_opening(const struct packet *packet)
{
	return packet->protocol == IPPROTO_TCP && (packet->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}

static __always_inline bool is_opening(const struct packet *packet)
{
	return is_tcp_opening(packet) || is_echo_request(packet);
}

/*
 * All of IP but later fragments, whose ports nobody knows, and ICMP other than echo, where nothing says what answers
 * what. Protocols without ports have one flow between two addresses.
 */
static __always_inline bool is_trackable(const struct packet *packet)
{
	if (!is_ip(packet) || packet->fragment == EPG_FRAGMENT_LATER)
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
	return idle > (protocol == IPPROTO_TCP ? config->tcp_timeout[state] : config->timeout[state]);
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

/* Can this packet belong to the flow? A new opening is decided as such: nobody opens by way of a reply. */
static __always_inline bool flow_accepts(const struct epg_flow *flow, const struct packet *packet, __u32 from)
{
	if (!is_opening(packet))
		return true;
	if (flow->rule == EPG_RULE_KEPT && is_tcp_opening(packet))
		return false;
	return flow->opener == from && flow->state != EPG_FLOW_CLOSING;
}

/* What a packet of the flow says about it. Written only where something changes. */
static __always_inline void flow_advance(struct epg_flow *flow, const struct packet *packet, __u32 from)
{
	__u32 now = (__u32)bpf_jiffies64();

	if (flow->seen != now)
		flow->seen = now;
	if (packet->protocol == IPPROTO_TCP) {
		if (packet->tcp_flags & TCP_FIN)
			flow->fin |= 1 << from;
		if (packet->tcp_flags & TCP_RST || flow->fin == 3)
			flow->state = EPG_FLOW_CLOSING;
	}
	if (flow->state == EPG_FLOW_NEW && flow->opener != from)
		flow->state = EPG_FLOW_ESTABLISHED;
}

#endif
