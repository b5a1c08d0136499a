// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "generate_filter.h"

#include "base/util.h"

static const char *const DSCP[] = {"0",   "1",    "CS1", "10", "AF11", "AF21", "22",
				   "CS4", "AF43", "VA",  "EF", "46",   "CS7",  "63"};

unsigned int pick_weighted(struct generator *generator, const unsigned int *weights, unsigned int n)
{
	unsigned int total = 0, at;

	for (unsigned int i = 0; i < n; i++)
		total += weights[i];
	at = pick(generator, total);
	for (unsigned int i = 0; i < n; i++) {
		if (at < weights[i])
			return i;
		at -= weights[i];
	}
	return 0;
}

/* ---- entries ---- */

static void add_ports(struct generator *generator, struct document_node *entry, const char *key)
{
	unsigned int first = pick(generator, POOL_PORTS), last = pick(generator, POOL_PORTS);

	if (chance(generator, 50))
		document_scalar(generator->arena, entry, key, "%u", POOL_PORT[first]);
	else
		document_scalar(generator->arena, entry, key, "%u-%u", POOL_PORT[first < last ? first : last],
				POOL_PORT[first < last ? last : first]);
}

static void add_family(struct generator *generator, struct document_node *entry, unsigned int percent)
{
	static const char *const families[] = {"ip", "ipv4", "ipv6", "0x800", "0x86dd"};
	static const unsigned int weights[] = {40, 25, 25, 5, 5};

	if (chance(generator, percent))
		document_scalar(generator->arena, entry, "etherT", "%s",
				families[pick_weighted(generator, weights, ARRAY_SIZE(weights))]);
}

static void add_tcp_flags(struct generator *generator, struct document_node *entry)
{
	static const char *const flags[] = {"syn", "ack", "fin", "rst"};
	struct document_node *list;
	unsigned int chosen = 1 + pick(generator, 15);

	if (chance(generator, 35)) {
		document_scalar(generator->arena, entry, "tcpFlags", "est");
		return;
	}
	list = document_sequence(generator->arena, entry, "tcpFlags");
	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++)
		if (chosen >> i & 1)
			document_scalar(generator->arena, list, NULL, "%s", flags[i]);
}

static void add_dscp(struct generator *generator, struct document_node *entry, unsigned int percent)
{
	if (chance(generator, percent))
		document_scalar(generator->arena, entry, "matchDscp", "%s", DSCP[pick(generator, ARRAY_SIZE(DSCP))]);
}

static void add_fragments(struct generator *generator, struct document_node *entry, unsigned int percent)
{
	if (chance(generator, percent))
		document_scalar(generator->arena, entry, "fragments", "only");
}

static bool has_key(const struct document_node *mapping, const char *key)
{
	for (const struct document_node *node = mapping->first; node; node = node->next)
		if (!strcmp(node->key, key))
			return true;
	return false;
}

/* Later fragments cannot be. */
static void add_stateful(struct generator *generator, struct document_node *entry)
{
	bool tracked = chance(generator, 15) && !has_key(entry, "fragments");

	if (chance(generator, 35))
		document_scalar(generator->arena, entry, "stateful", "%s", tracked ? "true" : "false");
}

static void write_tcp(struct generator *generator, struct document_node *entry)
{
	bool flags = chance(generator, 25), destination = chance(generator, 75), source = chance(generator, 25);

	add_family(generator, entry, 30);
	document_scalar(generator->arena, entry, "prot", "%s", chance(generator, 90) ? "tcp" : "6");
	if (destination && chance(generator, 10))
		document_scalar(generator->arena, entry, "dPort", "http");
	else if (destination)
		add_ports(generator, entry, "dPort");
	if (source)
		add_ports(generator, entry, "sPort");
	if (flags)
		add_tcp_flags(generator, entry);
	if (!flags && !destination && !source)
		add_fragments(generator, entry, 30);
	add_dscp(generator, entry, 8);
	add_stateful(generator, entry);
}

