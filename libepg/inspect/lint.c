/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* All that is suspicious about a policy: reads and compiles it once more, and looks at what neither looks at. */
#include "policy/edit.h"
#include "inspect/lint.h"

#include <errno.h>

#include "base/array.h"
#include "runtime/observe.h"
#include "runtime/runtime.h"
#include "runtime/walk.h"

DEFINE_AUTO(struct model, model_free)

/* What the loaded instance knows; all NULL where it is not asked. */
struct loaded {
	struct generation *running;
	size_t *endpoints; /* by class id of the running policy */
	bool *bound;       /* by group of the policy */
};

static void loaded_clear(struct loaded *loaded)
{
	generation_close(loaded->running);
	free(loaded->endpoints);
	free(loaded->bound);
}

static int fail_memory(struct epg *epg)
{
	return context_fail_kernel(epg, -ENOMEM, NULL, "can't look at the policy");
}

struct counting {
	uint32_t generation;
	size_t *endpoints;
};

static int count_endpoint(void *user, const void *key, const void *value)
{
	const struct counting *counting = user;

	(void)key;
	counting->endpoints[observe_binding(value, counting->generation)->class_id]++;
	return 0;
}

/* Which groups of the policy have endpoints now, by their names. */
static int find_bound(struct epg *epg, const struct model *model, struct loaded *loaded)
{
	struct counting counting;
	struct instance *instance;
	int error = instance_open(epg, &instance);

	if (!error)
		error = observe_running(epg, instance, &loaded->running);
	if (error)
		return error;
	loaded->endpoints = array_new(EPG_CLASS_LAST + 1, sizeof(*loaded->endpoints));
	loaded->bound = array_new(model->n_groups, sizeof(*loaded->bound));
	if (!loaded->endpoints || !loaded->bound)
		return fail_memory(epg);
	counting = (struct counting){observe_generation(instance), loaded->endpoints};
	error = walk_map(instance->fd.endpoints, count_endpoint, &counting);
	if (error)
		return context_fail_kernel(epg, error, "endpoints", "can't read the map");
	for (size_t i = 0; loaded->running && i < model->n_groups; i++) {
		const struct catalog_group *group =
			catalog_group_by_name(&loaded->running->catalog, model->groups[i].name);

		loaded->bound[i] = group && loaded->endpoints[group->class_id];
	}
	return 0;
}

/* The reader's own warnings come again with the same words. */
static int read_again(struct epg *epg, const struct model *model, struct epg_diagnostics *diagnostics)
{
	AUTO(model_free) struct model *again = NULL;
	int error = model_read(model->file, model->text, model->text_length, model->text_length, diagnostics, &again);

	return error ? context_fail_kernel(epg, error, model->file, "can't read the policy once more") : 0;
}

static int compile(struct epg *epg, const struct model *model, const struct loaded *loaded,
		   struct epg_diagnostics *diagnostics)
{
	AUTO(tables_free) struct tables *tables = NULL;
	const struct compile_memory memory = {
		.catalogs = {loaded->running ? &loaded->running->catalog : NULL},
	};
	int error = tables_compile(model, &memory, diagnostics, &tables);

	if (error == -EBADMSG)
		return context_fail(epg, EPG_FAILURE_INPUT, error, model->file, "epgctl validate tells why",
				    "the policy cannot be compiled");
	return error ? context_fail_kernel(epg, error, model->file, "can't compile the policy") : 0;
}

static int look(struct epg *epg, const struct model *model, const struct loaded *loaded,
		struct epg_diagnostics *diagnostics)
{
	int error = read_again(epg, model, diagnostics);

	if (error)
		return error;
	diagnostics_set_text(diagnostics, model->text, model->text_length);
	error = compile(epg, model, loaded, diagnostics);
	if (!error) {
		lint_model(model, loaded->bound, diagnostics);
		error = lint_overlaps(model, diagnostics) ? fail_memory(epg) : 0;
	}
	diagnostics_set_text(diagnostics, NULL, 0);
	if (!error && diagnostics_failed(diagnostics))
		error = fail_memory(epg);
	return error;
}

static int tell(const struct epg_diagnostics *diagnostics, epg_finding_fn fn, void *user)
{
	int result = 0;

	for (size_t i = 0; !result && i < epg_diagnostics_count(diagnostics); i++) {
		const struct epg_diagnostic *diagnostic = epg_diagnostics_get(diagnostics, i);
		const struct epg_finding finding = {
			.code = diagnostic->code,
			.code_name = epg_lint_code_name(diagnostic->code),
			.severity = diagnostic->severity,
			.file = diagnostic->file,
			.line = diagnostic->line,
			.column = diagnostic->column,
			.message = diagnostic->message,
			.hint = diagnostic->hint,
			.excerpt = diagnostic->excerpt,
			.excerpt_column = diagnostic->excerpt_column,
		};

		result = fn(user, &finding);
	}
	return result;
}

/* Findings about a policy that was edited have the places of the text that it would be exported as. */
static int read_edited(struct epg *epg, const struct epg_policy *policy, struct model **ret)
{
	AUTO(diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	AUTO_FREE char *text = NULL;
	size_t length;
	int error = policy_text(epg, policy, &text, &length);

	if (error)
		return error;
	if (diagnostics_new(policy->model->file, &diagnostics))
		return fail_memory(epg);
	error = model_read(policy->model->file, text, length, length, diagnostics, ret);
	return error ? context_fail_kernel(epg, error, policy->model->file, "can't read the changed policy") : 0;
}

int epg_lint(struct epg *epg, const struct epg_policy *policy, const struct epg_lint_options *given, epg_finding_fn fn,
	     void *user)
{
	CONTEXT_CALL(epg);
	__attribute__((cleanup(loaded_clear))) struct loaded loaded = {0};
	AUTO(diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	AUTO(model_free) struct model *edited = NULL;
	const struct model *model = policy->model;
	struct epg_lint_options options;
	int error;

	error = context_options(epg, &options, sizeof(options), given);
	if (!error && policy->edits->edited) {
		error = read_edited(epg, policy, &edited);
		model = edited;
	}
	if (!error && options.instance)
		error = find_bound(epg, model, &loaded);
	if (error)
		return error;
	if (diagnostics_new(model->file, &diagnostics))
		return fail_memory(epg);
	error = look(epg, model, &loaded, diagnostics);
	return error ? error : tell(diagnostics, fn, user);
}
