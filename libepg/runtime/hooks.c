/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/hooks.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/if_link.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "runtime/inside.h"
#include "runtime/libbpf_log.h"

enum hook {
	HOOK_INGRESS,
	HOOK_EGRESS,
	HOOK_XDP,
	HOOK_CLSACT_INGRESS,
	HOOK_CLSACT_EGRESS,
	HOOK_COUNT
};

static const struct {
	const char *name; /* of the pin, after the ifindex */
	const char *program;
} hooks_table[HOOK_COUNT] = {
	[HOOK_INGRESS] = {"ingress", "programs/tc_ingress"},
	[HOOK_EGRESS] = {"egress", "programs/tc_egress"},
	[HOOK_XDP] = {"xdp", "programs/xdp_ingress"},
	[HOOK_CLSACT_INGRESS] = {"clsact-ingress", "programs/tc_ingress"},
	[HOOK_CLSACT_EGRESS] = {"clsact-egress", "programs/tc_egress"},
};

static bool is_clsact(enum hook hook)
{
	return hook == HOOK_CLSACT_INGRESS || hook == HOOK_CLSACT_EGRESS;
}

static bool is_egress(enum hook hook)
{
	return hook == HOOK_EGRESS || hook == HOOK_CLSACT_EGRESS;
}

static void hook_path(struct epg *epg, char path[PATH_MAX], uint32_t ifindex, enum hook hook)
{
	/* The context's pin directory leaves room for it. */
	(void)pins_path(epg, path, "links/%u-%s", ifindex, hooks_table[hook].name);
}

/* ---- what is attached ---- */

/*
 * Whether a pin stands for something that is in force: 1; for nothing any more: 0. What can't be found out is an
 * error: nothing may be taken off, or put on twice, because a question has failed.
 */
static int hook_state(struct epg *epg, uint32_t ifindex, enum hook hook)
{
	char path[PATH_MAX];
	AUTO_CLOSE int fd = -1;

	hook_path(epg, path, ifindex, hook);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	return is_clsact(hook) ? clsact_state(fd, ifindex, is_egress(hook)) : tcx_state(fd, ifindex);
}

int hooks_find(struct epg *epg, uint32_t ifindex, struct hooks *ret)
{
	int state[HOOK_COUNT];

	LIBBPF_LOG(epg);
	for (int hook = 0; hook < HOOK_COUNT; hook++) {
		state[hook] = hook_state(epg, ifindex, hook);
		if (state[hook] < 0)
			return context_fail_kernel(epg, state[hook], NULL,
						   "can't find out what is attached to interface %u", ifindex);
	}
	*ret = (struct hooks){
		.ifindex = ifindex,
		.kind = state[HOOK_CLSACT_INGRESS] || state[HOOK_CLSACT_EGRESS] ? EPG_ATTACHMENT_CLSACT
										: EPG_ATTACHMENT_TCX,
		.ingress = state[HOOK_INGRESS] || state[HOOK_CLSACT_INGRESS],
		.egress = state[HOOK_EGRESS] || state[HOOK_CLSACT_EGRESS],
		.xdp = state[HOOK_XDP],
	};
	return 0;
}

enum hooks_life hooks_life(struct epg *epg, uint32_t port)
{
	static const enum hook both[] = {HOOK_INGRESS, HOOK_EGRESS};

	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		char path[PATH_MAX];
		AUTO_CLOSE int fd = -1;

		hook_path(epg, path, port, both[i]);
		fd = bpf_obj_get(path);
		if (fd < 0 && errno == ENOENT)
			continue;
		/* What can't be found out is no reason to take it for dead. */
		return fd >= 0 && tcx_state(fd, port) == 0 ? HOOKS_DEAD : HOOKS_ALIVE;
	}
	return HOOKS_NONE;
}

uint32_t hooks_program(struct epg *epg, uint32_t ifindex, bool egress)
{
	struct bpf_link_info info = {0};
	__u32 size = sizeof(info);
	char path[PATH_MAX];
	AUTO_CLOSE int fd = -1;

	hook_path(epg, path, ifindex, egress ? HOOK_EGRESS : HOOK_INGRESS);
	fd = bpf_obj_get(path);
	return fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.prog_id;
}

