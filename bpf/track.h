/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fifth step: what a tracked flow lets pass, and what becomes one. Functions return why the packet is dropped,
 * EPG_REASON_NONE: it passes; what they have found out stands in `work`.
 */
#ifndef BPF_TRACK_H
#define BPF_TRACK_H

#include "decide.h"
#include "flow.h"

/* Beside reasons. */
#define NOT_TRACKED (-3)

static __always_inline bool end_is(const struct epg_flow *flow, __u32 end, const struct party *party)
{
	__u32 ifindex = end ? flow->ifindex[1] : flow->ifindex[0];
	__u16 bound = end ? flow->class_id[1] : flow->class_id[0];

	/* Outside, the class follows from the address within one generation. */
	return ifindex == party->ifindex && (!ifindex || bound == party->bound);
}

/* Binds the flow's ends to the parties for whom it was decided. `from` is the end of work->source. */
static __always_inline void flow_bind(struct epg_flow *flow, const struct work *work, __u32 from)
{
	const struct party *low = from == EPG_FLOW_LOW ? &work->source : &work->destination;
	const struct party *high = from == EPG_FLOW_LOW ? &work->destination : &work->source;

	flow->ifindex[0] = low->ifindex;
	flow->class_id[0] = low->bound;
	flow->ifindex[1] = high->ifindex;
	flow->class_id[1] = high->bound;
	flow->group[0] = low->class_id;
	flow->group[1] = high->class_id;
	flow->revoked = false;
	flow->rule = work->decision.rule;
	flow->flags = work->decision.flags;
	flow->dscp = work->decision.dscp;
	flow->epoch = work->epoch;
	flow->generation = work->realm.generation;
}

