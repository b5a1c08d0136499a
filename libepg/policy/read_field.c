/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Header fields as values of a policy: ports, TCP flags, DSCP. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/names.h"
#include "policy/read.h"
#include "base/util.h"

/* ---- ports ---- */

static void unknown_service(struct reader *reader, const struct tree_node *node, const char *over)
{
	struct names_guess guess = NAMES_GUESS(node->text);
	char hint[SCHEMA_HINT_BYTES];
	const char *name;

	for (size_t i = 0; (name = names_service_at(i)); i++)
		names_guess_try(&guess, name);
	diagnostics_error(reader->diagnostics, node->place,
			  schema_did_you_mean(hint, guess.best, "write the port's number"),
			  "no service \"%.64s\" is known over %s", node->text, over);
}

/* A service by name. Answers are kept, for the host's own list may be slow. */
static bool read_service(struct reader *reader, const struct tree_node *node, uint8_t protocol, uint16_t *ret)
{
	const char *over = names_protocol(protocol), *key;
	const struct string_index_entry *known;
	uint16_t port;

	key = node->count <= SCHEMA_NAME_BYTES ? arena_format(reader->arena, "%s/%s", over, node->text) : "";
	if (!key) {
		reader->out_of_memory = true;
		return false;
	}
	known = string_index_find(&reader->services, key, strlen(key));
	if (known) {
		*ret = (uint16_t)known->value;
		return true;
	}
	if (!*key || diagnostics_full(reader->diagnostics) || names_parse_service(node->text, protocol, &port)) {
		unknown_service(reader, node, over);
		return false;
	}
	if (string_index_add(&reader->services, key, strlen(key), port, node->place, NULL))
		reader->out_of_memory = true;
	*ret = port;
	return true;
}

/* One end of a range. */
static bool parse_port(struct reader *reader, const struct tree_node *node, const char *text, uint16_t *ret)
{
	static const char hint[] = "a number from 0 to 65535, a range such as 80-443, or a service's name";
	const struct tree_node number = {.place = node->place, .text = text, .count = (uint32_t)strlen(text)};
	uint32_t port;

	switch (names_parse_number(text, UINT16_MAX, &port)) {
	case 0:
		*ret = (uint16_t)port;
		return true;
	case -ERANGE:
		diagnostics_error(reader->diagnostics, node->place, "from 0 to 65535", "port %.64s is out of range",
				  text);
		return false;
	default:
		if (*text && strspn(text, "0123456789") == strlen(text))
			schema_not_a_number(reader->diagnostics, &number, "a port");
		else
			diagnostics_error(reader->diagnostics, node->place, hint, "\"%.64s\" is not a port",
					  node->text);
		return false;
	}
}

/* Digits, a minus sign, digits. */
static bool read_port_range(struct reader *reader, const struct tree_node *node, struct model_range *ret)
{
	char first[16], hint[SCHEMA_HINT_BYTES];
	size_t length = strcspn(node->text, "-");
	struct model_range range;

	snprintf(first, sizeof(first), "%.*s", length < sizeof(first) ? (int)length : (int)sizeof(first), node->text);
	if (!parse_port(reader, node, first, &range.first) ||
	    !parse_port(reader, node, node->text + length + 1, &range.last))
		return false;
	if (range.first > range.last) {
		snprintf(hint, sizeof(hint), "write %u-%u", range.last, range.first);
		diagnostics_error(reader->diagnostics, node->place, hint, "the range %s is the wrong way round",
				  node->text);
		return false;
	}
	*ret = range;
	return true;
}

void read_ports(struct reader *reader, const struct tree_node *node, uint8_t protocol, struct model_range *ret)
{
	struct epg_diagnostics *diagnostics = reader->diagnostics;
	struct model_range range = MODEL_RANGE_ANY;
	bool good;

	if (node->kind == TREE_SEQUENCE) {
		diagnostics_error(diagnostics, node->place, "write an entry for each of them",
				  "one port or range must stand here, not a list");
		return;
	}
	if (!schema_word(diagnostics, node))
		return;
	if (strspn(node->text, "0123456789-") == node->count && strchr(node->text, '-')) {
		good = read_port_range(reader, node, &range);
	} else if ((node->text[0] | 0x20) >= 'a' && (node->text[0] | 0x20) <= 'z') {
		good = read_service(reader, node, protocol, &range.first);
		range.last = range.first;
	} else {
		good = parse_port(reader, node, node->text, &range.first);
		range.last = range.first;
	}
	if (good)
		*ret = range;
}

