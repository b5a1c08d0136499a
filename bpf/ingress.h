/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The steps in their order for what comes from an endpoint, or from outside through an uplink. Functions return why
 * the packet is dropped, EPG_REASON_NONE: it passes; what they have found out stands in `work`.
 */
#ifndef BPF_INGRESS_H
#define BPF_INGRESS_H

#include "verdict.h"

static __always_inline int ingress_source(struct work *work, struct epg_endpoint *endpoint)
{
	struct epg_binding *binding = enter(work, endpoint);

	if (!binding)
		return EPG_REASON_QUARANTINE;
	work->source_flags = binding->flags;
	if (binding->flags & EPG_ENDPOINT_UPLINK)
		return EPG_REASON_NONE;
	work->source.ifindex = work->ifindex;
	work->source.bound = work->source.class_id = binding->class_id;
	if (work->packet.reason)
		return EPG_REASON_NONE; /* told by the caller; there may be no MAC address to look at */
	if (!mac_is_own(binding, work->packet.source_mac))
		return EPG_REASON_SPOOFED_MAC;
	if (binding->mac_noted != work->realm.bridge_domain && !epg_explaining)
		mac_note(&work->realm, work->ifindex, binding);
	return EPG_REASON_NONE;
}

/* An endpoint of this VRF, or of one into which a contract leads. */
static __always_inline bool is_for_endpoint(const struct work *work)
{
	const struct packet *packet = &work->packet;
	struct party party = {};
	__u32 leaf;

	if (address_owner(&work->realm, &packet->destination))
		return true;
	leaf = address_prefix(&work->realm, &packet->destination, is_ipv4(packet));
	if (leaf_is_vrf(leaf))
		party_across(&work->realm, EPG_PREFIX_CLASS(leaf), &packet->destination, &party);
	return party.ifindex;
}

/*
 * Uplinks also carry what is the host's own: what is not for an endpoint passes by, undecided, and so can't reach
 * one: its own egress hook would decide.
 */
static __always_inline bool passes_by(const struct work *work)
{
	const struct packet *packet = &work->packet;

	if (!(work->source_flags & EPG_ENDPOINT_UPLINK))
		return false;
	if (is_beside_ip(packet))
		return true;
	return is_ip(packet) && !packet->reason && !is_for_endpoint(work);
}

/*
 * Behind XDP, TC sees what it has let pass: marks it, as XDP could not, and drops the tags that a network device
 * has taken out of the frame before XDP could see them.
 */
static __always_inline int ingress_after_xdp(struct work *work)
{
	if (work->packet.reason == EPG_REASON_VLAN)
		return EPG_REASON_VLAN;
	if (passes_by(work))
		return PASSES_BY;
	work->decided = true;
	return EPG_REASON_NONE;
}

/* Neither IP nor ARP: the destination is who has the MAC address. */
static __always_inline int ingress_decide_other(const struct epg_control *config, struct work *work)
{
	__u32 owner = mac_owner_of(&work->realm, work->packet.destination_mac);

	if (owner)
		party_be_endpoint(&work->destination, &work->realm, owner);
	return decide_and_track(config, work);
}

/* A new flow, or a packet that belongs to none: finds both sides. */
static __always_inline int ingress_decide(const struct epg_control *config, struct work *work, void *data, void *end)
{
	const struct packet *packet = &work->packet;
	int reason;

	if (is_other(packet))
		return ingress_decide_other(config, work);
	reason = classify_source(work);
	if (reason)
		return reason;
	party_of_address(&work->realm, &packet->destination, is_ipv4(packet), &work->destination);
	return follow_or_decide(config, work, data, end);
}

static __always_inline int ingress(const struct epg_control *config, struct work *work, struct epg_endpoint *endpoint,
				   void *data, void *end)
{
	int reason = ingress_source(work, endpoint);

	if (reason)
		return reason;
	/* Explaining asks TC what XDP, which is the same code, would say. */
	if (!epg_explaining && work->hook == EPG_HOOK_TC_INGRESS && work->source_flags & EPG_ENDPOINT_XDP)
		return ingress_after_xdp(work);
	if (passes_by(work))
		return PASSES_BY;
	if (work->packet.reason)
		return work->packet.reason;
	reason = infrastructure(work);
	if (reason != NOT_INFRASTRUCTURE)
		return infrastructure_decide(work, reason);
	if (is_trackable(&work->packet) && follow_flow(config, work))
		return EPG_REASON_NONE;
	return ingress_decide(config, work, data, end);
}

#endif
