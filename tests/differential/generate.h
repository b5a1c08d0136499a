/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random policies: valid by construction, with every key of the language, small enough that contracts overlap and
 * every level has something to decide.
 */
#ifndef EPG_TEST_GENERATE_H
#define EPG_TEST_GENERATE_H

#include "document.h"
#include "pool.h"

/* The same random state gives the same policy. The document lives in the arena. */
struct document_node *generate_policy(struct arena *arena, uint64_t *random);

#endif
