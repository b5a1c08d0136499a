/* SPDX-License-Identifier: GPL-2.0-only */
#include <netinet/in.h>

#include "asked.h"
#include "base/util.h"
#include "inspect/rule_match.h"

#define BEGIN                                                                                                        \
	"version: 1\n"                                                                                               \
	"tenants:\n"                                                                                                 \
	"- name: shop\n"                                                                                             \
	"  vrfs: [{name: prod, vzAny: {provide: [all], consume: [all]}}]\n"                                          \
	"  bridgeDomains: [{name: bd1, vrf: prod, subnets: [10.1.0.1/24]}]\n"                                        \
	"  filters:\n"                                                                                               \
	"  - {name: http, entries: [{name: web, etherT: ip, prot: tcp, dPort: 80}]}\n"                               \
	"  - {name: tcp, entries: [{name: any, etherT: ip, prot: tcp}]}\n"                                           \
	"  - {name: ip, entries: [{name: any, etherT: ip}]}\n"                                                       \
	"  - {name: marked, entries: [{name: ef, etherT: ip, prot: tcp, matchDscp: EF}]}\n"                          \
	"  - {name: pieces, entries: [{name: later, etherT: ip, prot: tcp, fragments: only}]}\n"                     \
	"  contracts:\n"                                                                                             \
	"  - {name: web, subjects: [{name: s, filters: [http, {name: tcp, action: deny, priority: level1}]}]}\n"     \
	"  - {name: all, subjects: [{name: s, filters: [ip]}]}\n"                                                    \
	"  - {name: qos, subjects: [{name: s, filters: [marked, pieces]}, {name: t, mode: audit, filters: [ip]}]}\n" \
	"  taboos: [{name: no-web, filters: [http]}]\n"                                                              \
	"  appProfiles:\n"                                                                                           \
	"  - name: store\n"                                                                                          \
	"    epgs:\n"                                                                                                \
	"    - {name: front, bridgeDomain: bd1, consume: [web, qos]}\n"                                              \
	"    - {name: back, bridgeDomain: bd1, provide: [web, qos]}\n"

static const char policy[] = BEGIN;
static const char with_taboo[] = BEGIN "    - {name: shy, bridgeDomain: bd1, provide: [web], taboos: [no-web]}\n";

#define SYN_TO(port)                                                                               \
	{                                                                                          \
		.kind = IPPROTO_TCP, .destination = (port), .source = 40000, .flags = EPG_FLAG_SYN \
	}

static size_t find(const struct compiled *compiled, const char *destination, struct rule_packet packet, uint32_t *rules,
		   size_t max)
{
	const struct rule_book book = book_of(compiled);

	packet.source_class = compiled_class(compiled, "shop/store/front");
	packet.destination_class = compiled_class(compiled, destination);
	return rule_match_all(&book, &packet, rules, max);
}

static uint8_t level_of(const struct compiled *compiled, uint32_t rule)
{
	return compiled->tables->rules[rule].level;
}

Test(rule_match, rules_of_all_pairs_come_in_the_order_in_which_they_would_decide)
{
	struct compiled compiled = compile_text(with_taboo, NULL);
	static const uint8_t levels[] = {EPG_LEVEL_TABOO, EPG_LEVEL_FILTERED, EPG_LEVEL_ANY_FILTERED,
					 EPG_LEVEL_ANY_UNFILTERED};
	uint32_t rules[8];

	cr_assert_eq(find(&compiled, "shop/store/shy", (struct rule_packet)SYN_TO(80), rules, 8), ARRAY_SIZE(levels));
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		cr_assert_eq(level_of(&compiled, rules[i]), levels[i], "rule %zu", i);
	compiled_clear(&compiled);
}

Test(rule_match, the_first_one_is_what_the_tables_decide)
{
	struct compiled compiled = compile_text(with_taboo, NULL);
	static const char *const destinations[] = {"shop/store/shy", "shop/store/back"};

	for (size_t i = 0; i < ARRAY_SIZE(destinations); i++) {
		for (uint16_t port = 79; port <= 81; port++) {
			const struct packet_fields key = {IPPROTO_TCP, port, 40000, EPG_FLAG_SYN, 0, 0, 0};
			uint32_t leaf = compiled_leaf(&compiled, "shop/store/front", destinations[i], key), rule;

			cr_assert_gt(find(&compiled, destinations[i], (struct rule_packet)SYN_TO(port), &rule, 1), 0);
			cr_assert_eq(rule, EPG_LEAF_RULE(leaf), "%s port %u", destinations[i], port);
		}
	}
	compiled_clear(&compiled);
}

