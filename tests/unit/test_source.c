/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "policy/edit.h"
#include "runtime/source.h"

/* Entries added to one filter and removed from another, as the C API writes them; to be cleared. */
static struct edit_bytes make_edits(unsigned int n)
{
	struct edit_bytes edits = {0};
	char name[16];

	for (unsigned int batch = 0; batch < 3; batch++) {
		cr_assert_eq(edit_bytes_begin(&edits, batch == 1 ? "shop/a" : "shop/other", batch == 1, 0), 0);
		for (unsigned int i = 0; i < n; i++) {
			struct edit_entry entry = {.destination_first = (uint16_t)i, .protocol = i & 1 ? 6 : 17};

			entry.name_length = (uint8_t)snprintf(name, sizeof(name), "%s-%u", i & 1 ? "tcp" : "udp", i);
			cr_assert_eq(batch == 1 ? edit_bytes_remove(&edits, name)
						: edit_bytes_add(&edits, &entry, name),
				     0);
		}
	}
	return edits;
}

#define EDITS(edits, n) __attribute__((cleanup(edit_bytes_clear))) struct edit_bytes edits = make_edits(n)

/* A policy's text of `n` entries, to be freed. */
static char *make_text(unsigned int n, size_t *ret_length)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_length);

	fputs("version: 1\n", out);
	for (unsigned int i = 0; i < n; i++)
		fprintf(out, "    - {name: tcp-%u, etherT: ip, prot: tcp, dPort: %u}\n", i, i);
	fclose(out);
	return text;
}

static void check(const char *text, size_t length, const uint8_t *edits, size_t edits_length)
{
	const struct generation_parts parts = {text, length, edits, edits_length, 7};
	struct generation_source header = {.n_nodes = parts.n_nodes};
	AUTO_FREE uint8_t *packed = NULL;
	AUTO_FREE char *back = NULL;
	struct generation_parts unpacked;

	cr_assert_eq(source_pack(&parts, &header, &packed), 0);
	cr_assert_eq(source_unpack(&header, packed, &back, &unpacked), 0);
	cr_assert_eq(unpacked.length, length);
	cr_assert_arr_eq(unpacked.text, text, length);
	cr_assert_eq(unpacked.text[length], '\0');
	cr_assert_eq(unpacked.edits_length, edits_length);
	cr_assert_arr_eq(unpacked.edits, edits, edits_length);
	cr_assert_eq((uintptr_t)unpacked.edits % 8, 0);
	cr_assert_eq(unpacked.n_nodes, 7);
}

Test(source, text_and_edits_come_back_as_they_were)
{
	size_t length;
	AUTO_FREE char *text = make_text(500, &length);

	for (unsigned int n = 0; n < 40; n++) {
		EDITS(edits, n);

		check("", 0, edits.bytes, 0);
		check("", 0, edits.bytes, edits.length);
		check("no line", 7, edits.bytes, edits.length);
		check(text, length - n, edits.bytes, edits.length);
	}
}

Test(source, a_list_takes_next_to_nothing)
{
	size_t length;
	AUTO_FREE char *text = make_text(10000, &length);
	EDITS(edits, 10000);
	const struct generation_parts parts = {text, length, edits.bytes, edits.length, 0};
	struct generation_source header = {0};
	AUTO_FREE uint8_t *packed = NULL;

	cr_assert_eq(source_pack(&parts, &header, &packed), 0);
	cr_assert_lt(header.zlib_length, 2 * 40000); /* of as many lines and items */
}

/* Lengths that somebody else has written, and bytes. */
Test(source, what_is_damaged_is_refused)
{
	size_t length;
	AUTO_FREE char *text = make_text(50, &length);
	EDITS(edits, 20);
	const struct generation_parts parts = {text, length, edits.bytes, edits.length, 0};
	struct generation_source header = {0}, damaged;
	AUTO_FREE uint8_t *packed = NULL;
	struct generation_parts unpacked;
	char *back = NULL;

	cr_assert_eq(source_pack(&parts, &header, &packed), 0);
#define REFUSED(field, value)    \
	damaged = header;        \
	damaged.field = (value); \
	cr_assert_eq(source_unpack(&damaged, packed, &back, &unpacked), -EBADMSG, #field)
	REFUSED(text_length, length - 1);
	REFUSED(text_length, length + 1);
	REFUSED(text_length, UINT64_MAX);
	REFUSED(lines_length, header.lines_length - 1);
	REFUSED(lines_length, header.lines_length + 1);
	REFUSED(lines_length, UINT64_MAX);
	REFUSED(edits_length, edits.length + 8);
	REFUSED(edits_length, edits.length - 8);
	REFUSED(edits_length, 0);
	REFUSED(edits_length, UINT64_MAX);
	REFUSED(batches_length, header.batches_length - 1);
	REFUSED(batches_length, UINT64_MAX);
	REFUSED(zlib_length, header.zlib_length - 1);
	REFUSED(zlib_length, 0);
#undef REFUSED
	for (size_t i = 0; i < header.zlib_length; i++) {
		packed[i] ^= 0x10;
		if (!source_unpack(&header, packed, &back, &unpacked)) {
			cr_assert_arr_eq(back, text, length);
			free(back);
		}
		packed[i] ^= 0x10;
	}
}
