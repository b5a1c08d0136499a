// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "flows.h"
#include "traffic.h"

/* xorshift64: reproducible, and good enough to spread accesses. */
static uint32_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 32);
}

static void shuffle(uint16_t *numbers, unsigned int count, uint64_t *state)
{
	for (unsigned int i = count; i > 1; i--) {
		unsigned int other = next_random(state) % i;
		uint16_t number = numbers[other];

		numbers[other] = numbers[i - 1];
		numbers[i - 1] = number;
	}
}

static void fill(uint16_t *numbers, unsigned int count, unsigned int first, uint64_t *state)
{
	for (unsigned int i = 0; i < count; i++)
		numbers[i] = (uint16_t)(first + i);
	shuffle(numbers, count, state);
}

void flows_make(struct flows *flows, unsigned int count, unsigned int first_port, unsigned int ports,
		unsigned int source_port)
{
	uint64_t state = 88172645463325252ULL;

	if (ports > count)
		ports = count;
	flows->ports = ports;
	flows->sources = (count + ports - 1) / ports;
	if (first_port + ports > 65536 || source_port + flows->sources > 65536)
		die("%u flows to %u ports take more ports than there are", count, ports);
	flows->source = calloc(flows->sources, sizeof(*flows->source));
	flows->destination = calloc((size_t)flows->sources * ports, sizeof(*flows->destination));
	if (!flows->source || !flows->destination)
		die("no memory");
	fill(flows->source, flows->sources, source_port, &state);
	for (unsigned int i = 0; i < flows->sources; i++)
		fill(flows->destination + (size_t)i * ports, ports, first_port, &state);
}

void flows_free(struct flows *flows)
{
	free(flows->source);
	free(flows->destination);
}
