/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/util.h"
#include "policy/diagnostic.h"
#include "policy/edit.h"
#include "policy/edit_entry.h"
#include "policy/edit_read.h"

static void filter_clear(struct edit_filter *filter)
{
	string_index_clear(&filter->names);
	free(filter->own);
	free(filter->removed);
}

void edits_clear(struct edits *edits)
{
	for (size_t i = 0; edits->filters && i < edits->model->n_filters; i++)
		filter_clear(&edits->filters[i]);
	free(edits->filters);
	free(edits->changes);
	string_index_clear(&edits->index);
	*edits = (struct edits){.model = edits->model};
}

/* ---- finding ---- */

static int index_filters(struct edits *edits)
{
	const struct model *model = edits->model;

	edits->filters = array_new(model->n_filters, sizeof(*edits->filters));
	if (!edits->filters)
		return -ENOMEM;
	for (size_t i = 0; i < model->n_filters; i++) {
		const char *name = model->filters[i].name;

		if (string_index_add(&edits->index, name, strlen(name), (uint32_t)i, model->filters[i].place, NULL))
			return -ENOMEM;
	}
	return 0;
}

int edits_filter(struct edits *edits, const char *name, uint32_t *ret)
{
	const struct string_index_entry *found;
	int error = edits->filters ? 0 : index_filters(edits);

	if (error) {
		edits_clear(edits);
		return error;
	}
	found = string_index_find(&edits->index, name, strlen(name));
	*ret = found ? found->value : MODEL_NONE;
	return 0;
}

/* The filter's names become known when it is changed first. */
static int use_filter(struct edits *edits, uint32_t index, struct edit_filter **ret)
{
	struct edit_filter *filter = &edits->filters[index];
	const struct model_filter *base = &edits->model->filters[index];

	for (size_t i = filter->names.n_entries; !filter->used && i < base->n_entries; i++) {
		const char *name = base->entries[i].name;

		if (string_index_add(&filter->names, name, strlen(name), (uint32_t)i, base->entries[i].place, NULL))
			return -ENOMEM;
	}
	filter->used = true;
	*ret = filter;
	return 0;
}

/* ---- what has changed ---- */

static int note_change(struct edits *edits, uint32_t filter, bool removed, const struct model_entry *entry)
{
	if (edits->n_changes > EDIT_CHANGES_MAX)
		return 0;
	if (array_reserve(&edits->changes, &edits->changes_capacity, edits->n_changes + 1, sizeof(*edits->changes)))
		return -ENOMEM;
	edits->changes[edits->n_changes++] = (struct edit_change){filter, removed, *entry};
	return 0;
}

void edits_forget_changes(struct edits *edits)
{
	edits->n_changes = 0;
}

/* ---- adding ---- */

#define LOOK_AHEAD 8

/* Entries being added to one filter. */
struct adding {
	struct edits *edits;
	struct edit_filter *filter;
	struct model_filter *base;
	size_t first; /* n_added before the call */
	struct edit_reader reader;
};

/*
 * Room for `n` more behind the filter's entries, which leave the model's arena for that: what is added stands where it
 * will remain.
 */
static int make_room(struct edit_filter *filter, struct model_filter *base, size_t n)
{
	bool own = filter->own;
	struct model_entry *entries = filter->own;

	if (array_reserve(&entries, &filter->own_capacity, base->n_entries + filter->n_added + n, sizeof(*entries)))
		return -ENOMEM;
	if (!own && base->n_entries)
		memcpy(entries, base->entries, base->n_entries * sizeof(*entries));
	filter->own = base->entries = entries;
	return 0;
}

/* The entry's packed form stands before its name: edits_pack finds it there. */
static const char *keep_packed(struct adding *adding, const struct edit_entry *packed, const char *name)
{
	struct edit_entry *kept =
		arena_array(adding->reader.reader.arena, 1, sizeof(*packed) + packed->name_length + (size_t)1);

	if (!kept)
		return NULL;
	*kept = *packed;
	memcpy(kept + 1, name, packed->name_length);
	return (const char *)(kept + 1);
}

static int add_name(struct adding *adding, const struct model_entry *entry, size_t length, struct place place)
{
	uint32_t value = (uint32_t)(adding->base->n_entries + adding->filter->n_added);
	const struct string_index_entry *first;
	int error = string_index_add(&adding->filter->names, entry->name, length, value, entry->place, &first);

	if (error != -EEXIST)
		return error;
	if (first->value == MODEL_NONE) {
		string_index_change(&adding->filter->names, entry->name, length, value);
		return 0;
	}
	diagnostics_error(adding->reader.reader.diagnostics, place, "remove it first, or choose another name",
			  "entry \"%s\" exists already", entry->name);
	return 0;
}

