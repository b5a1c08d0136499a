/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/journal.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/util.h"

struct journal_change {
	int map;
	bool existed;
	size_t key_size;
	uint8_t bytes[]; /* key, then the value that was there */
};

static int make_room(struct journal *journal)
{
	size_t capacity = journal->capacity ? journal->capacity * 2 : 64;
	struct journal_change **changes;

	if (journal->n_changes < journal->capacity)
		return 0;
	changes = reallocarray(journal->changes, capacity, sizeof(struct journal_change *));
	if (!changes)
		return -ENOMEM;
	journal->changes = changes;
	journal->capacity = capacity;
	return 0;
}

/* What is there now, with room in the journal for it. */
static int change_new(struct journal *journal, int map, const void *key, struct journal_change **ret)
{
	AUTO_FREE struct journal_change *change = NULL;
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);
	int error;

	error = make_room(journal);
	if (error)
		return error;
	if (bpf_obj_get_info_by_fd(map, &info, &size))
		return -errno;
	change = calloc(1, sizeof(*change) + info.key_size + info.value_size);
	if (!change)
		return -ENOMEM;
	change->map = map;
	change->key_size = info.key_size;
	memcpy(change->bytes, key, info.key_size);
	change->existed = !bpf_map_lookup_elem(map, key, change->bytes + change->key_size);
	if (!change->existed && errno != ENOENT)
		return -errno;
	*ret = TAKE_PTR(change);
	return 0;
}

int journal_write(struct journal *journal, int map, const void *key, const void *value)
{
	AUTO_FREE struct journal_change *change = NULL;
	int error;

	error = change_new(journal, map, key, &change);
	if (error)
		return error;
	if (bpf_map_update_elem(map, key, value, BPF_ANY))
		return -errno;
	journal->changes[journal->n_changes++] = TAKE_PTR(change);
	return 0;
}

int journal_delete(struct journal *journal, int map, const void *key)
{
	AUTO_FREE struct journal_change *change = NULL;
	int error;

	error = change_new(journal, map, key, &change);
	if (error || !change->existed)
		return error;
	if (bpf_map_delete_elem(map, key))
		return -errno;
	journal->changes[journal->n_changes++] = TAKE_PTR(change);
	return 0;
}

void journal_undo(struct journal *journal)
{
	while (journal->n_changes > 0) {
		const struct journal_change *change = journal->changes[--journal->n_changes];

		if (change->existed)
			bpf_map_update_elem(change->map, change->bytes, change->bytes + change->key_size, BPF_ANY);
		else
			bpf_map_delete_elem(change->map, change->bytes);
		free(journal->changes[journal->n_changes]);
	}
	journal_keep(journal);
}

void journal_keep(struct journal *journal)
{
	while (journal->n_changes > 0)
		free(journal->changes[--journal->n_changes]);
	free(journal->changes);
	*journal = (struct journal){0};
}
