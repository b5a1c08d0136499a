/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/source.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#include "base/lines.h"
#include "base/util.h"

#define EDITS_ALIGNMENT ((size_t)8)

/* Neither packs more bytes into one. */
#define ZLIB_RATIO_MAX 1032
#define LINES_RATIO_MAX UINT8_MAX

/* An entry's lines begin with its indentation, and with what distinguishes them behind it. */
static const struct lines_form text_form = {.end = '\n', .key = 16};

int source_pack(const struct generation_parts *parts, struct generation_source *header, uint8_t **ret)
{
	AUTO_FREE uint8_t *lines = malloc(lines_bound(parts->length));
	AUTO_FREE uint8_t *packed = NULL;
	size_t length;
	uLongf zlib_length;

	if (!lines)
		return -ENOMEM;
	length = lines_pack(text_form, (const uint8_t *)parts->text, parts->length, lines);
	zlib_length = compressBound(length);
	packed = malloc(zlib_length + parts->edits_length);
	if (!packed || compress2(packed, &zlib_length, lines, length, Z_BEST_SPEED) != Z_OK)
		return -ENOMEM;
	if (parts->edits_length)
		memcpy(packed + zlib_length, parts->edits, parts->edits_length);
	header->text_length = parts->length;
	header->lines_length = length;
	header->zlib_length = zlib_length;
	header->edits_length = parts->edits_length;
	*ret = TAKE_PTR(packed);
	return 0;
}

/* What claims to be longer than its packed bytes can be is not worth its memory. */
static bool is_justified(const struct generation_source *header)
{
	return header->lines_length / ZLIB_RATIO_MAX <= header->zlib_length &&
	       header->text_length / LINES_RATIO_MAX <= header->lines_length;
}

int source_unpack(const struct generation_source *header, const uint8_t *packed, char **ret_text,
		  struct generation_parts *ret)
{
	uLongf length = header->lines_length;
	size_t edits = (header->text_length + EDITS_ALIGNMENT) & ~(EDITS_ALIGNMENT - 1), used = 0;
	AUTO_FREE uint8_t *lines = NULL;
	AUTO_FREE char *text = NULL;

	if (!is_justified(header))
		return -EBADMSG;
	lines = malloc(length + 1);
	text = malloc(edits + header->edits_length);
	if (!lines || !text)
		return -ENOMEM;
	if (uncompress(lines, &length, packed, header->zlib_length) != Z_OK || length != header->lines_length ||
	    lines_unpack(text_form, lines, header->lines_length, (uint8_t *)text, header->text_length, &used) ||
	    used != header->lines_length)
		return -EBADMSG;
	text[header->text_length] = '\0';
	memcpy(text + edits, packed + header->zlib_length, header->edits_length);
	*ret = (struct generation_parts){
		.text = text,
		.length = header->text_length,
		.edits = (const uint8_t *)text + edits,
		.edits_length = header->edits_length,
		.n_nodes = header->n_nodes,
	};
	*ret_text = TAKE_PTR(text);
	return 0;
}
