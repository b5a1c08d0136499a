// SPDX-License-Identifier: GPL-2.0-only
/* Tracked flows as they are listed and forgotten. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <netinet/in.h>

#include "stage.h"

static bool send_web(struct stage *stage, uint16_t port, uint8_t flags)
{
	struct packet_spec spec = stage_spec(true, STAGE_FRONT, stage_host(STAGE_BACK));

	spec.destination_port = port;
	spec.source_port = 40000;
	spec.tcp_flags = flags;
	return stage_sends(stage, STAGE_FRONT, &spec);
}

/* The last flow told, in a line: its strings live only until the callback returns. */
struct told {
	size_t count;
	char text[512];
	uint64_t idle_ms, expires_ms;
};

static int tell(void *user, const struct epg_flow_info *flow)
{
	struct told *told = user;

	told->count++;
	told->idle_ms = flow->idle_ms;
	told->expires_ms = flow->expires_ms;
	snprintf(told->text, sizeof(told->text), "%s %s %s %s %u -> %s %s %s %u %s %s%s%s by %s", flow->protocol,
		 flow->source_group, flow->source_interface, flow->source_address, flow->source_port,
		 flow->destination_group, flow->destination_interface, flow->destination_address,
		 flow->destination_port, flow->vrf, flow->state, flow->revoked ? " revoked" : "",
		 flow->current ? "" : " stale", flow->rule ? flow->rule->contract : "nobody");
	return 0;
}

static struct told list(struct stage *stage, const struct epg_flow_filter *filter)
{
	struct told told = {0};

	cr_assert_eq(epg_flows_each(stage_epg(stage), filter, tell, &told), 0, "%s",
		     epg_error(stage_epg(stage))->message);
	return told;
}

#define COUNT(stage, ...) \
	list(stage, &(struct epg_flow_filter){.size = sizeof(struct epg_flow_filter), __VA_ARGS__}).count

Test(flow_list, a_flow_is_told_from_its_opener_on)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct told told;

	cr_assert_eq(list(stage, NULL).count, 0);
	cr_assert(send_web(stage, 80, PACKET_TCP_SYN));
	told = list(stage, NULL);
	cr_assert_eq(told.count, 1);
	cr_assert_str_eq(told.text, "tcp shop/store/front front 10.1.0.2 40000 -> "
				    "shop/store/back back 10.1.0.4 80 shop/prod new by shop/web");
	stage_close(stage);
}

Test(flow_list, an_echo_is_told_with_its_identifier_and_type)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec spec = stage_spec(true, STAGE_FRONT, stage_host(STAGE_BACK));

	spec.protocol = IPPROTO_ICMP;
	spec.icmp_type = 8;
	spec.icmp_id = 77;
	cr_assert(stage_sends(stage, STAGE_FRONT, &spec));
	cr_assert_str_eq(list(stage, NULL).text, "icmp shop/store/front front 10.1.0.2 77 -> "
						 "shop/store/back back 10.1.0.4 8 shop/prod new by shop/web");
	stage_close(stage);
}

Test(flow_list, time_runs_until_a_flow_is_forgotten)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct told told;

	cr_assert(send_web(stage, 80, PACKET_TCP_SYN));
	told = list(stage, NULL);
	cr_assert_lt(told.idle_ms, 5000);
	cr_assert_eq((told.idle_ms + told.expires_ms + 500) / 1000, 60, "a new TCP flow is remembered for a minute");
	stage_shift_flows(stage, -1000000);
	cr_assert_eq(list(stage, NULL).count, 0, "idle for longer than its timeout: forgotten");
	stage_close(stage);
}

Test(flow_list, filters_agree_with_all_that_is_given)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	cr_assert(send_web(stage, 80, PACKET_TCP_SYN));
	cr_assert(send_web(stage, 443, PACKET_TCP_SYN));
	cr_assert_eq(COUNT(stage, .port = 80), 1);
	cr_assert_eq(COUNT(stage, .interface = "back"), 2);
	cr_assert_eq(COUNT(stage, .interface = "db"), 0);
	cr_assert_eq(COUNT(stage, .group = "shop/store/front", .port = 443), 1);
	cr_assert_eq(COUNT(stage, .group = "shop/store/db"), 0);
	cr_assert_eq(COUNT(stage, .address = "10.1.0.0/24", .state = "new"), 2);
	cr_assert_eq(COUNT(stage, .state = "established"), 0);
	stage_close(stage);
}

Test(flow_list, a_policy_makes_flows_stale_and_revokes_them)
{
	char *without = stage_policy_with(STAGE_POLICY, "      consume: [web]\n", "      consume: []\n");
	struct stage *stage = stage_open(STAGE_POLICY);

	cr_assert(send_web(stage, 80, PACKET_TCP_SYN));
	stage_apply(stage, without);
	cr_assert_str_eq(strstr(list(stage, NULL).text, "shop/prod"), "shop/prod new stale by shop/web",
			 "the rule is that of the generation before");
	cr_assert_eq(COUNT(stage, .revoked = true), 0);
	cr_assert_not(send_web(stage, 80, PACKET_TCP_ACK));
	cr_assert_eq(COUNT(stage, .revoked = true), 1, "its next packet was decided anew");
	free(without);
	stage_close(stage);
}

