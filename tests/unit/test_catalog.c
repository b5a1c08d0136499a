/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile/catalog.h"
#include "model_builder.h"
#include "random.h"

/* A policy with something in every section. */
static struct tables *sample(void)
{
	MODEL_BUILDER(builder);
	uint32_t vrf = build_vrf(&builder, "shop/prod", build_tenant(&builder, "shop"), true);
	uint32_t domain = build_bridge_domain(&builder, "shop/bd1", vrf);
	uint32_t front = build_group(&builder, "shop/store/front", 0, domain);
	uint32_t back = build_group(&builder, "shop/store/back", 0, domain);
	uint32_t internet = build_external(&builder, "shop/internet", vrf);
	uint32_t http = build_filter(&builder, "shop/http");
	uint32_t web = build_contract(&builder, "shop/web", MODEL_SCOPE_VRF);
	struct model_endpoint *endpoint;
	struct model_prefix ips[] = {build_prefix("10.1.0.2/32"), build_prefix("fd00::2/128")};

	build_entry(&builder, http, "web", 6, (struct model_range){80, 443})->stateful = false;
	build_subject(&builder, web, "http", http);
	build_provide(&builder, back, web);
	build_consume(&builder, front, web);
	build_consume(&builder, internet, web);
	BUILD(&builder, builder.model.vrfs[vrf].consume, builder.model.vrfs[vrf].n_consume, {.contract = web});
	build_external_subnet(&builder, internet, "0.0.0.0/0");
	build_match_interface(&builder, front, "veth-*");
	endpoint = build_endpoint(&builder, back, "veth-back");
	endpoint->ips = ips;
	endpoint->n_ips = 2;
	endpoint->has_mac = true;
	memcpy(endpoint->mac, (uint8_t[]){2, 0, 0, 0, 0, 9}, 6);
	build_match_interface(&builder, back, "veth-front-*");
	build_match_station(&builder, back, "eth1", 120, 7);
	build_match_station(&builder, back, NULL, 0, 8);
	return build_tables(&builder, NULL);
}

static struct catalog open_sample(const struct tables *tables)
{
	struct catalog catalog;

	cr_assert_eq(catalog_open(tables->catalog, tables->catalog_length, &catalog), 0);
	return catalog;
}

Test(catalog, groups_are_found_by_class_and_by_name)
{
	AUTO(tables_free) struct tables *tables = sample();
	struct catalog catalog = open_sample(tables);
	const struct catalog_group *group = catalog_group_by_name(&catalog, "shop/internet");

	cr_assert(group);
	cr_assert(group->external);
	cr_assert_eq(group->bridge_domain, CATALOG_NONE);
	cr_assert_str_eq(catalog_string(&catalog, catalog.vrfs[group->vrf].name), "shop/prod");
	cr_assert_eq(catalog_group_by_class(&catalog, (uint16_t)group->class_id), group);
	cr_assert_null(catalog_group_by_class(&catalog, 0));
	cr_assert_null(catalog_group_by_class(&catalog, EPG_CLASS_LAST));
	cr_assert_null(catalog_group_by_name(&catalog, "shop/inter"));
	cr_assert_null(catalog_group_by_name(&catalog, ""));
	for (size_t i = 0; i < catalog.n_groups; i++) {
		group = &catalog.groups[i];
		cr_assert_eq(catalog_group_by_name(&catalog, catalog_string(&catalog, group->name)), group);
	}
	cr_assert_str_eq(catalog.file, "test.yaml");
}

