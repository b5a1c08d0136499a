/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Filter entries: which packets they match, as intervals. */
#include <errno.h>
#include <linux/if_ether.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "policy/names.h"
#include "policy/read.h"
#include "base/util.h"

static const struct schema_key entry_keys[] = {
	SCHEMA_KEY("name", REQUIRED, struct read_entry_nodes, name),
	SCHEMA_KEY("etherT", OPTIONAL, struct read_entry_nodes, ether_type),
	SCHEMA_KEY("prot", OPTIONAL, struct read_entry_nodes, protocol),
	SCHEMA_KEY("sPort", OPTIONAL, struct read_entry_nodes, source_port),
	SCHEMA_KEY("dPort", OPTIONAL, struct read_entry_nodes, destination_port),
	SCHEMA_KEY("icmpType", OPTIONAL, struct read_entry_nodes, icmp_type),
	SCHEMA_KEY("icmpCode", OPTIONAL, struct read_entry_nodes, icmp_code),
	SCHEMA_KEY("arpOpcode", OPTIONAL, struct read_entry_nodes, arp_opcode),
	SCHEMA_KEY("tcpFlags", OPTIONAL, struct read_entry_nodes, tcp_flags),
	SCHEMA_KEY("fragments", OPTIONAL, struct read_entry_nodes, fragments),
	SCHEMA_KEY("matchDscp", OPTIONAL, struct read_entry_nodes, dscp),
	SCHEMA_KEY("stateful", OPTIONAL, struct read_entry_nodes, stateful),
};
const struct schema read_entry_schema = SCHEMA("a filter entry", entry_keys);

enum family {
	FAMILY_ANY, /* no etherT: every frame */
	FAMILY_IP,
	FAMILY_IPV4,
	FAMILY_IPV6,
	FAMILY_ARP,
	FAMILY_OTHER, /* one EtherType that is neither */
};

#define NO_PROTOCOL (-1)

/* An entry while its keys are being read. */
struct entry_draft {
	struct reader *reader;
	const struct read_entry_nodes *nodes;
	struct model_entry entry;
	size_t errors; /* before the entry */
	enum family family;
	uint16_t ether_type; /* of FAMILY_OTHER */
	int protocol;
};

static bool is_ip(const struct entry_draft *draft)
{
	return draft->family == FAMILY_IP || draft->family == FAMILY_IPV4 || draft->family == FAMILY_IPV6;
}

/* A key that says that IP is meant, where nothing else is said. Tells of one that contradicts. */
static bool imply_ip(struct entry_draft *draft, const struct tree_node *node, const char *what)
{
	if (draft->family == FAMILY_ANY)
		draft->family = FAMILY_IP;
	if (is_ip(draft))
		return true;
	diagnostics_error(draft->reader->diagnostics, node->place, "write etherT: ip, or take one of them out",
			  "frames of etherT %.64s have no %s", draft->nodes->ether_type->text, what);
	return false;
}

/* ---- etherT and prot ---- */

static void unknown_ether_type(struct entry_draft *draft, const struct tree_node *node, int error)
{
	struct epg_diagnostics *diagnostics = draft->reader->diagnostics;

	if (error == -ERANGE)
		diagnostics_error(diagnostics, node->place, "from 0x600 to 0xffff", "EtherType %.64s is out of range",
				  node->text);
	else
		diagnostics_error(diagnostics, node->place, "one of ip, ipv4, ipv6, arp, or a number such as 0x88cc",
				  "\"%.64s\" is not an EtherType", node->text);
}

static void read_ether_type(struct entry_draft *draft)
{
	const struct tree_node *node = draft->nodes->ether_type;
	struct epg_diagnostics *diagnostics = draft->reader->diagnostics;
	int error;

	if (!node || !schema_word(diagnostics, node))
		return;
	draft->family = FAMILY_IP;
	if (!strcmp(node->text, "ip"))
		return;
	error = names_parse_ether_type(node->text, &draft->ether_type);
	if (error) {
		unknown_ether_type(draft, node, error);
		return;
	}
	switch (draft->ether_type) {
	case ETH_P_IP:
		draft->family = FAMILY_IPV4;
		return;
	case ETH_P_IPV6:
		draft->family = FAMILY_IPV6;
		return;
	case ETH_P_ARP:
		draft->family = FAMILY_ARP;
		return;
	case ETH_P_8021Q:
	case ETH_P_8021AD:
		diagnostics_error(diagnostics, node->place, "write the EtherType of what the tagged frame carries",
				  "%.64s is a VLAN tag, not what a frame carries", node->text);
		return;
	default:
		draft->family = FAMILY_OTHER;
	}
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
	if (!imply_ip(draft, node, "IP protocol"))
		return;
	if (protocol == IPPROTO_ICMP)
		restrict_family(draft, FAMILY_IPV4, FAMILY_IPV6, "IPv6 has prot: icmpv6");
	else if (protocol == IPPROTO_ICMPV6)
		restrict_family(draft, FAMILY_IPV6, FAMILY_IPV4, "IPv4 has prot: icmp");
}

