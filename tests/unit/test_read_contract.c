/* SPDX-License-Identifier: GPL-2.0-only */
#include "reading.h"

/* A tenant with three filters; a contract's keys stand in line 8, its subject's in line 9. */
#define FILTERS                                                          \
	"version: 1\n"                                                   \
	"tenants:\n"                                                     \
	"- name: shop\n"                                                 \
	"  filters:\n"                                                   \
	"  - {name: http, entries: [{name: a, prot: tcp, dPort: 80}]}\n" \
	"  - {name: ssh, entries: [{name: a, prot: tcp, dPort: 22}]}\n"
#define BEFORE_CONTRACT FILTERS "  contracts:\n  - name: web\n"
#define AFTER_CONTRACT "\n    subjects: [{name: s, filters: [http, ssh]}]\n"
#define CONTRACT_LINE 9
#define BEFORE_SUBJECT BEFORE_CONTRACT "    subjects:\n    - {name: s"
#define AFTER_SUBJECT ", filters: [http, ssh]}\n"
#define BEFORE_USE BEFORE_CONTRACT "    subjects:\n    - {name: s, filters: [http"
#define AFTER_USE "]}\n"
#define SUBJECT_LINE 10

static struct model_contract contract_of(const char *text)
{
	struct reading reading = read_good(text);
	struct model_contract contract = reading.model->contracts[0];

	forget(&reading);
	return contract;
}

static struct model_subject subject_of(const char *text)
{
	struct reading reading = read_good(text);
	struct model_subject subject = reading.model->contracts[0].subjects[0];

	forget(&reading);
	return subject;
}

static struct model_filter_use second_use_of(const char *text)
{
	struct reading reading = read_good(text);
	struct model_filter_use use = reading.model->contracts[0].subjects[0].filters[1];

	forget(&reading);
	return use;
}

/* ---- contracts ---- */

#define CONTRACT(keys) contract_of(BEFORE_CONTRACT keys AFTER_CONTRACT)

Test(read_contract, scope_and_change)
{
	cr_assert_eq(CONTRACT("").scope, MODEL_SCOPE_VRF);
	cr_assert_eq(CONTRACT("    scope: application-profile").scope, MODEL_SCOPE_APPLICATION_PROFILE);
	cr_assert_eq(CONTRACT("    scope: tenant").scope, MODEL_SCOPE_TENANT);
	cr_assert_eq(CONTRACT("    scope: global").scope, MODEL_SCOPE_GLOBAL);
	cr_assert_not(CONTRACT("").keep);
	cr_assert_not(CONTRACT("    onChange: reevaluate").keep);
	cr_assert(CONTRACT("    onChange: keep").keep);
}

Test(read_contract, wrong_values_of_contracts)
{
	static const struct bad bad[] = {
		{"    scope: vfr", "\"vfr\" is not possible here", "did you mean \"vrf\"?"},
		{"    scope: [vrf]", "a single value must stand here, not a list", ""},
		{"    onChange: drop", "\"drop\" is not possible here", "one of reevaluate or keep"},
		{"    onChange: {keep: true}", "a single value must stand here, not an object", ""},
	};

	EXPECT_ERRORS(BEFORE_CONTRACT, AFTER_CONTRACT, CONTRACT_LINE, bad);
}

/* ---- subjects ---- */

#define SUBJECT(keys) subject_of(BEFORE_SUBJECT keys AFTER_SUBJECT)

Test(read_contract, directions)
{
	struct model_subject subject = SUBJECT("");

	cr_assert(subject.both_directions);
	cr_assert(subject.reverse_ports);
	cr_assert_not(subject.audit);
	cr_assert_eq(subject.dscp, MODEL_DSCP_NONE);
	subject = SUBJECT(", bothDirections: true, reverseFilterPorts: false");
	cr_assert(subject.both_directions);
	cr_assert_not(subject.reverse_ports);
	subject = SUBJECT(", bothDirections: false");
	cr_assert_not(subject.both_directions);
	subject = SUBJECT(", bothDirections: false, reverseFilterPorts: false");
	cr_assert_not(subject.both_directions);
	cr_assert_not(subject.reverse_ports);
}

Test(read_contract, ports_of_a_direction_that_is_not_permitted_do_nothing)
{
	expect_warning(BEFORE_SUBJECT ", bothDirections: false, reverseFilterPorts: true" AFTER_SUBJECT, SUBJECT_LINE,
		       "reverseFilterPorts does nothing here");
}

Test(read_contract, mode_and_marking)
{
	cr_assert(SUBJECT(", mode: audit").audit);
	cr_assert_not(SUBJECT(", mode: enforce").audit);
	cr_assert_eq(SUBJECT(", dscp: AF21").dscp, 18);
	cr_assert_eq(SUBJECT(", dscp: 0").dscp, 0);
	expect_warning(BEFORE_CONTRACT "    subjects:\n"
				       "    - {name: s, dscp: EF, filters: [{name: http, action: deny}]}\n",
		       SUBJECT_LINE, "dscp does nothing here");
}

