// SPDX-License-Identifier: GPL-2.0-only
/*
 * What large policies take: from text to model to tables to force, with peak memory of the process and the kernel
 * memory that the generation holds, by shape and size; and endpoints added one by one. Each case is a process of its
 * own with an instance of its own, so that peaks are its own too.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "compile/tables.h"
#include "epg/epg.h"
#include "measure.h"
#include "policy/diagnostic.h"
#include "runtime/internal.h"
#include "scale_policy.h"

enum {
	AGAIN = 3,
	ADD_PARTS = 4,
	GROUPS = 1000
};

/* The maps of a generation, whose memory is told. */
static const char *const TABLES[] = {"classes", "pairs", "nodes", "rules", "counters", "catalog", "source"};
enum {
	N_TABLES = sizeof(TABLES) / sizeof(TABLES[0])
};

struct result {
	bool done;
	double parse, compile, in_force, again; /* milliseconds */
	double peak;                            /* megabytes */
	double bytes[N_TABLES];                 /* of kernel memory */
};

/* Microseconds an endpoint, by quarter of the endpoints. */
struct adding {
	bool done;
	double added
		[ADD_PARTS]; /* mostly what the kernel takes for attaching two programs: it waits for all that run */
	double moved[ADD_PARTS]; /* into another group: all but that */
};

static bool json, first_line = true;

/* ---- one policy ---- */

/* A file in memory, which the reader reads as any other. */
static int write_policy(const struct scale_shape *shape, unsigned int size)
{
	int fd = memfd_create("policy", 0);
	FILE *out = fd < 0 ? NULL : fdopen(dup(fd), "w");

	if (!out)
		die("no memory for the policy: %s", strerror(errno));
	shape->write(out, size);
	if (fclose(out))
		die("no memory for the policy: %s", strerror(errno));
	return fd;
}

static double compile_alone(const struct epg_policy *policy)
{
	struct epg_diagnostics *diagnostics;
	struct tables *tables;
	double begin = now(), time;

	if (diagnostics_new("bench", &diagnostics) || tables_compile(policy->model, NULL, diagnostics, &tables))
		die("the policy can't be compiled");
	time = now() - begin;
	tables_free(tables);
	diagnostics_free(diagnostics);
	return time;
}

static double apply(struct epg *epg, const struct epg_policy *policy, uint32_t *ret_generation)
{
	struct epg_apply_result result;
	double begin = now();

	must(epg, epg_apply(epg, policy, NULL, &result, NULL), "apply");
	*ret_generation = result.generation;
	return now() - begin;
}

/* What the kernel says that a map takes. */
static double map_bytes(const char *pin, uint32_t generation, const char *table)
{
	char path[256], line[128];
	double bytes = -1;
	FILE *info;
	int fd;

	snprintf(path, sizeof(path), "%s/generations/%u/%s", pin, generation, table);
	fd = bpf_obj_get(path);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fopen(path, "r");
	while (info && fgets(line, sizeof(line), info))
		sscanf(line, "memlock: %lf", &bytes);
	if (!info || bytes < 0)
		die("%s does not tell the map's memory", path);
	fclose(info);
	close(fd);
	return bytes;
}

static struct epg *open_instance(char pin[64], uint32_t rules)
{
	struct epg_options options = {.size = sizeof(options), .pin = pin};
	struct epg_load_options load = {.size = sizeof(load), .rules = rules};
	struct epg *epg;

	snprintf(pin, 64, "/sys/fs/bpf/epg-scale-%d", getpid());
	if (epg_open(&options, &epg))
		die("open: %s", strerror(errno));
	must(epg, epg_load(epg, &load), "load");
	return epg;
}

