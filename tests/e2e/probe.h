/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the probe share; probe.c says what each command does. */
#ifndef PROBE_H
#define PROBE_H

#include <stdint.h>

#define BUFFER_BYTES (16 << 20)

_Noreturn void die(const char *what);
void sleep_us(long microseconds);
int64_t now_us(void);
/* Numeric address and port; an empty address: all of both families, and sockets that listen there. */
int connect_to(const char *address, const char *port, int type);
int listen_on(const char *port, int type);

/* frame.c: `words` are "key=value"; the commands return the exit status. */
int run_frame(const char *interface, int n_words, char **words);
/* watch.c */
int run_watch(const char *interface);
/* tcx.c */
int run_tcx(const char *pin, const char *interface, const char *hook, const char *place);
/* crowd.c */
int run_tick(const char *port, long gap_ms);
int run_crowd(const char *address, const char *port, unsigned count, int64_t ms);

/*
 * A frame carries a token, so that a watcher tells it from all others wherever it arrives: TOKEN_BEGIN, a word,
 * TOKEN_END. Payloads are filled with it over and over, so that pieces of them have it too.
 */
#define TOKEN_BEGIN "epg<"
#define TOKEN_END '>'
#define TOKEN_MAX 48

#endif
