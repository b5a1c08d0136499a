/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The steps in their order, for either direction. Functions return why the packet is dropped,
 * EPG_REASON_NONE: it passes; what they have found out stands in `work`.
 */
#ifndef BPF_VERDICT_H
#define BPF_VERDICT_H

#include "event.h"
#include "flow.h"
#include "infrastructure.h"

/* ---- flows ---- */

static __always_inline bool end_is(const struct epg_flow *flow, __u32 end, const struct party *party)
{
	__u32 ifindex = end ? flow->ifindex[1] : flow->ifindex[0];
	__u16 bound = end ? flow->class_id[1] : flow->class_id[0];

	/* Outside, the class follows from the address within one generation. */
	return ifindex == party->ifindex && (!ifindex || bound == party->bound);
}

/* Binds the flow's ends to the parties for whom it was decided. `from` is the end of work->source. */
static __always_inline void flow_bind(struct epg_flow *flow, const struct epg_control *config, const struct work *work,
				      __u32 from)
{
	const struct party *low = from == EPG_FLOW_LOW ? &work->source : &work->destination;
	const struct party *high = from == EPG_FLOW_LOW ? &work->destination : &work->source;

	flow->ifindex[0] = low->ifindex;
	flow->class_id[0] = low->bound;
	flow->ifindex[1] = high->ifindex;
	flow->class_id[1] = high->bound;
	flow->revoked = false;
	flow->rule = work->decision.rule;
	flow->epoch = config->epoch;
	flow->generation = work->realm.generation;
}

/*
 * The entry stays, of a generation that is gone: so each packet is decided anew, and a policy that permits the flow
 * again, a rollback for one, finds it as it was. It ages as if it were silent.
 */
static __always_inline void flow_revoke(struct epg_flow *flow)
{
	if (flow->revoked)
		return;
	flow->revoked = true;
	flow->generation = 0;
	count_stat(EPG_STAT_FLOWS_REVOKED);
}

static __always_inline void decide_permit_by_flow(struct decision *decision, const struct epg_flow *flow)
{
	decision->rule = flow->rule;
	decision->verdict = EPG_PERMIT;
	decision->reason = EPG_REASON_NONE;
}

/*
 * An established flow: one look-up. True: the packet belongs to a flow that was decided in this generation for
 * the endpoint at this hook. At ingress that is the source; at egress the destination, and the flow's other end is
 * where the packet has come from.
 */
static __noinline int follow_flow(const struct epg_control *config, struct work *work)
{
	bool ingress = work->hook != EPG_HOOK_TC_EGRESS;
	struct ends ends;
	struct epg_flow_key key;
	struct epg_flow *flow;
	__u32 from;

	flow_ends(&ends, &work->packet);
	from = flow_key(&key, &ends, work->realm.vrf);
	flow = flow_find(config, &key);
	if (!flow || !flow_is_current(config, flow, work->realm.generation) || !flow_accepts(flow, &work->packet, from))
		return false;
	if (ingress ? !end_is(flow, from, &work->source) : !end_is(flow, !from, &work->destination))
		return false;
	if (!ingress && (from ? flow->ifindex[1] : flow->ifindex[0]) != work->source.ifindex)
		return false;
	if (!work->decided)
		flow_advance(flow, &work->packet, from);
	decide_permit_by_flow(&work->decision, flow);
	work->by_flow = true;
	return true;
}

/*
 * A flow that was permitted in an earlier generation, or to other parties, at a packet of the side that did not
 * open it: it goes on if its opener could open it now.
 */
static __always_inline bool revive_reply(const struct epg_control *config, struct work *work, struct epg_flow *flow,
					 __u32 from)
{
	__u32 pair = (__u32)work->destination.class_id << 16 | work->source.class_id;

	count_stat(EPG_STAT_FLOWS_REDECIDED);
	decide(config, &work->realm, pair, rule_key_of_opener(&work->packet), &work->decision);
	if (work->decision.verdict != EPG_PERMIT || !(work->decision.flags & EPG_RULE_STATEFUL))
		return false;
	flow_bind(flow, config, work, from);
	flow_advance(flow, &work->packet, from);
	return true;
}

