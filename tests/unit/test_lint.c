/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "epg/epg.h"

#define FOUND_MAX 64

/* What was found, one finding a string: "code LINE: message". */
struct found {
	char text[FOUND_MAX][512];
	char hint[FOUND_MAX][512];
	enum epg_severity severity[FOUND_MAX];
	size_t n;
};

static struct epg *epg;

static void open_context(void)
{
	const struct epg_options options = {.size = sizeof(options), .pin = "/sys/fs/bpf/epg-test-lint"};

	cr_assert_eq(epg_open(&options, &epg), 0);
}

static void close_context(void)
{
	epg_close(epg);
}

TestSuite(lint, .init = open_context, .fini = close_context);

static int note(void *user, const struct epg_finding *finding)
{
	struct found *found = user;

	cr_assert(found->n < FOUND_MAX);
	cr_assert_str_eq(finding->code_name, epg_lint_code_name(finding->code));
	cr_assert_str_eq(finding->file, "shop.yaml");
	found->severity[found->n] = finding->severity;
	snprintf(found->hint[found->n], sizeof(found->hint[0]), "%s", finding->hint);
	snprintf(found->text[found->n++], sizeof(found->text[0]), "%s %u: %s", finding->code_name, finding->line,
		 finding->message);
	return 0;
}

static struct epg_policy *read_policy(const char *text)
{
	const struct epg_policy_source source = {.size = sizeof(source),
						 .path = "shop.yaml",
						 .text = text,
						 .length = strlen(text)};
	struct epg_policy *policy;

	cr_assert_eq(epg_policy_read(epg, &source, &policy, NULL), 0, "%s", epg_error(epg)->message);
	return policy;
}

static struct found lint(const char *text)
{
	struct epg_policy *policy = read_policy(text);
	struct found found = {0};

	cr_assert_eq(epg_lint(epg, policy, NULL, note, &found), 0, "%s", epg_error(epg)->message);
	epg_policy_free(policy);
	return found;
}

static void expect(const struct found *found, const char *const *expected, size_t n)
{
	for (size_t i = 0; i < n && i < found->n; i++)
		cr_assert_str_eq(found->text[i], expected[i]);
	cr_assert_eq(found->n, n, "%zu findings, not %zu; the last: %s", found->n, n,
		     found->n ? found->text[found->n - 1] : "");
}

#define EXPECT(found, ...)                                            \
	do {                                                          \
		static const char *const expected_[] = {__VA_ARGS__}; \
		expect(&(found), expected_, ARRAY_SIZE(expected_));   \
	} while (0)

#define BEGIN                      \
	"version: 1\n"             \
	"tenants:\n"               \
	"- name: shop\n"           \
	"  vrfs: [{name: prod}]\n" \
	"  bridgeDomains: [{name: bd1, vrf: prod, subnets: [10.1.0.1/24]}]\n"
#define PROFILE "  appProfiles:\n  - name: store\n    epgs:\n"
#define FRONT "    - {name: front, bridgeDomain: bd1, consume: [web], match: [{interface: \"f-*\"}]}\n"
#define BACK "    - {name: back, bridgeDomain: bd1, provide: [web], match: [{interface: \"b-*\"}]}\n"
#define HTTP "  - {name: http, entries: [{name: web, etherT: ip, prot: tcp, dPort: 80}]}\n"
#define HTTP_AGAIN "  - {name: more, entries: [{name: web, etherT: ip, prot: tcp, dPort: 81}]}\n"
#define WEB "  - {name: web, subjects: [{name: s, filters: [http]}]}\n"

Test(lint, a_clean_policy_has_no_findings)
{
	struct found found = lint(BEGIN "  filters:\n" HTTP "  contracts:\n" WEB PROFILE FRONT BACK);

	cr_assert_eq(found.n, 0, "%s", found.text[0]);
}

Test(lint, contracts_that_bind_nobody)
{
	struct found found = lint(
		BEGIN "  filters:\n" HTTP "  contracts:\n" WEB
		      "  - {name: offered, subjects: [{name: s, filters: [http]}]}\n"
		      "  - {name: wanted, subjects: [{name: s, filters: [http]}]}\n"
		      "  - {name: nobody, subjects: [{name: s, filters: [http]}]}\n" PROFILE
		      "    - {name: front, bridgeDomain: bd1, consume: [web, wanted], match: [{ip: 10.1.0.2/32}]}\n"
		      "    - {name: back, bridgeDomain: bd1, provide: [web, offered], match: [{ip: 10.1.0.3/32}]}\n");

	EXPECT(found, "contract-without-consumer 10: contract \"offered\" has no consumer",
	       "contract-without-provider 11: contract \"wanted\" has no provider",
	       "contract-unused 12: contract \"nobody\" has neither provider nor consumer");
}

