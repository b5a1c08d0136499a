/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Which endpoints get their packets past the host, where their bridge domain asks for it. */
#include <stdio.h>

#include "runtime/plan.h"

static bool is_asked(const struct plan *plan, const struct plan_endpoint *endpoint)
{
	uint16_t class_id = endpoint->after.class_id;

	return class_id && class_id < plan->policy->n_classes &&
	       plan->policy->classes[class_id].flags & EPG_CLASS_DIRECT;
}

/* As its attachments will be: by TC, ours first, if they are not there yet. */
static struct hooks hooks_then(const struct plan *plan, const struct plan_endpoint *endpoint)
{
	const struct hooks *found = plan_hooks_of(plan, endpoint->ifindex);
	struct hooks hooks = found ? *found : (struct hooks){.ifindex = endpoint->ifindex};

	hooks.ingress |= endpoint->wanted != NULL;
	hooks.egress |= endpoint->wanted != NULL;
	return hooks;
}

static void decide(struct plan *plan, struct plan_endpoint *endpoint)
{
	struct hooks hooks = hooks_then(plan, endpoint);
	struct direct found;

	direct_look(plan->epg, endpoint->ifindex, endpoint->after.flags, &hooks, &found);
	if (!*found.why) {
		endpoint->after.flags |= EPG_ENDPOINT_DIRECT;
		endpoint->mtu = found.mtu;
		return;
	}
	if (!plan->by_stack++)
		snprintf(plan->by_stack_first, sizeof(plan->by_stack_first), "%s: %s", endpoint->interface, found.why);
}

void plan_make_direct(struct plan *plan)
{
	for (size_t i = 0; i < plan->n_endpoints; i++)
		if (plan->endpoints[i].present && is_asked(plan, &plan->endpoints[i]))
			decide(plan, &plan->endpoints[i]);
}

void plan_note_direct(const struct plan *plan)
{
	if (plan->by_stack)
		context_log(plan->epg, EPG_LOG_WARNING,
			    "forwarding by the stack, not direct, for %zu endpoint%s, the first one %s; "
			    "epgctl doctor names them all",
			    plan->by_stack, plan->by_stack == 1 ? "" : "s", plan->by_stack_first);
}
