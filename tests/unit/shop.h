/* SPDX-License-Identifier: GPL-2.0-only */
/* A small model that most tests of the compiler begin with, and what they ask of its tables. */
#ifndef EPG_TEST_SHOP_H
#define EPG_TEST_SHOP_H

#include <errno.h>

#include "model_builder.h"

#define TCP 6
#define PORT(number) ((struct model_range){number, number})

/* Two EPGs, a contract "shop/web" for TCP port 80 that the second one provides and the first one consumes. */
struct shop {
	struct model_builder builder;
	uint32_t vrf, domain, front, back, http, web;
};

static inline struct shop make_shop(struct arena *arena)
{
	struct shop shop = {.builder = {.model = {.file = "shop.yaml", .text = ""}, .arena = arena}};
	struct model_builder *builder = &shop.builder;

	shop.vrf = build_vrf(builder, "shop/prod", build_tenant(builder, "shop"), true);
	shop.domain = build_bridge_domain(builder, "shop/bd1", shop.vrf);
	shop.front = build_group(builder, "shop/store/front", 0, shop.domain);
	shop.back = build_group(builder, "shop/store/back", 0, shop.domain);
	shop.http = build_filter(builder, "shop/http");
	build_entry(builder, shop.http, "web", TCP, PORT(80));
	shop.web = build_contract(builder, "shop/web", MODEL_SCOPE_VRF);
	build_subject(builder, shop.web, "http", shop.http);
	build_provide(builder, shop.back, shop.web);
	build_consume(builder, shop.front, shop.web);
	return shop;
}

#define SHOP(name)                                                 \
	AUTO(arena_free) struct arena *name##_arena = arena_new(); \
	struct shop name = make_shop(name##_arena)

static inline struct catalog catalog_of(const struct tables *tables)
{
	struct catalog catalog;

	cr_assert_eq(catalog_open(tables->catalog, tables->catalog_length, &catalog), 0);
	return catalog;
}

static inline uint16_t class_of(const struct tables *tables, const char *group)
{
	struct catalog catalog = catalog_of(tables);
	const struct catalog_group *found = catalog_group_by_name(&catalog, group);

	cr_assert(found, "%s", group);
	return (uint16_t)found->class_id;
}

/* Compiles what must be refused and hands out the first message, which the caller frees with its diagnostics. */
static inline const struct epg_diagnostic *refuse(const struct model_builder *builder,
						  const struct compile_memory *memory, struct epg_diagnostics **ret)
{
	struct tables *tables = NULL;

	cr_assert_eq(diagnostics_new("shop.yaml", ret), 0);
	cr_assert_eq(tables_compile(&builder->model, memory, *ret, &tables), -EBADMSG);
	cr_assert_null(tables);
	cr_assert_gt(epg_diagnostics_errors(*ret), 0);
	return epg_diagnostics_get(*ret, 0);
}

#endif
