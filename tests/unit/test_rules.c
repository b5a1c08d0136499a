/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <stdio.h>

#include "compiled.h"
#include "base/util.h"

#define TCP 6
#define SYN ((struct packet_fields){TCP, 80, 40000, EPG_FLAG_SYN, 0, 0, 0})
#define SYN_ACK_BACK ((struct packet_fields){TCP, 40000, 80, EPG_FLAG_SYN | EPG_FLAG_ACK, 0, 0, 0})
#define SYN_BACK_TO_PORT_80 ((struct packet_fields){TCP, 80, 40000, EPG_FLAG_SYN, 0, 0, 0})

/* Groups x and y of one VRF; %s: vzAny, further filters, the contract's keys, what x and y do. */
static const char one_vrf[] =
	"version: 1\n"
	"tenants:\n"
	"- name: t\n"
	"  vrfs: [{name: v%s}]\n"
	"  bridgeDomains: [{name: b, vrf: v}]\n"
	"  filters:\n"
	"  - {name: web, entries: [{name: http, etherT: ip, prot: tcp, dPort: 80}]}\n"
	"  - {name: all, entries: [{name: any}]}\n"
	"  - {name: loose, entries: [{name: http, etherT: ip, prot: tcp, dPort: 80, stateful: false}]}\n"
	"  - {name: tcp, entries: [{name: any, etherT: ip, prot: tcp}]}\n"
	"  - {name: pieces, entries: [{name: later, etherT: ip, prot: tcp, fragments: only}]}\n"
	"  - {name: arp, entries: [{name: request, etherT: arp, arpOpcode: request}]}\n"
	"  - {name: echo, entries: [{name: ping, etherT: ipv4, prot: icmp, icmpType: echo-request, stateful: false}]}\n"
	"  contracts:\n"
	"  - {name: c, %s}\n"
	"  appProfiles:\n"
	"  - name: a\n"
	"    epgs:\n"
	"    - {name: x, bridgeDomain: b%s}\n"
	"    - {name: y, bridgeDomain: b%s}\n";

#define X "t/a/x"
#define Y "t/a/y"

static struct compiled compile_one_vrf(const char *any, const char *contract, const char *x, const char *y)
{
	char text[4096];

	snprintf(text, sizeof(text), one_vrf, any, contract, x, y);
	return compile_text(text, NULL);
}

/* x consumes and y provides. */
static struct compiled compile_pair(const char *contract)
{
	return compile_one_vrf("", contract, ", consume: [c]", ", provide: [c]");
}

/* What the consumer x and the provider y are bound by, as text for vzAny, x and y. */
static const struct role {
	const char *any, *x, *y;
	enum epg_level forward[2], backward[2]; /* filtered, unfiltered */
	enum epg_level priority[3];             /* of a filtered deny: level1, level2, level3 */
} roles[] = {
	{"", ", consume: [c]", ", provide: [c]", {7, 9}, {7, 9}, {17, 13, 7}},
	{", vzAny: {provide: [c]}", ", consume: [c]", "", {13, 15}, {14, 16}, {17, 13, 7}},
	{", vzAny: {consume: [c]}", "", ", provide: [c]", {14, 16}, {13, 15}, {17, 14, 7}},
	{", vzAny: {provide: [c], consume: [c]}", "", "", {17, 20}, {17, 20}, {17, 13, 7}},
};

Test(rules, levels_follow_from_who_is_bound_and_whether_there_is_a_filter)
{
	static const char *const filters[] = {"web", "all"};

	for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(filters); j++) {
			char contract[128];
			struct compiled compiled;

			snprintf(contract, sizeof(contract),
				 "subjects: [{name: s, reverseFilterPorts: false, filters: [%s]}]", filters[j]);
			compiled = compile_one_vrf(roles[i].any, contract, roles[i].x, roles[i].y);
			cr_assert_eq(EPG_LEAF_LEVEL(compiled_leaf(&compiled, X, Y, SYN)), roles[i].forward[j],
				     "role %zu, %s", i, filters[j]);
			cr_assert_eq(EPG_LEAF_LEVEL(compiled_leaf(&compiled, Y, X, SYN)),
				     i == 3 ? roles[i].forward[j] : roles[i].backward[j], "role %zu, %s", i,
				     filters[j]);
			cr_assert(compiled_permits(&compiled, X, Y, SYN));
			cr_assert(compiled_permits(&compiled, Y, X, SYN));
			compiled_clear(&compiled);
		}
	}
}

