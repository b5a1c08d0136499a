/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Amendments: generations that differ from the one before in a few entries, and go on in its tables. They are written
 * down one behind the other in a map beside the tables, `amendments`, for as long as the tables are in use. A
 * generation is what its tables were made from with all amendments up to its number.
 */
#ifndef EPG_AMENDMENTS_H
#define EPG_AMENDMENTS_H

#include "policy/edit.h"
#include "policy/edit_text.h"
#include "runtime/runtime.h"

#define AMENDMENTS_BYTES ((size_t)1 << 20)
#define AMENDMENTS_MAGIC 0x61677065u /* "epga" */

/* How the map begins. */
struct amendments_header {
	uint32_t magic;
	uint32_t n_nodes; /* of the table, that are in use; what is behind them is room */
	uint64_t length;  /* of all amendments; each begins behind the one before */
};

/* A rule that has come into a set of rules. */
struct amendments_member {
	uint32_t set;
	uint32_t rule;
};

/*
 * One amendment. Behind it, each on a multiple of 8 bytes: struct catalog_rule (their strings are offsets into those
 * here), indices of rules that are gone, members, strings, and batches of edits.
 */
struct amendment {
	uint32_t generation;
	uint32_t length; /* of all */
	uint64_t applied_at;
	uint32_t n_rules, n_removed, n_members, n_strings;
	uint32_t edits_length;
	uint32_t reserved;
};

/* What stands in an amendment, in place. */
struct amendment_view {
	const struct amendment *head;
	const struct catalog_rule *rules;
	const uint32_t *removed;
	const struct amendments_member *members;
	const char *strings;
	const uint8_t *edits;
};

/* Makes the map; returns a descriptor or -errno. */
int amendments_make(void);
/* Writes one down; -ENOSPC when the map is full. */
int amendments_append(struct map_view *map, const struct amendment_view *amendment);
/* Forgets amendments later than the running generation: they never came into force. */
void amendments_truncate(struct map_view *map, uint32_t running);
/* The next amendment up to a generation, from `*offset` (begin with 0) on. 1, 0: the end, -EBADMSG. */
int amendments_next(const struct map_view *map, uint32_t generation, size_t *offset, struct amendment_view *ret);

/* Opens the map of a generation; all zero when it has none. 0 or -errno. */
int amendments_open(struct epg *epg, uint32_t number, bool writable, struct map_view *ret);
/* Lets a generation whose tables and catalog are open be what it is with its amendments. 0, -EBADMSG, -ENOMEM. */
int amendments_merge(struct generation *generation, const struct map_view *map);
/* Puts right what a process has left that was killed while it amended the running generation. 0 or -errno. */
int amendments_recover(struct epg *epg, struct instance *instance);

#endif
