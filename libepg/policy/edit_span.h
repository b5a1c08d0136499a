/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Where in a policy's text the entries of its filters stand, to the byte. */
#ifndef EPG_EDIT_SPAN_H
#define EPG_EDIT_SPAN_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/schema.h"

struct arena;

struct edit_item {
	char name[SCHEMA_NAME_BYTES + 1];
	size_t start, end; /* of the object, without what stands between it and its neighbours */
};

/* The list `entries` of a filter. */
struct edit_list {
	const char *filter; /* full name */
	bool flow;          /* in [ ] */
	size_t key_end;     /* of the word `entries` */
	size_t start, end;  /* with its brackets; else from its first dash to the end of its last item */
	size_t column;      /* of the first dash, from 0 */
	struct edit_item *items;
	size_t n_items;
};

struct edit_spans {
	struct edit_list *lists; /* in the order of the text */
	size_t n_lists;
	bool json; /* the whole text is an object in { } */
	bool odd;  /* it has what can't be cut by bytes: aliases, blocks of text */
};

/* Finds them in a text that is a good policy. Everything lives in `arena`. 0, -EBADMSG, -ENOMEM. */
int edit_spans_find(const char *text, size_t length, struct arena *arena, struct edit_spans *ret);

#endif
