/* SPDX-License-Identifier: GPL-2.0-only */
/* A frame as the command line describes it. */
#ifndef FRAME_H
#define FRAME_H

#include <stdint.h>

#include "probe.h"

#define FRAME_ROOM 66000
#define FRAME_RAW_MAX 256

struct frame_address {
	uint8_t bytes[16];
	int family; /* 0: not given */
};

struct frame_spec {
	const char *interface;
	int ifindex;
	char token[TOKEN_MAX];
	uint8_t smac[6], dmac[6];
	uint32_t vlan, second_vlan, tpid; /* VLAN 4096: none */
	uint32_t ether;                   /* 0: by what is in it */
	struct frame_address src, dst;
	uint32_t protocol, sport, dport, type, code, flags, ttl, dscp, size, id;
	uint32_t options, extensions;          /* bytes of IPv4 options; IPv6 extension headers */
	uint32_t offset, length, more;         /* one piece of the packet: its bytes from offset */
	uint32_t fragment, reverse;            /* all of it, in pieces of so many bytes; the last one first */
	uint32_t arp;                          /* its opcode */
	uint8_t sha[6], tha[6];                /* of ARP */
	struct frame_address spa, tpa, target; /* of ARP; of neighbour discovery */
	uint8_t lladdr[6];                     /* of neighbour discovery: the option that tells a MAC address */
	uint8_t raw[FRAME_RAW_MAX];            /* what stands in the place of the transport header */
	uint32_t raw_length;
	uint32_t cut; /* the frame ends after so many bytes */
	uint32_t mark, bypass, count, gap;
	uint32_t vary, rate; /* so many frames with ports of their own each, so many a second */
};

/* Reads the words; ends the program where one of them is wrong. */
void frame_read(struct frame_spec *spec, const char *interface, int n_words, char **words);

#endif
