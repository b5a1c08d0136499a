// SPDX-License-Identifier: GPL-2.0-only
/* Entries that come and go by the library: in force, counted, told and exported as those of a file are. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "../unit/random.h"
#include "compile/diagram.h"
#include "compile/pairs.h"
#include "policy/edit.h"
#include "runtime/amendments.h"

#define AMENDED true
#define WHOLE false

/* A stage, and the policy object that is changed. */
struct scene {
	struct stage *stage;
	struct epg *epg;
	struct epg_policy *policy;
};

static struct epg_policy *read_policy(struct epg *epg, const char *text)
{
	struct epg_policy_source source = {.size = sizeof(source),
					   .path = "stage.yaml",
					   .text = text,
					   .length = strlen(text)};
	struct epg_policy *policy = NULL;

	cr_assert_eq(epg_policy_read(epg, &source, &policy, NULL), 0, "%s", epg_error(epg)->message);
	return policy;
}

static uint64_t active(struct scene *scene)
{
	struct instance *instance;

	cr_assert_eq(instance_open(scene->epg, &instance), 0);
	return instance->control->active;
}

static void apply(struct scene *scene, bool amended)
{
	uint64_t before = active(scene), after;
	struct epg_apply_result result = {0};

	cr_assert_eq(epg_apply(scene->epg, scene->policy, NULL, &result, NULL), 0, "%s",
		     epg_error(scene->epg)->message);
	after = active(scene);
	cr_assert_eq(EPG_ACTIVE_GENERATION(after), result.generation);
	cr_assert_eq(EPG_ACTIVE_SLOT(after) == EPG_ACTIVE_SLOT(before), amended, "slot %u, then %u",
		     EPG_ACTIVE_SLOT(before), EPG_ACTIVE_SLOT(after));
}

static struct scene begin(const char *text)
{
	struct scene scene = {.stage = stage_open(STAGE_POLICY)};

	scene.epg = stage_epg(scene.stage);
	scene.policy = read_policy(scene.epg, text);
	apply(&scene, WHOLE);
	return scene;
}

static void end(struct scene *scene)
{
	epg_policy_free(scene->policy);
	stage_close(scene->stage);
}

static struct epg_entry tcp(const char *name, uint16_t port)
{
	return (struct epg_entry){.size = sizeof(struct epg_entry),
				  .name = name,
				  .protocol = IPPROTO_TCP,
				  .destination_first = port};
}

static void add(struct scene *scene, const char *filter, struct epg_entry entry)
{
	cr_assert_eq(epg_policy_add_entries(scene->epg, scene->policy, filter, &entry, 1, NULL), 0, "%s",
		     epg_error(scene->epg)->message);
}

static void drop(struct scene *scene, const char *filter, const char *name)
{
	cr_assert_eq(epg_policy_remove_entries(scene->epg, scene->policy, filter, &name, 1), 0, "%s",
		     epg_error(scene->epg)->message);
}

static bool passes(struct scene *scene, bool ipv4, uint16_t port)
{
	struct packet_spec spec = stage_spec(ipv4, STAGE_FRONT, stage_host(STAGE_BACK));
	static uint16_t source_port = 20000;

	spec.destination_port = port;
	spec.source_port = source_port++;
	return stage_sends(scene->stage, STAGE_FRONT, &spec);
}

static char *exported(struct scene *scene)
{
	char *text = NULL, *file = NULL;
	size_t length;

	cr_assert_eq(epg_export(scene->epg, &text, &length, &file), 0, "%s", epg_error(scene->epg)->message);
	cr_assert_str_eq(file, "stage.yaml");
	cr_assert_eq(strlen(text), length);
	free(file);
	return text;
}

static void expect_exported(struct scene *scene, const char *piece, bool there)
{
	char *text = exported(scene);

	cr_assert_eq(strstr(text, piece) != NULL, there, "%s\n%s", piece, text);
	free(text);
}

