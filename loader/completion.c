/* SPDX-License-Identifier: GPL-2.0-only */
/* Completions for bash and zsh, each a script with the table of commands poured into its cases. */
#include <string.h>

#include "cli.h"
#include "help.h"

/* The first word of a command, and whether it has a second one. */
static size_t first_word(const char *words, bool *ret_two)
{
	size_t length = strcspn(words, " ");

	*ret_two = words[length];
	return length;
}

/* Whether an earlier command begins with the same word: each is named once. */
static bool seen_before(const struct command *commands, size_t index)
{
	bool two;
	size_t length = first_word(commands[index].words, &two);

	for (size_t i = 0; i < index; i++)
		if (!strncmp(commands[i].words, commands[index].words, length + 1))
			return true;
	return false;
}

/* First words of commands that have a second one, with a separator between. */
static void print_groups_of_commands(FILE *stream, const char *separator)
{
	size_t count;
	const struct command *commands = commands_all(&count);
	const char *before = "";

	for (size_t i = 0; i < count; i++) {
		bool two;
		size_t length = first_word(commands[i].words, &two);

		if (!two || seen_before(commands, i))
			continue;
		fprintf(stream, "%s%.*s", before, (int)length, commands[i].words);
		before = separator;
	}
}

/* ---- bash ---- */

static const char bash_begin[] = "# SPDX-License-Identifier: GPL-2.0-only\n"
				 "# bash completion for epgctl, made from its table of commands\n"
				 "_epgctl()\n"
				 "{\n"
				 "\tlocal current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
				 "\tlocal command='' words='' offer=words i\n";

static const char bash_end[] =
	"\tcase $offer in\n"
	"\twords) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\") ;;\n"
	"\tfile) mapfile -t COMPREPLY < <(compgen -f -- \"$current\") ;;\n"
	"\tdirectory) mapfile -t COMPREPLY < <(compgen -d -- \"$current\") ;;\n"
	"\tinterface) mapfile -t COMPREPLY < <(compgen -W \"$(command ls /sys/class/net)\" -- \"$current\") ;;\n"
	"\tgroup) mapfile -t COMPREPLY < <(compgen -W \"$(epgctl completion groups 2>/dev/null)\" -- \"$current\") ;;\n"
	"\tesac\n"
	"\t[[ $offer == file || $offer == directory ]] && compopt -o filenames 2>/dev/null\n"
	"\t[[ ${COMPREPLY[0]-} == */ ]] && compopt -o nospace 2>/dev/null\n"
	"\treturn 0\n"
	"}\n"
	"complete -F _epgctl epgctl\n";

static const char *bash_offer(enum completion completion)
{
	switch (completion) {
	case COMPLETE_NOTHING:
		return "nothing";
	case COMPLETE_FILE:
		return "file";
	case COMPLETE_DIRECTORY:
		return "directory";
	case COMPLETE_INTERFACE:
		return "interface";
	case COMPLETE_GROUP:
		return "group";
	case COMPLETE_WORDS:
		return "words";
	}
	return "nothing";
}

/* Finds out which command the line is about; options with a value take it along. */
static void bash_find_command(FILE *stream)
{
	size_t count;
	const struct command_option *global = commands_global_options(&count);
	const char *before = "\t\t";

	fputs("\n\tfor ((i = 1; i < COMP_CWORD; i++)); do\n\t\tcase ${COMP_WORDS[i]} in\n", stream);
	for (size_t i = 0; i < count; i++) {
		if (!global[i].argument)
			continue;
		fprintf(stream, "%s--%s", before, global[i].name);
		before = " | ";
	}
	fputs(") ((i++)) ;;\n\t\t-*) ;;\n\t\t*)\n\t\t\tcommand+=${command:+ }${COMP_WORDS[i]}\n"
	      "\t\t\tcase $command in\n\t\t\t",
	      stream);
	print_groups_of_commands(stream, " | ");
	fputs(") ;;\n\t\t\t*) break ;;\n\t\t\tesac\n\t\t\t;;\n\t\tesac\n\tdone\n", stream);
}

static void bash_first_words(FILE *stream)
{
	size_t count;
	const struct command *commands = commands_all(&count);

	fputs("\t'') words='", stream);
	for (size_t i = 0; i < count; i++) {
		bool two;
		size_t length = first_word(commands[i].words, &two);

		if (!commands[i].hidden && !seen_before(commands, i))
			fprintf(stream, "%s%.*s", i ? " " : "", (int)length, commands[i].words);
	}
	fputs("' ;;\n", stream);
}

