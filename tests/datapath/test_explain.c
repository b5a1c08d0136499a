// SPDX-License-Identifier: GPL-2.0-only
/* Explain: the program's own answer, in words, without a trace left behind. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "ask.h"
#include "environment.h"

Test(explain, a_permit_names_rule_line_and_both_sides)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_answer answer = ask(stage, QUESTION(.source = "front", .destination = "10.1.0.4", .protocol = "tcp",
						       .destination_port = 80));

	cr_assert_eq(answer.verdict, EPG_PERMIT);
	cr_assert_eq(answer.reason, EPG_REASON_NONE);
	cr_assert_eq(answer.level, EPG_LEVEL_FILTERED);
	cr_assert_str_eq(answer.source_group, "shop/store/front");
	cr_assert_str_eq(answer.source_interface, "front");
	cr_assert_str_eq(answer.source_address, "10.1.0.2");
	cr_assert_str_eq(answer.destination_group, "shop/store/back");
	cr_assert_str_eq(answer.destination_interface, "back");
	cr_assert_str_eq(answer.destination_address, "10.1.0.4");
	cr_assert_not_null(answer.rule);
	cr_assert_str_eq(answer.rule->contract, "shop/web");
	cr_assert_str_eq(answer.rule->subject, "all");
	cr_assert_str_eq(answer.rule->entry, "web");
	cr_assert_str_eq(answer.rule->file, "stage.yaml");
	cr_assert_eq(answer.rule->line, 13);
	cr_assert_str_eq(answer.rule->match, "tcp dport 80-443");
	cr_assert_eq(answer.n_near_misses, 0);
	stage_close(stage);
}

Test(explain, a_denial_tells_what_nearly_matched_and_what_to_write)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_answer answer = ask(stage, QUESTION(.source = "front", .destination = "back", .protocol = "tcp",
						       .destination_port = 22));

	cr_assert_eq(answer.verdict, EPG_DENY);
	cr_assert_eq(answer.reason, EPG_REASON_IMPLICIT_DENY);
	cr_assert_str_eq(answer.reason_text, "no contract permits it");
	cr_assert_eq(answer.level, EPG_LEVEL_IMPLICIT);
	cr_assert_gt(answer.n_near_misses, 0);
	cr_assert_str_eq(answer.near_misses[0].rule->entry, "web");
	cr_assert_str_eq(answer.near_misses[0].why, "destination port 22 is not in 80-443");

	answer = ask(stage,
		     QUESTION(.source = "front", .destination = "db", .protocol = "tcp", .destination_port = 5432));
	cr_assert_eq(answer.verdict, EPG_DENY);
	cr_assert_str_eq(answer.near_misses[0].why, "shop/store/front does not consume it");
	cr_assert_str_eq(answer.remedy.hint, "add \"sql\" to consume of shop/store/front (stage.yaml:30)");
	stage_close(stage);
}

Test(explain, leaves_neither_counters_nor_flows_nor_addresses)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_status before, after;
	uint64_t packets = stage_rule_packets(stage, "shop/web", "web");

	cr_assert_eq(epg_status(stage_epg(stage), &before), 0);
	ask(stage, QUESTION(.source = "front", .destination = "10.1.0.4", .protocol = "tcp", .destination_port = 80));
	ask(stage, QUESTION(.source = "front", .destination = "10.1.0.4", .protocol = "tcp", .destination_port = 22));
	ask(stage, QUESTION(.source = "8.8.8.8", .destination = "back", .protocol = "tcp", .destination_port = 80));
	cr_assert_eq(epg_status(stage_epg(stage), &after), 0);
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "web"), packets);
	cr_assert_eq(after.permitted_packets, before.permitted_packets);
	cr_assert_eq(after.dropped_packets, before.dropped_packets);
	cr_assert_eq(after.flows, 0);
	cr_assert_eq(memcmp(after.stats, before.stats, sizeof(after.stats)), 0);
	stage_close(stage);
}

Test(explain, says_the_same_as_the_datapath)
{
	static const uint16_t ports[] = {22, 79, 80, 81, 443, 444, 5432};
	struct stage *stage = stage_open(STAGE_POLICY);

	for (int from = STAGE_FRONT; from <= STAGE_DB; from++) {
		for (int to = STAGE_FRONT; to <= STAGE_DB; to++) {
			for (size_t i = 0; from != to && i < sizeof(ports) / sizeof(ports[0]); i++) {
				struct packet_spec spec = stage_spec(false, from, stage_host(to));
				struct epg_answer answer =
					ask(stage,
					    QUESTION(.source = stage_interface_name(from), .destination_port = ports[i],
						     .destination = stage_interface_name(to), .protocol = "tcp"));

				spec.destination_port = ports[i];
				cr_assert_eq(stage_sends(stage, from, &spec), answer.verdict == EPG_PERMIT,
					     "%s -> %s port %u", stage_interface_name(from), stage_interface_name(to),
					     ports[i]);
			}
		}
	}
	stage_close(stage);
}

Test(explain, from_outside_the_destinations_hook_answers)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_answer answer = ask(stage, QUESTION(.source = "192.0.2.9", .destination = "back", .protocol = "tcp",
						       .destination_port = 443));

	cr_assert_eq(answer.verdict, EPG_PERMIT);
	cr_assert_str_eq(answer.source_group, "shop/partners");
	cr_assert_str_eq(answer.source_interface, "");
	cr_assert_str_eq(answer.source_address, "192.0.2.9");
	answer = ask(stage, QUESTION(.source = "2001:4860::8", .destination = "back", .protocol = "tcp",
				     .destination_port = 443));
	cr_assert_eq(answer.verdict, EPG_DENY);
	cr_assert_str_eq(answer.source_group, "shop/world");
	cr_assert_str_eq(answer.destination_address, "fd00:1::4", "the family of the other side");
	stage_close(stage);
}

Test(explain, protocols_choose_the_family)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_answer answer = ask(stage, QUESTION(.source = "front", .destination = "back", .protocol = "icmpv6"));

	cr_assert_eq(answer.verdict, EPG_PERMIT);
	cr_assert_str_eq(answer.source_address, "fd00:1::2");
	cr_assert_str_eq(answer.rule->entry, "echo6");
	answer = ask(stage, QUESTION(.source = "front", .destination = "back", .protocol = "icmp"));
	cr_assert_str_eq(answer.rule->entry, "echo4");
	answer = ask(stage, &(struct epg_question){.size = sizeof(struct epg_question),
						   .source = "front",
						   .destination = "back",
						   .protocol = "icmp",
						   .icmp_type = 13});
	cr_assert_eq(answer.verdict, EPG_DENY);
	cr_assert_str_eq(answer.near_misses[0].why, "ICMP type 13 is not 8");
	stage_close(stage);
}

Test(explain, a_tracked_flow_does_not_answer_for_the_policy)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec opening = stage_spec(true, STAGE_FRONT, stage_host(STAGE_BACK));
	struct packet_spec reply = stage_spec(true, STAGE_BACK, stage_host(STAGE_FRONT));
	struct epg_answer answer;

	opening.destination_port = reply.source_port = 80;
	reply.destination_port = opening.source_port;
	reply.tcp_flags = PACKET_TCP_SYN | PACKET_TCP_ACK;
	cr_assert(stage_sends(stage, STAGE_FRONT, &opening));
	answer = ask(stage, QUESTION(.source = "back", .destination = "front", .protocol = "tcp", .source_port = 80,
				     .destination_port = opening.source_port, .tcp_flags = reply.tcp_flags));
	cr_assert_eq(answer.verdict, EPG_DENY);
	cr_assert(strstr(answer.near_misses[0].why, "as answers only"), "%s", answer.near_misses[0].why);
	cr_assert(stage_sends(stage, STAGE_BACK, &reply), "the live program goes by the flow");
	stage_close(stage);
}

Test(explain, an_attached_interface_without_endpoint_is_quarantined)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_answer answer;

	expect_failure(stage, QUESTION(.source = "nobody", .destination = "10.1.0.4", .protocol = "icmp"), -ENOENT,
		       EPG_FAILURE_NOT_FOUND);
	cr_assert_eq(epg_attach(stage_epg(stage), "nobody", NULL), 0);
	answer = ask(stage, QUESTION(.source = "nobody", .destination = "10.1.0.4", .protocol = "icmp"));
	cr_assert_eq(answer.verdict, EPG_DENY);
	cr_assert_eq(answer.reason, EPG_REASON_QUARANTINE);
	cr_assert_str_eq(answer.source_address, "");
	cr_assert_neq(answer.remedy.hint[0], '\0');
	stage_close(stage);
}

Test(explain, questions_without_answer_fail_in_words)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	expect_failure(stage, QUESTION(.source = "front", .destination = "back", .protocol = "tcp"), -EINVAL,
		       EPG_FAILURE_INPUT);
	expect_failure(stage, QUESTION(.source = "front", .destination = "back", .protocol = "tpc"), -EINVAL,
		       EPG_FAILURE_INPUT);
	expect_failure(stage, QUESTION(.source = "front", .protocol = "icmp"), -EINVAL, EPG_FAILURE_INPUT);
	expect_failure(stage, QUESTION(.source = "front", .destination = "fd00:1::4", .protocol = "icmp"), -EINVAL,
		       EPG_FAILURE_INPUT);
	expect_failure(stage, QUESTION(.source = "fd00:1::2", .destination = "10.1.0.4", .protocol = "50"), -EINVAL,
		       EPG_FAILURE_INPUT);
	expect_failure(stage, QUESTION(.source = "front", .destination = "back", .protocol = "icmp", .icmp_code = 256),
		       -EINVAL, EPG_FAILURE_INPUT);
	expect_failure(stage, QUESTION(.source = "no-such-if", .destination = "10.1.0.4", .protocol = "icmp"), -ENOENT,
		       EPG_FAILURE_NOT_FOUND);
	expect_failure(stage, QUESTION(.source = "8.8.8.8", .destination = "9.9.9.9", .protocol = "icmp"), -ENOENT,
		       EPG_FAILURE_NOT_FOUND);
	expect_failure(stage, QUESTION(.source = "guest", .destination = "back", .protocol = "icmp"), -ENOENT,
		       EPG_FAILURE_NOT_FOUND);
	expect_failure(stage, QUESTION(.source = "front", .destination = "back", .protocol = "icmp", .vrf = "shop/no"),
		       -ENOENT, EPG_FAILURE_NOT_FOUND);
	stage_close(stage);
}

Test(explain, without_a_policy_there_is_nothing_to_explain)
{
	struct stage *stage = stage_open(NULL);

	expect_failure(stage, QUESTION(.source = "front", .destination = "back", .protocol = "icmp"), -ENOENT,
		       EPG_FAILURE_NOT_FOUND);
	stage_close(stage);
}

/* ---- reasons that no rule has ---- */

