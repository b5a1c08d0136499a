/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Two that have just met: who they are follows from the sender's interface and both addresses, and takes a third of
 * what a first packet costs to find out. So a CPU finds it out once a jiffy, and not for each flow that one opens to
 * the other; what rules say of a flow is asked each time. What changes without an apply is seen with the next jiffy,
 * as in `near`.
 */
#ifndef BPF_ACQUAINTANCE_H
#define BPF_ACQUAINTANCE_H

#include "flow_table.h"
#include "upper.h"
#include "work.h"

#define ACQUAINTANCES 64

struct acquaintance {
	__u64 addresses; /* IPv4: as a flow's key has them */
	union address low, high;
	struct realm realm;
	struct party source, destination;
	__u32 epoch;
	__u32 seen;
	__u8 family;
	__u8 from; /* which of both is the source */
	__u16 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ACQUAINTANCES);
	__type(key, __u32);
	__type(value, struct acquaintance);
} acquaintances SEC(".maps");

static __always_inline struct acquaintance *acquaintance_at(const struct sought *key)
{
	__u64 sum = flow_key_is_ipv4(key) ? key->words[0] : key->low.halves_be[1] + 3 * key->high.halves_be[1];
	/* Its upper bits depend on all bits (Fibonacci hashing). */
	__u32 index = sum * 0x9e3779b97f4a7c15ull >> 58;

	_Static_assert(ACQUAINTANCES == 64, "six bits");
	return bpf_map_lookup_elem(&acquaintances, &index);
}

static __always_inline bool acquaintance_is_between(const struct acquaintance *known, const struct sought *key)
{
	if (known->family != EPG_FLOW_KEY_FAMILY(key->words[1]) || known->from != key->from)
		return false;
	if (flow_key_is_ipv4(key))
		return known->addresses == key->words[0];
	return address_equal(&known->low, &key->low) && address_equal(&known->high, &key->high);
}

/* All that deciding asks of a packet which the express way has read. */
static __always_inline void packet_of_key(struct packet *packet, const struct sought *key, __u32 length)
{
	__u16 low_be = bpf_htons(EPG_FLOW_KEY_LOW_PORT(key->words[1]));
	__u16 high_be = bpf_htons(EPG_FLOW_KEY_HIGH_PORT(key->words[1]));

	packet->ethertype = flow_key_is_ipv4(key) ? ETH_P_IP : ETH_P_IPV6;
	packet->protocol = EPG_FLOW_KEY_PROTOCOL(key->words[1]);
	packet->source_port_be = key->from == EPG_FLOW_LOW ? low_be : high_be;
	packet->destination_port_be = key->from == EPG_FLOW_LOW ? high_be : low_be;
	packet->length = length;
	packet->traffic_class = key->traffic_class;
	packet->tcp_flags = key->tcp_flags;
	packet->signals = tcp_signals(key->tcp_flags);
}

/*
 * What opens a flow, as the express way has found, comes from one of two that have met. False: all is to be found out.
 * Who watches is told more than is known here.
 */
STEP int acquaintance_meet(__u32 length)
{
	struct epg_control *config = control_get();
	struct sought *key = sought_get();
	struct work *work = work_get();
	struct acquaintance *known = key ? acquaintance_at(key) : NULL;

	if (!config || !key || !work || !known || known->source.ifindex != work->ifindex ||
	    known->realm.generation != work->realm.generation || known->realm.slot != work->realm.slot ||
	    known->epoch != work->epoch || known->seen != (__u32)bpf_jiffies64() || config->watch ||
	    known->realm.vrf != EPG_FLOW_KEY_VRF(key->words[1]) || !acquaintance_is_between(known, key))
		return false;
	work->realm = known->realm;
	work->source = known->source;
	work->destination = known->destination;
	work->port = work->ifindex;
	work->met = true;
	packet_of_key(&work->packet, key, length);
	return true;
}

/* Both have been found out, in the epoch in which that began: another one may have begun meanwhile. */
STEP int acquaintance_note(void)
{
	struct sought *key = sought_get();
	struct work *work = work_get();
	struct acquaintance *known = key ? acquaintance_at(key) : NULL;

	if (!key || !work || !known)
		return 0;
	known->addresses = key->words[0];
	known->low = key->low;
	known->high = key->high;
	known->realm = work->realm;
	known->source = work->source;
	known->destination = work->destination;
	known->epoch = work->epoch;
	known->seen = (__u32)bpf_jiffies64();
	known->family = EPG_FLOW_KEY_FAMILY(key->words[1]);
	known->from = key->from;
	return 0;
}

#endif
