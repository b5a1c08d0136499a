/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a CPU knows of the endpoints that it has just dealt with: for the rest of a jiffy an endpoint costs an array's
 * look-up, not a hash's. What changes without an apply is seen with the next jiffy.
 */
#ifndef BPF_NEAR_H
#define BPF_NEAR_H

#include "endpoint.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EPG_NEAR_ENDPOINTS);
	__type(key, __u32);
	__type(value, struct epg_near);
} near SEC(".maps");

static __always_inline struct epg_near *near_at(__u32 ifindex)
{
	__u32 index = ifindex & (EPG_NEAR_ENDPOINTS - 1);

	return bpf_map_lookup_elem(&near, &index);
}

/* Of others: not an interface of the host that is one endpoint's alone and decided by TC. */
#define NOT_PLAIN \
	(EPG_ENDPOINT_UPLINK | EPG_ENDPOINT_XDP | EPG_ENDPOINT_SHARED | EPG_ENDPOINT_MANY | EPG_ENDPOINT_INSIDE)

/* Its frames have the MAC address that is noted for it, and nobody counts how many they are. */
static __always_inline bool sends_plainly(const struct epg_binding *binding, const struct epg_class *class)
{
	return !mac_is_zero(binding->mac) && binding->mac_noted == class->bridge_domain &&
	       !(class->flags & EPG_CLASS_POLICED);
}

static __always_inline void near_fill(struct epg_near *known, const struct epg_endpoint *endpoint,
				      const struct epg_binding *binding, const struct epg_class *class)
{
	known->class_id = binding->class_id;
	known->bridge_domain = class->bridge_domain;
	known->vrf = class->vrf;
	known->mtu = endpoint->mtu;
	__builtin_memcpy(known->mac, binding->mac, sizeof(known->mac));
	__builtin_memcpy(known->gateway, endpoint->gateway, sizeof(known->gateway));
	known->receives = !(binding->flags & NOT_PLAIN);
	known->sends = known->receives && sends_plainly(binding, class);
	known->direct = known->stacked != known->seen && known->receives && binding->flags & EPG_ENDPOINT_DIRECT &&
			class->flags & EPG_CLASS_DIRECT;
}

/*
 * Once in so many jiffies an endpoint's packets take the host's stack for one, so that bridges and neighbour tables do not
 * forget it.
 */
#define STACK_AGAIN 8192

static __always_inline __u32 near_stacked(const struct epg_near *known, __u32 ifindex, __u32 now)
{
	return known->ifindex == ifindex && now - known->stacked < STACK_AGAIN ? known->stacked : now;
}

/* Looks an endpoint up anew, and hands over what was counted for the one that was known here. */
STEP int near_refresh(__u32 ifindex, __u32 slot, __u32 generation)
{
	struct epg_control *config = control_get();
	struct epg_near *known = near_at(ifindex);
	struct epg_endpoint *endpoint;
	struct epg_binding *binding;
	struct epg_class *class;
	__u32 now = (__u32)bpf_jiffies64(), stacked;

	if (!config || !known)
		return 0;
	endpoint = known->packets ? endpoint_get(known->ifindex) : NULL;
	if (endpoint) {
		__sync_fetch_and_add(&endpoint->packets, known->packets);
		__sync_fetch_and_add(&endpoint->bytes, known->bytes);
	}
	stacked = near_stacked(known, ifindex, now);
	__builtin_memset(known, 0, sizeof(*known));
	known->ifindex = ifindex;
	known->generation = generation;
	known->epoch = config->epoch;
	known->seen = now;
	known->stacked = stacked;
	/* The compiler is to check what it uses. */
	asm volatile("" : "+r"(slot));
	if (slot < EPG_SLOTS)
		known->tables = config->tables[slot];
	endpoint = endpoint_get(ifindex);
	if (!endpoint)
		return 0;
	binding = endpoint_binding(endpoint, generation);
	class = classes_get(slot, binding->class_id);
	if (class && class->flags & EPG_CLASS_VALID)
		near_fill(known, endpoint, binding, class);
	return 0;
}

/* What is known of the endpoint, as it was in this jiffy. */
static __always_inline struct epg_near *near_get(const struct epg_control *config, __u64 active, __u32 ifindex)
{
	__u32 generation = EPG_ACTIVE_GENERATION(active);
	struct epg_near *known = near_at(ifindex);

	if (!known)
		return NULL;
	if (known->ifindex != ifindex || known->generation != generation || known->epoch != config->epoch ||
	    known->seen != (__u32)bpf_jiffies64())
		near_refresh(ifindex, EPG_ACTIVE_SLOT(active), generation);
	return known;
}

#endif
