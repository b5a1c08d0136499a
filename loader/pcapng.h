/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Captures as a file: pcapng (draft-ietf-opsawg-pcapng), which Wireshark and tcpdump read. One section in this host's
 * byte order; each interface is described before its first packet.
 */
#ifndef EPGCTL_PCAPNG_H
#define EPGCTL_PCAPNG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct pcapng_packet {
	uint64_t time_ns; /* since the epoch */
	uint32_t interface;
	const char *interface_name;
	bool outbound; /* the interface was about to send it */
	bool permitted;
	bool xdp; /* decided by XDP; else by TC */
	const uint8_t *bytes;
	uint32_t captured; /* of them */
	uint32_t length;   /* that the frame had */
	uint16_t vlan;     /* of a tag that the kernel has taken off the bytes: it is put back; 0: none */
	const char *comment;
};

struct pcapng;

/* Writes the beginning. `snaplen`: bytes of a frame that are kept, at most. Errors: -ENOMEM, and those of writing. */
int pcapng_new(FILE *stream, uint32_t snaplen, struct pcapng **ret);
int pcapng_write(struct pcapng *pcapng, const struct pcapng_packet *packet);
/* What has been written stays with the stream. */
void pcapng_free(struct pcapng *pcapng);

#endif