static int expect_none(void *user, const struct epg_change *change)
{
	(void)user;
	/* Flows whose entry has gone are told until their next packet. */
	if (change->kind != EPG_CHANGE_DENIED)
		cr_assert_fail("%s %s: %s", change->object, change->name, change->detail);
	return 0;
}

/* What runs is what the policy object says, and what its text says. */
static void expect_no_difference(struct scene *scene)
{
	char *text = exported(scene);
	struct epg_policy *again = read_policy(scene->epg, text);

	cr_assert_eq(epg_diff(scene->epg, scene->policy, NULL, expect_none, NULL, NULL), 0);
	cr_assert_eq(epg_diff(scene->epg, again, NULL, expect_none, NULL, NULL), 0);
	epg_policy_free(again);
	free(text);
}

/* ---- one entry ---- */

Test(amend, an_entry_comes_and_goes_without_a_new_generation)
{
	struct scene scene = begin(STAGE_POLICY);

	for (int ipv4 = 0; ipv4 < 2; ipv4++) {
		cr_assert_not(passes(&scene, ipv4, 9000));
		add(&scene, "shop/web", tcp("extra", 9000));
		cr_assert_not(passes(&scene, ipv4, 9000), "nothing changes before the apply");
		apply(&scene, AMENDED);
		cr_assert(passes(&scene, ipv4, 9000));
		cr_assert(passes(&scene, ipv4, 80));
		cr_assert_not(passes(&scene, ipv4, 9001));
		cr_assert_eq(stage_rule_packets(scene.stage, "shop/web", "extra"), (uint64_t)ipv4 + 1);
		expect_exported(&scene, "    - {name: extra, prot: tcp, dPort: 9000}\n", true);
		expect_no_difference(&scene);
		drop(&scene, "shop/web", "extra");
		apply(&scene, AMENDED);
		cr_assert_not(passes(&scene, ipv4, 9000));
		cr_assert(passes(&scene, ipv4, 80));
		expect_exported(&scene, "extra", false);
		expect_no_difference(&scene);
	}
	end(&scene);
}

Test(amend, an_entry_of_the_file_goes_and_what_it_hid_appears)
{
	struct scene scene = begin(STAGE_POLICY);

	add(&scene, "shop/web", tcp("under", 443));
	apply(&scene, AMENDED);
	cr_assert(passes(&scene, true, 443));
	cr_assert_eq(stage_rule_packets(scene.stage, "shop/web", "under"), 0, "the one before it decides");
	drop(&scene, "shop/web", "web");
	apply(&scene, AMENDED);
	cr_assert_not(passes(&scene, true, 80));
	cr_assert(passes(&scene, true, 443));
	cr_assert_eq(stage_rule_packets(scene.stage, "shop/web", "under"), 1);
	expect_exported(&scene, "{name: web, prot: tcp, dPort: 80-443}", false);
	expect_no_difference(&scene);
	end(&scene);
}

Test(amend, a_flow_is_cut_when_its_entry_goes)
{
	struct scene scene = begin(STAGE_POLICY);
	struct packet_spec spec = stage_spec(true, STAGE_FRONT, stage_host(STAGE_BACK));

	spec.destination_port = 9000;
	add(&scene, "shop/web", tcp("extra", 9000));
	apply(&scene, AMENDED);
	cr_assert(stage_sends(scene.stage, STAGE_FRONT, &spec));
	spec.tcp_flags = PACKET_TCP_ACK;
	cr_assert(stage_sends(scene.stage, STAGE_FRONT, &spec));
	add(&scene, "shop/web", tcp("other", 9001));
	apply(&scene, AMENDED);
	cr_assert(stage_sends(scene.stage, STAGE_FRONT, &spec), "another change leaves it alone");
	drop(&scene, "shop/web", "extra");
	apply(&scene, AMENDED);
	cr_assert_not(stage_sends(scene.stage, STAGE_FRONT, &spec));
	end(&scene);
}

/* ---- what is told ---- */

