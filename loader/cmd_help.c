/* SPDX-License-Identifier: GPL-2.0-only */
/* help, and the hidden commands that the build asks for the manual page and completions. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "help.h"
#include "report.h"

/* Whether `words` is the command, or the first of its two words. */
static bool is_meant(const struct command *command, const char *words)
{
	size_t length = strlen(words);

	return !strncmp(command->words, words, length) && (!command->words[length] || command->words[length] == ' ');
}

int cmd_help(struct cli *cli)
{
	size_t count, width = display_terminal_width(STDOUT_FILENO);
	const struct command *commands = commands_all(&count);
	char **operands = cli->arguments.operands;
	char words[2 * EPG_NAME_MAX];
	bool found = false;

	if (!cli->arguments.n_operands) {
		help_overview(stdout, width);
		return CLI_OK;
	}
	snprintf(words, sizeof(words), "%s%s%s", operands[0], cli->arguments.n_operands > 1 ? " " : "",
		 cli->arguments.n_operands > 1 ? operands[1] : "");
	for (size_t i = 0; i < count; i++) {
		if (commands[i].hidden || !is_meant(&commands[i], words))
			continue;
		if (found)
			fputc('\n', stdout);
		help_command(stdout, &commands[i], width);
		found = true;
	}
	if (found)
		return CLI_OK;
	return report_error(cli, CLI_USAGE, NULL, "epgctl help lists the commands", "unknown command '%s'", words);
}

int cmd_manual(struct cli *cli)
{
	(void)cli;
	manual_page(stdout);
	return CLI_OK;
}

static int print_name(void *user, const struct epg_group_info *group)
{
	(void)user;
	puts(group->name);
	return 0;
}

int cmd_completion(struct cli *cli)
{
	const char *shell = cli->arguments.operands[0];

	if (!strcmp(shell, "bash"))
		completion_bash(stdout);
	else if (!strcmp(shell, "zsh"))
		completion_zsh(stdout);
	else if (!strcmp(shell, "groups"))
		epg_groups_each(cli->epg, print_name, NULL); /* a shell shows no reason why it has nothing to offer */
	else
		return report_error(cli, CLI_USAGE, NULL, "bash or zsh", "no completions for '%s'", shell);
	return CLI_OK;
}
