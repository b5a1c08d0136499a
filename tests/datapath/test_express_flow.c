// SPDX-License-Identifier: GPL-2.0-only
/* What the express way leaves behind of a flow: its state, its counters; and whose flows give way to others. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "../unit/random.h"
#include "way.h"

static const struct stage_hook FROM_FRONT = {.program = STAGE_INGRESS, .interface = STAGE_FRONT};
static const struct stage_hook FROM_BACK = {.program = STAGE_INGRESS, .interface = STAGE_BACK};

/* With a table that is soon read, or filled. */
static struct stage *open_small(uint32_t groups)
{
	const struct epg_load_options load = {.size = sizeof(load), .flows = groups * EPG_FLOW_WAYS};

	return stage_open_with(STAGE_POLICY, &load);
}

/* ---- connections that live and die as they like ---- */

enum {
	CONVERSATIONS = 300,
	WORDS = 12
};

static const uint8_t SAID[] = {
	PACKET_TCP_SYN,
	PACKET_TCP_SYN | PACKET_TCP_ACK,
	PACKET_TCP_ACK,
	PACKET_TCP_PSH | PACKET_TCP_ACK,
	PACKET_TCP_FIN | PACKET_TCP_ACK,
	PACKET_TCP_RST,
	PACKET_TCP_RST | PACKET_TCP_ACK,
};
#define N_SAID (sizeof(SAID) / sizeof(*SAID))

/* What has become of a segment, and of its flow. */
struct word {
	bool sent, delivered;
	struct epg_flow flow;
};

struct conversation {
	struct stage *stage;
	struct way *way;
	struct packet segments[2][N_SAID]; /* of front, of back */
	bool all_steps;
	unsigned int express, delivered_express;
};

static void say(struct conversation *all, bool by_back, size_t what, struct word *ret)
{
	const struct packet *segment = &all->segments[by_back][what];
	struct stage_hook to = {.program = STAGE_EGRESS,
				.interface = by_back ? STAGE_FRONT : STAGE_BACK,
				.ingress_ifindex = stage_ifindex(all->stage, by_back ? STAGE_BACK : STAGE_FRONT)};
	const struct stage_hook *from = by_back ? &FROM_BACK : &FROM_FRONT;
	struct stage_result sent, delivered = {0};

	if (all->all_steps)
		way_run_long(all->way, from, segment, &sent);
	else
		all->express += way_run(all->way, from, segment, &sent);
	to.mark = sent.mark;
	if (sent.passed && all->all_steps)
		way_run_long(all->way, &to, segment, &delivered);
	else if (sent.passed)
		all->delivered_express += way_run(all->way, &to, segment, &delivered);
	ret->sent = sent.passed;
	ret->delivered = delivered.passed;
	ret->flow = way_flow(all->way);
}

/* Most of them begin as they should. */
static void converse(struct conversation *all, uint64_t seed, struct word words[WORDS])
{
	uint64_t random = seed;
	int said = 0;

	memset(words, 0, WORDS * sizeof(*words));
	way_forget(all->way);
	if (random_below(&random, 4)) {
		say(all, false, 0, &words[said++]);
		say(all, true, 1, &words[said++]);
	}
	while (said < WORDS) {
		bool by_back = random_below(&random, 2);

		say(all, by_back, random_below(&random, N_SAID), &words[said++]);
	}
}

