/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The table of tracked flows, read in place. bpf/flow_table.h says how the programs keep it. */
#ifndef EPG_FLOW_TABLE_H
#define EPG_FLOW_TABLE_H

#include "runtime/internal.h"
#include "runtime/slots.h"

/*
 * Both ends of a flow, the lower one (address, then port, compared as memory) first. ICMP echo: the identifier is the
 * requester's port, the type of a request the other one.
 */
struct epg_flow_key {
	__u8 low[16];
	__u8 high[16];
	__be16 low_port_be;
	__be16 high_port_be;
	__u16 vrf;
	__u8 protocol;
	__u8 reserved;
};

/* The table in memory. */
struct flow_table {
	struct map_view flows, addresses;
	struct epg_flow_group *groups;
	const struct epg_flow_addresses_group *address_groups;
	size_t n_groups; /* 0: none has been made yet, and nothing is tracked */
};

/* How many groups hold so many flows: a power of 2. */
uint32_t flow_table_groups(uint32_t flows);

#define FLOW_TABLE_PARTS 2

/* A table that is being made. */
struct flow_table_making {
	struct epg *epg;
	int fds[FLOW_TABLE_PARTS];
	struct slots inserting;
};

/*
 * Begins to make the table, unless it is there, and waits until it is: for that the kernel takes as long as for the
 * tables of a generation, so it may be done beside those. Failures are recorded.
 */
int flow_table_make(struct flow_table_making *making, struct instance *instance);
int flow_table_made(struct flow_table_making *making);
void flow_table_making_end(struct flow_table_making *making);
#define AUTO_FLOW_TABLE_MAKING __attribute__((cleanup(flow_table_making_end)))
#define FLOW_TABLE_MAKING_INIT(context)             \
	{                                           \
		.epg = (context), .fds = { -1, -1 } \
	}

/* Descriptor of the table in the map `flows` or `flow_addresses`, to be closed; -ENOENT: none has been made yet. */
int flow_table_fd(int map);

/* Returns 0, also where there is none, or a negative errno value. */
int flow_table_open(const struct instance *instance, struct flow_table *ret);
void flow_table_close(struct flow_table *table);

/* The same, once for an instance: to map a table takes longer than to walk through it. It belongs to the instance. */
int flow_table_get(struct instance *instance, const struct flow_table **ret);
void flow_table_free(struct flow_table *table);

typedef int (*flow_table_fn)(void *user, const struct epg_flow_key *key, const struct epg_flow *flow);
typedef bool (*flow_table_selects_fn)(void *user, const struct epg_flow_key *key, const struct epg_flow *flow);

/*
 * Tells every flow, idle ones too: a copy that was not being written. Flows that come or go meanwhile may be told or
 * not. Returns 0, or what `fn` returned if that is not 0.
 */
int flow_table_each(const struct flow_table *table, flow_table_fn fn, void *user);

/* Forgets the flows that are selected; returns how many. */
size_t flow_table_forget(const struct flow_table *table, flow_table_selects_fn selects, void *user);

/* flow_table_each on the table of an instance; or a negative errno value. */
int flow_table_walk(struct instance *instance, flow_table_fn fn, void *user);

#endif
