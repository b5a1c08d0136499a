// SPDX-License-Identifier: GPL-2.0-only
#include "judge.h"

#include "parser.h"

/* An uplink's binding stands in no policy: for the reference it is one of any endpoint of its VRF. */
static void enter_hook(const struct judge_hook *hook, struct reference_packet *packet)
{
	packet->interface =
		scene_interface_name(hook->place == PLACE_ENDPOINT && !hook->by_back ? SCENE_FRONT : SCENE_BACK);
	if (hook->by_back)
		return;
	packet->by_uplink = hook->place == PLACE_UPLINK;
	packet->from_outside = hook->place != PLACE_ENDPOINT;
}

/*
 * What can't be read, of which the tag and the EtherType are known. An uplink lets pass what is no affair of an endpoint;
 * nobody else was given a tag.
 */
static enum fate refused(const struct reference_packet *packet, enum epg_reason reason)
{
	if (packet->vlan)
		reason = EPG_REASON_VLAN;
	if (packet->by_uplink && (reason == EPG_REASON_VLAN || reason == EPG_REASON_ETHERTYPE))
		return FATE_BY;
	return (enum fate)reason;
}

enum fate judge(const struct model *model, const struct judge_hook *hook, const uint8_t *frame, size_t length,
		struct reference_sequence *sequence)
{
	struct reference_packet packet;
	struct reference_answer answer;
	enum epg_reason reason = parser_read(frame, length, &packet);

	enter_hook(hook, &packet);
	if (reason)
		return refused(&packet, reason);
	reference_decide_piece(model, &packet, sequence, &answer);
	if (answer.passes_by)
		return FATE_BY;
	/* What it quotes might have been a packet of a flow. */
	if (answer.reason == EPG_REASON_IMPLICIT_DENY && parser_is_error(&packet))
		return FATE_UNRELATED;
	return (enum fate)answer.reason;
}

struct scene_arrival judge_arrival(const struct judge_hook *hook, bool xdp)
{
	struct scene_arrival arrival = {.program = xdp ? SCENE_XDP : SCENE_TC_INGRESS, .interface = SCENE_BACK};

	if (hook->by_back)
		return arrival;
	if (hook->place == PLACE_TOWARDS)
		arrival.program = SCENE_TC_EGRESS;
	else
		arrival.interface = hook->place == PLACE_UPLINK ? SCENE_UPLINK : SCENE_FRONT;
	return arrival;
}
