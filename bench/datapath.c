// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a packet costs in the BPF programs, step by step, in nanoseconds by BPF_PROG_TEST_RUN, with few and with many
 * rules. All is net of an empty program, or of the stub that changes the packet each time. Rounds of all cases are
 * interleaved, medians are told: this kind of measurement drifts with the machine, but it drifts for all cases alike.
 */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "bench.skel.h"
#include "epg/epg.h"
#include "measure.h"
#include "inspect/packet.h"
#include "runtime/runtime.h"

enum {
	ROUNDS = 11,
	REPEAT = 100000,
	FLOWS = 100000,
	NEW_FLOWS = 50000, /* a round */
	SHORT = 1000,      /* for what holds within a jiffy, or fills a ring buffer */
	TRIALS = 41,       /* of it, a round */
	SIZES = 2,
	MARK = 0x10000000,
};

static const unsigned int RULES[SIZES] = {10, 100000};

enum bench_case {
	CASE_EMPTY,
	CASE_PARSE,
	CASE_ENDPOINT,
	CASE_NEAR,
	CASE_FLOW,
	CASE_DECIDE,
	CASE_ESTABLISHED,
	CASE_RANDOM,
	CASE_RANDOM_STUB,
	CASE_HANDED_OVER,
	CASE_MARKED_STUB,
	CASE_FIRST,
	CASE_NEXT_STUB,
	CASE_DENIED,
	CASE_WATCHED,
	CASES
};

/* What is told of a case, and what it is net of. */
static const struct {
	enum bench_case which, without;
	const char *text;
} ROWS[] = {
	{CASE_PARSE, CASE_EMPTY, "step: frame to packet"},
	{CASE_ENDPOINT, CASE_EMPTY, "step: endpoint, from the hash map"},
	{CASE_NEAR, CASE_EMPTY, "step: endpoint, known in this jiffy"},
	{CASE_FLOW, CASE_EMPTY, "steps: known endpoint, key, flow"},
	{CASE_DECIDE, CASE_EMPTY, "step: decision"},
	{CASE_ESTABLISHED, CASE_EMPTY, "established, from the container"},
	{CASE_RANDOM, CASE_RANDOM_STUB, "the same, 100000 flows at random"},
	{CASE_HANDED_OVER, CASE_MARKED_STUB, "established, to the container"},
	{CASE_FIRST, CASE_NEXT_STUB, "first packet of a flow"},
	{CASE_DENIED, CASE_EMPTY, "denied"},
	{CASE_WATCHED, CASE_EMPTY, "denied, and told to who watches"},
};

struct bench {
	struct epg *epg;
	struct instance *instance;
	char pin[64];
	struct bench_bpf *own;
	struct ring_buffer *events;
	int ingress, egress;
	uint32_t front, back; /* ifindexes */
	struct packet segment, opening, denied;
	double times[CASES][ROUNDS];
};

/* A program that dies leaves nothing behind, wherever that is. */
static struct epg *loaded;

static void unload(void)
{
	if (loaded)
		epg_unload(loaded);
}

/* ---- policy ---- */

/* One contract with half of its entries TCP and half UDP, a port each. */
static char *text_of_policy(unsigned int rules)
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
	char *text = text_of_policy(rules);
	struct epg_policy_source source = {.size = sizeof(source),
					   .path = "bench",
					   .text = text,
					   .length = strlen(text)};
	struct epg_policy *policy;

	must(bench->epg, epg_policy_read(bench->epg, &source, &policy, NULL), "read");
	must(bench->epg, epg_apply(bench->epg, policy, NULL, NULL, NULL), "apply");
	epg_policy_free(policy);
	free(text);
}

static uint32_t class_of(const struct generation *generation, const char *name)
{
	const struct catalog_group *group = catalog_group_by_name(&generation->catalog, name);

	if (!group)
		die("no group %s", name);
	return group->class_id;
}

/* What the decision by itself is asked: a segment to this port. */
static void set_question(struct bench *bench, uint16_t port)
{
	struct generation *generation;

	must(bench->epg, generation_open_running(bench->epg, bench->instance, &generation), "the generation");
	bench->own->bss->pair = class_of(generation, "t/a/front") << 16 | class_of(generation, "t/a/back");
	bench->own->bss->key_high =
		(uint64_t)(EPG_KIND_IPV4 | 6) << 48 | (uint64_t)port << 32 | 40000u << 16 | EPG_FLAG_ACK;
	generation_close(generation);
}

/* ---- running ---- */

