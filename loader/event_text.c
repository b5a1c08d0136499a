/* SPDX-License-Identifier: GPL-2.0-only */
#include "event_text.h"

#include <stdio.h>

const char *event_text_hook(uint8_t hook)
{
	switch ((enum epg_hook)hook) {
	case EPG_HOOK_TC_INGRESS:
		return "tc-ingress";
	case EPG_HOOK_TC_EGRESS:
		return "tc-egress";
	case EPG_HOOK_XDP:
		return "xdp";
	}
	return "";
}

void event_text_rule(const struct epg_rule_info *rule, char text[EVENT_RULE_MAX])
{
	if (*rule->contract)
		snprintf(text, EVENT_RULE_MAX, "%s%s%s > %s > %s", rule->contract, *rule->subject ? " > " : "",
			 rule->subject, rule->filter, rule->entry);
	else
		snprintf(text, EVENT_RULE_MAX, "%s", rule->name);
}

void event_text_cause(const struct epg_event_info *info, char text[EVENT_RULE_MAX])
{
	const struct epg_rule_info *rule = info->rule;

	if (rule && (*rule->contract || info->event->verdict == EPG_PERMIT))
		event_text_rule(rule, text);
	else
		snprintf(text, EVENT_RULE_MAX, "%s", info->reason_name);
}

const char *event_text_would_be(const struct epg_event *event)
{
	if (event->flags & EPG_EVENT_WOULD_DENY)
		return "deny";
	return event->flags & EPG_EVENT_WOULD_PERMIT ? "permit" : NULL;
}

static const char *or_unknown(const char *group)
{
	return *group ? group : "?";
}

void event_text_sentence(const struct epg_event_info *info, char text[EVENT_SENTENCE_MAX])
{
	const char *verdict = info->event->verdict == EPG_PERMIT ? "permit" : "deny";
	const char *would_be = event_text_would_be(info->event);
	char cause[EVENT_RULE_MAX], audited[EVENT_RULE_MAX] = "", audit[EVENT_RULE_MAX + 32] = "";

	event_text_cause(info, cause);
	if (info->audited_rule)
		event_text_rule(info->audited_rule, audited);
	if (would_be)
		snprintf(audit, sizeof(audit), " (audited: %s%s%s)", would_be, *audited ? " by " : "", audited);
	snprintf(text, EVENT_SENTENCE_MAX, "%s by %s: %s -> %s, at %s of %s, generation %u%s", verdict, cause,
		 or_unknown(info->source_group), or_unknown(info->destination_group),
		 event_text_hook(info->event->hook), info->interface, info->event->generation, audit);
}
