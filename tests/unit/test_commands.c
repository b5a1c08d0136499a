/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>
#include <string.h>

#include "arguments.h"
#include "commands.h"
#include "epg/epg.h"
#include "help.h"

static const struct command *each_command(size_t *ret_count)
{
	const struct command *commands = commands_all(ret_count);

	cr_assert(*ret_count);
	return commands;
}

Test(commands, names_are_unique)
{
	size_t count;
	const struct command *commands = each_command(&count);

	for (size_t i = 0; i < count; i++)
		cr_assert_eq(arguments_find_command(commands[i].words), &commands[i]);
}

/* Two options of one command line, its own and the global ones, never share a name, letter or id. */
static void check_distinct(const struct command *command, const struct command_option *one,
			   const struct command_option *other)
{
	if (one == other)
		return;
	cr_assert_str_neq(one->name, other->name, "%s", command->words);
	cr_assert(!one->letter || one->letter != other->letter, "%s: -%c", command->words, one->letter);
	cr_assert_neq(one->id, other->id, "%s: --%s", command->words, one->name);
}

Test(commands, options_are_distinct)
{
	size_t count, n_global;
	const struct command *commands = each_command(&count);
	const struct command_option *global = commands_global_options(&n_global);

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < commands[i].n_options; j++) {
			for (size_t k = 0; k < commands[i].n_options; k++)
				check_distinct(&commands[i], &commands[i].options[j], &commands[i].options[k]);
			for (size_t k = 0; k < n_global; k++)
				check_distinct(&commands[i], &commands[i].options[j], &global[k]);
		}
}

Test(commands, rows_are_complete)
{
	size_t count;
	const struct command *commands = each_command(&count);

	for (size_t i = 0; i < count; i++) {
		cr_assert_not_null(commands[i].run, "%s", commands[i].words);
		cr_assert(*commands[i].summary && commands[i].summary[strlen(commands[i].summary) - 1] != '.');
		cr_assert_eq(*commands[i].operands != 0, commands[i].max_operands > 0, "%s", commands[i].words);
		if (commands[i].hidden)
			continue;
		cr_assert(*commands[i].description, "%s", commands[i].words);
		cr_assert(commands[i].json || commands[i].text, "%s: what does --json print?", commands[i].words);
	}
}

/* Every example must be a command line that epgctl understands, as far as its own words go. */
static void check_example(const char *line)
{
	struct arguments arguments;
	struct usage_error error = {"", ""};
	char text[256], *argv[32], *rest;
	const char *start = strstr(line, "epgctl ");
	int argc = 0;

	cr_assert_not_null(start, "%s", line);
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(start, "|&>"), start);
	for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		argv[argc++] = word;
	argv[argc] = NULL;
	cr_assert_eq(arguments_parse(argc, argv, &arguments, &error), 0, "%s: %s", line, error.message);
	arguments_free(&arguments);
}

Test(commands, examples_are_understood)
{
	size_t count;
	const struct command *commands = each_command(&count);

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < commands[i].n_examples; j++)
			check_example(commands[i].examples[j].line);
}

/* What `print` writes, for the caller to free. */
static char *printed(void (*print)(FILE *stream))
{
	char *text = NULL;
	size_t length;
	FILE *stream = open_memstream(&text, &length);

	print(stream);
	fclose(stream);
	return text;
}

static void print_overview(FILE *stream)
{
	help_overview(stream, 80);
}

Test(commands, help_manual_and_completions_know_every_command_and_option)
{
	size_t count;
	const struct command *commands = each_command(&count);
	AUTO_FREE char *overview = printed(print_overview);
	AUTO_FREE char *manual = printed(manual_page);
	AUTO_FREE char *bash = printed(completion_bash);
	AUTO_FREE char *zsh = printed(completion_zsh);
	char pattern[100];

	for (size_t i = 0; i < count; i++) {
		snprintf(pattern, sizeof(pattern), "\n  %s ", commands[i].words);
		cr_assert_eq(strstr(overview, pattern) != NULL, !commands[i].hidden, "%s", commands[i].words);
		snprintf(pattern, sizeof(pattern), "\n## %s\n", commands[i].words);
		cr_assert_eq(strstr(manual, pattern) != NULL, !commands[i].hidden, "%s", commands[i].words);
		snprintf(pattern, sizeof(pattern), "\t'%s')", commands[i].words);
		cr_assert_eq(strstr(bash, pattern) != NULL, !commands[i].hidden, "%s", commands[i].words);
		cr_assert_eq(strstr(zsh, pattern) != NULL, !commands[i].hidden, "%s", commands[i].words);
		for (size_t j = 0; j < commands[i].n_options; j++) {
			snprintf(pattern, sizeof(pattern), "*--%s*", commands[i].options[j].name);
			cr_assert(strstr(manual, pattern), "%s", pattern);
			snprintf(pattern, sizeof(pattern), " --%s", commands[i].options[j].name);
			cr_assert(strstr(bash, pattern), "%s", pattern);
			snprintf(pattern, sizeof(pattern), "--%s", commands[i].options[j].name);
			cr_assert(strstr(zsh, pattern), "%s", pattern);
		}
	}
}

Test(commands, help_keeps_to_its_width)
{
	size_t count;
	const struct command *commands = each_command(&count);

	for (size_t i = 0; i < count; i++) {
		AUTO_FREE char *text = NULL;
		size_t length;
		FILE *stream = open_memstream(&text, &length);
		const char *options;

		help_command(stream, &commands[i], 80);
		fclose(stream);
		options = strstr(text, "\noptions");
		cr_assert_not_null(options);
		for (const char *line = strchr(text, '\n') + 1; line < options; line = strchr(line, '\n') + 1)
			cr_assert(strcspn(line, "\n") <= 80, "%s: %.*s", commands[i].words, (int)strcspn(line, "\n"),
				  line);
	}
}

Test(commands, a_synopsis_tells_what_must_be_given)
{
	AUTO_FREE char *text = NULL;
	size_t length;
	FILE *stream = open_memstream(&text, &length);

	help_synopsis(stream, arguments_find_command("endpoint add"));
	fclose(stream);
	cr_assert_str_eq(text, "epgctl endpoint add -g GROUP [--ip ADDR]… [--mac MAC] [--vlan N] [--netns NAME|PATH] "
			       "[--detour] IF");
}

Test(commands, lint_names_every_code)
{
	const struct command *lint = arguments_find_command("lint");
	const char *words = NULL;
	AUTO_FREE char *help = NULL;
	AUTO_FREE char *manual = printed(manual_page);
	size_t length;
	FILE *stream = open_memstream(&help, &length);
	char pattern[100];

	help_command(stream, lint, 80);
	fclose(stream);
	for (size_t i = 0; i < lint->n_options; i++)
		if (lint->options[i].id == OPTION_DENY)
			words = lint->options[i].words;
	cr_assert_not_null(words);
	for (unsigned int code = 0; code < EPG_LINT_COUNT; code++) {
		const char *name = epg_lint_code_name((enum epg_lint_code)code);

		snprintf(pattern, sizeof(pattern), "\n  %s", name);
		cr_assert(strstr(help, pattern), "help: %s", name);
		snprintf(pattern, sizeof(pattern), "\n*%s*\n", name);
		cr_assert(strstr(manual, pattern), "manual: %s", name);
		cr_assert(strstr(words, name), "completion: %s", name);
	}
}
