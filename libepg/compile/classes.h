/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Table `classes`: what each group inherits from its VRF and bridge domain, and which pairs may concern it. */
#ifndef EPG_CLASSES_H
#define EPG_CLASSES_H

#include <stddef.h>

#include "compile/diagram.h"
#include "compile/draft.h"
#include "compile/ids.h"
#include "compile/links.h"
#include "policy/model.h"

struct epg_diagnostics;

struct class_table {
	struct epg_class *records; /* by class id; what is no group's is all zero and leads nowhere */
	size_t n;                  /* highest class id of a group + 1 */
};

/*
 * The draft has all pairs and rules already. The caller frees `ret->records`.
 * Returns 0, -EBADMSG (prefixes that cannot be told apart, or too many: reported), -ENOMEM.
 */
int classes_build(const struct model *model, const struct ids *ids, const struct links *links,
		  const struct draft *draft, struct diagram_builder *builder, struct epg_diagnostics *diagnostics,
		  struct class_table *ret);

#endif
