/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Applying a policy: its generation is built beside the running one, checked, and brought into force. */
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "runtime/amend.h"
#include "runtime/commit.h"
#include "runtime/flow_table.h"
#include "runtime/observe.h"
#include "runtime/runtime.h"
#include "runtime/walk.h"

DEFINE_AUTO(struct model, model_free)

/* What an apply holds on its way. */
struct apply {
	struct epg *epg;
	struct instance *instance; /* NULL: a dry run where nothing is loaded */
	const struct model *model;
	const struct edits *edits;             /* of the policy */
	struct generation *running, *previous; /* NULL: there is none */
	struct tables *tables;
	struct catalog catalog; /* of the tables */
	struct plan_policy policy;
	struct plan plan;
	struct source_packing source;
	uint8_t *classes_in_use;
	uint8_t *classes_left;
};

static void apply_clear(struct apply *apply)
{
	source_packing_clear(&apply->source);
	plan_clear(&apply->plan);
	tables_free(apply->tables);
	generation_close(apply->running);
	generation_close(apply->previous);
	free(apply->classes_in_use);
	free(apply->classes_left);
}

/* ---- compiling beside what there is ---- */

/* Sets of class ids, as struct compile_memory has them. */
struct class_marks {
	uint8_t *bitmap;
	uint32_t running;
};

static void mark(struct class_marks *marks, __u32 class_id)
{
	if (class_id <= EPG_CLASS_LAST)
		marks->bitmap[class_id / 8] |= (uint8_t)(1 << class_id % 8);
}

/* What a binding was before an earlier apply is in nobody's use any more. */
static int mark_endpoint(void *user, const void *key, const void *value)
{
	struct class_marks *marks = user;

	(void)key;
	mark(marks, observe_binding(value, marks->running)->class_id);
	return 0;
}

static int mark_drop(void *user, const void *key, const void *value)
{
	const struct epg_drop_key *drop = key;

	(void)value;
	mark(user, drop->source);
	mark(user, drop->destination);
	return 0;
}

static int mark_policer(void *user, const void *key, const void *value)
{
	(void)value;
	mark(user, *(const __u32 *)key);
	return 0;
}

/* Flows that may be kept are held to the groups that they were permitted to. */
static int mark_flow(void *user, const struct epg_flow_key *key, const struct epg_flow *flow)
{
	(void)key;
	for (int end = 0; flow->flags & EPG_RULE_KEEP && end < 2; end++) {
		mark(user, flow->class_id[end]);
		mark(user, flow->group[end]);
	}
	return 0;
}

/* A newcomer must not come into what a group that is gone has left behind. */
static int mark_leftovers(struct apply *apply)
{
	struct class_marks marks = {.bitmap = apply->classes_left};
	struct instance *instance = apply->instance;
	int error = walk_map(instance->fd.drops, mark_drop, &marks);

	if (!error)
		error = walk_map(instance->fd.policers, mark_policer, &marks);
	if (!error)
		error = flow_table_walk(instance, mark_flow, &marks);
	return error ? context_fail_kernel(apply->epg, error, "drops, policers, flows", "can't read the maps") : 0;
}

/* False when all groups and VRFs are those of the running generation, and so keep their ids. */
static bool may_have_newcomers(const struct apply *apply)
{
	const struct model *model = apply->model;
	const struct catalog *catalog = apply->running ? &apply->running->catalog : NULL;

	if (!catalog || model->n_vrfs > catalog->n_vrfs)
		return true;
	for (size_t i = 0; i < model->n_groups; i++)
		if (!catalog_group_by_name(catalog, model->groups[i].name))
			return true;
	/* They stand in the order of their policy, which seldom changes. */
	for (size_t i = 0; i < model->n_vrfs; i++)
		if (strcmp(catalog_string(catalog, catalog->vrfs[i].name), model->vrfs[i].name) != 0)
			return true;
	return false;
}

static int open_generations(struct apply *apply)
{
	const struct epg_control *control = apply->instance->control;
	int error = observe_running(apply->epg, apply->instance, &apply->running);

	if (!error && control->previous_generation)
		error = generation_open(apply->epg, control->previous_generation, control->previous_slot,
					&apply->previous);
	return error;
}

