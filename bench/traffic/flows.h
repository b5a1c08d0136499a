/* SPDX-License-Identifier: GPL-2.0-only */
/* Which flows a flood consists of, in an order that no cache can foresee. */
#ifndef BENCH_FLOWS_H
#define BENCH_FLOWS_H

#include <stdint.h>

/* Source ports, and to each the destination ports in an order of its own. */
struct flows {
	unsigned int sources, ports;
	uint16_t *source;      /* in random order */
	uint16_t *destination; /* sources * ports */
};

/*
 * `flows` flows with `ports` destination ports from `first_port` on and as many source ports as that takes, from
 * `source_port` on. The same arguments give the same order.
 */
void flows_make(struct flows *flows, unsigned int count, unsigned int first_port, unsigned int ports,
		unsigned int source_port);
void flows_free(struct flows *flows);

#endif
