// SPDX-License-Identifier: GPL-2.0-only
/* Packets in pieces. */
#include <string.h>

#include <netinet/in.h>

#include "rows.h"

/* Of the usual first piece: so many bytes of the packet. */
#define FIRST 48

/* ---- the usual pieces ---- */

static void first(struct odd *odd)
{
	odd_fragment(odd, 0, FIRST, true);
}

static void later(struct odd *odd, unsigned int begin)
{
	odd_fragment(odd, begin, 24, true);
}

static void first_goes_first(struct odd *odd, bool passes)
{
	first(odd);
	odd_goes_first(odd, passes);
}

static void later_goes_first(struct odd *odd, unsigned int begin, bool passes)
{
	later(odd, begin);
	odd_goes_first(odd, passes);
}

void build_fragment_first(struct odd *odd)
{
	first(odd);
}

void build_fragment_first_denied(struct odd *odd)
{
	odd->spec.destination_port = 22;
	first(odd);
}

void build_fragment_first_taboo(struct odd *odd)
{
	odd->spec.destination_port = 23;
	first(odd);
}

void build_fragment_later_first(struct odd *odd)
{
	later(odd, FIRST);
}

void build_fragment_later_hopeless(struct odd *odd)
{
	odd->spec.protocol = 253;
	later(odd, FIRST);
}

void build_fragment_later_portless(struct odd *odd)
{
	odd->spec.protocol = IPPROTO_GRE;
	later(odd, FIRST);
}

void build_fragment_follows(struct odd *odd)
{
	first_goes_first(odd, true);
	later(odd, FIRST);
}

void build_fragment_follows_udp(struct odd *odd)
{
	odd_udp(odd);
	first(odd);
	odd_build(odd);
	odd_store16(&odd->packet, odd->packet.transport + 4, FIRST + 24); /* the whole datagram */
	odd_goes_first(odd, true);
	odd_fragment(odd, FIRST, 24, false);
}

void build_fragment_follows_echo(struct odd *odd)
{
	odd_echo(odd);
	first_goes_first(odd, true);
	later(odd, FIRST);
}

void build_fragment_follows_denied(struct odd *odd)
{
	odd->spec.destination_port = 22;
	first_goes_first(odd, false);
	later(odd, FIRST);
}

void build_fragment_out_of_order(struct odd *odd)
{
	later_goes_first(odd, FIRST, true);
	first(odd);
}

void build_fragment_last_before_first(struct odd *odd)
{
	odd_fragment(odd, FIRST + 24, 13, false);
	odd_goes_first(odd, true);
	first_goes_first(odd, true);
	later(odd, FIRST);
}

/* ---- overlaps ---- */

void build_fragment_overlaps(struct odd *odd)
{
	first_goes_first(odd, true);
	later(odd, FIRST - 8);
}

void build_fragment_teardrop(struct odd *odd)
{
	odd_udp(odd);
	first_goes_first(odd, true);
	odd_fragment(odd, 24, 4, false);
}

void build_fragment_after_overlap(struct odd *odd)
{
	first_goes_first(odd, true);
	later_goes_first(odd, FIRST - 8, false);
	later(odd, FIRST + 24);
}

void build_fragment_is_overlapped(struct odd *odd)
{
	later_goes_first(odd, FIRST - 8, true);
	first(odd);
}

void build_fragment_after_overlapped(struct odd *odd)
{
	later_goes_first(odd, FIRST - 8, true);
	first_goes_first(odd, false);
	later(odd, FIRST + 24);
}

void build_fragment_repeated(struct odd *odd)
{
	first_goes_first(odd, true);
	later_goes_first(odd, FIRST, true);
	later(odd, FIRST);
}

/* ---- credit ---- */

static void use_credit(struct odd *odd, unsigned int pieces)
{
	for (unsigned int i = 0; i < pieces; i++)
		later_goes_first(odd, FIRST + 24 * i, true);
	later(odd, FIRST + 24 * pieces);
}

void build_fragment_credit_used(struct odd *odd)
{
	use_credit(odd, EPG_FRAGMENTS_EARLY_MAX - 1);
}

void build_fragment_credit_over(struct odd *odd)
{
	use_credit(odd, EPG_FRAGMENTS_EARLY_MAX);
}

/* ---- whose packet it is ---- */

void build_fragment_of_other_packet(struct odd *odd)
{
	build_fragment_follows_denied(odd);
	odd->spec.fragment_id++;
	odd->is_of_other_packet = true;
}

void build_fragment_second_first(struct odd *odd)
{
	first_goes_first(odd, true);
	odd->spec.destination_port = 22;
	first(odd);
}

