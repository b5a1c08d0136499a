/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "inspect/flow_filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "inspect/packet.h"
#include "policy/names.h"
#include "runtime/port.h"

#define ADDRESS_BITS 128
#define IPV4_PREFIX_BITS 96 /* of the mapped form, before the address itself */

static const char *const state_names[EPG_FLOW_STATES] = {
	[EPG_FLOW_NEW] = "new",
	[EPG_FLOW_ESTABLISHED] = "established",
	[EPG_FLOW_CLOSING] = "closing",
};

const char *flow_filter_state_name(unsigned int state)
{
	return state < ARRAY_SIZE(state_names) ? state_names[state] : NULL;
}

/* ---- reading ---- */

static int fail(struct epg *epg, const char *text, const char *hint, const char *message)
{
	return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, text, hint, "%s", message);
}

static int read_group(struct epg *epg, const struct generation *running, const char *name, struct flow_filter *ret)
{
	const struct catalog_group *group = running ? catalog_group_by_name(&running->catalog, name) : NULL;

	if (!group)
		return context_fail(epg, EPG_FAILURE_NOT_FOUND, -ENOENT, name, "epgctl group ls lists the groups",
				    "the running policy has no such group");
	ret->class_id = (uint16_t)group->class_id;
	ret->by_group = true;
	return 0;
}

/* "10.1.0.2", "10.1.0.0/24": bits behind the prefix don't count. */
static int read_address(struct epg *epg, const char *text, struct flow_filter *ret)
{
	static const char hint[] = "such as 10.1.0.2, 10.1.0.0/24 or fd00:1::/64";
	size_t length = strcspn(text, "/");
	char bare[TEXT_ADDRESS_MAX];
	unsigned int before;
	uint32_t bits;

	if (length >= sizeof(bare))
		return fail(epg, text, hint, "not an address");
	memcpy(bare, text, length);
	bare[length] = '\0';
	if (text_parse_address(bare, ret->address))
		return fail(epg, text, hint, "not an address");
	before = packet_address_is_ipv4(ret->address) ? IPV4_PREFIX_BITS : 0;
	bits = ADDRESS_BITS - before;
	if (text[length] && names_parse_number(text + length + 1, ADDRESS_BITS - before, &bits))
		return fail(epg, text, hint, "not the length of a prefix");
	ret->length = before + bits;
	ret->by_address = true;
	return 0;
}

static int read_protocol(struct epg *epg, const char *text, struct flow_filter *ret)
{
	if (names_parse_protocol(text, &ret->protocol))
		return fail(epg, text, "say tcp, udp, sctp, icmp, icmpv6, or a number from 0 to 255",
			    "no protocol of IP is called so");
	ret->by_protocol = true;
	return 0;
}

static int read_state(struct epg *epg, const char *text, struct flow_filter *ret)
{
	for (uint8_t state = 0; state < EPG_FLOW_STATES; state++) {
		if (strcmp(state_names[state], text) != 0)
			continue;
		ret->state = state;
		ret->by_state = true;
		return 0;
	}
	return fail(epg, text, "new, established or closing", "no state of a flow is called so");
}

int flow_filter_read(struct epg *epg, struct instance *instance, const struct generation *running,
		     const struct epg_flow_filter *given, struct flow_filter *ret)
{
	struct flow_filter filter = {
		.by_interface = given->interface,
		.by_port = given->port,
		.port = given->port,
		.revoked = given->revoked,
	};
	int error = 0;

	if (given->interface)
		error = port_find_vanished(epg, instance, given->interface, &filter.ifindex);
	if (!error && given->group)
		error = read_group(epg, running, given->group, &filter);
	if (!error && given->address)
		error = read_address(epg, given->address, &filter);
	if (!error && given->protocol)
		error = read_protocol(epg, given->protocol, &filter);
	if (!error && given->state)
		error = read_state(epg, given->state, &filter);
	if (error)
		return error;
	*ret = filter;
	return 0;
}

/* ---- selecting ---- */

static bool in_prefix(const struct flow_filter *filter, const uint8_t address[16])
{
	unsigned int whole = filter->length / 8, rest = filter->length % 8;

	if (memcmp(address, filter->address, whole) != 0)
		return false;
	return !rest || !((address[whole] ^ filter->address[whole]) >> (8 - rest));
}

/* ICMP echo keeps an identifier and a type where others have their ports. */
static bool has_port(const struct epg_flow_key *key, uint16_t port)
{
	return names_has_ports(key->protocol) && (ntohs(key->low_port_be) == port || ntohs(key->high_port_be) == port);
}

bool flow_filter_selects(const struct flow_filter *filter, const struct epg_flow_key *key, const struct epg_flow *flow)
{
	if (filter->by_protocol && key->protocol != filter->protocol)
		return false;
	if (filter->by_state && flow->state != filter->state)
		return false;
	if (filter->revoked && !flow->revoked)
		return false;
	if (filter->by_port && !has_port(key, filter->port))
		return false;
	if (filter->by_interface && flow->ifindex[0] != filter->ifindex && flow->ifindex[1] != filter->ifindex)
		return false;
	if (filter->by_group && flow->group[0] != filter->class_id && flow->group[1] != filter->class_id)
		return false;
	return !filter->by_address || in_prefix(filter, key->low) || in_prefix(filter, key->high);
}
