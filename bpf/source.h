/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether the source may use the address that it uses, and whose the destination's is. */
#ifndef BPF_SOURCE_H
#define BPF_SOURCE_H

#include "work.h"

/*
 * Why nobody who comes without an endpoint's hook behind him may use an endpoint's address. What a macvlan device sends
 * past its hook comes by none.
 */
static __always_inline int reason_of_impostor(const struct work *work, __u32 owner)
{
	struct epg_endpoint *endpoint = owner & EPG_PORT ? endpoint_get(owner) : NULL;

	__u16 flags = endpoint ? endpoint_binding(endpoint, work->realm.generation)->flags : 0;

	return (flags & (EPG_ENDPOINT_INSIDE | EPG_ENDPOINT_DETOUR)) == EPG_ENDPOINT_INSIDE
		       ? EPG_REASON_UNVOUCHED
		       : EPG_REASON_SPOOFED_ADDRESS;
}

/*
 * May the source use this address? An endpoint: its own ones. Anybody else: all that no endpoint owns, since
 * an endpoint's packets come by its own hook.
 */
static __always_inline int may_use(const struct work *work, const union address *address)
{
	__u32 owner;

	if (work->crosses)
		return EPG_REASON_NONE; /* egress_source has looked */
	if (work->source.ifindex)
		return address_claim(&work->realm, work->source.ifindex, work->source_flags, address);
	owner = address_owner(&work->realm, address);
	return owner ? reason_of_impostor(work, owner) : EPG_REASON_NONE;
}

STEP int source_may_use_source(void)
{
	struct work *work = work_get();

	return work ? may_use(work, &work->packet.source) : EPG_REASON_INTERNAL;
}

STEP int source_may_use_target(void)
{
	struct work *work = work_get();

	return work ? may_use(work, &work->packet.target) : EPG_REASON_INTERNAL;
}

/* Who owns the destination address. */
STEP int classify_destination(void)
{
	struct work *work = work_get();

	if (!work)
		return 0;
	return party_of_address(&work->realm, &work->packet.destination, is_ipv4(&work->packet), &work->destination);
}

#endif
