/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include "compile/decide.h"
#include "compile/pairs.h"
#include "base/util.h"

enum {
	FRONT = EPG_CLASS_FIRST, /* of VRF_A */
	BACK,
	FAR, /* of VRF_B */
	OUTSIDE,
	NOBODY,
	CLASSES,
	VRF_A = 1000,
	VRF_B,
};

/* Tables by hand: each pair leads to one leaf, whatever the packet. */
struct world {
	struct epg_class classes[CLASSES];
	struct pair_set pairs[16];
	struct epg_rule_set sets[16]; /* one a pair */
	size_t n_pairs;
	struct epg_bucket *buckets;
	size_t n_buckets;
};

static void world_clear(struct world *world)
{
	free(world->buckets);
}

#define WORLD(name) __attribute__((cleanup(world_clear))) struct world name = make_world()

static struct world make_world(void)
{
	struct world world = {0};

	world.classes[FRONT] = world.classes[BACK] = (struct epg_class){.flags = EPG_CLASS_VALID, .vrf = VRF_A};
	world.classes[FAR] = (struct epg_class){.flags = EPG_CLASS_VALID, .vrf = VRF_B};
	world.classes[OUTSIDE] = (struct epg_class){.flags = EPG_CLASS_VALID | EPG_CLASS_EXTERNAL, .vrf = VRF_A};
	return world;
}

static void add_pair(struct world *world, uint32_t source, uint32_t destination, uint32_t root)
{
	world->sets[world->n_pairs].root = root;
	world->pairs[world->n_pairs] = (struct pair_set){PAIRS_KEY(source, destination), (uint32_t)world->n_pairs};
	world->n_pairs++;
}

static uint32_t ask(struct world *world, const struct epg_node *nodes, size_t n_nodes, uint32_t pair, uint64_t low)
{
	struct tables_view view = {.classes = world->classes,
				   .n_classes = CLASSES,
				   .nodes = nodes,
				   .n_nodes = n_nodes,
				   .sets = world->sets,
				   .n_sets = world->n_pairs};

	world_clear(world);
	cr_assert_eq(pairs_build(world->pairs, world->n_pairs, &world->buckets, &world->n_buckets), 0);
	view.pairs = world->buckets;
	view.n_buckets = world->n_buckets;
	return tables_decide(&view, (uint16_t)(pair >> 16), (uint16_t)pair, 0, low);
}

static uint32_t decide(struct world *world, uint32_t source, uint32_t destination)
{
	return ask(world, NULL, 0, PAIRS_KEY(source, destination), 0);
}

static uint32_t decide_audited(struct world *world, uint32_t source, uint32_t destination)
{
	return ask(world, NULL, 0, PAIRS_KEY(source, destination), EPG_VIEW_AUDITED);
}

static uint32_t leaf(enum epg_level level, enum epg_verdict action, uint32_t rule)
{
	return EPG_LEAF(level, action, rule);
}

Test(decide, without_any_rule_groups_are_denied_and_a_group_is_permitted_within)
{
	WORLD(world);

	cr_assert_eq(decide(&world, FRONT, BACK), EPG_LEAF_IMPLICIT_DENY);
	cr_assert_eq(decide(&world, FRONT, FAR), EPG_LEAF_IMPLICIT_DENY);
	cr_assert_eq(decide(&world, FRONT, FRONT), EPG_LEAF_INTRA_EPG);
	cr_assert_eq(decide(&world, OUTSIDE, OUTSIDE), EPG_LEAF_IMPLICIT_DENY,
		     "an external group is no group to itself");
}

