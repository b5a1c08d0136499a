/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Last step: telling those who watch. Costs one comparison when nobody does. */
#ifndef BPF_EVENT_H
#define BPF_EVENT_H

#include "work.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 262144);
} events SEC(".maps");

/* The answer to a question: one element. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct epg_event);
} trace SEC(".maps");

struct event_window {
	__u64 second; /* jiffies / hz */
	__u64 count;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct event_window);
} event_windows SEC(".maps");

/* Interest ends by itself some time after the watcher has died. */
static __always_inline bool is_watcher_alive(struct epg_control *config, __u64 *ret_now)
{
	*ret_now = bpf_ktime_get_ns();
	if (*ret_now < config->watch_until_ns)
		return true;
	config->watch = 0;
	return false;
}

static __always_inline bool is_watched(struct epg_control *config, const struct decision *decision, __u64 *ret_now)
{
	__u32 kinds = decision->verdict == EPG_PERMIT ? EPG_WATCH_PERMIT : EPG_WATCH_DENY;

	if (decision->audited_rule != EPG_RULE_NONE)
		kinds |= EPG_WATCH_AUDIT;
	if (decision->flags & EPG_RULE_LOG)
		kinds |= EPG_WATCH_LOG;
	return config->watch & kinds && is_watcher_alive(config, ret_now);
}

static __always_inline bool is_within_rate(const struct epg_control *config)
{
	__u32 zero = 0, hz = config->hz ? config->hz : 1;
	struct event_window *window = bpf_map_lookup_elem(&event_windows, &zero);
	__u64 second = bpf_jiffies64() / hz;

	if (!window)
		return false;
	if (window->second != second) {
		window->second = second;
		window->count = 0;
	}
	return window->count++ < config->events_per_second;
}

static __always_inline __u8 event_flags(const struct decision *decision)
{
	__u8 flags = decision->flags & EPG_RULE_LOG ? EPG_EVENT_LOG : 0;

	if (decision->audited_rule != EPG_RULE_NONE)
		flags |= decision->verdict == EPG_PERMIT ? EPG_EVENT_WOULD_DENY : EPG_EVENT_WOULD_PERMIT;
	return flags;
}

static __always_inline void event_fill(struct epg_event *event, const struct work *work)
{
	const struct packet *packet = &work->packet;
	__u16 source_port = bpf_ntohs(packet->source_port_be);
	__u16 destination_port = bpf_ntohs(packet->destination_port_be);

	if (is_ip(packet) && is_icmp(packet)) {
		source_port = packet->icmp_code;
		destination_port = packet->icmp_type;
	} else if (packet->ethertype == ETH_P_ARP) {
		destination_port = packet->arp_operation;
	}
	event->generation = work->realm.generation;
	event->rule = work->decision.rule;
	event->ifindex = work->ifindex;
	event->source_ifindex = work->source.ifindex;
	event->destination_ifindex = work->destination.ifindex;
	event->length = packet->length;
	__builtin_memcpy(event->source, &packet->source, 16);
	__builtin_memcpy(event->destination, &packet->destination, 16);
	event->source_class = work->source.class_id;
	event->destination_class = work->destination.class_id;
	event->source_port = source_port;
	event->destination_port = destination_port;
	event->ethertype = packet->ethertype;
	event->protocol = packet->protocol;
	event->tcp_flags = packet->tcp_flags;
	event->hook = work->hook;
	event->verdict = work->decision.verdict;
	event->reason = work->decision.reason;
	event->level = work->decision.level;
	__builtin_memcpy(event->source_mac, packet->source_mac, 6);
	__builtin_memcpy(event->destination_mac, packet->destination_mac, 6);
	event->flags = event_flags(&work->decision);
	event->dscp = packet->traffic_class >> 2;
	event->fragment = packet->fragment;
	event->reserved = 0;
	event->audited_rule = work->decision.audited_rule;
	event->vlan = packet->vlan;
	event->reserved2 = 0;
}

STEP int event_send(void)
{
	struct epg_control *config = control_get();
	struct work *work = work_get();
	struct epg_event *event;
	__u64 now = 0;
	__u32 zero = 0;

	if (!config || !work)
		return 0;
	if (epg_explaining) {
		event = bpf_map_lookup_elem(&trace, &zero);
		if (event) {
			event_fill(event, work);
			event->time_ns = bpf_ktime_get_ns();
		}
		return 0;
	}
	if (!is_watched(config, &work->decision, &now))
		return 0;
	if (!is_within_rate(config)) {
		count_stat(EPG_STAT_EVENTS_LIMITED);
		return 0;
	}
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		count_stat(EPG_STAT_EVENTS_LOST);
		return 0;
	}
	event_fill(event, work);
	event->time_ns = now;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

#endif
