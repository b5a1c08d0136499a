/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/text.h"
#include "base/util.h"
#include "compiled.h"
#include "inspect/flow_fate.h"

/* Interfaces: front is 2, back is 3, away, in the other VRF, is 4. */
enum {
	FRONT = 2,
	BACK = 3,
	AWAY = 4
};

#define POLICY(web, front, back, contract)                                                    \
	"version: 1\n"                                                                        \
	"tenants:\n"                                                                          \
	"- name: shop\n"                                                                      \
	"  vrfs: [{name: prod}, {name: lab}]\n"                                               \
	"  bridgeDomains:\n"                                                                  \
	"  - {name: bd1, vrf: prod, subnets: [10.1.0.1/24]}\n"                                \
	"  - {name: bd2, vrf: lab, subnets: [10.2.0.1/24]}\n"                                 \
	"  filters:\n"                                                                        \
	"  - {name: http, entries: [{name: web, etherT: ip, prot: tcp, dPort: 80" web "}]}\n" \
	"  contracts: [{name: web, " contract "subjects: [{name: s, filters: [http]}]}]\n"    \
	"  appProfiles:\n"                                                                    \
	"  - name: store\n"                                                                   \
	"    epgs:\n"                                                                         \
	"    - {name: front, bridgeDomain: bd1" front "}\n"                                   \
	"    - {name: back, bridgeDomain: bd1" back "}\n"                                     \
	"    - {name: away, bridgeDomain: bd2, consume: [web]}\n"                             \
	"    - {name: member, bridgeDomain: bd1, match: [{ip: 10.1.0.64/26}]}\n"              \
	"  externalEpgs: [{name: net, vrf: prod, subnets: [192.0.2.0/24], consume: [web]}]\n"

/* Another contract in front of it, which denies the same. */
#define DENIES "subjects: []}, {name: no, subjects: [{name: d, filters: [{name: http, action: deny}]}]}, {name: rest, "

#define PLAIN POLICY("", ", consume: [web]", ", provide: [web]", "")

/* A policy with endpoints as a plan would bind them: the compiler's tables, and a plan written by hand. */
struct world {
	struct compiled compiled;
	struct plan_endpoint endpoints[3];
	struct plan_address addresses[3];
	struct plan plan;
	struct flow_policy policy;
};

static uint16_t vrf_of(const struct world *world, const char *group)
{
	return world->compiled.tables->classes[compiled_class(&world->compiled, group)].vrf;
}

static int compare(const void *left, const void *right)
{
	return memcmp(left, right, sizeof(struct epg_address_key));
}

static void place(struct world *world, size_t i, uint32_t ifindex, const char *group, const char *address)
{
	struct plan_address *owned = &world->addresses[i];

	world->endpoints[i] = (struct plan_endpoint){.ifindex = ifindex,
						     .after = {.class_id = compiled_class(&world->compiled, group)}};
	*owned = (struct plan_address){.owner = {.ifindex = ifindex}};
	owned->key.vrf = vrf_of(world, group);
	cr_assert_eq(text_parse_address(address, owned->key.address), 0);
}

static void open_world(struct world *world, const char *text, const char *group_of_front)
{
	const struct tables *tables;

	*world = (struct world){.compiled = compile_text(text, NULL)};
	tables = world->compiled.tables;
	place(world, 0, FRONT, group_of_front, "10.1.0.2");
	place(world, 1, BACK, "shop/store/back", "10.1.0.3");
	place(world, 2, AWAY, "shop/store/away", "10.2.0.2");
	qsort(world->addresses, 3, sizeof(world->addresses[0]), compare);
	world->plan.endpoints = world->endpoints;
	world->plan.n_endpoints = 3;
	world->plan.before = world->plan.after = (struct plan_addresses){world->addresses, 3, 3};
	world->policy = (struct flow_policy){
		.tables = tables_view_of(tables),
		.rules = tables->rules,
		.n_rules = tables->n_rules,
		.plan = &world->plan,
	};
}

struct tracked {
	struct epg_flow_key key;
	struct epg_flow flow;
};

/* A connection to port 80 that the lower address has opened; both ends as they are bound now. */
static struct tracked connection(const struct world *world, const char *low, uint32_t low_ifindex, const char *high,
				 uint32_t high_ifindex)
{
	struct tracked tracked = {
		.key = {.low_port_be = htons(40000), .high_port_be = htons(80), .protocol = IPPROTO_TCP},
		.flow = {.ifindex = {low_ifindex, high_ifindex}, .opener = EPG_FLOW_LOW, .opened_flags = EPG_FLAG_SYN},
	};

	cr_assert_eq(text_parse_address(low, tracked.key.low), 0);
	cr_assert_eq(text_parse_address(high, tracked.key.high), 0);
	tracked.key.vrf = vrf_of(world, "shop/store/back");
	for (int i = 0; i < 2; i++) {
		const struct plan_endpoint *endpoint = plan_endpoint_of(&world->plan, tracked.flow.ifindex[i]);

		tracked.flow.class_id[i] = tracked.flow.group[i] = endpoint ? endpoint->after.class_id : 0;
	}
	return tracked;
}

