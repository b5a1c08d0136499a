/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The corpus: policies with packets, one file each, as YAML in whose comments the packets stand:
 *
 *     # packet: at=e0 ether=0x800 src=10.0.1.16 dst=10.0.1.17 proto=6 flags=2 dport=80
 *     # answer: permit level 7 by …
 *
 * A packet may do without an answer; then only the witnesses are compared.
 */
#ifndef EPG_TEST_CORPUS_H
#define EPG_TEST_CORPUS_H

#include "../reference/reference.h"

/* `answer` is NULL where the file has none. */
typedef void (*corpus_packet_fn)(void *user, const struct reference_packet *packet, const char *answer);

/* All files of the directory in order; returns how many, or a negative errno value. `text` is the file's. */
int corpus_each_file(const char *directory, void (*fn)(void *user, const char *path, const char *text), void *user);
/* All packets of a file's text; returns how many, or -EINVAL for a line that can't be read. */
int corpus_each_packet(const char *text, corpus_packet_fn fn, void *user);

#endif
