/* SPDX-License-Identifier: GPL-2.0-only */
/* What is to become of a frame: the second reader's facts, put to the reference. */
#ifndef EPG_TEST_JUDGE_H
#define EPG_TEST_JUDGE_H

#include "../reference/reference.h"
#include "rows.h"

/* Where a frame comes from. */
struct judge_hook {
	enum odd_place place;
	bool by_back; /* sent by back, at its own hook */
};

/*
 * `sequence` is what is known of the packet that the frame may be a piece of. Flows are unknown to it: no frame is
 * permitted because it belongs to one.
 */
enum fate judge(const struct model *model, const struct judge_hook *hook, const uint8_t *frame, size_t length,
		struct reference_sequence *sequence);

/* How such a frame is put to the programs. */
struct scene_arrival judge_arrival(const struct judge_hook *hook, bool xdp);

#endif