static int find_rule(void *user, const struct epg_rule_info *rule)
{
	if (!strcmp(rule->entry, "extra")) {
		cr_assert_str_eq(rule->contract, "shop/web");
		cr_assert_str_eq(rule->subject, "all");
		cr_assert_str_eq(rule->filter, "shop/web");
		cr_assert_str_eq(rule->match, "tcp dport 9000");
		cr_assert_eq(rule->line, 0);
		cr_assert(rule->permit && rule->stateful);
		++*(size_t *)user;
	}
	return 0;
}

static int find_contract(void *user, const struct epg_contract_info *contract)
{
	for (size_t i = 0; i < contract->n_rules; i++)
		find_rule(user, &contract->rules[i]);
	if (!strcmp(contract->name, "shop/web"))
		cr_assert_str_eq(contract->rules[0].entry, "web");
	return 0;
}

Test(amend, entries_are_told_like_those_of_the_file)
{
	struct scene scene = begin(STAGE_POLICY);
	const struct epg_question *question =
		QUESTION(.source = "front", .destination = "10.1.0.4", .protocol = "tcp", .destination_port = 9000);
	struct epg_answer answer = ask(scene.stage, question);
	struct epg_status before, after;
	size_t found = 0;

	cr_assert_eq(answer.verdict, EPG_DENY);
	cr_assert_eq(epg_status(scene.epg, &before), 0);
	add(&scene, "shop/web", tcp("extra", 9000));
	apply(&scene, AMENDED);
	answer = ask(scene.stage, question);
	cr_assert_eq(answer.verdict, EPG_PERMIT);
	cr_assert_str_eq(answer.rule->entry, "extra");
	cr_assert_eq(answer.rule->line, 0);
	cr_assert_eq(epg_rules_each(scene.epg, find_rule, &found), 0);
	cr_assert_eq(found, 1);
	cr_assert_eq(epg_contracts_each(scene.epg, find_contract, &found), 0);
	cr_assert_eq(found, 2);
	cr_assert_eq(epg_status(scene.epg, &after), 0);
	cr_assert_eq(after.rules, before.rules + 1);
	cr_assert_geq(after.applied_at, before.applied_at);
	drop(&scene, "shop/web", "extra");
	apply(&scene, AMENDED);
	cr_assert_eq(epg_rules_each(scene.epg, find_rule, &found), 0);
	cr_assert_eq(epg_contracts_each(scene.epg, find_contract, &found), 0);
	cr_assert_eq(found, 2);
	cr_assert_eq(epg_status(scene.epg, &after), 0);
	cr_assert_eq(after.rules, before.rules);
	answer = ask(scene.stage, question);
	cr_assert_eq(answer.verdict, EPG_DENY);
	for (size_t i = 0; i < answer.n_near_misses; i++)
		cr_assert_str_neq(answer.near_misses[i].rule->entry, "extra");
	end(&scene);
}

/* ---- before and after ---- */

Test(amend, rollback_returns_to_the_generation_before)
{
	struct scene scene = begin(STAGE_POLICY);

	add(&scene, "shop/web", tcp("one", 9001));
	apply(&scene, AMENDED);
	add(&scene, "shop/web", tcp("two", 9002));
	drop(&scene, "shop/web", "web");
	apply(&scene, AMENDED);
	for (int round = 0; round < 3; round++) {
		bool back = round % 2 == 0;

		cr_assert_eq(epg_rollback(scene.epg, NULL), 0, "%s", epg_error(scene.epg)->message);
		cr_assert(passes(&scene, true, 9001));
		cr_assert_eq(passes(&scene, true, 9002), !back);
		cr_assert_eq(passes(&scene, true, 80), back);
		expect_exported(&scene, "name: two", !back);
		expect_exported(&scene, "name: web, prot", back);
	}
	/* The policy object knows that it is not in force as it was applied. */
	add(&scene, "shop/web", tcp("three", 9003));
	apply(&scene, WHOLE);
	cr_assert(passes(&scene, true, 9002));
	cr_assert(passes(&scene, true, 9003));
	expect_no_difference(&scene);
	end(&scene);
}

