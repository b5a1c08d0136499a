/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Names and sentences of drop reasons and statistics, from the lists in abi.h. */
#include "epg/epg.h"
#include "base/util.h"

struct wording {
	const char *name;
	const char *text;
};

#define WORDING(id, name, text) {name, text},

static const struct wording reasons[] = {EPG_REASONS(WORDING)};
static const struct wording stats[] = {EPG_STATS(WORDING)};

const char *epg_reason_name(enum epg_reason reason)
{
	return (size_t)reason < ARRAY_SIZE(reasons) ? reasons[reason].name : NULL;
}

const char *epg_reason_text(enum epg_reason reason)
{
	return (size_t)reason < ARRAY_SIZE(reasons) ? reasons[reason].text : NULL;
}

const char *epg_stat_name(enum epg_stat stat)
{
	return (size_t)stat < ARRAY_SIZE(stats) ? stats[stat].name : NULL;
}

const char *epg_stat_text(enum epg_stat stat)
{
	return (size_t)stat < ARRAY_SIZE(stats) ? stats[stat].text : NULL;
}
