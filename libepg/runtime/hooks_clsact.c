/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "runtime/hooks_kinds.h"

#define FILTER(name, ...) \
	LIBBPF_OPTS(bpf_tc_opts, name, .handle = HOOKS_CLSACT_HANDLE, .priority = HOOKS_CLSACT_PRIORITY, __VA_ARGS__)

static struct bpf_tc_hook clsact_hook(uint32_t ifindex, bool egress)
{
	return (struct bpf_tc_hook){
		.sz = sizeof(struct bpf_tc_hook),
		.ifindex = (int)ifindex,
		.attach_point = egress ? BPF_TC_EGRESS : BPF_TC_INGRESS,
	};
}

/* The filter, its qdisc or the interface is gone. */
static bool is_gone(int error)
{
	return error == -ENOENT || error == -ENODEV || error == -EINVAL;
}

int clsact_state(int program, uint32_t ifindex, bool egress)
{
	struct bpf_tc_hook place = clsact_hook(ifindex, egress);
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);
	FILTER(options);
	int error;

	if (bpf_obj_get_info_by_fd(program, &info, &size))
		return -errno;
	error = bpf_tc_query(&place, &options);
	if (error)
		return is_gone(error) ? 0 : error;
	return options.prog_id == info.id;
}

int clsact_attach(int program, uint32_t ifindex, bool egress)
{
	struct bpf_tc_hook place = clsact_hook(ifindex, egress);
	FILTER(options, .prog_fd = program);
	int error;

	error = bpf_tc_hook_create(&place);
	if (error && error != -EEXIST)
		return error;
	return bpf_tc_attach(&place, &options);
}

void clsact_detach(uint32_t ifindex, bool egress)
{
	struct bpf_tc_hook place = clsact_hook(ifindex, egress);
	FILTER(options);

	bpf_tc_detach(&place, &options);
}
