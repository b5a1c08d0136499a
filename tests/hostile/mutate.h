/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames of the table, broken at random. Whatever they have become: one that passes is one that the reference permits,
 * by the facts that the second reader finds in it, with no flow known; and TC and XDP agree.
 */
#ifndef EPG_TEST_MUTATE_H
#define EPG_TEST_MUTATE_H

#include "rows.h"

struct mutate_counts {
	size_t frames;
	size_t passed;
	size_t stricter; /* dropped, but the reference would have let them pass */
	size_t violations;
	size_t dropped_by[FATES]; /* as the reference says */
};

/* Ends early after a few violations, each of which is told on stderr: the frame, made as simple as can be. */
bool mutate(struct scene *scene, unsigned long seed, unsigned long frames, struct mutate_counts *counts);

#endif
