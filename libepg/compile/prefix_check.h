/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Whether prefixes, those of other VRFs among them, leave every address one owner. */
#ifndef EPG_PREFIX_CHECK_H
#define EPG_PREFIX_CHECK_H

#include "compile/leaks.h"

/*
 * An address must lead to one owner. So it is an error when a prefix of another VRF lies within a subnet of a bridge
 * domain of the own, or is claimed twice; when a bridge domain's contains one: only the outside may; and when one of
 * the outside lies within a `match: {ip}`. Returns 0, -EBADMSG (reported), -ENOMEM.
 */
int prefix_check(const struct model *model, const struct leaks *leaks, struct epg_diagnostics *diagnostics);

#endif
