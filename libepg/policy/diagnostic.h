/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Located messages about a policy, collected so that one run tells all of them. */
#ifndef EPG_DIAGNOSTIC_H
#define EPG_DIAGNOSTIC_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "epg/epg.h"
#include "policy/model.h"

struct epg_diagnostics;

/* `name` and `text` are copied as far as messages need them; text may be NULL. */
int diagnostics_new(const char *name, struct epg_diagnostics **ret);
void diagnostics_free(struct epg_diagnostics *diagnostics);

/* The source text that later messages quote; not copied: quoted lines are copied when a message is added. */
void diagnostics_set_text(struct epg_diagnostics *diagnostics, const char *text, size_t length);

/* From byte offsets of that text to places and back. Beyond the end means the end. */
struct place diagnostics_place(struct epg_diagnostics *diagnostics, size_t offset);
size_t diagnostics_offset(struct epg_diagnostics *diagnostics, struct place place);

/*
 * Adds a message. `hint` may be NULL. Beyond 1000 messages only their number is kept, so that a hostile
 * file can't fill memory. Running out of memory is remembered and reported by diagnostics_failed.
 */
void diagnostics_error(struct epg_diagnostics *diagnostics, struct place place, const char *hint, const char *format,
		       ...) __attribute__((format(printf, 4, 5)));
/* A warning, or a note, with its code, which says how severe it is. */
void diagnostics_lint(struct epg_diagnostics *diagnostics, enum epg_lint_code code, struct place place,
		      const char *hint, const char *format, ...) __attribute__((format(printf, 5, 6)));

size_t diagnostics_errors(const struct epg_diagnostics *diagnostics);
/* Out of memory: a message is missing. */
bool diagnostics_failed(const struct epg_diagnostics *diagnostics);
/* No further error will be kept: it is no use to look for its words. */
bool diagnostics_full(const struct epg_diagnostics *diagnostics);

#endif
