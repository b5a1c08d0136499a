/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "inspect/flow_fate.h"

#include <arpa/inet.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "compile/diagram.h"
#include "inspect/packet.h"

/* One end of a flow under the new policy. */
struct end {
	const uint8_t *address;
	uint32_t ifindex;  /* of its endpoint; 0: outside */
	uint16_t bound;    /* what the endpoint is bound to, or the class of an address outside */
	uint16_t class_id; /* the same, refined by address */
};

/* ---- who the ends are: see bpf/endpoint.h ---- */

static const struct epg_class *class_of(const struct flow_policy *policy, uint16_t class_id)
{
	static const struct epg_class nobody = {
		.prefixes4 = EPG_TARGET_MISS,
		.prefixes6 = EPG_TARGET_MISS,
	};

	if (class_id >= policy->tables.n_classes || !(policy->tables.classes[class_id].flags & EPG_CLASS_VALID))
		return &nobody;
	return &policy->tables.classes[class_id];
}

static uint64_t half_of(const uint8_t *bytes)
{
	uint64_t half = 0;

	for (int i = 0; i < 8; i++)
		half = half << 8 | bytes[i];
	return half;
}

/* The leaf of an address among the prefixes that a class knows, or EPG_TARGET_MISS. */
static uint32_t prefix_of(const struct flow_policy *policy, uint16_t class_id, const uint8_t address[16])
{
	const struct epg_class *class = class_of(policy, class_id);
	uint32_t root = packet_address_is_ipv4(address) ? class->prefixes4 : class->prefixes6;

	return diagram_find(policy->tables.nodes, policy->tables.n_nodes, root, half_of(address), half_of(address + 8));
}

