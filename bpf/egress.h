/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The steps in their order for what goes to an endpoint, or outside through an uplink. Functions return why the packet
 * is dropped, EPG_REASON_NONE: it passes; what they have found out stands in `work`.
 */
#ifndef BPF_EGRESS_H
#define BPF_EGRESS_H

#include "verdict.h"
#include "voucher.h"

static __always_inline int egress_destination(struct work *work, struct epg_endpoint *endpoint)
{
	struct epg_binding *binding = enter(work, endpoint);

	if (!binding)
		return reason_of_nobody(work, endpoint);
	work->destination.bound = work->destination.class_id = binding->class_id;
	work->destination.ifindex = binding->flags & EPG_ENDPOINT_UPLINK ? 0 : work->port;
	return EPG_REASON_NONE;
}

/* How a packet came to the egress hook. */
struct arrival {
	__u32 ifindex; /* of the interface that it came in by, or the endpoint that vouches for it; 0: none */
	bool marked;   /* decided there */
};

/*
 * To an endpoint of this host that is reached by way of a switch outside: what the sender's own hook has decided leaves
 * here, comes back, and is looked at by the receiver's hook.
 */
static __always_inline bool is_detour(const struct work *work)
{
	__u32 owner =
		work->decided && work->source.ifindex ? address_owner(&work->realm, &work->packet.destination) : 0;
	struct epg_endpoint *endpoint = owner ? endpoint_get(owner) : NULL;

	return endpoint && endpoint_binding(endpoint, work->realm.generation)->flags & EPG_ENDPOINT_DETOUR;
}

/* What leaves by an uplink and comes from no endpoint is the host's own. */
static __always_inline bool leaves_by(const struct work *work)
{
	const struct packet *packet = &work->packet;

	if (work->destination.ifindex)
		return false;
	if (is_detour(work))
		return true;
	if (work->decided || work->source.ifindex || work->foreign)
		return false;
	if (is_beside_ip(packet))
		return true;
	return is_ip(packet) && !packet->reason && !address_owner(&work->realm, &packet->source);
}

/* What vouches for a source in another VRF. */
enum voucher {
	VOUCHER_MARK,     /* the endpoint's own hook has held it to its address */
	VOUCHER_ENDPOINT, /* the interface is the endpoint's */
	VOUCHER_UPLINK,   /* it comes from outside, and the uplink's hook has decided */
};

static __always_inline bool is_vouched(const struct arrival *arrival, enum voucher voucher, const struct party *party,
				       const struct epg_class *class)
{
	if (voucher == VOUCHER_ENDPOINT)
		return party->ifindex == arrival->ifindex;
	if (!arrival->marked)
		return false;
	return voucher == VOUCHER_UPLINK ? !party->ifindex : party->ifindex && !(class->flags & EPG_CLASS_AMBIGUOUS);
}

/* From a VRF into which a contract leads. */
static __always_inline int egress_source_across(struct work *work, const struct arrival *arrival, enum voucher voucher)
{
	const union address *address = &work->packet.source;
	struct party party = {};
	struct epg_class *class;
	__u32 leaf;

	if (!is_ip(&work->packet) || work->packet.reason || address_owner(&work->realm, address))
		return 0;
	leaf = address_prefix(&work->realm, address, is_ipv4(&work->packet));
	if (!leaf_is_vrf(leaf))
		return 0;
	party_across(&work->realm, EPG_PREFIX_CLASS(leaf), address, &party);
	class = classes_get(work->realm.slot, party.bound);
	if (!party.class_id || !class || !is_vouched(arrival, voucher, &party, class))
		return 0;
	work->source = party;
	work->crosses = true;
	work->decided = arrival->marked;
	return 0;
}

static __always_inline bool is_shared(const struct work *work, struct epg_endpoint *endpoint)
{
	return endpoint_binding(endpoint, work->realm.generation)->flags & EPG_ENDPOINT_SHARED;
}

/* Behind a shared interface the sender's own address, to which its hook has held it, tells who it is. */
static __always_inline __u32 sender_behind(const struct work *work, __u32 ifindex, __u32 owner)
{
	if (is_other(&work->packet))
		owner = mac_owner_of(&work->realm, work->packet.source_mac);
	return owner & EPG_PORT ? owner : ifindex;
}