/* ---- ports ---- */

/* Ports make sense with some protocols only. */
static void read_both_ports(struct entry_draft *draft)
{
	const struct read_entry_nodes *nodes = draft->nodes;
	const struct tree_node *node = nodes->destination_port ? nodes->destination_port : nodes->source_port;
	struct epg_diagnostics *diagnostics = draft->reader->diagnostics;
	const char *key = nodes->destination_port ? "dPort" : "sPort";
	uint8_t protocol = (uint8_t)draft->protocol;

	if (!node)
		return;
	if (draft->protocol == NO_PROTOCOL) {
		if (!nodes->protocol)
			diagnostics_error(diagnostics, node->place, "add prot: tcp or prot: udp", "%s needs a prot",
					  key);
		return;
	}
	if (!names_has_ports(protocol)) {
		diagnostics_error(diagnostics, node->place, "tcp, udp, sctp, udplite and dccp have ports",
				  "prot %.64s has no ports: %s", nodes->protocol->text, key);
		return;
	}
	if (nodes->destination_port)
		read_ports(draft->reader, nodes->destination_port, protocol, &draft->entry.destination);
	if (nodes->source_port)
		read_ports(draft->reader, nodes->source_port, protocol, &draft->entry.source);
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
	const struct read_entry_nodes *nodes = draft->nodes;
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

/* ---- arpOpcode, tcpFlags, matchDscp, fragments ---- */

static void read_arp_opcode(struct entry_draft *draft)
{
	static const char *const opcodes[] = {"request", "reply"};
	const struct tree_node *node = draft->nodes->arp_opcode;
	struct epg_diagnostics *diagnostics = draft->reader->diagnostics;
	unsigned int opcode;

	if (!node)
		return;
	if (draft->family != FAMILY_ARP)
		diagnostics_error(diagnostics, node->place, "write etherT: arp", "arpOpcode is for etherT arp");
	else if (schema_choice(diagnostics, node, opcodes, ARRAY_SIZE(opcodes), &opcode))
		draft->entry.destination =
			(struct model_range){(uint16_t)(ARPOP_REQUEST + opcode), (uint16_t)(ARPOP_REQUEST + opcode)};
}

static void read_entry_flags(struct entry_draft *draft)
{
	const struct tree_node *node = draft->nodes->tcp_flags;

	if (!node)
		return;
	if (draft->protocol == IPPROTO_TCP)
		read_tcp_flags(draft->reader, node, &draft->entry.tcp_flags);
	else if (draft->protocol != NO_PROTOCOL || !draft->nodes->protocol)
		diagnostics_error(draft->reader->diagnostics, node->place, "write prot: tcp",
				  "tcpFlags is for prot tcp");
}

static void read_match_dscp(struct entry_draft *draft)
{
	const struct tree_node *node = draft->nodes->dscp;
	uint8_t dscp;

	if (node && imply_ip(draft, node, "DSCP") && read_dscp(draft->reader, node, &dscp))
		draft->entry.dscp = (struct model_range){dscp, dscp};
}

/* A key that only the first fragment of a packet can match; NULL where the entry has none. */
static const char *key_of_first(const struct read_entry_nodes *nodes)
{
	return nodes->destination_port ? "dPort"
	       : nodes->source_port    ? "sPort"
	       : nodes->icmp_type      ? "icmpType"
	       : nodes->icmp_code      ? "icmpCode"
	       : nodes->tcp_flags      ? "tcpFlags"
				       : NULL;
}

static void read_fragments(struct entry_draft *draft)
{
	static const char *const words[] = {"only"};
	const struct tree_node *node = draft->nodes->fragments;
	struct epg_diagnostics *diagnostics = draft->reader->diagnostics;
	const char *key = key_of_first(draft->nodes);
	unsigned int word;

	if (key)
		draft->entry.fragment = (struct model_range){0, 0};
	if (!node || !schema_choice(diagnostics, node, words, ARRAY_SIZE(words), &word) ||
	    !imply_ip(draft, node, "fragments"))
		return;
	if (key)
		diagnostics_error(diagnostics, node->place, "write two entries",
				  "only the first fragment of a packet has what %s asks for", key);
	draft->entry.fragment = (struct model_range){1, 1};
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
	case FAMILY_OTHER:
		entry->kinds[0] = (struct model_range){draft->ether_type, draft->ether_type};
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

/* Only IP is tracked, by its first fragments: frames of other sorts are looked at one by one. */
static void read_stateful(struct entry_draft *draft)
{
	struct epg_diagnostics *diagnostics = draft->reader->diagnostics;
	const struct tree_node *node = draft->nodes->stateful;
	const char *hint = "write stateful: false, or take it out";
	bool ip = is_ip(draft) || draft->family == FAMILY_ANY, pieces = draft->nodes->fragments;

	draft->entry.stateful = ip && !pieces;
	if (!node || !schema_boolean(diagnostics, node, &draft->entry.stateful) || !draft->entry.stateful)
		return;
	if (!ip)
		diagnostics_error(diagnostics, node->place, hint, "frames of etherT %.64s are not tracked",
				  draft->nodes->ether_type->text);
	else if (pieces)
		diagnostics_error(diagnostics, node->place, hint, "later fragments are not tracked");
}

/* Reads all keys but the name. */
static void read_entry_keys(struct entry_draft *draft)
{
	struct model_entry *entry = &draft->entry;

	read_ether_type(draft);
	read_protocol(draft);
	read_both_ports(draft);
	read_icmp(draft);
	read_arp_opcode(draft);
	read_entry_flags(draft);
	read_match_dscp(draft);
	read_fragments(draft);
	read_stateful(draft);
	if (draft->errors == diagnostics_errors(draft->reader->diagnostics))
		set_kinds(draft); /* otherwise the entry matches nothing, so that it is not compared with others */
	entry->arp = draft->family == FAMILY_ARP;
	entry->tcp = draft->protocol == IPPROTO_TCP && !draft->nodes->fragments; /* a later fragment has no flags */
	entry->filtered = draft->protocol != NO_PROTOCOL || draft->family > FAMILY_IP || draft->nodes->dscp ||
			  draft->nodes->fragments;
}

bool read_entry_of(struct reader *reader, struct place place, const struct read_entry_nodes *nodes,
		   struct model_entry *ret)
{
	struct entry_draft draft = {
		.reader = reader,
		.nodes = nodes,
		.entry =
			{
				.place = place,
				.destination = MODEL_RANGE_ANY,
				.source = MODEL_RANGE_ANY,
				.dscp = MODEL_RANGE_ANY,
				.fragment = MODEL_RANGE_ANY,
				.tcp_flags = MODEL_TCP_FLAGS_ANY,
			},
		.errors = diagnostics_errors(reader->diagnostics),
		.protocol = NO_PROTOCOL,
	};

	if (nodes->name && schema_name(reader->diagnostics, nodes->name)) {
		draft.entry.name = arena_string(reader->arena, nodes->name->text, nodes->name->count);
		reader->out_of_memory |= !draft.entry.name;
	}
	read_entry_keys(&draft);
	*ret = draft.entry;
	return draft.entry.name;
}

void read_entry(struct reader *reader, const struct tree_node *node, void *object)
{
	struct model_filter *filter = object;
	struct read_entry_nodes nodes = {0};

	if (schema_read(reader->diagnostics, node, &read_entry_schema, &nodes) &&
	    read_entry_of(reader, node->place, &nodes, &filter->entries[filter->n_entries]))
		filter->n_entries++;
}

const void *read_entry_match(const struct model_entry *entry, size_t *ret_length)
{
	size_t start = offsetof(struct model_entry, kinds);

	_Static_assert(offsetof(struct model_entry, icmp) - offsetof(struct model_entry, kinds) ==
			       6 * sizeof(struct model_range) + sizeof(unsigned int) + sizeof(uint16_t),
		       "from kinds to tcp_flags there is no padding");
	*ret_length = offsetof(struct model_entry, icmp) - start;
	return (const char *)entry + start;
}
