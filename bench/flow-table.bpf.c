// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tables in which tracked flows could be kept, and a program for each table and each thing that is done with a flow.
 * A call does it BATCH times. Keys are made here, of a counter, and each one needs what the look-up before it has
 * found: so nothing is prefetched, and the processor can't have several cache misses under way at once.
 */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "flow-table.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define TABLE(name, map_type, key_type, flags)           \
	struct {                                         \
		__uint(type, BPF_MAP_TYPE_##map_type);   \
		__uint(max_entries, FLOW_TABLE_ENTRIES); \
		__uint(map_flags, flags);                \
		__type(key, struct key_type);            \
		__type(value, struct flow_value);        \
	} name SEC(".maps")

TABLE(lru40, LRU_HASH, flow_key40, 0);
TABLE(lru16, LRU_HASH, flow_key16, 0);
TABLE(lru16_lists, LRU_HASH, flow_key16, BPF_F_NO_COMMON_LRU);
TABLE(lru16_values, LRU_PERCPU_HASH, flow_key16, 0);
TABLE(hash16, HASH, flow_key16, 0);
TABLE(hash16_alloc, HASH, flow_key16, BPF_F_NO_PREALLOC);

struct groups {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FLOW_TABLE_GROUPS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct flow_group);
};

struct groups groups_home SEC(".maps");
struct groups groups_first SEC(".maps");
struct groups groups_inner SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct groups);
} groups_outer SEC(".maps") = {.values = {[0] = &groups_inner}};

struct lock {
	struct bpf_spin_lock lock;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FLOW_TABLE_LOCKS);
	__type(key, __u32);
	__type(value, struct lock);
} locks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_value);
} pending SEC(".maps");

/* Set by user space. */
__u32 keys; /* look-ups are for one of so many, at random */
__u64 zero; /* always, but the compiler can't know */

/* A cache line each, so that CPUs that work side by side share nothing but what is measured. */
struct progress counts[FLOW_TABLE_CPUS];

static __always_inline struct progress *progress(void)
{
	return &counts[bpf_get_smp_processor_id() % FLOW_TABLE_CPUS];
}

static __always_inline __u32 shuffled(__u64 number)
{
	__u32 hash = (__u32)number * 0x9e3779b1u;

	hash = (hash ^ hash >> 16) * 0x85ebca6bu;
	hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
	return (__u32)((__u64)(hash ^ hash >> 16) * keys >> 32);
}

/* The number is spread over one address and one port, as a busy server's clients are. */
static __always_inline void key_of_flow_key16(struct flow_key16 *key, __u64 number)
{
	key->words[0] = 0x0a01000200000000 | (0x0a200000 + (__u32)(number >> 4));
	key->words[1] = (0x9c40 + (number & 0xf)) << 48 | 0x0050001000000604;
}

static __always_inline void key_of_flow_key40(struct flow_key40 *key, __u64 number)
{
	key->words[0] = 0;
	key->words[1] = 0x0a200000ffff0000 + (number >> 4);
	key->words[2] = 0;
	key->words[3] = 0x0a010002ffff0000;
	key->words[4] = (0x9c40 + (number & 0xf)) << 48 | 0x0050001000000600;
}

/* ---- the table of groups ---- */

static __always_inline __u32 group_hash(const struct flow_key16 *key)
{
	__u64 hash = key->words[0] * 0x9e3779b97f4a7c15 ^ key->words[1] * 0xc2b2ae3d27d4eb4f;

	hash = (hash ^ hash >> 32) * 0xff51afd7ed558ccd;
	return hash >> 32;
}

/* Where a flow stands among the ways of its group: looked for from `home` on. */
static __always_inline struct flow_entry *group_find(struct flow_group *group, const struct flow_key16 *key, __u32 home)
{
#pragma unroll
	for (__u32 i = 0; i < FLOW_TABLE_WAYS; i++) {
		struct flow_entry *entry = &group->entries[(home + i) % FLOW_TABLE_WAYS];

		if (entry->key.words[1] == key->words[1] && entry->key.words[0] == key->words[0])
			return entry;
	}
	return NULL;
}

