/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/if_ether.h>

#include "base/util.h"
#include "policy/edit_entry.h"
#include "policy/names.h"

static const struct {
	const char *name;
	uint16_t bit; /* as in a TCP header */
} flag_names[EDIT_FLAGS] = {{"fin", 0x01}, {"syn", 0x02}, {"rst", 0x04}, {"ack", 0x10}};

#define FLAGS_KNOWN 0x17

static uint16_t given_by(const struct epg_entry *entry)
{
	uint16_t given = (uint16_t)(entry->zeros & EPG_ENTRY_ALL);

	given |= entry->ether_type ? EPG_ENTRY_ETHER_TYPE : 0;
	given |= entry->protocol ? EPG_ENTRY_PROTOCOL : 0;
	given |= entry->destination_first || entry->destination_last ? EPG_ENTRY_DESTINATION : 0;
	given |= entry->source_first || entry->source_last ? EPG_ENTRY_SOURCE : 0;
	given |= entry->icmp_type ? EPG_ENTRY_ICMP_TYPE : 0;
	given |= entry->icmp_code ? EPG_ENTRY_ICMP_CODE : 0;
	given |= entry->arp_opcode ? EPG_ENTRY_ARP_OPCODE : 0;
	given |= entry->tcp_flags ? EPG_ENTRY_TCP_FLAGS : 0;
	given |= entry->dscp ? EPG_ENTRY_DSCP : 0;
	return given;
}

int edit_pack(const struct epg_entry *entry, struct edit_entry *ret)
{
	size_t length = entry->name ? strnlen(entry->name, UINT8_MAX + 1) : 0;

	if (length > UINT8_MAX || entry->zeros & ~(uint32_t)EPG_ENTRY_ALL)
		return -EINVAL;
	if (entry->tcp_flags != EPG_ENTRY_ESTABLISHED && entry->tcp_flags & ~FLAGS_KNOWN)
		return -EINVAL;
	*ret = (struct edit_entry){
		.given = given_by(entry),
		.ether_type = entry->ether_type,
		.destination_first = entry->destination_first,
		.destination_last = entry->destination_last ? entry->destination_last : entry->destination_first,
		.source_first = entry->source_first,
		.source_last = entry->source_last ? entry->source_last : entry->source_first,
		.arp_opcode = entry->arp_opcode,
		.tcp_flags = entry->tcp_flags,
		.protocol = entry->protocol,
		.icmp_type = entry->icmp_type,
		.icmp_code = entry->icmp_code,
		.dscp = entry->dscp,
		.fragments_only = entry->fragments_only,
		.stateless = entry->stateless,
		.name_length = (uint8_t)length,
	};
	return 0;
}

/* ---- spelling ---- */

static void append(struct edit_spelling *spelling, const char *text, size_t length)
{
	memcpy(spelling->text + spelling->n_text, text, length);
	spelling->n_text += length;
}

static void append_number(struct edit_spelling *spelling, uint32_t number)
{
	char digits[10];
	size_t n = 0;

	do
		digits[sizeof(digits) - ++n] = (char)('0' + number % 10);
	while (number /= 10);
	append(spelling, digits + sizeof(digits) - n, n);
}

/* The text from `start` on becomes a scalar. */
static const struct tree_node *scalar(struct edit_spelling *spelling, size_t start)
{
	struct tree_node *node = &spelling->scalars[spelling->n_scalars++];

	*node = (struct tree_node){
		.kind = TREE_SCALAR,
		.place = spelling->place,
		.count = (uint32_t)(spelling->n_text - start),
		.text = spelling->text + start,
	};
	spelling->text[spelling->n_text++] = '\0';
	return node;
}

static const struct tree_node *word(struct edit_spelling *spelling, const char *text)
{
	size_t start = spelling->n_text;

	append(spelling, text, strlen(text));
	return scalar(spelling, start);
}

static const struct tree_node *number(struct edit_spelling *spelling, uint32_t value)
{
	size_t start = spelling->n_text;

	append_number(spelling, value);
	return scalar(spelling, start);
}

static const struct tree_node *range(struct edit_spelling *spelling, uint16_t first, uint16_t last)
{
	size_t start = spelling->n_text;

	append_number(spelling, first);
	if (last != first) {
		append(spelling, "-", 1);
		append_number(spelling, last);
	}
	return scalar(spelling, start);
}

static const struct tree_node *ether_type(struct edit_spelling *spelling, uint16_t type)
{
	char text[8];

	switch (type) {
	case EPG_ETHER_TYPE_IP:
		return word(spelling, "ip");
	case ETH_P_IP:
		return word(spelling, "ipv4");
	case ETH_P_IPV6:
		return word(spelling, "ipv6");
	case ETH_P_ARP:
		return word(spelling, "arp");
	default:
		snprintf(text, sizeof(text), "0x%04x", type);
		return word(spelling, text);
	}
}

