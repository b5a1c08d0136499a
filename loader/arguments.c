/* SPDX-License-Identifier: GPL-2.0-only */
#include "arguments.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "help.h"
#include "suggest.h"

/* Options of a command and the global ones together; and what getopt returns for the first of them. */
#define MAX_OPTIONS 32
#define FIRST_VALUE 256

/* The options that are valid in one place, in our form and in getopt's. */
struct option_set {
	const struct command_option *rows[MAX_OPTIONS];
	struct option options[MAX_OPTIONS + 1];
	char letters[3 * MAX_OPTIONS + 3];
	int count;
};

int usage_fail(struct usage_error *reterr, const char *hint, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reterr->message, sizeof(reterr->message), format, arguments);
	va_end(arguments);
	snprintf(reterr->hint, sizeof(reterr->hint), "%s", hint ? hint : "");
	return -EINVAL;
}

static int fail_with_suggestion(struct usage_error *reterr, const char *closest, const char *otherwise,
				const char *message)
{
	char hint[sizeof(reterr->hint)];

	snprintf(hint, sizeof(hint), "did you mean '%s'?", closest ? closest : "");
	return usage_fail(reterr, closest ? hint : otherwise, "%s", message);
}

/* ---- options ---- */

static void add_rows(struct option_set *set, const struct command_option *rows, size_t count)
{
	char *letters = set->letters + strlen(set->letters);

	for (size_t i = 0; i < count; i++) {
		assert(set->count < MAX_OPTIONS);
		set->rows[set->count] = &rows[i];
		set->options[set->count] = (struct option){
			.name = rows[i].name,
			.has_arg = rows[i].argument ? required_argument : no_argument,
			.val = FIRST_VALUE + set->count,
		};
		set->count++;
		if (!rows[i].letter)
			continue;
		*letters++ = rows[i].letter;
		if (rows[i].argument)
			*letters++ = ':';
		*letters = 0;
	}
}

/* `mode` begins getopt's string of letters: "+:" stops at the first operand, ":" does not. */
static void make_option_set(struct option_set *set, const char *mode, const struct command *command)
{
	const struct command_option *global;
	size_t count;

	memset(set, 0, sizeof(*set));
	snprintf(set->letters, sizeof(set->letters), "%s", mode);
	global = commands_global_options(&count);
	add_rows(set, global, count);
	if (command)
		add_rows(set, command->options, command->n_options);
}

/* The row that getopt's return value or optopt stands for; NULL. */
static const struct command_option *find_row(const struct option_set *set, int value)
{
	for (int i = 0; i < set->count; i++)
		if (value == FIRST_VALUE + i || (value && value == set->rows[i]->letter))
			return set->rows[i];
	return NULL;
}

static int fail_unknown_option(const struct option_set *set, const char *word, struct usage_error *reterr)
{
	const struct command_option *row = find_row(set, optopt);
	struct suggestion suggestion;
	char name[64], message[sizeof(reterr->message)], closest[80];

	if (row)
		return usage_fail(reterr, NULL, "--%s takes no argument", row->name);
	if (optopt) {
		snprintf(message, sizeof(message), "unknown option '-%c'", optopt);
		return fail_with_suggestion(reterr, NULL, "--help lists the options", message);
	}
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	suggestion = suggest_begin(name);
	for (int i = 0; i < set->count; i++)
		suggest_candidate(&suggestion, set->rows[i]->name);
	snprintf(message, sizeof(message), "unknown option '--%s'", name);
	snprintf(closest, sizeof(closest), "--%s", suggestion.closest ? suggestion.closest : "");
	return fail_with_suggestion(reterr, suggestion.closest ? closest : NULL, "--help lists the options", message);
}

static int add_given(struct arguments *arguments, const struct command_option *row, struct usage_error *reterr)
{
	struct argument *given;
	size_t n_global;
	const struct command_option *global = commands_global_options(&n_global);
	bool is_global = row >= global && row < global + n_global;

	/* Of two policies or sources one would be ignored silently. */
	if (row->argument && !row->repeatable && !is_global && arguments_has(arguments, row->id))
		return usage_fail(reterr, NULL, "--%s was given twice", row->name);
	given = reallocarray(arguments->given, arguments->n_given + 1, sizeof(*given));
	if (!given)
		return -ENOMEM;
	arguments->given = given;
	given[arguments->n_given++] = (struct argument){row->id, row->argument ? optarg : ""};
	return 0;
}

