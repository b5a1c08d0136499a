// SPDX-License-Identifier: GPL-2.0-only
/* Where tracked flows stand, and which one gives way: in a table of eight places, where each flow meets all others. */
#include <string.h>

#include <criterion/criterion.h>

#include "inspect/flow_fate.h"
#include "stage.h"

/* Ports of flows that are made by hand; those of packets are others. */
#define BY_HAND 1000
#define SENT 40000

static struct stage *open_small(void)
{
	const struct epg_load_options load = {.size = sizeof(load), .flows = EPG_FLOW_WAYS};
	struct stage *stage = stage_open_with(STAGE_POLICY, &load);
	struct flow_table table = stage_flow_table(stage);

	cr_assert_eq(table.n_groups, 1);
	flow_table_close(&table);
	return stage;
}

static struct packet_spec request(bool ipv4, uint16_t port)
{
	struct packet_spec spec = stage_spec(ipv4, STAGE_FRONT, stage_host(STAGE_BACK));

	spec.source_port = port;
	spec.destination_port = 80;
	return spec;
}

static struct packet_spec reply(bool ipv4, uint16_t port)
{
	struct packet_spec spec = stage_spec(ipv4, STAGE_BACK, stage_host(STAGE_FRONT));

	spec.source_port = 80;
	spec.destination_port = port;
	spec.tcp_flags = PACKET_TCP_SYN | PACKET_TCP_ACK;
	return spec;
}

static bool opens(struct stage *stage, bool ipv4, uint16_t port)
{
	struct packet_spec spec = request(ipv4, port);

	return stage_sends(stage, STAGE_FRONT, &spec);
}

/* Nothing but its flow lets a reply pass. */
static bool replies(struct stage *stage, bool ipv4, uint16_t port)
{
	struct packet_spec spec = reply(ipv4, port);

	return stage_sends(stage, STAGE_BACK, &spec);
}

/* Copies the only flow to all places, with ports of their own; `seconds` ago, in `state`. */
static void fill(struct stage *stage, enum epg_flow_state state, const int seconds[EPG_FLOW_WAYS])
{
	struct flow_table table = stage_flow_table(stage);
	struct epg_flow *flow = table.groups[0].flow;
	struct instance *instance;

	cr_assert_eq(instance_open(stage_epg(stage), &instance), 0);
	for (unsigned int way = EPG_FLOW_WAYS; way-- > 0;) {
		flow[way] = flow[0];
		flow[way].key[1] = (flow[0].key[1] & 0xffffffffffff) | (uint64_t)(BY_HAND + way) << 48;
		flow[way].state = (__u8)state;
		flow[way].seen = flow_fate_jiffies(instance->control->hz) - (__u32)seconds[way] * instance->control->hz;
	}
	flow_table_close(&table);
}

static void set_state(struct stage *stage, unsigned int way, enum epg_flow_state state)
{
	struct flow_table table = stage_flow_table(stage);

	table.groups[0].flow[way].state = (__u8)state;
	flow_table_close(&table);
}

/* Which of the places that were filled by hand has been given to another flow; -1: none; -2: several. */
static int given_away(struct stage *stage)
{
	struct flow_table table = stage_flow_table(stage);
	int which = -1;

	for (int way = 0; way < EPG_FLOW_WAYS; way++)
		if (EPG_FLOW_KEY_LOW_PORT(table.groups[0].flow[way].key[1]) != BY_HAND + way)
			which = which == -1 ? way : -2;
	flow_table_close(&table);
	return which;
}

Test(flow_table, new_flows_take_no_place_of_established_ones)
{
	struct stage *stage = open_small();

	for (uint16_t i = 0; i < 3; i++) {
		cr_assert(opens(stage, true, SENT + i));
		cr_assert(replies(stage, true, SENT + i));
	}
	for (uint16_t i = 0; i < 100; i++)
		cr_assert(opens(stage, true, SENT + 100 + i), "there is always room for a new one");
	cr_assert_eq(stage_count_flows(stage, EPG_FLOW_ESTABLISHED), 3);
	cr_assert_eq(stage_count_flows(stage, EPG_FLOW_NEW), EPG_FLOW_WAYS - 3);
	cr_assert_eq(stage_stat(stage, EPG_STAT_FLOWS_EVICTED), 100 - (EPG_FLOW_WAYS - 3));
	for (uint16_t i = 0; i < 3; i++)
		cr_assert(replies(stage, true, SENT + i), "flow %u", i);
	cr_assert(replies(stage, true, SENT + 199), "the newest one is tracked");
	cr_assert_not(replies(stage, true, SENT + 100), "the first of the flood has given way");
	stage_close(stage);
}

Test(flow_table, the_oldest_without_an_answer_gives_way)
{
	static const int ages[EPG_FLOW_WAYS] = {1, 2, 3, 50, 5, 40, 7, 8};
	struct stage *stage = open_small();

	cr_assert(opens(stage, true, SENT));
	fill(stage, EPG_FLOW_NEW, ages);
	set_state(stage, 3, EPG_FLOW_ESTABLISHED);
	cr_assert(opens(stage, true, SENT));
	cr_assert_eq(given_away(stage), 5, "the one at 3 is older, but was answered");
	cr_assert_eq(stage_stat(stage, EPG_STAT_FLOWS_EVICTED), 1);
	stage_close(stage);
}

