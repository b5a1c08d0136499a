// SPDX-License-Identifier: GPL-2.0-only
/*
 * UDP packets from sockets, as fast as they go, one flow or many at random. The receiving container drops them at its
 * interface, at the same small cost whatever the system; before that it has answered each flow once, so that flows
 * are established where something tracks them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "flows.h"
#include "sink.h"

enum {
	BATCH = 64,
	PAYLOAD = 22 /* a frame of 64 bytes */
};

struct flood {
	const struct options *options;
	struct sink sink;
	struct flows flows;
	int *sockets; /* one a source port */
	struct sockaddr_storage addresses[BATCH];
	struct mmsghdr messages[BATCH];
	struct iovec payload;
	char bytes[PAYLOAD];
	unsigned int at_source, at_port;
	uint64_t sent, lost;
};

static void allow_descriptors(rlim_t count)
{
	struct rlimit limit = {.rlim_cur = count + 64, .rlim_max = count + 64};

	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("%llu sockets: %s", (unsigned long long)count, strerror(errno));
}

static void prepare_messages(struct flood *flood)
{
	const struct options *options = flood->options;

	flood->payload = (struct iovec){.iov_base = flood->bytes, .iov_len = PAYLOAD};
	for (int i = 0; i < BATCH; i++) {
		struct msghdr *message = &flood->messages[i].msg_hdr;

		message->msg_namelen =
			address_of(options->destination, (uint16_t)options->first_port, &flood->addresses[i]);
		message->msg_name = &flood->addresses[i];
		message->msg_iov = &flood->payload;
		message->msg_iovlen = 1;
	}
}

/* A single flow has a connected socket, as programs do that talk to one peer. */
static void connect_single(struct flood *flood)
{
	const struct msghdr *first = &flood->messages[0].msg_hdr;

	if (connect(flood->sockets[0], first->msg_name, first->msg_namelen))
		die("connect: %s", strerror(errno));
	for (int i = 0; i < BATCH; i++) {
		flood->messages[i].msg_hdr.msg_name = NULL;
		flood->messages[i].msg_hdr.msg_namelen = 0;
	}
}

static void open_flood(struct flood *flood, const struct options *options)
{
	flood->options = options;
	sink_open(&flood->sink, options); /* the thread stays in the sender's namespace */
	flows_make(&flood->flows, options->flows, options->first_port, options->ports, options->source_port);
	allow_descriptors(flood->flows.sources);
	flood->sockets = calloc(flood->flows.sources, sizeof(*flood->sockets));
	if (!flood->sockets)
		die("no memory");
	for (unsigned int i = 0; i < flood->flows.sources; i++)
		flood->sockets[i] = open_socket(options->source, flood->flows.source[i], SOCK_DGRAM);
	prepare_messages(flood);
	if (options->flows == 1)
		connect_single(flood);
}

static void close_flood(struct flood *flood)
{
	for (unsigned int i = 0; i < flood->flows.sources; i++)
		close(flood->sockets[i]);
	free(flood->sockets);
	flows_free(&flood->flows);
}

/* The same offset for both families. */
static void set_port(struct sockaddr_storage *address, uint16_t port)
{
	uint16_t port_be = __builtin_bswap16(port);

	memcpy((char *)address + sizeof(sa_family_t), &port_be, sizeof(port_be));
}

/* Up to 64 packets of one socket, each to the next of its ports; the next batch is the next socket's. */
static void send_batch(struct flood *flood)
{
	unsigned int ports = flood->flows.ports;
	unsigned int count = ports > 1 && ports - flood->at_port < BATCH ? ports - flood->at_port : BATCH;
	const uint16_t *destination = flood->flows.destination + (size_t)flood->at_source * ports + flood->at_port;
	int sent;

	if (ports > 1) {
		for (unsigned int i = 0; i < count; i++)
			set_port(&flood->addresses[i], destination[i]);
	}
	sent = sendmmsg(flood->sockets[flood->at_source], flood->messages, count, 0);
	/* Where rules refuse on the sender's own way, and not in the middle, the kernel says so. */
	if (sent < 0 && errno != ENOBUFS)
		die("send: %s", strerror(errno));
	flood->sent += sent > 0 ? (uint64_t)sent : 0;
	if (++flood->at_source < flood->flows.sources)
		return;
	flood->at_source = 0;
	flood->at_port = flood->at_port + count < ports ? flood->at_port + count : 0;
}

/* Does not run ahead of what forwards packets by more than the window, unless those are lost. */
static void keep_window(struct flood *flood)
{
	const struct timespec pause = {.tv_nsec = 200000};
	uint64_t since = now_ns();

	while (flood->sent > sink_received(&flood->sink, 0, NULL) + flood->lost + flood->options->window) {
		if (now_ns() - since > 50000000) {
			flood->lost = flood->sent - sink_received(&flood->sink, 0, NULL);
			return;
		}
		nanosleep(&pause, NULL);
	}
}

/* Each flow's packets once, all told; one flow gets a batch. */
static void send_round(struct flood *flood)
{
	do {
		send_batch(flood);
		if (flood->options->window)
			keep_window(flood);
	} while (flood->at_source || flood->at_port);
}

static void send_for(struct flood *flood, uint64_t duration_ns)
{
	uint64_t end = now_ns() + duration_ns;

	do {
		for (int i = 0; i < 8; i++) {
			send_batch(flood);
			if (flood->options->window)
				keep_window(flood);
		}
	} while (now_ns() < end);
}

/* Both directions of each flow are seen. Returns how many packets have been answered. */
static uint64_t establish(struct flood *flood)
{
	sink_set_mode(&flood->sink, SINK_REFLECT);
	send_round(flood);
	sink_wait_received(&flood->sink, flood->sent);
	return sink_wait_answered(&flood->sink, flood->sent);
}

int command_flood(const struct options *options, struct result *ret)
{
	static struct flood flood;
	struct stopwatch watch;
	uint64_t received, elsewhere;

	open_flood(&flood, options);
	if (!options->once && !options->denied)
		ret->answered = establish(&flood);
	sink_set_mode(&flood.sink, SINK_DROP);
	received = sink_received(&flood.sink, options->cpu, &elsewhere);
	flood.sent = received;
	flood.lost = 0;
	stopwatch_start(&watch, options);
	if (options->once)
		send_round(&flood);
	else
		send_for(&flood, options->milliseconds * 1000000ULL);
	stopwatch_stop(&watch, ret);
	if (!options->denied)
		sink_wait_received(&flood.sink, flood.sent);
	ret->unit = "packet";
	ret->sent = flood.sent - received;
	ret->received = sink_received(&flood.sink, options->cpu, &ret->elsewhere) - received;
	ret->elsewhere -= elsewhere;
	ret->count = options->denied ? ret->sent : ret->received;
	close_flood(&flood);
	return 0;
}
