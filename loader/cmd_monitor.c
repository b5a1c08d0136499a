/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>

#include "commands.h"
#include "report.h"
#include "rule_text.h"

DEFINE_AUTO(struct epg_monitor, epg_monitor_close)

/* The library wants to be asked once a second at least. */
#define POLL_MILLISECONDS 500

#define NANOSECONDS 1000000000u

/* "2026-11-22T05:01:02.123456789Z" */
static void format_utc(uint64_t time_ns, char *text, size_t size)
{
	time_t seconds = (time_t)(time_ns / NANOSECONDS);
	char moment[32] = "";
	struct tm utc;

	if (gmtime_r(&seconds, &utc))
		strftime(moment, sizeof(moment), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text, size, "%s.%09uZ", moment, (unsigned int)(time_ns % NANOSECONDS));
}

/* "05:01:02.123456" in the local time zone */
static void format_local(uint64_t time_ns, char *text, size_t size)
{
	time_t seconds = (time_t)(time_ns / NANOSECONDS);
	char moment[16] = "";
	struct tm local;

	if (localtime_r(&seconds, &local))
		strftime(moment, sizeof(moment), "%H:%M:%S", &local);
	snprintf(text, size, "%s.%06u", moment, (unsigned int)(time_ns % NANOSECONDS / 1000));
}

static const char *hook_name(uint8_t hook)
{
	switch ((enum epg_hook)hook) {
	case EPG_HOOK_TC_INGRESS:
		return "tc-ingress";
	case EPG_HOOK_TC_EGRESS:
		return "tc-egress";
	case EPG_HOOK_XDP:
		return "xdp";
	}
	return "";
}

/* One side of a packet. */
struct side {
	const char *name;
	const char *group;
	const char *address;
	uint16_t port;
	bool has_port; /* for ICMP an event keeps code and type there */
};

/* "shop/store/front (10.1.0.2:40000)" */
static void format_side(const struct side *side, char *text, size_t size)
{
	bool brackets = side->has_port && strchr(side->address, ':');
	char port[8] = "";

	if (side->has_port)
		snprintf(port, sizeof(port), ":%u", side->port);
	snprintf(text, size, "%s (%s%s%s%s)", *side->group ? side->group : "?", brackets ? "[" : "",
		 *side->address ? side->address : "?", brackets ? "]" : "", port);
}

static void write_side(struct writer *writer, const struct side *side)
{
	static const struct writer_column columns[] = {
		{"group", NULL, WRITER_TEXT},
		{"address", NULL, WRITER_TEXT},
		{"port", NULL, WRITER_NUMBER},
	};

	writer_object_begin(writer, side->name, NULL);
	writer_field(writer, &columns[0], value_text(side->group));
	writer_field(writer, &columns[1], value_text(side->address));
	if (side->has_port)
		writer_field(writer, &columns[2], value_number(side->port));
	writer_object_end(writer);
}

static bool is_icmp(const struct epg_event *event)
{
	return event->protocol == IPPROTO_ICMP || event->protocol == IPPROTO_ICMPV6;
}

static void write_protocol(struct writer *writer, const struct epg_event_info *info)
{
	static const struct writer_column columns[] = {
		{"protocol", NULL, WRITER_TEXT},
		{NULL, "", WRITER_TEXT},
		{"icmpType", NULL, WRITER_NUMBER},
		{"icmpCode", NULL, WRITER_NUMBER},
	};
	char text[64];

	writer_field(writer, &columns[0], value_text(info->protocol));
	if (!is_icmp(info->event)) {
		writer_field(writer, &columns[1], value_text(info->protocol));
		return;
	}
	snprintf(text, sizeof(text), "%s type %u code %u", info->protocol, info->event->destination_port,
		 info->event->source_port);
	writer_field(writer, &columns[1], value_text(text));
	writer_field(writer, &columns[2], value_number(info->event->destination_port));
	writer_field(writer, &columns[3], value_number(info->event->source_port));
}

