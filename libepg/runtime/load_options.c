/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* How large, and for how long: what epg_load is told, and what is taken where it is told nothing. */
#include "runtime/load_options.h"

#include <errno.h>
#include <time.h>

#define DEFAULT_FLOWS 262144
#define DEFAULT_FRAGMENTS 8192
#define DEFAULT_DROP_PAIRS 16000
#define DEFAULT_EVENT_BYTES 262144
#define DEFAULT_EVENTS_PER_SECOND 10000
#define DEFAULT_MARK 0x10000000u

/* Beyond these a size is a mistake rather than a wish. */
#define MAX_ENDPOINTS (1u << 24)
#define MAX_ENTRIES (1u << 28)
#define MAX_EVENT_BYTES (1u << 30)
#define MIN_EVENT_BYTES 4096
/* In jiffies: half of what 32 bits can tell apart. */
#define MAX_TIMEOUT (1u << 31)

/* Idle seconds after which a flow is forgotten. */
static const __u32 connection_seconds[EPG_FLOW_STATES] = {
	[EPG_FLOW_NEW] = 60,
	[EPG_FLOW_ESTABLISHED] = 8 * 3600,
	[EPG_FLOW_CLOSING] = 30,
};
static const __u32 other_seconds[EPG_FLOW_STATES] = {
	[EPG_FLOW_NEW] = 30,
	[EPG_FLOW_ESTABLISHED] = 180,
	[EPG_FLOW_CLOSING] = 10,
};
#define DEFAULT_FRAGMENT_SECONDS 30

static int set_size(struct epg *epg, uint32_t *size, uint32_t otherwise, uint32_t limit, const char *name)
{
	if (!*size)
		*size = otherwise;
	if (*size > limit)
		return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, name, NULL, "the size %u is more than %u", *size,
				    limit);
	return 0;
}

int load_complete_options(struct epg *epg, struct epg_load_options *options)
{
	uint32_t bytes;

	if (set_size(epg, &options->endpoints, LOAD_DEFAULT_ENDPOINTS, MAX_ENDPOINTS, "endpoints") ||
	    set_size(epg, &options->flows, DEFAULT_FLOWS, MAX_ENTRIES, "flows") ||
	    set_size(epg, &options->fragments, DEFAULT_FRAGMENTS, MAX_ENTRIES, "fragments") ||
	    set_size(epg, &options->rules, LOAD_DEFAULT_RULES, MAX_ENTRIES, "rules") ||
	    set_size(epg, &options->drop_pairs, DEFAULT_DROP_PAIRS, MAX_ENTRIES, "drops") ||
	    set_size(epg, &options->event_bytes, DEFAULT_EVENT_BYTES, MAX_EVENT_BYTES, "events") ||
	    set_size(epg, &options->events_per_second, DEFAULT_EVENTS_PER_SECOND, UINT32_MAX, "events_per_second"))
		return -EINVAL;
	bytes = options->event_bytes;
	if (bytes < MIN_EVENT_BYTES || bytes & (bytes - 1))
		return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, "events", NULL,
				    "the size of the event buffer, %u, is not a power of 2 of at least %u", bytes,
				    MIN_EVENT_BYTES);
	if (!options->mark)
		options->mark = DEFAULT_MARK;
	if (options->mark & (options->mark - 1))
		return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, "mark", "give a number with one bit set",
				    "the mark 0x%x is not one bit", options->mark);
	return 0;
}

/* ---- timeouts ---- */

static __u32 jiffies_per_second(void)
{
	struct timespec tick;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) || tick.tv_sec || tick.tv_nsec <= 0)
		return 100;
	return (__u32)((1000000000 + tick.tv_nsec / 2) / tick.tv_nsec);
}

static int check_timeout(struct epg *epg, uint32_t seconds)
{
	uint32_t limit = MAX_TIMEOUT / jiffies_per_second();

	if (seconds < limit)
		return 0;
	return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, "timeout", NULL,
			    "the timeout of %u seconds is not below %u, as long as the kernel's clock can tell",
			    seconds, limit);
}

int load_check_timeouts(struct epg *epg, const struct epg_load_options *options)
{
	int error = check_timeout(epg, options->fragment_timeout);

	for (int i = 0; !error && i < EPG_FLOW_STATES; i++) {
		error = check_timeout(epg, options->connection_timeout[i]);
		if (!error)
			error = check_timeout(epg, options->timeout[i]);
	}
	return error;
}

void load_default_timeouts(struct epg_control *control)
{
	control->hz = jiffies_per_second();
	for (int i = 0; i < EPG_FLOW_STATES; i++) {
		control->connection_timeout[i] = connection_seconds[i] * control->hz;
		control->timeout[i] = other_seconds[i] * control->hz;
	}
	control->fragment_timeout = DEFAULT_FRAGMENT_SECONDS * control->hz;
}

static void set_timeout(const struct epg_control *control, __u32 *timeout, uint32_t seconds)
{
	if (seconds)
		__atomic_store_n(timeout, seconds * control->hz, __ATOMIC_RELAXED);
}

void load_set_timeouts(struct epg_control *control, const struct epg_load_options *options)
{
	for (int i = 0; i < EPG_FLOW_STATES; i++) {
		set_timeout(control, &control->connection_timeout[i], options->connection_timeout[i]);
		set_timeout(control, &control->timeout[i], options->timeout[i]);
	}
	set_timeout(control, &control->fragment_timeout, options->fragment_timeout);
}
