// SPDX-License-Identifier: GPL-2.0-only
/* The table of flows as it lies in memory: told, and forgotten. */
#include "runtime/flow_table.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>
#include <netinet/in.h>

#include "base/text.h"

enum {
	GROUPS = 4
};

struct memory {
	struct epg_flow_group groups[GROUPS];
	struct epg_flow_addresses_group addresses[GROUPS];
	struct flow_table table;
	bool done;
};

static struct memory *memory_new(void)
{
	struct memory *memory = calloc(1, sizeof(*memory));

	cr_assert_not_null(memory);
	memory->table =
		(struct flow_table){.groups = memory->groups, .address_groups = memory->addresses, .n_groups = GROUPS};
	return memory;
}

/* 10.1.0.2 and 10.1.0.4, in VRF 17. */
static void put_ipv4(struct memory *memory, size_t group, size_t way, uint16_t low_port, uint16_t high_port)
{
	memory->groups[group].flow[way] = (struct epg_flow){
		.key = {0x0a0100020a010004,
			EPG_FLOW_KEY_PORTS(low_port, high_port) | EPG_FLOW_KEY_REST(17, IPPROTO_TCP, 4)},
		.rule = 5,
	};
}

static void put_ipv6(struct memory *memory, size_t group, size_t way, const char *low, const char *high)
{
	struct epg_flow_addresses *addresses = &memory->addresses[group].flow[way];

	memory->groups[group].flow[way] = (struct epg_flow){
		.key = {0x1234, EPG_FLOW_KEY_PORTS(53, 40000) | EPG_FLOW_KEY_REST(18, IPPROTO_UDP, 6)},
		.rule = 6,
	};
	cr_assert_eq(inet_pton(AF_INET6, low, addresses->low), 1);
	cr_assert_eq(inet_pton(AF_INET6, high, addresses->high), 1);
}

struct told {
	size_t count;
	int stop;
	char text[1024];
};

static int tell(void *user, const struct epg_flow_key *key, const struct epg_flow *flow)
{
	char low[TEXT_ADDRESS_MAX], high[TEXT_ADDRESS_MAX];
	struct told *told = user;

	text_address(key->low, low);
	text_address(key->high, high);
	snprintf(told->text + strlen(told->text), sizeof(told->text) - strlen(told->text), "%u %u %s %u %s %u %u; ",
		 key->protocol, key->vrf, low, ntohs(key->low_port_be), high, ntohs(key->high_port_be), flow->rule);
	told->count++;
	return told->stop;
}

static bool has_low_port(void *user, const struct epg_flow_key *key, const struct epg_flow *flow)
{
	(void)flow;
	return ntohs(key->low_port_be) == *(const uint16_t *)user;
}

