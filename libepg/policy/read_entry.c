/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Filter entries: which packets they match, as intervals. */
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "policy/names.h"
#include "policy/read.h"
#include "base/util.h"

struct entry_nodes {
	const struct tree_node *name, *ether_type, *protocol, *source_port, *destination_port;
	const struct tree_node *icmp_type, *icmp_code, *stateful;
};

static const struct schema_key entry_keys[] = {
	SCHEMA_KEY("name", REQUIRED, struct entry_nodes, name),
	SCHEMA_KEY("etherT", OPTIONAL, struct entry_nodes, ether_type),
	SCHEMA_KEY("prot", OPTIONAL, struct entry_nodes, protocol),
	SCHEMA_KEY("sPort", OPTIONAL, struct entry_nodes, source_port),
	SCHEMA_KEY("dPort", OPTIONAL, struct entry_nodes, destination_port),
	SCHEMA_KEY("icmpType", OPTIONAL, struct entry_nodes, icmp_type),
	SCHEMA_KEY("icmpCode", OPTIONAL, struct entry_nodes, icmp_code),
	SCHEMA_KEY("stateful", OPTIONAL, struct entry_nodes, stateful),
	SCHEMA_NOT_YET("arpOpcode", NULL),
	SCHEMA_NOT_YET("tcpFlags", NULL),
	SCHEMA_NOT_YET("fragments", NULL),
	SCHEMA_NOT_YET("matchDscp", NULL),
};
static const struct schema entry_schema = SCHEMA("a filter entry", entry_keys);

enum family {
	FAMILY_ANY, /* no etherT: every frame */
	FAMILY_IP,
	FAMILY_IPV4,
	FAMILY_IPV6,
	FAMILY_ARP,
};

#define NO_PROTOCOL (-1)

/* An entry while its keys are being read. */
struct entry_draft {
	struct reader *reader;
	const struct entry_nodes *nodes;
	struct model_entry entry;
	enum family family;
	int protocol;
};

/* ---- etherT and prot ---- */

static void read_ether_type(struct entry_draft *draft)
{
	const struct tree_node *node = draft->nodes->ether_type;
	struct epg_diagnostics *diagnostics = draft->reader->diagnostics;
	uint16_t type;
	int error;

	if (!node || !schema_word(diagnostics, node))
		return;
	draft->family = FAMILY_IP;
	if (!strcmp(node->text, "ip"))
		return;
	error = names_parse_ether_type(node->text, &type);
	if (!error && type == ETH_P_IP)
		draft->family = FAMILY_IPV4;
	else if (!error && type == ETH_P_IPV6)
		draft->family = FAMILY_IPV6;
	else if (!error && type == ETH_P_ARP)
		draft->family = FAMILY_ARP;
	else if (!error)
		diagnostics_error(diagnostics, node->place, "ip, ipv4, ipv6 and arp are",
				  "the EtherType %.64s is not supported yet", node->text);
	else
		diagnostics_error(diagnostics, node->place, "one of ip, ipv4, ipv6, arp, or a number such as 0x86dd",
				  "\"%.64s\" is not an EtherType", node->text);
	if (draft->family == FAMILY_ARP)
		diagnostics_warning(diagnostics, node->place, NULL,
				    "ARP needs no contract: the bridge domain permits it anyway");
}

static void unknown_protocol(struct entry_draft *draft, const struct tree_node *node, int error)
{
	struct names_guess guess = NAMES_GUESS(node->text);
	char hint[SCHEMA_HINT_BYTES];
	const char *name;

	for (size_t i = 0; (name = names_protocol_at(i)); i++)
		names_guess_try(&guess, name);
	if (error == -ERANGE)
		diagnostics_error(draft->reader->diagnostics, node->place, "from 0 to 255",
				  "protocol %.64s is out of range", node->text);
	else if (node->text[0] >= '0' && node->text[0] <= '9')
		schema_not_a_number(draft->reader->diagnostics, node, "a protocol");
	else
		diagnostics_error(draft->reader->diagnostics, node->place,
				  schema_did_you_mean(hint, guess.best, "such as tcp, udp, icmp, icmpv6, or a number"),
				  "\"%.64s\" is not a protocol", node->text);
}

/* ICMP belongs to one family each. */
static void restrict_family(struct entry_draft *draft, enum family only, enum family other, const char *hint)
{
	if (draft->family == other)
		diagnostics_error(draft->reader->diagnostics, draft->nodes->protocol->place, hint,
				  "prot %s does not occur with etherT %s", draft->nodes->protocol->text,
				  draft->nodes->ether_type->text);
	draft->family = only;
}

