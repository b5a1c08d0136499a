// SPDX-License-Identifier: GPL-2.0-only
/* What a CPU has counted of rules and not yet added to their counters is told all the same, and outlives its tables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <pthread.h>

#include "runtime/counts.h"
#include "runtime/runtime.h"
#include "way.h"

enum {
	RULES = 2 * EPG_TALLIES,
	ROUNDS = 60,
	FIRST_PORT = 1000
};

static const struct stage_hook FROM_FRONT = {.program = STAGE_INGRESS, .interface = STAGE_FRONT};

/* An established flow for each rule. */
struct crowd {
	struct stage *stage;
	struct way *way;
	struct packet packet[RULES];
	uint64_t opened[RULES]; /* packets that have established it */
};

static char *policy_of_many(void)
{
	char entries[RULES * 64] = "";

	for (size_t i = 0; i < RULES; i++)
		snprintf(entries + strlen(entries), sizeof(entries) - strlen(entries),
			 "    - {name: rule%zu, prot: udp, dPort: %zu}\n", i, FIRST_PORT + i);
	return stage_policy_with(STAGE_POLICY, "    - {name: dns, prot: udp, dPort: 53}\n", entries);
}

static uint64_t told(struct crowd *crowd, size_t rule)
{
	char name[16];

	snprintf(name, sizeof(name), "rule%zu", rule);
	return stage_rule_packets(crowd->stage, "shop/web", name);
}

static struct crowd open_crowd(void)
{
	char *policy = policy_of_many();
	struct crowd crowd = {.stage = stage_open(policy)};

	crowd.way = way_open(crowd.stage);
	for (uint16_t i = 0; i < RULES; i++) {
		struct way_talk talk = way_talk(true, 17);

		talk.there.destination_port = talk.back.source_port = FIRST_PORT + i;
		talk.out = way_build(&talk.there);
		talk.in = way_build(&talk.back);
		way_establish(crowd.way, &talk);
		crowd.packet[i] = talk.out;
		crowd.opened[i] = told(&crowd, i);
	}
	free(policy);
	return crowd;
}

static void close_crowd(struct crowd *crowd)
{
	way_close(crowd->way);
	stage_close(crowd->stage);
}

static void send_one(struct crowd *crowd, size_t rule)
{
	cr_assert(stage_run(crowd->stage, &FROM_FRONT, &crowd->packet[rule]).passed);
}

static void send_each(struct crowd *crowd, int times)
{
	for (int i = 0; i < times; i++)
		for (size_t rule = 0; rule < RULES; rule++)
			send_one(crowd, rule);
}

static void expect_told(struct crowd *crowd, uint64_t each)
{
	for (size_t rule = 0; rule < RULES; rule++)
		cr_assert_eq(told(crowd, rule) - crowd->opened[rule], each, "rule %zu: %lu, not %lu", rule,
			     told(crowd, rule) - crowd->opened[rule], each);
}

static struct map_view open_tallies(struct crowd *crowd)
{
	struct instance *instance;
	struct map_view view;

	cr_assert_eq(instance_open(stage_epg(crowd->stage), &instance), 0);
	cr_assert_eq(map_view_open(instance->fd.tallies, true, &view), 0);
	return view;
}

static struct epg_tally *tally_at(const struct map_view *view, size_t cpu, size_t i)
{
	return &((struct epg_tallies *)view->bytes)[cpu].tally[i];
}

/* Packets that wait, on all CPUs. */
static uint64_t waiting(struct crowd *crowd)
{
	struct map_view view = open_tallies(crowd);
	uint64_t packets = 0;

	for (size_t cpu = 0; cpu < view.length / sizeof(struct epg_tallies); cpu++)
		for (size_t i = 0; i < EPG_TALLIES; i++)
			packets += tally_at(&view, cpu, i)->packets;
	map_view_close(&view);
	return packets;
}

