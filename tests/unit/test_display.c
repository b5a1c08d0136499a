/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <sys/ioctl.h>

#include "display.h"
#include "base/util.h"

static void use_utf8(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
}

/* Decodes all of a text; writes "61 e9 !" with one number a character, ! for what is none. */
static void decode_all(const char *text, char *numbers, size_t size)
{
	size_t length = strlen(text), used = 0;

	*numbers = 0;
	for (size_t i = 0; i < length;) {
		uint32_t character;
		bool valid;

		i += display_decode(text + i, length - i, &character, &valid);
		if (valid)
			used += (size_t)snprintf(numbers + used, size - used, "%x ", character);
		else
			used += (size_t)snprintf(numbers + used, size - used, "! ");
	}
}

static void check_decoding(const char *text, const char *expected)
{
	char numbers[200];

	decode_all(text, numbers, sizeof(numbers));
	cr_assert_str_eq(numbers, expected);
}

Test(display, decodes_each_length)
{
	check_decoding("a\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80", "61 e9 65e5 1f600 ");
}

Test(display, a_byte_that_is_no_character_costs_one_byte)
{
	check_decoding("a\xff\x62", "61 ! 62 ");
	check_decoding("\xc3(", "! 28 ");               /* second byte missing */
	check_decoding("\xe6\x97", "! ! ");             /* cut short at the end */
	check_decoding("\xc0\xaf", "! ! ");             /* overlong */
	check_decoding("\xe0\x80\xaf", "! ! ! ");       /* overlong */
	check_decoding("\xed\xa0\x80", "! ! ! ");       /* a surrogate */
	check_decoding("\xf4\x90\x80\x80", "! ! ! ! "); /* beyond the last character */
}

Test(display, width_counts_columns, .init = use_utf8)
{
	cr_assert_eq(display_width("h\xc3\xa9", 3), 2);
	cr_assert_eq(display_width("\xe6\x97\xa5\xe6\x9c\xac", 6), 4, "CJK characters take two columns");
	cr_assert_eq(display_width("e\xcc\x81", 3), 1, "a combining accent takes none");
	cr_assert_eq(display_characters("\xe6\x97\xa5\xe6\x9c\xac"), 2);
}

Test(display, text_of_others_cannot_steer_the_terminal)
{
	AUTO_FREE char *text = NULL;
	size_t length;
	FILE *stream = open_memstream(&text, &length);
	static const char hostile[] = "a\033[31mb\tc\r\n\xc2\x9b"
				      "d\x7f\xff\xc3\xa9";

	display_text(stream, hostile, strlen(hostile));
	fclose(stream);
	cr_assert_str_eq(text, "a\ufffd[31mb\tc\ufffd\ufffd\ufffd"
			       "d\ufffd\ufffd\u00e9");
}

Test(display, lines_are_broken_at_blanks, .init = use_utf8)
{
	cr_assert_eq(display_break("one two three", 7, false), 7);
	cr_assert_eq(display_break("one two three", 8, false), 7);
	cr_assert_eq(display_break("one two three", 6, false), 3);
	cr_assert_eq(display_break("one two three", 13, false), 13);
	cr_assert_eq(display_break("one\ntwo", 7, false), 3);
	cr_assert_eq(display_break("onetwothree four", 5, false), 11);
	cr_assert_eq(display_break("onetwothree four", 5, true), 5);
	cr_assert_eq(display_break("\xe6\x97\xa5\xe6\x9c\xac", 3, true), 3, "the second one takes two columns");
	cr_assert_eq(display_break("\xe6\x97\xa5", 1, true), 3, "a line holds one character at least");
}

Test(display, bytes_for_people)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0 B"},
		{1023, "1023 B"},
		{1024, "1.0 KiB"},
		{12595, "12.3 KiB"},
		{1048575, "1.0 MiB"}, /* not 1024.0 KiB */
		{UINT64_C(5) << 30, "5.0 GiB"},
		{UINT64_MAX, "16.0 EiB"},
	};
	char text[DISPLAY_BYTES_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		display_bytes(cases[i].bytes, text);
		cr_assert_str_eq(text, cases[i].text);
	}
}

Test(display, rates_for_people)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0 bit/s"},
		{1000, "8 kbit/s"},
		{12500000, "100 Mbit/s"},
		{187500, "1.5 Mbit/s"},
		{124999999, "1 Gbit/s"}, /* not 1000 Mbit/s */
		{UINT64_C(125000000000), "1 Tbit/s"},
	};
	char text[DISPLAY_BYTES_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		display_rate(cases[i].bytes, text);
		cr_assert_str_eq(text, cases[i].text);
	}
}

Test(display, colour_is_for_terminals_and_those_who_ask)
{
	FILE *file = tmpfile();

	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	cr_assert_not(display_wants_colour(DISPLAY_AUTO, fileno(file)));
	cr_assert_not(display_wants_colour(DISPLAY_NEVER, fileno(file)));
	cr_assert(display_wants_colour(DISPLAY_ALWAYS, fileno(file)));
	setenv("NO_COLOR", "1", 1);
	cr_assert(display_wants_colour(DISPLAY_ALWAYS, fileno(file)), "who says always means it");
	cr_assert_eq(display_terminal_width(fileno(file)), DISPLAY_DEFAULT_WIDTH);
	fclose(file);
}

static int open_terminal(void)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY);

	cr_assert(fd >= 0);
	return fd;
}

Test(display, a_terminal_is_coloured_unless_told_not_to)
{
	AUTO_CLOSE int terminal = open_terminal();
	const struct winsize size = {.ws_col = 77, .ws_row = 20};

	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	cr_assert(display_wants_colour(DISPLAY_AUTO, terminal));
	setenv("NO_COLOR", "", 1);
	cr_assert(display_wants_colour(DISPLAY_AUTO, terminal), "an empty NO_COLOR says nothing");
	setenv("NO_COLOR", "1", 1);
	cr_assert_not(display_wants_colour(DISPLAY_AUTO, terminal));
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	cr_assert_not(display_wants_colour(DISPLAY_AUTO, terminal));
	cr_assert_eq(ioctl(terminal, TIOCSWINSZ, &size), 0);
	cr_assert_eq(display_terminal_width(terminal), 77);
}
