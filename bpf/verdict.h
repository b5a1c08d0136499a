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
#include "police.h"

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
	flow->flags = work->decision.flags;
	flow->dscp = work->decision.dscp;
	flow->epoch = config->epoch;
	flow->generation = work->realm.generation;
}

/* The packet opens the flow, or could have: it is decided anew by what this one says. */
static __always_inline void flow_note_opening(struct epg_flow *flow, const struct packet *packet, __u32 from)
{
	flow->opener = from;
	flow->opened_flags = rule_flags(packet);
	flow->opened_dscp = packet->traffic_class >> 2;
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
	decision->flags = flow->flags & ~EPG_RULE_LOG; /* told when the flow was opened */
	decision->dscp = flow->dscp;
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
	/* Across VRFs each side has an entry of its own. */
	if (!work->decided || work->crosses)
		flow_advance(flow, &work->packet, from);
	decide_permit_by_flow(&work->decision, flow);
	work->by_flow = true;
	return true;
}

static __always_inline __u32 pair_of(const struct party *source, const struct party *destination)
{
	return (__u32)source->class_id << 16 | destination->class_id;
}

/* The key of the packet that opened the flow of which this one, of either side, is a part. */
static __always_inline void rule_key_of_flow(struct rule_key *key, const struct epg_flow *flow,
					     const struct packet *packet, bool by_opener)
{
	__be16 source_be = by_opener ? packet->source_port_be : packet->destination_port_be;
	__be16 destination_be = by_opener ? packet->destination_port_be : packet->source_port_be;
	__u64 destination = bpf_ntohs(destination_be), source = bpf_ntohs(source_be);

	if (is_icmp(packet)) {
		destination = is_ipv4(packet) ? ICMP_ECHO : ICMPV6_ECHO_REQUEST;
		source = 0;
	}
	rule_key_fill(key, rule_kind(packet), destination, source, flow->opened_flags);
	rule_key_add(key, EPG_FIELD_DSCP, flow->opened_dscp);
}

/*
 * Nothing permits the flow any more, and its contract lets it go on: unless something denies it, or one of its ends
 * is another endpoint, or in another group, than the one for which it was permitted.
 */
static __always_inline bool flow_is_kept(const struct epg_flow *flow, const struct work *work, __u32 from)
{
	__u32 rule = work->decision.rule;

	if (!(flow->flags & EPG_RULE_KEEP) || flow->revoked || work->decision.reason == EPG_REASON_INTERNAL)
		return false;
	if (rule != EPG_RULE_IMPLICIT_DENY && rule != EPG_RULE_SOURCE_NOT_PREFERRED &&
	    rule != EPG_RULE_DESTINATION_NOT_PREFERRED)
		return false;
	return end_is(flow, from, &work->source) && end_is(flow, !from, &work->destination);
}

static __always_inline void decide_keep(struct decision *decision, const struct epg_flow *flow)
{
	if (flow->rule != EPG_RULE_KEPT)
		count_stat(EPG_STAT_FLOWS_KEPT);
	decision->rule = EPG_RULE_KEPT;
	decision->level = EPG_LEVEL_INFRASTRUCTURE;
	decision->verdict = EPG_PERMIT;
	decision->reason = EPG_REASON_NONE;
	decision->audited_rule = EPG_RULE_NONE;
	decision->flags = flow->flags;
	decision->dscp = flow->dscp;
}

/*
 * A flow that was permitted in an earlier generation, or to other parties: it goes on if its opener could open it
 * now, by the packet that it was opened with.
 */
static __always_inline bool flow_redecide(const struct epg_control *config, struct work *work, struct epg_flow *flow,
					  __u32 from)
{
	bool by_opener = flow->opener == from;
	__u32 pair =
		by_opener ? pair_of(&work->source, &work->destination) : pair_of(&work->destination, &work->source);

	count_stat(EPG_STAT_FLOWS_REDECIDED);
	rule_key_of_flow(&work->key, flow, &work->packet, by_opener);
	decide(&work->realm, pair, &work->key, &work->decision);
	if (work->decision.verdict != EPG_PERMIT && flow_is_kept(flow, work, from))
		decide_keep(&work->decision, flow);
	if (work->decision.verdict != EPG_PERMIT || !(work->decision.flags & EPG_RULE_STATEFUL))
		return false;
	flow_bind(flow, config, work, from);
	flow_advance(flow, &work->packet, from);
	return true;
}

