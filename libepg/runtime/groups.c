/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/groups.h"

#include <errno.h>

#include "runtime/record_types.h"

#define GROUPS_MAX (EPG_CLASS_LAST + 1)

int groups_make(struct epg *epg, struct instance *instance)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
	AUTO_RECORD_TYPES struct record_types types = RECORD_TYPES_INIT;
	AUTO_CLOSE int map = -1;
	char path[PATH_MAX];
	int error;

	if (instance->fd.groups >= 0)
		return 0;
	error = pins_path(epg, path, "groups");
	if (!error)
		error = record_types_open(epg, instance, &types);
	if (error)
		return error;
	record_types_describe_keyed(&types, "epg_group_key", "epg_group", &options);
	map = bpf_map_create(BPF_MAP_TYPE_HASH, "groups", sizeof(struct epg_group_key), sizeof(struct epg_group),
			     GROUPS_MAX, &options);
	if (map < 0)
		return context_fail_kernel(epg, -errno, "groups", "can't make the map");
	if (bpf_obj_pin(map, path))
		return context_fail_kernel(epg, -errno, path, "can't pin the map");
	instance->fd.groups = TAKE_FD(map);
	return 0;
}
