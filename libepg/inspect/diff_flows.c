/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "inspect/diff_flows.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "inspect/flow_fate.h"
#include "inspect/packet.h"
#include "policy/names.h"
#include "runtime/observe.h"

DEFINE_AUTO(struct arena, arena_free)

#define NAME_MAX_BYTES (2 * TEXT_ADDRESS_MAX + 48)
#define DETAIL_MAX_BYTES 1024

struct told_flow {
	const char *name, *detail;
	uint32_t line;
};

/* Those of one outcome that are told. */
struct told_flows {
	struct told_flow *items;
	size_t n;
};

struct judging {
	struct flow_policy policy;
	const struct catalog *catalog; /* of the new policy */
	const struct epg_control *control;
	uint32_t jiffies;
	size_t max;
	struct arena *arena;
	struct told_flows denied, kept;
	struct epg_diff_result *result;
};

/* ---- words ---- */

static void end_text(const uint8_t address[16], uint16_t port, bool ports, char text[TEXT_ADDRESS_MAX + 16])
{
	char bare[TEXT_ADDRESS_MAX];

	text_address(address, bare);
	if (!ports)
		snprintf(text, TEXT_ADDRESS_MAX + 16, "%s", bare);
	else if (packet_address_is_ipv4(address))
		snprintf(text, TEXT_ADDRESS_MAX + 16, "%s:%u", bare, port);
	else
		snprintf(text, TEXT_ADDRESS_MAX + 16, "[%s]:%u", bare, port);
}

/* "tcp 10.1.0.2:40000 -> 10.1.0.4:80", from the opener on. */
static void flow_name(const struct epg_flow_key *key, const struct epg_flow *flow, char text[NAME_MAX_BYTES])
{
	bool icmp = key->protocol == IPPROTO_ICMP || key->protocol == IPPROTO_ICMPV6;
	bool ports = !icmp && (key->low_port_be || key->high_port_be);
	char low[TEXT_ADDRESS_MAX + 16], high[TEXT_ADDRESS_MAX + 16], number[8];
	const char *protocol = names_protocol(key->protocol);
	bool from_low = flow->opener == EPG_FLOW_LOW;

	end_text(key->low, ntohs(key->low_port_be), ports, low);
	end_text(key->high, ntohs(key->high_port_be), ports, high);
	snprintf(number, sizeof(number), "%u", key->protocol);
	snprintf(text, NAME_MAX_BYTES, "%s %s -> %s", protocol ? protocol : number, from_low ? low : high,
		 from_low ? high : low);
}

static const char *const implicit_texts[] = {
#define IMPLICIT_RULE(id, name, action, level, flags, text) text,
	EPG_IMPLICIT_RULES(IMPLICIT_RULE)
#undef IMPLICIT_RULE
};

static void rule_reason(const struct catalog *catalog, uint32_t rule, char *text, size_t size)
{
	const struct catalog_rule *what;

	if (rule < ARRAY_SIZE(implicit_texts)) {
		snprintf(text, size, "%s", implicit_texts[rule]);
		return;
	}
	what = &catalog->rules[rule];
	snprintf(text, size, "%s %s denies it by entry %s of filter %s",
		 catalog->contracts[what->contract].taboo ? "taboo" : "contract",
		 catalog_string(catalog, catalog->contracts[what->contract].name), catalog_string(catalog, what->entry),
		 catalog_string(catalog, what->filter));
}

static void reason(const struct judging *judging, const struct flow_fate *fate, char *text, size_t size)
{
	switch (fate->outcome) {
	case FLOW_QUARANTINED:
		snprintf(text, size, "the interface of one end would belong to no group");
		return;
	case FLOW_UNOWNED:
		snprintf(text, size, "the address of one end would not be its endpoint's any more");
		return;
	case FLOW_UNKNOWN:
		snprintf(text, size, "the address of one end would belong to no group");
		return;
	case FLOW_REPLIES_CUT:
		snprintf(text, size, "what permits it does not track flows: replies would be denied");
		return;
	case FLOW_GOES_ON:
	case FLOW_KEPT:
	case FLOW_DENIED:
		break;
	}
	if (fate->rule < judging->catalog->n_rules)
		rule_reason(judging->catalog, fate->rule, text, size);
}

