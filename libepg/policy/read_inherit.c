/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* `inherit`: a group takes the contracts of others, and what those have inherited themselves. */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/util.h"
#include "policy/read.h"

/* Contracts looked at on the way from group to group: a bound for hostile files. */
#define INHERITED_MAX 10000000
/* Names shown of a circle, and room for them. */
#define CIRCLE_SHOWN 6
#define CIRCLE_BYTES ((CIRCLE_SHOWN + 2) * (EPG_NAME_MAX + 4))

enum heir_state {
	HEIR_UNSEEN,
	HEIR_OPEN, /* those that it inherits from are being followed */
	HEIR_DONE, /* has all that it inherits */
};

struct heirs {
	struct reader *reader;
	uint8_t *states;  /* enum heir_state, by group */
	uint32_t *path;   /* groups that are open, each inherits from the next */
	uint32_t *next;   /* by group: of its `inherit`, the one to follow next */
	size_t depth;     /* of `path` */
	uint32_t *stamps; /* by contract: the list that has it already */
	uint32_t stamp;
	size_t looked_at;
};

/* ---- circles ---- */

static const char *name_of(const struct heirs *heirs, uint32_t group)
{
	const char *name = heirs->reader->model->groups[group].name;

	return name ? name : "?";
}

/* The last group of the path inherits from an earlier one. */
static void refuse_circle(const struct heirs *heirs, const struct model_inherit *inherit)
{
	struct epg_diagnostics *diagnostics = heirs->reader->diagnostics;
	char circle[CIRCLE_BYTES] = "";
	size_t first = heirs->depth - 1, length = 0;

	if (heirs->path[first] == inherit->group) {
		diagnostics_error(diagnostics, inherit->place, "take it out", "%s inherits from itself",
				  name_of(heirs, inherit->group));
		return;
	}
	while (heirs->path[first] != inherit->group)
		first--;
	for (size_t i = first; i < heirs->depth; i++) {
		if (i - first == CIRCLE_SHOWN) {
			length += (size_t)snprintf(circle + length, sizeof(circle) - length, "… -> ");
			break;
		}
		length += (size_t)snprintf(circle + length, sizeof(circle) - length, "%s -> ",
					   name_of(heirs, heirs->path[i]));
	}
	diagnostics_error(diagnostics, inherit->place, "take one of them out", "inherit goes round in a circle: %s%s",
			  circle, name_of(heirs, inherit->group));
}

/* ---- taking over ---- */

struct uses {
	const struct model_contract_use *items;
	size_t n;
};

static struct uses uses_of(const struct model_group *group, bool provide)
{
	return provide ? (struct uses){group->provide, group->n_provide}
		       : (struct uses){group->consume, group->n_consume};
}

/* Stamps the contract; false when the list has it. */
static bool is_new(struct heirs *heirs, uint32_t contract)
{
	bool new = heirs->stamps[contract] != heirs->stamp;

	heirs->stamps[contract] = heirs->stamp;
	return new;
}

/*
 * Puts what the group has itself, then what it inherits, into `into`, nothing twice. With NULL it only counts. Returns
 * how many there are.
 */
static size_t gather(struct heirs *heirs, const struct model_group *group, bool provide,
		     struct model_contract_use *into)
{
	struct uses own = uses_of(group, provide);
	size_t count = 0;

	heirs->stamp++;
	for (size_t i = 0; i < own.n; i++) {
		is_new(heirs, own.items[i].contract);
		if (into)
			into[count] = own.items[i];
		count++;
	}
	for (size_t i = 0; i < group->n_inherit; i++) {
		struct uses inherited = uses_of(&heirs->reader->model->groups[group->inherit[i].group], provide);

		for (size_t j = 0; j < inherited.n; j++) {
			if (!is_new(heirs, inherited.items[j].contract))
				continue;
			if (into)
				into[count] = (struct model_contract_use){inherited.items[j].contract,
									  group->inherit[i].place};
			count++;
		}
		heirs->looked_at += inherited.n;
	}
	return count;
}

static void take_over(struct heirs *heirs, struct model_group *group)
{
	struct reader *reader = heirs->reader;

	for (int provide = 0; provide < 2; provide++) {
		size_t count = gather(heirs, group, provide, NULL);
		struct model_contract_use *uses = arena_array(reader->arena, count, sizeof(*uses));

		if (!uses) {
			reader->out_of_memory = true;
			return;
		}
		gather(heirs, group, provide, uses);
		*(provide ? &group->provide : &group->consume) = uses;
		*(provide ? &group->n_provide : &group->n_consume) = count;
	}
	if (heirs->looked_at > INHERITED_MAX)
		diagnostics_error(
			reader->diagnostics, group->inherit[0].place, "name contracts once, near the top",
			"the EPGs inherit too much from each other: more than %d contracts are to be followed",
			INHERITED_MAX);
}

/* ---- the way ---- */

/* A step on from the group at the path's end: down to one that it inherits from, or back when there is none left. */
static void step(struct heirs *heirs)
{
	uint32_t index = heirs->path[heirs->depth - 1];
	struct model_group *group = &heirs->reader->model->groups[index];
	const struct model_inherit *inherit;

	if (heirs->next[index] == group->n_inherit) {
		if (group->n_inherit > 0)
			take_over(heirs, group);
		heirs->states[index] = HEIR_DONE;
		heirs->depth--;
		return;
	}
	inherit = &group->inherit[heirs->next[index]++];
	switch ((enum heir_state)heirs->states[inherit->group]) {
	case HEIR_UNSEEN:
		heirs->states[inherit->group] = HEIR_OPEN;
		heirs->path[heirs->depth++] = inherit->group;
		break;
	case HEIR_OPEN:
		refuse_circle(heirs, inherit);
		break;
	case HEIR_DONE:
		break;
	}
}

void read_inherited(struct reader *reader)
{
	size_t n_groups = reader->model->n_groups;
	AUTO_FREE uint8_t *states = array_new(n_groups, sizeof(*states));
	AUTO_FREE uint32_t *path = array_new(n_groups, sizeof(*path));
	AUTO_FREE uint32_t *next = array_new(n_groups, sizeof(*next));
	AUTO_FREE uint32_t *stamps = array_new(reader->model->n_contracts, sizeof(*stamps));
	struct heirs heirs = {.reader = reader, .states = states, .path = path, .next = next, .stamps = stamps};

	if (!states || !path || !next || !stamps) {
		reader->out_of_memory = true;
		return;
	}
	for (uint32_t i = 0; i < n_groups; i++) {
		if (states[i] != HEIR_UNSEEN)
			continue;
		states[i] = HEIR_OPEN;
		path[heirs.depth++] = i;
		while (heirs.depth > 0 && !reader->out_of_memory && heirs.looked_at <= INHERITED_MAX)
			step(&heirs);
		if (heirs.depth > 0)
			return;
	}
}
