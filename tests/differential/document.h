/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A YAML document as a tree that can be printed with any of its parts hidden: so a policy is written by the generator
 * and cut down to what matters by the minimiser, who need not know what it says.
 */
#ifndef EPG_TEST_DOCUMENT_H
#define EPG_TEST_DOCUMENT_H

#include <stdbool.h>

#include "base/arena.h"

enum document_kind {
	DOCUMENT_MAPPING,
	DOCUMENT_SEQUENCE,
	DOCUMENT_SCALAR,
};

struct document_node {
	enum document_kind kind;
	const char *key;  /* NULL: an element of a sequence, or the root */
	const char *text; /* of a scalar, quoted where it must be */
	struct document_node *parent, *first, *last, *next;
	bool hidden;
};

/* Without memory they abort: the tests can't go on. `parent` is NULL for the root, `key` for elements of sequences. */
struct document_node *document_mapping(struct arena *arena, struct document_node *parent, const char *key);
struct document_node *document_sequence(struct arena *arena, struct document_node *parent, const char *key);
void document_scalar(struct arena *arena, struct document_node *parent, const char *key, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The text without what is hidden; the caller frees it. */
char *document_print(const struct document_node *root);

/* The one behind this one, depth first, parents before children; NULL behind the last one. */
struct document_node *document_next(struct document_node *node);
/* The same, without what is below this one. */
struct document_node *document_skip(struct document_node *node);

#endif
