// SPDX-License-Identifier: GPL-2.0-only
/* Interfaces inside other network namespaces: macvlan devices of containers. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <criterion/criterion.h>

#include "environment.h"
#include "host.h"

#define TCX_INGRESS 46
#define TCX_EGRESS 47

/* Names of the namespaces: of this process alone. */
static char c1[64], c2[64];

static void remove_namespaces(void)
{
	environment_run("ip netns del %s 2>/dev/null; ip netns del %s 2>/dev/null", c1, c2);
}

/* A container's namespace with a macvlan device of veth0, called eth0 inside, with this ifindex. */
static void add_container(const char *name, const char *mode, unsigned int ifindex)
{
	cr_assert_eq(environment_run("ip netns add %s && ip netns exec %s sh -c "
				     "'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6' && "
				     "ip link add link veth0 name eth0 netns %s index %u type macvlan mode %s && "
				     "ip -n %s link set eth0 up",
				     name, name, name, ifindex, mode, name),
		     0);
}

static struct host inside_open_host(void)
{
	struct host host = host_open();

	snprintf(c1, sizeof(c1), "epgt-%d-1", (int)getpid());
	snprintf(c2, sizeof(c2), "epgt-%d-2", (int)getpid());
	/* What tests that have crashed have left. */
	environment_run("ls /run/netns 2>/dev/null | while IFS=- read -r name pid rest; do test \"$name\" = epgt && "
			"! kill -0 \"$pid\" 2>/dev/null && ip netns del \"$name-$pid-$rest\" 2>/dev/null; done");
	return host;
}

static void inside_close_host(struct host *host)
{
	remove_namespaces();
	host_close(host);
}

static const char *at(const char *namespace)
{
	static char names[4][128];
	static unsigned int turn;
	char *name = names[turn++ % 4];

	snprintf(name, sizeof(names[0]), "eth0@/run/netns/%s", namespace);
	return name;
}

static int enter(const char *namespace)
{
	int own = open("/proc/thread-self/ns/net", O_RDONLY), other;
	char path[128];

	snprintf(path, sizeof(path), "/run/netns/%s", namespace);
	other = open(path, O_RDONLY);
	cr_assert(own >= 0 && other >= 0 && !setns(other, CLONE_NEWNET), "%s: %s", path, strerror(errno));
	close(other);
	return own;
}

static void leave(int own)
{
	cr_assert_eq(setns(own, CLONE_NEWNET), 0);
	close(own);
}

/* Ids of the programs at a hook, in their order. */
static uint32_t programs_at(unsigned int ifindex, int type, uint32_t ids[8])
{
	LIBBPF_OPTS(bpf_prog_query_opts, options, .prog_ids = ids, .prog_cnt = 8);

	memset(ids, 0, 8 * sizeof(*ids));
	cr_assert_eq(bpf_prog_query_opts((int)ifindex, (enum bpf_attach_type)type, &options), 0);
	return options.prog_cnt;
}

static uint32_t count_inside(const char *namespace, int type)
{
	uint32_t ids[8];
	int own = enter(namespace);
	uint32_t count = programs_at(if_nametoindex("eth0"), type, ids);

	leave(own);
	return count;
}

static uint16_t flags_of(struct host *host, uint32_t id)
{
	struct epg_endpoint_key key = {.ifindex = id};
	int map = host_map(host, "endpoints");
	struct epg_endpoint entry = {.now.flags = 0xffff};

	(void)bpf_map_lookup_elem(map, &key, &entry);
	close(map);
	return entry.next_generation ? entry.next.flags : entry.now.flags;
}

static void expect_refusals(struct host *host)
{
	struct epg_attach_options xdp = {.size = sizeof(xdp), .xdp = true};
	char path[128];

	host_expect_failure(host->epg, host_add(host, "eth0@/run/netns/none", "t/a/front", NULL), -ENOENT,
			    EPG_FAILURE_NOT_FOUND, "namespace");
	host_expect_failure(host->epg, host_add(host, "eth0@/etc/passwd", "t/a/front", NULL), -EINVAL,
			    EPG_FAILURE_INPUT, "namespace");
	snprintf(path, sizeof(path), "nosuch@/run/netns/%s", c1);
	host_expect_failure(host->epg, host_add(host, path, "t/a/front", NULL), -ENOENT, EPG_FAILURE_NOT_FOUND,
			    "interface");
	host_expect_failure(host->epg, epg_attach(host->epg, at(c1), &xdp), -EINVAL, EPG_FAILURE_INPUT, "XDP");
	host_expect_failure(host->epg, host_add(host, at(c1), "t/world", NULL), -EINVAL, EPG_FAILURE_INPUT, "whole");
	cr_assert_eq(host_count(host, "port_names"), 0);
}

