/* SPDX-License-Identifier: GPL-2.0-only */
/* Which way the programs take with a packet: the express one, or all the steps; and what comes of it. */
#ifndef EPG_TEST_WAY_H
#define EPG_TEST_WAY_H

#include <stdbool.h>
#include <stdint.h>

#include "stage.h"

struct way;

/* From now on the test runs on one CPU, and so do the programs: what they know of the last packet is a CPU's. */
struct way *way_open(struct stage *stage);
void way_close(struct way *way);
/* Moves the test to another CPU; false: there is none. */
bool way_move(unsigned int cpu);

/* Runs a packet; true: it took the express way. `ret` may be NULL. */
bool way_run(struct way *way, const struct stage_hook *hook, const struct packet *packet, struct stage_result *ret);
/* The same; true: it opened a flow between two that had met before. */
bool way_run_met(struct way *way, const struct stage_hook *hook, const struct packet *packet, struct stage_result *ret);
/* Runs a packet, and it is made to take all the steps. */
void way_run_long(struct way *way, const struct stage_hook *hook, const struct packet *packet,
		  struct stage_result *ret);

/* Nothing is tracked any more, and no fragments are waited for. */
void way_forget(struct way *way);
/* The flow that stands first in the table, without its clock; all zero: none is tracked. */
struct epg_flow way_flow(struct way *way);
struct epg_control *way_control(struct way *way);

#define WAY_RULES 128

/* All that is counted. */
struct tally {
	uint64_t drops[EPG_REASON_COUNT], drop_bytes;
	uint64_t rules[WAY_RULES], rule_bytes;
	uint64_t sent, sent_bytes;
};

struct tally way_tally(struct way *way);
/* What has been counted since. */
struct tally way_counted(struct way *way, const struct tally *since);

/* Data of an established flow, whose ends have both spoken: from front to back, and from back to front. */
struct way_talk {
	struct packet_spec there, back;
	struct packet out, in;
};

/* Of TCP port 80 or UDP port 53. */
struct way_talk way_talk(bool ipv4, uint8_t protocol);
/* Both say what makes it an established flow. */
void way_establish(struct way *way, const struct way_talk *talk);
struct packet way_build(const struct packet_spec *spec);

#endif