static struct flow_fate fate_of(const struct world *world, const struct tracked *tracked)
{
	return flow_fate_find(&world->policy, &tracked->key, &tracked->flow);
}

#define FRONT_TO_BACK(world) connection(world, "10.1.0.2", FRONT, "10.1.0.3", BACK)

static void expect(const char *policy, enum flow_outcome outcome)
{
	struct world world;
	struct tracked tracked;

	open_world(&world, policy, "shop/store/front");
	tracked = FRONT_TO_BACK(&world);
	cr_assert_eq(fate_of(&world, &tracked).outcome, outcome, "%s", policy);
	compiled_clear(&world.compiled);
}

Test(flow_fate, the_new_rules_decide_by_the_opening_packet)
{
	expect(PLAIN, FLOW_GOES_ON);
	expect(POLICY(", tcpFlags: [syn]", ", consume: [web]", ", provide: [web]", ""), FLOW_GOES_ON);
	expect(POLICY(", tcpFlags: [fin]", ", consume: [web]", ", provide: [web]", ""), FLOW_DENIED);
	expect(POLICY(", matchDscp: EF", ", consume: [web]", ", provide: [web]", ""), FLOW_DENIED);
	expect(POLICY("", "", ", provide: [web]", ""), FLOW_DENIED);
	expect(POLICY("", ", provide: [web]", ", consume: [web]", ""), FLOW_DENIED);
}

Test(flow_fate, without_tracking_each_direction_needs_a_rule)
{
	expect(POLICY(", stateful: false", ", consume: [web]", ", provide: [web]", ""), FLOW_GOES_ON);
	expect("version: 1\ntenants:\n- name: shop\n  vrfs: [{name: prod}, {name: lab}]\n"
	       "  bridgeDomains: [{name: bd1, vrf: prod, subnets: [10.1.0.1/24]}, {name: bd2, vrf: lab}]\n"
	       "  filters: [{name: http, entries: [{name: web, etherT: ip, prot: tcp, dPort: 80}]}]\n"
	       "  contracts: [{name: web, subjects: [{name: s, bothDirections: false, filters: [http]}]}]\n"
	       "  appProfiles:\n  - name: store\n    epgs:\n"
	       "    - {name: front, bridgeDomain: bd1, consume: [web]}\n"
	       "    - {name: back, bridgeDomain: bd1, provide: [web]}\n"
	       "    - {name: away, bridgeDomain: bd2}\n",
	       FLOW_REPLIES_CUT);
}

Test(flow_fate, the_opener_may_be_the_higher_end)
{
	struct world world;
	struct tracked tracked;

	open_world(&world, PLAIN, "shop/store/front");
	tracked = FRONT_TO_BACK(&world);
	tracked.flow.opener = EPG_FLOW_HIGH;
	cr_assert_eq(fate_of(&world, &tracked).outcome, FLOW_DENIED, "back does not consume of front");
	tracked.key.low_port_be = htons(80);
	tracked.key.high_port_be = htons(40000);
	cr_assert_eq(fate_of(&world, &tracked).outcome, FLOW_DENIED);
	compiled_clear(&world.compiled);
}

Test(flow_fate, what_is_kept_outlives_its_permit_but_not_a_denial)
{
	struct world world;
	struct tracked tracked;

	open_world(&world, POLICY("", "", ", provide: [web]", ""), "shop/store/front");
	tracked = FRONT_TO_BACK(&world);
	tracked.flow.flags = EPG_RULE_KEEP;
	cr_assert_eq(fate_of(&world, &tracked).outcome, FLOW_KEPT);
	tracked.flow.group[0]++;
	cr_assert_eq(fate_of(&world, &tracked).outcome, FLOW_DENIED, "for another group it was never permitted");
	tracked.flow.group[0]--;
	tracked.flow.ifindex[0] = 0;
	cr_assert_eq(fate_of(&world, &tracked).outcome, FLOW_DENIED,
		     "it was a stranger's, whose address is front's now");
	compiled_clear(&world.compiled);
	open_world(&world, POLICY("", ", consume: [no, web]", ", provide: [no, web]", DENIES), "shop/store/front");
	tracked = FRONT_TO_BACK(&world);
	tracked.flow.flags = EPG_RULE_KEEP;
	cr_assert_eq(fate_of(&world, &tracked).outcome, FLOW_DENIED);
	cr_assert_eq(world.policy.rules[fate_of(&world, &tracked).rule].action, EPG_DENY);
	compiled_clear(&world.compiled);
}

