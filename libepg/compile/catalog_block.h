/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* How a catalog lies in its block: this header, the sections in the order of CATALOG_SECTIONS, the strings. */
#ifndef EPG_CATALOG_BLOCK_H
#define EPG_CATALOG_BLOCK_H

#include <stdint.h>

#include "compile/catalog.h"

/* Of the block itself and of each section in it. */
#define CATALOG_ALIGNMENT 8

enum catalog_section {
#define CATALOG_SECTION_ENUM(name, type) CATALOG_SECTION_##name,
	CATALOG_SECTIONS(CATALOG_SECTION_ENUM)
#undef CATALOG_SECTION_ENUM
	CATALOG_SECTION_COUNT
};

struct catalog_extent {
	uint64_t offset; /* from the beginning of the block, bytes */
	uint64_t count;  /* elements */
};

struct catalog_header {
	uint32_t magic;
	uint32_t version;
	uint64_t length; /* of all; what holds it may be longer */
	struct catalog_extent sections[CATALOG_SECTION_COUNT];
	struct catalog_extent strings;
	uint32_t file; /* string */
	uint32_t reserved;
};

/* Elements of each section, and bytes of strings: the extents follow from them. */
struct catalog_counts {
	uint64_t sections[CATALOG_SECTION_COUNT];
	uint64_t strings;
};

/* The header of a block with so many elements. */
struct catalog_header catalog_layout(const struct catalog_counts *counts, uint32_t file);

#endif
