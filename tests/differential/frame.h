/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the facts of a packet to the bytes of a frame that has just these. Checksums are left zero: the programs
 * leave them to the kernel's stack.
 */
#ifndef EPG_TEST_FRAME_H
#define EPG_TEST_FRAME_H

#include <stddef.h>

#include "../reference/reference.h"

#define FRAME_MAX 256

/* The packet's TCP flags as in the header. */
uint8_t frame_tcp_flags(const struct reference_packet *packet);

/* Returns the frame's length. */
size_t frame_build(const struct reference_packet *packet, uint8_t frame[FRAME_MAX]);

#endif
