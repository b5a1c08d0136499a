/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The steps in their order for what comes from an endpoint, or from outside through an uplink. Functions return why
 * the packet is dropped, EPG_REASON_NONE: it passes; what they have found out stands in `work`.
 */
#ifndef BPF_INGRESS_H
#define BPF_INGRESS_H

#include "acquaintance.h"
#include "verdict.h"
#include "voucher.h"

static __always_inline int ingress_source(struct work *work, struct epg_endpoint *endpoint)
{
	struct epg_binding *binding = enter(work, endpoint);

	if (!binding)
		return reason_of_nobody(work, endpoint);
	work->source_flags = binding->flags;
	work->uplink = binding->flags & EPG_ENDPOINT_UPLINK ? 1 : 0;
	work->device = binding->flags & EPG_ENDPOINT_DEVICE ? 1 : 0;
	if (work->uplink)
		return EPG_REASON_NONE;
	work->source.ifindex = work->port;
	work->source.bound = work->source.class_id = binding->class_id;
	if (work->packet.reason)
		return EPG_REASON_NONE; /* told by the caller; there may be no MAC address to look at */
	if (!mac_is_own(binding, work->packet.source_mac))
		return EPG_REASON_SPOOFED_MAC;
	if (binding->mac_noted != work->realm.bridge_domain && !epg_explaining)
		mac_note(&work->realm, work->port, binding);
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

	if (is_beside_ip(packet))
		return true;
	return is_ip(packet) && !packet->reason && !is_for_endpoint(work);
}

/* What the kernel says of an uplink: how its frames come, and which MAC address it has. */
static __always_inline void note_uplink(const struct work *work, struct epg_endpoint *endpoint)
{
	struct epg_binding *binding = endpoint_binding(endpoint, work->realm.generation);

	if (work->by_driver)
		note_seen(endpoint, EPG_SEEN_DRIVER);
	if (work->addressed && !mac_equal(binding->mac, work->packet.destination_mac) && !epg_explaining)
		__builtin_memcpy(binding->mac, work->packet.destination_mac, 6);
}

/*
 * A network card's driver has not received it, so a device stacked on the card has sent it. The kernel hands nothing to
 * the card's own MAC address that way.
 */
static __always_inline bool is_of_device_without(const struct work *work, const struct epg_endpoint *endpoint)
{
	return work->device && endpoint->seen & EPG_SEEN_DRIVER && !work->by_driver && !work->addressed;
}

/*
 * Devices stacked on an uplink reach each other past it, or through it. What one with a hook has sent passes by: the
 * receiver's own hook looks at it. What passes by nature is the host's only if it is
 * addressed to the host. Else: EPG_REASON_NONE, it comes from outside.
 */
static __always_inline int ingress_stacked(struct work *work, const struct epg_endpoint *endpoint, bool passes)
{
	if (!(endpoint->seen & EPG_SEEN_STACKED) || epg_explaining)
		return EPG_REASON_NONE;
	/* XDP sees no hash: TC behind it looks at what devices inside have, or claim to have, sent. */
	if (work->hook == EPG_HOOK_XDP)
		return is_of_device_inside() ? PASSES_BY : EPG_REASON_NONE;
	work->decided = vouched_by() != 0;
	if (work->decided)
		return PASSES_BY;
	if (is_of_device_inside() || is_of_device_without(work, endpoint))
		return EPG_REASON_UNVOUCHED;
	if (!passes || work->addressed || is_for_many(&work->packet))
		return EPG_REASON_NONE;
	return work->packet.reason ? work->packet.reason : EPG_REASON_UNKNOWN_DESTINATION;
}

/* As passes_by(), and what else is to be known of a frame from outside. */
static __always_inline int ingress_uplink(struct work *work, struct epg_endpoint *endpoint)
{
	bool passes = passes_by(work);
	int reason;

	note_uplink(work, endpoint);
	reason = ingress_stacked(work, endpoint, passes);
	return reason || !passes ? reason : PASSES_BY;
}

/*
 * Behind XDP, TC sees what it has let pass: marks it, as XDP could not. Whether XDP has seen a tag that is no longer in
 * the frame nobody can tell, and what a device stacked on an uplink has sent XDP does not see: that is decided here.
 * Explaining asks TC what XDP, which is the same code, would say.
 */
static __always_inline bool is_let_pass_by_xdp(const struct work *work, const struct epg_endpoint *endpoint)
{
	if (epg_explaining || !work->behind_xdp || work->packet.vlan || work->packet.reason == EPG_REASON_VLAN)
		return false;
	return !endpoint || !(endpoint->seen & EPG_SEEN_STACKED) || work->by_driver;
}

/* Neither IP nor ARP: the destination is who has the MAC address. */
static __always_inline int ingress_decide_other(struct work *work)
{
	__u32 owner = mac_owner_of(&work->realm, work->packet.destination_mac);

	if (owner)
		party_be_endpoint(&work->destination, &work->realm, owner);
	return decide_and_track();
}

/* A new flow, or a packet that belongs to none: finds both sides. */
static __always_inline int ingress_decide(struct work *work)
{
	const struct packet *packet = &work->packet;
	int reason;

	if (is_other(packet))
		return ingress_decide_other(work);
	reason = classify_source(work);
	if (reason)
		return reason;
	classify_destination();
	if (work->opens && work->destination.ifindex)
		acquaintance_note();
	return follow_or_decide(work);
}

static __always_inline int ingress_steps(struct work *work)
{
	int reason;

	if (work->packet.reason)
		return work->packet.reason;
	if (!work->source.ifindex && is_resolution(&work->packet))
		source_returns();
	reason = infrastructure();
	if (reason != NOT_INFRASTRUCTURE)
		return infrastructure_decide(work, reason);
	if (follow(work))
		return EPG_REASON_NONE;
	return ingress_decide(work);
}

static __always_inline int ingress(struct work *work, struct epg_endpoint *endpoint)
{
	int reason = ingress_source(work, endpoint);

	if (!reason && work->uplink && endpoint)
		reason = ingress_uplink(work, endpoint);
	if (reason)
		return reason;
	if (is_let_pass_by_xdp(work, endpoint)) {
		work->decided = true;
		return EPG_REASON_NONE;
	}
	reason = ingress_steps(work);
	if (reason != EPG_REASON_UNVOUCHED || !endpoint || endpoint->seen & EPG_SEEN_STACKED)
		return reason;
	/* The first that is seen of devices stacked on the uplink may be what one of them sends to another. */
	work->decided = vouched_by() != 0;
	if (!work->decided)
		return reason;
	note_seen(endpoint, EPG_SEEN_STACKED);
	return PASSES_BY;
}

#endif
