/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Entries that a caller gives, read by the same code as those of a file. Callers give many that differ in their names
 * and ports alone: of each such shape the first one is read, and the others take over what came of it.
 */
#ifndef EPG_EDIT_READ_H
#define EPG_EDIT_READ_H

#include "policy/edit.h"
#include "policy/read.h"

/* Shapes that are remembered at a time. */
#define EDIT_SHAPES 16

struct edit_shape {
	struct edit_entry packed; /* without name and ports */
	struct model_entry entry;
	bool known;
};

/* Begins with `reader` set, and all else zero. */
struct edit_reader {
	struct reader reader;
	struct edit_shape shapes[EDIT_SHAPES];
};

/*
 * Reads an entry; `ret` has neither name nor place. False when something is wrong with it, which is told at `place`,
 * or without memory: reader.out_of_memory.
 */
bool edit_read(struct edit_reader *reader, const struct edit_entry *packed, const char *name, struct place place,
	       struct model_entry *ret);

#endif
