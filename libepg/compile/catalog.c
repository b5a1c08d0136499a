/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "compile/catalog.h"
#include "compile/catalog_block.h"
#include "policy/model.h"

/* A place in an array, or in the string pool. */
static bool is_index(uint32_t index, size_t count)
{
	return index < count;
}

static bool is_slice(uint32_t first, uint32_t count, size_t total)
{
	return first <= total && count <= total - first;
}

/* Ids of groups, VRFs and bridge domains stand in 16 bits of the tables. */
static bool is_id(uint32_t id)
{
	return id > 0 && id <= UINT16_MAX;
}

static bool vrfs_valid(const struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->n_vrfs; i++) {
		const struct catalog_vrf *vrf = &catalog->vrfs[i];

		if (!is_index(vrf->name, catalog->n_strings) || !is_id(vrf->id))
			return false;
	}
	return true;
}

static bool bridge_domains_valid(const struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->n_bridge_domains; i++) {
		const struct catalog_bridge_domain *domain = &catalog->bridge_domains[i];

		if (!is_index(domain->name, catalog->n_strings) || !is_id(domain->id) ||
		    !is_index(domain->vrf, catalog->n_vrfs))
			return false;
	}
	return true;
}

static bool groups_valid(const struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->n_groups; i++) {
		const struct catalog_group *group = &catalog->groups[i];

		if (!is_index(group->name, catalog->n_strings) || !is_index(group->vrf, catalog->n_vrfs) ||
		    !is_id(group->class_id) || (i > 0 && group->class_id <= group[-1].class_id))
			return false;
		if (group->external ? group->bridge_domain != CATALOG_NONE
				    : !is_index(group->bridge_domain, catalog->n_bridge_domains))
			return false;
	}
	return true;
}

static bool group_names_valid(const struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->n_group_names; i++)
		if (!is_index(catalog->group_names[i].group, catalog->n_groups))
			return false;
	return catalog->n_group_names == catalog->n_groups;
}

static bool contracts_valid(const struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->n_contracts; i++) {
		const struct catalog_contract *contract = &catalog->contracts[i];

		if (!is_index(contract->name, catalog->n_strings) || contract->scope > MODEL_SCOPE_GLOBAL ||
		    !is_slice(contract->first_rule, contract->n_rules, catalog->n_rules))
			return false;
		if (i > 0 && contract[-1].taboo && !contract->taboo)
			return false;
	}
	return true;
}

static bool rules_valid(const struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->n_rules; i++) {
		const struct catalog_rule *rule = &catalog->rules[i];

		if (rule->contract != CATALOG_NONE && !is_index(rule->contract, catalog->n_contracts))
			return false;
		if (!is_index(rule->subject, catalog->n_strings) || !is_index(rule->filter, catalog->n_strings) ||
		    !is_index(rule->entry, catalog->n_strings) || rule->n_kinds > 2 || rule->role >= CATALOG_ROLES)
			return false;
	}
	return catalog->n_rules >= EPG_RULE_IMPLICIT_COUNT;
}

static int compare_pairs(const struct catalog_pair *left, const struct catalog_pair *right)
{
	if (left->source != right->source)
		return left->source < right->source ? -1 : 1;
	return (left->destination > right->destination) - (left->destination < right->destination);
}

static bool pairs_valid(const struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->n_pairs; i++) {
		const struct catalog_pair *pair = &catalog->pairs[i];

		if (!is_index(pair->rule_set, catalog->n_rule_sets) || (i > 0 && compare_pairs(pair - 1, pair) >= 0))
			return false;
	}
	return true;
}

static bool rule_sets_valid(const struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->n_rule_sets; i++) {
		const struct catalog_rule_set *set = &catalog->rule_sets[i];

		if (!is_slice(set->first, set->count, catalog->n_members))
			return false;
	}
	return true;
}

static bool members_valid(const struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->n_members; i++) {
		if (!is_index(catalog->members[i].rule, catalog->n_rules))
			return false;
	}
	return true;
}

