/* SPDX-License-Identifier: GPL-2.0-only */
/* How endpoints are named: libepg's names, put together from options. */
#ifndef EPGCTL_ENDPOINT_TEXT_H
#define EPGCTL_ENDPOINT_TEXT_H

#include "arguments.h"

/* Room for any name that libepg tells. */
#define ENDPOINT_TEXT_MAX 160

/*
 * Puts the names of all operands together with --netns and --vlan, for the caller to free, endpoint_text_free.
 * Returns 0, -EINVAL with `reterr` filled, or -ENOMEM.
 */
int endpoint_text_names(const struct arguments *arguments, char ***ret, struct usage_error *reterr);
void endpoint_text_free(char **names);

/* Is the endpoint that libepg calls `told` meant by `given`? Of a long path libepg tells the end only. */
bool endpoint_text_is(const char *given, const char *told);

/* One that has vanished is named as `endpoint rm` takes it. */
const char *endpoint_text_vanished(uint32_t id, const char *name, char text[ENDPOINT_TEXT_MAX]);

#endif