static int add_one(struct adding *adding, const struct epg_entry *given, struct place place)
{
	struct edit_filter *filter = adding->filter;
	struct epg_diagnostics *diagnostics = adding->reader.reader.diagnostics;
	size_t errors = diagnostics_errors(diagnostics);
	struct edit_entry packed;
	struct model_entry entry;

	if (edit_pack(given, &packed)) {
		diagnostics_error(diagnostics, place, "see struct epg_entry",
				  "the name has more than 255 bytes, or tcp_flags or zeros has unknown bits");
		return 0;
	}
	if (!edit_read(&adding->reader, &packed, given->name ? given->name : "", place, &entry))
		return adding->reader.reader.out_of_memory ? -ENOMEM : 0;
	entry.name = keep_packed(adding, &packed, given->name);
	if (!entry.name || add_name(adding, &entry, packed.name_length, place))
		return -ENOMEM;
	if (errors == diagnostics_errors(diagnostics))
		adding->base->entries[adding->base->n_entries + filter->n_added++] = entry;
	return 0;
}

static void take_back(struct adding *adding)
{
	struct edit_filter *filter = adding->filter;
	const struct model_entry *added = adding->base->entries + adding->base->n_entries;

	for (size_t i = adding->first; i < filter->n_added; i++)
		string_index_change(&filter->names, added[i].name, strlen(added[i].name), MODEL_NONE);
	filter->n_added = adding->first;
}

/* What a newer caller says beyond what we know must be nothing: a condition that is overlooked would permit more. */
static bool is_known(const void *entry, size_t size)
{
	for (size_t i = sizeof(struct epg_entry); i < size; i++)
		if (((const uint8_t *)entry)[i])
			return false;
	return true;
}

/* In a large filter, most of the time would go into waiting for what the name of an entry leads to. */
static void look_ahead(const struct adding *adding, const struct epg_entry *entry, size_t size)
{
	if (entry->size == size && entry->name)
		string_index_expect(&adding->filter->names, entry->name, strnlen(entry->name, UINT8_MAX));
}

static int add_all(struct adding *adding, const struct epg_entry *entries, size_t n)
{
	const struct epg_diagnostics *diagnostics = adding->reader.reader.diagnostics;
	size_t size = n ? entries->size : sizeof(*entries);
	int error = 0;

	for (size_t i = 0; !error && i < n; i++) {
		struct epg_entry entry = {0};
		const struct epg_entry *given = (const void *)((const char *)entries + i * size);

		if (given->size != size || !is_known(given, size))
			return -EINVAL;
		if (n - i > LOOK_AHEAD)
			look_ahead(adding, (const void *)((const char *)given + LOOK_AHEAD * size), size);
		memcpy(&entry, given, size < sizeof(entry) ? size : sizeof(entry));
		error = add_one(adding, &entry, (struct place){0, i < UINT32_MAX ? (uint32_t)i + 1 : UINT32_MAX});
	}
	if (!error && diagnostics_errors(diagnostics))
		error = -EBADMSG;
	return diagnostics_failed(diagnostics) ? -ENOMEM : error;
}

/* Those beyond what is kept need no look. */
static int note_added(const struct adding *adding, uint32_t index)
{
	const struct model_entry *added = adding->base->entries + adding->base->n_entries;
	struct edits *edits = adding->edits;
	int error = 0;

	for (size_t i = adding->first; !error && i < adding->filter->n_added && edits->n_changes <= EDIT_CHANGES_MAX;
	     i++)
		error = note_change(edits, index, false, &added[i]);
	return error;
}

int edits_add(struct edits *edits, uint32_t filter, const struct epg_entry *entries, size_t n,
	      struct epg_diagnostics *diagnostics)
{
	struct adding adding = {
		.edits = edits,
		.base = &edits->model->filters[filter],
		.reader.reader = {.model = edits->model,
				  .arena = model_arena(edits->model),
				  .diagnostics = diagnostics},
	};
	size_t changes = edits->n_changes;
	int error = use_filter(edits, filter, &adding.filter);

