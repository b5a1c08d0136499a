/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Amending the running generation: a policy that is in force and has had a few entries added or removed since comes
 * into force in the same tables. New rules and nodes are put behind those in use; the sets of rules concerned get their
 * new roots staged, and all of it takes effect with the generation's number.
 */
#ifndef EPG_AMEND_H
#define EPG_AMEND_H

#include "compile/overlay.h"
#include "policy/edit.h"
#include "runtime/amendments.h"

/* The rules of a part (LINK_PART) stand in a set. */
struct amend_part {
	uint32_t part;
	uint32_t set;
};

/* What of a rule is enough to pass it over when another one is removed: a million of them are looked through. */
struct amend_brief {
	struct catalog_range destination, source;
	uint16_t kinds[2]; /* with AMEND_EARLY */
	uint16_t early;    /* what it says of pieces that come early */
	uint16_t reserved;
};

#define AMEND_NEVER_EARLY 0 /* nothing */
#define AMEND_EARLY 1       /* it permits them for its kinds, whatever their DSCP: the first such rule is enough */
#define AMEND_ODD 2

/* What a policy was applied as, and the tables that it is in force by, once they have been opened. */
struct amend {
	uint64_t device, inode; /* of the instance */
	uint32_t number;        /* of the generation; 0: the policy has not been applied */
	struct generation *generation;
	struct map_view nodes, sets, rules, classes, amendments;
	struct overlay overlay;
	uint32_t *roots;      /* by set */
	uint8_t *gone;        /* by rule: it is removed */
	uint32_t *gone_rules; /* the same, as a list */
	size_t n_gone;
	struct amend_part *parts; /* by part, then set */
	size_t n_parts;
	uint16_t *uses;       /* by contract: RULES_USE of the rules that it has */
	uint32_t *part_rules; /* by part: rules that it has */
	uint32_t *identities; /* index + 1 of rules by their identity, for removals; made when one is removed first */
	size_t n_identities;  /* a power of 2 */
	struct amend_brief *briefs; /* of the catalog's rules; made with `identities` */
	struct catalog_rule *added; /* since the tables were opened; without strings */
	size_t n_added, added_capacity;
	struct amendments_member *members; /* that were added since */
	size_t n_members, members_capacity;
};

/* One amendment being made. */
struct amending {
	struct amend *amend;
	const struct model *model;
	size_t rule_limit;
	size_t n_first; /* of amend->added: those behind are new */
	size_t n_first_member;
	struct catalog_rule *rules; /* new ones, with strings of the draft */
	size_t n_rules, rules_capacity;
	struct draft *draft; /* for the strings */
	uint32_t *removed;
	size_t n_removed, removed_capacity;
	uint32_t *touched; /* sets, each once */
	size_t n_touched, touched_capacity;
	uint8_t *is_touched; /* by set */
	size_t scanned;      /* members that were looked at */
};

/* ---- amend_base.c ---- */

/* Opens the tables of the generation. 0 or -errno: they can't be amended then, and a whole apply is as good. */
int amend_open(struct epg *epg, struct amend *amend);
/* Closes the tables; what the policy was applied as is still known. */
void amend_close(struct amend *amend);
/* Sets that have rules of a part. */
const struct amend_part *amend_sets(const struct amend *amend, uint32_t part, size_t *ret_n);
/* Notes that a rule, which was there, is removed. */
void amend_set_gone(struct amend *amend, uint32_t index);
size_t amend_n_rules(const struct amend *amend);
const struct catalog_rule *amend_detail(const struct amend *amend, uint32_t index);
uint32_t amend_leaf(const struct amend *amend, uint32_t index);
/* Index of a rule that is there, or CATALOG_NONE. -ENOMEM. */
int amend_find(struct amend *amend, uint64_t identity, uint32_t *ret);

/* ---- amend_rules.c ---- */

/*
 * Lays one change over the tables. -EOPNOTSUPP, -ENOSPC, -E2BIG: it takes a whole generation; -ENOMEM. After any
 * failure the tables must be closed.
 */
int amend_change(struct amending *amending, const struct edit_change *change);

/* ---- amend.c ---- */

/*
 * Brings the policy's changes into force by amending. `ret_done` is false when it takes a whole apply. Failures are
 * recorded; the policy in force is the old one then.
 */
int amend_apply(struct epg *epg, struct instance *instance, const struct epg_policy *policy,
		struct epg_apply_result *result, bool *ret_done);
/* The policy is in force as a whole, as generation `number`. */
void amend_note(struct amend *amend, const struct instance *instance, uint32_t number);

#endif