/* Reads options until getopt stops; then optind is the first operand. */
static int parse_options(int argc, char **argv, const struct option_set *set, struct arguments *arguments,
			 struct usage_error *reterr)
{
	int value, error = 0;

	optind = 0; /* begin anew, also inside of getopt */
	opterr = 0;
	while (!error) {
		optopt = 0;
		value = getopt_long(argc, argv, set->letters, set->options, NULL);
		if (value == -1)
			return 0;
		if (value == '?')
			return fail_unknown_option(set, argv[optind - 1], reterr);
		if (value == ':')
			return usage_fail(reterr, NULL, "--%s needs an argument", find_row(set, optopt)->name);
		error = add_given(arguments, find_row(set, value), reterr);
	}
	return error;
}

/* ---- commands ---- */

const struct command *arguments_find_command(const char *words)
{
	size_t count;
	const struct command *commands = commands_all(&count);

	for (size_t i = 0; i < count; i++)
		if (!strcmp(commands[i].words, words))
			return &commands[i];
	return NULL;
}

/* Whether commands of two words begin with `word`; writes them as "add, rm, ls". */
static bool list_second_words(const char *word, char *list, size_t size)
{
	size_t count, length = strlen(word), used = 0;
	const struct command *commands = commands_all(&count);

	for (size_t i = 0; i < count; i++) {
		if (strncmp(commands[i].words, word, length) || commands[i].words[length] != ' ' || used >= size)
			continue;
		used += (size_t)snprintf(list + used, size - used, "%s%s", used ? ", " : "",
					 commands[i].words + length + 1);
	}
	return used;
}

static int fail_unknown_command(const char *first, const char *second, struct usage_error *reterr)
{
	size_t count;
	const struct command *commands = commands_all(&count);
	char both[2 * SUGGEST_WORD_MAX], message[sizeof(reterr->message)], list[128], hint[sizeof(reterr->hint)];
	bool group = list_second_words(first, list, sizeof(list));
	struct suggestion one = suggest_begin(first), two = suggest_begin(both);

	snprintf(both, sizeof(both), "%s %s", first, second ? second : "");
	for (size_t i = 0; i < count; i++)
		if (!commands[i].hidden)
			suggest_candidate(strchr(commands[i].words, ' ') ? &two : &one, commands[i].words);
	if (group && !second) {
		snprintf(hint, sizeof(hint), "one of: %s", list);
		return usage_fail(reterr, hint, "'%s' needs a second word", first);
	}
	snprintf(message, sizeof(message), "unknown command '%s%s%s'", first, group ? " " : "", group ? second : "");
	return fail_with_suggestion(reterr, two.closest && second ? two.closest : one.closest,
				    "epgctl help lists the commands", message);
}

/* Finds the command that argv begins with; *ret_words is how many words it has. */
static int find_command(int argc, char **argv, const struct command **ret, int *ret_words, struct usage_error *reterr)
{
	const char *second = argc > 1 && argv[1][0] != '-' ? argv[1] : NULL;
	AUTO_FREE char *both = NULL;

	if (second && asprintf(&both, "%s %s", argv[0], second) < 0) {
		both = NULL;
		return -ENOMEM;
	}
	*ret = both ? arguments_find_command(both) : NULL;
	*ret_words = *ret ? 2 : 1;
	if (!*ret && !strchr(argv[0], ' '))
		*ret = arguments_find_command(argv[0]);
	return *ret ? 0 : fail_unknown_command(argv[0], second, reterr);
}

/* ---- the whole ---- */

static bool asks_for_help(const struct arguments *arguments)
{
	return arguments_has(arguments, OPTION_HELP) || arguments_has(arguments, OPTION_VERSION);
}