/* "shop/store/front -> shop/store/back: no contract permits it" */
static void flow_detail(const struct judging *judging, const struct epg_flow *flow, const struct flow_fate *fate,
			char text[DETAIL_MAX_BYTES])
{
	unsigned int source = flow->opener & 1;
	char names[2][EPG_NAME_MAX], why[3 * EPG_NAME_MAX] = "";
	const char *from = observe_group(judging->catalog, fate->class_id[source], names[0]);
	const char *to = observe_group(judging->catalog, fate->class_id[!source], names[1]);

	reason(judging, fate, why, sizeof(why));
	snprintf(text, DETAIL_MAX_BYTES, "%s -> %s: %s", from[0] ? from : "unknown", to[0] ? to : "unknown", why);
}

/* ---- collecting ---- */

static int add(struct judging *judging, struct told_flows *told, const struct epg_flow_key *key,
	       const struct epg_flow *flow, const struct flow_fate *fate)
{
	char name[NAME_MAX_BYTES], detail[DETAIL_MAX_BYTES];
	struct told_flow *item;

	if (told->n == judging->max)
		return 0;
	item = arena_push(judging->arena, &told->items, &told->n, sizeof(*told->items));
	if (!item)
		return -ENOMEM;
	flow_name(key, flow, name);
	flow_detail(judging, flow, fate, detail);
	item->name = arena_string(judging->arena, name, strlen(name));
	item->detail = arena_string(judging->arena, detail, strlen(detail));
	if (fate->rule < judging->catalog->n_rules)
		item->line = judging->catalog->rules[fate->rule].line;
	return item->name && item->detail ? 0 : -ENOMEM;
}

/* Flows that the running policy has cut already are none any more. */
static int judge(void *user, const struct epg_flow_key *key, const struct epg_flow *flow)
{
	struct judging *judging = user;
	struct flow_fate fate;

	if (flow->revoked || flow_fate_is_idle(judging->control, key, flow, judging->jiffies))
		return 0;
	judging->result->flows++;
	fate = flow_fate_find(&judging->policy, key, flow);
	if (fate.outcome == FLOW_GOES_ON)
		return 0;
	if (fate.outcome == FLOW_KEPT) {
		judging->result->flows_kept++;
		return add(judging, &judging->kept, key, flow, &fate);
	}
	judging->result->flows_denied++;
	return add(judging, &judging->denied, key, flow, &fate);
}

/* ---- telling ---- */

static int compare_told(const void *left, const void *right)
{
	return strcmp(((const struct told_flow *)left)->name, ((const struct told_flow *)right)->name);
}

static int tell(struct told_flows *told, enum epg_change_kind kind, epg_change_fn fn, void *user)
{
	int result = 0;

	if (told->n > 1)
		qsort(told->items, told->n, sizeof(*told->items), compare_told);
	for (size_t i = 0; !result && i < told->n; i++) {
		const struct epg_change change = {
			.kind = kind,
			.object = "flow",
			.name = told->items[i].name,
			.detail = told->items[i].detail,
			.line = told->items[i].line,
		};

		result = fn(user, &change);
	}
	return result;
}

static int judge_all(struct epg *epg, struct instance *instance, struct judging *judging)
{
	int error = flow_table_walk(instance, judge, judging);

	return error ? context_fail_kernel(epg, error, "flows", "can't read the map") : 0;
}

int diff_flows(struct epg *epg, struct instance *instance, const struct generation *running,
	       const struct tables *tables, size_t max_flows, epg_change_fn fn, void *user, struct epg_diff_result *ret)
{
	AUTO(arena_free) struct arena *arena = arena_new();
	AUTO_PLAN struct plan plan = {0};
	struct catalog catalog;
	struct plan_policy planned = {
		.catalog = &catalog,
		.running = running ? &running->catalog : NULL,
		.classes = tables->classes,
		.n_classes = tables->n_classes,
		.nodes = tables->nodes,
		.n_nodes = tables->n_nodes,
	};
	struct judging judging = {
		.policy = {.tables = tables_view_of(tables),
			   .rules = tables->rules,
			   .n_rules = tables->n_rules,
			   .plan = &plan},
		.catalog = &catalog,
		.control = instance->control,
		.jiffies = flow_fate_jiffies(instance->control->hz),
		.max = max_flows,
		.arena = arena,
		.result = ret,
	};
	int result;

	if (!arena)
		return context_fail_kernel(epg, -ENOMEM, NULL, "can't look at the tracked flows");
	if (catalog_open(tables->catalog, tables->catalog_length, &catalog))
		return context_fail_kernel(epg, -EPROTO, NULL, "can't read what was compiled");
	result = plan_make(&plan, epg, instance, &planned);
	if (!result)
		result = judge_all(epg, instance, &judging);
	if (!result)
		result = tell(&judging.denied, EPG_CHANGE_DENIED, fn, user);
	return result ? result : tell(&judging.kept, EPG_CHANGE_KEPT, fn, user);
}