/*
 * The interface by which the packet came in tells the truth about where it comes from, and a mark is believed only
 * beside it: a container that injects frames into the host's bridge can forge the mark, but such frames, like the
 * host's own, came in by none. Behind a bridge the marked packet's source address tells the endpoint: its own hook
 * has held it to that; not so where VRFs share addresses. An endpoint of another VRF is outside, and so is an
 * address that a translation has put in the place of an endpoint's own.
 */
STEP int egress_source(__u32 ifindex, __u32 marked)
{
	const struct arrival came = {.ifindex = ifindex, .marked = marked}, *arrival = &came;
	struct epg_endpoint *endpoint = endpoint_get(ifindex);
	struct work *work = work_get();
	__u32 owner, sender = ifindex;
	bool ambiguous;
	struct epg_binding *binding;
	struct epg_class *class;

	if (!work)
		return 0;
	ambiguous = work->realm.flags & EPG_CLASS_AMBIGUOUS;
	owner = address_owner(&work->realm, &work->packet.source);
	if (endpoint && arrival->marked && is_shared(work, endpoint)) {
		sender = sender_behind(work, arrival->ifindex, owner);
		endpoint = endpoint_get(sender);
	}
	if (!endpoint && arrival->marked && !ambiguous) {
		sender = owner;
		endpoint = endpoint_get(owner);
	}
	if (!endpoint)
		return egress_source_across(work, arrival, VOUCHER_MARK);
	binding = endpoint_binding(endpoint, work->realm.generation);
	class = classes_get(work->realm.slot, binding->class_id);
	if (!class || !(class->flags & EPG_CLASS_VALID) || class->vrf != work->realm.vrf) {
		/* Of a shared one nobody knows whose behind it, where the source is not told yet. */
		work->foreign = !(binding->flags & (EPG_ENDPOINT_UPLINK | EPG_ENDPOINT_SHARED));
		return egress_source_across(work, arrival, work->foreign ? VOUCHER_ENDPOINT : VOUCHER_UPLINK);
	}
	if (arrival->marked && !(binding->flags & EPG_ENDPOINT_UPLINK) && is_ip(&work->packet) &&
	    !address_is_unspecified(&work->packet.source) && owner != sender)
		return 0;
	work->decided = arrival->marked;
	if (binding->flags & EPG_ENDPOINT_UPLINK)
		return 0;
	work->source.ifindex = sender;
	work->source.bound = work->source.class_id = binding->class_id;
	work->source_flags = binding->flags;
	return 0;
}

/* The common case, without a look-up for the source: marked, and of a flow between just these two endpoints. */
static __always_inline bool egress_follow_marked(struct work *work, __u32 from_ifindex)
{
	if (!is_trackable(&work->packet))
		return false;
	work->decided = true;
	work->source.ifindex = from_ifindex;
	if (follow_flow())
		return true;
	work->decided = false;
	work->source.ifindex = 0;
	return false;
}

/*
 * The decision holds for the endpoint that it was made for: the owner of the destination address. An uplink
 * leads to all that nobody here owns; so does an endpoint of a VRF that is not enforced.
 */
static __always_inline int egress_binding(const struct work *work)
{
	const struct packet *packet = &work->packet;
	__u32 owner = is_other(packet) ? mac_owner_of(&work->realm, packet->destination_mac)
				       : address_owner(&work->realm, &packet->destination);

	if (owner ? owner == work->port : !work->destination.ifindex || work->realm.flags & EPG_CLASS_UNENFORCED)
		return EPG_REASON_NONE;
	/* Each of those who get it decides for itself. */
	if (!owner && is_for_many(packet))
		return EPG_REASON_NONE;
	return owner || work->decided ? EPG_REASON_MISDIRECTED : EPG_REASON_UNKNOWN_DESTINATION;
}

/*
 * What the source's hook has let pass but no flow remembers is decided once more, in this endpoint's VRF: it costs
 * only packets that are not tracked, and binds every decision to the endpoint that it was made for.
 */
static __always_inline int egress_decide(struct work *work)
{
	const struct packet *packet = &work->packet;
	int reason = is_other(packet) ? EPG_REASON_NONE : classify_source(work);

	if (!reason)
		reason = egress_binding(work);
	if (reason)
		return reason;
	if (is_other(packet))
		return decide_and_track();
	party_refine(&work->destination, address_prefix(&work->realm, &packet->destination, is_ipv4(packet)));
	return follow_or_decide(work);
}

