/* SPDX-License-Identifier: GPL-2.0-only */
/* What is made from the table of commands: help, the manual page, completions. */
#ifndef EPGCTL_HELP_H
#define EPGCTL_HELP_H

#include <stdio.h>

#include "commands.h"

/* All commands in short, with the options that each of them takes. */
void help_overview(FILE *stream, size_t width);
void help_command(FILE *stream, const struct command *command, size_t width);

/* "epgctl endpoint add [--mac MAC] … --group GROUP IF", without a line break. */
void help_synopsis(FILE *stream, const struct command *command);
/* "-f, --file FILE" */
void help_option_names(FILE *stream, const struct command_option *option);

/* epgctl.8 as scdoc reads it. */
void manual_page(FILE *stream);

void completion_bash(FILE *stream);
void completion_zsh(FILE *stream);

#endif
