// SPDX-License-Identifier: GPL-2.0-only
/* What was denied just now is denied again without being decided: as long as nothing has changed, and for its like. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "way.h"

enum {
	PACKETS = 4000,
	ROUNDS = 200
};

/* Back denies telnet by a rule, and its EPG has no contract about SSH. */
#define DENY_TELNET                                                            \
	"  - {name: web, subjects: [{name: all, filters: [web]}, {name: old, " \
	"filters: [{name: telnet, action: deny}]}]}\n"

static const struct stage_hook FROM_FRONT = {.program = STAGE_INGRESS, .interface = STAGE_FRONT};
static const struct stage_hook FROM_FRONT2 = {.program = STAGE_INGRESS, .interface = STAGE_FRONT2};
static const struct stage_hook FROM_BACK = {.program = STAGE_INGRESS, .interface = STAGE_BACK};

static char *with_deny(void)
{
	char *filters = stage_policy_with(STAGE_POLICY, "  contracts:\n",
					  "  - {name: telnet, entries: [{name: telnet, prot: tcp, dPort: 23}]}\n"
					  "  contracts:\n");
	char *policy =
		stage_policy_with(filters, "  - {name: web, subjects: [{name: all, filters: [web]}]}\n", DENY_TELNET);

	free(filters);
	return policy;
}

static struct packet_spec to_port(bool ipv4, enum stage_interface from, uint16_t port)
{
	struct packet_spec spec = stage_spec(ipv4, from, stage_host(STAGE_BACK));

	spec.destination_port = port;
	return spec;
}

/* Everybody has been seen, and what their CPU knows of them is not older than that. */
static struct way *settle(struct stage *stage)
{
	for (int i = 0; i < 2; i++)
		for (enum stage_interface from = STAGE_FRONT; from <= STAGE_DB; from++) {
			struct packet_spec spec = to_port(i, from, 9);

			stage_sends(stage, from, &spec);
		}
	usleep(30000);
	return way_open(stage);
}

/* Denied, and denied again without being decided, unless the jiffy has just ended: so it is tried again. */
static bool deny(struct way *way, const struct stage_hook *hook, const struct packet *packet)
{
	for (int i = 0; i < 20; i++) {
		struct stage_result result;
		bool repeated = way_run(way, hook, packet, &result);

		cr_assert_not(result.passed);
		if (i && repeated)
			return true;
	}
	return false;
}

#define EXPECT_DENIED(way, hook, packet) \
	cr_assert(deny(way, hook, packet), "it is decided each time: this tests nothing")

static void expect_counted(struct stage *stage, struct way *way, bool ipv4, enum epg_reason reason)
{
	struct packet_spec spec = to_port(ipv4, STAGE_FRONT, reason == EPG_REASON_DENIED ? 23 : 22);
	struct tally before = way_tally(way), counted;
	uint64_t bytes = 0, repeated = 0, rules = 0,
		 pair = stage_drops_between(stage, "shop/store/front", "shop/store/back", reason);

	for (uint64_t i = 0; i < PACKETS; i++) {
		struct stage_result result;
		struct packet packet;

		spec.payload = i % 100;
		packet = way_build(&spec);
		bytes += packet.length;
		repeated += way_run(way, &FROM_FRONT, &packet, &result);
		cr_assert_not(result.passed);
	}
	counted = way_counted(way, &before);
	cr_assert_gt(repeated, PACKETS / 2, "%lu", repeated);
	cr_assert_lt(repeated, PACKETS, "the first one is decided");
	cr_assert_eq(counted.drops[reason], PACKETS);
	cr_assert_eq(counted.drop_bytes, bytes);
	cr_assert_eq(stage_drops_between(stage, "shop/store/front", "shop/store/back", reason) - pair, PACKETS);
	for (int i = 0; i < WAY_RULES; i++)
		rules += counted.rules[i];
	cr_assert_eq(rules, PACKETS, "one rule, each time: %lu", rules);
	cr_assert_eq(counted.rule_bytes, bytes);
	cr_assert_eq(counted.sent, 0);
}

Test(repeat, each_packet_is_counted_with_its_own_length)
{
	char *policy = with_deny();
	struct stage *stage = stage_open(policy);
	struct way *way = settle(stage);
	uint64_t implicit;

	for (int i = 0; i < 4; i++) {
		implicit = stage_implicit_packets(stage, EPG_RULE_IMPLICIT_DENY);
		expect_counted(stage, way, i & 1, i & 2 ? EPG_REASON_DENIED : EPG_REASON_IMPLICIT_DENY);
		cr_assert_eq(stage_implicit_packets(stage, EPG_RULE_IMPLICIT_DENY) - implicit, i & 2 ? 0 : PACKETS);
	}
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "telnet"), 2 * PACKETS);
	way_close(way);
	stage_close(stage);
	free(policy);
}