Test(rules, a_denys_priority_is_another_roles_level)
{
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(roles[i].priority); j++) {
			char contract[160];
			struct compiled compiled;
			uint32_t leaf;

			snprintf(contract, sizeof(contract),
				 "subjects: [{name: s, filters: [{name: web, action: deny, priority: level%zu}]}]",
				 j + 1);
			compiled = compile_one_vrf(roles[i].any, contract, roles[i].x, roles[i].y);
			leaf = compiled_leaf(&compiled, X, Y, SYN);
			cr_assert_eq(EPG_LEAF_ACTION(leaf), EPG_DENY);
			cr_assert_eq(EPG_LEAF_LEVEL(leaf), roles[i].priority[j], "role %zu, priority level%zu", i,
				     j + 1);
			compiled_clear(&compiled);
		}
	}
}

Test(rules, a_deny_without_priority_ranks_with_its_own_role)
{
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
		struct compiled compiled = compile_one_vrf(
			roles[i].any,
			"subjects: [{name: p, filters: [web, all]}, {name: d, filters: [{name: web, action: deny}]}]",
			roles[i].x, roles[i].y);
		uint32_t leaf = compiled_leaf(&compiled, X, Y, SYN);

		cr_assert_eq(EPG_LEAF_ACTION(leaf), EPG_DENY, "it beats the permit before it");
		cr_assert_eq(EPG_LEAF_LEVEL(leaf), roles[i].forward[0]);
		compiled_clear(&compiled);
	}
}

Test(rules, contracts_within_a_group_have_level_1_whatever_they_say)
{
	static const char *const filters[] = {"web", "all", "{name: web, action: deny, priority: level1}"};

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		char contract[160];
		struct compiled compiled;

		snprintf(contract, sizeof(contract), "subjects: [{name: s, filters: [%s]}]", filters[i]);
		compiled = compile_one_vrf("", contract, ", intraEpg: {contracts: [c]}", "");
		cr_assert_eq(EPG_LEAF_LEVEL(compiled_leaf(&compiled, X, X, SYN)), EPG_LEVEL_INTRA_CONTRACT);
		cr_assert_eq(EPG_LEAF_ACTION(compiled_leaf(&compiled, X, X, SYN)), i < 2 ? EPG_PERMIT : EPG_DENY);
		cr_assert_eq(compiled_leaf(&compiled, X, X, SYN_ACK_BACK),
			     i == 1 ? compiled_leaf(&compiled, X, X, SYN) : (uint32_t)EPG_LEAF_ISOLATION);
		cr_assert_eq(compiled_leaf(&compiled, Y, Y, SYN), EPG_LEAF_INTRA_EPG);
		compiled_clear(&compiled);
	}
}

/* What of a subject passes: a SYN to port 80, the answer to it by rule, a SYN to port 80 the other way. */
struct directions {
	const char *subject;
	bool forward, answer, backward, tracked;
};

static void check_directions(const struct directions *expected)
{
	char contract[160];
	struct compiled compiled;

	snprintf(contract, sizeof(contract), "subjects: [{name: s, %s}]", expected->subject);
	compiled = compile_pair(contract);
	cr_assert_eq(compiled_permits(&compiled, X, Y, SYN), expected->forward, "%s", expected->subject);
	cr_assert_eq(compiled_permits(&compiled, Y, X, SYN_ACK_BACK), expected->answer, "%s", expected->subject);
	cr_assert_eq(compiled_permits(&compiled, Y, X, SYN_BACK_TO_PORT_80), expected->backward, "%s",
		     expected->subject);
	for (size_t i = EPG_RULE_IMPLICIT_COUNT; i < compiled.tables->n_rules; i++)
		cr_assert_eq(!!(compiled.tables->rules[i].flags & EPG_RULE_STATEFUL), expected->tracked, "%s",
			     expected->subject);
	compiled_clear(&compiled);
}

