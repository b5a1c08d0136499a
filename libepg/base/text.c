/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

_Static_assert(TEXT_ADDRESS_MAX >= INET6_ADDRSTRLEN, "the longest address fits");

void text_address(const uint8_t address[16], char text[TEXT_ADDRESS_MAX])
{
	if (!memcmp(address, mapped_prefix, sizeof(mapped_prefix)))
		inet_ntop(AF_INET, address + sizeof(mapped_prefix), text, TEXT_ADDRESS_MAX);
	else
		inet_ntop(AF_INET6, address, text, TEXT_ADDRESS_MAX);
}

int text_parse_address(const char *text, uint8_t ret[16])
{
	uint8_t address[16];

	if (inet_pton(AF_INET, text, address + sizeof(mapped_prefix)) == 1)
		memcpy(address, mapped_prefix, sizeof(mapped_prefix));
	else if (inet_pton(AF_INET6, text, address) != 1)
		return -EINVAL;
	memcpy(ret, address, sizeof(address));
	return 0;
}

static int hex_digit(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = digit ? strchr(digits, digit | 0x20) : NULL;

	/* Setting bit 5 makes capitals small; a digit has it already, other characters must not become one. */
	return found && (digit >= 'A' || (digit >= '0' && digit <= '9')) ? (int)(found - digits) : -1;
}

int text_parse_mac(const char *text, uint8_t ret[6])
{
	uint8_t mac[6];

	for (int i = 0; i < 6; i++, text += 3) {
		int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);

		if (low < 0 || text[2] != (i < 5 ? ':' : '\0'))
			return -EINVAL;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(ret, mac, sizeof(mac));
	return 0;
}
