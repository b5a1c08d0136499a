// SPDX-License-Identifier: GPL-2.0-only
/* From a packet and its hook to the two sides; from pieces to the packet. */
#include <string.h>

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "between.h"
#include "facts.h"
#include "parties.h"

static bool is_beside_ip(const struct reference_packet *packet)
{
	return !facts_is_ip(packet) && packet->ether_type != ETH_P_ARP;
}

static bool mac_is_a_station(const uint8_t mac[6])
{
	static const uint8_t none[6] = {0};

	return !(mac[0] & 1) && memcmp(mac, none, 6) != 0;
}

static void decide_from_endpoint(const struct model *model, const struct reference_packet *packet,
				 const struct model_endpoint *endpoint, struct reference_answer *answer)
{
	const struct model_group *bound = answer->source;
	enum epg_reason reason;

	if (!mac_is_a_station(packet->source_mac) ||
	    (endpoint && endpoint->has_mac && memcmp(endpoint->mac, packet->source_mac, 6) != 0)) {
		answer_denied(answer, EPG_REASON_SPOOFED_MAC);
		return;
	}
	if (is_beside_ip(packet)) {
		answer->destination = parties_of_mac(model, bound->bridge_domain, packet->destination_mac);
		decide_between(model, packet, bound->vrf, answer);
		return;
	}
	if (decide_infrastructure(model, packet, endpoint, answer))
		return;
	reason = parties_may_use(model, bound, endpoint, packet->source);
	if (reason) {
		answer_denied(answer, reason);
		return;
	}
	answer->source = parties_refine(model, bound, packet->source);
	answer->destination = parties_of_address(model, bound->vrf, packet->destination);
	decide_between(model, packet, bound->vrf, answer);
}

/* Nobody outside has such a source. */
static enum epg_reason refuse_outside(const struct model *model, const struct reference_packet *packet, uint32_t vrf)
{
	const struct model_group *owner;

	if (reference_owner(model, vrf, packet->source, &owner))
		return EPG_REASON_SPOOFED_ADDRESS;
	return facts_is_unspecified(packet->source) ? EPG_REASON_MARTIAN : EPG_REASON_NONE;
}

/* May the endpoint of the hook get what is sent to this address? A frame to many is for it too. */
static enum epg_reason refuse_delivery(const struct model *model, const struct reference_packet *packet,
				       const struct model_endpoint *endpoint, uint32_t vrf)
{
	const struct model_group *owner;
	const struct model_endpoint *owning = reference_owner(model, vrf, packet->destination, &owner);

	if (owning)
		return owning == endpoint ? EPG_REASON_NONE : EPG_REASON_MISDIRECTED;
	return packet->destination_mac[0] & 1 || !model->vrfs[vrf].enforced ? EPG_REASON_NONE
									    : EPG_REASON_UNKNOWN_DESTINATION;
}

/* The same of a frame that has no addresses but these. */
static enum epg_reason refuse_by_mac(const struct model *model, const struct reference_packet *packet,
				     const struct model_group *bound)
{
	const struct model_group *owner = parties_of_mac(model, bound->bridge_domain, packet->destination_mac);

	if (owner)
		return owner == bound ? EPG_REASON_NONE : EPG_REASON_MISDIRECTED;
	return model->vrfs[bound->vrf].enforced ? EPG_REASON_UNKNOWN_DESTINATION : EPG_REASON_NONE;
}

/* From outside, to the endpoint of the hook. */
static void decide_from_outside(const struct model *model, const struct reference_packet *packet,
				const struct model_endpoint *endpoint, struct reference_answer *answer)
{
	const struct model_group *bound = answer->destination;
	enum epg_reason reason;

	if (is_beside_ip(packet)) {
		reason = refuse_by_mac(model, packet, bound);
		answer_denied(answer, reason ? reason : EPG_REASON_UNKNOWN_SOURCE);
		return;
	}
	if (decide_infrastructure(model, packet, endpoint, answer))
		return;
	reason = refuse_outside(model, packet, bound->vrf);
	if (!reason)
		reason = refuse_delivery(model, packet, endpoint, bound->vrf);
	if (reason) {
		answer_denied(answer, reason);
		return;
	}
	answer->source = parties_of_address(model, bound->vrf, packet->source);
	answer->destination = parties_refine(model, bound, packet->destination);
	decide_between(model, packet, bound->vrf, answer);
}

