/* SPDX-License-Identifier: GPL-2.0-only */
/* What all benchmarks need: a clock, a median, and a way out. */
#ifndef EPG_BENCH_MEASURE_H
#define EPG_BENCH_MEASURE_H

#include <stddef.h>

#include "epg/epg.h"

/* Says what is wrong and ends the program. */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/* The same, unless `error` is 0, with what the library has to say. `epg` may be NULL. */
void must(const struct epg *epg, int error, const char *what);
/* Milliseconds on a clock that only goes forward. */
double now(void);
/* Sorts the values. */
double median(double *values, size_t count);

#endif
