/* SPDX-License-Identifier: GPL-2.0-only */
/* "Did you mean …?" */
#ifndef EPGCTL_SUGGEST_H
#define EPGCTL_SUGGEST_H

#include <stddef.h>

/*
 * How many letters must be put in, taken out, replaced or swapped with their neighbour to make `one` of
 * `other`. Words longer than SUGGEST_WORD_MAX are never alike.
 */
#define SUGGEST_WORD_MAX 48
size_t suggest_distance(const char *one, const char *other);

/* The search for the candidate that is most like a word. */
struct suggestion {
	const char *word;
	const char *closest; /* NULL: none is alike */
	size_t distance;
};

struct suggestion suggest_begin(const char *word);
void suggest_candidate(struct suggestion *suggestion, const char *candidate);

#endif
