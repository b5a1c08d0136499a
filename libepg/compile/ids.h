/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Ids that stay from apply to apply: groups' class ids, and the ids of VRFs and bridge domains. */
#ifndef EPG_IDS_H
#define EPG_IDS_H

#include <stdint.h>

#include "policy/model.h"
#include "compile/tables.h"

/* By index into the model's arrays. */
struct ids {
	uint16_t *groups;
	uint16_t *vrfs;
	uint16_t *bridge_domains;
};

/* Returns 0, -EBADMSG with at least one error in diagnostics, or -ENOMEM. */
int ids_assign(const struct model *model, const struct compile_memory *memory, struct epg_diagnostics *diagnostics,
	       struct ids *ret);
void ids_clear(struct ids *ids);

#endif
