/* SPDX-License-Identifier: GPL-2.0-only */
/* A third witness: the library's own decision over tables compiled from the model, without a kernel. */
#ifndef EPG_TEST_COMPILED_H
#define EPG_TEST_COMPILED_H

#include "outcome.h"

struct compiled;

/* Ends the process when the model can't be compiled. */
struct compiled *compiled_open(const struct model *model);
void compiled_close(struct compiled *compiled);

/*
 * What decides between the two groups of `answer`, the reference's. False: it is no matter of groups, since one is not
 * known, or something else has decided before.
 */
bool compiled_ask(const struct compiled *compiled, const struct reference_packet *packet,
		  const struct reference_answer *answer, struct outcome *ret);

#endif
