/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Ids that stay from apply to apply. Groups and VRFs have class ids, which are one space: a VRF's stands for any group
 * of it in table `pairs`. Bridge domains have ids of their own.
 */
#ifndef EPG_IDS_H
#define EPG_IDS_H

#include <stdint.h>

#include "policy/model.h"
#include "compile/tables.h"

/* What a class id stands for, as indices into the model. */
struct class_owner {
	uint32_t group; /* MODEL_NONE: any group of the VRF */
	uint32_t vrf;   /* MODEL_NONE: the id is nobody's */
};

/* By index into the model's arrays. */
struct ids {
	uint16_t *groups;
	uint16_t *vrfs;
	uint16_t *bridge_domains;
	struct class_owner *owners; /* by class id, 65536 of them */
};

/*
 * A class that a group demands is its own, unless the running generation has given it to another group or to a VRF:
 * neither moves for a newcomer. Returns 0, -EBADMSG with at least one error in diagnostics, or -ENOMEM.
 */
int ids_assign(const struct model *model, const struct compile_memory *memory, struct epg_diagnostics *diagnostics,
	       struct ids *ret);
void ids_clear(struct ids *ids);

#endif
