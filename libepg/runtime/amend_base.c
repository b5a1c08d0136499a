/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The tables that are amended, and what has to be found in them. */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "compile/links.h"
#include "runtime/amend.h"

/* Parts of one contract: LINK_PART has 4 bits for them. */
#define PARTS_EACH 16

void amend_close(struct amend *amend)
{
	generation_close(amend->generation);
	map_view_close(&amend->nodes);
	map_view_close(&amend->sets);
	map_view_close(&amend->rules);
	map_view_close(&amend->classes);
	map_view_close(&amend->amendments);
	overlay_clear(&amend->overlay);
	free(amend->roots);
	free(amend->gone);
	free(amend->gone_rules);
	free(amend->parts);
	free(amend->uses);
	free(amend->part_rules);
	free(amend->identities);
	free(amend->briefs);
	free(amend->added);
	free(amend->members);
	*amend = (struct amend){.device = amend->device, .inode = amend->inode, .number = amend->number};
}

static int open_table(struct epg *epg, const struct amend *amend, const char *table, bool writable,
		      struct map_view *ret)
{
	AUTO_CLOSE int fd = generation_table(epg, amend->number, table);

	return fd < 0 ? fd : map_view_open(fd, writable, ret);
}

static int open_tables(struct epg *epg, struct amend *amend)
{
	int error = generation_open(epg, amend->number, 0, &amend->generation);

	if (!error)
		error = open_table(epg, amend, "nodes", true, &amend->nodes);
	if (!error)
		error = open_table(epg, amend, "sets", true, &amend->sets);
	if (!error)
		error = open_table(epg, amend, "rules", true, &amend->rules);
	if (!error)
		error = open_table(epg, amend, "classes", false, &amend->classes);
	if (!error)
		error = amendments_open(epg, amend->number, true, &amend->amendments);
	if (!error && amend->sets.length / sizeof(struct epg_rule_set) < amend->generation->catalog.n_rule_sets)
		error = -EBADMSG;
	return error;
}

static int open_nodes(struct epg *epg, struct amend *amend)
{
	const struct amendments_header *header = (const void *)amend->amendments.bytes;
	size_t capacity = amend->nodes.length / sizeof(struct epg_node), n_nodes;
	struct generation_source source;
	int error = generation_read_header(epg, amend->number, &source);

	if (error)
		return error;
	n_nodes = header ? header->n_nodes : source.n_nodes;
	if (n_nodes > capacity)
		return -EBADMSG;
	return overlay_init(&amend->overlay, (struct epg_node *)amend->nodes.bytes, n_nodes, capacity);
}

/* ---- which rules, and in which sets ---- */

static uint32_t part_of(const struct catalog_rule *rule)
{
	return LINK_PART(rule->contract, rule->role, rule->reverse);
}

void amend_set_gone(struct amend *amend, uint32_t index)
{
	amend->gone[index] = 1;
	amend->gone_rules[amend->n_gone++] = index;
}

static int index_rules(struct amend *amend)
{
	const struct catalog *catalog = &amend->generation->catalog;

	amend->uses = array_new(catalog->n_contracts, sizeof(*amend->uses));
	amend->part_rules = array_new(catalog->n_contracts * PARTS_EACH, sizeof(*amend->part_rules));
	amend->gone = array_new(generation_rules_room(amend->generation), sizeof(*amend->gone));
	amend->gone_rules = array_new(generation_rules_room(amend->generation), sizeof(*amend->gone_rules));
	if (!amend->uses || !amend->part_rules || !amend->gone || !amend->gone_rules)
		return -ENOMEM;
	for (size_t i = EPG_RULE_IMPLICIT_COUNT; i < catalog->n_rules; i++) {
		const struct catalog_rule *rule = &catalog->rules[i];

		if (catalog_rule_is_gone(rule))
			amend_set_gone(amend, (uint32_t)i);
		amend->uses[rule->contract] |= (uint16_t)RULES_USE(rule->role, rule->reverse);
		amend->part_rules[part_of(rule)] += !amend->gone[i];
	}
	return 0;
}

static int compare_parts(const void *left, const void *right)
{
	const struct amend_part *a = left, *b = right;

	if (a->part != b->part)
		return a->part < b->part ? -1 : 1;
	return (a->set > b->set) - (a->set < b->set);
}

static int add_parts(struct amend *amend, uint32_t set, uint32_t *last_set, size_t *capacity)
{
	const struct catalog *catalog = &amend->generation->catalog;
	const struct catalog_rule_set *members = &catalog->rule_sets[set];

	for (uint32_t i = 0; i < members->count; i++) {
		uint32_t part = part_of(&catalog->rules[catalog->members[members->first + i].rule]);

		if (last_set[part] == set + 1)
			continue;
		last_set[part] = set + 1;
		if (array_reserve(&amend->parts, capacity, amend->n_parts + 1, sizeof(*amend->parts)))
			return -ENOMEM;
		amend->parts[amend->n_parts++] = (struct amend_part){part, set};
	}
	return 0;
}

