/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Near misses in words. */
#include "inspect/near_miss.h"

#include <stdio.h>
#include <string.h>

#include <linux/if_ether.h>

#include "runtime/observe.h"

#define FAMILY_BIT (EPG_KIND_IPV4 ^ EPG_KIND_IPV6)

static const struct catalog_range any = {0, UINT16_MAX};

static struct catalog_range only(uint16_t value)
{
	return (struct catalog_range){value, value};
}

static bool is_ip(uint16_t kind)
{
	return kind < EPG_KIND_IPV6 + 0x100;
}

/* The name of a group as the policy writes it. */
static const char *group_of(const struct catalog *catalog, uint16_t class_id)
{
	const struct catalog_group *group = catalog_group_by_class(catalog, class_id);

	return group ? catalog_string(catalog, group->name) : "";
}

/* ---- fields ---- */

/* Appends to `text`, after a comma where something stands there already. */
__attribute__((format(printf, 2, 3))) static void add(char text[NEAR_MISS_TEXT_MAX], const char *format, ...)
{
	size_t length = strlen(text);
	va_list arguments;

	if (length > 0)
		length += (size_t)snprintf(text + length, NEAR_MISS_TEXT_MAX - length, ", ");
	if (length >= NEAR_MISS_TEXT_MAX)
		return;
	va_start(arguments, format);
	vsnprintf(text + length, NEAR_MISS_TEXT_MAX - length, format, arguments);
	va_end(arguments);
}

/* The kinds of a rule, without the rest. */
static void kinds_text(const struct catalog_rule *rule, char match[RULE_TEXT_MATCH_MAX])
{
	struct catalog_rule kinds = *rule;

	kinds.destination = kinds.source = kinds.dscp = kinds.fragment = any;
	kinds.tcp_flags = MODEL_TCP_FLAGS_ANY;
	rule_text_match(&kinds, match, RULE_TEXT_MATCH_MAX);
}

/* What a packet of this kind is called, whatever its family. */
static void packet_kind_text(uint16_t kind, char match[RULE_TEXT_MATCH_MAX])
{
	struct catalog_rule rule = {.n_kinds = 1, .kinds = {only(kind)}};

	if (is_ip(kind)) {
		rule.n_kinds = 2;
		rule.kinds[0] = only(kind & ~FAMILY_BIT);
		rule.kinds[1] = only(kind | FAMILY_BIT);
	}
	kinds_text(&rule, match);
}

static void add_kind(char text[NEAR_MISS_TEXT_MAX], const struct catalog_rule *rule, uint16_t kind)
{
	char wanted[RULE_TEXT_MATCH_MAX], seen[RULE_TEXT_MATCH_MAX];

	if (is_ip(kind) && rule_match_has_kind(rule, kind ^ FAMILY_BIT)) {
		add(text, kind & FAMILY_BIT ? "IPv6 is not IPv4" : "IPv4 is not IPv6");
		return;
	}
	kinds_text(rule, wanted);
	packet_kind_text(kind, seen);
	add(text, "protocol %s is not %s", seen, wanted);
}

static void add_range(char text[NEAR_MISS_TEXT_MAX], const char *name, uint16_t value, struct catalog_range range)
{
	if (range.first == range.last)
		add(text, "%s %u is not %u", name, value, range.first);
	else
		add(text, "%s %u is not in %u-%u", name, value, range.first, range.last);
}

static void add_flags(char text[NEAR_MISS_TEXT_MAX], const struct catalog_rule *rule)
{
	struct catalog_rule flags = {.destination = any, .source = any, .dscp = any, .tcp_flags = rule->tcp_flags};
	uint16_t established = (uint16_t)(UINT16_MAX << EPG_FLAG_RST);
	char match[RULE_TEXT_MATCH_MAX];

	if (rule->tcp_flags == established) {
		add(text, "the packet opens a connection: it has neither ACK nor RST");
		return;
	}
	rule_text_match(&flags, match, sizeof(match));
	add(text, "its TCP flags are not those of \"%s\"", match + strlen("any "));
}

static void add_dscp(char text[NEAR_MISS_TEXT_MAX], const struct catalog_rule *rule, uint8_t dscp)
{
	const char *seen = epg_dscp_name(dscp), *wanted = epg_dscp_name((uint8_t)rule->dscp.first);

	if (seen && wanted && rule->dscp.first == rule->dscp.last)
		add(text, "DSCP %s is not %s", seen, wanted);
	else
		add_range(text, "DSCP", dscp, rule->dscp);
}

/* What destination and source are called, by what the packet is. */
struct wording {
	const char *destination, *source;
	enum epg_miss destination_miss, source_miss;
};

static struct wording wording_of(uint16_t kind)
{
	if (rule_match_is_icmp(kind))
		return (struct wording){"ICMP type", "ICMP code", EPG_MISS_ICMP_TYPE, EPG_MISS_ICMP_CODE};
	if (kind == ETH_P_ARP)
		return (struct wording){"ARP opcode", "source port", EPG_MISS_ARP_OPCODE, EPG_MISS_SOURCE_PORT};
	return (struct wording){"destination port", "source port", EPG_MISS_DESTINATION_PORT, EPG_MISS_SOURCE_PORT};
}

