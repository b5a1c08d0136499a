/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "suggest.h"

Test(suggest, distance_counts_slips_of_the_fingers)
{
	cr_assert_eq(suggest_distance("apply", "apply"), 0);
	cr_assert_eq(suggest_distance("aply", "apply"), 1);
	cr_assert_eq(suggest_distance("applly", "apply"), 1);
	cr_assert_eq(suggest_distance("appky", "apply"), 1);
	cr_assert_eq(suggest_distance("paply", "apply"), 1, "neighbours swapped");
	cr_assert_eq(suggest_distance("", "abc"), 3);
	cr_assert_eq(suggest_distance("kitten", "sitting"), 3);
}

Test(suggest, words_beyond_the_bound_are_never_alike)
{
	char word[SUGGEST_WORD_MAX + 2];

	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = 0;
	cr_assert_eq(suggest_distance(word, word), SIZE_MAX);
}

Test(suggest, the_closest_candidate_wins)
{
	struct suggestion suggestion = suggest_begin("detatch");

	suggest_candidate(&suggestion, "attach");
	suggest_candidate(&suggestion, "detach");
	suggest_candidate(&suggestion, "status");
	cr_assert_str_eq(suggestion.closest, "detach");
}

Test(suggest, nothing_is_better_than_nonsense)
{
	struct suggestion suggestion = suggest_begin("ls");

	suggest_candidate(&suggestion, "rollback");
	suggest_candidate(&suggestion, "rm");
	cr_assert_null(suggestion.closest);
}
