// SPDX-License-Identifier: GPL-2.0-only
#include "mutate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../differential/ground.h"
#include "../unit/random.h"
#include "base/util.h"
#include "judge.h"

#define FRAME_MIN 15 /* the kernel takes no shorter ones for a test */
#define VIOLATIONS_MAX 5
#define STEPS_MAX 4 /* changes of one frame */

struct base {
	struct judge_hook hook;
	const struct row *row;
	size_t length;
	uint8_t data[PACKET_MAX];
};

struct mutant {
	const struct base *base;
	size_t length;
	uint8_t data[PACKET_MAX];
};

struct run {
	struct scene *scene;
	struct base *bases;
	size_t n_bases;
	unsigned long seed;
	uint64_t random;
	struct mutate_counts *counts;
};

static size_t below(struct run *run, size_t bound)
{
	return random_below(&run->random, bound);
}

/* ---- what there is to begin with ---- */

static void add_base(struct run *run, const struct row *row, const struct odd *odd)
{
	const struct odd_frame *frame = &odd->frames[odd->n_frames - 1];
	struct base *base = &run->bases[run->n_bases++];

	base->hook = (struct judge_hook){odd->place, frame->by_back};
	base->row = row;
	base->length = frame->length;
	memcpy(base->data, frame->data, frame->length);
}

static void collect(struct run *run)
{
	static struct odd odd;

	run->bases = calloc(N_ROWS * 2 * PLACES, sizeof(*run->bases));
	GROUND_CHECK(run->bases, "no memory");
	for (size_t i = 0; i < N_ROWS; i++) {
		ROW_EACH_FAMILY(&ROWS[i], family)
		{
			for (enum odd_place place = 0; place < PLACES; place++) {
				odd_begin(&odd, family != FAMILY_V6, place);
				ROWS[i].build(&odd);
				odd_end(&odd);
				add_base(run, &ROWS[i], &odd);
			}
		}
	}
}

/* ---- changes ---- */

static void flip_bits(struct run *run, struct mutant *mutant)
{
	for (size_t n = 1 + below(run, 3); n > 0; n--)
		mutant->data[below(run, mutant->length)] ^= (uint8_t)(1u << below(run, 8));
}

static void set_byte(struct run *run, struct mutant *mutant)
{
	static const uint8_t odd_values[] = {0,    1,    4,    6,    7,  8,  17, 0x7f, 0x80,
					     0xe0, 0xff, 0x45, 0x60, 44, 51, 58, 60,   43};
	uint8_t value = below(run, 2) ? odd_values[below(run, ARRAY_SIZE(odd_values))] : (uint8_t)below(run, 256);

	mutant->data[below(run, mutant->length)] = value;
}

/* Where lengths, offsets, protocols and ports mostly are. */
static void set_field(struct run *run, struct mutant *mutant)
{
	static const uint8_t offsets[] = {12, 14, 16, 18, 20, 34, 36, 38, 46, 48, 54, 56, 58, 60, 62, 64, 66, 74};
	static const uint16_t values[] = {0,      1,      7,      8,      0x14,   0x28,   0x2000, 0x1fff, 0x2001,
					  0x0800, 0x86dd, 0x8100, 0x88a8, 0x0806, 0x4500, 0x6000, 0xffff, 80};
	size_t offset = offsets[below(run, ARRAY_SIZE(offsets))];
	uint16_t value = below(run, 3) ? values[below(run, ARRAY_SIZE(values))] : (uint16_t)below(run, 65536);

	if (offset + 2 > mutant->length)
		return;
	mutant->data[offset] = (uint8_t)(value >> 8);
	mutant->data[offset + 1] = (uint8_t)value;
}

/* By a little, as whoever reads one byte too far would not notice. */
static void nudge(struct run *run, struct mutant *mutant)
{
	mutant->data[below(run, mutant->length < 80 ? mutant->length : 80)] += (uint8_t)(below(run, 17) - 8);
}

static void cut(struct run *run, struct mutant *mutant)
{
	mutant->length = FRAME_MIN + below(run, mutant->length - FRAME_MIN + 1);
}

static void insert(struct run *run, struct mutant *mutant)
{
	size_t at = below(run, mutant->length + 1), n = 1 + below(run, 24);

	if (mutant->length + n > PACKET_MAX)
		return;
	memmove(mutant->data + at + n, mutant->data + at, mutant->length - at);
	for (size_t i = 0; i < n; i++)
		mutant->data[at + i] = below(run, 2) ? (uint8_t)below(run, 256) : 0;
	mutant->length += n;
}

static void take_out(struct run *run, struct mutant *mutant)
{
	size_t at = below(run, mutant->length), n = 1 + below(run, 24);

	if (at + n > mutant->length || mutant->length - n < FRAME_MIN)
		return;
	memmove(mutant->data + at, mutant->data + at + n, mutant->length - at - n);
	mutant->length -= n;
}

/* The beginning of the one and the end of another. */
static void splice(struct run *run, struct mutant *mutant)
{
	const struct base *other = &run->bases[below(run, run->n_bases)];
	size_t at = below(run, mutant->length), from = below(run, 2) ? at : below(run, other->length);

	if (from >= other->length || at + other->length - from > PACKET_MAX || at + other->length - from < FRAME_MIN)
		return;
	memcpy(mutant->data + at, other->data + from, other->length - from);
	mutant->length = at + other->length - from;
}

