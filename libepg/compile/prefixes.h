/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Addresses into groups by longest prefix, and into bridge domains' subnets: diagrams by address. */
#ifndef EPG_PREFIXES_H
#define EPG_PREFIXES_H

#include <stdint.h>

#include "compile/diagram.h"
#include "policy/model.h"

struct epg_diagnostics;

/* Targets; the families have roots of their own. */
struct prefix_roots {
	uint32_t ipv4;
	uint32_t ipv6;
};

/*
 * For each VRF, the diagram from an address to its EPG_PREFIX_… leaf. `class_ids` is by group. `ret` has
 * n_vrfs elements, the caller frees it.
 * Returns 0, -EBADMSG (a prefix that two groups claim, or diagrams beyond bounds: reported), -ENOMEM.
 */
int prefixes_build(const struct model *model, const uint16_t *class_ids, struct diagram_builder *builder,
		   struct epg_diagnostics *diagnostics, struct prefix_roots **ret);

/* For each bridge domain, the diagram that hits for the addresses of its subnets; else as prefixes_build. */
int subnets_build(const struct model *model, struct diagram_builder *builder, struct epg_diagnostics *diagnostics,
		  struct prefix_roots **ret);

#endif
