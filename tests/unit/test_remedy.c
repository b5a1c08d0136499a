/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>

#include <netinet/in.h>

#include "asked.h"

/*
 * Every remedy is tried: the line that it says to add is added, and then the packet passes. `%s` in the policy stands
 * where the lines of a group, a contract or a filter may be added.
 */
#define HEAD                                                        \
	"version: 1\n"                                              \
	"tenants:\n"                                                \
	"- name: shop\n"                                            \
	"  vrfs: [{name: prod, preferredGroup: %s}, {name: lab}]\n" \
	"  bridgeDomains:\n"                                        \
	"  - {name: bd1, vrf: prod, subnets: [10.1.0.1/24]}\n"      \
	"  - {name: bd2, vrf: lab, subnets: [10.2.0.1/24]}\n"       \
	"  filters:\n"                                              \
	"  - name: http\n"                                          \
	"    entries:\n"                                            \
	"    %s\n"                                                  \
	"    - {name: web, etherT: ip, prot: tcp, dPort: 80}\n"     \
	"  contracts:\n"                                            \
	"  - name: web\n"                                           \
	"    %s\n"                                                  \
	"    subjects: [{name: s, filters: [http]}]\n"              \
	"  taboos: [{name: no-web, filters: [http]}]\n"             \
	"  appProfiles:\n"                                          \
	"  - name: store\n"                                         \
	"    epgs:\n"                                               \
	"    - name: front\n"                                       \
	"      bridgeDomain: bd1\n"                                 \
	"      %s\n"                                                \
	"    - name: back\n"                                        \
	"      bridgeDomain: %s\n"                                  \
	"      %s\n"

enum {
	FILTER_LINE = 12,
	CONTRACT_LINE = 14,
	FRONT_LINE = 21,
	BACK_LINE = 24
};

/* What the policy says besides; NULL: nothing. */
struct situation {
	const char *preferred, *entry, *contract, *front, *domain, *back;
};

static const char *or_nothing(const char *text)
{
	return text ? text : "# nothing";
}

static void write_policy(char *text, size_t size, const struct situation *with)
{
	snprintf(text, size, HEAD, with->preferred ? with->preferred : "false", or_nothing(with->entry),
		 or_nothing(with->contract), or_nothing(with->front), with->domain ? with->domain : "bd1",
		 or_nothing(with->back));
}

static const struct rule_packet to_80 = {.kind = IPPROTO_TCP,
					 .destination = 80,
					 .source = 40000,
					 .flags = EPG_FLAG_SYN};

static struct remedy remedy_for(const struct situation *situation, const char *destination,
				const struct rule_packet *packet)
{
	char text[4096];
	struct asked asked;

	write_policy(text, sizeof(text), situation);
	asked = ask_about(text, "shop/store/front", destination, packet);
	compiled_clear(&asked.compiled);
	return asked.remedy;
}

static void expect_permit(const struct situation *situation, const char *destination, const struct rule_packet *packet)
{
	const struct packet_fields key = {packet->kind, packet->destination, packet->source,   packet->flags,
					  packet->dscp, packet->fragment,    EPG_VIEW_ENFORCED};
	struct compiled compiled;
	char text[4096];

	write_policy(text, sizeof(text), situation);
	compiled = compile_text(text, NULL);
	cr_assert(compiled_permits(&compiled, "shop/store/front", destination, key), "%s", text);
	compiled_clear(&compiled);
}

Test(remedy, a_missing_consumer)
{
	struct situation situation = {.back = "provide: [web]"};
	struct remedy remedy = remedy_for(&situation, "shop/store/back", &to_80);

	cr_assert_str_eq(remedy.hint, "add \"web\" to consume of shop/store/front (shop.yaml:21)");
	cr_assert_eq(remedy.line, FRONT_LINE);
	situation.front = remedy.yaml;
	expect_permit(&situation, "shop/store/back", &to_80);
}

Test(remedy, a_missing_provider)
{
	struct situation situation = {.front = "consume: [web]"};
	struct remedy remedy = remedy_for(&situation, "shop/store/back", &to_80);

	cr_assert_eq(remedy.line, BACK_LINE);
	situation.back = remedy.yaml;
	expect_permit(&situation, "shop/store/back", &to_80);
}

