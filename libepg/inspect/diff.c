/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What an apply would change. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "inspect/diff_flows.h"
#include "inspect/diff_items.h"
#include "policy/edit.h"
#include "runtime/observe.h"
#include "runtime/runtime.h"

DEFINE_AUTO(struct arena, arena_free)
DEFINE_AUTO(struct epg_diagnostics, epg_diagnostics_free)

#define MAX_FLOWS 100

static const char *const object_names[] = {
	[DIFF_VRF] = "vrf",           [DIFF_BRIDGE_DOMAIN] = "bridge-domain",
	[DIFF_GROUP] = "group",       [DIFF_CONTRACT] = "contract",
	[DIFF_TABOO] = "taboo",       [DIFF_RULE] = "rule",
	[DIFF_ENDPOINT] = "endpoint",
};

_Static_assert(ARRAY_SIZE(object_names) == DIFF_OBJECTS, "a name for each object");

/* ---- facts ---- */

/* Writes facts of one list that the other lacks; returns how many. Both are sorted. */
static size_t write_missing(FILE *stream, const struct diff_item *item, const struct diff_item *other, const char *word,
			    size_t written)
{
	for (size_t i = 0, j = 0; i < item->n_facts; i++) {
		while (j < other->n_facts && strcmp(other->facts[j], item->facts[i]) < 0)
			j++;
		if (j < other->n_facts && strcmp(other->facts[j], item->facts[i]) == 0) {
			j++; /* a fact that stands twice here must stand twice there */
			continue;
		}
		fprintf(stream, "%s%s%s", written++ ? "; " : "", word, item->facts[i]);
	}
	return written;
}

/* "no longer consumes shop/dns; now consumes shop/web". NULL without memory; "" when nothing differs. */
static char *describe(const struct diff_item *before, const struct diff_item *after)
{
	static const struct diff_item none;
	size_t size, written = 0;
	char *text = NULL;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	if (before && after)
		written = write_missing(stream, before, after, "no longer ", written);
	if (after)
		write_missing(stream, after, before ? before : &none, before ? "now " : "", written);
	if (fclose(stream)) {
		free(text);
		return NULL;
	}
	return text;
}

/* ---- items ---- */

static int tell_item(const struct diff_item *before, const struct diff_item *after, epg_change_fn fn, void *user)
{
	const struct diff_item *item = after ? after : before;
	AUTO_FREE char *detail = describe(before, after);
	struct epg_change change = {
		.kind = !before  ? EPG_CHANGE_ADDED
			: !after ? EPG_CHANGE_REMOVED
				 : EPG_CHANGE_CHANGED,
		.object = object_names[item->object],
		.name = item->name,
		.detail = detail,
		.line = item->line,
	};

	if (!detail)
		return -ENOMEM;
	if (before && after && !detail[0])
		return 0;
	return fn(user, &change);
}

