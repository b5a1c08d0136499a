/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The table of flows. A flow is one cache line, and where it stands follows from its key: a look-up takes one cache miss
 * where the kernel's own LRU hash takes three or four (bench/flow-table). Readers take no lock: before they act on what
 * an entry says they look at its key once more (flow_is_still), which is taken away first and written last. That is safe
 * where loads and stores are seen in their order, as on x86-64; elsewhere a packet may, for an instant, pass by the entry
 * of another flow, which was permitted too.
 */
#ifndef BPF_FLOW_TABLE_H
#define BPF_FLOW_TABLE_H

#include <stddef.h>

#include "count.h"
#include "generation.h"
#include "packet.h"

/* Their only slot is filled by libepg with the first policy that has groups: what is idle should be small. */
DEFINE_SLOTS(flows, epg_flow_group, 1)
DEFINE_SLOTS(flow_addresses, epg_flow_addresses_group, 1)

union flow_records {
	struct epg_flow_group flows;
	struct epg_flow_addresses_group flow_addresses;
};
const volatile union flow_records *const flow_records_described = NULL;

struct flow_lock {
	struct bpf_spin_lock lock;
	__u32 reserved;
};

/* Held while an entry is made; a group's is found by its index. */
#define FLOW_LOCKS 256
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FLOW_LOCKS);
	__type(key, __u32);
	__type(value, struct flow_lock);
} flow_locks SEC(".maps");

/* A flow that is looked for, or made: what names it, and where it may stand. */
struct sought {
	__u64 words[2];
	__u32 hash;
	__u32 way;      /* at which it was found */
	__u32 headers;  /* of a packet that is sought for: bytes of its network and transport headers */
	__u8 plain;     /* the frame at hand has been read by the express way */
	__u8 tcp_flags; /* of it; 0: UDP */
	__u8 traffic_class;
	__u8 from;               /* which end has sent it */
	union address low, high; /* IPv6 */
	struct epg_flow fresh;   /* to be put into the table: all but the key */
};

/* Of each CPU, as struct work is. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sought);
} soughts SEC(".maps");

static __always_inline struct sought *sought_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&soughts, &zero);
}

/* Whether the source is the lower end; the addresses are big-endian halves in host order. */
static __always_inline bool is_lower(const __u64 source[2], const __u64 destination[2], __u16 source_port,
				     __u16 destination_port)
{
	if (source[0] != destination[0])
		return source[0] < destination[0];
	if (source[1] != destination[1])
		return source[1] < destination[1];
	return source_port <= destination_port;
}

static __always_inline __u64 flow_key_rest(bool low, __u16 source_port, __u16 destination_port)
{
	return low ? EPG_FLOW_KEY_PORTS(source_port, destination_port)
		   : EPG_FLOW_KEY_PORTS(destination_port, source_port);
}

static __always_inline __u64 flow_key_addresses(bool low, __u64 source, __u64 destination)
{
	return low ? source << 32 | destination : destination << 32 | source;
}

/* Fills the key of a packet between IPv4 addresses; returns which end its source is. */
static __always_inline __u32 flow_key_ipv4(struct sought *key, __u32 source, __u32 destination, __u16 source_port,
					   __u16 destination_port, __u32 rest)
{
	bool low = source < destination || (source == destination && source_port <= destination_port);

	key->words[0] = flow_key_addresses(low, source, destination);
	key->words[1] = flow_key_rest(low, source_port, destination_port) | rest;
	return low ? EPG_FLOW_LOW : EPG_FLOW_HIGH;
}

/* The same between IPv6 addresses. */
static __always_inline __u32 flow_key_ipv6(struct sought *key, const union address *source,
					   const union address *destination, __u16 source_port, __u16 destination_port,
					   __u32 rest)
{
	__u64 from[2] = {bpf_be64_to_cpu(source->halves_be[0]), bpf_be64_to_cpu(source->halves_be[1])};
	__u64 to[2] = {bpf_be64_to_cpu(destination->halves_be[0]), bpf_be64_to_cpu(destination->halves_be[1])};
	bool low = is_lower(from, to, source_port, destination_port);

	key->low = low ? *source : *destination;
	key->high = low ? *destination : *source;
	key->words[1] = flow_key_rest(low, source_port, destination_port) | rest;
	return low ? EPG_FLOW_LOW : EPG_FLOW_HIGH;
}