Test(catalog, rules_between_two_groups)
{
	AUTO(tables_free) struct tables *tables = sample();
	struct catalog catalog = open_sample(tables);
	uint16_t front = (uint16_t)catalog_group_by_name(&catalog, "shop/store/front")->class_id;
	uint16_t back = (uint16_t)catalog_group_by_name(&catalog, "shop/store/back")->class_id;
	uint16_t internet = (uint16_t)catalog_group_by_name(&catalog, "shop/internet")->class_id;
	const struct catalog_rule_set *set = catalog_rules_between(&catalog, front, back);
	const struct catalog_rule *rule;

	cr_assert(set);
	cr_assert_eq(set->count, 1);
	cr_assert_eq(catalog_rules_between(&catalog, internet, back), set, "pairs with the same rules share them");
	cr_assert_null(catalog_rules_between(&catalog, front, internet));
	rule = &catalog.rules[catalog.members[set->first].rule];
	cr_assert_str_eq(catalog_string(&catalog, catalog.contracts[rule->contract].name), "shop/web");
	cr_assert_str_eq(catalog_string(&catalog, rule->subject), "http");
	cr_assert_str_eq(catalog_string(&catalog, rule->filter), "shop/http");
	cr_assert_str_eq(catalog_string(&catalog, rule->entry), "web");
	cr_assert_eq(rule->reverse, 0);
	set = catalog_rules_between(&catalog, back, front);
	cr_assert(set);
	cr_assert_eq(catalog.rules[catalog.members[set->first].rule].reverse, 1);
}

Test(catalog, exact_names_bind_before_globs_and_earlier_globs_before_later_ones)
{
	AUTO(tables_free) struct tables *tables = sample();
	struct catalog catalog = open_sample(tables);
	const struct catalog_binding *binding = catalog_binding_of(&catalog, "veth-back");

	cr_assert(binding);
	cr_assert_eq(binding->glob, 0);
	cr_assert_eq(binding->mac[5], 9);
	cr_assert_eq(binding->n_addresses, 2);
	cr_assert_eq(catalog.addresses[binding->first_address].address[15], 2);
	cr_assert_str_eq(catalog_string(&catalog, catalog.groups[binding->group].name), "shop/store/back");
	binding = catalog_binding_of(&catalog, "veth-front-1");
	cr_assert(binding);
	cr_assert_str_eq(catalog_string(&catalog, binding->interface), "veth-*");
	cr_assert_str_eq(catalog_string(&catalog, catalog.groups[binding->group].name), "shop/store/front");
	cr_assert_null(catalog_binding_of(&catalog, "eth0"));
}

/* ---- who is behind an interface ---- */

/* Groups of two VRFs, whose matches stand in the file in an order that is none of the catalog's. */
static struct tables *stations(void)
{
	MODEL_BUILDER(builder);
	uint32_t tenant = build_tenant(&builder, "shop");
	uint32_t prod = build_vrf(&builder, "shop/prod", tenant, true),
		 dev = build_vrf(&builder, "shop/dev", tenant, true);
	uint32_t front = build_group(&builder, "shop/a/front", 0, build_bridge_domain(&builder, "shop/bd1", prod));
	uint32_t back = build_group(&builder, "shop/a/back", 0, build_bridge_domain(&builder, "shop/bd2", dev));
	struct model_prefix ips[] = {build_prefix("10.1.0.7/32"), build_prefix("fd00::7/128")};
	struct model_match *match;

	build_match_station(&builder, front, NULL, 0, 1);
	build_match_station(&builder, front, "eth*", 120, 0);
	build_match_station(&builder, front, "eth[1]", 0, 2);
	match = build_match_station(&builder, front, "eth1", 120, 7);
	match->ips = ips;
	match->n_ips = 2;
	build_match_prefix(&builder, front, "10.9.0.0/24");
	build_match_interface(&builder, front, "eth1");
	build_match_station(&builder, back, "eth1", 120, 0);
	build_match_station(&builder, back, NULL, 0, 1);
	build_match_station(&builder, back, "eth?", 7, 0);
	build_endpoint(&builder, back, "eth9");
	return build_tables(&builder, NULL);
}

/* "interface vlan last-byte-of-mac group" of each that is behind the interface. */
static void list_behind(const struct catalog *catalog, const char *interface, uint32_t vrf, char text[512])
{
	const struct catalog_binding *binding = NULL;
	size_t length = 0;

	text[0] = '\0';
	while ((binding = catalog_behind_next(catalog, interface, vrf, binding)))
		length += (size_t)snprintf(text + length, 512 - length, "%s %u %u %s\n",
					   catalog_string(catalog, binding->interface), binding->vlan, binding->mac[5],
					   catalog_string(catalog, catalog->groups[binding->group].name));
}