/* ---- TCP flags ---- */

static const struct tcp_flag {
	const char *name;
	unsigned int bit;
} tcp_flags[] = {
	{"syn", EPG_FLAG_SYN},
	{"ack", EPG_FLAG_ACK},
	{"fin", EPG_FLAG_FIN},
	{"rst", EPG_FLAG_RST},
};

/* The combinations of flags that have all of `mask`, or any of it, as a set. */
static uint16_t combinations(unsigned int mask, bool all)
{
	uint16_t set = 0;

	for (unsigned int flags = 0; flags <= EPG_FLAGS_ALL; flags++)
		if (all ? (flags & mask) == mask : (flags & mask) != 0)
			set |= (uint16_t)(1u << flags);
	return set;
}

/* The combinations that packets can have: others are dropped for what they are, before any rule is asked. */
static uint16_t possible_combinations(void)
{
	uint16_t opening = combinations(EPG_FLAG_SYN, false);
	uint16_t ending = combinations(EPG_FLAG_FIN | EPG_FLAG_RST, false);

	return combinations(EPG_FLAG_SYN | EPG_FLAG_ACK | EPG_FLAG_RST, false) & (uint16_t) ~(opening & ending);
}

static void read_tcp_flag(struct reader *reader, const struct tree_node *node, void *object)
{
	struct names_guess guess;
	unsigned int *mask = object;
	char hint[SCHEMA_HINT_BYTES];

	if (!schema_word(reader->diagnostics, node))
		return;
	if (!strcmp(node->text, "est")) {
		diagnostics_error(reader->diagnostics, node->place, "write tcpFlags: est",
				  "\"est\" stands alone: it means ack or rst");
		return;
	}
	guess = NAMES_GUESS(node->text);
	for (size_t i = 0; i < ARRAY_SIZE(tcp_flags); i++) {
		names_guess_try(&guess, tcp_flags[i].name);
		if (strcmp(node->text, tcp_flags[i].name) != 0)
			continue;
		if (*mask & tcp_flags[i].bit)
			diagnostics_error(reader->diagnostics, node->place, "once is enough",
					  "the flag %s is given twice", node->text);
		*mask |= tcp_flags[i].bit;
		return;
	}
	diagnostics_error(reader->diagnostics, node->place,
			  schema_did_you_mean(hint, guess.best, "syn, ack, fin and rst are"),
			  "\"%.64s\" is not a TCP flag", node->text);
}

void read_tcp_flags(struct reader *reader, const struct tree_node *node, uint16_t *ret)
{
	unsigned int mask = 0;

	if (node->kind == TREE_SCALAR && !strcmp(node->text, "est")) {
		*ret = combinations(EPG_FLAG_ACK | EPG_FLAG_RST, false);
		return;
	}
	if (tree_is_null(node) || (node->kind == TREE_SEQUENCE && node->count == 0)) {
		diagnostics_error(reader->diagnostics, node->place, "write est or a list such as [syn], or take it out",
				  "tcpFlags names no flag");
		return;
	}
	read_each(reader, node, read_tcp_flag, &mask);
	*ret = combinations(mask, true);
	if (!(*ret & possible_combinations()))
		diagnostics_lint(reader->diagnostics, EPG_LINT_RULE_UNREACHABLE, node->place,
				 "such packets are dropped before any rule is asked: tcp-flags",
				 "no packet opens and ends a connection at once: the entry never decides");
}

/* ---- DSCP ---- */

bool read_dscp(struct reader *reader, const struct tree_node *node, uint8_t *ret)
{
	struct names_guess guess;
	char hint[SCHEMA_HINT_BYTES];
	const char *name;
	int error;

	if (!schema_word(reader->diagnostics, node))
		return false;
	error = names_parse_dscp(node->text, ret);
	if (!error)
		return true;
	guess = NAMES_GUESS(node->text);
	for (size_t i = 0; (name = names_dscp_at(i)); i++)
		names_guess_try(&guess, name);
	if (error == -ERANGE)
		diagnostics_error(reader->diagnostics, node->place, "from 0 to 63", "DSCP %.64s is out of range",
				  node->text);
	else if (node->text[0] >= '0' && node->text[0] <= '9')
		schema_not_a_number(reader->diagnostics, node, "a DSCP");
	else
		diagnostics_error(reader->diagnostics, node->place,
				  schema_did_you_mean(hint, guess.best, "such as AF21, CS5, EF, or a number"),
				  "\"%.64s\" is not a DSCP", node->text);
	return false;
}