/* "shop/web > pages > http > web", of a taboo without a subject. */
static void format_rule(const struct epg_rule_info *rule, char *text, size_t size)
{
	if (*rule->contract)
		snprintf(text, size, "%s%s%s > %s > %s", rule->contract, *rule->subject ? " > " : "", rule->subject,
			 rule->filter, rule->entry);
	else
		snprintf(text, size, "%s", rule->name);
}

/* The rule that permitted or denied it, or why it reached none. */
static void write_cause(struct writer *writer, const struct epg_event_info *info)
{
	static const struct writer_column columns[] = {{"reason", NULL, WRITER_TEXT}, {NULL, "", WRITER_TEXT}};
	const struct epg_rule_info *rule = info->rule;
	char text[512];

	writer_field(writer, &columns[0], value_text(info->reason_name));
	if (rule && (*rule->contract || info->event->verdict == EPG_PERMIT))
		format_rule(rule, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "%s", info->reason_name);
	writer_field(writer, &columns[1], value_text(text));
	rule_text_write(writer, "rule", rule);
}

/* What would have been decided if audited subjects were enforced; NULL: the same. */
static const char *would_be(const struct epg_event *event)
{
	if (event->flags & EPG_EVENT_WOULD_DENY)
		return "deny";
	return event->flags & EPG_EVENT_WOULD_PERMIT ? "permit" : NULL;
}

static void write_audit(struct writer *writer, const struct epg_event_info *info)
{
	static const struct writer_column columns[] = {{"wouldBe", NULL, WRITER_TEXT}, {NULL, "", WRITER_TEXT}};
	const char *verdict = would_be(info->event);
	char rule[512] = "", text[600] = "";

	if (info->audited_rule)
		format_rule(info->audited_rule, rule, sizeof(rule));
	if (verdict)
		snprintf(text, sizeof(text), "(audited: %s%s%s)", verdict, *rule ? " by " : "", rule);
	writer_field(writer, &columns[0], value_text(verdict));
	writer_field(writer, &columns[1], value_coloured(text, DISPLAY_YELLOW));
	rule_text_write(writer, "auditedRule", info->audited_rule);
}

/* Of the packet, what few packets have. */
static void write_details(struct writer *writer, const struct epg_event *event)
{
	static const struct writer_column columns[] = {
		{"dscp", NULL, WRITER_NUMBER},
		{"fragment", NULL, WRITER_TEXT},
		{"log", NULL, WRITER_BOOLEAN},
	};
	static const char *const fragments[] = {
		[EPG_FRAGMENT_NONE] = NULL,
		[EPG_FRAGMENT_FIRST] = "first",
		[EPG_FRAGMENT_LATER] = "later",
	};

	writer_field(writer, &columns[0], value_number(event->dscp));
	writer_field(writer, &columns[1],
		     value_text(event->fragment < ARRAY_SIZE(fragments) ? fragments[event->fragment] : NULL));
	writer_field(writer, &columns[2], value_number(event->flags & EPG_EVENT_LOG));
}

static void write_sides(struct writer *writer, const struct epg_event_info *info)
{
	static const struct writer_column column = {NULL, "", WRITER_TEXT};
	const struct epg_event *event = info->event;
	bool ports = event->protocol == IPPROTO_TCP || event->protocol == IPPROTO_UDP;
	const struct side source = {"source", info->source_group, info->source_address, event->source_port, ports};
	const struct side destination = {"destination", info->destination_group, info->destination_address,
					 event->destination_port, ports};
	char from[320], to[320], text[648];

	format_side(&source, from, sizeof(from));
	format_side(&destination, to, sizeof(to));
	snprintf(text, sizeof(text), "%s -> %s", from, to);
	write_side(writer, &source);
	write_side(writer, &destination);
	writer_field(writer, &column, value_text(text));
}

