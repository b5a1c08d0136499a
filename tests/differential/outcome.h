/* SPDX-License-Identifier: GPL-2.0-only */
/* What one witness says of a packet, in words, so that answers of any origin can be compared and shown. */
#ifndef EPG_TEST_OUTCOME_H
#define EPG_TEST_OUTCOME_H

#include "../reference/reference.h"
#include "compile/catalog.h"
#include "epg/epg.h"

#define OUTCOME_RULE_BYTES 256
#define OUTCOME_TEXT_BYTES 1024

struct outcome {
	enum epg_verdict verdict;
	enum epg_reason reason;
	unsigned int level;               /* where a rule was asked */
	char rule[OUTCOME_RULE_BYTES];    /* "t0/c0 s0 t0/f0 e0 line 12 to-any", or a name; "-": none was asked */
	char audited[OUTCOME_RULE_BYTES]; /* the same, of what would decide otherwise */
	char groups[OUTCOME_RULE_BYTES];  /* "t0/p0/g0 -> t0/p0/g1"; "" where that is not asked */
};

void outcome_of_reference(const struct reference_answer *answer, struct outcome *ret);
void outcome_of_event(const struct catalog *catalog, const struct epg_event *event, struct outcome *ret);
void outcome_of_answer(const struct epg_answer *answer, struct outcome *ret);

bool outcome_equal(const struct outcome *one, const struct outcome *other);
/* In one line. */
void outcome_print(const struct outcome *outcome, char text[OUTCOME_TEXT_BYTES]);

#endif