Test(flow_table, what_has_expired_gives_way_first)
{
	static const int ages[EPG_FLOW_WAYS] = {10, 20, 30, 40, 50, 55, 9 * 3600, 59};
	struct stage *stage = open_small();

	cr_assert(opens(stage, true, SENT));
	fill(stage, EPG_FLOW_NEW, ages);
	set_state(stage, 6, EPG_FLOW_ESTABLISHED);
	cr_assert(opens(stage, true, SENT));
	cr_assert_eq(given_away(stage), 6);
	cr_assert_eq(stage_stat(stage, EPG_STAT_FLOWS_EVICTED), 0, "its time was over");
	stage_close(stage);
}

Test(flow_table, among_established_ones_the_oldest_gives_way)
{
	static const int ages[EPG_FLOW_WAYS] = {100, 200, 300, 100, 4000, 100, 100, 100};
	struct stage *stage = open_small();

	cr_assert(opens(stage, true, SENT));
	fill(stage, EPG_FLOW_ESTABLISHED, ages);
	cr_assert(opens(stage, true, SENT));
	cr_assert_eq(given_away(stage), 4);
	cr_assert_eq(stage_stat(stage, EPG_STAT_FLOWS_EVICTED), 1);
	cr_assert(replies(stage, true, SENT));
	stage_close(stage);
}

/* As if the hashes of two flows' addresses were the same, which nobody can bring about: the key is secret. */
Test(flow_table, addresses_tell_ipv6_flows_of_the_same_hash_apart)
{
	struct stage *stage = open_small();
	struct flow_table table = stage_flow_table(stage);
	struct epg_flow_addresses *addresses = (struct epg_flow_addresses *)table.addresses.bytes;

	cr_assert(opens(stage, false, SENT));
	cr_assert(replies(stage, false, SENT));
	for (int end = 0; end < 2; end++) {
		__u8 *last = end ? &addresses->high[15] : &addresses->low[15];

		*last ^= 0x80;
		cr_assert_not(replies(stage, false, SENT), "the flow is somebody else's");
		*last ^= 0x80;
		cr_assert(replies(stage, false, SENT));
	}
	addresses->low[15] ^= 0x80;
	cr_assert(opens(stage, false, SENT));
	cr_assert(replies(stage, false, SENT), "it is tracked all the same");
	flow_table_close(&table);
	stage_close(stage);
}

static bool has_port(void *user, const struct epg_flow_key *key, const struct epg_flow *flow)
{
	(void)key;
	return EPG_FLOW_KEY_LOW_PORT(flow->key[1]) == *(const uint16_t *)user;
}

Test(flow_table, a_flow_behind_a_forgotten_one_is_found)
{
	struct stage *stage = open_small();
	struct flow_table table = stage_flow_table(stage);
	uint16_t first = SENT, second = SENT + 1;

	cr_assert(opens(stage, true, first));
	cr_assert(opens(stage, true, second));
	cr_assert_eq(flow_table_forget(&table, has_port, &first), 1);
	cr_assert_not(replies(stage, true, first));
	cr_assert(replies(stage, true, second));
	cr_assert(opens(stage, true, SENT + 2));
	cr_assert_eq(EPG_FLOW_KEY_LOW_PORT(table.groups[0].flow[0].key[1]), SENT + 2, "its place is free");
	cr_assert_eq(stage_stat(stage, EPG_STAT_FLOWS_EVICTED), 0);
	flow_table_close(&table);
	stage_close(stage);
}

Test(flow_table, a_flow_that_begins_again_stays_where_it_is)
{
	struct stage *stage = open_small();

	cr_assert(opens(stage, true, SENT));
	stage_shift_flows(stage, -1000000);
	cr_assert_not(replies(stage, true, SENT));
	cr_assert(opens(stage, true, SENT));
	cr_assert(replies(stage, true, SENT));
	cr_assert_eq(stage_count_flows(stage, EPG_FLOW_NEW) + stage_count_flows(stage, EPG_FLOW_ESTABLISHED), 1);
	stage_close(stage);
}

Test(flow_table, a_policy_without_groups_makes_none)
{
	struct stage *stage = stage_open("version: 1\ntenants: [{name: t}]\n");
	struct flow_table table = stage_flow_table(stage);
	struct epg_status status;

	cr_assert_eq(table.n_groups, 0);
	cr_assert_eq(epg_status(stage_epg(stage), &status), 0);
	cr_assert_eq(status.flows, 0);
	cr_assert_eq(status.flows_capacity, 262144);
	stage_apply(stage, STAGE_POLICY);
	cr_assert_eq(flow_table_open(stage_epg(stage)->instance, &table), 0);
	cr_assert_eq(table.n_groups * EPG_FLOW_WAYS, 262144);
	cr_assert(opens(stage, true, SENT));
	cr_assert_eq(epg_status(stage_epg(stage), &status), 0);
	cr_assert_eq(status.flows, 1);
	flow_table_close(&table);
	stage_close(stage);
}
