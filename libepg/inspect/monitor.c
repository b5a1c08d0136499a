/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Watching decisions as they are made. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include <bpf/libbpf.h>
#include <netinet/in.h>

#include "runtime/libbpf_log.h"
#include "policy/names.h"
#include "runtime/observe.h"
#include "runtime/port.h"
#include "runtime/runtime.h"

/* How long the programs go on without us, and how often we tell them that we are still there. */
#define WATCH_NS 2000000000ull
#define RENEWAL_NS 400000000ull
#define RENEWAL_MS 500 /* longest wait: more than the above */

#define WATCH_KINDS (EPG_WATCH_DENY | EPG_WATCH_PERMIT | EPG_WATCH_AUDIT | EPG_WATCH_LOG)

/* A poll under way: what the records of the ring meet. */
struct telling {
	epg_event_fn fn; /* NULL: records are thrown away */
	void *user;
	int64_t clock_offset; /* CLOCK_REALTIME - CLOCK_MONOTONIC */
	int told;
	int stopped; /* what fn returned */
};

struct epg_monitor {
	struct epg *epg;
	/* Of the instance that was there when the monitor was opened; ours, since the context may open another one. */
	struct map_view control;
	int stats;
	int watch; /* the lock that says who watches */
	uint64_t device, inode;

