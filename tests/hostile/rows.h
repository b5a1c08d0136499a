/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of hostile and odd frames: rows.def, and the functions that build what it names. */
#ifndef EPG_TEST_ROWS_H
#define EPG_TEST_ROWS_H

#include "odd.h"

/* What becomes of a frame. The reasons are those of enum epg_reason. */
enum fate {
#define FATE(id, name, text) FATE_##id,
	EPG_REASONS(FATE)
#undef FATE
	FATE_PASS = FATE_NONE,
	FATE_BY = EPG_REASON_COUNT, /* passes by an uplink, undecided: it is the host's own */
	FATE_NOT,                   /* such a frame is not met there */
	FATES
};

/* In which families a row is played; each is a row of its own. */
enum families {
	FAMILY_V4 = 1,
	FAMILY_V6 = 2,
	FAMILY_BOTH = 3,
	FAMILY_ANY = 4, /* it is no IP, or it does not matter */
};

struct row {
	const char *name; /* as the function's, with underscores */
	const char *text;
	enum families families;
	enum fate fate[PLACES];
	void (*build)(struct odd *odd);
};

extern const struct row ROWS[];
extern const size_t N_ROWS;

#define ROW(name, families, endpoint, uplink, towards, text) void build_##name(struct odd *odd);
#include "rows.def"
#undef ROW

/* "vlan-tag", for people. */
void row_print_name(const struct row *row, char text[64]);
const char *fate_name(enum fate fate);

/* One of each family that the row has; `family` is V4, V6 or ANY. */
#define ROW_EACH_FAMILY(row, family)                                     \
	for (unsigned int family = 1; family <= FAMILY_ANY; family *= 2) \
		if ((row)->families & family)

#endif
