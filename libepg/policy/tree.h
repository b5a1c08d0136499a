/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A YAML text (or JSON, which is YAML) as a tree of which every node knows its place. It says nothing about
 * what the text means.
 */
#ifndef EPG_TREE_H
#define EPG_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/model.h"

/* Mappings and sequences nested in each other. */
#define TREE_DEPTH_MAX 63
/* Nodes that aliases may repeat: a few lines of aliases to aliases would otherwise stand for billions. */
#define TREE_ALIASED_MAX 1000000

struct arena;
struct epg_diagnostics;

enum tree_kind {
	TREE_SCALAR,
	TREE_SEQUENCE,
	TREE_MAPPING,
};

struct tree_node;

struct tree_pair {
	const struct tree_node *key; /* always a scalar */
	const struct tree_node *value;
};

struct tree_node {
	uint8_t kind; /* enum tree_kind */
	bool quoted;  /* a scalar between quotation marks, or a block of text: never a null or a boolean */
	struct place place;
	uint32_t count; /* items, pairs, or bytes of the scalar */
	union {
		const char *text; /* ends with a zero and has none within */
		const struct tree_node **items;
		const struct tree_pair *pairs; /* each key once */
	};
};

/*
 * Reads a text into a tree that lives in `arena`. Messages go to `diagnostics`, whose text must have been set.
 * Returns 0 (also when there were errors behind which reading could go on, such as a key given twice),
 * -EBADMSG, or -ENOMEM.
 */
int tree_read(const char *text, size_t length, struct arena *arena, struct epg_diagnostics *diagnostics,
	      const struct tree_node **ret);

/* Nothing stands there: `key:` alone, ~ or null. */
bool tree_is_null(const struct tree_node *node);

#endif
