// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The entry points: thin, over the same steps.
 *
 *     frame -> parse -> classify -> track -> decide -> verdict, count, event
 *
 * A verdict lets later programs of other owners on the same hook have their say.
 */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "acquaintance.h"
#include "capture.h"
#include "dscp.h"
#include "egress.h"
#include "event.h"
#include "express.h"
#include "ingress.h"
#include "police.h"
#include "read.h"
#include "voucher.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The rule that has decided, and the one that an audit has found beside it. */
static __always_inline void count_decision(const struct work *work)
{
	const struct decision *decision = &work->decision;

	if (decision->rule != EPG_RULE_NONE)
		count_rule(work->realm.slot, decision->rule, work->packet.length);
	if (decision->audited_rule == EPG_RULE_NONE)
		return;
	count_rule(work->realm.slot, decision->audited_rule, work->packet.length);
	count_stat(decision->verdict == EPG_PERMIT ? EPG_STAT_WOULD_DENY : EPG_STAT_WOULD_PERMIT);
}

/* A later hook of this host, or TC behind XDP, sees what has been counted. */
static __always_inline bool is_counted(const struct work *work)
{
	return work->decided || (work->behind_xdp && work->packet.vlan);
}

static __always_inline void count_denied(const struct work *work, int reason)
{
	struct epg_drop_key key = {
		.source = work->source.class_id,
		.destination = work->destination.class_id,
		.reason = reason,
	};

	count_drop(&key, work->packet.length);
}

/* What can drop what was permitted, by a flow too, and what others are to know of a first fragment. */
static __always_inline int settle(struct work *work, int reason)
{
	bool is_first = work->packet.fragment == EPG_FRAGMENT_FIRST;

	if (!reason && takes_police(work))
		reason = police();
	if (!reason && is_first && first_is_overlapped())
		reason = EPG_REASON_OVERLAP;
	if (is_first)
		first_settle(reason);
	return reason;
}

/* Counts and tells what was decided; returns why the packet is dropped, EPG_REASON_NONE or PASSES_BY. */
static __always_inline int conclude(struct work *work, struct epg_endpoint *endpoint, int reason)
{
	if (reason == PASSES_BY)
		return reason;
	reason = settle(work, reason);
	work->decision.reason = reason;
	work->decision.verdict = reason ? EPG_DENY : EPG_PERMIT;
	if (reason || !is_counted(work))
		count_decision(work);
	if (reason) {
		count_denied(work, reason);
	} else if (work->hook != EPG_HOOK_TC_EGRESS && !is_counted(work) && endpoint && !epg_explaining) {
		__sync_fetch_and_add(&endpoint->packets, 1);
		__sync_fetch_and_add(&endpoint->bytes, work->packet.length);
	}
	if (!work->met && (reason || epg_explaining || !(work->by_flow || work->decided)))
		event_send();
	return reason;
}

static __always_inline struct work *work_begin(const struct epg_control *config, __u8 hook, __u32 ifindex)
{
	__u64 active = *(volatile __u64 *)&config->active;
	struct work *work = work_get();

	if (!work)
		return NULL;
	__builtin_memset(work, 0, sizeof(*work));
	work->realm.generation = EPG_ACTIVE_GENERATION(active);
	work->realm.slot = EPG_ACTIVE_SLOT(active);
	work->decision.rule = work->decision.audited_rule = EPG_RULE_NONE;
	work->decision.level = EPG_LEVEL_IMPLICIT;
	work->hook = hook;
	work->epoch = *(const volatile __u32 *)&config->epoch;
	work->ifindex = ifindex;
	return work;
}

/* What comes from an endpoint, or from outside through an uplink: as conclude() returns it. */
static __always_inline int decide_from(struct __sk_buff *skb, const struct epg_control *config, struct work *work)
{
	struct epg_endpoint *endpoint;
	int reason = EPG_REASON_NO_POLICY;

	read_skb(skb);
	endpoint = hook_endpoint(work, work->packet.source_mac);
	if (work->realm.generation)
		reason = ingress(work, endpoint);
	reason = conclude(work, endpoint, reason);
	if (takes_capture(config, work, reason))
		capture_skb(skb);
	if (takes_dscp(work))
		write_dscp_skb(skb, work);
	return reason;
}

/* What goes to an endpoint, or outside through an uplink: as conclude() returns it. */
static __always_inline int decide_towards(struct __sk_buff *skb, const struct epg_control *config, struct work *work,
					  struct arrival arrival)
{
	struct epg_endpoint *endpoint;
	int reason = EPG_REASON_NO_POLICY;

	read_skb(skb);
	endpoint = hook_endpoint(work, work->packet.destination_mac);
	if (work->realm.generation)
		reason = egress(work, endpoint, arrival);
	reason = conclude(work, endpoint, reason);
	if (takes_capture(config, work, reason))
		capture_skb(skb);
	if (takes_dscp(work))
		write_dscp_skb(skb, work);
	return reason;
}

/*
 * To a device that may be stacked on the uplink: its hook believes nothing else. What passes by has been decided if a
 * device inside vouches for it, whose word is left as it is.
 */
