/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What becomes of a tracked flow when a policy comes into force: decided by its tables, as the programs would. */
#ifndef EPG_FLOW_FATE_H
#define EPG_FLOW_FATE_H

#include "compile/decide.h"
#include "runtime/flow_table.h"
#include "runtime/plan.h"

/* The policy that would come into force, and the endpoints as it would bind them. */
struct flow_policy {
	struct tables_view tables;
	const struct epg_rule *rules; /* of the tables */
	size_t n_rules;
	const struct plan *plan;
};

enum flow_outcome {
	FLOW_GOES_ON,
	FLOW_KEPT,        /* nothing permits it, and its contract keeps what is open */
	FLOW_DENIED,      /* by `rule` */
	FLOW_REPLIES_CUT, /* `rule` permits the opener's packets without tracking, and nothing the replies */
	FLOW_QUARANTINED, /* an end's interface would be no endpoint */
	FLOW_UNOWNED,     /* an end's address would not be its endpoint's */
	FLOW_UNKNOWN,     /* an end's address would be nobody's */
};

struct flow_fate {
	enum flow_outcome outcome;
	uint32_t rule;        /* index; EPG_RULE_NONE: none was asked */
	uint16_t class_id[2]; /* of each end: EPG_FLOW_LOW, EPG_FLOW_HIGH */
};

struct flow_fate flow_fate_find(const struct flow_policy *policy, const struct epg_flow_key *key,
				const struct epg_flow *flow);

/* The low 32 bits of the kernel's clock, as flow->seen has them. */
uint32_t flow_fate_jiffies(uint32_t hz);
/* How long it may be silent, and has been, in jiffies. */
uint32_t flow_fate_timeout(const struct epg_control *control, const struct epg_flow_key *key,
			   const struct epg_flow *flow);
uint32_t flow_fate_idle(const struct epg_flow *flow, uint32_t jiffies);
/* Has it been silent for longer than flows are remembered? `jiffies` is now. */
bool flow_fate_is_idle(const struct epg_control *control, const struct epg_flow_key *key, const struct epg_flow *flow,
		       uint32_t jiffies);

#endif
