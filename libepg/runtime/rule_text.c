/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Rules as people read them. */
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/names.h"
#include "runtime/internal.h"

/* Text that grows in a buffer; what does not fit is cut off. */
struct line {
	char *text;
	size_t size;
	size_t length;
};

__attribute__((format(printf, 2, 3))) static void line_add(struct line *line, const char *format, ...)
{
	va_list arguments;
	int length;

	if (line->length + 1 >= line->size)
		return;
	va_start(arguments, format);
	length = vsnprintf(line->text + line->length, line->size - line->length, format, arguments);
	va_end(arguments);
	if (length > 0)
		line->length += (size_t)length;
	if (line->length >= line->size)
		line->length = line->size - 1;
}

static bool is_any(struct catalog_range range)
{
	return range.first == 0 && range.last == UINT16_MAX;
}

static void add_range(struct line *line, const char *name, struct catalog_range range)
{
	if (is_any(range))
		return;
	line_add(line, " %s %u", name, range.first);
	if (range.last != range.first)
		line_add(line, "-%u", range.last);
}

static void add_protocol(struct line *line, unsigned int protocol)
{
	const char *name = names_protocol((uint8_t)protocol);

	if (name)
		line_add(line, "%s", name);
	else
		line_add(line, "protocol %u", protocol);
}

static bool is_icmp_kind(struct catalog_range kinds)
{
	return kinds.first == kinds.last &&
	       (kinds.first == EPG_KIND_IPV4 + IPPROTO_ICMP || kinds.first == EPG_KIND_IPV6 + IPPROTO_ICMPV6);
}

/* One interval of kinds: all protocols of a family, one of them, or EtherTypes. */
static void add_kinds(struct line *line, struct catalog_range kinds)
{
	if (is_any(kinds))
		line_add(line, "any");
	else if (kinds.first == EPG_KIND_IPV4 && kinds.last == EPG_KIND_IPV6 + 0xff)
		line_add(line, "ip");
	else if (kinds.first == EPG_KIND_IPV4 && kinds.last == EPG_KIND_IPV4 + 0xff)
		line_add(line, "ipv4");
	else if (kinds.first == EPG_KIND_IPV6 && kinds.last == EPG_KIND_IPV6 + 0xff)
		line_add(line, "ipv6");
	else if (is_icmp_kind(kinds))
		add_protocol(line, kinds.first & 0xff); /* its name tells the family */
	else if (kinds.first == kinds.last && kinds.first < 0x200) {
		line_add(line, kinds.first < EPG_KIND_IPV6 ? "ipv4 " : "ipv6 ");
		add_protocol(line, kinds.first & 0xff);
	} else if (kinds.first == kinds.last && kinds.first == 0x0806)
		line_add(line, "arp");
	else if (kinds.first == kinds.last)
		line_add(line, "ethertype 0x%04x", kinds.first);
	else
		line_add(line, "kinds 0x%04x-0x%04x", kinds.first, kinds.last);
}

/* The same protocol, or all of them, over both families: the family goes without saying. */
static bool both_families(const struct catalog_rule *rule)
{
	return rule->n_kinds == 2 && rule->kinds[0].last < EPG_KIND_IPV6 &&
	       rule->kinds[0].first + EPG_KIND_IPV6 == rule->kinds[1].first &&
	       rule->kinds[0].last + EPG_KIND_IPV6 == rule->kinds[1].last;
}

static void add_all_kinds(struct line *line, const struct catalog_rule *rule)
{
	const struct catalog_range *kinds = rule->kinds;

	if (both_families(rule) && kinds[0].first == kinds[0].last) {
		add_protocol(line, kinds[0].first);
	} else if (both_families(rule) && kinds[0].first == 0 && kinds[0].last == 0xff) {
		line_add(line, "ip");
	} else {
		for (uint32_t i = 0; i < rule->n_kinds && i < ARRAY_SIZE(rule->kinds); i++) {
			if (i > 0)
				line_add(line, " or ");
			add_kinds(line, kinds[i]);
		}
	}
}

/* Every kind that the rule matches is the ICMP of its family: type and code stand in the fields for ports. */
static bool is_icmp(const struct catalog_rule *rule)
{
	for (uint32_t i = 0; i < rule->n_kinds && i < ARRAY_SIZE(rule->kinds); i++) {
		if (!is_icmp_kind(rule->kinds[i]))
			return false;
	}
	return rule->n_kinds > 0;
}

static void add_type(struct line *line, const struct catalog_rule *rule)
{
	bool ipv6 = rule->kinds[0].first >= EPG_KIND_IPV6;
	const char *name = NULL;

	if (rule->destination.first == rule->destination.last && rule->destination.first <= UINT8_MAX)
		name = names_icmp_type((uint8_t)rule->destination.first, ipv6);
	if (name)
		line_add(line, " %s", name);
	else
		add_range(line, "type", rule->destination);
}

void rule_text_match(const struct catalog_rule *rule, char *text, size_t size)
{
	struct line line = {text, size, 0};
	bool icmp = is_icmp(rule);

	text[0] = '\0';
	if (rule->n_kinds == 0)
		line_add(&line, "any");
	add_all_kinds(&line, rule);
	if (icmp)
		add_type(&line, rule);
	else
		add_range(&line, "dport", rule->destination);
	add_range(&line, icmp ? "code" : "sport", rule->source);
	if (rule->flags.first >= EPG_FLAG_RST && rule->flags.last == EPG_FLAGS_ALL)
		line_add(&line, " established");
}

void rule_text_info(const struct generation *generation, uint32_t index, char *match, size_t size,
		    struct epg_rule_info *ret)
{
	const struct catalog *catalog = &generation->catalog;
	const struct catalog_rule *rule = &catalog->rules[index];
	const struct epg_rule *table = generation_rule(generation, index);
	const struct epg_counter *counter = &generation->counters[index];
	bool implicit = rule->contract == CATALOG_NONE;

	rule_text_match(rule, match, size);
	*ret = (struct epg_rule_info){
		.index = index,
		.contract = implicit ? "" : catalog_string(catalog, catalog->contracts[rule->contract].name),
		.subject = catalog_string(catalog, rule->subject),
		.filter = catalog_string(catalog, rule->filter),
		.entry = catalog_string(catalog, rule->entry),
		.file = implicit ? "" : catalog->file,
		.line = rule->line,
		.match = match,
		.permit = table->action == EPG_PERMIT,
		.stateful = table->flags & EPG_RULE_STATEFUL,
		.reverse = rule->reverse,
		.level = table->level,
		.packets = __atomic_load_n(&counter->packets, __ATOMIC_RELAXED),
		.bytes = __atomic_load_n(&counter->bytes, __ATOMIC_RELAXED),
	};
}
