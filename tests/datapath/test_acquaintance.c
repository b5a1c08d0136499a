// SPDX-License-Identifier: GPL-2.0-only
/* Who two are is known for the rest of the jiffy once they have met; what the policy says of them is asked each time. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <criterion/criterion.h>

#include "environment.h"
#include "way.h"

enum {
	PACKETS = 2000,
	ROUNDS = 200,
	RACES = 60000,
	DELAY_MAX = 4096
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

/* ---- who changes groups while a packet of his is on its way ---- */

struct race {
	struct way *way;
	int map;
	struct epg_endpoint_key key;
	struct epg_endpoint front, guest;
	unsigned int cpu;
	atomic_int begun, done; /* rounds */
};

static struct epg_endpoint endpoint_now(const struct race *race)
{
	struct epg_endpoint now;

	cr_assert_eq(bpf_map_lookup_elem(race->map, &race->key, &now), 0);
	return now;
}

static void race_put(struct race *race, const struct epg_endpoint *endpoint)
{
	bpf_map_update_elem(race->map, &race->key, endpoint, BPF_EXIST);
	__atomic_add_fetch(&way_control(race->way)->epoch, 1, __ATOMIC_RELEASE);
}

static void *move_on(void *user)
{
	struct race *race = user;

	way_move(race->cpu);
	for (int i = 1; i <= RACES; i++) {
		while (atomic_load(&race->begun) < i)
			;
		for (volatile int delay = i * 37 % DELAY_MAX; delay > 0; delay--)
			;
		race_put(race, &race->guest);
		atomic_store(&race->done, i);
	}
	return NULL;
}

static void race_prepare(struct race *race, struct stage *stage)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/endpoints", environment_pin());
	race->map = bpf_obj_get(path);
	cr_assert_geq(race->map, 0);
	race->key.ifindex = stage_ifindex(stage, STAGE_FRONT);
	race->front = endpoint_now(race);
	stage_move_endpoint(stage, STAGE_FRONT, STAGE_GUEST);
	race->guest = endpoint_now(race);
}

/* The packet may be permitted still; none that is sent when the change has been said may. */
static unsigned int race_run(struct race *race, struct stage *stage)
{
	unsigned int late = 0;

	for (int i = 1; i <= RACES; i++) {
		struct packet during = opening(true, STAGE_FRONT, STAGE_BACK, (uint16_t)(i & 0x7fff), 80);
		struct packet after = opening(true, STAGE_FRONT, STAGE_BACK, (uint16_t)(i | 0x8000), 80);

		race_put(race, &race->front);
		atomic_store(&race->begun, i);
		stage_run(stage, &FROM_FRONT, &during);
		while (atomic_load(&race->done) < i)
			;
		late += stage_run(stage, &FROM_FRONT, &after).passed;
	}
	return late;
}

Test(acquaintance, whom_a_change_meets_on_the_way_is_not_taken_for_who_he_was)
{
	struct stage *stage = stage_open_with(STAGE_POLICY, &FEW_FLOWS);
	struct race race = {.way = settle(stage)};
	unsigned int late, own = (unsigned int)sched_getcpu();
	pthread_t thread;

	race.cpu = own ? 0 : 1;
	if (!way_move(race.cpu))
		cr_skip_test("it takes two CPUs");
	cr_assert(way_move(own));
	race_prepare(&race, stage);
	cr_assert_eq(pthread_create(&thread, NULL, move_on, &race), 0);
	late = race_run(&race, stage);
	cr_expect_eq(late, 0, "%u", late);
	pthread_join(thread, NULL);
	close(race.map);
	way_close(race.way);
	stage_close(stage);
}
