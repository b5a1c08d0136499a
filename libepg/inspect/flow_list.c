/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Tracked flows: told, and forgotten. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "inspect/endpoint_names.h"
#include "inspect/flow_fate.h"
#include "inspect/flow_filter.h"
#include "policy/names.h"
#include "runtime/counts.h"
#include "runtime/observe.h"
#include "runtime/port.h"
#include "runtime/runtime.h"

/* What a walk over the flows needs. */
struct walking {
	struct instance *instance;
	struct flow_filter filter;
	uint32_t jiffies;
	/* The generation in force and the one before; NULL where there is none. */
	struct generation *running, *previous;
	struct endpoint_names *names;
	epg_flow_fn fn;
	void *user;
};

static void walking_end(struct walking *walking)
{
	generation_close(walking->running);
	generation_close(walking->previous);
	endpoint_names_free(walking->names);
}

static bool is_meant(void *user, const struct epg_flow_key *key, const struct epg_flow *flow)
{
	const struct walking *walking = user;

	return flow_filter_selects(&walking->filter, key, flow) &&
	       !flow_fate_is_idle(walking->instance->control, key, flow, walking->jiffies);
}

/* ---- one flow in words ---- */

/* Where the texts of one flow lie. */
struct flow_texts {
	char addresses[2][TEXT_ADDRESS_MAX];
	char groups[2][EPG_NAME_MAX];
	char interface[PORT_NAME_MAX]; /* of the low end: the book of names lends one at a time */
	char protocol[8];
	char match[RULE_TEXT_MATCH_MAX];
	struct epg_rule_info rule;
};

static const struct generation *generation_of(const struct walking *walking, uint32_t number)
{
	if (walking->running && walking->running->number == number)
		return walking->running;
	return walking->previous && walking->previous->number == number ? walking->previous : NULL;
}

static void fill_ends(struct walking *walking, const struct epg_flow_key *key, const struct epg_flow *flow,
		      struct flow_texts *texts, struct epg_flow_info *info)
{
	const struct catalog *catalog = walking->running ? &walking->running->catalog : NULL;
	unsigned int source = flow->opener & 1;
	const uint16_t ports[] = {ntohs(key->low_port_be), ntohs(key->high_port_be)};
	const char *groups[2], *interfaces[2];

	text_address(key->low, texts->addresses[EPG_FLOW_LOW]);
	text_address(key->high, texts->addresses[EPG_FLOW_HIGH]);
	for (int i = 0; i < 2; i++)
		groups[i] = observe_group(catalog, flow->group[i], texts->groups[i]);
	snprintf(texts->interface, sizeof(texts->interface), "%s",
		 endpoint_names_find(walking->names, flow->ifindex[EPG_FLOW_LOW]));
	interfaces[EPG_FLOW_LOW] = texts->interface;
	interfaces[EPG_FLOW_HIGH] = endpoint_names_find(walking->names, flow->ifindex[EPG_FLOW_HIGH]);
	info->source_address = texts->addresses[source];
	info->destination_address = texts->addresses[!source];
	info->source_port = ports[source];
	info->destination_port = ports[!source];
	info->source_group = groups[source];
	info->destination_group = groups[!source];
	info->source_interface = interfaces[source];
	info->destination_interface = interfaces[!source];
}

static const char *vrf_name(const struct generation *running, uint16_t vrf)
{
	const struct catalog *catalog = running ? &running->catalog : NULL;

	for (size_t i = 0; catalog && i < catalog->n_vrfs; i++)
		if (catalog->vrfs[i].id == vrf)
			return catalog_string(catalog, catalog->vrfs[i].name);
	return "";
}

static void fill_times(const struct walking *walking, const struct epg_flow_key *key, const struct epg_flow *flow,
		       struct epg_flow_info *info)
{
	const struct epg_control *control = walking->instance->control;
	uint32_t idle = flow_fate_idle(flow, walking->jiffies);
	uint32_t timeout = flow_fate_timeout(control, key, flow);

