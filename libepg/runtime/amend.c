/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/amend.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "compile/draft.h"
#include "runtime/commit.h"
#include "runtime/observe.h"

static void amending_clear(struct amending *amending)
{
	if (amending->draft)
		draft_clear(amending->draft);
	free(amending->rules);
	free(amending->removed);
	free(amending->touched);
	free(amending->is_touched);
}

/* ---- may it be amended? ---- */

static bool is_in_force(const struct amend *amend, const struct instance *instance)
{
	return amend->number && amend->number == observe_generation(instance) && amend->device == instance->device &&
	       amend->inode == instance->inode;
}

void amend_note(struct amend *amend, const struct instance *instance, uint32_t number)
{
	amend->number = number;
	amend->device = instance->device;
	amend->inode = instance->inode;
	amend_close(amend);
}

/* ---- the amendment as it is written down ---- */

static int pack_edits(const struct model *model, const struct edits *edits, uint32_t number, struct edit_bytes *bytes)
{
	int error = 0;

	for (size_t i = 0; !error && i < edits->n_changes; i++) {
		const struct edit_change *change = &edits->changes[i];
		const char *name = change->entry.name;

		error = edit_bytes_begin(bytes, model->filters[change->filter].name, change->removed, number);
		if (!error)
			error = change->removed ? edit_bytes_remove(bytes, name)
						: edit_bytes_add(bytes, (const struct edit_entry *)name - 1, name);
	}
	return error;
}

/* The map in which amendments are written down, made with the first one. */
static int open_amendments(struct amend *amend, struct build *build)
{
	struct amendments_header *header;
	int error = 0;

	if (build->amendments < 0)
		build->amendments = amendments_make();
	if (build->amendments < 0)
		return build->amendments;
	if (!amend->amendments.bytes)
		error = map_view_open(build->amendments, true, &amend->amendments);
	header = (struct amendments_header *)amend->amendments.bytes;
	if (!error && !header->magic)
		*header = (struct amendments_header){AMENDMENTS_MAGIC, (uint32_t)amend->overlay.n_first, 0};
	return error;
}

static int write_down(const struct amending *amending, const struct edits *edits, uint32_t number)
{
	struct amend *amend = amending->amend;
	struct edit_bytes bytes = {0};
	const struct amendment head = {
		.generation = number,
		.applied_at = (uint64_t)time(NULL),
		.n_rules = (uint32_t)amending->n_rules,
		.n_removed = (uint32_t)amending->n_removed,
		.n_members = (uint32_t)(amend->n_members - amending->n_first_member),
		.n_strings = (uint32_t)amending->draft->n_strings,
	};
	struct amendment_view view = {
		.rules = amending->rules,
		.removed = amending->removed,
		.members = amend->members ? amend->members + amending->n_first_member : NULL,
		.strings = amending->draft->strings,
	};
	struct amendment with_edits = head;
	int error = pack_edits(amending->model, edits, number, &bytes);

	with_edits.edits_length = (uint32_t)bytes.length;
	view.head = &with_edits;
	view.edits = bytes.bytes;
	if (!error)
		error = amendments_append(&amend->amendments, &view);
	edit_bytes_clear(&bytes);
	return error;
}

/* ---- into the tables ---- */

/* Behind what is in use: nothing leads there yet. */
static void write_rules(const struct amending *amending)
{
	struct amend *amend = amending->amend;
	struct epg_rule_more *rules = (struct epg_rule_more *)amend->rules.bytes;
	size_t first = amend->generation->catalog.n_rules;

	for (size_t i = amending->n_first; i < amend->n_added; i++)
		rules[first + i] = rules_more(&amend->added[i].what);
}

/* Each packet goes by its own generation's root; those that began before the last amendment have long ended. */
static void stage_sets(const struct amending *amending, uint32_t number)
{
	struct epg_rule_set *sets = (struct epg_rule_set *)amending->amend->sets.bytes;

	for (size_t i = 0; i < amending->n_touched; i++) {
		struct epg_rule_set *set = &sets[amending->touched[i]];

		__atomic_store_n(&set->next_root, amending->amend->roots[amending->touched[i]], __ATOMIC_RELEASE);
		__atomic_store_n(&set->next_generation, number, __ATOMIC_RELEASE);
	}
}

/* What the plan needs of the tables, as they lie in their maps. */
static struct plan_policy policy_of(const struct amend *amend)
{
	return (struct plan_policy){
		.catalog = &amend->generation->catalog,
		.running = &amend->generation->catalog,
		.classes = (const struct epg_class *)amend->classes.bytes,
		.n_classes = amend->classes.length / sizeof(struct epg_class),
		.nodes = amend->overlay.nodes,
		.n_nodes = amend->overlay.n_nodes,
	};
}

static int lay_over(struct amending *amending, const struct edits *edits)
{
	struct amend *amend = amending->amend;
	int error = 0;

	amending->is_touched = array_new(amend->generation->catalog.n_rule_sets, sizeof(*amending->is_touched));
	if (!amending->is_touched)
		return -ENOMEM;
	for (size_t i = 0; !error && i < edits->n_changes; i++)
		error = amend_change(amending, &edits->changes[i]);
	return error;
}

