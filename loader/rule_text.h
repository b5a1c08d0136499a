/* SPDX-License-Identifier: GPL-2.0-only */
/* How a rule of a policy is spoken about. */
#ifndef EPGCTL_RULE_TEXT_H
#define EPGCTL_RULE_TEXT_H

#include "epg/epg.h"
#include "writer.h"

/* Which rule: "contract shop/web, subject pages, filter shop/http, entry web, in reverse", or "implicit-deny". */
#define RULE_NAME_MAX 1024
void rule_text_name(const struct epg_rule_info *rule, char text[RULE_NAME_MAX]);

/* Where it is written: "shop.yaml:12"; "" for rules that every policy has. */
#define RULE_PLACE_MAX 512
void rule_text_place(const struct epg_rule_info *rule, char text[RULE_PLACE_MAX]);

/* What it does: "deny tcp dport 22, to any, log". */
#define RULE_EFFECT_MAX 512
void rule_text_effect(const struct epg_rule_info *rule, char text[RULE_EFFECT_MAX]);

/* What its permitted packets are marked with: "AF21", "5"; "": nothing. */
#define RULE_DSCP_MAX 8
void rule_text_dscp(const struct epg_rule_info *rule, char text[RULE_DSCP_MAX]);

/* What the rules of a level have in common: "group to group, with a filter". */
const char *rule_text_level(enum epg_level level);

/* For people: which rule, what it does, and on a line of its own where it is written. */
void rule_text_tell(struct writer *writer, const char *heading, const struct epg_rule_info *rule);

/* For programs: the columns of a rule and its values. */
#define RULE_TEXT_COLUMNS                                                                                  \
	{"contract", NULL, WRITER_TEXT}, {"subject", NULL, WRITER_TEXT}, {"filter", NULL, WRITER_TEXT},    \
		{"entry", NULL, WRITER_TEXT}, {"match", NULL, WRITER_TEXT}, {"file", NULL, WRITER_TEXT},   \
		{"line", NULL, WRITER_NUMBER}, {"action", NULL, WRITER_TEXT}, {"role", NULL, WRITER_TEXT}, \
		{"level", NULL, WRITER_NUMBER}, {"reverse", NULL, WRITER_BOOLEAN},                         \
	{                                                                                                  \
		"audit", NULL, WRITER_BOOLEAN                                                              \
	}
#define RULE_TEXT_N_COLUMNS 12
void rule_text_values(const struct epg_rule_info *rule, struct writer_value values[RULE_TEXT_N_COLUMNS]);

/* The object of that name, or null where there is no rule. */
void rule_text_write(struct writer *writer, const char *name, const struct epg_rule_info *rule);
/* An array of them. */
void rule_text_write_list(struct writer *writer, const char *name, const struct epg_rule_info *rules, size_t n_rules);

#endif
