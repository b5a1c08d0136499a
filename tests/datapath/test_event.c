// SPDX-License-Identifier: GPL-2.0-only
/* What is told to those who watch: the right facts, the right number, and nothing when nobody does. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "stage.h"

struct seen {
	size_t count;
	struct epg_event last;
	char source[EPG_NAME_MAX], destination[EPG_NAME_MAX], entry[64], audited[64];
};

static int see(void *user, const struct epg_event_info *info)
{
	struct seen *seen = user;

	seen->count++;
	seen->last = *info->event;
	strncpy(seen->source, info->source_group, sizeof(seen->source) - 1);
	strncpy(seen->destination, info->destination_group, sizeof(seen->destination) - 1);
	strncpy(seen->entry, info->rule ? info->rule->entry : "", sizeof(seen->entry) - 1);
	strncpy(seen->audited, info->audited_rule ? info->audited_rule->entry : "", sizeof(seen->audited) - 1);
	return 0;
}

static struct packet_spec web(uint16_t port)
{
	struct packet_spec spec = stage_spec(true, STAGE_FRONT, stage_host(STAGE_BACK));

	spec.destination_port = port;
	return spec;
}

Test(event, tells_drops_and_new_flows_with_their_facts)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec denied = web(22), permitted = web(80);
	struct epg_monitor *monitor = NULL;
	struct seen seen = {};

	cr_assert_not(stage_sends(stage, STAGE_FRONT, &denied), "before anybody watches");
	cr_assert_eq(epg_monitor_open(stage_epg(stage), NULL, &monitor), 0, "%s", epg_error(stage_epg(stage))->message);
	cr_assert_eq(epg_monitor_poll(monitor, 0, see, &seen), 0, "nothing was kept from before");
	cr_assert_not(stage_sends(stage, STAGE_FRONT, &denied));
	cr_assert_eq(epg_monitor_poll(monitor, 0, see, &seen), 1);
	cr_assert_eq(seen.last.verdict, EPG_DENY);
	cr_assert_eq(seen.last.reason, EPG_REASON_IMPLICIT_DENY);
	cr_assert_eq(seen.last.level, EPG_LEVEL_IMPLICIT);
	cr_assert_eq(seen.last.ifindex, stage_ifindex(stage, STAGE_FRONT));
	cr_assert_eq(seen.last.source_ifindex, stage_ifindex(stage, STAGE_FRONT));
	cr_assert_eq(seen.last.destination_ifindex, stage_ifindex(stage, STAGE_BACK));
	cr_assert_eq(seen.last.destination_port, 22);
	cr_assert_eq(seen.last.source_port, 40000);
	cr_assert_eq(seen.last.protocol, 6);
	cr_assert_eq(seen.last.tcp_flags, PACKET_TCP_SYN);
	cr_assert_eq(seen.last.hook, EPG_HOOK_TC_INGRESS);
	cr_assert_str_eq(seen.source, "shop/store/front");
	cr_assert_str_eq(seen.destination, "shop/store/back");
	cr_assert(stage_sends(stage, STAGE_FRONT, &permitted));
	permitted.tcp_flags = PACKET_TCP_ACK;
	cr_assert(stage_sends(stage, STAGE_FRONT, &permitted));
	cr_assert_eq(epg_monitor_poll(monitor, 0, see, &seen), 1, "the first packet of a flow, not the second");
	cr_assert_eq(seen.last.verdict, EPG_PERMIT);
	cr_assert_eq(seen.last.level, EPG_LEVEL_FILTERED);
	cr_assert_str_eq(seen.entry, "web");
	epg_monitor_close(monitor);
	stage_close(stage);
}

Test(event, drops_only_means_drops_only)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_monitor_options options = {.size = sizeof(options), .watch = EPG_WATCH_DENY};
	struct packet_spec denied = web(22), permitted = web(80);
	struct epg_monitor *monitor = NULL;
	struct seen seen = {};

	cr_assert_eq(epg_monitor_open(stage_epg(stage), &options, &monitor), 0);
	cr_assert(stage_sends(stage, STAGE_FRONT, &permitted));
	cr_assert_not(stage_sends(stage, STAGE_FRONT, &denied));
	cr_assert_eq(epg_monitor_poll(monitor, 0, see, &seen), 1);
	cr_assert_eq(seen.last.verdict, EPG_DENY);
	epg_monitor_close(monitor);
	stage_close(stage);
}

Test(event, what_is_lost_is_counted)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet_spec denied = web(22);
	struct epg_monitor *monitor = NULL;
	struct seen seen = {};
	const size_t sent = 4000; /* more than 256 KiB of ring hold */
	uint64_t drops;

	cr_assert_eq(epg_monitor_open(stage_epg(stage), NULL, &monitor), 0);
	for (size_t i = 0; i < sent; i++)
		cr_assert_not(stage_sends(stage, STAGE_FRONT, &denied));
	while (epg_monitor_poll(monitor, 0, see, &seen) > 0)
		;
	cr_assert_lt(seen.count, sent);
	cr_assert_eq(seen.count + epg_monitor_lost(monitor), sent, "told %zu, lost %lu", seen.count,
		     (unsigned long)epg_monitor_lost(monitor));
	drops = stage_drops(stage, EPG_REASON_IMPLICIT_DENY);
	cr_assert_eq(drops, sent, "counters lose nothing");
	epg_monitor_close(monitor);
	stage_close(stage);
}

