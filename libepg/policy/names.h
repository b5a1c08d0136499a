/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Names and numbers as they stand in policies: protocols, services, EtherTypes, ICMP types, DSCPs, rates; and
 * guesses at typing errors.
 */
#ifndef EPG_NAMES_H
#define EPG_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A decimal number up to `maximum`, digits only: no sign, no space, no leading zero.
 * Returns 0, -EINVAL (not such a number), -ERANGE (larger).
 */
int names_parse_number(const char *text, uint32_t maximum, uint32_t *ret);

/* By name or number. 0, -EINVAL, or -ERANGE (a number beyond 255). */
int names_parse_protocol(const char *text, uint8_t *ret);
/* NULL for one without a name of ours. */
const char *names_protocol(uint8_t protocol);
/* TCP, UDP, SCTP, UDP-Lite, DCCP: their headers begin with both ports. */
bool names_has_ports(uint8_t protocol);

/*
 * The port of a service, first among the well-known ones, then as this host knows it (getservbyname).
 * `protocol` is IPPROTO_TCP, IPPROTO_UDP, …. 0 or -ENOENT.
 */
int names_parse_service(const char *text, uint8_t protocol, uint16_t *ret);

/* By name, or by a number that may be hexadecimal: 0x86dd. 0, -EINVAL, -ERANGE (beyond 16 bits, or a length). */
int names_parse_ether_type(const char *text, uint16_t *ret);

/* Type of ICMP, or ICMPv6, by name or number. 0, -EINVAL, -ERANGE (beyond 255). */
int names_parse_icmp_type(const char *text, bool ipv6, uint8_t *ret);
/* NULL for one without a name. */
const char *names_icmp_type(uint8_t type, bool ipv6);

/* Differentiated services code point by name, such as AF21, or number. 0, -EINVAL, -ERANGE (beyond 63). */
int names_parse_dscp(const char *text, uint8_t *ret);

/*
 * A number with a unit: bit, kbit, mbit, gbit (powers of 1000, bits a second), bps, kbps, mbps, gbps (the same of
 * bytes). The answer is bytes a second. 0, -EINVAL, -ERANGE (beyond 32 bits before the unit).
 */
int names_parse_rate(const char *text, uint64_t *ret);
/* A number with a unit: b, kb, mb (powers of 1024). The answer is bytes. 0, -EINVAL, -ERANGE as above. */
int names_parse_size(const char *text, uint64_t *ret);

/* The name `index` of each kind, for suggestions and help; NULL beyond the end. */
const char *names_protocol_at(size_t index);
const char *names_service_at(size_t index);
const char *names_icmp_type_at(size_t index, bool ipv6);
const char *names_dscp_at(size_t index);

/*
 * Finds the name that somebody may have meant, the first in the alphabet where several are as near.
 * Begin with NAMES_GUESS(word), show it each candidate in any order.
 */
struct names_guess {
	const char *word;
	const char *best; /* NULL: nothing is near */
	size_t distance;
};

#define NAMES_GUESS(text) ((struct names_guess){.word = (text)})
void names_guess_try(struct names_guess *guess, const char *candidate);

#endif
