/* SPDX-License-Identifier: GPL-2.0-only */
#include "asked.h"

#include <stdio.h>
#include <stdlib.h>

#include "inspect/diff_items.h"
#include "base/util.h"

#define CHANGES_MAX 64

/* What was told, one change a string: "added rule NAME: DETAIL (LINE)". */
struct told {
	char text[CHANGES_MAX][512];
	size_t n;
	int stop_at; /* returned by the callback at the change of this number; 0: never */
};

static int note(void *user, const struct epg_change *change)
{
	static const char *const kinds[] = {
		[EPG_CHANGE_ADDED] = "added", [EPG_CHANGE_REMOVED] = "removed", [EPG_CHANGE_CHANGED] = "changed"};
	struct told *told = user;

	cr_assert(told->n < CHANGES_MAX);
	snprintf(told->text[told->n++], sizeof(told->text[0]), "%s %s %s: %s (%u)", kinds[change->kind], change->object,
		 change->name, change->detail, change->line);
	return told->stop_at && (size_t)told->stop_at == told->n ? told->stop_at : 0;
}

static struct told diff(const char *before_text, const char *after_text)
{
	struct compiled before, after = {0};
	struct diff_policy policies[DIFF_SIDES] = {0};
	struct told told = {0};

	if (before_text) {
		before = compile_text(before_text, NULL);
		policies[DIFF_BEFORE] = (struct diff_policy){before.model, book_of(&before)};
	}
	after = compile_text(after_text, before_text ? &before : NULL);
	policies[DIFF_AFTER] = (struct diff_policy){after.model, book_of(&after)};
	cr_assert_eq(diff_policies(policies, note, &told), 0);
	compiled_clear(&after);
	if (before_text)
		compiled_clear(&before);
	return told;
}

static void expect(const struct told *told, const char *const *expected, size_t n)
{
	for (size_t i = 0; i < n && i < told->n; i++)
		cr_assert_str_eq(told->text[i], expected[i]);
	cr_assert_eq(told->n, n, "%zu changes were told, not %zu; the last: %s", told->n, n,
		     told->n > 0 ? told->text[told->n - 1] : "");
}

#define EXPECT(told, ...)                                             \
	do {                                                          \
		static const char *const expected_[] = {__VA_ARGS__}; \
		expect(&(told), expected_, ARRAY_SIZE(expected_));    \
	} while (0)

#define VRFS "  vrfs: [{name: prod}]\n"
#define DOMAINS "  bridgeDomains: [{name: bd1, vrf: prod, subnets: [10.1.0.1/24]}]\n"
#define FILTERS "  filters: [{name: http, entries: [{name: web, etherT: ip, prot: tcp, dPort: 80}]}]\n"
#define CONTRACTS "  contracts: [{name: web, subjects: [{name: http, filters: [http]}]}]\n"
#define PROFILE "  appProfiles:\n  - name: store\n    epgs:\n"
#define BEGIN "version: 1\ntenants:\n- name: shop\n" VRFS DOMAINS FILTERS CONTRACTS PROFILE
#define FRONT \
	"    - {name: front, bridgeDomain: bd1, consume: [web], endpoints: [{interface: veth1, ips: [10.1.0.2]}]}\n"
#define BACK "    - {name: back, bridgeDomain: bd1, provide: [web]}\n"

Test(diff, a_policy_does_not_differ_from_itself)
{
	struct told told = diff(BEGIN FRONT BACK, BEGIN FRONT BACK);

	cr_assert_eq(told.n, 0);
}

Test(diff, comments_and_order_of_groups_do_not_count)
{
	struct told told = diff(BEGIN FRONT BACK, "# moved\n" BEGIN BACK FRONT);

	cr_assert_eq(told.n, 0, "%s", told.text[0]);
}

