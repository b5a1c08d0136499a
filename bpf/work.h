/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What one packet carries from step to step. */
#ifndef BPF_WORK_H
#define BPF_WORK_H

#include "decide.h"
#include "endpoint.h"
#include "frame.h"

struct work {
	struct packet packet;
	struct realm realm;
	struct party source;
	struct party destination;
	struct decision decision;
	struct rule_key key;
	__u32 ifindex;      /* of the hook */
	__u16 source_flags; /* EPG_ENDPOINT_… of the source's endpoint */
	__u8 hook;          /* enum epg_hook */
	__u8 decided; /* an earlier hook of this host has permitted the packet: it is not decided or counted again */
	__u8 by_flow; /* an established flow let it pass: nothing new to tell */
	__u8 foreign; /* egress: from an endpoint of another VRF */
	__u8 crosses; /* egress: and that VRF is one into which a contract leads: the source is known */
	__u8 reserved[5];
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

/* Beside reasons: a packet on an uplink that concerns no endpoint. It is the host's own affair. */
#define PASSES_BY (-2)

/*
 * May the source use this address? An endpoint: its own ones. Anybody else: all that no endpoint owns, since
 * an endpoint's packets come by its own hook.
 */
static __always_inline int source_may_use(const struct work *work, const union address *address)
{
	if (work->crosses)
		return EPG_REASON_NONE; /* egress_source has looked */
	if (work->source.ifindex)
		return address_claim(&work->realm, work->source.ifindex, work->source_flags, address);
	return address_owner(&work->realm, address) ? EPG_REASON_SPOOFED_ADDRESS : EPG_REASON_NONE;
}

#endif
