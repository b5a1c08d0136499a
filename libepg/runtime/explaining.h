/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The programs once more, to be asked what they would do. They take as much memory as those in force, and most
 * instances are never asked: so each is loaded for the first question about its hook, and pinned for those after it.
 */
#ifndef EPG_EXPLAINING_H
#define EPG_EXPLAINING_H

#include "runtime/internal.h"

/*
 * The copy of the program in force at a hook, "ingress", "egress", "inside_out" or "inside_in". The caller holds the
 * instance's lock, and closes the descriptor. Failures are recorded; -EPROTO: the programs in force are of another
 * build than this library, whose copies might decide otherwise.
 */
int explaining_open(struct epg *epg, struct instance *instance, const char *hook);

#endif
