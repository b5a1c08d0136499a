/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The text that a policy would have after edits. */
#ifndef EPG_EDIT_TEXT_H
#define EPG_EDIT_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Batches of edits, one piece after the other. */
struct edit_piece {
	const uint8_t *bytes;
	size_t length;
};

/*
 * Splices the edits up to generation `generation` into a text: added entries stand behind those that stay in their
 * filter, removed ones are cut out, and all else remains as it was written. Only a text with aliases, or blocks of
 * text, is written anew as a whole, without its comments. The caller frees `ret`.
 * Returns 0, -EBADMSG (the text or the edits are damaged), -ENOMEM.
 */
int edit_text(const char *text, size_t length, const struct edit_piece *pieces, size_t n_pieces, uint32_t generation,
	      char **ret, size_t *ret_length);

#endif
