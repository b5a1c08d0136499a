/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "policy/edit_span.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "base/arena.h"

/* A position as libyaml counts, in characters, and in bytes. */
struct position {
	size_t characters, bytes;
};

struct scan {
	yaml_parser_t parser;
	yaml_event_t event; /* the one at hand */
	const char *text;   /* behind a byte order mark */
	size_t length, mark;
	struct position last;
	size_t content_end; /* of what was last seen that takes room: a block's end event stands further on */
	struct arena *arena;
	struct edit_spans *spans;
	int error;
};

/* What is being read: the tenant's, the filter's or the entry's name. */
struct named {
	struct scan *scan;
	const char *name;
	size_t first_list; /* of a tenant */
	struct edit_list *list;
};

/* Reads one value of a mapping; the event is its first, and at the end its last. */
typedef void (*value_fn)(struct named *named, const char *key, size_t key_end);
typedef void (*item_fn)(struct named *outer);

static bool is_continuation(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

static size_t offset_of(struct scan *scan, yaml_mark_t mark)
{
	struct position *last = &scan->last;

	while (last->characters < mark.index && last->bytes < scan->length) {
		do
			last->bytes++;
		while (last->bytes < scan->length && is_continuation(scan->text[last->bytes]));
		last->characters++;
	}
	while (last->characters > mark.index && last->bytes > 0) {
		do
			last->bytes--;
		while (last->bytes > 0 && is_continuation(scan->text[last->bytes]));
		last->characters--;
	}
	return last->bytes + scan->mark;
}

/* False at the end of all, or after an error. */
static bool advance(struct scan *scan)
{
	yaml_event_delete(&scan->event);
	if (scan->error)
		return false;
	if (!yaml_parser_parse(&scan->parser, &scan->event)) {
		scan->error = scan->parser.error == YAML_MEMORY_ERROR ? -ENOMEM : -EBADMSG;
		return false;
	}
	switch (scan->event.type) {
	case YAML_ALIAS_EVENT:
		scan->spans->odd = true;
		break;
	case YAML_SCALAR_EVENT:
		scan->spans->odd |= scan->event.data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
				    scan->event.data.scalar.style == YAML_FOLDED_SCALAR_STYLE;
		scan->content_end = offset_of(scan, scan->event.end_mark);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		/* A block ends where the next thing begins, and with an empty mark. */
		if (scan->event.end_mark.index > scan->event.start_mark.index)
			scan->content_end = offset_of(scan, scan->event.end_mark);
		break;
	case YAML_STREAM_END_EVENT:
		return false;
	default:
		break;
	}
	return true;
}

static void skip_value(struct scan *scan)
{
	size_t depth = 0;

	do {
		yaml_event_type_t type = scan->event.type;

		depth += type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT;
		depth -= type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT;
	} while (depth && advance(scan));
}

static const char *scalar_text(const struct scan *scan)
{
	return scan->event.type == YAML_SCALAR_EVENT ? (const char *)scan->event.data.scalar.value : "";
}

static void read_mapping(struct named *named, value_fn fn)
{
	struct scan *scan = named->scan;

	if (scan->event.type != YAML_MAPPING_START_EVENT) {
		skip_value(scan);
		return;
	}
	while (advance(scan) && scan->event.type != YAML_MAPPING_END_EVENT) {
		char key[16] = "";
		size_t key_end;

		strncat(key, scalar_text(scan), sizeof(key) - 1);
		skip_value(scan);
		key_end = offset_of(scan, scan->event.end_mark);
		if (advance(scan))
			fn(named, key, key_end);
	}
}

static void read_list(struct named *named, item_fn fn)
{
	struct scan *scan = named->scan;

	if (scan->event.type != YAML_SEQUENCE_START_EVENT) {
		skip_value(scan);
		return;
	}
	while (advance(scan) && scan->event.type != YAML_SEQUENCE_END_EVENT)
		fn(named);
}

static void keep_name(struct named *named)
{
	const char *text = scalar_text(named->scan);

	named->name = arena_string(named->scan->arena, text, strlen(text));
	if (!named->name)
		named->scan->error = -ENOMEM;
	skip_value(named->scan);
}

static void *push(struct scan *scan, void *array, size_t *count, size_t size)
{
	void *element = arena_push(scan->arena, array, count, size);

	if (!element)
		scan->error = -ENOMEM;
	return element;
}

/* ---- from the entry up to the policy ---- */

static void entry_value(struct named *named, const char *key, size_t key_end)
{
	(void)key_end;
	if (!strcmp(key, "name"))
		keep_name(named);
	else
		skip_value(named->scan);
}

static void read_entry_item(struct named *filter)
{
	struct scan *scan = filter->scan;
	struct named entry = {.scan = scan, .name = ""};
	struct edit_item *item = push(scan, &filter->list->items, &filter->list->n_items, sizeof(*filter->list->items));
	size_t start = offset_of(scan, scan->event.start_mark);

	read_mapping(&entry, entry_value);
	if (scan->error || !item)
		return;
	item->start = start;
	item->end = scan->content_end;
	strncpy(item->name, entry.name, sizeof(item->name) - 1);
}

static void read_entries(struct named *filter, size_t key_end)
{
	struct scan *scan = filter->scan;
	struct edit_list *list = filter->list;

	list->key_end = key_end;
	list->start = offset_of(scan, scan->event.start_mark);
	list->column = scan->event.start_mark.column;
	list->flow = scan->event.type == YAML_SEQUENCE_START_EVENT &&
		     scan->event.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
	/* An anchor stands before the list, and would be taken for its beginning. */
	scan->spans->odd |= scan->event.type == YAML_SEQUENCE_START_EVENT && scan->event.data.sequence_start.anchor;
	read_list(filter, read_entry_item);
	list->end = scan->content_end;
}

static void filter_value(struct named *filter, const char *key, size_t key_end)
{
	if (!strcmp(key, "name"))
		keep_name(filter);
	else if (!strcmp(key, "entries"))
		read_entries(filter, key_end);
	else
		skip_value(filter->scan);
}

static void read_filter_item(struct named *tenant)
{
	struct edit_spans *spans = tenant->scan->spans;
	struct edit_list *place, list = {0};
	struct named filter = {.scan = tenant->scan, .name = "", .list = &list};

	read_mapping(&filter, filter_value);
	place = push(tenant->scan, &spans->lists, &spans->n_lists, sizeof(*spans->lists));
	if (!place)
		return;
	list.filter = filter.name;
	*place = list;
}

static void tenant_value(struct named *tenant, const char *key, size_t key_end)
{
	(void)key_end;
	if (!strcmp(key, "name"))
		keep_name(tenant);
	else if (!strcmp(key, "filters"))
		read_list(tenant, read_filter_item);
	else
		skip_value(tenant->scan);
}

static void read_tenant_item(struct named *policy)
{
	struct scan *scan = policy->scan;
	struct edit_spans *spans = scan->spans;
	struct named tenant = {.scan = scan, .name = "", .first_list = spans->n_lists};

	read_mapping(&tenant, tenant_value);
	for (size_t i = tenant.first_list; i < spans->n_lists; i++) {
		spans->lists[i].filter = arena_format(scan->arena, "%s/%s", tenant.name, spans->lists[i].filter);
		if (!spans->lists[i].filter)
			scan->error = -ENOMEM;
	}
}

static void policy_value(struct named *policy, const char *key, size_t key_end)
{
	(void)key_end;
	if (!strcmp(key, "tenants"))
		read_list(policy, read_tenant_item);
	else
		skip_value(policy->scan);
}

int edit_spans_find(const char *text, size_t length, struct arena *arena, struct edit_spans *ret)
{
	struct edit_spans spans = {0};
	size_t mark = length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
	struct scan scan = {
		.text = text + mark, .length = length - mark, .mark = mark, .arena = arena, .spans = &spans};
	struct named policy = {.scan = &scan};

	if (!yaml_parser_initialize(&scan.parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&scan.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&scan.parser, (const unsigned char *)scan.text, scan.length);
	while (advance(&scan)) {
		if (scan.event.type != YAML_MAPPING_START_EVENT)
			continue;
		spans.json = scan.event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
		read_mapping(&policy, policy_value);
	}
	yaml_event_delete(&scan.event);
	yaml_parser_delete(&scan.parser);
	if (!scan.error)
		*ret = spans;
	return scan.error;
}