Test(tally, each_packet_is_told_at_once)
{
	struct crowd crowd = open_crowd();

	for (uint64_t round = 1; round <= ROUNDS; round++) {
		for (size_t rule = 0; rule < RULES; rule++) {
			send_one(&crowd, rule);
			cr_assert_eq(told(&crowd, rule) - crowd.opened[rule], round);
		}
	}
	cr_assert_gt(waiting(&crowd), 0, "none is waiting: this has tested nothing");
	expect_told(&crowd, ROUNDS);
	close_crowd(&crowd);
}

/* One rule for a long time, then others: what it has counted does not stay where it was. */
Test(tally, runs_of_one_rule_are_told)
{
	struct crowd crowd = open_crowd();

	for (size_t rule = 0; rule < RULES; rule++)
		for (int i = 0; i < ROUNDS; i++)
			send_one(&crowd, rule);
	expect_told(&crowd, ROUNDS);
	close_crowd(&crowd);
}

Test(tally, cpus_count_together)
{
	struct crowd crowd = open_crowd();

	send_each(&crowd, ROUNDS);
	if (!way_move(1)) {
		close_crowd(&crowd);
		cr_skip("one CPU");
	}
	send_each(&crowd, ROUNDS);
	expect_told(&crowd, 2 * ROUNDS);
	way_move(0);
	send_each(&crowd, ROUNDS);
	expect_told(&crowd, 3 * ROUNDS);
	close_crowd(&crowd);
}

/* The rules are the same, in other tables. */
Test(tally, what_waits_outlives_its_tables)
{
	char *policy = policy_of_many();
	char *other = stage_policy_with(policy, "  - {name: sql, subjects",
					"  - {name: new, subjects: [{name: all, filters: [web]}]}\n"
					"  - {name: sql, subjects");
	struct crowd crowd = open_crowd();

	for (uint64_t i = 0; i < 4; i++) {
		expect_told(&crowd, i * ROUNDS);
		send_each(&crowd, ROUNDS);
		cr_assert_gt(waiting(&crowd), 0);
		if (i == 2)
			cr_assert_eq(epg_rollback(stage_epg(crowd.stage), NULL), 0);
		else
			stage_apply(crowd.stage, i & 1 ? policy : other);
		cr_assert_eq(waiting(&crowd), 0, "all has been taken");
	}
	expect_told(&crowd, 4 * ROUNDS);
	free(other);
	free(policy);
	close_crowd(&crowd);
}

/* What an apply has left that was killed: programs count past it, and the next apply frees it. */
Test(tally, entries_of_other_tables_are_left_alone)
{
	const struct epg_tally strange = {.bytes = 70, .packets = 7, .rule = 12, .tables = 0xfffffff0u};
	struct crowd crowd = open_crowd();
	struct map_view view = open_tallies(&crowd);
	size_t cpus = view.length / sizeof(struct epg_tallies);
	char *policy = policy_of_many();

	send_each(&crowd, 1);
	expect_told(&crowd, 1);
	/* Settles what waits, so that the places are free. */
	stage_apply(crowd.stage, policy);
	for (size_t i = 0; i < cpus * EPG_TALLIES; i++)
		*tally_at(&view, i / EPG_TALLIES, i % EPG_TALLIES) = strange;
	send_each(&crowd, ROUNDS);
	expect_told(&crowd, ROUNDS + 1);
	for (size_t i = 0; i < cpus * EPG_TALLIES; i++)
		cr_assert_eq(memcmp(tally_at(&view, i / EPG_TALLIES, i % EPG_TALLIES), &strange, sizeof(strange)), 0);
	stage_apply(crowd.stage, policy);
	cr_assert_eq(waiting(&crowd), 0);
	send_each(&crowd, ROUNDS);
	cr_assert_gt(waiting(&crowd), 0);
	expect_told(&crowd, 2 * ROUNDS + 1);
	map_view_close(&view);
	free(policy);
	close_crowd(&crowd);
}

