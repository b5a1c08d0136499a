/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Building a generation beside the running one: its maps, its slot, its pins. Nothing of it is in force. */
#ifndef EPG_BUILD_H
#define EPG_BUILD_H

#include "runtime/runtime.h"
#include "runtime/slots.h"

enum build_map {
#define BUILD_TABLE(name, type) BUILD_##name,
	EPG_TABLES(BUILD_TABLE)
#undef BUILD_TABLE
	BUILD_catalog,
	BUILD_source,
	BUILD_MAPS
};

struct build {
	struct epg *epg;
	struct instance *instance;
	uint32_t number; /* 0: nothing was pinned yet */
	uint32_t slot;
	bool in_slot;
	int maps[BUILD_MAPS];
	int amendments; /* -1: none */
	struct slots inserting;
};

/* The slot that neither the running generation nor the one before uses. */
uint32_t build_free_slot(const struct epg_control *control);

/*
 * Makes the maps, begins to put them into `slot`, where nobody looks yet, copies the tables into them and holds the
 * copies against the originals and their own bounds.
 */
int build_tables(struct build *build, const struct tables *tables, uint32_t slot);
/*
 * Takes the tables of a generation that stands in a slot, and its amendments: it will come into force again, under a new
 * number.
 */
int build_adopt(struct build *build, uint32_t number);
/* The same with its source: it goes on where it is. */
int build_adopt_all(struct build *build, uint32_t number);
/* Keeps the policy's text and edits, as source_pack has packed them, with the slot of the tables. */
int build_source(struct build *build, uint32_t slot, size_t n_nodes, const struct generation_source *lengths,
		 const uint8_t *packed);
/* Waits until the tables are in their slot. */
int build_insert(struct build *build);
/* Pins the maps as generation `number`. */
int build_pin(struct build *build, uint32_t number);

/* An owning local: what was built is taken away again, unless build_keep was called. */
void build_discard(struct build *build);
void build_keep(struct build *build);
#define AUTO_BUILD __attribute__((cleanup(build_discard)))
#define BUILD_INIT(context, changed)                                                                                \
	{                                                                                                           \
		.epg = (context), .instance = (changed), .maps = {-1, -1, -1, -1, -1, -1, -1, -1}, .amendments = -1 \
	}

/* Empties a slot. True: the programs that were running before have ended, since the kernel has waited for them. */
bool build_clear_slot(struct instance *instance, uint32_t slot);

#endif
