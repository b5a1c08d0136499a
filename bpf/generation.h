/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The running generation: which one it is, its tables, and the walk through a diagram. */
#ifndef BPF_GENERATION_H
#define BPF_GENERATION_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "epg/abi.h"

/*
 * A step that the verifier looks at by itself, once, and not again for each way that leads to it. It takes no pointer
 * but a program's context: what it works on it finds in the maps.
 */
#define STEP __attribute__((noinline))

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct epg_control);
} control SEC(".maps");

static __always_inline struct epg_control *control_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&control, &zero);
}

/* Each table is an array of maps, one slot a generation; the maps differ in size. */
#define DEFINE_SLOTS(table, record, slots)                                         \
	struct table##_of_generation {                                             \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                  \
		__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);               \
		__uint(max_entries, 1);                                            \
		__type(key, __u32);                                                \
		__type(value, struct record);                                      \
	};                                                                         \
	struct {                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);                          \
		__uint(max_entries, slots);                                        \
		__type(key, __u32);                                                \
		__array(values, struct table##_of_generation);                     \
	} table SEC(".maps");                                                      \
	static __always_inline struct record *table##_get(__u32 slot, __u32 index) \
	{                                                                          \
		void *map = bpf_map_lookup_elem(&table, &slot);                    \
                                                                                   \
		return map ? bpf_map_lookup_elem(map, &index) : NULL;              \
	}

#define DEFINE_TABLE(table, record) DEFINE_SLOTS(table, record, EPG_SLOTS)
EPG_TABLES(DEFINE_TABLE)

/*
 * The compiler describes the records of inner maps in BTF only where something else mentions them; without
 * that the maps could not be created, nor dumped with the names of their fields.
 */
union records {
#define RECORD(table, record) struct record table;
	EPG_TABLES(RECORD)
#undef RECORD
};
const volatile union records *const records_described = NULL;

/*
 * The answer of a diagram for a key: a leaf. A target that is no leaf says that the diagram is damaged.
 */
STEP __u32 diagram_find(__u32 slot, __u32 root, __u64 high, __u64 low)
{
	void *map = bpf_map_lookup_elem(&nodes, &slot);
	__u32 target = root;

	if (!map)
		return 0;
	for (int i = 0; i < EPG_DIAGRAM_DEPTH; i++) {
		const struct epg_node *node;

		if (target & EPG_TARGET_LEAF)
			return target;
		node = bpf_map_lookup_elem(map, &target);
		if (!node)
			return 0;
		target = epg_node_find(node, epg_key_field(high, low, node->field));
	}
	return target & EPG_TARGET_LEAF ? target : 0;
}

#endif