Test(amend, counts_outlive_the_next_whole_apply)
{
	struct scene scene = begin(STAGE_POLICY);

	add(&scene, "shop/web", tcp("extra", 9000));
	apply(&scene, AMENDED);
	cr_assert(passes(&scene, true, 9000));
	drop(&scene, "shop/web", "extra");
	add(&scene, "shop/web", tcp("extra", 9000));
	apply(&scene, AMENDED);
	cr_assert(passes(&scene, true, 9000));
	apply(&scene, WHOLE);
	cr_assert_eq(stage_rule_packets(scene.stage, "shop/web", "extra"), 2);
	end(&scene);
}

/* A removed rule and one that was added again are the same rule, under two indices. */
Test(amend, counts_go_with_an_entry_that_comes_again)
{
	struct scene scene = begin(STAGE_POLICY);

	add(&scene, "shop/web", tcp("extra", 9000));
	apply(&scene, AMENDED);
	for (unsigned int round = 1; round < 4; round++) {
		cr_assert(passes(&scene, true, 9000));
		cr_assert_eq(stage_rule_packets(scene.stage, "shop/web", "extra"), round);
		drop(&scene, "shop/web", "extra");
		apply(&scene, AMENDED);
		add(&scene, "shop/web", tcp("extra", 9000));
		apply(&scene, AMENDED);
		cr_assert_eq(stage_rule_packets(scene.stage, "shop/web", "extra"), round);
	}
	apply(&scene, WHOLE);
	cr_assert_eq(stage_rule_packets(scene.stage, "shop/web", "extra"), 3);
	cr_assert(passes(&scene, true, 9000));
	cr_assert_eq(epg_rollback(scene.epg, NULL), 0, "%s", epg_error(scene.epg)->message);
	cr_assert_eq(stage_rule_packets(scene.stage, "shop/web", "extra"), 4, "not the removed ones of the target");
	end(&scene);
}

Test(amend, another_policy_in_between_takes_a_whole_apply)
{
	struct scene scene = begin(STAGE_POLICY);

	stage_apply(scene.stage, STAGE_POLICY);
	add(&scene, "shop/web", tcp("extra", 9000));
	apply(&scene, WHOLE);
	cr_assert(passes(&scene, true, 9000));
	add(&scene, "shop/web", tcp("more", 9001));
	apply(&scene, AMENDED);
	cr_assert(passes(&scene, true, 9001));
	end(&scene);
}

/* What is in force can be shown and taken back: so a policy whose changed text can't be had does not get there. */
Test(amend, without_a_text_nothing_is_touched)
{
	struct scene scene = begin(STAGE_POLICY);
	size_t length = scene.policy->model->text_length;
	uint64_t before = active(&scene);

	add(&scene, "shop/web", tcp("extra", 9000));
	scene.policy->model->text_length = (size_t)(strchr(STAGE_POLICY, '}') - STAGE_POLICY); /* an open brace */
	cr_assert_eq(epg_apply(scene.epg, scene.policy, NULL, NULL, NULL), -EBADMSG);
	cr_assert_eq(active(&scene), before);
	cr_assert_not(passes(&scene, true, 9000));
	scene.policy->model->text_length = length;
	apply(&scene, AMENDED);
	cr_assert(passes(&scene, true, 9000));
	end(&scene);
}

