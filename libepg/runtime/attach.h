/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#ifndef EPG_ATTACH_H
#define EPG_ATTACH_H

#include "runtime/internal.h"
#include "runtime/journal.h"

/* The ifindex of an interface of this network namespace; -ENOENT with a failure recorded. */
int attach_find_interface(struct epg *epg, const char *interface, uint32_t *ret);
/* The same, and "if<ifindex>" for one that may have vanished. */
int attach_find_vanished(struct epg *epg, const char *interface, uint32_t *ret);

/*
 * Attaches an interface and marks its endpoint, if it is one, as decided by XDP or not. Returns 1 when it was newly
 * attached, 0 when it was attached in that way already, or a negative errno value: then nothing was attached.
 */
int attach_interface(struct epg *epg, struct instance *instance, struct journal *journal, uint32_t ifindex,
		     const char *interface, bool xdp);

#endif
