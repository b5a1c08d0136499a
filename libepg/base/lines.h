/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Lines that resemble earlier ones, packed: each is told by what it has otherwise than the latest line that began like
 * it. Lists of rules count up, so that the same differences come again and again: zlib makes next to nothing of them,
 * in a small part of the time that it takes for the lines themselves.
 *
 * A line ends with, and includes, a byte that says so; the last one may lack it. It is packed as a byte with the
 * distance of the earlier line, in lines, and pieces that alternate: a byte with the number of bytes that are the same
 * at the same place, and, unless the line has ended, a byte with the number of bytes that follow, and these. Distance
 * 0: the line follows as it is.
 */
#ifndef EPG_LINES_H
#define EPG_LINES_H

#include <stddef.h>
#include <stdint.h>

struct lines_form {
	uint8_t end; /* of a line */
	uint8_t key; /* lines that have as many bytes in common at their beginning are compared */
	/* Not 0: a line is as many bytes, of which the one at `count` says how many follow; no byte ends it. */
	uint8_t head;
	uint8_t count;
};

/* Bytes that packing `length` bytes takes at most. */
size_t lines_bound(size_t length);
/* Packs into `to`, which has room for lines_bound; returns the bytes that it took. */
size_t lines_pack(struct lines_form form, const uint8_t *bytes, size_t length, uint8_t *to);
/*
 * Unpacks exactly `length` bytes from the beginning of `packed`; `ret_used` says how many of these it took. Returns 0, or
 * -EBADMSG for what lines_pack can't have written.
 */
int lines_unpack(struct lines_form form, const uint8_t *packed, size_t packed_length, uint8_t *to, size_t length,
		 size_t *ret_used);

#endif