Test(express_flow, connections_have_the_same_fate)
{
	struct conversation all = {.stage = open_small(8)};
	struct way_talk talk = way_talk(true, 6);
	unsigned int states[EPG_FLOW_STATES] = {0};

	all.way = way_open(all.stage);
	for (size_t i = 0; i < N_SAID; i++) {
		talk.there.tcp_flags = talk.back.tcp_flags = SAID[i];
		all.segments[0][i] = way_build(&talk.there);
		all.segments[1][i] = way_build(&talk.back);
	}
	for (uint64_t seed = 0; seed < CONVERSATIONS; seed++) {
		struct word by_express[WORDS], by_steps[WORDS];

		all.all_steps = false;
		converse(&all, seed, by_express);
		all.all_steps = true;
		converse(&all, seed, by_steps);
		for (int i = 0; i < WORDS; i++) {
			cr_assert_eq(memcmp(&by_express[i], &by_steps[i], sizeof(*by_steps)), 0,
				     "conversation %lu, word %d: key %llx %llx sent %d %d, delivered %d %d, state %d "
				     "%d, closed %d %d",
				     seed, i, by_express[i].flow.key[1], by_steps[i].flow.key[1], by_express[i].sent,
				     by_steps[i].sent, by_express[i].delivered, by_steps[i].delivered,
				     by_express[i].flow.state, by_steps[i].flow.state, by_express[i].flow.closed,
				     by_steps[i].flow.closed);
			if (by_steps[i].flow.key[1])
				states[by_steps[i].flow.state]++;
		}
	}
	for (int state = 0; state < EPG_FLOW_STATES; state++)
		cr_assert_gt(states[state], CONVERSATIONS / 2, "state %d: %u", state, states[state]);
	cr_assert_gt(all.express, CONVERSATIONS, "%u", all.express);
	cr_assert_gt(all.delivered_express, CONVERSATIONS, "%u", all.delivered_express);
	way_close(all.way);
	stage_close(all.stage);
}

/* A segment takes the express way, and leaves the flow so. */
static void expect_left(struct way *way, bool by_back, uint8_t flags, enum epg_flow_state state, uint8_t closed)
{
	struct way_talk talk = way_talk(true, 6);
	struct stage_result result;
	struct packet segment;

	talk.there.tcp_flags = talk.back.tcp_flags = flags;
	segment = way_build(by_back ? &talk.back : &talk.there);
	cr_assert(way_run(way, by_back ? &FROM_BACK : &FROM_FRONT, &segment, &result), "flags 0x%x", flags);
	cr_assert(result.passed);
	cr_assert_eq(way_flow(way).state, state, "flags 0x%x: state %d", flags, way_flow(way).state);
	cr_assert_eq(way_flow(way).closed, closed, "flags 0x%x: closed %d", flags, way_flow(way).closed);
}

Test(express_flow, what_ends_a_connection_ends_it)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct way_talk talk = way_talk(true, 6);
	struct way *way = way_open(stage);
	uint8_t end = PACKET_TCP_FIN | PACKET_TCP_ACK;

	way_establish(way, &talk);
	way_forget(way);
	/* Front has the lower address, and so is the flow's lower end. */
	talk.there.tcp_flags = PACKET_TCP_SYN;
	cr_assert(stage_sends(stage, STAGE_FRONT, &talk.there));
	cr_assert_eq(way_flow(way).state, EPG_FLOW_NEW);
	expect_left(way, true, PACKET_TCP_SYN | PACKET_TCP_ACK, EPG_FLOW_ESTABLISHED, 0);
	expect_left(way, false, end, EPG_FLOW_ESTABLISHED, EPG_FLOW_CLOSED_FIN);
	expect_left(way, true, PACKET_TCP_ACK, EPG_FLOW_ESTABLISHED, EPG_FLOW_CLOSED_FIN);
	expect_left(way, true, end, EPG_FLOW_CLOSING, EPG_FLOW_CLOSED_FIN * 3);
	expect_left(way, false, PACKET_TCP_ACK, EPG_FLOW_CLOSING, EPG_FLOW_CLOSED_FIN * 3);
	way_forget(way);
	way_establish(way, &talk);
	expect_left(way, true, PACKET_TCP_RST, EPG_FLOW_CLOSING, EPG_FLOW_CLOSED_RST << 1);
	expect_left(way, false, PACKET_TCP_ACK, EPG_FLOW_CLOSING, EPG_FLOW_CLOSED_RST << 1);
	expect_left(way, true, PACKET_TCP_ACK, EPG_FLOW_ESTABLISHED, 0);
	way_close(way);
	stage_close(stage);
}

