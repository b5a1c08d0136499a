/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Forwarding past the host: may packets for an endpoint go straight into its network namespace? Where its bridge domain
 * asks for it, and nothing stands at its interface that would be skipped.
 */
#ifndef EPG_DIRECT_H
#define EPG_DIRECT_H

#include "runtime/hooks.h"
#include "runtime/internal.h"
#include "runtime/journal.h"

/* Room for the longest reason. */
#define DIRECT_WHY_MAX 192

struct direct {
	char why[DIRECT_WHY_MAX]; /* what stands in the way; "": nothing. What can't be found out stands in the way */
	uint16_t mtu; /* of the interface, where nothing does: what is longer has to meet the host's stack */
};

/* `flags` are those of the binding, `hooks` the attachments; those that are to be made will come first. */
void direct_look(struct epg *epg, uint32_t id, uint16_t flags, const struct hooks *hooks, struct direct *ret);

/*
 * Sets or clears EPG_ENDPOINT_DIRECT of an endpoint that has just been attached, and its MTU; tells the log where its
 * bridge domain asks for what can't be had.
 */
int direct_mark(struct epg *epg, struct instance *instance, struct journal *journal, uint32_t id, const char *name);

#endif
