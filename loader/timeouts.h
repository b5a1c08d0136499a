/* SPDX-License-Identifier: GPL-2.0-only */
/* --timeout NAME=SECONDS */
#ifndef EPGCTL_TIMEOUTS_H
#define EPGCTL_TIMEOUTS_H

#include "arguments.h"
#include "epg/epg.h"

/* Reads all that are given into `options`; -EINVAL with `reterr` filled. */
int timeouts_read(const struct arguments *arguments, struct epg_load_options *options, struct usage_error *reterr);

#endif