static int write_event(void *user, const struct epg_event_info *info)
{
	static const struct writer_column columns[] = {
		{"time", NULL, WRITER_TEXT},     {NULL, "", WRITER_TEXT},
		{"verdict", NULL, WRITER_TEXT},  {NULL, "", WRITER_TEXT},
		{"level", NULL, WRITER_NUMBER},  {"hook", NULL, WRITER_TEXT},
		{"length", NULL, WRITER_NUMBER}, {"generation", NULL, WRITER_NUMBER},
	};
	static const struct writer_column interface = {"interface", "", WRITER_TEXT};
	const struct epg_event *event = info->event;
	struct writer *writer = user;
	bool permit = event->verdict == EPG_PERMIT;
	enum display_colour colour = permit ? DISPLAY_GREEN : DISPLAY_RED;
	char utc[48], local[32];

	format_utc(info->time_unix_ns, utc, sizeof(utc));
	format_local(info->time_unix_ns, local, sizeof(local));

	const struct writer_value values[] = {
		value_text(utc),
		value_text(local),
		value_text(permit ? "permit" : "deny"),
		value_coloured(permit ? "permit" : "deny  ", colour),
		value_number(event->level),
		value_text(hook_name(event->hook)),
		value_number(event->length),
		value_number(event->generation),
	};

	writer_record_begin(writer);
	writer_fields(writer, columns, ARRAY_SIZE(columns), values);
	write_sides(writer, info);
	write_protocol(writer, info);
	write_details(writer, event);
	write_cause(writer, info);
	write_audit(writer, info);
	writer_field(writer, &interface, value_text(info->interface));
	return writer_record_end(writer);
}

/* A descriptor that is readable once somebody wants us to end; or -errno. */
static int open_signals(void)
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

/* Tells events until a signal comes (0), or something fails. */
static int watch(struct epg_monitor *monitor, int signals, struct writer *writer)
{
	struct pollfd fds[] = {
		{.fd = signals, .events = POLLIN},
		{.fd = epg_monitor_fd(monitor), .events = POLLIN},
	};

	for (;;) {
		int told;

		if (poll(fds, ARRAY_SIZE(fds), POLL_MILLISECONDS) < 0 && errno != EINTR)
			return -errno;
		told = epg_monitor_poll(monitor, 0, write_event, writer);
		if (told < 0 && told != -EINTR)
			return told;
		if (fds[0].revents)
			return 0;
	}
}

/* EPG_WATCH_…; 0, the default, where nothing in particular is asked for. */
static uint32_t read_watch(const struct arguments *arguments)
{
	return (arguments_has(arguments, OPTION_DROP) ? EPG_WATCH_DENY : 0) |
	       (arguments_has(arguments, OPTION_AUDIT) ? EPG_WATCH_AUDIT : 0) |
	       (arguments_has(arguments, OPTION_LOG) ? EPG_WATCH_LOG : 0);
}

int cmd_monitor(struct cli *cli)
{
	const struct epg_monitor_options options = {
		.size = sizeof(options),
		.watch = read_watch(&cli->arguments),
		.group = arguments_value(&cli->arguments, OPTION_GROUP),
	};
	AUTO(epg_monitor_close) struct epg_monitor *monitor = NULL;
	AUTO_CLOSE int signals = open_signals();
	int error;

	if (signals < 0)
		return report_error(cli, CLI_KERNEL, NULL, NULL, "can't wait for signals: %s", strerror(-signals));
	error = epg_monitor_open(cli->epg, &options, &monitor);
	if (error)
		return report_failure(cli, error);
	writer_records(cli->writer);
	error = watch(monitor, signals, cli->writer);
	if (error)
		return report_failure(cli, error);
	if (!cli->quiet)
		fprintf(stderr, "%" PRIu64 " events lost\n", epg_monitor_lost(monitor));
	return CLI_OK;
}
