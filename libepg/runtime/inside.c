/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf.h>

#include "runtime/link.h"

/* Of asm-generic/socket.h from Linux 5.14 on. */
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

int inside_open(struct epg *epg, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT || errno == ENOTDIR || errno == ESRCH)
		return context_fail(epg, EPG_FAILURE_NOT_FOUND, -ENOENT, path, "ip netns shows those that have a name",
				    "there is no such network namespace");
	return context_fail_kernel(epg, -errno, path, "can't open the network namespace");
}

/* ---- errands ---- */

struct errand {
	int netns;
	int (*fn)(void *user);
	void *user;
	int result;
};

static void *run_errand(void *user)
{
	struct errand *errand = user;

	errand->result = setns(errand->netns, CLONE_NEWNET) ? -errno : errand->fn(errand->user);
	return NULL;
}

int inside_run(int netns, int (*fn)(void *user), void *user)
{
	struct errand errand = {netns, fn, user, 0};
	sigset_t all, before;
	pthread_t thread;
	int error;

	if (netns < 0)
		return fn(user);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, NULL, run_errand, &errand);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		return -error;
	pthread_join(thread, NULL);
	return errand.result;
}

static int read_cookie(void *user)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(__u64);

	return fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, user, &size) ? -errno : 0;
}

int inside_cookie(int netns, __u64 *ret)
{
	return inside_run(netns, read_cookie, ret);
}

static int look_for_index(void *user)
{
	char name[IF_NAMESIZE];

	return if_indextoname(*(const uint32_t *)user, name) ? 1 : 0;
}

bool inside_has(int netns, uint32_t ifindex)
{
	return inside_run(netns, look_for_index, &ifindex) == 1;
}

/* ---- what kind of device it is ---- */

static int read_link(void *user, const struct nlmsghdr *message)
{
	const struct rtattr *info = link_attribute(message, sizeof(struct ifinfomsg), IFLA_LINKINFO);
	const struct rtattr *data = link_nested(info, IFLA_INFO_DATA);
	struct inside_device *device = user;

	if (strcmp(link_text(link_nested(info, IFLA_INFO_KIND)), "macvlan"))
		return 0;
	device->macvlan = true;
	device->parent = link_number(link_attribute(message, sizeof(struct ifinfomsg), IFLA_LINK));
	device->vepa = link_number(link_nested(data, IFLA_MACVLAN_MODE)) == MACVLAN_MODE_VEPA;
	return 0;
}

struct search {
	const char *interface;
	struct inside_device device;
};

static int find_device(void *user)
{
	struct search *search = user;

	search->device.ifindex = if_nametoindex(search->interface);
	if (!search->device.ifindex)
		return errno == ENXIO ? -ENODEV : -errno;
	return link_find(search->device.ifindex, read_link, &search->device);
}

int inside_find(int netns, const char *interface, struct inside_device *ret)
{
	struct search search = {.interface = interface};
	int error = inside_run(netns, find_device, &search);

	if (!error)
		*ret = search.device;
	return error;
}

/* ---- the program at the hook ---- */

#define MOVE(to, value)                                                              \
	{                                                                            \
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (to), .imm = (value) \
	}

int inside_load_stub(struct epg *epg, uint32_t port, uint32_t slot)
{
	char path[PATH_MAX];
	AUTO_CLOSE int map = -1;
	int program;

	(void)pins_path(epg, path, "inside");
	map = bpf_obj_get(path);
	if (map < 0)
		return -errno;
	{
		/* skb->cb[0] = port; bpf_tail_call(skb, &inside, slot); and if nobody is there, nothing passes. */
		const struct bpf_insn stub[] = {
			MOVE(BPF_REG_2, (__s32)port),
			{.code = BPF_STX | BPF_MEM | BPF_W,
			 .dst_reg = BPF_REG_1,
			 .src_reg = BPF_REG_2,
			 .off = offsetof(struct __sk_buff, cb)},
			{.code = BPF_LD | BPF_DW | BPF_IMM,
			 .dst_reg = BPF_REG_2,
			 .src_reg = BPF_PSEUDO_MAP_FD,
			 .imm = map},
			{0},
			MOVE(BPF_REG_3, (__s32)slot),
			{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_tail_call},
			MOVE(BPF_REG_0, TC_ACT_SHOT),
			{.code = BPF_JMP | BPF_EXIT},
		};

		program = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, slot == INSIDE_SLOT_OUT ? "epg_out" : "epg_in",
					"Dual BSD/GPL", stub, ARRAY_SIZE(stub), NULL);
	}
	return program < 0 ? -errno : program;
}