static struct packet tcp(uint16_t port, uint8_t flags)
{
	struct packet_spec spec = {.source_mac = {2, [5] = 2},
				   .destination_mac = {2, [5] = 3},
				   .source = {[10] = 0xff, 0xff, 10, 1, 0, 2},
				   .destination = {[10] = 0xff, 0xff, 10, 1, 0, 3},
				   .protocol = 6,
				   .source_port = 40000,
				   .destination_port = port,
				   .tcp_flags = flags};
	struct packet packet;

	if (packet_build(&spec, &packet))
		die("packet");
	return packet;
}

/* Nanoseconds a packet; `passes`: what is expected of all of them. */
static double run(struct bench *bench, int program, const struct packet *packet, int repeat, bool passes)
{
	bool egress = program == bench->egress || program == bpf_program__fd(bench->own->progs.bench_marked);
	struct __sk_buff context = {.ifindex = egress ? bench->back : bench->front,
				    .ingress_ifindex = bench->front,
				    .mark = egress ? MARK : 0};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet->data, .data_size_in = (uint32_t)packet->length,
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = repeat);
	int error = bpf_prog_test_run_opts(program, &options);

	if (error)
		die("test run: %s", strerror(-error));
	if ((options.retval == UINT32_MAX) != passes)
		die("a packet was not decided as it should be: %u", options.retval);
	return options.duration;
}

/* By way of a stub, which leads to `target`. */
static double run_stub(struct bench *bench, const struct bpf_program *stub, int target, const struct packet *packet,
		       int repeat)
{
	const uint32_t zero = 0;

	if (bpf_map_update_elem(bpf_map__fd(bench->own->maps.target), &zero, &target, BPF_ANY))
		die("the stub: %s", strerror(errno));
	return run(bench, bpf_program__fd(stub), packet, repeat, true);
}

/* ---- cases ---- */

static double run_step(struct bench *bench, const struct bpf_program *program)
{
	return run(bench, bpf_program__fd(program), &bench->segment, REPEAT, true);
}

static double run_random(struct bench *bench, int target)
{
	bench->own->bss->flow_count = FLOWS;
	return run_stub(bench, bench->own->progs.bench_random, target, &bench->segment, REPEAT);
}

/* What the ingress hook has noted holds for the rest of the jiffy, so it notes again before each trial. */
static double run_handed_over(struct bench *bench, int target)
{
	double times[TRIALS];

	for (int i = 0; i < TRIALS; i++) {
		run(bench, bench->ingress, &bench->segment, 1, true);
		times[i] = run_stub(bench, bench->own->progs.bench_marked, target, &bench->segment, SHORT);
	}
	return median(times, TRIALS);
}

static double run_next(struct bench *bench, int target)
{
	bench->own->bss->next_flow = 0;
	return run_stub(bench, bench->own->progs.bench_next, target, &bench->opening, NEW_FLOWS);
}

static int drop_event(void *user, void *event, size_t size)
{
	(void)user;
	(void)event;
	(void)size;
	return 0;
}

/* No more at once than the ring buffer holds. */
static double run_watched(struct bench *bench)
{
	struct epg_control *control = bench->instance->control;
	double times[TRIALS];

	control->watch_until_ns = UINT64_MAX;
	control->events_per_second = UINT32_MAX;
	control->watch = EPG_WATCH_DENY;
	for (int i = 0; i < TRIALS; i++) {
		times[i] = run(bench, bench->ingress, &bench->denied, SHORT, false);
		if (ring_buffer__consume(bench->events) != SHORT)
			die("not all events were told");
	}
	control->watch = 0;
	return median(times, TRIALS);
}

/* As many flows as are picked from at random; the first packet of one is told of a table that was emptied before. */
static void make_flows(struct bench *bench)
{
	const uint32_t zero = 0;

	bench->own->bss->next_flow = 0;
	if (bpf_map_update_elem(bpf_map__fd(bench->own->maps.target), &zero, &bench->ingress, BPF_ANY))
		die("the stub: %s", strerror(errno));
	run(bench, bpf_program__fd(bench->own->progs.bench_next), &bench->opening, FLOWS, true);
	run(bench, bench->ingress, &bench->opening, 1, true);
}

