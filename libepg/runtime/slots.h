/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Changes of slots in the arrays of maps. The kernel ends each only when all programs that were running have ended,
 * which takes 8 ms and more: so those of a generation are made side by side, and beside other work.
 */
#ifndef EPG_SLOTS_H
#define EPG_SLOTS_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/worker.h"

#define SLOTS_MAX 8

struct slot_change {
	int outer, inner; /* descriptors; inner -1: the slot is emptied */
	uint32_t slot;
	struct worker worker;
	int error;
};

/* Begins as all zero. */
struct slots {
	struct slot_change changes[SLOTS_MAX];
	size_t n;
};

/* Puts a map into a slot, or -1: empties the slot. At most SLOTS_MAX between two calls of slots_end. */
void slots_begin(struct slots *slots, int outer, uint32_t slot, int inner);

/* Waits until all changes have been made. Returns 0, or -errno of the first one that failed, and which that was. */
int slots_end(struct slots *slots, size_t *reterr_which);

/* Waits until all programs that are running have ended. */
void slots_wait(void);

#endif
