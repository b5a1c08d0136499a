/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/lines.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/array.h"

/* How far back a line may lie that another one is told by: its distance stands in a byte. */
#define DISTANCE_MAX 255
/* Latest lines by how they begin; a power of 2. */
#define BEGINNINGS 4096
/* Fewer bytes in common than these are not worth a piece. */
#define PIECE_LEAST 4

/* Where the latest lines begin, by their number. */
struct latest {
	size_t n;
	size_t start[DISTANCE_MAX + 1];
};

static void note_line(struct latest *latest, size_t start)
{
	latest->start[latest->n++ % (DISTANCE_MAX + 1)] = start;
}

static size_t start_of(const struct latest *latest, size_t distance)
{
	return latest->start[(latest->n - distance) % (DISTANCE_MAX + 1)];
}

static size_t smaller(size_t one, size_t other)
{
	return one < other ? one : other;
}

/* The line's length; there are `left` bytes in all. */
static size_t line_length(struct lines_form form, const uint8_t *line, size_t left)
{
	const uint8_t *end;

	if (form.head)
		return left < form.head ? left : smaller(left, (size_t)form.head + line[form.count]);
	end = memchr(line, form.end, left);
	return end ? (size_t)(end - line) + 1 : left;
}

/* ---- packing ---- */

struct packing {
	struct lines_form form;
	const uint8_t *bytes;
	size_t length;
	uint8_t *to;
	struct latest latest;
	size_t number[BEGINNINGS]; /* of the latest line that begins so, from 1; 0: none */
};

size_t lines_bound(size_t length)
{
	/* A distance for each line, and two counts at most for each PIECE_LEAST bytes. */
	return 2 * length + 2;
}

/* Bytes that are the same from both places on. */
static size_t count_same(const uint8_t *one, const uint8_t *other, size_t max)
{
	size_t n = 0;
	uint64_t left, right;

	for (; n + sizeof(left) <= max; n += sizeof(left)) {
		memcpy(&left, one + n, sizeof(left));
		memcpy(&right, other + n, sizeof(right));
		if (left != right)
			break;
	}
	while (n < max && one[n] == other[n])
		n++;
	return n;
}

/* Bytes up to where the next piece that is the same begins. */
static size_t count_other(const uint8_t *one, const uint8_t *other, size_t max)
{
	size_t n = 0;
	uint32_t left, right;

	for (; n + sizeof(left) <= max; n++) {
		memcpy(&left, one + n, sizeof(left));
		memcpy(&right, other + n, sizeof(right));
		if (left == right)
			return n;
	}
	/* The end of a line, as far as it is the same, is always worth it: no other count follows. */
	for (n = max; n > 0 && max - n < PIECE_LEAST - 1 && one[n - 1] == other[n - 1];)
		n--;
	return n;
}

static void pack_pieces(struct packing *packing, const uint8_t *line, const uint8_t *earlier, size_t length)
{
	size_t place = 0, n;

	for (;;) {
		n = smaller(count_same(line + place, earlier + place, length - place), UINT8_MAX);
		*packing->to++ = (uint8_t)n;
		place += n;
		if (place == length)
			return;
		n = smaller(count_other(line + place, earlier + place, length - place), UINT8_MAX);
		*packing->to++ = (uint8_t)n;
		memcpy(packing->to, line + place, n);
		packing->to += n;
		place += n;
		if (place == length)
			return;
	}
}

/* Where the latest line that begins alike is noted. */
static size_t *beginning_of(struct packing *packing, const uint8_t *line, size_t length)
{
	uint64_t words[2] = {0};

	memcpy(words, line, smaller(smaller(length, packing->form.key), sizeof(words)));
	return &packing->number[hash_word(hash_word(0, words[0]), words[1]) % BEGINNINGS];
}

