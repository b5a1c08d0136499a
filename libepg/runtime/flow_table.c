/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/flow_table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "runtime/record_types.h"
#include "runtime/slots.h"

/* How often an entry is copied that is being written each time. */
#define COPY_ATTEMPTS 4

/* ---- making it ---- */

uint32_t flow_table_groups(uint32_t flows)
{
	uint32_t groups = 1;

	while ((uint64_t)groups * EPG_FLOW_WAYS < flows)
		groups *= 2;
	return groups;
}

_Static_assert(FLOW_TABLE_PARTS <= SLOTS_MAX, "each part is put into a slot");

/* What the table is made of. Nothing is tracked as long as one of them is missing, so they need no order. */
static const struct {
	const char *name;
	const char *record; /* type of the elements */
	uint32_t size;
} parts[FLOW_TABLE_PARTS] = {
	{"flows", "epg_flow_group", sizeof(struct epg_flow_group)},
	{"flow_addresses", "epg_flow_addresses_group", sizeof(struct epg_flow_addresses_group)},
};

static int fail(struct epg *epg, int error, const char *part)
{
	return context_fail_kernel(epg, error, part, "can't make the table of flows");
}

static bool is_made(const struct instance *instance)
{
	const uint32_t slot = 0;
	uint32_t id;

	return !bpf_map_lookup_elem(instance->fd.flows, &slot, &id) &&
	       !bpf_map_lookup_elem(instance->fd.flow_addresses, &slot, &id);
}

static int make_parts(struct flow_table_making *making, uint32_t groups, const struct record_types *types)
{
	for (size_t i = 0; i < FLOW_TABLE_PARTS; i++) {
		LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE | BPF_F_INNER_MAP);

		record_types_describe(types, parts[i].record, &options);
		making->fds[i] = bpf_map_create(BPF_MAP_TYPE_ARRAY, parts[i].name, sizeof(uint32_t), parts[i].size,
						groups, &options);
		if (making->fds[i] < 0)
			return fail(making->epg, -errno, parts[i].name);
	}
	return 0;
}

int flow_table_make(struct flow_table_making *making, struct instance *instance)
{
	const int outer[FLOW_TABLE_PARTS] = {instance->fd.flows, instance->fd.flow_addresses};
	AUTO_RECORD_TYPES struct record_types types = RECORD_TYPES_INIT;
	int error;

	if (is_made(instance))
		return 0;
	error = record_types_open(making->epg, instance, &types);
	if (!error)
		error = make_parts(making, instance->control->flow_groups, &types);
	for (size_t i = 0; !error && i < FLOW_TABLE_PARTS; i++)
		slots_begin(&making->inserting, outer[i], 0, making->fds[i]);
	return error;
}

int flow_table_made(struct flow_table_making *making)
{
	size_t which;
	int error = slots_end(&making->inserting, &which);

	return error ? fail(making->epg, error, parts[which].name) : 0;
}

void flow_table_making_end(struct flow_table_making *making)
{
	size_t which;

	(void)slots_end(&making->inserting, &which);
	for (size_t i = 0; i < FLOW_TABLE_PARTS; i++)
		util_close(&making->fds[i]);
}

/* ---- opening it ---- */

int flow_table_fd(int map)
{
	const uint32_t slot = 0;
	uint32_t id;
	int fd;

	if (bpf_map_lookup_elem(map, &slot, &id))
		return -errno;
	fd = bpf_map_get_fd_by_id(id);
	return fd < 0 ? -errno : fd;
}

static int open_view(int outer, struct map_view *ret)
{
	AUTO_CLOSE int fd = flow_table_fd(outer);

	return fd < 0 ? fd : map_view_open(fd, true, ret);
}

void flow_table_close(struct flow_table *table)
{
	map_view_close(&table->flows);
	map_view_close(&table->addresses);
	*table = (struct flow_table){0};
}

int flow_table_open(const struct instance *instance, struct flow_table *ret)
{
	__attribute__((cleanup(flow_table_close))) struct flow_table table = {0};
	int error = open_view(instance->fd.flows, &table.flows);

	if (!error)
		error = open_view(instance->fd.flow_addresses, &table.addresses);
	if (error && error != -ENOENT)
		return error;
	if (error) {
		*ret = (struct flow_table){0};
		return 0;
	}
	table.groups = (struct epg_flow_group *)table.flows.bytes;
	table.address_groups = (const struct epg_flow_addresses_group *)table.addresses.bytes;
	table.n_groups = table.flows.length / sizeof(*table.groups);
	if (table.n_groups > table.addresses.length / sizeof(*table.address_groups))
		return -EPROTO;
	*ret = table;
	table = (struct flow_table){0};
	return 0;
}