void build_fragment_after_second_first(struct odd *odd)
{
	first_goes_first(odd, true);
	odd->spec.destination_port = 22;
	first_goes_first(odd, false);
	later(odd, FIRST);
}

void build_fragment_spoofed(struct odd *odd)
{
	odd_address(odd, odd->spec.source, "10.1.0.3", "fd00:1::3");
	later(odd, FIRST);
}

/* The forger is held to its own MAC address, or to no endpoint's address. */
void build_fragment_spoofed_first(struct odd *odd)
{
	struct packet_spec own = odd->spec;

	odd->spec.destination_port = 22;
	if (odd->place == PLACE_ENDPOINT)
		odd->spec.source_mac[5] = SCENE_PEER_HOST;
	else
		odd_address(odd, odd->spec.source, "10.1.0.3", "fd00:1::3");
	first_goes_first(odd, false);
	odd->spec = own;
	later(odd, FIRST);
}

void build_fragment_of_answer(struct odd *odd)
{
	odd_is_turned(odd);
	later(odd, FIRST);
}

void build_fragment_of_no_answer(struct odd *odd)
{
	odd->spec.protocol = 253;
	odd_is_turned(odd);
	later(odd, FIRST);
}

/* ---- sizes ---- */

void build_fragment_first_tiny(struct odd *odd)
{
	first(odd);
	odd_build(odd);
	odd_cut(&odd->packet, odd->packet.transport + 8);
	odd_store_length(&odd->packet);
}

void build_fragment_at_8(struct odd *odd)
{
	later(odd, 8);
}

void build_fragment_first_udp_tiny(struct odd *odd)
{
	odd_udp(odd);
	odd_fragment(odd, 0, 8, true);
}

void build_fragment_first_empty(struct odd *odd)
{
	first(odd);
	odd_build(odd);
	odd_cut(&odd->packet, odd->packet.transport);
	odd_store_length(&odd->packet);
}

void build_fragment_later_empty(struct odd *odd)
{
	odd_fragment(odd, FIRST, 0, false);
}

void build_fragment_first_uneven(struct odd *odd)
{
	odd_fragment(odd, 0, FIRST + 1, true);
}

void build_fragment_later_uneven(struct odd *odd)
{
	odd_fragment(odd, FIRST, 23, true);
}

void build_fragment_last_uneven(struct odd *odd)
{
	odd_fragment(odd, FIRST, 23, false);
}

void build_fragment_ping_of_death(struct odd *odd)
{
	odd_echo(odd);
	odd_fragment(odd, 65528, 8, false);
}

void build_fragment_to_the_end(struct odd *odd)
{
	odd_echo(odd);
	odd_fragment(odd, 65528, 7, false);
}

void build_fragment_with_df(struct odd *odd)
{
	first(odd);
	odd_build(odd);
	odd->packet.data[odd->packet.network + 6] |= 0x40;
}

/* ---- IPv6's header ---- */

#define HEADER 40

void build_fragment_atomic(struct odd *odd)
{
	odd->spec.fragment = true;
}

void build_fragment_reserved_bits(struct odd *odd)
{
	odd->spec.fragment = true;
	odd_build(odd);
	odd->packet.data[odd->packet.network + HEADER + 1] = 0xff;
	odd->packet.data[odd->packet.network + HEADER + 3] |= 6;
}

/* Another fragment header before the one that is there. */
static void fragment_header(struct odd *odd, uint8_t more)
{
	const uint8_t header[8] = {IPPROTO_FRAGMENT, 0, 0, more, 0, 0, 0x47, 0x11};

	odd_build(odd);
	odd_insert(&odd->packet, odd->packet.network + HEADER, header, sizeof(header));
	odd_store_length(&odd->packet);
}

void build_fragment_of_fragment(struct odd *odd)
{
	first(odd);
	fragment_header(odd, 1);
}

void build_fragment_atomic_twice(struct odd *odd)
{
	odd->spec.fragment = true;
	fragment_header(odd, 0);
}

/* Destination options behind the fragment header; returns where they end. */
static size_t options_behind(struct odd *odd)
{
	const uint8_t options[8] = {IPPROTO_TCP, 0, 1, 4};

	first(odd);
	odd_build(odd);
	odd->packet.data[odd->packet.network + HEADER] = IPPROTO_DSTOPTS;
	odd_insert(&odd->packet, odd->packet.transport, options, sizeof(options));
	odd_store_length(&odd->packet);
	return odd->packet.transport + sizeof(options);
}

void build_fragment_with_options(struct odd *odd)
{
	options_behind(odd);
}

void build_fragment_without_upper(struct odd *odd)
{
	odd_cut(&odd->packet, options_behind(odd));
	odd_store_length(&odd->packet);
}
