/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <stdio.h>

#include "compiled.h"
#include "shop.h"

/* The warnings of a policy whose contract has the subjects %s; x and y are bound as %s and %s say. */
static struct epg_diagnostics *warnings_of(const char *subjects, const char *x, const char *y)
{
	struct epg_diagnostics *diagnostics;
	struct tables *tables = NULL;
	struct model *model;
	char text[2048];

	snprintf(text, sizeof(text),
		 "version: 1\n"
		 "tenants:\n"
		 "- name: t\n"
		 "  vrfs: [{name: v}]\n"
		 "  bridgeDomains: [{name: b, vrf: v}]\n"
		 "  filters:\n"
		 "  - {name: web, entries: [{name: http, etherT: ip, prot: tcp, dPort: 80}]}\n"
		 "  - {name: low, entries: [{name: ports, etherT: ip, prot: tcp, dPort: 1-1023}]}\n"
		 "  - {name: halves, entries: [{name: a, etherT: ip, prot: tcp, dPort: 1-79},\n"
		 "                             {name: b, etherT: ip, prot: tcp, dPort: 80-90}]}\n"
		 "  - {name: some, entries: [{name: c, etherT: ip, prot: tcp, dPort: 70-85}]}\n"
		 "  - {name: wide, entries: [{name: most, etherT: ip, prot: tcp, dPort: 1-60000}]}\n"
		 "  contracts: [{name: c, subjects: [%s]}]\n"
		 "  appProfiles:\n"
		 "  - name: a\n"
		 "    epgs: [{name: x, bridgeDomain: b%s}, {name: y, bridgeDomain: b%s}]\n",
		 subjects, x, y);
	cr_assert_eq(diagnostics_new("t.yaml", &diagnostics), 0);
	cr_assert_eq(model_read("t.yaml", text, strlen(text), sizeof(text), diagnostics, &model), 0);
	cr_assert_eq(tables_compile(model, NULL, diagnostics, &tables), 0);
	cr_assert_eq(epg_diagnostics_errors(diagnostics), 0);
	tables_free(tables);
	model_free(model);
	return diagnostics;
}

static const struct epg_diagnostic *find_warning(const struct epg_diagnostics *diagnostics, const char *words)
{
	for (size_t i = 0; i < epg_diagnostics_count(diagnostics); i++) {
		if (strstr(epg_diagnostics_get(diagnostics, i)->message, words))
			return epg_diagnostics_get(diagnostics, i);
	}
	return NULL;
}

#define CONSUME ", consume: [c]"
#define PROVIDE ", provide: [c]"

Test(unreached, an_entry_that_a_stronger_one_covers_is_told_with_its_cover)
{
	AUTO(diagnostics_free)
	struct epg_diagnostics *diagnostics =
		warnings_of("{name: s, filters: [{name: low, action: deny}]}, {name: r, filters: [web]}", CONSUME,
			    PROVIDE);
	const struct epg_diagnostic *warning =
		find_warning(diagnostics, "entry http of filter t/web can never match in contract t/c");

	cr_assert(warning);
	cr_assert_eq(warning->line, 7);
	cr_assert_str_eq(warning->hint, "entry ports of filter t/low in contract t/c, line 8, covers it");
	cr_assert_null(find_warning(diagnostics, "entry ports"));
}

Test(unreached, several_entries_may_cover_one_together)
{
	AUTO(diagnostics_free)
	struct epg_diagnostics *diagnostics = warnings_of("{name: s, filters: [halves, some]}", CONSUME, PROVIDE);
	const struct epg_diagnostic *warning = find_warning(diagnostics, "entry c of filter t/some");

	cr_assert(warning);
	cr_assert_str_eq(warning->hint, "stronger rules for the same groups cover it together");
}

Test(unreached, an_audited_rule_hides_none_that_is_enforced)
{
	AUTO(diagnostics_free)
	struct epg_diagnostics *diagnostics =
		warnings_of("{name: s, mode: audit, filters: [{name: low, action: deny}]}, {name: r, filters: [web]}",
			    CONSUME, PROVIDE);

	cr_assert_null(find_warning(diagnostics, "can never match"));
}

Test(unreached, the_cover_of_an_enforced_rule_is_an_enforced_one)
{
	AUTO(diagnostics_free)
	struct epg_diagnostics *diagnostics = warnings_of(
		"{name: s, mode: audit, filters: [{name: wide, action: deny}]}, {name: r, filters: [low, web]}",
		CONSUME, PROVIDE);
	const struct epg_diagnostic *warning = find_warning(diagnostics, "entry http of filter t/web can never match");

	cr_assert(warning);
	cr_assert(strstr(warning->hint, "entry ports of filter t/low"), "%s", warning->hint);
}

Test(unreached, an_audited_rule_that_an_enforced_one_covers_would_change_nothing)
{
	AUTO(diagnostics_free)
	struct epg_diagnostics *diagnostics =
		warnings_of("{name: s, filters: [low]}, {name: r, mode: audit, filters: [web]}", CONSUME, PROVIDE);

	cr_assert(find_warning(diagnostics, "entry http of filter t/web can never match"));
}

Test(unreached, nothing_is_said_of_what_stands_between_nobody)
{
	AUTO(diagnostics_free)
	struct epg_diagnostics *diagnostics = warnings_of("{name: s, filters: [low, web]}", "", PROVIDE);

	cr_assert_null(find_warning(diagnostics, "can never match"));
}

Test(unreached, an_entry_that_decides_in_one_direction_is_in_use)
{
	/* Stateless answers of `low` cover no opening of `web` from the provider. */
	AUTO(diagnostics_free)
	struct epg_diagnostics *diagnostics =
		warnings_of("{name: s, filters: [low]}, {name: r, reverseFilterPorts: false, filters: [web]}", CONSUME,
			    PROVIDE);

	cr_assert_null(find_warning(diagnostics, "can never match"));
}

Test(unreached, tables_say_which_rules_are_reached)
{
	SHOP(shop);
	AUTO(tables_free) struct tables *tables = NULL;

	build_entry(&shop.builder, shop.http, "again", TCP, PORT(80));
	tables = build_tables(&shop.builder, NULL);
	for (size_t i = 0; i < tables->n_rules; i++)
		cr_assert_eq(tables->reached[i], i != EPG_RULE_IMPLICIT_COUNT + 1, "rule %zu", i);
}
