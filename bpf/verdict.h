/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What both directions have in common between reading a frame and deciding on it. */
#ifndef BPF_VERDICT_H
#define BPF_VERDICT_H

#include "fragment.h"
#include "infrastructure.h"

/* What passes by nature, but for asking for neighbours where the bridge domain leaves that to contracts. */
static __always_inline int infrastructure_decide(struct work *work, int reason)
{
	if (reason)
		return reason;
	work->decision.rule = EPG_RULE_INFRASTRUCTURE;
	work->decision.level = EPG_LEVEL_INFRASTRUCTURE;
	if (!takes_contract(work))
		return EPG_REASON_NONE;
	party_refine(&work->source, address_prefix(&work->realm, &work->packet.source, !is_ip(&work->packet)));
	rule_key_of_packet(&work->key, &work->packet);
	decide(pair_of(&work->source, &work->destination));
	return work->decision.reason;
}

/*
 * Stations must be found before anybody can talk to them: who asks for one asks all of its VLAN, or of none where the
 * interface itself is nobody's.
 */
static __always_inline bool asks_stations(const struct work *work, const struct epg_binding *own)
{
	const struct packet *packet = &work->packet;

	return work->hook == EPG_HOOK_TC_EGRESS && (packet->vlan || !own->class_id) && is_for_many(packet) &&
	       is_resolution(packet);
}

static __always_inline __u32 port_at(const struct work *work, const struct epg_binding *own, const __u8 *mac)
{
	__u32 port;

	if (!(own->flags & EPG_ENDPOINT_SHARED))
		return 0;
	port = port_find(work->ifindex, work->realm.generation, work->packet.vlan, mac);
	if (port || !asks_stations(work, own))
		return port;
	return port_of_stations(work->ifindex, work->realm.generation, work->packet.vlan);
}

/*
 * The endpoint at the hook. Behind an interface that several share it is told by VLAN and MAC address; anywhere else, and
 * where nobody has it, a tag is one that its sender was not given.
 */
static __always_inline struct epg_endpoint *hook_endpoint(struct work *work, const __u8 *mac)
{
	struct epg_endpoint *endpoint = endpoint_get(work->ifindex);
	struct packet *packet = &work->packet;
	struct epg_binding *own;
	__u32 port = 0;

	work->port = work->ifindex;
	if (endpoint) {
		own = endpoint_binding(endpoint, work->realm.generation);
		work->behind_xdp = own->flags & EPG_ENDPOINT_XDP && work->hook == EPG_HOOK_TC_INGRESS;
		port = port_at(work, own, mac);
	}
	if (port) {
		work->port = port;
		return endpoint_get(port);
	}
	if (packet->vlan)
		packet->reason = EPG_REASON_VLAN;
	return endpoint;
}

/* What the hook's interface is bound to, in the realm of that group; NULL: quarantine. */
static __always_inline struct epg_binding *enter(struct work *work, struct epg_endpoint *endpoint)
{
	struct epg_binding *binding;

	if (!endpoint)
		return NULL;
	binding = endpoint_binding(endpoint, work->realm.generation);
	return binding->class_id && realm_enter(&work->realm, binding->class_id) ? binding : NULL;
}

/* Behind a shared interface a tag that nobody was given is the first thing that is wrong. */
static __always_inline int reason_of_nobody(const struct work *work, const struct epg_endpoint *endpoint)
{
	return endpoint && work->packet.reason == EPG_REASON_VLAN ? EPG_REASON_VLAN : EPG_REASON_QUARANTINE;
}

/* Frames that name no endpoint's address, whatever they carry. */
static __always_inline bool is_beside_ip(const struct packet *packet)
{
	if (packet->reason)
		return packet->reason == EPG_REASON_ETHERTYPE || packet->reason == EPG_REASON_VLAN;
	return is_other(packet);
}

/*
 * What an endpoint sends by way of a switch that the kernel doesn't see comes back as if from outside: its address and
 * its MAC address together tell that it is the endpoint's. It is decided anew. True: that is who the source is.
 */
STEP int source_returns(void)
{
	struct work *work = work_get();
	__u32 owner = work ? address_owner(&work->realm, &work->packet.source) : 0;
	struct epg_endpoint *endpoint = owner ? endpoint_get(owner) : NULL;
	struct epg_binding *binding;

	if (!work || !endpoint)
		return false;
	binding = endpoint_binding(endpoint, work->realm.generation);
	if (leaves_host(work) && binding->flags & EPG_ENDPOINT_INSIDE)
		return false; /* it has a hook of its own to leave by */
	if (!(binding->flags & EPG_ENDPOINT_DETOUR) || !mac_equal(binding->mac, work->packet.source_mac))
		return false;
	work->source.ifindex = owner;
	work->source.bound = work->source.class_id = binding->class_id;
	work->source_flags = binding->flags;
	return true;
}

/*
 * What lets a packet pass without being decided on: a flow. Sources that come back from a switch that the kernel
 * doesn't see are recognised only where no flow of others is followed: it costs a look-up.
 */
static __always_inline bool follow(struct work *work)
{
	bool trackable = is_trackable(&work->packet);

	if (trackable && follow_flow())
		return true;
	if (work->source.ifindex || !is_ip(&work->packet) || !source_returns())
		return false;
	/* Its own hook has opened the flow, and counts what it sends. */
	work->decided = trackable && follow_flow();
	return work->decided;
}

/*
 * The group of the source. One that comes from outside and has the address of an endpoint of another VRF is a
 * stranger that says so: that endpoint's packets come by a hook that knows them.
 */
static __always_inline int classify_source(struct work *work)
{
	const struct packet *packet = &work->packet;
	int reason = EPG_REASON_NONE;

	if (!work->decided || !work->source.ifindex)
		reason = source_may_use_source();
	if (reason || work->crosses)
		return reason;
	if (!work->source.ifindex && address_is_unspecified(&packet->source))
		return EPG_REASON_MARTIAN;
	if (work->source.ifindex) {
		party_refine(&work->source, address_prefix(&work->realm, &packet->source, is_ipv4(packet)));
		return EPG_REASON_NONE;
	}
	party_of_address(&work->realm, &packet->source, is_ipv4(packet), &work->source);
	return work->source.ifindex ? EPG_REASON_SPOOFED_ADDRESS : EPG_REASON_NONE;
}

#endif
