// SPDX-License-Identifier: GPL-2.0-only
/* Who two are is known for the rest of the jiffy once they have met; what the policy says of them is asked each time. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "way.h"

enum {
	PACKETS = 2000,
	ROUNDS = 200
};

static const struct stage_hook FROM_FRONT = {.program = STAGE_INGRESS, .interface = STAGE_FRONT};
static const struct stage_hook FROM_BACK = {.program = STAGE_INGRESS, .interface = STAGE_BACK};

/* All of them are forgotten within a jiffy. */
static const struct epg_load_options FEW_FLOWS = {.size = sizeof(FEW_FLOWS), .flows = 64};

static struct packet opening(bool ipv4, enum stage_interface from, enum stage_interface to, uint16_t source_port,
			     uint16_t port)
{
	struct packet_spec spec = stage_spec(ipv4, from, stage_host(to));

	spec.source_port = source_port;
	spec.destination_port = port;
	spec.tcp_flags = PACKET_TCP_SYN;
	return way_build(&spec);
}

/* Everybody has been seen, and what their CPU knows of them is not older than that. */
static struct way *settle(struct stage *stage)
{
	for (int i = 0; i < 2; i++)
		for (enum stage_interface from = STAGE_FRONT; from <= STAGE_DB; from++) {
			struct packet packet = opening(i, from, STAGE_BACK, 9, 9);
			struct stage_hook hook = {.program = STAGE_INGRESS, .interface = from};

			stage_run(stage, &hook, &packet);
		}
	usleep(30000);
	return way_open(stage);
}

/* Front and back have met, unless the jiffy has just ended: so it is tried again. */
static void meet(struct way *way, bool ipv4)
{
	for (uint16_t i = 0; i < 20; i++) {
		struct packet packet = opening(ipv4, STAGE_FRONT, STAGE_BACK, 100 + i, 80);
		struct stage_result result;
		bool met;

		way_forget(way);
		met = way_run_met(way, &FROM_FRONT, &packet, &result);
		cr_assert(result.passed);
		if (met)
			return;
	}
	cr_assert_fail("they never meet: this tests nothing");
}

static void expect_counted(struct stage *stage, struct way *way, bool ipv4)
{
	struct tally before = way_tally(way), counted;
	uint64_t met = 0, created = stage_stat(stage, EPG_STAT_FLOWS_CREATED), bytes = 0, rules = 0;

	for (uint16_t i = 0; i < PACKETS; i++) {
		struct packet packet = opening(ipv4, STAGE_FRONT, STAGE_BACK, 1000 + i, i % 4 ? 80 : 22);
		struct stage_result result;

		met += way_run_met(way, &FROM_FRONT, &packet, &result);
		cr_assert_eq(result.passed, i % 4 != 0);
		bytes += result.passed ? packet.length : 0;
	}
	counted = way_counted(way, &before);
	cr_assert_gt(met, PACKETS / 2, "%lu", met);
	cr_assert_lt(met, PACKETS, "first they meet");
	for (int i = 0; i < WAY_RULES; i++)
		rules += counted.rules[i];
	cr_assert_eq(rules, PACKETS, "one rule, each time: %lu", rules);
	cr_assert_eq(counted.drops[EPG_REASON_IMPLICIT_DENY], PACKETS / 4);
	cr_assert_eq(counted.sent, PACKETS - PACKETS / 4);
	cr_assert_eq(counted.sent_bytes, bytes);
	cr_assert_eq(stage_stat(stage, EPG_STAT_FLOWS_CREATED) - created, PACKETS - PACKETS / 4);
}

Test(acquaintance, each_flow_is_decided_counted_and_tracked)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct way *way = settle(stage);

	for (int i = 0; i < 2; i++)
		expect_counted(stage, way, i);
	way_close(way);
	stage_close(stage);
}

/* One store changes the policy: within a jiffy. */
Test(acquaintance, another_generation_decides_the_very_next_flow)
{
	char *closed = stage_policy_with(STAGE_POLICY, "dPort: 80-443", "dPort: 443");
	struct stage *stage = stage_open_with(STAGE_POLICY, &FEW_FLOWS);
	struct packet packet = opening(true, STAGE_FRONT, STAGE_BACK, 5000, 80);
	struct way *way = settle(stage);
	struct epg_control *control = way_control(way);
	uint64_t before = control->active, after;

	stage_apply(stage, closed);
	after = control->active;
	for (int i = 0; i < ROUNDS; i++) {
		control->active = before;
		meet(way, true);
		control->active = after;
		cr_assert_not(stage_run(stage, &FROM_FRONT, &packet).passed, "denied at once");
	}
	control->active = after;
	way_close(way);
	stage_close(stage);
	free(closed);
}

