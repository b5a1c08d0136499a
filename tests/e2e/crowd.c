/* SPDX-License-Identifier: GPL-2.0-only */
/* Many connections that stay in use: the server speaks, so that a forgotten flow shows. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe.h"

#define CROWD_MAX 1024

/* Says a word to everybody who has connected, every `gap_ms`, until killed. */
int run_tick(const char *port, long gap_ms)
{
	int fd = listen_on(port, SOCK_STREAM);
	static struct pollfd peers[CROWD_MAX + 1];
	nfds_t count = 1;

	peers[0] = (struct pollfd){.fd = fd, .events = POLLIN};
	for (;;) {
		int64_t next = now_us() + gap_ms * 1000;

		while (count <= CROWD_MAX && now_us() < next && poll(peers, 1, (int)gap_ms) > 0)
			peers[count++].fd = accept(fd, NULL, NULL);
		for (nfds_t i = 1; i < count; i++)
			send(peers[i].fd, "tick\n", 5, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (next > now_us())
			sleep_us(next - now_us());
	}
}

/* Opens `count` connections and listens for `ms`; tells the longest time that any of them heard nothing. */
int run_crowd(const char *address, const char *port, unsigned count, int64_t ms)
{
	static struct pollfd peers[CROWD_MAX];
	static int64_t heard[CROWD_MAX];
	int64_t begin, end, longest = 0;

	if (count > CROWD_MAX)
		return 2;
	for (unsigned i = 0; i < count; i++)
		peers[i] = (struct pollfd){.fd = connect_to(address, port, SOCK_STREAM), .events = POLLIN};
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("connected %u\n", count);
	begin = now_us();
	end = begin + ms * 1000;
	for (unsigned i = 0; i < count; i++)
		heard[i] = begin;
	while (now_us() < end) {
		char text[256];

		if (poll(peers, count, 100) < 0)
			die("poll");
		for (unsigned i = 0; i < count; i++) {
			if (peers[i].revents && read(peers[i].fd, text, sizeof(text)) > 0) {
				int64_t now = now_us();

				if (now - heard[i] > longest)
					longest = now - heard[i];
				heard[i] = now;
			}
		}
	}
	for (unsigned i = 0; i < count; i++)
		if (end - heard[i] > longest)
			longest = end - heard[i];
	printf("longest silence %lld ms\n", (long long)(longest / 1000));
	return EXIT_SUCCESS;
}