	if (error)
		return error;
	adding.first = adding.filter->n_added;
	if (make_room(adding.filter, adding.base, n) ||
	    string_index_reserve(&adding.filter->names, adding.filter->names.n_entries + n))
		return -ENOMEM;
	error = add_all(&adding, entries, n);
	if (!error)
		error = note_added(&adding, filter);
	if (error) {
		take_back(&adding);
		edits->n_changes = changes;
	}
	edits->edited |= !error && n;
	return error;
}

/* ---- removing ---- */

static int remove_entry(struct edits *edits, uint32_t index, uint32_t place)
{
	struct edit_filter *filter = &edits->filters[index];
	struct model_entry *entry = &edits->model->filters[index].entries[place];

	if (entry->place.line && array_reserve(&filter->removed, &filter->removed_capacity, filter->n_removed_names + 1,
					       sizeof(*filter->removed)))
		return -ENOMEM;
	if (note_change(edits, index, true, entry))
		return -ENOMEM;
	edits->edited = true;
	if (entry->place.line)
		filter->removed[filter->n_removed_names++] = entry->name;
	entry->name = NULL;
	filter->n_removed++;
	return 0;
}

/* Puts names back that were about to go. */
static void restore(struct edit_filter *filter, const char *const *names, const uint32_t *places, size_t n)
{
	while (n-- > 0)
		string_index_change(&filter->names, names[n], strlen(names[n]), places[n]);
}

int edits_remove(struct edits *edits, uint32_t index, const char *const *names, size_t n, size_t *reterr_missing)
{
	AUTO_FREE uint32_t *places = array_new(n, sizeof(*places));
	struct edit_filter *filter;
	size_t done = 0;
	int error = places ? use_filter(edits, index, &filter) : -ENOMEM;

	if (error)
		return error;
	for (size_t i = 0; i < n; i++) {
		const struct string_index_entry *found = string_index_find(&filter->names, names[i], strlen(names[i]));

		if (!found || found->value == MODEL_NONE) {
			*reterr_missing = i;
			restore(filter, names, places, i);
			return -ENOENT;
		}
		places[i] = found->value;
		string_index_change(&filter->names, names[i], strlen(names[i]), MODEL_NONE);
	}
	while (!error && done < n)
		error = remove_entry(edits, index, places[done++]);
	if (error) /* those before it are gone, and the caller is told that memory is short */
		restore(filter, names + done - 1, places + done - 1, n - done + 1);
	return error;
}

/* ---- the model as a whole ---- */

/* Closes the gaps; what stands behind them moves. */
static void close_gaps(struct edit_filter *filter, struct model_filter *base)
{
	size_t living = 0;

	for (size_t i = 0; i < base->n_entries; i++) {
		const struct model_entry *entry = &base->entries[i];

		if (!entry->name)
			continue;
		if (living < i) {
			string_index_change(&filter->names, entry->name, strlen(entry->name), (uint32_t)living);
			base->entries[living] = *entry;
		}
		living++;
	}
	base->n_entries = living;
	filter->n_removed = 0;
}

void edits_settle(struct edits *edits)
{
	for (size_t i = 0; edits->filters && i < edits->model->n_filters; i++) {
		struct edit_filter *filter = &edits->filters[i];
		struct model_filter *base = &edits->model->filters[i];

		base->n_entries += filter->n_added;
		filter->n_added = 0;
		if (filter->n_removed)
			close_gaps(filter, base);
	}
}

static int pack_filter(const struct edit_filter *filter, const struct model_filter *base, struct edit_bytes *bytes)
{
	int error = 0;

	if (filter->n_removed_names)
		error = edit_bytes_begin(bytes, base->name, true, 0);
	for (size_t i = 0; !error && i < filter->n_removed_names; i++)
		error = edit_bytes_remove(bytes, filter->removed[i]);
	if (!error)
		error = edit_bytes_begin(bytes, base->name, false, 0);
	for (size_t i = 0; !error && i < base->n_entries; i++) {
		const struct model_entry *entry = &base->entries[i];

		if (!entry->place.line)
			error = edit_bytes_add(bytes, (const struct edit_entry *)entry->name - 1, entry->name);
	}
	return error;
}

int edits_pack(const struct edits *edits, struct edit_bytes *ret)
{
	int error = 0;

	for (size_t i = 0; edits->filters && !error && i < edits->model->n_filters; i++) {
		if (edits->filters[i].used)
			error = pack_filter(&edits->filters[i], &edits->model->filters[i], ret);
	}
	return error;
}