Test(flow_list, who_is_bound_otherwise_makes_flows_stale)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	cr_assert(send_web(stage, 80, PACKET_TCP_SYN));
	cr_assert_eq(epg_endpoint_remove(stage_epg(stage), "db"), 0);
	cr_assert_str_eq(strstr(list(stage, NULL).text, "shop/prod"), "shop/prod new stale by shop/web");
	stage_close(stage);
}

Test(flow_list, a_flush_forgets_what_the_filter_selects)
{
	struct epg_flow_filter web = {.size = sizeof(web), .port = 80};
	struct stage *stage = stage_open(STAGE_POLICY);
	size_t count = 99;

	cr_assert(send_web(stage, 80, PACKET_TCP_SYN));
	cr_assert(send_web(stage, 443, PACKET_TCP_SYN));
	cr_assert_eq(epg_flows_flush(stage_epg(stage), &web, &count), 0);
	cr_assert_eq(count, 1);
	cr_assert_eq(COUNT(stage, .port = 80), 0);
	cr_assert_eq(COUNT(stage, .port = 443), 1, "the other one stays");
	cr_assert_eq(epg_flows_flush(stage_epg(stage), NULL, NULL), 0);
	cr_assert_eq(list(stage, NULL).count, 0);
	stage_close(stage);
}

Test(flow_list, what_does_not_exist_is_said)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	static const struct {
		struct epg_flow_filter filter;
		int error;
		enum epg_failure failure;
	} wrong[] = {
		{{.size = sizeof(struct epg_flow_filter), .interface = "nowhere"}, -ENOENT, EPG_FAILURE_NOT_FOUND},
		{{.size = sizeof(struct epg_flow_filter), .group = "a/b/c"}, -ENOENT, EPG_FAILURE_NOT_FOUND},
		{{.size = sizeof(struct epg_flow_filter), .state = "open"}, -EINVAL, EPG_FAILURE_INPUT},
	};
	struct told told = {0};

	cr_assert(send_web(stage, 80, PACKET_TCP_SYN));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		cr_assert_eq(epg_flows_each(stage_epg(stage), &wrong[i].filter, tell, &told), wrong[i].error);
		cr_assert_eq(epg_error(stage_epg(stage))->failure, wrong[i].failure);
		cr_assert_eq(epg_flows_flush(stage_epg(stage), &wrong[i].filter, NULL), wrong[i].error);
	}
	cr_assert_eq(told.count, 0);
	cr_assert_eq(list(stage, NULL).count, 1, "nothing was flushed");
	stage_close(stage);
}

static int stop(void *user, const struct epg_flow_info *flow)
{
	(void)flow;
	return ++*(int *)user == 1 ? 42 : 0;
}

Test(flow_list, a_walk_ends_where_it_is_told_to)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	int calls = 0;

	cr_assert(send_web(stage, 80, PACKET_TCP_SYN));
	cr_assert(send_web(stage, 443, PACKET_TCP_SYN));
	cr_assert_eq(epg_flows_each(stage_epg(stage), NULL, stop, &calls), 42);
	cr_assert_eq(calls, 1);
	stage_close(stage);
}

/* Copies of the only flow, each with a port and an address of its own. */
static void fill(struct stage *stage, uint32_t n)
{
	struct flow_table table = stage_flow_table(stage);
	struct epg_flow first = {0};

	for (size_t group = 0; !first.key[1] && group < table.n_groups; group++)
		first = table.groups[group].flow[0];
	cr_assert_neq(first.key[1], EPG_FLOW_UNUSED);
	cr_assert_geq(table.n_groups * EPG_FLOW_WAYS, n);
	for (uint32_t i = 0; i < n; i++) {
		struct epg_flow *flow = &table.groups[i / EPG_FLOW_WAYS].flow[i % EPG_FLOW_WAYS];

		*flow = first;
		flow->key[0] ^= (uint64_t)(i >> 16) << 48;
		flow->key[1] ^= (uint64_t)(i & 0xffff) << 48;
	}
	flow_table_close(&table);
}

Test(flow_list, a_hundred_thousand_flows_are_told_at_once)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct timespec begin, end;
	size_t count = 0;

	cr_assert(send_web(stage, 80, PACKET_TCP_SYN));
	fill(stage, 100000);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	count = list(stage, NULL).count;
	clock_gettime(CLOCK_MONOTONIC, &end);
	cr_assert_geq(count, 100000);
	cr_assert_lt(end.tv_sec - begin.tv_sec, 5, "even with sanitizers on a busy machine");
	cr_assert_eq(epg_flows_flush(stage_epg(stage), NULL, &count), 0);
	cr_assert_geq(count, 100000);
	cr_assert_eq(list(stage, NULL).count, 0);
	stage_close(stage);
}