static void write_other_ports(struct generator *generator, struct document_node *entry)
{
	static const char *const protocols[] = {"udp", "sctp", "udplite", "dccp"};
	static const unsigned int weights[] = {60, 16, 12, 12};
	bool destination = chance(generator, 70), source = chance(generator, 30);

	add_family(generator, entry, 30);
	document_scalar(generator->arena, entry, "prot", "%s",
			protocols[pick_weighted(generator, weights, ARRAY_SIZE(weights))]);
	if (destination)
		add_ports(generator, entry, "dPort");
	if (source)
		add_ports(generator, entry, "sPort");
	if (!destination && !source)
		add_fragments(generator, entry, 30);
	add_dscp(generator, entry, 8);
	add_stateful(generator, entry);
}

/* Types that are no errors: those follow flows. */
static void write_icmp(struct generator *generator, struct document_node *entry)
{
	static const char *const types4[] = {"echo-request", "echo-reply", "8", "13", "5", "redirect"};
	static const char *const types6[] = {"echo-request", "echo-reply",
					     "128",          "neighbor-solicitation",
					     "136",          "neighbor-advertisement",
					     "139",          "135"};
	bool ipv4 = chance(generator, 50);

	if (chance(generator, 20))
		document_scalar(generator->arena, entry, "etherT", "%s", ipv4 ? "ipv4" : "ipv6");
	document_scalar(generator->arena, entry, "prot", "%s", ipv4 ? "icmp" : "icmpv6");
	if (chance(generator, 65)) {
		document_scalar(generator->arena, entry, "icmpType", "%s",
				ipv4 ? types4[pick(generator, ARRAY_SIZE(types4))]
				     : types6[pick(generator, ARRAY_SIZE(types6))]);
		if (chance(generator, 30))
			document_scalar(generator->arena, entry, "icmpCode", "%u", pick(generator, 3));
	} else {
		add_fragments(generator, entry, 20);
	}
	add_dscp(generator, entry, 5);
	add_stateful(generator, entry);
}

static void write_protocol(struct generator *generator, struct document_node *entry)
{
	static const char *const protocols[] = {"igmp", "gre", "47", "esp", "0", "255", "tcp", "udp"};

	add_family(generator, entry, 30);
	document_scalar(generator->arena, entry, "prot", "%s", protocols[pick(generator, ARRAY_SIZE(protocols))]);
	add_fragments(generator, entry, 15);
	add_dscp(generator, entry, 15);
	add_stateful(generator, entry);
}

/* `etherT: ip`, or nothing at all. */
static void write_unfiltered(struct generator *generator, struct document_node *entry)
{
	if (chance(generator, 50))
		document_scalar(generator->arena, entry, "etherT", "ip");
	if (chance(generator, 30))
		document_scalar(generator->arena, entry, "stateful", "false");
}

static void write_family(struct generator *generator, struct document_node *entry)
{
	add_family(generator, entry, 100);
	add_fragments(generator, entry, 20);
	add_dscp(generator, entry, 25);
	add_stateful(generator, entry);
}

static void write_arp(struct generator *generator, struct document_node *entry)
{
	document_scalar(generator->arena, entry, "etherT", "%s", chance(generator, 80) ? "arp" : "0x0806");
	if (chance(generator, 60))
		document_scalar(generator->arena, entry, "arpOpcode", "%s",
				chance(generator, 50) ? "request" : "reply");
}

static void write_ether_type(struct generator *generator, struct document_node *entry)
{
	uint16_t type = POOL_ETHER_TYPE[pick(generator, POOL_ETHER_TYPES)];

	document_scalar(generator->arena, entry, "etherT", chance(generator, 60) ? "0x%x" : "%u", type);
}

void generate_filters(struct generator *generator, struct document_node *tenant)
{
	static void (*const write[])(struct generator *, struct document_node *) = {
		write_tcp,        write_other_ports, write_icmp, write_protocol,
		write_unfiltered, write_family,      write_arp,  write_ether_type,
	};
	static const unsigned int weights[] = {28, 18, 12, 7, 22, 6, 5, 4};
	struct document_node *filters = document_sequence(generator->arena, tenant, "filters");

	for (unsigned int i = 0; i < generator->filters; i++) {
		struct document_node *filter = document_mapping(generator->arena, filters, NULL), *entries;
		unsigned int n = 1 + pick(generator, 3);

		document_scalar(generator->arena, filter, "name", "f%u", i);
		entries = document_sequence(generator->arena, filter, "entries");
		for (unsigned int j = 0; j < n; j++) {
			struct document_node *entry = document_mapping(generator->arena, entries, NULL);

			document_scalar(generator->arena, entry, "name", "e%u", j);
			write[pick_weighted(generator, weights, ARRAY_SIZE(weights))](generator, entry);
		}
	}
}

