/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Array maps as memory. */
#include <bpf/bpf.h>
#include <errno.h>
#include <sys/mman.h>

#include "runtime/internal.h"

int map_view_open(int fd, bool writable, struct map_view *ret)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);
	size_t length;
	void *bytes;

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	length = info.max_entries * MAP_STRIDE((size_t)info.value_size);
	bytes = mmap(NULL, length, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		return -errno;
	*ret = (struct map_view){bytes, length};
	return 0;
}

void map_view_close(struct map_view *view)
{
	if (view->bytes)
		munmap(view->bytes, view->length);
	*view = (struct map_view){0};
}
