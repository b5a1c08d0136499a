/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#ifndef EPG_COMMIT_H
#define EPG_COMMIT_H

#include "runtime/build.h"
#include "runtime/plan.h"

/* Gives out the next generation number: none is used twice, whatever becomes of it. */
uint32_t commit_number(struct instance *instance);

/*
 * Brings a generation into force whose maps are in `build`: pins them, stages the plan, attaches interfaces, flips
 * the word. Until then everything can be taken back, and is on failure; what comes after can't fail any more.
 */
int commit(struct build *build, struct plan *plan, uint32_t number, uint32_t slot, size_t *ret_attached);

/* The same for an amendment of the running generation, whose maps are in `build`: groups and slot remain. */
int commit_amended(struct build *build, struct plan *plan, uint32_t number, size_t *ret_attached);

/* -ENOSPC when the map of groups can't hold those of the catalog beside those that are there. */
int commit_check_groups(struct epg *epg, struct instance *instance, const struct catalog *catalog);

#endif
