/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Entries of filters that a caller of the library adds and removes after the policy was read. They are read by the
 * same code as those of a file: an entry is spelled as the scalars that would stand there. The model itself changes
 * when somebody needs the whole of it (edits_settle), so that one more entry costs nothing that grows with those that
 * are there.
 *
 * What has been changed against the text is kept as batches of packed entries, from which edit_text.h makes the text
 * that the policy would have.
 */
#ifndef EPG_EDIT_H
#define EPG_EDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/string_index.h"
#include "epg/epg.h"
#include "policy/model.h"

/* ---- one entry: see edit_entry.h ---- */

/* An epg_entry as it is kept: its name follows, without a zero. A key that is not in `given` is absent. */
struct edit_entry {
	uint16_t given; /* EPG_ENTRY_… */
	uint16_t ether_type;
	uint16_t destination_first, destination_last;
	uint16_t source_first, source_last;
	uint16_t arp_opcode;
	uint16_t tcp_flags;
	uint8_t protocol, icmp_type, icmp_code, dscp;
	uint8_t fragments_only, stateless;
	uint8_t name_length;
	uint8_t reserved;
};

/* ---- batches: changes of one filter, as bytes (edit_batch.c) ---- */

/*
 * The filter's full name follows, then `count` entries that were added, each with its name behind it, or, of those that
 * were removed, a byte with the name's length and the name.
 */
struct edit_batch {
	uint32_t length;     /* of all, a multiple of 8 */
	uint32_t generation; /* the first that has it; 0: they all do */
	uint32_t count;
	uint16_t filter_length;
	uint16_t removed;
};

struct edit_bytes {
	uint8_t *bytes;
	size_t length, capacity;
	size_t batch; /* where the last batch begins */
};

void edit_bytes_clear(struct edit_bytes *bytes);
int edit_bytes_begin(struct edit_bytes *bytes, const char *filter, bool removed, uint32_t generation);
int edit_bytes_add(struct edit_bytes *bytes, const struct edit_entry *entry, const char *name);
int edit_bytes_remove(struct edit_bytes *bytes, const char *name);

/* A walk over bytes that may be damaged: whatever leaves its bounds ends it with -EBADMSG. */
struct edit_walk {
	const uint8_t *next, *end; /* of what is left of the batch */
	const struct edit_batch *batch;
	const char *filter; /* batch->filter_length bytes */
	uint32_t left;      /* items of the batch */
};

/* The next batch from `*offset` on; 1: there is one, 0: the end, or -EBADMSG. */
int edit_walk_batch(const uint8_t *bytes, size_t length, size_t *offset, struct edit_walk *ret);
/* The next item: its name is not terminated; `entry` is left alone when it was removed. 1, 0, -EBADMSG. */
int edit_walk_item(struct edit_walk *walk, struct edit_entry *entry, const char **ret_name, size_t *ret_length);

/* ---- a policy's edits (edit.c) ---- */

struct edit_filter {
	struct string_index names; /* of entries; value: place among the filter's, or MODEL_NONE */
	struct model_entry *own;   /* the filter's entries since some were added; NULL: as they were read */
	size_t own_capacity;
	size_t n_added;       /* not settled yet: they stand behind those that the model has */
	size_t n_removed;     /* not settled yet: entries without a name */
	const char **removed; /* names of entries of the text that are gone */
	size_t n_removed_names, removed_capacity;
	bool used;
};

/* One change since the policy was last applied. */
struct edit_change {
	uint32_t filter;
	bool removed;
	struct model_entry entry;
};

/* More of them than this are applied as a whole. */
#define EDIT_CHANGES_MAX 1024

struct edits {
	struct model *model;
	struct edit_filter *filters; /* by the model's index; NULL until there is an edit */
	struct string_index index;   /* filters by full name */
	bool edited;                 /* the model is not that of the text any more */
	bool is_writable;            /* they can be written into the text: it was looked at */
	struct edit_change *changes; /* none are kept beyond EDIT_CHANGES_MAX */
	size_t n_changes, changes_capacity;
};

void edits_clear(struct edits *edits);
/* The filter's index in the model, or MODEL_NONE; -ENOMEM. */
int edits_filter(struct edits *edits, const char *name, uint32_t *ret);
/*
 * Adds entries behind those of the filter, all or none. The stride is `entries->size`. 0, -EBADMSG (diagnostics says
 * what is wrong with which: line 0, column is the place in the array from 1), -EINVAL (sizes that differ), -ENOMEM.
 */
int edits_add(struct edits *edits, uint32_t filter, const struct epg_entry *entries, size_t n,
	      struct epg_diagnostics *diagnostics);
/* Removes entries, all or none; -ENOENT: `reterr_missing` is the place of the first that is not there. */
int edits_remove(struct edits *edits, uint32_t filter, const char *const *names, size_t n, size_t *reterr_missing);
/* Brings the model up to date. */
void edits_settle(struct edits *edits);
/* All that the model, settled, has otherwise than the text. */
int edits_pack(const struct edits *edits, struct edit_bytes *ret);
void edits_forget_changes(struct edits *edits);

#endif
