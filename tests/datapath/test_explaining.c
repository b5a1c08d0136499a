// SPDX-License-Identifier: GPL-2.0-only
/* What an instance has only when somebody needs it: the programs that explain, and the map of groups. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <criterion/criterion.h>

#include "environment.h"
#include "host.h"

static const char nobody[] = "version: 1\ntenants: []\n";
static const char somebody[] =
	POLICY(FRONT(", endpoints: [{interface: veth0, ips: [10.1.0.2]}, {interface: veth2, ips: [10.1.0.4]}]"));

static int explain(struct host *host, const char *source, const char *destination, struct epg_answer *ret)
{
	struct epg_question question = {.size = sizeof(question),
					.icmp_type = -1,
					.source = source,
					.destination = destination,
					.protocol = "tcp",
					.destination_port = 80};

	return epg_explain(host->epg, &question, ret);
}

/* As `ls` tells them. */
static void expect_explaining(struct host *host, const char *programs)
{
	cr_assert_eq(environment_run("test \"$(echo $(ls '%s/programs' | grep explain))\" = '%s'", host->pin, programs),
		     0, "other programs than: %s", programs);
}

static __u32 program_id(struct host *host, const char *name)
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);
	char path[192];
	int fd;

	snprintf(path, sizeof(path), "%s/programs/%s", host->pin, name);
	fd = bpf_obj_get(path);
	cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
	cr_assert_eq(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	close(fd);
	return info.id;
}

Test(explaining, each_program_is_loaded_for_its_first_question)
{
	struct host host = host_open(), other;
	struct epg_answer answer;
	__u32 id;

	host_apply(&host, somebody);
	expect_explaining(&host, "");
	EXPECT(&host, explain(&host, "veth0", "10.1.0.4", &answer));
	cr_assert_eq(answer.verdict, EPG_PERMIT);
	expect_explaining(&host, "explain_ingress");
	id = program_id(&host, "explain_ingress");
	EXPECT(&host, explain(&host, "192.0.2.1", "veth2", &answer));
	cr_assert_eq(answer.verdict, EPG_DENY);
	expect_explaining(&host, "explain_egress explain_ingress");

	/* They are there for whoever asks next, and answer for each policy that comes into force. */
	other = host_open_at(host.pin);
	host_apply(&other,
		   POLICY(FRONT(", intraEpg: {isolation: true}, endpoints: [{interface: veth0, ips: [10.1.0.2]}, "
				"{interface: veth2, ips: [10.1.0.4]}]")));
	EXPECT(&other, explain(&other, "veth0", "10.1.0.4", &answer));
	cr_assert_eq(answer.verdict, EPG_DENY);
	cr_assert_eq(program_id(&other, "explain_ingress"), id);
	epg_close(other.epg);
	host_close(&host);
}

/* An answer of other programs than those in force would be worse than none. */
Test(explaining, programs_of_another_build_are_not_answered_for)
{
	struct host host = host_open();
	struct epg_answer answer;

	host_apply(&host, somebody);
	cr_assert_eq(environment_run("cd '%s/programs' && mv tc_ingress kept && mv tc_inside_out tc_ingress", host.pin),
		     0);
	host_expect_failure(host.epg, explain(&host, "veth0", "10.1.0.4", &answer), -EPROTO, EPG_FAILURE_UNSUPPORTED,
			    "another build");
	expect_explaining(&host, "");
	EXPECT(&host, explain(&host, "192.0.2.1", "veth2", &answer));
	cr_assert_eq(environment_run("cd '%s/programs' && rm tc_ingress && mv kept tc_ingress", host.pin), 0);
	EXPECT(&host, explain(&host, "veth0", "10.1.0.4", &answer));
	cr_assert_eq(answer.verdict, EPG_PERMIT);
	host_close(&host);
}

static int find_groups(void *user, const struct epg_map_info *map)
{
	struct epg_map_info *found = user;

	if (!strcmp(map->name, "groups"))
		*found = *map;
	return 0;
}

Test(explaining, the_map_of_groups_comes_with_the_first_group)
{
	struct host host = host_open(), early;
	struct epg_map_info groups = {0};
	struct epg_status before, after;

	host_apply(&host, nobody);
	EXPECT(&host, epg_maps_each(host.epg, find_groups, &groups));
	cr_assert_null(groups.name);
	EXPECT(&host, epg_status(host.epg, &before));
	host_expect_failure(host.epg, host_add(&host, "veth0", "t/a/front", NULL), -ENOENT, EPG_FAILURE_NOT_FOUND,
			    "group");

	/* Who has opened the instance before finds it too. */
	early = host_open_at(host.pin);
	EXPECT(&early, epg_status(early.epg, &after));
	cr_assert_eq(after.memory_bytes, before.memory_bytes);
	host_try(&host, somebody, true, NULL);
	EXPECT(&host, epg_maps_each(host.epg, find_groups, &groups));
	cr_assert_null(groups.name, "a dry run makes nothing");
	host_apply(&host, somebody);
	EXPECT(&early, host_add(&early, "veth1", "t/a/front", NULL));
	EXPECT(&early, epg_maps_each(early.epg, find_groups, &groups));
	cr_assert_eq(groups.entries, 2, "front and the world");
	cr_assert_eq(groups.capacity, EPG_CLASS_LAST + 1);
	cr_assert_eq(environment_run("bpftool map dump pinned '%s/groups' | grep -q '\"name\": \"t/a/front\"'",
				     host.pin),
		     0);
	host_apply(&host, nobody);
	cr_assert_eq(host_count(&early, "groups"), 0);
	epg_close(early.epg);
	host_close(&host);
}

/* Maps; the programs take two megabytes more. `near` is kept by each CPU. */
Test(explaining, an_empty_policy_takes_little)
{
	struct host host = host_open();
	uint64_t of_cpus = (uint64_t)sysconf(_SC_NPROCESSORS_CONF) * EPG_NEAR_ENDPOINTS * 2 * sizeof(struct epg_near);
	struct epg_status status;

	host_apply(&host, nobody);
	EXPECT(&host, epg_status(host.epg, &status));
	cr_assert_lt(status.memory_bytes, 5500000 + of_cpus);
	host_close(&host);
}