static void measure_round(struct bench *bench, double (*times)[ROUNDS], int round)
{
	const struct bench_bpf *own = bench->own;
	int empty = bpf_program__fd(own->progs.bench_empty);

	must(bench->epg, epg_flows_flush(bench->epg, NULL, NULL), "flush");
	times[CASE_FIRST][round] = run_next(bench, bench->ingress);
	times[CASE_NEXT_STUB][round] = run_next(bench, empty);
	make_flows(bench);
	times[CASE_EMPTY][round] = run_step(bench, own->progs.bench_empty);
	times[CASE_PARSE][round] = run_step(bench, own->progs.bench_parse);
	times[CASE_ENDPOINT][round] = run_step(bench, own->progs.bench_endpoint);
	times[CASE_NEAR][round] = run_step(bench, own->progs.bench_near);
	times[CASE_FLOW][round] = run_step(bench, own->progs.bench_flow);
	times[CASE_DECIDE][round] = run_step(bench, own->progs.bench_decide);
	times[CASE_ESTABLISHED][round] = run(bench, bench->ingress, &bench->segment, REPEAT, true);
	times[CASE_RANDOM][round] = run_random(bench, bench->ingress);
	times[CASE_RANDOM_STUB][round] = run_random(bench, empty);
	times[CASE_HANDED_OVER][round] = run_handed_over(bench, bench->egress);
	times[CASE_MARKED_STUB][round] = run_handed_over(bench, empty);
	times[CASE_DENIED][round] = run(bench, bench->ingress, &bench->denied, REPEAT, false);
	times[CASE_WATCHED][round] = run_watched(bench);
}

static void measure(struct bench *bench, unsigned int rules)
{
	uint16_t port = (uint16_t)(rules / 4 + 1); /* in the middle */
	double medians[CASES];

	bench->segment = tcp(port, PACKET_TCP_ACK);
	bench->opening = tcp(port, PACKET_TCP_SYN);
	bench->denied = tcp(60000, PACKET_TCP_SYN);
	bench->own->bss->first_port = port;
	set_question(bench, port);
	for (int round = 0; round < ROUNDS; round++)
		measure_round(bench, bench->times, round);
	for (int i = 0; i < CASES; i++)
		medians[i] = median(bench->times[i], ROUNDS);
	printf("\n%u rules%*s   ns\n", rules, 36 - (int)snprintf(NULL, 0, "%u rules", rules), "");
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++)
		printf("%-36s %4.0f\n", ROWS[i].text, medians[ROWS[i].which] - medians[ROWS[i].without]);
}

/* ---- opening ---- */

static int open_pinned(const struct bench *bench, const char *directory, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s%s/%s", bench->pin, directory, name);
	return bpf_obj_get(path);
}

/* Our steps work on the instance's maps; what it has not pinned is scratch memory, and our own. */
static void load_own(struct bench *bench)
{
	struct bpf_map *map;

	bench->own = bench_bpf__open();
	if (!bench->own)
		die("open: %s", strerror(errno));
	bpf_object__for_each_map(map, bench->own->obj)
	{
		int fd = open_pinned(bench, "", bpf_map__name(map));

		if (fd >= 0 && bpf_map__reuse_fd(map, fd))
			die("%s: %s", bpf_map__name(map), strerror(errno));
		util_close(&fd);
	}
	if (bench_bpf__load(bench->own))
		die("load: %s", strerror(errno));
}

static void open_all(struct bench *bench)
{
	struct epg_options options = {.size = sizeof(options), .pin = bench->pin};

	snprintf(bench->pin, sizeof(bench->pin), "/sys/fs/bpf/epg-bench-%d", getpid());
	if (unshare(CLONE_NEWNET) || system("ip link add front type veth peer name back"))
		die("no network namespace of our own: %s", strerror(errno));
	bench->front = if_nametoindex("front");
	bench->back = if_nametoindex("back");
	if (epg_open(&options, &bench->epg))
		die("open: %s", strerror(errno));
	atexit(unload);
	loaded = bench->epg;
	must(bench->epg, epg_load(bench->epg, NULL), "load");
	must(bench->epg, instance_open(bench->epg, &bench->instance), "the instance");
	bench->ingress = open_pinned(bench, "/programs", "tc_ingress");
	bench->egress = open_pinned(bench, "/programs", "tc_egress");
	bench->events = ring_buffer__new(bench->instance->fd.events, drop_event, NULL, NULL);
	if (bench->ingress < 0 || bench->egress < 0 || !bench->events)
		die("the instance's programs: %s", strerror(errno));
	load_own(bench);
}

static void close_all(struct bench *bench)
{
	close(bench->ingress);
	close(bench->egress);
	ring_buffer__free(bench->events);
	bench_bpf__destroy(bench->own);
	must(bench->epg, epg_unload(bench->epg), "unload");
	loaded = NULL;
	epg_close(bench->epg);
}

int main(void)
{
	static struct bench bench;

	if (geteuid()) {
		puts("skipped: needs root");
		return 77;
	}
	open_all(&bench);
	printf("ns a packet by BPF_PROG_TEST_RUN, net of an empty program, medians of %d interleaved rounds\n", ROUNDS);
	for (int i = 0; i < SIZES; i++) {
		apply(&bench, RULES[i]);
		measure(&bench, RULES[i]);
	}
	close_all(&bench);
	return 0;
}
