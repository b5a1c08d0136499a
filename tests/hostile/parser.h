/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A second reader of frames, in plain C and after the RFCs, which shares nothing with the one of the BPF programs: what
 * it finds out is what the reference is asked about.
 */
#ifndef EPG_TEST_PARSER_H
#define EPG_TEST_PARSER_H

#include <stddef.h>

#include "../reference/reference.h"

/* Extension headers of IPv6 that are followed (docs/datapath.md). */
#define PARSER_EXTENSIONS_MAX 6
/* Options of neighbour discovery: so many at most. */
#define PARSER_OPTIONS_MAX 4

/*
 * Fills in all but the hook. Returns EPG_REASON_NONE, or why the frame can't be understood; `ret->vlan` is right in any
 * case.
 */
enum epg_reason parser_read(const uint8_t *frame, size_t length, struct reference_packet *ret);

/* Is it an ICMP error, and so one that follows the flow that it quotes? */
bool parser_is_error(const struct reference_packet *packet);

#endif
