/* SPDX-License-Identifier: GPL-2.0-only */
/* What a command's handler is given. */
#ifndef EPGCTL_CLI_H
#define EPGCTL_CLI_H

#include <stdbool.h>

#include "arguments.h"
#include "epg/epg.h"
#include "writer.h"

/* Exit status; the values from 3 on are those of enum epg_failure. */
enum cli_status {
	CLI_OK = 0,
	CLI_NO = 1, /* the answer is no: explain denies, diff differs */
	CLI_USAGE = 2,
	CLI_INPUT = EPG_FAILURE_INPUT,
	CLI_NOT_FOUND = EPG_FAILURE_NOT_FOUND,
	CLI_PERMISSION = EPG_FAILURE_PERMISSION,
	CLI_UNSUPPORTED = EPG_FAILURE_UNSUPPORTED,
	CLI_KERNEL = EPG_FAILURE_KERNEL,
};

struct cli {
	struct arguments arguments;
	bool quiet;
	bool coloured_errors; /* whether standard error is */
	struct writer *writer;
	struct epg *epg;
};

/* Runs a command line from parsing to the last byte written; returns the exit status. */
int cli_run(int argc, char **argv);

#endif
