/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "policy/names.h"

static int number(const char *text, uint32_t maximum)
{
	uint32_t value;
	int error = names_parse_number(text, maximum, &value);

	return error ? error : (int)value;
}

Test(names, numbers_are_decimal_digits_and_nothing_else)
{
	cr_assert_eq(number("0", 65535), 0);
	cr_assert_eq(number("80", 65535), 80);
	cr_assert_eq(number("65535", 65535), 65535);
	cr_assert_eq(number("65536", 65535), -ERANGE);
	cr_assert_eq(number("4294967296", UINT32_MAX), -ERANGE);
	cr_assert_eq(number("18446744073709551696", 65535), -ERANGE, "2^64 + 80 is not 80");
	cr_assert_eq(number("99999999999999999999999999999999999", 255), -ERANGE);
	cr_assert_eq(number("", 65535), -EINVAL);
	cr_assert_eq(number("80abc", 65535), -EINVAL);
	cr_assert_eq(number("010", 65535), -EINVAL);
	cr_assert_eq(number("+5", 65535), -EINVAL);
	cr_assert_eq(number("-5", 65535), -EINVAL);
	cr_assert_eq(number(" 5", 65535), -EINVAL);
	cr_assert_eq(number("0x50", 65535), -EINVAL);
	cr_assert_eq(number("\xd9\xa3", 65535), -EINVAL, "other digits than ASCII's");
}

Test(names, protocols_by_name_and_number)
{
	uint8_t protocol = 0;

	cr_assert_eq(names_parse_protocol("tcp", &protocol), 0);
	cr_assert_eq(protocol, IPPROTO_TCP);
	cr_assert_eq(names_parse_protocol("icmpv6", &protocol), 0);
	cr_assert_eq(protocol, IPPROTO_ICMPV6);
	cr_assert_eq(names_parse_protocol("ospfigp", &protocol), 0);
	cr_assert_eq(protocol, 89);
	cr_assert_eq(names_parse_protocol("255", &protocol), 0);
	cr_assert_eq(protocol, 255);
	cr_assert_eq(names_parse_protocol("256", &protocol), -ERANGE);
	cr_assert_eq(names_parse_protocol("TCP ", &protocol), -EINVAL);
	cr_assert_str_eq(names_protocol(89), "ospf");
	cr_assert_null(names_protocol(254));
}

Test(names, every_name_leads_to_its_number_and_back)
{
	const char *name;
	uint8_t value;

	for (size_t i = 0; (name = names_protocol_at(i)); i++) {
		cr_assert_eq(names_parse_protocol(name, &value), 0);
		cr_assert_not_null(names_protocol(value));
	}
	for (int ipv6 = 0; ipv6 < 2; ipv6++)
		for (size_t i = 0; (name = names_icmp_type_at(i, ipv6)); i++) {
			cr_assert_eq(names_parse_icmp_type(name, ipv6, &value), 0);
			cr_assert_str_eq(names_icmp_type(value, ipv6), name);
		}
}

Test(names, services_depend_on_the_protocol)
{
	uint16_t port = 0;

	cr_assert_eq(names_parse_service("http", IPPROTO_TCP, &port), 0);
	cr_assert_eq(port, 80);
	cr_assert_eq(names_parse_service("dns", IPPROTO_UDP, &port), 0);
	cr_assert_eq(port, 53);
	cr_assert_eq(names_parse_service("tftp", IPPROTO_TCP, &port), -ENOENT);
	cr_assert_eq(names_parse_service("no-such-service", IPPROTO_TCP, &port), -ENOENT);
	cr_assert_eq(names_parse_service("http", 254, &port), -ENOENT);
}

Test(names, ether_types_may_be_hexadecimal)
{
	uint16_t type = 0;

	cr_assert_eq(names_parse_ether_type("0x86DD", &type), 0);
	cr_assert_eq(type, 0x86dd);
	cr_assert_eq(names_parse_ether_type("2048", &type), 0);
	cr_assert_eq(type, 0x0800);
	cr_assert_eq(names_parse_ether_type("arp", &type), 0);
	cr_assert_eq(type, 0x0806);
	cr_assert_eq(names_parse_ether_type("0x", &type), -EINVAL);
	cr_assert_eq(names_parse_ether_type("0x0800z", &type), -EINVAL);
	cr_assert_eq(names_parse_ether_type("0x10800", &type), -ERANGE);
	cr_assert_eq(names_parse_ether_type("0x05dc", &type), -ERANGE, "a length, not a type");
}