Test(lint, what_nobody_uses)
{
	struct found found = lint(
		BEGIN "  filters:\n" HTTP "  - {name: ssh, entries: [{name: s, etherT: ip, prot: tcp, dPort: 22}]}\n"
		      "  - {name: none, entries: []}\n"
		      "  contracts:\n" WEB "  taboos: [{name: no-web, filters: [http]}]\n" PROFILE FRONT BACK);

	EXPECT(found, "filter-unused 8: filter \"ssh\" is used by no contract and no taboo",
	       "filter-unused 9: filter \"none\" is used by no contract and no taboo",
	       "filter-empty 9: the filter has no entries: it matches nothing",
	       "taboo-unused 12: taboo \"no-web\" is used by no EPG");
}

Test(lint, a_rule_that_one_stronger_rule_covers)
{
	struct found found = lint(
		BEGIN
		"  filters:\n" HTTP "  - {name: all, entries: [{name: tcp, etherT: ip, prot: tcp}]}\n"
		"  contracts:\n"
		"  - {name: web, subjects: [{name: s, filters: [http, {name: all, action: deny}]}]}\n" PROFILE FRONT
			BACK);

	cr_assert_eq(found.n, 1);
	cr_assert(strstr(found.text[0], "rule-shadowed 7: "), "%s", found.text[0]);
	cr_assert(strstr(found.hint[0], "line 8"), "%s", found.hint[0]);
}

Test(lint, a_rule_that_stronger_rules_cover_together)
{
	struct found found =
		lint(BEGIN "  filters:\n"
			   "  - {name: http, entries: [{name: web, etherT: ip, prot: tcp, dPort: 80-81}]}\n"
			   "  - {name: low, entries: [{name: a, etherT: ip, prot: tcp, dPort: 1-80}]}\n"
			   "  - {name: high, entries: [{name: b, etherT: ip, prot: tcp, dPort: 81-99}]}\n"
			   "  contracts:\n"
			   "  - {name: web, subjects: [{name: s, filters: [http, {name: low, action: deny}, "
			   "{name: high, action: deny}]}]}\n" PROFILE FRONT BACK);

	cr_assert_eq(found.n, 1);
	cr_assert(strstr(found.text[0], "rule-unreachable 7: "), "%s", found.text[0]);
}

Test(lint, a_repetition_is_told_once)
{
	struct found found = lint(
		BEGIN "  filters:\n" HTTP "  - {name: again, entries: [{name: a, etherT: ip, prot: tcp, dPort: 80}]}\n"
		      "  - {name: twice, entries: [{name: a, etherT: ip, prot: tcp, dPort: 8080}, "
		      "{name: b, etherT: ip, prot: tcp, dPort: 8080}]}\n"
		      "  contracts:\n"
		      "  - {name: web, subjects: [{name: s, filters: [http, again, twice]}]}\n" PROFILE FRONT BACK);

	EXPECT(found, "rule-shadowed 9: entry \"b\" never decides",
	       "rule-shadowed 11: entry \"a\" of filter \"again\" never decides here");
}

Test(lint, entries_that_overlap)
{
	struct found found = lint(
		BEGIN
		"  filters:\n"
		"  - name: http\n    entries:\n"
		"    - {name: low, etherT: ip, prot: tcp, dPort: 80-443}\n"
		"    - {name: high, etherT: ip, prot: tcp, dPort: 443-500}\n"
		"    - {name: other, etherT: ip, prot: udp, dPort: 443-500}\n"
		"  - {name: more, entries: [{name: m, etherT: ipv4, prot: tcp, dPort: 500-600}]}\n"
		"  - {name: no, entries: [{name: n, etherT: ip, prot: tcp, dPort: 90-700}]}\n"
		"  contracts:\n"
		"  - name: web\n    subjects:\n"
		"    - {name: s, filters: [http, more, {name: no, action: deny, priority: level1}]}\n" PROFILE FRONT
			BACK);

	EXPECT(found, "entries-overlap 10: entry \"high\" of filter shop/http overlaps entry \"low\"",
	       "entries-overlap 17: entry \"m\" of filter shop/more overlaps entry \"high\" of filter shop/http");
	cr_assert_eq(found.severity[0], EPG_SEVERITY_NOTE);
	cr_assert_str_eq(found.hint[0], "the entry in line 9 decides and counts what both match");
}

Test(lint, subjects_left_in_audit_mode)
{
	struct found found = lint(
		BEGIN
		"  filters:\n" HTTP
		"  contracts: [{name: web, subjects: [{name: s, mode: audit, filters: [http]}]}]\n" PROFILE FRONT BACK);

	EXPECT(found, "subject-audited 8: subject \"s\" of contract shop/web is in audit mode: it decides nothing");
	cr_assert_eq(found.severity[0], EPG_SEVERITY_NOTE);
}

