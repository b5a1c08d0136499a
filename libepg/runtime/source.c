/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/source.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/lines.h"
#include "base/util.h"
#include "policy/edit.h"

#define EDITS_ALIGNMENT ((size_t)8)

/* Neither packs more bytes into one. */
#define ZLIB_RATIO_MAX 1032
#define LINES_RATIO_MAX UINT8_MAX

#define EDITS_PADDED(length) (((length) + EDITS_ALIGNMENT - 1) & ~(EDITS_ALIGNMENT - 1))

/* An entry's lines begin with its indentation, and with what distinguishes them behind it. */
static const struct lines_form text_form = {.end = '\n', .key = 16};

/* Entries that were added stand one behind the other, each with its name. */
static const struct lines_form entries_form = {.key = 4,
					       .head = sizeof(struct edit_entry),
					       .count = offsetof(struct edit_entry, name_length)};

/* A length, and the name of one that was removed. */
static const struct lines_form removed_form = {.key = 5, .head = 1, .count = 0};

/* ---- edits: batches, whose items are packed as lines are ---- */

static struct lines_form form_of(const struct edit_batch *batch)
{
	return batch->removed ? removed_form : entries_form;
}

/* Bytes of a batch before its items. */
static size_t batch_head(const struct edit_batch *batch)
{
	return sizeof(*batch) + batch->filter_length;
}

static int pack_edits(const uint8_t *edits, size_t length, uint8_t *to, size_t *ret_length)
{
	uint8_t *start = to;
	size_t offset = 0;
	struct edit_walk walk;
	int more;

	while ((more = edit_walk_batch(edits, length, &offset, &walk)) > 0) {
		const uint8_t *batch = (const uint8_t *)walk.batch;
		size_t head = batch_head(walk.batch);

		memcpy(to, batch, head);
		to += head + lines_pack(form_of(walk.batch), batch + head, walk.batch->length - head, to + head);
	}
	*ret_length = (size_t)(to - start);
	return more;
}

/* `edits` is all zero. */
static int unpack_edits(const uint8_t *packed, size_t packed_length, uint8_t *edits, size_t length)
{
	size_t used = 0, place = 0, lines;
	struct edit_batch batch;

	for (; place < length; place = EDITS_PADDED(place + batch.length)) {
		size_t left = packed_length - used, head;

		if (left < sizeof(batch))
			return -EBADMSG;
		memcpy(&batch, packed + used, sizeof(batch));
		head = batch_head(&batch);
		if (batch.length < head || batch.length > length - place || head > left)
			return -EBADMSG;
		memcpy(edits + place, packed + used, head);
		if (lines_unpack(form_of(&batch), packed + used + head, left - head, edits + place + head,
				 batch.length - head, &lines))
			return -EBADMSG;
		used += head + lines;
	}
	return used == packed_length ? 0 : -EBADMSG;
}

/* ---- all of it ---- */

int source_pack(const struct generation_parts *parts, struct generation_source *header, uint8_t **ret)
{
	AUTO_FREE uint8_t *lines = malloc(lines_bound(parts->length) + lines_bound(parts->edits_length));
	AUTO_FREE uint8_t *packed = NULL;
	uLongf zlib_length;
	size_t batches;
	int error;

	if (!lines)
		return -ENOMEM;
	header->text_length = parts->length;
	header->lines_length = lines_pack(text_form, (const uint8_t *)parts->text, parts->length, lines);
	header->edits_length = parts->edits_length;
	error = pack_edits(parts->edits, parts->edits_length, lines + header->lines_length, &batches);
	if (error)
		return error;
	header->batches_length = batches;
	zlib_length = compressBound(header->lines_length + header->batches_length);
	packed = malloc(zlib_length);
	if (!packed ||
	    compress2(packed, &zlib_length, lines, header->lines_length + header->batches_length, Z_BEST_SPEED) != Z_OK)
		return -ENOMEM;
	header->zlib_length = zlib_length;
	*ret = TAKE_PTR(packed);
	return 0;
}

static void *pack(void *argument)
{
	struct source_packing *packing = argument;
	struct generation_parts parts = {.text = packing->text, .length = packing->length};
	struct edit_bytes edits = {0};

	packing->error = packing->edits->edited ? edits_pack(packing->edits, &edits) : 0;
	parts.edits = edits.bytes;
	parts.edits_length = edits.length;
	if (!packing->error)
		packing->error = source_pack(&parts, &packing->header, &packing->packed);
	edit_bytes_clear(&edits);
	return NULL;
}

void source_pack_begin(struct source_packing *packing)
{
	worker_begin(&packing->worker, pack, packing);
}

int source_pack_end(struct source_packing *packing)
{
	worker_end(&packing->worker);
	return packing->error;
}

void source_packing_clear(struct source_packing *packing)
{
	worker_end(&packing->worker);
	free(packing->packed);
}

/* What claims to be longer than its packed bytes can be is not worth its memory. */
static bool is_justified(const struct generation_source *header)
{
	return header->lines_length / ZLIB_RATIO_MAX <= header->zlib_length &&
	       header->batches_length / ZLIB_RATIO_MAX <= header->zlib_length &&
	       header->text_length / LINES_RATIO_MAX <= header->lines_length &&
	       header->edits_length / LINES_RATIO_MAX <= header->batches_length;
}

static int unpack_both(const struct generation_source *header, const uint8_t *packed, uint8_t *lines, uint8_t *text,
		       uint8_t *edits)
{
	uLongf length = header->lines_length + header->batches_length;
	size_t used = 0;

	if (uncompress(lines, &length, packed, header->zlib_length) != Z_OK ||
	    length != header->lines_length + header->batches_length ||
	    lines_unpack(text_form, lines, header->lines_length, text, header->text_length, &used) ||
	    used != header->lines_length)
		return -EBADMSG;
	return unpack_edits(lines + header->lines_length, header->batches_length, edits, header->edits_length);
}

int source_unpack(const struct generation_source *header, const uint8_t *packed, char **ret_text,
		  struct generation_parts *ret)
{
	AUTO_FREE uint8_t *lines = NULL;
	AUTO_FREE uint8_t *text = NULL;
	size_t edits;
	int error;

	if (!is_justified(header))
		return -EBADMSG;
	edits = EDITS_PADDED(header->text_length + 1);
	lines = malloc(header->lines_length + header->batches_length + 1);
	text = calloc(1, edits + EDITS_PADDED(header->edits_length));
	if (!lines || !text)
		return -ENOMEM;
	error = unpack_both(header, packed, lines, text, text + edits);
	if (error)
		return error;
	*ret = (struct generation_parts){
		.text = (const char *)text,
		.length = header->text_length,
		.edits = text + edits,
		.edits_length = header->edits_length,
		.n_nodes = header->n_nodes,
	};
	*ret_text = (char *)TAKE_PTR(text);
	return 0;
}