/* So that what stands behind the IP header is looked at in spite of changes of length. */
static void mend_lengths(struct run *run, struct mutant *mutant)
{
	bool ipv4 = mutant->data[12] == 0x08 && mutant->data[13] == 0, ipv6 = mutant->data[12] == 0x86;
	size_t length = mutant->length - 14 - (ipv6 ? 40 : 0);

	(void)run;
	if (mutant->length < 14 + 40 || !(ipv4 || ipv6))
		return;
	mutant->data[ipv4 ? 16 : 18] = (uint8_t)(length >> 8);
	mutant->data[ipv4 ? 17 : 19] = (uint8_t)length;
}

static void change(struct run *run, struct mutant *mutant)
{
	static void (*const changes[])(struct run * run, struct mutant * mutant) = {
		flip_bits, flip_bits, set_byte, set_field, set_field,    nudge,
		cut,       insert,    take_out, splice,    mend_lengths,
	};

	mutant->base = &run->bases[below(run, run->n_bases)];
	mutant->length = mutant->base->length;
	memcpy(mutant->data, mutant->base->data, mutant->length);
	for (size_t n = 1 + below(run, STEPS_MAX); n > 0; n--)
		changes[below(run, ARRAY_SIZE(changes))](run, mutant);
	if (below(run, 2))
		mend_lengths(run, mutant);
}

/* ---- the question ---- */

struct verdicts {
	enum fate said; /* by the reference */
	bool tc, xdp;   /* passed */
};

static bool show(struct run *run, const struct mutant *mutant, bool xdp)
{
	struct scene_arrival arrival = judge_arrival(&mutant->base->hook, xdp);
	bool passed = scene_play(run->scene, &arrival, mutant->data, mutant->length);

	scene_forget_frame(run->scene, passed);
	return passed;
}

static bool is_violation(const struct verdicts *verdicts)
{
	bool permitted = verdicts->said == FATE_PASS || verdicts->said == FATE_BY;

	return verdicts->tc != verdicts->xdp || (verdicts->tc && !permitted);
}

static bool ask(struct run *run, const struct mutant *mutant, struct verdicts *ret)
{
	struct reference_sequence sequence = {0};
	bool egress = mutant->base->hook.place == PLACE_TOWARDS && !mutant->base->hook.by_back;
	struct scene_arrival tc = judge_arrival(&mutant->base->hook, false);
	bool by_tc = scene_can_play(&tc, mutant->data, mutant->length);

	ret->said = judge(scene_model(run->scene), &mutant->base->hook, mutant->data, mutant->length, &sequence);
	ret->xdp = !egress && show(run, mutant, true);
	ret->tc = by_tc ? show(run, mutant, false) : ret->xdp;
	if (egress)
		ret->xdp = ret->tc;
	return !is_violation(ret);
}

/* ---- what was found ---- */

/* Shorter, then more like the frame of the table, as long as it stays wrong. */
static void simplify(struct run *run, struct mutant *mutant)
{
	struct verdicts verdicts;
	struct mutant simpler;

	for (size_t step = mutant->length / 2; step > 0; step /= 2) {
		simpler = *mutant;
		while (simpler.length >= FRAME_MIN + step) {
			simpler.length -= step;
			if (ask(run, &simpler, &verdicts))
				break;
			*mutant = simpler;
		}
	}
	for (size_t i = 0; i < mutant->length; i++) {
		const uint8_t plain[] = {i < mutant->base->length ? mutant->base->data[i] : 0, 0};

		for (size_t j = 0; j < ARRAY_SIZE(plain) && mutant->data[i] != plain[j]; j++) {
			simpler = *mutant;
			simpler.data[i] = plain[j];
			if (ask(run, &simpler, &verdicts))
				continue;
			*mutant = simpler;
			break;
		}
	}
}

static void report(struct run *run, struct mutant *mutant, unsigned long number)
{
	static const char *const places[PLACES] = {"from front", "from the uplink", "towards back"};
	struct verdicts verdicts;
	char name[64];

	simplify(run, mutant);
	ask(run, mutant, &verdicts);
	row_print_name(mutant->base->row, name);
	fprintf(stderr, "# EPG_SEED=%lu, frame %lu, of row %s, %s: the reference says %s, TC %s, XDP %s\n#\t",
		run->seed, number, name, mutant->base->hook.by_back ? "from back" : places[mutant->base->hook.place],
		fate_name(verdicts.said), verdicts.tc ? "passes" : "drops", verdicts.xdp ? "passes" : "drops");
	for (size_t i = 0; i < mutant->length; i++)
		fprintf(stderr, "%02x", mutant->data[i]);
	fprintf(stderr, "\n");
}

bool mutate(struct scene *scene, unsigned long seed, unsigned long frames, struct mutate_counts *counts)
{
	struct run run = {.scene = scene, .seed = seed, .random = seed, .counts = counts};
	static struct mutant mutant;
	struct verdicts verdicts;

	collect(&run);
	scene_forget(scene);
	for (unsigned long i = 0; i < frames && counts->violations < VIOLATIONS_MAX; i++) {
		bool permitted, good;

		change(&run, &mutant);
		good = ask(&run, &mutant, &verdicts);
		permitted = verdicts.said == FATE_PASS || verdicts.said == FATE_BY;
		counts->frames++;
		counts->passed += verdicts.tc;
		counts->stricter += permitted && !verdicts.tc;
		counts->dropped_by[verdicts.said]++;
		if (!good) {
			counts->violations++;
			report(&run, &mutant, i);
		} else if (permitted && !verdicts.tc && getenv("EPG_STRICTER")) {
			report(&run, &mutant, i);
		}
	}
	free(run.bases);
	return counts->violations == 0;
}