Test(catalog, stations_behind_an_interface_come_with_exact_names_first)
{
	AUTO(tables_free) struct tables *tables = stations();
	struct catalog catalog = open_sample(tables);
	uint32_t prod = catalog_group_by_name(&catalog, "shop/a/front")->vrf;
	uint32_t dev = catalog_group_by_name(&catalog, "shop/a/back")->vrf;
	char text[512];

	list_behind(&catalog, "eth1", CATALOG_NONE, text);
	cr_assert_str_eq(text, "eth1 120 7 shop/a/front\n"
			       "eth1 120 0 shop/a/back\n"
			       "eth* 120 0 shop/a/front\n"
			       "eth[1] 0 2 shop/a/front\n"
			       "eth? 7 0 shop/a/back\n");
	list_behind(&catalog, "eth20", prod, text);
	cr_assert_str_eq(text, "eth* 120 0 shop/a/front\n* 0 1 shop/a/front\n");
	list_behind(&catalog, "bond0", dev, text);
	cr_assert_str_eq(text, "* 0 1 shop/a/back\n", "an uplink takes those of its own VRF");
	list_behind(&catalog, "bond0", CATALOG_NONE, text);
	cr_assert_str_eq(text, "");
}

Test(catalog, stations_have_their_addresses)
{
	AUTO(tables_free) struct tables *tables = stations();
	struct catalog catalog = open_sample(tables);
	const struct catalog_binding *binding = catalog_behind_next(&catalog, "eth1", CATALOG_NONE, NULL);

	cr_assert(binding);
	cr_assert_eq(binding->behind, CATALOG_BEHIND);
	cr_assert_eq(binding->glob, 0);
	cr_assert_gt(binding->line, 0);
	cr_assert_eq(binding->mac[0], 2);
	cr_assert_eq(binding->n_addresses, 2);
	cr_assert_eq(catalog.addresses[binding->first_address].address[12], 10);
	cr_assert_eq(catalog.addresses[binding->first_address + 1].address[0], 0xfd);
	binding = catalog_behind_next(&catalog, "eth1", CATALOG_NONE, binding);
	cr_assert_eq(binding->n_addresses, 0);
}

Test(catalog, an_interface_itself_is_bound_by_no_station)
{
	AUTO(tables_free) struct tables *tables = stations();
	struct catalog catalog = open_sample(tables);
	const struct catalog_binding *binding = catalog_binding_of(&catalog, "eth1");

	cr_assert(binding);
	cr_assert_eq(binding->behind, CATALOG_ALONE);
	cr_assert_eq(binding->vlan, 0);
	cr_assert_eq(binding->glob, 1, "endpoints go before a match, even if it has a plain name");
	cr_assert(catalog_binding_of(&catalog, "eth9"));
	cr_assert_null(catalog_binding_of(&catalog, "eth2"));
}