Test(diff, everything_is_added_where_nothing_runs)
{
	struct told told = diff(NULL, BEGIN FRONT BACK);

	EXPECT(told, "added vrf shop/prod: enforced (4)",
	       "added bridge-domain shop/bd1: in VRF shop/prod; subnet 10.1.0.1/24 (5)",
	       "added group shop/store/back: in VRF shop/prod; in bridge domain shop/bd1; provides shop/web (12)",
	       "added group shop/store/front: consumes shop/web; in VRF shop/prod; in bridge domain shop/bd1 (11)",
	       "added contract shop/web: scope vrf (7)",
	       "added rule shop/web > http > shop/http > web: permits at level 7; tcp dport 80; tracks flows (6)",
	       "added permission shop/store/front -> shop/store/back: by shop/web (11)",
	       "added endpoint veth1: address 10.1.0.2; in group shop/store/front (11)");
}

Test(diff, an_entry_that_matches_something_else_is_changed)
{
	struct told told =
		diff(BEGIN FRONT BACK,
		     "version: 1\ntenants:\n- name: shop\n" VRFS DOMAINS
		     "  filters: [{name: http, entries: [{name: web, etherT: ip, prot: tcp, dPort: 8080}]}]\n" CONTRACTS
			     PROFILE FRONT BACK);

	EXPECT(told, "changed rule shop/web > http > shop/http > web: no longer tcp dport 80; now tcp dport 8080 (6)");
}

Test(diff, a_lost_relation_loses_the_permission)
{
	struct told told = diff(BEGIN FRONT BACK, BEGIN FRONT "    - {name: back, bridgeDomain: bd1}\n");

	EXPECT(told, "changed group shop/store/back: no longer provides shop/web (12)",
	       "removed permission shop/store/front -> shop/store/back: by shop/web (11)");
}

Test(diff, what_only_changes_the_meaning_of_addresses_is_told)
{
	struct told told =
		diff(BEGIN BACK "  externalEpgs: [{name: net, vrf: prod, subnets: [192.0.2.0/24]}]\n",
		     BEGIN BACK "  externalEpgs: [{name: net, vrf: prod, subnets: [0.0.0.0/0, \"::/0\"]}]\n");

	EXPECT(told,
	       "changed group shop/net: no longer subnet 192.0.2.0/24; now subnet 0.0.0.0/0; now subnet ::/0 (12)");
}

Test(diff, an_unenforced_vrf_is_told)
{
	struct told told =
		diff(BEGIN BACK,
		     "version: 1\ntenants:\n- name: shop\n"
		     "  vrfs: [{name: prod, enforcement: unenforced}]\n" DOMAINS FILTERS CONTRACTS PROFILE BACK);

	cr_assert_str_eq(told.text[0], "changed vrf shop/prod: no longer enforced; now unenforced (4)");
}

Test(diff, an_endpoint_that_moves_is_changed)
{
	struct told told =
		diff(BEGIN FRONT BACK,
		     BEGIN "    - {name: front, bridgeDomain: bd1, consume: [web]}\n"
			   "    - {name: back, bridgeDomain: bd1, provide: [web], endpoints: [{interface: veth1}]}\n");

	EXPECT(told, "changed endpoint veth1: no longer address 10.1.0.2; no longer in group shop/store/front; "
		     "now in group shop/store/back (12)");
}

Test(diff, a_class_id_that_is_demanded_is_told)
{
	struct told told =
		diff(BEGIN BACK, BEGIN "    - {name: back, bridgeDomain: bd1, provide: [web], class: 40000}\n");

	cr_assert_eq(told.n, 1);
	cr_assert(strstr(told.text[0], "now class 40000"), "%s", told.text[0]);
}

Test(diff, the_callback_stops_the_walk)
{
	struct compiled after = compile_text(BEGIN FRONT BACK, NULL);
	const struct diff_policy policies[DIFF_SIDES] = {[DIFF_AFTER] = {after.model, book_of(&after)}};
	struct told told = {.stop_at = 3};

	cr_assert_eq(diff_policies(policies, note, &told), 3);
	cr_assert_eq(told.n, 3);
	compiled_clear(&after);
}

