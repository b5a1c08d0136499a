/* SPDX-License-Identifier: GPL-2.0-only */
/* capture */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "endpoint_text.h"
#include "event_text.h"
#include "pcapng.h"
#include "report.h"
#include "watching.h"

struct capture {
	const char *path; /* NULL: standard output */
	FILE *stream;
	struct pcapng *pcapng;
	uint64_t packets, limit; /* limit 0: none */
	int error;               /* of writing */
};

static void capture_end(struct capture *capture)
{
	pcapng_free(capture->pcapng);
	if (capture->stream)
		fclose(capture->stream);
}

/* ---- what is asked for ---- */

static int read_number(struct cli *cli, enum option_id id, const char *name, uint64_t most, uint64_t *ret)
{
	const char *text = arguments_value(&cli->arguments, id);

	if (text && arguments_parse_number(text, 1, most, ret))
		return report_error(cli, CLI_USAGE, NULL, NULL, "--%s takes a number from 1 to %" PRIu64 ", not '%s'",
				    name, most, text);
	return CLI_OK;
}

/* The file that is asked for; NULL: standard output. */
static const char *output_path(const struct arguments *arguments)
{
	const char *path = arguments_value(arguments, OPTION_WRITE);

	return path && strcmp(path, "-") ? path : NULL;
}

static int check_options(struct cli *cli)
{
	if (!output_path(&cli->arguments) && isatty(STDOUT_FILENO))
		return report_error(cli, CLI_USAGE, NULL, "-w FILE, or | tcpdump -n -r -",
				    "a capture is not for a terminal");
	if (arguments_has(&cli->arguments, OPTION_DROP) && arguments_has(&cli->arguments, OPTION_PERMIT))
		return report_error(cli, CLI_USAGE, NULL, "leave both out", "--drop and --permit together are all");
	return CLI_OK;
}

static uint32_t read_watch(const struct arguments *arguments)
{
	return EPG_WATCH_CAPTURE | (arguments_has(arguments, OPTION_DROP) ? EPG_WATCH_DENY : 0) |
	       (arguments_has(arguments, OPTION_PERMIT) ? EPG_WATCH_PERMIT : 0);
}

/* ---- where to ---- */

/* A stream of our own also where it is standard output: who reads that may have had enough, which is no failure. */
static int open_output(struct cli *cli, struct capture *capture)
{
	int fd;

	capture->path = output_path(&cli->arguments);
	if (capture->path) {
		capture->stream = fopen(capture->path, "we");
	} else {
		signal(SIGPIPE, SIG_IGN); /* the write tells it */
		writer_records(cli->writer);
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
		capture->stream = fd < 0 ? NULL : fdopen(fd, "w");
	}
	if (capture->stream)
		return CLI_OK;
	return report_error(cli, CLI_INPUT, capture->path, NULL, "can't write the capture: %s", strerror(errno));
}

static int write_packet(void *user, const struct epg_event_info *info)
{
	char comment[EVENT_SENTENCE_MAX], name[ENDPOINT_TEXT_MAX];
	const struct epg_event *event = info->event;
	struct capture *capture = user;
	struct pcapng_packet packet = {
		.time_ns = info->time_unix_ns,
		.interface = event->ifindex,
		.interface_name = endpoint_text_vanished(event->ifindex, info->interface, name),
		.outbound = event->hook == EPG_HOOK_TC_EGRESS,
		.permitted = event->verdict == EPG_PERMIT,
		.xdp = event->hook == EPG_HOOK_XDP,
		.bytes = info->frame,
		.captured = info->captured,
		.length = event->length > info->captured ? event->length : info->captured,
		.vlan = event->vlan,
		.comment = comment,
	};

	event_text_sentence(info, comment);
	capture->error = pcapng_write(capture->pcapng, &packet);
	if (capture->error)
		return capture->error;
	return ++capture->packets == capture->limit ? -ECANCELED : 0;
}

