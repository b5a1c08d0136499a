/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Reading a generation in place, and the source that it keeps. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/array.h"
#include "compile/catalog_packed.h"
#include "policy/edit_text.h"
#include "runtime/amendments.h"
#include "runtime/runtime.h"

int generation_table(struct epg *epg, uint32_t number, const char *table)
{
	char path[PATH_MAX];
	int fd, error;

	error = pins_path(epg, path, "generations/%u/%s", number, table);
	if (error)
		return error;
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

static int open_view(struct epg *epg, uint32_t number, const char *table, struct map_view *ret)
{
	AUTO_CLOSE int fd = generation_table(epg, number, table);

	return fd < 0 ? fd : map_view_open(fd, false, ret);
}

void generation_merged_clear(struct generation_merged *merged)
{
	free(merged->rules);
	free(merged->strings);
	free(merged->contracts);
	free(merged->contract_rules);
	free(merged->rule_sets);
	free(merged->members);
	*merged = (struct generation_merged){0};
}

void generation_close(struct generation *generation)
{
	if (!generation)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(generation->views); i++)
		map_view_close(&generation->views[i]);
	generation_merged_clear(&generation->merged);
	free(generation->counts);
	free(generation->block);
	free(generation);
}

/* The block that `source` holds, and its header, checked against the map's size. */
static int open_source(struct epg *epg, uint32_t number, struct map_view *ret_view, struct generation_source *ret)
{
	struct map_view view = {0};
	int error;

	error = open_view(epg, number, "source", &view);
	if (error)
		return error;
	if (view.length >= sizeof(*ret))
		memcpy(ret, view.bytes, sizeof(*ret));
	if (view.length < sizeof(*ret) || ret->zlib_length > view.length - sizeof(*ret)) {
		map_view_close(&view);
		return -EBADMSG;
	}
	*ret_view = view;
	return 0;
}

int generation_read_header(struct epg *epg, uint32_t number, struct generation_source *ret)
{
	struct map_view view;
	int error = open_source(epg, number, &view, ret);

	if (!error)
		map_view_close(&view);
	return error;
}

static int open_views(struct epg *epg, struct generation *generation)
{
	static const char *const names[] = {
		[GENERATION_CATALOG] = "catalog",
		[GENERATION_RULES] = "rules",
		[GENERATION_COUNTERS] = "counters",
	};
	struct generation_source header;
	int error;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		error = open_view(epg, generation->number, names[i], &generation->views[i]);
		if (error)
			return error;
	}
	error = generation_read_header(epg, generation->number, &header);
	if (error)
		return error;
	generation->applied_at = header.applied_at;
	generation->counters = (const struct epg_counter *)generation->views[GENERATION_COUNTERS].bytes;
	return 0;
}

size_t generation_rules_room(const struct generation *generation)
{
	size_t rules = generation->views[GENERATION_RULES].length / sizeof(struct epg_rule_more);
	size_t counters = generation->views[GENERATION_COUNTERS].length / sizeof(struct epg_counter);

	return rules < counters ? rules : counters;
}

static int open_catalog(struct epg *epg, struct generation *generation)
{
	__attribute__((cleanup(map_view_close))) struct map_view amendments = {0};
	const struct map_view *packed = &generation->views[GENERATION_CATALOG];
	int error = catalog_unpack(packed->bytes, packed->length, &generation->block, &generation->catalog);

	if (!error && generation->catalog.n_rules > generation_rules_room(generation))
		error = -EBADMSG;
	if (!error)
		error = amendments_open(epg, generation->number, false, &amendments);
	return error ? error : amendments_merge(generation, &amendments);
}

void generation_set_previous(struct epg_control *control, uint32_t number, uint32_t slot)
{
	const struct {
		__u32 number, slot;
	} previous = {number, slot};
	typedef __u64 __attribute__((may_alias)) word_of_two;
	__u64 word;

	_Static_assert(offsetof(struct epg_control, previous_generation) % sizeof(word) == 0 &&
			       offsetof(struct epg_control, previous_slot) ==
				       offsetof(struct epg_control, previous_generation) + sizeof(__u32),
		       "both lie in one aligned word");
	memcpy(&word, &previous, sizeof(word));
	__atomic_store_n((word_of_two *)&control->previous_generation, word, __ATOMIC_RELEASE);
}

