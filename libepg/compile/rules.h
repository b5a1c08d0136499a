/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Contracts and taboos into rules: one for each entry of each filter that a subject uses, for each role and direction
 * in which the contract is used.
 */
#ifndef EPG_RULES_H
#define EPG_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "compile/draft.h"
#include "policy/model.h"

struct epg_diagnostics;

/* Rules of a policy: a hundred megabytes of counters and nodes. EPG_LEAF has room for four times as many. */
#define RULES_MAX ((size_t)1 << 22)

/* A set of roles, as rules' packets go, each from consumer to provider or (reverse) the other way. */
#define RULES_USE(role, reverse) (1u << ((role) << 1 | !!(reverse)))
#define RULES_USES_FORWARD 0x555u
#define RULES_USES_REVERSE 0xaaau

/* Rules that a contract has for each of its uses. */
struct rules_count {
	uint64_t forward;
	uint64_t reverse;
};

/* By contract, and behind them by taboo; the caller frees it. Returns 0 or -ENOMEM. */
int rules_count(const struct model *model, struct rules_count **ret);

/* Whether an entry has a rule for packets from provider to consumer too: replies of what is tracked need none. */
bool rules_have_reverse(const struct model_subject *subject, const struct model_entry *entry);

/*
 * Writes the implicit rules, the contracts in the model's order, the taboos, and their rules into the draft; returns
 * the elements of table `rules`, as many as the draft has rules. `counts` is what rules_count says, `uses` the sets of
 * uses in the same order: links.h. The caller frees `ret`.
 * Returns 0, -EBADMSG (more than RULES_MAX, reported at the contract), -ENOMEM.
 */
int rules_collect(const struct model *model, const struct rules_count *counts, const uint16_t *uses,
		  struct epg_diagnostics *diagnostics, struct draft *draft, struct epg_rule **ret);

/* Where a contract uses a filter. */
struct rules_place {
	uint32_t contract; /* of the model; no taboo */
	const struct model_subject *subject;
	const struct model_filter_use *use;
	uint32_t uses; /* of the contract: RULES_USE */
};

/*
 * The rules of one entry alone: details become all the rules that the draft has, whose strings stay. Returns 0 or
 * -ENOMEM.
 */
int rules_of_entry(const struct model *model, const struct rules_place *place, const struct model_entry *entry,
		   struct draft *draft);

#endif