/* A process that was killed between staging and flip has changed nothing, now and later. */
Test(amend, what_was_staged_and_never_came_into_force_never_does)
{
	struct scene scene = begin(STAGE_POLICY);
	struct instance *instance;
	struct map_view sets;
	int fd;

	add(&scene, "shop/web", tcp("extra", 9000));
	apply(&scene, AMENDED);
	cr_assert_eq(instance_open(scene.epg, &instance), 0);
	fd = generation_table(scene.epg, EPG_ACTIVE_GENERATION(instance->control->active), "sets");
	cr_assert_geq(fd, 0);
	cr_assert_eq(map_view_open(fd, true, &sets), 0);
	instance->control->last_generation++;
	for (size_t i = 0; i < sets.length / sizeof(struct epg_rule_set); i++) {
		struct epg_rule_set *set = (struct epg_rule_set *)sets.bytes + i;

		if (set->next_generation)
			set->root = set->next_root;
		set->next_root = EPG_TARGET_MISS;
		set->next_generation = instance->control->last_generation;
	}
	cr_assert(passes(&scene, true, 9000));
	cr_assert(passes(&scene, true, 80));
	/* A change of other sets of rules, whose number is later than what those wait for. */
	add(&scene, "shop/sql", tcp("more", 9001));
	apply(&scene, AMENDED);
	cr_assert(passes(&scene, true, 9000));
	cr_assert(passes(&scene, true, 80));
	cr_assert(passes(&scene, false, 443));
	map_view_close(&sets);
	close(fd);
	end(&scene);
}

/* A process that was killed behind the flip, before it had written down what was in force before. */
Test(amend, what_was_before_is_found_though_nobody_has_noted_it)
{
	struct scene scene = begin(STAGE_POLICY);
	struct instance *instance;
	uint32_t first;

	cr_assert_eq(instance_open(scene.epg, &instance), 0);
	first = EPG_ACTIVE_GENERATION(instance->control->active);
	add(&scene, "shop/web", tcp("one", 9000));
	apply(&scene, AMENDED);
	add(&scene, "shop/web", tcp("two", 9001));
	apply(&scene, AMENDED);
	instance->control->previous_generation = first;
	cr_assert_eq(epg_rollback(scene.epg, NULL), 0, "%s", epg_error(scene.epg)->message);
	cr_assert(passes(&scene, true, 9000));
	cr_assert_not(passes(&scene, true, 9001));
	end(&scene);
}

/* ---- what takes a whole generation ---- */

Test(amend, the_first_rule_of_a_direction_takes_a_whole_apply)
{
	struct scene scene = begin(STAGE_POLICY);
	struct epg_entry stateless = tcp("back", 9000);

	stateless.stateless = true;
	add(&scene, "shop/web", stateless);
	apply(&scene, WHOLE);
	add(&scene, "shop/sql", tcp("extra", 9001));
	apply(&scene, AMENDED);
	stateless = tcp("both", 9002);
	stateless.stateless = true;
	add(&scene, "shop/sql", stateless);
	apply(&scene, AMENDED);
	drop(&scene, "shop/http", "http");
	apply(&scene, WHOLE);
	add(&scene, "shop/http", tcp("http", 80));
	apply(&scene, WHOLE);
	expect_no_difference(&scene);
	end(&scene);
}

Test(amend, taboos_and_audits_take_a_whole_apply)
{
	char *taboo = stage_policy_with(STAGE_POLICY, "  appProfiles:\n",
					"  taboos: [{name: no, filters: [alt]}]\n  appProfiles:\n");
	char *audit = stage_policy_with(taboo, "{name: world, subjects: [{name: all, filters: [http]}]}",
					"{name: world, subjects: [{name: all, mode: audit, filters: [http]}]}");
	struct scene scene = begin(audit);

	add(&scene, "shop/alt", tcp("extra", 9000));
	apply(&scene, WHOLE);
	add(&scene, "shop/http", tcp("extra", 9000));
	apply(&scene, WHOLE);
	add(&scene, "shop/web", tcp("extra", 9000));
	apply(&scene, AMENDED);
	end(&scene);
	free(audit);
	free(taboo);
}