static uint32_t owner_in(const struct plan_addresses *addresses, uint32_t vrf, const uint8_t address[16])
{
	struct epg_address_key key = {.vrf = vrf};
	size_t low = 0, high = addresses->count;

	memcpy(key.address, address, sizeof(key.address));
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = memcmp(&addresses->items[middle].key, &key, sizeof(key));

		if (order == 0)
			return addresses->items[middle].owner.ifindex;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

static void refine(struct end *end, uint32_t leaf)
{
	if (leaf == EPG_TARGET_MISS || leaf & EPG_PREFIX_VRF || (end->ifindex && !(leaf & EPG_PREFIX_MEMBER)))
		return;
	end->class_id = EPG_PREFIX_CLASS(leaf);
	if (!end->ifindex)
		end->bound = end->class_id;
}

static void be_endpoint(const struct flow_policy *policy, uint32_t ifindex, struct end *end)
{
	const struct plan_endpoint *endpoint = plan_endpoint_of(policy->plan, ifindex);

	end->ifindex = ifindex;
	end->bound = end->class_id = endpoint ? endpoint->after.class_id : EPG_CLASS_NONE;
	refine(end, prefix_of(policy, end->bound, end->address));
}

/* An end that no endpoint of this host was, as the other one sees it. */
static void find_outside(const struct flow_policy *policy, const struct end *other, struct end *end)
{
	const struct plan_addresses *addresses = &policy->plan->after;
	uint32_t leaf = prefix_of(policy, other->bound, end->address);
	uint32_t owner = owner_in(addresses, class_of(policy, other->bound)->vrf, end->address);

	if (!owner && leaf != EPG_TARGET_MISS && leaf & EPG_PREFIX_VRF) {
		uint16_t group = EPG_PREFIX_CLASS(leaf);

		owner = owner_in(addresses, class_of(policy, group)->vrf, end->address);
		leaf = prefix_of(policy, group, end->address);
	}
	if (owner)
		be_endpoint(policy, owner, end);
	else
		refine(end, leaf);
}

/* Addresses that were the endpoint's, and would not be any more. Those that never were are looked at elsewhere. */
static bool loses_address(const struct flow_policy *policy, const struct end *end, uint16_t vrf_before)
{
	uint32_t vrf = class_of(policy, end->bound)->vrf;

	return owner_in(&policy->plan->before, vrf_before, end->address) == end->ifindex &&
	       owner_in(&policy->plan->after, vrf, end->address) != end->ifindex;
}

/* ---- the decision: see bpf/track.h ---- */

static uint64_t word(uint16_t first, uint16_t second, uint16_t third, uint16_t fourth)
{
	return (uint64_t)first << 48 | (uint64_t)second << 32 | (uint64_t)third << 16 | fourth;
}

/* The leaf for a packet from one end to the other, with these flags. */
static uint32_t decide(const struct flow_policy *policy, const struct epg_flow_key *key, const struct epg_flow *flow,
		       const struct end ends[2], bool from_opener)
{
	unsigned int source = from_opener ? flow->opener : !flow->opener;
	uint16_t ports[] = {ntohs(key->low_port_be), ntohs(key->high_port_be)};
	bool ipv4 = packet_address_is_ipv4(key->low);
	uint16_t kind = (uint16_t)(key->protocol | (ipv4 ? EPG_KIND_IPV4 : EPG_KIND_IPV6));
	uint16_t to = ports[!source], from = ports[source];
	uint16_t flags = from_opener ? flow->opened_flags : EPG_FLAG_ACK;

	if (kind == (EPG_KIND_IPV4 | IPPROTO_ICMP)) {
		to = from_opener ? ICMP_ECHO : ICMP_ECHOREPLY;
		from = 0;
	} else if (kind == (EPG_KIND_IPV6 | IPPROTO_ICMPV6)) {
		to = from_opener ? ICMPV6_ECHO_REQUEST : ICMPV6_ECHO_REPLY;
		from = 0;
	}
	if (key->protocol != IPPROTO_TCP)
		flags = 0;
	return tables_decide(&policy->tables, ends[source].class_id, ends[!source].class_id,
			     word(kind, to, from, flags), word(flow->opened_dscp, 0, 0, EPG_VIEW_ENFORCED));
}

/* Nothing permits it any more, nothing denies it, and both ends are who they were. */
static bool is_kept(const struct epg_flow *flow, const struct end ends[2], uint32_t rule)
{
	if (!(flow->flags & EPG_RULE_KEEP) ||
	    (rule != EPG_RULE_IMPLICIT_DENY && rule != EPG_RULE_SOURCE_NOT_PREFERRED &&
	     rule != EPG_RULE_DESTINATION_NOT_PREFERRED))
		return false;
	for (int i = 0; i < 2; i++)
		if (ends[i].ifindex != flow->ifindex[i] || ends[i].class_id != flow->group[i])
			return false;
	return true;
}

static enum flow_outcome outcome_of(const struct flow_policy *policy, const struct epg_flow_key *key,
				    const struct epg_flow *flow, const struct end ends[2], uint32_t leaf)
{
	uint32_t rule = EPG_LEAF_RULE(leaf);

	if (EPG_LEAF_ACTION(leaf) != EPG_PERMIT)
		return is_kept(flow, ends, rule) ? FLOW_KEPT : FLOW_DENIED;
	if (rule < policy->n_rules && policy->rules[rule].flags & EPG_RULE_STATEFUL)
		return FLOW_GOES_ON;
	/* Each packet for itself. */
	return EPG_LEAF_ACTION(decide(policy, key, flow, ends, false)) == EPG_PERMIT ? FLOW_GOES_ON : FLOW_REPLIES_CUT;
}

/* Either hook permits all where its VRF is not enforced; the other end's hook may be in another one. */
static bool is_unenforced(const struct flow_policy *policy, const struct epg_flow_key *key, const struct end ends[2])
{
	for (int i = 0; i < 2; i++) {
		const struct epg_class *class = class_of(policy, ends[i].bound);

		if (ends[i].ifindex && class->vrf == key->vrf && class->flags & EPG_CLASS_UNENFORCED)
			return true;
	}
	return false;
}

/* What cuts it before any rule is asked; FLOW_GOES_ON: nothing. */
static enum flow_outcome check_ends(const struct flow_policy *policy, const struct epg_flow_key *key,
				    const struct end ends[2])
{
	for (int i = 0; i < 2; i++)
		if (ends[i].ifindex && !ends[i].bound)
			return FLOW_QUARANTINED;
	for (int i = 0; i < 2; i++)
		if (ends[i].ifindex && loses_address(policy, &ends[i], key->vrf))
			return FLOW_UNOWNED;
	if (is_unenforced(policy, key, ends))
		return FLOW_GOES_ON;
	return ends[0].class_id && ends[1].class_id ? FLOW_GOES_ON : FLOW_UNKNOWN;
}

struct flow_fate flow_fate_find(const struct flow_policy *policy, const struct epg_flow_key *key,
				const struct epg_flow *flow)
{
	struct end ends[] = {{.address = key->low}, {.address = key->high}};
	struct flow_fate fate = {.rule = EPG_RULE_NONE};
	uint32_t leaf;

	for (int i = 0; i < 2; i++)
		if (flow->ifindex[i])
			be_endpoint(policy, flow->ifindex[i], &ends[i]);
	for (int i = 0; i < 2; i++)
		if (!flow->ifindex[i])
			find_outside(policy, &ends[!i], &ends[i]);
	fate.class_id[0] = ends[0].class_id;
	fate.class_id[1] = ends[1].class_id;
	fate.outcome = check_ends(policy, key, ends);
	if (fate.outcome != FLOW_GOES_ON || is_unenforced(policy, key, ends))
		return fate;
	leaf = decide(policy, key, flow, ends, true);
	fate.rule = EPG_LEAF_RULE(leaf);
	fate.outcome = outcome_of(policy, key, flow, ends, leaf);
	return fate;
}

/* ---- time ---- */

/* The kernel's jiffies begin five minutes before their low 32 bits are zero. */
#define INITIAL_JIFFIES_SECONDS 300

uint32_t flow_fate_jiffies(uint32_t hz)
{
	struct timespec now;
	uint64_t ticks;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ticks = (uint64_t)now.tv_sec * hz + (uint64_t)now.tv_nsec * hz / 1000000000;
	return (uint32_t)(ticks - (uint64_t)INITIAL_JIFFIES_SECONDS * hz);
}

static bool is_connection(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP;
}

uint32_t flow_fate_timeout(const struct epg_control *control, const struct epg_flow_key *key,
			   const struct epg_flow *flow)
{
	if (flow->state >= EPG_FLOW_STATES)
		return 0;
	return is_connection(key->protocol) ? control->connection_timeout[flow->state] : control->timeout[flow->state];
}

uint32_t flow_fate_idle(const struct epg_flow *flow, uint32_t jiffies)
{
	uint32_t idle = jiffies - flow->seen;

	return idle > (uint32_t)-EPG_FLOW_SEEN_LATER ? 0 : idle; /* it was seen while we were looking */
}

bool flow_fate_is_idle(const struct epg_control *control, const struct epg_flow_key *key, const struct epg_flow *flow,
		       uint32_t jiffies)
{
	return flow->state >= EPG_FLOW_STATES || flow_fate_idle(flow, jiffies) > flow_fate_timeout(control, key, flow);
}
