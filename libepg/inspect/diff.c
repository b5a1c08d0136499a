/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What an apply would change. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "inspect/diff_items.h"
#include "runtime/observe.h"
#include "runtime/runtime.h"

DEFINE_AUTO(struct arena, arena_free)
DEFINE_AUTO(struct model, model_free)
DEFINE_AUTO(struct epg_diagnostics, epg_diagnostics_free)

static const char *const object_names[] = {
	[DIFF_VRF] = "vrf",     [DIFF_BRIDGE_DOMAIN] = "bridge-domain",
	[DIFF_GROUP] = "group", [DIFF_CONTRACT] = "contract",
	[DIFF_RULE] = "rule",   [DIFF_ENDPOINT] = "endpoint",
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
	const struct catalog *const catalogs[] = {policies[DIFF_BEFORE].catalog, policies[DIFF_AFTER].catalog};
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
		result = diff_permissions(catalogs, &groups, fn, user);
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

static int compare(struct epg *epg, const struct generation *running, const struct model *running_model,
		   const struct model *model, epg_change_fn fn, void *user)
{
	AUTO(tables_free) struct tables *tables = NULL;
	struct diff_policy policies[DIFF_SIDES] = {0};
	struct catalog catalog;
	int error;

	if (running)
		policies[DIFF_BEFORE] = (struct diff_policy){running_model, &running->catalog};
	error = compile(epg, model, policies[DIFF_BEFORE].catalog, &tables);
	if (error)
		return error;
	if (catalog_open(tables->catalog, tables->catalog_length, &catalog))
		return context_fail_kernel(epg, -EPROTO, NULL, "can't read what was compiled");
	policies[DIFF_AFTER] = (struct diff_policy){model, &catalog};
	error = diff_policies(policies, fn, user);
	return error == -ENOMEM ? context_fail_kernel(epg, error, NULL, "can't compare the policies") : error;
}

int epg_diff(struct epg *epg, const struct epg_policy *policy, epg_change_fn fn, void *user)
{
	CONTEXT_CALL(epg);
	AUTO(generation_close) struct generation *running = NULL;
	AUTO(model_free) struct model *running_model = NULL;
	struct instance *instance;
	int error;

	error = instance_open(epg, &instance);
	if (error)
		return error;
	error = observe_running(epg, instance, &running);
	if (!error && running)
		error = read_running(epg, running, &running_model);
	return error ? error : compare(epg, running, running_model, policy->model, fn, user);
}