void hooks_program_name(uint32_t id, char name[HOOKS_PROGRAM_NAME_MAX])
{
	AUTO_CLOSE int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		info.name[0] = '\0';
	snprintf(name, HOOKS_PROGRAM_NAME_MAX, "%s%sid %u", info.name, *info.name ? ", " : "", id);
}

static int compare_numbers(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

/* The ifindexes that pins name, in order, each once. */
static int read_ifindexes(struct epg *epg, uint32_t **ret, size_t *ret_count)
{
	AUTO_FREE uint32_t *numbers = NULL;
	size_t count = 0, capacity = 0, unique = 0;
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *directory;

	(void)pins_path(epg, path, "links");
	directory = opendir(path);
	if (!directory)
		return context_fail_kernel(epg, -errno, path, "can't read the directory of attachments");
	while ((entry = readdir(directory))) {
		unsigned int number;

		if (sscanf(entry->d_name, "%u-", &number) != 1)
			continue;
		if (count == capacity) {
			uint32_t *larger = reallocarray(numbers, capacity * 2 + 16, sizeof(*numbers));

			if (!larger) {
				closedir(directory);
				return context_fail_kernel(epg, -ENOMEM, path, "can't read the attachments");
			}
			numbers = larger;
			capacity = capacity * 2 + 16;
		}
		numbers[count++] = number;
	}
	closedir(directory);
	if (count)
		qsort(numbers, count, sizeof(*numbers), compare_numbers);
	for (size_t i = 0; i < count; i++)
		if (!unique || numbers[unique - 1] != numbers[i])
			numbers[unique++] = numbers[i];
	*ret = TAKE_PTR(numbers);
	*ret_count = unique;
	return 0;
}

int hooks_read(struct epg *epg, struct hooks **ret, size_t *ret_count)
{
	AUTO_FREE uint32_t *ifindexes = NULL;
	AUTO_FREE struct hooks *hooks = NULL;
	size_t n_ifindexes, count = 0;
	int error;

	error = read_ifindexes(epg, &ifindexes, &n_ifindexes);
	if (error)
		return error;
	hooks = calloc(n_ifindexes + 1, sizeof(*hooks));
	if (!hooks)
		return context_fail_kernel(epg, -ENOMEM, NULL, "can't read the attachments");
	for (size_t i = 0; i < n_ifindexes; i++) {
		struct hooks *found = &hooks[count];

		error = hooks_find(epg, ifindexes[i], found);
		if (error)
			return error;
		count += found->ingress || found->egress || found->xdp;
	}
	*ret = TAKE_PTR(hooks);
	*ret_count = count;
	return 0;
}

/* The hook that a pin is named for; HOOK_COUNT: none. */
static enum hook hook_of_pin(const char *name, uint32_t *ret_ifindex)
{
	int length = 0, hook = 0;

	if (sscanf(name, "%u-%n", ret_ifindex, &length) != 1 || !length)
		return HOOK_COUNT;
	while (hook < HOOK_COUNT && strcmp(name + length, hooks_table[hook].name))
		hook++;
	return (enum hook)hook;
}

/* Only what is pinned is asked for: with ten thousand endpoints each question counts. */
void hooks_sweep(struct epg *epg)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *directory;

	(void)pins_path(epg, path, "links");
	directory = opendir(path);
	if (!directory)
		return;
	LIBBPF_LOG(epg);
	while ((entry = readdir(directory))) {
		uint32_t ifindex;
		enum hook hook = hook_of_pin(entry->d_name, &ifindex);

		if (hook == HOOK_COUNT || hook_state(epg, ifindex, hook) != 0)
			continue;
		hook_path(epg, path, ifindex, hook);
		if (!unlink(path))
			context_log(epg, EPG_LOG_INFO, "interface %u is gone: removed %s", ifindex, path);
	}
	closedir(directory);
}

/* ---- taking off ---- */

static bool hook_detach(struct epg *epg, uint32_t ifindex, enum hook hook)
{
	char path[PATH_MAX];
	AUTO_CLOSE int fd = -1;

	hook_path(epg, path, ifindex, hook);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return false;
	/* Dropping the last reference would do, but some time later. */
	if (!is_clsact(hook))
		bpf_link_detach(fd);
	else if (clsact_state(fd, ifindex, is_egress(hook)) != 0)
		clsact_detach(ifindex, is_egress(hook));
	unlink(path);
	return true;
}

