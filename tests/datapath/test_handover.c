// SPDX-License-Identifier: GPL-2.0-only
/* What the ingress hook tells the egress hook of a packet: of this one, to this endpoint, in this jiffy and CPU. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "way.h"

enum {
	ROUNDS = 200
};

static const struct stage_hook FROM_FRONT = {.program = STAGE_INGRESS, .interface = STAGE_FRONT};
static const struct stage_hook FROM_BACK = {.program = STAGE_INGRESS, .interface = STAGE_BACK};

/* A flow between front and back, of which a packet is on its way. */
struct passage {
	struct stage *stage;
	struct way *way;
	struct way_talk talk;
	struct stage_hook to_back;
};

static struct passage open_passage(bool ipv4, uint8_t protocol)
{
	const struct epg_load_options load = {.size = sizeof(load), .flows = 64};
	struct passage passage = {
		.stage = stage_open_with(STAGE_POLICY, &load),
		.talk = way_talk(ipv4, protocol),
		.to_back = {.program = STAGE_EGRESS, .interface = STAGE_BACK},
	};

	passage.to_back.ingress_ifindex = stage_ifindex(passage.stage, STAGE_FRONT);
	passage.way = way_open(passage.stage);
	way_establish(passage.way, &passage.talk);
	return passage;
}

static void close_passage(struct passage *passage)
{
	way_close(passage->way);
	stage_close(passage->stage);
}

/* It has passed its sender's hook; returns its mark. */
static uint32_t depart(struct passage *passage)
{
	struct stage_result sent;

	cr_assert(way_run(passage->way, &FROM_FRONT, &passage->talk.out, &sent), "it takes the express way");
	cr_assert(sent.passed);
	cr_assert_neq(sent.mark, 0);
	return sent.mark;
}

/* Departs, and arrives at this hook; unless that was in another jiffy, by what the first hook has left. */
static bool arrive(struct passage *passage, struct stage_hook hook, const struct packet *packet,
		   struct stage_result *ret)
{
	hook.mark = depart(passage);
	return way_run(passage->way, &hook, packet, ret);
}

/* It is dropped for this reason, each time, and by all the steps. */
static void expect_drop(struct passage *passage, struct stage_hook hook, const struct packet *packet,
			enum epg_reason reason)
{
	uint64_t before = stage_drops(passage->stage, reason);

	for (int i = 0; i < ROUNDS; i++) {
		struct stage_result result;

		cr_assert_not(arrive(passage, hook, packet, &result));
		cr_assert_not(result.passed);
	}
	cr_assert_eq(stage_drops(passage->stage, reason) - before, ROUNDS);
}

/* It passes, by all the steps. */
static void expect_decided(struct passage *passage, struct stage_hook hook, const struct packet *packet)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct stage_result result;

		cr_assert_not(arrive(passage, hook, packet, &result));
		cr_assert(result.passed);
	}
}

static void expect_passage(bool ipv4, uint8_t protocol)
{
	struct passage passage = open_passage(ipv4, protocol);
	unsigned int express = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct stage_result result;

		express += arrive(&passage, passage.to_back, &passage.talk.out, &result);
		cr_assert(result.passed);
		cr_assert_eq(result.mark, 0, "the mark has said what it had to say");
	}
	cr_assert_gt(express, ROUNDS / 2, "%u", express);
	close_passage(&passage);
}

Test(handover, a_packet_that_was_just_followed_is_let_in)
{
	for (int i = 0; i < 4; i++)
		expect_passage(i & 1, i & 2 ? 6 : 17);
}

Test(handover, at_another_endpoint_it_is_misdirected)
{
	for (int i = 0; i < 4; i++) {
		struct passage passage = open_passage(i & 1, i & 2 ? 6 : 17);
		struct stage_hook hook = passage.to_back;

		hook.interface = STAGE_DB;
		expect_drop(&passage, hook, &passage.talk.out, EPG_REASON_MISDIRECTED);
		hook.interface = STAGE_FRONT2;
		expect_drop(&passage, hook, &passage.talk.out, EPG_REASON_MISDIRECTED);
		close_passage(&passage);
	}
}

