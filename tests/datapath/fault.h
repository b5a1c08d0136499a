/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A system call that fails, or at which we are killed. Every bpf(2) goes through the C library's syscall(), of which a
 * program that includes this has its own: it counts, and at a chosen call it fails or dies.
 */
#ifndef EPG_TEST_FAULT_H
#define EPG_TEST_FAULT_H

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

enum fault {
	FAULT_NONE,
	FAULT_FAIL,
	FAULT_KILL
};

/* What is to happen, and how far it has come. */
static struct {
	enum fault fault;
	long at;    /* the call that fails, from 1 */
	long calls; /* so far; some come from several threads at once */
	bool no_tcx;
	int no_map_type; /* of enum bpf_map_type; 0: all are there */
} plan;

/* The beginning of union bpf_attr, as far as commands are told apart here. */
struct bpf_link_attributes {
	__u32 prog_fd, target_ifindex, attach_type;
};

static bool is_missing(int command, const void *attributes)
{
	const struct bpf_link_attributes *link = attributes;

	if (plan.no_tcx && command == BPF_LINK_CREATE && (link->attach_type == 46 || link->attach_type == 47))
		return true;
	return plan.no_map_type && command == BPF_MAP_CREATE && *(const int *)attributes == plan.no_map_type;
}

long syscall(long number, ...)
{
	static long (*real)(long number, ...);
	va_list arguments;
	long a[6];

	if (!real)
		real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	va_start(arguments, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(arguments, long);
	va_end(arguments);
	if (number == SYS_bpf && is_missing((int)a[0], (const void *)a[1])) {
		errno = EINVAL;
		return -1;
	}
	if (number == SYS_bpf && plan.fault != FAULT_NONE &&
	    __atomic_add_fetch(&plan.calls, 1, __ATOMIC_RELAXED) == plan.at) {
		if (plan.fault == FAULT_KILL)
			raise(SIGKILL);
		errno = ENOMEM;
		return -1;
	}
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

#endif
