// SPDX-License-Identifier: GPL-2.0-only
/* Packets in pieces: all follow the first one, which has the ports; those that come before it pass on credit. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "stage.h"

/* A piece of 64 bytes or more, of a packet from one endpoint to another. */
struct piece {
	bool ipv4;
	enum stage_interface from, to;
	uint16_t port, id;
	uint16_t offset; /* in eights */
};

/* UDP: the first piece holds 8 + 56 bytes, all others 64. */
static struct packet_spec spec_of(const struct piece *piece)
{
	struct packet_spec spec = stage_spec(piece->ipv4, piece->from, stage_host(piece->to));

	spec.protocol = 17;
	spec.destination_port = piece->port;
	spec.fragment = true;
	spec.more_fragments = true;
	spec.fragment_id = piece->id;
	spec.fragment_offset = piece->offset;
	spec.payload = piece->offset ? 64 : 56;
	return spec;
}

static bool sends(struct stage *stage, struct piece piece, uint16_t offset)
{
	struct packet_spec spec;

	piece.offset = offset;
	spec = spec_of(&piece);
	return stage_sends(stage, piece.from, &spec);
}

static bool delivers(struct stage *stage, struct piece piece, uint16_t offset)
{
	struct packet_spec spec;

	piece.offset = offset;
	spec = spec_of(&piece);
	return stage_delivers(stage, piece.from, piece.to, &spec);
}

static struct piece dns(bool ipv4, uint16_t id)
{
	return (struct piece){.ipv4 = ipv4, .from = STAGE_FRONT, .to = STAGE_BACK, .port = 53, .id = id};
}

static void expect_following(bool ipv4)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct piece piece = dns(ipv4, 7), answer = {ipv4, STAGE_BACK, STAGE_FRONT, 40000, 8, 0};
	struct packet_spec reply = spec_of(&answer);

	cr_assert(delivers(stage, piece, 0));
	cr_assert(delivers(stage, piece, 8));
	cr_assert(delivers(stage, piece, 16));
	cr_assert_eq(stage_rule_packets(stage, "shop/web", "dns"), 3, "each piece once");
	reply.source_port = 53;
	cr_assert(stage_delivers(stage, STAGE_BACK, STAGE_FRONT, &reply), "the answer's first piece");
	cr_assert(delivers(stage, answer, 8), "the provider's pieces follow theirs");
	cr_assert_eq(stage_stat(stage, EPG_STAT_FLOWS_CREATED), 1);
	stage_close(stage);
}

Test(fragment, later_ones_follow_the_first_one_ipv4)
{
	expect_following(true);
}

Test(fragment, later_ones_follow_the_first_one_ipv6)
{
	expect_following(false);
}

Test(fragment, they_follow_a_denial_too)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	for (int ipv4 = 0; ipv4 < 2; ipv4++) {
		struct piece piece = dns(ipv4, 9);

		piece.port = 54;
		STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, sends(stage, piece, 0));
		STAGE_EXPECT_DROP(stage, EPG_REASON_FRAGMENT, sends(stage, piece, 8));
		piece.id++;
		cr_assert(sends(stage, piece, 8), "another packet, of which nothing is known yet");
	}
	stage_close(stage);
}

Test(fragment, those_before_the_first_one_pass_where_it_may_be_permitted)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	for (int ipv4 = 0; ipv4 < 2; ipv4++) {
		struct piece piece = dns(ipv4, 11), reply = piece, stranger = piece, echo = piece;

		cr_assert(delivers(stage, piece, 16));
		cr_assert(delivers(stage, piece, 8));
		cr_assert(delivers(stage, piece, 0), "the first one, at last");
		cr_assert(delivers(stage, piece, 24));
		reply.from = STAGE_BACK;
		reply.to = STAGE_FRONT;
		cr_assert(delivers(stage, reply, 16), "it may be an answer");
		stranger.to = STAGE_DB;
		STAGE_EXPECT_DROP(stage, EPG_REASON_FRAGMENT, sends(stage, stranger, 16));
		echo.id = 12;
		cr_assert(sends(stage, echo, 8));
		echo.port = 54;
		STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, sends(stage, echo, 0));
		STAGE_EXPECT_DROP(stage, EPG_REASON_FRAGMENT, sends(stage, echo, 16));
	}
	stage_close(stage);
}

Test(fragment, credit_ends)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct piece piece = dns(true, 13);

	for (uint16_t i = 1; i <= EPG_FRAGMENTS_EARLY_MAX; i++)
		cr_assert(sends(stage, piece, i * 8), "piece %u", i);
	STAGE_EXPECT_DROP(stage, EPG_REASON_FRAGMENT, sends(stage, piece, 1000));
	cr_assert(sends(stage, piece, 0), "the first one is decided by its ports all the same");
	cr_assert(sends(stage, piece, 1000), "and the others follow it");
	stage_close(stage);
}

