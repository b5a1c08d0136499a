// SPDX-License-Identifier: GPL-2.0-only
#include "packet_text.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/util.h"
#include "pool.h"

enum field_kind {
	FIELD_NUMBER,
	FIELD_HEXADECIMAL,
	FIELD_MAC,
	FIELD_ADDRESS,
};

struct field {
	const char *name;
	enum field_kind kind;
	size_t offset, size;
};

#define FIELD(name, kind, member)                                                                                     \
	{                                                                                                             \
		name, kind, offsetof(struct reference_packet, member), sizeof(((struct reference_packet *)0)->member) \
	}

static const struct field fields[] = {
	FIELD("outside", FIELD_NUMBER, from_outside), FIELD("ether", FIELD_HEXADECIMAL, ether_type),
	FIELD("smac", FIELD_MAC, source_mac),         FIELD("dmac", FIELD_MAC, destination_mac),
	FIELD("src", FIELD_ADDRESS, source),          FIELD("dst", FIELD_ADDRESS, destination),
	FIELD("target", FIELD_ADDRESS, target),       FIELD("op", FIELD_NUMBER, arp_operation),
	FIELD("proto", FIELD_NUMBER, protocol),       FIELD("dscp", FIELD_NUMBER, dscp),
	FIELD("fragment", FIELD_NUMBER, fragment),    FIELD("flags", FIELD_NUMBER, tcp_flags),
	FIELD("type", FIELD_NUMBER, icmp_type),       FIELD("code", FIELD_NUMBER, icmp_code),
	FIELD("sport", FIELD_NUMBER, source_port),    FIELD("dport", FIELD_NUMBER, destination_port),
	FIELD("begin", FIELD_NUMBER, piece_begin),    FIELD("end", FIELD_NUMBER, piece_end),
	FIELD("last", FIELD_NUMBER, piece_last),      FIELD("id", FIELD_NUMBER, piece_id),
	FIELD("chunk", FIELD_NUMBER, chunk),          FIELD("echo", FIELD_NUMBER, echo),
};

static uint16_t get_number(const struct reference_packet *packet, const struct field *field)
{
	const uint8_t *at = (const uint8_t *)packet + field->offset;
	uint16_t wide;

	if (field->size == 1)
		return *at;
	memcpy(&wide, at, sizeof(wide)); /* an enum's low half, on the little-endian hosts that this runs on */
	return wide;
}

static void set_number(struct reference_packet *packet, const struct field *field, uint16_t value)
{
	uint8_t *at = (uint8_t *)packet + field->offset;

	memset(at, 0, field->size);
	memcpy(at, &value, field->size < sizeof(value) ? field->size : sizeof(value));
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i])
			return false;
	return true;
}

void packet_text_print(const struct reference_packet *packet, char text[PACKET_TEXT_BYTES])
{
	int at = snprintf(text, PACKET_TEXT_BYTES, "at=%s", packet->interface);

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const uint8_t *bytes = (const uint8_t *)packet + fields[i].offset;
		char value[TEXT_ADDRESS_MAX] = "";

		if (is_zero(bytes, fields[i].size))
			continue;
		switch (fields[i].kind) {
		case FIELD_NUMBER:
			snprintf(value, sizeof(value), "%u", get_number(packet, &fields[i]));
			break;
		case FIELD_HEXADECIMAL:
			snprintf(value, sizeof(value), "0x%x", get_number(packet, &fields[i]));
			break;
		case FIELD_MAC:
			snprintf(value, sizeof(value), "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2],
				 bytes[3], bytes[4], bytes[5]);
			break;
		case FIELD_ADDRESS:
			text_address(bytes, value);
			break;
		}
		at += snprintf(text + at, PACKET_TEXT_BYTES - (size_t)at, " %s=%s", fields[i].name, value);
	}
}

static int parse_interface(const char *value, struct reference_packet *packet)
{
	for (size_t i = 0; i < POOL_INTERFACES; i++) {
		if (strcmp(value, POOL_INTERFACE[i]) == 0) {
			packet->interface = POOL_INTERFACE[i];
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_value(const struct field *field, const char *value, struct reference_packet *packet)
{
	uint8_t *bytes = (uint8_t *)packet + field->offset;
	unsigned long number;
	char *end;

	switch (field->kind) {
	case FIELD_MAC:
		return text_parse_mac(value, bytes);
	case FIELD_ADDRESS:
		return text_parse_address(value, bytes);
	case FIELD_NUMBER:
	case FIELD_HEXADECIMAL:
		break;
	}
	number = strtoul(value, &end, 0);
	if (!*value || *end || number > UINT16_MAX)
		return -EINVAL;
	set_number(packet, field, (uint16_t)number);
	return 0;
}

static int parse_token(const char *token, struct reference_packet *packet)
{
	const char *equals = strchr(token, '=');

	if (!equals)
		return -EINVAL;
	if (strncmp(token, "at=", 3) == 0)
		return parse_interface(equals + 1, packet);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		size_t length = strlen(fields[i].name);

		if (length == (size_t)(equals - token) && strncmp(token, fields[i].name, length) == 0)
			return parse_value(&fields[i], equals + 1, packet);
	}
	return -EINVAL;
}

int packet_text_parse(const char *text, struct reference_packet *ret)
{
	AUTO_FREE char *copy = strdup(text);
	struct reference_packet packet = {0};
	char *rest = NULL;

	if (!copy)
		return -ENOMEM;
	for (char *token = strtok_r(copy, " \t\n", &rest); token; token = strtok_r(NULL, " \t\n", &rest)) {
		int error = parse_token(token, &packet);

		if (error)
			return error;
	}
	if (!packet.interface)
		return -EINVAL;
	*ret = packet;
	return 0;
}

static const struct field *number_field(unsigned int index)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (fields[i].kind == FIELD_NUMBER && index-- == 0)
			return &fields[i];
	return NULL;
}

bool packet_text_number(const struct reference_packet *packet, unsigned int index, uint16_t *ret)
{
	const struct field *field = number_field(index);

	if (!field)
		return false;
	*ret = get_number(packet, field);
	return true;
}

void packet_text_set_number(struct reference_packet *packet, unsigned int index, uint16_t value)
{
	const struct field *field = number_field(index);

	if (field)
		set_number(packet, field, value);
}