Test(decide, classes_without_a_group_are_denied)
{
	WORLD(world);

	add_pair(&world, FRONT, NOBODY, leaf(EPG_LEVEL_FILTERED, EPG_PERMIT, 100));
	add_pair(&world, FRONT, CLASSES, leaf(EPG_LEVEL_FILTERED, EPG_PERMIT, 100));
	cr_assert_eq(decide(&world, FRONT, NOBODY), EPG_LEAF_IMPLICIT_DENY);
	cr_assert_eq(decide(&world, NOBODY, NOBODY), EPG_LEAF_IMPLICIT_DENY);
	cr_assert_eq(decide(&world, FRONT, CLASSES), EPG_LEAF_IMPLICIT_DENY, "beyond the table");
	cr_assert_eq(decide(&world, CLASSES, FRONT), EPG_LEAF_IMPLICIT_DENY);
}

Test(decide, the_strongest_of_all_pairs_decides)
{
	/* From the weakest to the strongest: source, destination, leaf. */
	const uint32_t steps[][3] = {
		{VRF_A, VRF_A, leaf(EPG_LEVEL_ANY_UNFILTERED, EPG_PERMIT, 90)},
		{VRF_A, BACK, leaf(EPG_LEVEL_FROM_ANY_UNFILTERED, EPG_PERMIT, 91)},
		{FRONT, VRF_A, leaf(EPG_LEVEL_TO_ANY_UNFILTERED, EPG_PERMIT, 92)},
		{FRONT, BACK, leaf(EPG_LEVEL_FILTERED, EPG_PERMIT, 93)},
		{EPG_CLASS_NONE, BACK, leaf(EPG_LEVEL_TABOO, EPG_DENY, 94)},
	};
	WORLD(world);

	world.classes[FRONT].flags |= EPG_CLASS_ANY;
	world.classes[BACK].flags |= EPG_CLASS_TABOO;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		add_pair(&world, steps[i][0], steps[i][1], steps[i][2]);
		cr_assert_eq(decide(&world, FRONT, BACK), steps[i][2], "step %zu", i);
	}
	cr_assert_eq(decide(&world, BACK, FRONT), steps[0][2], "the other direction has but the first");
	cr_assert_eq(decide(&world, FRONT, FRONT), EPG_LEAF_INTRA_EPG, "vzAny does nothing within a group");
	cr_assert_eq(decide(&world, BACK, BACK), EPG_LEAF_INTRA_EPG, "taboos neither");
}

Test(decide, within_a_level_a_deny_beats_a_permit_and_then_the_first_rule)
{
	WORLD(world);

	world.classes[BACK].flags |= EPG_CLASS_ANY;
	add_pair(&world, FRONT, BACK, leaf(EPG_LEVEL_TO_ANY_FILTERED, EPG_PERMIT, 10));
	add_pair(&world, FRONT, VRF_A, leaf(EPG_LEVEL_TO_ANY_FILTERED, EPG_DENY, 20));
	cr_assert_eq(decide(&world, FRONT, BACK), leaf(EPG_LEVEL_TO_ANY_FILTERED, EPG_DENY, 20));
	add_pair(&world, VRF_A, VRF_A, leaf(EPG_LEVEL_TO_ANY_FILTERED, EPG_DENY, 15));
	cr_assert_eq(decide(&world, FRONT, BACK), leaf(EPG_LEVEL_TO_ANY_FILTERED, EPG_DENY, 15));
}

Test(decide, any_stands_for_each_sides_own_vrf)
{
	WORLD(world);

	world.classes[FAR].flags |= EPG_CLASS_ANY;
	add_pair(&world, FRONT, VRF_B, leaf(EPG_LEVEL_TO_ANY_FILTERED, EPG_PERMIT, 10));
	add_pair(&world, VRF_B, FRONT, leaf(EPG_LEVEL_FROM_ANY_FILTERED, EPG_PERMIT, 11));
	cr_assert_eq(EPG_LEAF_RULE(decide(&world, FRONT, FAR)), 10);
	cr_assert_eq(EPG_LEAF_RULE(decide(&world, FAR, FRONT)), 11);
	cr_assert_eq(decide(&world, BACK, FAR), EPG_LEAF_IMPLICIT_DENY);
}

