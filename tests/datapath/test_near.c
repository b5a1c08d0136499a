// SPDX-License-Identifier: GPL-2.0-only
/* Packets that a CPU has counted and not yet added to the endpoint's entry are told all the same. */
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <criterion/criterion.h>

#include "stage.h"

enum {
	PACKETS = 200
};

static const struct stage_hook HOOK = {.program = STAGE_INGRESS, .interface = STAGE_FRONT};

/* An established connection from front to back; returns its segments. */
static struct packet connect_them(struct stage *stage)
{
	struct packet_spec there = stage_spec(true, STAGE_FRONT, stage_host(STAGE_BACK));
	struct packet_spec back = stage_spec(true, STAGE_BACK, stage_host(STAGE_FRONT));
	struct packet segment;

	there.destination_port = back.source_port = 80;
	back.destination_port = there.source_port;
	back.tcp_flags = PACKET_TCP_SYN | PACKET_TCP_ACK;
	cr_assert(stage_sends(stage, STAGE_FRONT, &there));
	cr_assert(stage_sends(stage, STAGE_BACK, &back));
	there.tcp_flags = PACKET_TCP_ACK;
	cr_assert_eq(packet_build(&there, &segment), 0);
	return segment;
}

struct sent {
	const char *name;
	uint64_t packets, bytes;
};

static int take_endpoint(void *user, const struct epg_endpoint_info *endpoint)
{
	struct sent *sent = user;

	if (strcmp(endpoint->interface, sent->name) == 0) {
		sent->packets += endpoint->packets;
		sent->bytes += endpoint->bytes;
	}
	return 0;
}

static int take_group(void *user, const struct epg_group_info *group)
{
	struct sent *sent = user;

	if (strcmp(group->name, sent->name) == 0) {
		sent->packets += group->packets;
		sent->bytes += group->bytes;
	}
	return 0;
}

static struct sent by_interface(struct stage *stage, const char *name)
{
	struct sent sent = {.name = name};

	cr_assert_eq(epg_endpoints_each(stage_epg(stage), take_endpoint, &sent), 0);
	return sent;
}

static struct sent by_group(struct stage *stage, const char *name)
{
	struct sent sent = {.name = name};

	cr_assert_eq(epg_groups_each(stage_epg(stage), take_group, &sent), 0);
	return sent;
}

/* Packets in the entry itself. */
static uint64_t added(struct stage *stage)
{
	struct epg_endpoint_key key = {.ifindex = stage_ifindex(stage, STAGE_FRONT)};
	struct epg_endpoint endpoint;
	struct instance *instance;

	cr_assert_eq(instance_open(stage_epg(stage), &instance), 0);
	cr_assert_eq(bpf_map_lookup_elem(instance->fd.endpoints, &key, &endpoint), 0);
	return endpoint.packets;
}

Test(near, all_packets_are_told_at_once)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet segment = connect_them(stage);
	struct sent sent = by_interface(stage, "front");
	uint64_t bytes = sent.bytes;
	bool waited = false;

	cr_assert_eq(sent.packets, 1);
	for (uint64_t i = 0; i < PACKETS; i++) {
		cr_assert(stage_run(stage, &HOOK, &segment).passed);
		sent = by_interface(stage, "front");
		waited |= added(stage) < i + 2;
		cr_assert_eq(sent.packets, i + 2, "%lu of %lu", sent.packets, i + 2);
		cr_assert_eq(sent.bytes, bytes + (i + 1) * segment.length);
	}
	cr_assert(waited, "none was ever waiting: this has tested nothing");
	cr_assert_eq(by_group(stage, "shop/store/front").packets, PACKETS + 1, "front2 has sent nothing");
	cr_assert_eq(by_interface(stage, "back").packets, 1);
	stage_close(stage);
}

Test(near, what_waited_is_added_once)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct packet segment = connect_them(stage);

	for (int i = 0; i < PACKETS; i++)
		cr_assert(stage_run(stage, &HOOK, &segment).passed);
	/* Two ticks later the next packet hands over what waits. */
	usleep(50000);
	cr_assert(stage_run(stage, &HOOK, &segment).passed);
	cr_assert_geq(added(stage), PACKETS);
	cr_assert_eq(by_interface(stage, "front").packets, PACKETS + 2);
	stage_close(stage);
}
