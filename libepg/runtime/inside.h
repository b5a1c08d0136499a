/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Errands inside other network namespaces. Each is run by a thread of its own, which enters the namespace and ends with
 * the errand: no thread of the caller ever changes its namespace, whatever fails, and no signal handler runs there.
 */
#ifndef EPG_INSIDE_H
#define EPG_INSIDE_H

#include <net/if.h>

#include "runtime/internal.h"

/* Opens a network namespace; returns a descriptor, or a negative errno value with a failure recorded. */
int inside_open(struct epg *epg, const char *path);

/* Calls `fn` inside; with `netns` -1 right here. Returns what it returns, or a negative errno value. */
int inside_run(int netns, int (*fn)(void *user), void *user);

/* The number of a network namespace, which no other one ever gets: 0 or a negative errno value. */
int inside_cookie(int netns, __u64 *ret);

/* A device of a namespace. */
struct inside_device {
	uint32_t ifindex;
	uint32_t parent; /* of a macvlan device: the interface below it, as its namespace numbers it; 0: not known */
	bool macvlan;    /* it is one */
	bool vepa;       /* and its frames to its siblings leave the host first */
};

/* 0, -ENODEV where there is no such interface, or another negative errno value. */
int inside_find(int netns, const char *interface, struct inside_device *ret);
/* Whether it still has an interface of this number. */
bool inside_has(int netns, uint32_t ifindex);

/*
 * A program for one hook of an endpoint's device: it says whose hook it is, and leaves the rest to the program at
 * `slot` of the map `inside`. Returns a descriptor or a negative errno value.
 */
int inside_load_stub(struct epg *epg, uint32_t port, uint32_t slot);

/* Slots of the map `inside`. */
#define INSIDE_SLOT_OUT 0 /* from the endpoint */
#define INSIDE_SLOT_IN 1  /* towards it */

#endif
