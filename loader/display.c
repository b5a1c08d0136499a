/* SPDX-License-Identifier: GPL-2.0-only */
#include "display.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "base/util.h"

static const struct {
	const char *name; /* as libsmartcols calls it */
	const char *sequence;
} display_colours[] = {
	[DISPLAY_PLAIN] = {NULL, ""},
	[DISPLAY_BOLD] = {"bold", "\033[1m"},
	[DISPLAY_RED] = {"red", "\033[31m"},
	[DISPLAY_GREEN] = {"green", "\033[32m"},
	[DISPLAY_YELLOW] = {"yellow", "\033[33m"},
	[DISPLAY_CYAN] = {"cyan", "\033[36m"},
};

bool display_wants_colour(enum display_colouring colouring, int fd)
{
	const char *no_color = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	if (colouring != DISPLAY_AUTO)
		return colouring == DISPLAY_ALWAYS;
	return isatty(fd) && !(no_color && *no_color) && !(terminal && !strcmp(terminal, "dumb"));
}

size_t display_terminal_width(int fd)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return DISPLAY_DEFAULT_WIDTH;
	return size.ws_col;
}

/* Bytes of the sequence that `first` announces; 0 where it can't begin one. */
static size_t sequence_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	if (first >= 0xf0 && first <= 0xf4)
		return 4;
	return 0;
}

size_t display_decode(const char *text, size_t length, uint32_t *ret_character, bool *ret_valid)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	const unsigned char *bytes = (const unsigned char *)text;
	size_t n = sequence_length(bytes[0]);
	uint32_t character;

	*ret_character = DISPLAY_REPLACEMENT;
	*ret_valid = false;
	if (!n || n > length)
		return 1;
	character = bytes[0] & first_bits[n];
	for (size_t i = 1; i < n; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 1;
		character = character << 6 | (bytes[i] & 0x3f);
	}
	if (character < smallest[n] || character > 0x10ffff || (character >= 0xd800 && character <= 0xdfff))
		return 1;
	*ret_character = character;
	*ret_valid = true;
	return n;
}

size_t display_characters(const char *text)
{
	size_t length = strlen(text), count = 0;
	uint32_t character;
	bool valid;

	for (size_t i = 0; i < length; count++)
		i += display_decode(text + i, length - i, &character, &valid);
	return count;
}

/* Characters that steer a terminal: C0, DEL and C1. */
static bool is_control(uint32_t character)
{
	return character < 0x20 || (character >= 0x7f && character < 0xa0);
}

size_t display_character_width(uint32_t character)
{
	int width = is_control(character) ? 1 : wcwidth((wchar_t)character);

	return width < 0 ? 1 : (size_t)width;
}

size_t display_width(const char *text, size_t length)
{
	size_t width = 0;
	uint32_t character;
	bool valid;

	for (size_t i = 0; i < length; width += display_character_width(character))
		i += display_decode(text + i, length - i, &character, &valid);
	return width;
}

size_t display_break(const char *text, size_t width, bool hard)
{
	size_t length = strcspn(text, "\n"), blank = 0, used = 0;

	for (size_t i = 0, n; i < length; i += n) {
		uint32_t character;
		bool valid;

		n = display_decode(text + i, length - i, &character, &valid);
		if (character == ' ')
			blank = i;
		used += display_character_width(character);
		if (used > width && (blank || (hard && i)))
			return blank ? blank : i;
	}
	return length;
}

void display_text(FILE *stream, const char *text, size_t length)
{
	for (size_t i = 0, n; i < length; i += n) {
		uint32_t character;
		bool valid;

		n = display_decode(text + i, length - i, &character, &valid);
		if (valid && (character == '\t' || !is_control(character)))
			fwrite(text + i, 1, n, stream);
		else
			fputs("\xef\xbf\xbd", stream);
	}
}

const char *display_sequence(enum display_colour colour)
{
	return display_colours[colour].sequence;
}

const char *display_colour_name(enum display_colour colour)
{
	return display_colours[colour].name;
}

void display_coloured(FILE *stream, bool coloured, enum display_colour colour, const char *text)
{
	coloured = coloured && colour != DISPLAY_PLAIN;
	if (coloured)
		fputs(display_sequence(colour), stream);
	display_text(stream, text, strlen(text));
	if (coloured)
		fputs(DISPLAY_RESET, stream);
}

void display_bytes(uint64_t bytes, char text[DISPLAY_BYTES_MAX])
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double amount = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(text, DISPLAY_BYTES_MAX, "%" PRIu64 " B", bytes);
		return;
	}
	/* 1023.95 would be printed as 1024.0. */
	while (amount >= 1023.95 && unit + 1 < ARRAY_SIZE(units)) {
		amount /= 1024;
		unit++;
	}
	snprintf(text, DISPLAY_BYTES_MAX, "%.1f %s", amount, units[unit]);
}

void display_rate(uint64_t bytes, char text[DISPLAY_BYTES_MAX])
{
	static const char *const units[] = {"bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s", "Pbit/s"};
	double amount = (double)bytes * 8;
	size_t unit = 0;

	while (amount >= 999.95 && unit + 1 < ARRAY_SIZE(units)) {
		amount /= 1000;
		unit++;
	}
	snprintf(text, DISPLAY_BYTES_MAX, "%.4g %s", amount, units[unit]);
}

void display_time(uint64_t seconds, char text[DISPLAY_TIME_MAX])
{
	time_t moment = (time_t)seconds;
	struct tm local;

	if (!localtime_r(&moment, &local) || !strftime(text, DISPLAY_TIME_MAX, "%Y-%m-%d %H:%M:%S", &local))
		snprintf(text, DISPLAY_TIME_MAX, "%" PRIu64, seconds);
}
