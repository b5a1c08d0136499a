// SPDX-License-Identifier: GPL-2.0-only
#include "minimise.h"

#include "base/util.h"
#include "packet_text.h"

#define TRIALS_MAX 3000

struct minimiser {
	struct document_node *root;
	struct reference_packet *packet;
	minimise_fn differs;
	void *user;
	unsigned int trials;
};

static bool still_differs(struct minimiser *minimiser)
{
	AUTO_FREE char *text = document_print(minimiser->root);

	minimiser->trials++;
	return text && minimiser->differs(minimiser->user, text, minimiser->packet);
}

/* Takes away, from large parts to small ones, whatever the difference does not need. */
static bool cut(struct minimiser *minimiser)
{
	struct document_node *node = document_next(minimiser->root);
	bool changed = false;

	while (node && minimiser->trials < TRIALS_MAX) {
		if (!node->hidden) {
			node->hidden = true;
			if (still_differs(minimiser))
				changed = true;
			else
				node->hidden = false;
		}
		node = node->hidden ? document_skip(node) : document_next(node);
	}
	return changed;
}

/* To zero if possible, else by halves. */
static bool lower(struct minimiser *minimiser)
{
	bool changed = false;
	uint16_t value;

	for (unsigned int i = 0; packet_text_number(minimiser->packet, i, &value); i++) {
		uint16_t smaller = 0;

		while (smaller < value && minimiser->trials < TRIALS_MAX) {
			packet_text_set_number(minimiser->packet, i, smaller);
			if (still_differs(minimiser)) {
				changed = true;
				break;
			}
			packet_text_set_number(minimiser->packet, i, value);
			smaller = (uint16_t)(smaller + (value - smaller + 1) / 2);
		}
	}
	return changed;
}

void minimise(struct document_node *root, struct reference_packet *packet, minimise_fn differs, void *user)
{
	struct minimiser minimiser = {root, packet, differs, user, 0};

	while (cut(&minimiser) || lower(&minimiser))
		if (minimiser.trials >= TRIALS_MAX)
			break;
}