Test(fragment, none_writes_over_the_first_one)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	for (int ipv4 = 0; ipv4 < 2; ipv4++) {
		struct piece piece = dns(ipv4, 15);

		cr_assert(sends(stage, piece, 0));
		STAGE_EXPECT_DROP(stage, EPG_REASON_OVERLAP, sends(stage, piece, 7));
		STAGE_EXPECT_DROP(stage, EPG_REASON_FRAGMENT, sends(stage, piece, 8));
		piece.id++;
		cr_assert(sends(stage, piece, 7), "on credit");
		STAGE_EXPECT_DROP(stage, EPG_REASON_OVERLAP, sends(stage, piece, 0));
		STAGE_EXPECT_DROP(stage, EPG_REASON_FRAGMENT, sends(stage, piece, 8));
	}
	stage_close(stage);
}

Test(fragment, pieces_that_can_be_of_no_packet_are_malformed)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	for (int ipv4 = 0; ipv4 < 2; ipv4++) {
		struct piece piece = dns(ipv4, 17);
		struct packet_spec spec = spec_of(&piece);

		spec.payload = 57;
		STAGE_EXPECT_DROP(stage, EPG_REASON_MALFORMED, stage_sends(stage, STAGE_FRONT, &spec));
		STAGE_EXPECT_DROP(stage, EPG_REASON_MALFORMED, sends(stage, piece, 0x1fff));
	}
	stage_close(stage);
}

/* Whoever is dropped for a false address decides nothing for the address's owner. */
Test(fragment, a_strangers_first_one_ends_nobodys_packet)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct piece piece = dns(true, 19);
	struct packet_spec forged = spec_of(&piece);

	stage_mac(stage_host(STAGE_FRONT2), forged.source_mac);
	forged.destination_port = 54;
	cr_assert(sends(stage, piece, 0));
	STAGE_EXPECT_DROP(stage, EPG_REASON_SPOOFED_ADDRESS, stage_sends(stage, STAGE_FRONT2, &forged));
	/* More than would pass on credit. */
	for (uint16_t i = 1; i <= EPG_FRAGMENTS_EARLY_MAX + 1; i++)
		cr_assert(sends(stage, piece, i * 8), "piece %u", i);
	stage_close(stage);
}

Test(fragment, a_packet_is_decided_once_whatever_is_applied_meanwhile)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	char *closed = stage_policy_with(STAGE_POLICY, "dPort: 53}", "dPort: 54}");
	struct piece piece = dns(true, 21);

	cr_assert(sends(stage, piece, 0));
	stage_apply(stage, closed);
	cr_assert(sends(stage, piece, 8), "the packet was permitted");
	piece.id++;
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, sends(stage, piece, 0));
	STAGE_EXPECT_DROP(stage, EPG_REASON_FRAGMENT, sends(stage, piece, 8));
	free(closed);
	stage_close(stage);
}

Test(fragment, what_was_permitted_to_one_group_is_not_to_another)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct piece piece = dns(false, 23);

	cr_assert(sends(stage, piece, 0));
	stage_move_endpoint(stage, STAGE_BACK, STAGE_DB);
	STAGE_EXPECT_DROP(stage, EPG_REASON_FRAGMENT, sends(stage, piece, 8));
	stage_close(stage);
}

/* One first piece is as good as another's: identities are told apart by addresses and, in IPv4, the protocol. */
Test(fragment, packets_are_told_apart)
{
	struct stage *stage = stage_open(STAGE_POLICY);
	struct piece piece = dns(true, 25);
	struct packet_spec other = spec_of(&piece);

	piece.port = 54;
	STAGE_EXPECT_DROP(stage, EPG_REASON_IMPLICIT_DENY, sends(stage, piece, 0));
	other.protocol = 6;
	other.fragment_offset = 8;
	cr_assert(stage_sends(stage, STAGE_FRONT, &other), "the same number, of TCP");
	piece.from = STAGE_FRONT2;
	cr_assert(sends(stage, piece, 8), "the same number, of another sender");
	stage_close(stage);
}

Test(fragment, echo_in_pieces_passes_both_ways)
{
	struct stage *stage = stage_open(STAGE_POLICY);

	for (int ipv4 = 0; ipv4 < 2; ipv4++) {
		struct packet_spec request = stage_spec(ipv4, STAGE_FRONT, stage_host(STAGE_BACK));
		struct packet_spec reply = stage_spec(ipv4, STAGE_BACK, stage_host(STAGE_FRONT));

		request.protocol = reply.protocol = ipv4 ? 1 : 58;
		request.icmp_type = ipv4 ? 8 : 128;
		reply.icmp_type = ipv4 ? 0 : 129;
		request.icmp_id = reply.icmp_id = 99;
		request.fragment = request.more_fragments = reply.fragment = reply.more_fragments = true;
		request.payload = reply.payload = 56;
		request.fragment_id = reply.fragment_id = 27;
		cr_assert(stage_delivers(stage, STAGE_FRONT, STAGE_BACK, &request));
		cr_assert(stage_delivers(stage, STAGE_BACK, STAGE_FRONT, &reply));
		request.fragment_offset = reply.fragment_offset = 8;
		request.more_fragments = reply.more_fragments = false;
		cr_assert(stage_delivers(stage, STAGE_FRONT, STAGE_BACK, &request));
		cr_assert(stage_delivers(stage, STAGE_BACK, STAGE_FRONT, &reply));
	}
	stage_close(stage);
}