static void read_protocol(struct entry_draft *draft)
{
	const struct tree_node *node = draft->nodes->protocol;
	uint8_t protocol;
	int error;

	if (!node || !schema_word(draft->reader->diagnostics, node))
		return;
	error = names_parse_protocol(node->text, &protocol);
	if (error) {
		unknown_protocol(draft, node, error);
		return;
	}
	draft->protocol = protocol;
	if (draft->family == FAMILY_ANY)
		draft->family = FAMILY_IP;
	if (draft->family == FAMILY_ARP)
		diagnostics_error(draft->reader->diagnostics, node->place, "write etherT: ip",
				  "ARP frames have no IP protocol");
	else if (protocol == IPPROTO_ICMP)
		restrict_family(draft, FAMILY_IPV4, FAMILY_IPV6, "IPv6 has prot: icmpv6");
	else if (protocol == IPPROTO_ICMPV6)
		restrict_family(draft, FAMILY_IPV6, FAMILY_IPV4, "IPv4 has prot: icmp");
}

/* ---- ports ---- */

static void unknown_service(struct entry_draft *draft, const struct tree_node *node, const char *over)
{
	struct names_guess guess = NAMES_GUESS(node->text);
	char hint[SCHEMA_HINT_BYTES];
	const char *name;

	for (size_t i = 0; (name = names_service_at(i)); i++)
		names_guess_try(&guess, name);
	diagnostics_error(draft->reader->diagnostics, node->place,
			  schema_did_you_mean(hint, guess.best, "write the port's number"),
			  "no service \"%.64s\" is known over %s", node->text, over);
}

/* A service by name. Answers are kept, for the host's own list may be slow. */
static bool read_service(struct entry_draft *draft, const struct tree_node *node, uint16_t *ret)
{
	struct reader *reader = draft->reader;
	const char *over = names_protocol((uint8_t)draft->protocol), *key;
	const struct string_index_entry *known;
	uint16_t port;

	key = node->count <= SCHEMA_NAME_BYTES ? arena_format(reader->arena, "%s/%s", over, node->text) : "";
	if (!key) {
		reader->out_of_memory = true;
		return false;
	}
	known = string_index_find(&reader->services, key, strlen(key));
	if (known) {
		*ret = (uint16_t)known->value;
		return true;
	}
	if (!*key || diagnostics_full(reader->diagnostics) ||
	    names_parse_service(node->text, (uint8_t)draft->protocol, &port)) {
		unknown_service(draft, node, over);
		return false;
	}
	if (string_index_add(&reader->services, key, strlen(key), port, node->place, NULL))
		reader->out_of_memory = true;
	*ret = port;
	return true;
}

/* One end of a range. */
static bool parse_port(struct entry_draft *draft, const struct tree_node *node, const char *text, uint16_t *ret)
{
	static const char hint[] = "a number from 0 to 65535, a range such as 80-443, or a service's name";
	const struct tree_node number = {.place = node->place, .text = text, .count = (uint32_t)strlen(text)};
	uint32_t port;

	switch (names_parse_number(text, UINT16_MAX, &port)) {
	case 0:
		*ret = (uint16_t)port;
		return true;
	case -ERANGE:
		diagnostics_error(draft->reader->diagnostics, node->place, "from 0 to 65535",
				  "port %.64s is out of range", text);
		return false;
	default:
		if (*text && strspn(text, "0123456789") == strlen(text))
			schema_not_a_number(draft->reader->diagnostics, &number, "a port");
		else
			diagnostics_error(draft->reader->diagnostics, node->place, hint, "\"%.64s\" is not a port",
					  node->text);
		return false;
	}
}

/* Digits, a minus sign, digits. */
static bool read_port_range(struct entry_draft *draft, const struct tree_node *node, struct model_range *ret)
{
	char first[16], hint[SCHEMA_HINT_BYTES];
	size_t length = strcspn(node->text, "-");
	struct model_range range;

	snprintf(first, sizeof(first), "%.*s", length < sizeof(first) ? (int)length : (int)sizeof(first), node->text);
	if (!parse_port(draft, node, first, &range.first) ||
	    !parse_port(draft, node, node->text + length + 1, &range.last))
		return false;
	if (range.first > range.last) {
		snprintf(hint, sizeof(hint), "write %u-%u", range.last, range.first);
		diagnostics_error(draft->reader->diagnostics, node->place, hint, "the range %s is the wrong way round",
				  node->text);
		return false;
	}
	*ret = range;
	return true;
}