Test(catalog, bindings_out_of_order_or_of_nobody_are_refused)
{
	AUTO(tables_free) struct tables *tables = stations();
	struct catalog catalog = open_sample(tables);
	struct catalog_binding *bindings = (struct catalog_binding *)(uintptr_t)catalog.bindings;
	struct catalog_binding *behind, kept;

	cr_assert_eq(catalog.n_bindings, 9);
	kept = bindings[0];
	bindings[0] = bindings[1];
	bindings[1] = kept;
	cr_assert_eq(catalog_open(tables->catalog, tables->catalog_length, &catalog), -EBADMSG, "a glob before a name");
	bindings[1] = bindings[0];
	bindings[0] = kept;
	cr_assert_eq(catalog_open(tables->catalog, tables->catalog_length, &catalog), 0);
	behind = (struct catalog_binding *)(uintptr_t)catalog_behind_next(&catalog, "eth1", CATALOG_NONE, NULL);
#define REFUSED(field, value, why)                                                                          \
	kept = *behind;                                                                                     \
	behind->field = (value);                                                                            \
	cr_assert_eq(catalog_open(tables->catalog, tables->catalog_length, &catalog), -EBADMSG, "%s", why); \
	*behind = kept;
	REFUSED(behind, CATALOG_ALONE, "it has a VLAN")
	REFUSED(behind, CATALOG_BEHIND_UPLINK, "others behind interfaces come later")
	REFUSED(behind, 3, "there is no such kind")
	REFUSED(vlan, 4095, "there is no such VLAN")
	behind++;
	REFUSED(vlan, 0, "neither VLAN nor MAC address")
	behind = &bindings[0];
	REFUSED(vlan, 1, "an interface itself has no VLAN")
	behind = &bindings[5];
	REFUSED(behind, CATALOG_BEHIND_UPLINK, "one behind an interface comes after it")
	behind = &bindings[catalog.n_bindings - 1];
	REFUSED(vlan, 1, "behind just any uplink there are no VLANs")
	behind->mac[5] = 0;
	REFUSED(mac[0], 0, "no MAC address")
	behind->mac[5] = 1;
#undef REFUSED
	cr_assert_eq(catalog_open(tables->catalog, tables->catalog_length, &catalog), 0);
}

/* Whatever was opened must be readable from end to end without leaving its section. */
static size_t read_string(const struct catalog *catalog, uint32_t string)
{
	cr_assert_lt(string, catalog->n_strings);
	cr_assert(memchr(catalog->strings + string, 0, catalog->n_strings - string));
	return strlen(catalog_string(catalog, string));
}

static void check_slice(uint32_t first, uint32_t count, size_t total)
{
	cr_assert_leq((uint64_t)first + count, total);
}

static size_t read_groups(const struct catalog *catalog)
{
	size_t read = 0;

	for (size_t i = 0; i < catalog->n_groups; i++) {
		const struct catalog_group *group = &catalog->groups[i];

		read += read_string(catalog, group->name) + read_string(catalog, catalog->vrfs[group->vrf].name);
		if (!group->external)
			read += read_string(catalog, catalog->bridge_domains[group->bridge_domain].name);
		cr_assert_eq(catalog_group_by_class(catalog, (uint16_t)group->class_id), group);
	}
	for (size_t i = 0; i < catalog->n_bridge_domains; i++)
		read += catalog->vrfs[catalog->bridge_domains[i].vrf].id;
	return read;
}

static size_t read_rules(const struct catalog *catalog)
{
	size_t read = 0;

	for (size_t i = 0; i < catalog->n_contracts; i++)
		check_slice(catalog->contracts[i].first_rule, catalog->contracts[i].n_rules, catalog->n_rules);
	for (size_t i = 0; i < catalog->n_rules; i++) {
		const struct catalog_rule *rule = &catalog->rules[i];

		read += read_string(catalog, rule->entry) + read_string(catalog, rule->filter);
		read += read_string(catalog, rule->subject);
		read += rule->contract == CATALOG_NONE ? 0 : catalog->contracts[rule->contract].line;
		cr_assert_leq(rule->n_kinds, 2);
		cr_assert_lt(rule->role, CATALOG_ROLES);
	}
	for (size_t i = 0; i < catalog->n_pairs; i++) {
		const struct catalog_rule_set *set =
			catalog_rules_between(catalog, catalog->pairs[i].source, catalog->pairs[i].destination);

		cr_assert(set);
		check_slice(set->first, set->count, catalog->n_members);
		for (uint32_t member = 0; member < set->count; member++)
			read += catalog->rules[catalog->members[set->first + member].rule].line;
	}
	return read;
}

static size_t read_relations(const struct catalog *catalog)
{
	size_t read = 0;

	for (size_t i = 0; i < catalog->n_relations; i++) {
		const struct catalog_relation *relation = &catalog->relations[i];

		if (relation->group != CATALOG_NONE)
			read += catalog->groups[relation->group].line;
		read += catalog->vrfs[relation->vrf].line;
		read += read_string(catalog, catalog->contracts[relation->contract].name);
		cr_assert_leq(relation->kind, CATALOG_TABOO);
	}
	return read;
}

