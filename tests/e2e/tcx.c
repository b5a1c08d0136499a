/* SPDX-License-Identifier: GPL-2.0-only */
/* Attaches another's program by a TCX link, which lasts as long as this process. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.h"

/* Linux 6.6; the headers of Debian 12 are older. */
enum {
	OBJECT_GET = 7,
	LINK_CREATE = 28
};
enum {
	TCX_INGRESS = 46,
	TCX_EGRESS = 47
};
enum {
	PUT_BEFORE = 1 << 3,
	PUT_AFTER = 1 << 4
};

struct object_get {
	uint64_t path;
	uint32_t fd, flags;
};

struct link_create {
	uint32_t program, ifindex, type, flags;
	uint32_t relative, reserved;
	uint64_t revision;
};

int run_tcx(const char *pin, const char *interface, const char *hook, const char *place)
{
	struct object_get get = {.path = (uint64_t)(uintptr_t)pin};
	struct link_create link = {
		.ifindex = if_nametoindex(interface),
		.type = strcmp(hook, "ingress") ? TCX_EGRESS : TCX_INGRESS,
		.flags = strcmp(place, "first") ? PUT_AFTER : PUT_BEFORE,
	};
	long fd = syscall(SYS_bpf, OBJECT_GET, &get, sizeof(get));

	if (fd < 0)
		die(pin);
	link.program = (uint32_t)fd;
	if (syscall(SYS_bpf, LINK_CREATE, &link, sizeof(link)) < 0)
		die("TCX link");
	puts("attached");
	fflush(stdout);
	for (;;)
		pause();
}