/* A case a first word that has second ones. */
static void bash_second_words(FILE *stream)
{
	size_t count;
	const struct command *commands = commands_all(&count);

	for (size_t i = 0; i < count; i++) {
		bool two;
		size_t length = first_word(commands[i].words, &two);
		const char *before = "";

		if (!two || seen_before(commands, i))
			continue;
		fprintf(stream, "\t%.*s) words='", (int)length, commands[i].words);
		for (size_t j = i; j < count; j++) {
			if (strncmp(commands[j].words, commands[i].words, length + 1))
				continue;
			fprintf(stream, "%s%s", before, commands[j].words + length + 1);
			before = " ";
		}
		fputs("' ;;\n", stream);
	}
}

static void bash_options(FILE *stream, const struct command_option *options, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fprintf(stream, " --%s", options[i].name);
}

/* What follows an option that takes a value; `words` is the pattern of its commands, its quote left open. */
static void bash_option_values(FILE *stream, const char *words, const struct command_option *options, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!options[i].argument)
			continue;
		fprintf(stream, "\t%s --%s'", words, options[i].name);
		if (options[i].letter)
			fprintf(stream, " | %s -%c'", words, options[i].letter);
		fprintf(stream, ") offer=%s", bash_offer(options[i].completion));
		if (options[i].words)
			fprintf(stream, " words='%s'", options[i].words);
		fputs(" ;;\n", stream);
	}
}

void completion_bash(FILE *stream)
{
	size_t count, n_global;
	const struct command *commands = commands_all(&count);
	const struct command_option *global = commands_global_options(&n_global);

	fputs(bash_begin, stream);
	fputs("\tlocal options='", stream);
	bash_options(stream, global, n_global);
	fputs("'\n", stream);
	bash_find_command(stream);
	fputs("\tcase $command in\n", stream);
	bash_first_words(stream);
	bash_second_words(stream);
	for (size_t i = 0; i < count; i++) {
		if (commands[i].hidden)
			continue;
		fprintf(stream, "\t'%s') options+='", commands[i].words);
		bash_options(stream, commands[i].options, commands[i].n_options);
		fprintf(stream, "' offer=%s words='%s' ;;\n", bash_offer(commands[i].completion),
			commands[i].completion_words ? commands[i].completion_words : "");
	}
	fputs("\tesac\n\t[[ $current == -* ]] && offer=words words=$options\n\tcase \"$command $previous\" in\n",
	      stream);
	bash_option_values(stream, "*'", global, n_global);
	for (size_t i = 0; i < count; i++) {
		char words[64];

		snprintf(words, sizeof(words), "'%s", commands[i].words);
		if (!commands[i].hidden)
			bash_option_values(stream, words, commands[i].options, commands[i].n_options);
	}
	fputs("\tesac\n", stream);
	fputs(bash_end, stream);
}

/* ---- zsh ---- */

static const char zsh_begin[] = "#compdef epgctl\n"
				"# SPDX-License-Identifier: GPL-2.0-only\n"
				"# zsh completion for epgctl, made from its table of commands\n"
				"\n"
				"_epgctl_groups() {\n"
				"\tlocal -a groups=(${(f)\"$(epgctl completion groups 2>/dev/null)\"})\n"
				"\tcompadd -a groups\n"
				"}\n"
				"\n"
				"_epgctl() {\n"
				"\tlocal curcontext=$curcontext state line command\n"
				"\tlocal -A opt_args\n"
				"\tlocal -a list\n";

/* Text within the brackets of an option, or behind a command's colon, in single quotes. */
static void zsh_escaped(FILE *stream, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\'", stream);
		else if (strchr("[]:\\", *text))
			fputc('\\', stream);
		fputc(*text, stream);
	}
}

static void zsh_action(FILE *stream, enum completion completion, const char *words)
{
	switch (completion) {
	case COMPLETE_NOTHING:
		fputc(' ', stream);
		break;
	case COMPLETE_FILE:
		fputs("_files", stream);
		break;
	case COMPLETE_DIRECTORY:
		fputs("_directories", stream);
		break;
	case COMPLETE_INTERFACE:
		fputs("_net_interfaces", stream);
		break;
	case COMPLETE_GROUP:
		fputs("_epgctl_groups", stream);
		break;
	case COMPLETE_WORDS:
		fprintf(stream, "(%s)", words);
		break;
	}
}

