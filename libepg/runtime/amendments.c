/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/amendments.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "runtime/observe.h"

#define ALIGNMENT ((size_t)8)

_Static_assert(sizeof(struct amendments_header) % ALIGNMENT == 0 && sizeof(struct amendment) % ALIGNMENT == 0 &&
		       sizeof(struct catalog_rule) % ALIGNMENT == 0,
	       "what stands behind them is aligned");

static size_t aligned(size_t length)
{
	return (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

int amendments_make(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "amendments", sizeof(uint32_t), 4096, AMENDMENTS_BYTES / 4096,
				&options);

	return fd < 0 ? -errno : fd;
}

/* ---- one amendment ---- */

static size_t length_of(const struct amendment *head)
{
	return sizeof(*head) + head->n_rules * sizeof(struct catalog_rule) +
	       aligned(head->n_removed * sizeof(uint32_t)) + head->n_members * sizeof(struct amendments_member) +
	       aligned(head->n_strings) + aligned(head->edits_length);
}

static uint8_t *put(uint8_t *to, const void *from, size_t length)
{
	if (length)
		memcpy(to, from, length);
	return to + aligned(length);
}

int amendments_append(struct map_view *map, const struct amendment_view *amendment)
{
	struct amendments_header *header = (struct amendments_header *)map->bytes;
	struct amendment head = *amendment->head;
	size_t offset = sizeof(*header) + header->length, length = length_of(&head);
	uint8_t *to = map->bytes + offset;

	if (length > map->length - offset)
		return -ENOSPC;
	head.length = (uint32_t)length;
	to = put(to, &head, sizeof(head));
	to = put(to, amendment->rules, head.n_rules * sizeof(*amendment->rules));
	to = put(to, amendment->removed, head.n_removed * sizeof(*amendment->removed));
	to = put(to, amendment->members, head.n_members * sizeof(*amendment->members));
	to = put(to, amendment->strings, head.n_strings);
	put(to, amendment->edits, head.edits_length);
	__atomic_store_n(&header->length, header->length + length, __ATOMIC_RELEASE);
	return 0;
}

static bool is_later(uint32_t generation, uint32_t limit)
{
	return (int32_t)(generation - limit) > 0;
}

static int view_amendment(const struct map_view *map, size_t offset, size_t end, struct amendment_view *ret)
{
	const struct amendment *head = (const void *)(map->bytes + offset);
	const uint8_t *next = (const uint8_t *)(head + 1);

	if (end - offset < sizeof(*head) || head->length != length_of(head) || head->length > end - offset)
		return -EBADMSG;
	ret->head = head;
	ret->rules = (const void *)next;
	next += head->n_rules * sizeof(*ret->rules);
	ret->removed = (const void *)next;
	next += aligned(head->n_removed * sizeof(*ret->removed));
	ret->members = (const void *)next;
	next += head->n_members * sizeof(*ret->members);
	ret->strings = (const void *)next;
	ret->edits = next + aligned(head->n_strings);
	return 0;
}

int amendments_next(const struct map_view *map, uint32_t generation, size_t *offset, struct amendment_view *ret)
{
	const struct amendments_header *header = (const void *)map->bytes;
	size_t start = *offset ? *offset : sizeof(*header), end;

	if (!map->bytes)
		return 0;
	if (map->length < sizeof(*header) || header->magic != AMENDMENTS_MAGIC ||
	    header->length > map->length - sizeof(*header))
		return -EBADMSG;
	end = sizeof(*header) + header->length;
	if (start >= end)
		return 0;
	if (view_amendment(map, start, end, ret))
		return -EBADMSG;
	*offset = start + ret->head->length;
	return !is_later(ret->head->generation, generation);
}

void amendments_truncate(struct map_view *map, uint32_t running)
{
	struct amendments_header *header = (struct amendments_header *)map->bytes;
	struct amendment_view amendment;
	size_t offset = 0;
	uint64_t length = 0;

	while (amendments_next(map, running, &offset, &amendment) > 0)
		length = offset - sizeof(*header);
	if (map->bytes)
		__atomic_store_n(&header->length, length, __ATOMIC_RELEASE);
}

int amendments_open(struct epg *epg, uint32_t number, bool writable, struct map_view *ret)
{
	AUTO_CLOSE int fd = generation_table(epg, number, "amendments");

	*ret = (struct map_view){0};
	if (fd == -ENOENT)
		return 0;
	return fd < 0 ? fd : map_view_open(fd, writable, ret);
}

int amendments_recover(struct epg *epg, struct instance *instance)
{
	__attribute__((cleanup(map_view_close))) struct map_view map = {0}, sets = {0};
	uint32_t running = observe_generation(instance);
	AUTO_CLOSE int fd = running ? generation_table(epg, running, "sets") : -1;
	struct epg_rule_set *items;
	int error;

	if (!running)
		return 0;
	error = fd < 0 ? fd : map_view_open(fd, true, &sets);
	if (!error)
		error = amendments_open(epg, running, true, &map);
	if (error)
		return error;
	amendments_truncate(&map, running);
	items = (struct epg_rule_set *)sets.bytes;
	for (size_t i = 0; i < sets.length / sizeof(*items); i++) {
		if (!items[i].next_generation)
			continue;
		if (!is_later(items[i].next_generation, running))
			__atomic_store_n(&items[i].root, items[i].next_root, __ATOMIC_RELEASE);
		__atomic_store_n(&items[i].next_generation, 0, __ATOMIC_RELEASE);
	}
	return 0;
}
