/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What this kernel can do. */
#ifndef EPG_SUPPORT_H
#define EPG_SUPPORT_H

#include <stdbool.h>

struct epg;

/* Whether the kernel takes descriptions of types (BTF): found out by giving it one. libbpf may print meanwhile. */
bool support_has_type_information(void);

/*
 * Records why the programs could not be loaded: the first thing that we need and the kernel lacks, by its name
 * (-EOPNOTSUPP), or what it said. Returns the error to return.
 */
int support_fail_load(struct epg *epg, int error);

/*
 * Refuses kernels on which the programs would load and yet not be safe: with PREEMPT_RT a packet may be interrupted
 * by another one on the same CPU, and both would use the same scratch map. Returns 0 or -EOPNOTSUPP, recorded.
 */
int support_check_kernel(struct epg *epg);

#endif
