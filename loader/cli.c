/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "help.h"
#include "report.h"

/* Errors and warnings of the library; what it says beyond them is for those who debug it. */
static void log_message(void *user, enum epg_log_level level, const char *message)
{
	const struct cli *cli = user;

	if (level > EPG_LOG_WARNING || cli->quiet)
		return;
	display_coloured(stderr, cli->coloured_errors, level == EPG_LOG_ERROR ? DISPLAY_RED : DISPLAY_YELLOW,
			 level == EPG_LOG_ERROR ? "error" : "warning");
	fputs(": ", stderr);
	display_text(stderr, message, strlen(message));
	fputc('\n', stderr);
}

/* Whether JSON is asked for on a command line that could not be understood. */
static bool mentions_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "-j") || !strcmp(argv[i], "--json"))
			return true;
	return false;
}

/* Reads --color; returns 0 or -EINVAL. */
static int read_colouring(const struct arguments *arguments, enum display_colouring *ret)
{
	const char *value = arguments_value(arguments, OPTION_COLOR);

	*ret = DISPLAY_AUTO;
	if (!value || !strcmp(value, "auto"))
		return 0;
	if (strcmp(value, "always") && strcmp(value, "never"))
		return -EINVAL;
	*ret = !strcmp(value, "always") ? DISPLAY_ALWAYS : DISPLAY_NEVER;
	return 0;
}

static int set_up_output(struct cli *cli, bool json, enum display_colouring colouring)
{
	const struct writer_options options = {
		.stream = stdout,
		.json = json,
		.quiet = cli->quiet,
		.no_headers = arguments_has(&cli->arguments, OPTION_NO_HEADERS),
		.coloured = display_wants_colour(colouring, STDOUT_FILENO),
		.width = display_terminal_width(STDOUT_FILENO),
	};

	cli->coloured_errors = display_wants_colour(colouring, STDERR_FILENO);
	return writer_new(&options, &cli->writer);
}

static int open_context(struct cli *cli)
{
	const char *pin = arguments_value(&cli->arguments, OPTION_PIN);
	const struct epg_options options = {
		.size = sizeof(options),
		.pin = pin,
		.log = log_message,
		.log_user = cli,
	};
	int error = epg_open(&options, &cli->epg);

	if (error == -EINVAL)
		return report_error(cli, CLI_INPUT, pin, "an absolute path, such as " EPG_DEFAULT_PIN,
				    "not a directory to pin to");
	if (error)
		return report_error(cli, CLI_KERNEL, NULL, NULL, "%s", strerror(-error));
	return CLI_OK;
}

static int run_command(struct cli *cli)
{
	const struct command *command = cli->arguments.command;
	int status;

	if (arguments_has(&cli->arguments, OPTION_HELP)) {
		if (command)
			help_command(stdout, command, display_terminal_width(STDOUT_FILENO));
		else
			help_overview(stdout, display_terminal_width(STDOUT_FILENO));
		return CLI_OK;
	}
	if (arguments_has(&cli->arguments, OPTION_VERSION))
		return cmd_version(cli);
	status = open_context(cli);
	return status ? status : command->run(cli);
}

/* Writes what the command had to say. A failure of it is told, unless there is one to tell already. */
static int finish(struct cli *cli, int status)
{
	int error;

	errno = 0;
	error = writer_finish(cli->writer);
	if (!error && (fflush(stdout) || ferror(stdout)))
		error = errno ? -errno : -EIO;
	if (!error)
		return status;
	fprintf(stderr, "epgctl: can't write the answer: %s\n", strerror(-error));
	return status > CLI_NO ? status : CLI_KERNEL;
}

/* Text whatever the options say: help, or a command that prints nothing else. */
static bool is_text(const struct arguments *arguments)
{
	return arguments_has(arguments, OPTION_HELP) || (arguments->command && arguments->command->text);
}

static int run(struct cli *cli, int argc, char **argv)
{
	enum display_colouring colouring = DISPLAY_AUTO;
	struct usage_error usage = {"out of memory", ""};
	int error = arguments_parse(argc, argv, &cli->arguments, &usage);
	bool json = error ? mentions_json(argc, argv) : arguments_has(&cli->arguments, OPTION_JSON);
	bool text = !error && is_text(&cli->arguments);

	if (!error) {
		error = read_colouring(&cli->arguments, &colouring);
		if (error)
			usage_fail(&usage, "auto, always or never", "--color does not know '%s'",
				   arguments_value(&cli->arguments, OPTION_COLOR));
	}
	cli->quiet = !error && !text && arguments_has(&cli->arguments, OPTION_QUIET);
	if (set_up_output(cli, json && !text, colouring)) {
		fputs("epgctl: out of memory\n", stderr);
		return CLI_KERNEL;
	}
	if (error)
		return finish(cli, report_error(cli, CLI_USAGE, NULL, usage.hint, "%s", usage.message));
	return finish(cli, run_command(cli));
}

int cli_run(int argc, char **argv)
{
	struct cli cli = {0};
	int status = run(&cli, argc, argv);

	epg_close(cli.epg);
	writer_free(cli.writer);
	arguments_free(&cli.arguments);
	return status;
}
