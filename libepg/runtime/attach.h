/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#ifndef EPG_ATTACH_H
#define EPG_ATTACH_H

#include "runtime/hooks.h"
#include "runtime/internal.h"
#include "runtime/journal.h"
#include "runtime/port.h"

/*
 * The id of an endpoint by any name that epg.h allows, also of one that has vanished; the instance has been opened.
 * -ENOENT with a failure recorded.
 */
int attach_find_vanished(struct epg *epg, const char *interface, uint32_t *ret);

/*
 * Attaches an interface and marks its endpoint, if it is one, as decided by XDP or not. Returns 1 when it was newly
 * attached, 0 when it was attached in that way already, or a negative errno value: then nothing was attached.
 */
int attach_interface(struct epg *epg, struct instance *instance, struct journal *journal,
		     const struct hooks_order *order);

/* Gives a port a number, if it has none, and writes down what for. */
int attach_number(struct epg *epg, struct instance *instance, struct journal *journal, struct port *port);

/* Says so where the interface below a macvlan device is not enforced: what passes by its hooks is not seen there. */
void attach_note_parent(struct epg *epg, struct instance *instance, const struct port *port, const char *name);

/* attach_policy.c: binds an interface, and who is behind it, as the running policy says, unless they are bound. */
int attach_by_policy(struct epg *epg, struct instance *instance, struct journal *journal, uint32_t ifindex,
		     const char *interface);
/* The same for those behind it alone. */
int attach_behind_by_policy(struct epg *epg, struct instance *instance, struct journal *journal, uint32_t ifindex,
			    const char *interface);

#endif