Test(flow_table, holds_what_was_asked_for)
{
	static const struct {
		uint32_t flows, groups;
	} cases[] = {{1, 1}, {8, 1}, {9, 2}, {1024, 128}, {1025, 256}, {262144, 32768}, {1u << 28, 1u << 25}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		cr_assert_eq(flow_table_groups(cases[i].flows), cases[i].groups, "%u flows", cases[i].flows);
}

Test(flow_table, keys_of_both_families_are_told)
{
	struct memory *memory = memory_new();
	struct told told = {0};

	put_ipv4(memory, 0, 0, 40000, 80);
	put_ipv6(memory, 3, 0, "fd00:1::2", "fd00:1::4");
	cr_assert_eq(flow_table_each(&memory->table, tell, &told), 0);
	cr_assert_str_eq(told.text, "6 17 10.1.0.2 40000 10.1.0.4 80 5; 17 18 fd00:1::2 53 fd00:1::4 40000 6; ");
	free(memory);
}

Test(flow_table, what_is_unused_or_forgotten_is_not_told)
{
	struct memory *memory = memory_new();
	struct told told = {0};

	put_ipv4(memory, 1, 0, 1, 80);
	put_ipv4(memory, 1, 1, 3, 80);
	put_ipv4(memory, 1, 3, 4, 80);
	memory->groups[1].flow[0].key[1] = EPG_FLOW_FORGOTTEN;
	cr_assert_eq(flow_table_each(&memory->table, tell, &told), 0);
	cr_assert_str_eq(told.text, "6 17 10.1.0.2 3 10.1.0.4 80 5; 6 17 10.1.0.2 4 10.1.0.4 80 5; ",
			 "whatever stands before it");
	free(memory);
}

Test(flow_table, the_telling_ends_where_it_is_told_to)
{
	struct memory *memory = memory_new();
	struct told told = {.stop = 42};

	put_ipv4(memory, 0, 0, 1, 80);
	put_ipv4(memory, 0, 1, 2, 80);
	cr_assert_eq(flow_table_each(&memory->table, tell, &told), 42);
	cr_assert_eq(told.count, 1);
	free(memory);
}

Test(flow_table, only_what_is_selected_is_forgotten)
{
	struct memory *memory = memory_new();
	uint16_t port = 2;

	put_ipv4(memory, 0, 0, 1, 80);
	put_ipv4(memory, 0, 1, 2, 80);
	put_ipv4(memory, 2, 0, 2, 443);
	cr_assert_eq(flow_table_forget(&memory->table, has_low_port, &port), 2);
	cr_assert_eq(memory->groups[0].flow[1].key[1], EPG_FLOW_FORGOTTEN, "a search does not end there");
	cr_assert_eq(memory->groups[2].flow[0].key[1], EPG_FLOW_FORGOTTEN);
	cr_assert_eq(EPG_FLOW_KEY_LOW_PORT(memory->groups[0].flow[0].key[1]), 1);
	cr_assert_eq(flow_table_forget(&memory->table, has_low_port, &port), 0);
	free(memory);
}

/* Puts another flow into the place of the one that is being looked at, as a packet on another CPU may. */
static bool replace(void *user, const struct epg_flow_key *key, const struct epg_flow *flow)
{
	struct memory *memory = user;

	(void)flow;
	if (ntohs(key->low_port_be) == 1)
		put_ipv4(memory, 0, 0, 9, 80);
	return true;
}

Test(flow_table, what_has_come_in_its_place_meanwhile_stays)
{
	struct memory *memory = memory_new();

	put_ipv4(memory, 0, 0, 1, 80);
	put_ipv4(memory, 0, 1, 2, 80);
	cr_assert_eq(flow_table_forget(&memory->table, replace, memory), 1);
	cr_assert_eq(EPG_FLOW_KEY_LOW_PORT(memory->groups[0].flow[0].key[1]), 9);
	free(memory);
}

/* Writes one flow after the other into the same place, as bpf/flow_table.h does; `rule` repeats the port. */
static void *keep_writing(void *user)
{
	struct memory *memory = user;
	struct epg_flow *place = &memory->groups[0].flow[0];

	for (uint32_t i = 1; !__atomic_load_n(&memory->done, __ATOMIC_RELAXED); i++) {
		uint16_t port = (uint16_t)(i % 1000 + 1);

		__atomic_store_n(&place->key[1], EPG_FLOW_FORGOTTEN, __ATOMIC_SEQ_CST);
		__atomic_store_n(&place->rule, port, __ATOMIC_SEQ_CST);
		__atomic_store_n(&place->key[0], port, __ATOMIC_SEQ_CST);
		__atomic_store_n(&place->key[1], EPG_FLOW_KEY_PORTS(port, 80) | EPG_FLOW_KEY_REST(17, IPPROTO_TCP, 4),
				 __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static int check_rule(void *user, const struct epg_flow_key *key, const struct epg_flow *flow)
{
	size_t *count = user;

	++*count;
	return flow->rule == ntohs(key->low_port_be) && flow->key[0] == flow->rule ? 0 : 1;
}

Test(flow_table, a_copy_is_of_one_flow)
{
	struct memory *memory = memory_new();
	size_t count = 0;
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, keep_writing, memory), 0);
	for (int i = 0; i < 200000 || (count < 1000 && i < 100000000); i++)
		cr_assert_eq(flow_table_each(&memory->table, check_rule, &count), 0, "of two flows");
	__atomic_store_n(&memory->done, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	cr_assert_geq(count, 1000);
	free(memory);
}

Test(flow_table, without_a_table_there_is_nothing)
{
	struct flow_table none = {0};
	struct told told = {0};
	uint16_t port = 0;

	cr_assert_eq(flow_table_each(&none, tell, &told), 0);
	cr_assert_eq(flow_table_forget(&none, has_low_port, &port), 0);
	cr_assert_eq(told.count, 0);
}