static void add_fields(char text[NEAR_MISS_TEXT_MAX], const struct catalog_rule *rule, const struct rule_packet *packet,
		       unsigned int fields)
{
	struct wording wording = wording_of(packet->kind);

	if (fields & 1u << EPG_FIELD_KIND)
		add_kind(text, rule, packet->kind);
	if (fields & 1u << EPG_FIELD_DESTINATION)
		add_range(text, wording.destination, packet->destination, rule->destination);
	if (fields & 1u << EPG_FIELD_SOURCE)
		add_range(text, wording.source, packet->source, rule->source);
	if (fields & 1u << EPG_FIELD_FLAGS)
		add_flags(text, rule);
	if (fields & 1u << EPG_FIELD_FRAGMENT)
		add(text, packet->fragment ? "a later fragment shows no ports, flags or types"
					   : "the packet is no later fragment");
	if (fields & 1u << EPG_FIELD_DSCP)
		add_dscp(text, rule, packet->dscp);
}

/* ---- names ---- */

const char *epg_miss_name(enum epg_miss miss)
{
	static const char *const names[] = {
#define MISS_NAME(id, name) name,
		EPG_MISSES(MISS_NAME)
#undef MISS_NAME
	};

	return (size_t)miss < ARRAY_SIZE(names) ? names[miss] : NULL;
}

static uint32_t cause_bit(enum near_miss_cause cause)
{
	switch (cause) {
	case NEAR_MISS_CONSUME:
		return 1u << EPG_MISS_CONSUMER;
	case NEAR_MISS_SCOPE:
		return 1u << EPG_MISS_SCOPE;
	case NEAR_MISS_INTRA:
		return 1u << EPG_MISS_INTRA;
	case NEAR_MISS_AUDIT:
		return 1u << EPG_MISS_AUDIT;
	case NEAR_MISS_DIRECTION:
		return 1u << EPG_MISS_DIRECTION;
	case NEAR_MISS_PROVIDE:
		return 1u << EPG_MISS_PROVIDER;
	case NEAR_MISS_REPLY:
		return 1u << EPG_MISS_REPLY;
	case NEAR_MISS_FIELDS:
		break;
	}
	return 0;
}

uint32_t near_miss_missed(const struct rule_packet *packet, const struct near_miss *miss)
{
	struct wording wording = wording_of(packet->kind);
	const enum epg_miss by_field[] = {
		[EPG_FIELD_KIND] = EPG_MISS_PROTOCOL,     [EPG_FIELD_DESTINATION] = wording.destination_miss,
		[EPG_FIELD_SOURCE] = wording.source_miss, [EPG_FIELD_FLAGS] = EPG_MISS_TCP_FLAGS,
		[EPG_FIELD_DSCP] = EPG_MISS_DSCP,         [EPG_FIELD_FRAGMENT] = EPG_MISS_FRAGMENT,
	};
	uint32_t missed = cause_bit(miss->cause);

	for (size_t field = 0; field < ARRAY_SIZE(by_field); field++)
		if (miss->fields & 1u << field)
			missed |= 1u << by_field[field];
	return missed;
}

/* ---- sentences ---- */

static const char *scope_sentence(uint32_t scope)
{
	switch ((enum model_scope)scope) {
	case MODEL_SCOPE_APPLICATION_PROFILE:
		return "its scope keeps it within one application profile";
	case MODEL_SCOPE_VRF:
		return "its scope keeps it within one VRF";
	case MODEL_SCOPE_TENANT:
		return "its scope keeps it within one tenant";
	case MODEL_SCOPE_GLOBAL:
		break;
	}
	return "it does not join these two groups";
}

static void add_cause(char text[NEAR_MISS_TEXT_MAX], const struct catalog *catalog, const struct rule_packet *packet,
		      const struct near_miss *miss)
{
	const char *source = group_of(catalog, packet->source_class);
	const char *destination = group_of(catalog, packet->destination_class);

	switch (miss->cause) {
	case NEAR_MISS_CONSUME:
		add(text, "%s does not consume it", source);
		break;
	case NEAR_MISS_PROVIDE:
		add(text, "%s does not provide it", destination);
		break;
	case NEAR_MISS_SCOPE:
		add(text, "%s", scope_sentence(catalog->contracts[catalog->rules[miss->rule].contract].scope));
		break;
	case NEAR_MISS_INTRA:
		add(text, "%s provides it to others, but does not have it among its intra-EPG contracts", source);
		break;
	case NEAR_MISS_AUDIT:
		add(text, "its subject is in audit mode: it decides nothing");
		break;
	case NEAR_MISS_DIRECTION:
		add(text, "it permits the other direction: only %s opens connections to %s", destination, source);
		break;
	case NEAR_MISS_REPLY:
		add(text, "it permits such packets as answers only, within a connection that %s has opened",
		    destination);
		break;
	case NEAR_MISS_FIELDS:
		break;
	}
}

void near_miss_why(const struct rule_book *book, const struct rule_packet *packet, const struct near_miss *miss,
		   char text[NEAR_MISS_TEXT_MAX])
{
	text[0] = '\0';
	add_cause(text, book->catalog, packet, miss);
	add_fields(text, &book->catalog->rules[miss->rule], packet, miss->fields);
}
