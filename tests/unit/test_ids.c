/* SPDX-License-Identifier: GPL-2.0-only */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "shop.h"

Test(ids, ids_stay_when_groups_come_and_go)
{
	SHOP(before);
	SHOP(after);
	AUTO(tables_free) struct tables *first = build_tables(&before.builder, NULL);
	AUTO(tables_free) struct tables *second = NULL;
	struct catalog running = catalog_of(first);
	const struct compile_memory memory = {.catalogs = {&running}};
	struct model_group *groups = after.builder.model.groups;

	cr_assert_eq(class_of(first, "shop/store/front"), EPG_CLASS_FIRST);
	/* "front" goes, "new" comes before "back" in the file. */
	groups[0].name = "shop/store/new";
	second = build_tables(&after.builder, &memory);
	cr_assert_eq(class_of(second, "shop/store/back"), class_of(first, "shop/store/back"));
	cr_assert_gt(class_of(second, "shop/store/new"), class_of(first, "shop/store/back"),
		     "the id of a group that has just gone is nobody's yet");
}

Test(ids, a_group_that_comes_back_gets_its_id_back)
{
	SHOP(shop);
	AUTO(tables_free) struct tables *first = build_tables(&shop.builder, NULL);
	AUTO(tables_free) struct tables *second = NULL;
	AUTO(tables_free) struct tables *third = NULL;
	struct catalog catalogs[2] = {[1] = catalog_of(first)};

	shop.builder.model.groups[shop.front].name = "shop/store/away";
	second = build_tables(&shop.builder, &(struct compile_memory){.catalogs = {&catalogs[1]}});
	catalogs[0] = catalog_of(second);
	shop.builder.model.groups[shop.front].name = "shop/store/front";
	third = build_tables(&shop.builder, &(struct compile_memory){.catalogs = {&catalogs[0], &catalogs[1]}});
	cr_assert_eq(class_of(third, "shop/store/front"), class_of(first, "shop/store/front"));
}

Test(ids, ids_of_vrfs_and_bridge_domains_stay_too)
{
	MODEL_BUILDER(before);
	MODEL_BUILDER(after);
	AUTO(tables_free) struct tables *first = NULL;
	AUTO(tables_free) struct tables *second = NULL;
	struct catalog running, next;
	uint32_t tenant = build_tenant(&before, "t");

	build_bridge_domain(&before, "t/bd1", build_vrf(&before, "t/v1", tenant, true));
	build_bridge_domain(&before, "t/bd2", build_vrf(&before, "t/v2", tenant, true));
	first = build_tables(&before, NULL);
	running = catalog_of(first);
	build_tenant(&after, "t");
	build_bridge_domain(&after, "t/bd0", build_vrf(&after, "t/v0", tenant, true));
	build_bridge_domain(&after, "t/bd2", build_vrf(&after, "t/v2", tenant, true));
	second = build_tables(&after, &(struct compile_memory){.catalogs = {&running}});
	next = catalog_of(second);
	cr_assert_eq(running.vrfs[0].id, EPG_CLASS_LAST);
	cr_assert_eq(running.vrfs[1].id, EPG_CLASS_LAST - 1);
	cr_assert_eq(next.vrfs[0].id, EPG_CLASS_LAST - 2);
	cr_assert_eq(next.vrfs[1].id, EPG_CLASS_LAST - 1);
	cr_assert_eq(next.bridge_domains[0].id, 3);
	cr_assert_eq(next.bridge_domains[1].id, 2);
}

Test(ids, an_id_that_endpoints_carry_is_not_given_to_a_new_group)
{
	SHOP(shop);
	uint8_t in_use[65536 / 8] = {0};
	AUTO(tables_free) struct tables *tables = NULL;

	in_use[EPG_CLASS_FIRST / 8] = 0x05;
	tables = build_tables(&shop.builder, &(struct compile_memory){.classes_in_use = in_use});
	cr_assert_eq(class_of(tables, "shop/store/front"), EPG_CLASS_FIRST + 1);
	cr_assert_eq(class_of(tables, "shop/store/back"), EPG_CLASS_FIRST + 3);
}

Test(ids, a_demanded_class_id_is_honoured)
{
	SHOP(shop);
	AUTO(tables_free) struct tables *tables = NULL;

	shop.builder.model.groups[shop.back].class_id = EPG_CLASS_FIRST;
	tables = build_tables(&shop.builder, NULL);
	cr_assert_eq(class_of(tables, "shop/store/back"), EPG_CLASS_FIRST);
	cr_assert_eq(class_of(tables, "shop/store/front"), EPG_CLASS_FIRST + 1);
}