Test(remedy, a_scope_that_is_too_narrow)
{
	struct situation situation = {.front = "consume: [web]", .back = "provide: [web]", .domain = "bd2"};
	struct remedy remedy = remedy_for(&situation, "shop/store/back", &to_80);

	cr_assert_str_eq(remedy.yaml, "scope: tenant");
	cr_assert_eq(remedy.line, CONTRACT_LINE);
	situation.contract = remedy.yaml;
	expect_permit(&situation, "shop/store/back", &to_80);
}

Test(remedy, an_entry_for_what_the_filter_lacks)
{
	static const struct rule_packet packets[] = {
		{.kind = IPPROTO_TCP, .destination = 443, .source = 40000, .flags = EPG_FLAG_SYN},
		{.kind = IPPROTO_UDP, .destination = 53, .source = 40000},
		{.kind = IPPROTO_SCTP, .destination = 5060, .source = 40000},
		{.kind = IPPROTO_ICMP, .destination = 8},
		{.kind = EPG_KIND_IPV6 | IPPROTO_ICMPV6, .destination = 128},
		{.kind = EPG_KIND_IPV6 | IPPROTO_ICMPV6, .destination = 77},
		{.kind = IPPROTO_GRE},
		{.kind = IPPROTO_TCP, .fragment = 1},
		{.kind = 0x88cc},
		{.kind = 0x806, .destination = 1},
	};

	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		struct situation situation = {.front = "consume: [web]", .back = "provide: [web]"};
		struct remedy remedy = remedy_for(&situation, "shop/store/back", &packets[i]);

		cr_assert_eq(remedy.line, FILTER_LINE, "%s", remedy.hint);
		situation.entry = remedy.yaml;
		expect_permit(&situation, "shop/store/back", &packets[i]);
	}
}

Test(remedy, isolation_is_lifted_by_a_contract_within_the_group)
{
	struct situation situation = {.front = "provide: [web]\n      intraEpg: {isolation: true}"};
	struct remedy remedy = remedy_for(&situation, "shop/store/front", &to_80);
	cr_assert_str_eq(remedy.yaml, "intraEpg: {contracts: [web]}");
	cr_assert_eq(remedy.line, FRONT_LINE);
	situation.front = remedy.yaml;
	expect_permit(&situation, "shop/store/front", &to_80);
	situation.front = "intraEpg: {isolation: true}";
	remedy = remedy_for(&situation, "shop/store/front", &to_80);
	cr_assert(strstr(remedy.hint, "or end its isolation"), "%s", remedy.hint);
	cr_assert_eq(remedy.line, 0);
}

Test(remedy, strangers_of_the_preferred_group_become_members)
{
	struct situation situation = {.preferred = "true", .back = "preferredGroupMember: true"};
	struct remedy remedy = remedy_for(&situation, "shop/store/back", &to_80);

	cr_assert_eq(remedy.line, FRONT_LINE);
	situation.front = remedy.yaml;
	expect_permit(&situation, "shop/store/back", &to_80);
	situation = (struct situation){.preferred = "true", .front = "preferredGroupMember: true"};
	remedy = remedy_for(&situation, "shop/store/back", &to_80);
	cr_assert_eq(remedy.line, BACK_LINE);
	situation.back = remedy.yaml;
	expect_permit(&situation, "shop/store/back", &to_80);
}

Test(remedy, what_is_denied_on_purpose_is_named)
{
	struct situation situation = {.front = "consume: [web]", .back = "provide: [web]\n      taboos: [no-web]"};
	struct remedy remedy = remedy_for(&situation, "shop/store/back", &to_80);

	cr_assert_str_eq(remedy.hint,
			 "take taboo shop/no-web away from shop/store/back (shop.yaml:24), or narrow its entry "
			 "\"web\" (shop.yaml:12)");
	cr_assert_str_eq(remedy.yaml, "");
	cr_assert_eq(remedy.line, 0);
}

Test(remedy, strangers_are_told_to_begin_a_contract)
{
	struct situation situation = {0};
	struct remedy remedy = remedy_for(&situation, "shop/store/back", &to_80);

	cr_assert_str_eq(remedy.hint, "provide a contract in shop/store/back (shop.yaml:24) and consume it in "
				      "shop/store/front (shop.yaml:21)");
	cr_assert_eq(remedy.line, 0);
}
