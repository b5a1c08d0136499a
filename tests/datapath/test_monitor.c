// SPDX-License-Identifier: GPL-2.0-only
/* Watching: who may, for how long, and what is told about names. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "stage.h"

struct seen {
	size_t count;
	char source[EPG_NAME_MAX], contract[EPG_NAME_MAX], protocol[16], address[64];
	uint64_t time_unix_ns;
	int stop; /* returned by the callback */
};

static int see(void *user, const struct epg_event_info *info)
{
	struct seen *seen = user;

	seen->count++;
	snprintf(seen->source, sizeof(seen->source), "%s", info->source_group);
	snprintf(seen->contract, sizeof(seen->contract), "%s", info->rule ? info->rule->contract : "");
	snprintf(seen->protocol, sizeof(seen->protocol), "%s", info->protocol);
	snprintf(seen->address, sizeof(seen->address), "%s", info->source_address);
	seen->time_unix_ns = info->time_unix_ns;
	return seen->stop;
}

static struct epg_monitor *watch(struct stage *stage, const struct epg_monitor_options *options)
{
	struct epg_monitor *monitor;

	cr_assert_eq(epg_monitor_open(stage_epg(stage), options, &monitor), 0, "%s",
		     epg_error(stage_epg(stage))->message);
	return monitor;
}

static void send(struct stage *stage, enum stage_interface from, enum stage_interface to, uint16_t port)
{
	struct packet_spec spec = stage_spec(true, from, stage_host(to));

	spec.destination_port = port;
	stage_sends(stage, from, &spec);
}

static uint64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

Test(monitor, one_at_a_time)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_monitor *monitor = watch(stage, NULL), *other;
	struct seen seen = {0};

	cr_assert_eq(epg_monitor_open(stage_epg(stage), NULL, &other), -EBUSY);
	cr_assert_neq(epg_error(stage_epg(stage))->hint[0], '\0');
	send(stage, STAGE_FRONT, STAGE_BACK, 22);
	epg_monitor_close(monitor);
	monitor = watch(stage, NULL);
	cr_assert_eq(epg_monitor_poll(monitor, 0, see, &seen), 0, "what the first one left is not for the second");
	epg_monitor_close(monitor);
	epg_monitor_close(NULL);
	stage_close(stage);
}

Test(monitor, tells_only_the_group_that_was_asked_for)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_monitor_options options = {.size = sizeof(options), .group = "shop/store/db"};
	struct epg_monitor *monitor = watch(stage, &options);
	struct seen seen = {0};

	send(stage, STAGE_FRONT, STAGE_BACK, 22);
	cr_assert_eq(epg_monitor_poll(monitor, 0, see, &seen), 0);
	send(stage, STAGE_FRONT, STAGE_DB, 22);
	cr_assert_eq(epg_monitor_poll(monitor, 0, see, &seen), 1, "as the destination");
	send(stage, STAGE_DB, STAGE_FRONT, 22);
	cr_assert_eq(epg_monitor_poll(monitor, 0, see, &seen), 1, "as the source");
	cr_assert_str_eq(seen.source, "shop/store/db");
	cr_assert_str_eq(seen.protocol, "tcp");
	cr_assert_str_eq(seen.address, "10.1.0.5");
	epg_monitor_close(monitor);
	options.group = "shop/store/nobody";
	cr_assert_eq(epg_monitor_open(stage_epg(stage), &options, &monitor), -ENOENT);
	stage_close(stage);
}

Test(monitor, the_descriptor_wakes_and_the_time_is_the_hosts)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_monitor *monitor = watch(stage, NULL);
	struct pollfd readable = {.fd = epg_monitor_fd(monitor), .events = POLLIN};
	struct seen seen = {0};
	struct timespec now;

	cr_assert_eq(poll(&readable, 1, 0), 0);
	send(stage, STAGE_FRONT, STAGE_BACK, 22);
	cr_assert_eq(poll(&readable, 1, 1000), 1);
	cr_assert_eq(epg_monitor_poll(monitor, -1, see, &seen), 1);
	clock_gettime(CLOCK_REALTIME, &now);
	cr_assert_leq(seen.time_unix_ns / 1000000000, (uint64_t)now.tv_sec);
	cr_assert_geq(seen.time_unix_ns / 1000000000 + 5, (uint64_t)now.tv_sec);
	epg_monitor_close(monitor);
	stage_close(stage);
}

Test(monitor, waits_as_long_as_it_was_told_and_stops_when_told)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_monitor *monitor = watch(stage, NULL);
	struct seen seen = {.stop = 42};
	uint64_t begin = milliseconds();

	cr_assert_eq(epg_monitor_poll(monitor, 700, see, &seen), 0);
	cr_assert_geq(milliseconds() - begin, 690);
	send(stage, STAGE_FRONT, STAGE_BACK, 22);
	send(stage, STAGE_FRONT, STAGE_BACK, 23);
	cr_assert_eq(epg_monitor_poll(monitor, 1000, see, &seen), 42);
	cr_assert_eq(seen.count, 1);
	seen.stop = 0;
	cr_assert_eq(epg_monitor_poll(monitor, 1000, see, &seen), 1, "the second one waits for the next call");
	epg_monitor_close(monitor);
	stage_close(stage);
}

Test(monitor, the_watch_ends_by_itself_and_can_be_taken_up_again)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_monitor *monitor = watch(stage, NULL);
	struct seen seen = {0};

	usleep(2100000);
	send(stage, STAGE_FRONT, STAGE_BACK, 22);
	cr_assert_eq(epg_monitor_poll(monitor, 0, see, &seen), 0, "nobody was there for two seconds");
	send(stage, STAGE_FRONT, STAGE_BACK, 22);
	cr_assert_eq(epg_monitor_poll(monitor, 0, see, &seen), 1);
	epg_monitor_close(monitor);
	stage_close(stage);
}

Test(monitor, names_follow_the_running_policy)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_monitor *monitor = watch(stage, NULL);
	struct seen seen = {0};
	char renamed[8192];

	snprintf(renamed, sizeof(renamed), "%s", STAGE_POLICY);
	memcpy(strstr(renamed, "name: store"), "name: shelf", strlen("name: store"));
	send(stage, STAGE_FRONT, STAGE_BACK, 80);
	stage_apply(stage, renamed);
	cr_assert_eq(epg_monitor_poll(monitor, 0, see, &seen), 1);
	cr_assert_str_eq(seen.contract, "", "the rules of an earlier generation are not those of this one");
	send(stage, STAGE_FRONT, STAGE_BACK, 81);
	cr_assert_eq(epg_monitor_poll(monitor, 0, see, &seen), 1);
	cr_assert_str_eq(seen.source, "shop/shelf/front");
	cr_assert_str_eq(seen.contract, "shop/web");
	epg_monitor_close(monitor);
	stage_close(stage);
}

Test(monitor, an_unload_ends_it)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct epg_monitor *monitor = watch(stage, NULL);
	struct seen seen = {0};

	cr_assert_eq(epg_unload(stage_epg(stage)), 0);
	cr_assert_eq(epg_monitor_poll(monitor, 0, see, &seen), -ENODEV);
	cr_assert_eq(epg_load(stage_epg(stage), NULL), 0);
	cr_assert_eq(epg_monitor_poll(monitor, 0, see, &seen), -ENODEV, "another instance at the same place");
	epg_monitor_close(monitor);
	stage_close(stage);
}