/* The packet opens the flow, or could have: it is decided anew by what this one says. */
static __always_inline void flow_note_opening(struct epg_flow *flow, const struct work *work, __u32 from)
{
	flow->opener = from;
	flow->opened_flags = rule_flags(&work->packet);
	flow->opened_dscp = work->packet.traffic_class >> 2;
	flow->stacked = work->hook == EPG_HOOK_TC_EGRESS;
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
STEP int follow_flow(void)
{
	struct epg_control *config = control_get();
	struct work *work = work_get();
	bool ingress;
	struct ends ends;
	struct sought *key = sought_get();
	struct epg_flow *flow;
	__u32 from;

	if (!config || !work || !key)
		return false;
	/* Looked for already, unless this endpoint has just become one of another VRF. */
	work->opens &= EPG_FLOW_KEY_VRF(key->words[1]) == work->realm.vrf;
	if (work->opens)
		return false;
	ingress = work->hook != EPG_HOOK_TC_EGRESS;
	flow_ends(&ends, &work->packet);
	from = flow_key(key, &ends, work->realm.vrf);
	flow = flow_find(config, key);
	if (!flow || !flow_is_current(config, flow, work->realm.generation) || !flow_accepts(flow, &work->packet, from))
		return false;
	if (ingress ? !end_is(flow, from, &work->source) : !end_is(flow, !from, &work->destination))
		return false;
	if (!ingress && (from ? flow->ifindex[1] : flow->ifindex[0]) != work->source.ifindex)
		return false;
	if (!flow_is_still(flow, key))
		return false;
	/* Across VRFs each side has an entry of its own. */
	if (!work->decided || work->crosses)
		flow_advance(flow, message_of(&work->packet), from);
	if (ingress) {
		work->destination.ifindex = from ? flow->ifindex[0] : flow->ifindex[1];
		work->destination.bound = from ? flow->class_id[0] : flow->class_id[1];
		work->destination.class_id = from ? flow->group[0] : flow->group[1];
	} else {
		work->source.bound = from ? flow->class_id[1] : flow->class_id[0];
		work->source.class_id = from ? flow->group[1] : flow->group[0];
	}
	decide_permit_by_flow(&work->decision, flow);
	work->by_flow = work->tracked = true;
	work->stacked = flow->stacked;
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

/* It is still the endpoint, and the group, for which the flow was permitted. */
static __always_inline bool end_stays(const struct epg_flow *flow, __u32 end, const struct party *party)
{
	return (end ? flow->ifindex[1] : flow->ifindex[0]) == party->ifindex &&
	       (end ? flow->group[1] : flow->group[0]) == party->class_id;
}

/*
 * Nothing permits the flow any more, and its contract lets it go on: unless something denies it, one of its ends has
 * changed, or it is to be opened once more.
 */
static __always_inline bool flow_is_kept(const struct epg_flow *flow, const struct work *work, __u32 from)
{
	__u32 rule = work->decision.rule;

	if (!(flow->flags & EPG_RULE_KEEP) || flow->revoked || work->decision.reason == EPG_REASON_INTERNAL)
		return false;
	if (is_connecting(&work->packet))
		return false;
	if (rule != EPG_RULE_IMPLICIT_DENY && rule != EPG_RULE_SOURCE_NOT_PREFERRED &&
	    rule != EPG_RULE_DESTINATION_NOT_PREFERRED)
		return false;
	return end_stays(flow, from, &work->source) && end_stays(flow, !from, &work->destination);
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
static __always_inline bool flow_redecide(struct work *work, const struct sought *key, struct epg_flow *flow,
					  __u32 from)
{
	bool by_opener = flow->opener == from;
	__u32 pair =
		by_opener ? pair_of(&work->source, &work->destination) : pair_of(&work->destination, &work->source);

	count_stat(EPG_STAT_FLOWS_REDECIDED);
	rule_key_of_flow(&work->key, flow, &work->packet, by_opener);
	decide(pair);
	if (work->decision.verdict != EPG_PERMIT && flow_is_kept(flow, work, from))
		decide_keep(&work->decision, flow);
	if (work->decision.verdict != EPG_PERMIT || !(work->decision.flags & EPG_RULE_STATEFUL) ||
	    !flow_is_still(flow, key))
		return false;
	work->stacked = flow->stacked;
	flow_bind(flow, work, from);
	flow_advance(flow, message_of(&work->packet), from);
	return true;
}

/* Does a packet that was permitted by itself open a flow? Answers and resets don't. */
static __always_inline bool opens_flow(const struct work *work)
{
	if (epg_explaining || work->decision.verdict != EPG_PERMIT || !(work->decision.flags & EPG_RULE_STATEFUL))
		return false;
	if (!is_trackable(&work->packet) || is_echo_reply(&work->packet))
		return false;
	return !(work->packet.signals & SIGNAL_ABORTS);
}

static __always_inline int flow_open(struct work *work, struct sought *key, __u32 from)
{
	struct epg_flow *fresh = &key->fresh;

	fresh->seen = (__u32)bpf_jiffies64();
	fresh->state = EPG_FLOW_NEW;
	flow_note_opening(fresh, work, from);
	flow_bind(fresh, work, from);
	if (!flow_table_put()) {
		work->decision.verdict = EPG_DENY;
		work->decision.audited_rule = EPG_RULE_NONE;
		return EPG_REASON_FLOW_TABLE;
	}
	count_stat(EPG_STAT_FLOWS_CREATED);
	work->tracked = true;
	return EPG_REASON_NONE;
}

/* Both sides are known: decides, and tracks what a stateful rule permits. */
STEP int decide_and_track(void)
{
	struct epg_control *config = control_get();
	struct work *work = work_get();
	struct sought *key = sought_get();
	struct epg_flow *flow = NULL;
	struct ends ends;
	__u32 from = 0;

	if (!config || !work || !key)
		return EPG_REASON_INTERNAL;
	if (work->opens) {
		from = key->from;
	} else if (is_trackable(&work->packet)) {
		flow_ends(&ends, &work->packet);
		from = flow_key(key, &ends, work->realm.vrf);
		flow = flow_find(config, key);
		if (flow && !flow_accepts(flow, &work->packet, from))
			flow = NULL;
	}
	if (flow && flow_redecide(work, key, flow, from)) {
		work->tracked = true;
		return EPG_REASON_NONE;
	}
	rule_key_of_packet(&work->key, &work->packet);
	decide(pair_of(&work->source, &work->destination));
	if (flow && !flow_is_still(flow, key))
		flow = NULL;
	/* Who asks in vain for a new connection does not end the one that is kept. */
	if (flow && work->decision.verdict != EPG_PERMIT &&
	    !(flow->flags & EPG_RULE_KEEP && is_connecting(&work->packet)))
		flow_revoke(flow);
	if (!opens_flow(work))
		return work->decision.reason;
	if (flow && flow->opener == from) {
		flow_note_opening(flow, work, from);
		flow_bind(flow, work, from);
		flow_advance(flow, message_of(&work->packet), from);
		work->tracked = true;
		return EPG_REASON_NONE;
	}
	return flow_open(work, key, from);
}

/*
 * An ICMP error follows the flow that it quotes. It goes to the sender of the quoted packet; an endpoint
 * complains only about packets that were meant for it. A flow of an earlier generation does not count: the
 * quoted packet itself was decided a moment before. NOT_TRACKED: what it quotes belongs to no flow.
 */
STEP int follow_quoted(void)
{
	struct epg_control *config = control_get();
	struct work *work = work_get();
	struct sought *key = sought_get();
	struct epg_flow *flow;
	__u32 sender;

	if (!config || !work || !key || !work->quotes ||
	    !address_equal(&work->quoted.source, &work->packet.destination))
		return EPG_REASON_UNRELATED;
	sender = flow_key(key, &work->quoted, work->realm.vrf);
	flow = flow_find(config, key);
	if (!flow)
		return NOT_TRACKED;
	if (!flow_is_current(config, flow, work->realm.generation))
		return EPG_REASON_UNRELATED;
	if (work->source.ifindex && work->source.ifindex != (sender ? flow->ifindex[0] : flow->ifindex[1]))
		return EPG_REASON_UNRELATED;
	if (work->hook == EPG_HOOK_TC_EGRESS && !end_is(flow, sender, &work->destination))
		return EPG_REASON_UNRELATED;
	decide_permit_by_flow(&work->decision, flow);
	return EPG_REASON_NONE;
}

#endif