/* Something is missing: how the command is used tells where it belongs. */
static int fail_missing(const struct command *command, const char *what, struct usage_error *reterr)
{
	AUTO_FREE char *synopsis = NULL;
	char hint[sizeof(reterr->hint)];
	size_t length;
	FILE *stream = open_memstream(&synopsis, &length);

	if (!stream)
		return -ENOMEM;
	help_synopsis(stream, command);
	if (fclose(stream))
		return -ENOMEM;
	snprintf(hint, sizeof(hint), "usage: %s", synopsis);
	return usage_fail(reterr, hint, "%s needs %s", command->words, what);
}

static int check_operands(const struct arguments *arguments, struct usage_error *reterr)
{
	const struct command *command = arguments->command;
	unsigned int count = (unsigned int)arguments->n_operands;
	char hint[sizeof(reterr->hint)] = "";

	if (count >= command->min_operands && count <= command->max_operands)
		return 0;
	if (count < command->min_operands)
		return fail_missing(command, command->operands, reterr);
	if (command->n_options && command->options[0].id == OPTION_FILE && !arguments_has(arguments, OPTION_FILE))
		snprintf(hint, sizeof(hint), "did you mean '-f %s'?", arguments->operands[0]);
	return usage_fail(reterr, hint, "%s does not know what to do with '%s'", command->words,
			  arguments->operands[command->max_operands]);
}

static int check_required(const struct arguments *arguments, struct usage_error *reterr)
{
	const struct command *command = arguments->command;
	char what[80];

	for (size_t i = 0; i < command->n_options; i++) {
		const struct command_option *row = &command->options[i];

		if (!row->required || arguments_has(arguments, row->id))
			continue;
		snprintf(what, sizeof(what), "--%s %s", row->name, row->argument);
		return fail_missing(command, what, reterr);
	}
	return 0;
}

int arguments_parse(int argc, char **argv, struct arguments *ret, struct usage_error *reterr)
{
	struct option_set set;
	int error, first, words = 0;

	memset(ret, 0, sizeof(*ret));
	make_option_set(&set, "+:", NULL);
	error = parse_options(argc, argv, &set, ret, reterr);
	first = optind;
	if (error || first >= argc) {
		if (!error && !asks_for_help(ret))
			error = usage_fail(reterr, "epgctl help lists the commands", "a command is missing");
		return error;
	}
	error = find_command(argc - first, argv + first, &ret->command, &words, reterr);
	if (error)
		return error;
	/* getopt takes the command's last word for the program's name. */
	first += words - 1;
	make_option_set(&set, ":", ret->command);
	error = parse_options(argc - first, argv + first, &set, ret, reterr);
	if (error)
		return error;
	ret->operands = argv + first + optind;
	ret->n_operands = argc - first - optind;
	if (asks_for_help(ret))
		return 0;
	error = check_operands(ret, reterr);
	return error ? error : check_required(ret, reterr);
}

void arguments_free(struct arguments *arguments)
{
	free(arguments->given);
	arguments->given = NULL;
	arguments->n_given = 0;
}

bool arguments_has(const struct arguments *arguments, enum option_id id)
{
	return arguments_value(arguments, id);
}

const char *arguments_value(const struct arguments *arguments, enum option_id id)
{
	for (size_t i = arguments->n_given; i-- > 0;)
		if (arguments->given[i].id == id)
			return arguments->given[i].value;
	return NULL;
}

int arguments_parse_number(const char *text, uint64_t least, uint64_t most, uint64_t *ret)
{
	bool hexadecimal = !strncmp(text, "0x", 2) || !strncmp(text, "0X", 2);
	const char *digits = hexadecimal ? text + 2 : text;
	unsigned long long number;
	char *end;

	if (!*digits || strspn(digits, hexadecimal ? "0123456789abcdefABCDEF" : "0123456789") != strlen(digits))
		return -EINVAL;
	errno = 0;
	number = strtoull(digits, &end, hexadecimal ? 16 : 10);
	if (errno || number < least || number > most)
		return -ERANGE;
	*ret = number;
	return 0;
}
