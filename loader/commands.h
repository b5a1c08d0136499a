/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of commands. Parsing, --help, the manual page and shell completions all come from it: a command
 * or option is described here and nowhere else.
 */
#ifndef EPGCTL_COMMANDS_H
#define EPGCTL_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

struct cli;

enum option_id {
	OPTION_PIN,
	OPTION_JSON,
	OPTION_QUIET,
	OPTION_NO_HEADERS,
	OPTION_COLOR,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_FILE,
	OPTION_COST,
	OPTION_DENY,
	OPTION_INSTANCE,
	OPTION_MAX_FLOWS,
	OPTION_DRY_RUN,
	OPTION_XDP,
	OPTION_DETOUR,
	OPTION_BEFORE,
	OPTION_AFTER,
	OPTION_NETNS,
	OPTION_VLAN,
	OPTION_GROUP,
	OPTION_IP,
	OPTION_MAC,
	OPTION_SOURCE,
	OPTION_DESTINATION,
	OPTION_SPORT,
	OPTION_ICMP_TYPE,
	OPTION_ICMP_CODE,
	OPTION_TCP_FLAGS,
	OPTION_ARP_OPCODE,
	OPTION_DSCP,
	OPTION_FRAGMENT,
	OPTION_REPLY,
	OPTION_ICMP_ERROR,
	OPTION_VRF,
	OPTION_DROP,
	OPTION_AUDIT,
	OPTION_LOG,
	OPTION_ENDPOINTS,
	OPTION_FLOWS,
	OPTION_RULES,
	OPTION_DROP_PAIRS,
	OPTION_EVENT_BYTES,
	OPTION_EVENTS_PER_SECOND,
	OPTION_MARK,
	OPTION_FRAGMENTS,
	OPTION_TIMEOUT,
	OPTION_INTERFACE,
	OPTION_ADDRESS,
	OPTION_PROTO,
	OPTION_PORT,
	OPTION_STATE,
	OPTION_REVOKED,
	OPTION_ALL,
	OPTION_WRITE,
	OPTION_PERMIT,
	OPTION_PACKETS,
	OPTION_SNAPLEN,
	OPTION_COUNT
};

/* What a shell offers in the place of an argument. */
enum completion {
	COMPLETE_NOTHING,
	COMPLETE_FILE,
	COMPLETE_DIRECTORY,
	COMPLETE_INTERFACE,
	COMPLETE_GROUP,
	COMPLETE_WORDS,
};

struct command_option {
	enum option_id id;
	const char *name;     /* without the dashes */
	char letter;          /* 0: none */
	const char *argument; /* what help calls it; NULL: takes none */
	const char *help;
	enum completion completion;
	const char *words; /* of COMPLETE_WORDS, blanks between */
	bool required;
	bool repeatable;
};

struct command_example {
	const char *line; /* what to type */
	const char *what; /* it does */
};

/* A word of the output that takes explaining. */
struct command_term {
	const char *name;
	const char *text;
};

struct command {
	const char *section;  /* heading in help */
	const char *words;    /* "endpoint add" */
	const char *operands; /* what help calls them; "": takes none */
	unsigned int min_operands, max_operands;
	enum completion completion; /* of operands */
	const char *completion_words;
	const char *summary;       /* one line, no full stop */
	const char *description;   /* paragraphs, a blank line between */
	const char *terms_heading; /* NULL: there are none */
	const struct command_term *terms;
	size_t n_terms;
	const struct command_option *options;
	size_t n_options;
	const struct command_example *examples;
	size_t n_examples;
	const char *json;            /* the document it prints with --json, one line an object; NULL: none */
	bool text;                   /* it prints text, also with --json and --quiet */
	bool hidden;                 /* from help, manual and completion */
	int (*run)(struct cli *cli); /* returns an enum cli_status */
};

/* All commands, sections together, and their number. */
const struct command *commands_all(size_t *ret_count);
/* Options that every command takes. */
const struct command_option *commands_global_options(size_t *ret_count);

/* The handlers, by source. */
int cmd_validate(struct cli *cli);
int cmd_lint(struct cli *cli);
int cmd_apply(struct cli *cli);
int cmd_diff(struct cli *cli);
int cmd_rollback(struct cli *cli);
int cmd_export(struct cli *cli);

int cmd_load(struct cli *cli);
int cmd_unload(struct cli *cli);
int cmd_status(struct cli *cli);
int cmd_map_ls(struct cli *cli);
int cmd_version(struct cli *cli);

int cmd_attach(struct cli *cli);
int cmd_detach(struct cli *cli);
int cmd_endpoint_add(struct cli *cli);
int cmd_endpoint_rm(struct cli *cli);
int cmd_endpoint_ls(struct cli *cli);

int cmd_group_ls(struct cli *cli);
int cmd_contract_ls(struct cli *cli);
int cmd_drops(struct cli *cli);

int cmd_explain(struct cli *cli);
int cmd_monitor(struct cli *cli);
int cmd_capture(struct cli *cli);

int cmd_flow_ls(struct cli *cli);
int cmd_flow_flush(struct cli *cli);
int cmd_doctor(struct cli *cli);

int cmd_help(struct cli *cli);
int cmd_manual(struct cli *cli);
int cmd_completion(struct cli *cli);

#endif