/* Front and front2 are of one group: but for the endpoint nothing tells them apart. */
Test(handover, at_another_one_of_the_same_group_too)
{
	for (int i = 0; i < 4; i++) {
		struct passage passage = open_passage(i & 1, i & 2 ? 6 : 17);
		struct stage_hook hook = {.program = STAGE_EGRESS,
					  .interface = STAGE_FRONT2,
					  .ingress_ifindex = stage_ifindex(passage.stage, STAGE_BACK)};

		for (int j = 0; j < ROUNDS; j++) {
			struct stage_result result;

			cr_assert(way_run(passage.way, &FROM_BACK, &passage.talk.in, &result));
			hook.mark = result.mark;
			STAGE_EXPECT_DROP(passage.stage, EPG_REASON_MISDIRECTED,
					  stage_run(passage.stage, &hook, &passage.talk.in).passed);
		}
		close_passage(&passage);
	}
}

Test(handover, of_another_flow_it_is_decided)
{
	for (int i = 0; i < 4; i++) {
		struct passage passage = open_passage(i & 1, i & 2 ? 6 : 17);
		struct packet_spec spec = passage.talk.there;
		struct packet packet;

		spec.destination_port = 22;
		packet = way_build(&spec);
		expect_drop(&passage, passage.to_back, &packet, EPG_REASON_IMPLICIT_DENY);
		spec = passage.talk.there;
		stage_address(i & 1, stage_host(STAGE_DB), spec.destination);
		packet = way_build(&spec);
		expect_drop(&passage, passage.to_back, &packet, EPG_REASON_MISDIRECTED);
		spec = passage.talk.there;
		stage_address(i & 1, stage_host(STAGE_FRONT2), spec.source);
		packet = way_build(&spec);
		expect_drop(&passage, passage.to_back, &packet, EPG_REASON_SPOOFED_ADDRESS);
		close_passage(&passage);
	}
}

Test(handover, from_another_interface_it_is_not_the_same)
{
	struct passage passage = open_passage(true, 6);
	struct stage_hook hook = passage.to_back;

	hook.ingress_ifindex = stage_ifindex(passage.stage, STAGE_FRONT2);
	expect_drop(&passage, hook, &passage.talk.out, EPG_REASON_SPOOFED_ADDRESS);
	hook.ingress_ifindex = 0;
	expect_drop(&passage, hook, &passage.talk.out, EPG_REASON_SPOOFED_ADDRESS);
	/* A bridge's, for one: with a mark the source's address tells who has sent it. */
	hook.ingress_ifindex = stage_ifindex(passage.stage, STAGE_NOBODY);
	expect_decided(&passage, hook, &passage.talk.out);
	close_passage(&passage);
}

/* The rule counts at both hooks what only the second one has decided. */
Test(handover, without_the_mark_it_is_decided)
{
	struct passage passage = open_passage(false, 17);
	struct stage_hook hook = passage.to_back;
	uint64_t packets = stage_rule_packets(passage.stage, "shop/web", "dns");

	for (int i = 0; i < ROUNDS; i++) {
		struct stage_result result;

		depart(&passage);
		cr_assert_not(way_run(passage.way, &hook, &passage.talk.out, &result));
		cr_assert(result.passed);
	}
	cr_assert_eq(stage_rule_packets(passage.stage, "shop/web", "dns") - packets, 2 * ROUNDS);
	close_passage(&passage);
}

Test(handover, it_lasts_a_jiffy)
{
	struct passage passage = open_passage(true, 6);
	struct stage_hook hook = passage.to_back;
	struct stage_result result;

	for (int i = 0; i < 10; i++) {
		hook.mark = depart(&passage);
		usleep(30000);
		cr_assert_not(way_run(passage.way, &hook, &passage.talk.out, &result));
		cr_assert(result.passed, "the flow is known all the same");
	}
	close_passage(&passage);
}

Test(handover, a_cpu_does_not_know_what_another_one_has_followed)
{
	struct passage passage = open_passage(true, 17);
	struct stage_hook hook = passage.to_back;
	struct stage_result result;
	unsigned int express = 0;

	if (!way_move(1) || !way_move(0))
		cr_skip_test("this machine has one CPU");
	for (int i = 0; i < ROUNDS; i++) {
		cr_assert(way_move(0));
		hook.mark = depart(&passage);
		cr_assert(way_move(1));
		cr_assert_not(way_run(passage.way, &hook, &passage.talk.out, &result));
		cr_assert(result.passed, "the flow is known to all");
	}
	for (int i = 0; i < ROUNDS; i++)
		express += arrive(&passage, passage.to_back, &passage.talk.out, &result);
	cr_assert_gt(express, ROUNDS / 2, "each knows its own: %u", express);
	close_passage(&passage);
}