static struct epg_cost cost_of(const struct amend *amend)
{
	const struct catalog *catalog = &amend->generation->catalog;
	struct epg_cost cost = {
		.contracts = catalog->n_contracts,
		.groups = catalog->n_groups,
		.pairs = catalog->n_pairs,
		.rule_sets = catalog->n_rule_sets,
		.nodes = amend->overlay.n_nodes,
		.bytes = amend->nodes.length + amend->rules.length + amend->sets.length + amend->classes.length,
	};

	for (size_t i = 0; i < catalog->n_contracts; i++)
		cost.taboos += catalog->contracts[i].taboo;
	cost.contracts -= cost.taboos;
	cost.rules = amend_n_rules(amend);
	return cost;
}

/* What an entry counted before it was removed is its own again when it has been added anew. It only bears on counts. */
static void take_up_counts(struct epg *epg, const struct amending *amending, uint32_t number)
{
	const struct amend *amend = amending->amend;
	size_t n_base = amend->generation->catalog.n_rules, n = 0, capacity = 0;
	AUTO_FREE struct past_move *moves = NULL;
	int error = 0;

	for (size_t i = amending->n_first; i < amend->n_added; i++) {
		for (size_t j = 0; !error && j < amend->n_gone; j++) {
			uint32_t gone = amend->gone_rules[j];

			if (amend_detail(amend, gone)->identity != amend->added[i].identity)
				continue;
			error = array_reserve(&moves, &capacity, n + 1, sizeof(*moves));
			if (!error)
				moves[n++] = (struct past_move){gone, (uint32_t)(n_base + i)};
		}
	}
	if (!error && !past_move_counts(epg, number, moves, n))
		return;
	context_log(epg, EPG_LOG_WARNING, "counts of entries that were added again wait for the next whole apply");
	context_forget(epg);
}

/* A failure from here on leaves the old policy in force; what was begun is put right by the next change. */
static int carry_out(struct epg *epg, struct instance *instance, const struct amending *amending,
		     const struct edits *edits, struct epg_apply_result *result)
{
	AUTO_PLAN struct plan plan = {0};
	AUTO_BUILD struct build build = BUILD_INIT(epg, instance);
	struct amend *amend = amending->amend;
	const struct plan_policy policy = policy_of(amend);
	uint32_t number;
	int error = plan_make(&plan, epg, instance, &policy);

	if (!error)
		error = plan_check_room(&plan);
	if (!error)
		error = build_adopt_all(&build, amend->number);
	if (error)
		return error;
	number = commit_number(instance);
	write_rules(amending);
	error = open_amendments(amend, &build);
	if (!error)
		error = write_down(amending, edits, number);
	if (error)
		return error == -ENOSPC ? error
					: context_fail_kernel(epg, error, "amendments", "can't write the change down");
	((struct amendments_header *)amend->amendments.bytes)->n_nodes = (uint32_t)amend->overlay.n_nodes;
	stage_sets(amending, number);
	error = commit_amended(&build, &plan, number, &result->attached);
	if (error)
		return error;
	*result = (struct epg_apply_result){
		.generation = number,
		.attached = result->attached,
		.bound = plan.bound,
		.absent = plan.absent,
		.cost = cost_of(amend),
	};
	take_up_counts(epg, amending, number);
	amend->number = number;
	return 0;
}

static bool takes_whole(int error)
{
	return error == -EOPNOTSUPP || error == -ENOSPC || error == -E2BIG;
}

static int amend_locked(struct epg *epg, struct instance *instance, const struct epg_policy *policy,
			struct epg_apply_result *result, bool *ret_done)
{
	struct amend *amend = policy->amend;
	struct draft draft = {0};
	__attribute__((cleanup(amending_clear))) struct amending amending = {
		.amend = amend,
		.model = policy->model,
		.draft = &draft,
		.rule_limit = instance->control->rule_limit,
		.n_first = amend->n_added,
		.n_first_member = amend->n_members,
	};
	int error = lay_over(&amending, policy->edits);

	if (takes_whole(error))
		return 0;
	if (error)
		return context_fail_kernel(epg, error, NULL, "can't amend the running policy");
	error = carry_out(epg, instance, &amending, policy->edits, result);
	if (error == -ENOSPC) {
		context_forget(epg);
		return past_recover(epg, instance);
	}
	*ret_done = !error;
	return error;
}

int amend_apply(struct epg *epg, struct instance *instance, const struct epg_policy *policy,
		struct epg_apply_result *result, bool *ret_done)
{
	struct amend *amend = policy->amend;
	struct edits *edits = policy->edits;
	int error;

	*ret_done = false;
	if (!edits->n_changes || edits->n_changes > EDIT_CHANGES_MAX || !is_in_force(amend, instance))
		return 0;
	/* A number that was given out and is not in force: somebody was interrupted. */
	error = instance->control->last_generation == amend->number ? 0 : past_recover(epg, instance);
	if (!error && amendments_recover(epg, instance))
		error = context_fail_kernel(epg, -EIO, "sets", "can't settle what was amended before");
	if (error)
		return error;
	if (!amend->generation && amend_open(epg, amend)) {
		context_forget(epg);
		return 0;
	}
	error = amend_locked(epg, instance, policy, result, ret_done);
	if (*ret_done)
		edits_forget_changes(edits);
	else
		amend_close(amend);
	return error;
}
