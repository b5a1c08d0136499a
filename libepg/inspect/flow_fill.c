/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "inspect/flow_fill.h"

#include "inspect/flow_fate.h"
#include "inspect/packet.h"

struct counting {
	const struct epg_control *control;
	uint32_t jiffies;
	struct flow_fill fill;
};

static int count(void *user, const struct epg_flow_key *key, const struct epg_flow *flow)
{
	struct counting *counting = user;

	if (flow_fate_is_idle(counting->control, key, flow, counting->jiffies))
		return 0;
	counting->fill.flows++;
	counting->fill.ipv6 += !packet_address_is_ipv4(key->low);
	return 0;
}

int flow_fill_read(struct instance *instance, struct flow_fill *ret)
{
	struct counting counting = {
		.control = instance->control,
		.jiffies = flow_fate_jiffies(instance->control->hz),
		.fill.capacity = (uint64_t)instance->control->flow_groups * EPG_FLOW_WAYS,
	};
	int error = flow_table_walk(instance, count, &counting);

	if (!error)
		*ret = counting.fill;
	return error;
}
