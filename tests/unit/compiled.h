/* SPDX-License-Identifier: GPL-2.0-only */
/* A policy as text, read and compiled: what tests of the views of a policy begin with. */
#ifndef EPG_TEST_COMPILED_H
#define EPG_TEST_COMPILED_H

#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "compile/catalog.h"
#include "policy/diagnostic.h"
#include "policy/model.h"
#include "compile/tables.h"

struct compiled {
	struct model *model;
	struct tables *tables;
	struct catalog catalog;
};

/* `before` remembers ids, as the running policy does; it may be NULL. */
static inline struct compiled compile_text(const char *text, const struct compiled *before)
{
	struct compile_memory memory = {.catalogs = {before ? &before->catalog : NULL}};
	struct epg_diagnostics *diagnostics;
	struct compiled compiled;
	int error;

	cr_assert_eq(diagnostics_new("shop.yaml", &diagnostics), 0);
	error = model_read("shop.yaml", text, strlen(text), strlen(text), diagnostics, &compiled.model);
	cr_assert_eq(error, 0, "%s", error == -EBADMSG ? epg_diagnostics_get(diagnostics, 0)->message : "no memory");
	cr_assert_eq(tables_compile(compiled.model, &memory, diagnostics, &compiled.tables), 0);
	cr_assert_eq(catalog_open(compiled.tables->catalog, compiled.tables->catalog_length, &compiled.catalog), 0);
	epg_diagnostics_free(diagnostics);
	return compiled;
}

static inline void compiled_clear(struct compiled *compiled)
{
	tables_free(compiled->tables);
	model_free(compiled->model);
}

static inline uint16_t compiled_class(const struct compiled *compiled, const char *group)
{
	const struct catalog_group *found = catalog_group_by_name(&compiled->catalog, group);

	cr_assert(found, "no group %s", group);
	return (uint16_t)found->class_id;
}

#endif
