/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The built-in programs with their maps. One source opens them: each that does has all their bytes. */
#ifndef EPG_SKELETON_H
#define EPG_SKELETON_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "epg.skel.h"
#include "runtime/internal.h"

DEFINE_AUTO(struct epg_bpf, epg_bpf__destroy)

/* Nothing is in the kernel yet. Failures are recorded. */
int skeleton_open(struct epg *epg, struct epg_bpf **ret);
/* Loads what was opened; says what the kernel lacks where it refuses. Failures are recorded. */
int skeleton_load(struct epg *epg, struct epg_bpf *skeleton);

#endif
