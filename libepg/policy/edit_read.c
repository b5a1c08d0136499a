/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "policy/edit_read.h"

#include <string.h>

#include "base/array.h"
#include "base/util.h"
#include "policy/edit_entry.h"

static struct edit_entry shape_of(const struct edit_entry *packed)
{
	struct edit_entry shape = *packed;

	shape.destination_first = shape.destination_last = shape.source_first = shape.source_last = 0;
	shape.name_length = 0;
	return shape;
}

static struct edit_shape *place_of(struct edit_reader *reader, const struct edit_entry *shape)
{
	uint64_t words[sizeof(*shape) / sizeof(uint64_t)], hash = 0;

	_Static_assert(sizeof(*shape) % sizeof(words[0]) == 0, "no byte is left out");
	memcpy(words, shape, sizeof(words));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		hash = hash_word(hash, words[i]);
	return &reader->shapes[hash % EDIT_SHAPES];
}

static bool has_good_name(struct edit_reader *reader, const struct edit_entry *packed, const char *name,
			  struct place place)
{
	const struct tree_node node = {
		.kind = TREE_SCALAR, .quoted = true, .place = place, .count = packed->name_length, .text = name};

	return schema_name(reader->reader.diagnostics, &node);
}

/* Where a shape has ports at all, any are good that are the right way round. */
static bool has_good_ports(const struct edit_entry *packed)
{
	return packed->destination_first <= packed->destination_last && packed->source_first <= packed->source_last;
}

static void take_ports(const struct edit_entry *packed, struct model_entry *entry)
{
	if (packed->given & EPG_ENTRY_DESTINATION)
		entry->destination = (struct model_range){packed->destination_first, packed->destination_last};
	if (packed->given & EPG_ENTRY_SOURCE)
		entry->source = (struct model_range){packed->source_first, packed->source_last};
}

static bool read_whole(struct edit_reader *reader, const struct edit_entry *packed, const char *name,
		       struct place place, struct model_entry *ret)
{
	size_t errors = diagnostics_errors(reader->reader.diagnostics);
	struct edit_spelling spelling;

	edit_spell(packed, name, place, &spelling);
	if (!read_entry_of(&reader->reader, place, &spelling.nodes, ret) ||
	    errors != diagnostics_errors(reader->reader.diagnostics))
		return false;
	ret->name = NULL;
	ret->place = (struct place){0};
	return true;
}

bool edit_read(struct edit_reader *reader, const struct edit_entry *packed, const char *name, struct place place,
	       struct model_entry *ret)
{
	const struct edit_entry shape = shape_of(packed);
	struct edit_shape *known = place_of(reader, &shape);

	if (known->known && !memcmp(&known->packed, &shape, sizeof(shape)) && has_good_ports(packed)) {
		if (!has_good_name(reader, packed, name, place))
			return false;
		*ret = known->entry;
		take_ports(packed, ret);
		return true;
	}
	if (!read_whole(reader, packed, name, place, ret))
		return false;
	*known = (struct edit_shape){shape, *ret, true};
	return true;
}
