/* SPDX-License-Identifier: GPL-2.0-only */
/* Text on a terminal: characters and their widths, colours, and nothing that could steer the terminal. */
#ifndef EPGCTL_DISPLAY_H
#define EPGCTL_DISPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum display_colour {
	DISPLAY_PLAIN,
	DISPLAY_BOLD,
	DISPLAY_RED,
	DISPLAY_GREEN,
	DISPLAY_YELLOW,
	DISPLAY_CYAN,
};

/* When to colour: --color. */
enum display_colouring {
	DISPLAY_AUTO, /* on terminals, unless NO_COLOR is set or TERM is "dumb" */
	DISPLAY_ALWAYS,
	DISPLAY_NEVER,
};

/* What stands for a byte that belongs to no character. */
#define DISPLAY_REPLACEMENT 0xfffdu

/* Whether what goes to descriptor `fd` is to be coloured. */
bool display_wants_colour(enum display_colouring colouring, int fd);

/* Columns of the terminal behind `fd`; DISPLAY_DEFAULT_WIDTH where it is none or does not tell. */
#define DISPLAY_DEFAULT_WIDTH 100
size_t display_terminal_width(int fd);

/*
 * Decodes the character at the start of `text` (`length` is not 0) and returns how many bytes it takes.
 * A byte that is not UTF-8 counts as one character, DISPLAY_REPLACEMENT; *ret_valid says which it was.
 */
size_t display_decode(const char *text, size_t length, uint32_t *ret_character, bool *ret_valid);

/* Characters of a text. */
size_t display_characters(const char *text);

/* Columns that one character takes: 2 for wide ones, 0 for combining ones. */
size_t display_character_width(uint32_t character);
/* Columns that display_text prints for a text; a tab counts as one column. */
size_t display_width(const char *text, size_t length);

/*
 * Bytes of the next line of `text`, at most `width` columns: it ends before a line break or a blank. A word
 * that is wider stands alone on its line; with `hard` it is broken.
 */
size_t display_break(const char *text, size_t width, bool hard);

/*
 * Prints a text of others (a policy's line, a name): control characters, except tab, and bytes that are no
 * character come out as U+FFFD, so that it neither moves the cursor nor colours what follows.
 */
void display_text(FILE *stream, const char *text, size_t length);

/* Prints `text` in a colour when `coloured` is set, else as it is. */
void display_coloured(FILE *stream, bool coloured, enum display_colour colour, const char *text);
/* The escape sequence that turns a colour on; "" for DISPLAY_PLAIN. Off again: DISPLAY_RESET. */
const char *display_sequence(enum display_colour colour);
#define DISPLAY_RESET "\033[0m"
/* The colour's name in libsmartcols; NULL for DISPLAY_PLAIN. */
const char *display_colour_name(enum display_colour colour);

/* "999 B", "12.3 KiB", "4.0 GiB". */
#define DISPLAY_BYTES_MAX 32
void display_bytes(uint64_t bytes, char text[DISPLAY_BYTES_MAX]);

/* A rate in bytes a second as the policy writes it, in bits: "100 Mbit/s", "1.5 Mbit/s". */
void display_rate(uint64_t bytes, char text[DISPLAY_BYTES_MAX]);

/* "2026-11-22 05:01:02" in the local time zone. */
#define DISPLAY_TIME_MAX 40
void display_time(uint64_t seconds, char text[DISPLAY_TIME_MAX]);

#endif
