/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "compile/catalog_columns.h"

#include <stddef.h>
#include <zlib.h>

#include "base/util.h"

#define COLUMN(type, field, kind)                                                        \
	{                                                                                \
		offsetof(struct type, field), sizeof(((struct type *)NULL)->field), kind \
	}
#define PLAIN(type, field) COLUMN(type, field, CATALOG_COLUMN_PLAIN)
#define STRING(type, field) COLUMN(type, field, CATALOG_COLUMN_STRING)
#define RANGE(type, field) PLAIN(type, field.first), COLUMN(type, field.last, CATALOG_COLUMN_LAST)
/* Part of a field that is longer than a column can be. */
#define PART(type, field, at, size)                                             \
	{                                                                       \
		offsetof(struct type, field) + (at), size, CATALOG_COLUMN_PLAIN \
	}

static const struct catalog_column vrfs[] = {
	STRING(catalog_vrf, name),           PLAIN(catalog_vrf, id),   PLAIN(catalog_vrf, enforced),
	PLAIN(catalog_vrf, preferred_group), PLAIN(catalog_vrf, line),
};

static const struct catalog_column bridge_domains[] = {
	STRING(catalog_bridge_domain, name),  PLAIN(catalog_bridge_domain, id),
	PLAIN(catalog_bridge_domain, vrf),    PLAIN(catalog_bridge_domain, arp_contract),
	PLAIN(catalog_bridge_domain, direct), PLAIN(catalog_bridge_domain, line),
};

static const struct catalog_column groups[] = {
	PART(catalog_group, police_rate, 0, 4),
	PART(catalog_group, police_rate, 4, 4),
	PLAIN(catalog_group, police_burst),
	STRING(catalog_group, name),
	PLAIN(catalog_group, class_id),
	PLAIN(catalog_group, external),
	PLAIN(catalog_group, isolated),
	PLAIN(catalog_group, preferred_member),
	PLAIN(catalog_group, vrf),
	PLAIN(catalog_group, bridge_domain),
	PLAIN(catalog_group, line),
};

static const struct catalog_column group_names[] = {
	PLAIN(catalog_group_name, group),
};

static const struct catalog_column contracts[] = {
	STRING(catalog_contract, name),     PLAIN(catalog_contract, taboo),      PLAIN(catalog_contract, scope),
	PLAIN(catalog_contract, keep),      PLAIN(catalog_contract, line),       PLAIN(catalog_contract, providers),
	PLAIN(catalog_contract, consumers), PLAIN(catalog_contract, first_rule), PLAIN(catalog_contract, n_rules),
};

/* All but the identity. */
static const struct catalog_column rules[] = {
	PLAIN(catalog_rule, contract),   STRING(catalog_rule, subject),   STRING(catalog_rule, filter),
	STRING(catalog_rule, entry),     PLAIN(catalog_rule, line),       PLAIN(catalog_rule, role),
	PLAIN(catalog_rule, reverse),    PLAIN(catalog_rule, audit),      PLAIN(catalog_rule, n_kinds),
	RANGE(catalog_rule, kinds[0]),   RANGE(catalog_rule, kinds[1]),   RANGE(catalog_rule, destination),
	RANGE(catalog_rule, source),     RANGE(catalog_rule, dscp),       RANGE(catalog_rule, fragment),
	PLAIN(catalog_rule, tcp_flags),  PLAIN(catalog_rule, early),      PLAIN(catalog_rule, what.action),
	PLAIN(catalog_rule, what.level), PLAIN(catalog_rule, what.flags), PLAIN(catalog_rule, what.dscp),
};

static const struct catalog_column pairs[] = {
	PLAIN(catalog_pair, source),
	PLAIN(catalog_pair, destination),
	PLAIN(catalog_pair, rule_set),
};

static const struct catalog_column rule_sets[] = {
	PLAIN(catalog_rule_set, first),
	PLAIN(catalog_rule_set, count),
};

static const struct catalog_column members[] = {
	PLAIN(catalog_member, rule),
};

static const struct catalog_column relations[] = {
	PLAIN(catalog_relation, group), PLAIN(catalog_relation, vrf),  PLAIN(catalog_relation, contract),
	PLAIN(catalog_relation, kind),  PLAIN(catalog_relation, line),
};

static const struct catalog_column bindings[] = {
	STRING(catalog_binding, interface), PLAIN(catalog_binding, glob),          PLAIN(catalog_binding, group),
	PLAIN(catalog_binding, line),       PLAIN(catalog_binding, first_address), PLAIN(catalog_binding, n_addresses),
	PART(catalog_binding, mac, 0, 2),   PART(catalog_binding, mac, 2, 2),      PART(catalog_binding, mac, 4, 2),
	PLAIN(catalog_binding, vlan),       PLAIN(catalog_binding, behind),
};

static const struct catalog_column addresses[] = {
	PART(catalog_address, address, 0, 4),
	PART(catalog_address, address, 4, 4),
	PART(catalog_address, address, 8, 4),
	PART(catalog_address, address, 12, 4),
};

const struct catalog_columns catalog_columns[CATALOG_SECTION_COUNT] = {
#define CATALOG_SECTION_COLUMNS(name, type) {name, ARRAY_SIZE(name), sizeof(struct type)},
	CATALOG_SECTIONS(CATALOG_SECTION_COLUMNS)
#undef CATALOG_SECTION_COLUMNS
};

const struct lines_form catalog_strings_form = {.end = 0, .key = 4};

uint32_t catalog_packed_check(const struct catalog_packed *header)
{
	struct catalog_packed checked = *header;

	checked.check = 0;
	return (uint32_t)crc32(0, (const Bytef *)&checked, sizeof(checked));
}
