// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-api RULES: how long rules take from the library's calls into force, as one line of JSON: all of them given by
 * epg_policy_add_entries, then one more, several times. In a network namespace and an instance of its own.
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "epg/epg.h"
#include "measure.h"

enum {
	FIRST_PORT = 10001,
	PAIR_MAX = 100000, /* rules between two groups, half of them TCP and half UDP */
	UPDATES = 7,
	NAME_MAX_LENGTH = 16
};

struct bench {
	struct epg *epg;
	struct epg_policy *policy;
	unsigned int rules, pairs, ports;
	char pin[64];
};

/* A program that dies leaves nothing behind, wherever that is. */
static struct epg *loaded;

static void unload(void)
{
	if (loaded)
		epg_unload(loaded);
}

/* Filters have no rules yet but one. */
static char *policy_text(const struct bench *bench)
{
	size_t length = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		must(bench->epg, -ENOMEM, "policy");
	fputs("version: 1\ntenants:\n- name: bench\n  vrfs: [{name: net}]\n"
	      "  bridgeDomains: [{name: bridge, vrf: net, subnets: [10.77.0.1/24]}]\n  filters:\n",
	      out);
	for (unsigned int i = 0; i < bench->pairs; i++)
		fprintf(out, "  - name: filter%u\n    entries:\n    - {name: first, etherT: ip, prot: tcp, dPort: 1}\n",
			i);
	fputs("  contracts:\n", out);
	for (unsigned int i = 0; i < bench->pairs; i++)
		fprintf(out, "  - {name: contract%u, subjects: [{name: all, filters: [filter%u]}]}\n", i, i);
	fputs("  appProfiles:\n  - name: app\n    epgs:\n", out);
	for (unsigned int i = 0; i < bench->pairs; i++)
		fprintf(out,
			"    - {name: front%u, bridgeDomain: bridge, consume: [contract%u]}\n"
			"    - {name: back%u, bridgeDomain: bridge, provide: [contract%u]}\n",
			i, i, i, i);
	if (fclose(out))
		must(bench->epg, -ENOMEM, "policy");
	return text;
}

static void read_policy(struct bench *bench)
{
	char *text = policy_text(bench);
	struct epg_policy_source source = {.size = sizeof(source),
					   .path = "bench",
					   .text = text,
					   .length = strlen(text)};

	must(bench->epg, epg_policy_read(bench->epg, &source, &bench->policy, NULL), "read");
	must(bench->epg, epg_apply(bench->epg, bench->policy, NULL, NULL, NULL), "first apply");
	free(text);
}

static struct epg_entry make_entry(char name[NAME_MAX_LENGTH], bool tcp, unsigned int port)
{
	snprintf(name, NAME_MAX_LENGTH, "%s-%u", tcp ? "tcp" : "udp", port);
	return (struct epg_entry){.size = sizeof(struct epg_entry),
				  .name = name,
				  .ether_type = EPG_ETHER_TYPE_IP,
				  .protocol = tcp ? 6 : 17,
				  .destination_first = (uint16_t)port};
}

static void add(struct bench *bench, unsigned int pair, const struct epg_entry *entries, size_t count)
{
	char filter[32];

	snprintf(filter, sizeof(filter), "bench/filter%u", pair);
	must(bench->epg, epg_policy_add_entries(bench->epg, bench->policy, filter, entries, count, NULL),
	     "add entries");
}

/* What a caller has in memory already is not timed. */
static double load(struct bench *bench)
{
	size_t count = 2 * (size_t)bench->ports;
	struct epg_entry *entries = calloc(count, sizeof(*entries));
	char(*names)[NAME_MAX_LENGTH] = calloc(count, sizeof(*names));
	double start;

	if (!entries || !names)
		must(bench->epg, -ENOMEM, "entries");
	for (size_t i = 0; i < count; i++)
		entries[i] = make_entry(names[i], i & 1, FIRST_PORT + (unsigned int)(i / 2));
	start = now();
	for (unsigned int i = 0; i < bench->pairs; i++)
		add(bench, i, entries, count);
	must(bench->epg, epg_apply(bench->epg, bench->policy, NULL, NULL, NULL), "apply");
	start = (now() - start) / 1e3;
	free(entries);
	free(names);
	return start;
}

/* The median of several changes of one rule each. */
static double update(struct bench *bench)
{
	double seconds[UPDATES];

	for (unsigned int i = 0; i < UPDATES; i++) {
		char name[NAME_MAX_LENGTH];
		struct epg_entry entry = make_entry(name, false, 1 + i);

		seconds[i] = now();
		add(bench, bench->pairs - 1, &entry, 1);
		must(bench->epg, epg_apply(bench->epg, bench->policy, NULL, NULL, NULL), "apply of one more");
		seconds[i] = (now() - seconds[i]) / 1e3;
	}
	return median(seconds, UPDATES);
}

static void open_instance(struct bench *bench)
{
	struct epg_options options = {.size = sizeof(options), .pin = bench->pin};
	struct epg_load_options load_options = {.size = sizeof(load_options), .rules = 2 * bench->rules};

	snprintf(bench->pin, sizeof(bench->pin), "/sys/fs/bpf/epg-bench-api-%d", getpid());
	if (unshare(CLONE_NEWNET))
		must(bench->epg, -errno, "network namespace");
	must(bench->epg, epg_open(&options, &bench->epg), "open");
	atexit(unload);
	loaded = bench->epg;
	must(bench->epg, epg_load(bench->epg, bench->rules > 400000 ? &load_options : NULL), "load");
}

int main(int argc, char **argv)
{
	struct bench bench = {.rules = argc == 2 ? (unsigned int)strtoul(argv[1], NULL, 10) : 0};
	double load_s, update_s;

	if (bench.rules < 2 || bench.rules > 10 * PAIR_MAX) {
		fprintf(stderr, "usage: bench-api RULES\n");
		return 2;
	}
	bench.pairs = (bench.rules + PAIR_MAX - 1) / PAIR_MAX;
	bench.ports = bench.rules / bench.pairs / 2;
	open_instance(&bench);
	read_policy(&bench);
	load_s = load(&bench);
	update_s = update(&bench);
	printf("{\"rules\": %u, \"load_s\": %.6f, \"update_s\": %.6f}\n", 2 * bench.ports * bench.pairs, load_s,
	       update_s);
	epg_policy_free(bench.policy);
	must(bench.epg, epg_unload(bench.epg), "unload");
	loaded = NULL;
	epg_close(bench.epg);
	return 0;
}
