/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include "compile/rule_boxes.h"
#include "base/util.h"
#include "random.h"

#define BUILDER __attribute__((cleanup(diagram_builder_clear))) struct diagram_builder

#define RANGE_ANY ((struct catalog_range){0, UINT16_MAX})

struct packet {
	uint16_t fields[DIAGRAM_FIELDS];
};

/* Any packet of one kind. */
static struct catalog_rule any_rule(uint16_t kind)
{
	return (struct catalog_rule){
		.n_kinds = 1,
		.kinds = {{kind, kind}},
		.destination = RANGE_ANY,
		.source = RANGE_ANY,
		.dscp = RANGE_ANY,
		.fragment = RANGE_ANY,
		.tcp_flags = MODEL_TCP_FLAGS_ANY,
	};
}

static bool is_within(uint16_t value, struct catalog_range range)
{
	return value >= range.first && value <= range.last;
}

/* What the rule says, field by field. */
static bool matches(const struct catalog_rule *rule, const struct packet *packet)
{
	const uint16_t *fields = packet->fields;
	bool kind = false;

	for (uint32_t i = 0; i < rule->n_kinds; i++)
		kind = kind || is_within(fields[EPG_FIELD_KIND], rule->kinds[i]);
	if (rule->early && fields[EPG_FIELD_FRAGMENT] == EPG_PIECE_EARLY)
		return kind && is_within(fields[EPG_FIELD_DSCP], rule->dscp);
	return kind && is_within(fields[EPG_FIELD_DESTINATION], rule->destination) &&
	       is_within(fields[EPG_FIELD_SOURCE], rule->source) && rule->tcp_flags >> fields[EPG_FIELD_FLAGS] & 1 &&
	       is_within(fields[EPG_FIELD_DSCP], rule->dscp) && is_within(fields[EPG_FIELD_FRAGMENT], rule->fragment) &&
	       (!rule->audit || fields[EPG_FIELD_VIEW] == EPG_VIEW_AUDITED);
}

static uint64_t half(const uint16_t fields[4])
{
	return (uint64_t)fields[0] << 48 | (uint64_t)fields[1] << 32 | (uint64_t)fields[2] << 16 | fields[3];
}

static struct catalog_range random_range(uint64_t *random, size_t bound)
{
	uint16_t a = (uint16_t)random_below(random, bound), b = (uint16_t)random_below(random, bound);

	return random_below(random, 3) ? (struct catalog_range){a < b ? a : b, a < b ? b : a} : RANGE_ANY;
}

/* A rule as the reader may leave it: what asks for something that only whole packets have asks for a whole one. */
static struct catalog_rule random_rule(uint64_t *random)
{
	struct catalog_rule rule = any_rule((uint16_t)random_below(random, 3));

	rule.n_kinds = 1 + (uint32_t)random_below(random, 2);
	rule.kinds[1] = (struct catalog_range){EPG_KIND_IPV6, EPG_KIND_IPV6 + (uint16_t)random_below(random, 3)};
	rule.audit = random_below(random, 4) == 0;
	rule.dscp = random_below(random, 3) ? RANGE_ANY : random_range(random, 4);
	if (random_below(random, 6) == 0) {
		rule.fragment = (struct catalog_range){1, 1};
		return rule;
	}
	rule.destination = random_range(random, 6);
	rule.source = random_below(random, 2) ? RANGE_ANY : random_range(random, 6);
	if (random_below(random, 3) == 0)
		rule.tcp_flags = (uint16_t)random_next(random);
	if (rule.destination.last != UINT16_MAX || rule.source.last != UINT16_MAX ||
	    rule.tcp_flags != MODEL_TCP_FLAGS_ANY) {
		rule.fragment = (struct catalog_range){0, 0};
		rule.early = !rule.audit && random_below(random, 2); /* it permits */
	} else if (rule.audit) {
		rule.fragment.last = EPG_PIECE_LATER;
	}
	if (random_below(random, 2)) /* of one family */
		rule.n_kinds = 1;
	return rule;
}

/* A packet as the datapath sees them: a later fragment shows neither ports nor flags. */
static struct packet random_packet(uint64_t *random)
{
	struct packet packet = {{
		[EPG_FIELD_KIND] = (uint16_t)(random_below(random, 2) * EPG_KIND_IPV6 + random_below(random, 4)),
		[EPG_FIELD_DSCP] = (uint16_t)random_below(random, 5),
		[EPG_FIELD_VIEW] = (uint16_t)random_below(random, 2),
		[EPG_FIELD_FRAGMENT] = (uint16_t)random_below(random, 6),
	}};

	if (packet.fields[EPG_FIELD_FRAGMENT] > EPG_PIECE_EARLY)
		packet.fields[EPG_FIELD_FRAGMENT] = EPG_PIECE_WHOLE;
	if (packet.fields[EPG_FIELD_FRAGMENT])
		return packet;
	packet.fields[EPG_FIELD_DESTINATION] = (uint16_t)random_below(random, 7);
	packet.fields[EPG_FIELD_SOURCE] = (uint16_t)random_below(random, 7);
	packet.fields[EPG_FIELD_FLAGS] = (uint16_t)random_below(random, 16);
	return packet;
}