bool hooks_detach(struct epg *epg, uint32_t ifindex)
{
	bool any = false;

	LIBBPF_LOG(epg);
	for (int hook = 0; hook < HOOK_COUNT; hook++)
		any |= hook_detach(epg, ifindex, hook);
	return any;
}

void hooks_detach_all(struct epg *epg)
{
	AUTO_FREE uint32_t *ifindexes = NULL;
	size_t count = 0;

	if (read_ifindexes(epg, &ifindexes, &count))
		return;
	for (size_t i = 0; i < count; i++)
		hooks_detach(epg, ifindexes[i]);
}

/* ---- putting on ---- */

static int open_program(struct epg *epg, const struct hooks_order *order, enum hook hook)
{
	char path[PATH_MAX];
	int fd;

	if (order->netns >= 0)
		return inside_load_stub(epg, order->id, is_egress(hook) ? INSIDE_SLOT_OUT : INSIDE_SLOT_IN);
	(void)pins_path(epg, path, "%s", hooks_table[hook].program);
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

/* Native where the driver can; else after the kernel has made a packet of the frame. */
static int link_xdp(struct epg *epg, int program, uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
	int fd = bpf_link_create(program, (int)ifindex, BPF_XDP, &options);

	if (fd >= 0) {
		context_log(epg, EPG_LOG_INFO, "interface %u: XDP in the driver", ifindex);
		return fd;
	}
	if (errno != EOPNOTSUPP && errno != EINVAL)
		return -errno;
	options.flags = XDP_FLAGS_SKB_MODE;
	fd = bpf_link_create(program, (int)ifindex, BPF_XDP, &options);
	if (fd < 0)
		return -errno;
	context_log(epg, EPG_LOG_INFO, "interface %u: the driver has no XDP, generic XDP it is", ifindex);
	return fd;
}

static struct tcx_place tcx_place(const struct hooks_order *order, enum hook hook)
{
	return (struct tcx_place){
		.netns = order->netns,
		.ifindex = order->ifindex,
		.egress = is_egress(hook),
	};
}

/* Of a program that is attached elsewhere only nothing can be said here: ours come first. */
static int link_tcx(const struct hooks_order *order, int program, enum hook hook)
{
	struct tcx_place place = tcx_place(order, hook);
	uint32_t other = order->before ? order->before : order->after;
	int has = other ? tcx_has(&place, other) : 0;

	if (has < 0)
		return has;
	place.before = has ? order->before : 0;
	place.after = has ? order->after : 0;
	return tcx_link(&place, program);
}

static int hook_attach(struct epg *epg, const struct hooks_order *order, enum hook hook)
{
	AUTO_CLOSE int program = open_program(epg, order, hook);
	AUTO_CLOSE int link = -1;
	char path[PATH_MAX];
	int error;

	if (program < 0)
		return program;
	hook_path(epg, path, order->id, hook);
	/* Of an interface that has vanished, which had the same number. */
	(void)unlink(path);
	if (is_clsact(hook)) {
		/* Pinned first: a kill in between leaves a pin that stands for nothing, not an unknown filter. */
		if (bpf_obj_pin(program, path))
			return -errno;
		error = clsact_attach(program, order->ifindex, is_egress(hook));
		if (error)
			unlink(path);
		return error;
	}
	link = hook == HOOK_XDP ? link_xdp(epg, program, order->ifindex) : link_tcx(order, program, hook);
	if (link < 0)
		return link;
	return bpf_obj_pin(link, path) ? -errno : 0;
}

/* Whether the kernel has TCX is found out by trying. */
static bool lacks_tcx(int error)
{
	return error == -EINVAL || error == -EOPNOTSUPP;
}

/* What a container could take away again would be no enforcement; and a qdisc knows no order among strangers. */
static int fail_without_tcx(struct epg *epg, int error, const struct hooks_order *order)
{
	const char *why = order->netns >= 0
				  ? "an interface inside another network namespace can't be attached: whoever "
				    "is in there could remove a clsact filter"
				  : "an order among programs can't be kept";

	return context_fail(epg, EPG_FAILURE_UNSUPPORTED, -EOPNOTSUPP, order->name, "TCX came with Linux 6.6",
			    "without TCX %s: %s", why, strerror(-error));
}

static bool takes_tcx(const struct hooks_order *order)
{
	return order->netns >= 0 || order->before || order->after;
}

static int fail_attach(struct epg *epg, int error, const struct hooks_order *order, enum hook hook)
{
	const char *interface = order->name;

	if (lacks_tcx(error) && hook != HOOK_XDP && takes_tcx(order))
		return fail_without_tcx(epg, error, order);
	if ((error == -EBUSY || error == -EEXIST) && hook == HOOK_XDP)
		return context_fail(epg, EPG_FAILURE_KERNEL, error, interface, "remove it: ip link set dev IF xdp off",
				    "another XDP program is attached to the interface");
	if (error == -EEXIST && is_clsact(hook))
		return context_fail(epg, EPG_FAILURE_KERNEL, error, interface,
				    "tc filter show dev IF ingress shows it; so does egress",
				    "another filter has the first place in the interface's clsact qdisc");
	return context_fail_kernel(epg, error, interface, "can't attach the program %s", hooks_table[hook].name);
}

/* A hook that is to be attached, and how its kind is called where the kernel has no TCX. */
struct step {
	enum hook hook, instead;
	bool missing;
};

static int take_step(struct epg *epg, const struct hooks_order *order, struct step *step)
{
	int error = hook_attach(epg, order, step->hook);

	if (!lacks_tcx(error) || step->instead == step->hook || takes_tcx(order))
		return error;
	context_log(epg, EPG_LOG_INFO, "%s: no TCX here, using clsact", order->name);
	step->hook = step->instead;
	return hook_attach(epg, order, step->hook);
}

/* All or none of what is missing. */
static int attach_missing(struct epg *epg, const struct hooks_order *order, const struct hooks *hooks)
{
	struct step steps[] = {
		{HOOK_XDP, HOOK_XDP, order->xdp && !hooks->xdp},
		{HOOK_INGRESS, HOOK_CLSACT_INGRESS, !hooks->ingress},
		{HOOK_EGRESS, HOOK_CLSACT_EGRESS, !hooks->egress},
	};

	LIBBPF_LOG(epg);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		int error = steps[i].missing ? take_step(epg, order, &steps[i]) : 0;

		if (!error)
			continue;
		for (size_t j = 0; j < i; j++)
			if (steps[j].missing)
				hook_detach(epg, order->id, steps[j].hook);
		return fail_attach(epg, error, order, steps[i].hook);
	}
	return 0;
}

