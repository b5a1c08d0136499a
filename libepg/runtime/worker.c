/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/worker.h"

#include <signal.h>
#include <stddef.h>

void worker_begin(struct worker *worker, void *(*work)(void *argument), void *argument)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	worker->runs = !pthread_create(&worker->thread, NULL, work, argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!worker->runs)
		(void)work(argument);
}

void worker_end(struct worker *worker)
{
	if (worker->runs)
		pthread_join(worker->thread, NULL);
	worker->runs = false;
}
