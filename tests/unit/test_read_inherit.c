/* SPDX-License-Identifier: GPL-2.0-only */
#include "reading.h"

/* Contracts 0 to 3 are a, b, c and d; the EPGs are written below. */
#define BEFORE_EPGS                                                                                           \
	"version: 1\n"                                                                                        \
	"tenants:\n"                                                                                          \
	"- name: shop\n"                                                                                      \
	"  vrfs: [{name: prod}, {name: dev}]\n"                                                               \
	"  bridgeDomains: [{name: bd1, vrf: prod}, {name: bd2, vrf: dev}]\n"                                  \
	"  contracts: [{name: a, subjects: []}, {name: b, subjects: []}, {name: c, subjects: []}, {name: d, " \
	"subjects: []}]\n"                                                                                    \
	"  externalEpgs:\n"                                                                                   \
	"  - {name: net, vrf: prod, subnets: [192.0.2.0/24], provide: [d]}\n"                                 \
	"  - {name: out, vrf: prod, subnets: [0.0.0.0/0], inherit: [net]}\n"                                  \
	"  appProfiles:\n"                                                                                    \
	"  - name: store\n"                                                                                   \
	"    epgs:\n"
#define FIRST_EPG_LINE 13
#define EPG(name, keys) "    - {name: " name ", bridgeDomain: bd1, " keys "}\n"

static const struct model_group *group_named(const struct model *model, const char *name)
{
	for (size_t i = 0; i < model->n_groups; i++)
		if (!strcmp(model->groups[i].name, name))
			return &model->groups[i];
	cr_assert_fail("%s", name);
	return NULL;
}

/* "0 2 1": the contracts in their order. */
static void expect_uses(const struct model_contract_use *uses, size_t n_uses, const char *expected)
{
	char text[64] = "";

	for (size_t i = 0; i < n_uses; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u", i ? " " : "", uses[i].contract);
	cr_assert_str_eq(text, expected);
}

Test(read_inherit, takes_what_others_have_taken)
{
	struct reading reading = read_good(BEFORE_EPGS EPG("x", "provide: [a], inherit: [y]")
						   EPG("y", "provide: [b], consume: [d], inherit: [z]")
							   EPG("z", "provide: [c, a], consume: [a]"));
	const struct model_group *x = group_named(reading.model, "shop/store/x");
	const struct model_group *y = group_named(reading.model, "shop/store/y");
	const struct model_group *z = group_named(reading.model, "shop/store/z");

	expect_uses(x->provide, x->n_provide, "0 1 2");
	expect_uses(x->consume, x->n_consume, "3 0");
	expect_uses(y->provide, y->n_provide, "1 2 0");
	expect_uses(z->provide, z->n_provide, "2 0");
	cr_assert_eq(x->n_inherit, 1);
	cr_assert_eq(x->inherit[0].group, (uint32_t)(y - reading.model->groups));
	cr_assert_eq(x->provide[0].place.line, FIRST_EPG_LINE);
	cr_assert_eq(x->provide[2].place.line, FIRST_EPG_LINE, "the place where it is inherited");
	forget(&reading);
}

Test(read_inherit, two_ways_to_one_epg_are_no_circle)
{
	struct reading reading =
		read_good(BEFORE_EPGS EPG("x", "inherit: [y, z]") EPG("y", "consume: [b], inherit: [w]")
				  EPG("z", "consume: [c], inherit: [w]") EPG("w", "consume: [a]"));
	const struct model_group *x = group_named(reading.model, "shop/store/x");

	expect_uses(x->consume, x->n_consume, "1 0 2");
	forget(&reading);
}

Test(read_inherit, neither_taboos_nor_contracts_within_are_taken)
{
	struct reading reading =
		read_good(BEFORE_EPGS EPG("x", "inherit: [y]")
				  EPG("y", "provide: [a], intraEpg: {isolation: true, contracts: [b]}"));
	const struct model_group *x = group_named(reading.model, "shop/store/x");

	expect_uses(x->provide, x->n_provide, "0");
	cr_assert_eq(x->n_intra, 0);
	cr_assert_not(x->isolated);
	forget(&reading);
}

Test(read_inherit, names_of_other_profiles)
{
	struct reading reading = read_good(BEFORE_EPGS EPG("x", "inherit: [y, other/y, shop/other/z]")
						   EPG("y", "provide: [a]") "  - name: other\n"
									    "    epgs:\n" EPG("y", "provide: [b]")
										    EPG("z", "provide: [c]"));
	const struct model_group *x = group_named(reading.model, "shop/store/x");

	expect_uses(x->provide, x->n_provide, "0 1 2");
	forget(&reading);
}

Test(read_inherit, external_epgs_inherit_from_each_other)
{
	struct reading reading = read_good(BEFORE_EPGS EPG("x", "consume: [d]"));
	const struct model_group *out = group_named(reading.model, "shop/out");

	expect_uses(out->provide, out->n_provide, "3");
	forget(&reading);
}

/* ---- what is refused ---- */

Test(read_inherit, names_that_lead_nowhere)
{
	static const struct bad bad[] = {
		{"[back1]", "EPG \"back1\" does not exist", "did you mean \"back\"?"},
		{"[nobody]", "EPG \"nobody\" does not exist", "profile/epg or tenant/profile/epg"},
		{"[other/back]", "EPG \"other/back\" does not exist", ""},
		{"[a/b/c/d]", "EPG \"a/b/c/d\" does not exist", ""},
		{"[net]", "an EPG cannot inherit from the external EPG \"net\"", "name the contracts themselves"},
		{"[shop/net]", "an EPG cannot inherit from the external EPG \"shop/net\"", ""},
		{"[back, store/back]", "the group store/back is given twice", "line 13"},
		{"[far]", "\"far\" is in another VRF", "it is in VRF shop/dev, and this one in shop/prod"},
		{"[x]", "shop/store/x inherits from itself", "take it out"},
		{"x", "a list must stand here", "write [x]"},
		{"[[x]]", "a single value must stand here, not a list", ""},
	};

	EXPECT_ERRORS(BEFORE_EPGS "    - {name: x, bridgeDomain: bd1, inherit: ",
		      "}\n" EPG("back", "provide: [a]") "    - {name: far, bridgeDomain: bd2}\n", FIRST_EPG_LINE, bad);
}

Test(read_inherit, external_epgs_inherit_from_external_ones_only)
{
	static const struct bad bad[] = {
		{"[shop/store/x]", "an external EPG cannot inherit from the EPG \"shop/store/x\"", "take it out"},
		{"[store/x]", "an external EPG cannot inherit from the EPG \"store/x\"", ""},
		{"[x]", "external EPG \"x\" does not exist", "tenant/external"},
		{"[nte]", "external EPG \"nte\" does not exist", "did you mean \"net\"?"},
		{"[net, shop/net]", "the group shop/net is given twice", ""},
	};

	EXPECT_ERRORS("version: 1\n"
		      "tenants:\n"
		      "- name: shop\n"
		      "  vrfs: [{name: prod}]\n"
		      "  bridgeDomains: [{name: bd1, vrf: prod}]\n"
		      "  appProfiles: [{name: store, epgs: [{name: x, bridgeDomain: bd1}]}]\n"
		      "  externalEpgs:\n"
		      "  - {name: net, vrf: prod, subnets: []}\n"
		      "  - {name: out, vrf: prod, subnets: [], inherit: ",
		      "}\n", 9, bad);
}

Test(read_inherit, circles_are_shown)
{
	expect_error(BEFORE_EPGS EPG("x", "inherit: [y]") EPG("y", "inherit: [z]") EPG("z", "inherit: [y]"),
		     FIRST_EPG_LINE + 2, "inherit goes round in a circle: shop/store/y -> shop/store/z -> shop/store/y",
		     "take one of them out");
}

Test(read_inherit, long_circles_are_cut_short)
{
	char text[8192] = BEFORE_EPGS;

	for (int i = 0; i < 20; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), EPG("e%d", "inherit: [e%d]"), i,
			 (i + 1) % 20);
	expect_error(text, FIRST_EPG_LINE + 19, "shop/store/e4 -> shop/store/e5 -> … -> shop/store/e0", "");
}