static void expect_reason(struct stage *stage, const struct epg_question *question, enum epg_reason reason)
{
	struct epg_answer answer = ask(stage, question);

	cr_assert_eq(answer.verdict, EPG_DENY);
	cr_assert_eq(answer.reason, reason, "%s instead of %s", epg_reason_name(answer.reason),
		     epg_reason_name(reason));
	cr_assert(*answer.remedy.hint, "%s: nobody knows what to do", epg_reason_name(reason));
	cr_assert_null(answer.rule);
}

Test(explain, what_no_host_may_send_is_denied_whatever_rules_say)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	expect_reason(stage,
		      QUESTION(.source = "front", .destination = "127.0.0.1", .protocol = "tcp",
			       .destination_port = 80),
		      EPG_REASON_MARTIAN);
	expect_reason(stage,
		      QUESTION(.source = "front", .destination = "back", .protocol = "tcp", .destination_port = 80,
			       .tcp_flags = PACKET_TCP_SYN | PACKET_TCP_FIN),
		      EPG_REASON_TCP_FLAGS);
	stage_close(stage);
}

/* ---- endpoints that are no interfaces of the host ---- */

static void add(struct stage *stage, const char *name, const char *group, const char *address)
{
	struct epg_endpoint_spec spec = {
		.size = sizeof(spec),
		.interface = name,
		.group = group,
		.addresses = &address,
		.n_addresses = 1,
	};

	cr_assert_eq(epg_endpoint_add(stage_epg(stage), &spec), 0, "%s: %s", epg_error(stage_epg(stage))->message,
		     epg_error(stage_epg(stage))->where);
}

