/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program that uses libepg: reads the policy named on its command line and tells what it would take.
 * Needs no privilege. Build it against the installed library with
 *   cc link-libepg.c $(pkg-config --cflags --libs libepg) -o link-libepg
 */
#include <stdio.h>
#include <stdlib.h>

#include <epg/epg.h>

static void print_diagnostics(const struct epg_diagnostics *diagnostics)
{
	for (size_t i = 0; i < epg_diagnostics_count(diagnostics); i++) {
		const struct epg_diagnostic *found = epg_diagnostics_get(diagnostics, i);

		fprintf(stderr, "%s:%u:%u: %s\n", found->file, found->line, found->column, found->message);
	}
}

int main(int argc, char **argv)
{
	const struct epg_policy_source source = {.size = sizeof(source), .path = argc > 1 ? argv[1] : "-"};
	struct epg_diagnostics *diagnostics = NULL;
	struct epg_policy *policy = NULL;
	struct epg *epg = NULL;
	struct epg_cost cost;
	int status = EXIT_FAILURE;

	if (epg_open(NULL, &epg))
		return EXIT_FAILURE;
	if (epg_policy_read(epg, &source, &policy, &diagnostics) || epg_policy_cost(epg, policy, &cost, NULL)) {
		fprintf(stderr, "%s\n", epg_error(epg)->message);
	} else {
		printf("%zu groups, %zu contracts, %zu rules, %zu bytes\n", cost.groups, cost.contracts, cost.rules,
		       cost.bytes);
		status = EXIT_SUCCESS;
	}
	print_diagnostics(diagnostics);
	epg_diagnostics_free(diagnostics);
	epg_policy_free(policy);
	epg_close(epg);
	return status;
}