/* A free one, else the one that has been silent for longest. */
static __always_inline struct flow_entry *group_victim(struct flow_group *group, __u32 home, __u32 now)
{
	__u32 oldest = 0, best = 0;

#pragma unroll
	for (__u32 i = 0; i < FLOW_TABLE_WAYS; i++) {
		const struct flow_entry *entry = &group->entries[(home + i) % FLOW_TABLE_WAYS];
		__u32 age = entry->key.words[1] ? now - entry->value.seen : 0xffffffff;

		if (age > oldest) {
			oldest = age;
			best = i;
		}
	}
	return &group->entries[(home + best) % FLOW_TABLE_WAYS];
}

static __always_inline int group_insert(void *map, const struct flow_key16 *key, bool from_home,
					const struct flow_value *value)
{
	__u32 hash = group_hash(key), home = from_home ? hash >> 29 : 0, index = hash % FLOW_TABLE_GROUPS;
	__u32 lock_index = hash % FLOW_TABLE_LOCKS;
	struct flow_group *group = bpf_map_lookup_elem(map, &index);
	struct lock *lock = bpf_map_lookup_elem(&locks, &lock_index);
	struct flow_entry *entry;

	if (!group || !lock)
		return -1;
	bpf_spin_lock(&lock->lock);
	entry = group_find(group, key, home);
	if (!entry)
		entry = group_victim(group, home, value->seen);
	*(volatile __u64 *)&entry->key.words[1] = 0;
	entry->key.words[0] = key->words[0];
	entry->value = *value;
	*(volatile __u64 *)&entry->key.words[1] = key->words[1];
	bpf_spin_unlock(&lock->lock);
	return 0;
}

static __always_inline struct flow_value *group_look(void *map, const struct flow_key16 *key, bool from_home)
{
	__u32 hash = group_hash(key), index = hash % FLOW_TABLE_GROUPS;
	struct flow_group *group = bpf_map_lookup_elem(map, &index);
	struct flow_entry *entry = group ? group_find(group, key, from_home ? hash >> 29 : 0) : NULL;

	return entry ? &entry->value : NULL;
}

static __always_inline void *inner_map(void)
{
	__u32 slot = 0;

	return bpf_map_lookup_elem(&groups_outer, &slot);
}

static __always_inline struct flow_value *find_inner(const struct flow_key16 *key)
{
	void *groups = inner_map();

	return groups ? group_look(groups, key, true) : NULL;
}

static __always_inline int add_inner(const struct flow_key16 *key, const struct flow_value *value)
{
	void *groups = inner_map();

	return groups ? group_insert(groups, key, true, value) : -1;
}

/* ---- what is done with a flow that was found ---- */

static __always_inline void do_nothing(struct flow_value *value __attribute__((unused)))
{
}

/* As a packet's time, where each packet writes it. */
static __always_inline void do_write(struct flow_value *value)
{
	*(volatile __u32 *)&value->seen += 1;
}

static __always_inline void count_atomically(struct flow_value *value)
{
	__sync_fetch_and_add(&value->packets, 1);
	__sync_fetch_and_add(&value->bytes, 100);
}

/* Where each CPU has a value of its own. */
static __always_inline void count_inside(struct flow_value *value)
{
	*(volatile __u64 *)&value->packets += 1;
	*(volatile __u64 *)&value->bytes += 100;
}

/* In one element of each CPU, beside the flow. */
static __always_inline void count_beside(struct flow_value *value __attribute__((unused)))
{
	__u32 index = 0;
	struct flow_value *mine = bpf_map_lookup_elem(&pending, &index);

	if (mine)
		count_inside(mine);
}

/*
 * ---- a program each ----
 * What is done once is a function of its own to the verifier: so many ways through a loop it would not follow.
 */

#define BATCH_PROGRAM(name, counter)                            \
	SEC("tc")                                               \
	int name(struct __sk_buff *skb __attribute__((unused))) \
	{                                                       \
		struct progress *mine = progress();             \
		__u64 number = mine->counter;                   \
                                                                \
		for (int i = 0; i < FLOW_TABLE_BATCH; i++)      \
			number = once_##name(number);           \
		mine->counter = number;                         \
		return 0;                                       \
	}

