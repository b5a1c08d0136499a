/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/lines.h"
#include "base/util.h"
#include "random.h"

static const struct lines_form text_form = {.end = '\n', .key = 16};

/* Packs, unpacks and compares; returns the packed length. */
static size_t go_there_and_back(const char *text, size_t length)
{
	AUTO_FREE uint8_t *packed = malloc(lines_bound(length));
	AUTO_FREE uint8_t *back = malloc(length + 1);
	size_t packed_length = lines_pack(text_form, (const uint8_t *)text, length, packed), used = 0;

	cr_assert_leq(packed_length, lines_bound(length));
	cr_assert_eq(lines_unpack(text_form, packed, packed_length, back, length, &used), 0);
	cr_assert_eq(used, packed_length);
	cr_assert_arr_eq(back, text, length);
	return packed_length;
}

Test(lines, come_back_as_they_were)
{
	static const char *const texts[] = {
		"",
		"\n",
		"\n\n\n",
		"a",
		"a\n",
		"a\na\na",
		"one line\nthe same\none line\none lime\n",
		"abcd\nabcde\nabc\n",
		"- {name: web-99, port: 99}\n- {name: web-100, port: 100}\n- {name: web-101, port: 101}",
		"key: value\nkey: value\nkey: value, longer than the one before\nkey: v\n"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		go_there_and_back(texts[i], strlen(texts[i]));
}

Test(lines, long_ones_come_back_as_they_were)
{
	for (size_t length = 250; length < 1100; length++) {
		char text[2300];

		memset(text, 'x', length);
		text[length] = '\n';
		memset(text + length + 1, 'x', length);
		text[length + 1 + length / 2] = 'y';
		text[2 * length + 1] = '\n';
		cr_assert_lt(go_there_and_back(text, 2 * length + 2), length + 40);
		memset(text + length + 5, 'z', length - 5);
		go_there_and_back(text, 2 * length + 1);
	}
}

Test(lines, that_count_up_take_a_few_bytes_each)
{
	AUTO_FREE char *text = malloc(100000);
	size_t length = 0;

	for (unsigned int i = 0; i < 1000; i++)
		length += (size_t)sprintf(text + length, "    - {name: %s-%u, etherT: ip, dPort: %u}\n",
					  i & 1 ? "tcp" : "udp", 10000 + i / 2, 10000 + i / 2);
	cr_assert_lt(go_there_and_back(text, length), 10000);
}

/* Few letters make lines that resemble each other in all ways. */
static size_t random_text(uint64_t *random, char *text, size_t max)
{
	size_t length = random_below(random, max), letters = 1 + random_below(random, 4);

	for (size_t i = 0; i < length; i++)
		text[i] = random_below(random, 12) ? (char)('a' + random_below(random, letters)) : '\n';
	return length;
}

Test(lines, random_ones_come_back_as_they_were)
{
	uint64_t random = 3;
	char text[2000];

	for (unsigned int round = 0; round < 5000; round++)
		go_there_and_back(text, random_text(&random, text, sizeof(text)));
}

Test(lines, damaged_ones_never_lead_outside)
{
	uint64_t random = 9;
	size_t refused = 0;

	for (unsigned int round = 0; round < 20000; round++) {
		char text[300];
		size_t length = 1 + random_text(&random, text, sizeof(text) - 1), used, cut;
		AUTO_FREE uint8_t *packed = malloc(lines_bound(length)), *exact = NULL, *back = malloc(length);

		text[length - 1] = 'a';
		cut = lines_pack(text_form, (const uint8_t *)text, length, packed);
		if (round & 1)
			cut = random_below(&random, cut);
		exact = malloc(cut + 1);
		memcpy(exact + 1, packed, cut);
		for (unsigned int i = 0; cut && i < 3; i++)
			exact[1 + random_below(&random, cut)] = (uint8_t)random_next(&random);
		if (lines_unpack(text_form, exact + 1, cut, back, length, &used))
			refused++;
		else
			cr_assert_leq(used, cut);
	}
	cr_assert_gt(refused, 1000);
}

Test(lines, that_do_not_go_on_are_refused)
{
	uint8_t to[64];
	size_t used;

	/* The first line has none before it; counts of nothing; the end. */
	cr_assert_eq(lines_unpack(text_form, (const uint8_t[]){1, 4}, 2, to, 4, &used), -EBADMSG);
	cr_assert_eq(lines_unpack(text_form, (const uint8_t[]){0, 'a', '\n', 1, 0, 0, 0, 0}, 8, to, 64, &used),
		     -EBADMSG);
	cr_assert_eq(lines_unpack(text_form, (const uint8_t[]){0, 'a', '\n', 1, 2}, 5, to, 6, &used), -EBADMSG);
	cr_assert_eq(lines_unpack(text_form, (const uint8_t[]){0, 'a', '\n', 1, 2}, 5, to, 4, &used), 0);
	cr_assert_arr_eq(to, "a\na\n", 4);
}