	if (!control->hz)
		return;
	info->idle_ms = (uint64_t)idle * 1000 / control->hz;
	info->expires_ms = (uint64_t)(timeout - idle) * 1000 / control->hz;
}

static int tell_flow(void *user, const struct epg_flow_key *key, const struct epg_flow *flow)
{
	struct walking *walking = user;
	const struct epg_control *control = walking->instance->control;
	const struct generation *decided = generation_of(walking, flow->generation);
	const char *protocol = names_protocol(key->protocol);
	struct epg_flow_info info = {0};
	struct flow_texts texts;

	if (!is_meant(walking, key, flow))
		return 0;
	snprintf(texts.protocol, sizeof(texts.protocol), "%u", key->protocol);
	info.protocol = protocol ? protocol : texts.protocol;
	info.vrf = vrf_name(walking->running, key->vrf);
	info.state = flow_filter_state_name(flow->state);
	info.revoked = flow->revoked;
	info.current = decided && decided == walking->running && flow->epoch == control->epoch;
	fill_ends(walking, key, flow, &texts, &info);
	fill_times(walking, key, flow, &info);
	if (decided && flow->rule < decided->catalog.n_rules) {
		rule_text_info(decided, flow->rule, texts.match, sizeof(texts.match), &texts.rule);
		info.rule = &texts.rule;
	}
	return walking->fn(walking->user, &info);
}

/* ---- both calls ---- */

/* Opens what a walk needs beside the flows. */
static int walking_begin(struct epg *epg, struct instance *instance, const struct epg_flow_filter *given,
			 struct walking *walking)
{
	struct epg_flow_filter filter;
	int error = context_options(epg, &filter, sizeof(filter), given);

	walking->instance = instance;
	walking->jiffies = flow_fate_jiffies(instance->control->hz);
	if (!error)
		error = observe_running(epg, instance, &walking->running);
	if (!error && walking->running)
		error = counts_read(epg, instance, walking->running);
	return error ? error : flow_filter_read(epg, instance, walking->running, &filter, &walking->filter);
}

/* The generation before may go at any moment; its rules are then not told. */
static void open_previous(struct epg *epg, struct walking *walking)
{
	const struct epg_control *control = walking->instance->control;
	uint32_t number = __atomic_load_n(&control->previous_generation, __ATOMIC_ACQUIRE);

	if (number && generation_open(epg, number, control->previous_slot, &walking->previous)) {
		walking->previous = NULL;
		context_forget(epg);
	}
}

int epg_flows_each(struct epg *epg, const struct epg_flow_filter *filter, epg_flow_fn fn, void *user)
{
	CONTEXT_CALL(epg);
	__attribute__((cleanup(walking_end))) struct walking walking = {.fn = fn, .user = user};
	struct instance *instance;
	int result = instance_open(epg, &instance);

	if (!result)
		result = walking_begin(epg, instance, filter, &walking);
	if (result)
		return result;
	open_previous(epg, &walking);
	walking.names = endpoint_names_new(epg, instance);
	if (!walking.names)
		return context_fail_kernel(epg, -ENOMEM, NULL, "can't list the flows");
	result = flow_table_walk(instance, tell_flow, &walking);
	return result < 0 ? context_fail_kernel(epg, result, "flows", "can't read the map") : result;
}

int epg_flows_flush(struct epg *epg, const struct epg_flow_filter *filter, size_t *ret_count)
{
	CONTEXT_CALL(epg);
	__attribute__((cleanup(walking_end))) struct walking walking = {0};
	const struct flow_table *table;
	AUTO_CLOSE int lock = -1;
	struct instance *instance;
	size_t count;
	int error = instance_begin_change(epg, false, &lock, &instance);

	if (!error)
		error = walking_begin(epg, instance, filter, &walking);
	if (error)
		return error;
	error = flow_table_get(instance, &table);
	if (error)
		return context_fail_kernel(epg, error, "flows", "can't forget the flows");
	count = flow_table_forget(table, is_meant, &walking);
	if (ret_count)
		*ret_count = count;
	return 0;
}
