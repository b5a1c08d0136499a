/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/walk.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "base/util.h"

/* The kernel gives whole buckets: more than one ever holds, where keys are hashed as they should be. */
#define BATCH_ENTRIES 4096

struct walk {
	int fd;
	size_t key_size;
	size_t value_size;
	uint8_t *keys;
	uint8_t *values;
	/* The kernel's own mark of how far it has come: a bucket's number, but documented as large as a key. */
	uint8_t *position;
	uint8_t *next_position;
};

static void walk_clear(struct walk *walk)
{
	free(walk->keys);
	free(walk->values);
	free(walk->position);
	free(walk->next_position);
}

static int walk_init(struct walk *walk, int fd)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	size_t position_size;

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	walk->fd = fd;
	walk->key_size = info.key_size;
	walk->value_size = info.value_size;
	position_size = info.key_size > sizeof(uint32_t) ? info.key_size : sizeof(uint32_t);
	walk->keys = reallocarray(NULL, BATCH_ENTRIES, walk->key_size);
	walk->values = reallocarray(NULL, BATCH_ENTRIES, walk->value_size);
	walk->position = calloc(1, position_size);
	walk->next_position = calloc(1, position_size);
	return walk->keys && walk->values && walk->position && walk->next_position ? 0 : -ENOMEM;
}

/* One batch; `*ret` is its length. Returns 0 when there may be more, 1 at the end, or a negative errno value. */
static int walk_batch(struct walk *walk, bool first, uint32_t *ret)
{
	uint32_t count = BATCH_ENTRIES;
	int error = bpf_map_lookup_batch(walk->fd, first ? NULL : walk->position, walk->next_position, walk->keys,
					 walk->values, &count, NULL);

	if (error && errno != ENOENT)
		return -errno;
	*ret = count;
	return error ? 1 : 0;
}

static void walk_advance(struct walk *walk)
{
	uint8_t *position = walk->position;

	walk->position = walk->next_position;
	walk->next_position = position;
}

int walk_map(int fd, walk_fn fn, void *user)
{
	__attribute__((cleanup(walk_clear))) struct walk walk = {0};
	uint32_t count = 0;
	int end;

	end = walk_init(&walk, fd);
	if (end)
		return end;
	for (bool first = true; !end; first = false) {
		end = walk_batch(&walk, first, &count);
		if (end < 0)
			return end;
		for (uint32_t i = 0; i < count; i++) {
			int stop = fn(user, walk.keys + i * walk.key_size, walk.values + i * walk.value_size);

			if (stop)
				return stop;
		}
		walk_advance(&walk);
	}
	return 0;
}

static int count_one(void *user, const void *key, const void *value)
{
	uint64_t *count = user;

	(void)key;
	(void)value;
	++*count;
	return 0;
}

int walk_count(int fd, uint64_t *ret)
{
	uint64_t count = 0;
	int error = walk_map(fd, count_one, &count);

	if (error)
		return error;
	*ret = count;
	return 0;
}
