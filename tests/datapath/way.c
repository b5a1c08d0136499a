// SPDX-License-Identifier: GPL-2.0-only
#include "way.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <criterion/criterion.h>

#include "environment.h"

#define PROGRAM_MAPS 64
#define PAYLOAD 20

/* A map of which each CPU has an element of its own. */
struct of_cpus {
	int fd;
	size_t bytes; /* all of them */
	uint8_t *values;
};

struct way {
	struct stage *stage;
	struct instance *instance;
	struct flow_table table;
	struct of_cpus works; /* begun anew by whatever takes all the steps */
	struct of_cpus
		handovers; /* by which the egress hook knows the packet that the ingress hook has just followed */
	size_t met;        /* where works say that those who talk had met before */
	int fragments;
	bool settled;
};

/* ---- maps that are not pinned ---- */

static int program_map(const char *name)
{
	struct bpf_prog_info program = {0};
	__u32 ids[PROGRAM_MAPS], size = sizeof(program);
	char path[192];
	int fd;

	snprintf(path, sizeof(path), "%s/programs/tc_ingress", environment_pin());
	fd = bpf_obj_get(path);
	cr_assert_geq(fd, 0, "%s", path);
	program.nr_map_ids = PROGRAM_MAPS;
	program.map_ids = (__u64)(uintptr_t)ids;
	cr_assert_eq(bpf_obj_get_info_by_fd(fd, &program, &size), 0);
	close(fd);
	for (__u32 i = 0; i < program.nr_map_ids; i++) {
		struct bpf_map_info info = {0};

		size = sizeof(info);
		fd = bpf_map_get_fd_by_id(ids[i]);
		cr_assert_geq(fd, 0);
		cr_assert_eq(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
		if (!strcmp(info.name, name))
			return fd;
		close(fd);
	}
	cr_assert_fail("the program has no map %s", name);
	return -1;
}

static struct of_cpus of_cpus_open(const char *name)
{
	struct of_cpus map = {.fd = program_map(name)};
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);

	cr_assert_eq(bpf_obj_get_info_by_fd(map.fd, &info, &size), 0);
	map.bytes = (info.value_size + 7) / 8 * 8 * (size_t)libbpf_num_possible_cpus();
	map.values = calloc(1, map.bytes);
	cr_assert_not_null(map.values);
	return map;
}

static void of_cpus_close(struct of_cpus *map)
{
	close(map->fd);
	free(map->values);
}

static void of_cpus_clear(struct of_cpus *map)
{
	uint32_t zero = 0;

	memset(map->values, 0, map->bytes);
	cr_assert_eq(bpf_map_update_elem(map->fd, &zero, map->values, BPF_ANY), 0);
}

static bool of_cpus_is_clear(struct of_cpus *map)
{
	uint32_t zero = 0;

	cr_assert_eq(bpf_map_lookup_elem(map->fd, &zero, map->values), 0);
	for (size_t i = 0; i < map->bytes; i++)
		if (map->values[i])
			return false;
	return true;
}

/* Where the programs' own `struct work` has a field of one byte. */
static size_t work_offset(const struct of_cpus *works, const char *name)
{
	struct bpf_map_info info = {0};
	const struct btf_type *work;
	size_t offset = SIZE_MAX;
	__u32 size = sizeof(info);
	struct btf *btf;

	cr_assert_eq(bpf_obj_get_info_by_fd(works->fd, &info, &size), 0);
	btf = btf__load_from_kernel_by_id(info.btf_id);
	cr_assert_not_null(btf);
	work = btf__type_by_id(btf, info.btf_value_type_id);
	for (__u16 i = 0; i < btf_vlen(work); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_members(work)[i].name_off), name))
			offset = btf_member_bit_offset(work, i) / 8;
	btf__free(btf);
	cr_assert_lt(offset, info.value_size, "%s", name);
	return offset;
}

/* ---- the way ---- */

bool way_move(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0;
}

struct way *way_open(struct stage *stage)
{
	struct way *way = calloc(1, sizeof(*way));

	cr_assert_not_null(way);
	cr_assert(way_move((unsigned int)sched_getcpu()));
	way->stage = stage;
	cr_assert_eq(instance_open(stage_epg(stage), &way->instance), 0);
	way->table = stage_flow_table(stage);
	way->works = of_cpus_open("works");
	way->met = work_offset(&way->works, "met");
	way->handovers = of_cpus_open("handovers");
	way->fragments = way->instance->fd.fragments;
	return way;
}

void way_close(struct way *way)
{
	flow_table_close(&way->table);
	of_cpus_close(&way->works);
	of_cpus_close(&way->handovers);
	free(way);
}

struct epg_control *way_control(struct way *way)
{
	return way->instance->control;
}

bool way_run(struct way *way, const struct stage_hook *hook, const struct packet *packet, struct stage_result *ret)
{
	struct stage_result result;

	of_cpus_clear(&way->works);
	result = stage_run(way->stage, hook, packet);
	if (ret)
		*ret = result;
	return of_cpus_is_clear(&way->works);
}

