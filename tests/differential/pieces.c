// SPDX-License-Identifier: GPL-2.0-only
#include "pieces.h"

#include <stdio.h>
#include <string.h>

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "base/util.h"
#include "epg/epg.h"
#include "packet_text.h"

/* Of the first piece, and of each later one. */
#define FIRST_BYTES 48
#define LATER_BYTES 24

static struct reference_packet later_piece(const struct reference_packet *whole, unsigned int begin, bool last)
{
	struct reference_packet piece = *whole;

	piece.fragment = EPG_FRAGMENT_LATER;
	piece.piece_begin = (uint16_t)begin;
	piece.piece_end = (uint16_t)(begin + LATER_BYTES);
	piece.piece_last = last;
	/* It shows nothing of these. */
	piece.tcp_flags = piece.icmp_type = piece.icmp_code = piece.chunk = 0;
	piece.source_port = piece.destination_port = piece.echo = 0;
	return piece;
}

static struct reference_packet first_piece(const struct reference_packet *whole)
{
	struct reference_packet piece = *whole;

	piece.fragment = EPG_FRAGMENT_FIRST;
	piece.piece_begin = 0;
	piece.piece_end = FIRST_BYTES;
	piece.piece_last = false;
	return piece;
}

static void exchange(struct reference_packet *one, struct reference_packet *other)
{
	struct reference_packet kept = *one;

	*one = *other;
	*other = kept;
}

size_t packets_in_pieces(const struct reference_packet *whole, uint64_t *random,
			 struct reference_packet ret[PACKETS_PIECES_MAX])
{
	const unsigned int overlap = pool_chance(random, 20) ? 8 : 0;
	size_t n = 2 + random_below(random, PACKETS_PIECES_MAX - 2);

	if ((whole->ether_type != ETH_P_IP && whole->ether_type != ETH_P_IPV6) ||
	    whole->fragment == EPG_FRAGMENT_LATER || packets_ask_for_neighbors(whole))
		return 0;
	ret[0] = first_piece(whole);
	for (size_t i = 1; i < n; i++)
		ret[i] = later_piece(whole, FIRST_BYTES - overlap + (unsigned int)(i - 1) * LATER_BYTES, i + 1 == n);
	if (pool_chance(random, 50))
		exchange(&ret[0], &ret[random_below(random, n)]);
	if (pool_chance(random, 15))
		ret[random_below(random, n)] = ret[random_below(random, n)];
	return n;
}

static void count(struct pieces_counts *counts, const struct reference_packet *piece,
		  const struct reference_answer *answer)
{
	counts->pieces++;
	counts->passed += answer->verdict == EPG_PERMIT;
	counts->on_credit += answer->on_credit && piece->fragment == EPG_FRAGMENT_LATER;
	counts->followed += answer->follows;
	counts->overlaps += answer->reason == EPG_REASON_OVERLAP;
}

static void tell(const struct reference_packet *pieces, size_t n, const struct reference_answer *answer)
{
	char text[PACKET_TEXT_BYTES];

	for (size_t i = 0; i < n; i++) {
		packet_text_print(&pieces[i], text);
		fprintf(stderr, "# piece: %s\n", text);
	}
	fprintf(stderr, "# answer: %s %s, the programs do the opposite\n",
		answer->verdict == EPG_PERMIT ? "permit" : "deny", epg_reason_name(answer->reason));
}

bool pieces_agree(struct rig *rig, const struct model *model, const struct reference_packet *whole, uint64_t *random,
		  struct pieces_counts *counts)
{
	struct reference_packet pieces[PACKETS_PIECES_MAX];
	struct reference_sequence sequence = {0};
	size_t n = packets_in_pieces(whole, random, pieces);
	bool agree = true;

	counts->packets += n > 0;
	for (size_t i = 0; i < n && agree; i++) {
		struct reference_answer answer;

		reference_decide_piece(model, &pieces[i], &sequence, &answer);
		count(counts, &pieces[i], &answer);
		agree = rig_passes(rig, &pieces[i]) == (answer.verdict == EPG_PERMIT);
		if (!agree)
			tell(pieces, i + 1, &answer);
	}
	rig_forget(rig);
	return agree;
}
