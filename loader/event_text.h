/* SPDX-License-Identifier: GPL-2.0-only */
/* How a decision is spoken about. */
#ifndef EPGCTL_EVENT_TEXT_H
#define EPGCTL_EVENT_TEXT_H

#include "epg/epg.h"

/* "tc-ingress" */
const char *event_text_hook(uint8_t hook);

/* "shop/web > pages > http > web", of a taboo without a subject; of a rule that every policy has its name. */
#define EVENT_RULE_MAX 512
void event_text_rule(const struct epg_rule_info *rule, char text[EVENT_RULE_MAX]);

/* The rule that permitted or denied it, or why it reached none. */
void event_text_cause(const struct epg_event_info *info, char text[EVENT_RULE_MAX]);

/* What would have been decided if audited subjects were enforced, "permit" or "deny"; NULL: the same. */
const char *event_text_would_be(const struct epg_event *event);

/* All in one line: "permit by shop/web > pages > http > web: shop/store/front -> shop/store/back". */
#define EVENT_SENTENCE_MAX 2048
void event_text_sentence(const struct epg_event_info *info, char text[EVENT_SENTENCE_MAX]);

#endif