/*
 * Out by an uplink on which devices are stacked, and by no interface: vouched for, or the host's own, from the uplink's
 * MAC address.
 */
static __always_inline int egress_stacked(const struct work *work, struct epg_endpoint *endpoint,
					  struct arrival *arrival)
{
	const struct epg_binding *binding = endpoint_binding(endpoint, work->realm.generation);
	__u32 id = vouched_by();

	if (id) {
		note_seen(endpoint, EPG_SEEN_STACKED);
		*arrival = (struct arrival){.ifindex = id, .marked = true};
		return EPG_REASON_NONE;
	}
	if (!(endpoint->seen & EPG_SEEN_STACKED) || epg_explaining || mac_is_zero(binding->mac) ||
	    mac_equal(binding->mac, work->packet.source_mac))
		return EPG_REASON_NONE;
	return EPG_REASON_UNVOUCHED;
}

/* To a device inside: from another one, or from outside by way of the parent. Marks are wiped, or mean nothing, here. */
static __always_inline int egress_inside(struct work *work, struct epg_endpoint *endpoint, struct arrival *arrival)
{
	__u32 id;

	if (epg_explaining)
		return EPG_REASON_NONE;
	id = vouched_by();
	if (id) {
		*arrival = (struct arrival){.ifindex = id, .marked = true};
		return EPG_REASON_NONE;
	}
	work->decided = work->hash == voucher(VOUCHER_OUTSIDE);
	if (work->decided || work->hash == voucher(VOUCHER_UNDECIDED)) {
		note_seen(endpoint, EPG_SEEN_PARENT);
		return EPG_REASON_NONE;
	}
	return endpoint->seen & EPG_SEEN_PARENT || is_of_device_inside() ? EPG_REASON_UNVOUCHED : EPG_REASON_NONE;
}

/* What the kernel itself does not know of how a packet has come. */
static __always_inline int egress_vouched(struct work *work, struct epg_endpoint *endpoint, struct arrival *arrival)
{
	if (!endpoint)
		return EPG_REASON_QUARANTINE;
	if (work->inside)
		return egress_inside(work, endpoint, arrival);
	return leaves_host(work) && !arrival->ifindex ? egress_stacked(work, endpoint, arrival) : EPG_REASON_NONE;
}

/*
 * From another endpoint of this host, and not from its MAC address: the host has routed it, and shows with which address
 * of its own it speaks to this one.
 */
STEP int note_gateway(void)
{
	struct work *work = work_get();
	struct epg_endpoint *endpoint = work ? endpoint_get(work->port) : NULL;
	struct epg_endpoint *source = work ? endpoint_get(work->source.ifindex) : NULL;
	struct epg_binding *binding;

	if (!work || !endpoint || !source)
		return 0;
	binding = endpoint_binding(source, work->realm.generation);
	if (mac_is_zero(binding->mac) || binding->flags & EPG_ENDPOINT_MANY ||
	    mac_equal(binding->mac, work->packet.source_mac) || mac_equal(endpoint->gateway, work->packet.source_mac))
		return 0;
	__builtin_memcpy(endpoint->gateway, work->packet.source_mac, sizeof(endpoint->gateway));
	return 0;
}

static __always_inline bool may_be_routed(const struct work *work)
{
	return !epg_explaining && work->realm.flags & EPG_CLASS_DIRECT && work->decided && work->source.ifindex &&
	       !work->crosses && is_ip(&work->packet) && !is_for_many(&work->packet);
}

static __always_inline int egress(struct work *work, struct epg_endpoint *endpoint, struct arrival arrival)
{
	int reason = egress_destination(work, endpoint);

	if (!reason)
		reason = egress_vouched(work, endpoint, &arrival);
	if (reason)
		return reason;
	if (arrival.ifindex && arrival.marked && !work->packet.reason && egress_follow_marked(work, arrival.ifindex))
		return EPG_REASON_NONE;
	if (arrival.ifindex)
		egress_source(arrival.ifindex, arrival.marked);
	if (leaves_by(work))
		return PASSES_BY;
	if (work->packet.reason)
		return work->packet.reason;
	if (!work->source.ifindex && is_resolution(&work->packet))
		source_returns();
	reason = infrastructure();
	if (reason != NOT_INFRASTRUCTURE)
		return infrastructure_decide(work, reason);
	if (follow(work))
		return EPG_REASON_NONE;
	return egress_decide(work);
}

#endif
