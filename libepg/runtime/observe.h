/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Small readings of a running instance that several views of it share. */
#ifndef EPG_OBSERVE_H
#define EPG_OBSERVE_H

#include <net/if.h>

#include "runtime/internal.h"

/* Number of the generation in force; 0: none. */
uint32_t observe_generation(const struct instance *instance);

/* What holds of a staged value under generation `running`, as the programs see it. */
const struct epg_binding *observe_binding(const struct epg_endpoint *endpoint, uint32_t running);
const struct epg_owner *observe_owner(const struct epg_address *address, uint32_t running);

/* The running generation, or NULL in `ret` when no policy is in force: a view then does without names. */
int observe_running(struct epg *epg, struct instance *instance, struct generation **ret);

/*
 * The group of a class id: "" for EPG_CLASS_NONE, "class 123" for one that the catalog does not know.
 * `catalog` may be NULL. `text` is used when there is no name to point to.
 */
const char *observe_group(const struct catalog *catalog, uint16_t class_id, char text[EPG_NAME_MAX]);

/*
 * Index of the first relation of a group (by index) to a contract, or to a later one; with contract 0 that is
 * the group's first relation. The others follow, as long as their group is the same.
 */
size_t observe_relations(const struct catalog *catalog, uint32_t group, uint32_t contract);

/* Sums of the map `stats` over all CPUs. Returns 0 or a negative errno value with a failure recorded. */
int observe_stats(struct epg *epg, int fd, uint64_t ret[EPG_STAT_COUNT]);

/* "" when there is no such interface in this network namespace. */
const char *observe_interface(uint32_t ifindex, char name[IF_NAMESIZE]);

#endif
