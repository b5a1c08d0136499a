/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Loading: programs and maps are made and pinned in a directory beside the pin directory, which is then renamed:
 * an instance is there wholly or not at all, whenever we die.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "runtime/flow_table.h"
#include "runtime/hooks.h"
#include "runtime/inside.h"
#include "runtime/libbpf_log.h"
#include "runtime/load_options.h"
#include "runtime/port.h"
#include "runtime/runtime.h"
#include "runtime/skeleton.h"
#include "runtime/support.h"

/* ---- the programs and their maps ---- */

static int set_sizes(struct epg_bpf *skeleton, const struct epg_load_options *options)
{
	int cpus = libbpf_num_possible_cpus();
	const struct {
		struct bpf_map *map;
		uint32_t entries;
	} sizes[] = {
		{skeleton->maps.endpoints, options->endpoints},
		{skeleton->maps.addresses, options->endpoints * 2},
		/* An address that was learned stands in both. */
		{skeleton->maps.learned, options->endpoints * 2},
		{skeleton->maps.ports, options->endpoints},
		{skeleton->maps.port_names, options->endpoints},
		/* A policed group that sends has an endpoint. */
		{skeleton->maps.policers, options->endpoints},
		{skeleton->maps.fragments, options->fragments},
		{skeleton->maps.drops, options->drop_pairs + EPG_REASON_COUNT},
		{skeleton->maps.events, options->event_bytes},
		{skeleton->maps.tallies, (uint32_t)cpus},
	};

	if (cpus < 0)
		return cpus;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		int error = bpf_map__set_max_entries(sizes[i].map, sizes[i].entries);

		if (error)
			return error;
	}
	return 0;
}

static int load_live(struct epg *epg, const struct epg_load_options *options, struct epg_bpf **ret)
{
	AUTO(epg_bpf__destroy) struct epg_bpf *skeleton = NULL;
	int error = support_check_kernel(epg);

	if (!error)
		error = skeleton_open(epg, &skeleton);
	if (error)
		return error;
	error = set_sizes(skeleton, options);
	if (error)
		return context_fail_kernel(epg, error, NULL, "can't set the sizes of the maps");
	error = skeleton_load(epg, skeleton);
	if (error)
		return error;
	*ret = TAKE_PTR(skeleton);
	return 0;
}

/* ---- what the maps hold from the start ---- */

static int fill_random(void *bytes, size_t size)
{
	while (getrandom(bytes, size, 0) < 0)
		if (errno != EINTR)
			return -1;
	return 0;
}

static int fill_control(int map, const struct epg_load_options *options)
{
	__u32 zero = 0;
	struct epg_control control = {
		.abi_version = EPG_ABI_VERSION,
		.mark = options->mark,
		.rule_limit = options->rules,
		.flow_groups = flow_table_groups(options->flows),
		.events_per_second = options->events_per_second,
	};

	load_default_timeouts(&control);
	load_set_timeouts(&control, options);
	if (fill_random(control.voucher_key, sizeof(control.voucher_key)) ||
	    fill_random(control.flow_key, sizeof(control.flow_key)))
		return -errno;
	return bpf_map_update_elem(map, &zero, &control, BPF_ANY) ? -errno : 0;
}

/* What the stubs at the devices of interfaces inside lead to. */
static int fill_inside(const struct epg_bpf *live)
{
	const struct bpf_program *programs[] = {
		[INSIDE_SLOT_OUT] = live->progs.epg_tc_inside_out,
		[INSIDE_SLOT_IN] = live->progs.epg_tc_inside_in,
	};

	for (__u32 slot = 0; slot < ARRAY_SIZE(programs); slot++) {
		int fd = bpf_program__fd(programs[slot]);

		if (bpf_map_update_elem(bpf_map__fd(live->maps.inside), &slot, &fd, BPF_ANY))
			return -errno;
	}
	return 0;
}

/* Pairs that find the map full are counted here, so that no drop goes uncounted. */
static int fill_drops(int map)
{
	for (__u16 reason = EPG_REASON_NONE + 1; reason < EPG_REASON_COUNT; reason++) {
		struct epg_drop_key key = {.reason = reason};
		struct epg_counter counter = {0};

		if (bpf_map_update_elem(map, &key, &counter, BPF_ANY))
			return -errno;
	}
	return 0;
}

static int fill_maps(struct epg *epg, const struct epg_bpf *live, const struct epg_load_options *options)
{
	int error = fill_control(bpf_map__fd(live->maps.control), options);

	if (!error)
		error = fill_drops(bpf_map__fd(live->maps.drops));
	if (!error)
		error = fill_inside(live);
	return error ? context_fail_kernel(epg, error, "control, drops, inside", "can't fill the maps") : 0;
}

/* ---- pins ---- */

static int pin(struct epg *epg, const char *directory, const char *name, int fd)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return context_fail_kernel(epg, -ENAMETOOLONG, directory, "can't pin %s", name);
	if (bpf_obj_pin(fd, path))
		return context_fail_kernel(epg, -errno, path, "can't pin");
	return 0;
}

static int make_directories(struct epg *epg, const char *directory)
{
	static const char *const names[] = {"programs", "links", "generations"};
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (snprintf(path, sizeof(path), "%s/%s", directory, names[i]) >= (int)sizeof(path) ||
		    mkdir(path, 0700))
			return context_fail_kernel(epg, -errno, directory, "can't make the directory %s", names[i]);
	}
	return 0;
}

