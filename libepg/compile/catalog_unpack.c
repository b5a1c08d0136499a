/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#include "base/array.h"
#include "base/util.h"
#include "compile/catalog_columns.h"
#include "compile/catalog_packed.h"
#include "compile/identity.h"

/* zlib packs no bytes better than so many into one. */
#define ZLIB_RATIO_MAX 1032
/* No column of a chunk is shorter: what it is, and a difference. */
#define COLUMN_LEAST 2
/* Two bytes tell as many of a string at most. */
#define STRING_BYTES_MAX UINT8_MAX

struct unpacking {
	struct catalog_packed header;
	struct catalog_header layout;
	uint8_t *columns;
	size_t used; /* bytes of `columns` */
	uint8_t *block;
	uint32_t *starts; /* of the strings */
	size_t n_starts;
	uint32_t values[CATALOG_CHUNK];
};

static void unpacking_clear(struct unpacking *unpacking)
{
	free(unpacking->columns);
	free(unpacking->block);
	free(unpacking->starts);
}

/* ---- how much it may be ---- */

/* So many elements leave their traces in the columns: what claims more is not worth its memory. */
static bool is_justified(const struct catalog_packed *header)
{
	uint64_t least = 0;

	if (header->columns_length / ZLIB_RATIO_MAX > header->length || header->counts.strings > UINT32_MAX ||
	    header->counts.strings / STRING_BYTES_MAX > header->columns_length)
		return false;
	for (size_t i = 0; i < CATALOG_SECTION_COUNT; i++) {
		if (header->counts.sections[i] > UINT32_MAX)
			return false;
		least += (header->counts.sections[i] + CATALOG_CHUNK - 1) / CATALOG_CHUNK * catalog_columns[i].n *
			 COLUMN_LEAST;
	}
	return least <= header->columns_length;
}

static int read_header(struct unpacking *unpacking, const uint8_t *packed, size_t length)
{
	struct catalog_packed *header = &unpacking->header;

	if (length < sizeof(*header))
		return -EBADMSG;
	memcpy(header, packed, sizeof(*header));
	if (header->magic != CATALOG_MAGIC || header->version != CATALOG_VERSION || header->length < sizeof(*header) ||
	    header->length > length || header->check != catalog_packed_check(header) || !is_justified(header))
		return -EBADMSG;
	unpacking->layout = catalog_layout(&header->counts, header->file);
	return unpacking->layout.length <= CATALOG_BLOCK_MAX ? 0 : -EBADMSG;
}

static int decompress(struct unpacking *unpacking, const uint8_t *packed)
{
	const struct catalog_packed *header = &unpacking->header;
	uLongf length = header->columns_length;

	unpacking->columns = array_new(header->columns_length, 1);
	unpacking->block = calloc(1, unpacking->layout.length);
	if (!unpacking->columns || !unpacking->block)
		return -ENOMEM;
	if (uncompress(unpacking->columns, &length, packed + sizeof(*header), header->length - sizeof(*header)) !=
		    Z_OK ||
	    length != header->columns_length)
		return -EBADMSG;
	memcpy(unpacking->block, &unpacking->layout, sizeof(unpacking->layout));
	return 0;
}

/* ---- strings ---- */

static int unpack_strings(struct unpacking *unpacking)
{
	char *strings = (char *)unpacking->block + unpacking->layout.strings.offset;
	size_t length = unpacking->layout.strings.count, capacity = 0;

	if (!length ||
	    lines_unpack(catalog_strings_form, unpacking->columns, unpacking->header.columns_length, (uint8_t *)strings,
			 length, &unpacking->used) ||
	    strings[length - 1])
		return -EBADMSG;
	for (size_t i = 0; i < length; i += strlen(strings + i) + 1) {
		if (array_reserve(&unpacking->starts, &capacity, unpacking->n_starts + 1, sizeof(*unpacking->starts)))
			return -ENOMEM;
		unpacking->starts[unpacking->n_starts++] = (uint32_t)i;
	}
	return 0;
}

/* Numbers of strings become their places. */
static bool name_strings(struct unpacking *unpacking, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (unpacking->values[i] >= unpacking->n_starts)
			return false;
		unpacking->values[i] = unpacking->starts[unpacking->values[i]];
	}
	return true;
}

/* ---- columns ---- */

static bool take_difference(struct unpacking *unpacking, uint32_t *ret)
{
	uint32_t folded = 0;
	uint8_t byte;

	for (unsigned int shift = 0; shift < 32; shift += 7) {
		if (unpacking->used == unpacking->header.columns_length)
			return false;
		byte = unpacking->columns[unpacking->used++];
		folded |= (uint32_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = catalog_unfold(folded);
			return true;
		}
	}
	return false;
}