/* Unbound one is in quarantine: its hooks stay, and so does its number, until they go too. */
static void unbind_and_detach(struct host *host)
{
	char path[512];

	EXPECT(host, epg_endpoint_remove(host->epg, at(c1)));
	host_expect_failure(host->epg, epg_endpoint_remove(host->epg, at(c1)), -ENOENT, EPG_FAILURE_NOT_FOUND,
			    "endpoint");
	cr_assert_eq(count_inside(c1, TCX_EGRESS), 1);
	cr_assert_eq(host_count(host, "port_names"), 2);
	host_apply(host, POLICY(FRONT("") BACK("")));
	snprintf(path, sizeof(path), "eth0@/run/netns/%s t/a/back 10.1.0.6; ", c2);
	cr_assert_str_eq(host_endpoints(host), path, "%s", host_endpoints(host));
	EXPECT(host, epg_detach(host->epg, at(c1)));
	cr_assert_eq(count_inside(c1, TCX_EGRESS), 0);
	cr_assert_eq(host_count(host, "port_names"), 1);
	EXPECT(host, epg_detach(host->epg, at(c2)));
	cr_assert(strstr(host_endpoints(host), "(not attached)"), "%s", host_endpoints(host));
	cr_assert_eq(host_count(host, "port_names"), 1);
	EXPECT(host, epg_attach(host->epg, at(c2), NULL));
	cr_assert_eq(host_count(host, "port_names"), 1);
	cr_assert_eq(count_inside(c2, TCX_EGRESS), 1);
}

/* Two containers have an eth0 of the same number, which an interface of the host has too. */
Test(inside, same_numbers_are_not_mixed_up)
{
	struct host host = inside_open_host();
	unsigned int ifindex = if_nametoindex("veth1");
	char path[512], own_path[160], before[64], after[64];
	struct stat status;

	cr_assert_eq(environment_run("ip link set veth1 down"), 0);
	cr_assert_eq(environment_run("ip netns add %s && ip netns add %s", c1, c2), 0);
	cr_assert_eq(environment_run("ip link add link veth0 name eth0 netns %s index %u type macvlan mode bridge && "
				     "ip link add link veth0 name eth0 netns %s index %u type macvlan mode bridge",
				     c1, ifindex, c2, ifindex),
		     0);

	host_apply(&host, POLICY(FRONT(", endpoints: [{interface: veth1}]") BACK("")));
	expect_refusals(&host);
	cr_assert_gt(readlink("/proc/thread-self/ns/net", before, sizeof(before)), 0);
	EXPECT(&host, host_add(&host, at(c1), "t/a/front", "10.1.0.5"));
	EXPECT(&host, host_add(&host, at(c2), "t/a/back", "10.1.0.6"));
	cr_assert_gt(readlink("/proc/thread-self/ns/net", after, sizeof(after)), 0);
	cr_assert_eq(memcmp(before, after, 16), 0, "the caller's thread is where it was");
	snprintf(path, sizeof(path),
		 "veth1 t/a/front; eth0@/run/netns/%s t/a/front 10.1.0.5; "
		 "eth0@/run/netns/%s t/a/back 10.1.0.6; ",
		 c1, c2);
	cr_assert_str_eq(host_endpoints(&host), path, "%s", host_endpoints(&host));
	cr_assert_eq(flags_of(&host, EPG_PORT | 1), EPG_ENDPOINT_INSIDE | EPG_ENDPOINT_ADDRESSES_DECLARED);
	cr_assert_eq(host_count(&host, "ports"), 0, "nobody is behind an interface of the host");
	cr_assert_eq(count_inside(c1, TCX_INGRESS), 1);
	cr_assert_eq(count_inside(c1, TCX_EGRESS), 1);
	snprintf(path, sizeof(path), "%s/links/%u-egress", host.pin, EPG_PORT | 1);
	cr_assert_eq(stat(path, &status), 0, "%s", path);

	/* The same namespace by another path is the same port; our own one is none. */
	snprintf(own_path, sizeof(own_path), "/run/netns/%s-again", c1);
	cr_assert_eq(environment_run("touch %s && mount --bind /run/netns/%s %s", own_path, c1, own_path), 0);
	snprintf(path, sizeof(path), "eth0@%s", own_path);
	EXPECT(&host, host_add(&host, path, "t/a/back", "10.1.0.5"));
	environment_run("umount %s; rm -f %s", own_path, own_path);
	cr_assert_eq(host_count(&host, "port_names"), 2);
	cr_assert(strstr(host_endpoints(&host), "t/a/back 10.1.0.5"), "%s", host_endpoints(&host));
	EXPECT(&host, epg_attach(host.epg, "veth1@/proc/self/ns/net", NULL));
	cr_assert_eq(host_count(&host, "port_names"), 2);

	unbind_and_detach(&host);
	inside_close_host(&host);
}

