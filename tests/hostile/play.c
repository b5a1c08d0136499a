// SPDX-License-Identifier: GPL-2.0-only
#include "play.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "judge.h"

/* A row at one hook. */
struct performance {
	struct scene *scene;
	const struct row *row;
	const struct odd *odd;
	enum odd_place place;
	bool xdp;
	bool good;
};

static const char *const PLACE_NAMES[PLACES] = {"from an endpoint", "from an uplink", "towards an endpoint"};

__attribute__((format(printf, 2, 3))) static void complain(struct performance *performance, const char *format, ...)
{
	const struct odd_frame *frame = &performance->odd->frames[performance->odd->n_frames - 1];
	char name[64];
	va_list arguments;

	row_print_name(performance->row, name);
	fprintf(stderr, "%s (IPv%c), %s%s: ", name, performance->odd->ipv4 ? '4' : '6', PLACE_NAMES[performance->place],
		performance->xdp ? ", XDP" : "");
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\n\t");
	for (size_t i = 0; i < frame->length && i < 128; i++)
		fprintf(stderr, "%02x", frame->data[i]);
	fprintf(stderr, "\n");
	performance->good = false;
}

static struct judge_hook hook_of(const struct performance *performance, const struct odd_frame *frame)
{
	return (struct judge_hook){performance->place, frame->by_back};
}

static bool show(struct performance *performance, const struct odd_frame *frame)
{
	struct judge_hook hook = hook_of(performance, frame);
	struct scene_arrival arrival = judge_arrival(&hook, performance->xdp);

	arrival.gso_size = arrival.program == SCENE_XDP ? 0 : performance->odd->gso_size;
	return scene_play(performance->scene, &arrival, frame->data, frame->length);
}

static bool can_be_shown(struct performance *performance)
{
	const struct odd_frame *frame = &performance->odd->frames[performance->odd->n_frames - 1];
	struct judge_hook hook = hook_of(performance, frame);
	struct scene_arrival arrival = judge_arrival(&hook, performance->xdp);

	return scene_can_play(&arrival, frame->data, frame->length);
}

static void prepare(struct performance *performance)
{
	for (size_t i = 0; i + 1 < performance->odd->n_frames; i++) {
		const struct odd_frame *frame = &performance->odd->frames[i];

		if (show(performance, frame) != frame->passes)
			complain(performance, "frame %zu of those that go before was %s", i,
				 frame->passes ? "dropped" : "permitted");
	}
}

/* Counted once, for the right reason. */
static void check_drop(struct performance *performance, enum fate fate, const uint64_t before[EPG_REASON_COUNT])
{
	uint64_t after[EPG_REASON_COUNT];

	scene_drops(performance->scene, after);
	for (int i = 0; i < EPG_REASON_COUNT; i++)
		if (after[i] - before[i] != (i == (int)fate))
			complain(performance, "%s is expected, but %s was counted %llu times", fate_name(fate),
				 fate_name((enum fate)i), (unsigned long long)(after[i] - before[i]));
}

static void perform(struct performance *performance, enum fate fate)
{
	const struct odd_frame *frame = &performance->odd->frames[performance->odd->n_frames - 1];
	uint64_t before[EPG_REASON_COUNT];
	bool passes = fate == FATE_PASS || fate == FATE_BY;
	size_t flows;

	scene_forget(performance->scene);
	prepare(performance);
	flows = scene_flows(performance->scene);
	scene_drops(performance->scene, before);
	if (show(performance, frame) != passes)
		complain(performance, "%s is expected, but it %s", fate_name(fate), passes ? "is dropped" : "passes");
	check_drop(performance, passes ? FATES : fate, before);
	if ((fate != FATE_PASS || frame->data[0] & 1) && scene_flows(performance->scene) != flows)
		complain(performance, "a flow was opened");
	if (!performance->xdp && performance->place == PLACE_UPLINK && passes && !frame->by_back &&
	    scene_marked(performance->scene) != (fate == FATE_PASS))
		complain(performance, "%s is expected, but the mark says otherwise", fate_name(fate));
}

/* The reference knows no flows: of rows that make one it has nothing to say. */
static bool is_known_to_reference(const struct odd *odd)
{
	for (size_t i = 0; i + 1 < odd->n_frames; i++)
		if (odd->frames[i].by_back != odd->frames[odd->n_frames - 1].by_back)
			return false;
	return odd->n_frames == 1 || odd->spec.fragment;
}

/* What the table says, the reference has to say too. */
static void check_reference(struct performance *performance, enum fate fate)
{
	const struct odd *odd = performance->odd;
	struct reference_sequence sequence = {0};
	enum fate said = FATE_NOT;

	if (!is_known_to_reference(odd))
		return;
	for (size_t i = 0; i < odd->n_frames; i++) {
		struct judge_hook hook = hook_of(performance, &odd->frames[i]);

		/* The fragments of a row are of one packet, unless its last one says that it is of another. */
		if (i && i + 1 == odd->n_frames && odd->is_of_other_packet)
			sequence = (struct reference_sequence){0};
		said = judge(scene_model(performance->scene), &hook, odd->frames[i].data, odd->frames[i].length,
			     &sequence);
	}
	if (said != fate)
		complain(performance, "%s is expected, but the reference says %s", fate_name(fate), fate_name(said));
}

bool play_row(struct scene *scene, const struct row *row, unsigned int family, struct play_counts *counts)
{
	static struct odd odd; /* large */
	struct performance performance = {.scene = scene, .row = row, .odd = &odd, .good = true};

	counts->rows++;
	for (performance.place = 0; performance.place < PLACES; performance.place++) {
		enum fate fate = row->fate[performance.place];

		if (fate == FATE_NOT)
			continue;
		odd_begin(&odd, family != FAMILY_V6, performance.place);
		row->build(&odd);
		odd_end(&odd);
		performance.xdp = false;
		check_reference(&performance, fate);
		for (int xdp = 0; xdp <= (performance.place != PLACE_TOWARDS); xdp++) {
			performance.xdp = xdp;
			if (!can_be_shown(&performance))
				continue;
			perform(&performance, fate);
			counts->hooks++;
			counts->fates[fate]++;
		}
	}
	return performance.good;
}
