/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/skeleton.h"

#include <errno.h>

#include "runtime/support.h"

int skeleton_open(struct epg *epg, struct epg_bpf **ret)
{
	struct epg_bpf *skeleton = epg_bpf__open();

	if (!skeleton)
		return context_fail_kernel(epg, -errno, NULL, "can't read the built-in programs");
	*ret = skeleton;
	return 0;
}

int skeleton_load(struct epg *epg, struct epg_bpf *skeleton)
{
	int error = epg_bpf__load(skeleton);

	return error ? support_fail_load(epg, error) : 0;
}
