// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/text.h"
#include "base/util.h"

Test(text, addresses)
{
	static const char *const texts[] = {"10.1.0.2", "0.0.0.0", "255.255.255.255", "fd00:1::2",
					    "::",       "::1",     "fe80::1:2"};
	static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, [12] = 10, [13] = 1, [15] = 2};
	char text[TEXT_ADDRESS_MAX];
	uint8_t address[16];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		cr_assert_eq(text_parse_address(texts[i], address), 0, "%s", texts[i]);
		text_address(address, text);
		cr_assert_str_eq(text, texts[i]);
	}
	cr_assert_eq(text_parse_address("10.1.0.2", address), 0);
	cr_assert_eq(memcmp(address, mapped, sizeof(mapped)), 0);
	/* Both ways to write it are one address. */
	cr_assert_eq(text_parse_address("::ffff:10.1.0.2", address), 0);
	cr_assert_eq(memcmp(address, mapped, sizeof(mapped)), 0);
}

Test(text, addresses_that_are_none)
{
	static const char *const texts[] = {"",         "10.1.0", "10.1.0.256", "10.1.0.2/24",
					    "fd00:::1", "host",   "10.1.0.2 ",  "010.1.0.2"};
	uint8_t address[16], before[16];

	memset(address, 0x5a, sizeof(address));
	memcpy(before, address, sizeof(before));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		cr_assert_eq(text_parse_address(texts[i], address), -EINVAL, "%s", texts[i]);
	cr_assert_eq(memcmp(address, before, sizeof(before)), 0, "set only on success");
}

Test(text, macs)
{
	static const uint8_t expected[6] = {0x02, 0x00, 0x0a, 0xbc, 0xde, 0xff};
	static const char *const wrong[] = {
		"",
		"02:00:0a:bc:de",
		"02:00:0a:bc:de:ff:00",
		"02-00-0a-bc-de-ff",
		"2:0:a:b:c:d",
		"02:00:0a:bc:de:fg",
		"02:00:0a:bc:de:f",
		"02:00:0a:bc:de:ff ",
		"0x:00:0a:bc:de:ff",
		"\x10\x10:00:0a:bc:de:ff",
	};
	uint8_t mac[6];

	cr_assert_eq(text_parse_mac("02:00:0a:bc:de:ff", mac), 0);
	cr_assert_eq(memcmp(mac, expected, sizeof(mac)), 0);
	cr_assert_eq(text_parse_mac("02:00:0A:BC:DE:FF", mac), 0);
	cr_assert_eq(memcmp(mac, expected, sizeof(mac)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		cr_assert_eq(text_parse_mac(wrong[i], mac), -EINVAL, "%s", wrong[i]);
}