#define ALL_KEYS                                                                                                     \
	"version: 1\ntenants:\n- name: shop\n"                                                                       \
	"  vrfs: [{name: prod, preferredGroup: true, vzAny: {consume: [web]}}]\n"                                    \
	"  bridgeDomains: [{name: bd1, vrf: prod, subnets: [10.1.0.1/24], arp: require-contract, "                   \
	"forwarding: direct}]\n" FILTERS                                                                             \
	"  contracts: [{name: web, onChange: keep, subjects: [{name: http, dscp: AF21, filters: [{name: http, log: " \
	"true}]}]}]\n"                                                                                               \
	"  taboos: [{name: no-web, filters: [http]}]\n" PROFILE

Test(diff, every_attribute_is_told)
{
	struct told told = diff(
		BEGIN "    - {name: back, bridgeDomain: bd1, provide: [web]}\n", ALL_KEYS
		"    - {name: back, bridgeDomain: bd1, provide: [web], taboos: [no-web], preferredGroupMember: true, "
		"police: {rate: 8mbit, burst: 64kb}, intraEpg: {isolation: true, contracts: [web]}}\n");

	EXPECT(told, "changed vrf shop/prod: now any group consumes shop/web; now with a preferred group (4)",
	       "changed bridge-domain shop/bd1: now ARP takes a contract; now forwards directly (5)",
	       "changed group shop/store/back: now denies by taboo shop/no-web; now has shop/web within itself; now "
	       "isolated; "
	       "now member of the preferred group; now sends at most 1000000 bytes a second, 65536 at once (12)",
	       "changed contract shop/web: now keeps tracked flows (7)", "added taboo shop/no-web:  (8)",
	       "added rule shop/no-web > shop/http > web: denies at level 5; tcp dport 80 (6)",
	       "removed rule shop/web > http > shop/http > web:  (6)",
	       "added rule shop/web > http > shop/http > web (from any): logs; marks with DSCP AF21; permits at level "
	       "14; "
	       "tcp dport 80; tracks flows (6)",
	       "added rule shop/web > http > shop/http > web (within the group): logs; marks with DSCP AF21; permits "
	       "at level "
	       "1; tcp dport 80; tracks flows (6)",
	       "added permission any of shop/prod -> shop/store/back: by shop/web (4)",
	       "added permission shop/store/back -> shop/store/back: by shop/web (12)");
}

Test(diff, a_permit_that_becomes_a_deny_takes_the_permission)
{
	struct told told = diff(
		BEGIN FRONT BACK,
		"version: 1\ntenants:\n- name: shop\n" VRFS DOMAINS FILTERS
		"  contracts: [{name: web, subjects: [{name: http, filters: [{name: http, action: deny}]}]}]\n" PROFILE
			FRONT BACK);

	EXPECT(told,
	       "changed rule shop/web > http > shop/http > web: no longer permits at level 7; no longer tracks flows; "
	       "now denies at level 7 (6)",
	       "removed permission shop/store/front -> shop/store/back: by shop/web (11)");
}

Test(diff, what_is_only_audited_permits_nothing)
{
	struct told told =
		diff(BEGIN FRONT BACK,
		     "version: 1\ntenants:\n- name: shop\n" VRFS DOMAINS FILTERS
		     "  contracts: [{name: web, subjects: [{name: http, mode: audit, filters: [http]}]}]\n" PROFILE
			     FRONT BACK);

	EXPECT(told, "changed rule shop/web > http > shop/http > web: now audited only (6)",
	       "removed permission shop/store/front -> shop/store/back: by shop/web (11)");
}

Test(diff, stations_behind_an_interface_are_matched_by_what_tells_them_apart)
{
	struct told told = diff(BEGIN FRONT "    - {name: back, bridgeDomain: bd1, provide: [web], match: [{interface: "
					    "eth1, vlan: 120, ips: [10.1.0.9]}, {interface: \"eth*\"}]}\n",
				BEGIN FRONT "    - {name: back, bridgeDomain: bd1, provide: [web], match: [{interface: "
					    "eth1, vlan: 121}, {interface: \"eth*\"}]}\n");

	EXPECT(told, "changed group shop/store/back: no longer matches station eth1/120; no longer matches station "
		     "eth1/120 with address 10.1.0.9; now matches station eth1/121 (12)");
}
