/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line, taken apart by the table of commands. */
#ifndef EPGCTL_ARGUMENTS_H
#define EPGCTL_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "commands.h"
#include "base/util.h"

/* An option as given, in the order of the command line. */
struct argument {
	enum option_id id;
	const char *value; /* "" where the option takes none */
};

struct arguments {
	const struct command *command; /* NULL: none was named */
	struct argument *given;
	size_t n_given;
	char **operands;
	int n_operands;
};

/* Why a command line can't be understood, for people. */
struct usage_error {
	char message[256];
	char hint[512];
};

/*
 * Takes a command line apart: options before and after the command, "--" ends them. The order of argv's
 * elements may change; values and operands point into it.
 * Returns 0; -EINVAL with `reterr` filled; or -ENOMEM. With --help or --version among the options, operands
 * and required options are not insisted on. Free with arguments_free in any case.
 */
int arguments_parse(int argc, char **argv, struct arguments *ret, struct usage_error *reterr);
void arguments_free(struct arguments *arguments);

bool arguments_has(const struct arguments *arguments, enum option_id id);
/* The value given last; NULL when the option was not given. */
const char *arguments_value(const struct arguments *arguments, enum option_id id);

/* The command of that name, "endpoint add"; NULL. */
const struct command *arguments_find_command(const char *words);

/*
 * A number as the options take it: decimal, or hexadecimal with 0x; nothing before or behind it.
 * Returns 0, -EINVAL, or -ERANGE when it is outside of `least` … `most`.
 */
int arguments_parse_number(const char *text, uint64_t least, uint64_t most, uint64_t *ret);

/* Fills a usage error; returns -EINVAL. */
int usage_fail(struct usage_error *reterr, const char *hint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
