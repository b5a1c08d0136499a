/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/record_types.h"

#include <errno.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

void record_types_close(struct record_types *types)
{
	util_close(&types->fd);
	btf__free(types->btf);
}

int record_types_open(struct epg *epg, struct instance *instance, struct record_types *ret)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);
	struct record_types types = RECORD_TYPES_INIT;
	int error;

	if (bpf_obj_get_info_by_fd(instance->fd.control, &info, &size))
		return context_fail_kernel(epg, -errno, "control", "can't read the map's types");
	types.fd = bpf_btf_get_fd_by_id(info.btf_id);
	if (types.fd < 0)
		return context_fail_kernel(epg, -errno, "control", "can't open the map's types");
	types.btf = btf__load_from_kernel_by_id(info.btf_id);
	if (libbpf_get_error(types.btf)) {
		error = -errno; /* closing may change it */
		types.btf = NULL;
		record_types_close(&types);
		return context_fail_kernel(epg, error, "control", "can't read the map's types");
	}
	*ret = types;
	return 0;
}

static void describe(const struct record_types *types, __s32 key, const char *record,
		     struct bpf_map_create_opts *options)
{
	__s32 value = btf__find_by_name_kind(types->btf, record, BTF_KIND_STRUCT);

	if (key <= 0 || value <= 0)
		return;
	options->btf_fd = (__u32)types->fd;
	options->btf_key_type_id = (__u32)key;
	options->btf_value_type_id = (__u32)value;
}

void record_types_describe(const struct record_types *types, const char *record, struct bpf_map_create_opts *options)
{
	describe(types, btf__find_by_name_kind(types->btf, "unsigned int", BTF_KIND_INT), record, options);
}

void record_types_describe_keyed(const struct record_types *types, const char *key, const char *record,
				 struct bpf_map_create_opts *options)
{
	describe(types, btf__find_by_name_kind(types->btf, key, BTF_KIND_STRUCT), record, options);
}
