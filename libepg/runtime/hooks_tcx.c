/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "runtime/hooks_kinds.h"
#include "runtime/inside.h"

/* Of linux/bpf.h from Linux 6.6 on; older headers lack them. */
#define ATTACH_TCX_INGRESS 46
#define ATTACH_TCX_EGRESS 47
#define ATTACH_BEFORE (1u << 3)
#define ATTACH_AFTER (1u << 4)
#define ATTACH_ID (1u << 5)

/* More programs than anybody puts on one hook. */
#define PROGRAMS_MAX 128

/* The part of union bpf_attr that BPF_LINK_CREATE reads. */
struct link_attributes {
	uint32_t program, ifindex, type, flags;
	uint32_t relative_id, reserved;
	uint64_t expected_revision;
};

static uint32_t attach_type(const struct tcx_place *place)
{
	return place->egress ? ATTACH_TCX_EGRESS : ATTACH_TCX_INGRESS;
}

static int create_link(void *user)
{
	long fd = syscall(SYS_bpf, BPF_LINK_CREATE, user, sizeof(struct link_attributes));

	return fd < 0 ? -errno : (int)fd;
}

int tcx_link(const struct tcx_place *place, int program)
{
	/* First in line: a program of somebody else before ours could let packets pass us by. */
	struct link_attributes attributes = {
		.program = (uint32_t)program,
		.ifindex = place->ifindex,
		.type = attach_type(place),
		.flags = ATTACH_BEFORE,
	};

	if (place->before || place->after) {
		attributes.flags = ATTACH_ID | (place->before ? ATTACH_BEFORE : ATTACH_AFTER);
		attributes.relative_id = place->before ? place->before : place->after;
	}
	return inside_run(place->netns, create_link, &attributes);
}

/* Those of one hook, in their order. */
struct programs {
	const struct tcx_place *place;
	uint32_t ids[PROGRAMS_MAX];
	uint32_t count;
};

static int query_programs(void *user)
{
	struct programs *programs = user;
	const struct tcx_place *place = programs->place;
	LIBBPF_OPTS(bpf_prog_query_opts, options, .prog_ids = programs->ids, .prog_cnt = PROGRAMS_MAX);

	if (bpf_prog_query_opts((int)place->ifindex, attach_type(place), &options))
		return -errno;
	programs->count = options.prog_cnt < PROGRAMS_MAX ? options.prog_cnt : PROGRAMS_MAX;
	return 0;
}

int tcx_has(const struct tcx_place *place, uint32_t id)
{
	struct programs programs = {.place = place};
	int error = inside_run(place->netns, query_programs, &programs);

	for (uint32_t i = 0; !error && i < programs.count; i++)
		if (programs.ids[i] == id)
			return 1;
	return error;
}

int tcx_other(const struct tcx_place *place, uint32_t own, bool any)
{
	struct programs programs = {.place = place};
	int error = inside_run(place->netns, query_programs, &programs);
	bool behind = any || !own;

	if (error)
		return error == -EINVAL ? 0 : error; /* a kernel without TCX does not know the question */
	for (uint32_t i = 0; i < programs.count; i++) {
		if (programs.ids[i] == own)
			behind = true;
		else if (behind)
			return (int)programs.ids[i];
	}
	return 0;
}

int tcx_state(int link, uint32_t ifindex)
{
	struct bpf_link_info info = {0};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(link, &info, &size))
		return -errno;
	/* The ifindex is the first field for TCX as for XDP; old headers know the latter only. */
	return ifindex & EPG_PORT ? info.xdp.ifindex != 0 : info.xdp.ifindex == ifindex;
}