/* One store changes the policy: within a jiffy. */
Test(repeat, another_generation_decides_the_very_next_packet)
{
	char *open = stage_policy_with(STAGE_POLICY, "dPort: 80-443", "dPort: 22-443");
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = to_port(true, STAGE_FRONT, 22);
	struct packet packet = way_build(&spec);
	struct way *way = settle(stage);
	struct epg_control *control = way_control(way);
	uint64_t closed = control->active, opened, denied;

	stage_apply(stage, open);
	opened = control->active;
	for (int i = 0; i < ROUNDS; i++) {
		control->active = closed;
		way_forget(way);
		EXPECT_DENIED(way, &FROM_FRONT, &packet);
		control->active = opened;
		cr_assert(stage_run(stage, &FROM_FRONT, &packet).passed, "permitted at once");
	}
	denied = stage_drops(stage, EPG_REASON_IMPLICIT_DENY);
	stage_apply(stage, STAGE_POLICY);
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, stage_run(stage, &FROM_FRONT, &packet).passed);
	cr_assert_gt(denied, ROUNDS);
	way_close(way);
	stage_close(stage);
	free(open);
}

/* Each generation counts for its own rules. */
Test(repeat, a_repeated_denial_counts_in_the_running_policy)
{
	char *policy = with_deny();
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = to_port(false, STAGE_FRONT, 23);
	struct packet packet = way_build(&spec);
	struct way *way = settle(stage);
	struct epg_control *control = way_control(way);
	uint64_t implicit = control->active, ruled, counted;

	stage_apply(stage, policy);
	ruled = control->active;
	for (uint64_t i = 0; i < ROUNDS; i++) {
		control->active = implicit;
		EXPECT_DENIED(way, &FROM_FRONT, &packet);
		control->active = ruled;
		counted = stage_rule_packets(stage, "shop/web", "telnet");
		control->active = implicit;
		EXPECT_DENIED(way, &FROM_FRONT, &packet);
		control->active = ruled;
		cr_assert_not(stage_run(stage, &FROM_FRONT, &packet).passed);
		cr_assert_eq(stage_rule_packets(stage, "shop/web", "telnet"), counted + 1);
	}
	way_close(way);
	stage_close(stage);
	free(policy);
}

/* Written by a stranger to the library, who says so by the epoch. */
Test(repeat, another_epoch_decides_the_very_next_packet)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = to_port(true, STAGE_DB, 80);
	struct stage_hook from_db = {.program = STAGE_INGRESS, .interface = STAGE_DB};
	struct packet packet = way_build(&spec);
	struct way *way = settle(stage);

	EXPECT_DENIED(way, &from_db, &packet);
	stage_move_endpoint(stage, STAGE_DB, STAGE_FRONT);
	way_control(way)->epoch++;
	cr_assert(stage_run(stage, &from_db, &packet).passed, "it is of another group now");
	way_close(way);
	stage_close(stage);
}

static void expect_answers(struct way *way, struct stage *stage, bool ipv4, uint8_t protocol)
{
	struct way_talk talk = way_talk(ipv4, protocol);
	struct packet_spec opening = talk.there;
	struct stage_result result;

	opening.tcp_flags = PACKET_TCP_SYN;
	for (int i = 0; i < ROUNDS; i++) {
		way_forget(way);
		EXPECT_DENIED(way, &FROM_BACK, &talk.in);
		cr_assert(stage_sends(stage, STAGE_FRONT, &opening));
		way_run(way, &FROM_BACK, &talk.in, &result);
		cr_assert(result.passed, "IPv%d, protocol %d: now it is an answer", ipv4 ? 4 : 6, protocol);
	}
}

Test(repeat, what_has_become_an_answer_passes)
{
	const struct epg_load_options load = {.size = sizeof(load), .flows = 64};
	struct stage *stage = stage_open_with(STAGE_POLICY, &load);
	struct way *way = settle(stage);

	for (int i = 0; i < 4; i++)
		expect_answers(way, stage, i & 1, i & 2 ? 6 : 17);
	way_close(way);
	stage_close(stage);
}

/* ---- its like ---- */

