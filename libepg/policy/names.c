/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include "policy/names.h"
#include "base/util.h"

#define DSCP_MAX 63

struct number_name {
	const char *name;
	uint16_t number;
};

/* The first name of a number is the one that people are shown. */
static const struct number_name protocols[] = {
	{"icmp", 1},   {"igmp", 2},    {"ipip", 4},   {"tcp", 6},       {"egp", 8},      {"igp", 9},
	{"udp", 17},   {"dccp", 33},   {"ipv6", 41},  {"rsvp", 46},     {"gre", 47},     {"esp", 50},
	{"ah", 51},    {"icmpv6", 58}, {"eigrp", 88}, {"ospf", 89},     {"ospfigp", 89}, {"pim", 103},
	{"vrrp", 112}, {"l2tp", 115},  {"sctp", 132}, {"udplite", 136},
};

#define SERVICE_TCP 1
#define SERVICE_UDP 2

struct service {
	const char *name;
	uint16_t port;
	uint8_t over; /* SERVICE_… */
};

/* The first name of a port is the one that people are shown. `dns`, `ftpData` and `rtsp` are names that ACI uses. */
static const struct service services[] = {
	{"ftp-data", 20, SERVICE_TCP},
	{"ftpData", 20, SERVICE_TCP},
	{"ftp", 21, SERVICE_TCP},
	{"ssh", 22, SERVICE_TCP},
	{"telnet", 23, SERVICE_TCP},
	{"smtp", 25, SERVICE_TCP},
	{"tacacs", 49, SERVICE_TCP | SERVICE_UDP},
	{"dns", 53, SERVICE_TCP | SERVICE_UDP},
	{"domain", 53, SERVICE_TCP | SERVICE_UDP},
	{"bootps", 67, SERVICE_UDP},
	{"bootpc", 68, SERVICE_UDP},
	{"tftp", 69, SERVICE_UDP},
	{"http", 80, SERVICE_TCP},
	{"kerberos", 88, SERVICE_TCP | SERVICE_UDP},
	{"pop3", 110, SERVICE_TCP},
	{"sunrpc", 111, SERVICE_TCP | SERVICE_UDP},
	{"nntp", 119, SERVICE_TCP},
	{"ntp", 123, SERVICE_UDP},
	{"imap", 143, SERVICE_TCP},
	{"imap2", 143, SERVICE_TCP},
	{"snmp", 161, SERVICE_TCP | SERVICE_UDP},
	{"snmp-trap", 162, SERVICE_TCP | SERVICE_UDP},
	{"bgp", 179, SERVICE_TCP},
	{"ldap", 389, SERVICE_TCP | SERVICE_UDP},
	{"https", 443, SERVICE_TCP | SERVICE_UDP},
	{"microsoft-ds", 445, SERVICE_TCP | SERVICE_UDP},
	{"submissions", 465, SERVICE_TCP},
	{"isakmp", 500, SERVICE_UDP},
	{"syslog", 514, SERVICE_UDP},
	{"rtsp", 554, SERVICE_TCP | SERVICE_UDP},
	{"submission", 587, SERVICE_TCP},
	{"ldaps", 636, SERVICE_TCP | SERVICE_UDP},
	{"rsync", 873, SERVICE_TCP},
	{"ftps", 990, SERVICE_TCP},
	{"imaps", 993, SERVICE_TCP},
	{"pop3s", 995, SERVICE_TCP},
	{"ms-sql-s", 1433, SERVICE_TCP},
	{"mqtt", 1883, SERVICE_TCP},
	{"radius", 1812, SERVICE_TCP | SERVICE_UDP},
	{"nfs", 2049, SERVICE_TCP | SERVICE_UDP},
	{"mysql", 3306, SERVICE_TCP},
	{"ms-wbt-server", 3389, SERVICE_TCP},
	{"vxlan", 4789, SERVICE_UDP},
	{"sip", 5060, SERVICE_TCP | SERVICE_UDP},
	{"mdns", 5353, SERVICE_UDP},
	{"postgresql", 5432, SERVICE_TCP},
	{"amqp", 5672, SERVICE_TCP},
	{"redis", 6379, SERVICE_TCP},
	{"http-alt", 8080, SERVICE_TCP},
};

static const struct number_name ether_types[] = {
	{"ipv4", 0x0800},
	{"ipv6", 0x86dd},
	{"arp", 0x0806},
};

static const struct number_name icmp_types[] = {
	{"echo-reply", 0},         {"destination-unreachable", 3}, {"source-quench", 4},        {"redirect", 5},
	{"echo-request", 8},       {"router-advertisement", 9},    {"router-solicitation", 10}, {"time-exceeded", 11},
	{"parameter-problem", 12}, {"timestamp-request", 13},      {"timestamp-reply", 14},
};

static const struct number_name icmpv6_types[] = {
	{"destination-unreachable", 1},
	{"packet-too-big", 2},
	{"time-exceeded", 3},
	{"parameter-problem", 4},
	{"echo-request", 128},
	{"echo-reply", 129},
	{"listener-query", 130},
	{"listener-report", 131},
	{"listener-done", 132},
	{"router-solicitation", 133},
	{"router-advertisement", 134},
	{"neighbor-solicitation", 135},
	{"neighbor-advertisement", 136},
	{"redirect", 137},
};