static __always_inline bool flow_key_is_ipv4(const struct sought *key)
{
	return EPG_FLOW_KEY_FAMILY(key->words[1]) == 4;
}

/* Which flow a packet was of: what is kept of a key beside the table. */
struct flow_name {
	__u64 words[2];          /* IPv6: the first one is not looked at */
	union address low, high; /* IPv6 */
};

static __always_inline void flow_name_note(struct flow_name *name, const struct sought *key)
{
	name->words[0] = key->words[0];
	name->words[1] = key->words[1];
	if (flow_key_is_ipv4(key))
		return;
	name->low = key->low;
	name->high = key->high;
}

static __always_inline bool flow_name_is(const struct flow_name *name, const struct sought *key)
{
	if (name->words[1] != key->words[1])
		return false;
	if (flow_key_is_ipv4(key))
		return name->words[0] == key->words[0];
	return address_equal(&name->low, &key->low) && address_equal(&name->high, &key->high);
}

/* With no table there is no group: the index is beyond all of them. */
static __always_inline __u32 flow_group(const struct epg_control *config, const struct sought *key)
{
	return key->hash & (config->flow_groups - 1);
}

/* The hash of the addresses agrees: do they? */
static __always_inline bool flow_has_addresses(const struct sought *key, __u32 group, __u32 way)
{
	struct epg_flow_addresses_group *addresses = flow_addresses_get(0, group);
	const union address *low, *high;

	if (!addresses)
		return false;
	low = (const union address *)addresses->flow[way & (EPG_FLOW_WAYS - 1)].low;
	high = (const union address *)addresses->flow[way & (EPG_FLOW_WAYS - 1)].high;
	return address_equal(low, &key->low) && address_equal(high, &key->high);
}

static __always_inline bool flow_has_key(const struct epg_flow *flow, const struct sought *key)
{
	return flow->key[1] == key->words[1] && flow->key[0] == key->words[0];
}

/* A word of 64 bits, as two that are multiplied by words of the key: no product overflows into another's upper half. */
static __always_inline __u64 flow_hash_add(__u64 sum, const __u64 *key, __u64 word)
{
	return sum + key[0] * (__u32)word + key[1] * (word >> 32);
}

/*
 * Multilinear hashing (Lemire and Kaser, 2014): the upper half of a sum of products. Who knows neither the key nor which
 * flows have given way to which finds two of one place no better than by chance; it takes a third of SipHash's time.
 */
static __always_inline void flow_key_hash(struct sought *key, const struct epg_control *config)
{
	__u64 sum = flow_hash_add(config->flow_key[0], config->flow_key + 1, key->words[1]);

	if (flow_key_is_ipv4(key)) {
		key->hash = flow_hash_add(sum, config->flow_key + 3, key->words[0]) >> 32;
		return;
	}
	sum = flow_hash_add(sum, config->flow_key + 3, key->low.halves_be[0]);
	sum = flow_hash_add(sum, config->flow_key + 5, key->low.halves_be[1]);
	sum = flow_hash_add(sum, config->flow_key + 7, key->high.halves_be[0]);
	sum = flow_hash_add(sum, config->flow_key + 9, key->high.halves_be[1]);
	key->words[0] = sum;
	key->hash = sum >> 32;
}

/* The entry of a flow whose key has been filled in, whatever it says; NULL: there is none. */
static __always_inline struct epg_flow *flow_seek(const struct epg_control *config, struct sought *key)
{
	struct epg_flow_group *group;
	__u32 index;

	flow_key_hash(key, config);
	index = flow_group(config, key);
	group = flows_get(0, index);
	if (!group)
		return NULL;
	for (__u32 way = 0; way < EPG_FLOW_WAYS; way++) {
		struct epg_flow *flow = &group->flow[way];

		key->way = way;
		if (flow_has_key(flow, key) && (flow_key_is_ipv4(key) || flow_has_addresses(key, index, way)))
			return flow;
		if (flow->key[1] == EPG_FLOW_UNUSED)
			break;
	}
	return NULL;
}

