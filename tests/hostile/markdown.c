// SPDX-License-Identifier: GPL-2.0-only
#include "markdown.h"

#include <stdio.h>

#include "rows.h"

static const char HEAD[] =
	"<!-- SPDX-License-Identifier: GPL-2.0-only -->\n"
	"<!-- Made by `hostile --markdown` of tests/hostile/rows.def: change that, then run tools/frames. -->\n"
	"# What becomes of hostile and odd frames?\n"
	"\n"
	"Each line is a frame that is put to the loaded programs: as a container sends it (TC and XDP), as it comes in "
	"by an\n"
	"uplink (TC and XDP), and on its way to a container, from nobody knows where (TC). The policy permits TCP port "
	"80, UDP\n"
	"port 53, ping and some others from both to that container, and nothing else; where nothing is said a frame is "
	"a "
	"TCP SYN\n"
	"to port 80. Words in `code` are the [drop reasons](datapath.md#what-does-each-drop-reason-mean), as they are "
	"counted.\n"
	"`by`: it passes the uplink undecided, as the host's own, and can't reach a container that way.\n"
	"\n";

static const char COLUMNS[] = "| frame | family | what it is | from a container | from an uplink | to a container |\n"
			      "|---|---|---|---|---|---|\n";

static const char *family_name(enum families families)
{
	switch (families) {
	case FAMILY_V4:
		return "IPv4";
	case FAMILY_V6:
		return "IPv6";
	case FAMILY_BOTH:
		return "both";
	case FAMILY_ANY:
		break;
	}
	return "-";
}

static void print_fate(enum fate fate)
{
	switch (fate) {
	case FATE_PASS:
		printf(" passes |");
		break;
	case FATE_BY:
		printf(" by |");
		break;
	case FATE_NOT:
		printf(" - |");
		break;
	default:
		printf(" `%s` |", fate_name(fate));
	}
}

static void print_sum(void)
{
	size_t rows = 0, fates[FATES] = {0};

	for (size_t i = 0; i < N_ROWS; i++)
		ROW_EACH_FAMILY(&ROWS[i], family)
		{
			rows++;
			for (int place = 0; place < PLACES; place++)
				fates[ROWS[i].fate[place]]++;
		}
	printf("\nFrames, with both families counted: %zu. Verdicts: passes %zu, by %zu", rows, fates[FATE_PASS],
	       fates[FATE_BY]);
	for (int i = 1; i < EPG_REASON_COUNT; i++)
		if (fates[i])
			printf(", `%s` %zu", fate_name((enum fate)i), fates[i]);
	printf(".\n");
}

void markdown_print(void)
{
	printf("%s%s", HEAD, COLUMNS);
	for (size_t i = 0; i < N_ROWS; i++) {
		char name[64];

		row_print_name(&ROWS[i], name);
		printf("| %s | %s | %s |", name, family_name(ROWS[i].families), ROWS[i].text);
		for (int place = 0; place < PLACES; place++)
			print_fate(ROWS[i].fate[place]);
		printf("\n");
	}
	print_sum();
}
