/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Entries that callers add to a policy that was read, and remove from it. */
#include <errno.h>
#include <string.h>

#include "policy/edit.h"
#include "policy/edit_text.h"
#include "runtime/runtime.h"

static int fail_memory(struct epg *epg)
{
	return context_fail_kernel(epg, -ENOMEM, NULL, "can't change the policy");
}

static int find_filter(struct epg *epg, struct epg_policy *policy, const char *name, uint32_t *ret)
{
	if (edits_filter(policy->edits, name, ret))
		return fail_memory(epg);
	if (*ret != MODEL_NONE)
		return 0;
	return context_fail(epg, EPG_FAILURE_NOT_FOUND, -ENOENT, policy->model->file,
			    "a filter is named by its tenant and its name: \"shop/http\"",
			    "the policy has no filter \"%.128s\"", name);
}

/* The name of an entry that a message is about. */
static const char *entry_name(const struct epg_entry *entries, size_t n, uint32_t place)
{
	const struct epg_entry *entry;

	if (place == 0 || place > n)
		return "";
	entry = (const void *)((const char *)entries + (place - 1) * entries->size);
	return entry->name ? entry->name : "";
}

static int fail_entries(struct epg *epg, const char *filter, const struct epg_entry *entries, size_t n,
			const struct epg_diagnostics *diagnostics)
{
	const struct epg_diagnostic *first = NULL;

	for (size_t i = 0; i < epg_diagnostics_count(diagnostics) && !first; i++) {
		const struct epg_diagnostic *message = epg_diagnostics_get(diagnostics, i);

		first = message->severity == EPG_SEVERITY_ERROR ? message : NULL;
	}
	if (!first)
		return fail_memory(epg);
	return context_fail(epg, EPG_FAILURE_INPUT, -EBADMSG, filter, first->hint, "entry \"%.64s\": %s",
			    entry_name(entries, n, first->column), first->message);
}

int epg_policy_add_entries(struct epg *epg, struct epg_policy *policy, const char *filter,
			   const struct epg_entry *entries, size_t n, struct epg_diagnostics **ret_diagnostics)
{
	CONTEXT_CALL(epg);
	AUTO(diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	uint32_t index;
	int error;

	if (n && entries->size < offsetof(struct epg_entry, name) + sizeof(entries->name))
		return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, filter, "set .size = sizeof(struct epg_entry)",
				    "the first entry has no size");
	error = find_filter(epg, policy, filter, &index);
	if (error)
		return error;
	if (diagnostics_new(policy->model->file, &diagnostics))
		return fail_memory(epg);
	error = edits_add(policy->edits, index, entries, n, diagnostics);
	if (error == -EINVAL)
		return context_fail(epg, EPG_FAILURE_INPUT, error, filter,
				    "set .size = sizeof(struct epg_entry) in each",
				    "the entries are of unlike size, or of one that this library does not know");
	if (error == -EBADMSG)
		(void)fail_entries(epg, filter, entries, n, diagnostics);
	else if (error)
		return fail_memory(epg);
	if (ret_diagnostics)
		*ret_diagnostics = TAKE_PTR(diagnostics);
	return error;
}

int epg_policy_remove_entries(struct epg *epg, struct epg_policy *policy, const char *filter, const char *const *names,
			      size_t n)
{
	CONTEXT_CALL(epg);
	size_t missing = 0;
	uint32_t index;
	int error = find_filter(epg, policy, filter, &index);

	if (error)
		return error;
	error = edits_remove(policy->edits, index, names, n, &missing);
	if (error == -ENOENT)
		return context_fail(epg, EPG_FAILURE_NOT_FOUND, error, policy->model->file, "none of them was removed",
				    "filter \"%.128s\" has no entry \"%.64s\", or it is named twice", filter,
				    names[missing]);
	return error ? fail_memory(epg) : 0;
}

int policy_check_text(struct epg *epg, const struct epg_policy *policy)
{
	struct edits *edits = policy->edits;
	AUTO_FREE char *text = NULL;
	size_t length;
	int error;

	if (!edits->edited || edits->is_writable)
		return 0;
	error = edit_text(policy->model->text, policy->model->text_length, NULL, 0, 0, &text, &length);
	edits->is_writable = !error;
	return error ? context_fail_kernel(epg, error, policy->model->file,
					   "can't write the policy with its changes as a text")
		     : 0;
}

int policy_text(struct epg *epg, const struct epg_policy *policy, char **ret, size_t *ret_length)
{
	struct edit_bytes edits = {0};
	struct edit_piece piece;
	int error;

	edits_settle(policy->edits);
	error = edits_pack(policy->edits, &edits);
	piece = (struct edit_piece){edits.bytes, edits.length};
	if (!error)
		error = edit_text(policy->model->text, policy->model->text_length, &piece, 1, 0, ret, ret_length);
	edit_bytes_clear(&edits);
	return error ? context_fail_kernel(epg, error, policy->model->file, "can't write the policy as a text") : 0;
}
