/* SPDX-License-Identifier: GPL-2.0-only */
/* Who talks to whom: from interfaces and addresses to groups. */
#ifndef EPG_TEST_PARTIES_H
#define EPG_TEST_PARTIES_H

#include "reference.h"

/*
 * The group that an address belongs to, as seen from a VRF: that of the endpoint which owns it, unless a
 * `match: {ip}` names another; else by the longest prefix. NULL: nobody's.
 */
const struct model_group *parties_of_address(const struct model *model, uint32_t vrf, const uint8_t address[16]);

/* The group of an endpoint that uses this address: `match: {ip}` goes before what its interface is bound to. */
const struct model_group *parties_refine(const struct model *model, const struct model_group *bound,
					 const uint8_t address[16]);

/* The group of the endpoint with this MAC address in a bridge domain; NULL: nobody's. */
const struct model_group *parties_of_mac(const struct model *model, uint32_t bridge_domain, const uint8_t mac[6]);

/* May the endpoint use this source address? `endpoint` NULL: nothing is declared of it. */
enum epg_reason parties_may_use(const struct model *model, const struct model_group *group,
				const struct model_endpoint *endpoint, const uint8_t address[16]);

/* One end of a contract: a group, or with `any` all groups of its VRF. */
struct party {
	const struct model_group *group; /* NULL for vzAny alone */
	uint32_t vrf;
	bool any;
};

/* Does the contract bind these two, and with this scope? */
bool parties_bound(const struct model *model, uint32_t contract, const struct party *consumer,
		   const struct party *provider);

#endif
