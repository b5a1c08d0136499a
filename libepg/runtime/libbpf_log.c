/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "runtime/libbpf_log.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "runtime/internal.h"

/* Not state of ours but of libbpf's, which is global itself: who has replaced its printer. */
static pthread_mutex_t printer_lock = PTHREAD_MUTEX_INITIALIZER;
static libbpf_print_fn_t printer_before;
static _Thread_local struct epg *listener;

static int listen_to(enum libbpf_print_level level, const char *format, va_list arguments)
{
	libbpf_print_fn_t before = __atomic_load_n(&printer_before, __ATOMIC_RELAXED);
	char message[EPG_ERROR_TEXT];

	if (!listener)
		return before ? before(level, format, arguments) : 0;
	if (level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(message, sizeof(message), format, arguments);
	message[strcspn(message, "\n")] = '\0';
	context_log(listener, EPG_LOG_DEBUG, "%s", message);
	return 0;
}

struct epg *libbpf_log_begin(struct epg *epg)
{
	pthread_mutex_lock(&printer_lock);
	listener = epg;
	__atomic_store_n(&printer_before, libbpf_set_print(listen_to), __ATOMIC_RELAXED);
	return epg;
}

void libbpf_log_end(struct epg **epg)
{
	(void)epg;
	libbpf_set_print(__atomic_load_n(&printer_before, __ATOMIC_RELAXED));
	listener = NULL;
	pthread_mutex_unlock(&printer_lock);
}
