/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#ifndef EPG_PLACE_H
#define EPG_PLACE_H

#include <stdint.h>

/* A place in the policy file; both count from 1. */
struct place {
	uint32_t line;
	uint32_t column;
};

#endif
