// SPDX-License-Identifier: GPL-2.0-only
/* Police: how much passes of what a group sends, by the bucket's own clock. */
#include <stdlib.h>
#include <time.h>

#include <criterion/criterion.h>

#include "stage.h"

#define RATE 1000000 /* bytes a second: 8mbit */
#define BURST 16384

static struct stage *open_stage(void)
{
	char *policy = stage_policy_with(STAGE_POLICY, "      consume: [web]\n",
					 "      consume: [web]\n      police: {rate: 8mbit, burst: 16kb}\n");
	struct stage *stage = stage_open(policy);

	free(policy);
	return stage;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct packet_spec datagram(bool ipv4, enum stage_interface from)
{
	struct packet_spec spec = stage_spec(ipv4, from, stage_host(STAGE_BACK));

	spec.protocol = 17;
	spec.destination_port = 53;
	spec.payload = 1000;
	return spec;
}

/*
 * Sends as fast as it can; expects what the bucket gives in the time that this has really taken: its burst, and the
 * rate, which is less than what is sent.
 */
static void expect_rate(bool ipv4)
{
	struct stage *stage = open_stage();
	struct packet_spec specs[] = {datagram(ipv4, STAGE_FRONT), datagram(ipv4, STAGE_FRONT2)};
	const enum stage_interface from[] = {STAGE_FRONT, STAGE_FRONT2};
	struct packet packet;
	double begin, elapsed, expected, passed = 0, sent = 0;

	cr_assert_eq(packet_build(&specs[0], &packet), 0);
	begin = seconds();
	do {
		for (int i = 0; i < 2; i++) {
			passed += stage_sends(stage, from[i], &specs[i]) ? (double)packet.length : 0;
			sent += (double)packet.length;
		}
		elapsed = seconds() - begin;
	} while (elapsed < 0.5);
	expected = BURST + RATE * elapsed;
	cr_assert_gt(sent, 2 * expected, "the test sends too slowly to tell");
	cr_assert(passed > expected * 0.97 && passed < expected * 1.03, "%f bytes in %f s instead of %f", passed,
		  elapsed, expected);
	cr_assert_eq(stage_drops(stage, EPG_REASON_POLICED), (uint64_t)((sent - passed) / (double)packet.length + 0.5));
	stage_close(stage);
}

Test(police, both_endpoints_of_a_group_share_one_rate_ipv4)
{
	expect_rate(true);
}

Test(police, both_endpoints_of_a_group_share_one_rate_ipv6)
{
	expect_rate(false);
}

Test(police, a_rule_counts_what_has_passed_and_other_groups_are_free)
{
	struct stage *stage = open_stage();
	struct packet_spec spec = datagram(true, STAGE_FRONT),
			   other = stage_spec(true, STAGE_BACK, stage_host(STAGE_DB));
	uint64_t passed = 0;

	other.destination_port = 5432;
	other.payload = 1000;
	for (int i = 0; i < 100; i++) {
		passed += stage_sends(stage, STAGE_FRONT, &spec);
		cr_assert(stage_sends(stage, STAGE_BACK, &other));
	}
	cr_assert_lt(passed, 50);
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "dns"), passed);
	cr_assert_eq(stage_drops_between(stage, "shop/store/front", "", EPG_REASON_POLICED) +
			     stage_drops_between(stage, "shop/store/front", "shop/store/back", EPG_REASON_POLICED),
		     100 - passed);
	stage_close(stage);
}

Test(police, neighbours_are_asked_for_whatever_else_is_sent)
{
	struct stage *stage = open_stage();
	struct packet_spec spec = datagram(true, STAGE_FRONT);
	struct stage_hook hook = {.program = STAGE_INGRESS, .interface = STAGE_FRONT};
	struct packet arp;

	for (int i = 0; i < 50; i++)
		stage_sends(stage, STAGE_FRONT, &spec);
	cr_assert_eq(packet_build_arp(&spec, 1, &arp), 0);
	cr_assert(stage_run(stage, &hook, &arp).passed);
	stage_close(stage);
}

Test(police, an_address_that_belongs_to_a_policed_group_is_policed_on_anybodys_interface)
{
	char *policy = stage_policy_with(STAGE_POLICY, "      match: [{ip: 10.1.0.64/26}]\n",
					 "      match: [{ip: 10.1.0.64/26}]\n"
					 "      police: {rate: 8kbit, burst: 2kb}\n"
					 "      consume: [web]\n");
	char *shared = stage_policy_with(policy, "ips: [10.1.0.2, ", "ips: [10.1.0.2, 10.1.0.70, ");
	struct stage *stage = stage_open(shared);
	struct packet_spec member = datagram(true, STAGE_FRONT), own = member;
	unsigned int passed = 0;

	stage_address(true, 70, member.source);
	for (int i = 0; i < 20; i++) {
		passed += stage_sends(stage, STAGE_FRONT, &member);
		cr_assert(stage_sends(stage, STAGE_FRONT, &own), "the interface's own group is not policed");
	}
	cr_assert_leq(passed, 3);
	cr_assert_geq(passed, 1);
	stage_close(stage);
	free(shared);
	free(policy);
}

/* A debt is measured in the time that the old rate would take. */
Test(police, a_higher_rate_holds_from_now_on)
{
	char *slow = stage_policy_with(STAGE_POLICY, "      consume: [web]\n",
				       "      consume: [web]\n      police: {rate: 8kbit, burst: 64kb}\n");
	char *fast = stage_policy_with(slow, "8kbit", "1gbit");
	struct stage *stage = stage_open(slow);
	struct packet_spec spec = datagram(true, STAGE_FRONT);

	while (stage_sends(stage, STAGE_FRONT, &spec))
		;
	stage_apply(stage, fast);
	stage_sends(stage, STAGE_FRONT, &spec); /* finds the bucket empty, at worst */
	for (int i = 0; i < 10; i++) {
		const struct timespec pause = {.tv_nsec = 10000000};

		nanosleep(&pause, NULL);
		cr_assert(stage_sends(stage, STAGE_FRONT, &spec), "packet %d", i);
	}
	stage_close(stage);
	free(fast);
	free(slow);
}
