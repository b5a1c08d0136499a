// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random policies and packets: the reference evaluator's answer is held against the loaded BPF programs, and against
 * the library's explain. Speaks TAP. See README.md.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "base/util.h"
#include "compiled.h"
#include "corpus.h"
#include "coverage.h"
#include "generate.h"
#include "ground.h"
#include "minimise.h"
#include "packet_text.h"
#include "packets.h"
#include "pieces.h"
#include "policy/diagnostic.h"
#include "rig.h"
#include "talks.h"

DEFINE_AUTO(struct model, model_free)
DEFINE_AUTO(struct arena, arena_free)
DEFINE_AUTO(struct epg_diagnostics, epg_diagnostics_free)

/* Of both sides, with what stands before them. */
#define ANSWERS_BYTES (2 * OUTCOME_TEXT_BYTES + 64)

/* From so many policies on every level and key must have occurred. */
#define POLICIES_COMPLETE 100

#define LIVE_EVERY 10
#define PIECES_EVERY 20
#define TALKS_EVERY 20
#define EXPLAIN_EVERY 25

/* Who is held against the reference. */
enum witness {
	WITNESS_PROGRAM, /* the ones that explain */
	WITNESS_LIVE,
	WITNESS_LIBRARY, /* epg_explain */
	WITNESS_TABLES,  /* the library's decision in user space */
	WITNESSES
};

_Static_assert(WITNESSES == COVERAGE_WITNESSES, "each is counted");

static const char *const witness_names[WITNESSES] = {"program", "live program", "explain", "tables"};

struct session {
	struct rig *rig;
	struct compiled *compiled; /* of the policy at hand */
	struct coverage coverage;
	struct pieces_counts pieces;
	struct talks_counts talks;
	unsigned long policies, packets, seed, first;
	unsigned long differences, differences_max; /* at the most, the run ends */
	enum witness witness;                       /* whose difference is being minimised */
};

static unsigned long from_environment(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : otherwise;
}

static struct model *read_model(const char *text)
{
	AUTO(epg_diagnostics_free) struct epg_diagnostics *diagnostics = NULL;
	struct model *model = NULL;

	GROUND_CHECK(!diagnostics_new("random.yaml", &diagnostics), "no memory");
	return model_read("random.yaml", text, strlen(text), strlen(text), diagnostics, &model) ? NULL : model;
}

/* ---- one packet ---- */

/* Whoever is bound by a glob learns its addresses by sending: then it would be another endpoint. */
static bool may_send(const struct model *model, const struct reference_packet *packet)
{
	const struct model_endpoint *endpoint;

	return !reference_member(model, packet->interface, &endpoint) || endpoint;
}

