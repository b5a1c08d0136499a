/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What both directions have in common between reading a frame and deciding on it. */
#ifndef BPF_VERDICT_H
#define BPF_VERDICT_H

#include "infrastructure.h"
#include "track.h"

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
	decide(&work->realm, pair_of(&work->source, &work->destination), &work->key, &work->decision);
	return work->decision.reason;
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

/* Frames that name no endpoint's address, whatever they carry. */
static __always_inline bool is_beside_ip(const struct packet *packet)
{
	if (packet->reason)
		return packet->reason == EPG_REASON_ETHERTYPE || packet->reason == EPG_REASON_VLAN;
	return is_other(packet);
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
		reason = source_may_use(work, &packet->source);
	if (reason || work->crosses)
		return reason;
	if (work->source.ifindex) {
		party_refine(&work->source, address_prefix(&work->realm, &packet->source, is_ipv4(packet)));
		return EPG_REASON_NONE;
	}
	party_of_address(&work->realm, &packet->source, is_ipv4(packet), &work->source);
	return work->source.ifindex ? EPG_REASON_SPOOFED_ADDRESS : EPG_REASON_NONE;
}

#endif
