// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which table for tracked flows? What a look-up costs in each kind of map: of one flow again and again, of 100 000 at
 * random, and of one flow on two CPUs at once; what writing into what was found adds to it; and what a new flow costs
 * when the table is full. In nanoseconds by BPF_PROG_TEST_RUN, net of the loop that makes the keys. Rounds of all cases
 * are interleaved and medians told: the machine drifts, but for all cases alike.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "flow-table.h"
#include "flow-table.skel.h"
#include "measure.h"

enum {
	ROUNDS = 9,
	FLOWS = 100000,
	REPEAT = 8192,        /* calls of FLOW_TABLE_BATCH look-ups each */
	INSERT_REPEAT = 1024, /* the same of new flows */
	FILL_REPEAT = (FLOWS + FLOW_TABLE_BATCH - 1) / FLOW_TABLE_BATCH,
	FULL_REPEAT = 2 * FLOW_TABLE_ENTRIES / FLOW_TABLE_BATCH,
};

/* What is done with a flow that was found: a program's name ends in it. */
enum work {
	WORK_LOOK,
	WORK_WRITE,
	WORK_ATOMIC,
	WORK_OWN,
	WORKS
};

static const char *const WORK_NAMES[WORKS] = {"look", "write", "atomic", "own"};

enum setting {
	SETTING_ONE,
	SETTING_RANDOM,
	SETTING_SHARED, /* one flow, two CPUs */
	SETTINGS
};

/* A map, and what its programs' names begin with. */
static const struct table {
	const char *name, *text;
	int key; /* 0: of 16 bytes, 1: of 40 */
} TABLES[] = {
	{"lru40", "LRU hash, key of 40 bytes", 1},
	{"lru16", "LRU hash, key of 16 bytes", 0},
	{"lru16_lists", "the same, a list a CPU", 0},
	{"lru16_values", "the same, a value a CPU", 0},
	{"hash16", "hash", 0},
	{"hash16_alloc", "hash, not preallocated", 0},
	{"groups_first", "groups of 8, from the first", 0},
	{"groups_home", "groups of 8, from a home", 0},
	{"groups_inner", "the same, as an inner map", 0},
};

enum {
	TABLES_COUNT = sizeof(TABLES) / sizeof(TABLES[0])
};

struct bench {
	struct flow_table_bpf *skeleton;
	int cpus[2]; /* the second is -1 where there is none */
	double empty[2][SETTINGS][ROUNDS];
	double times[TABLES_COUNT][SETTINGS][WORKS][ROUNDS];
	double inserted[TABLES_COUNT][ROUNDS];
};

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("one CPU: %s", strerror(errno));
}

/* Two CPUs that the programs tell apart. */
static void find_cpus(struct bench *bench)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		die("CPUs: %s", strerror(errno));
	bench->cpus[0] = sched_getcpu();
	bench->cpus[1] = -1;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET((size_t)cpu, &set) && cpu % FLOW_TABLE_CPUS != bench->cpus[0] % FLOW_TABLE_CPUS)
			bench->cpus[1] = cpu;
}

static struct progress *progress(const struct bench *bench)
{
	return &bench->skeleton->bss->counts[bench->cpus[0] % FLOW_TABLE_CPUS];
}

/* ---- running ---- */

static int program(const struct bench *bench, const char *name, const char *work)
{
	struct bpf_program *found;
	char text[64];

	snprintf(text, sizeof(text), "%s_%s", name, work);
	found = bpf_object__find_program_by_name(bench->skeleton->obj, text);
	if (!found)
		die("%s: %s", text, strerror(ENOENT));
	return bpf_program__fd(found);
}

/* Nanoseconds for one of the flows of a call. */
static double run(int fd, int repeat)
{
	char frame[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame), .repeat = repeat);
	int error = bpf_prog_test_run_opts(fd, &options);

	if (error)
		die("test run: %s", strerror(-error));
	return (double)options.duration / FLOW_TABLE_BATCH;
}

struct companion {
	int cpu, fd;
	pthread_barrier_t ready;
};

static void *accompany(void *user)
{
	struct companion *companion = user;

	stay_on(companion->cpu);
	pthread_barrier_wait(&companion->ready);
	run(companion->fd, REPEAT);
	return NULL;
}

/* The same on both CPUs at once. */
static double run_shared(const struct bench *bench, int fd)
{
	struct companion companion = {.cpu = bench->cpus[1], .fd = fd};
	pthread_t thread;
	double time;

	if (companion.cpu < 0)
		return 0;
	if (pthread_barrier_init(&companion.ready, NULL, 2) || pthread_create(&thread, NULL, accompany, &companion))
		die("a thread: %s", strerror(EAGAIN));
	pthread_barrier_wait(&companion.ready);
	time = run(fd, REPEAT);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&companion.ready);
	return time;
}

