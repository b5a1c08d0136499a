/* SPDX-License-Identifier: GPL-2.0-only */
/* flow ls, flow flush */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "report.h"
#include "rule_text.h"

/* Reads the filter; its texts are those of the command line. Returns an exit status. */
static int read_filter(struct cli *cli, struct epg_flow_filter *ret)
{
	const struct arguments *arguments = &cli->arguments;
	const char *text = arguments_value(arguments, OPTION_PORT);
	uint64_t port = 0;

	if (text && arguments_parse_number(text, 1, UINT16_MAX, &port))
		return report_error(cli, CLI_USAGE, NULL, NULL, "--port takes a number from 1 to %u, not '%s'",
				    UINT16_MAX, text);
	*ret = (struct epg_flow_filter){
		.size = sizeof(*ret),
		.interface = arguments_value(arguments, OPTION_INTERFACE),
		.group = arguments_value(arguments, OPTION_GROUP),
		.address = arguments_value(arguments, OPTION_ADDRESS),
		.protocol = arguments_value(arguments, OPTION_PROTO),
		.port = (uint16_t)port,
		.state = arguments_value(arguments, OPTION_STATE),
		.revoked = arguments_has(arguments, OPTION_REVOKED),
	};
	return CLI_OK;
}

/* ---- flow ls ---- */

#define END_MAX 80
#define DURATION_MAX 24

static bool is_icmp(const struct epg_flow_info *flow)
{
	return !strncmp(flow->protocol, "icmp", 4);
}

/* "10.1.0.2:40000", "[fd00:1::2]:40000", "10.1.0.2". */
static void describe_end(const struct epg_flow_info *flow, const char *address, uint16_t port, char text[END_MAX])
{
	bool bracket = strchr(address, ':');

	if (is_icmp(flow) || (!flow->source_port && !flow->destination_port))
		snprintf(text, END_MAX, "%s", address);
	else
		snprintf(text, END_MAX, "%s%s%s:%u", bracket ? "[" : "", address, bracket ? "]" : "", port);
}

/* "3 s", "5 min", "8 h" */
static void describe_duration(uint64_t milliseconds, char text[DURATION_MAX])
{
	static const struct {
		uint64_t seconds;
		const char *unit;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
	uint64_t seconds = milliseconds / 1000;
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(units) && seconds < 2 * units[i].seconds)
		i++;
	snprintf(text, DURATION_MAX, "%" PRIu64 " %s", seconds / units[i].seconds, units[i].unit);
}

static void write_end(struct writer *writer, const char *name, const char *group, const char *interface,
		      const char *address, uint16_t port)
{
	static const struct writer_column columns[] = {
		{"group", NULL, WRITER_TEXT},
		{"interface", NULL, WRITER_TEXT},
		{"address", NULL, WRITER_TEXT},
		{"port", NULL, WRITER_NUMBER},
	};
	const struct writer_value values[] = {
		value_text(group),
		value_text(interface),
		value_text(address),
		value_number(port),
	};

	writer_object_begin(writer, name, NULL);
	writer_fields(writer, columns, ARRAY_SIZE(columns), values);
	writer_object_end(writer);
}

/* Which contract has permitted it; what the policy no longer permits waits for a policy that does. */
static const char *describe_rule(const struct epg_flow_info *flow)
{
	if (!flow->rule)
		return NULL;
	return *flow->rule->contract ? flow->rule->contract : flow->rule->name;
}

static int write_flow(void *user, const struct epg_flow_info *flow)
{
	char source[END_MAX], destination[END_MAX], idle[DURATION_MAX], left[DURATION_MAX];
	struct writer *writer = user;

	describe_end(flow, flow->source_address, flow->source_port, source);
	describe_end(flow, flow->destination_address, flow->destination_port, destination);
	describe_duration(flow->idle_ms, idle);
	describe_duration(flow->expires_ms, left);

	const struct writer_value values[] = {
		value_text(flow->protocol),
		value_text(source),
		value_text(destination),
		value_text(flow->vrf),
		flow->revoked ? value_coloured("revoked", DISPLAY_RED) : value_text(flow->state),
		value_text(flow->state),
		value_number(flow->revoked),
		value_number(flow->current),
		value_text(idle),
		value_text(left),
		value_number(flow->idle_ms),
		value_number(flow->expires_ms),
		value_text(describe_rule(flow)),
	};

	writer_row_begin(writer, values);
	write_end(writer, "source", flow->source_group, flow->source_interface, flow->source_address,
		  flow->source_port);
	write_end(writer, "destination", flow->destination_group, flow->destination_interface,
		  flow->destination_address, flow->destination_port);
	rule_text_write(writer, "rule", flow->rule);
	writer_row_end(writer);
	return 0;
}

int cmd_flow_ls(struct cli *cli)
{
	static const struct writer_column columns[] = {
		{"protocol", "PROTO", WRITER_WORD},
		{NULL, "SOURCE", WRITER_WORD},
		{NULL, "DESTINATION", WRITER_WORD},
		{"vrf", NULL, WRITER_TEXT},
		{NULL, "STATE", WRITER_WORD},
		{"state", NULL, WRITER_TEXT},
		{"revoked", NULL, WRITER_BOOLEAN},
		{"current", NULL, WRITER_BOOLEAN},
		{NULL, "IDLE", WRITER_WORD},
		{NULL, "LEFT", WRITER_WORD},
		{"idleMilliseconds", NULL, WRITER_NUMBER},
		{"expiresMilliseconds", NULL, WRITER_NUMBER},
		{NULL, "PERMITTED BY", WRITER_TEXT},
	};
	static const struct writer_table table = {"flows", columns, ARRAY_SIZE(columns), "no flows"};
	struct epg_flow_filter filter;
	int error, status = read_filter(cli, &filter);

	if (status)
		return status;
	writer_rows_begin(cli->writer, &table);
	error = epg_flows_each(cli->epg, &filter, write_flow, cli->writer);
	if (error)
		return report_failure(cli, error);
	writer_rows_end(cli->writer);
	return CLI_OK;
}

/* ---- flow flush ---- */

static bool selects_all(const struct epg_flow_filter *filter)
{
	return !filter->interface && !filter->group && !filter->address && !filter->protocol && !filter->port &&
	       !filter->state && !filter->revoked;
}

int cmd_flow_flush(struct cli *cli)
{
	static const struct writer_column column = {"flushed", NULL, WRITER_NUMBER};
	bool all = arguments_has(&cli->arguments, OPTION_ALL);
	struct epg_flow_filter filter;
	int error, status = read_filter(cli, &filter);
	size_t count = 0;

	if (status)
		return status;
	if (selects_all(&filter) && !all)
		return report_error(cli, CLI_USAGE, NULL, "--all, if all flows are meant",
				    "flow flush needs to be told which flows");
	if (!selects_all(&filter) && all)
		return report_error(cli, CLI_USAGE, NULL, NULL, "--all goes with no other choice of flows");
	error = epg_flows_flush(cli->epg, &filter, &count);
	if (error)
		return report_failure(cli, error);
	writer_field(cli->writer, &column, value_number(count));
	writer_say(cli->writer, DISPLAY_PLAIN,
		   "%zu flow%s forgotten: the next packet of each is decided as a new one's", count,
		   count == 1 ? "" : "s");
	return CLI_OK;
}
