/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Addresses, prefixes, MAC addresses and interfaces as values of a policy. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "policy/names.h"
#include "policy/read.h"

#define IPV4_OFFSET 96 /* bits before an IPv4 address in its mapped form */
#define INTERFACE_BYTES (IF_NAMESIZE - 1)

/* Turns the text of an address, or its first `length` bytes, into the mapped form. */
static bool parse_address(struct reader *reader, const struct tree_node *node, size_t length, struct model_prefix *ret)
{
	char text[TEXT_ADDRESS_MAX];
	char hint[SCHEMA_HINT_BYTES], plain[TEXT_ADDRESS_MAX];
	bool ipv6 = memchr(node->text, ':', length);

	if (length < sizeof(text)) {
		memcpy(text, node->text, length);
		text[length] = '\0';
	}
	if (length >= sizeof(text) || text_parse_address(text, ret->address)) {
		diagnostics_error(reader->diagnostics, node->place, "such as 10.1.0.2 or \"fd00:1::2\"",
				  "\"%.*s\" is not an address", length < 64 ? (int)length : 64, node->text);
		return false;
	}
	ret->ipv4 = !memcmp(ret->address, (const uint8_t[12]){[10] = 0xff, 0xff}, 12);
	if (ret->ipv4 && ipv6) {
		text_address(ret->address, plain);
		snprintf(hint, sizeof(hint), "write %s", plain);
		diagnostics_error(reader->diagnostics, node->place, hint, "\"%s\" is an IPv4 address in IPv6's clothes",
				  text);
		return false;
	}
	ret->place = node->place;
	return true;
}

static void clear_host_bits(struct model_prefix *prefix)
{
	for (unsigned int bit = prefix->length; bit < 128; bit++)
		prefix->address[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
}

static bool check_host_bits(struct reader *reader, const struct tree_node *node, const struct model_prefix *prefix)
{
	struct model_prefix network = *prefix;
	char hint[SCHEMA_HINT_BYTES], address[TEXT_ADDRESS_MAX], host[TEXT_ADDRESS_MAX];

	clear_host_bits(&network);
	if (!memcmp(network.address, prefix->address, sizeof(network.address)))
		return true;
	text_address(network.address, address);
	text_address(prefix->address, host);
	snprintf(hint, sizeof(hint), "write %s/%d for the network, or %s/%d for the host", address,
		 prefix->length - (prefix->ipv4 ? IPV4_OFFSET : 0), host, prefix->ipv4 ? 32 : 128);
	diagnostics_error(reader->diagnostics, node->place, hint, "%s has bits of a host beyond its length",
			  node->text);
	return false;
}

bool read_prefix(struct reader *reader, const struct tree_node *node, bool gateway, struct model_prefix *ret)
{
	struct model_prefix prefix = {0};
	char hint[SCHEMA_HINT_BYTES];
	uint32_t length, longest;
	const char *slash;

	if (!schema_word(reader->diagnostics, node))
		return false;
	slash = strchr(node->text, '/');
	if (!parse_address(reader, node, slash ? (size_t)(slash - node->text) : node->count, &prefix))
		return false;
	longest = prefix.ipv4 ? 32 : 128;
	if (!slash) {
		snprintf(hint, sizeof(hint), "%.64s/%u is this address alone", node->text, longest);
		diagnostics_error(reader->diagnostics, node->place, hint, "%.64s lacks the length of a prefix",
				  node->text);
		return false;
	}
	if (names_parse_number(slash + 1, longest, &length)) {
		snprintf(hint, sizeof(hint), "a number from 0 to %u", longest);
		diagnostics_error(reader->diagnostics, node->place, hint,
				  "\"%.64s\" is not the length of an IPv%d prefix", slash + 1, prefix.ipv4 ? 4 : 6);
		return false;
	}
	prefix.length = (uint8_t)(length + (prefix.ipv4 ? IPV4_OFFSET : 0));
	if (!gateway && !check_host_bits(reader, node, &prefix))
		return false;
	*ret = prefix;
	return true;
}

/* An address that no single host has, or that never leaves one. */
static bool is_special(const struct model_prefix *prefix)
{
	static const uint8_t nothing[16], loopback[16] = {[15] = 1}, broadcast[4] = {255, 255, 255, 255};
	const uint8_t *address = prefix->address;

	if (prefix->ipv4)
		return !memcmp(address + 12, nothing, 4) || !memcmp(address + 12, broadcast, 4) ||
		       (address[12] & 0xf0) == 0xe0 || address[12] == 127;
	return !memcmp(address, nothing, 16) || !memcmp(address, loopback, 16) || address[0] == 0xff;
}

bool read_address(struct reader *reader, const struct tree_node *node, struct model_prefix *ret)
{
	struct model_prefix prefix = {.length = 128};

	if (!schema_word(reader->diagnostics, node))
		return false;
	if (strchr(node->text, '/')) {
		diagnostics_error(reader->diagnostics, node->place, "write it without the slash and what follows",
				  "%.64s is a prefix: an endpoint has single addresses", node->text);
		return false;
	}
	if (!parse_address(reader, node, node->count, &prefix))
		return false;
	if (is_special(&prefix)) {
		diagnostics_error(reader->diagnostics, node->place, NULL,
				  "%s is not an address that an endpoint can have", node->text);
		return false;
	}
	*ret = prefix;
	return true;
}

bool read_mac(struct reader *reader, const struct tree_node *node, uint8_t ret[6])
{
	static const uint8_t nothing[6];
	uint8_t mac[6];

	if (!schema_word(reader->diagnostics, node))
		return false;
	if (text_parse_mac(node->text, mac)) {
		diagnostics_error(reader->diagnostics, node->place, "such as \"02:00:0a:01:00:02\"",
				  "\"%.64s\" is not a MAC address", node->text);
		return false;
	}
	if ((mac[0] & 1) || !memcmp(mac, nothing, sizeof(mac))) {
		diagnostics_error(reader->diagnostics, node->place, NULL,
				  "%s is not a MAC address that an interface can have", node->text);
		return false;
	}
	memcpy(ret, mac, sizeof(mac));
	return true;
}

bool read_interface(struct reader *reader, const struct tree_node *node, bool glob)
{
	const char *what = glob ? "a pattern of interface names" : "the name of an interface";

	if (!schema_word(reader->diagnostics, node))
		return false;
	if (node->count == 0 || node->count > INTERFACE_BYTES) {
		diagnostics_error(reader->diagnostics, node->place, "from 1 to 15 bytes", "\"%.64s\" is too %s for %s",
				  node->text, node->count ? "long" : "short", what);
		return false;
	}
	if (strpbrk(node->text, "/: \t\r\n\v\f") ||
	    (!glob && (!strcmp(node->text, ".") || !strcmp(node->text, "..")))) {
		diagnostics_error(reader->diagnostics, node->place, "it has neither slashes, colons nor spaces",
				  "\"%s\" is not %s", node->text, what);
		return false;
	}
	if (!glob && strpbrk(node->text, "*?[")) {
		diagnostics_error(reader->diagnostics, node->place, "patterns belong below \"match\"",
				  "\"%s\" is a pattern, not the name of an interface", node->text);
		return false;
	}
	return true;
}

bool read_is_within(const struct model_prefix *prefix, const struct model_prefix *outer)
{
	struct model_prefix network = *prefix, outer_network = *outer;

	if (prefix->ipv4 != outer->ipv4 || prefix->length < outer->length)
		return false;
	network.length = outer->length;
	clear_host_bits(&network);
	clear_host_bits(&outer_network);
	return !memcmp(network.address, outer_network.address, sizeof(network.address));
}
