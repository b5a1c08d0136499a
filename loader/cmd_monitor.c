/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "event_text.h"
#include "report.h"
#include "rule_text.h"
#include "watching.h"

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

/* The rule that permitted or denied it, or why it reached none. */
static void write_cause(struct writer *writer, const struct epg_event_info *info)
{
	static const struct writer_column columns[] = {{"reason", NULL, WRITER_TEXT}, {NULL, "", WRITER_TEXT}};
	char text[EVENT_RULE_MAX];

	event_text_cause(info, text);
	writer_field(writer, &columns[0], value_text(info->reason_name));
	writer_field(writer, &columns[1], value_text(text));
	rule_text_write(writer, "rule", info->rule);
}

static void write_audit(struct writer *writer, const struct epg_event_info *info)
{
	static const struct writer_column columns[] = {{"wouldBe", NULL, WRITER_TEXT}, {NULL, "", WRITER_TEXT}};
	const char *verdict = event_text_would_be(info->event);
	char rule[EVENT_RULE_MAX] = "", text[EVENT_RULE_MAX + 32] = "";

	if (info->audited_rule)
		event_text_rule(info->audited_rule, rule);
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
		value_text(event_text_hook(event->hook)),
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
	AUTO_CLOSE int signals = watching_signals();
	int error;

	if (signals < 0)
		return report_error(cli, CLI_KERNEL, NULL, NULL, "can't wait for signals: %s", strerror(-signals));
	error = epg_monitor_open(cli->epg, &options, &monitor);
	if (error)
		return report_failure(cli, error);
	writer_records(cli->writer);
	error = watching_run(monitor, signals, write_event, cli->writer, NULL);
	if (error)
		return report_failure(cli, error);
	if (!cli->quiet)
		fprintf(stderr, "%" PRIu64 " events lost\n", epg_monitor_lost(monitor));
	return CLI_OK;
}
