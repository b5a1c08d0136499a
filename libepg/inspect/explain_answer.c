/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "inspect/explain_answer.h"

#include <errno.h>
#include <string.h>

#include "inspect/near_miss.h"
#include "inspect/remedy.h"
#include "runtime/observe.h"

#define BEATEN_MAX 16

/* Copies into an arena; remembers that one failed, so that it is asked once. */
struct copier {
	struct arena *arena;
	const struct generation *generation;
	bool failed;
};

static const char *copy(struct copier *copier, const char *text)
{
	const char *copied = arena_string(copier->arena, text, strlen(text));

	if (!copied)
		copier->failed = true;
	return copied ? copied : "";
}

static void fill_rule(struct copier *copier, uint32_t index, struct epg_rule_info *ret)
{
	char match[RULE_TEXT_MATCH_MAX];

	rule_text_info(copier->generation, index, match, sizeof(match), ret);
	ret->contract = copy(copier, ret->contract);
	ret->subject = copy(copier, ret->subject);
	ret->filter = copy(copier, ret->filter);
	ret->entry = copy(copier, ret->entry);
	ret->file = copy(copier, ret->file);
	ret->match = copy(copier, match);
}

static const struct epg_rule_info *copy_rule(struct copier *copier, uint32_t index)
{
	struct epg_rule_info *rule = ARENA_NEW(copier->arena, struct epg_rule_info);

	if (rule)
		fill_rule(copier, index, rule);
	else
		copier->failed = true;
	return rule;
}

static bool is_unspecified(const uint8_t address[16])
{
	static const uint8_t zeros[16];
	size_t skip = packet_address_is_ipv4(address) ? 12 : 0;

	return memcmp(address + skip, zeros, sizeof(zeros) - skip) == 0;
}

static const char *copy_address(struct copier *copier, const uint8_t address[16])
{
	char text[TEXT_ADDRESS_MAX];

	if (is_unspecified(address))
		return "";
	text_address(address, text);
	return copy(copier, text);
}

static const char *copy_group(struct copier *copier, uint16_t class_id)
{
	char text[EPG_NAME_MAX];

	return copy(copier, observe_group(&copier->generation->catalog, class_id, text));
}

/* ---- other rules ---- */

static struct rule_book book_of(const struct generation *generation)
{
	return (struct rule_book){&generation->catalog};
}

/* All that match, but for the one that decided. */
static void answer_beaten(struct copier *copier, const struct rule_packet *fields, uint32_t decided,
			  struct epg_answer *answer)
{
	const struct rule_book book = book_of(copier->generation);
	uint32_t rules[BEATEN_MAX + 1];
	size_t all = rule_match_all(&book, fields, rules, BEATEN_MAX + 1);
	size_t kept = all < BEATEN_MAX + 1 ? all : BEATEN_MAX + 1;
	struct epg_rule_info *beaten = arena_array(copier->arena, BEATEN_MAX, sizeof(*beaten));
	size_t n = 0;

	if (!beaten) {
		copier->failed = true;
		return;
	}
	answer->n_beaten_all = all;
	for (size_t i = 0; i < kept; i++) {
		if (rules[i] == decided)
			answer->n_beaten_all--;
		else if (n < BEATEN_MAX)
			fill_rule(copier, rules[i], &beaten[n++]);
	}
	answer->beaten = beaten;
	answer->n_beaten = n;
}

static void answer_near_misses(struct copier *copier, const struct rule_packet *fields, const struct near_miss *misses,
			       size_t n, struct epg_answer *answer)
{
	const struct rule_book book = book_of(copier->generation);
	struct epg_near_miss *told = arena_array(copier->arena, n, sizeof(*told));
	char text[NEAR_MISS_TEXT_MAX];

	if (!told) {
		copier->failed = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		near_miss_why(&book, fields, &misses[i], text);
		told[i].rule = copy_rule(copier, misses[i].rule);
		told[i].missed = near_miss_missed(fields, &misses[i]);
		told[i].why = copy(copier, text);
	}
	answer->near_misses = told;
	answer->n_near_misses = n;
}

/* By the policy: a near miss can only lift what no rule of a contract denies. */
static void answer_denial(struct copier *copier, const struct rule_packet *fields, uint32_t rule,
			  struct epg_answer *answer)
{
	const struct rule_book book = book_of(copier->generation);
	struct near_miss misses[NEAR_MISSES_MAX];
	struct remedy remedy;
	size_t n = 0;

	if (copier->generation->catalog.rules[rule].contract == CATALOG_NONE)
		n = near_miss_find(&book, fields, misses);
	answer_near_misses(copier, fields, misses, n, answer);
	remedy_find(&book, fields, rule, misses, n, &remedy);
	answer->remedy.hint = copy(copier, remedy.hint);
	answer->remedy.yaml = copy(copier, remedy.yaml);
	answer->remedy.line = remedy.line;
	if (remedy.line)
		answer->remedy.file = copy(copier, copier->generation->catalog.file);
}

