/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The packet of a question: read, built, and answered by another one. */
#ifndef EPG_EXPLAIN_PACKET_H
#define EPG_EXPLAIN_PACKET_H

#include "inspect/explain_side.h"
#include "inspect/packet.h"
#include "inspect/rule_match.h"

#define EXPLAIN_PACKET_TEXT_MAX 256

/* What is asked about, before anybody knows between whom. */
struct explain_packet {
	uint16_t ethertype; /* of ARP and others; 0: IP, of the family of the addresses */
	uint8_t protocol;
	uint16_t source_port;
	uint16_t destination_port;
	uint8_t icmp_type; /* ARP: the opcode */
	uint8_t icmp_code;
	uint8_t tcp_flags; /* as in the header */
	uint8_t dscp;
	enum epg_fragment fragment;
};

/* -EINVAL with a failure recorded: unknown, incomplete, contradictory, or nothing that has a reply or an error. */
int explain_packet_read(struct epg *epg, const struct epg_question *question, struct explain_packet *ret);

/* The family that the packet's protocol demands; FAMILY_NONE where it has no addresses. */
enum family explain_packet_family(const struct explain_packet *packet);

/* Does it open a flow, where a stateful rule permits it? */
bool explain_packet_opens(const struct explain_packet *packet);
/* The answer to it, whose sides are swapped. */
struct explain_packet explain_packet_reply(const struct explain_packet *packet);
/* An ICMP error about it, of the family of the sides, whose sides are swapped. */
struct explain_packet explain_packet_error(bool ipv4);

/* Errors as packet_build. */
int explain_packet_build(const struct explain_packet *packet, const struct explain_sides *sides, struct packet *ret);
/* The error about `cause`. */
int explain_packet_build_error(const struct explain_packet *packet, const struct explain_sides *sides,
			       const struct packet *cause, struct packet *ret);

/* As rules see it, apart from its groups. */
struct rule_packet explain_packet_fields(const struct explain_packet *packet, bool ipv4);
/* "tcp dport 80 sport 40000 flags syn" */
void explain_packet_text(const struct explain_packet *packet, bool ipv4, char text[EXPLAIN_PACKET_TEXT_MAX]);

#endif