Test(express_flow, a_new_opening_takes_all_the_steps)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct way_talk talk = way_talk(false, 6);
	struct way *way = way_open(stage);
	struct stage_result result;
	struct packet open;

	way_establish(way, &talk);
	talk.there.tcp_flags = talk.back.tcp_flags = PACKET_TCP_SYN;
	for (int i = 0; i < 10; i++) {
		open = way_build(&talk.there);
		cr_assert_not(way_run(way, &FROM_FRONT, &open, &result));
		cr_assert(result.passed);
		open = way_build(&talk.back);
		way_run(way, &FROM_BACK, &open, &result);
		cr_assert_not(result.passed, "nobody opens by way of a reply");
		cr_assert(way_run(way, &FROM_BACK, &talk.in, &result) && result.passed, "the flow has not suffered");
	}
	way_close(way);
	stage_close(stage);
}

/* ---- counters ---- */

enum {
	PACKETS = 4000
};

static void expect_counted(struct stage *stage, bool ipv4, uint8_t protocol)
{
	struct way_talk talk = way_talk(ipv4, protocol);
	const char *entry = protocol == 6 ? "web" : "dns";
	uint64_t packets = stage_rule_packets(stage, "shop/web", entry),
		 bytes = stage_rule_bytes(stage, "shop/web", entry);
	struct way *way = way_open(stage);
	struct tally before;
	struct tally counted;

	way_establish(way, &talk);
	packets += 2;
	bytes = stage_rule_bytes(stage, "shop/web", entry);
	before = way_tally(way);
	for (int i = 0; i < PACKETS; i++) {
		struct stage_hook to = {.program = STAGE_EGRESS,
					.interface = STAGE_BACK,
					.ingress_ifindex = stage_ifindex(stage, STAGE_FRONT)};
		struct stage_result sent = stage_run(stage, &FROM_FRONT, &talk.out);

		to.mark = sent.mark;
		cr_assert(sent.passed && stage_run(stage, &to, &talk.out).passed);
		cr_assert(stage_run(stage, &FROM_BACK, &talk.in).passed);
	}
	counted = way_counted(way, &before);
	cr_assert_eq(stage_rule_packets(stage, "shop/web", entry), packets + 2 * PACKETS);
	cr_assert_eq(stage_rule_bytes(stage, "shop/web", entry), bytes + PACKETS * (talk.out.length + talk.in.length));
	cr_assert_eq(counted.sent, 2 * PACKETS);
	cr_assert_eq(counted.sent_bytes, PACKETS * (talk.out.length + talk.in.length));
	cr_assert_eq(counted.drop_bytes, 0);
	way_close(way);
}

Test(express_flow, each_packet_is_counted_once)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	for (int i = 0; i < 4; i++)
		expect_counted(stage, i & 1, i & 2 ? 6 : 17);
	stage_close(stage);
}

/* ---- flows that are not the sender's any more ---- */

/* By a stranger to the library, who leaves the epoch as it is: what a CPU knows of an endpoint lasts a jiffy. */
Test(express_flow, an_endpoint_that_changes_its_group_is_decided_anew)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct way_talk talk = way_talk(true, 6);
	struct way *way = way_open(stage);
	struct stage_result result;

	way_establish(way, &talk);
	cr_assert(way_run(way, &FROM_FRONT, &talk.out, &result) && result.passed);
	stage_move_endpoint(stage, STAGE_FRONT, STAGE_DB);
	usleep(30000);
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_run(stage, &FROM_FRONT, &talk.out).passed);
	way_close(way);
	stage_close(stage);
}

