/* SPDX-License-Identifier: GPL-2.0-only */
/* epgctl.8 in the language of scdoc(5). */
#include <string.h>

#include "cli.h"
#include "help.h"

/* Prints text that is to appear as it stands. At its beginning some more characters have a meaning. */
static void print_escaped(FILE *stream, const char *text)
{
	if (strchr("[|]#-.", *text))
		fputc('\\', stream);
	for (; *text; text++) {
		if (strchr("\\_*", *text) || (*text == '~' && text[1]))
			fputc('\\', stream);
		fputc(*text, stream);
	}
}

static void print_option(FILE *stream, const struct command_option *option)
{
	if (option->letter)
		fprintf(stream, "*-%c*, ", option->letter);
	fprintf(stream, "*--%s*", option->name);
	if (option->argument)
		fprintf(stream, " _%s_", option->argument);
	fputs("\n\t", stream);
	print_escaped(stream, option->help);
	fputs("\n\n", stream);
}

static void print_command(FILE *stream, const struct command *command)
{
	AUTO_FREE char *synopsis = NULL;
	size_t length;
	FILE *memory = open_memstream(&synopsis, &length);

	if (!memory)
		return;
	help_synopsis(memory, command);
	if (fclose(memory))
		return;
	fputs("## ", stream);
	print_escaped(stream, command->words);
	fputs("\n\n*", stream);
	print_escaped(stream, synopsis);
	fputs("*\n\n", stream);
	print_escaped(stream, command->description);
	fputs("\n\n", stream);
	for (size_t i = 0; i < command->n_options; i++)
		print_option(stream, &command->options[i]);
	if (command->n_terms)
		fprintf(stream, "*%s*:\n\n", command->terms_heading);
	for (size_t i = 0; i < command->n_terms; i++) {
		fprintf(stream, "*%s*\n\t", command->terms[i].name);
		print_escaped(stream, command->terms[i].text);
		fputs("\n\n", stream);
	}
	for (size_t i = 0; i < command->n_examples; i++) {
		print_escaped(stream, command->examples[i].what);
		fprintf(stream, ":\n\n```\n%s\n```\n\n", command->examples[i].line);
	}
	if (command->json)
		fprintf(stream, "With *--json*:\n\n```\n%s\n```\n\n", command->json);
}

static void print_commands(FILE *stream)
{
	size_t count;
	const struct command *commands = commands_all(&count);
	const char *section = "";

	for (size_t i = 0; i < count; i++) {
		if (commands[i].hidden)
			continue;
		if (strcmp(section, commands[i].section)) {
			fputs("# ", stream);
			for (const char *letter = commands[i].section; *letter; letter++)
				fputc(*letter >= 'a' && *letter <= 'z' ? *letter - 'a' + 'A' : *letter, stream);
			fputs("\n\n", stream);
		}
		section = commands[i].section;
		print_command(stream, &commands[i]);
	}
}

static const char manual_begin[] =
	"epgctl(8)\n\n"
	"# NAME\n\n"
	"epgctl - group policy for Linux containers\n\n"
	"# SYNOPSIS\n\n"
	"*epgctl* [_OPTION_]… _COMMAND_ [_ARGUMENT_]…\n\n"
	"# DESCRIPTION\n\n"
	"A host runs containers. Each container's interface is an _endpoint_ and belongs to one endpoint _group_.\n"
	"Groups talk only where a _contract_ says so: one group provides it, another one consumes it. Everything\n"
	"else is dropped, by BPF programs at the interface, whether or not any process of epg is running.\n\n"
	"*epgctl* makes a policy file the running policy, binds interfaces to groups, and tells what is permitted,\n"
	"what was dropped, and why. Options may stand before the command or after it.\n\n"
	"# OPTIONS\n\n";

static const char manual_end[] =
	"# EXIT STATUS\n\n"
	"*0*\n\tDone; the answer is yes.\n\n"
	"*1*\n\tThe answer is no: *explain* denies, *diff* differs, *lint* finds what is denied.\n\n"
	"*2*\n\tThe command line makes no sense.\n\n"
	"*3*\n\tA bad policy or argument.\n\n"
	"*4*\n\tNo such interface, group, endpoint or policy.\n\n"
	"*5*\n\tNot permitted.\n\n"
	"*6*\n\tNot loaded, or this kernel lacks what is needed.\n\n"
	"*7*\n\tThe kernel refused, or the output could not be written.\n\n"
	"# JSON\n\n"
	"With *--json* each command prints one document, an object, on standard output; *monitor* prints one object a\n"
	"line. A failure is a document too, and the exit status is its code:\n\n"
	"```\n"
	"{\"error\": {\"code\": 4, \"message\": \"…\", \"where\": \"…\", \"hint\": \"…\"}}\n"
	"```\n\n"
	"Errors of a policy stand in its array \"diagnostics\", each with \"severity\", \"file\", \"line\", "
	"\"column\",\n"
	"\"message\", \"hint\" and \"excerpt\". Counters and sizes are exact numbers, sizes in bytes. Names are only\n"
	"ever added.\n\n"
	"# ENVIRONMENT\n\n"
	"*NO_COLOR*\n\tSet and not empty: no colours, unless *--color always* asks for them.\n\n"
	"*TERM*\n\t\"dumb\": no colours either.\n\n"
	"# FILES\n\n"
	"_/sys/fs/bpf/epg/_\n\tMaps, programs and links of the default instance.\n\n"
	"# SEE ALSO\n\n"
	"*bpftool*(8), *tc*(8), *ip-link*(8)\n";

void manual_page(FILE *stream)
{
	const struct command_option *global;
	size_t n_global;

	global = commands_global_options(&n_global);
	fputs(manual_begin, stream);
	for (size_t i = 0; i < n_global; i++)
		print_option(stream, &global[i]);
	print_commands(stream);
	fputs(manual_end, stream);
}