static void measure_policy(const struct scale_shape *shape, unsigned int size, struct result *result)
{
	struct epg_policy_source source = {.size = sizeof(source), .max_bytes = (size_t)1 << 30};
	double begin, again[AGAIN];
	struct epg_policy *policy;
	char pin[64], path[32];
	struct rusage usage;
	uint32_t generation;
	struct epg *epg;
	int fd;

	fd = write_policy(shape, size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	source.path = path;
	epg = open_instance(pin, 4000000);
	begin = now();
	must(epg, epg_policy_read(epg, &source, &policy, NULL), "read");
	result->parse = now() - begin;
	result->in_force = result->parse + apply(epg, policy, &generation);
	getrusage(RUSAGE_SELF, &usage);
	result->peak = (double)usage.ru_maxrss / 1024;
	for (int i = 0; i < N_TABLES; i++)
		result->bytes[i] = map_bytes(pin, generation, TABLES[i]);
	for (int i = 0; i < AGAIN; i++)
		again[i] = apply(epg, policy, &generation);
	result->again = median(again, AGAIN);
	result->compile = compile_alone(policy);
	epg_policy_free(policy);
	must(epg, epg_unload(epg), "unload");
	epg_close(epg);
	result->done = true;
}

/* ---- endpoints ---- */

/* Both ends of each pair become endpoints. */
static void make_interfaces(unsigned int n)
{
	FILE *ip = popen("ip -batch -", "w");

	for (unsigned int i = 0; ip && i < n; i += 2)
		fprintf(ip, "link add e%u type veth peer name e%u\n", i, i + 1);
	if (!ip || pclose(ip))
		die("no interfaces");
}

static void add_endpoint(struct epg *epg, unsigned int i, unsigned int group_number)
{
	struct epg_endpoint_spec spec = {.size = sizeof(spec), .n_addresses = 1};
	char interface[16], group[32], address[32];
	const char *addresses[] = {address};

	snprintf(interface, sizeof(interface), "e%u", i);
	snprintf(group, sizeof(group), "t/a/e%u", group_number);
	snprintf(address, sizeof(address), "10.%u.%u.%u", 1 + i / 62500, i / 250 % 250, 1 + i % 250);
	spec.interface = interface;
	spec.group = group;
	spec.addresses = addresses;
	must(epg, epg_endpoint_add(epg, &spec), interface);
}

static void add_endpoints(struct epg *epg, unsigned int n, unsigned int shift, double ret[ADD_PARTS])
{
	for (unsigned int part = 0; part < ADD_PARTS; part++) {
		unsigned int first = n * part / ADD_PARTS, end = n * (part + 1) / ADD_PARTS;
		double begin = now();

		for (unsigned int i = first; i < end; i++)
			add_endpoint(epg, i, (i + shift) % GROUPS);
		ret[part] = (now() - begin) * 1e3 / (end - first);
	}
}

static void measure_adding(unsigned int n, struct adding *adding)
{
	struct epg_policy_source source = {.size = sizeof(source)};
	const struct scale_shape *shape = scale_shape("contracts");
	struct epg_policy *policy;
	char pin[64], path[32];
	uint32_t generation;
	struct epg *epg;

	if (unshare(CLONE_NEWNET))
		die("no network namespace of our own: %s", strerror(errno));
	make_interfaces(n);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", write_policy(shape, GROUPS));
	source.path = path;
	epg = open_instance(pin, 0);
	must(epg, epg_policy_read(epg, &source, &policy, NULL), "read");
	apply(epg, policy, &generation);
	epg_policy_free(policy);
	add_endpoints(epg, n, 0, adding->added);
	add_endpoints(epg, n, 1, adding->moved);
	must(epg, epg_unload(epg), "unload");
	epg_close(epg);
	adding->done = true;
}

/* ---- what is told ---- */

static double total_bytes(const struct result *result)
{
	double total = 0;

	for (int i = 0; i < N_TABLES; i++)
		total += result->bytes[i];
	return total;
}

static void show(const struct scale_shape *shape, unsigned int size, const struct result *result)
{
	if (!json) {
		printf("%-10s %8u %-8s %8.0f %8.0f %9.0f %9.0f %8.0f %9.1f\n", shape->name, size, shape->unit,
		       result->parse, result->compile, result->in_force, result->again, result->peak,
		       total_bytes(result) / size);
		return;
	}
	printf("%s\n  {\"shape\": \"%s\", \"size\": %u, \"unit\": \"%s\", \"parse_ms\": %.1f, \"compile_ms\": %.1f, "
	       "\"in_force_ms\": %.1f, \"again_ms\": %.1f, \"peak_mb\": %.1f, \"kernel_bytes_each\": {",
	       first_line ? "" : ",", shape->name, size, shape->unit, result->parse, result->compile, result->in_force,
	       result->again, result->peak);
	for (int i = 0; i < N_TABLES; i++)
		printf("\"%s\": %.2f, ", TABLES[i], result->bytes[i] / size);
	printf("\"total\": %.2f}}", total_bytes(result) / size);
	first_line = false;
}

static void show_quarters(const char *name, const double quarters[ADD_PARTS])
{
	printf(json ? ", \"%s_us\": [" : "%-8s", name);
	for (int i = 0; i < ADD_PARTS; i++)
		printf(json ? "%s%.1f" : "%s%8.0f", i && json ? ", " : "", quarters[i]);
	printf(json ? "]" : "\n");
}

static void show_adding(unsigned int n, const struct adding *adding)
{
	if (json)
		printf("%s\n  {\"shape\": \"endpoints\", \"size\": %u", first_line ? "" : ",", n);
	else
		printf("\n%u endpoints one by one, %d groups: microseconds each, by quarter\n", n, GROUPS);
	show_quarters("added", adding->added);
	show_quarters("moved", adding->moved);
	if (json)
		putchar('}');
	first_line = false;
}

/* ---- cases ---- */

static void *shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("no memory");
	return memory;
}