/* Does a packet that was permitted by itself open a flow? Answers and resets don't. */
static __always_inline bool opens_flow(const struct work *work)
{
	if (epg_explaining || work->decision.verdict != EPG_PERMIT || !(work->decision.flags & EPG_RULE_STATEFUL))
		return false;
	if (!is_trackable(&work->packet) || is_echo_reply(&work->packet))
		return false;
	return work->packet.protocol != IPPROTO_TCP || !(work->packet.tcp_flags & TCP_RST);
}

static __always_inline int flow_open(const struct epg_control *config, struct work *work,
				     const struct epg_flow_key *key, __u32 from)
{
	struct epg_flow fresh = {.seen = (__u32)bpf_jiffies64()};

	flow_note_opening(&fresh, &work->packet, from);
	flow_bind(&fresh, config, work, from);
	if (bpf_map_update_elem(&flows, key, &fresh, BPF_ANY)) {
		work->decision.verdict = EPG_DENY;
		return EPG_REASON_FLOW_TABLE;
	}
	count_stat(EPG_STAT_FLOWS_CREATED);
	return EPG_REASON_NONE;
}

/* Both sides are known: decides, and tracks what a stateful rule permits. */
static __noinline int decide_and_track(const struct epg_control *config, struct work *work)
{
	struct epg_flow_key key;
	struct epg_flow *flow = NULL;
	struct ends ends;
	__u32 from = 0;

	if (is_trackable(&work->packet)) {
		flow_ends(&ends, &work->packet);
		from = flow_key(&key, &ends, work->realm.vrf);
		flow = flow_find(config, &key);
		if (flow && !flow_accepts(flow, &work->packet, from))
			flow = NULL;
	}
	if (flow && flow_redecide(config, work, flow, from))
		return EPG_REASON_NONE;
	rule_key_of_packet(&work->key, &work->packet);
	decide(&work->realm, pair_of(&work->source, &work->destination), &work->key, &work->decision);
	if (flow && work->decision.verdict != EPG_PERMIT)
		flow_revoke(flow);
	if (work->decision.reason == EPG_REASON_IMPLICIT_DENY && work->packet.fragment == EPG_FRAGMENT_LATER)
		work->decision.reason = EPG_REASON_FRAGMENT;
	if (!opens_flow(work))
		return work->decision.reason;
	if (flow && flow->opener == from) {
		flow_note_opening(flow, &work->packet, from);
		flow_bind(flow, config, work, from);
		flow_advance(flow, &work->packet, from);
		return EPG_REASON_NONE;
	}
	return flow_open(config, work, &key, from);
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
	if (!mac_is_own(binding, work->packet.source_mac))
		return EPG_REASON_SPOOFED_MAC;
	if (binding->mac_noted != work->realm.bridge_domain && !epg_explaining)
		mac_note(&work->realm, work->ifindex, binding);
	return EPG_REASON_NONE;
}

/* Frames that name no endpoint's address, whatever they carry. */
static __always_inline bool is_beside_ip(const struct packet *packet)
{
	if (packet->reason)
		return packet->reason == EPG_REASON_ETHERTYPE || packet->reason == EPG_REASON_VLAN;
	return is_other(packet);
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
static __noinline int egress_source_across(struct work *work, const struct arrival *arrival, enum voucher voucher)
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
		return egress_source_across(work, arrival, VOUCHER_MARK);
	binding = endpoint_binding(endpoint, work->realm.generation);
	class = classes_get(work->realm.slot, binding->class_id);
	if (!class || !(class->flags & EPG_CLASS_VALID) || class->vrf != work->realm.vrf) {
		work->foreign = !(binding->flags & EPG_ENDPOINT_UPLINK);
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
	const struct packet *packet = &work->packet;
	__u32 owner = is_other(packet) ? mac_owner_of(&work->realm, packet->destination_mac)
				       : address_owner(&work->realm, &packet->destination);

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
	int reason = is_other(packet) ? EPG_REASON_NONE : classify_source(work);

	if (!reason)
		reason = egress_binding(work);
	if (reason)
		return reason;
	if (is_other(packet))
		return decide_and_track(config, work);
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
