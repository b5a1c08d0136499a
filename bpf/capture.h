/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* While somebody captures: each decision with the beginning of its frame. Costs one comparison when nobody does. */
#ifndef BPF_CAPTURE_H
#define BPF_CAPTURE_H

#include "event.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 131072);
} captures SEC(".maps");

/* Once a packet, by the hook that decides on it. */
static __always_inline bool takes_capture(const struct epg_control *config, const struct work *work, int reason)
{
	return !epg_explaining && config->watch & EPG_WATCH_CAPTURE && !work->decided && reason != PASSES_BY;
}

/* NULL: there is nobody to tell, or no room. */
static __always_inline struct epg_captured *capture_begin(void)
{
	struct epg_control *config = control_get();
	struct work *work = work_get();
	struct epg_captured *captured;
	__u64 now;

	if (!config || !work || !is_watcher_alive(config, &now))
		return NULL;
	captured = bpf_ringbuf_reserve(&captures, sizeof(*captured), 0);
	if (!captured) {
		count_stat(EPG_STAT_EVENTS_LOST);
		return NULL;
	}
	event_fill(&captured->event, work);
	captured->event.time_ns = now;
	captured->reserved = 0;
	return captured;
}

STEP int capture_skb(struct __sk_buff *skb)
{
	struct epg_captured *captured = capture_begin();
	__u32 length = skb->len;

	if (!captured)
		return 0;
	if (length > EPG_CAPTURED_BYTES)
		length = EPG_CAPTURED_BYTES;
	captured->captured = length;
	if (!length || bpf_skb_load_bytes(skb, 0, captured->bytes, length))
		captured->captured = 0;
	bpf_ringbuf_submit(captured, 0);
	return 0;
}

/* Frames are copied by words; what is left of a frame behind the last whole one is left out. */
STEP int capture_frame(struct xdp_md *frame)
{
	void *data = (void *)(long)frame->data, *end = (void *)(long)frame->data_end;
	struct epg_captured *captured = capture_begin();

	if (!captured)
		return 0;
	captured->captured = 0;
	for (__u32 at = 0; at < EPG_CAPTURED_BYTES; at += sizeof(__u32)) {
		if (data + at + sizeof(__u32) > end)
			break;
		*(__u32 *)(captured->bytes + at) = *(__u32 *)(data + at);
		captured->captured = at + sizeof(__u32);
	}
	bpf_ringbuf_submit(captured, 0);
	return 0;
}

#endif