Test(amend, when_the_room_is_used_up_everything_is_built_anew)
{
	struct scene scene = begin(STAGE_POLICY);
	size_t amended = 0;
	char name[16];

	for (unsigned int i = 0; i < 700; i++) {
		uint64_t before = active(&scene);

		snprintf(name, sizeof(name), "e%u", i);
		add(&scene, "shop/web", tcp(name, (uint16_t)(10000 + i * 2)));
		cr_assert_eq(epg_apply(scene.epg, scene.policy, NULL, NULL, NULL), 0);
		amended += EPG_ACTIVE_SLOT(active(&scene)) == EPG_ACTIVE_SLOT(before);
	}
	cr_assert_gt(amended, 500);
	cr_assert_lt(amended, 700, "1024 nodes do not hold so many");
	for (unsigned int i = 0; i < 700; i += 7) {
		cr_assert(passes(&scene, true, (uint16_t)(10000 + i * 2)), "%u", i);
		cr_assert_not(passes(&scene, true, (uint16_t)(10001 + i * 2)), "%u", i);
	}
	expect_no_difference(&scene);
	end(&scene);
}

/* ---- against the compiler ---- */

/* The running tables and those that the policy compiles to as a whole. */
struct versus {
	struct generation *running;
	struct map_view pairs, sets, nodes;
	struct tables *whole;
	struct catalog catalog;
};

static void view(struct scene *scene, const struct generation *generation, const char *table, struct map_view *ret)
{
	int fd = generation_table(scene->epg, generation->number, table);

	cr_assert_geq(fd, 0);
	cr_assert_eq(map_view_open(fd, false, ret), 0);
	close(fd);
}

static uint64_t identity(const struct catalog *catalog, uint32_t leaf)
{
	cr_assert(leaf & EPG_TARGET_LEAF);
	return leaf == EPG_TARGET_MISS ? 0 : catalog->rules[EPG_LEAF_RULE(leaf)].identity;
}

/* A key that a packet can have, near the edges of what entries say. */
static void packet_key(uint64_t *random, uint64_t *high, uint64_t *low)
{
	static const uint16_t kinds[] = {6, 0x106, 17, 0x111, 1, 0x13a, 47, 0x806};
	static const uint16_t ports[] = {0, 1, 2, 3, 79, 80, 443, 444, 5432, 65535};
	uint64_t kind = kinds[random_below(random, ARRAY_SIZE(kinds))], piece = random_below(random, 3);
	uint64_t destination = ports[random_below(random, ARRAY_SIZE(ports))];
	uint64_t source = ports[random_below(random, ARRAY_SIZE(ports))];
	uint64_t flags = (kind & 0xff) == 6 ? random_below(random, 16) : 0, dscp = random_below(random, 3);

	if (piece)
		destination = source = flags = 0;
	*high = kind << 48 | destination << 32 | source << 16 | flags;
	*low = dscp << 48 | piece << 32;
}

static void compare(struct scene *scene, uint64_t *random)
{
	struct versus versus = {0};
	struct epg_diagnostics *diagnostics = NULL;
	struct instance *instance;
	struct compile_memory memory = {0};

	cr_assert_eq(instance_open(scene->epg, &instance), 0);
	cr_assert_eq(generation_open_running(scene->epg, instance, &versus.running), 0);
	view(scene, versus.running, "sets", &versus.sets);
	view(scene, versus.running, "nodes", &versus.nodes);
	cr_assert_eq(diagnostics_new("", &diagnostics), 0);
	edits_settle(scene->policy->edits);
	memory.catalogs[0] = &versus.running->catalog;
	cr_assert_eq(tables_compile(scene->policy->model, &memory, diagnostics, &versus.whole), 0);
	cr_assert_eq(catalog_open(versus.whole->catalog, versus.whole->catalog_length, &versus.catalog), 0);
	for (unsigned int i = 0; i < 3000; i++) {
		const struct catalog *catalog = &versus.running->catalog;
		const struct catalog_pair *pair = &catalog->pairs[random_below(random, catalog->n_pairs)];
		const struct epg_rule_set *set = (const struct epg_rule_set *)versus.sets.bytes + pair->rule_set;
		uint32_t index = pairs_find(versus.whole->pairs, versus.whole->n_buckets,
					    PAIRS_KEY(pair->source, pair->destination));
		uint64_t high, low, found, expected;

		packet_key(random, &high, &low);
		cr_assert_neq(index, PAIRS_UNKNOWN);
		found = identity(catalog, diagram_find((const struct epg_node *)versus.nodes.bytes,
						       versus.nodes.length / sizeof(struct epg_node),
						       set->next_generation ? set->next_root : set->root, high, low));
		expected = identity(&versus.catalog, diagram_find(versus.whole->nodes, versus.whole->n_nodes,
								  versus.whole->sets[index].root, high, low));
		cr_assert_eq(found, expected, "pair %u, %u at %016lx %016lx", pair->source, pair->destination,
			     (unsigned long)high, (unsigned long)low);
	}
	tables_free(versus.whole);
	generation_close(versus.running);
	map_view_close(&versus.sets);
	map_view_close(&versus.nodes);
	epg_diagnostics_free(diagnostics);
}

