/* SPDX-License-Identifier: GPL-2.0-only */
/* A packet as filter entries see it. */
#ifndef EPG_TEST_FACTS_H
#define EPG_TEST_FACTS_H

#include "reference.h"

/* A packet's fields, as an entry's intervals are compared with them. */
struct facts {
	uint16_t kind;
	uint16_t destination; /* port, ICMP type, ARP operation */
	uint16_t source;      /* port, ICMP code */
	uint8_t flags;
	uint8_t dscp;
	enum epg_piece piece;
};

/* What no host would send, whatever the policy says: EPG_REASON_NONE, or the reason. */
enum epg_reason facts_refuse(const struct reference_packet *packet);

bool facts_is_multicast(const uint8_t address[16]);
bool facts_is_unspecified(const uint8_t address[16]);
bool facts_is_ipv4(const uint8_t address[16]);
bool facts_is_icmp(const struct reference_packet *packet);
bool facts_is_ip(const struct reference_packet *packet);
struct facts facts_of(const struct reference_packet *packet);

/*
 * With EPG_PIECE_EARLY: could the packet, of which this is a piece, match? An entry that denies has to be sure of it.
 */
bool facts_match(const struct model_entry *entry, bool deny, const struct facts *facts);
/*
 * For the opposite packets of a stateless entry: the packet is turned round and must match then. TCP must not open
 * connections that way: ACK or RST stands in for the flags that the entry asks for. Later fragments, which show no
 * flags, are let through only by an entry that is about nothing else.
 */
bool facts_match_opposite(const struct model_entry *entry, bool deny, const struct facts *facts);

#endif