/* One store changes the policy: within a jiffy. Then neither hook lets the very next packet pass. */
Test(handover, another_generation_decides_what_is_on_its_way)
{
	char *closed = stage_policy_with(STAGE_POLICY, "      consume: [web]\n", "");
	struct passage passage = open_passage(true, 6);
	struct epg_control *control = way_control(passage.way);
	struct stage_hook hook = passage.to_back;
	uint64_t open = control->active, none, before;
	unsigned int express = 0;

	stage_apply(passage.stage, closed);
	none = control->active;
	before = stage_drops(passage.stage, EPG_REASON_IMPLICIT_DENY);
	for (int i = 0; i < ROUNDS; i++) {
		struct stage_result result;

		control->active = open;
		way_forget(passage.way);
		way_establish(passage.way, &passage.talk);
		express += arrive(&passage, hook, &passage.talk.out, &result);
		hook.mark = depart(&passage);
		control->active = none;
		cr_assert_not(way_run(passage.way, &hook, &passage.talk.out, &result));
		cr_assert_not(result.passed, "nothing permits it any more");
		cr_assert_not(way_run(passage.way, &FROM_FRONT, &passage.talk.out, &result) && result.passed);
		cr_assert_not(result.passed);
		hook.mark = 0;
	}
	cr_assert_eq(stage_drops(passage.stage, EPG_REASON_IMPLICIT_DENY) - before, 2 * ROUNDS);
	cr_assert_gt(express, ROUNDS / 2, "%u", express);
	close_passage(&passage);
	free(closed);
}

/* Written by a stranger to the library, who says so by the epoch. */
Test(handover, another_epoch_decides_what_is_on_its_way)
{
	struct passage passage = open_passage(false, 6);
	struct epg_control *control = way_control(passage.way);
	struct stage_hook hook = passage.to_back;

	for (int i = 0; i < ROUNDS; i++) {
		struct stage_result result;

		hook.mark = depart(&passage);
		control->epoch++;
		cr_assert_not(way_run(passage.way, &hook, &passage.talk.out, &result));
		cr_assert(result.passed, "its opener may still open it");
		/* Which binds it to this epoch again. */
		cr_assert(stage_run(passage.stage, &FROM_FRONT, &passage.talk.out).passed);
	}
	close_passage(&passage);
}

/* And one who does not say so: the receiver's class was noted, and is looked up where this CPU does not know it yet. */
Test(handover, a_receiver_that_has_changed_its_group_decides_anew)
{
	struct passage passage = open_passage(true, 6);
	struct stage_hook hook = {.program = STAGE_EGRESS,
				  .interface = STAGE_FRONT,
				  .ingress_ifindex = stage_ifindex(passage.stage, STAGE_BACK)};

	for (int i = 0; i < 40; i++) {
		struct stage_result result;

		way_forget(passage.way);
		way_establish(passage.way, &passage.talk);
		usleep(20000);
		cr_assert(way_run(passage.way, &FROM_BACK, &passage.talk.in, &result));
		hook.mark = result.mark;
		stage_move_endpoint(passage.stage, STAGE_FRONT, STAGE_DB);
		cr_assert_not(way_run(passage.way, &hook, &passage.talk.in, &result));
		cr_assert_not(result.passed);
		stage_move_endpoint(passage.stage, STAGE_FRONT, STAGE_FRONT2);
		usleep(20000);
	}
	close_passage(&passage);
}

/* Packets of several flows on their way at once: the last one's is known, the others are looked up. */
Test(handover, flows_that_meet_on_a_cpu_do_not_mix)
{
	struct passage passage = open_passage(true, 17);
	struct way_talk other = way_talk(false, 6);
	struct stage_hook hook = passage.to_back;
	struct stage_result result;

	way_establish(passage.way, &other);
	for (int i = 0; i < ROUNDS; i++) {
		hook.mark = depart(&passage);
		cr_assert(way_run(passage.way, &FROM_FRONT, &other.out, &result) && result.passed);
		cr_assert_not(way_run(passage.way, &hook, &passage.talk.out, &result));
		cr_assert(result.passed);
		way_run(passage.way, &hook, &other.out, &result);
		cr_assert(result.passed);
	}
	close_passage(&passage);
}