/* What a case that failed leaves behind. */
static void clean_up(pid_t child)
{
	struct epg_options options = {.size = sizeof(options)};
	struct epg *epg;
	char pin[64];

	snprintf(pin, sizeof(pin), "/sys/fs/bpf/epg-scale-%d", child);
	options.pin = pin;
	if (!epg_open(&options, &epg)) {
		epg_unload(epg);
		epg_close(epg);
	}
}

static void wait_for(pid_t child, const bool *done)
{
	int status;

	if (child < 0 || waitpid(child, &status, 0) < 0)
		die("no process: %s", strerror(errno));
	if (*done)
		return;
	clean_up(child);
	die("a case did not come to its end");
}

static void run_policy(const struct scale_shape *shape, unsigned int size)
{
	struct result *result = shared(sizeof(*result));
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		measure_policy(shape, size, result);
		_exit(0);
	}
	wait_for(child, &result->done);
	show(shape, size, result);
}

static void run_adding(unsigned int n)
{
	struct adding *adding = shared(sizeof(*adding));
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		measure_adding(n, adding);
		_exit(0);
	}
	wait_for(child, &adding->done);
	show_adding(n, adding);
}

int main(int argc, char **argv)
{
	unsigned int most = 100000, endpoints = 200;
	const char *only = NULL;
	int option;

	while ((option = getopt(argc, argv, "jn:e:s:")) != -1) {
		if (option == 'j')
			json = true;
		else if (option == 'n')
			most = (unsigned int)strtoul(optarg, NULL, 10);
		else if (option == 'e')
			endpoints = (unsigned int)strtoul(optarg, NULL, 10);
		else if (option == 's')
			only = optarg;
		else
			die("usage: bench-scale [-j] [-n LARGEST] [-e ENDPOINTS] [-s SHAPE]");
	}
	if (geteuid()) {
		puts("skipped: needs root");
		return 77;
	}
	if (json)
		printf("[");
	else
		printf("%-10s %8s %-8s %8s %8s %9s %9s %8s %9s\n", "shape", "size", "of", "parse", "compile",
		       "in force", "again", "peak MB", "kernel B");
	for (size_t i = 0; i < scale_n_shapes; i++) {
		const struct scale_shape *shape = &scale_shapes[i];

		if (only && strcmp(only, shape->name) != 0)
			continue;
		for (unsigned int size = 10000; size <= most && size <= shape->most; size *= 10)
			run_policy(shape, size);
		if (shape->most < most)
			run_policy(shape, shape->most);
	}
	if (endpoints && (!only || !strcmp(only, "endpoints")))
		run_adding(endpoints);
	if (json)
		puts("\n]");
	return 0;
}
