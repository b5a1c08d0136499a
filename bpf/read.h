/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The first step, at each kind of hook: what stands in the frame is read into `work`. */
#ifndef BPF_READ_H
#define BPF_READ_H

#include "frame.h"
#include "work.h"

static __always_inline void read_frame(struct work *work, void *data, void *end)
{
	struct packet *packet = &work->packet;

	packet->reason = parse_frame(packet, data, end);
	if (!packet->reason && is_icmp_error(packet))
		work->quotes = !parse_quoted(&work->quoted, data, end, packet->upper);
}

/* Reads the headers, and makes them contiguous where they are not, which is rare. */
STEP int read_skb(struct __sk_buff *skb)
{
	struct work *work = work_get();
	struct packet *packet;

	if (!work)
		return 0;
	packet = &work->packet;
	packet->length = skb->len;
	if (skb->vlan_present) {
		packet->accelerated = true;
		packet->vlan = skb->vlan_tci & VLAN_ID_MASK;
	}
	read_frame(work, (void *)(long)skb->data, (void *)(long)skb->data_end);
	if ((packet->reason == EPG_REASON_MALFORMED || is_icmp_error(packet)) && skb->data_end - skb->data < skb->len) {
		bpf_skb_pull_data(skb, skb->len < HEADER_BYTES_MAX ? skb->len : HEADER_BYTES_MAX);
		read_frame(work, (void *)(long)skb->data, (void *)(long)skb->data_end);
	}
	if (skb->vlan_present && skb->vlan_proto != bpf_htons(ETH_P_8021Q))
		packet->reason = EPG_REASON_VLAN;
	work->hash = skb->hash;
	work->by_driver = skb->napi_id != 0;
	work->addressed = skb->pkt_type == PACKET_HOST;
	return 0;
}

STEP int read_xdp(struct xdp_md *frame)
{
	void *data = (void *)(long)frame->data, *end = (void *)(long)frame->data_end;
	struct work *work = work_get();

	if (!work)
		return 0;
	work->packet.length = end - data;
	read_frame(work, data, end);
	return 0;
}

#endif