/* Written by a stranger to the library, who says so by the epoch. */
Test(acquaintance, another_epoch_decides_the_very_next_flow)
{
	struct stage *stage = stage_open_with(STAGE_POLICY, &FEW_FLOWS);
	struct packet packet = opening(true, STAGE_FRONT, STAGE_BACK, 5000, 80);
	struct way *way = settle(stage);

	meet(way, true);
	stage_move_endpoint(stage, STAGE_BACK, STAGE_DB);
	way_control(way)->epoch++;
	cr_assert_not(stage_run(stage, &FROM_FRONT, &packet).passed, "front may not talk to db");
	way_close(way);
	stage_close(stage);
}

/* By hand, and not said: what a CPU knows ends with the jiffy. */
Test(acquaintance, it_is_forgotten_with_the_jiffy)
{
	struct stage *stage = stage_open_with(STAGE_POLICY, &FEW_FLOWS);
	struct packet packet = opening(true, STAGE_FRONT, STAGE_BACK, 5000, 80);
	struct way *way = settle(stage);

	meet(way, true);
	stage_move_endpoint(stage, STAGE_BACK, STAGE_DB);
	usleep(30000);
	cr_assert_not(stage_run(stage, &FROM_FRONT, &packet).passed, "front may not talk to db");
	way_close(way);
	stage_close(stage);
}

/* Nobody is taken for another: neither the other way round, nor to others, nor with the address of others. */
Test(acquaintance, others_are_others)
{
	struct stage *stage = stage_open_with(STAGE_POLICY, &FEW_FLOWS);
	struct way *way = settle(stage);

	for (uint16_t i = 0; i < ROUNDS; i++) {
		bool ipv4 = i & 1;
		struct packet back = opening(ipv4, STAGE_BACK, STAGE_FRONT, 2000 + i, 80);
		struct packet to_db = opening(ipv4, STAGE_FRONT, STAGE_DB, 2000 + i, 80);
		struct packet_spec forged = stage_spec(ipv4, STAGE_FRONT, stage_host(STAGE_BACK));

		meet(way, ipv4);
		cr_assert_not(stage_run(stage, &FROM_BACK, &back).passed);
		meet(way, ipv4);
		cr_assert_not(stage_run(stage, &FROM_FRONT, &to_db).passed);
		meet(way, ipv4);
		stage_address(ipv4, stage_host(STAGE_FRONT2), forged.source);
		forged.destination_port = 80;
		cr_assert_not(stage_sends(stage, STAGE_FRONT, &forged));
		/* The address and the MAC address of front, by back's interface. */
		meet(way, ipv4);
		forged = stage_spec(ipv4, STAGE_FRONT, stage_host(STAGE_BACK));
		stage_mac(stage_host(STAGE_BACK), forged.source_mac);
		forged.destination_port = 80;
		cr_assert_not(stage_sends(stage, STAGE_BACK, &forged));
	}
	way_close(way);
	stage_close(stage);
}

/* What is remembered of two has the place of some others: of one in 64, by chance. */
Test(acquaintance, other_addresses_are_not_met)
{
	struct stage *stage = stage_open_with(STAGE_POLICY, &FEW_FLOWS);
	struct way *way = settle(stage);

	for (unsigned int i = 0; i < PACKETS; i++) {
		bool ipv4 = i & 1;
		struct packet_spec spec = stage_spec(ipv4, STAGE_FRONT, stage_host(STAGE_BACK));

		spec.destination_port = 80;
		spec.source_port = 1024 + (uint16_t)i;
		cr_assert(stage_sends(stage, STAGE_FRONT, &spec));
		/* Of nobody: outside. */
		memcpy(spec.destination + (ipv4 ? 12 : 0), (uint8_t[]){32, 1, 5, 5}, 4);
		spec.destination[14] = (uint8_t)(i >> 8);
		spec.destination[15] = (uint8_t)i;
		cr_assert_not(stage_sends(stage, STAGE_FRONT, &spec), "%u", i);
	}
	way_close(way);
	stage_close(stage);
}