/* Nobody has put another flow into its place since it was found. */
static __always_inline bool flow_is_still(const struct epg_flow *flow, const struct sought *key)
{
	/* Read anew. */
	asm volatile("" ::: "memory");
	return flow_has_key(flow, key);
}

/* The same, as a step: the way at which the entry stands in its group; EPG_FLOW_WAYS: nowhere. */
STEP __u32 flow_seek_way(void)
{
	struct epg_control *config = control_get();
	struct sought *key = sought_get();
	struct epg_flow *flow = config && key ? flow_seek(config, key) : NULL;

	if (!flow)
		return EPG_FLOW_WAYS;
	return key->way;
}

static __always_inline struct epg_flow *flow_table_find(const struct epg_control *config, const struct sought *key)
{
	__u32 way = flow_seek_way();
	struct epg_flow_group *group = way < EPG_FLOW_WAYS ? flows_get(0, flow_group(config, key)) : NULL;

	return group ? &group->flow[way & (EPG_FLOW_WAYS - 1)] : NULL;
}

/* ---- making an entry ---- */

/* 1 or 0, without a branch, which the verifier would multiply; the compiler is not told what it is about. */
static __always_inline __u64 is_zero(__u64 value)
{
	__u64 any = value | -value;

	asm volatile("" : "+r"(any));
	return ~any >> 63;
}

/* All ones if a is less than b, both far below 2^63; else 0. */
static __always_inline __u64 lower_mask(__u64 a, __u64 b)
{
	__s64 difference = a - b;

	asm volatile("" : "+r"(difference));
	return difference >> 63;
}

/* Idle jiffies, and as many more as an entry may have been seen later than this CPU's clock. */
static __always_inline __u32 flow_age(const struct epg_flow *flow, __u32 now)
{
	return now - flow->seen + EPG_FLOW_SEEN_LATER;
}

/*
 * Ranks of entries that may give way to a new one. The last ones stand in the upper half, and the older entry is the
 * lower one: first those of the endpoint that opens the new flow, so that who opens many takes places from nobody but
 * itself; among them those to which nobody has answered, or that are over.
 */
enum {
	RANK_SAME = 0,
	RANK_FREE = 1,
	RANK_EXPIRED = 2,
	RANK_USED = 1,
	RANK_USED_ESTABLISHED = 1, /* more */
	RANK_USED_BY_OTHERS = 2,   /* more */
};

static __always_inline __u32 flow_timeout(const struct epg_control *config, __u32 state, __u8 protocol)
{
	__u32 connection =
		is_zero(protocol ^ IPPROTO_TCP) | is_zero(protocol ^ IPPROTO_SCTP) | is_zero(protocol ^ IPPROTO_DCCP);
	__u32 index = (state & 3) + EPG_FLOW_STATES * (1 - connection);

	_Static_assert(offsetof(struct epg_control, timeout) ==
			       offsetof(struct epg_control, connection_timeout) + sizeof(config->connection_timeout),
		       "both are one array here");
	return ((const __u32 *)&config->connection_timeout)[index & 7];
}

static __always_inline __u64 flow_rank(const struct epg_control *config, const struct epg_flow *flow,
				       const struct sought *key, __u32 opener)
{
	__u32 now = key->fresh.seen;
	__u32 state = flow->state, age = flow_age(flow, now);
	__u64 timeout = flow_timeout(config, state, EPG_FLOW_KEY_PROTOCOL(flow->key[1]));
	__u64 expired = lower_mask(timeout + EPG_FLOW_SEEN_LATER, age) & 1;
	__u64 unused = is_zero(flow->key[1]) | is_zero(~flow->key[1]);
	__u64 other = 1 - (is_zero(flow->key[1] ^ key->words[1]) & is_zero(flow->key[0] ^ key->words[0]));
	__u64 own = (is_zero(flow->ifindex[0] ^ opener) | is_zero(flow->ifindex[1] ^ opener)) & (1 - is_zero(opener));
	__u64 rank = (RANK_USED + RANK_USED_ESTABLISHED * is_zero(state ^ EPG_FLOW_ESTABLISHED) +
		      RANK_USED_BY_OTHERS * (1 - own))
			     << 32 |
		     (__u32)~age;

	rank = (rank & (expired - 1)) | (RANK_EXPIRED & -expired);
	rank = (rank & (unused - 1)) | (RANK_FREE & -unused);
	return rank & -other;
}