Test(rule_boxes, find_the_first_rule_that_matches)
{
	uint64_t random = 31;

	for (unsigned int round = 0; round < 200; round++) {
		BUILDER builder = {0};
		struct catalog_rule rules[12];
		struct diagram_box boxes[ARRAY_SIZE(rules) * RULE_BOXES_MAX];
		struct rule_boxes_early early = {0};
		size_t n_rules = 1 + random_below(&random, ARRAY_SIZE(rules)), n = 0;
		uint32_t root;

		for (uint32_t i = 0; i < n_rules; i++) {
			rules[i] = random_rule(&random);
			n += rule_boxes(&rules[i], EPG_TARGET_LEAF | i, &early, boxes + n);
		}
		cr_assert_eq(diagram_build(&builder, boxes, n, &root), 0);
		for (unsigned int i = 0; i < 2000; i++) {
			struct packet packet = random_packet(&random);
			uint32_t expected = EPG_TARGET_MISS;

			for (size_t rule = n_rules; rule-- > 0;)
				expected =
					matches(&rules[rule], &packet) ? (uint32_t)(EPG_TARGET_LEAF | rule) : expected;
			cr_assert_eq(diagram_find(builder.nodes.lines, builder.nodes.n_lines, root, half(packet.fields),
						  half(packet.fields + 4)),
				     expected, "round %u", round);
		}
	}
}

Test(rule_boxes, a_set_of_flags_becomes_its_fewest_intervals)
{
	static const struct {
		uint16_t set;
		size_t n;
	} sets[] = {{0xffff, 1}, {0xfff0, 1}, {0x0001, 1}, {0x0003, 1}, {0x8001, 2}, {0xcccc, 4}, {0xaaaa, 8}, {0, 0}};

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		struct catalog_rule rule = any_rule(6);
		struct diagram_box boxes[RULE_BOXES_MAX];
		struct rule_boxes_early early = {0};

		rule.tcp_flags = sets[i].set;
		cr_assert_eq(rule_boxes(&rule, EPG_TARGET_LEAF, &early, boxes), sets[i].n, "%#x", sets[i].set);
	}
}

Test(rule_boxes, ports_imply_a_whole_packet_at_no_cost)
{
	BUILDER builder = {0};
	struct catalog_rule rule = any_rule(6);
	struct diagram_box boxes[RULE_BOXES_MAX];
	struct rule_boxes_early early = {0};
	uint32_t root;

	rule.destination = (struct catalog_range){80, 80};
	rule.fragment = (struct catalog_range){0, 0};
	cr_assert_eq(rule_boxes(&rule, EPG_TARGET_LEAF, &early, boxes), 1);
	cr_assert_eq(diagram_build(&builder, boxes, 1, &root), 0);
	cr_assert_eq(builder.nodes.n_lines, 2, "one for the kind, one for the port");
}

/* Permits of single ports: one node tells early pieces of all of them from packets to port 0. */
Test(rule_boxes, early_pieces_cost_one_node_however_many_rules_permit_them)
{
	BUILDER builder = {0};
	struct diagram_box boxes[3 * RULE_BOXES_MAX];
	struct rule_boxes_early early = {0};
	size_t n = 0;
	uint32_t root;

	for (uint16_t i = 0; i < 3; i++) {
		struct catalog_rule rule = any_rule(6);

		rule.destination = (struct catalog_range){80 + 2 * i, 80 + 2 * i};
		rule.fragment = (struct catalog_range){0, 0};
		rule.early = 1;
		n += rule_boxes(&rule, EPG_TARGET_LEAF | i, &early, boxes + n);
	}
	cr_assert_eq(n, 4, "one of the three permits them for all");
	cr_assert(rule_boxes_is_early(&boxes[1]));
	cr_assert_not(rule_boxes_is_early(&boxes[0]));
	cr_assert_not(rule_boxes_is_early(&boxes[3]));
	cr_assert_eq(diagram_build(&builder, boxes, n, &root), 0);
	cr_assert_eq(builder.nodes.n_lines, 3, "the kind, the port, and what comes early");
}

/* What only some DSCP permits leaves the rest to others. */
Test(rule_boxes, a_permit_of_marked_packets_permits_early_ones_that_are_marked)
{
	struct rule_boxes_early early = {0};
	struct diagram_box boxes[RULE_BOXES_MAX];
	struct catalog_rule rule = any_rule(6);

	rule.destination = (struct catalog_range){80, 80};
	rule.fragment = (struct catalog_range){0, 0};
	rule.dscp = (struct catalog_range){46, 46};
	rule.early = 1;
	cr_assert_eq(rule_boxes(&rule, EPG_TARGET_LEAF, &early, boxes), 2);
	cr_assert_eq(boxes[1].fields[EPG_FIELD_DSCP].first, 46);
	rule.dscp = RANGE_ANY;
	cr_assert_eq(rule_boxes(&rule, EPG_TARGET_LEAF, &early, boxes), 2);
	cr_assert_eq(rule_boxes(&rule, EPG_TARGET_LEAF, &early, boxes), 1);
}