Test(rules, directions_combine_in_four_ways_with_and_without_tracking)
{
	static const struct directions all[] = {
		{"filters: [web]", true, false, false, true},
		{"reverseFilterPorts: false, filters: [web]", true, false, true, true},
		{"bothDirections: false, filters: [web]", true, false, false, false},
		{"filters: [loose]", true, true, false, false},
		{"reverseFilterPorts: false, filters: [loose]", true, false, true, false},
		{"bothDirections: false, filters: [loose]", true, false, false, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		check_directions(&all[i]);
}

Test(rules, a_stateless_answer_cannot_open_a_connection)
{
	struct compiled compiled = compile_pair("subjects: [{name: s, filters: [loose]}]");
	struct packet_fields packet = SYN_ACK_BACK;

	for (packet.flags = 0; packet.flags <= EPG_FLAGS_ALL; packet.flags++)
		cr_assert_eq(compiled_permits(&compiled, Y, X, packet),
			     (packet.flags & (EPG_FLAG_ACK | EPG_FLAG_RST)) != 0, "flags %u", packet.flags);
	compiled_clear(&compiled);
}

Test(rules, an_arp_request_is_answered_by_a_reply_and_icmp_keeps_its_type)
{
	struct compiled compiled = compile_pair("subjects: [{name: s, filters: [arp, echo]}]");
	struct packet_fields request = {0x806, 1, 0, 0, 0, 0, 0}, reply = {0x806, 2, 0, 0, 0, 0, 0};
	struct packet_fields ping = {1, 8, 0, 0, 0, 0, 0};

	cr_assert(compiled_permits(&compiled, X, Y, request));
	cr_assert(compiled_permits(&compiled, Y, X, reply));
	cr_assert_not(compiled_permits(&compiled, Y, X, request));
	cr_assert_not(compiled_permits(&compiled, X, Y, reply));
	cr_assert(compiled_permits(&compiled, X, Y, ping));
	cr_assert(compiled_permits(&compiled, Y, X, ping));
	compiled_clear(&compiled);
}

Test(rules, a_deny_stops_the_consumer_only_unless_both_directions_are_written_alike)
{
	static const char with_permit[] =
		"subjects: [{name: p, reverseFilterPorts: false, filters: [all]}, {name: s, %sfilters: "
		"[{name: web, action: deny}]}]";

	for (unsigned int alike = 0; alike < 2; alike++) {
		char contract[256];
		struct compiled compiled;

		snprintf(contract, sizeof(contract), with_permit, alike ? "reverseFilterPorts: false, " : "");
		compiled = compile_pair(contract);
		cr_assert_not(compiled_permits(&compiled, X, Y, SYN));
		cr_assert_eq(compiled_permits(&compiled, Y, X, SYN_BACK_TO_PORT_80), !alike);
		cr_assert(compiled_permits(&compiled, Y, X, SYN_ACK_BACK));
		compiled_clear(&compiled);
	}
}

Test(rules, taboos_stand_behind_the_contracts_and_deny_what_comes)
{
	static const char text[] =
		"version: 1\n"
		"tenants:\n"
		"- name: t\n"
		"  vrfs: [{name: v}]\n"
		"  bridgeDomains: [{name: b, vrf: v}]\n"
		"  filters:\n"
		"  - {name: web, entries: [{name: http, etherT: ip, prot: tcp, dPort: 80, stateful: false}]}\n"
		"  - {name: all, entries: [{name: any}]}\n"
		"  contracts: [{name: c, subjects: [{name: s, reverseFilterPorts: false, filters: [all]}]}]\n"
		"  taboos: [{name: no-web, filters: [{name: web, log: true}]}]\n"
		"  appProfiles:\n"
		"  - name: a\n"
		"    epgs:\n"
		"    - {name: x, bridgeDomain: b, consume: [c]}\n"
		"    - {name: y, bridgeDomain: b, provide: [c], taboos: [no-web]}\n";
	struct compiled compiled = compile_text(text, NULL);
	const struct catalog_contract *taboo = &compiled.catalog.contracts[1];
	const struct epg_rule *rule;

	cr_assert_eq(EPG_LEAF_LEVEL(compiled_leaf(&compiled, X, Y, SYN)), EPG_LEVEL_TABOO);
	cr_assert_not(compiled_permits(&compiled, X, Y, SYN));
	cr_assert(compiled_permits(&compiled, Y, X, SYN), "it protects y only");
	cr_assert(compiled_permits(&compiled, Y, X, SYN_ACK_BACK));
	cr_assert(compiled_permits(&compiled, X, Y, SYN_ACK_BACK));
	cr_assert(compiled_permits(&compiled, Y, Y, SYN), "not within the group");
	cr_assert_eq(compiled.catalog.n_contracts, 2);
	cr_assert_eq(taboo->taboo, 1);
	cr_assert_str_eq(catalog_string(&compiled.catalog, taboo->name), "t/no-web");
	cr_assert_eq(taboo->n_rules, 1);
	cr_assert_eq(taboo->providers, 1);
	cr_assert_eq(compiled.catalog.rules[taboo->first_rule].role, CATALOG_ROLE_TABOO);
	rule = &compiled.tables->rules[taboo->first_rule];
	cr_assert_eq(rule->action, EPG_DENY);
	cr_assert_eq(rule->flags, EPG_RULE_LOG);
	compiled_clear(&compiled);
}

Test(rules, flags_say_what_a_contract_and_its_subjects_ask_for)
{
	struct compiled compiled = compile_pair("onChange: keep, subjects: [{name: p, dscp: AF21, filters: [web, "
						"{name: all, action: deny, log: true}]}, "
						"{name: q, mode: audit, filters: [{name: loose, log: true}]}]");
	const struct epg_rule *rules = &compiled.tables->rules[EPG_RULE_IMPLICIT_COUNT];

	cr_assert_eq(compiled.tables->n_rules, EPG_RULE_IMPLICIT_COUNT + 4);
	cr_assert_eq(rules[0].flags, EPG_RULE_STATEFUL | EPG_RULE_KEEP | EPG_RULE_DSCP);
	cr_assert_eq(rules[0].dscp, 18);
	cr_assert_eq(rules[1].flags, EPG_RULE_LOG, "what is denied is neither kept nor marked");
	cr_assert_eq(rules[1].dscp, 0);
	cr_assert_eq(rules[2].flags, EPG_RULE_KEEP | EPG_RULE_LOG | EPG_RULE_AUDIT);
	cr_assert_eq(rules[3].flags, rules[2].flags);
	cr_assert_eq(compiled.catalog.contracts[0].keep, 1);
	cr_assert_eq(compiled.catalog.rules[EPG_RULE_IMPLICIT_COUNT + 2].audit, 1);
	compiled_clear(&compiled);
}

Test(rules, every_role_and_direction_in_use_has_rules_of_its_own)
{
	struct compiled compiled =
		compile_one_vrf(", vzAny: {provide: [c], consume: [c]}",
				"subjects: [{name: s, filters: [loose]}, {name: r, filters: [loose]}]",
				", consume: [c], intraEpg: {contracts: [c]}", ", provide: [c]");
	const struct catalog_rule *rules = compiled.catalog.rules;
	unsigned int seen[CATALOG_ROLES][2] = {0};

	cr_assert_eq(compiled.catalog.n_rules, EPG_RULE_IMPLICIT_COUNT + 20);
	for (size_t i = EPG_RULE_IMPLICIT_COUNT; i < compiled.catalog.n_rules; i++) {
		seen[rules[i].role][rules[i].reverse]++;
		for (size_t j = 0; j < i; j++)
			cr_assert_neq(rules[i].identity, rules[j].identity, "rules %zu and %zu", i, j);
	}
	for (size_t role = 0; role < CATALOG_ROLES; role++) {
		for (size_t reverse = 0; reverse < 2; reverse++)
			cr_assert_eq(seen[role][reverse], role == CATALOG_ROLE_TABOO ? 0 : 2);
	}
	compiled_clear(&compiled);
}

Test(rules, a_contract_used_by_vzany_alone_has_no_rules_for_pairs)
{
	struct compiled compiled = compile_one_vrf(", vzAny: {consume: [c]}", "subjects: [{name: s, filters: [loose]}]",
						   "", ", provide: [c]");
	const struct catalog_rule *rules = &compiled.catalog.rules[EPG_RULE_IMPLICIT_COUNT];

	cr_assert_eq(compiled.catalog.contracts[0].n_rules, 2);
	cr_assert_eq(rules[0].role, CATALOG_ROLE_TO_ANY);
	cr_assert_eq(rules[0].reverse, 1);
	cr_assert_eq(rules[1].role, CATALOG_ROLE_FROM_ANY);
	cr_assert_eq(rules[1].reverse, 0);
	compiled_clear(&compiled);
}

/* ---- pieces of packets ---- */

#define EARLY_PIECE(kind) ((struct packet_fields){(kind), 0, 0, 0, 0, EPG_PIECE_EARLY, 0})
#define LATER_PIECE(kind) ((struct packet_fields){(kind), 0, 0, 0, 0, EPG_PIECE_LATER, 0})
#define TO_PORT_0 ((struct packet_fields){TCP, 0, 0, 0, 0, EPG_PIECE_WHOLE, 0})

Test(rules, a_permit_of_ports_or_types_permits_pieces_that_come_early)
{
	struct compiled compiled =
		compile_pair("subjects: [{name: s, filters: [web, echo, arp]}, {name: t, filters: [loose]}]");

	cr_assert(compiled_permits(&compiled, X, Y, EARLY_PIECE(TCP)));
	cr_assert(compiled_permits(&compiled, X, Y, EARLY_PIECE(EPG_KIND_IPV6 | TCP)));
	cr_assert(compiled_permits(&compiled, X, Y, EARLY_PIECE(1)), "ICMP");
	cr_assert_str_eq(catalog_string(&compiled.catalog, compiled_rule(&compiled, X, Y, EARLY_PIECE(TCP))->filter),
			 "t/web", "the first one decides");
	cr_assert_not(compiled_permits(&compiled, X, Y, EARLY_PIECE(17)));
	cr_assert_not(compiled_permits(&compiled, X, Y, EARLY_PIECE(EPG_KIND_IPV6 | 58)));
	cr_assert_not(compiled_permits(&compiled, X, Y, LATER_PIECE(TCP)));
	cr_assert_not(compiled_permits(&compiled, X, Y, TO_PORT_0));
	cr_assert_not(compiled_permits(&compiled, X, Y, EARLY_PIECE(0x806)), "ARP has no fragments");
	cr_assert(compiled_permits(&compiled, Y, X, EARLY_PIECE(TCP)), "answers have a rule of their own");
	compiled_clear(&compiled);
}

Test(rules, only_what_denies_every_packet_denies_pieces_that_come_early)
{
	struct compiled ports = compile_pair("subjects: [{name: s, filters: [web, {name: loose, action: deny}]}]");
	struct compiled all = compile_pair("subjects: [{name: s, filters: [web, {name: tcp, action: deny}]}]");
	struct compiled rest = compile_pair("subjects: [{name: s, filters: [web, {name: all, action: deny}]}]");

	cr_assert(compiled_permits(&ports, X, Y, EARLY_PIECE(TCP)));
	cr_assert_not(compiled_permits(&ports, X, Y, SYN));
	cr_assert_not(compiled_permits(&all, X, Y, EARLY_PIECE(TCP)));
	cr_assert_neq(compiled_leaf(&all, X, Y, EARLY_PIECE(TCP)), EPG_LEAF_IMPLICIT_DENY);
	cr_assert(compiled_permits(&rest, X, Y, EARLY_PIECE(TCP)), "a filter goes before none");
	cr_assert_not(compiled_permits(&rest, X, Y, EARLY_PIECE(17)));
	cr_assert_neq(compiled_leaf(&rest, X, Y, EARLY_PIECE(17)), EPG_LEAF_IMPLICIT_DENY);
	compiled_clear(&ports);
	compiled_clear(&all);
	compiled_clear(&rest);
}

Test(rules, audited_rules_are_not_asked_about_pieces_that_come_early)
{
	struct compiled compiled = compile_pair("subjects: [{name: s, filters: [web]}, {name: t, mode: audit, filters: "
						"[{name: tcp, action: deny}, loose]}]");
	struct packet_fields piece = EARLY_PIECE(TCP);

	piece.view = EPG_VIEW_AUDITED;
	cr_assert(compiled_permits(&compiled, X, Y, piece));
	piece.fragment = EPG_PIECE_LATER;
	cr_assert_not(compiled_permits(&compiled, X, Y, piece));
	cr_assert_eq(compiled_rule(&compiled, X, Y, piece)->audit, 1);
	cr_assert_eq(compiled_leaf(&compiled, Y, X, EARLY_PIECE(TCP)), EPG_LEAF_IMPLICIT_DENY);
	piece = EARLY_PIECE(TCP);
	piece.view = EPG_VIEW_AUDITED;
	cr_assert_eq(compiled_leaf(&compiled, Y, X, piece), EPG_LEAF_IMPLICIT_DENY);
	compiled_clear(&compiled);
}

Test(rules, those_of_fragments_alone_say_so)
{
	struct compiled compiled =
		compile_pair("subjects: [{name: s, filters: [pieces, web, tcp]}, "
			     "{name: t, filters: [{name: pieces, action: deny, priority: level1}]}]");
	unsigned int seen = 0;

	for (size_t i = 0; i < compiled.catalog.n_rules; i++) {
		bool alone = compiled.catalog.rules[i].fragment.first == EPG_PIECE_LATER;

		cr_assert_eq(!!(compiled.tables->rules[i].flags & EPG_RULE_FRAGMENTS), alone, "rule %zu", i);
		seen += alone;
		if (alone)
			cr_assert_not(compiled.tables->rules[i].flags & EPG_RULE_STATEFUL);
	}
	cr_assert_eq(seen, 4, "two entries, both directions");
	cr_assert_eq(compiled_rule(&compiled, X, Y, LATER_PIECE(TCP))->fragment.first, EPG_PIECE_LATER);
	cr_assert_eq(compiled_rule(&compiled, X, Y, EARLY_PIECE(TCP))->fragment.first, EPG_PIECE_WHOLE);
	compiled_clear(&compiled);
}
