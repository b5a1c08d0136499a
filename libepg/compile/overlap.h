/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Which VRFs share addresses with another one: there an address alone does not tell whose it is. */
#ifndef EPG_OVERLAP_H
#define EPG_OVERLAP_H

#include <stdbool.h>

#include "policy/model.h"

/*
 * One truth value for each VRF of the model: whether a subnet of its bridge domains, or an address that one of its
 * endpoints declares, lies within another VRF's, or around it. The caller frees. Returns 0 or -ENOMEM.
 */
int overlap_find(const struct model *model, bool **ret);

#endif
