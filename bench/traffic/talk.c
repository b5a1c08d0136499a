// SPDX-License-Identifier: GPL-2.0-only
/* Loads with a program at both ends: request and response, connections, a stream. Both are threads on one CPU. */
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "traffic.h"

enum {
	WARM_UP_MS = 20,
	STREAM_WRITE = 131072
};

struct talk {
	const struct options *options;
	int listener; /* TCP: listens; UDP: the server's socket */
	atomic_bool stop;
	uint64_t streamed;
};

static void set_now(int socket)
{
	int on = 1;

	if (setsockopt(socket, SOL_TCP, TCP_NODELAY, &on, sizeof(on)))
		die("TCP_NODELAY: %s", strerror(errno));
}

static int accept_one(const struct talk *talk)
{
	int socket = accept(talk->listener, NULL, NULL);

	if (socket < 0)
		die("accept: %s", strerror(errno));
	return socket;
}

static int connect_to(const struct options *options, int type)
{
	struct sockaddr_storage address;
	socklen_t length = address_of(options->destination, (uint16_t)options->first_port, &address);
	int fd = socket(address.ss_family, type, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, length))
		die("connect to %s port %u: %s", options->destination, options->first_port, strerror(errno));
	return fd;
}

static void *answer_tcp(void *user)
{
	int socket = accept_one(user);
	char byte;

	set_now(socket);
	while (read(socket, &byte, 1) == 1) {
		if (write(socket, &byte, 1) != 1)
			die("answer: %s", strerror(errno));
	}
	close(socket);
	return NULL;
}

/* An empty request is the last one. */
static void *answer_udp(void *user)
{
	struct talk *talk = user;
	struct sockaddr_storage from;
	socklen_t length = sizeof(from);
	char byte;

	while (recvfrom(talk->listener, &byte, 1, 0, (struct sockaddr *)&from, &length) == 1) {
		if (sendto(talk->listener, &byte, 1, 0, (struct sockaddr *)&from, length) != 1)
			die("answer: %s", strerror(errno));
	}
	return NULL;
}

static void *accept_all(void *user)
{
	struct talk *talk = user;

	while (!talk->stop)
		close(accept_one(talk));
	return NULL;
}

static void *swallow(void *user)
{
	static char bytes[STREAM_WRITE];
	int socket = accept_one(user);

	while (read(socket, bytes, sizeof(bytes)) > 0)
		;
	close(socket);
	return NULL;
}

static pthread_t start_server(struct talk *talk, void *(*run)(void *))
{
	const struct options *options = talk->options;
	pthread_t thread;

	enter_namespace(options->to);
	talk->listener = open_socket(options->destination, (uint16_t)options->first_port,
				     options->tcp ? SOCK_STREAM : SOCK_DGRAM);
	if (options->tcp && listen(talk->listener, 128))
		die("listen: %s", strerror(errno));
	enter_namespace(options->from);
	if (pthread_create(&thread, NULL, run, talk))
		die("no thread");
	return thread;
}

static void exchange(int socket)
{
	char byte = 1;

	if (send(socket, &byte, 1, 0) != 1 || recv(socket, &byte, 1, 0) != 1)
		die("request: %s", strerror(errno));
}

static uint64_t repeat_exchange(int socket, unsigned int milliseconds)
{
	uint64_t end = now_ns() + milliseconds * 1000000ULL, count = 0;

	do {
		for (int i = 0; i < 16; i++)
			exchange(socket);
		count += 16;
	} while (now_ns() < end);
	return count;
}

static void limit_waiting(int socket)
{
	struct timeval patience = {.tv_sec = 2};

	if (setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)))
		die("timeouts: %s", strerror(errno));
}

int command_rr(const struct options *options, struct result *ret)
{
	struct talk talk = {.options = options};
	pthread_t server = start_server(&talk, options->tcp ? answer_tcp : answer_udp);
	int socket = connect_to(options, options->tcp ? SOCK_STREAM : SOCK_DGRAM);
	struct stopwatch watch;

	limit_waiting(socket);
	if (options->tcp)
		set_now(socket);
	repeat_exchange(socket, WARM_UP_MS);
	stopwatch_start(&watch, options);
	ret->count = repeat_exchange(socket, options->milliseconds);
	stopwatch_stop(&watch, ret);
	ret->unit = "transaction";
	if (!options->tcp && send(socket, "", 0, 0))
		die("last request: %s", strerror(errno));
	close(socket);
	pthread_join(server, NULL);
	close(talk.listener);
	return 0;
}

/* The server ends each connection, so that its end waits in TIME_WAIT and the client's ports are free again. */
static uint64_t repeat_connect(const struct options *options, unsigned int milliseconds)
{
	uint64_t end = now_ns() + milliseconds * 1000000ULL, count = 0;
	char byte;

	do {
		int socket = connect_to(options, SOCK_STREAM);

		if (read(socket, &byte, 1))
			die("connection: %s", strerror(errno));
		close(socket);
		count++;
	} while (now_ns() < end);
	return count;
}

int command_connect(const struct options *options, struct result *ret)
{
	struct talk talk = {.options = options};
	pthread_t server = start_server(&talk, accept_all);
	struct stopwatch watch;

	repeat_connect(options, WARM_UP_MS);
	stopwatch_start(&watch, options);
	ret->count = repeat_connect(options, options->milliseconds);
	stopwatch_stop(&watch, ret);
	ret->unit = "connection";
	talk.stop = true;
	close(connect_to(options, SOCK_STREAM));
	pthread_join(server, NULL);
	close(talk.listener);
	return 0;
}

static uint64_t repeat_write(int socket, unsigned int milliseconds)
{
	static char bytes[STREAM_WRITE];
	uint64_t end = now_ns() + milliseconds * 1000000ULL, count = 0;

	do {
		ssize_t written = write(socket, bytes, sizeof(bytes));

		if (written <= 0)
			die("stream: %s", strerror(errno));
		count += (uint64_t)written;
	} while (now_ns() < end);
	return count;
}

int command_stream(const struct options *options, struct result *ret)
{
	struct talk talk = {.options = options};
	pthread_t server = start_server(&talk, swallow);
	int socket = connect_to(options, SOCK_STREAM);
	struct stopwatch watch;

	limit_waiting(socket);
	repeat_write(socket, WARM_UP_MS * 5); /* windows have to open first */
	stopwatch_start(&watch, options);
	ret->count = repeat_write(socket, options->milliseconds);
	stopwatch_stop(&watch, ret);
	ret->unit = "byte";
	close(socket);
	pthread_join(server, NULL);
	close(talk.listener);
	return 0;
}
