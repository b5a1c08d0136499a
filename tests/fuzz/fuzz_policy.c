/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libFuzzer target: any bytes as a policy are refused with messages or accepted, and then compiled. See
 * README.md for how to run it.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compile/catalog.h"
#include "compile/catalog_packed.h"
#include "compile/tables.h"
#include "policy/diagnostic.h"

/* Every string that people will be shown is there, and has no control character. */
static void check_message(const struct epg_diagnostic *message)
{
	const char *texts[] = {message->message, message->hint, message->excerpt};

	for (size_t i = 0; i < 3; i++)
		for (const char *byte = texts[i]; *byte; byte++)
			if ((uint8_t)*byte < 0x20 && *byte != '\t')
				abort();
	if (message->line > 0 && message->column < message->excerpt_column)
		abort();
}

static void check_messages(const struct epg_diagnostics *diagnostics)
{
	for (size_t i = 0; i < epg_diagnostics_count(diagnostics); i++) {
		const struct epg_diagnostic *message = epg_diagnostics_get(diagnostics, i);

		check_message(message);
		if (i > 0 && message->line < epg_diagnostics_get(diagnostics, i - 1)->line)
			abort();
	}
}

/* What was compiled can be read again, as it is and once it was packed. */
static void check_catalog(const struct tables *tables)
{
	uint8_t *packed, *block;
	struct catalog catalog;
	size_t length;

	if (catalog_open(tables->catalog, tables->catalog_length, &catalog) ||
	    catalog_pack(tables->catalog, tables->catalog_length, &packed, &length) ||
	    catalog_unpack(packed, length, &block, &catalog))
		abort();
	if (memcmp(block, tables->catalog, tables->catalog_length) != 0)
		abort();
	free(packed);
	free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct compile_memory nothing = {0};
	struct epg_diagnostics *diagnostics;
	struct tables *tables = NULL;
	struct model *model = NULL;
	int error;

	if (diagnostics_new("fuzz.yaml", &diagnostics))
		return 0;
	error = model_read("fuzz.yaml", (const char *)data, size, 1 << 20, diagnostics, &model);
	if ((error == -EBADMSG) != (diagnostics_errors(diagnostics) > 0) || (error == 0) != (model != NULL))
		abort();
	check_messages(diagnostics);
	if (!error && tables_compile(model, &nothing, diagnostics, &tables) == 0)
		check_catalog(tables);
	tables_free(tables);
	model_free(model);
	epg_diagnostics_free(diagnostics);
	return 0;
}