/* What ids are taken: by the generations that are kept, and by endpoints. */
static int remember(struct apply *apply)
{
	struct epg *epg = apply->epg;
	struct class_marks in_use;
	int error;

	apply->classes_in_use = calloc(1, (EPG_CLASS_LAST + 1) / 8);
	apply->classes_left = calloc(1, (EPG_CLASS_LAST + 1) / 8);
	if (!apply->classes_in_use || !apply->classes_left)
		return context_fail_kernel(epg, -ENOMEM, NULL, "can't apply the policy");
	if (!apply->instance)
		return 0;
	in_use = (struct class_marks){apply->classes_in_use, observe_generation(apply->instance)};
	error = walk_map(apply->instance->fd.endpoints, mark_endpoint, &in_use);
	if (error)
		return context_fail_kernel(epg, error, "endpoints", "can't read the map");
	error = open_generations(apply);
	if (error || !may_have_newcomers(apply))
		return error;
	return mark_leftovers(apply);
}

static int compile(struct apply *apply, struct epg_diagnostics **ret_diagnostics)
{
	AUTO(diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	struct compile_memory memory = {
		.catalogs = {apply->running ? &apply->running->catalog : NULL,
			     apply->previous ? &apply->previous->catalog : NULL},
		.classes_in_use = apply->classes_in_use,
		.classes_left = apply->classes_left,
	};
	int error;

	error = diagnostics_new(apply->model->file, &diagnostics);
	if (!error) {
		diagnostics_set_text(diagnostics, apply->model->text, apply->model->text_length);
		error = tables_compile(apply->model, &memory, diagnostics, &apply->tables);
	}
	if (error == -EBADMSG) {
		if (ret_diagnostics)
			*ret_diagnostics = TAKE_PTR(diagnostics);
		return context_fail(apply->epg, EPG_FAILURE_INPUT, error, apply->model->file, NULL,
				    "the policy can't be compiled beside the running one");
	}
	if (!error)
		error = catalog_open(apply->tables->catalog, apply->tables->catalog_length, &apply->catalog);
	return error ? context_fail_kernel(apply->epg, error, apply->model->file, "can't compile the policy") : 0;
}

/* ---- room ---- */

static int check_rules(struct apply *apply)
{
	uint32_t limit = apply->instance->control->rule_limit;

	if (apply->tables->n_rules <= limit)
		return 0;
	return context_fail(apply->epg, EPG_FAILURE_KERNEL, -ENOSPC, "rules",
			    "enlarge it: epgctl unload, then epgctl load --rules N, then apply again",
			    "the table rules is limited to %u, and the policy has %zu", limit, apply->tables->n_rules);
}

static int plan_and_check(struct apply *apply)
{
	const struct tables *tables = apply->tables;
	int error;

	if (!apply->instance)
		return 0;
	apply->policy = (struct plan_policy){
		.catalog = &apply->catalog,
		.running = apply->running ? &apply->running->catalog : NULL,
		.classes = tables->classes,
		.n_classes = tables->n_classes,
		.nodes = tables->nodes,
		.n_nodes = tables->n_nodes,
	};
	error = check_rules(apply);
	if (!error)
		error = commit_check_groups(apply->epg, apply->instance, &apply->catalog);
	if (!error)
		error = plan_make(&apply->plan, apply->epg, apply->instance, &apply->policy);
	return error ? error : plan_check_room(&apply->plan);
}

/* ---- carrying it out ---- */

static int keep_source(struct apply *apply, struct build *build, uint32_t slot)
{
	int error = source_pack_end(&apply->source);

	return error ? context_fail_kernel(apply->epg, error, NULL, "can't pack the policy's source")
		     : build_source(build, slot, apply->tables->n_nodes, &apply->source.header, apply->source.packed);
}

static int carry_out(struct apply *apply, struct epg_apply_result *result)
{
	AUTO_FLOW_TABLE_MAKING struct flow_table_making flows = FLOW_TABLE_MAKING_INIT(apply->epg);
	AUTO_BUILD struct build build = BUILD_INIT(apply->epg, apply->instance);
	uint32_t slot = build_free_slot(apply->instance->control);
	uint32_t number = commit_number(apply->instance);
	int error;

	/* Where nobody is in a group nothing is tracked, and a policy without groups should cost next to nothing. */
	error = apply->catalog.n_groups ? flow_table_make(&flows, apply->instance) : 0;
	if (!error)
		error = build_tables(&build, apply->tables, slot);
	if (!error)
		error = keep_source(apply, &build, slot);
	if (!error)
		error = build_insert(&build);
	if (!error)
		error = flow_table_made(&flows);
	if (!error)
		error = commit(&build, &apply->plan, number, slot, &result->attached);
	if (!error)
		result->generation = number;
	return error;
}

/* The compiler only reads policy and edits. */
static void begin_source(struct apply *apply)
{
	apply->source = (struct source_packing){
		.text = apply->model->text,
		.length = apply->model->text_length,
		.edits = apply->edits,
	};
	source_pack_begin(&apply->source);
}

static int apply_locked(struct apply *apply, bool dry_run, struct epg_apply_result *result,
			struct epg_diagnostics **ret_diagnostics)
{
	int error = 0;

	if (!dry_run) {
		begin_source(apply);
		error = past_recover(apply->epg, apply->instance);
	}
	if (!error)
		error = remember(apply);
	if (!error)
		error = compile(apply, ret_diagnostics);
	if (!error)
		error = plan_and_check(apply);
	if (error)
		return error;
	policy_cost(apply->model, apply->tables, &result->cost);
	result->bound = apply->plan.bound;
	result->absent = apply->plan.absent;
	return dry_run ? 0 : carry_out(apply, result);
}

static int apply_whole(struct apply *apply, const struct epg_policy *policy, bool dry_run,
		       struct epg_apply_result *result, struct epg_diagnostics **ret_diagnostics)
{
	int error;

	edits_settle(policy->edits);
	error = apply_locked(apply, dry_run, result, ret_diagnostics);
	if (error || dry_run)
		return error;
	edits_forget_changes(policy->edits);
	amend_note(policy->amend, apply->instance, result->generation);
	return 0;
}

int epg_apply(struct epg *epg, const struct epg_policy *policy, const struct epg_apply_options *given,
	      struct epg_apply_result *ret, struct epg_diagnostics **ret_diagnostics)
{
	CONTEXT_CALL(epg);
	__attribute__((cleanup(apply_clear))) struct apply apply = {.epg = epg,
								    .model = policy->model,
								    .edits = policy->edits};
	struct epg_apply_result result = {0};
	struct epg_apply_options options;
	bool amended = false;
	AUTO_CLOSE int lock = -1;
	int error;

	error = context_options(epg, &options, sizeof(options), given);
	if (!error)
		error = policy_check_text(epg, policy);
	if (!error && (!options.dry_run || pins_loaded(epg)))
		error = instance_begin_change(epg, !options.dry_run, &lock, &apply.instance);
	if (!error && !options.dry_run)
		error = amend_apply(epg, apply.instance, policy, &result, &amended);
	if (!error && !amended)
		error = apply_whole(&apply, policy, options.dry_run, &result, ret_diagnostics);
	if (!error && ret)
		*ret = result;
	return error;
}

/* ---- returning to the generation before ---- */

/* The tables of an earlier generation that a plan reads, as they lie in their maps. */
struct rollback {
	struct generation *target;
	struct generation *running;
	struct map_view classes;
	struct map_view nodes;
	struct plan_policy policy;
	struct plan plan;
};

static void rollback_clear(struct rollback *rollback)
{
	plan_clear(&rollback->plan);
	map_view_close(&rollback->classes);
	map_view_close(&rollback->nodes);
	generation_close(rollback->running);
	generation_close(rollback->target);
}

static int open_target(struct epg *epg, struct instance *instance, const struct build *build, struct rollback *rollback)
{
	const struct epg_control *control = instance->control;
	int error;

	error = generation_open(epg, control->previous_generation, control->previous_slot, &rollback->target);
	if (!error)
		error = generation_open_running(epg, instance, &rollback->running);
	if (error)
		return error;
	error = map_view_open(build->maps[BUILD_classes], false, &rollback->classes);
	if (!error)
		error = map_view_open(build->maps[BUILD_nodes], false, &rollback->nodes);
	if (error)
		return context_fail_kernel(epg, error, epg->pin, "can't read the generation before");
	rollback->policy = (struct plan_policy){
		.catalog = &rollback->target->catalog,
		.running = &rollback->running->catalog,
		.classes = (const struct epg_class *)rollback->classes.bytes,
		.n_classes = rollback->classes.length / sizeof(struct epg_class),
		.nodes = (const struct epg_node *)rollback->nodes.bytes,
		.n_nodes = rollback->nodes.length / sizeof(struct epg_node),
	};
	return 0;
}

static struct epg_cost cost_of_maps(const struct rollback *rollback)
{
	const struct catalog *catalog = &rollback->target->catalog;
	size_t bytes = rollback->classes.length + rollback->nodes.length;

	for (size_t i = 0; i < ARRAY_SIZE(rollback->target->views); i++)
		bytes += i == GENERATION_CATALOG ? 0 : rollback->target->views[i].length;
	return (struct epg_cost){
		.groups = catalog->n_groups,
		.contracts = catalog->n_contracts,
		.pairs = catalog->n_pairs,
		.rules = catalog->n_rules,
		.rule_sets = catalog->n_rule_sets,
		.nodes = rollback->policy.n_nodes,
		.bytes = bytes,
	};
}

static int pack_again(struct epg *epg, const struct generation_parts *parts, struct generation_source *ret_lengths,
		      uint8_t **ret)
{
	int error = source_pack(parts, ret_lengths, ret);

	return error ? context_fail_kernel(epg, error, NULL, "can't pack the policy's source") : 0;
}

static int roll_back(struct epg *epg, struct instance *instance, struct epg_apply_result *result)
{
	__attribute__((cleanup(rollback_clear))) struct rollback rollback = {0};
	AUTO_BUILD struct build build = BUILD_INIT(epg, instance);
	const struct epg_control *control = instance->control;
	uint32_t slot = control->previous_slot;
	struct generation_source lengths = {0};
	AUTO_FREE uint8_t *packed = NULL;
	AUTO_FREE char *text = NULL;
	struct generation_parts parts;
	int error;

	error = build_adopt(&build, control->previous_generation);
	if (!error)
		error = open_target(epg, instance, &build, &rollback);
	if (!error)
		error = generation_read_parts(epg, control->previous_generation, &text, &parts);
	if (!error)
		error = pack_again(epg, &parts, &lengths, &packed);
	if (!error)
		error = build_source(&build, slot, parts.n_nodes, &lengths, packed);
	if (!error)
		error = commit_check_groups(epg, instance, rollback.policy.catalog);
	if (!error)
		error = plan_make(&rollback.plan, epg, instance, &rollback.policy);
	if (!error)
		error = plan_check_room(&rollback.plan);
	if (error)
		return error;
	*result = (struct epg_apply_result){
		.generation = commit_number(instance),
		.bound = rollback.plan.bound,
		.absent = rollback.plan.absent,
		.cost = cost_of_maps(&rollback),
	};
	return commit(&build, &rollback.plan, result->generation, slot, &result->attached);
}

/* The running generation was amended from the one before: in these tables that one is no more. */
static int apply_again(struct epg *epg, struct instance *instance, struct epg_apply_result *result)
{
	AUTO(generation_close) struct generation *before = NULL;
	AUTO(diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	AUTO(model_free) struct model *model = NULL;
	uint32_t number = instance->control->previous_generation;
	const struct edits none = {0};
	AUTO_FREE char *text = NULL;
	size_t length;
	int error = generation_open(epg, number, instance->control->previous_slot, &before);

	if (!error)
		error = generation_read_text(epg, number, &text, &length);
	if (error)
		return error;
	error = diagnostics_new(before->catalog.file, &diagnostics);
	if (!error)
		error = model_read(before->catalog.file, text, length, length, diagnostics, &model);
	if (error)
		return context_fail_kernel(epg, error, before->catalog.file, "can't read the generation before");
	{
		__attribute__((cleanup(apply_clear))) struct apply apply = {.epg = epg,
									    .instance = instance,
									    .model = model,
									    .edits = &none};

		return apply_locked(&apply, false, result, NULL);
	}
}

int epg_rollback(struct epg *epg, struct epg_apply_result *ret)
{
	CONTEXT_CALL(epg);
	struct epg_apply_result result = {0};
	struct instance *instance;
	AUTO_CLOSE int lock = -1;
	int error;

	error = instance_begin_change(epg, false, &lock, &instance);
	if (!error)
		error = past_recover(epg, instance);
	if (error)
		return error;
	if (!instance->control->previous_generation)
		return context_fail(epg, EPG_FAILURE_NOT_FOUND, -ENOENT, epg->pin, NULL,
				    "there is no generation before the running one");
	error = instance->control->previous_slot == EPG_ACTIVE_SLOT(instance->control->active)
			? apply_again(epg, instance, &result)
			: roll_back(epg, instance, &result);
	if (!error && ret)
		*ret = result;
	return error;
}
