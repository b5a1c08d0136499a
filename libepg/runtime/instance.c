/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The pinned maps of an instance, opened once per context and checked against our own layout. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "runtime/flow_table.h"

/* What a map must look like; sizes of 0 are not looked at (ring buffer, arrays of maps). */
struct layout {
	const char *name;
	size_t fd; /* offset in struct instance */
	__u32 key_size;
	__u32 value_size;
	bool late; /* not there from the beginning */
};

#define LAYOUT(name, key, value)                                             \
	{                                                                    \
#name, offsetof(struct instance, fd.name), key, value, false \
	}
#define LATE_LAYOUT(name, key, value)                                       \
	{                                                                   \
#name, offsetof(struct instance, fd.name), key, value, true \
	}

static const struct layout layouts[] = {
	/* The first one tells whether anything is loaded, and by which version. */
	LAYOUT(control, sizeof(__u32), sizeof(struct epg_control)),
	LAYOUT(endpoints, sizeof(struct epg_endpoint_key), sizeof(struct epg_endpoint)),
	LAYOUT(addresses, sizeof(struct epg_address_key), sizeof(struct epg_address)),
	LAYOUT(ports, sizeof(struct epg_port_key), sizeof(__u32)),
	LAYOUT(port_names, sizeof(__u32), sizeof(struct epg_port_name)),
	LAYOUT(learned, sizeof(struct epg_learned_key), sizeof(struct epg_address_key)),
	LAYOUT(macs, sizeof(struct epg_mac_key), sizeof(__u32)),
	LAYOUT(flows, sizeof(__u32), sizeof(__u32)),
	LAYOUT(flow_addresses, sizeof(__u32), sizeof(__u32)),
	LAYOUT(flow_locks, sizeof(__u32), 2 * sizeof(__u32)),
	LAYOUT(near, sizeof(__u32), sizeof(struct epg_near)),
	LAYOUT(tallies, sizeof(__u32), sizeof(struct epg_tallies)),
	LAYOUT(fragments, sizeof(struct epg_fragment_key), sizeof(struct epg_fragments)),
	LAYOUT(inside, sizeof(__u32), sizeof(__u32)),
	LAYOUT(policers, sizeof(__u32), sizeof(struct epg_policer)),
	LAYOUT(drops, sizeof(struct epg_drop_key), sizeof(struct epg_counter)),
	LAYOUT(events, 0, 0),
	LAYOUT(captures, 0, 0),
	LAYOUT(stats, sizeof(__u32), sizeof(__u64)),
	LAYOUT(trace, sizeof(__u32), sizeof(struct epg_event)),
	LAYOUT(classes, sizeof(__u32), sizeof(__u32)),
	LAYOUT(pairs, sizeof(__u32), sizeof(__u32)),
	LAYOUT(sets, sizeof(__u32), sizeof(__u32)),
	LAYOUT(nodes, sizeof(__u32), sizeof(__u32)),
	LAYOUT(rules, sizeof(__u32), sizeof(__u32)),
	LAYOUT(counters, sizeof(__u32), sizeof(__u32)),
	LATE_LAYOUT(groups, sizeof(struct epg_group_key), sizeof(struct epg_group)),
};

#define COUNT_MAP(name) +1
_Static_assert(ARRAY_SIZE(layouts) == 0 INSTANCE_MAPS(COUNT_MAP), "a layout for each map");

static int *fd_of(struct instance *instance, const struct layout *layout)
{
	return (int *)((char *)instance + layout->fd);
}

static struct instance *instance_new(void)
{
	struct instance *instance = calloc(1, sizeof(*instance));

	if (!instance)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++)
		*fd_of(instance, &layouts[i]) = -1;
	return instance;
}

void instance_close(struct instance *instance)
{
	if (!instance)
		return;
	if (instance->control)
		munmap(instance->control, sizeof(*instance->control));
	flow_table_free(instance->flows);
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++)
		util_close(fd_of(instance, &layouts[i]));
	free(instance);
}

DEFINE_AUTO(struct instance, instance_close)

static int fail_layout(struct epg *epg, const char *path)
{
	return context_fail(epg, EPG_FAILURE_UNSUPPORTED, -EPROTO, path,
			    "use the version that loaded it, or unload with that version and load again",
			    "the map has another layout than this version (ABI %d) knows", EPG_ABI_VERSION);
}

static int open_map(struct epg *epg, struct instance *instance, const struct layout *layout)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);
	AUTO_CLOSE int fd = -1;
	char path[PATH_MAX];
	int error;

	error = pins_path(epg, path, "%s", layout->name);
	if (error)
		return error;
	fd = bpf_obj_get(path);
	if (fd < 0 && errno == ENOENT && layout->late)
		return 0;
	if (fd < 0 && errno == ENOENT)
		return layout == layouts ? pins_fail_not_loaded(epg) : fail_layout(epg, path);
	if (fd < 0)
		return context_fail_kernel(epg, -errno, path, "can't open the pinned map");
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return context_fail_kernel(epg, -errno, path, "can't read the map's layout");
	if (info.key_size != layout->key_size || info.value_size != layout->value_size)
		return fail_layout(epg, path);
	*fd_of(instance, layout) = TAKE_FD(fd);
	return 0;
}

static int map_control(struct epg *epg, struct instance *instance)
{
	struct map_view view;
	int error;

	error = map_view_open(instance->fd.control, true, &view);
	if (error)
		return context_fail_kernel(epg, error, "control", "can't map the control map into memory");
	instance->control = (struct epg_control *)view.bytes;
	if (instance->control->abi_version != EPG_ABI_VERSION)
		return fail_layout(epg, "control");
	return 0;
}

static int instance_new_opened(struct epg *epg, const struct stat *directory, struct instance **ret)
{
	AUTO(instance_close) struct instance *instance = instance_new();
	int error;

	if (!instance)
		return context_fail_kernel(epg, -ENOMEM, NULL, "can't open the instance");
	instance->device = directory->st_dev;
	instance->inode = directory->st_ino;
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
		error = open_map(epg, instance, &layouts[i]);
		if (!error && i == 0)
			error = map_control(epg, instance);
		if (error)
			return error;
	}
	*ret = TAKE_PTR(instance);
	return 0;
}

/* Another process may have made them since they were looked for. */
static int open_late(struct epg *epg, struct instance *instance)
{
	int error = 0;

	for (size_t i = 0; !error && i < ARRAY_SIZE(layouts); i++)
		if (layouts[i].late && *fd_of(instance, &layouts[i]) < 0)
			error = open_map(epg, instance, &layouts[i]);
	return error;
}

int instance_open(struct epg *epg, struct instance **ret)
{
	struct stat directory;
	int error;

	if (stat(epg->pin, &directory))
		return errno == ENOENT || errno == ENOTDIR
			       ? pins_fail_not_loaded(epg)
			       : context_fail_kernel(epg, -errno, epg->pin, "can't look at the pin directory");
	if (epg->instance && (epg->instance->device != directory.st_dev || epg->instance->inode != directory.st_ino)) {
		instance_close(epg->instance);
		epg->instance = NULL;
	}
	error = epg->instance ? open_late(epg, epg->instance) : instance_new_opened(epg, &directory, &epg->instance);
	if (error)
		return error;
	*ret = epg->instance;
	return 0;
}