Test(flow_fate, ends_that_are_nobody_are_cut)
{
	struct world world;
	struct tracked tracked, outside;
	struct plan_address *moved;

	open_world(&world, PLAIN, "shop/store/front");
	tracked = FRONT_TO_BACK(&world);
	outside = connection(&world, "10.1.0.3", BACK, "203.0.113.9", 0);
	cr_assert_eq(fate_of(&world, &outside).outcome, FLOW_UNKNOWN);
	world.endpoints[0].after.class_id = EPG_CLASS_NONE;
	cr_assert_eq(fate_of(&world, &tracked).outcome, FLOW_QUARANTINED);
	world.endpoints[0].after.class_id = compiled_class(&world.compiled, "shop/store/front");
	moved = calloc(3, sizeof(*moved));
	memcpy(moved, world.addresses, sizeof(world.addresses));
	for (int i = 0; i < 3; i++)
		if (moved[i].owner.ifindex == FRONT)
			moved[i].owner.ifindex = BACK;
	world.plan.after.items = moved;
	cr_assert_eq(fate_of(&world, &tracked).outcome, FLOW_UNOWNED);
	free(moved);
	compiled_clear(&world.compiled);
}

Test(flow_fate, addresses_refine_members_and_tell_the_outside)
{
	struct world world;
	struct tracked outside, member;

	open_world(&world, PLAIN, "shop/store/front");
	outside = connection(&world, "10.1.0.3", BACK, "192.0.2.9", 0);
	outside.flow.opener = EPG_FLOW_HIGH;
	outside.key.low_port_be = htons(80);
	outside.key.high_port_be = htons(40000);
	cr_assert_eq(fate_of(&world, &outside).outcome, FLOW_GOES_ON);
	cr_assert_eq(fate_of(&world, &outside).class_id[1], compiled_class(&world.compiled, "shop/net"));
	member = connection(&world, "10.1.0.3", BACK, "10.1.0.70", FRONT);
	cr_assert_eq(fate_of(&world, &member).class_id[1], compiled_class(&world.compiled, "shop/store/member"));
	cr_assert_eq(fate_of(&world, &member).outcome, FLOW_DENIED);
	compiled_clear(&world.compiled);
}

Test(flow_fate, contracts_across_vrfs_count)
{
	struct world world;
	struct tracked tracked;

	open_world(&world, POLICY("", ", consume: [web]", ", provide: [web]", "scope: tenant, "), "shop/store/front");
	tracked = connection(&world, "10.1.0.3", BACK, "10.2.0.2", AWAY);
	tracked.flow.opener = EPG_FLOW_HIGH;
	tracked.key.low_port_be = htons(80);
	tracked.key.high_port_be = htons(40000);
	cr_assert_eq(fate_of(&world, &tracked).outcome, FLOW_GOES_ON);
	compiled_clear(&world.compiled);
	open_world(&world, PLAIN, "shop/store/front");
	cr_assert_eq(fate_of(&world, &tracked).outcome, FLOW_DENIED);
	compiled_clear(&world.compiled);
}

Test(flow_fate, silence_longer_than_the_timeout_is_idleness)
{
	const struct epg_control control = {.connection_timeout = {100, 1000, 10}, .timeout = {50, 50, 50}};
	struct epg_flow_key key = {.protocol = IPPROTO_TCP};
	struct epg_flow flow = {.seen = UINT32_MAX - 10, .state = EPG_FLOW_NEW};

	cr_assert_not(flow_fate_is_idle(&control, &key, &flow, 89), "jiffies have begun anew");
	cr_assert(flow_fate_is_idle(&control, &key, &flow, 90));
	flow.state = EPG_FLOW_ESTABLISHED;
	cr_assert_not(flow_fate_is_idle(&control, &key, &flow, 90));
	key.protocol = IPPROTO_UDP;
	cr_assert(flow_fate_is_idle(&control, &key, &flow, 90));
	cr_assert_not(flow_fate_is_idle(&control, &key, &flow, UINT32_MAX - 12), "seen after we have read the clock");
	cr_assert_eq(flow_fate_idle(&flow, UINT32_MAX - 12), 0);
	cr_assert_eq(flow_fate_idle(&flow, 9), 20);
}

Test(flow_fate, what_has_connections_has_their_timeouts)
{
	const struct epg_control control = {.connection_timeout = {100, 1000, 10}, .timeout = {50, 60, 70}};
	static const uint8_t with[] = {IPPROTO_TCP, IPPROTO_SCTP, IPPROTO_DCCP},
			     without[] = {IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_ICMP, IPPROTO_GRE};
	struct epg_flow flow = {.state = EPG_FLOW_ESTABLISHED};

	for (size_t i = 0; i < ARRAY_SIZE(with); i++)
		cr_assert_eq(flow_fate_timeout(&control, &(struct epg_flow_key){.protocol = with[i]}, &flow), 1000);
	for (size_t i = 0; i < ARRAY_SIZE(without); i++)
		cr_assert_eq(flow_fate_timeout(&control, &(struct epg_flow_key){.protocol = without[i]}, &flow), 60);
}
