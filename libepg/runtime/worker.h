/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* A thread that does one thing beside its caller, who waits for its end before it returns. */
#ifndef EPG_WORKER_H
#define EPG_WORKER_H

#include <pthread.h>
#include <stdbool.h>

/* Begins as all zero. */
struct worker {
	bool runs;
	pthread_t thread;
};

/* The program's signals are not for it. Where no thread is to be had, the caller does the work. */
void worker_begin(struct worker *worker, void *(*work)(void *argument), void *argument);
/* Waits; at once where nothing was begun, or has been waited for. */
void worker_end(struct worker *worker);

#endif
