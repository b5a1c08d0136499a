/* SPDX-License-Identifier: GPL-2.0-only */
/* The packet that `explain` is asked about, read from the command line. */
#ifndef EPGCTL_QUESTION_H
#define EPGCTL_QUESTION_H

#include "arguments.h"
#include "epg/epg.h"

/* Room for the protocol's name, which a question points to. */
#define QUESTION_PROTOCOL_MAX 32

/*
 * Reads PROTO[/DPORT] and the options beside it. Strings of the question point into the arguments and into
 * `protocol`. Returns 0, or -EINVAL with `reterr` filled.
 */
int question_read(const struct arguments *arguments, char protocol[QUESTION_PROTOCOL_MAX], struct epg_question *ret,
		  struct usage_error *reterr);

#endif
