/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The clients and servers of the end-to-end tests, where the exact number of packets matters:
 *
 *   probe send ADDRESS PORT COUNT [GAP_US]  sends COUNT datagrams that carry 0, 1, 2 … and waits between them,
 *                                           or fewer if SIGTERM comes; with skb->mark set to $MARK if that is set
 *   probe receive PORT IDLE_MS              takes them until none has come for IDLE_MS, and tells what was missing;
 *                                           of the multicast group $GROUP, too, if that is set
 *   probe echo tcp|udp PORT                 sends back what it gets, until killed
 *   probe talk tcp|udp ADDRESS PORT         each line of its input goes out; tells whether it came back in a second
 *   probe marks PORT                        answers each datagram with the DSCP that it came with, until killed
 *   probe mark ADDRESS PORT                 asks such a one, and tells "there DSCP, back DSCP"
 *   probe flood ADDRESS PORT BYTES MS       sends datagrams of so many bytes as fast as it can, for so long
 *   probe measure PORT SKIP_MS MS           from the first datagram on, lets SKIP_MS go by, then counts for MS: tells
 *                                           datagrams, bytes and the microseconds that it took
 *   probe large ADDRESS PORT BYTES          sends one datagram of so many bytes to an echo server: tells whether all of
 *                                           it came back
 *   probe frame INTERFACE [KEY=VALUE]...    sends a frame that is written by hand (keys: frame.h)
 *   probe watch INTERFACE                   tells the tokens of such frames as they arrive, until killed
 *   probe tcx PIN INTERFACE ingress|egress first|last  attaches a pinned program of another's, until killed
 *   probe tick PORT MS                      says something to all who connect, every so often, until killed
 *   probe crowd ADDRESS PORT COUNT MS       so many connections to such a one: the longest time that one heard nothing
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"

#define ANSWER_MS 1000
#define LINE_MAX_BYTES 1024
#define FLOOD_MAX_BYTES 1472
#define DATAGRAM_MAX_BYTES 65536

static volatile sig_atomic_t terminated;

static void terminate(int signal_number)
{
	(void)signal_number;
	terminated = 1;
}

_Noreturn void die(const char *what)
{
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static int usage(void)
{
	fputs("usage: probe send ADDRESS PORT COUNT [GAP_US] | receive PORT IDLE_MS | echo tcp|udp PORT |"
	      " talk tcp|udp ADDRESS PORT | marks PORT | mark ADDRESS PORT | flood ADDRESS PORT BYTES MS |"
	      " measure PORT SKIP_MS MS | large ADDRESS PORT BYTES | frame INTERFACE [KEY=VALUE]... |"
	      " watch INTERFACE | tcx PIN INTERFACE ingress|egress first|last | tick PORT MS | crowd ADDRESS PORT "
	      "COUNT MS\n",
	      stderr);
	return 2;
}

static int socket_type(const char *protocol)
{
	return strcmp(protocol, "tcp") ? SOCK_DGRAM : SOCK_STREAM;
}

int connect_to(const char *address, const char *port, int type)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = type};
	struct addrinfo *found;
	int fd;

	if (getaddrinfo(address, port, &hints, &found)) {
		errno = EINVAL;
		die(address);
	}
	fd = socket(found->ai_family, type, 0);
	if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen))
		die("connect");
	freeaddrinfo(found);
	return fd;
}

/* Both families at once: an IPv6 socket takes IPv4 as mapped addresses. */
int listen_on(const char *port, int type)
{
	struct sockaddr_in6 local = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(port))};
	int buffer = BUFFER_BYTES, one = 1;
	int fd = socket(AF_INET6, type, 0);

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	if (bind(fd, (struct sockaddr *)&local, sizeof(local)) || (type == SOCK_STREAM && listen(fd, 16)))
		die("bind");
	return fd;
}

void sleep_us(long microseconds)
{
	struct timespec pause = {microseconds / 1000000, microseconds % 1000000 * 1000};

	while (nanosleep(&pause, &pause) && errno == EINTR)
		;
}

static int run_send(const char *address, const char *port, uint32_t count, long gap_us)
{
	int fd = connect_to(address, port, SOCK_DGRAM);
	const char *mark = getenv("MARK");
	uint32_t number, refused = 0;

	if (mark) {
		uint32_t value = (uint32_t)strtoul(mark, NULL, 0);

		if (setsockopt(fd, SOL_SOCKET, SO_MARK, &value, sizeof(value)))
			die("SO_MARK");
	}
	signal(SIGTERM, terminate);
	for (number = 0; number < count && !terminated; number++) {
		uint32_t message = htonl(number);

		/* An ICMP error that came for an earlier one shows up here: the datagram itself was not sent. */
		if (send(fd, &message, sizeof(message), 0) < 0 && send(fd, &message, sizeof(message), 0) < 0)
			refused++;
		if (gap_us)
			sleep_us(gap_us);
	}
	printf("sent %u refused %u\n", number - refused, refused);
	close(fd);
	return EXIT_SUCCESS;
}