/* The values of a column; `value` is the one before the first. */
static bool take_column(struct unpacking *unpacking, size_t n, uint32_t value)
{
	uint32_t difference = 0;
	uint8_t differences;

	if (unpacking->used == unpacking->header.columns_length)
		return false;
	differences = unpacking->columns[unpacking->used++];
	if (differences > CATALOG_DIFFERENCES_ONE)
		return false;
	for (size_t i = 0; i < n; i++) {
		if ((i == 0 || differences == CATALOG_DIFFERENCES_EACH) && !take_difference(unpacking, &difference))
			return false;
		unpacking->values[i] = value += difference;
	}
	return true;
}

#define SCATTER(type, add_before)                                               \
	for (size_t i = 0; i < n; i++, field += size) {                         \
		type value = (type)values[i], before = 0;                       \
                                                                                \
		if (add_before)                                                 \
			memcpy(&before, field - sizeof(before), sizeof(value)); \
		value = (type)(value + before);                                 \
		memcpy(field, &value, sizeof(value));                           \
	}

static void scatter(const struct catalog_column *column, const uint32_t *values, uint8_t *field, size_t size, size_t n)
{
	if (column->kind == CATALOG_COLUMN_LAST) {
		SCATTER(uint16_t, true)
	} else if (column->size == 1) {
		SCATTER(uint8_t, false)
	} else if (column->size == 2) {
		SCATTER(uint16_t, false)
	} else {
		SCATTER(uint32_t, false)
	}
}

/* `before` are the last values of the chunk before, by column. */
static bool unpack_chunk(struct unpacking *unpacking, const struct catalog_columns *columns, uint8_t *elements,
			 size_t n, uint32_t *before)
{
	for (size_t i = 0; i < columns->n; i++) {
		const struct catalog_column *column = &columns->columns[i];

		if (!take_column(unpacking, n, before[i]))
			return false;
		before[i] = unpacking->values[n - 1];
		if (column->kind == CATALOG_COLUMN_STRING && !name_strings(unpacking, n))
			return false;
		scatter(column, unpacking->values, elements + column->offset, columns->size, n);
	}
	return true;
}

static int unpack_section(struct unpacking *unpacking, enum catalog_section section)
{
	const struct catalog_extent *extent = &unpacking->layout.sections[section];
	const struct catalog_columns *columns = &catalog_columns[section];
	uint8_t *elements = unpacking->block + extent->offset;
	uint32_t before[CATALOG_COLUMNS_MAX] = {0};

	for (size_t i = 0; i < extent->count; i += CATALOG_CHUNK) {
		size_t left = extent->count - i;

		if (!unpack_chunk(unpacking, columns, elements + i * columns->size,
				  left < CATALOG_CHUNK ? left : CATALOG_CHUNK, before))
			return -EBADMSG;
	}
	return 0;
}

/* ---- what follows from the rest ---- */

static void derive_identities(const struct catalog *catalog, struct catalog_rule *rules)
{
	uint64_t begun = 0;

	for (size_t i = 0; i < catalog->n_rules; i++) {
		struct catalog_rule *rule = &rules[i];

		if (i == 0 || rule->contract != rule[-1].contract || rule->subject != rule[-1].subject ||
		    rule->filter != rule[-1].filter)
			begun = identity_begin(rule->contract == CATALOG_NONE
						       ? ""
						       : catalog_string(catalog,
									catalog->contracts[rule->contract].name),
					       catalog_string(catalog, rule->subject),
					       catalog_string(catalog, rule->filter));
		rule->identity = identity_end(begun, catalog_string(catalog, rule->entry), rule->reverse, rule->role);
	}
}

int catalog_unpack(const uint8_t *packed, size_t length, uint8_t **ret_block, struct catalog *ret)
{
	__attribute__((cleanup(unpacking_clear))) struct unpacking unpacking = {0};
	struct catalog catalog;
	int error = read_header(&unpacking, packed, length);

	if (!error)
		error = decompress(&unpacking, packed);
	if (!error)
		error = unpack_strings(&unpacking);
	for (enum catalog_section i = 0; !error && i < CATALOG_SECTION_COUNT; i++)
		error = unpack_section(&unpacking, i);
	if (!error && unpacking.used != unpacking.header.columns_length)
		error = -EBADMSG;
	if (!error)
		error = catalog_open(unpacking.block, unpacking.layout.length, &catalog);
	if (error)
		return error;
	derive_identities(&catalog, (struct catalog_rule *)(unpacking.block +
							    unpacking.layout.sections[CATALOG_SECTION_rules].offset));
	*ret_block = TAKE_PTR(unpacking.block);
	*ret = catalog;
	return 0;
}