struct flow_place {
	__u32 way;
	__u64 rank;
};

/* Which entry of a group gives way: the first one among those of the lowest rank. */
static __always_inline void flow_give_way(struct flow_place *ret, const struct epg_control *config,
					  const struct epg_flow_group *group, const struct sought *key)
{
	__u32 opener = key->fresh.opener ? key->fresh.ifindex[1] : key->fresh.ifindex[0];
	__u64 rank = ~0ull >> 1, way = 0;

#pragma unroll
	for (__u64 candidate = 0; candidate < EPG_FLOW_WAYS; candidate++) {
		__u64 its_rank = flow_rank(config, &group->flow[candidate], key, opener);
		__u64 better = lower_mask(its_rank, rank);

		rank = (its_rank & better) | (rank & ~better);
		way = (candidate & better) | (way & ~better);
	}
	ret->rank = rank;
	ret->way = way & (EPG_FLOW_WAYS - 1);
}

/* The key goes first, and comes last: who finds it finds all the rest. */
static __always_inline void flow_write(struct epg_flow *flow, const struct epg_flow *fresh)
{
	*(volatile __u64 *)&flow->key[1] = EPG_FLOW_FORGOTTEN;
	flow->generation = fresh->generation;
	flow->epoch = fresh->epoch;
	flow->rule = fresh->rule;
	flow->seen = fresh->seen;
	flow->ifindex[0] = fresh->ifindex[0];
	flow->ifindex[1] = fresh->ifindex[1];
	flow->class_id[0] = fresh->class_id[0];
	flow->class_id[1] = fresh->class_id[1];
	flow->group[0] = fresh->group[0];
	flow->group[1] = fresh->group[1];
	flow->opener = fresh->opener;
	flow->state = fresh->state;
	flow->closed = 0;
	flow->revoked = 0;
	flow->opened_flags = fresh->opened_flags;
	flow->opened_dscp = fresh->opened_dscp;
	flow->flags = fresh->flags;
	flow->dscp = fresh->dscp;
	flow->stacked = fresh->stacked;
}

static __always_inline void flow_publish(struct epg_flow *flow, const struct sought *key)
{
	*(volatile __u64 *)&flow->key[0] = key->words[0];
	*(volatile __u64 *)&flow->key[1] = key->words[1];
}

/*
 * Puts the flow into the table that was looked for in vain; one of its group gives way where there is no room. False:
 * there is no table.
 */
STEP int flow_table_put(void)
{
	struct epg_control *config = control_get();
	struct sought *key = sought_get();
	struct epg_flow_addresses_group *addresses;
	struct epg_flow_group *group;
	struct flow_place place;
	struct flow_lock *lock;
	__u32 index, stripe;

	if (!config || !key)
		return false;
	index = flow_group(config, key);
	stripe = index % FLOW_LOCKS;
	group = flows_get(0, index);
	addresses = flow_addresses_get(0, index);
	lock = bpf_map_lookup_elem(&flow_locks, &stripe);
	if (!group || !addresses || !lock)
		return false;
	bpf_spin_lock(&lock->lock);
	flow_give_way(&place, config, group, key);
	flow_write(&group->flow[place.way], &key->fresh);
	if (!flow_key_is_ipv4(key)) {
		*(union address *)addresses->flow[place.way].low = key->low;
		*(union address *)addresses->flow[place.way].high = key->high;
	}
	flow_publish(&group->flow[place.way], key);
	bpf_spin_unlock(&lock->lock);
	if (place.rank >> 32)
		count_stat(EPG_STAT_FLOWS_EVICTED);
	return true;
}

#endif
