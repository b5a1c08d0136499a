/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What a packed catalog consists of: see catalog_packed.h. */
#ifndef EPG_CATALOG_COLUMNS_H
#define EPG_CATALOG_COLUMNS_H

#include "base/lines.h"
#include "compile/catalog_block.h"

/* Elements of a section that are packed together. */
#define CATALOG_CHUNK 1024
/* Columns of a section at most. */
#define CATALOG_COLUMNS_MAX 32
/* No larger block is packed, or believed. */
#define CATALOG_BLOCK_MAX ((uint64_t)1 << 34)

enum catalog_column_kind {
	CATALOG_COLUMN_PLAIN,
	CATALOG_COLUMN_STRING, /* told by its number among the strings */
	CATALOG_COLUMN_LAST,   /* of a range: told by how far it is from the field before */
};

struct catalog_column {
	uint16_t offset; /* of the field in the element */
	uint8_t size;    /* 1, 2 or 4 bytes */
	uint8_t kind;
};

struct catalog_columns {
	const struct catalog_column *columns;
	size_t n;
	size_t size; /* of an element */
};

/* How a column of a chunk begins. */
enum catalog_differences {
	CATALOG_DIFFERENCES_EACH, /* one for each element */
	CATALOG_DIFFERENCES_ONE,  /* for all of them */
};

/* How a packed catalog begins. Behind it, by zlib: the strings, then the sections. */
struct catalog_packed {
	uint32_t magic;
	uint32_t version;
	uint64_t length;         /* of all; the map that holds it may be longer */
	uint64_t columns_length; /* of what is behind, unpacked by zlib */
	struct catalog_counts counts;
	uint32_t file;  /* string */
	uint32_t check; /* CRC of this header with 0 here */
};

extern const struct catalog_columns catalog_columns[CATALOG_SECTION_COUNT];
extern const struct lines_form catalog_strings_form;

uint32_t catalog_packed_check(const struct catalog_packed *header);

/* Differences of either sign as small numbers. */
static inline uint32_t catalog_fold(uint32_t difference)
{
	return difference << 1 ^ (uint32_t) - (int32_t)(difference >> 31);
}

static inline uint32_t catalog_unfold(uint32_t folded)
{
	return folded >> 1 ^ (uint32_t) - (int32_t)(folded & 1);
}

#endif
