// SPDX-License-Identifier: GPL-2.0-only
/* The evaluator says what the corpus says: answers that people have worked out from the tables of docs/policy.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "../differential/corpus.h"
#include "../differential/outcome.h"
#include "../differential/packet_text.h"
#include "base/util.h"
#include "policy/diagnostic.h"

DEFINE_AUTO(struct model, model_free)
DEFINE_AUTO(struct epg_diagnostics, epg_diagnostics_free)

struct replay {
	const char *path;
	struct model *model;
	unsigned int answers;
	bool levels[EPG_LEVEL_IMPLICIT + 1];
};

static void check_packet(void *user, const struct reference_packet *packet, const char *answer)
{
	struct replay *replay = user;
	char found[OUTCOME_TEXT_BYTES], line[PACKET_TEXT_BYTES];
	struct reference_answer said;
	struct outcome outcome;

	reference_decide(replay->model, packet, &said);
	outcome_of_reference(&said, &outcome);
	outcome_print(&outcome, found);
	packet_text_print(packet, line);
	if (!answer)
		return;
	replay->answers++;
	replay->levels[said.level] = true;
	cr_expect_str_eq(found, answer, "%s\n# packet: %s\n# answer: %s\n# found:  %s", replay->path, line, answer,
			 found);
}

static void check_file(void *user, const char *path, const char *text)
{
	AUTO(epg_diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	AUTO(model_free) struct model *model = NULL;
	struct replay *replay = user;

	cr_assert_eq(diagnostics_new(path, &diagnostics), 0);
	cr_assert_eq(model_read(path, text, strlen(text), strlen(text), diagnostics, &model), 0, "%s: %s", path,
		     epg_diagnostics_count(diagnostics) ? epg_diagnostics_get(diagnostics, 0)->message : "");
	replay->path = path;
	replay->model = model;
	cr_assert_gt(corpus_each_packet(text, check_packet, replay), 0, "%s: no packets, or broken ones", path);
}

Test(reference, says_what_the_corpus_says_at_every_level)
{
	static const unsigned int levels[] = {0, 1, 2, 3, 5, 7, 9, 13, 14, 15, 16, 17, 18, 19, 20, 21};
	struct replay replay = {0};

	cr_assert_gt(corpus_each_file(CORPUS, check_file, &replay), 0);
	cr_expect_gt(replay.answers, 100);
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		cr_expect(replay.levels[levels[i]], "level %u has no packet in the corpus", levels[i]);
}

Test(reference, packets_survive_being_written_down)
{
	static const char line[] =
		"at=e3 outside=1 ether=0x86dd smac=02:00:00:00:00:10 src=fd00:1::10 dst=fd00:1::12 "
		"target=fd00:1::13 op=2 proto=58 dscp=46 fragment=2 flags=10 type=135 code=7 sport=9 "
		"dport=65535";
	struct reference_packet packet;
	char text[PACKET_TEXT_BYTES];

	cr_assert_eq(packet_text_parse(line, &packet), 0);
	packet_text_print(&packet, text);
	cr_assert_str_eq(text, line);
	cr_assert_neq(packet_text_parse("at=e3 dport=65536", &packet), 0);
	cr_assert_neq(packet_text_parse("at=e3 nonsense=1", &packet), 0);
	cr_assert_neq(packet_text_parse("at=eth0 dport=1", &packet), 0);
	cr_assert_neq(packet_text_parse("dport=1", &packet), 0);
}
