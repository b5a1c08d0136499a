/* SPDX-License-Identifier: GPL-2.0-only */
/* What the commands that take a policy have in common. */
#ifndef EPGCTL_POLICY_FILE_H
#define EPGCTL_POLICY_FILE_H

#include "cli.h"
#include "report.h"

/*
 * Reads the policy that --file names. Returns CLI_OK and a policy with its warnings; or, having reported
 * what is wrong, an exit status.
 */
int policy_file_read(struct cli *cli, struct epg_policy **ret, struct epg_diagnostics **ret_diagnostics);

/* The failure of a call that takes a policy: its diagnostics, where there are any, else epg_error. */
int policy_file_failure(struct cli *cli, int error, const struct epg_diagnostics *diagnostics);

/* "4 groups, 3 contracts, 17 rules, 6 pairs, 52.1 KiB" for people, an object "cost" in JSON. */
#define POLICY_COST_MAX 160
void policy_file_cost_text(const struct epg_cost *cost, char text[POLICY_COST_MAX]);
void policy_file_write_cost(struct writer *writer, const struct epg_cost *cost);

#endif