/* RFC 2474, 2597, 3246, 5865. */
static const struct number_name dscps[] = {
	{"CS0", 0},   {"CS1", 8},  {"AF11", 10}, {"AF12", 12}, {"AF13", 14}, {"CS2", 16}, {"AF21", 18}, {"AF22", 20},
	{"AF23", 22}, {"CS3", 24}, {"AF31", 26}, {"AF32", 28}, {"AF33", 30}, {"CS4", 32}, {"AF41", 34}, {"AF42", 36},
	{"AF43", 38}, {"CS5", 40}, {"VA", 44},   {"EF", 46},   {"CS6", 48},  {"CS7", 56},
};

/* What one of a unit is, as a fraction: a bit is an eighth of a byte. */
struct unit {
	const char *name;
	uint32_t bytes;
	uint32_t of;
};

static const struct unit rate_units[] = {
	{"bit", 1, 8}, {"kbit", 1000, 8}, {"mbit", 1000000, 8}, {"gbit", 1000000000, 8},
	{"bps", 1, 1}, {"kbps", 1000, 1}, {"mbps", 1000000, 1}, {"gbps", 1000000000, 1},
};

static const struct unit size_units[] = {
	{"b", 1, 1},
	{"kb", 1024, 1},
	{"mb", 1024 * 1024, 1},
};

static int number_of(const struct number_name *names, size_t n, const char *text, uint16_t *ret)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i].name, text)) {
			*ret = names[i].number;
			return 0;
		}
	return -EINVAL;
}

static const char *name_of(const struct number_name *names, size_t n, uint16_t number)
{
	for (size_t i = 0; i < n; i++)
		if (names[i].number == number)
			return names[i].name;
	return NULL;
}

int names_parse_number(const char *text, uint32_t maximum, uint32_t *ret)
{
	uint64_t number = 0;

	if (!*text || (text[0] == '0' && text[1]))
		return -EINVAL;
	for (const char *digit = text; *digit; digit++) {
		if (*digit < '0' || *digit > '9')
			return -EINVAL;
		if (number <= maximum)
			number = number * 10 + (uint64_t)(*digit - '0');
	}
	if (number > maximum)
		return -ERANGE;
	*ret = (uint32_t)number;
	return 0;
}

/* One of the names, or a number up to `maximum`, which fits into a byte. */
static int parse_byte(const struct number_name *names, size_t n, const char *text, uint32_t maximum, uint8_t *ret)
{
	uint16_t named;
	uint32_t number;
	int error;

	if (!number_of(names, n, text, &named)) {
		*ret = (uint8_t)named;
		return 0;
	}
	error = names_parse_number(text, maximum, &number);
	if (!error)
		*ret = (uint8_t)number;
	return error;
}

int names_parse_protocol(const char *text, uint8_t *ret)
{
	return parse_byte(protocols, ARRAY_SIZE(protocols), text, UINT8_MAX, ret);
}

bool names_has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP ||
	       protocol == IPPROTO_UDPLITE || protocol == IPPROTO_DCCP;
}

const char *names_protocol(uint8_t protocol)
{
	return name_of(protocols, ARRAY_SIZE(protocols), protocol);
}

static uint8_t service_over(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return SERVICE_TCP;
	case IPPROTO_UDP:
		return SERVICE_UDP;
	default:
		return 0;
	}
}

int names_parse_service(const char *text, uint8_t protocol, uint16_t *ret)
{
	const char *protocol_name = names_protocol(protocol);
	struct servent entry, *found = NULL;
	char buffer[4096];

	for (size_t i = 0; i < ARRAY_SIZE(services); i++)
		if ((services[i].over & service_over(protocol)) && !strcmp(services[i].name, text)) {
			*ret = services[i].port;
			return 0;
		}
	if (!protocol_name || getservbyname_r(text, protocol_name, &entry, buffer, sizeof(buffer), &found) || !found)
		return -ENOENT;
	*ret = ntohs((uint16_t)found->s_port);
	return 0;
}

/* "0x" and one to four hexadecimal digits: EtherTypes are written that way everywhere. */
static int parse_hexadecimal(const char *text, uint32_t *ret)
{
	size_t digits = strspn(text + 2, "0123456789abcdefABCDEF");

	if (digits == 0 || text[2 + digits])
		return -EINVAL;
	if (digits > 4)
		return -ERANGE;
	*ret = (uint32_t)strtoul(text + 2, NULL, 16);
	return 0;
}

int names_parse_ether_type(const char *text, uint16_t *ret)
{
	uint32_t number;
	int error;

	if (!number_of(ether_types, ARRAY_SIZE(ether_types), text, ret))
		return 0;
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		error = parse_hexadecimal(text, &number);
	else
		error = names_parse_number(text, UINT16_MAX, &number);
	if (error)
		return error;
	if (number < 0x600) /* in a frame that would be a length, IEEE 802.3 */
		return -ERANGE;
	*ret = (uint16_t)number;
	return 0;
}

