/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What the parts of the library that change an instance share among themselves: generations being built,
 * bindings being staged, programs being attached.
 */
#ifndef EPG_RUNTIME_H
#define EPG_RUNTIME_H

#include "runtime/internal.h"
#include "runtime/source.h"

DEFINE_AUTO(struct generation, generation_close)
DEFINE_AUTO(struct tables, tables_free)
DEFINE_AUTO(struct epg_diagnostics, diagnostics_free)

/* ---- pins (pins.c) ---- */

/* Makes a directory beside the pin directory, locked by the descriptor that is returned; or a negative errno value. */
int pins_make_temporary(struct epg *epg, char path[PATH_MAX]);
/* Removes such directories that a killed process has left. */
void pins_sweep(struct epg *epg);
/* Takes the whole pin directory away, at once for everybody who looks. The caller holds its lock. */
int pins_take_away(struct epg *epg);

/* ---- loading (load.c) ---- */

/*
 * Opens the instance in order to change it, alone: the caller closes `ret_lock` when it is done. With `load`, one
 * with default sizes is loaded when there is none.
 */
int instance_begin_change(struct epg *epg, bool load, int *ret_lock, struct instance **ret);

/* ---- generations (generation.c) ---- */

void generation_merged_clear(struct generation_merged *merged);
/* Rules that the generation's tables have room for. */
size_t generation_rules_room(const struct generation *generation);

/* A generation by its number and slot; `number` 0 is -ENOENT. Failures are recorded. */
int generation_open(struct epg *epg, uint32_t number, uint32_t slot, struct generation **ret);
/* What is said at the beginning of `source`; 0 or -errno. */
int generation_read_header(struct epg *epg, uint32_t number, struct generation_source *ret);
/* The text of a generation, edits and all, to be freed. Failures are recorded. */
int generation_read_text(struct epg *epg, uint32_t number, char **ret, size_t *ret_length);
/* The same in its parts, both of which stand in `ret_text`, to be freed. */
int generation_read_parts(struct epg *epg, uint32_t number, char **ret_text, struct generation_parts *ret);
/* Writes down what was in force before, number and slot, in one store. */
void generation_set_previous(struct epg_control *control, uint32_t number, uint32_t slot);
/* Numbers wrap around: is `number` later than `other`? */
static inline bool generation_is_later(uint32_t number, uint32_t other)
{
	return (int32_t)(number - other) > 0;
}
/* Opens the pinned map `table` of a generation; returns a descriptor or -errno, without recording a failure. */
int generation_table(struct epg *epg, uint32_t number, const char *table);
/* The policy's source, with what was edited since; freed with free(3). Failures are recorded. */
int generation_text(struct epg *epg, const struct generation *generation, char **ret, size_t *ret_length);

/* ---- the past (past.c) ---- */

/*
 * Moves counts from one generation's rules to the same rules of another; what has no counterpart stays. With `late` those
 * too that CPUs have yet to add: no program may be running that has seen the one in force.
 */
int past_fold(struct epg *epg, const struct instance *instance, uint32_t from, uint32_t to, bool late);
/* The same within one generation, from one rule to another. */
struct past_move {
	uint32_t from, to;
};
int past_move_counts(struct epg *epg, uint32_t number, const struct past_move *moves, size_t n);
/*
 * Removes all generations but the running one and the one before. True: the programs that were running when it was
 * called have ended.
 */
bool past_retire(struct epg *epg, struct instance *instance);
/* Removes their pins alone: that waits for nobody. */
void past_retire_pins(struct epg *epg, struct instance *instance);
/* Puts right what a process that was killed in the middle of a change has left. Begins every apply and rollback. */
int past_recover(struct epg *epg, struct instance *instance);

#endif
