/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bench-traffic: loads for the comparison in bench/compare. Each command makes one kind of traffic between two
 * containers (network namespaces) and says what it cost in CPU time, as one line of JSON.
 *
 * Everything runs on one CPU: the sender, the kernel's work for its packets (softirqs of veth run on the sender's CPU,
 * in the sender's context or in that CPU's ksoftirqd), the receiver where there is one. So the cost of a packet on its
 * whole way is the CPU time of this process, of that ksoftirqd, and of daemons that forward packets (--also).
 */
#ifndef BENCH_TRAFFIC_H
#define BENCH_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	ALSO_MAX = 16,
	INTERFACES_MAX = 8
};

struct options {
	const char *from, *to; /* network namespaces of both containers */
	const char *host;      /* the namespace between them */
	const char *interface; /* in the container: where the sink goes */
	const char *source, *destination;
	const char *source_mac, *destination_mac;
	const char *program;
	const char *interfaces[INTERFACES_MAX];
	int also[ALSO_MAX]; /* processes whose CPU time counts */
	unsigned int also_count, interface_count;
	unsigned int cpu, flows, first_port, ports, source_port, window, milliseconds;
	bool tcp, once, denied;
};

/* What is told at the end. `count` is what costs are divided by: packets, transactions, connections, bytes. */
struct result {
	const char *unit;
	uint64_t count, cpu_ns, wall_ns;
	uint64_t sent, received; /* packets of a flood */
	uint64_t elsewhere;      /* of those received: by another CPU */
	uint64_t answered;       /* flows that were seen in both directions before */
};

/* The two clocks, between two moments. */
struct stopwatch {
	const struct options *options;
	uint64_t cpu_ns, wall_ns;
};

void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

uint64_t now_ns(void);
void stopwatch_start(struct stopwatch *watch, const struct options *options);
void stopwatch_stop(const struct stopwatch *watch, struct result *result);

/* The calling thread moves. */
void enter_namespace(const char *name);
void pin_to_cpu(unsigned int cpu);

/* "10.0.0.2" or "fd00::2" with a port. Returns the length. */
socklen_t address_of(const char *text, uint16_t port, struct sockaddr_storage *ret);

/* A socket with a source port of its own, in the caller's namespace. */
int open_socket(const char *address, uint16_t port, int type);

int command_flood(const struct options *options, struct result *ret);
int command_frames(const struct options *options, struct result *ret);
int command_rr(const struct options *options, struct result *ret);
int command_connect(const struct options *options, struct result *ret);
int command_stream(const struct options *options, struct result *ret);
int command_attach(const struct options *options, struct result *ret);

#endif
