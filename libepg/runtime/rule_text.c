/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Rules as people read them. */
#include <linux/if_ether.h>
#include <net/if_arp.h>
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
	} else if (kinds.first == kinds.last && kinds.first == ETH_P_ARP)
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

static bool is_arp(const struct catalog_rule *rule)
{
	return rule->n_kinds == 1 && rule->kinds[0].first == ETH_P_ARP && rule->kinds[0].last == ETH_P_ARP;
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

static void add_opcode(struct line *line, struct catalog_range opcodes)
{
	if (opcodes.first == opcodes.last && opcodes.first == ARPOP_REQUEST)
		line_add(line, " request");
	else if (opcodes.first == opcodes.last && opcodes.first == ARPOP_REPLY)
		line_add(line, " reply");
	else
		add_range(line, "opcode", opcodes);
}

/* ---- TCP flags ---- */

/* ACK or RST: EPG_FLAG_… are numbered so that these combinations stand together. */
#define ESTABLISHED ((uint16_t)(UINT16_MAX << EPG_FLAG_RST))

/* All combinations in which `flags` are set. */
static uint16_t with_flags(unsigned int flags)
{
	unsigned int set = 0;

	for (unsigned int combination = 0; combination <= EPG_FLAGS_ALL; combination++)
		if ((combination & flags) == flags)
			set |= 1u << combination;
	return (uint16_t)set;
}

static void add_flag_names(struct line *line, unsigned int flags)
{
	static const struct {
		unsigned int flag;
		const char *name;
	} names[] = {{EPG_FLAG_SYN, "syn"}, {EPG_FLAG_ACK, "ack"}, {EPG_FLAG_FIN, "fin"}, {EPG_FLAG_RST, "rst"}};
	const char *before = " flags ";

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!(flags & names[i].flag))
			continue;
		line_add(line, "%s%s", before, names[i].name);
		before = ",";
	}
}

/* The words that mean this set of combinations: flags that must be set, and "established" where that is asked too. */
static void add_flags(struct line *line, uint16_t set)
{
	for (int established = 0; established <= 1; established++) {
		for (unsigned int flags = 0; flags <= EPG_FLAGS_ALL; flags++) {
			if (set != (with_flags(flags) & (established ? ESTABLISHED : UINT16_MAX)))
				continue;
			if (established)
				line_add(line, " established");
			add_flag_names(line, flags);
			return;
		}
	}
	line_add(line, " flags in 0x%04x", set);
}

/* ---- the rest ---- */

const char *epg_dscp_name(uint8_t dscp)
{
	const char *name;
	uint8_t value;

	for (size_t i = 0; (name = names_dscp_at(i)); i++)
		if (!names_parse_dscp(name, &value) && value == dscp)
			return name;
	return NULL;
}

static void add_dscp(struct line *line, struct catalog_range dscp)
{
	const char *name = dscp.first == dscp.last ? epg_dscp_name((uint8_t)dscp.first) : NULL;

	if (name)
		line_add(line, " dscp %s", name);
	else
		add_range(line, "dscp", dscp);
}

static void add_fields(struct line *line, const struct catalog_rule *rule)
{
	bool icmp = is_icmp(rule);

	if (icmp)
		add_type(line, rule);
	else if (is_arp(rule))
		add_opcode(line, rule->destination);
	else
		add_range(line, "dport", rule->destination);
	add_range(line, icmp ? "code" : "sport", rule->source);
	add_flags(line, rule->tcp_flags);
	/* What asks for ports, flags or types asks for whole packets or first fragments anyway. */
	if (rule->fragment.first == 1)
		line_add(line, " fragments");
	add_dscp(line, rule->dscp);
}

void rule_text_match(const struct catalog_rule *rule, char *text, size_t size)
{
	struct line line = {text, size, 0};

	text[0] = '\0';
	if (rule->n_kinds == 0)
		line_add(&line, "any");
	add_all_kinds(&line, rule);
	add_fields(&line, rule);
}

/* Between whom it stands: see epg_rule_info. */
static const char *role_of(const struct catalog_rule *rule)
{
	if (rule->contract == CATALOG_NONE)
		return "";
	switch ((enum catalog_role)rule->role) {
	case CATALOG_ROLE_PAIR:
		return "group";
	case CATALOG_ROLE_TO_ANY:
		return "to-any";
	case CATALOG_ROLE_FROM_ANY:
		return "from-any";
	case CATALOG_ROLE_ANY:
		return "any";
	case CATALOG_ROLE_INTRA:
		return "intra-epg";
	case CATALOG_ROLE_TABOO:
		return "taboo";
	case CATALOG_ROLES:
		break;
	}
	return "";
}

/* Names and purposes of the rules that every policy has. */
static const struct {
	const char *name;
	const char *text;
} implicit_rules[] = {
#define IMPLICIT_RULE(id, name, action, level, flags, text) {name, text},
	EPG_IMPLICIT_RULES(IMPLICIT_RULE)
#undef IMPLICIT_RULE
};

void rule_text_info(const struct generation *generation, uint32_t index, char *match, size_t size,
		    struct epg_rule_info *ret)
{
	const struct catalog *catalog = &generation->catalog;
	const struct catalog_rule *rule = &catalog->rules[index];
	const struct epg_rule *table = &rule->what;
	const struct epg_counter counter = generation_counter(generation, index);
	bool implicit = rule->contract == CATALOG_NONE;
	bool known = implicit && index < ARRAY_SIZE(implicit_rules);

	rule_text_match(rule, match, size);
	*ret = (struct epg_rule_info){
		.index = index,
		.name = known ? implicit_rules[index].name : "",
		.text = known ? implicit_rules[index].text : "",
		.contract = implicit ? "" : catalog_string(catalog, catalog->contracts[rule->contract].name),
		.subject = catalog_string(catalog, rule->subject),
		.filter = catalog_string(catalog, rule->filter),
		.entry = catalog_string(catalog, rule->entry),
		.file = implicit ? "" : catalog->file,
		.line = rule->line,
		.match = match,
		.role = role_of(rule),
		.permit = table->action == EPG_PERMIT,
		.stateful = table->flags & EPG_RULE_STATEFUL,
		.reverse = rule->reverse,
		.audit = table->flags & EPG_RULE_AUDIT,
		.keep = table->flags & EPG_RULE_KEEP,
		.log = table->flags & EPG_RULE_LOG,
		.dscp = table->flags & EPG_RULE_DSCP ? table->dscp : -1,
		.level = table->level,
		.packets = counter.packets,
		.bytes = counter.bytes,
	};
}
