// SPDX-License-Identifier: GPL-2.0-only
#include "ground.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#define BPF_FILE_SYSTEM "/sys/fs/bpf"
#define BPF_FILE_SYSTEM_MAGIC 0xcafe4a11u

void ground_give_up(const char *format, ...)
{
	va_list arguments;

	printf("Bail out! ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	exit(EXIT_FAILURE);
}

const char *ground_lacks(void)
{
	struct statfs file_system;

	if (geteuid() != 0)
		return "not root";
	if (statfs(BPF_FILE_SYSTEM, &file_system))
		return "no " BPF_FILE_SYSTEM;
	if (file_system.f_type != BPF_FILE_SYSTEM_MAGIC && mount("bpf", BPF_FILE_SYSTEM, "bpf", 0, NULL))
		return "the BPF file system can't be mounted";
	return NULL;
}

void ground_network(void)
{
	GROUND_CHECK(unshare(CLONE_NEWNET) == 0, "unshare: %s", strerror(errno));
	/* No neighbour discovery of the kernel's own. */
	GROUND_CHECK(system("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6 && ip link set lo up") == 0,
		     "can't prepare the network namespace");
}

uint32_t ground_interface(const char *name)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "ip link add %s type veth peer name %s-peer && ip link set %s up && ip link set %s-peer up", name,
		 name, name, name);
	GROUND_CHECK(system(command) == 0, "can't add the veth pair %s", name);
	return if_nametoindex(name);
}

/* The prefix is that of all tests, which remove what those who died have left. */
const char *ground_pin(void)
{
	static char path[64];

	snprintf(path, sizeof(path), BPF_FILE_SYSTEM "/epg-test-%d", (int)getpid());
	return path;
}