	struct ring_buffer *ring;
	struct generation *generation; /* names; NULL: no policy in force */
	uint32_t watch_for;            /* EPG_WATCH_… */
	char group[EPG_NAME_MAX];      /* "": all */
	uint32_t *ids;                 /* of endpoints and interfaces; none: all */
	size_t n_ids;
	uint64_t lost_before;
	uint64_t renewed_ns;
	struct telling telling;
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static bool captures(const struct epg_monitor *monitor)
{
	return monitor->watch_for & EPG_WATCH_CAPTURE;
}

static struct epg_control *control_of(const struct epg_monitor *monitor)
{
	return (struct epg_control *)monitor->control.bytes;
}

/* Not more often than necessary: every packet's program reads what is written here. */
static void renew_watch(struct epg_monitor *monitor)
{
	struct epg_control *control = control_of(monitor);
	uint64_t now = now_ns(CLOCK_MONOTONIC);

	if (now - monitor->renewed_ns < RENEWAL_NS)
		return;
	monitor->renewed_ns = now;
	__atomic_store_n(&control->watch_until_ns, now + WATCH_NS, __ATOMIC_RELAXED);
	__atomic_store_n(&control->watch, captures(monitor) ? EPG_WATCH_CAPTURE : monitor->watch_for, __ATOMIC_RELEASE);
}

static void end_watch(const struct epg_monitor *monitor)
{
	struct epg_control *control = control_of(monitor);

	__atomic_store_n(&control->watch, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&control->watch_until_ns, 0, __ATOMIC_RELAXED);
}

static int read_lost(const struct epg_monitor *monitor, uint64_t *ret)
{
	uint64_t stats[EPG_STAT_COUNT];
	int error = observe_stats(monitor->epg, monitor->stats, stats);

	if (error)
		return error;
	*ret = stats[EPG_STAT_EVENTS_LOST] + stats[EPG_STAT_EVENTS_LIMITED];
	return 0;
}

/* ---- one event ---- */

static const char *protocol_text(const struct epg_event *event, char text[16])
{
	const char *name = NULL;

	switch (event->ethertype) {
	case 0x0800:
	case 0x86dd:
		name = names_protocol(event->protocol);
		snprintf(text, 16, "%u", event->protocol);
		break;
	case 0x0806:
		name = "arp";
		break;
	default:
		snprintf(text, 16, "0x%04x", event->ethertype);
		break;
	}
	return name ? name : text;
}

static void address_text(const uint8_t address[16], char text[TEXT_ADDRESS_MAX])
{
	static const uint8_t none[16];

	if (memcmp(address, none, sizeof(none)) == 0)
		text[0] = '\0';
	else
		text_address(address, text);
}

static bool is_of_group(const struct epg_monitor *monitor, const struct epg_event_info *info)
{
	return !monitor->group[0] || strcmp(monitor->group, info->source_group) == 0 ||
	       strcmp(monitor->group, info->destination_group) == 0;
}

static bool has_id(const struct epg_monitor *monitor, uint32_t id)
{
	for (size_t i = 0; i < monitor->n_ids; i++)
		if (monitor->ids[i] == id)
			return true;
	return false;
}

static bool is_of_interfaces(const struct epg_monitor *monitor, const struct epg_event *event)
{
	return !monitor->n_ids || has_id(monitor, event->ifindex) || has_id(monitor, event->source_ifindex) ||
	       has_id(monitor, event->destination_ifindex);
}

static bool is_audited(const struct epg_event *event)
{
	return event->flags & (EPG_EVENT_WOULD_DENY | EPG_EVENT_WOULD_PERMIT);
}

/* What a watcher before us has asked for may still come in the beginning. */
static bool is_wanted(const struct epg_monitor *monitor, const struct epg_event *event)
{
	uint32_t is = event->verdict == EPG_PERMIT ? EPG_WATCH_PERMIT : EPG_WATCH_DENY;

	if (is_audited(event))
		is |= EPG_WATCH_AUDIT;
	if (event->flags & EPG_EVENT_LOG)
		is |= EPG_WATCH_LOG;
	return is & monitor->watch_for;
}

/* A rule with the text that it points to. */
struct told_rule {
	struct epg_rule_info info;
	char match[RULE_TEXT_MATCH_MAX];
};

/* NULL where the event's generation is not the one whose names we have, or has no such rule. */
static const struct epg_rule_info *rule_of(const struct epg_monitor *monitor, const struct epg_event *event,
					   uint32_t rule, struct told_rule *told)
{
	const struct generation *generation = monitor->generation;

	if (!generation || event->generation != generation->number || rule >= generation->catalog.n_rules)
		return NULL;
	rule_text_info(generation, rule, told->match, sizeof(told->match), &told->info);
	return &told->info;
}

static int tell(struct epg_monitor *monitor, const struct epg_event *event, const struct epg_captured *captured)
{
	const struct catalog *catalog = monitor->generation ? &monitor->generation->catalog : NULL;
	char source[TEXT_ADDRESS_MAX], destination[TEXT_ADDRESS_MAX], protocol[16];
	char source_group[EPG_NAME_MAX], destination_group[EPG_NAME_MAX], interface[PORT_NAME_MAX];
	const char *reason = epg_reason_name(event->reason), *text = epg_reason_text(event->reason);
	struct telling *telling = &monitor->telling;
	struct told_rule rule, audited;
	struct epg_event_info info = {
		.event = event,
		.interface = port_name(monitor->epg, monitor->epg->instance, event->ifindex, interface),
		.source_group = observe_group(catalog, event->source_class, source_group),
		.destination_group = observe_group(catalog, event->destination_class, destination_group),
		.source_address = source,
		.destination_address = destination,
		.protocol = protocol_text(event, protocol),
		.reason_name = reason ? reason : "unknown",
		.reason_text = text ? text : "a reason that this version does not know",
		.time_unix_ns = event->time_ns + (uint64_t)telling->clock_offset,
		.frame = captured ? captured->bytes : NULL,
		.captured = captured ? captured->captured : 0,
	};

	if (!is_of_group(monitor, &info))
		return 0;
	address_text(event->source, source);
	address_text(event->destination, destination);
	info.rule = rule_of(monitor, event, event->rule, &rule);
	if (is_audited(event))
		info.audited_rule = rule_of(monitor, event, event->audited_rule, &audited);
	telling->told++;
	return telling->fn(telling->user, &info);
}

static int on_record(void *context, void *record, size_t size)
{
	struct epg_monitor *monitor = context;
	const struct epg_captured *captured = captures(monitor) ? record : NULL;
	const struct epg_event *event = record; /* either kind of record begins with it */

	if (!monitor->telling.fn || size < (captured ? sizeof(*captured) : sizeof(*event)))
		return 0;
	if (captured && captured->captured > sizeof(captured->bytes))
		return 0;
	if (!is_wanted(monitor, event) || !is_of_interfaces(monitor, event))
		return 0;
	renew_watch(monitor); /* telling may take long, and more events come meanwhile */
	monitor->telling.stopped = tell(monitor, event, captured);
	return monitor->telling.stopped ? -ECANCELED : 0;
}

/* ---- opening ---- */

/* The directory `watch` stands for the right to watch: who holds its lock, has it. Dying gives it back. */
static int take_watch(struct epg *epg, struct epg_monitor *monitor)
{
	char path[PATH_MAX];
	int error = pins_path(epg, path, "watch");

	if (error)
		return error;
	if (mkdir(path, 0700) && errno != EEXIST)
		return context_fail_kernel(epg, -errno, path, "can't make the directory");
	monitor->watch = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (monitor->watch < 0)
		return context_fail_kernel(epg, -errno, path, "can't open the directory");
	if (!flock(monitor->watch, LOCK_EX | LOCK_NB))
		return 0;
	if (errno == EWOULDBLOCK)
		return context_fail(epg, EPG_FAILURE_KERNEL, -EBUSY, path, "end the other monitor first",
				    "another process watches this instance");
	return context_fail_kernel(epg, -errno, path, "can't lock the directory");
}

static int open_maps(struct epg *epg, struct instance *instance, struct epg_monitor *monitor)
{
	LIBBPF_LOG(epg);
	int error;

	monitor->device = instance->device;
	monitor->inode = instance->inode;
	error = map_view_open(instance->fd.control, true, &monitor->control);
	if (error)
		return context_fail_kernel(epg, error, "control", "can't map the control map into memory");
	monitor->stats = fcntl(instance->fd.stats, F_DUPFD_CLOEXEC, 0);
	if (monitor->stats < 0)
		return context_fail_kernel(epg, -errno, "stats", "can't keep the map open");
	monitor->ring = ring_buffer__new(captures(monitor) ? instance->fd.captures : instance->fd.events, on_record,
					 monitor, NULL);
	if (!monitor->ring)
		return context_fail_kernel(epg, -errno, captures(monitor) ? "captures" : "events",
					   "can't open the ring buffer");
	return 0;
}

static int set_interfaces(struct epg *epg, struct instance *instance, const struct epg_monitor_options *options,
			  struct epg_monitor *monitor)
{
	int error = 0;

