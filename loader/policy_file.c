/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy_file.h"

#include <errno.h>
#include <stdio.h>

int policy_file_read(struct cli *cli, struct epg_policy **ret, struct epg_diagnostics **ret_diagnostics)
{
	const struct epg_policy_source source = {
		.size = sizeof(source),
		.path = arguments_value(&cli->arguments, OPTION_FILE),
	};
	AUTO(epg_diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	int error = epg_policy_read(cli->epg, &source, ret, &diagnostics);

	if (error)
		return policy_file_failure(cli, error, diagnostics);
	*ret_diagnostics = TAKE_PTR(diagnostics);
	return CLI_OK;
}

int policy_file_failure(struct cli *cli, int error, const struct epg_diagnostics *diagnostics)
{
	if (error == -EBADMSG && diagnostics && epg_diagnostics_errors(diagnostics))
		return report_policy(cli, diagnostics);
	return report_failure(cli, error);
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

void policy_file_cost_text(const struct epg_cost *cost, char text[POLICY_COST_MAX])
{
	char bytes[DISPLAY_BYTES_MAX], taboos[40] = "";

	display_bytes(cost->bytes, bytes);
	if (cost->taboos)
		snprintf(taboos, sizeof(taboos), "%zu taboo%s, ", cost->taboos, plural(cost->taboos));
	snprintf(text, POLICY_COST_MAX, "%zu group%s, %zu contract%s, %s%zu rule%s, %zu pair%s, %s", cost->groups,
		 plural(cost->groups), cost->contracts, plural(cost->contracts), taboos, cost->rules,
		 plural(cost->rules), cost->pairs, plural(cost->pairs), bytes);
}

void policy_file_write_cost(struct writer *writer, const struct epg_cost *cost)
{
	static const struct writer_column columns[] = {
		{"groups", NULL, WRITER_NUMBER}, {"contracts", NULL, WRITER_NUMBER}, {"taboos", NULL, WRITER_NUMBER},
		{"pairs", NULL, WRITER_NUMBER},  {"rules", NULL, WRITER_NUMBER},     {"ruleSets", NULL, WRITER_NUMBER},
		{"nodes", NULL, WRITER_NUMBER},  {"bytes", NULL, WRITER_BYTES},
	};
	const struct writer_value values[] = {
		value_number(cost->groups), value_number(cost->contracts), value_number(cost->taboos),
		value_number(cost->pairs),  value_number(cost->rules),     value_number(cost->rule_sets),
		value_number(cost->nodes),  value_number(cost->bytes),
	};

	writer_object_begin(writer, "cost", NULL);
	writer_fields(writer, columns, ARRAY_SIZE(columns), values);
	writer_object_end(writer);
}