static void pack_line(struct packing *packing, size_t start, size_t length)
{
	const uint8_t *line = packing->bytes + start;
	size_t *number = beginning_of(packing, line, length);
	size_t distance = *number ? packing->latest.n - (*number - 1) : 0, earlier;

	if (distance > DISTANCE_MAX)
		distance = 0;
	earlier = distance ? start_of(&packing->latest, distance) : 0;
	if (distance && memcmp(line, packing->bytes + earlier, smaller(length, PIECE_LEAST)) != 0)
		distance = 0;
	*packing->to++ = (uint8_t)distance;
	if (distance) {
		pack_pieces(packing, line, packing->bytes + earlier, length);
	} else {
		memcpy(packing->to, line, length);
		packing->to += length;
	}
	note_line(&packing->latest, start);
	*number = packing->latest.n;
}

size_t lines_pack(struct lines_form form, const uint8_t *bytes, size_t length, uint8_t *to)
{
	struct packing packing = {.form = form, .bytes = bytes, .length = length, .to = to};

	for (size_t start = 0, next; start < length; start = next) {
		next = start + line_length(form, bytes + start, length - start);
		pack_line(&packing, start, next - start);
	}
	return (size_t)(packing.to - to);
}

/* ---- unpacking ---- */

struct unpacking {
	struct lines_form form;
	const uint8_t *packed;
	size_t packed_length, used;
	uint8_t *to;
	size_t length, place;
	struct latest latest;
};

static int take_byte(struct unpacking *unpacking, size_t *ret)
{
	if (unpacking->used == unpacking->packed_length)
		return -EBADMSG;
	*ret = unpacking->packed[unpacking->used++];
	return 0;
}

static bool line_has_ended(const struct unpacking *unpacking, size_t start)
{
	const struct lines_form *form = &unpacking->form;
	size_t n = unpacking->place - start;

	if (unpacking->place == unpacking->length)
		return true;
	if (form->head)
		return n >= form->head && n == (size_t)form->head + unpacking->to[start + form->count];
	return n > 0 && unpacking->to[unpacking->place - 1] == form->end;
}

static int take_as_is(struct unpacking *unpacking, size_t n)
{
	if (n > unpacking->packed_length - unpacking->used || n > unpacking->length - unpacking->place)
		return -EBADMSG;
	memcpy(unpacking->to + unpacking->place, unpacking->packed + unpacking->used, n);
	unpacking->used += n;
	unpacking->place += n;
	return 0;
}

static int unpack_line(struct unpacking *unpacking)
{
	size_t left = unpacking->packed_length - unpacking->used, wanted = unpacking->length - unpacking->place;

	return take_as_is(unpacking,
			  line_length(unpacking->form, unpacking->packed + unpacking->used, smaller(left, wanted)));
}

/* Both counts are 0 in nothing that was packed, and would never end. */
static int unpack_pieces(struct unpacking *unpacking, size_t earlier)
{
	size_t start = unpacking->place, same, other = 1;

	for (;;) {
		const uint8_t *from = unpacking->to + earlier + (unpacking->place - start);

		if (take_byte(unpacking, &same) || same > unpacking->length - unpacking->place || (!same && !other))
			return -EBADMSG;
		/* It may reach into what is being written: byte by byte then. */
		if (from + same <= unpacking->to + unpacking->place)
			memcpy(unpacking->to + unpacking->place, from, same);
		else
			for (size_t i = 0; i < same; i++)
				unpacking->to[unpacking->place + i] = from[i];
		unpacking->place += same;
		if (same && line_has_ended(unpacking, start))
			return 0;
		if (take_byte(unpacking, &other) || take_as_is(unpacking, other))
			return -EBADMSG;
		if (other && line_has_ended(unpacking, start))
			return 0;
	}
}

int lines_unpack(struct lines_form form, const uint8_t *packed, size_t packed_length, uint8_t *to, size_t length,
		 size_t *ret_used)
{
	struct unpacking unpacking = {
		.form = form, .packed = packed, .packed_length = packed_length, .to = to, .length = length};
	int error = 0;

	while (!error && unpacking.place < length) {
		size_t start = unpacking.place, distance;

		if (take_byte(&unpacking, &distance) || distance > unpacking.latest.n)
			return -EBADMSG;
		error = distance ? unpack_pieces(&unpacking, start_of(&unpacking.latest, distance))
				 : unpack_line(&unpacking);
		note_line(&unpacking.latest, start);
	}
	if (!error)
		*ret_used = unpacking.used;
	return error;
}
