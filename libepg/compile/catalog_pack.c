/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#include "base/array.h"
#include "base/util.h"
#include "compile/catalog_columns.h"
#include "compile/catalog_packed.h"

/* Bytes of a difference at most. */
#define DIFFERENCE_MAX 5

struct packing {
	const uint8_t *block;
	const struct catalog_header *header;
	uint32_t *starts; /* of the strings */
	size_t n_starts;
	size_t last;                        /* string that was looked for last */
	uint32_t values[CATALOG_CHUNK + 1]; /* of a column, beginning with the one before the chunk */
	uint8_t *bytes;
	size_t length, capacity;
};

static void packing_clear(struct packing *packing)
{
	free(packing->starts);
	free(packing->bytes);
}

/* ---- strings ---- */

static const char *strings_of(const struct packing *packing)
{
	return (const char *)packing->block + packing->header->strings.offset;
}

static int list_strings(struct packing *packing)
{
	const char *strings = strings_of(packing);
	size_t capacity = 0;

	for (size_t i = 0; i < packing->header->strings.count; i += strlen(strings + i) + 1) {
		if (array_reserve(&packing->starts, &capacity, packing->n_starts + 1, sizeof(*packing->starts)))
			return -ENOMEM;
		packing->starts[packing->n_starts++] = (uint32_t)i;
	}
	return 0;
}

/* Most are the one that was looked for last, or the next. */
static bool find_string(struct packing *packing, uint32_t string, uint32_t *ret)
{
	size_t low = packing->last, high = packing->n_starts;

	for (size_t i = 0; i < 2 && low < high && packing->starts[low] != string; i++)
		low++;
	if (low == high || packing->starts[low] != string) {
		for (low = 0; low < high;) {
			size_t middle = low + (high - low) / 2;

			if (packing->starts[middle] < string)
				low = middle + 1;
			else
				high = middle;
		}
	}
	if (low == packing->n_starts || packing->starts[low] != string)
		return false;
	*ret = (uint32_t)(packing->last = low);
	return true;
}

static int pack_strings(struct packing *packing)
{
	size_t length = packing->header->strings.count;

	if (array_reserve(&packing->bytes, &packing->capacity, lines_bound(length), 1))
		return -ENOMEM;
	packing->length =
		lines_pack(catalog_strings_form, (const uint8_t *)strings_of(packing), length, packing->bytes);
	return list_strings(packing);
}

/* ---- columns ---- */

#define GATHER(type, subtract_before)                                           \
	for (size_t i = 0; i < n; i++, field += size) {                         \
		type value, before = 0;                                         \
                                                                                \
		memcpy(&value, field, sizeof(value));                           \
		if (subtract_before)                                            \
			memcpy(&before, field - sizeof(before), sizeof(value)); \
		values[i] = (type)(value - before);                             \
	}

static bool gather(struct packing *packing, const struct catalog_column *column, const uint8_t *field, size_t size,
		   size_t n, uint32_t *values)
{
	if (column->kind == CATALOG_COLUMN_LAST) {
		GATHER(uint16_t, true)
	} else if (column->size == 1) {
		GATHER(uint8_t, false)
	} else if (column->size == 2) {
		GATHER(uint16_t, false)
	} else {
		GATHER(uint32_t, false)
	}
	for (size_t i = 0; column->kind == CATALOG_COLUMN_STRING && i < n; i++)
		if (!find_string(packing, values[i], &values[i]))
			return false;
	return true;
}

static uint8_t *put_difference(uint8_t *to, uint32_t difference)
{
	uint32_t folded = catalog_fold(difference);

	for (; folded > 0x7f; folded >>= 7)
		*to++ = (uint8_t)(folded | 0x80);
	*to++ = (uint8_t)folded;
	return to;
}

/* `values[0]` stands before the chunk. */
static int put_column(struct packing *packing, const uint32_t *values, size_t n)
{
	uint32_t first = values[1] - values[0], other = 0;
	uint8_t *to;

	if (array_reserve(&packing->bytes, &packing->capacity, packing->length + 1 + n * DIFFERENCE_MAX, 1))
		return -ENOMEM;
	to = packing->bytes + packing->length;
	for (size_t i = 1; i <= n; i++)
		other |= (values[i] - values[i - 1]) ^ first;
	*to++ = other ? CATALOG_DIFFERENCES_EACH : CATALOG_DIFFERENCES_ONE;
	for (size_t i = 1; i <= (other ? n : 1); i++)
		to = put_difference(to, values[i] - values[i - 1]);
	packing->length = (size_t)(to - packing->bytes);
	return 0;
}

static int pack_chunk(struct packing *packing, const struct catalog_columns *columns, const uint8_t *elements,
		      size_t first, size_t n)
{
	/* The first chunk has none before it: there 0 stands for it. */
	size_t before = first ? 1 : 0;
	int error = 0;

	packing->values[0] = 0;
	for (size_t i = 0; !error && i < columns->n; i++) {
		const struct catalog_column *column = &columns->columns[i];
		const uint8_t *field = elements + (first - before) * columns->size + column->offset;

		if (!before)
			packing->values[0] = 0;
		if (!gather(packing, column, field, columns->size, n + before, packing->values + 1 - before))
			return -EBADMSG;
		error = put_column(packing, packing->values, n);
	}
	return error;
}

static int pack_section(struct packing *packing, enum catalog_section section)
{
	const struct catalog_extent *extent = &packing->header->sections[section];
	const uint8_t *elements = packing->block + extent->offset;
	int error = 0;

	for (size_t i = 0; !error && i < extent->count; i += CATALOG_CHUNK) {
		size_t left = extent->count - i;

		error = pack_chunk(packing, &catalog_columns[section], elements, i,
				   left < CATALOG_CHUNK ? left : CATALOG_CHUNK);
	}
	return error;
}

/* ---- all of it ---- */

static int compress_all(const struct packing *packing, uint8_t **ret, size_t *ret_length)
{
	struct catalog_packed header = {
		.magic = CATALOG_MAGIC,
		.version = CATALOG_VERSION,
		.columns_length = packing->length,
		.counts.strings = packing->header->strings.count,
		.file = packing->header->file,
	};
	uLongf length = compressBound(packing->length);
	AUTO_FREE uint8_t *packed = malloc(sizeof(header) + length);

	if (!packed ||
	    compress2(packed + sizeof(header), &length, packing->bytes, packing->length, Z_BEST_SPEED) != Z_OK)
		return -ENOMEM;
	for (size_t i = 0; i < CATALOG_SECTION_COUNT; i++)
		header.counts.sections[i] = packing->header->sections[i].count;
	header.length = sizeof(header) + length;
	header.check = catalog_packed_check(&header);
	memcpy(packed, &header, sizeof(header));
	*ret = TAKE_PTR(packed);
	*ret_length = header.length;
	return 0;
}

int catalog_pack(const uint8_t *block, size_t length, uint8_t **ret, size_t *ret_length)
{
	const struct catalog_header *header = (const void *)block;
	__attribute__((cleanup(packing_clear))) struct packing packing = {.block = block, .header = header};
	int error;

	if (length < sizeof(*header) || header->length > length)
		return -EBADMSG;
	if (header->length > CATALOG_BLOCK_MAX)
		return -E2BIG;
	error = pack_strings(&packing);
	for (enum catalog_section i = 0; !error && i < CATALOG_SECTION_COUNT; i++)
		error = pack_section(&packing, i);
	return error ? error : compress_all(&packing, ret, ret_length);
}