/* Permitted after the denied one in the same breath, and not tracked. */
static void expect_told_apart(const char *entry, const struct packet_spec *denied, const struct packet_spec *permitted)
{
	char *policy = stage_policy_with(STAGE_POLICY, "{name: sql, prot: tcp, dPort: 5432, stateful: false}", entry);
	struct stage *stage = stage_open(policy);
	struct packet no = way_build(denied), yes = way_build(permitted);
	struct stage_hook from_back = {.program = STAGE_INGRESS, .interface = STAGE_BACK};
	struct way *way = settle(stage);

	for (int i = 0; i < ROUNDS; i++) {
		EXPECT_DENIED(way, &from_back, &no);
		cr_assert(stage_run(stage, &from_back, &yes).passed, "%s", entry);
		EXPECT_DENIED(way, &from_back, &no);
	}
	way_close(way);
	stage_close(stage);
	free(policy);
}

static struct packet_spec query(bool ipv4)
{
	struct packet_spec spec = stage_spec(ipv4, STAGE_BACK, stage_host(STAGE_DB));

	spec.destination_port = 5432;
	return spec;
}

Test(repeat, tcp_flags_are_told_apart)
{
	struct packet_spec denied = query(true), permitted = query(true);

	permitted.tcp_flags = PACKET_TCP_ACK;
	expect_told_apart("{name: sql, prot: tcp, dPort: 5432, tcpFlags: est, stateful: false}", &denied, &permitted);
}

Test(repeat, dscp_is_told_apart_ipv4)
{
	struct packet_spec denied = query(true), permitted = query(true);

	permitted.dscp = 46;
	expect_told_apart("{name: sql, prot: tcp, dPort: 5432, matchDscp: EF, stateful: false}", &denied, &permitted);
}

Test(repeat, dscp_is_told_apart_ipv6)
{
	struct packet_spec denied = query(false), permitted = query(false);

	permitted.dscp = 46;
	expect_told_apart("{name: sql, prot: tcp, dPort: 5432, matchDscp: EF, stateful: false}", &denied, &permitted);
}

/* An endpoint that talks to itself is both ends of a flow: only the ports tell who says what. */
Test(repeat, the_other_way_round_is_another_packet)
{
	const struct epg_load_options load = {.size = sizeof(load), .flows = 64};
	struct packet_spec denied = stage_spec(true, STAGE_BACK, stage_host(STAGE_BACK)), permitted = denied;
	char *policy = stage_policy_with(STAGE_POLICY, "      consume: [sql, alt]\n",
					 "      consume: [sql, alt]\n      intraEpg: {contracts: [web]}\n");
	struct stage *stage = stage_open_with(policy, &load);
	struct way *way = settle(stage);
	struct packet no, yes;

	denied.source_port = permitted.destination_port = 80;
	denied.destination_port = permitted.source_port = 700;
	no = way_build(&denied);
	yes = way_build(&permitted);
	for (int i = 0; i < ROUNDS; i++) {
		way_forget(way);
		EXPECT_DENIED(way, &FROM_BACK, &no);
		cr_assert(stage_run(stage, &FROM_BACK, &yes).passed);
	}
	way_close(way);
	stage_close(stage);
	free(policy);
}

/* What is remembered of one has the place of some others: of a few in a hundred, by chance. */
Test(repeat, other_addresses_and_ports_are_other_packets)
{
	const struct epg_load_options load = {.size = sizeof(load), .flows = 64};
	struct stage *stage = stage_open_with(STAGE_POLICY, &load);
	struct way *way = settle(stage);

	for (unsigned int i = 0; i < 8000; i++) {
		bool ipv4 = i & 1;
		struct packet_spec denied = to_port(ipv4, STAGE_FRONT, 80), permitted = denied;

		if (i & 2) {
			denied.destination_port = 22;
			permitted.source_port = 1024 + (uint16_t)i;
		} else {
			/* Of nobody: outside. */
			memcpy(denied.destination + (ipv4 ? 12 : 0), (uint8_t[]){32, 1, 5, 5}, 4);
			denied.destination[14] = (uint8_t)(i >> 8);
			denied.destination[15] = (uint8_t)i;
		}
		cr_assert_not(stage_sends(stage, STAGE_FRONT, &denied));
		cr_assert(stage_sends(stage, STAGE_FRONT, &permitted), "%u", i);
		if (i % 16 == 0)
			way_forget(way);
	}
	way_close(way);
	stage_close(stage);
}

/* ---- by whom ---- */