#define LOOK_PROGRAM(name, key_type, lookup, work)                \
	__attribute__((noinline)) __u64 once_##name(__u64 number) \
	{                                                         \
		struct flow_value *value;                         \
		struct key_type key;                              \
                                                                  \
		key_of_##key_type(&key, shuffled(number));        \
		value = lookup;                                   \
		if (!value) {                                     \
			progress()->missed++;                     \
			return number + 1;                        \
		}                                                 \
		work(value);                                      \
		return number + value->zero + 1;                  \
	}                                                         \
	BATCH_PROGRAM(name, next)

#define INSERT_PROGRAM(name, key_type, insert)                     \
	__attribute__((noinline)) __u64 once_##name(__u64 number)  \
	{                                                          \
		struct flow_value value = {.seen = (__u32)number}; \
		struct key_type key;                               \
                                                                   \
		key_of_##key_type(&key, number);                   \
		if (insert)                                        \
			progress()->missed++;                      \
		return number + 1;                                 \
	}                                                          \
	BATCH_PROGRAM(name, next_flow)

#define PROGRAMS(name, key_type, lookup, count_own, insert)             \
	LOOK_PROGRAM(name##_look, key_type, lookup, do_nothing)         \
	LOOK_PROGRAM(name##_write, key_type, lookup, do_write)          \
	LOOK_PROGRAM(name##_atomic, key_type, lookup, count_atomically) \
	LOOK_PROGRAM(name##_own, key_type, lookup, count_own)           \
	INSERT_PROGRAM(name##_insert, key_type, insert)

#define MAP_LOOK(map) bpf_map_lookup_elem(&map, &key)
#define MAP_INSERT(map) bpf_map_update_elem(&map, &key, &value, BPF_ANY)

/* These don't make room by themselves: the flow that was inserted first goes. */
static __always_inline void remove_oldest(void *map, __u64 number)
{
	struct flow_key16 key;

	if (number < FLOW_TABLE_ENTRIES)
		return;
	key_of_flow_key16(&key, number - FLOW_TABLE_ENTRIES);
	bpf_map_delete_elem(map, &key);
}

PROGRAMS(lru40, flow_key40, MAP_LOOK(lru40), count_beside, MAP_INSERT(lru40))
PROGRAMS(lru16, flow_key16, MAP_LOOK(lru16), count_beside, MAP_INSERT(lru16))
PROGRAMS(lru16_lists, flow_key16, MAP_LOOK(lru16_lists), count_beside, MAP_INSERT(lru16_lists))
PROGRAMS(lru16_values, flow_key16, MAP_LOOK(lru16_values), count_inside, MAP_INSERT(lru16_values))
PROGRAMS(hash16, flow_key16, MAP_LOOK(hash16), count_beside, (remove_oldest(&hash16, number), MAP_INSERT(hash16)))
PROGRAMS(hash16_alloc, flow_key16, MAP_LOOK(hash16_alloc), count_beside,
	 (remove_oldest(&hash16_alloc, number), MAP_INSERT(hash16_alloc)))
PROGRAMS(groups_first, flow_key16, group_look(&groups_first, &key, false), count_beside,
	 group_insert(&groups_first, &key, false, &value))
PROGRAMS(groups_home, flow_key16, group_look(&groups_home, &key, true), count_beside,
	 group_insert(&groups_home, &key, true, &value))
PROGRAMS(groups_inner, flow_key16, find_inner(&key), count_beside, add_inner(&key, &value))

/* What the others are net of: the loop and the keys. */
#define EMPTY_PROGRAM(key_type)                                             \
	__attribute__((noinline)) __u64 once_empty_##key_type(__u64 number) \
	{                                                                   \
		struct key_type key;                                        \
                                                                            \
		key_of_##key_type(&key, shuffled(number));                  \
		asm volatile("" : : "r"(&key) : "memory");                  \
		return number + (key.words[0] & zero) + 1;                  \
	}                                                                   \
	BATCH_PROGRAM(empty_##key_type, next)

EMPTY_PROGRAM(flow_key16)
EMPTY_PROGRAM(flow_key40)