Test(ids, a_class_id_demanded_twice_is_refused)
{
	SHOP(shop);
	AUTO(diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	const struct epg_diagnostic *message;

	shop.builder.model.groups[shop.front].class_id = 500;
	shop.builder.model.groups[shop.back].class_id = 500;
	message = refuse(&shop.builder, NULL, &diagnostics);
	cr_assert_eq(message->line, shop.builder.model.groups[shop.back].place.line);
	cr_assert(strstr(message->hint, "shop/store/front"));
}

Test(ids, a_class_id_that_the_running_policy_gave_to_another_is_refused)
{
	SHOP(shop);
	AUTO(diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	AUTO(tables_free) struct tables *first = build_tables(&shop.builder, NULL);
	struct catalog running = catalog_of(first);
	const struct epg_diagnostic *message;

	/* Although "front" itself is gone from the new policy. */
	shop.builder.model.groups[shop.front].name = "shop/store/new";
	shop.builder.model.groups[shop.back].class_id = class_of(first, "shop/store/front");
	message = refuse(&shop.builder, &(struct compile_memory){.catalogs = {&running}}, &diagnostics);
	cr_assert(strstr(message->hint, "choose another id"));
	cr_assert(strstr(message->hint, "shop/store/front"));
}

Test(ids, a_demanded_class_id_of_endpoints_left_behind_is_refused)
{
	SHOP(shop);
	AUTO(diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	AUTO(tables_free) struct tables *tables = NULL;
	uint8_t in_use[65536 / 8] = {[500 / 8] = 1 << 500 % 8};
	struct compile_memory memory = {.classes_in_use = in_use};
	struct catalog running;

	shop.builder.model.groups[shop.back].class_id = 500;
	refuse(&shop.builder, &memory, &diagnostics);
	/* But the group that had it before keeps it, endpoints or not. */
	tables = build_tables(&shop.builder, NULL);
	running = catalog_of(tables);
	memory.catalogs[0] = &running;
	tables_free(build_tables(&shop.builder, &memory));
}

Test(ids, more_groups_than_ids_are_refused)
{
	SHOP(shop);
	AUTO(diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	AUTO_FREE uint8_t *in_use = malloc(65536 / 8);
	const struct epg_diagnostic *message;

	/* One is left, which the first group takes. */
	memset(in_use, 0xff, 65536 / 8);
	in_use[EPG_CLASS_LAST / 8] = 0x7f;
	message = refuse(&shop.builder, &(struct compile_memory){.classes_in_use = in_use}, &diagnostics);
	cr_assert_eq(message->line, shop.builder.model.groups[shop.back].place.line);
}

Test(ids, a_vrf_and_a_group_may_have_one_name_but_never_one_id)
{
	MODEL_BUILDER(builder);
	uint32_t vrf = build_vrf(&builder, "t/outside", build_tenant(&builder, "t"), true);
	AUTO(tables_free) struct tables *first = NULL;
	AUTO(tables_free) struct tables *second = NULL;
	struct catalog running;

	build_external(&builder, "t/outside", vrf);
	first = build_tables(&builder, NULL);
	running = catalog_of(first);
	second = build_tables(&builder, &(struct compile_memory){.catalogs = {&running}});
	cr_assert_neq(running.vrfs[0].id, running.groups[0].class_id);
	cr_assert_eq(catalog_of(second).vrfs[0].id, running.vrfs[0].id);
	cr_assert_eq(catalog_of(second).groups[0].class_id, running.groups[0].class_id);
}

Test(ids, a_vrf_gives_way_to_a_demanded_class_until_it_has_been_applied)
{
	SHOP(shop);
	AUTO(diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	AUTO(tables_free) struct tables *fresh = NULL;
	AUTO(tables_free) struct tables *applied = build_tables(&shop.builder, NULL);
	struct catalog running = catalog_of(applied);
	const struct epg_diagnostic *message;

	cr_assert_eq(running.vrfs[0].id, EPG_CLASS_LAST);
	shop.builder.model.groups[shop.back].class_id = EPG_CLASS_LAST;
	fresh = build_tables(&shop.builder, NULL);
	cr_assert_eq(class_of(fresh, "shop/store/back"), EPG_CLASS_LAST);
	cr_assert_eq(catalog_of(fresh).vrfs[0].id, EPG_CLASS_LAST - 1);
	/* Others have written the id of a running VRF into maps. */
	message = refuse(&shop.builder, &(struct compile_memory){.catalogs = {&running}}, &diagnostics);
	cr_assert_eq(message->line, shop.builder.model.groups[shop.back].place.line);
	cr_assert(strstr(message->message, "class 65535 belongs to a VRF"));
	cr_assert(strstr(message->hint, "VRF shop/prod"));
}

Test(ids, a_name_that_a_vrf_has_too_gives_no_right_to_its_id)
{
	MODEL_BUILDER(builder);
	uint32_t vrf = build_vrf(&builder, "t/outside", build_tenant(&builder, "t"), true);
	uint32_t group = build_external(&builder, "t/outside", vrf);
	AUTO(diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	AUTO(tables_free) struct tables *applied = build_tables(&builder, NULL);
	struct catalog running = catalog_of(applied);

	builder.model.groups[group].class_id = (uint16_t)running.vrfs[0].id;
	refuse(&builder, &(struct compile_memory){.catalogs = {&running}}, &diagnostics);
}

Test(ids, a_vrf_takes_no_id_that_endpoints_carry)
{
	SHOP(shop);
	uint8_t in_use[65536 / 8] = {[EPG_CLASS_LAST / 8] = 0x80};
	AUTO(tables_free)
	struct tables *tables = build_tables(&shop.builder, &(struct compile_memory){.classes_in_use = in_use});

	cr_assert_eq(catalog_of(tables).vrfs[0].id, EPG_CLASS_LAST - 1);
}
