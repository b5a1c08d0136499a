/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/explaining.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/libbpf_log.h"
#include "runtime/skeleton.h"

/*
 * Two programs are told apart by their instructions. Constants are not among those: there is none but the one that is
 * to differ.
 */
struct constants {
	__u32 epg_explaining;
	const void *records_described, *flow_records_described, *groups_described;
};
_Static_assert(sizeof(*((struct epg_bpf *)0)->rodata) == sizeof(struct constants), "compare other constants too");

/* ---- is it a copy? ---- */

static int read_tag(int program, __u8 ret[BPF_TAG_SIZE])
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(program, &info, &size))
		return -errno;
	memcpy(ret, info.tag, BPF_TAG_SIZE);
	return 0;
}

/* The kernel's own digests of the instructions, whatever maps they use. */
static int check_same(struct epg *epg, const char *hook, int copy)
{
	__u8 tags[2][BPF_TAG_SIZE];
	AUTO_CLOSE int live = -1;
	char path[PATH_MAX];
	int error = pins_path(epg, path, "programs/tc_%s", hook);

	if (error)
		return error;
	live = bpf_obj_get(path);
	if (live < 0)
		return context_fail_kernel(epg, -errno, path, "can't open the program in force");
	error = read_tag(live, tags[0]);
	if (!error)
		error = read_tag(copy, tags[1]);
	if (error)
		return context_fail_kernel(epg, error, path, "can't tell which program is in force");
	if (!memcmp(tags[0], tags[1], BPF_TAG_SIZE))
		return 0;
	return context_fail(epg, EPG_FAILURE_UNSUPPORTED, -EPROTO, path,
			    "ask by the version that has loaded them, or unload, and load again with this one",
			    "the programs in force are of another build, for which this one can't answer");
}

/* ---- loading ---- */

/* Maps are shared; scratch maps, which have no pin, are its own, so that questions can't disturb packets. */
static int share_maps(struct epg_bpf *skeleton, const struct instance *instance)
{
	int error = 0;

#define SHARE_MAP(name) \
	if (!error)     \
		error = bpf_map__reuse_fd(skeleton->maps.name, instance->fd.name);
	LOADED_MAPS(SHARE_MAP)
#undef SHARE_MAP
	return error;
}

static struct bpf_program *choose(struct epg_bpf *skeleton, const char *hook)
{
	struct bpf_program *program, *chosen = NULL;
	char name[BPF_OBJ_NAME_LEN * 2];

	snprintf(name, sizeof(name), "epg_tc_%s", hook);
	bpf_object__for_each_program(program, skeleton->obj)
	{
		bool is_chosen = !strcmp(bpf_program__name(program), name);

		bpf_program__set_autoload(program, is_chosen);
		if (is_chosen)
			chosen = program;
	}
	return chosen;
}

static int load(struct epg *epg, const struct instance *instance, const char *hook, const char *path)
{
	LIBBPF_LOG(epg);
	AUTO(epg_bpf__destroy) struct epg_bpf *skeleton = NULL;
	struct bpf_program *program;
	int error = skeleton_open(epg, &skeleton);

	if (error)
		return error;
	skeleton->rodata->epg_explaining = 1;
	program = choose(skeleton, hook);
	error = share_maps(skeleton, instance);
	if (error)
		return context_fail_kernel(epg, error, path, "can't share the maps with the program that explains");
	error = skeleton_load(epg, skeleton);
	if (!error)
		error = check_same(epg, hook, bpf_program__fd(program));
	if (error)
		return error;
	if (bpf_obj_pin(bpf_program__fd(program), path))
		return context_fail_kernel(epg, -errno, path, "can't pin the program that explains");
	context_log(epg, EPG_LOG_INFO, "loaded what explains, for the first question of its kind: %s", path);
	return 0;
}

int explaining_open(struct epg *epg, struct instance *instance, const char *hook)
{
	char path[PATH_MAX];
	int fd, error = pins_path(epg, path, "programs/explain_%s", hook);

	if (error)
		return error;
	fd = bpf_obj_get(path);
	if (fd < 0 && errno == ENOENT) {
		error = load(epg, instance, hook, path);
		if (error)
			return error;
		fd = bpf_obj_get(path);
	}
	return fd < 0 ? context_fail_kernel(epg, -errno, path, "can't open the program") : fd;
}
