// SPDX-License-Identifier: GPL-2.0-only
#include "environment.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define BPF_FILE_SYSTEM "/sys/fs/bpf"
#define BPF_FILE_SYSTEM_MAGIC 0xcafe4a11u
#define PIN_PREFIX "epg-test-"

static void lacks(const char *reason)
{
	const char *ci = getenv("CI");

	if (ci && !strcmp(ci, "true"))
		cr_assert_fail("%s, and in CI nothing may be skipped", reason);
	cr_skip_test("%s", reason);
}

int environment_run(const char *format, ...)
{
	char command[1024];
	va_list arguments;
	int status;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void environment_require_bpf(void)
{
	struct statfs file_system;

	if (geteuid() != 0)
		lacks("not root");
	if (statfs(BPF_FILE_SYSTEM, &file_system))
		lacks("no " BPF_FILE_SYSTEM);
	if (file_system.f_type != BPF_FILE_SYSTEM_MAGIC && mount("bpf", BPF_FILE_SYSTEM, "bpf", 0, NULL))
		lacks("the BPF file system can't be mounted");
}

void environment_network(void)
{
	cr_assert_eq(unshare(CLONE_NEWNET), 0, "unshare: %s", strerror(errno));
	/* No neighbour discovery of the kernel's own: the only packets are those of the test. */
	cr_assert_eq(environment_run("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6 && ip link set lo up"), 0);
}

void environment_veth(const char *name)
{
	cr_assert_eq(environment_run("ip link add %s type veth peer name %s-peer && ip link set %s up && "
				     "ip link set %s-peer up",
				     name, name, name, name),
		     0, "can't add the veth pair %s", name);
}

void environment_remove_interface(const char *name)
{
	cr_assert_eq(environment_run("ip link del %s", name), 0);
}

static void remove_leftovers(void)
{
	DIR *directory = opendir(BPF_FILE_SYSTEM);
	struct dirent *entry;

	cr_assert_not_null(directory);
	while ((entry = readdir(directory))) {
		int pid;

		if (sscanf(entry->d_name, PIN_PREFIX "%d", &pid) == 1 && kill(pid, 0) && errno == ESRCH)
			environment_run("rm -rf '" BPF_FILE_SYSTEM "/%s'", entry->d_name);
	}
	closedir(directory);
}

const char *environment_pin(void)
{
	static char path[64];

	remove_leftovers();
	snprintf(path, sizeof(path), BPF_FILE_SYSTEM "/" PIN_PREFIX "%d", (int)getpid());
	return path;
}
