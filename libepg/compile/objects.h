/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What a policy names, written into the catalog: VRFs, bridge domains, groups, and who uses which contract. */
#ifndef EPG_OBJECTS_H
#define EPG_OBJECTS_H

#include <stdint.h>

#include "compile/draft.h"
#include "compile/ids.h"
#include "policy/model.h"

/*
 * Writes VRFs and bridge domains in the model's order, groups in that of their classes. `ret_catalogued` is the
 * catalog's index by group; the caller frees it. Returns 0 or -ENOMEM.
 */
int objects_add(const struct model *model, const struct ids *ids, struct draft *draft, uint32_t **ret_catalogued);

/* Writes relations, and counts them in the draft's contracts, which it has already. Returns 0 or -ENOMEM. */
int relations_add(const struct model *model, const uint32_t *catalogued, struct draft *draft);

#endif