	if (options->n_interfaces && !options->interfaces)
		return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, NULL, NULL,
				    "n_interfaces is set and interfaces is not");
	monitor->ids = calloc(options->n_interfaces + 1, sizeof(*monitor->ids));
	if (!monitor->ids)
		return context_fail_kernel(epg, -ENOMEM, NULL, "can't open a monitor");
	for (; !error && monitor->n_ids < options->n_interfaces; monitor->n_ids++)
		error = port_find_vanished(epg, instance, options->interfaces[monitor->n_ids],
					   &monitor->ids[monitor->n_ids]);
	return error;
}

static int set_filter(struct epg *epg, struct instance *instance, const struct epg_monitor_options *options,
		      struct epg_monitor *monitor)
{
	int error = observe_running(epg, instance, &monitor->generation);

	if (error)
		return error;
	if (options->watch & ~(uint32_t)(WATCH_KINDS | EPG_WATCH_CAPTURE))
		return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, NULL, NULL,
				    "a monitor was asked to watch for what this version does not know");
	monitor->watch_for = options->watch;
	if (!(options->watch & WATCH_KINDS))
		monitor->watch_for |= EPG_WATCH_DENY | EPG_WATCH_PERMIT;
	error = set_interfaces(epg, instance, options, monitor);
	if (error || !options->group)
		return error;
	if (!monitor->generation || !catalog_group_by_name(&monitor->generation->catalog, options->group))
		return context_fail(epg, EPG_FAILURE_NOT_FOUND, -ENOENT, options->group,
				    "epgctl group ls tells which there are", "the running policy has no such group");
	snprintf(monitor->group, sizeof(monitor->group), "%s", options->group);
	return 0;
}

static struct epg_monitor *monitor_new(struct epg *epg)
{
	struct epg_monitor *monitor = calloc(1, sizeof(*monitor));

	if (!monitor)
		return NULL;
	monitor->epg = epg;
	monitor->stats = monitor->watch = -1;
	return monitor;
}

static void monitor_free(struct epg_monitor *monitor)
{
	ring_buffer__free(monitor->ring);
	generation_close(monitor->generation);
	map_view_close(&monitor->control);
	util_close(&monitor->stats);
	util_close(&monitor->watch);
	free(monitor->ids);
	free(monitor);
}

DEFINE_AUTO(struct epg_monitor, monitor_free)