int generation_open(struct epg *epg, uint32_t number, uint32_t slot, struct generation **ret)
{
	AUTO(generation_close) struct generation *generation = NULL;
	int error;

	if (!number)
		return context_fail(epg, EPG_FAILURE_NOT_FOUND, -ENOENT, epg->pin, "apply one: epgctl apply -f FILE",
				    "no policy has been applied yet");
	generation = calloc(1, sizeof(*generation));
	if (!generation)
		return context_fail_kernel(epg, -ENOMEM, NULL, "can't open generation %u", number);
	generation->number = number;
	generation->slot = slot;
	error = open_views(epg, generation);
	if (error)
		return context_fail_kernel(epg, error, epg->pin, "can't open generation %u", number);
	error = open_catalog(epg, generation);
	if (error && error != -EBADMSG)
		return context_fail_kernel(epg, error, epg->pin, "can't read the names of generation %u", number);
	if (error)
		return context_fail(epg, EPG_FAILURE_UNSUPPORTED, -EPROTO, epg->pin,
				    "apply the policy anew with this version",
				    "the names kept with generation %u are not of this version's kind", number);
	*ret = TAKE_PTR(generation);
	return 0;
}

int generation_open_running(struct epg *epg, struct instance *instance, struct generation **ret)
{
	for (;;) {
		uint64_t active = __atomic_load_n(&instance->control->active, __ATOMIC_ACQUIRE);
		int error = generation_open(epg, EPG_ACTIVE_GENERATION(active), EPG_ACTIVE_SLOT(active), ret);

		/* Two applies later its pins are gone: look again for what is in force now. */
		if (!error || active == __atomic_load_n(&instance->control->active, __ATOMIC_ACQUIRE))
			return error;
	}
}

int generation_read_parts(struct epg *epg, uint32_t number, char **ret_text, struct generation_parts *ret)
{
	struct generation_source header;
	struct map_view view;
	int error;

	error = open_source(epg, number, &view, &header);
	if (error)
		return context_fail_kernel(epg, error, epg->pin, "can't open the source of generation %u", number);
	error = source_unpack(&header, view.bytes + sizeof(header), ret_text, ret);
	map_view_close(&view);
	if (error == -EBADMSG)
		return context_fail(epg, EPG_FAILURE_KERNEL, -EIO, epg->pin, NULL,
				    "the source kept with the running policy is damaged");
	return error ? context_fail_kernel(epg, error, NULL, "can't unpack the policy's source") : 0;
}

static int add_piece(struct edit_piece **pieces, size_t *n, size_t *capacity, const uint8_t *bytes, size_t length)
{
	if (array_reserve(pieces, capacity, *n + 1, sizeof(**pieces)))
		return -ENOMEM;
	(*pieces)[(*n)++] = (struct edit_piece){bytes, length};
	return 0;
}

/* What was edited before the tables were made, and what the amendments have changed since. */
static int list_edits(const struct generation_parts *parts, const struct map_view *amendments, uint32_t number,
		      struct edit_piece **pieces, size_t *ret_n)
{
	struct amendment_view amendment;
	size_t capacity = 0, offset = 0;
	int more, error = 0;

	if (parts->edits_length)
		error = add_piece(pieces, ret_n, &capacity, parts->edits, parts->edits_length);
	while (!error && (more = amendments_next(amendments, number, &offset, &amendment)) != 0)
		error = more < 0 ? more
				 : add_piece(pieces, ret_n, &capacity, amendment.edits, amendment.head->edits_length);
	return error;
}

int generation_read_text(struct epg *epg, uint32_t number, char **ret, size_t *ret_length)
{
	__attribute__((cleanup(map_view_close))) struct map_view amendments = {0};
	struct generation_parts parts;
	AUTO_FREE char *text = NULL;
	AUTO_FREE struct edit_piece *pieces = NULL;
	size_t n_pieces = 0;
	int error = generation_read_parts(epg, number, &text, &parts);

	if (error)
		return error;
	error = amendments_open(epg, number, false, &amendments);
	if (!error)
		error = list_edits(&parts, &amendments, number, &pieces, &n_pieces);
	if (!error && !n_pieces) {
		*ret = TAKE_PTR(text);
		*ret_length = parts.length;
		return 0;
	}
	if (!error)
		error = edit_text(parts.text, parts.length, pieces, n_pieces, number, ret, ret_length);
	return error ? context_fail_kernel(epg, error, epg->pin, "can't write the text of generation %u", number) : 0;
}

int generation_text(struct epg *epg, const struct generation *generation, char **ret, size_t *ret_length)
{
	return generation_read_text(epg, generation->number, ret, ret_length);
}

int epg_export(struct epg *epg, char **ret_text, size_t *ret_length, char **ret_file)
{
	CONTEXT_CALL(epg);
	AUTO(generation_close) struct generation *generation = NULL;
	AUTO_FREE char *file = NULL;
	struct instance *instance;
	int error;

	error = instance_open(epg, &instance);
	if (!error)
		error = generation_open_running(epg, instance, &generation);
	if (error)
		return error;
	file = strdup(generation->catalog.file);
	if (!file)
		return context_fail_kernel(epg, -ENOMEM, NULL, "can't export the policy");
	error = generation_read_text(epg, generation->number, ret_text, ret_length);
	if (error)
		return error;
	*ret_file = TAKE_PTR(file);
	return 0;
}
