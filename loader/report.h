/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Failures: on standard error for people, as the one JSON document on standard output for programs.
 * Each function that reports a failure forgets what the command had to say before, and returns the exit status.
 */
#ifndef EPGCTL_REPORT_H
#define EPGCTL_REPORT_H

#include <stdio.h>

#include "cli.h"

DEFINE_AUTO(struct epg_diagnostics, epg_diagnostics_free)
DEFINE_AUTO(struct epg_policy, epg_policy_free)

/* What the library says of the call that returned `error`. */
int report_failure(struct cli *cli, int error);

/* A failure that the program itself has found; `where` and `hint` may be NULL. */
int report_error(struct cli *cli, enum cli_status status, const char *where, const char *hint, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* A policy with errors: all its messages. */
int report_policy(struct cli *cli, const struct epg_diagnostics *diagnostics);

/*
 * The messages about a policy that is accepted: on standard error unless quiet; in JSON as "diagnostics"
 * of the document.
 */
void report_warnings(struct cli *cli, const struct epg_diagnostics *diagnostics);

/* One message: place, severity, text; the line, and a caret below the column; the hint. */
void report_diagnostic(FILE *stream, const struct epg_diagnostic *diagnostic, bool coloured);

#endif