static int pin_all(struct epg *epg, const char *directory, const struct epg_bpf *live)
{
	const struct {
		const char *name;
		const struct bpf_program *program;
	} programs[] = {
		{"programs/tc_ingress", live->progs.epg_tc_ingress},
		{"programs/tc_egress", live->progs.epg_tc_egress},
		{"programs/xdp_ingress", live->progs.epg_xdp_ingress},
		{"programs/tc_inside_out", live->progs.epg_tc_inside_out},
		{"programs/tc_inside_in", live->progs.epg_tc_inside_in},
	};
	int error;

	error = make_directories(epg, directory);
	for (size_t i = 0; !error && i < ARRAY_SIZE(programs); i++)
		error = pin(epg, directory, programs[i].name, bpf_program__fd(programs[i].program));
#define PIN_MAP(name) \
	if (!error)   \
		error = pin(epg, directory, #name, bpf_map__fd(live->maps.name));
	LOADED_MAPS(PIN_MAP)
#undef PIN_MAP
	return error;
}

static int build(struct epg *epg, const char *directory, const struct epg_load_options *options)
{
	AUTO(epg_bpf__destroy) struct epg_bpf *live = NULL;
	int error;

	error = load_live(epg, options, &live);
	if (!error)
		error = fill_maps(epg, live, options);
	if (!error)
		error = pin_all(epg, directory, live);
	return error;
}

/* Somebody else may have been quicker: then there is an instance, and that is what was asked for. */
static int put_in_place(struct epg *epg, const char *directory)
{
	if (!rename(directory, epg->pin))
		return 0;
	if (errno == ENOTEMPTY || errno == EEXIST) {
		context_log(epg, EPG_LOG_INFO, "%s was loaded by another process meanwhile", epg->pin);
		return 0;
	}
	return context_fail_kernel(epg, -errno, epg->pin, "can't put the instance in place");
}

static int load_instance(struct epg *epg, struct epg_load_options *options)
{
	char directory[PATH_MAX];
	AUTO_CLOSE int lock = -1;
	int error;

	error = load_complete_options(epg, options);
	if (error)
		return error;
	error = pins_check_file_system(epg);
	if (error)
		return error;
	pins_sweep(epg);
	lock = pins_make_temporary(epg, directory);
	if (lock < 0)
		return lock;
	{
		LIBBPF_LOG(epg);
		error = build(epg, directory, options);
	}
	if (!error)
		error = put_in_place(epg, directory);
	/* Renamed: nothing is left under this name. */
	pins_remove(directory);
	if (!error)
		context_log(epg, EPG_LOG_INFO, "loaded at %s", epg->pin);
	return error;
}

static int load_when_needed(struct epg *epg, struct instance **ret)
{
	struct epg_load_options options = {.size = sizeof(options)};
	int error = 0;

	if (!pins_loaded(epg))
		error = load_instance(epg, &options);
	return error ? error : instance_open(epg, ret);
}

/*
 * Who looks for what has vanished looks at all that is attached: so it is done once a second, or ten thousand endpoints
 * could not be added in a row. The directory remembers when, since each process may add one.
 */
static bool sweep_is_due(struct epg *epg)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_OMIT}};
	struct stat links;
	char path[PATH_MAX];

	if (pins_path(epg, path, "links") || stat(path, &links))
		return true;
	if (links.st_atim.tv_sec == time(NULL))
		return false;
	(void)utimensat(AT_FDCWD, path, times, 0);
	return true;
}

int instance_begin_change(struct epg *epg, bool load, int *ret_lock, struct instance **ret)
{
	struct instance *instance;
	AUTO_CLOSE int lock = -1;
	int error = 0;

	if (load)
		error = load_when_needed(epg, &instance);
	if (error)
		return error;
	lock = pins_lock(epg);
	if (lock < 0)
		return lock;
	error = instance_open(epg, ret);
	if (error)
		return error;
	if (sweep_is_due(epg)) {
		hooks_sweep(epg);
		port_sweep(epg, *ret);
	}
	*ret_lock = TAKE_FD(lock);
	return 0;
}

/* Sizes stay as they are; timeouts are read with each packet. */
static int load_again(struct epg *epg, const struct epg_load_options *options)
{
	AUTO_CLOSE int lock = pins_lock(epg);
	struct instance *instance;
	int error = lock < 0 ? lock : instance_open(epg, &instance);

	if (!error)
		load_set_timeouts(instance->control, options);
	return error;
}

int epg_load(struct epg *epg, const struct epg_load_options *given)
{
	CONTEXT_CALL(epg);
	struct epg_load_options options;
	int error;

	error = context_options(epg, &options, sizeof(options), given);
	if (!error)
		error = load_check_timeouts(epg, &options);
	if (error)
		return error;
	return pins_loaded(epg) ? load_again(epg, &options) : load_instance(epg, &options);
}

int epg_unload(struct epg *epg)
{
	CONTEXT_CALL(epg);
	AUTO_CLOSE int lock = pins_lock(epg);

	if (lock < 0)
		return lock;
	hooks_detach_all(epg);
	instance_close(epg->instance);
	epg->instance = NULL;
	return pins_take_away(epg);
}
