/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Addresses into groups by longest prefix, and into bridge domains' subnets: diagrams by address. */
#ifndef EPG_PREFIXES_H
#define EPG_PREFIXES_H

#include <arpa/inet.h>
#include <stdint.h>

#include "compile/diagram.h"
#include "compile/leaks.h"
#include "policy/model.h"

struct epg_diagnostics;

/* Room for a prefix in words. */
#define PREFIX_TEXT_MAX (INET6_ADDRSTRLEN + 4)

/* "10.0.0.0/8" or "fd00::/8", written into `text`, which is returned. */
const char *prefix_text(const struct model_prefix *prefix, char text[static PREFIX_TEXT_MAX]);

/* Whether addresses make endpoints of other groups members of this one: `match: {ip}`. */
bool prefixes_make_members(const struct model_group *group);

/* Targets; the families have roots of their own. */
struct prefix_roots {
	uint32_t ipv4;
	uint32_t ipv6;
};

/*
 * For each VRF, the diagram from an address to its EPG_PREFIX_… leaf. `class_ids` is by group, `leaks` what
 * VRFs know of each other. `ret` has n_vrfs elements, the caller frees it.
 * Returns 0, -EBADMSG (a prefix that two groups claim, or diagrams beyond bounds: reported), -ENOMEM.
 */
int prefixes_build(const struct model *model, const uint16_t *class_ids, const struct leaks *leaks,
		   struct diagram_builder *builder, struct epg_diagnostics *diagnostics, struct prefix_roots **ret);

/* For each bridge domain, the diagram that hits for the addresses of its subnets; else as prefixes_build. */
int subnets_build(const struct model *model, struct diagram_builder *builder, struct epg_diagnostics *diagnostics,
		  struct prefix_roots **ret);

#endif
