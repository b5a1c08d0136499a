/* SPDX-License-Identifier: GPL-2.0-only */
/* What a run has looked at: a test that never reaches a level proves nothing about it. */
#ifndef EPG_TEST_COVERAGE_H
#define EPG_TEST_COVERAGE_H

#include "../reference/reference.h"
#include "document.h"

#define COVERAGE_KEYS_MAX 128
#define COVERAGE_WITNESSES 4

struct coverage {
	size_t policies, refused;
	size_t packets;
	size_t asked[COVERAGE_WITNESSES];
	size_t permitted, audited, opposite, fragments;
	size_t levels[EPG_LEVEL_IMPLICIT + 1];
	size_t reasons[EPG_REASON_COUNT];
	size_t roles[REFERENCE_ROLES];
	size_t ipv4, ipv6, arp, others;
	size_t keys[COVERAGE_KEYS_MAX]; /* policies with that key */
};

void coverage_add_policy(struct coverage *coverage, struct document_node *root);
void coverage_add_packet(struct coverage *coverage, const struct reference_packet *packet,
			 const struct reference_answer *answer);

/* Lines that begin with "# coverage: ", for tools/test-summary. */
void coverage_print(const struct coverage *coverage, unsigned long seed,
		    const char *const witnesses[COVERAGE_WITNESSES]);
/* Every level decided at least one packet of a hundred, every key and role occurred. Prints what did not. */
bool coverage_is_complete(const struct coverage *coverage);

#endif
