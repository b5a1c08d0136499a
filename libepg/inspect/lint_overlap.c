/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "inspect/lint.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "base/array.h"
#include "base/util.h"

/* Pairs of entries that are compared, in all: a small file can have a great many. */
#define COMPARISONS_MAX ((size_t)1 << 24)

struct overlaps {
	const struct model *model;
	struct epg_diagnostics *diagnostics;
	size_t comparisons;
};

/* An entry where a subject uses it. */
struct use {
	const struct model_filter_use *filter;
	const struct model_entry *entry;
};

/* ---- two entries ---- */

static bool ranges_meet(struct model_range a, struct model_range b)
{
	return a.first <= b.last && b.first <= a.last;
}

static bool is_within(struct model_range inner, struct model_range outer)
{
	return outer.first <= inner.first && inner.last <= outer.last;
}

static bool kinds_meet(const struct model_entry *a, const struct model_entry *b)
{
	for (unsigned int i = 0; i < a->n_kinds; i++)
		for (unsigned int j = 0; j < b->n_kinds; j++)
			if (ranges_meet(a->kinds[i], b->kinds[j]))
				return true;
	return false;
}

static bool kinds_within(const struct model_entry *inner, const struct model_entry *outer)
{
	for (unsigned int i = 0; i < inner->n_kinds; i++) {
		bool within = false;

		for (unsigned int j = 0; j < outer->n_kinds; j++)
			within = within || is_within(inner->kinds[i], outer->kinds[j]);
		if (!within)
			return false;
	}
	return true;
}

static bool entries_meet(const struct model_entry *a, const struct model_entry *b)
{
	return kinds_meet(a, b) && ranges_meet(a->destination, b->destination) && ranges_meet(a->source, b->source) &&
	       ranges_meet(a->dscp, b->dscp) && ranges_meet(a->fragment, b->fragment) && a->tcp_flags & b->tcp_flags;
}

/* Then `inner`, coming later, never decides: that is told as such. */
static bool covers(const struct model_entry *outer, const struct model_entry *inner)
{
	return kinds_within(inner, outer) && is_within(inner->destination, outer->destination) &&
	       is_within(inner->source, outer->source) && is_within(inner->dscp, outer->dscp) &&
	       is_within(inner->fragment, outer->fragment) && !(inner->tcp_flags & ~outer->tcp_flags);
}

static bool overlap(const struct model_entry *first, const struct model_entry *later)
{
	return first->filtered == later->filtered && entries_meet(first, later) && !covers(first, later);
}

/* False when the bound is reached, which is told once. */
static bool may_compare(struct overlaps *overlaps, size_t n, struct place place)
{
	if (overlaps->comparisons > COMPARISONS_MAX)
		return false;
	overlaps->comparisons += n;
	if (overlaps->comparisons <= COMPARISONS_MAX)
		return true;
	diagnostics_lint(overlaps->diagnostics, EPG_LINT_ENTRIES_OVERLAP, place, NULL,
			 "from here on, there are too many entries to look for those that overlap");
	return false;
}

/* ---- within a filter: told at the later entry ---- */

static void check_entry(const struct overlaps *overlaps, const struct model_filter *filter, size_t later)
{
	char hint[128];

	for (size_t i = 0; i < later; i++) {
		if (!overlap(&filter->entries[i], &filter->entries[later]))
			continue;
		snprintf(hint, sizeof(hint), "the entry in line %u decides and counts what both match",
			 filter->entries[i].place.line);
		diagnostics_lint(overlaps->diagnostics, EPG_LINT_ENTRIES_OVERLAP, filter->entries[later].place, hint,
				 "entry \"%s\" of filter %s overlaps entry \"%s\"", filter->entries[later].name,
				 filter->name, filter->entries[i].name);
		return;
	}
}

static void check_filter(struct overlaps *overlaps, const struct model_filter *filter)
{
	if (!may_compare(overlaps, filter->n_entries * filter->n_entries / 2, filter->place))
		return;
	for (size_t i = 1; i < filter->n_entries; i++)
		check_entry(overlaps, filter, i);
}

/* ---- between filters of a subject that do the same: told where the later one is used ---- */

static void tell_filters(const struct overlaps *overlaps, const struct use *first, const struct use *later)
{
	char hint[128];

	snprintf(hint, sizeof(hint), "the entry in line %u decides and counts what both match",
		 first->entry->place.line);
	diagnostics_lint(overlaps->diagnostics, EPG_LINT_ENTRIES_OVERLAP, later->filter->place, hint,
			 "entry \"%s\" of filter %s overlaps entry \"%s\" of filter %s", later->entry->name,
			 overlaps->model->filters[later->filter->filter].name, first->entry->name,
			 overlaps->model->filters[first->filter->filter].name);
}

static bool do_the_same(const struct model_filter_use *a, const struct model_filter_use *b)
{
	return a->deny == b->deny && a->priority == b->priority;
}

/* Once for each pair of filters. */
static void check_filters(const struct overlaps *overlaps, const struct model_filter_use *first,
			  const struct model_filter_use *later)
{
	const struct model_filter *a = &overlaps->model->filters[first->filter];
	const struct model_filter *b = &overlaps->model->filters[later->filter];

	if (first->filter == later->filter || !do_the_same(first, later))
		return;
	for (size_t i = 0; i < b->n_entries; i++) {
		for (size_t j = 0; j < a->n_entries; j++) {
			const struct use earlier = {first, &a->entries[j]}, use = {later, &b->entries[i]};

			if (!overlap(earlier.entry, use.entry))
				continue;
			tell_filters(overlaps, &earlier, &use);
			return;
		}
	}
}

static void check_subject(struct overlaps *overlaps, const struct model_filter_use *uses, size_t n)
{
	const struct model_filter *filters = overlaps->model->filters;

	for (size_t i = 1; i < n; i++) {
		for (size_t j = 0; j < i; j++) {
			size_t pairs = filters[uses[i].filter].n_entries * filters[uses[j].filter].n_entries;

			if (!may_compare(overlaps, pairs, uses[i].place))
				return;
			check_filters(overlaps, &uses[j], &uses[i]);
		}
	}
}

/* ---- all of them ---- */

static void mark_used(bool *used, const struct model_filter_use *uses, size_t n)
{
	for (size_t i = 0; i < n; i++)
		used[uses[i].filter] = true;
}

int lint_overlaps(const struct model *model, struct epg_diagnostics *diagnostics)
{
	AUTO_FREE bool *used = array_new(model->n_filters, sizeof(*used));
	struct overlaps overlaps = {.model = model, .diagnostics = diagnostics};

	if (!used)
		return -ENOMEM;
	for (size_t i = 0; i < model->n_contracts; i++) {
		for (size_t j = 0; j < model->contracts[i].n_subjects; j++) {
			const struct model_subject *subject = &model->contracts[i].subjects[j];

			mark_used(used, subject->filters, subject->n_filters);
			check_subject(&overlaps, subject->filters, subject->n_filters);
		}
	}
	for (size_t i = 0; i < model->n_taboos; i++) {
		mark_used(used, model->taboos[i].filters, model->taboos[i].n_filters);
		check_subject(&overlaps, model->taboos[i].filters, model->taboos[i].n_filters);
	}
	for (size_t i = 0; i < model->n_filters; i++)
		if (used[i])
			check_filter(&overlaps, &model->filters[i]);
	return 0;
}
