/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* A catalog being written: arrays that grow, strings that are kept once, and at the end one block. */
#ifndef EPG_DRAFT_H
#define EPG_DRAFT_H

#include <stddef.h>
#include <stdint.h>

#include "compile/catalog.h"

struct draft {
#define DRAFT_SECTION(name, type) \
	struct type *name;        \
	size_t n_##name;          \
	size_t name##_capacity;
	CATALOG_SECTIONS(DRAFT_SECTION)
#undef DRAFT_SECTION
	char *strings;
	size_t n_strings, strings_capacity;
	uint64_t *string_slots; /* upper half of the hash << 32 | offset of a string; 0: free */
	size_t n_string_slots;  /* a power of 2 */
	size_t n_distinct;
};

/* A draft begins as all zero. */
void draft_clear(struct draft *draft);

/*
 * draft_add_<section> appends `count` elements, all zero. What it returns is valid until the next call for
 * the same section; NULL: out of memory.
 */
#define DRAFT_ADD(name, type) struct type *draft_add_##name(struct draft *draft, size_t count);
CATALOG_SECTIONS(DRAFT_ADD)
#undef DRAFT_ADD

/* Room for `n` rules in all: else room is made again and again. Returns 0 or -ENOMEM. */
int draft_reserve_rules(struct draft *draft, size_t n);

/* Puts a string into the pool, unless it is there. Returns 0 or -ENOMEM, also when the pool exceeds 4 GB. */
int draft_string(struct draft *draft, const char *string, uint32_t *ret);

/* The same without a look whether it is there: of many names that are all different, looking takes longest. */
int draft_new_string(struct draft *draft, const char *string, uint32_t *ret);

/* Writes the block that catalog_open reads; the caller frees it. Returns 0 or -ENOMEM. */
int draft_write(struct draft *draft, const char *file, uint8_t **ret, size_t *ret_length);

#endif
