/* SPDX-License-Identifier: GPL-2.0-only */
/* How rules appear in the output of several commands. */
#ifndef EPGCTL_RULE_TEXT_H
#define EPGCTL_RULE_TEXT_H

#include "epg/epg.h"
#include "writer.h"

/* An object of that name, in JSON only: which rule it is, where it stands, what it matches; null for NULL. */
void rule_text_write(struct writer *writer, const char *name, const struct epg_rule_info *rule);

/* The same for people, behind `heading`, and below it the place. */
void rule_text_tell(struct writer *writer, const char *heading, const struct epg_rule_info *rule);

/* "examples/shop.yaml:27"; "" for a rule that stands in no file. */
#define RULE_PLACE_MAX 512
void rule_text_place(const struct epg_rule_info *rule, char text[RULE_PLACE_MAX]);

#endif
