/* SPDX-License-Identifier: GPL-2.0-only */
/* Tells the token of each frame that arrives. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "probe.h"

#define FRAME_MAX_BYTES 65536

static void tell_token(const char *frame, size_t size)
{
	const char *begin = frame, *end;

	while ((begin = memmem(begin, size - (size_t)(begin - frame), TOKEN_BEGIN, strlen(TOKEN_BEGIN)))) {
		begin += strlen(TOKEN_BEGIN);
		end = memchr(begin, TOKEN_END, size - (size_t)(begin - frame));
		if (!end)
			return;
		if (end - begin >= TOKEN_MAX || memmem(begin, (size_t)(end - begin), TOKEN_BEGIN, strlen(TOKEN_BEGIN)))
			continue;
		printf("%.*s\n", (int)(end - begin), begin);
		return;
	}
}

int run_watch(const char *interface)
{
	struct sockaddr_ll local = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int fd = socket(AF_PACKET, SOCK_RAW, 0), buffer = BUFFER_BYTES;
	static char frame[FRAME_MAX_BYTES];

	local.sll_ifindex = (int)if_nametoindex(interface);
	if (fd < 0 || !local.sll_ifindex)
		die(interface);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	if (bind(fd, (struct sockaddr *)&local, sizeof(local)))
		die("bind");
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("watching");
	for (;;) {
		struct sockaddr_ll from;
		socklen_t length = sizeof(from);
		ssize_t size = recvfrom(fd, frame, sizeof(frame), 0, (struct sockaddr *)&from, &length);

		if (size > 0 && from.sll_pkttype != PACKET_OUTGOING)
			tell_token(frame, (size_t)size);
	}
}