/* ---- who reads while a CPU counts ---- */

enum {
	READINGS = 200000,
	BURST = 64
};

/* A thread that does what bpf/tally.h does, far more often than packets come. */
struct counting {
	struct epg_tallies *own;
	struct epg_counter *counters;
	uint32_t tables;
	uint64_t begun[2]; /* packets of rules 0 and 1 */
	bool ends;
};

static void settle_and_begin(struct counting *counting, uint32_t rule)
{
	struct epg_tallies *own = counting->own;
	uint32_t place = (own->last + 1) % EPG_TALLIES;
	volatile struct epg_tally *tally = &own->tally[place];

	__atomic_add_fetch(&own->sequence, 1, __ATOMIC_SEQ_CST);
	if (tally->packets) {
		__atomic_add_fetch(&counting->counters[tally->rule].packets, tally->packets, __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&counting->counters[tally->rule].bytes, tally->bytes, __ATOMIC_SEQ_CST);
	}
	tally->rule = rule;
	tally->tables = counting->tables;
	tally->seen = 1;
	tally->bytes = 1;
	tally->packets = 1;
	own->last = place;
	__atomic_add_fetch(&own->sequence, 1, __ATOMIC_SEQ_CST);
}

static void *count_on(void *user)
{
	struct counting *counting = user;

	for (uint32_t i = 0; !__atomic_load_n(&counting->ends, __ATOMIC_RELAXED); i++) {
		uint32_t rule = i / BURST & 1;

		__atomic_add_fetch(&counting->begun[rule], 1, __ATOMIC_SEQ_CST);
		if (i % BURST)
			(*(volatile uint32_t *)&counting->own->tally[counting->own->last].packets)++;
		else
			settle_and_begin(counting, rule);
	}
	return NULL;
}

/*
 * Nothing is told that has not been counted, and nothing twice; what was told once is not taken back, but for what
 * belongs to a thread that was stopped in the middle.
 */
Test(tally, a_reading_is_of_one_moment)
{
	struct crowd crowd = open_crowd();
	struct map_view view = open_tallies(&crowd), counters;
	AUTO(generation_close) struct generation *generation = NULL;
	struct instance *instance;
	struct counting counting = {.own = (struct epg_tallies *)view.bytes};
	uint64_t before[2] = {0};
	pthread_t thread;

	cr_assert_eq(instance_open(stage_epg(crowd.stage), &instance), 0);
	cr_assert_eq(generation_open_running(stage_epg(crowd.stage), instance, &generation), 0);
	counting.tables = instance->control->tables[generation->slot];
	cr_assert_eq(map_view_open(generation_table(stage_epg(crowd.stage), generation->number, "counters"), true,
				   &counters),
		     0);
	counting.counters = (struct epg_counter *)counters.bytes;
	memset(counting.own, 0, sizeof(*counting.own));
	memset(counting.counters, 0, 2 * sizeof(*counting.counters));
	cr_assert_eq(pthread_create(&thread, NULL, count_on, &counting), 0);
	for (int i = 0; i < READINGS; i++) {
		cr_assert_eq(counts_read(stage_epg(crowd.stage), instance, generation), 0);
		for (uint32_t rule = 0; rule < 2; rule++) {
			uint64_t now = generation_counter(generation, rule).packets;
			uint64_t begun = __atomic_load_n(&counting.begun[rule], __ATOMIC_SEQ_CST);

			cr_assert_leq(now, begun, "reading %d: %lu of rule %u, %lu have come", i, now, rule, begun);
			cr_assert_geq(now + 2 * BURST, before[rule], "reading %d: %lu after %lu", i, now, before[rule]);
			before[rule] = now;
		}
	}
	__atomic_store_n(&counting.ends, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	map_view_close(&counters);
	map_view_close(&view);
	close_crowd(&crowd);
}
