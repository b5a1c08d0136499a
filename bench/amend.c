// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a change of one entry costs by the library: entries are added to a policy by epg_policy_add_entries, brought into
 * force as a whole, and then one at a time is added, and removed, among all of them.
 *
 *     bench-amend [ENTRIES]…
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epg/epg.h"
#include "measure.h"

#define CHANGES 21
#define NAME_BYTES 16
#define PORTS 60000u
/* Entries that are given at a time. */
#define AT_ONCE 100000u

static const char text[] = "version: 1\n"
			   "tenants:\n"
			   "- name: shop\n"
			   "  vrfs: [{name: prod}]\n"
			   "  bridgeDomains: [{name: bd1, vrf: prod, subnets: [10.1.0.1/16]}]\n"
			   "  filters: [{name: all, entries: [{name: first, prot: tcp, dPort: 1, sPort: 1}]}]\n"
			   "  contracts: [{name: all, subjects: [{name: all, filters: [all]}]}]\n"
			   "  appProfiles:\n"
			   "  - name: store\n"
			   "    epgs:\n"
			   "    - {name: front, bridgeDomain: bd1, consume: [all]}\n"
			   "    - {name: back, bridgeDomain: bd1, provide: [all]}\n";

/* Entry number i: no two have both ports in common. */
static struct epg_entry entry_of(unsigned int i, char name[NAME_BYTES])
{
	snprintf(name, NAME_BYTES, "e%u", i);
	return (struct epg_entry){
		.size = sizeof(struct epg_entry),
		.name = name,
		.protocol = IPPROTO_TCP,
		.destination_first = (uint16_t)(2 + i % PORTS),
		.source_first = (uint16_t)(2 + i / PORTS),
	};
}

static double add_all(struct epg *epg, struct epg_policy *policy, unsigned int n)
{
	struct epg_entry *entries = calloc(AT_ONCE, sizeof(*entries));
	char(*names)[NAME_BYTES] = calloc(AT_ONCE, NAME_BYTES);
	double time = 0;

	if (!entries || !names)
		must(NULL, -ENOMEM, "entries");
	for (unsigned int i = 0; i < n;) {
		unsigned int count = n - i < AT_ONCE ? n - i : AT_ONCE;
		double begin;

		for (unsigned int j = 0; j < count; j++)
			entries[j] = entry_of(i + j, names[j]);
		begin = now();
		must(epg, epg_policy_add_entries(epg, policy, "shop/all", entries, count, NULL), "add");
		time += now() - begin;
		i += count;
	}
	free(entries);
	free(names);
	return time;
}

/* Milliseconds from the call that changes the policy to the return of the apply. */
static double change_one(struct epg *epg, struct epg_policy *policy, unsigned int i, int remove)
{
	char text_of_name[NAME_BYTES];
	struct epg_entry entry = entry_of(i, text_of_name);
	const char *name = text_of_name;
	double begin = now();

	if (remove)
		must(epg, epg_policy_remove_entries(epg, policy, "shop/all", &name, 1), "remove");
	else
		must(epg, epg_policy_add_entries(epg, policy, "shop/all", &entry, 1, NULL), "add one");
	must(epg, epg_apply(epg, policy, NULL, NULL, NULL), "apply one");
	return now() - begin;
}

static void measure(struct epg *epg, unsigned int n)
{
	struct epg_policy_source source = {.size = sizeof(source),
					   .path = "bench",
					   .text = text,
					   .length = sizeof(text) - 1};
	double adding[CHANGES], removing[CHANGES], given, first_add, first_remove, begin, whole, typical;
	struct epg_policy *policy = NULL;

	must(epg, epg_policy_read(epg, &source, &policy, NULL), "read");
	given = add_all(epg, policy, n);
	begin = now();
	must(epg, epg_apply(epg, policy, NULL, NULL, NULL), "apply");
	whole = now() - begin;
	first_add = change_one(epg, policy, n, 0);
	first_remove = change_one(epg, policy, n, 1);
	for (unsigned int i = 0; i < CHANGES; i++) {
		adding[i] = change_one(epg, policy, n + 1 + i, 0);
		removing[i] = change_one(epg, policy, n / 2 + i, 1);
	}
	typical = median(adding, CHANGES); /* which sorts them */
	printf("%8u  %9.1f  %9.1f  %9.1f  %9.1f  %9.2f  %9.2f  %9.2f\n", n, given, whole, first_add, first_remove,
	       typical, adding[CHANGES - 1], median(removing, CHANGES));
	fflush(stdout);
	epg_policy_free(policy);
}

int main(int argc, char **argv)
{
	static const char *const sizes[] = {"1000", "10000", "100000"};
	struct epg_load_options load = {.size = sizeof(load), .rules = 2000000};
	struct epg_options options = {.size = sizeof(options)};
	int n = argc > 1 ? argc - 1 : (int)(sizeof(sizes) / sizeof(sizes[0]));
	struct epg *epg = NULL;
	char pin[64];

	snprintf(pin, sizeof(pin), "/sys/fs/bpf/epg-bench-amend-%d", getpid());
	options.pin = pin;
	must(NULL, epg_open(&options, &epg), "open");
	must(epg, epg_load(epg, &load), "load");
	printf("milliseconds; the policy has ENTRIES already, and the median and the worst are of %d\n", CHANGES);
	printf("%8s  %9s  %9s  %9s  %9s  %9s  %9s  %9s\n", "entries", "given", "whole", "first add", "first rm", "add",
	       "worst add", "remove");
	for (int i = 0; i < n; i++)
		measure(epg, (unsigned int)strtoul(argc > 1 ? argv[i + 1] : sizes[i], NULL, 10));
	must(epg, epg_unload(epg), "unload");
	epg_close(epg);
	return 0;
}
