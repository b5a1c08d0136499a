/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A catalog as the kernel keeps it: the block packed, since a million rules take 80 MB in memory and next to nothing
 * packed. Strings are told by what they have otherwise than earlier ones (base/lines.h). Sections are cut into chunks of
 * elements, and these into columns, a field each: its differences from element to element, or, when they are all the same,
 * just that one. zlib packs what comes of it. What follows from the rest, rules' identities, is not kept.
 */
#ifndef EPG_CATALOG_PACKED_H
#define EPG_CATALOG_PACKED_H

#include <stddef.h>
#include <stdint.h>

#include "compile/catalog.h"

/* Packs a block that draft_write has written; the caller frees it. 0, -ENOMEM, -E2BIG, -EBADMSG: it is no such block. */
int catalog_pack(const uint8_t *block, size_t length, uint8_t **ret, size_t *ret_length);
/*
 * Unpacks into a block, to be freed, and opens it as catalog_open does: `ret` points into it. What was damaged is refused
 * before more memory is taken than its own length justifies. 0, -EBADMSG, -ENOMEM.
 */
int catalog_unpack(const uint8_t *packed, size_t length, uint8_t **ret_block, struct catalog *ret);

#endif
