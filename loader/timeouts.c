/* SPDX-License-Identifier: GPL-2.0-only */
#include "timeouts.h"

#include <stddef.h>
#include <string.h>

#define ELEMENT(member, index) (offsetof(struct epg_load_options, member) + (index) * sizeof(uint32_t))

static const struct {
	const char *name;
	size_t offset; /* in the options */
} timeouts[] = {
	{"tcp-new", ELEMENT(connection_timeout, EPG_FLOW_NEW)},
	{"tcp-established", ELEMENT(connection_timeout, EPG_FLOW_ESTABLISHED)},
	{"tcp-closing", ELEMENT(connection_timeout, EPG_FLOW_CLOSING)},
	{"new", ELEMENT(timeout, EPG_FLOW_NEW)},
	{"established", ELEMENT(timeout, EPG_FLOW_ESTABLISHED)},
	{"closing", ELEMENT(timeout, EPG_FLOW_CLOSING)},
	{"fragment", offsetof(struct epg_load_options, fragment_timeout)},
};

/* "30", "30s", "5m", "8h". Returns 0 where it is none. */
static uint32_t parse_seconds(const char *text)
{
	static const struct {
		char letter;
		uint32_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}};
	size_t length = strlen(text);
	uint64_t number, unit = 1;
	char digits[16];

	for (size_t i = 0; length && i < ARRAY_SIZE(units); i++) {
		if (text[length - 1] != units[i].letter)
			continue;
		unit = units[i].seconds;
		length--;
		break;
	}
	if (length >= sizeof(digits))
		return 0;
	memcpy(digits, text, length);
	digits[length] = '\0';
	if (arguments_parse_number(digits, 1, UINT32_MAX / unit, &number))
		return 0;
	return (uint32_t)(number * unit);
}

static int read_one(const char *text, struct epg_load_options *options, struct usage_error *reterr)
{
	static const char hint[] = "tcp-new, tcp-established, tcp-closing, new, established, closing or fragment; "
				   "such as tcp-established=8h";
	size_t length = strcspn(text, "=");

	for (size_t i = 0; i < ARRAY_SIZE(timeouts); i++) {
		uint32_t seconds;

		if (strlen(timeouts[i].name) != length || strncmp(timeouts[i].name, text, length) != 0)
			continue;
		seconds = text[length] ? parse_seconds(text + length + 1) : 0;
		if (!seconds)
			return usage_fail(reterr, "seconds, or a number with s, m or h behind it",
					  "--timeout %s needs a time, as in %s=30s", timeouts[i].name,
					  timeouts[i].name);
		memcpy((char *)options + timeouts[i].offset, &seconds, sizeof(seconds));
		return 0;
	}
	return usage_fail(reterr, hint, "no timeout is called '%.*s'", (int)length, text);
}

int timeouts_read(const struct arguments *arguments, struct epg_load_options *options, struct usage_error *reterr)
{
	int error = 0;

	for (size_t i = 0; !error && i < arguments->n_given; i++)
		if (arguments->given[i].id == OPTION_TIMEOUT)
			error = read_one(arguments->given[i].value, options, reterr);
	return error;
}
