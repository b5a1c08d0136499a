/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What tells a rule in every generation: contract, subject, filter, entry, direction, role. */
#ifndef EPG_IDENTITY_H
#define EPG_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#define IDENTITY_PRIME 0x100000001b3u

/* FNV-1a over a string and its terminating zero, which keeps "ab" + "c" and "a" + "bc" apart. */
static inline uint64_t identity_add(uint64_t identity, const char *string)
{
	do
		identity = (identity ^ (unsigned char)*string) * IDENTITY_PRIME;
	while (*string++);
	return identity;
}

/* What the rules of a filter that a subject uses have in common. */
static inline uint64_t identity_begin(const char *contract, const char *subject, const char *filter)
{
	return identity_add(identity_add(identity_add(0xcbf29ce484222325u, contract), subject), filter);
}

static inline uint64_t identity_end(uint64_t begun, const char *entry, bool reverse, uint8_t role)
{
	uint64_t identity = identity_add(identity_add(begun, entry), reverse ? "reverse" : "forward");

	return (identity ^ role) * IDENTITY_PRIME;
}

#endif