Test(lint, groups_that_nobody_is_in)
{
	struct found found =
		lint(BEGIN PROFILE "    - {name: empty, bridgeDomain: bd1}\n"
				   "    - {name: named, bridgeDomain: bd1, endpoints: [{interface: veth1}]}\n"
				   "  externalEpgs: [{name: net, vrf: prod, subnets: [192.0.2.0/24]}]\n");

	EXPECT(found, "group-without-endpoints 9: EPG shop/store/empty has neither endpoints nor a match");
}

Test(lint, preferred_groups_without_the_other_half)
{
	struct found found =
		lint("version: 1\ntenants:\n- name: shop\n"
		     "  vrfs:\n  - {name: prod}\n  - {name: lab, preferredGroup: true}\n"
		     "  bridgeDomains: [{name: bd1, vrf: prod, subnets: [10.1.0.1/24]}]\n" PROFILE
		     "    - {name: m, bridgeDomain: bd1, preferredGroupMember: true, match: [{ip: 10.1.0.2/32}]}\n");

	cr_assert_eq(found.n, 2);
	cr_assert(strstr(found.text[0], "preferred-group-without-member 6: "), "%s", found.text[0]);
	cr_assert(strstr(found.text[1], "preferred-member-without-group 11: "), "%s", found.text[1]);
}

Test(lint, vrfs_that_let_everything_pass)
{
	struct found found = lint("version: 1\ntenants:\n- name: shop\n"
				  "  vrfs:\n"
				  "  - {name: open, vzAny: {provide: [all], consume: [all]}}\n"
				  "  - {name: web, vzAny: {provide: [some], consume: [some]}}\n"
				  "  - {name: off, enforcement: unenforced}\n"
				  "  filters:\n" HTTP "  - {name: ip, entries: [{name: any, etherT: ip}]}\n"
				  "  contracts:\n"
				  "  - {name: all, subjects: [{name: s, filters: [ip]}]}\n"
				  "  - {name: some, subjects: [{name: s, filters: [http]}, "
				  "{name: trial, mode: audit, filters: [ip]}]}\n");

	EXPECT(found,
	       "permits-everything 5: all groups of VRF shop/open provide and consume contract shop/all, which permits "
	       "everything",
	       "vrf-unenforced 7: VRF shop/off is not enforced: everything passes within it",
	       "subject-audited 13: subject \"trial\" of contract shop/some is in audit mode: it decides nothing");
}

Test(lint, scopes_that_exclude)
{
	struct found found =
		lint("version: 1\ntenants:\n- name: shop\n"
		     "  vrfs: [{name: prod}, {name: lab}]\n"
		     "  bridgeDomains:\n"
		     "  - {name: bd1, vrf: prod, subnets: [10.1.0.1/24]}\n"
		     "  - {name: bd2, vrf: lab, subnets: [10.2.0.1/24]}\n"
		     "  filters:\n" HTTP "  contracts:\n" WEB PROFILE FRONT
		     "    - {name: back, bridgeDomain: bd2, provide: [web], match: [{ip: 10.2.0.2/32}]}\n");

	cr_assert_eq(found.n, 2);
	cr_assert(strstr(found.text[0], "scope-excludes 15: "), "%s", found.text[0]);
	cr_assert(strstr(found.text[1], "scope-excludes 16: "), "%s", found.text[1]);
}

static int stop_at_once(void *user, const struct epg_finding *finding)
{
	(void)finding;
	++*(int *)user;
	return 42;
}

Test(lint, the_callback_stops_the_walk)
{
	struct epg_policy *policy = read_policy(BEGIN "  filters:\n" HTTP HTTP_AGAIN);
	int told = 0;

	cr_assert_eq(epg_lint(epg, policy, NULL, stop_at_once, &told), 42);
	cr_assert_eq(told, 1);
	epg_policy_free(policy);
}

Test(lint, an_instance_that_is_not_there_is_a_failure)
{
	const struct epg_lint_options options = {.size = sizeof(options), .instance = true};
	struct epg_policy *policy = read_policy(BEGIN);
	struct found found = {0};

	cr_assert_eq(epg_lint(epg, policy, &options, note, &found), -ENODEV);
	epg_policy_free(policy);
}

Test(lint, every_code_has_a_name_and_a_sentence_of_its_own)
{
	for (unsigned int i = 0; i < EPG_LINT_COUNT; i++) {
		const char *name = epg_lint_code_name((enum epg_lint_code)i);

		cr_assert_gt(strlen(epg_lint_code_text((enum epg_lint_code)i)), 20);
		cr_assert_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz-"), strlen(name), "%s", name);
		for (unsigned int j = 0; j < i; j++)
			cr_assert_str_neq(name, epg_lint_code_name((enum epg_lint_code)j));
	}
	cr_assert_null(epg_lint_code_name(EPG_LINT_COUNT));
	cr_assert_null(epg_lint_code_text(EPG_LINT_COUNT));
}