Test(read_contract, wrong_values_of_subjects)
{
	static const struct bad bad[] = {
		{", bothDirections: yes", "\"yes\" is neither true nor false", "write true"},
		{", reverseFilterPorts: []", "a single value must stand here, not a list", ""},
		{", mode: log", "\"log\" is not possible here", "one of enforce or audit"},
		{", dscp: 64", "DSCP 64 is out of range", "from 0 to 63"},
		{", dscp: AF12x", "\"AF12x\" is not a DSCP", "did you mean \"AF12\"?"},
		{", priority: level1", "unknown key \"priority\"", "a subject has the keys name, bothDirections"},
	};

	EXPECT_ERRORS(BEFORE_SUBJECT, AFTER_SUBJECT, SUBJECT_LINE, bad);
}

/* ---- filters of a subject ---- */

#define USE(item) second_use_of(BEFORE_USE ", " item AFTER_USE)

Test(read_contract, actions)
{
	struct model_filter_use use = USE("ssh");

	cr_assert_eq(use.filter, 1);
	cr_assert_not(use.deny);
	cr_assert_not(use.log);
	cr_assert_eq(use.priority, MODEL_PRIORITY_DEFAULT);
	use = USE("{name: ssh, action: permit, log: true}");
	cr_assert_not(use.deny);
	cr_assert(use.log);
	use = USE("{name: shop/ssh, action: deny}");
	cr_assert_eq(use.filter, 1);
	cr_assert(use.deny);
	cr_assert_eq(use.priority, MODEL_PRIORITY_DEFAULT);
	cr_assert_eq(USE("{name: ssh, action: deny, priority: default}").priority, MODEL_PRIORITY_DEFAULT);
	cr_assert_eq(USE("{name: ssh, action: deny, priority: level1}").priority, MODEL_PRIORITY_LEVEL1);
	cr_assert_eq(USE("{name: ssh, action: deny, priority: level2}").priority, MODEL_PRIORITY_LEVEL2);
	cr_assert_eq(USE("{name: ssh, action: deny, priority: level3, log: true}").priority, MODEL_PRIORITY_LEVEL3);
}

Test(read_contract, wrong_filters_of_subjects)
{
	static const struct bad bad[] = {
		{", {name: ssh, action: drop}", "\"drop\" is not possible here", "one of permit or deny"},
		{", {name: ssh, priority: level1}", "only a deny has a priority", "add action: deny"},
		{", {name: ssh, action: permit, priority: default}", "only a deny has a priority", "take it out"},
		{", {name: ssh, action: deny, priority: level4}", "\"level4\" is not possible here", "level"},
		{", {name: ssh, action: deny, priority: 1}", "\"1\" is not possible here", "default, level1"},
		{", {name: ssh, log: 1}", "\"1\" is neither true nor false", ""},
		{", {action: deny}", "a filter of a subject needs the key \"name\"", ""},
		{", http", "the filter http is given twice", "line 10"},
		{", {name: http, action: deny}", "the filter http is given twice", "line 10"},
		{", shop/http", "the filter shop/http is given twice", ""},
		{", acme/http", "\"acme/http\" is a filter of another tenant", "define it in tenant \"shop\""},
		{", [ssh]", "a single value must stand here, not a list", ""},
	};

	EXPECT_ERRORS(BEFORE_USE, AFTER_USE, SUBJECT_LINE, bad);
}

/* ---- taboos ---- */

#define BEFORE_TABOO FILTERS "  taboos:\n"
#define TABOO_LINE 8

Test(read_contract, taboos)
{
	struct reading reading = read_good(BEFORE_TABOO "  - {name: no, filters: [ssh, {name: http, log: true}]}\n");
	const struct model_taboo *taboo = &reading.model->taboos[0];

	cr_assert_eq(reading.model->n_taboos, 1);
	cr_assert_str_eq(taboo->name, "shop/no");
	cr_assert_eq(taboo->place.line, TABOO_LINE);
	cr_assert_eq(taboo->n_filters, 2);
	cr_assert_eq(taboo->filters[0].filter, 1);
	cr_assert(taboo->filters[0].deny);
	cr_assert_not(taboo->filters[0].log);
	cr_assert(taboo->filters[1].deny);
	cr_assert(taboo->filters[1].log);
	forget(&reading);
}

Test(read_contract, wrong_taboos)
{
	static const struct bad bad[] = {
		{"  - {name: no, filters: [{name: ssh, action: deny}]}\n", "it has no action", "take it out"},
		{"  - {name: no, filters: [{name: ssh, priority: level1}]}\n", "it has no priority", "take it out"},
		{"  - {name: no, filters: [ssh, ssh]}\n", "the filter ssh is given twice", "line 8"},
		{"  - {name: no, filters: [shh]}\n", "filter \"shh\" does not exist", "did you mean \"ssh\"?"},
		{"  - {name: no, filters: ssh}\n", "a list must stand here", "write [ssh]"},
		{"  - {name: no}\n", "a taboo needs the key \"filters\"", ""},
		{"  - {filters: [ssh]}\n", "a taboo needs the key \"name\"", ""},
		{"  - {name: no, filters: [ssh], scope: vrf}\n", "unknown key \"scope\"", "a taboo has the keys name"},
	};

	EXPECT_ERRORS(BEFORE_TABOO, "", TABOO_LINE, bad);
	expect_error(BEFORE_TABOO "  - {name: no, filters: [ssh]}\n  - {name: no, filters: [http]}\n", TABOO_LINE + 1,
		     "taboo \"no\" exists already", "line 8");
	expect_warning(BEFORE_TABOO "  - {name: no, filters: []}\n", TABOO_LINE, "it denies nothing");
}
