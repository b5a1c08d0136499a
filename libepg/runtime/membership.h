/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* An interface as a member of a group, with its addresses: bound at once, outside an apply. */
#ifndef EPG_MEMBERSHIP_H
#define EPG_MEMBERSHIP_H

#include "runtime/internal.h"
#include "runtime/journal.h"

/* Flags that speak of the interface rather than of the group that it is bound to: they outlast a binding. */
#define MEMBERSHIP_FACTS (EPG_ENDPOINT_SHARED | EPG_ENDPOINT_DETOUR)

/* Says nothing: an entry with it need not be there. */
static inline bool membership_is_empty(const struct epg_binding *binding)
{
	return binding->class_id == EPG_CLASS_NONE && !(binding->flags & MEMBERSHIP_FACTS);
}

struct membership {
	uint32_t ifindex; /* or port */
	struct epg_binding binding;
	uint32_t vrf;
	uint16_t address_flags; /* EPG_ADDRESS_… */
	const struct catalog_address *addresses;
	size_t n_addresses;
};

/*
 * Endpoints inside learn that their parent vouches for what comes from outside, and then take nothing else: they are to
 * learn it anew, after one that may be the parent was detached.
 */
int membership_forget_parents(struct epg *epg, struct instance *instance, struct journal *journal);

/* Makes the binding of `ifindex` that of an uplink. */
void membership_be_uplink(struct membership *membership);

/* What the policy makes of an interface, or a port, by one of its bindings. EPG_ENDPOINT_XDP is not set. */
struct membership membership_of_policy(const struct catalog *catalog, const struct catalog_binding *binding,
				       uint32_t ifindex);

/*
 * Writes the membership over an earlier one of the interface; its older addresses stay until
 * leftovers_drop. -EEXIST when another endpoint owns an address, -ENOSPC when a map is full.
 */
int membership_write(struct epg *epg, struct instance *instance, struct journal *journal,
		     const struct membership *membership);

/* What an interface owns beside the addresses of its membership. */
struct leftovers {
	const struct membership *membership;
	uint32_t generation;
	struct epg_address_key *keys;
	size_t n_keys;
	size_t capacity;
};

/* Finds them, after the membership was written: what is learned later is learned by its rules. */
int leftovers_find(struct epg *epg, struct instance *instance, const struct membership *membership,
		   struct leftovers *ret);
/* Removes them, and makes tracked flows be decided anew. */
void leftovers_drop(struct instance *instance, const struct leftovers *leftovers);
void leftovers_clear(struct leftovers *leftovers);
#define AUTO_LEFTOVERS __attribute__((cleanup(leftovers_clear)))

/* Frees the slots of learned addresses that the interface does not own any more. */
void membership_free_slots(struct instance *instance, uint32_t ifindex);

/* Is the interface bound right now? Sets `ret` if so. */
bool membership_find(struct instance *instance, uint32_t ifindex, struct epg_binding *ret);
/* The same for an entry that may be without a group, for its flags' sake. */
bool membership_look(struct instance *instance, uint32_t ifindex, struct epg_binding *ret);
/*
 * Unbinds an interface or a port; what the port was for is forgotten with it, unless it is attached by itself. Returns
 * 0, -ENOENT without a failure recorded, or another error with one.
 */
int membership_remove(struct epg *epg, struct instance *instance, uint32_t ifindex);
/*
 * Sets or clears one of the flags of an entry. One of MEMBERSHIP_FACTS makes an entry where there is none, and takes
 * away one that says nothing without it.
 */
int membership_set_flag(struct epg *epg, struct instance *instance, struct journal *journal, uint32_t ifindex,
			uint16_t flag, bool on);
/* Sets or clears EPG_ENDPOINT_XDP of an interface and of all who are behind it, where they are endpoints. */
int membership_set_xdp(struct epg *epg, struct instance *instance, struct journal *journal, uint32_t ifindex, bool xdp);
/* Gives up addresses that endpoints have learned whose interface has vanished. */
int membership_forget_vanished(struct epg *epg, struct instance *instance);

/* Records why an entry could not be written: a full map is named, with its size and how to enlarge it. */
int membership_fail_write(struct epg *epg, int error, int map, const char *name);
/* Records that `address`, wanted for `wanted`, belongs to `owner`. */
int membership_fail_owned(struct epg *epg, const struct epg_address_key *key, uint32_t owner, const char *wanted);

#endif