Test(decide, a_preferred_group_concerns_one_vrf)
{
	const uint32_t member = EPG_CLASS_VALID | EPG_CLASS_PREFERRED | EPG_CLASS_MEMBER;
	const uint32_t other = EPG_CLASS_VALID | EPG_CLASS_PREFERRED;
	WORLD(world);

	world.classes[FRONT].flags = world.classes[BACK].flags = world.classes[FAR].flags = member;
	cr_assert_eq(decide(&world, FRONT, BACK), EPG_LEAF_PREFERRED_GROUP);
	cr_assert_eq(decide(&world, FRONT, FAR), EPG_LEAF_IMPLICIT_DENY, "of another VRF");
	world.classes[BACK].flags = other;
	cr_assert_eq(decide(&world, FRONT, BACK), EPG_LEAF_DESTINATION_NOT_PREFERRED);
	cr_assert_eq(decide(&world, BACK, FRONT), EPG_LEAF_SOURCE_NOT_PREFERRED);
	world.classes[FRONT].flags = other;
	cr_assert_eq(decide(&world, FRONT, BACK), EPG_LEAF_SOURCE_NOT_PREFERRED, "neither is a member");
	add_pair(&world, FRONT, BACK, leaf(EPG_LEVEL_UNFILTERED, EPG_PERMIT, 77));
	cr_assert_eq(EPG_LEAF_RULE(decide(&world, FRONT, BACK)), 77, "a contract opens it all the same");
}

Test(decide, members_of_the_preferred_group_are_stopped_by_a_deny_of_their_level)
{
	WORLD(world);

	world.classes[FRONT].flags |= EPG_CLASS_PREFERRED | EPG_CLASS_MEMBER | EPG_CLASS_ANY;
	world.classes[BACK].flags |= EPG_CLASS_PREFERRED | EPG_CLASS_MEMBER | EPG_CLASS_ANY;
	add_pair(&world, VRF_A, VRF_A, leaf(EPG_LEVEL_ANY_UNFILTERED, EPG_PERMIT, 50));
	cr_assert_eq(decide(&world, FRONT, BACK), EPG_LEAF_PREFERRED_GROUP);
	world.sets[0].root = leaf(EPG_LEVEL_ANY_UNFILTERED, EPG_DENY, 50);
	cr_assert_eq(EPG_LEAF_RULE(decide(&world, FRONT, BACK)), 50);
}

Test(decide, an_isolated_group_has_but_its_contracts)
{
	WORLD(world);

	world.classes[FRONT].flags |= EPG_CLASS_ISOLATED;
	cr_assert_eq(decide(&world, FRONT, FRONT), EPG_LEAF_ISOLATION);
	add_pair(&world, FRONT, FRONT, leaf(EPG_LEVEL_INTRA_CONTRACT, EPG_PERMIT, 30));
	cr_assert_eq(EPG_LEAF_RULE(decide(&world, FRONT, FRONT)), 30);
}

Test(decide, audited_contracts_within_a_group_isolate_the_audited_view_alone)
{
	WORLD(world);

	world.classes[FRONT].flags |= EPG_CLASS_ISOLATED_AUDITED;
	cr_assert_eq(decide(&world, FRONT, FRONT), EPG_LEAF_INTRA_EPG);
	cr_assert_eq(decide_audited(&world, FRONT, FRONT), EPG_LEAF_ISOLATION);
}

Test(decide, damaged_tables_deny)
{
	struct epg_node loop = {0};
	WORLD(world);

	world.classes[BACK].flags |= EPG_CLASS_TABOO;
	add_pair(&world, FRONT, BACK, leaf(EPG_LEVEL_FILTERED, EPG_PERMIT, 10));
	add_pair(&world, EPG_CLASS_NONE, BACK, 0);
	cr_assert_eq(ask(&world, &loop, 1, PAIRS_KEY(FRONT, BACK), 0), EPG_LEAF_IMPLICIT_DENY, "round and round");
	world.sets[1].root = 7;
	cr_assert_eq(ask(&world, &loop, 1, PAIRS_KEY(FRONT, BACK), 0), EPG_LEAF_IMPLICIT_DENY, "no such node");
}