Test(rule_match, what_has_no_room_is_counted)
{
	struct compiled compiled = compile_text(with_taboo, NULL);
	uint32_t rules[2];

	cr_assert_eq(find(&compiled, "shop/store/shy", (struct rule_packet)SYN_TO(80), rules, 2), 4);
	cr_assert_eq(level_of(&compiled, rules[0]), EPG_LEVEL_TABOO);
	cr_assert_eq(level_of(&compiled, rules[1]), EPG_LEVEL_FILTERED);
	compiled_clear(&compiled);
}

Test(rule_match, every_field_counts)
{
	struct compiled compiled = compile_text(policy, NULL);
	struct rule_packet marked = SYN_TO(22), piece = {.kind = IPPROTO_TCP, .fragment = 1};
	uint32_t rules[8];
	size_t plain = find(&compiled, "shop/store/back", marked, rules, 8);

	marked.dscp = 46;
	cr_assert_eq(find(&compiled, "shop/store/back", marked, rules, 8), plain + 1);
	cr_assert_str_eq(catalog_string(&compiled.catalog, compiled.catalog.rules[rules[0]].entry), "ef");
	find(&compiled, "shop/store/back", piece, rules, 8);
	cr_assert_str_eq(catalog_string(&compiled.catalog, compiled.catalog.rules[rules[0]].entry), "later");
	compiled_clear(&compiled);
}

Test(rule_match, audited_rules_decide_nothing)
{
	struct compiled compiled = compile_text(policy, NULL);
	uint32_t rules[8];
	size_t n = find(&compiled, "shop/store/back", (struct rule_packet)SYN_TO(22), rules, 8);

	for (size_t i = 0; i < n; i++)
		cr_assert_not(compiled.catalog.rules[rules[i]].audit);
	compiled_clear(&compiled);
}

Test(rule_match, the_opposite_of_an_arp_keeps_its_opcode_in_place)
{
	const struct rule_packet arp = {.source_class = 16, .destination_class = 17, .kind = 0x806, .destination = 1};
	const struct rule_packet tcp = SYN_TO(80);
	struct rule_packet opposite = rule_match_opposite(&arp);

	cr_assert_eq(opposite.destination, 1);
	cr_assert_eq(opposite.source_class, 17);
	opposite = rule_match_opposite(&tcp);
	cr_assert_eq(opposite.destination, 40000);
	cr_assert_eq(opposite.source, 80);
}

Test(rule_match, pieces_that_come_early_match_permits_whatever_ports_they_ask_for)
{
	struct compiled compiled = compile_text(with_taboo, NULL);
	struct rule_packet piece = {.kind = IPPROTO_TCP, .fragment = EPG_PIECE_EARLY};
	uint32_t rules[8];

	cr_assert_eq(find(&compiled, "shop/store/back", piece, rules, ARRAY_SIZE(rules)), 3);
	cr_assert_eq(level_of(&compiled, rules[0]), EPG_LEVEL_FILTERED, "port 80, not the rule for later fragments");
	cr_assert_eq(compiled.tables->rules[rules[0]].action, EPG_PERMIT);
	cr_assert_eq(compiled.catalog.rules[rules[0]].destination.first, 80);
	cr_assert_eq(level_of(&compiled, rules[1]), EPG_LEVEL_ANY_FILTERED, "the deny of all TCP");
	cr_assert_eq(level_of(&compiled, rules[2]), EPG_LEVEL_ANY_UNFILTERED);
	cr_assert_eq(find(&compiled, "shop/store/shy", piece, rules, ARRAY_SIZE(rules)), 3,
		     "the taboo asks for a port");
	piece.kind = IPPROTO_UDP;
	cr_assert_eq(find(&compiled, "shop/store/back", piece, rules, ARRAY_SIZE(rules)), 1);
	piece.kind = IPPROTO_TCP;
	piece.fragment = EPG_PIECE_LATER;
	cr_assert_eq(find(&compiled, "shop/store/back", piece, rules, ARRAY_SIZE(rules)), 3);
	cr_assert_eq(compiled.catalog.rules[rules[0]].fragment.first, EPG_PIECE_LATER);
	compiled_clear(&compiled);
}