static int run_receive(const char *port, int idle_ms)
{
	uint32_t received = 0, repeated = 0, late = 0, next = 0;
	int fd = listen_on(port, SOCK_DGRAM);
	struct pollfd waiting = {.fd = fd, .events = POLLIN};
	const char *group = getenv("GROUP");
	struct ip_mreqn request = {.imr_ifindex = (int)if_nametoindex("eth0")};

	if (group && (inet_pton(AF_INET, group, &request.imr_multiaddr) != 1 ||
		      setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request))))
		die(group);
	while (poll(&waiting, 1, idle_ms) > 0) {
		uint32_t message;

		if (recv(fd, &message, sizeof(message), 0) != sizeof(message))
			continue;
		message = ntohl(message);
		received++;
		repeated += message + 1 == next;
		late += message + 1 < next;
		if (message >= next)
			next = message + 1;
	}
	printf("received %u of %u repeated %u late %u\n", received, next, repeated, late);
	close(fd);
	return EXIT_SUCCESS;
}

static void echo_datagrams(int fd)
{
	static char message[DATAGRAM_MAX_BYTES];

	for (;;) {
		struct sockaddr_in6 peer;
		socklen_t length = sizeof(peer);
		ssize_t size = recvfrom(fd, message, sizeof(message), 0, (struct sockaddr *)&peer, &length);

		if (size >= 0)
			sendto(fd, message, (size_t)size, 0, (struct sockaddr *)&peer, length);
	}
}

static void echo_stream(int fd)
{
	char message[LINE_MAX_BYTES];
	ssize_t size;

	while ((size = read(fd, message, sizeof(message))) > 0) {
		if (write(fd, message, (size_t)size) != size)
			break;
	}
}

static int run_echo(const char *protocol, const char *port)
{
	int type = socket_type(protocol);
	int fd = listen_on(port, type);

	if (type == SOCK_DGRAM)
		echo_datagrams(fd);
	for (;;) {
		int peer = accept(fd, NULL, NULL);

		if (peer < 0)
			die("accept");
		if (fork() == 0) {
			echo_stream(peer);
			_exit(EXIT_SUCCESS);
		}
		close(peer);
	}
}

/* Whether `line` comes back within ANSWER_MS; answers to earlier lines, late ones, are passed over. */
static int came_back(int fd, const char *line)
{
	struct pollfd waiting = {.fd = fd, .events = POLLIN};
	char answer[LINE_MAX_BYTES + 1];

	while (poll(&waiting, 1, ANSWER_MS) > 0) {
		ssize_t size = read(fd, answer, LINE_MAX_BYTES);

		if (size <= 0)
			return 0;
		answer[size] = '\0';
		if (strstr(answer, line))
			return 1;
	}
	return 0;
}

static int run_talk(const char *protocol, const char *address, const char *port)
{
	int fd = connect_to(address, port, socket_type(protocol));
	char line[LINE_MAX_BYTES];

	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("connected");
	while (fgets(line, sizeof(line), stdin)) {
		size_t length = strlen(line);

		if (send(fd, line, length, MSG_NOSIGNAL) != (ssize_t)length)
			puts("broken");
		else
			puts(came_back(fd, line) ? "answered" : "silence");
	}
	close(fd);
	return EXIT_SUCCESS;
}

static int run_large(const char *address, const char *port, size_t bytes)
{
	int fd = connect_to(address, port, SOCK_DGRAM);
	struct pollfd waiting = {.fd = fd, .events = POLLIN};
	static char data[DATAGRAM_MAX_BYTES], answer[DATAGRAM_MAX_BYTES];

	if (bytes > sizeof(data))
		return usage();
	for (size_t i = 0; i < bytes; i++)
		data[i] = (char)(i * 31 + i / 251);
	if (send(fd, data, bytes, 0) != (ssize_t)bytes)
		die("send");
	if (poll(&waiting, 1, ANSWER_MS) <= 0 || recv(fd, answer, sizeof(answer), 0) != (ssize_t)bytes ||
	    memcmp(data, answer, bytes) != 0) {
		puts("silence");
		return EXIT_FAILURE;
	}
	puts("answered");
	close(fd);
	return EXIT_SUCCESS;
}

/* ---- DSCP ---- */

/* Asks for the traffic class of what comes in, of either family. */
static void watch_marks(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &one, sizeof(one));
}

/* Receives a datagram from `peer`; returns its size, and in *ret_dscp how it was marked, -1 where that is not told. */
static ssize_t receive_marked(int fd, char *data, size_t size, struct sockaddr_in6 *peer, int *ret_dscp)
{
	union {
		char bytes[256];
		struct cmsghdr align;
	} control;
	struct iovec part = {data, size};
	struct msghdr message = {
		.msg_name = peer,
		.msg_namelen = sizeof(*peer),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t received = recvmsg(fd, &message, 0);

	*ret_dscp = -1;
	if (received < 0)
		return received;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
		int class = 0;

		if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_TOS)
			class = *CMSG_DATA(header);
		else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_TCLASS)
			memcpy(&class, CMSG_DATA(header), sizeof(class));
		else
			continue;
		*ret_dscp = class >> 2;
	}
	return received;
}

