/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What to write into the policy so that a packet that was denied is permitted, and where. */
#ifndef EPG_REMEDY_H
#define EPG_REMEDY_H

#include <stddef.h>
#include <stdint.h>

#include "inspect/near_miss.h"

/* See struct epg_remedy. */
struct remedy {
	char hint[NEAR_MISS_TEXT_MAX];
	char yaml[NEAR_MISS_TEXT_MAX];
	uint32_t line; /* 0: there is no line to add */
};

/* Of a packet that the rule of index `denied` denied, going by the nearest miss, if there is one. */
void remedy_find(const struct rule_book *book, const struct rule_packet *packet, uint32_t denied,
		 const struct near_miss *misses, size_t n, struct remedy *ret);

#endif
