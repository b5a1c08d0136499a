// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a packet costs in the BPF programs, in nanoseconds by BPF_PROG_TEST_RUN and as ratios to a program that
 * does nothing, with few and with many rules. Rounds of all cases are interleaved, medians are told: this kind of
 * measurement drifts with the machine, but it drifts for all cases alike.
 */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "bench.skel.h"
#include "epg/epg.h"
#include "inspect/packet.h"

enum {
	ROUNDS = 15,
	REPEAT = 200000,
	SINGLES = 400,
	SIZES = 2
};

static const unsigned int RULES[SIZES] = {10, 100000};

enum bench_case {
	CASE_EMPTY,
	CASE_PARSE,
	CASE_DENIED,
	CASE_ESTABLISHED,
	/* One packet a call: the first of a flow, and one whose mark the program takes away. */
	CASE_EMPTY_SINGLE,
	CASE_ESTABLISHED_EGRESS,
	CASE_FIRST,
	CASES
};

struct bench {
	struct epg *epg;
	char pin[64];
	struct bench_bpf *reference;
	int ingress, egress;
	uint32_t front, back; /* ifindexes */
	struct packet packets[CASES];
	uint16_t next_port;
};

/* For die(), which has to leave nothing behind wherever it is called. */
static struct epg *loaded;

static void unload(void)
{
	if (loaded)
		epg_unload(loaded);
}

static void die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

static void must(struct bench *bench, int error, const char *what)
{
	if (error)
		die("%s: %s (%s)", what, epg_error(bench->epg)->message, strerror(-error));
}

/* One contract with half of its entries TCP and half UDP, a port each. */
static char *policy_text(unsigned int rules)
{
	size_t length = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		die("no memory");
	fputs("version: 1\ntenants:\n- name: t\n  vrfs: [{name: v}]\n"
	      "  bridgeDomains: [{name: b, vrf: v, subnets: [10.1.0.1/24]}]\n"
	      "  filters:\n  - name: f\n    entries:\n",
	      out);
	for (unsigned int i = 0; i < rules; i++)
		fprintf(out, "    - {name: e%u, etherT: ipv4, prot: %s, dPort: %u}\n", i, i & 1 ? "udp" : "tcp",
			1 + i / 2);
	fputs("  contracts: [{name: c, subjects: [{name: s, filters: [f]}]}]\n"
	      "  appProfiles:\n  - name: a\n    epgs:\n"
	      "    - {name: front, bridgeDomain: b, consume: [c], endpoints: [{interface: front, ips: [10.1.0.2]}]}\n"
	      "    - {name: back, bridgeDomain: b, provide: [c], endpoints: [{interface: back, ips: [10.1.0.3]}]}\n",
	      out);
	fclose(out);
	return text;
}

static void apply(struct bench *bench, unsigned int rules)
{
	char *text = policy_text(rules);
	struct epg_policy_source source = {.size = sizeof(source),
					   .path = "bench",
					   .text = text,
					   .length = strlen(text)};
	struct epg_policy *policy;

	must(bench, epg_policy_read(bench->epg, &source, &policy, NULL), "read");
	must(bench, epg_apply(bench->epg, policy, NULL, NULL, NULL), "apply");
	epg_policy_free(policy);
	free(text);
}

static struct packet tcp(unsigned int from, unsigned int to, uint16_t port, uint8_t flags)
{
	struct packet_spec spec = {.source_mac = {2, [5] = (uint8_t)from},
				   .destination_mac = {2, [5] = (uint8_t)to},
				   .source = {[10] = 0xff, 0xff, 10, 1, 0, (uint8_t)from},
				   .destination = {[10] = 0xff, 0xff, 10, 1, 0, (uint8_t)to},
				   .protocol = 6,
				   .source_port = 40000,
				   .destination_port = port,
				   .tcp_flags = flags};
	struct packet packet;

	if (packet_build(&spec, &packet))
		die("packet");
	return packet;
}

static int program_of(const struct bench *bench, enum bench_case which)
{
	switch (which) {
	case CASE_EMPTY:
	case CASE_EMPTY_SINGLE:
		return bpf_program__fd(bench->reference->progs.bench_empty);
	case CASE_PARSE:
		return bpf_program__fd(bench->reference->progs.bench_parse);
	case CASE_ESTABLISHED_EGRESS:
		return bench->egress;
	default:
		return bench->ingress;
	}
}

static uint32_t run(struct bench *bench, enum bench_case which, int repeat, uint32_t *ret_verdict)
{
	struct packet *packet = &bench->packets[which];
	struct __sk_buff context = {.ifindex = bench->front, .ingress_ifindex = bench->front};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet->data, .data_size_in = (uint32_t)packet->length,
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = repeat);
	int error;

	if (which == CASE_ESTABLISHED_EGRESS) {
		context.ifindex = bench->back;
		context.mark = 0x10000000;
	}
	error = bpf_prog_test_run_opts(program_of(bench, which), &options);
	if (error)
		die("test run: %s", strerror(-error));
	if (ret_verdict)
		*ret_verdict = options.retval;
	return options.duration;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