/* From and to the endpoint `name`, which owns `address` and is of group front. */
static void expect_asked_about(struct stage *stage, const char *name, const char *address)
{
	struct epg_answer answer =
		ask(stage, QUESTION(.source = name, .destination = "back", .protocol = "tcp", .destination_port = 80));

	cr_assert_eq(answer.verdict, EPG_PERMIT, "%s: %s", name, epg_reason_name(answer.reason));
	cr_assert_str_eq(answer.source_interface, name);
	cr_assert_str_eq(answer.source_address, address);
	cr_assert_str_eq(answer.rule->contract, "shop/web");
	answer = ask(stage,
		     QUESTION(.source = address, .destination = "back", .protocol = "tcp", .destination_port = 22));
	cr_assert_eq(answer.reason, EPG_REASON_IMPLICIT_DENY);
	cr_assert_str_eq(answer.source_interface, name, "who owns the address is asked");
	answer = ask(stage,
		     QUESTION(.source = "192.0.2.1", .destination = name, .protocol = "tcp", .destination_port = 443));
	cr_assert_eq(answer.reason, EPG_REASON_IMPLICIT_DENY, "%s: %s", name, epg_reason_name(answer.reason));
	cr_assert_str_eq(answer.destination_interface, name);
	cr_assert_str_eq(answer.source_group, "shop/partners");
}