static struct epg_entry random_entry(uint64_t *random, const char *name)
{
	static const uint16_t ports[] = {0, 1, 2, 3, 80, 443, 5432, 65535};
	struct epg_entry entry = {.size = sizeof(entry), .name = name, .zeros = 0};
	uint16_t one = ports[random_below(random, ARRAY_SIZE(ports))];
	uint16_t other = ports[random_below(random, ARRAY_SIZE(ports))];

	if (random_below(random, 6) == 0)
		return entry;
	entry.protocol = random_below(random, 2) ? IPPROTO_TCP : IPPROTO_UDP;
	if (random_below(random, 3)) {
		entry.destination_first = one < other ? one : other;
		entry.destination_last = one < other ? other : one;
	}
	if (random_below(random, 4) == 0) {
		entry.source_first = entry.source_last = other;
		entry.zeros = EPG_ENTRY_SOURCE;
	}
	if (entry.protocol == IPPROTO_TCP && random_below(random, 4) == 0)
		entry.tcp_flags = random_below(random, 2) ? EPG_ENTRY_ESTABLISHED : 2;
	if (random_below(random, 5) == 0)
		entry.dscp = 1;
	if (random_below(random, 6) == 0 && !entry.destination_last && !entry.zeros && !entry.tcp_flags)
		entry.fragments_only = true;
	else
		entry.stateless = random_below(random, 2);
	return entry;
}

static void change(struct scene *scene, uint64_t *random)
{
	static const char *const filters[] = {"shop/web", "shop/sql"};
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "web", "dns", "sql"};
	const char *filter = filters[random_below(random, 2)];
	const char *name = names[random_below(random, ARRAY_SIZE(names))];
	struct epg_entry entry = random_entry(random, name);

	if (random_below(random, 5) < 3)
		(void)epg_policy_add_entries(scene->epg, scene->policy, filter, &entry, 1, NULL);
	else
		(void)epg_policy_remove_entries(scene->epg, scene->policy, filter, &name, 1);
}

/* Whatever comes and goes, each packet is decided by the rule that a whole compilation has decide it. */
Test(amend, decides_as_a_whole_compilation_would)
{
	struct scene scene = begin(STAGE_POLICY);
	struct epg_entry stays = tcp("stays", 7);
	uint64_t random = 11;
	size_t amended = 0;

	stays.stateless = true;
	add(&scene, "shop/web", stays);
	add(&scene, "shop/sql", stays);
	apply(&scene, WHOLE);
	for (unsigned int i = 0; i < 250; i++) {
		uint64_t before = active(&scene);

		for (size_t n = 1 + random_below(&random, 3); n > 0; n--)
			change(&scene, &random);
		cr_assert_eq(epg_apply(scene.epg, scene.policy, NULL, NULL, NULL), 0);
		amended += active(&scene) != before && EPG_ACTIVE_SLOT(active(&scene)) == EPG_ACTIVE_SLOT(before);
		compare(&scene, &random);
	}
	cr_assert_gt(amended, 150, "%zu of 250", amended);
	expect_no_difference(&scene);
	end(&scene);
}
