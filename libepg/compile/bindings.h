/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Which interfaces a policy binds: endpoints by name, matches by glob. */
#ifndef EPG_BINDINGS_H
#define EPG_BINDINGS_H

#include <stdint.h>

#include "compile/draft.h"
#include "policy/model.h"

/* Writes bindings and addresses into the draft; `catalogued` is the catalog's index by group. 0 or -ENOMEM. */
int bindings_collect(const struct model *model, const uint32_t *catalogued, struct draft *draft);

#endif