static __always_inline void vouch_for_outside(struct __sk_buff *skb, const struct work *work, int reason)
{
	struct epg_endpoint *endpoint = work->addressed ? NULL : endpoint_get(work->ifindex);

	if (!endpoint || !(endpoint->seen & EPG_SEEN_STACKED))
		return;
	if (reason != PASSES_BY)
		bpf_set_hash(skb, voucher(VOUCHER_OUTSIDE));
	else if (!work->decided)
		bpf_set_hash(skb, voucher(VOUCHER_UNDECIDED));
}

/* The same for what opens a flow between two that have met. */
STEP int decide_met(void)
{
	struct work *work = work_get();
	struct epg_near *sender = work ? near_at(work->ifindex) : NULL;
	int reason;

	if (!work || !sender)
		return EPG_REASON_INTERNAL;
	reason = conclude(work, NULL, decide_and_track());
	if (!reason) {
		sender->packets++;
		sender->bytes += work->packet.length;
	}
	return reason;
}

SEC("tc")
int epg_tc_ingress(struct __sk_buff *skb)
{
	struct epg_control *config = control_get();
	struct work *work;
	int verdict, reason;

	if (!config)
		return TC_ACT_SHOT;
	verdict = epg_explaining ? EXPRESS_NOT : express_from(skb, config);
	if (verdict != EXPRESS_NOT && verdict != EXPRESS_OPENS)
		return verdict;
	work = work_begin(config, EPG_HOOK_TC_INGRESS, skb->ifindex);
	if (!work)
		return TC_ACT_SHOT;
	work->opens = verdict == EXPRESS_OPENS;
	if (work->opens && acquaintance_meet(skb->len))
		reason = decide_met();
	else
		reason = decide_from(skb, config, work);
	if (reason && reason != PASSES_BY) {
		if (!epg_explaining)
			denial_note();
		return TC_ACT_SHOT;
	}
	if (work->uplink)
		vouch_for_outside(skb, work, reason);
	return reason ? TC_ACT_UNSPEC : express_on(skb);
}

SEC("tc")
int epg_tc_egress(struct __sk_buff *skb)
{
	struct epg_control *config = control_get();
	struct arrival arrival = {.ifindex = skb->ingress_ifindex};
	struct work *work;
	int verdict, reason;

	if (!config)
		return TC_ACT_SHOT;
	verdict = epg_explaining ? EXPRESS_NOT : express_towards(skb, config);
	if (verdict != EXPRESS_NOT)
		return verdict;
	work = work_begin(config, EPG_HOOK_TC_EGRESS, skb->ifindex);
	if (!work)
		return TC_ACT_SHOT;
	arrival.marked = skb->mark & config->mark;
	reason = decide_towards(skb, config, work, arrival);
	if (reason && reason != PASSES_BY)
		return TC_ACT_SHOT;
	if (!reason && may_be_routed(work))
		note_gateway();
	skb->mark &= ~config->mark;
	if (!skb->ingress_ifindex && work->source.ifindex & EPG_PORT)
		bpf_set_hash_invalid(skb);
	return TC_ACT_UNSPEC;
}

/*
 * At a device inside its container's network namespace, where ifindexes are others: a stub of a few instructions, which
 * libepg attaches, leaves the endpoint's port in cb[0] and comes here.
 */
SEC("tc")
int epg_tc_inside_out(struct __sk_buff *skb)
{
	struct epg_control *config = control_get();
	struct work *work;
	__u32 port = skb->cb[0];

	if (!config)
		return TC_ACT_SHOT;
	work = work_begin(config, EPG_HOOK_TC_INGRESS, port);
	if (!work || decide_from(skb, config, work))
		return TC_ACT_SHOT;
	bpf_set_hash(skb, voucher(port));
	return TC_ACT_UNSPEC;
}

SEC("tc")
int epg_tc_inside_in(struct __sk_buff *skb)
{
	struct epg_control *config = control_get();
	struct arrival arrival = {};
	struct work *work;

	if (!config)
		return TC_ACT_SHOT;
	work = work_begin(config, EPG_HOOK_TC_EGRESS, skb->cb[0]);
	if (!work)
		return TC_ACT_SHOT;
	work->inside = true;
	if (decide_towards(skb, config, work, arrival))
		return TC_ACT_SHOT;
	skb->mark &= ~config->mark;
	bpf_set_hash_invalid(skb);
	return TC_ACT_UNSPEC;
}

/* Where the stubs lead: libepg puts epg_tc_inside_out in place 0, epg_tc_inside_in in place 1. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} inside SEC(".maps");

SEC("xdp")
int epg_xdp_ingress(struct xdp_md *frame)
{
	void *data = (void *)(long)frame->data, *end = (void *)(long)frame->data_end;
	struct epg_control *config = control_get();
	struct epg_endpoint *endpoint;
	struct work *work;
	int reason = EPG_REASON_NO_POLICY;

	if (!config)
		return XDP_DROP;
	work = work_begin(config, EPG_HOOK_XDP, frame->ingress_ifindex);
	if (!work)
		return XDP_DROP;
	read_xdp(frame);
	endpoint = hook_endpoint(work, work->packet.source_mac);
	if (work->realm.generation)
		reason = ingress(work, endpoint);
	reason = conclude(work, endpoint, reason);
	if (takes_capture(config, work, reason))
		capture_frame(frame);
	if (reason && reason != PASSES_BY)
		return XDP_DROP;
	if (takes_dscp(work))
		write_dscp_frame(data, end, work);
	return XDP_PASS;
}