/* What is told when only `watch` is asked for, while a permitted, a denied, a logged and an audited packet come by. */
static size_t told_for(uint32_t watch, struct seen *seen)
{
	char *policy = stage_policy_with(
		STAGE_POLICY, "{name: web, subjects: [{name: all, filters: [web]}]}",
		"{name: web, subjects: [{name: all, filters: [web, {name: alt, action: deny, log: true}]}, "
		"{name: trial, mode: audit, filters: [{name: https, action: deny}]}]}");
	struct epg_monitor_options options = {.size = sizeof(options), .watch = watch};
	const uint16_t ports[] = {80, 22, 8080, 443};
	struct stage *stage = stage_open(policy);
	struct epg_monitor *monitor = NULL;
	int told;

	cr_assert_eq(epg_monitor_open(stage_epg(stage), &options, &monitor), 0);
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		struct packet_spec spec = web(ports[i]);

		cr_assert_eq(stage_sends(stage, STAGE_FRONT, &spec), ports[i] == 80 || ports[i] == 443);
	}
	told = epg_monitor_poll(monitor, 0, see, seen);
	epg_monitor_close(monitor);
	stage_close(stage);
	free(policy);
	return (size_t)told;
}

Test(event, a_monitor_tells_what_it_was_asked_for)
{
	struct seen seen = {};

	cr_assert_eq(told_for(EPG_WATCH_PERMIT, &seen), 2);
	cr_assert_eq(told_for(0, &seen), 4, "all denials and permits");
	cr_assert_eq(told_for(EPG_WATCH_LOG, &seen), 1);
	cr_assert_str_eq(seen.entry, "alt");
	cr_assert_eq(seen.last.verdict, EPG_DENY);
	cr_assert(seen.last.flags & EPG_EVENT_LOG);
	cr_assert_eq(told_for(EPG_WATCH_AUDIT, &seen), 1);
	cr_assert_str_eq(seen.entry, "web", "the rule that has decided");
	cr_assert_str_eq(seen.audited, "https", "and the one that would have");
	cr_assert(seen.last.flags & EPG_EVENT_WOULD_DENY);
	cr_assert_eq(told_for(EPG_WATCH_DENY | EPG_WATCH_AUDIT, &seen), 3);
}

Test(event, unknown_wishes_are_refused)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_monitor_options options = {.size = sizeof(options), .watch = 0x80};
	struct epg_monitor *monitor = NULL;

	cr_assert_eq(epg_monitor_open(stage_epg(stage), &options, &monitor), -EINVAL);
	stage_close(stage);
}
