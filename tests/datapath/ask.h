/* SPDX-License-Identifier: GPL-2.0-only */
/* Questions to a stage. */
#ifndef EPG_TEST_ASK_H
#define EPG_TEST_ASK_H

#include <criterion/criterion.h>

#include "stage.h"

#define QUESTION(...) (&(struct epg_question){.size = sizeof(struct epg_question), .icmp_type = -1, __VA_ARGS__})

static inline struct epg_answer ask(struct stage *stage, const struct epg_question *question)
{
	struct epg_answer answer;
	int error = epg_explain(stage_epg(stage), question, &answer);

	cr_assert_eq(error, 0, "%s: %s", epg_error(stage_epg(stage))->message, epg_error(stage_epg(stage))->where);
	return answer;
}

static inline void expect_failure(struct stage *stage, const struct epg_question *question, int error,
				  enum epg_failure failure)
{
	struct epg_answer answer;

	cr_assert_eq(epg_explain(stage_epg(stage), question, &answer), error, "%s",
		     epg_error(stage_epg(stage))->message);
	cr_assert_eq(epg_error(stage_epg(stage))->failure, failure, "%s", epg_error(stage_epg(stage))->message);
	cr_assert_neq(epg_error(stage_epg(stage))->message[0], '\0');
}

#endif
