/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* An interface as a member of a group, with its addresses: bound at once, outside an apply. */
#ifndef EPG_MEMBERSHIP_H
#define EPG_MEMBERSHIP_H

#include "internal.h"
#include "journal.h"

struct membership {
	uint32_t ifindex;
	struct epg_binding binding;
	uint32_t vrf;
	uint16_t address_flags; /* EPG_ADDRESS_… */
	const struct catalog_address *addresses;
	size_t n_addresses;
};

/* What the policy makes of an interface by one of its bindings. EPG_ENDPOINT_XDP is not set. */
struct membership membership_of_policy(const struct catalog *catalog, const struct catalog_binding *binding,
				       uint32_t ifindex);

/*
 * Writes the membership over an earlier one of the interface; its older addresses stay until
 * membership_drop_others. -EEXIST when another endpoint owns an address, -ENOSPC when a map is full.
 */
int membership_write(struct epg *epg, struct instance *instance, struct journal *journal,
		     const struct membership *membership);
/* Removes what the interface owned before, and makes tracked flows be decided anew. */
int membership_drop_others(struct epg *epg, struct instance *instance, const struct membership *membership);

/* Frees the slots of learned addresses that the interface does not own any more. */
void membership_free_slots(struct instance *instance, uint32_t ifindex);

/* Is the interface bound right now? Sets `ret` if so. */
bool membership_find(struct instance *instance, uint32_t ifindex, struct epg_binding *ret);
/* Unbinds an interface. Returns 0, -ENOENT without a failure recorded, or another error with one. */
int membership_remove(struct epg *epg, struct instance *instance, uint32_t ifindex);
/* Sets or clears EPG_ENDPOINT_XDP; nothing to do where there is no endpoint. */
int membership_set_xdp(struct epg *epg, struct instance *instance, struct journal *journal, uint32_t ifindex, bool xdp);

/* Records why an entry could not be written: a full map is named, with its size and how to enlarge it. */
int membership_fail_write(struct epg *epg, int error, int map, const char *name);
/* Records that `address`, wanted for `wanted`, belongs to `owner`. */
int membership_fail_owned(struct epg *epg, const struct epg_address_key *key, uint32_t owner, const char *wanted);

#endif
