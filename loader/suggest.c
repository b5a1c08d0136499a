/* SPDX-License-Identifier: GPL-2.0-only */
#include "suggest.h"

#include <stdint.h>
#include <string.h>

static size_t smaller(size_t one, size_t other)
{
	return one < other ? one : other;
}

size_t suggest_distance(const char *one, const char *other)
{
	size_t n = strlen(one), m = strlen(other);
	size_t rows[3][SUGGEST_WORD_MAX + 1]; /* two rows before, the one before, this one; in turns */

	if (n > SUGGEST_WORD_MAX || m > SUGGEST_WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			row[j] = above[j - 1] + (one[i - 1] != other[j - 1]);
			row[j] = smaller(row[j], smaller(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1])
				row[j] = smaller(row[j], two_above[j - 2] + 1);
		}
	}
	return rows[n % 3][m];
}

struct suggestion suggest_begin(const char *word)
{
	return (struct suggestion){.word = word, .distance = SIZE_MAX};
}

void suggest_candidate(struct suggestion *suggestion, const char *candidate)
{
	size_t distance = suggest_distance(suggestion->word, candidate);
	size_t tolerable = (strlen(suggestion->word) + 1) / 3;

	if (distance <= tolerable && distance < suggestion->distance) {
		suggestion->closest = candidate;
		suggestion->distance = distance;
	}
}
