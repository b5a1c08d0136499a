/* SPDX-License-Identifier: GPL-2.0-only */
#include "help.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define NAME_WIDTH 24

/* Prints paragraphs, filled to `width` columns, each line behind `indent` blanks. */
static void print_paragraphs(FILE *stream, const char *text, size_t indent, size_t width)
{
	while (*text) {
		size_t used = indent;

		fprintf(stream, "%*s", (int)indent, "");
		while (*text && *text != '\n') {
			size_t word = strcspn(text, " \n");
			size_t columns = display_width(text, word);

			if (used > indent && used + 1 + columns > width) {
				fprintf(stream, "\n%*s", (int)indent, "");
				used = indent;
			} else if (used > indent) {
				fputc(' ', stream);
				used++;
			}
			fwrite(text, 1, word, stream);
			used += columns;
			text += word;
			text += *text == ' ';
		}
		fputc('\n', stream);
		for (; *text == '\n'; text++)
			if (text[1] == '\n')
				fputc('\n', stream);
	}
}

/* Prints a name, and what it is about beside it, or below it when it is long. */
static void print_entry(FILE *stream, const char *name, const char *text, size_t width)
{
	size_t columns = display_width(name, strlen(name));
	AUTO_FREE char *filled = NULL;
	size_t length;
	FILE *memory = open_memstream(&filled, &length);

	if (!memory)
		return;
	print_paragraphs(memory, text, NAME_WIDTH + 2, width);
	if (fclose(memory))
		return;
	if (columns < NAME_WIDTH)
		fprintf(stream, "  %s%s", name, filled + 2 + columns);
	else
		fprintf(stream, "  %s\n%s", name, filled);
}

void help_option_names(FILE *stream, const struct command_option *option)
{
	if (option->letter)
		fprintf(stream, "-%c, ", option->letter);
	fprintf(stream, "--%s", option->name);
	if (option->argument)
		fprintf(stream, " %s", option->argument);
}

static void print_options(FILE *stream, const struct command_option *options, size_t count, size_t width)
{
	for (size_t i = 0; i < count; i++) {
		AUTO_FREE char *names = NULL;
		size_t length;
		FILE *memory = open_memstream(&names, &length);

		if (!memory)
			return;
		help_option_names(memory, &options[i]);
		if (!fclose(memory))
			print_entry(stream, names, options[i].help, width);
	}
}

static void print_option_synopsis(FILE *stream, const struct command_option *option)
{
	fputs(option->required ? " " : " [", stream);
	if (option->letter)
		fprintf(stream, "-%c", option->letter);
	else
		fprintf(stream, "--%s", option->name);
	if (option->argument)
		fprintf(stream, " %s", option->argument);
	fprintf(stream, "%s%s", option->required ? "" : "]", option->repeatable ? "…" : "");
}

void help_synopsis(FILE *stream, const struct command *command)
{
	fprintf(stream, "epgctl %s", command->words);
	for (size_t i = 0; i < command->n_options; i++)
		print_option_synopsis(stream, &command->options[i]);
	if (*command->operands)
		fprintf(stream, " %s", command->operands);
}

void help_command(FILE *stream, const struct command *command, size_t width)
{
	const struct command_option *global;
	size_t n_global;

	global = commands_global_options(&n_global);
	fputs("usage: ", stream);
	help_synopsis(stream, command);
	fprintf(stream, "\n\n%s\n", command->summary);
	if (*command->description) {
		fputc('\n', stream);
		print_paragraphs(stream, command->description, 0, width);
	}
	if (command->n_options) {
		fputs("\noptions\n", stream);
		print_options(stream, command->options, command->n_options, width);
	}
	fputs("\noptions of every command\n", stream);
	print_options(stream, global, n_global, width);
	if (command->n_terms)
		fprintf(stream, "\n%s\n", command->terms_heading);
	for (size_t i = 0; i < command->n_terms; i++)
		print_entry(stream, command->terms[i].name, command->terms[i].text, width);
	for (size_t i = 0; i < command->n_examples; i++)
		fprintf(stream, "%s  %s\n      %s\n", i ? "" : "\nexamples\n", command->examples[i].line,
			command->examples[i].what);
	if (command->json)
		fprintf(stream, "\nwith --json\n  %s\n", command->json);
}

void help_overview(FILE *stream, size_t width)
{
	size_t count, n_global;
	const struct command *commands = commands_all(&count);
	const struct command_option *global = commands_global_options(&n_global);
	const char *section = "";

	fputs("usage: epgctl [OPTION]… COMMAND [ARGUMENT]…\n\n"
	      "Group policy for Linux containers: who may talk to whom is written in contracts between groups\n"
	      "of endpoints, and enforced by BPF.\n",
	      stream);
	for (size_t i = 0; i < count; i++) {
		if (commands[i].hidden)
			continue;
		if (strcmp(section, commands[i].section))
			fprintf(stream, "\n%s\n", commands[i].section);
		section = commands[i].section;
		print_entry(stream, commands[i].words, commands[i].summary, width);
	}
	fputs("\noptions of every command\n", stream);
	print_options(stream, global, n_global, width);
	fputs("\nexit status\n"
	      "  0 ok; 1 the answer is no; 2 usage; 3 bad policy or input; 4 not found; 5 permission;\n"
	      "  6 not loaded or not supported here; 7 the kernel refused\n"
	      "\nepgctl COMMAND --help tells more. The manual: epgctl(8).\n",
	      stream);
}