static bool relations_valid(const struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->n_relations; i++) {
		const struct catalog_relation *relation = &catalog->relations[i];

		if (relation->group != CATALOG_NONE && !is_index(relation->group, catalog->n_groups))
			return false;
		if (!is_index(relation->vrf, catalog->n_vrfs) || !is_index(relation->contract, catalog->n_contracts) ||
		    relation->kind > CATALOG_TABOO)
			return false;
	}
	return true;
}

/* The order of kinds, and of exact names before globs within each, is what lookups rely on. */
static bool binding_follows(const struct catalog_binding *binding, const struct catalog_binding *before)
{
	if (binding->behind != before->behind)
		return binding->behind > before->behind;
	return binding->glob || !before->glob;
}

/* Who is behind an interface is told by a VLAN or a MAC address; behind just any uplink, by the latter. */
static bool binding_names_somebody(const struct catalog_binding *binding)
{
	static const uint8_t nothing[6];
	bool has_mac = memcmp(binding->mac, nothing, sizeof(nothing)) != 0;

	switch (binding->behind) {
	case CATALOG_ALONE:
		return binding->vlan == 0;
	case CATALOG_BEHIND:
		return binding->vlan < 4095 && (binding->vlan > 0 || has_mac);
	case CATALOG_BEHIND_UPLINK:
		return binding->vlan == 0 && has_mac;
	}
	return false;
}

static bool bindings_valid(const struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->n_bindings; i++) {
		const struct catalog_binding *binding = &catalog->bindings[i];

		if (!is_index(binding->interface, catalog->n_strings) || !is_index(binding->group, catalog->n_groups) ||
		    !is_slice(binding->first_address, binding->n_addresses, catalog->n_addresses))
			return false;
		if (!binding_names_somebody(binding) || (i > 0 && !binding_follows(binding, binding - 1)))
			return false;
	}
	return true;
}

/* Any 16 bytes are an address. */
static bool addresses_valid(const struct catalog *catalog)
{
	(void)catalog;
	return true;
}

static struct catalog_extent place(uint64_t *length, uint64_t count, size_t size)
{
	struct catalog_extent extent = {.offset = *length, .count = count};

	*length += (count * size + CATALOG_ALIGNMENT - 1) / CATALOG_ALIGNMENT * CATALOG_ALIGNMENT;
	return extent;
}