int epg_monitor_open(struct epg *epg, const struct epg_monitor_options *given, struct epg_monitor **ret)
{
	CONTEXT_CALL(epg);
	AUTO(monitor_free) struct epg_monitor *monitor = NULL;
	struct epg_monitor_options options;
	struct instance *instance;
	int error;

	error = context_options(epg, &options, sizeof(options), given);
	if (!error)
		error = instance_open(epg, &instance);
	if (error)
		return error;
	monitor = monitor_new(epg);
	if (!monitor)
		return context_fail_kernel(epg, -ENOMEM, NULL, "can't open a monitor");
	error = take_watch(epg, monitor);
	if (!error)
		error = set_filter(epg, instance, &options, monitor);
	if (!error)
		error = open_maps(epg, instance, monitor);
	if (!error)
		error = read_lost(monitor, &monitor->lost_before);
	if (error)
		return error;
	end_watch(monitor);
	ring_buffer__consume(monitor->ring); /* what a watcher before us has left behind */
	renew_watch(monitor);
	*ret = TAKE_PTR(monitor);
	return 0;
}

void epg_monitor_close(struct epg_monitor *monitor)
{
	struct epg *epg = monitor ? monitor->epg : NULL;

	if (!epg)
		return;
	CONTEXT_CALL(epg);
	end_watch(monitor);
	monitor_free(monitor);
}

int epg_monitor_fd(const struct epg_monitor *monitor)
{
	return ring_buffer__epoll_fd(monitor->ring);
}

uint64_t epg_monitor_lost(const struct epg_monitor *monitor)
{
	struct epg *epg = monitor->epg;
	CONTEXT_CALL(epg);
	uint64_t lost;

	return read_lost(monitor, &lost) ? 0 : lost - monitor->lost_before;
}

/* ---- polling ---- */

/* Takes the names of the generation in force, when another one than last time is. */
static int refresh_names(struct epg *epg, struct epg_monitor *monitor)
{
	struct generation *generation;
	struct instance *instance;
	int error = instance_open(epg, &instance);

	if (error)
		return error;
	if (instance->device != monitor->device || instance->inode != monitor->inode)
		return context_fail(epg, EPG_FAILURE_UNSUPPORTED, -ENODEV, epg->pin, "open another monitor",
				    "the instance that was watched has been unloaded");
	if (observe_generation(instance) == (monitor->generation ? monitor->generation->number : 0))
		return 0;
	error = observe_running(epg, instance, &generation);
	if (error)
		return error;
	generation_close(monitor->generation);
	monitor->generation = generation;
	return 0;
}

/* Tells what is in the ring. Returns the number of events told, what fn returned, or a negative errno value. */
static int tell_pending(struct epg_monitor *monitor, epg_event_fn fn, void *user)
{
	struct epg *epg = monitor->epg;
	CONTEXT_CALL(epg);
	int result = refresh_names(epg, monitor);

	if (result)
		return result;
	renew_watch(monitor);
	monitor->telling = (struct telling){
		.fn = fn,
		.user = user,
		.clock_offset = (int64_t)(now_ns(CLOCK_REALTIME) - now_ns(CLOCK_MONOTONIC)),
	};
	result = ring_buffer__consume(monitor->ring);
	monitor->telling.fn = NULL;
	if (monitor->telling.stopped)
		return monitor->telling.stopped;
	if (result < 0)
		return context_fail_kernel(epg, result, "events", "can't read the ring buffer");
	return monitor->telling.told;
}

/* Waits for events, not longer than until the watch must be renewed. `left_ms` is negative for ever. */
static int wait_for_events(const struct epg_monitor *monitor, int64_t left_ms)
{
	struct pollfd ring = {.fd = epg_monitor_fd(monitor), .events = POLLIN};
	int slice = left_ms < 0 || left_ms > RENEWAL_MS ? RENEWAL_MS : (int)left_ms;

	return poll(&ring, 1, slice) < 0 ? -errno : 0;
}

int epg_monitor_poll(struct epg_monitor *monitor, int timeout_ms, epg_event_fn fn, void *user)
{
	uint64_t begin = now_ns(CLOCK_MONOTONIC);

	for (;;) {
		int64_t left_ms = -1;
		int result = tell_pending(monitor, fn, user);

		if (result)
			return result;
		if (timeout_ms >= 0)
			left_ms = timeout_ms - (int64_t)((now_ns(CLOCK_MONOTONIC) - begin) / 1000000);
		if (timeout_ms >= 0 && left_ms <= 0)
			return 0;
		result = wait_for_events(monitor, left_ms);
		if (result)
			return result;
	}
}