Test(names, dscp_by_name_and_number)
{
	const char *name;
	uint8_t dscp = 0;

	cr_assert_eq(names_parse_dscp("CS0", &dscp), 0);
	cr_assert_eq(dscp, 0);
	cr_assert_eq(names_parse_dscp("CS7", &dscp), 0);
	cr_assert_eq(dscp, 56);
	cr_assert_eq(names_parse_dscp("EF", &dscp), 0);
	cr_assert_eq(dscp, 46);
	cr_assert_eq(names_parse_dscp("VA", &dscp), 0);
	cr_assert_eq(dscp, 44);
	cr_assert_eq(names_parse_dscp("63", &dscp), 0);
	cr_assert_eq(dscp, 63);
	cr_assert_eq(names_parse_dscp("64", &dscp), -ERANGE);
	cr_assert_eq(names_parse_dscp("af11", &dscp), -EINVAL);
	for (int group = 1; group <= 4; group++)
		for (int drop = 1; drop <= 3; drop++) {
			char text[8];

			snprintf(text, sizeof(text), "AF%d%d", group, drop);
			cr_assert_eq(names_parse_dscp(text, &dscp), 0);
			cr_assert_eq(dscp, 8 * group + 2 * drop, "RFC 2597: %s", text);
		}
	for (size_t i = 0; (name = names_dscp_at(i)); i++)
		cr_assert_eq(names_parse_dscp(name, &dscp), 0);
}

Test(names, rates_are_bytes_a_second)
{
	uint64_t rate = 0;

	cr_assert_eq(names_parse_rate("8bit", &rate), 0);
	cr_assert_eq(rate, 1);
	cr_assert_eq(names_parse_rate("100mbit", &rate), 0);
	cr_assert_eq(rate, 12500000);
	cr_assert_eq(names_parse_rate("4294967295gbps", &rate), 0);
	cr_assert_eq(rate, 4294967295u * UINT64_C(1000000000), "as large as it gets without an overflow");
	cr_assert_eq(names_parse_rate("4294967296bit", &rate), -ERANGE);
	cr_assert_eq(names_parse_rate("99999999999999999999999999999999999999bit", &rate), -ERANGE);
	cr_assert_eq(names_parse_rate("100", &rate), -EINVAL);
	cr_assert_eq(names_parse_rate("mbit", &rate), -EINVAL);
	cr_assert_eq(names_parse_rate("100Mbit", &rate), -EINVAL);
	cr_assert_eq(names_parse_rate("100 mbit", &rate), -EINVAL);
	cr_assert_eq(names_parse_rate("100kb", &rate), -EINVAL);
}

Test(names, sizes_are_bytes)
{
	uint64_t size = 0;

	cr_assert_eq(names_parse_size("1514b", &size), 0);
	cr_assert_eq(size, 1514);
	cr_assert_eq(names_parse_size("512kb", &size), 0);
	cr_assert_eq(size, 512 * 1024);
	cr_assert_eq(names_parse_size("3mb", &size), 0);
	cr_assert_eq(size, 3 * 1024 * 1024);
	cr_assert_eq(names_parse_size("3gb", &size), -EINVAL);
	cr_assert_eq(names_parse_size("", &size), -EINVAL);
}

static const char *guess(const char *word, const char *const *candidates)
{
	struct names_guess guess = NAMES_GUESS(word);

	for (; *candidates; candidates++)
		names_guess_try(&guess, *candidates);
	return guess.best;
}

Test(names, guesses_what_was_meant)
{
	static const char *const keys[] = {"name", "etherT", "prot", "dPort", "sPort", "icmpType", NULL};
	static const char *const names[] = {"http", "https", "ssh", NULL};
	static const char *const turned[] = {"sql", "web", "ssh", NULL}, *const again[] = {"ssh", "web", "sql", NULL};

	cr_assert_str_eq(guess("dport", keys), "dPort");
	cr_assert_str_eq(guess("prto", keys), "prot", "two letters swapped are one mistake");
	cr_assert_str_eq(guess("htp", names), "http");
	cr_assert_str_eq(guess("htpps", names), "https");
	cr_assert_null(guess("colour", keys));
	cr_assert_null(guess("x", names));
	cr_assert_null(guess("", names));
	cr_assert_str_eq(guess("ssl", turned), guess("ssl", again), "the order of candidates does not matter");
}

Test(names, guess_copes_with_long_words)
{
	char longer[1000];
	const char *const names[] = {"http", longer, NULL};

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	cr_assert_null(guess(longer, names));
	cr_assert_null(guess("xxxx", names));
}
