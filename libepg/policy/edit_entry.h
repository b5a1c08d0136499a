/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* An entry that a caller gives: packed, and spelled as it would stand in a file. */
#ifndef EPG_EDIT_ENTRY_H
#define EPG_EDIT_ENTRY_H

#include "policy/edit.h"
#include "policy/read.h"

#define EDIT_KEYS 12
#define EDIT_FLAGS 4
#define EDIT_TEXT_BYTES 512

/* An entry as nodes of a tree, which point into this struct: it must not move. */
struct edit_spelling {
	struct read_entry_nodes nodes;
	struct tree_node scalars[EDIT_KEYS];
	size_t n_scalars;
	struct tree_node flags[EDIT_FLAGS];
	const struct tree_node *flag_items[EDIT_FLAGS];
	char text[EDIT_TEXT_BYTES];
	size_t n_text;
	struct place place; /* of all its nodes */
};

/* 0, or -EINVAL (the name is too long to be one, or flags that are none). */
int edit_pack(const struct epg_entry *entry, struct edit_entry *ret);
void edit_spell(const struct edit_entry *entry, const char *name, struct place place, struct edit_spelling *ret);

/* Room for the longest text of an entry, with its name. */
#define EDIT_LINE_BYTES 512
/* `{name: web, prot: tcp, dPort: 80}`, or with `json` as JSON has it; returns its length. */
size_t edit_line(const struct edit_entry *entry, const char *name, bool json, char ret[EDIT_LINE_BYTES]);

#endif
