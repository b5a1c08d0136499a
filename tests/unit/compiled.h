/* SPDX-License-Identifier: GPL-2.0-only */
/* A policy as text, read and compiled: what tests of the views of a policy begin with. */
#ifndef EPG_TEST_COMPILED_H
#define EPG_TEST_COMPILED_H

#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "compile/catalog.h"
#include "compile/decide.h"
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

/* Whether some error of a policy that must be refused says all of `words`; warnings do not count. */
static inline bool compile_refuses(const char *text, const char *words)
{
	struct epg_diagnostics *diagnostics;
	struct model *model = NULL;
	struct tables *tables = NULL;
	bool said = false;

	cr_assert_eq(diagnostics_new("shop.yaml", &diagnostics), 0);
	if (!model_read("shop.yaml", text, strlen(text), strlen(text), diagnostics, &model))
		cr_assert_eq(tables_compile(model, NULL, diagnostics, &tables), -EBADMSG);
	cr_assert_null(tables);
	for (size_t i = 0; i < epg_diagnostics_count(diagnostics); i++) {
		const struct epg_diagnostic *message = epg_diagnostics_get(diagnostics, i);

		said = said || (message->severity == EPG_SEVERITY_ERROR && strstr(message->message, words));
	}
	model_free(model);
	epg_diagnostics_free(diagnostics);
	return said;
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

/* A packet's key, field by field. */
struct packet_fields {
	uint16_t kind, destination, source, flags, dscp, fragment, view;
};

static inline uint32_t tables_leaf(const struct tables *tables, uint16_t source, uint16_t destination,
				   struct packet_fields packet)
{
	const struct tables_view view = tables_view_of(tables);
	uint64_t high = (uint64_t)packet.kind << 48 | (uint64_t)packet.destination << 32 |
			(uint64_t)packet.source << 16 | packet.flags;
	uint64_t low = (uint64_t)packet.dscp << 48 | (uint64_t)packet.fragment << 32 | packet.view;

	return tables_decide(&view, source, destination, high, low);
}

/* The leaf that decides between two groups. */
static inline uint32_t compiled_leaf(const struct compiled *compiled, const char *source, const char *destination,
				     struct packet_fields packet)
{
	return tables_leaf(compiled->tables, compiled_class(compiled, source), compiled_class(compiled, destination),
			   packet);
}

/* The rule that decides between two groups. */
static inline const struct catalog_rule *compiled_rule(const struct compiled *compiled, const char *source,
						       const char *destination, struct packet_fields packet)
{
	return &compiled->catalog.rules[EPG_LEAF_RULE(compiled_leaf(compiled, source, destination, packet))];
}

static inline bool compiled_permits(const struct compiled *compiled, const char *source, const char *destination,
				    struct packet_fields packet)
{
	return EPG_LEAF_ACTION(compiled_leaf(compiled, source, destination, packet)) == EPG_PERMIT;
}

#endif
