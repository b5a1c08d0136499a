/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which keys an object of the policy language has, and its plain values: words, numbers, booleans, lists.
 * Whatever is wrong becomes a message, and the function returns false.
 */
#ifndef EPG_SCHEMA_H
#define EPG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/diagnostic.h"
#include "policy/tree.h"

enum schema_need {
	SCHEMA_OPTIONAL,
	SCHEMA_REQUIRED,
	SCHEMA_LATER, /* of the language, but not supported yet */
};

struct schema_key {
	const char *name;
	enum schema_need need;
	size_t offset; /* of the `const struct tree_node *` that takes the value; not for SCHEMA_LATER */
};

#define SCHEMA_KEY(name, need, type, field)                  \
	{                                                    \
		(name), SCHEMA_##need, offsetof(type, field) \
	}
#define SCHEMA_NOT_YET(name)            \
	{                               \
		(name), SCHEMA_LATER, 0 \
	}

struct schema {
	const char *what; /* "a filter entry" */
	const struct schema_key *keys;
	size_t n_keys;
};

#define SCHEMA(what, keys)                       \
	{                                        \
		(what), (keys), ARRAY_SIZE(keys) \
	}

/*
 * Checks the keys of a mapping and puts their values into the struct at `ret`, whose node pointers must be
 * NULL before; they stay NULL for keys that are absent. False only when `node` is no mapping.
 */
bool schema_read(struct epg_diagnostics *diagnostics, const struct tree_node *node, const struct schema *schema,
		 void *ret);

/* A single value of any spelling. */
bool schema_word(struct epg_diagnostics *diagnostics, const struct tree_node *node);

/* A name of an object: letters, digits and _ . : - and at most 63 of them. */
#define SCHEMA_NAME_BYTES 63
bool schema_name(struct epg_diagnostics *diagnostics, const struct tree_node *node);

bool schema_list(struct epg_diagnostics *diagnostics, const struct tree_node *node);

/* true or false, nothing else: "no" is the name of a country. */
bool schema_boolean(struct epg_diagnostics *diagnostics, const struct tree_node *node, bool *ret);

/* `what` as in "class 70000 is out of range". */
bool schema_number(struct epg_diagnostics *diagnostics, const struct tree_node *node, const char *what, uint32_t first,
		   uint32_t last, uint32_t *ret);

/* One of a few words; `ret` is its index. */
bool schema_choice(struct epg_diagnostics *diagnostics, const struct tree_node *node, const char *const *words,
		   size_t n_words, unsigned int *ret);

/* Tells that a text is not a number, and why. */
void schema_not_a_number(struct epg_diagnostics *diagnostics, const struct tree_node *node, const char *what);

#define SCHEMA_HINT_BYTES 256
/* `did you mean "x"?`, or `otherwise`, which may be NULL. */
const char *schema_did_you_mean(char hint[SCHEMA_HINT_BYTES], const char *best, const char *otherwise);

#endif
