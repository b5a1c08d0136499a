/* SPDX-License-Identifier: GPL-2.0-only */
/* From a policy and a packet that show a difference to the smallest ones that still show one: delta debugging. */
#ifndef EPG_TEST_MINIMISE_H
#define EPG_TEST_MINIMISE_H

#include "../reference/reference.h"
#include "document.h"

/* Does this policy and packet show a difference? A policy that is refused does not. */
typedef bool (*minimise_fn)(void *user, const char *policy, const struct reference_packet *packet);

/* Hides parts of the document, and makes the packet's numbers smaller. Gives up after a bounded number of trials. */
void minimise(struct document_node *root, struct reference_packet *packet, minimise_fn differs, void *user);

#endif
