/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets as one line of text, "at=e0 ether=0x800 src=10.0.1.16 dst=10.0.1.17 proto=6 dport=80 …": what the corpus
 * keeps. Fields that are zero are left out.
 */
#ifndef EPG_TEST_PACKET_TEXT_H
#define EPG_TEST_PACKET_TEXT_H

#include "../reference/reference.h"

#define PACKET_TEXT_BYTES 512

void packet_text_print(const struct reference_packet *packet, char text[PACKET_TEXT_BYTES]);
/* 0, or -EINVAL. The interface is one of the pool's. */
int packet_text_parse(const char *text, struct reference_packet *ret);

/* Fields that are numbers, for the minimiser: takes and puts back number `index`; false behind the last one. */
bool packet_text_number(const struct reference_packet *packet, unsigned int index, uint16_t *ret);
void packet_text_set_number(struct reference_packet *packet, unsigned int index, uint16_t value);

#endif
