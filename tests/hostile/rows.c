// SPDX-License-Identifier: GPL-2.0-only
#include "rows.h"

#include <stdio.h>

#include "base/util.h"
#include "epg/epg.h"

const struct row ROWS[] = {
#define ROW(name, families, endpoint, uplink, towards, text) \
	{#name, text, FAMILY_##families, {FATE_##endpoint, FATE_##uplink, FATE_##towards}, build_##name},
#include "rows.def"
#undef ROW
};

const size_t N_ROWS = ARRAY_SIZE(ROWS);

void row_print_name(const struct row *row, char text[64])
{
	size_t i = 0;

	for (; row->name[i] && i < 63; i++)
		text[i] = row->name[i] == '_' ? '-' : row->name[i];
	text[i] = '\0';
}

const char *fate_name(enum fate fate)
{
	switch (fate) {
	case FATE_PASS:
		return "pass";
	case FATE_BY:
		return "passes by";
	case FATE_NOT:
		return "";
	default:
		return epg_reason_name((enum epg_reason)fate);
	}
}