/* Both sides are known: decides, and tracks what a stateful rule permits. */
static __noinline int decide_and_track(const struct epg_control *config, struct work *work)
{
	__u32 pair = (__u32)work->source.class_id << 16 | work->destination.class_id;
	struct epg_flow_key key;
	struct epg_flow *flow = NULL;
	struct epg_flow fresh = {};
	struct ends ends;
	__u32 from = 0;
	bool trackable = is_trackable(&work->packet);

	if (trackable) {
		flow_ends(&ends, &work->packet);
		from = flow_key(&key, &ends, work->realm.vrf);
		flow = flow_find(config, &key);
		if (flow && !flow_accepts(flow, &work->packet, from))
			flow = NULL;
	}
	if (flow && flow->opener != from && revive_reply(config, work, flow, from))
		return EPG_REASON_NONE;
	decide(config, &work->realm, pair, rule_key(&work->packet), &work->decision);
	if (flow && work->decision.verdict != EPG_PERMIT)
		flow_revoke(flow);
	if (epg_explaining || !trackable || work->decision.verdict != EPG_PERMIT ||
	    !(work->decision.flags & EPG_RULE_STATEFUL))
		return work->decision.reason;
	if (is_echo_reply(&work->packet) || (work->packet.protocol == IPPROTO_TCP && work->packet.tcp_flags & TCP_RST))
		return EPG_REASON_NONE;
	if (flow && flow->opener == from) {
		count_stat(EPG_STAT_FLOWS_REDECIDED);
		flow_bind(flow, config, work, from);
		flow_advance(flow, &work->packet, from);
		return EPG_REASON_NONE;
	}
	fresh.opener = from;
	fresh.seen = (__u32)bpf_jiffies64();
	flow_bind(&fresh, config, work, from);
	if (bpf_map_update_elem(&flows, &key, &fresh, BPF_ANY)) {
		work->decision.verdict = EPG_DENY;
		return EPG_REASON_FLOW_TABLE;
	}
	count_stat(EPG_STAT_FLOWS_CREATED);
	return EPG_REASON_NONE;
}

/*
 * An ICMP error follows the flow that it quotes. It goes to the sender of the quoted packet; an endpoint
 * complains only about packets that were meant for it. A flow of an earlier generation does not count: the
 * quoted packet itself was decided a moment before.
 */
static __noinline int follow_quoted(const struct epg_control *config, struct work *work, void *data, void *end)
{
	struct ends quoted = {};
	struct epg_flow_key key;
	struct epg_flow *flow;
	__u32 sender;

	if (parse_quoted(&quoted, data, end, work->packet.upper) ||
	    !address_equal(&quoted.source, &work->packet.destination))
		return EPG_REASON_UNRELATED;
	sender = flow_key(&key, &quoted, work->realm.vrf);
	flow = flow_find(config, &key);
	if (!flow || !flow_is_current(config, flow, work->realm.generation))
		return EPG_REASON_UNRELATED;
	if (work->source.ifindex && work->source.ifindex != (sender ? flow->ifindex[0] : flow->ifindex[1]))
		return EPG_REASON_UNRELATED;
	if (work->hook == EPG_HOOK_TC_EGRESS && !end_is(flow, sender, &work->destination))
		return EPG_REASON_UNRELATED;
	decide_permit_by_flow(&work->decision, flow);
	return EPG_REASON_NONE;
}

static __always_inline int infrastructure_decide(struct work *work, int reason)
{
	if (!reason) {
		work->decision.rule = EPG_RULE_INFRASTRUCTURE;
		work->decision.level = EPG_LEVEL_INFRASTRUCTURE;
	}
	return reason;
}

/* ---- from an endpoint, or from outside through an uplink ---- */

/* What the hook's interface is bound to, in the realm of that group; NULL: quarantine. */
static __always_inline struct epg_binding *enter(struct work *work, struct epg_endpoint *endpoint)
{
	struct epg_binding *binding;

	if (!endpoint)
		return NULL;
	binding = endpoint_binding(endpoint, work->realm.generation);
	return binding->class_id && realm_enter(&work->realm, binding->class_id) ? binding : NULL;
}

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
	return mac_is_own(binding, work->packet.source_mac) ? EPG_REASON_NONE : EPG_REASON_SPOOFED_MAC;
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
	if (packet->reason == EPG_REASON_ETHERTYPE || packet->reason == EPG_REASON_VLAN)
		return true;
	return is_ip(packet) && (!packet->reason || packet->reason == EPG_REASON_FRAGMENT) &&
	       !address_owner(&work->realm, &packet->destination);
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

/* A new flow, or a packet that belongs to none: finds both sides. */
static __always_inline int ingress_decide(const struct epg_control *config, struct work *work, void *data, void *end)
{
	const struct packet *packet = &work->packet;
	int reason = source_may_use(work, &packet->source);

	if (reason)
		return reason;
	if (work->source.ifindex)
		party_refine(&work->source, address_prefix(&work->realm, &packet->source, is_ipv4(packet)));
	else
		party_of_address(&work->realm, &packet->source, is_ipv4(packet), &work->source);
	party_of_address(&work->realm, &packet->destination, is_ipv4(packet), &work->destination);
	if (is_icmp_error(packet))
		return follow_quoted(config, work, data, end);
	return decide_and_track(config, work);
}