struct catalog_header catalog_layout(const struct catalog_counts *counts, uint32_t file)
{
	struct catalog_header header = {
		.magic = CATALOG_MAGIC,
		.version = CATALOG_VERSION,
		.length = sizeof(header),
		.file = file,
	};

#define CATALOG_SECTION_PLACE(name, type)         \
	header.sections[CATALOG_SECTION_##name] = \
		place(&header.length, counts->sections[CATALOG_SECTION_##name], sizeof(struct type));
	CATALOG_SECTIONS(CATALOG_SECTION_PLACE)
#undef CATALOG_SECTION_PLACE
	header.strings = place(&header.length, counts->strings, 1);
	return header;
}

static bool is_extent(const struct catalog_header *header, const struct catalog_extent *extent, size_t element)
{
	return extent->offset % CATALOG_ALIGNMENT == 0 && extent->offset >= sizeof(*header) &&
	       extent->offset <= header->length && extent->count <= UINT32_MAX &&
	       extent->count <= (header->length - extent->offset) / element;
}

/* The pool begins with the empty string and ends with a zero: whatever begins inside ends inside. */
static int open_strings(const struct catalog_header *header, struct catalog *catalog)
{
	const struct catalog_extent *extent = &header->strings;

	if (!is_extent(header, extent, 1) || extent->count == 0)
		return -EBADMSG;
	catalog->strings = (const char *)header + extent->offset;
	catalog->n_strings = extent->count;
	if (catalog->strings[0] || catalog->strings[extent->count - 1] || !is_index(header->file, extent->count))
		return -EBADMSG;
	catalog->file = catalog->strings + header->file;
	return 0;
}

int catalog_open(const void *block, size_t length, struct catalog *ret)
{
	const struct catalog_header *header = block;
	struct catalog catalog = {0};

	if ((uintptr_t)block % CATALOG_ALIGNMENT || length < sizeof(*header) || header->magic != CATALOG_MAGIC ||
	    header->version != CATALOG_VERSION || header->length < sizeof(*header) || header->length > length)
		return -EBADMSG;
	if (open_strings(header, &catalog))
		return -EBADMSG;
#define CATALOG_SECTION_OPEN(name, type)                                                                      \
	if (!is_extent(header, &header->sections[CATALOG_SECTION_##name], sizeof(struct type)))               \
		return -EBADMSG;                                                                              \
	catalog.name = (const void *)((const char *)block + header->sections[CATALOG_SECTION_##name].offset); \
	catalog.n_##name = header->sections[CATALOG_SECTION_##name].count;
	CATALOG_SECTIONS(CATALOG_SECTION_OPEN)
#undef CATALOG_SECTION_OPEN
#define CATALOG_SECTION_CHECK(name, type) \
	if (!name##_valid(&catalog))      \
		return -EBADMSG;
	CATALOG_SECTIONS(CATALOG_SECTION_CHECK)
#undef CATALOG_SECTION_CHECK
	*ret = catalog;
	return 0;
}

const char *catalog_string(const struct catalog *catalog, uint32_t string)
{
	return catalog->strings + string;
}

static int compare_class(const void *key, const void *element)
{
	uint32_t class_id = *(const uint16_t *)key;
	const struct catalog_group *group = element;

	return (class_id > group->class_id) - (class_id < group->class_id);
}

const struct catalog_group *catalog_group_by_class(const struct catalog *catalog, uint16_t class_id)
{
	return bsearch(&class_id, catalog->groups, catalog->n_groups, sizeof(*catalog->groups), compare_class);
}

const struct catalog_group *catalog_group_by_name(const struct catalog *catalog, const char *name)
{
	for (size_t low = 0, high = catalog->n_group_names; low < high;) {
		size_t middle = low + (high - low) / 2;
		const struct catalog_group *group = &catalog->groups[catalog->group_names[middle].group];
		int order = strcmp(name, catalog_string(catalog, group->name));

		if (!order)
			return group;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static int compare_pair(const void *key, const void *element)
{
	return compare_pairs(key, element);
}

const struct catalog_rule_set *catalog_rules_between(const struct catalog *catalog, uint16_t source,
						     uint16_t destination)
{
	const struct catalog_pair key = {.source = source, .destination = destination};
	const struct catalog_pair *pair;

	pair = bsearch(&key, catalog->pairs, catalog->n_pairs, sizeof(key), compare_pair);
	return pair ? &catalog->rule_sets[pair->rule_set] : NULL;
}

static bool names_interface(const struct catalog *catalog, const struct catalog_binding *binding, const char *interface)
{
	const char *name = catalog_string(catalog, binding->interface);

	return binding->glob ? !fnmatch(name, interface, 0) : !strcmp(name, interface);
}

const struct catalog_binding *catalog_binding_of(const struct catalog *catalog, const char *interface)
{
	for (size_t i = 0; i < catalog->n_bindings; i++) {
		const struct catalog_binding *binding = &catalog->bindings[i];

		if (binding->behind == CATALOG_ALONE && names_interface(catalog, binding, interface))
			return binding;
	}
	return NULL;
}

const struct catalog_binding *catalog_behind_next(const struct catalog *catalog, const char *interface,
						  uint32_t uplink_vrf, const struct catalog_binding *after)
{
	const struct catalog_binding *end = catalog->bindings + catalog->n_bindings;

	for (const struct catalog_binding *i = after ? after + 1 : catalog->bindings; i < end; i++) {
		if (i->behind == CATALOG_BEHIND && names_interface(catalog, i, interface))
			return i;
		if (i->behind == CATALOG_BEHIND_UPLINK && catalog->groups[i->group].vrf == uplink_vrf)
			return i;
	}
	return NULL;
}
