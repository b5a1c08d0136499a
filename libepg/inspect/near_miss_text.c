/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Near misses in words. */
#include "inspect/near_miss.h"

#include <stdio.h>
#include <string.h>

#include <netinet/in.h>

#include "runtime/observe.h"

#define MATCH_MAX 128
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

/* The names of both groups as the policy writes them. */
static const char *group_of(const struct catalog *catalog, uint16_t class_id)
{
	const struct catalog_group *group = catalog_group_by_class(catalog, class_id);

	return group ? catalog_string(catalog, group->name) : "";
}

static uint32_t line_of(const struct catalog *catalog, uint16_t class_id)
{
	const struct catalog_group *group = catalog_group_by_class(catalog, class_id);

	return group ? group->line : 0;
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

/* What a packet of this kind is called, whatever its family. */
static void packet_match(uint16_t kind, char match[MATCH_MAX])
{
	struct catalog_rule rule = {
		.n_kinds = 1, .kinds = {only(kind)}, .destination = any, .source = any, .flags = any};

	if (is_ip(kind)) {
		rule.n_kinds = 2;
		rule.kinds[0] = only(kind & ~FAMILY_BIT);
		rule.kinds[1] = only(kind | FAMILY_BIT);
	}
	rule_text_match(&rule, match, MATCH_MAX);
}

static void add_kind(char text[NEAR_MISS_TEXT_MAX], const struct catalog_rule *rule, uint16_t kind)
{
	struct catalog_rule kinds = *rule;
	char wanted[MATCH_MAX], seen[MATCH_MAX];

	if (is_ip(kind) && near_miss_matches_kind(rule, kind ^ FAMILY_BIT)) {
		add(text, kind & FAMILY_BIT ? "IPv6 is not IPv4" : "IPv4 is not IPv6");
		return;
	}
	kinds.destination = kinds.source = kinds.flags = any;
	rule_text_match(&kinds, wanted, sizeof(wanted));
	packet_match(kind, seen);
	add(text, "protocol %s is not %s", seen, wanted);
}

static void add_range(char text[NEAR_MISS_TEXT_MAX], const char *name, uint16_t value, struct catalog_range range)
{
	if (range.first == range.last)
		add(text, "%s %u is not %u", name, value, range.first);
	else
		add(text, "%s %u is not in %u-%u", name, value, range.first, range.last);
}

static void add_fields(char text[NEAR_MISS_TEXT_MAX], const struct catalog_rule *rule,
		       const struct near_miss_packet *packet, unsigned int fields)
{
	bool icmp = near_miss_is_icmp(packet->kind);

	if (fields & 1u << EPG_FIELD_KIND)
		add_kind(text, rule, packet->kind);
	if (fields & 1u << EPG_FIELD_DESTINATION)
		add_range(text, icmp ? "ICMP type" : "destination port", packet->destination, rule->destination);
	if (fields & 1u << EPG_FIELD_SOURCE)
		add_range(text, icmp ? "ICMP code" : "source port", packet->source, rule->source);
	if (fields & 1u << EPG_FIELD_FLAGS)
		add(text, "the packet opens a connection: it has neither ACK nor RST");
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
	return "the two groups are in different VRFs";
}

void near_miss_why(const struct catalog *catalog, const struct near_miss_packet *packet, const struct near_miss *miss,
		   char text[NEAR_MISS_TEXT_MAX])
{
	const struct catalog_rule *rule = &catalog->rules[miss->rule];
	const char *source = group_of(catalog, packet->source_class);
	const char *destination = group_of(catalog, packet->destination_class);

	text[0] = '\0';
	switch (miss->cause) {
	case NEAR_MISS_CONSUME:
		add(text, "%s does not consume it", source);
		break;
	case NEAR_MISS_PROVIDE:
		add(text, "%s does not provide it", destination);
		break;
	case NEAR_MISS_SCOPE:
		add(text, "%s", scope_sentence(catalog->contracts[rule->contract].scope));
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
	add_fields(text, rule, packet, miss->fields);
}

/* A contract as a group of its own tenant calls it, or by its full name. */
static const char *contract_in(const char *contract, const char *group)
{
	const char *slash = strchr(contract, '/');
	size_t tenant = slash ? (size_t)(slash - contract) + 1 : 0;

	return strncmp(contract, group, tenant) == 0 ? contract + tenant : contract;
}

/* What the packet is, as an entry would have to match it. */
static void entry_for(const struct near_miss_packet *packet, char match[MATCH_MAX])
{
	uint8_t protocol = packet->kind & 0xff;
	bool ports = protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;

	packet_match(packet->kind, match);
	if (!is_ip(packet->kind) || (!ports && !near_miss_is_icmp(packet->kind)))
		return;
	snprintf(match + strlen(match), MATCH_MAX - strlen(match), ports ? " dport %u" : " type %u",
		 packet->destination);
}

void near_miss_hint(const struct catalog *catalog, const struct near_miss_packet *packet,
		    const struct near_miss *misses, size_t n, char text[NEAR_MISS_TEXT_MAX])
{
	const char *source = group_of(catalog, packet->source_class);
	const char *destination = group_of(catalog, packet->destination_class);
	uint32_t source_line = line_of(catalog, packet->source_class);
	uint32_t destination_line = line_of(catalog, packet->destination_class);
	const char *contract = "", *file = catalog->file;
	char match[MATCH_MAX];

	text[0] = '\0';
	if (!source_line || !destination_line)
		return;
	if (n == 0) {
		add(text, "provide a contract in %s (%s:%u) and consume it in %s (%s:%u)", destination, file,
		    destination_line, source, file, source_line);
		return;
	}
	contract = catalog_string(catalog, catalog->contracts[catalog->rules[misses->rule].contract].name);
	switch (misses->cause) {
	case NEAR_MISS_CONSUME:
		add(text, "add \"%s\" to consume of %s (%s:%u)", contract_in(contract, source), source, file,
		    source_line);
		break;
	case NEAR_MISS_PROVIDE:
		add(text, "add \"%s\" to provide of %s (%s:%u)", contract_in(contract, destination), destination, file,
		    destination_line);
		break;
	case NEAR_MISS_SCOPE:
		add(text, "widen the scope of contract %s (%s:%u)", contract, file,
		    catalog->contracts[catalog->rules[misses->rule].contract].line);
		break;
	case NEAR_MISS_DIRECTION:
		add(text, "to let %s open connections to %s, provide \"%s\" there (%s:%u) and consume it here (%s:%u)",
		    source, destination, contract_in(contract, destination), file, destination_line, file, source_line);
		break;
	case NEAR_MISS_REPLY:
		break;
	case NEAR_MISS_FIELDS:
		entry_for(packet, match);
		add(text, "add an entry for %s to a filter of contract %s (%s:%u)", match, contract, file,
		    catalog->contracts[catalog->rules[misses->rule].contract].line);
		break;
	}
}
