/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Reading a generation in place, and the source that it keeps. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <zlib.h>

#include "runtime/runtime.h"

enum view {
	VIEW_CATALOG,
	VIEW_RULES,
	VIEW_COUNTERS,
};

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

void generation_close(struct generation *generation)
{
	if (!generation)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(generation->views); i++)
		map_view_close(&generation->views[i]);
	free(generation);
}

const struct epg_rule *generation_rule(const struct generation *generation, uint32_t index)
{
	return (const struct epg_rule *)(generation->rules + index * MAP_STRIDE(sizeof(struct epg_rule)));
}

/* The block that `source` holds: header and compressed text, checked against the map's size. */
static int open_source(struct epg *epg, uint32_t number, struct map_view *ret_view, struct generation_source *ret)
{
	struct map_view view = {0};
	int error;

	error = open_view(epg, number, "source", &view);
	if (error)
		return error;
	if (view.length >= sizeof(*ret))
		memcpy(ret, view.bytes, sizeof(*ret));
	if (view.length < sizeof(*ret) || ret->compressed_length > view.length - sizeof(*ret)) {
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
		[VIEW_CATALOG] = "catalog",
		[VIEW_RULES] = "rules",
		[VIEW_COUNTERS] = "counters",
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
	generation->rules = generation->views[VIEW_RULES].bytes;
	generation->counters = (const struct epg_counter *)generation->views[VIEW_COUNTERS].bytes;
	return 0;
}

static bool views_hold(const struct generation *generation)
{
	size_t n = generation->catalog.n_rules;

	return n <= generation->views[VIEW_RULES].length / MAP_STRIDE(sizeof(struct epg_rule)) &&
	       n <= generation->views[VIEW_COUNTERS].length / sizeof(struct epg_counter);
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
	const struct map_view *block;
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
	block = &generation->views[VIEW_CATALOG];
	if (catalog_open(block->bytes, block->length, &generation->catalog) || !views_hold(generation))
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

static int inflate_text(struct epg *epg, const struct map_view *view, const struct generation_source *header,
			char **ret)
{
	AUTO_FREE char *text = malloc(header->text_length + 1);
	uLongf length = header->text_length;

	if (!text)
		return context_fail_kernel(epg, -ENOMEM, NULL, "can't unpack the policy's source");
	if (uncompress((Bytef *)text, &length, view->bytes + sizeof(*header), header->compressed_length) != Z_OK ||
	    length != header->text_length)
		return context_fail(epg, EPG_FAILURE_KERNEL, -EIO, epg->pin, NULL,
				    "the source kept with the running policy is damaged");
	text[length] = '\0';
	*ret = TAKE_PTR(text);
	return 0;
}

int generation_text(struct epg *epg, const struct generation *generation, char **ret, size_t *ret_length)
{
	struct generation_source header;
	struct map_view view;
	int error;

	error = open_source(epg, generation->number, &view, &header);
	if (error)
		return context_fail_kernel(epg, error, epg->pin, "can't open the running policy's source");
	error = inflate_text(epg, &view, &header, ret);
	map_view_close(&view);
	if (error)
		return error;
	*ret_length = header.text_length;
	return 0;
}

int generation_read_text(struct epg *epg, uint32_t number, char **ret, size_t *ret_length)
{
	struct generation_source header;
	struct map_view view;
	int error;

	error = open_source(epg, number, &view, &header);
	if (error)
		return context_fail_kernel(epg, error, epg->pin, "can't open the source of generation %u", number);
	error = inflate_text(epg, &view, &header, ret);
	map_view_close(&view);
	if (!error)
		*ret_length = header.text_length;
	return error;
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