Test(repeat, who_takes_the_senders_address_is_told_so)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = to_port(true, STAGE_FRONT, 22);
	struct packet packet = way_build(&spec), taken;
	struct way *way = settle(stage);

	stage_mac(stage_host(STAGE_FRONT2), spec.source_mac);
	taken = way_build(&spec);
	for (int i = 0; i < ROUNDS; i++) {
		struct tally before = way_tally(way), counted;

		EXPECT_DENIED(way, &FROM_FRONT, &packet);
		cr_assert_not(stage_run(stage, &FROM_FRONT2, &taken).passed);
		cr_assert_not(stage_run(stage, &FROM_FRONT2, &taken).passed, "nor is that repeated as something else");
		counted = way_counted(way, &before);
		cr_assert_eq(counted.drops[EPG_REASON_SPOOFED_ADDRESS], 2);
	}
	way_close(way);
	stage_close(stage);
}

Test(repeat, an_endpoint_that_is_gone_or_another_is_told_so)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	const char *address = "10.1.0.9";
	struct epg_endpoint_spec change = {.size = sizeof(change),
					   .interface = "front",
					   .group = "shop/store/front",
					   .addresses = &address,
					   .n_addresses = 1,
					   .mac = "02:00:00:00:00:02"};
	struct packet_spec spec = to_port(true, STAGE_FRONT, 22);
	struct packet packet = way_build(&spec);
	struct way *way = settle(stage);

	EXPECT_DENIED(way, &FROM_FRONT, &packet);
	cr_assert_eq(epg_endpoint_add(stage_epg(stage), &change), 0, "%s", epg_error(stage_epg(stage))->message);
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS, stage_run(stage, &FROM_FRONT, &packet).passed);
	cr_assert_eq(epg_endpoint_remove(stage_epg(stage), "front"), 0);
	STAGE_EXPECT_DROP(stage, EPG_REASON_QUARANTINE, stage_run(stage, &FROM_FRONT, &packet).passed);
	way_close(way);
	stage_close(stage);
}

Test(repeat, an_address_that_moves_is_decided_anew)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	const char *addresses[] = {"10.1.0.4", "10.1.0.40"};
	struct epg_endpoint_spec change = {.size = sizeof(change),
					   .interface = "back",
					   .group = "shop/store/back",
					   .addresses = addresses,
					   .n_addresses = 2};
	struct packet_spec spec = stage_spec(true, STAGE_FRONT, 40);
	struct way *way = settle(stage);
	struct packet packet;

	/* Nobody's: of the external group world, with which front has no contract. */
	spec.destination_port = 80;
	packet = way_build(&spec);
	deny(way, &FROM_FRONT, &packet);
	cr_assert_eq(epg_endpoint_add(stage_epg(stage), &change), 0, "%s", epg_error(stage_epg(stage))->message);
	cr_assert(stage_run(stage, &FROM_FRONT, &packet).passed);
	way_close(way);
	stage_close(stage);
}

/* ---- who wants to know ---- */

Test(repeat, who_watches_is_told_each_time)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = to_port(true, STAGE_FRONT, 22);
	struct packet packet = way_build(&spec);
	struct way *way = settle(stage);

	for (int i = 0; i < ROUNDS; i++) {
		EXPECT_DENIED(way, &FROM_FRONT, &packet);
		way_control(way)->watch_until_ns = UINT64_MAX;
		way_control(way)->watch = EPG_WATCH_DENY;
		cr_assert_not(way_run(way, &FROM_FRONT, &packet, NULL));
		way_control(way)->watch = 0;
	}
	way_close(way);
	stage_close(stage);
}

Test(repeat, an_audit_is_counted_each_time)
{
	char *policy = stage_policy_with(STAGE_POLICY, "{name: web, subjects: [{name: all, filters: [web]}]}",
					 "{name: web, subjects: [{name: all, filters: [web]}, {name: trial, mode: "
					 "audit, filters: [alt]}]}");
	struct stage *stage = stage_open(policy);
	struct packet_spec spec = to_port(true, STAGE_FRONT, 8080);
	struct packet packet = way_build(&spec);
	struct way *way = settle(stage);

	for (int i = 0; i < PACKETS; i++)
		cr_assert_not(stage_run(stage, &FROM_FRONT, &packet).passed);
	cr_assert_eq(stage_stat(stage, EPG_STAT_WOULD_PERMIT), PACKETS);
	cr_assert_eq(stage_drops(stage, EPG_REASON_IMPLICIT_DENY),
		     stage_implicit_packets(stage, EPG_RULE_IMPLICIT_DENY));
	way_close(way);
	stage_close(stage);
	free(policy);
}