static void find_note(void *user, enum epg_log_level level, const char *message)
{
	if (level == EPG_LOG_WARNING && strstr(message, "uplink"))
		++*(int *)user;
}

/* What a container may do in its namespace does not free it. */
Test(inside, a_container_cannot_get_rid_of_it)
{
	struct host host = inside_open_host();
	int notes = 0;
	struct epg_options noting = {.size = sizeof(noting), .pin = host.pin, .log = find_note, .log_user = &notes};

	epg_close(host.epg);
	cr_assert_eq(epg_open(&noting, &host.epg), 0);
	add_container(c1, "vepa", 77);
	add_container(c2, "bridge", 78);
	host_apply(&host, POLICY(FRONT("")));
	EXPECT(&host, host_add(&host, at(c1), "t/a/front", NULL));
	cr_assert_eq(notes, 1, "veth0 is no uplink");
	cr_assert_eq(flags_of(&host, EPG_PORT | 1), EPG_ENDPOINT_INSIDE | EPG_ENDPOINT_DETOUR);
	EXPECT(&host, host_add(&host, "veth0", "t/world", NULL));
	EXPECT(&host, host_add(&host, at(c2), "t/a/front", NULL));
	cr_assert_eq(notes, 1, "now it is");
	cr_assert_eq(flags_of(&host, EPG_PORT | 2), EPG_ENDPOINT_INSIDE);

	environment_run("ip netns exec %s sh -c 'tc qdisc del dev eth0 clsact; tc qdisc del dev eth0 ingress; "
			"tc qdisc add dev eth0 clsact; tc qdisc del dev eth0 clsact; tc filter del dev eth0 ingress' "
			"2>/dev/null",
			c2);
	cr_assert_eq(count_inside(c2, TCX_INGRESS), 1);
	cr_assert_eq(count_inside(c2, TCX_EGRESS), 1);
	/* Nothing of it passes, as it is in no group: what it asks for is dropped at its hook, and counted. */
	EXPECT(&host, epg_endpoint_remove(host.epg, at(c2)));
	environment_run("ip -n %s addr add 10.1.0.20/24 dev eth0; ip netns exec %s bash -c 'echo "
			">/dev/udp/10.1.0.1/9'; sleep 0.2",
			c2, c2);
	{
		struct epg_status status;

		EXPECT(&host, epg_status(host.epg, &status));
		cr_assert_gt(status.dropped_packets, 0);
	}

	/* The container ends: its pins go with the next change, and whoever comes may have its addresses. */
	cr_assert_eq(environment_run("ip netns del %s && sleep 1", c1), 0);
	cr_assert_eq(strstr(host_endpoints(&host), c1), NULL, "%s", host_endpoints(&host));
	EXPECT(&host, host_add(&host, "veth3", "t/a/front", NULL));
	cr_assert_eq(environment_run("ls %s/links | grep -q %u", host.pin, EPG_PORT | 1), 1);
	EXPECT(&host, epg_endpoint_remove(host.epg, "port1"));
	cr_assert_eq(host_count(&host, "port_names"), 1, "of the other container, which is attached");
	inside_close_host(&host);
}

/* Writes what the programs write when an endpoint learns an address. */
static void learn(struct host *host, uint32_t id, uint8_t last)
{
	struct epg_address_key address = {.address = {[10] = 0xff, [11] = 0xff, 10, 1, 0, last}};
	struct epg_address owner = {.now = {.ifindex = id, .flags = EPG_ADDRESS_LEARNED}};
	struct epg_learned_key slot = {.ifindex = id, .slot = 900};
	struct epg_group_key name = {.name = "t/a/front"};
	int groups = host_map(host, "groups"), addresses = host_map(host, "addresses");
	int learned = host_map(host, "learned");
	struct epg_group group;

	cr_assert_eq(bpf_map_lookup_elem(groups, &name, &group), 0);
	address.vrf = group.vrf;
	cr_assert_eq(bpf_map_update_elem(learned, &slot, &address, BPF_NOEXIST), 0);
	cr_assert_eq(bpf_map_update_elem(addresses, &address, &owner, BPF_NOEXIST), 0);
	close(groups);
	close(addresses);
	close(learned);
}

