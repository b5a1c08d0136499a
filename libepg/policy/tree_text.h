/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What can be wrong with a text before it is a tree: bytes that are no text, and text that is no YAML. */
#ifndef EPG_TREE_TEXT_H
#define EPG_TREE_TEXT_H

#include <stddef.h>
#include <yaml.h>

#include "policy/diagnostic.h"

/* Refuses what is not UTF-8 or not printable, from `start` on. 0, or -EBADMSG with a message. */
int tree_text_check(const char *text, size_t length, size_t start, struct epg_diagnostics *diagnostics);

/* Says in our words why the parser has stopped. */
void tree_text_explain(const yaml_parser_t *parser, const char *text, size_t length,
		       struct epg_diagnostics *diagnostics);

#endif
