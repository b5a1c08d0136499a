/* SPDX-License-Identifier: GPL-2.0-only */
/* One row of the table, at all hooks where such a frame is met. */
#ifndef EPG_TEST_PLAY_H
#define EPG_TEST_PLAY_H

#include "rows.h"

/* How often each fate was met. */
struct play_counts {
	size_t rows, hooks;
	size_t fates[FATES];
};

/* Does everything become of it that the table says? What does not is told on stderr. */
bool play_row(struct scene *scene, const struct row *row, unsigned int family, struct play_counts *counts);

#endif