bool way_run_met(struct way *way, const struct stage_hook *hook, const struct packet *packet, struct stage_result *ret)
{
	size_t each = way->works.bytes / (size_t)libbpf_num_possible_cpus();

	if (way_run(way, hook, packet, ret))
		return false;
	for (size_t at = way->met; at < way->works.bytes; at += each)
		if (way->works.values[at])
			return true;
	return false;
}

/* Who captures wants to see all packets; there is nobody who does, which the programs find out with this one. */
void way_run_long(struct way *way, const struct stage_hook *hook, const struct packet *packet, struct stage_result *ret)
{
	way->instance->control->watch = EPG_WATCH_CAPTURE;
	of_cpus_clear(&way->handovers);
	cr_assert_not(way_run(way, hook, packet, ret), "there must be another way than the express one");
	way->instance->control->watch = 0;
}

static bool any(void *user, const struct epg_flow_key *key, const struct epg_flow *flow)
{
	(void)user, (void)key, (void)flow;
	return true;
}

void way_forget(struct way *way)
{
	struct epg_fragment_key key;

	flow_table_forget(&way->table, any, NULL);
	while (!bpf_map_get_next_key(way->fragments, NULL, &key))
		cr_assert_eq(bpf_map_delete_elem(way->fragments, &key), 0);
}

struct epg_flow way_flow(struct way *way)
{
	for (size_t group = 0; group < way->table.n_groups; group++)
		for (size_t i = 0; i < EPG_FLOW_WAYS; i++) {
			struct epg_flow flow = way->table.groups[group].flow[i];

			if (flow.key[1] == EPG_FLOW_UNUSED || flow.key[1] == EPG_FLOW_FORGOTTEN)
				continue;
			flow.seen = 0;
			return flow;
		}
	return (struct epg_flow){0};
}

/* ---- what is counted ---- */

static int add_drop(void *user, const struct epg_drop_info *drop)
{
	struct tally *tally = user;

	tally->drops[drop->reason] += drop->packets;
	tally->drop_bytes += drop->bytes;
	return 0;
}

static int add_rule(void *user, const struct epg_rule_info *rule)
{
	struct tally *tally = user;

	cr_assert_lt(rule->index, WAY_RULES);
	tally->rules[rule->index] += rule->packets;
	tally->rule_bytes += rule->bytes;
	return 0;
}

static int add_endpoint(void *user, const struct epg_endpoint_info *endpoint)
{
	struct tally *tally = user;

	tally->sent += endpoint->packets;
	tally->sent_bytes += endpoint->bytes;
	return 0;
}

struct tally way_tally(struct way *way)
{
	struct epg *epg = stage_epg(way->stage);
	struct tally tally = {0};

	cr_assert_eq(epg_drops_each(epg, add_drop, &tally), 0);
	cr_assert_eq(epg_rules_each(epg, add_rule, &tally), 0);
	cr_assert_eq(epg_endpoints_each(epg, add_endpoint, &tally), 0);
	return tally;
}

struct tally way_counted(struct way *way, const struct tally *since)
{
	struct tally now = way_tally(way);
	const uint64_t *before = (const uint64_t *)since;
	uint64_t *counts = (uint64_t *)&now;

	for (size_t i = 0; i < sizeof(now) / sizeof(*counts); i++)
		counts[i] -= before[i];
	return now;
}

/* ---- a talk ---- */

struct packet way_build(const struct packet_spec *spec)
{
	struct packet packet;

	cr_assert_eq(packet_build(spec, &packet), 0);
	return packet;
}

struct way_talk way_talk(bool ipv4, uint8_t protocol)
{
	struct way_talk talk = {
		.there = stage_spec(ipv4, STAGE_FRONT, stage_host(STAGE_BACK)),
		.back = stage_spec(ipv4, STAGE_BACK, stage_host(STAGE_FRONT)),
	};

	talk.there.protocol = talk.back.protocol = protocol;
	talk.there.destination_port = talk.back.source_port = protocol == 6 ? 80 : 53;
	talk.back.destination_port = talk.there.source_port;
	talk.there.payload = talk.back.payload = PAYLOAD;
	talk.there.tcp_flags = talk.back.tcp_flags = PACKET_TCP_ACK;
	talk.out = way_build(&talk.there);
	talk.in = way_build(&talk.back);
	return talk;
}

void way_establish(struct way *way, const struct way_talk *talk)
{
	struct packet_spec there = talk->there, back = talk->back;

	there.tcp_flags = PACKET_TCP_SYN;
	back.tcp_flags = PACKET_TCP_SYN | PACKET_TCP_ACK;
	cr_assert(stage_sends(way->stage, STAGE_FRONT, &there));
	cr_assert(stage_sends(way->stage, STAGE_BACK, &back));
	/* Their MAC addresses have just been noted, which a CPU that knows them already sees with the next jiffy. */
	if (!way->settled)
		usleep(30000);
	way->settled = true;
}