static const struct tree_node *protocol(struct edit_spelling *spelling, uint8_t value)
{
	const char *name = names_protocol(value);

	return name ? word(spelling, name) : number(spelling, value);
}

static const struct tree_node *arp_opcode(struct edit_spelling *spelling, uint16_t opcode)
{
	return opcode == 1   ? word(spelling, "request")
	       : opcode == 2 ? word(spelling, "reply")
			     : number(spelling, opcode);
}

static const struct tree_node *tcp_flags(struct edit_spelling *spelling, uint16_t flags)
{
	struct tree_node *list;
	uint32_t n = 0;

	if (flags == EPG_ENTRY_ESTABLISHED)
		return word(spelling, "est");
	for (size_t i = 0; i < EDIT_FLAGS; i++) {
		if (!(flags & flag_names[i].bit))
			continue;
		spelling->flags[n] = (struct tree_node){.kind = TREE_SCALAR,
							.place = spelling->place,
							.count = 3,
							.text = flag_names[i].name};
		spelling->flag_items[n] = &spelling->flags[n];
		n++;
	}
	list = &spelling->scalars[spelling->n_scalars++];
	*list = (struct tree_node){.kind = TREE_SEQUENCE,
				   .place = spelling->place,
				   .count = n,
				   .items = spelling->flag_items};
	return list;
}

void edit_spell(const struct edit_entry *entry, const char *name, struct place place, struct edit_spelling *ret)
{
	struct read_entry_nodes *nodes = &ret->nodes;
	uint16_t given = entry->given;

	ret->n_scalars = ret->n_text = 0;
	ret->place = place;
	*nodes = (struct read_entry_nodes){0};
	append(ret, name, entry->name_length);
	nodes->name = scalar(ret, 0);
	ret->scalars[0].quoted = true; /* whatever it is, it is meant as a word */
	if (given & EPG_ENTRY_ETHER_TYPE)
		nodes->ether_type = ether_type(ret, entry->ether_type);
	if (given & EPG_ENTRY_PROTOCOL)
		nodes->protocol = protocol(ret, entry->protocol);
	if (given & EPG_ENTRY_SOURCE)
		nodes->source_port = range(ret, entry->source_first, entry->source_last);
	if (given & EPG_ENTRY_DESTINATION)
		nodes->destination_port = range(ret, entry->destination_first, entry->destination_last);
	if (given & EPG_ENTRY_ICMP_TYPE)
		nodes->icmp_type = number(ret, entry->icmp_type);
	if (given & EPG_ENTRY_ICMP_CODE)
		nodes->icmp_code = number(ret, entry->icmp_code);
	if (given & EPG_ENTRY_ARP_OPCODE)
		nodes->arp_opcode = arp_opcode(ret, entry->arp_opcode);
	if (given & EPG_ENTRY_TCP_FLAGS)
		nodes->tcp_flags = tcp_flags(ret, entry->tcp_flags);
	if (given & EPG_ENTRY_DSCP)
		nodes->dscp = number(ret, entry->dscp);
	if (entry->fragments_only)
		nodes->fragments = word(ret, "only");
	if (entry->stateless)
		nodes->stateful = word(ret, "false");
}

/* ---- the line of a file ---- */

/* Names that YAML would take for something else stand in quotation marks. */
static bool is_plain(const struct tree_node *node)
{
	return node->count && !strchr("-:.", node->text[0]) && !strchr(node->text, ':') &&
	       strcasecmp(node->text, "null") != 0;
}

static size_t put_scalar(char *text, const struct tree_node *node, bool json)
{
	const char *quote = json || !is_plain(node) ? "\"" : "";

	return (size_t)sprintf(text, "%s%s%s", quote, node->text, quote);
}

static size_t put_value(char *text, const struct tree_node *node, bool json)
{
	size_t length = 0;

	if (node->kind == TREE_SCALAR)
		return put_scalar(text, node, json);
	text[length++] = '[';
	for (uint32_t i = 0; i < node->count; i++) {
		length += (size_t)sprintf(text + length, "%s", i ? ", " : "");
		length += put_scalar(text + length, node->items[i], json);
	}
	text[length++] = ']';
	text[length] = '\0';
	return length;
}

size_t edit_line(const struct edit_entry *entry, const char *name, bool json, char ret[EDIT_LINE_BYTES])
{
	struct edit_spelling spelling;
	size_t length = 0;

	edit_spell(entry, name, (struct place){0}, &spelling);
	ret[length++] = '{';
	for (size_t i = 0; i < read_entry_schema.n_keys; i++) {
		const struct schema_key *key = &read_entry_schema.keys[i];
		const struct tree_node *node = *(const struct tree_node **)((char *)&spelling.nodes + key->offset);

		if (!node)
			continue;
		length += (size_t)sprintf(ret + length, json ? "%s\"%s\": " : "%s%s: ", length > 1 ? ", " : "",
					  key->name);
		length += put_value(ret + length, node, json && node != spelling.nodes.stateful);
	}
	ret[length++] = '}';
	ret[length] = '\0';
	return length;
}