int names_parse_icmp_type(const char *text, bool ipv6, uint8_t *ret)
{
	if (ipv6)
		return parse_byte(icmpv6_types, ARRAY_SIZE(icmpv6_types), text, UINT8_MAX, ret);
	return parse_byte(icmp_types, ARRAY_SIZE(icmp_types), text, UINT8_MAX, ret);
}

const char *names_icmp_type(uint8_t type, bool ipv6)
{
	if (ipv6)
		return name_of(icmpv6_types, ARRAY_SIZE(icmpv6_types), type);
	return name_of(icmp_types, ARRAY_SIZE(icmp_types), type);
}

int names_parse_dscp(const char *text, uint8_t *ret)
{
	return parse_byte(dscps, ARRAY_SIZE(dscps), text, DSCP_MAX, ret);
}

static int parse_amount(const struct unit *units, size_t n_units, const char *text, uint64_t *ret)
{
	size_t digits = strspn(text, "0123456789");
	char number_text[32];
	uint32_t number;
	int error;

	if (digits >= sizeof(number_text))
		return -ERANGE;
	memcpy(number_text, text, digits);
	number_text[digits] = '\0';
	for (size_t i = 0; i < n_units; i++) {
		if (strcmp(text + digits, units[i].name) != 0)
			continue;
		error = names_parse_number(number_text, UINT32_MAX, &number);
		if (!error)
			*ret = (uint64_t)number * units[i].bytes / units[i].of;
		return error;
	}
	return -EINVAL;
}

int names_parse_rate(const char *text, uint64_t *ret)
{
	return parse_amount(rate_units, ARRAY_SIZE(rate_units), text, ret);
}

int names_parse_size(const char *text, uint64_t *ret)
{
	return parse_amount(size_units, ARRAY_SIZE(size_units), text, ret);
}

const char *names_protocol_at(size_t index)
{
	return index < ARRAY_SIZE(protocols) ? protocols[index].name : NULL;
}

const char *names_service_at(size_t index)
{
	return index < ARRAY_SIZE(services) ? services[index].name : NULL;
}

const char *names_icmp_type_at(size_t index, bool ipv6)
{
	if (ipv6)
		return index < ARRAY_SIZE(icmpv6_types) ? icmpv6_types[index].name : NULL;
	return index < ARRAY_SIZE(icmp_types) ? icmp_types[index].name : NULL;
}

const char *names_dscp_at(size_t index)
{
	return index < ARRAY_SIZE(dscps) ? dscps[index].name : NULL;
}

/* ---- what somebody may have meant ---- */

/* Longer names are not compared: none of ours is. */
#define GUESS_LENGTH 64

static bool same_letter(char one, char other)
{
	return tolower((unsigned char)one) == tolower((unsigned char)other);
}

static size_t smaller(size_t one, size_t other)
{
	return one < other ? one : other;
}

/*
 * How many letters must be put in, left out, replaced or swapped with their neighbour to make one text of
 * the other; small and capital letters are the same. Stops, and answers limit + 1, as soon as it is more.
 */
static size_t edit_distance(const char *one, size_t one_length, const char *other, size_t other_length, size_t limit)
{
	size_t rows[3][GUESS_LENGTH + 1];
	size_t *before = rows[0], *previous = rows[1], *current = rows[2];

	for (size_t j = 0; j <= other_length; j++)
		previous[j] = j;
	for (size_t i = 1; i <= one_length; i++) {
		size_t least = current[0] = i;
		size_t *oldest = before;

		for (size_t j = 1; j <= other_length; j++) {
			current[j] = previous[j - 1] + !same_letter(one[i - 1], other[j - 1]);
			current[j] = smaller(current[j], smaller(previous[j], current[j - 1]) + 1);
			if (i > 1 && j > 1 && same_letter(one[i - 1], other[j - 2]) &&
			    same_letter(one[i - 2], other[j - 1]))
				current[j] = smaller(current[j], before[j - 2] + 1);
			least = smaller(least, current[j]);
		}
		if (least > limit)
			return limit + 1;
		before = previous;
		previous = current;
		current = oldest;
	}
	return previous[other_length];
}

void names_guess_try(struct names_guess *guess, const char *candidate)
{
	size_t length = strlen(guess->word), candidate_length = strlen(candidate);
	size_t limit, distance;

	if (length >= GUESS_LENGTH || candidate_length >= GUESS_LENGTH)
		return;
	limit = length < 6 ? 1 : smaller(length / 3, 3); /* more letters may be wrong in longer words */
	if (length < 2)
		limit = 0;
	if (guess->best)
		limit = smaller(limit, guess->distance);
	if (length > candidate_length + limit || candidate_length > length + limit)
		return;
	distance = edit_distance(guess->word, length, candidate, candidate_length, limit);
	if (distance > limit || (guess->best && distance == guess->distance && strcmp(candidate, guess->best) > 0))
		return;
	guess->best = candidate;
	guess->distance = distance;
}
