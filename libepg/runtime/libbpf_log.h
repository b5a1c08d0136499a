/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What libbpf has to say. Its printer is one for the whole process, and writes to stderr unless it is replaced;
 * a library that prints nothing must replace it while it calls what prints. It does so under a lock, for its own
 * thread only (what other threads cause goes to the printer that was there), and puts it back.
 */
#ifndef EPG_LIBBPF_LOG_H
#define EPG_LIBBPF_LOG_H

struct epg;

/* Sends libbpf's messages of this thread to the context's log, at level debug, until the end. Not nested. */
struct epg *libbpf_log_begin(struct epg *epg);
void libbpf_log_end(struct epg **epg);
#define LIBBPF_LOG(epg) \
	__attribute__((cleanup(libbpf_log_end), unused)) struct epg *libbpf_log_owner = libbpf_log_begin(epg)

#endif