static int index_sets(struct amend *amend)
{
	const struct catalog *catalog = &amend->generation->catalog;
	AUTO_FREE uint32_t *last_set = array_new(catalog->n_contracts * PARTS_EACH, sizeof(*last_set));
	const struct epg_rule_set *sets = (const void *)amend->sets.bytes;
	size_t capacity = 0;
	int error = 0;

	amend->roots = array_new(catalog->n_rule_sets, sizeof(*amend->roots));
	if (!last_set || !amend->roots)
		return -ENOMEM;
	for (uint32_t i = 0; !error && i < catalog->n_rule_sets; i++) {
		error = add_parts(amend, i, last_set, &capacity);
		amend->roots[i] = sets[i].next_generation ? sets[i].next_root : sets[i].root;
	}
	if (!error && amend->n_parts)
		qsort(amend->parts, amend->n_parts, sizeof(*amend->parts), compare_parts);
	return error;
}

int amend_open(struct epg *epg, struct amend *amend)
{
	int error = open_tables(epg, amend);

	if (!error)
		error = open_nodes(epg, amend);
	if (!error)
		error = index_rules(amend);
	if (!error)
		error = index_sets(amend);
	if (error)
		amend_close(amend);
	return error;
}

const struct amend_part *amend_sets(const struct amend *amend, uint32_t part, size_t *ret_n)
{
	size_t low = 0, high = amend->n_parts, end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (amend->parts[middle].part < part)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < amend->n_parts && amend->parts[end].part == part;)
		end++;
	*ret_n = end - low;
	return amend->parts + low;
}

/* ---- rules ---- */

size_t amend_n_rules(const struct amend *amend)
{
	return amend->generation->catalog.n_rules + amend->n_added;
}

const struct catalog_rule *amend_detail(const struct amend *amend, uint32_t index)
{
	const struct catalog *catalog = &amend->generation->catalog;

	return index < catalog->n_rules ? &catalog->rules[index] : &amend->added[index - catalog->n_rules];
}

uint32_t amend_leaf(const struct amend *amend, uint32_t index)
{
	const struct epg_rule *what = &amend_detail(amend, index)->what;

	return EPG_LEAF(what->level, what->action, index);
}

static uint32_t *find_identity(const struct amend *amend, uint64_t identity)
{
	const struct catalog_rule *rules = amend->generation->catalog.rules;
	size_t slot = hash_word(0, identity) & (amend->n_identities - 1);

	while (amend->identities[slot] &&
	       (rules[amend->identities[slot] - 1].identity != identity || amend->gone[amend->identities[slot] - 1]))
		slot = (slot + 1) & (amend->n_identities - 1);
	return &amend->identities[slot];
}

static bool is_one_kind(struct catalog_range kind)
{
	return kind.first == kind.last && kind.first < EPG_KIND_IPV6 + 0x100;
}

static struct amend_brief brief_of(const struct catalog_rule *rule)
{
	bool any_dscp = rule->dscp.first == 0 && rule->dscp.last == UINT16_MAX;
	bool two = rule->n_kinds == 2, kinds = is_one_kind(rule->kinds[0]) && (!two || is_one_kind(rule->kinds[1]));
	struct amend_brief brief = {
		.destination = rule->destination,
		.source = rule->source,
		.kinds = {rule->kinds[0].first, rule->kinds[two].first},
	};

	if (rule->early)
		brief.early = any_dscp && kinds ? AMEND_EARLY : AMEND_ODD;
	else if (rule->fragment.last >= EPG_PIECE_EARLY && rule->destination.first == 0 && rule->source.first == 0)
		brief.early = AMEND_ODD;
	return brief;
}

static int index_identities(struct amend *amend)
{
	const struct catalog *catalog = &amend->generation->catalog;

	for (amend->n_identities = 64; amend->n_identities < 2 * catalog->n_rules;)
		amend->n_identities *= 2;
	amend->identities = array_new(amend->n_identities, sizeof(*amend->identities));
	amend->briefs = array_new(catalog->n_rules, sizeof(*amend->briefs));
	if (!amend->identities || !amend->briefs)
		return -ENOMEM;
	for (size_t i = 0; i < catalog->n_rules; i++) {
		amend->briefs[i] = brief_of(&catalog->rules[i]);
		if (!amend->gone[i])
			*find_identity(amend, catalog->rules[i].identity) = (uint32_t)i + 1;
	}
	return 0;
}

int amend_find(struct amend *amend, uint64_t identity, uint32_t *ret)
{
	size_t n_base = amend->generation->catalog.n_rules;
	int error = amend->identities ? 0 : index_identities(amend);

	if (error)
		return error;
	for (size_t i = amend->n_added; i > 0; i--) {
		if (amend->added[i - 1].identity == identity && !amend->gone[n_base + i - 1]) {
			*ret = (uint32_t)(n_base + i - 1);
			return 0;
		}
	}
	*ret = *find_identity(amend, identity);
	*ret = *ret ? *ret - 1 : CATALOG_NONE;
	return 0;
}