static __always_inline int ingress(const struct epg_control *config, struct work *work, struct epg_endpoint *endpoint,
				   void *data, void *end)
{
	int reason = ingress_source(work, endpoint);

	if (reason)
		return reason;
	if (work->hook == EPG_HOOK_TC_INGRESS && work->source_flags & EPG_ENDPOINT_XDP)
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

/* ---- towards an endpoint ---- */

static __always_inline int egress_destination(struct work *work, struct epg_endpoint *endpoint)
{
	struct epg_binding *binding = enter(work, endpoint);

	if (!binding)
		return EPG_REASON_QUARANTINE;
	work->destination.bound = work->destination.class_id = binding->class_id;
	work->destination.ifindex = binding->flags & EPG_ENDPOINT_UPLINK ? 0 : work->ifindex;
	return EPG_REASON_NONE;
}

/* How a packet came to the egress hook. */
struct arrival {
	__u32 ifindex; /* of the interface that it came in by; 0: none */
	bool marked;
};

/* What leaves by an uplink and comes from no endpoint is the host's own. */
static __always_inline bool leaves_by(const struct work *work)
{
	const struct packet *packet = &work->packet;

	if (work->destination.ifindex || work->decided || work->source.ifindex || work->foreign)
		return false;
	if (packet->reason == EPG_REASON_ETHERTYPE || packet->reason == EPG_REASON_VLAN)
		return true;
	return is_ip(packet) && (!packet->reason || packet->reason == EPG_REASON_FRAGMENT) &&
	       !address_owner(&work->realm, &packet->source);
}

/*
 * The interface by which the packet came in tells the truth about where it comes from, and a mark is believed only
 * beside it: a container that injects frames into the host's bridge can forge the mark, but such frames, like the
 * host's own, came in by none. Behind a bridge the marked packet's source address tells the endpoint: its own hook
 * has held it to that; not so where VRFs share addresses. An endpoint of another VRF is outside, and so is an
 * address that a translation has put in the place of an endpoint's own.
 */
static __noinline int egress_source(struct work *work, const struct arrival *arrival)
{
	bool ambiguous = work->realm.flags & EPG_CLASS_AMBIGUOUS;
	struct epg_endpoint *endpoint = endpoint_get(arrival->ifindex);
	__u32 owner = address_owner(&work->realm, &work->packet.source);
	__u32 sender = arrival->ifindex;
	struct epg_binding *binding;
	struct epg_class *class;

	if (!endpoint && arrival->marked && !ambiguous) {
		sender = owner;
		endpoint = endpoint_get(owner);
	}
	if (!endpoint)
		return 0;
	binding = endpoint_binding(endpoint, work->realm.generation);
	class = classes_get(work->realm.slot, binding->class_id);
	if (!class || !(class->flags & EPG_CLASS_VALID) || class->vrf != work->realm.vrf) {
		work->foreign = !(binding->flags & EPG_ENDPOINT_UPLINK);
		return 0;
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
static __always_inline bool egress_follow_marked(const struct epg_control *config, struct work *work,
						 __u32 from_ifindex)
{
	if (!is_trackable(&work->packet))
		return false;
	work->decided = true;
	work->source.ifindex = from_ifindex;
	if (follow_flow(config, work))
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
	__u32 owner = address_owner(&work->realm, &work->packet.destination);

	if (owner ? owner == work->ifindex : !work->destination.ifindex || work->realm.flags & EPG_CLASS_UNENFORCED)
		return EPG_REASON_NONE;
	return owner || work->decided ? EPG_REASON_MISDIRECTED : EPG_REASON_UNKNOWN_DESTINATION;
}

/*
 * What the source's hook has let pass but no flow remembers is decided once more, in this endpoint's VRF: it costs
 * only packets that are not tracked, and binds every decision to the endpoint that it was made for.
 */
static __always_inline int egress_decide(const struct epg_control *config, struct work *work, void *data, void *end)
{
	const struct packet *packet = &work->packet;
	int reason = EPG_REASON_NONE;

	if (!work->decided || !work->source.ifindex)
		reason = source_may_use(work, &packet->source);
	if (!reason)
		reason = egress_binding(work);
	if (reason)
		return reason;
	if (work->source.ifindex)
		party_refine(&work->source, address_prefix(&work->realm, &packet->source, is_ipv4(packet)));
	else
		party_of_address(&work->realm, &packet->source, is_ipv4(packet), &work->source);
	party_refine(&work->destination, address_prefix(&work->realm, &packet->destination, is_ipv4(packet)));
	if (is_icmp_error(packet))
		return follow_quoted(config, work, data, end);
	return decide_and_track(config, work);
}

static __always_inline int egress(const struct epg_control *config, struct work *work, struct epg_endpoint *endpoint,
				  struct arrival arrival, void *data, void *end)
{
	int reason = egress_destination(work, endpoint);

	if (reason)
		return reason;
	if (arrival.ifindex && arrival.marked && !work->packet.reason &&
	    egress_follow_marked(config, work, arrival.ifindex))
		return EPG_REASON_NONE;
	if (arrival.ifindex)
		egress_source(work, &arrival);
	if (leaves_by(work))
		return PASSES_BY;
	if (work->packet.reason)
		return work->packet.reason;
	reason = infrastructure(work);
	if (reason != NOT_INFRASTRUCTURE)
		return infrastructure_decide(work, reason);
	if (is_trackable(&work->packet) && follow_flow(config, work))
		return EPG_REASON_NONE;
	return egress_decide(config, work, data, end);
}

#endif
