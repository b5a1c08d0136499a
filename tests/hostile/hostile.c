// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hostile and odd frames, one table of them, put to the loaded programs at all hooks; then as many broken at random.
 * Speaks TAP; with --markdown it prints the table as docs/frames.md instead, for which no privilege is needed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../differential/ground.h"
#include "markdown.h"
#include "mutate.h"
#include "play.h"

#define MUTATIONS 100000
#define MUTATIONS_LONG 1000000

static unsigned long from_environment(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : otherwise;
}

static int skip(const char *reason)
{
	const char *ci = getenv("CI");

	if (ci && strcmp(ci, "true") == 0)
		ground_give_up("%s, and in CI nothing may be skipped", reason);
	printf("1..0 # SKIP %s\n", reason);
	return EXIT_SUCCESS;
}

static size_t count_rows(void)
{
	size_t n = 0;

	for (size_t i = 0; i < N_ROWS; i++)
		ROW_EACH_FAMILY(&ROWS[i], family)
	n++;
	return n;
}

static const char *family_suffix(unsigned int family)
{
	return family == FAMILY_V4 ? ", IPv4" : family == FAMILY_V6 ? ", IPv6" : "";
}

static void print_counts(const struct play_counts *counts)
{
	printf("# coverage: %zu rows, %zu frames at hooks: %zu pass, %zu pass by an uplink; dropped:", counts->rows,
	       counts->hooks, counts->fates[FATE_PASS], counts->fates[FATE_BY]);
	for (int i = 1; i < EPG_REASON_COUNT; i++)
		if (counts->fates[i])
			printf(" %s %zu", fate_name((enum fate)i), counts->fates[i]);
	printf("\n");
}

static bool play_table(struct scene *scene)
{
	struct play_counts counts = {0};
	bool good = true;

	for (size_t i = 0; i < N_ROWS; i++) {
		ROW_EACH_FAMILY(&ROWS[i], family)
		{
			bool as_expected = play_row(scene, &ROWS[i], family, &counts);
			char name[64];

			row_print_name(&ROWS[i], name);
			printf("%sok %zu - %s%s\n", as_expected ? "" : "not ", counts.rows, name,
			       family_suffix(family));
			good &= as_expected;
		}
	}
	print_counts(&counts);
	fflush(stdout);
	return good;
}

static bool play_mutants(struct scene *scene, size_t number)
{
	unsigned long seed = from_environment("EPG_SEED", 1);
	unsigned long frames = from_environment("EPG_MUTATIONS", getenv("EPG_LONG") ? MUTATIONS_LONG : MUTATIONS);
	struct mutate_counts counts = {0};
	bool good = mutate(scene, seed, frames, &counts);

	printf("%sok %zu - what passes of frames that are broken at random is permitted\n", good ? "" : "not ", number);
	printf("# coverage: %zu frames broken at random: %zu passed, %zu dropped that might have passed; seed %lu\n",
	       counts.frames, counts.passed, counts.stricter, seed);
	return good;
}

int main(int argc, char **argv)
{
	const char *lacking;
	struct scene *scene;
	bool good;

	if (argc > 1 && strcmp(argv[1], "--markdown") == 0) {
		markdown_print();
		return EXIT_SUCCESS;
	}
	lacking = ground_lacks();
	if (lacking)
		return skip(lacking);
	printf("TAP version 13\n1..%zu\n", count_rows() + 1);
	scene = scene_open();
	good = play_table(scene);
	good &= play_mutants(scene, count_rows() + 1);
	scene_close(scene);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