/* Explain builds the packet by itself, from its endpoint's own MAC and address, and zeros are its defaults. */
static bool may_explain(const struct model *model, const struct reference_packet *packet)
{
	bool later = packet->fragment == EPG_FRAGMENT_LATER;
	const struct model_endpoint *endpoint, *owner;
	const struct model_group *group, *owner_group;

	group = reference_member(model, packet->interface, &endpoint);
	if (!group || !endpoint || packet->from_outside || memcmp(endpoint->mac, packet->source_mac, 6) != 0)
		return false;
	if (packet->ether_type != ETH_P_IP && packet->ether_type != ETH_P_IPV6 && packet->ether_type != ETH_P_ARP)
		return true;
	owner = reference_owner(model, group->vrf, packet->source, &owner_group);
	if (owner != endpoint)
		return false;
	if (packet->ether_type == ETH_P_ARP)
		return packet->arp_operation == 1 || packet->arp_operation == 2;
	if (packets_ask_for_neighbors(packet))
		return packet->icmp_code == 0 && packet->dscp == 0;
	if (packet->protocol == IPPROTO_ICMPV6 || packet->protocol == IPPROTO_ICMP)
		return packet->protocol == (packet->ether_type == ETH_P_IP ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	return later || ((packet->source_port || !packet->destination_port) &&
			 (packet->protocol != IPPROTO_TCP || packet->tcp_flags));
}

/* What a witness says. False: it can't be asked about such a packet. A complaint is a difference by itself. */
static bool ask(const struct session *session, enum witness witness, const struct model *model,
		const struct reference_packet *packet, struct outcome *ret, const char **ret_complaint)
{
	struct reference_answer answer;

	*ret_complaint = NULL;
	switch (witness) {
	case WITNESS_PROGRAM:
		rig_ask(session->rig, packet, ret);
		return true;
	case WITNESS_LIVE:
		if (!may_send(model, packet))
			return false;
		rig_ask(session->rig, packet, ret);
		*ret_complaint = rig_send(session->rig, packet);
		return true;
	case WITNESS_LIBRARY:
		return may_explain(model, packet) && rig_explain(session->rig, model, packet, ret);
	case WITNESS_TABLES:
		reference_decide(model, packet, &answer);
		return compiled_ask(session->compiled, packet, &answer, ret);
	case WITNESSES:
		break;
	}
	return false;
}

/* Holds a witness against the reference. Returns whether they differ; then `ret_text` gets both answers. */
static bool differs_from(struct session *session, enum witness witness, const struct model *model,
			 const struct reference_packet *packet, char ret_text[ANSWERS_BYTES])
{
	char expected_text[OUTCOME_TEXT_BYTES], found_text[OUTCOME_TEXT_BYTES];
	struct outcome expected, found;
	struct reference_answer answer;
	const char *complaint;

	if (!ask(session, witness, model, packet, &found, &complaint))
		return false;
	session->coverage.asked[witness]++;
	reference_decide(model, packet, &answer);
	outcome_of_reference(&answer, &expected);
	if (!complaint && outcome_equal(&expected, &found))
		return false;
	outcome_print(&expected, expected_text);
	outcome_print(&found, found_text);
	snprintf(ret_text, ANSWERS_BYTES, "# answer: %s\n# %s: %s\n", expected_text, witness_names[witness],
		 complaint ? complaint : found_text);
	return true;
}

/* Makes it the policy at hand, for all witnesses. -EBADMSG: it is refused. */
static int begin_policy(struct session *session, const char *text, char **ret_message, struct model **ret)
{
	int error = rig_apply(session->rig, text, ret_message);

	if (error)
		return error;
	*ret = read_model(text);
	GROUND_CHECK(*ret, "the policy is applied, but not read");
	session->compiled = compiled_open(*ret);
	return 0;
}

static void end_policy(struct session *session)
{
	if (session->compiled)
		compiled_close(session->compiled);
	session->compiled = NULL;
}

static bool still_differs(void *user, const char *policy, const struct reference_packet *packet)
{
	struct session *session = user;
	AUTO(model_free) struct model *readable = NULL, *model = NULL;
	AUTO_FREE char *message = NULL;
	char text[ANSWERS_BYTES];
	bool differs;

	if (!packets_make_sense(packet))
		return false;
	/* Reading is quick, and refuses most of what can't be applied. */
	readable = read_model(policy);
	if (!readable || begin_policy(session, policy, &message, &model))
		return false;
	differs = differs_from(session, session->witness, model, packet, text);
	end_policy(session);
	return differs;
}

/* As many lines as a report has before the policy: so that line numbers are those of the corpus's file to be. */
#define REPORT_HEAD "#\n#\n#\n#\n#\n"

/* In the corpus's form, for people and for the file that EPG_DIFFERENCES names. */
static void report(const struct session *session, const char *policy, const struct reference_packet *packet,
		   const char *answers, unsigned long index)
{
	const char *path = getenv("EPG_DIFFERENCES");
	FILE *files[] = {stderr, path ? fopen(path, "a") : NULL};
	char text[PACKET_TEXT_BYTES];

	packet_text_print(packet, text);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (files[i])
			fprintf(files[i],
				"# SPDX-License-Identifier: GPL-2.0-only\n# EPG_SEED=%lu EPG_FIRST=%lu\n# packet: "
				"%s\n%s%s\n",
				session->seed, index, text, answers, policy);
	if (files[1])
		fclose(files[1]);
}

static void found_difference(struct session *session, struct document_node *root, struct reference_packet *packet,
			     enum witness witness, unsigned long index)
{
	char answers[ANSWERS_BYTES] = "# it does not come again\n#\n";
	AUTO_FREE char *policy = NULL, *with_head = NULL, *message = NULL;
	AUTO(model_free) struct model *model = NULL;

	end_policy(session);
	session->differences++;
	session->witness = witness;
	minimise(root, packet, still_differs, session);
	policy = document_print(root);
	GROUND_CHECK(asprintf(&with_head, REPORT_HEAD "%s", policy) > 0, "no memory");
	if (begin_policy(session, with_head, &message, &model) == 0)
		differs_from(session, witness, model, packet, answers);
	end_policy(session);
	report(session, policy, packet, answers, index);
}

/* ---- one policy ---- */

/* All packets go to the programs that explain and to the tables, some to the others too. */
static bool is_asked(enum witness witness, unsigned long number)
{
	switch (witness) {
	case WITNESS_LIVE:
		return number % LIVE_EVERY == 0;
	case WITNESS_LIBRARY:
		return number % EXPLAIN_EVERY == 0;
	case WITNESS_PROGRAM:
	case WITNESS_TABLES:
	case WITNESSES:
		break;
	}
	return true;
}

/* Of some packets pieces are made, and conversations. */
static bool sequences_agree(struct session *session, const struct model *model, const struct reference_packet *packet,
			    uint64_t *random, unsigned long number)
{
	if (!may_send(model, packet))
		return true;
	if (number % PIECES_EVERY == 0 && !pieces_agree(session->rig, model, packet, random, &session->pieces))
		return false;
	return number % TALKS_EVERY != 1 || talks_agree(session->rig, model, packet, random, &session->talks);
}

static void try_packets(struct session *session, struct document_node *root, const struct model *model,
			uint64_t *random, unsigned long index)
{
	for (unsigned long i = 0; i < session->packets; i++) {
		struct reference_packet packet;
		struct reference_answer answer;
		char text[ANSWERS_BYTES];

		packets_random(model, random, &packet);
		reference_decide(model, &packet, &answer);
		coverage_add_packet(&session->coverage, &packet, &answer);
		if (!sequences_agree(session, model, &packet, random, i)) {
			AUTO_FREE char *policy = document_print(root);

			report(session, policy, &packet, "# what was sent before is told above\n#\n", index);
			session->differences++;
			return;
		}
		for (enum witness witness = 0; witness < WITNESSES; witness++) {
			if (is_asked(witness, i) && differs_from(session, witness, model, &packet, text)) {
				found_difference(session, root, &packet, witness, index);
				return;
			}
		}
	}
}

static void try_policy(struct session *session, unsigned long index)
{
	uint64_t random = session->seed * 1000003u + index;
	AUTO(arena_free) struct arena *arena = arena_new();
	struct document_node *root = generate_policy(arena, &random);
	AUTO_FREE char *text = document_print(root), *message = NULL;
	AUTO(model_free) struct model *model = NULL;

	if (begin_policy(session, text, &message, &model)) {
		session->coverage.refused++;
		fprintf(stderr, "policy %lu was refused: %s\n", index, message);
		return;
	}
	coverage_add_policy(&session->coverage, root);
	try_packets(session, root, model, &random, index);
	end_policy(session);
}

static void print_pieces(const struct pieces_counts *counts)
{
	printf("# coverage: in pieces: %zu packets, %zu pieces: %zu passed, %zu of them on credit, %zu behind the "
	       "first "
	       "one; %zu overlapped\n",
	       counts->packets, counts->pieces, counts->passed, counts->on_credit, counts->followed, counts->overlaps);
	fflush(stdout);
}

static bool pieces_are_complete(const struct pieces_counts *counts)
{
	bool complete = counts->on_credit > 0 && counts->followed > 0 && counts->overlaps > 0;

	if (!complete)
		fprintf(stderr, "no fragment has passed on credit, or behind a first one, or overlapped one\n");
	return complete;
}

static bool try_policies(struct session *session)
{
	bool complete = true;

	for (unsigned long i = 0; i < session->policies && session->differences < session->differences_max; i++)
		try_policy(session, session->first + i);
	coverage_print(&session->coverage, session->seed, witness_names);
	print_pieces(&session->pieces);
	printf("# coverage: talks: %zu, of %zu packets: %zu passed, %zu of them with a flow\n", session->talks.talks,
	       session->talks.packets, session->talks.passed, session->talks.by_flow);
	fflush(stdout);
	/* The generator has to know what is valid. */
	if (session->coverage.refused * 50 > session->policies)
		complete = false;
	if (session->policies >= POLICIES_COMPLETE && session->differences == 0)
		complete &= coverage_is_complete(&session->coverage) && pieces_are_complete(&session->pieces);
	return complete && session->differences == 0;
}

/* ---- the corpus ---- */

struct replay {
	struct session *session;
	const char *path;
	const struct model *model;
};

static void replay_packet(void *user, const struct reference_packet *packet, const char *answer)
{
	struct replay *replay = user;

	(void)answer; /* test_reference looks at it */
	for (enum witness witness = 0; witness < WITNESSES; witness++) {
		char text[ANSWERS_BYTES], line[PACKET_TEXT_BYTES];

		packet_text_print(packet, line);
		if (differs_from(replay->session, witness, replay->model, packet, text)) {
			fprintf(stderr, "%s\n# packet: %s\n%s", replay->path, line, text);
			replay->session->differences++;
		}
	}
}

static void replay_file(void *user, const char *path, const char *text)
{
	struct session *session = user;
	AUTO(model_free) struct model *model = NULL;
	AUTO_FREE char *message = NULL;
	struct replay replay = {.session = session, .path = path};

	GROUND_CHECK(!begin_policy(session, text, &message, &model), "%s: %s", path, message);
	replay.model = model;
	GROUND_CHECK(corpus_each_packet(text, replay_packet, &replay) > 0, "%s: no packets, or broken ones", path);
	end_policy(session);
}

static bool replay_corpus(struct session *session)
{
	GROUND_CHECK(corpus_each_file(CORPUS, replay_file, session) > 0, "no corpus at %s", CORPUS);
	return session->differences == 0;
}

/* ---- the program ---- */

static int skip(const char *reason)
{
	const char *ci = getenv("CI");

	if (ci && strcmp(ci, "true") == 0)
		ground_give_up("%s, and in CI nothing may be skipped", reason);
	printf("1..0 # SKIP %s\n", reason);
	return EXIT_SUCCESS;
}

static bool report_test(unsigned int number, const char *what, bool passed)
{
	printf("%sok %u - %s\n", passed ? "" : "not ", number, what);
	fflush(stdout);
	return passed;
}

int main(void)
{
	struct session session = {
		.policies = from_environment("EPG_POLICIES", 200),
		.packets = from_environment("EPG_PACKETS", 500),
		.seed = from_environment("EPG_SEED", 1),
		.first = from_environment("EPG_FIRST", 0),
		.differences_max = from_environment("EPG_DIFFERENCES_MAX", 5),
	};
	const char *lacking = ground_lacks();
	bool passed;

	if (lacking)
		return skip(lacking);
	printf("TAP version 13\n1..2\n");
	session.rig = rig_open();
	passed = report_test(1, "no difference of the past comes back", replay_corpus(&session));
	session.differences = 0;
	session.coverage = (struct coverage){0};
	passed &= report_test(2, "the programs say what the model says", try_policies(&session));
	rig_close(session.rig);
	return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}