static double run_setting(const struct bench *bench, enum setting setting, int fd)
{
	bench->skeleton->bss->keys = setting == SETTING_RANDOM ? FLOWS : 1;
	return setting == SETTING_SHARED ? run_shared(bench, fd) : run(fd, REPEAT);
}

/* ---- measuring ---- */

/* Flows of these numbers: they are the same in all tables. */
static void insert(const struct bench *bench, const struct table *table, int repeat)
{
	progress(bench)->next_flow = 0;
	progress(bench)->missed = 0;
	run(program(bench, table->name, "insert"), repeat);
	if (progress(bench)->missed)
		die("%s: %s", table->text, strerror(ENOSPC));
}

/* A table that has lost flows would look quicker than it is. */
static void check_missed(const struct bench *bench, const struct table *table, enum work work)
{
	if (progress(bench)->missed > (__u64)REPEAT * FLOW_TABLE_BATCH / 100)
		fprintf(stderr, "%s, %s: %llu of %d look-ups found nothing\n", table->text, WORK_NAMES[work],
			progress(bench)->missed, REPEAT * FLOW_TABLE_BATCH);
}

static void measure_setting(struct bench *bench, int round, enum setting setting)
{
	static const char *const keys[] = {"flow_key16", "flow_key40"};

	for (int key = 0; key < 2; key++)
		bench->empty[key][setting][round] = run_setting(bench, setting, program(bench, "empty", keys[key]));
	for (enum work work = 0; work < WORKS; work++) {
		for (int i = 0; i < TABLES_COUNT; i++) {
			int fd = program(bench, TABLES[i].name, WORK_NAMES[work]);

			progress(bench)->missed = 0;
			bench->times[i][setting][work][round] = run_setting(bench, setting, fd);
			check_missed(bench, &TABLES[i], work);
		}
	}
}

static void measure_look_ups(struct bench *bench)
{
	for (int i = 0; i < TABLES_COUNT; i++)
		insert(bench, &TABLES[i], FILL_REPEAT);
	for (int round = 0; round < ROUNDS; round++)
		for (enum setting setting = 0; setting < SETTINGS; setting++)
			measure_setting(bench, round, setting);
}

static void measure_insertions(struct bench *bench)
{
	__u64 next = FULL_REPEAT * FLOW_TABLE_BATCH;

	for (int i = 0; i < TABLES_COUNT; i++)
		insert(bench, &TABLES[i], FULL_REPEAT);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < TABLES_COUNT; i++) {
			progress(bench)->next_flow = next;
			bench->inserted[i][round] = run(program(bench, TABLES[i].name, "insert"), INSERT_REPEAT);
		}
		next += INSERT_REPEAT * FLOW_TABLE_BATCH;
	}
}

/* ---- telling ---- */

/* By the kernel's own account; before Linux 6.4 that was an estimate. */
static double megabytes(const struct bench *bench, const char *map)
{
	char path[64], line[128];
	unsigned long long bytes = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d",
		 bpf_object__find_map_fd_by_name(bench->skeleton->obj, map));
	file = fopen(path, "re");
	if (!file)
		die("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), file))
		sscanf(line, "memlock: %llu", &bytes);
	fclose(file);
	return (double)bytes / 1e6;
}

static void show(struct bench *bench)
{
	double empty[2][SETTINGS];

	for (int key = 0; key < 2; key++)
		for (enum setting setting = 0; setting < SETTINGS; setting++)
			empty[key][setting] = median(bench->empty[key][setting], ROUNDS);
	printf("%-28s  -------- one flow -------  ---- %d at random ---  -- one flow, two CPUs --   new    table\n"
	       "%-28s ",
	       "", FLOWS, "ns");
	for (enum setting setting = 0; setting < SETTINGS; setting++)
		printf("   look write atomic   own");
	puts("  flow       MB");
	for (int i = 0; i < TABLES_COUNT; i++) {
		printf("%-28s ", TABLES[i].text);
		for (enum setting setting = 0; setting < SETTINGS; setting++)
			for (enum work work = 0; work < WORKS; work++)
				printf(" %*.1f",
				       work == WORK_LOOK     ? 6
				       : work == WORK_ATOMIC ? 6
							     : 5,
				       median(bench->times[i][setting][work], ROUNDS) - empty[TABLES[i].key][setting]);
		printf(" %5.0f %8.1f\n", median(bench->inserted[i], ROUNDS), megabytes(bench, TABLES[i].name));
	}
	puts("write: one word of it; atomic: two counters of it; own: two counters that the CPU has to itself");
}

int main(void)
{
	static struct bench bench;

	if (geteuid()) {
		puts("skipped: needs root");
		return 77;
	}
	find_cpus(&bench);
	stay_on(bench.cpus[0]);
	bench.skeleton = flow_table_bpf__open_and_load();
	if (!bench.skeleton)
		die("load: %s", strerror(errno));
	measure_look_ups(&bench);
	measure_insertions(&bench);
	show(&bench);
	flow_table_bpf__destroy(bench.skeleton);
	return 0;
}