/* Both generations lie in memory, and one store changes from one to the other: within a jiffy, as an apply may. */
Test(express_flow, another_generation_decides_the_very_next_packet)
{
	char *closed = stage_policy_with(STAGE_POLICY, "      consume: [web]\n", "");
	struct stage *stage = stage_open(STAGE_POLICY);
	struct way_talk talk = way_talk(true, 17);
	struct way *way = way_open(stage);
	struct epg_control *control = way_control(way);
	uint64_t open = control->active, none;

	stage_apply(stage, closed);
	none = control->active;
	for (int i = 0; i < 20; i++) {
		struct stage_result result;

		control->active = open;
		way_forget(way);
		way_establish(way, &talk);
		cr_assert(way_run(way, &FROM_FRONT, &talk.out, &result) && result.passed);
		control->active = none;
		cr_assert_not(way_run(way, &FROM_FRONT, &talk.out, &result));
		cr_assert_not(result.passed, "denied at once");
		cr_assert_not(stage_run(stage, &FROM_BACK, &talk.in).passed, "so are answers");
	}
	way_close(way);
	stage_close(stage);
	free(closed);
}

/* ---- whose flows give way ---- */

/* A datagram to back's port 53. */
static bool asks(struct stage *stage, enum stage_interface from, uint16_t port)
{
	struct packet_spec spec = stage_spec(true, from, stage_host(STAGE_BACK));

	spec.protocol = 17;
	spec.source_port = port;
	spec.destination_port = 53;
	return stage_sends(stage, from, &spec);
}

static bool is_answered(struct stage *stage, enum stage_interface whom, uint16_t port)
{
	struct packet_spec spec = stage_spec(true, STAGE_BACK, stage_host(whom));

	spec.protocol = 17;
	spec.source_port = 53;
	spec.destination_port = port;
	return stage_sends(stage, STAGE_BACK, &spec);
}

Test(express_flow, who_opens_many_takes_places_from_nobody_but_itself)
{
	struct stage *stage = open_small(1);

	for (uint16_t i = 0; i < 4; i++)
		cr_assert(asks(stage, STAGE_FRONT2, 1000 + i), "these are older, and without an answer");
	cr_assert(asks(stage, STAGE_FRONT, 2000) && is_answered(stage, STAGE_FRONT, 2000));
	for (uint16_t i = 0; i < 200; i++)
		cr_assert(asks(stage, STAGE_FRONT, 3000 + i));
	cr_assert_eq(stage_stat(stage, EPG_STAT_FLOWS_EVICTED), 200 - 3);
	for (uint16_t i = 0; i < 4; i++)
		cr_assert(is_answered(stage, STAGE_FRONT2, 1000 + i), "flow %u", i);
	cr_assert(is_answered(stage, STAGE_FRONT, 2000), "nor from those of its own that were answered");
	stage_close(stage);
}

static bool says_to_itself(struct stage *stage, uint8_t protocol, uint8_t flags, uint16_t from, uint16_t to)
{
	struct packet_spec spec = stage_spec(true, STAGE_DB, stage_host(STAGE_DB));

	spec.protocol = protocol;
	spec.tcp_flags = flags;
	spec.source_port = from;
	spec.destination_port = to;
	return stage_sends(stage, STAGE_DB, &spec);
}

Test(express_flow, nobody_answers_himself)
{
	static const uint8_t protocols[] = {6, 17};
	struct stage *stage = open_small(1);

	cr_assert(asks(stage, STAGE_FRONT, 1000) && is_answered(stage, STAGE_FRONT, 1000));
	for (int i = 0; i < 2; i++)
		for (uint16_t port = 2000; port < 2020; port++) {
			uint8_t protocol = protocols[i];

			cr_assert(says_to_itself(stage, protocol, PACKET_TCP_SYN, port, 9));
			cr_assert(says_to_itself(stage, protocol, PACKET_TCP_SYN | PACKET_TCP_ACK, 9, port));
			cr_assert(says_to_itself(stage, protocol, PACKET_TCP_ACK, port, 9));
		}
	cr_assert_eq(stage_count_flows(stage, EPG_FLOW_ESTABLISHED), 1);
	cr_assert_eq(stage_count_flows(stage, EPG_FLOW_NEW), EPG_FLOW_WAYS - 1);
	cr_assert(is_answered(stage, STAGE_FRONT, 1000));
	stage_close(stage);
}
