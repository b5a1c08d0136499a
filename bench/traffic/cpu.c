// SPDX-License-Identifier: GPL-2.0-only
/* Clocks, CPUs and namespaces. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "traffic.h"

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* The scheduler's account of one thread, in nanoseconds. */
static uint64_t thread_ns(int process, const char *thread)
{
	char path[320];
	uint64_t ns = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", process, thread);
	file = fopen(path, "r");
	if (!file)
		return 0; /* a thread that has just ended */
	if (fscanf(file, "%" SCNu64, &ns) != 1)
		ns = 0;
	fclose(file);
	return ns;
}

static uint64_t process_ns(int process)
{
	char path[64];
	struct dirent *entry;
	uint64_t ns = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", process);
	tasks = opendir(path);
	if (!tasks)
		die("no process %d, whose CPU time counts", process);
	while ((entry = readdir(tasks))) {
		if (entry->d_name[0] != '.')
			ns += thread_ns(process, entry->d_name);
	}
	closedir(tasks);
	return ns;
}

static uint64_t cpu_ns(const struct options *options)
{
	uint64_t ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);

	for (unsigned int i = 0; i < options->also_count; i++)
		ns += process_ns(options->also[i]);
	return ns;
}

void stopwatch_start(struct stopwatch *watch, const struct options *options)
{
	watch->options = options;
	watch->cpu_ns = cpu_ns(options);
	watch->wall_ns = now_ns();
}

void stopwatch_stop(const struct stopwatch *watch, struct result *result)
{
	result->wall_ns = now_ns() - watch->wall_ns;
	result->cpu_ns = cpu_ns(watch->options) - watch->cpu_ns;
}

void enter_namespace(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die("network namespace %s: %s", name, strerror(errno));
	close(fd);
}

void pin_to_cpu(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("CPU %u: %s", cpu, strerror(errno));
}