static void zsh_options(FILE *stream, const char *indent, const struct command_option *options, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct command_option *option = &options[i];

		fputs(indent, stream);
		if (option->repeatable)
			fprintf(stream, "'*--%s[", option->name);
		else if (option->letter)
			fprintf(stream, "'(-%c --%s)'{-%c,--%s}'[", option->letter, option->name, option->letter,
				option->name);
		else
			fprintf(stream, "'--%s[", option->name);
		zsh_escaped(stream, option->help);
		fputc(']', stream);
		if (option->argument) {
			fputc(':', stream);
			zsh_escaped(stream, option->argument);
			fputc(':', stream);
			zsh_action(stream, option->completion, option->words);
		}
		fputs("'\n", stream);
	}
}

/* The list that _describe shows: first words, or the second words behind `first`. */
static void zsh_list(FILE *stream, const char *indent, const char *first, size_t length)
{
	size_t count;
	const struct command *commands = commands_all(&count);

	for (size_t i = 0; i < count; i++) {
		bool two;
		size_t word = first_word(commands[i].words, &two);

		if (commands[i].hidden ||
		    (first ? strncmp(commands[i].words, first, length + 1) : seen_before(commands, i)))
			continue;
		if (first)
			fprintf(stream, "%s'%s:", indent, commands[i].words + length + 1);
		else
			fprintf(stream, "%s'%.*s:", indent, (int)word, commands[i].words);
		zsh_escaped(stream, first || !two ? commands[i].summary : "see its second words");
		fputs("'\n", stream);
	}
}

static void zsh_second_words(FILE *stream)
{
	size_t count;
	const struct command *commands = commands_all(&count);

	fputs("\tif ((CURRENT == 2)); then\n\t\tcase $words[1] in\n", stream);
	for (size_t i = 0; i < count; i++) {
		bool two;
		size_t length = first_word(commands[i].words, &two);

		if (!two || seen_before(commands, i))
			continue;
		fprintf(stream, "\t\t%.*s)\n\t\t\tlist=(\n", (int)length, commands[i].words);
		zsh_list(stream, "\t\t\t\t", commands[i].words, length);
		fputs("\t\t\t)\n\t\t\t_describe command list\n\t\t\treturn\n\t\t\t;;\n", stream);
	}
	fputs("\t\tesac\n\tfi\n\tcommand=$words[1]\n\tcase $command in\n\t", stream);
	print_groups_of_commands(stream, " | ");
	fputs(")\n\t\tcommand+=\" $words[2]\"\n\t\tshift words\n\t\t((CURRENT--))\n\t\t;;\n\tesac\n", stream);
}

void completion_zsh(FILE *stream)
{
	size_t count, n_global;
	const struct command *commands = commands_all(&count);
	const struct command_option *global = commands_global_options(&n_global);

	fputs(zsh_begin, stream);
	fputs("\tlocal -a global=(\n", stream);
	zsh_options(stream, "\t\t", global, n_global);
	fputs("\t)\n\n\t_arguments -C -S $global '1: :->command' '*:: :->rest'\n"
	      "\t[[ -n $state ]] || return\n\tif [[ $state == command ]]; then\n\t\tlist=(\n",
	      stream);
	zsh_list(stream, "\t\t\t", NULL, 0);
	fputs("\t\t)\n\t\t_describe command list\n\t\treturn\n\tfi\n", stream);
	zsh_second_words(stream);
	fputs("\tcase $command in\n", stream);
	for (size_t i = 0; i < count; i++) {
		if (commands[i].hidden)
			continue;
		fprintf(stream, "\t'%s')\n\t\tlist=(\n", commands[i].words);
		zsh_options(stream, "\t\t\t", commands[i].options, commands[i].n_options);
		if (*commands[i].operands) {
			fputs("\t\t\t'*:", stream);
			zsh_escaped(stream, commands[i].operands);
			fputc(':', stream);
			zsh_action(stream, commands[i].completion, commands[i].completion_words);
			fputs("'\n", stream);
		}
		fputs("\t\t)\n\t\t_arguments -S $global $list\n\t\t;;\n", stream);
	}
	fputs("\tesac\n}\n\n_epgctl \"$@\"\n", stream);
}
