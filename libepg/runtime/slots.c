/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/slots.h"

#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include <bpf/bpf.h>

/* What a packet takes at most, as far as one can say. */
#define LATE_PACKETS_NS 20000000

static void *make_change(void *argument)
{
	struct slot_change *change = argument;
	int error = change->inner < 0 ? bpf_map_delete_elem(change->outer, &change->slot)
				      : bpf_map_update_elem(change->outer, &change->slot, &change->inner, BPF_ANY);

	change->error = error ? -errno : 0;
	return NULL;
}

void slots_begin(struct slots *slots, int outer, uint32_t slot, int inner)
{
	struct slot_change *change = &slots->changes[slots->n++];

	*change = (struct slot_change){.outer = outer, .inner = inner, .slot = slot};
	worker_begin(&change->worker, make_change, change);
}

int slots_end(struct slots *slots, size_t *reterr_which)
{
	int error = 0;

	for (size_t i = 0; i < slots->n; i++) {
		struct slot_change *change = &slots->changes[i];

		worker_end(&change->worker);
		if (change->error && !error) {
			error = change->error;
			*reterr_which = i;
		}
	}
	slots->n = 0;
	return error;
}

/* The kernel knows; some configurations of it do not tell. */
void slots_wait(void)
{
	const struct timespec late = {.tv_nsec = LATE_PACKETS_NS};

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		nanosleep(&late, NULL);
}