void flow_table_free(struct flow_table *table)
{
	if (table)
		flow_table_close(table);
	free(table);
}

DEFINE_AUTO(struct flow_table, flow_table_free)

int flow_table_get(struct instance *instance, const struct flow_table **ret)
{
	static const struct flow_table none;
	AUTO(flow_table_free) struct flow_table *table = NULL;
	int error;

	if (!instance->flows) {
		table = calloc(1, sizeof(*table));
		error = table ? flow_table_open(instance, table) : -ENOMEM;
		if (error)
			return error;
		if (table->n_groups)
			instance->flows = TAKE_PTR(table);
	}
	*ret = instance->flows ? instance->flows : &none;
	return 0;
}

/* ---- reading it ---- */

static void map_ipv4(uint32_t address, __u8 ret[16])
{
	uint32_t address_be = htonl(address);

	memset(ret, 0, 10);
	memset(ret + 10, 0xff, 2);
	memcpy(ret + 12, &address_be, sizeof(address_be));
}

static void key_of(const __u64 words[2], const struct epg_flow_addresses *addresses, struct epg_flow_key *ret)
{
	if (EPG_FLOW_KEY_FAMILY(words[1]) == 4) {
		map_ipv4((uint32_t)(words[0] >> 32), ret->low);
		map_ipv4((uint32_t)words[0], ret->high);
	} else {
		memcpy(ret->low, addresses->low, sizeof(ret->low));
		memcpy(ret->high, addresses->high, sizeof(ret->high));
	}
	ret->low_port_be = htons(EPG_FLOW_KEY_LOW_PORT(words[1]));
	ret->high_port_be = htons(EPG_FLOW_KEY_HIGH_PORT(words[1]));
	ret->vrf = EPG_FLOW_KEY_VRF(words[1]);
	ret->protocol = EPG_FLOW_KEY_PROTOCOL(words[1]);
	ret->reserved = 0;
}

static bool is_used(__u64 word)
{
	return word != EPG_FLOW_UNUSED && word != EPG_FLOW_FORGOTTEN;
}

/* A writer takes the second word of the key away first and brings it back last: who sees it twice has all between. */
static bool copy(const struct flow_table *table, size_t group, unsigned int way, struct epg_flow_key *ret_key,
		 struct epg_flow *ret)
{
	const struct epg_flow *flow = &table->groups[group].flow[way];
	struct epg_flow_addresses addresses = {0};

	for (int attempt = 0; attempt < COPY_ATTEMPTS; attempt++) {
		__u64 before = __atomic_load_n(&flow->key[1], __ATOMIC_ACQUIRE);

		if (!is_used(before))
			return false;
		*ret = *flow;
		if (EPG_FLOW_KEY_FAMILY(before) != 4)
			addresses = table->address_groups[group].flow[way];
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (ret->key[1] != before || __atomic_load_n(&flow->key[1], __ATOMIC_RELAXED) != before ||
		    __atomic_load_n(&flow->key[0], __ATOMIC_RELAXED) != ret->key[0])
			continue;
		key_of(ret->key, &addresses, ret_key);
		return true;
	}
	return false;
}

int flow_table_each(const struct flow_table *table, flow_table_fn fn, void *user)
{
	for (size_t group = 0; group < table->n_groups; group++) {
		for (unsigned int way = 0; way < EPG_FLOW_WAYS; way++) {
			struct epg_flow_key key;
			struct epg_flow flow;
			int stop = copy(table, group, way, &key, &flow) ? fn(user, &key, &flow) : 0;

			if (stop)
				return stop;
		}
	}
	return 0;
}

/* Another flow may have come into its place meanwhile: that one stays. */
static bool forget(struct epg_flow *place, const struct epg_flow *flow)
{
	__u64 expected = flow->key[1];

	return __atomic_load_n(&place->key[0], __ATOMIC_RELAXED) == flow->key[0] &&
	       __atomic_compare_exchange_n(&place->key[1], &expected, EPG_FLOW_FORGOTTEN, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

size_t flow_table_forget(const struct flow_table *table, flow_table_selects_fn selects, void *user)
{
	size_t count = 0;

	for (size_t group = 0; group < table->n_groups; group++) {
		for (unsigned int way = 0; way < EPG_FLOW_WAYS; way++) {
			struct epg_flow_key key;
			struct epg_flow flow;

			if (copy(table, group, way, &key, &flow) && selects(user, &key, &flow))
				count += forget(&table->groups[group].flow[way], &flow);
		}
	}
	return count;
}

int flow_table_walk(struct instance *instance, flow_table_fn fn, void *user)
{
	const struct flow_table *table;
	int error = flow_table_get(instance, &table);

	return error ? error : flow_table_each(table, fn, user);
}