/* What somebody has learned who is gone is free for others; of one who is there it is not. */
Test(inside, what_the_dead_have_learned)
{
	struct host host = inside_open_host();

	add_container(c1, "bridge", 77);
	host_apply(&host, POLICY(FRONT("")));
	EXPECT(&host, host_add(&host, at(c1), "t/a/front", NULL));
	EXPECT(&host, host_add(&host, "veth2/5", "t/a/front", NULL));
	learn(&host, EPG_PORT | 1, 5);
	learn(&host, EPG_PORT | 2, 6);
	EXPECT(&host, host_add(&host, "veth3", "t/a/front", NULL));
	cr_assert_eq(host_count(&host, "addresses"), 2);
	cr_assert_eq(environment_run("ip netns del %s && sleep 1", c1), 0);
	EXPECT(&host, host_add(&host, "veth3", "t/a/front", NULL));
	cr_assert_eq(host_count(&host, "addresses"), 1);
	cr_assert_eq(host_count(&host, "learned"), 1);
	environment_remove_interface("veth2");
	host_apply(&host, POLICY(FRONT("")));
	cr_assert_eq(host_count(&host, "addresses"), 0);
	cr_assert_eq(host_count(&host, "learned"), 0);
	inside_close_host(&host);
}

/* A program of somebody else at a hook; returns its id, and the link, which holds it there. */
static uint32_t attach_stranger(unsigned int ifindex, int type, int *ret_link)
{
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int program = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "stranger", "GPL", pass, 2, NULL);
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	cr_assert_geq(program, 0);
	*ret_link = bpf_link_create(program, (int)ifindex, (enum bpf_attach_type)type, NULL);
	cr_assert_geq(*ret_link, 0);
	cr_assert_eq(bpf_obj_get_info_by_fd(program, &info, &size), 0);
	close(program);
	return info.id;
}

Test(inside, before_and_after_others)
{
	struct host host = inside_open_host();
	struct epg_attach_options options = {.size = sizeof(options)};
	unsigned int ifindex = if_nametoindex("veth1");
	uint32_t first, second, out, ids[8];
	int links[3], own;

	EXPECT(&host, epg_load(host.epg, NULL));
	first = attach_stranger(ifindex, TCX_INGRESS, &links[0]);
	second = attach_stranger(ifindex, TCX_INGRESS, &links[1]);
	out = attach_stranger(ifindex, TCX_EGRESS, &links[2]);
	options.after = first;
	EXPECT(&host, epg_attach(host.epg, "veth1", &options));
	cr_assert_eq(programs_at(ifindex, TCX_INGRESS, ids), 3);
	cr_assert(ids[0] == first && ids[2] == second, "ours is between them: %u %u %u", ids[0], ids[1], ids[2]);
	cr_assert_eq(programs_at(ifindex, TCX_EGRESS, ids), 2);
	cr_assert_eq(ids[1], out, "where the other is not attached ours is first");
	EXPECT(&host, epg_detach(host.epg, "veth1"));
	options = (struct epg_attach_options){.size = sizeof(options), .before = second};
	EXPECT(&host, epg_attach(host.epg, "veth1", &options));
	cr_assert_eq(programs_at(ifindex, TCX_INGRESS, ids), 3);
	cr_assert(ids[0] == first && ids[2] == second);
	EXPECT(&host, epg_detach(host.epg, "veth1"));
	EXPECT(&host, epg_attach(host.epg, "veth1", NULL));
	cr_assert_eq(programs_at(ifindex, TCX_INGRESS, ids), 3);
	cr_assert(ids[1] == first && ids[2] == second, "ours is first");
	EXPECT(&host, epg_detach(host.epg, "veth1"));

	options = (struct epg_attach_options){.size = sizeof(options), .before = 0x7fffffff};
	host_expect_failure(host.epg, epg_attach(host.epg, "veth1", &options), -ENOENT, EPG_FAILURE_NOT_FOUND,
			    "neither hook");
	options = (struct epg_attach_options){.size = sizeof(options), .before = first, .after = second};
	host_expect_failure(host.epg, epg_attach(host.epg, "veth1", &options), -EINVAL, EPG_FAILURE_INPUT, "together");
	cr_assert_str_eq(host_attachments(&host), "");

	/* Inside another namespace it is its hooks that are asked. */
	add_container(c1, "bridge", 77);
	own = enter(c1);
	close(links[0]);
	first = attach_stranger(77, TCX_EGRESS, &links[0]);
	leave(own);
	options = (struct epg_attach_options){.size = sizeof(options), .after = first};
	EXPECT(&host, epg_attach(host.epg, at(c1), &options));
	own = enter(c1);
	cr_assert_eq(programs_at(77, TCX_EGRESS, ids), 2);
	leave(own);
	cr_assert_eq(ids[0], first);
	for (int i = 0; i < 3; i++)
		close(links[i]);
	inside_close_host(&host);
}
