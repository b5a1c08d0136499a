/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What one packet carries from step to step. */
#ifndef BPF_WORK_H
#define BPF_WORK_H

#include "endpoint.h"
#include "quoted.h"
#include "rule.h"

struct work {
	struct packet packet;
	struct realm realm;
	struct party source;
	struct party destination;
	struct decision decision;
	struct rule_key key;
	struct ends quoted; /* by an ICMP error */
	__u32 ifindex;      /* of the hook */
	__u32 epoch;        /* of `control`, before anything was looked up */
	__u32 port;         /* the endpoint at the hook: its interface, or a port behind or inside it */
	__u16 source_flags; /* EPG_ENDPOINT_… of the source's endpoint */
	__u8 hook;          /* enum epg_hook */
	__u8 decided;    /* an earlier hook of this host has permitted the packet: it is not decided or counted again */
	__u8 by_flow;    /* an established flow let it pass: nothing new to tell */
	__u8 tracked;    /* it belongs to the flow that was sought for last, which is permitted in this generation */
	__u8 foreign;    /* egress: from an endpoint of another VRF */
	__u8 crosses;    /* egress: and that VRF is one into which a contract leads: the source is known */
	__u8 behind_xdp; /* XDP has let the frame pass, if it has seen the frame as it is */
	__u8 quotes;     /* `quoted` could be read */
	__u8 opens;      /* the express way has read the packet, and found no flow that it could be a part of */
	__u8 met;       /* ingress: who both sides are was known beforehand; of the packet no more than rules ask for */
	__u8 stacked;   /* that flow is not to go past the host's stack */
	__u8 uplink;    /* ingress: of one, whoever has sent it */
	__u8 device;    /* which is a piece of hardware */
	__u8 inside;    /* the hook is at a device inside its container's network namespace */
	__u8 by_driver; /* the frame was received, and not made or forwarded by this kernel */
	__u8 addressed; /* to the MAC address of the hook's own device */
	__u32 hash;     /* of the skb: what a hook beside a macvlan device has left there */
};

/*
 * In a map rather than on the stack, which is short, and of which the verifier would follow each value: loading
 * takes an eighth of the time this way. A CPU handles one packet at a time, with softirqs off (libepg
 * refuses real-time kernels, where that does not hold); the copy of the programs that explains has a map of its own.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct work);
} works SEC(".maps");

static __always_inline struct work *work_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&works, &zero);
}

/* The hook is an uplink's egress. */
static __always_inline bool leaves_host(const struct work *work)
{
	return work->hook == EPG_HOOK_TC_EGRESS && !work->destination.ifindex;
}

/* Beside reasons: a packet on an uplink that concerns no endpoint. It is the host's own affair. */
#define PASSES_BY (-2)

#endif