static int compare_items(const struct diff_item *a, const struct diff_item *b)
{
	if (a->object != b->object)
		return a->object < b->object ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Tells items from `first` to `last`, both included. */
static int tell_items(const struct diff_items lists[DIFF_SIDES], enum diff_object first, enum diff_object last,
		      epg_change_fn fn, void *user)
{
	const struct diff_item *before = lists[DIFF_BEFORE].items, *after = lists[DIFF_AFTER].items;
	const struct diff_item *before_end = before + lists[DIFF_BEFORE].n, *after_end = after + lists[DIFF_AFTER].n;
	int result = 0;

	while (!result && (before < before_end || after < after_end)) {
		int order = before == before_end ? 1 : after == after_end ? -1 : compare_items(before, after);
		const struct diff_item *old = order <= 0 ? before++ : NULL;
		const struct diff_item *new = order >= 0 ? after++ : NULL;
		enum diff_object object = old ? old->object : new->object;

		if (object >= first && object <= last)
			result = tell_item(old, new, fn, user);
	}
	return result;
}

int diff_policies(const struct diff_policy policies[DIFF_SIDES], epg_change_fn fn, void *user)
{
	const struct rule_book books[] = {policies[DIFF_BEFORE].book, policies[DIFF_AFTER].book};
	const struct catalog *const catalogs[] = {books[DIFF_BEFORE].catalog, books[DIFF_AFTER].catalog};
	AUTO(arena_free) struct arena *arena = arena_new();
	struct diff_items lists[DIFF_SIDES];
	struct diff_groups groups;
	int result;

	if (!arena)
		return -ENOMEM;
	result = diff_groups_merge(arena, catalogs, &groups);
	for (int side = 0; !result && side < DIFF_SIDES; side++)
		result = diff_items_list(arena, &policies[side], &groups, side, &lists[side]);
	if (!result)
		result = tell_items(lists, DIFF_VRF, DIFF_RULE, fn, user);
	if (!result)
		result = diff_permissions(books, &groups, fn, user);
	return result ? result : tell_items(lists, DIFF_ENDPOINT, DIFF_ENDPOINT, fn, user);
}

/* ---- against the running policy ---- */

static int fail_policy(struct epg *epg, const struct epg_diagnostics *diagnostics, const char *what)
{
	const struct epg_diagnostic *first = epg_diagnostics_get(diagnostics, 0);
	char where[EPG_ERROR_TEXT] = "";

	if (first)
		snprintf(where, sizeof(where), "%s:%u:%u", first->file, first->line, first->column);
	return context_fail(epg, EPG_FAILURE_INPUT, -EBADMSG, where, first ? first->hint : NULL, "%s: %s", what,
			    first ? first->message : "unknown error");
}

/* The model of the running policy, out of the source that is kept with it. */
static int read_running(struct epg *epg, const struct generation *generation, struct model **ret)
{
	AUTO(epg_diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	AUTO_FREE char *text = NULL;
	size_t length;
	int error;

	error = generation_text(epg, generation, &text, &length);
	if (error)
		return error;
	error = diagnostics_new(generation->catalog.file, &diagnostics);
	if (!error)
		error = model_read(generation->catalog.file, text, length, length, diagnostics, ret);
	if (error == -EBADMSG)
		return fail_policy(epg, diagnostics, "this version can't read the running policy");
	return error ? context_fail_kernel(epg, error, NULL, "can't read the running policy") : 0;
}

static int compile(struct epg *epg, const struct model *model, const struct catalog *running, struct tables **ret)
{
	AUTO(epg_diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	struct compile_memory memory = {.catalogs = {running}};
	int error;

	error = diagnostics_new(model->file, &diagnostics);
	if (error)
		return context_fail_kernel(epg, error, NULL, "can't compile the policy");
	diagnostics_set_text(diagnostics, model->text, model->text_length);
	error = tables_compile(model, &memory, diagnostics, ret);
	if (error == -EBADMSG)
		return fail_policy(epg, diagnostics, "the policy can't be compiled beside the running one");
	return error ? context_fail_kernel(epg, error, NULL, "can't compile the policy") : 0;
}

/* What a comparison holds on its way. */
struct comparison {
	struct epg *epg;
	struct instance *instance;
	struct generation *running; /* NULL: no policy is in force */
	struct model *running_model;
	const struct model *model;
	struct tables *tables;
	struct catalog catalog; /* of the tables */
	epg_change_fn fn;
	void *user;
	struct epg_diff_result result;
};

static void comparison_clear(struct comparison *comparison)
{
	tables_free(comparison->tables);
	model_free(comparison->running_model);
	generation_close(comparison->running);
}

/* Passes a change on, and counts it. */
static int count_change(void *user, const struct epg_change *change)
{
	struct comparison *comparison = user;

	comparison->result.changes++;
	return comparison->fn ? comparison->fn(comparison->user, change) : 0;
}

static int pass_flow(void *user, const struct epg_change *change)
{
	const struct comparison *comparison = user;

	return comparison->fn ? comparison->fn(comparison->user, change) : 0;
}

static int open_both(struct comparison *comparison)
{
	struct epg *epg = comparison->epg;
	int error = instance_open(epg, &comparison->instance);

	if (!error)
		error = observe_running(epg, comparison->instance, &comparison->running);
	if (!error && comparison->running)
		error = read_running(epg, comparison->running, &comparison->running_model);
	if (!error)
		error = compile(epg, comparison->model, comparison->running ? &comparison->running->catalog : NULL,
				&comparison->tables);
	if (error)
		return error;
	if (catalog_open(comparison->tables->catalog, comparison->tables->catalog_length, &comparison->catalog))
		return context_fail_kernel(epg, -EPROTO, NULL, "can't read what was compiled");
	return 0;
}

static int compare(struct comparison *comparison)
{
	struct diff_policy policies[DIFF_SIDES] = {
		[DIFF_AFTER] = {comparison->model, {&comparison->catalog}},
	};
	const struct generation *running = comparison->running;
	int error;

	if (running)
		policies[DIFF_BEFORE] = (struct diff_policy){
			comparison->running_model,
			{&running->catalog},
		};
	error = diff_policies(policies, count_change, comparison);
	return error == -ENOMEM ? context_fail_kernel(comparison->epg, error, NULL, "can't compare the policies")
				: error;
}

int epg_diff(struct epg *epg, const struct epg_policy *policy, const struct epg_diff_options *given, epg_change_fn fn,
	     void *user, struct epg_diff_result *ret)
{
	CONTEXT_CALL(epg);
	__attribute__((cleanup(comparison_clear))) struct comparison comparison = {.epg = epg,
										   .model = policy->model,
										   .fn = fn,
										   .user = user};
	struct epg_diff_options options;
	size_t max_flows;
	int error;

	error = context_options(epg, &options, sizeof(options), given);
	if (error)
		return error;
	max_flows = options.max_flows ? options.max_flows : MAX_FLOWS;
	edits_settle(policy->edits);
	error = open_both(&comparison);
	if (!error)
		error = compare(&comparison);
	if (!error)
		error = diff_flows(epg, comparison.instance, comparison.running, comparison.tables, max_flows,
				   pass_flow, &comparison, &comparison.result);
	if (!error && ret)
		*ret = comparison.result;
	return error;
}