/* What lifts a denial that no contract can lift. */
static const char *reason_hint(enum epg_reason reason)
{
	switch (reason) {
	case EPG_REASON_QUARANTINE:
		return "bind the interface to a group: in the policy, or with epgctl endpoint add";
	case EPG_REASON_OUTSIDE_SUBNET:
		return "add a subnet that contains the source address to the bridge domain";
	case EPG_REASON_SPOOFED_ADDRESS:
		return "declare the source address as the endpoint's";
	case EPG_REASON_UNKNOWN_SOURCE:
		return "cover the source address by the subnets of an external group";
	case EPG_REASON_UNKNOWN_DESTINATION:
		return "declare the destination address as an endpoint's, or cover it by the subnets of an external "
		       "group; a frame that is not IP goes to endpoints that have sent something before";
	case EPG_REASON_UNRELATED:
		return "let a stateful entry permit the packet that the error is about";
	case EPG_REASON_VLAN:
		return "say who sends with this VLAN: match: {interface, vlan} in the policy, or epgctl endpoint add "
		       "IF --vlan N";
	case EPG_REASON_MARTIAN:
		return "nothing permits it: no host may send from, or to, such an address";
	case EPG_REASON_TCP_FLAGS:
		return "nothing permits it: a segment has SYN, ACK or RST, and SYN neither with FIN nor with RST";
	case EPG_REASON_OVERLAP:
		return "nothing permits it: no sender that means well cuts a packet so";
	case EPG_REASON_UNVOUCHED:
		return "attach the device that has sent it, inside of its container: epgctl attach --netns";
	default:
		return "";
	}
}

/* ---- the answer ---- */

static void fill_sides(struct copier *copier, const struct explain_step *step, struct epg_answer *ret)
{
	const struct epg_event *event = &step->event;

	ret->source_group = copy_group(copier, event->source_class);
	ret->source_interface = copy(copier, step->source);
	ret->source_address = copy_address(copier, event->source);
	ret->destination_group = copy_group(copier, event->destination_class);
	ret->destination_interface = copy(copier, step->destination);
	ret->destination_address = copy_address(copier, event->destination);
}

static bool is_by_policy(enum epg_reason reason)
{
	return reason == EPG_REASON_IMPLICIT_DENY || reason == EPG_REASON_DENIED || reason == EPG_REASON_FRAGMENT;
}

/* Permitted though the rule asks for ports, which a later fragment does not show. */
static bool is_on_credit(const struct copier *copier, const struct explain_step *step)
{
	const struct catalog_rule *rule = &copier->generation->catalog.rules[step->event.rule];

	return step->packet->fragment == EPG_FRAGMENT_LATER && step->event.verdict == EPG_PERMIT &&
	       rule->contract != CATALOG_NONE && rule->fragment.last < EPG_PIECE_LATER;
}

static void fill_rules(struct copier *copier, const struct explain_step *step, struct epg_answer *ret)
{
	struct rule_packet fields = explain_packet_fields(step->packet, step->ipv4);
	const struct epg_event *event = &step->event;

	if (event->generation != copier->generation->number || event->rule >= copier->generation->catalog.n_rules)
		return;
	fields.source_class = event->source_class;
	fields.destination_class = event->destination_class;
	ret->rule = copy_rule(copier, event->rule);
	if (event->flags & (EPG_EVENT_WOULD_DENY | EPG_EVENT_WOULD_PERMIT) &&
	    event->audited_rule < copier->generation->catalog.n_rules)
		ret->audited = copy_rule(copier, event->audited_rule);
	/* Before the levels, nothing but itself decides. */
	if (event->rule != EPG_RULE_UNENFORCED && event->rule != EPG_RULE_INFRASTRUCTURE)
		answer_beaten(copier, &fields, event->rule, ret);
	/* What nearly permitted a later fragment is what nearly permitted all of the packet. */
	if (fields.fragment)
		fields.fragment = EPG_PIECE_EARLY;
	if (is_by_policy(event->reason))
		answer_denial(copier, &fields, event->rule, ret);
	if (is_on_credit(copier, step))
		ret->remedy.hint = "it passes on credit: so do 64 pieces at most before the first one, which is "
				   "decided by its ports; where that does not pass, nobody can put the packet together";
}

static const char *copy_packet(struct copier *copier, const struct explain_packet *packet, bool ipv4)
{
	char text[EXPLAIN_PACKET_TEXT_MAX];

	explain_packet_text(packet, ipv4, text);
	return copy(copier, text);
}

int explain_answer_fill(struct arena *arena, const struct generation *generation, const struct explain_step *step,
			struct epg_answer *ret)
{
	struct copier copier = {arena, generation, false};
	const struct epg_event *event = &step->event;
	struct epg_answer answer = {
		.verdict = event->verdict,
		.reason = event->reason,
		.level = event->level,
		.generation = event->generation,
		.reason_text = epg_reason_text(event->reason),
		.packet = copy_packet(&copier, step->packet, step->ipv4),
		.remedy = {.hint = reason_hint(event->reason), .yaml = "", .file = ""},
	};

	if (!answer.reason_text)
		answer.reason_text = "a reason that this version does not know";
	fill_sides(&copier, step, &answer);
	fill_rules(&copier, step, &answer);
	if (copier.failed)
		return -ENOMEM;
	*ret = answer;
	return 0;
}

int explain_answer_by_flow(struct arena *arena, const struct explain_packet *packet, bool ipv4,
			   const struct epg_answer *opening, struct epg_answer *ret)
{
	struct copier copier = {arena, NULL, false};
	struct epg_answer answer = {
		.verdict = EPG_PERMIT,
		.reason = EPG_REASON_NONE,
		.reason_text = epg_reason_text(EPG_REASON_NONE),
		.level = opening->level,
		.generation = opening->generation,
		.packet = copy_packet(&copier, packet, ipv4),
		.source_group = opening->destination_group,
		.source_interface = opening->destination_interface,
		.source_address = opening->destination_address,
		.destination_group = opening->source_group,
		.destination_interface = opening->source_interface,
		.destination_address = opening->source_address,
		.rule = opening->rule,
		.remedy = {.hint = "", .yaml = "", .file = ""},
		.opening = opening,
		.by_flow = true,
	};

	if (copier.failed)
		return -ENOMEM;
	*ret = answer;
	return 0;
}