/* ---- contracts ---- */

static void write_use(struct generator *generator, struct document_node *filters, unsigned int filter)
{
	struct document_node *use;

	if (chance(generator, 55)) {
		document_scalar(generator->arena, filters, NULL, "f%u", filter);
		return;
	}
	use = document_mapping(generator->arena, filters, NULL);
	document_scalar(generator->arena, use, "name", "f%u", filter);
	if (chance(generator, 65)) {
		document_scalar(generator->arena, use, "action", "deny");
		if (chance(generator, 55))
			document_scalar(generator->arena, use, "priority", "level%u", 1 + pick(generator, 3));
	} else if (chance(generator, 30)) {
		document_scalar(generator->arena, use, "action", "permit");
	}
	if (chance(generator, 20))
		document_scalar(generator->arena, use, "log", "%s", chance(generator, 80) ? "true" : "false");
}

static void write_subject(struct generator *generator, struct document_node *subject)
{
	unsigned int n = 1 + pick(generator, 2), first = pick(generator, generator->filters);
	struct document_node *filters;

	if (chance(generator, 15))
		document_scalar(generator->arena, subject, "bothDirections", "false");
	else if (chance(generator, 10))
		document_scalar(generator->arena, subject, "bothDirections", "true");
	if (chance(generator, 22))
		document_scalar(generator->arena, subject, "reverseFilterPorts", "%s",
				chance(generator, 85) ? "false" : "true");
	if (chance(generator, 18))
		document_scalar(generator->arena, subject, "mode", "%s", chance(generator, 85) ? "audit" : "enforce");
	if (chance(generator, 12))
		document_scalar(generator->arena, subject, "dscp", "%s", DSCP[pick(generator, ARRAY_SIZE(DSCP))]);
	filters = document_sequence(generator->arena, subject, "filters");
	for (unsigned int i = 0; i < n && i < generator->filters; i++)
		write_use(generator, filters, (first + i) % generator->filters);
}

void generate_contracts(struct generator *generator, struct document_node *tenant)
{
	static const char *const scopes[] = {"application-profile", "vrf", "tenant", "global"};
	static const unsigned int narrow[] = {15, 85, 0, 0}, wide[] = {8, 22, 30, 40};
	struct document_node *contracts = document_sequence(generator->arena, tenant, "contracts");

	for (unsigned int i = 0; i < generator->contracts; i++) {
		struct document_node *contract = document_mapping(generator->arena, contracts, NULL), *subjects;
		unsigned int n = 1 + pick(generator, 2);

		document_scalar(generator->arena, contract, "name", "c%u", i);
		if (generator->wide || chance(generator, 40))
			document_scalar(
				generator->arena, contract, "scope", "%s",
				scopes[pick_weighted(generator, generator->wide ? wide : narrow, ARRAY_SIZE(wide))]);
		if (chance(generator, 15))
			document_scalar(generator->arena, contract, "onChange", "%s",
					chance(generator, 70) ? "keep" : "reevaluate");
		subjects = document_sequence(generator->arena, contract, "subjects");
		for (unsigned int j = 0; j < n; j++) {
			struct document_node *subject = document_mapping(generator->arena, subjects, NULL);

			document_scalar(generator->arena, subject, "name", "s%u", j);
			write_subject(generator, subject);
		}
	}
}

void generate_taboos(struct generator *generator, struct document_node *tenant)
{
	struct document_node *taboos;

	if (generator->taboos == 0)
		return;
	taboos = document_sequence(generator->arena, tenant, "taboos");
	for (unsigned int i = 0; i < generator->taboos; i++) {
		struct document_node *taboo = document_mapping(generator->arena, taboos, NULL), *filters;
		unsigned int filter = pick(generator, generator->filters);

		document_scalar(generator->arena, taboo, "name", "n%u", i);
		filters = document_sequence(generator->arena, taboo, "filters");
		if (chance(generator, 70)) {
			document_scalar(generator->arena, filters, NULL, "f%u", filter);
		} else {
			struct document_node *use = document_mapping(generator->arena, filters, NULL);

			document_scalar(generator->arena, use, "name", "f%u", filter);
			document_scalar(generator->arena, use, "log", "true");
		}
	}
}
