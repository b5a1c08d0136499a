/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arguments.h"

#define MAX_WORDS 16

/* A command line, split at blanks, and what became of it. */
struct parsed {
	struct arguments arguments;
	struct usage_error error;
	char text[256];
	char *argv[MAX_WORDS + 1];
	int argc;
	int result;
};

static struct parsed *parse(struct parsed *parsed, const char *line)
{
	char *rest;

	memset(parsed, 0, sizeof(*parsed));
	snprintf(parsed->text, sizeof(parsed->text), "epgctl %s", line);
	for (char *word = strtok_r(parsed->text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		parsed->argv[parsed->argc++] = word;
	parsed->result = arguments_parse(parsed->argc, parsed->argv, &parsed->arguments, &parsed->error);
	return parsed;
}

static void check_refused(const char *line, const char *message, const char *hint)
{
	struct parsed parsed;

	parse(&parsed, line);
	cr_assert_eq(parsed.result, -EINVAL, "'%s' was accepted", line);
	cr_assert_str_eq(parsed.error.message, message);
	cr_assert_str_eq(parsed.error.hint, hint);
	arguments_free(&parsed.arguments);
}

Test(arguments, a_command_with_options_and_operands)
{
	struct parsed parsed;
	const struct arguments *arguments =
		&parse(&parsed, "endpoint add veth7 -g shop/store/front --mac=02:00:00:00:00:01")->arguments;

	cr_assert_eq(parsed.result, 0);
	cr_assert_str_eq(arguments->command->words, "endpoint add");
	cr_assert_str_eq(arguments_value(arguments, OPTION_GROUP), "shop/store/front");
	cr_assert_str_eq(arguments_value(arguments, OPTION_MAC), "02:00:00:00:00:01");
	cr_assert_not(arguments_has(arguments, OPTION_IP));
	cr_assert_eq(arguments->n_operands, 1);
	cr_assert_str_eq(arguments->operands[0], "veth7");
	arguments_free(&parsed.arguments);
}

Test(arguments, global_options_stand_anywhere)
{
	static const char *const lines[] = {
		"-j --pin /sys/fs/bpf/x endpoint ls",
		"endpoint ls --json --pin=/sys/fs/bpf/x",
		"--pin /sys/fs/bpf/x endpoint ls -j",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct parsed parsed;

		parse(&parsed, lines[i]);
		cr_assert_eq(parsed.result, 0);
		cr_assert(arguments_has(&parsed.arguments, OPTION_JSON));
		cr_assert_str_eq(arguments_value(&parsed.arguments, OPTION_PIN), "/sys/fs/bpf/x");
		cr_assert_str_eq(parsed.arguments.command->words, "endpoint ls");
		arguments_free(&parsed.arguments);
	}
}

Test(arguments, options_and_operands_mix)
{
	struct parsed parsed;
	const struct arguments *arguments = &parse(&parsed, "attach one --xdp two -- -j")->arguments;

	cr_assert_eq(parsed.result, 0);
	cr_assert(arguments_has(arguments, OPTION_XDP));
	cr_assert_not(arguments_has(arguments, OPTION_JSON), "an interface may be called that");
	cr_assert_eq(arguments->n_operands, 3);
	cr_assert_str_eq(arguments->operands[2], "-j");
	arguments_free(&parsed.arguments);
}

Test(arguments, repeatable_options_are_all_kept_in_order)
{
	struct parsed parsed;
	const struct arguments *arguments =
		&parse(&parsed, "endpoint add v -g a/b/c --ip 10.0.0.1 --ip ::1")->arguments;
	const char *expected[] = {"10.0.0.1", "::1"};
	size_t count = 0;

	cr_assert_eq(parsed.result, 0);
	for (size_t i = 0; i < arguments->n_given; i++)
		if (arguments->given[i].id == OPTION_IP)
			cr_assert_str_eq(arguments->given[i].value, expected[count++]);
	cr_assert_eq(count, 2);
	arguments_free(&parsed.arguments);
}

Test(arguments, what_would_be_ignored_is_refused)
{
	check_refused("apply -f one -f two", "--file was given twice", "");
	check_refused("rollback 3", "rollback does not know what to do with '3'", "");
	check_refused("endpoint rm one two", "endpoint rm does not know what to do with 'two'", "");
	check_refused("status --json=yes", "--json takes no argument", "");
	check_refused("validate --xdp -f x", "unknown option '--xdp'", "--help lists the options");
}

Test(arguments, what_is_missing_is_told_with_the_usage)
{
	check_refused("apply", "apply needs --file FILE", "usage: epgctl apply -f FILE [-n]");
	check_refused("endpoint rm", "endpoint rm needs IF",
		      "usage: epgctl endpoint rm [--vlan N] [--netns NAME|PATH] IF");
	check_refused("apply -f", "--file needs an argument", "");
	check_refused("", "a command is missing", "epgctl help lists the commands");
	check_refused("-j", "a command is missing", "epgctl help lists the commands");
}

Test(arguments, slips_get_a_suggestion)
{
	check_refused("aply -f x", "unknown command 'aply'", "did you mean 'apply'?");
	check_refused("endpoint sl", "unknown command 'endpoint sl'", "did you mean 'endpoint ls'?");
	check_refused("endpont ls", "unknown command 'endpont'", "did you mean 'endpoint ls'?");
	check_refused("endpoint", "'endpoint' needs a second word", "one of: add, rm, ls");
	check_refused("frobnicate", "unknown command 'frobnicate'", "epgctl help lists the commands");
	check_refused("apply --dryrun -f x", "unknown option '--dryrun'", "did you mean '--dry-run'?");
	check_refused("apply --colour=never -f x", "unknown option '--colour'", "did you mean '--color'?");
	check_refused("apply -x", "unknown option '-x'", "--help lists the options");
	check_refused("validate shop.yaml", "validate does not know what to do with 'shop.yaml'",
		      "did you mean '-f shop.yaml'?");
}

Test(arguments, hidden_commands_are_not_suggested)
{
	check_refused("manal", "unknown command 'manal'", "epgctl help lists the commands");
}

Test(arguments, help_insists_on_nothing)
{
	static const char *const lines[] = {"apply --help", "--help apply", "endpoint add -h", "--help", "--version"};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct parsed parsed;

		cr_assert_eq(parse(&parsed, lines[i])->result, 0, "%s: %s", lines[i], parsed.error.message);
		arguments_free(&parsed.arguments);
	}
}

Test(arguments, overlong_words_are_only_unknown)
{
	char line[200];
	struct parsed parsed;

	memset(line, 'a', sizeof(line) - 1);
	line[sizeof(line) - 1] = 0;
	cr_assert_eq(parse(&parsed, line)->result, -EINVAL);
	arguments_free(&parsed.arguments);
	memcpy(line, "status --", 9);
	cr_assert_eq(parse(&parsed, line)->result, -EINVAL);
	arguments_free(&parsed.arguments);
}

Test(arguments, numbers_are_whole_and_in_bounds)
{
	uint64_t number = 7;

	cr_assert_eq(arguments_parse_number("65535", 1, 65535, &number), 0);
	cr_assert_eq(number, 65535);
	cr_assert_eq(arguments_parse_number("0x10000000", 1, UINT32_MAX, &number), 0);
	cr_assert_eq(number, 0x10000000);
	cr_assert_eq(arguments_parse_number("0", 0, 1, &number), 0);
	cr_assert_eq(number, 0);
	number = 7;
	cr_assert_eq(arguments_parse_number("65536", 1, 65535, &number), -ERANGE);
	cr_assert_eq(arguments_parse_number("0", 1, 65535, &number), -ERANGE);
	cr_assert_eq(arguments_parse_number("99999999999999999999", 0, UINT64_MAX, &number), -ERANGE);
	cr_assert_eq(arguments_parse_number("", 0, 9, &number), -EINVAL);
	cr_assert_eq(arguments_parse_number("0x", 0, 9, &number), -EINVAL);
	cr_assert_eq(arguments_parse_number("-1", 0, 9, &number), -EINVAL);
	cr_assert_eq(arguments_parse_number("+1", 0, 9, &number), -EINVAL);
	cr_assert_eq(arguments_parse_number(" 1", 0, 9, &number), -EINVAL);
	cr_assert_eq(arguments_parse_number("1k", 0, 9, &number), -EINVAL);
	cr_assert_eq(arguments_parse_number("0x1g", 0, 99, &number), -EINVAL);
	cr_assert_eq(number, 7, "set only on success");
}