/* The program in relation to which ours are to stand must be at one of both hooks. */
static int check_order(struct epg *epg, const struct hooks_order *order)
{
	struct tcx_place in = tcx_place(order, HOOK_INGRESS), out = tcx_place(order, HOOK_EGRESS);
	uint32_t other = order->before ? order->before : order->after;
	int has;

	if (!other)
		return 0;
	if (order->before && order->after)
		return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, order->name, NULL,
				    "before one program and after another can't be had together");
	has = tcx_has(&in, other);
	if (!has)
		has = tcx_has(&out, other);
	if (has < 0)
		return lacks_tcx(has) ? fail_without_tcx(epg, has, order)
				      : context_fail_kernel(epg, has, order->name, "can't ask who is attached");
	if (!has)
		return context_fail(epg, EPG_FAILURE_NOT_FOUND, -ENOENT, order->name, "bpftool net shows the programs",
				    "the program %u is attached at neither hook of the interface", other);
	return 0;
}

int hooks_attach(struct epg *epg, const struct hooks_order *order)
{
	bool xdp = order->xdp;
	struct hooks hooks;
	int error;

	error = hooks_find(epg, order->id, &hooks);
	if (error)
		return error;
	if (xdp ? hooks.ingress && !hooks.xdp : hooks.xdp)
		return context_fail(epg, EPG_FAILURE_INPUT, -EEXIST, order->name, "detach it first: epgctl detach",
				    "the interface is attached by %s", xdp ? "TC" : "XDP");
	if (hooks_complete(&hooks) && hooks.xdp == xdp)
		return 0;
	error = check_order(epg, order);
	if (!error)
		error = attach_missing(epg, order, &hooks);
	return error ? error : 1;
}