/* One packet a call; the first one of a flow each time where that is asked. */
static double run_singles(struct bench *bench, enum bench_case which)
{
	double times[SINGLES];

	for (int i = 0; i < SINGLES; i++) {
		struct packet *packet = &bench->packets[which];

		if (which == CASE_FIRST) {
			bench->next_port++;
			packet->data[packet->transport] = (uint8_t)(bench->next_port >> 8);
			packet->data[packet->transport + 1] = (uint8_t)bench->next_port;
		}
		times[i] = run(bench, which, 1, NULL);
	}
	return median(times, SINGLES);
}

static void expect(struct bench *bench, enum bench_case which, bool passes)
{
	uint32_t verdict;

	run(bench, which, 1, &verdict);
	if ((verdict == UINT32_MAX) != passes)
		die("case %d is not decided as it should be", which);
}

static void prepare(struct bench *bench, unsigned int rules)
{
	uint16_t port = (uint16_t)(rules / 4 + 1); /* in the middle */

	for (int i = 0; i < CASES; i++)
		bench->packets[i] = tcp(2, 3, port, PACKET_TCP_ACK);
	bench->packets[CASE_DENIED] = tcp(2, 3, 60000, PACKET_TCP_SYN);
	bench->packets[CASE_FIRST] = tcp(2, 3, port, PACKET_TCP_SYN);
	expect(bench, CASE_DENIED, false);
	expect(bench, CASE_ESTABLISHED, true);
	expect(bench, CASE_ESTABLISHED_EGRESS, true);
	expect(bench, CASE_FIRST, true);
}

static void measure(struct bench *bench, double medians[CASES])
{
	static double times[CASES][ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < CASE_EMPTY_SINGLE; i++)
			times[i][round] = run(bench, i, REPEAT, NULL);
		for (int i = CASE_EMPTY_SINGLE; i < CASES; i++)
			times[i][round] = run_singles(bench, i);
	}
	for (int i = 0; i < CASES; i++)
		medians[i] = median(times[i], ROUNDS);
	/* What one call costs beside its packet is the same for all, and is taken off. */
	for (int i = CASE_ESTABLISHED_EGRESS; i < CASES; i++)
		medians[i] += medians[CASE_EMPTY] - medians[CASE_EMPTY_SINGLE];
}

static void show(const unsigned int rules, const double medians[CASES])
{
	static const struct {
		enum bench_case which;
		const char *name;
	} ROWS[] = {
		{CASE_EMPTY, "empty program"},
		{CASE_PARSE, "parse only"},
		{CASE_DENIED, "denied"},
		{CASE_ESTABLISHED, "established, from the container"},
		{CASE_ESTABLISHED_EGRESS, "established, to the container"},
		{CASE_FIRST, "first packet of a flow"},
	};

	printf("\n%u rules%*s ns   added   ratio\n", rules, 30 - (int)snprintf(NULL, 0, "%u rules", rules), "");
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++)
		printf("%-30s %5.0f %7.0f %7.2f\n", ROWS[i].name, medians[ROWS[i].which],
		       medians[ROWS[i].which] - medians[CASE_EMPTY], medians[ROWS[i].which] / medians[CASE_EMPTY]);
}

static void open_program(struct bench *bench, const char *name, int *ret)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/programs/%s", bench->pin, name);
	*ret = bpf_obj_get(path);
	if (*ret < 0)
		die("%s: %s", path, strerror(errno));
}

int main(void)
{
	struct bench bench = {.next_port = 1024};
	struct epg_options options = {.size = sizeof(options), .pin = bench.pin};

	if (geteuid()) {
		puts("skipped: needs root");
		return 77;
	}
	snprintf(bench.pin, sizeof(bench.pin), "/sys/fs/bpf/epg-bench-%d", getpid());
	if (unshare(CLONE_NEWNET) || system("ip link add front type veth peer name back"))
		die("no network namespace of our own: %s", strerror(errno));
	bench.front = if_nametoindex("front");
	bench.back = if_nametoindex("back");
	bench.reference = bench_bpf__open_and_load();
	if (!bench.reference || epg_open(&options, &bench.epg))
		die("open: %s", strerror(errno));
	atexit(unload);
	loaded = bench.epg;
	must(&bench, epg_load(bench.epg, NULL), "load");
	open_program(&bench, "tc_ingress", &bench.ingress);
	open_program(&bench, "tc_egress", &bench.egress);
	printf("ns a packet by BPF_PROG_TEST_RUN, medians of %d interleaved rounds\n", ROUNDS);
	for (int i = 0; i < SIZES; i++) {
		double medians[CASES];

		apply(&bench, RULES[i]);
		prepare(&bench, RULES[i]);
		measure(&bench, medians);
		show(RULES[i], medians);
	}
	close(bench.ingress);
	close(bench.egress);
	bench_bpf__destroy(bench.reference);
	must(&bench, epg_unload(bench.epg), "unload");
	loaded = NULL;
	epg_close(bench.epg);
	return 0;
}
