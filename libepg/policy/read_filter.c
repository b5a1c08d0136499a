/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Filters. */
#include <errno.h>
#include <stdio.h>

#include "policy/read.h"
#include "base/util.h"

struct filter_nodes {
	const struct tree_node *name, *entries;
};

static const struct schema_key filter_keys[] = {
	SCHEMA_KEY("name", REQUIRED, struct filter_nodes, name),
	SCHEMA_KEY("entries", REQUIRED, struct filter_nodes, entries),
};
static const struct schema filter_schema = SCHEMA("a filter", filter_keys);

/* Tells of entries that match the same as an earlier one: they never decide. */
static void check_repeated(struct reader *reader, const struct model_filter *filter)
{
	struct string_index matches = {0};

	reader->out_of_memory |= string_index_reserve(&matches, filter->n_entries) != 0;
	for (size_t i = 0; i < filter->n_entries; i++) {
		const struct model_entry *entry = &filter->entries[i];
		const struct string_index_entry *first;
		char hint[SCHEMA_HINT_BYTES];
		size_t length;
		const void *match = read_entry_match(entry, &length);
		int error;

		if (entry->n_kinds == 0)
			continue;
		error = string_index_add(&matches, match, length, (uint32_t)i, entry->place, &first);
		if (error == -EEXIST) {
			snprintf(hint, sizeof(hint), "\"%s\" in line %u comes first and matches the same",
				 filter->entries[first->value].name, first->place.line);
			diagnostics_lint(reader->diagnostics, EPG_LINT_RULE_SHADOWED, entry->place, hint,
					 "entry \"%s\" never decides", entry->name);
		}
		reader->out_of_memory |= error == -ENOMEM;
	}
	string_index_clear(&matches);
}

static void check_entry_names(struct reader *reader, const struct model_filter *filter)
{
	struct string_index names = {0};

	reader->out_of_memory |= string_index_reserve(&names, filter->n_entries) != 0;
	for (size_t i = 0; i < filter->n_entries; i++) {
		const struct model_entry *entry = &filter->entries[i];
		const struct tree_node name = {.place = entry->place, .text = entry->name};

		read_register(reader, &names, "entry", entry->name, &name, (uint32_t)i);
	}
	string_index_clear(&names);
}

void read_filter(struct reader *reader, const struct tree_node *node, void *unused)
{
	uint32_t index = (uint32_t)reader->model->n_filters;
	struct filter_nodes nodes = {0};
	struct model_filter *filter;

	(void)unused;
	if (!schema_read(reader->diagnostics, node, &filter_schema, &nodes))
		return;
	filter = read_push(reader, &reader->model->filters, &reader->model->n_filters, sizeof(*filter));
	if (!filter)
		return;
	filter->name = read_full_name(reader, NULL, nodes.name);
	filter->place = node->place;
	filter->tenant = reader->tenant;
	filter->entries = read_array(reader, nodes.entries, sizeof(*filter->entries));
	read_each(reader, nodes.entries, read_entry, filter);
	if (nodes.entries && nodes.entries->kind == TREE_SEQUENCE && nodes.entries->count == 0)
		diagnostics_lint(reader->diagnostics, EPG_LINT_FILTER_EMPTY, nodes.entries->place, NULL,
				 "the filter has no entries: it matches nothing");
	check_entry_names(reader, filter);
	check_repeated(reader, filter);
	read_register(reader, &reader->filters, "filter", filter->name, nodes.name, index);
}