static size_t read_all(const struct catalog *catalog)
{
	size_t read = read_string(catalog, (uint32_t)(catalog->file - catalog->strings));

	read += read_groups(catalog) + read_rules(catalog) + read_relations(catalog);
	for (size_t i = 0; i < catalog->n_bindings; i++) {
		const struct catalog_binding *binding = &catalog->bindings[i];

		read += read_string(catalog, binding->interface) + catalog->groups[binding->group].line;
		check_slice(binding->first_address, binding->n_addresses, catalog->n_addresses);
	}
	for (const struct catalog_binding *i = NULL; (i = catalog_behind_next(catalog, "eth1", 0, i));)
		read += i->line;
	return read;
}

/* A copy of exactly `length` bytes, so that the sanitizer sees a read beyond. */
static uint8_t *copy_of(const struct tables *tables, size_t length)
{
	uint8_t *copy = malloc(length ? length : 1);

	memcpy(copy, tables->catalog, length);
	return copy;
}

Test(catalog, a_block_cut_short_is_refused)
{
	AUTO(tables_free) struct tables *tables = sample();

	for (size_t length = 0; length < tables->catalog_length; length++) {
		AUTO_FREE uint8_t *copy = copy_of(tables, length);
		struct catalog catalog;

		cr_assert_eq(catalog_open(copy, length, &catalog), -EBADMSG, "%zu bytes", length);
	}
}

Test(catalog, a_block_in_a_longer_map_is_read)
{
	AUTO(tables_free) struct tables *tables = sample();
	AUTO_FREE uint8_t *longer = calloc(1, tables->catalog_length + 4096);
	struct catalog catalog;

	memcpy(longer, tables->catalog, tables->catalog_length);
	cr_assert_eq(catalog_open(longer, tables->catalog_length + 4096, &catalog), 0);
}

Test(catalog, a_damaged_byte_never_leads_outside)
{
	AUTO(tables_free) struct tables *tables = sample();
	AUTO_FREE uint8_t *copy = copy_of(tables, tables->catalog_length);
	static const uint8_t flips[] = {0x01, 0x80, 0xff};
	size_t refused = 0, read = 0;

	for (size_t i = 0; i < tables->catalog_length; i++) {
		for (size_t flip = 0; flip < ARRAY_SIZE(flips); flip++) {
			struct catalog catalog;

			copy[i] ^= flips[flip];
			if (catalog_open(copy, tables->catalog_length, &catalog))
				refused++;
			else
				read += read_all(&catalog);
			copy[i] ^= flips[flip];
		}
	}
	cr_assert_gt(refused, 200);
	cr_assert_gt(read, 0);
}

Test(catalog, random_damage_never_leads_outside)
{
	AUTO(tables_free) struct tables *tables = sample();
	uint64_t random = 5;

	for (unsigned int round = 0; round < 3000; round++) {
		AUTO_FREE uint8_t *copy = copy_of(tables, tables->catalog_length);
		struct catalog catalog;

		for (unsigned int i = 0; i < 4; i++) {
			size_t word = random_below(&random, tables->catalog_length / 4);
			uint32_t value = (uint32_t)(random_next(&random) >> random_below(&random, 64));

			memcpy(copy + word * 4, &value, sizeof(value));
		}
		if (!catalog_open(copy, tables->catalog_length, &catalog))
			read_all(&catalog);
	}
}

Test(catalog, other_magic_and_version_are_refused)
{
	AUTO(tables_free) struct tables *tables = sample();
	struct catalog catalog;

	tables->catalog[4]++;
	cr_assert_eq(catalog_open(tables->catalog, tables->catalog_length, &catalog), -EBADMSG);
	tables->catalog[4]--;
	tables->catalog[0]++;
	cr_assert_eq(catalog_open(tables->catalog, tables->catalog_length, &catalog), -EBADMSG);
}
