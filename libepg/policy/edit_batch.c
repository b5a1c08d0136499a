/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Changes of filters as bytes, which outlive the process. */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "policy/edit.h"

#define BATCH_ALIGNMENT 8

_Static_assert(sizeof(struct edit_batch) % BATCH_ALIGNMENT == 0, "batches follow each other aligned");
_Static_assert(sizeof(struct edit_entry) == 24, "layout of struct edit_entry is kept with generations");

void edit_bytes_clear(struct edit_bytes *bytes)
{
	free(bytes->bytes);
	*bytes = (struct edit_bytes){0};
}

/* Two pieces, one behind the other, and zeros up to where the next batch may begin. */
static int put(struct edit_bytes *bytes, const void *head, size_t head_length, const void *tail, size_t tail_length)
{
	size_t length = head_length + tail_length;
	uint8_t *end;

	if (array_reserve(&bytes->bytes, &bytes->capacity, bytes->length + length + BATCH_ALIGNMENT, 1))
		return -ENOMEM;
	end = bytes->bytes + bytes->length;
	memcpy(end, head, head_length);
	memcpy(end + head_length, tail, tail_length);
	memset(end + length, 0, BATCH_ALIGNMENT);
	bytes->length += length;
	return 0;
}

/* The batch is whole after each item. */
static int put_item(struct edit_bytes *bytes, const void *head, size_t head_length, const char *name, size_t length)
{
	struct edit_batch *batch;

	if (put(bytes, head, head_length, name, length))
		return -ENOMEM;
	batch = (struct edit_batch *)(bytes->bytes + bytes->batch);
	batch->count++;
	batch->length = (uint32_t)(bytes->length - bytes->batch);
	return 0;
}

int edit_bytes_begin(struct edit_bytes *bytes, const char *filter, bool removed, uint32_t generation)
{
	const struct edit_batch batch = {.generation = generation,
					 .filter_length = (uint16_t)strlen(filter),
					 .removed = removed};

	bytes->length = (bytes->length + BATCH_ALIGNMENT - 1) / BATCH_ALIGNMENT * BATCH_ALIGNMENT;
	bytes->batch = bytes->length;
	if (put(bytes, &batch, sizeof(batch), filter, batch.filter_length))
		return -ENOMEM;
	((struct edit_batch *)(bytes->bytes + bytes->batch))->length = (uint32_t)sizeof(batch) + batch.filter_length;
	return 0;
}

int edit_bytes_add(struct edit_bytes *bytes, const struct edit_entry *entry, const char *name)
{
	return put_item(bytes, entry, sizeof(*entry), name, entry->name_length);
}

int edit_bytes_remove(struct edit_bytes *bytes, const char *name)
{
	uint8_t length = (uint8_t)strlen(name);

	return put_item(bytes, &length, sizeof(length), name, length);
}

/* ---- reading ---- */

int edit_walk_batch(const uint8_t *bytes, size_t length, size_t *offset, struct edit_walk *ret)
{
	size_t start = (*offset + BATCH_ALIGNMENT - 1) / BATCH_ALIGNMENT * BATCH_ALIGNMENT;
	const struct edit_batch *batch = (const void *)(bytes + start);

	if (start >= length)
		return 0;
	if (length - start < sizeof(*batch) || batch->length > length - start ||
	    batch->length < sizeof(*batch) + batch->filter_length)
		return -EBADMSG;
	*ret = (struct edit_walk){
		.next = bytes + start + sizeof(*batch) + batch->filter_length,
		.end = bytes + start + batch->length,
		.batch = batch,
		.filter = (const char *)(batch + 1),
		.left = batch->count,
	};
	*offset = start + batch->length;
	return 1;
}

int edit_walk_item(struct edit_walk *walk, struct edit_entry *entry, const char **ret_name, size_t *ret_length)
{
	size_t left = (size_t)(walk->end - walk->next), head = walk->batch->removed ? 1 : sizeof(*entry), length;

	if (walk->left == 0)
		return 0;
	if (left < head)
		return -EBADMSG;
	if (walk->batch->removed)
		length = *walk->next;
	else {
		memcpy(entry, walk->next, sizeof(*entry));
		length = entry->name_length;
	}
	if (left - head < length)
		return -EBADMSG;
	*ret_name = (const char *)walk->next + head;
	*ret_length = length;
	walk->next += head + length;
	walk->left--;
	return 1;
}
