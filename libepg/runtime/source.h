/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Map `source` of a generation: the policy's text, and what was added and removed since it was read, packed. */
#ifndef EPG_SOURCE_H
#define EPG_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "policy/edit.h"
#include "runtime/worker.h"

/* How the map begins. Behind it by zlib: the text, packed by lines (base/lines.h), and the edits, packed alike. */
struct generation_source {
	uint64_t text_length;
	uint64_t lines_length; /* of it, packed by lines */
	uint64_t edits_length;
	uint64_t batches_length; /* of them, packed */
	uint64_t zlib_length;    /* of both */
	uint64_t n_nodes;        /* of the table, that were in use when it was made */
	uint64_t applied_at;     /* seconds since the epoch */
	uint32_t slot;
	uint32_t reserved;
};

/* A policy's text, and what was edited since it was read. */
struct generation_parts {
	const char *text;
	size_t length;
	const uint8_t *edits; /* aligned as struct edit_batch is */
	size_t edits_length;
	size_t n_nodes; /* of its tables */
};

/*
 * Packs text and edits, and writes their lengths into `header`; the caller frees `ret`, of `header->zlib_length` bytes.
 * 0 or -ENOMEM.
 */
int source_pack(const struct generation_parts *parts, struct generation_source *header, uint8_t **ret);

/* The same beside other work, which must not change text or edits. Begins as all zero but for these. */
struct source_packing {
	const char *text;
	size_t length;
	const struct edits *edits;
	struct generation_source header; /* from here on: when it has ended */
	uint8_t *packed;
	int error;
	struct worker worker;
};
void source_pack_begin(struct source_packing *packing);
/* Waits. 0 or -ENOMEM. */
int source_pack_end(struct source_packing *packing);
void source_packing_clear(struct source_packing *packing);

/* The parts, both of which stand in `ret_text`, to be freed. 0, -ENOMEM, or -EBADMSG: what is there is damaged. */
int source_unpack(const struct generation_source *header, const uint8_t *packed, char **ret_text,
		  struct generation_parts *ret);

#endif