Test(explain, stations_behind_an_interface_can_be_asked_about)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_question nobody = {.size = sizeof(nobody),
				      .icmp_type = -1,
				      .source = "nobody/121",
				      .destination = "back",
				      .protocol = "udp",
				      .destination_port = 53};
	struct epg_answer answer;

	add(stage, "nobody/120", "shop/store/front", "10.1.0.20");
	add(stage, "nobody/02:00:00:00:00:21", "shop/store/front", "10.1.0.21");
	add(stage, "nobody/130/02:00:00:00:00:22", "shop/store/front", "10.1.0.22");
	expect_asked_about(stage, "nobody/120", "10.1.0.20");
	expect_asked_about(stage, "nobody/02:00:00:00:00:21", "10.1.0.21");
	expect_asked_about(stage, "nobody/130/02:00:00:00:00:22", "10.1.0.22");
	cr_assert_eq(epg_explain(stage_epg(stage), &nobody, &answer), -ENOENT);
	nobody.source = "nobody";
	cr_assert_eq(ask(stage, &nobody).reason, EPG_REASON_QUARANTINE, "the interface itself is bound to nothing");
	stage_close(stage);
}

Test(explain, a_device_inside_a_container_can_be_asked_about)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	char namespace[64], name[128];

	snprintf(namespace, sizeof(namespace), "epgt-%d-explain", (int)getpid());
	snprintf(name, sizeof(name), "eth0@/run/netns/%s", namespace);
	cr_assert_eq(environment_run("ip netns add %s && ip link add link nobody name eth0 netns %s type macvlan mode "
				     "bridge && ip -n %s link set eth0 up",
				     namespace, namespace, namespace),
		     0);
	add(stage, name, "shop/store/front", "10.1.0.23");
	expect_asked_about(stage, name, "10.1.0.23");
	cr_assert_eq(environment_run("ip netns del %s", namespace), 0);
	stage_close(stage);
}
