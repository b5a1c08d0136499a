// SPDX-License-Identifier: GPL-2.0-only
/* Which tracked flows a policy would cut: said before it is applied, and held against what it then does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "stage.h"

struct changes {
	size_t denied, kept, others;
	char last_denied[512], last_kept[512];
	uint32_t line;
	struct epg_diff_result result;
};

static int take_change(void *user, const struct epg_change *change)
{
	struct changes *changes = user;

	if (change->kind == EPG_CHANGE_DENIED) {
		changes->denied++;
		changes->line = change->line;
		snprintf(changes->last_denied, sizeof(changes->last_denied), "%s: %s", change->name, change->detail);
	} else if (change->kind == EPG_CHANGE_KEPT) {
		changes->kept++;
		snprintf(changes->last_kept, sizeof(changes->last_kept), "%s: %s", change->name, change->detail);
	} else {
		changes->others++;
		cr_assert_str_neq(change->object, "flow");
	}
	return 0;
}

static struct changes diff_at_most(struct stage *stage, const char *text, size_t max_flows)
{
	struct epg_policy_source source = {.size = sizeof(source),
					   .path = "new.yaml",
					   .text = text,
					   .length = strlen(text)};
	struct epg_diff_options options = {.size = sizeof(options), .max_flows = max_flows};
	struct changes changes = {0};
	struct epg_policy *policy;

	cr_assert_eq(epg_policy_read(stage_epg(stage), &source, &policy, NULL), 0, "%s",
		     epg_error(stage_epg(stage))->message);
	cr_assert_eq(epg_diff(stage_epg(stage), policy, &options, take_change, &changes, &changes.result), 0, "%s",
		     epg_error(stage_epg(stage))->message);
	epg_policy_free(policy);
	cr_assert_eq(changes.result.changes, changes.others);
	return changes;
}

static struct changes diff(struct stage *stage, const char *text)
{
	return diff_at_most(stage, text, 0);
}

static struct packet_spec web(bool ipv4, uint16_t source_port)
{
	struct packet_spec spec = stage_spec(ipv4, STAGE_FRONT, stage_host(STAGE_BACK));

	spec.source_port = source_port;
	spec.destination_port = 80;
	return spec;
}

static void open_flows(struct stage *stage)
{
	struct packet_spec ipv4 = web(true, 40000), ipv6 = web(false, 40001);
	struct packet_spec ping = stage_spec(true, STAGE_FRONT, stage_host(STAGE_BACK));

	ping.protocol = 1;
	ping.icmp_type = 8;
	ping.icmp_id = 7;
	cr_assert(stage_sends(stage, STAGE_FRONT, &ipv4));
	cr_assert(stage_sends(stage, STAGE_FRONT, &ipv6));
	cr_assert(stage_sends(stage, STAGE_FRONT, &ping));
}

Test(diff, flows_that_go_on_are_only_counted)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct changes changes;

	open_flows(stage);
	changes = diff(stage, STAGE_POLICY);
	cr_assert_eq(changes.result.flows, 3);
	cr_assert_eq(changes.result.flows_denied + changes.result.flows_kept + changes.denied, 0, "%s",
		     changes.last_denied);
	stage_close(stage);
}

Test(diff, flows_that_lose_their_permit_are_told_and_then_cut)
{
	char *policy = stage_policy_with(STAGE_POLICY, "dPort: 80-443", "dPort: 81-443");
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec ipv4 = web(true, 40000);
	struct changes changes;

	open_flows(stage);
	changes = diff(stage, policy);
	cr_assert_eq(changes.result.flows_denied, 2, "both families, not the ping");
	cr_assert_eq(changes.denied, 2);
	cr_assert_str_eq(changes.last_denied,
			 "tcp [fd00:1::2]:40001 -> [fd00:1::4]:80: shop/store/front -> shop/store/back: "
			 "no contract permits it");
	stage_apply(stage, policy);
	ipv4.tcp_flags = PACKET_TCP_ACK;
	cr_assert_not(stage_sends(stage, STAGE_FRONT, &ipv4));
	stage_close(stage);
	free(policy);
}

Test(diff, what_denies_is_named_with_its_line)
{
	char *policy = stage_policy_with(STAGE_POLICY, "      consume: [sql, alt]\n",
					 "      consume: [sql, alt]\n      taboos: [no-web]\n");
	char *text = stage_policy_with(policy, "  appProfiles:\n",
				       "  taboos: [{name: no-web, filters: [http]}]\n  appProfiles:\n");
	struct stage *stage = stage_open(STAGE_POLICY);
	struct changes changes;

	open_flows(stage);
	changes = diff(stage, text);
	cr_assert_eq(changes.denied, 2);
	cr_assert(strstr(changes.last_denied, "taboo shop/no-web denies it by entry http of filter shop/http"), "%s",
		  changes.last_denied);
	cr_assert_eq(changes.line, 17);
	stage_close(stage);
	free(text);
	free(policy);
}

Test(diff, kept_flows_are_told_as_such_and_then_go_on)
{
	char *before = stage_policy_with(STAGE_POLICY, "{name: web, subjects", "{name: web, onChange: keep, subjects");
	char *after = stage_policy_with(before, "dPort: 80-443", "dPort: 81-443");
	struct stage *stage = stage_open(before);
	struct packet_spec ipv4 = web(true, 40000);
	struct changes changes;

	open_flows(stage);
	changes = diff(stage, after);
	cr_assert_eq(changes.result.flows_denied, 0, "%s", changes.last_denied);
	cr_assert_eq(changes.result.flows_kept, 2);
	cr_assert_eq(changes.kept, 2);
	stage_apply(stage, after);
	ipv4.tcp_flags = PACKET_TCP_ACK;
	cr_assert(stage_sends(stage, STAGE_FRONT, &ipv4));
	stage_close(stage);
	free(after);
	free(before);
}

Test(diff, endpoints_are_where_the_policy_would_put_them)
{
	char *moved = stage_policy_with(
		STAGE_POLICY,
		"      - {interface: front, ips: [10.1.0.2, \"fd00:1::2\"], mac: \"02:00:00:00:00:02\"}\n", "");
	char *text = stage_policy_with(
		moved, "      endpoints: [{interface: guest}]\n",
		"      endpoints: [{interface: guest}, {interface: front, ips: [10.1.0.2, \"fd00:1::2\"]}]\n");
	struct stage *stage = stage_open(STAGE_POLICY);
	struct changes changes;

	open_flows(stage);
	changes = diff(stage, text);
	cr_assert_eq(changes.result.flows_denied, 3);
	cr_assert(strstr(changes.last_denied, "shop/store/guest -> shop/store/back: no contract permits it"), "%s",
		  changes.last_denied);
	changes = diff(stage, moved);
	cr_assert_eq(changes.result.flows_denied, 3);
	cr_assert(strstr(changes.last_denied, "the interface of one end would belong to no group"), "%s",
		  changes.last_denied);
	stage_close(stage);
	free(text);
	free(moved);
}

Test(diff, the_outside_is_classified_by_the_new_prefixes)
{
	char *policy = stage_policy_with(STAGE_POLICY, "subnets: [192.0.2.0/24, ", "subnets: [192.0.2.128/25, ");
	struct stage *stage = stage_open(STAGE_POLICY);
	struct stage_hook egress = {.program = STAGE_EGRESS, .interface = STAGE_BACK};
	struct packet_spec spec = stage_spec(true, STAGE_FRONT, stage_host(STAGE_BACK));
	static const uint8_t partner[16] = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 9};
	struct changes changes;
	struct packet packet;

	memcpy(spec.source, partner, sizeof(partner));
	spec.destination_port = 443;
	cr_assert_eq(packet_build(&spec, &packet), 0);
	cr_assert(stage_run(stage, &egress, &packet).passed);
	changes = diff(stage, policy);
	cr_assert_eq(changes.result.flows, 1);
	cr_assert_eq(changes.result.flows_denied, 1);
	cr_assert(strstr(changes.last_denied, "shop/world -> shop/store/back: no contract permits it"), "%s",
		  changes.last_denied);
	stage_close(stage);
	free(policy);
}

Test(diff, only_some_flows_are_told_and_all_are_counted)
{
	char *policy = stage_policy_with(STAGE_POLICY, "dPort: 80-443", "dPort: 81-443");
	struct stage *stage = stage_open(STAGE_POLICY);
	struct changes changes;

	for (uint16_t port = 40000; port < 40150; port++) {
		struct packet_spec spec = web(true, port);

		cr_assert(stage_sends(stage, STAGE_FRONT, &spec));
	}
	changes = diff(stage, policy);
	cr_assert_eq(changes.denied, 100);
	cr_assert_eq(changes.result.flows_denied, 150);
	cr_assert_eq(diff_at_most(stage, policy, 7).denied, 7);
	stage_close(stage);
	free(policy);
}

Test(diff, idle_flows_are_none)
{
	char *policy = stage_policy_with(STAGE_POLICY, "{name: echo4, prot: icmp, icmpType: echo-request}",
					 "{name: echo4, prot: icmp, icmpType: 13}");
	struct stage *stage = stage_open(STAGE_POLICY);

	open_flows(stage);
	cr_assert_eq(diff(stage, policy).result.flows_denied, 1, "the ping");
	stage_set_timeout(stage, EPG_FLOW_NEW, 5);
	cr_assert_eq(diff(stage, policy).result.flows_denied, 1, "it was seen a moment ago");
	stage_shift_flows(stage, -20000);
	cr_assert_eq(diff(stage, policy).result.flows_denied, 0, "and now long ago");
	stage_close(stage);
	free(policy);
}

Test(diff, a_permit_that_does_not_track_cuts_the_replies)
{
	char *policy = stage_policy_with(STAGE_POLICY, "{name: web, subjects: [{name: all,",
					 "{name: web, subjects: [{name: all, bothDirections: false,");
	struct stage *stage = stage_open(STAGE_POLICY);
	struct changes changes;

	open_flows(stage);
	changes = diff(stage, policy);
	cr_assert_eq(changes.result.flows_denied, 3);
	cr_assert(strstr(changes.last_denied, "replies would be denied"), "%s", changes.last_denied);
	stage_close(stage);
	free(policy);
}
