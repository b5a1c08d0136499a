/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/util.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "watching.h"

/* The library wants to be asked once a second at least. */
#define POLL_MILLISECONDS 500

int watching_signals(void)
{
	sigset_t signals;
	int fd;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &signals, SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int watching_run(struct epg_monitor *monitor, int signals, epg_event_fn fn, void *user, FILE *stream)
{
	struct pollfd fds[] = {
		{.fd = signals, .events = POLLIN},
		{.fd = epg_monitor_fd(monitor), .events = POLLIN},
	};

	for (;;) {
		int told;

		if (poll(fds, ARRAY_SIZE(fds), POLL_MILLISECONDS) < 0 && errno != EINTR)
			return -errno;
		told = epg_monitor_poll(monitor, 0, fn, user);
		if (told < 0 && told != -EINTR)
			return told;
		if (told > 0 && stream && fflush(stream))
			return -errno;
		if (fds[0].revents)
			return 0;
	}
}