/* The reading of a text that a function writes. */
static struct reading read_written(void (*write_text)(FILE *))
{
	AUTO_FREE char *text = NULL;
	size_t length;
	FILE *stream = open_memstream(&text, &length);
	struct reading reading;

	cr_assert_not_null(stream);
	write_text(stream);
	cr_assert_eq(fclose(stream), 0);
	reading = read_text(text);
	return reading;
}

#define CHAIN_EPGS 50000

static void write_chain(FILE *stream)
{
	fputs(BEFORE_EPGS, stream);
	for (int i = 0; i < CHAIN_EPGS; i++)
		fprintf(stream, "    - {name: e%d, bridgeDomain: bd1, inherit: [e%d]}\n", i, i + 1);
	fprintf(stream, EPG("e%d", "provide: [a]"), CHAIN_EPGS);
}

Test(read_inherit, a_long_chain_is_followed_without_recursion)
{
	struct reading reading = read_written(write_chain);
	const struct model_group *first = group_named(reading.model, "shop/store/e0");

	expect_uses(first->provide, first->n_provide, "0");
	forget(&reading);
}

#define HEIRS 6000

/* Each EPG of a chain provides a contract of its own: all that they inherit would be half the square of that. */
static void write_heirs(FILE *stream)
{
	fputs("version: 1\ntenants:\n- name: t\n  vrfs: [{name: v}]\n  bridgeDomains: [{name: b, vrf: v}]\n"
	      "  contracts:\n",
	      stream);
	for (int i = 0; i < HEIRS; i++)
		fprintf(stream, "  - {name: c%d, subjects: []}\n", i);
	fputs("  appProfiles:\n  - name: a\n    epgs:\n    - {name: e0, bridgeDomain: b}\n", stream);
	for (int i = 1; i < HEIRS; i++)
		fprintf(stream, "    - {name: e%d, bridgeDomain: b, provide: [c%d], inherit: [e%d]}\n", i, i, i - 1);
}

Test(read_inherit, what_would_fill_memory_is_refused)
{
	struct reading reading = read_written(write_heirs);

	cr_assert_eq(reading.error, -EBADMSG);
	cr_assert_eq(diagnostics_errors(reading.diagnostics), 1);
	cr_assert_not_null(find(&reading, "inherit too much from each other"), "%s", first_message(&reading));
	forget(&reading);
}
