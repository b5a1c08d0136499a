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

#include "dscp.h"
#include "egress.h"
#include "event.h"
#include "ingress.h"
#include "police.h"

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

/* Counts and tells what was decided. True: the packet passes. */
static __always_inline bool conclude(struct epg_control *config, struct work *work, struct epg_endpoint *endpoint,
				     int reason)
{
	struct decision *decision = &work->decision;

	if (reason == PASSES_BY)
		return true;
	if (!reason && takes_police(work))
		reason = police(work);
	decision->reason = reason;
	decision->verdict = reason ? EPG_DENY : EPG_PERMIT;
	if (!work->decided || reason)
		count_decision(work);
	if (reason) {
		struct epg_drop_key key = {
			.source = work->source.class_id,
			.destination = work->destination.class_id,
			.reason = reason,
		};

		count_drop(&key, work->packet.length);
	} else if (work->hook != EPG_HOOK_TC_EGRESS && !work->decided && endpoint && !epg_explaining) {
		__sync_fetch_and_add(&endpoint->packets, 1);
		__sync_fetch_and_add(&endpoint->bytes, work->packet.length);
	}
	if (reason || epg_explaining || !(work->by_flow || work->decided))
		event_send(config, work);
	return !reason;
}

static __always_inline struct work *work_begin(const struct epg_control *config, __u8 hook, __u32 ifindex)
{
	__u64 active = *(volatile __u64 *)&config->active;
	__u32 zero = 0;
	struct work *work = bpf_map_lookup_elem(&works, &zero);

	if (!work)
		return NULL;
	__builtin_memset(work, 0, sizeof(*work));
	work->realm.generation = EPG_ACTIVE_GENERATION(active);
	work->realm.slot = EPG_ACTIVE_SLOT(active);
	work->decision.rule = work->decision.audited_rule = EPG_RULE_NONE;
	work->decision.level = EPG_LEVEL_IMPLICIT;
	work->hook = hook;
	work->ifindex = ifindex;
	return work;
}

/* Makes the headers contiguous where they are not, which is rare, and reads them. */
static __always_inline void read_frame(struct __sk_buff *skb, struct packet *packet)
{
	packet->length = skb->len;
	if (skb->vlan_present) {
		packet->reason = EPG_REASON_VLAN;
		return;
	}
	packet->reason = parse_frame(packet, (void *)(long)skb->data, (void *)(long)skb->data_end);
	if ((packet->reason != EPG_REASON_MALFORMED && !is_icmp_error(packet)) || skb->data_end - skb->data >= skb->len)
		return;
	bpf_skb_pull_data(skb, skb->len < HEADER_BYTES_MAX ? skb->len : HEADER_BYTES_MAX);
	packet->reason = parse_frame(packet, (void *)(long)skb->data, (void *)(long)skb->data_end);
}

SEC("tc")
int epg_tc_ingress(struct __sk_buff *skb)
{
	struct epg_control *config = control_get();
	struct epg_endpoint *endpoint;
	struct work *work;
	int reason = EPG_REASON_NO_POLICY;

	if (!config)
		return TC_ACT_SHOT;
	work = work_begin(config, EPG_HOOK_TC_INGRESS, skb->ifindex);
	if (!work)
		return TC_ACT_SHOT;
	read_frame(skb, &work->packet);
	endpoint = endpoint_get(work->ifindex);
	if (work->realm.generation)
		reason = ingress(config, work, endpoint, (void *)(long)skb->data, (void *)(long)skb->data_end);
	if (!conclude(config, work, endpoint, reason))
		return TC_ACT_SHOT;
	if (reason != PASSES_BY)
		skb->mark |= config->mark;
	if (takes_dscp(work))
		write_dscp_skb(skb, work);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int epg_tc_egress(struct __sk_buff *skb)
{
	struct epg_control *config = control_get();
	struct epg_endpoint *endpoint;
	struct work *work;
	int reason = EPG_REASON_NO_POLICY;

	if (!config)
		return TC_ACT_SHOT;
	work = work_begin(config, EPG_HOOK_TC_EGRESS, skb->ifindex);
	if (!work)
		return TC_ACT_SHOT;
	read_frame(skb, &work->packet);
	endpoint = endpoint_get(work->ifindex);
	if (work->realm.generation) {
		struct arrival arrival = {.ifindex = skb->ingress_ifindex, .marked = skb->mark & config->mark};

		reason = egress(config, work, endpoint, arrival, (void *)(long)skb->data, (void *)(long)skb->data_end);
	}
	if (!conclude(config, work, endpoint, reason))
		return TC_ACT_SHOT;
	skb->mark &= ~config->mark;
	if (takes_dscp(work))
		write_dscp_skb(skb, work);
	return TC_ACT_UNSPEC;
}

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
	work->packet.length = end - data;
	work->packet.reason = parse_frame(&work->packet, data, end);
	endpoint = endpoint_get(work->ifindex);
	if (work->realm.generation)
		reason = ingress(config, work, endpoint, data, end);
	if (!conclude(config, work, endpoint, reason))
		return XDP_DROP;
	if (takes_dscp(work))
		write_dscp_frame(data, end, work);
	return XDP_PASS;
}