/* ---- the end ---- */

static void tell_end(struct cli *cli, const struct capture *capture, uint64_t lost)
{
	static const struct writer_column columns[] = {
		{"file", NULL, WRITER_TEXT},
		{"packets", NULL, WRITER_NUMBER},
		{"lost", NULL, WRITER_NUMBER},
	};

	if (!capture->path) {
		if (!cli->quiet)
			fprintf(stderr, "%" PRIu64 " packets, %" PRIu64 " lost\n", capture->packets, lost);
		return;
	}
	writer_field(cli->writer, &columns[0], value_text(capture->path));
	writer_field(cli->writer, &columns[1], value_number(capture->packets));
	writer_field(cli->writer, &columns[2], value_number(lost));
	writer_say(cli->writer, DISPLAY_PLAIN, "%" PRIu64 " packets, %" PRIu64 " lost", capture->packets, lost);
}

/* The reader of a pipe that has had enough is no failure. */
static int finish(struct cli *cli, struct capture *capture, const struct epg_monitor *monitor)
{
	int error = capture->error;

	if (!error && fflush(capture->stream))
		error = -errno;
	if (error && !(error == -EPIPE && !capture->path))
		return report_error(cli, CLI_KERNEL, capture->path, NULL, "can't write the capture: %s",
				    strerror(-error));
	tell_end(cli, capture, epg_monitor_lost(monitor));
	return CLI_OK;
}

/* Captures until a signal comes, or enough has. Returns an exit status. */
static int run(struct cli *cli, struct capture *capture, const struct epg_monitor_options *options, uint32_t snaplen)
{
	AUTO(epg_monitor_close) struct epg_monitor *monitor = NULL;
	AUTO_CLOSE int signals = watching_signals();
	int error, status;

	if (signals < 0)
		return report_error(cli, CLI_KERNEL, NULL, NULL, "can't wait for signals: %s", strerror(-signals));
	error = epg_monitor_open(cli->epg, options, &monitor);
	if (error)
		return report_failure(cli, error);
	status = open_output(cli, capture);
	if (status)
		return status;
	capture->error = pcapng_new(capture->stream, snaplen, &capture->pcapng);
	if (!capture->error && fflush(capture->stream))
		capture->error = -errno;
	if (capture->error)
		return finish(cli, capture, monitor);
	error = watching_run(monitor, signals, write_packet, capture, capture->stream);
	if (error == -EPIPE)
		capture->error = error;
	else if (error && error != -ECANCELED && !capture->error)
		return report_failure(cli, error);
	return finish(cli, capture, monitor);
}

int cmd_capture(struct cli *cli)
{
	__attribute__((cleanup(capture_end))) struct capture capture = {0};
	struct epg_monitor_options options = {
		.size = sizeof(options),
		.watch = read_watch(&cli->arguments),
		.group = arguments_value(&cli->arguments, OPTION_GROUP),
	};
	struct usage_error usage = {"out of memory", ""};
	uint64_t snaplen = EPG_CAPTURED_BYTES;
	char **names = NULL;
	int error, status = check_options(cli);

	if (!status)
		status = read_number(cli, OPTION_PACKETS, "count", UINT64_MAX, &capture.limit);
	if (!status)
		status = read_number(cli, OPTION_SNAPLEN, "snaplen", EPG_CAPTURED_BYTES, &snaplen);
	if (status)
		return status;
	error = endpoint_text_names(&cli->arguments, &names, &usage);
	if (error)
		return report_error(cli, error == -EINVAL ? CLI_USAGE : CLI_KERNEL, NULL, usage.hint, "%s",
				    usage.message);
	options.interfaces = (const char *const *)names;
	options.n_interfaces = (size_t)cli->arguments.n_operands;
	status = run(cli, &capture, &options, (uint32_t)snaplen);
	endpoint_text_free(names);
	return status;
}
