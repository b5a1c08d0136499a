// SPDX-License-Identifier: GPL-2.0-only
#include "scale_policy.h"

#include <string.h>

static const char head[] = "version: 1\ntenants:\n- name: t\n  vrfs: [{name: v}]\n"
			   "  bridgeDomains: [{name: b, vrf: v, subnets: [10.0.0.1/8]}]\n  filters:\n";

/* ---- one contract ---- */

static void write_one_contract(FILE *out)
{
	fputs("  contracts: [{name: c, subjects: [{name: s, filters: [f]}]}]\n"
	      "  appProfiles:\n  - name: a\n    epgs:\n"
	      "    - {name: front, bridgeDomain: b, consume: [c]}\n"
	      "    - {name: back, bridgeDomain: b, provide: [c]}\n",
	      out);
}

/* Each port of each protocol that has ports. */
static void write_ports(FILE *out, unsigned int size)
{
	static const char *const protocols[] = {"tcp", "udp", "sctp", "dccp", "udplite"};

	fputs(head, out);
	fputs("  - name: f\n    entries:\n", out);
	for (unsigned int i = 0; i < size; i++)
		fprintf(out, "    - {name: e%u, etherT: ipv%u, prot: %s, dPort: %u}\n", i, 4 + (i & 1) * 2,
			protocols[i / 2 % 5], 1 + i / 10);
	write_one_contract(out);
}

static void write_boxes(FILE *out, unsigned int size)
{
	unsigned int side = 1;

	while (side * side < size)
		side++;
	fputs(head, out);
	fputs("  - name: f\n    entries:\n", out);
	for (unsigned int i = 0; i < size; i++)
		fprintf(out, "    - {name: e%u, etherT: ipv4, prot: tcp, sPort: %u, dPort: %u}\n", i, 1 + i % side,
			1 + i / side);
	write_one_contract(out);
}

/* ---- many groups ---- */

enum {
	CONTRACTS = 1000,
	EXTERNALS = 100
};

/* A ring: each group consumes what its neighbour provides; no two contracts have the same ports. */
static void write_contracts(FILE *out, unsigned int size)
{
	fputs(head, out);
	for (unsigned int i = 0; i < CONTRACTS; i++) {
		fprintf(out, "  - name: f%u\n    entries:\n", i);
		for (unsigned int j = 0; j < size / CONTRACTS; j++)
			fprintf(out, "    - {name: e%u, etherT: ipv4, prot: tcp, dPort: %u}\n", j, 1 + i * 37 + j * 3);
	}
	fputs("  contracts:\n", out);
	for (unsigned int i = 0; i < CONTRACTS; i++)
		fprintf(out, "  - {name: c%u, subjects: [{name: s, filters: [f%u]}]}\n", i, i);
	fputs("  appProfiles:\n  - name: a\n    epgs:\n", out);
	for (unsigned int i = 0; i < CONTRACTS; i++)
		fprintf(out, "    - {name: e%u, bridgeDomain: b, provide: [c%u], consume: [c%u]}\n", i, i,
			(i + 1) % CONTRACTS);
}

static void write_server(FILE *out)
{
	fputs(head, out);
	fputs("  - {name: f, entries: [{name: e, prot: tcp, dPort: 80}]}\n"
	      "  contracts: [{name: c, subjects: [{name: s, filters: [f]}]}]\n"
	      "  appProfiles:\n  - name: a\n    epgs:\n    - {name: server, bridgeDomain: b, provide: [c]}\n",
	      out);
}

static void write_groups(FILE *out, unsigned int size)
{
	write_server(out);
	for (unsigned int i = 1; i < size; i++)
		fprintf(out, "    - {name: e%u, bridgeDomain: b, consume: [c]}\n", i);
}

/* Three quarters are /24, the others /30; an odd factor spreads them, and gives no two the same. */
static void write_prefix(FILE *out, unsigned int number)
{
	unsigned int spread = (number % 4 ? number : number / 4) * 1103515245u;

	if (number % 4)
		fprintf(out, "    - %u.%u.%u.0/24\n", 16 + (spread >> 16 & 31), spread >> 8 & 255, spread & 255);
	else
		fprintf(out, "    - %u.%u.%u.%u/30\n", 128 + (spread >> 22 & 15), spread >> 14 & 255, spread >> 6 & 255,
			spread << 2 & 255);
}

static void write_prefixes(FILE *out, unsigned int size)
{
	write_server(out);
	fputs("  externalEpgs:\n", out);
	for (unsigned int i = 0; i < EXTERNALS; i++) {
		fprintf(out, "  - name: x%u\n    vrf: v\n    consume: [c]\n    subnets:\n", i);
		for (unsigned int j = 0; j < size / EXTERNALS; j++)
			write_prefix(out, j * EXTERNALS + i);
	}
}

const struct scale_shape scale_shapes[] = {
	{"ports", "rules", 600000, write_ports},           {"boxes", "rules", 1000000, write_boxes},
	{"contracts", "rules", 1000000, write_contracts},  {"groups", "EPGs", 65519, write_groups},
	{"prefixes", "prefixes", 1000000, write_prefixes},
};
const unsigned int scale_n_shapes = sizeof(scale_shapes) / sizeof(scale_shapes[0]);

const struct scale_shape *scale_shape(const char *name)
{
	for (unsigned int i = 0; i < scale_n_shapes; i++)
		if (!strcmp(scale_shapes[i].name, name))
			return &scale_shapes[i];
	return NULL;
}