static void read_ports(struct entry_draft *draft, const struct tree_node *node, struct model_range *ret)
{
	struct epg_diagnostics *diagnostics = draft->reader->diagnostics;
	struct model_range range = MODEL_RANGE_ANY;
	bool good;

	if (node->kind == TREE_SEQUENCE) {
		diagnostics_error(diagnostics, node->place, "write an entry for each of them",
				  "one port or range must stand here, not a list");
		return;
	}
	if (!schema_word(diagnostics, node))
		return;
	if (strspn(node->text, "0123456789-") == node->count && strchr(node->text, '-')) {
		good = read_port_range(draft, node, &range);
	} else if (strspn(node->text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") > 0) {
		good = read_service(draft, node, &range.first);
		range.last = range.first;
	} else {
		good = parse_port(draft, node, node->text, &range.first);
		range.last = range.first;
	}
	if (good)
		*ret = range;
}

/* Ports make sense with some protocols only. */
static void read_both_ports(struct entry_draft *draft)
{
	const struct entry_nodes *nodes = draft->nodes;
	const struct tree_node *node = nodes->destination_port ? nodes->destination_port : nodes->source_port;
	struct epg_diagnostics *diagnostics = draft->reader->diagnostics;
	const char *key = nodes->destination_port ? "dPort" : "sPort";

	if (!node)
		return;
	switch (draft->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		if (nodes->destination_port)
			read_ports(draft, nodes->destination_port, &draft->entry.destination);
		if (nodes->source_port)
			read_ports(draft, nodes->source_port, &draft->entry.source);
		return;
	case IPPROTO_SCTP:
	case IPPROTO_UDPLITE:
	case IPPROTO_DCCP:
		diagnostics_error(diagnostics, node->place, "without ports, the protocol can be permitted as a whole",
				  "ports of prot %s are not supported yet", nodes->protocol->text);
		return;
	case NO_PROTOCOL:
		if (!nodes->protocol)
			diagnostics_error(diagnostics, node->place, "add prot: tcp or prot: udp", "%s needs a prot",
					  key);
		return;
	default:
		diagnostics_error(diagnostics, node->place, "tcp and udp have ports", "prot %s has no ports: %s",
				  nodes->protocol->text, key);
	}
}

/* ---- icmpType and icmpCode ---- */

static void read_icmp_type(struct entry_draft *draft, bool ipv6)
{
	const struct tree_node *node = draft->nodes->icmp_type;
	struct names_guess guess;
	char hint[SCHEMA_HINT_BYTES];
	const char *name;
	uint8_t type;
	int error;

	if (!schema_word(draft->reader->diagnostics, node))
		return;
	error = names_parse_icmp_type(node->text, ipv6, &type);
	if (!error) {
		draft->entry.destination = (struct model_range){type, type};
		return;
	}
	guess = NAMES_GUESS(node->text);
	for (size_t i = 0; (name = names_icmp_type_at(i, ipv6)); i++)
		names_guess_try(&guess, name);
	if (error == -ERANGE)
		diagnostics_error(draft->reader->diagnostics, node->place, "from 0 to 255",
				  "icmpType %.64s is out of range", node->text);
	else if (node->text[0] >= '0' && node->text[0] <= '9')
		schema_not_a_number(draft->reader->diagnostics, node, "an icmpType");
	else
		diagnostics_error(draft->reader->diagnostics, node->place,
				  schema_did_you_mean(hint, guess.best, "such as echo-request, or a number"),
				  "\"%.64s\" is not a type of %s", node->text, ipv6 ? "icmpv6" : "icmp");
}

static void read_icmp(struct entry_draft *draft)
{
	const struct entry_nodes *nodes = draft->nodes;
	struct epg_diagnostics *diagnostics = draft->reader->diagnostics;
	uint32_t code;

	draft->entry.icmp = draft->protocol == IPPROTO_ICMP || draft->protocol == IPPROTO_ICMPV6;
	if (!nodes->icmp_type && !nodes->icmp_code)
		return;
	if (!draft->entry.icmp) {
		if (draft->protocol != NO_PROTOCOL || !nodes->protocol)
			diagnostics_error(diagnostics, (nodes->icmp_type ? nodes->icmp_type : nodes->icmp_code)->place,
					  "add prot: icmp or prot: icmpv6", "%s is for prot icmp and icmpv6",
					  nodes->icmp_type ? "icmpType" : "icmpCode");
		return;
	}
	if (nodes->icmp_type)
		read_icmp_type(draft, draft->protocol == IPPROTO_ICMPV6);
	else
		diagnostics_error(diagnostics, nodes->icmp_code->place, "what a code means depends on the type",
				  "icmpCode needs an icmpType");
	if (nodes->icmp_code && schema_number(diagnostics, nodes->icmp_code, "icmpCode", 0, UINT8_MAX, &code))
		draft->entry.source = (struct model_range){(uint16_t)code, (uint16_t)code};
}

/* ---- the entry ---- */

/* Of one family: all its protocols, or one. */
static struct model_range kinds_of(unsigned int family, int protocol)
{
	if (protocol == NO_PROTOCOL)
		return (struct model_range){(uint16_t)family, (uint16_t)(family + UINT8_MAX)};
	return (struct model_range){(uint16_t)(family + (unsigned int)protocol),
				    (uint16_t)(family + (unsigned int)protocol)};
}

static void set_kinds(struct entry_draft *draft)
{
	struct model_entry *entry = &draft->entry;

	entry->n_kinds = 1;
	switch (draft->family) {
	case FAMILY_ANY:
		entry->kinds[0] = MODEL_RANGE_ANY;
		break;
	case FAMILY_ARP:
		entry->kinds[0] = (struct model_range){ETH_P_ARP, ETH_P_ARP};
		break;
	case FAMILY_IPV4:
		entry->kinds[0] = kinds_of(EPG_KIND_IPV4, draft->protocol);
		break;
	case FAMILY_IPV6:
		entry->kinds[0] = kinds_of(EPG_KIND_IPV6, draft->protocol);
		break;
	case FAMILY_IP:
		entry->kinds[0] = kinds_of(EPG_KIND_IPV4, draft->protocol);
		entry->kinds[1] = kinds_of(EPG_KIND_IPV6, draft->protocol);
		if (draft->protocol == NO_PROTOCOL)
			entry->kinds[0].last = entry->kinds[1].last; /* they adjoin: one interval */
		else
			entry->n_kinds = 2;
		break;
	}
	if (entry->n_kinds == 1)
		entry->kinds[1] = (struct model_range){0, 0};
}

static void read_stateful(struct entry_draft *draft)
{
	const struct tree_node *node = draft->nodes->stateful;

	draft->entry.stateful = true;
	if (!node || !schema_boolean(draft->reader->diagnostics, node, &draft->entry.stateful))
		return;
	if (!draft->entry.stateful && draft->family == FAMILY_ARP)
		diagnostics_error(draft->reader->diagnostics, node->place, "take it out", "ARP is not tracked anyway");
}

void read_entry(struct reader *reader, const struct tree_node *node, void *object)
{
	struct model_filter *filter = object;
	struct entry_nodes nodes = {0};
	struct entry_draft draft = {
		.reader = reader,
		.nodes = &nodes,
		.entry = {.place = node->place, .destination = MODEL_RANGE_ANY, .source = MODEL_RANGE_ANY},
		.protocol = NO_PROTOCOL,
	};
	size_t errors = diagnostics_errors(reader->diagnostics);

	if (!schema_read(reader->diagnostics, node, &entry_schema, &nodes))
		return;
	if (nodes.name && schema_name(reader->diagnostics, nodes.name)) {
		draft.entry.name = arena_string(reader->arena, nodes.name->text, nodes.name->count);
		reader->out_of_memory |= !draft.entry.name;
	}
	read_ether_type(&draft);
	read_protocol(&draft);
	read_both_ports(&draft);
	read_icmp(&draft);
	read_stateful(&draft);
	if (errors == diagnostics_errors(reader->diagnostics))
		set_kinds(&draft); /* otherwise the entry matches nothing, so that it is not compared with others */
	draft.entry.tcp = draft.protocol == IPPROTO_TCP;
	draft.entry.filtered = draft.protocol != NO_PROTOCOL || draft.family > FAMILY_IP;
	if (draft.entry.name)
		filter->entries[filter->n_entries++] = draft.entry;
}

const void *read_entry_match(const struct model_entry *entry, size_t *ret_length)
{
	size_t start = offsetof(struct model_entry, kinds);

	_Static_assert(offsetof(struct model_entry, icmp) - offsetof(struct model_entry, kinds) ==
			       4 * sizeof(struct model_range) + sizeof(unsigned int),
		       "kinds, n_kinds, destination and source stand side by side without padding");
	*ret_length = offsetof(struct model_entry, icmp) - start;
	return (const char *)entry + start;
}