static _Noreturn void run_marks(const char *port)
{
	int fd = listen_on(port, SOCK_DGRAM);

	watch_marks(fd);
	for (;;) {
		char data[LINE_MAX_BYTES];
		struct sockaddr_in6 peer;
		int dscp;

		if (receive_marked(fd, data, sizeof(data), &peer, &dscp) < 0)
			continue;
		snprintf(data, sizeof(data), "%d", dscp);
		sendto(fd, data, strlen(data), 0, (struct sockaddr *)&peer, sizeof(peer));
	}
}

static int run_mark(const char *address, const char *port)
{
	int fd = connect_to(address, port, SOCK_DGRAM);
	struct pollfd waiting = {.fd = fd, .events = POLLIN};
	char answer[16] = "";
	struct sockaddr_in6 peer;
	int dscp;

	watch_marks(fd);
	if (send(fd, "?", 1, 0) != 1 || poll(&waiting, 1, ANSWER_MS) <= 0 ||
	    receive_marked(fd, answer, sizeof(answer) - 1, &peer, &dscp) < 0) {
		puts("silence");
		return EXIT_FAILURE;
	}
	printf("there %s, back %d\n", answer, dscp);
	close(fd);
	return EXIT_SUCCESS;
}

/* ---- rates ---- */

int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static int run_flood(const char *address, const char *port, size_t bytes, int64_t ms)
{
	int fd = connect_to(address, port, SOCK_DGRAM);
	static const char data[FLOOD_MAX_BYTES];
	int64_t end = now_us() + ms * 1000;
	uint64_t sent = 0;

	if (bytes > sizeof(data))
		return usage();
	while (now_us() < end)
		sent += send(fd, data, bytes, 0) == (ssize_t)bytes;
	printf("sent %" PRIu64 "\n", sent);
	close(fd);
	return EXIT_SUCCESS;
}

static int run_measure(const char *port, int64_t skip_ms, int64_t ms)
{
	int fd = listen_on(port, SOCK_DGRAM);
	uint64_t datagrams = 0, bytes = 0;
	static char data[FLOOD_MAX_BYTES];
	int64_t begin, now;

	if (recv(fd, data, sizeof(data), 0) < 0)
		die("recv");
	begin = now_us() + skip_ms * 1000;
	do {
		ssize_t size = recv(fd, data, sizeof(data), 0);

		now = now_us();
		if (size < 0 || now < begin)
			continue;
		datagrams++;
		bytes += (uint64_t)size;
	} while (now < begin + ms * 1000);
	printf("%" PRIu64 " %" PRIu64 " %" PRId64 "\n", datagrams, bytes, now - begin);
	close(fd);
	return EXIT_SUCCESS;
}

static int run_crafted(int argc, char **argv)
{
	const char *command = argv[1];

	if (!strcmp(command, "large") && argc == 5)
		return run_large(argv[2], argv[3], (size_t)atol(argv[4]));
	if (!strcmp(command, "frame") && argc >= 3)
		return run_frame(argv[2], argc - 3, argv + 3);
	if (!strcmp(command, "watch") && argc == 3)
		return run_watch(argv[2]);
	if (!strcmp(command, "tcx") && argc == 6)
		return run_tcx(argv[2], argv[3], argv[4], argv[5]);
	if (!strcmp(command, "tick") && argc == 4)
		return run_tick(argv[2], atol(argv[3]));
	if (!strcmp(command, "crowd") && argc == 6)
		return run_crowd(argv[2], argv[3], (unsigned)atoi(argv[4]), atol(argv[5]));
	return usage();
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (!strcmp(command, "send") && (argc == 5 || argc == 6))
		return run_send(argv[2], argv[3], (uint32_t)atol(argv[4]), argc == 6 ? atol(argv[5]) : 0);
	if (!strcmp(command, "receive") && argc == 4)
		return run_receive(argv[2], atoi(argv[3]));
	if (!strcmp(command, "echo") && argc == 4)
		return run_echo(argv[2], argv[3]);
	if (!strcmp(command, "talk") && argc == 5)
		return run_talk(argv[2], argv[3], argv[4]);
	if (!strcmp(command, "marks") && argc == 3)
		run_marks(argv[2]);
	if (!strcmp(command, "mark") && argc == 4)
		return run_mark(argv[2], argv[3]);
	if (!strcmp(command, "flood") && argc == 6)
		return run_flood(argv[2], argv[3], (size_t)atol(argv[4]), atol(argv[5]));
	if (!strcmp(command, "measure") && argc == 5)
		return run_measure(argv[2], atol(argv[3]), atol(argv[4]));
	return argc > 1 ? run_crafted(argc, argv) : usage();
}
