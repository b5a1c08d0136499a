/* SPDX-License-Identifier: GPL-2.0-only */
/* Watching decisions until somebody wants us to end. */
#ifndef EPGCTL_WATCHING_H
#define EPGCTL_WATCHING_H

#include <stdio.h>

#include "epg/epg.h"

DEFINE_AUTO(struct epg_monitor, epg_monitor_close)

/* A descriptor that is readable once SIGINT or SIGTERM has come, which end nothing by themselves from now on; or -errno. */
int watching_signals(void);

/*
 * Tells events until a signal comes (0), or something fails, `fn` for one. What it has written to `stream`, which may be
 * NULL, goes out whenever there are no more events for the moment.
 */
int watching_run(struct epg_monitor *monitor, int signals, epg_event_fn fn, void *user, FILE *stream);

#endif