/* From outside, at the uplink of a VRF. */
static void decide_at_uplink(const struct model *model, const struct reference_packet *packet,
			     struct reference_answer *answer)
{
	const struct model_group *bound = answer->destination, *owner;
	bool for_endpoint = facts_is_ip(packet) && reference_owner(model, bound->vrf, packet->destination, &owner);
	enum epg_reason reason;

	if (packet->vlan || is_beside_ip(packet) || (facts_is_ip(packet) && !facts_refuse(packet) && !for_endpoint)) {
		answer->verdict = EPG_PERMIT;
		answer->passes_by = true;
		return;
	}
	reason = facts_refuse(packet);
	if (!reason && decide_infrastructure(model, packet, NULL, answer))
		return;
	if (!reason)
		reason = refuse_outside(model, packet, bound->vrf);
	if (reason) {
		answer_denied(answer, reason);
		return;
	}
	answer->source = parties_of_address(model, bound->vrf, packet->source);
	answer->destination = parties_of_address(model, bound->vrf, packet->destination);
	decide_between(model, packet, bound->vrf, answer);
}

void reference_decide(const struct model *model, const struct reference_packet *packet, struct reference_answer *ret)
{
	const struct model_endpoint *endpoint;
	const struct model_group *bound = reference_member(model, packet->interface, &endpoint);
	enum epg_reason reason = facts_refuse(packet);

	*ret = (struct reference_answer){0};
	if (!bound) {
		answer_denied(ret, EPG_REASON_QUARANTINE);
	} else if (packet->by_uplink) {
		ret->destination = bound;
		decide_at_uplink(model, packet, ret);
	} else if (reason) {
		answer_denied(ret, reason);
	} else if (packet->from_outside) {
		ret->destination = bound;
		decide_from_outside(model, packet, endpoint, ret);
	} else {
		ret->source = bound;
		decide_from_endpoint(model, packet, endpoint, ret);
	}
}

/* ---- packets in pieces ---- */

static void decide_first_piece(const struct reference_packet *packet, struct reference_sequence *sequence,
			       struct reference_answer *answer)
{
	/* Who is dropped for a false address decides nothing for its owner. */
	if (!answer->has_rule)
		return;
	if (answer->verdict == EPG_PERMIT && sequence->early && sequence->lowest < packet->piece_end)
		answer_denied(answer, EPG_REASON_OVERLAP);
	sequence->state = answer->verdict == EPG_PERMIT ? EPG_FRAGMENTS_PERMITTED : EPG_FRAGMENTS_DENIED;
	sequence->end = packet->piece_end;
	sequence->first = *answer;
}

/* What it would be if it were the first to come is known: the sequence may know better. */
static void decide_later_piece(const struct reference_packet *packet, struct reference_sequence *sequence,
			       struct reference_answer *answer)
{
	bool is_infrastructure = answer->rule.implicit && answer->rule.id == EPG_RULE_INFRASTRUCTURE;

	if (!answer->has_rule || is_infrastructure || answer->speaks_of_pieces)
		return;
	if (sequence->state == EPG_FRAGMENTS_DENIED) {
		answer_denied(answer, EPG_REASON_FRAGMENT);
	} else if (sequence->state == EPG_FRAGMENTS_PERMITTED && packet->piece_begin < sequence->end) {
		answer_denied(answer, EPG_REASON_OVERLAP);
		sequence->state = EPG_FRAGMENTS_DENIED;
	} else if (sequence->state == EPG_FRAGMENTS_PERMITTED) {
		*answer = sequence->first;
		answer->follows = true;
	} else if (answer->on_credit) {
		if (sequence->early >= EPG_FRAGMENTS_EARLY_MAX) {
			answer_denied(answer, EPG_REASON_FRAGMENT);
			return;
		}
		if (!sequence->early++ || packet->piece_begin < sequence->lowest)
			sequence->lowest = packet->piece_begin;
	}
}

void reference_decide_piece(const struct model *model, const struct reference_packet *packet,
			    struct reference_sequence *sequence, struct reference_answer *ret)
{
	reference_decide(model, packet, ret);
	if (ret->passes_by)
		return;
	if (packet->fragment == EPG_FRAGMENT_FIRST)
		decide_first_piece(packet, sequence, ret);
	else if (packet->fragment == EPG_FRAGMENT_LATER)
		decide_later_piece(packet, sequence, ret);
}
