/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reference: what the policy model says about one packet, written down as plainly as the tables of docs/policy.md
 * and as slowly as need be. It shares nothing with the compiler and the BPF programs but the ids of abi.h and the
 * model, so that neither can be wrong in the same way.
 *
 * It judges packets that open a flow or belong to none, at the first hook that sees them; pieces of a packet with what
 * is known of the others (reference_decide_piece). What follows a flow is another matter: flows.h.
 */
#ifndef EPG_TEST_REFERENCE_H
#define EPG_TEST_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "epg/abi.h"
#include "policy/model.h"

/* What is to be known of a packet. Addresses are in their mapped form, ports in host byte order. */
struct reference_packet {
	const char *interface; /* of the hook: the endpoint that sends it, or is about to get it from outside */
	bool from_outside;
	bool by_uplink; /* from outside, at an uplink: the interface is not the endpoint's */
	uint16_t vlan;  /* 0: untagged, or with a priority alone */
	uint8_t source_mac[6];
	uint8_t destination_mac[6];
	uint16_t ether_type;
	uint8_t source[16]; /* ARP: the sender's protocol address */
	uint8_t destination[16];
	uint8_t target[16];     /* ARP and neighbour solicitation: whose MAC address is asked for, or told */
	uint8_t claimed_mac[6]; /* the one that ARP or neighbour discovery tells of; all zero: none */
	uint16_t arp_operation;
	uint8_t protocol;
	uint8_t dscp;
	bool forwarded; /* neighbour discovery: its hop limit says that a router has forwarded it */
	enum epg_fragment fragment;
	uint16_t piece_begin; /* of a fragment: which bytes of the packet it holds */
	uint16_t piece_end;
	bool piece_last;
	uint16_t piece_id;
	uint8_t tcp_flags; /* EPG_FLAG_… */
	uint8_t icmp_type;
	uint8_t icmp_code;
	uint8_t chunk; /* SCTP: type of the first chunk; DCCP: type of the packet */
	uint16_t source_port;
	uint16_t destination_port;
	uint16_t echo; /* identifier of an ICMP echo */
};

/* Between whom a rule stands, as its packets go. */
enum reference_role {
	REFERENCE_PAIR,
	REFERENCE_TO_ANY,
	REFERENCE_FROM_ANY,
	REFERENCE_ANY,
	REFERENCE_INTRA,
	REFERENCE_TABOO,
	REFERENCE_ROLES
};

/* A rule, by where it stands in the policy. */
struct reference_rule {
	enum epg_level level;
	enum epg_verdict action;
	bool implicit;
	enum epg_implicit_rule id;             /* if implicit; else: */
	const struct model_contract *contract; /* NULL: a taboo */
	const struct model_taboo *taboo;
	const struct model_subject *subject; /* NULL: a taboo's */
	const struct model_filter *filter;
	const struct model_entry *entry;
	enum reference_role role;
	bool opposite; /* for packets from the provider to the consumer */
};

struct reference_answer {
	enum epg_verdict verdict;
	enum epg_reason reason; /* of a denial */
	enum epg_level level;   /* of the rule */
	bool has_rule;          /* false: denied before any rule was asked */
	struct reference_rule rule;
	bool has_audited;
	struct reference_rule audited;         /* would decide otherwise if audited subjects were enforced */
	bool passes_by;                        /* by an uplink, and no affair of an endpoint: the host's own */
	bool speaks_of_pieces;                 /* a later fragment: the rule is about nothing else */
	bool follows;                          /* a later fragment that passes because the first one did */
	bool on_credit;                        /* a later fragment that passes because its packet may be permitted */
	const struct model_group *source;      /* NULL: not known, or not asked for */
	const struct model_group *destination; /* NULL: not known, or not asked for */
};

/* A fragment is taken as the first piece that is seen of its packet. */
void reference_decide(const struct model *model, const struct reference_packet *packet, struct reference_answer *ret);

/* What is known of a packet that comes in pieces; all zero: nothing yet. */
struct reference_sequence {
	enum epg_fragment_state state;
	unsigned int early;            /* pieces that have come before the first one */
	uint16_t lowest;               /* where the earliest of them begins */
	uint16_t end;                  /* of the first one */
	struct reference_answer first; /* on it */
};

/* One piece after the other of the same packet. Whole packets are decided as by reference_decide. */
void reference_decide_piece(const struct model *model, const struct reference_packet *packet,
			    struct reference_sequence *sequence, struct reference_answer *ret);

/* The endpoint that owns an address in a VRF (by index), and its group; NULL: nobody. */
const struct model_endpoint *reference_owner(const struct model *model, uint32_t vrf, const uint8_t address[16],
					     const struct model_group **ret_group);

/* The group of an interface: by its name before globs, earlier lines first. `ret_endpoint` is NULL for a glob's. */
const struct model_group *reference_member(const struct model *model, const char *interface,
					   const struct model_endpoint **ret_endpoint);

#endif
