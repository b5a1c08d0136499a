/* SPDX-License-Identifier: GPL-2.0-only */
/* load, unload, status, map ls, version */
#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "commands.h"
#include "report.h"
#include "timeouts.h"

/* ---- load, unload ---- */

/* Reads the number of an option into *ret, which stays as it is where the option was not given. */
static int read_size(struct cli *cli, enum option_id id, uint32_t *ret)
{
	const char *text = arguments_value(&cli->arguments, id);
	const struct command *command = cli->arguments.command;
	uint64_t number = 0;

	if (!text)
		return CLI_OK;
	if (!arguments_parse_number(text, 1, UINT32_MAX, &number)) {
		*ret = (uint32_t)number;
		return CLI_OK;
	}
	for (size_t i = 0; i < command->n_options; i++)
		if (command->options[i].id == id)
			return report_error(cli, CLI_USAGE, NULL, NULL, "--%s takes a number from 1 to %u, not '%s'",
					    command->options[i].name, UINT32_MAX, text);
	return CLI_USAGE;
}

static int read_load_options(struct cli *cli, struct epg_load_options *options)
{
	const struct {
		enum option_id id;
		uint32_t *size;
	} sizes[] = {
		{OPTION_ENDPOINTS, &options->endpoints},
		{OPTION_FLOWS, &options->flows},
		{OPTION_RULES, &options->rules},
		{OPTION_DROP_PAIRS, &options->drop_pairs},
		{OPTION_EVENT_BYTES, &options->event_bytes},
		{OPTION_EVENTS_PER_SECOND, &options->events_per_second},
		{OPTION_MARK, &options->mark},
		{OPTION_FRAGMENTS, &options->fragments},
	};
	struct usage_error usage;
	int status = CLI_OK;

	for (size_t i = 0; i < ARRAY_SIZE(sizes) && !status; i++)
		status = read_size(cli, sizes[i].id, sizes[i].size);
	if (!status && timeouts_read(&cli->arguments, options, &usage))
		return report_error(cli, CLI_USAGE, NULL, usage.hint, "%s", usage.message);
	return status;
}

/* Whether a size is asked for: timeouts can be set at any time. */
static bool wants_sizes(const struct cli *cli)
{
	const struct command *command = cli->arguments.command;

	for (size_t i = 0; i < command->n_options; i++)
		if (command->options[i].id != OPTION_TIMEOUT && arguments_has(&cli->arguments, command->options[i].id))
			return true;
	return false;
}

/* Whether the instance is loaded already: its sizes hold then, whatever is asked for. */
static int check_loaded(struct cli *cli, bool *ret_loaded)
{
	struct epg_status status;
	int error = epg_status(cli->epg, &status);

	if (error)
		return report_failure(cli, error);
	if (status.loaded && wants_sizes(cli))
		return report_error(cli, CLI_INPUT, status.pin, "epgctl unload first, or leave the sizes away",
				    "loaded already: sizes hold until unload");
	*ret_loaded = status.loaded;
	return CLI_OK;
}

static void write_loaded(struct cli *cli, bool loaded)
{
	static const struct writer_column columns[] = {{"pin", NULL, WRITER_TEXT}, {"loaded", NULL, WRITER_BOOLEAN}};
	const char *pin = arguments_value(&cli->arguments, OPTION_PIN);

	writer_field(cli->writer, &columns[0], value_text(pin ? pin : EPG_DEFAULT_PIN));
	writer_field(cli->writer, &columns[1], value_number(loaded));
}

int cmd_load(struct cli *cli)
{
	struct epg_load_options options = {.size = sizeof(options)};
	bool loaded = false;
	int error, status = read_load_options(cli, &options);

	if (!status)
		status = check_loaded(cli, &loaded);
	if (status)
		return status;
	error = epg_load(cli->epg, &options);
	if (error)
		return report_failure(cli, error);
	write_loaded(cli, true);
	if (!loaded)
		writer_say(cli->writer, DISPLAY_PLAIN, "loaded; next: epgctl apply -f FILE, or epgctl attach IF…");
	else
		writer_say(cli->writer, DISPLAY_PLAIN, "loaded already%s",
			   arguments_has(&cli->arguments, OPTION_TIMEOUT) ? "; timeouts are set" : "");
	return CLI_OK;
}

int cmd_unload(struct cli *cli)
{
	int error = epg_unload(cli->epg);

	if (error)
		return report_failure(cli, error);
	write_loaded(cli, false);
	writer_say(cli->writer, DISPLAY_PLAIN, "unloaded: nothing is policed any more");
	return CLI_OK;
}

/* ---- status ---- */

/* "3 min ago" */
static void describe_age(uint64_t moment, char *text, size_t size)
{
	static const struct {
		uint64_t seconds;
		const char *unit;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
	uint64_t now = (uint64_t)time(NULL), age = now > moment ? now - moment : 0;
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(units) && age < units[i].seconds)
		i++;
	snprintf(text, size, "%" PRIu64 " %s ago", age / units[i].seconds, units[i].unit);
}

static void tell_policy(struct writer *writer, const struct epg_status *status)
{
	char moment[DISPLAY_TIME_MAX], age[40], rollback[48] = "";

	if (!status->generation) {
		writer_tell(writer, "policy", "none, all is dropped at attached interfaces; epgctl apply -f FILE");
		return;
	}
	if (status->previous_generation)
		snprintf(rollback, sizeof(rollback), "; rollback to %" PRIu32, status->previous_generation);
	display_time(status->applied_at, moment);
	describe_age(status->applied_at, age, sizeof(age));
	writer_tell(writer, "policy", "%s", status->file);
	writer_tell(writer, "generation", "%" PRIu32 ", applied %s (%s)%s", status->generation, moment, age, rollback);
}

static void tell_traffic(struct writer *writer, const char *heading, uint64_t packets, uint64_t bytes)
{
	char text[DISPLAY_BYTES_MAX];

	display_bytes(bytes, text);
	writer_tell(writer, heading, "%" PRIu64 " packets, %s", packets, text);
}

/* A counter that is of interest when there is something to count. */
static void tell_stat(struct writer *writer, const char *heading, const struct epg_status *status, enum epg_stat stat)
{
	if (status->stats[stat])
		writer_tell(writer, heading, "%" PRIu64 " %s", status->stats[stat], epg_stat_text(stat));
}

/* What people read of it. */
static void tell_status(struct writer *writer, const struct epg_status *status)
{
	char memory[DISPLAY_BYTES_MAX];

	writer_say(writer, DISPLAY_BOLD, "epg %s at %s", epg_version(), status->pin);
	tell_policy(writer, status);
	writer_tell(writer, "endpoints", "%zu bound, %zu quarantined, %zu attached", status->endpoints,
		    status->quarantined, status->attached);
	writer_tell(writer, "rules", "%zu, of %zu contracts and taboos, between %zu pairs of %zu groups", status->rules,
		    status->contracts, status->pairs, status->groups);
	writer_tell(writer, "flows", "%" PRIu64 " of %" PRIu64 " tracked", status->flows, status->flows_capacity);
	tell_traffic(writer, "permitted", status->permitted_packets, status->permitted_bytes);
	tell_traffic(writer, "dropped", status->dropped_packets, status->dropped_bytes);
	display_bytes(status->memory_bytes, memory);
	writer_tell(writer, "memory", "%s", memory);
	tell_stat(writer, "lost", status, EPG_STAT_EVENTS_LOST);
	tell_stat(writer, "limited", status, EPG_STAT_EVENTS_LIMITED);
	tell_stat(writer, "kept", status, EPG_STAT_FLOWS_KEPT);
	tell_stat(writer, "audit", status, EPG_STAT_WOULD_DENY);
	tell_stat(writer, "audit", status, EPG_STAT_WOULD_PERMIT);
}

static void write_traffic(struct writer *writer, const char *name, uint64_t packets, uint64_t bytes)
{
	static const struct writer_column columns[] = {{"packets", NULL, WRITER_NUMBER}, {"bytes", NULL, WRITER_BYTES}};

	writer_object_begin(writer, name, NULL);
	writer_field(writer, &columns[0], value_number(packets));
	writer_field(writer, &columns[1], value_number(bytes));
	writer_object_end(writer);
}

static void write_stats(struct writer *writer, const struct epg_status *status)
{
	writer_object_begin(writer, "stats", NULL);
	for (unsigned int i = 0; i < EPG_STAT_COUNT; i++) {
		const struct writer_column column = {epg_stat_name((enum epg_stat)i), NULL, WRITER_NUMBER};

		writer_field(writer, &column, value_number(status->stats[i]));
	}
	writer_object_end(writer);
}

/* What programs read of it. */
static void write_numbers(struct writer *writer, const struct epg_status *status)
{
	static const struct writer_column columns[] = {
		{"version", NULL, WRITER_TEXT},
		{"pin", NULL, WRITER_TEXT},
		{"loaded", NULL, WRITER_BOOLEAN},
		{"generation", NULL, WRITER_NUMBER},
		{"previousGeneration", NULL, WRITER_NUMBER},
		{"file", NULL, WRITER_TEXT},
		{"appliedAt", NULL, WRITER_TIME},
		{"endpoints", NULL, WRITER_NUMBER},
		{"quarantined", NULL, WRITER_NUMBER},
		{"attached", NULL, WRITER_NUMBER},
		{"groups", NULL, WRITER_NUMBER},
		{"contracts", NULL, WRITER_NUMBER},
		{"rules", NULL, WRITER_NUMBER},
		{"pairs", NULL, WRITER_NUMBER},
		{"flows", NULL, WRITER_NUMBER},
		{"flowsCapacity", NULL, WRITER_NUMBER},
		{"memoryBytes", NULL, WRITER_BYTES},
	};
	const struct writer_value values[] = {
		value_text(epg_version()),
		value_text(status->pin),
		value_number(status->loaded),
		value_number(status->generation),
		value_number(status->previous_generation),
		value_text(status->file),
		value_number(status->applied_at),
		value_number(status->endpoints),
		value_number(status->quarantined),
		value_number(status->attached),
		value_number(status->groups),
		value_number(status->contracts),
		value_number(status->rules),
		value_number(status->pairs),
		value_number(status->flows),
		value_number(status->flows_capacity),
		value_number(status->memory_bytes),
	};

	writer_fields(writer, columns, ARRAY_SIZE(columns), values);
	write_traffic(writer, "permitted", status->permitted_packets, status->permitted_bytes);
	write_traffic(writer, "dropped", status->dropped_packets, status->dropped_bytes);
	write_stats(writer, status);
}

static int write_attachment(void *user, const struct epg_attachment *attachment)
{
	const struct writer_value values[] = {
		value_text(attachment->interface),
		value_number(attachment->ifindex),
		value_text(attachment->kind == EPG_ATTACHMENT_TCX ? "tcx" : "clsact"),
		value_number(attachment->ingress),
		value_number(attachment->egress),
		value_number(attachment->xdp),
	};

	writer_row(user, values);
	return 0;
}

int cmd_status(struct cli *cli)
{
	static const struct writer_column columns[] = {
		{"interface", NULL, WRITER_TEXT},  {"ifindex", NULL, WRITER_NUMBER}, {"kind", NULL, WRITER_TEXT},
		{"ingress", NULL, WRITER_BOOLEAN}, {"egress", NULL, WRITER_BOOLEAN}, {"xdp", NULL, WRITER_BOOLEAN},
	};
	static const struct writer_table table = {"interfaces", columns, ARRAY_SIZE(columns), NULL};
	struct epg_status status;
	int error = epg_status(cli->epg, &status);

	if (error)
		return report_failure(cli, error);
	if (status.loaded)
		tell_status(cli->writer, &status);
	else
		writer_say(cli->writer, DISPLAY_YELLOW, "epg %s: not loaded at %s", epg_version(), status.pin);
	write_numbers(cli->writer, &status);
	writer_rows_begin(cli->writer, &table);
	if (status.loaded)
		error = epg_attachments_each(cli->epg, write_attachment, cli->writer);
	if (error)
		return report_failure(cli, error);
	writer_rows_end(cli->writer);
	return CLI_OK;
}

/* ---- map ls, version ---- */

static int write_map(void *user, const struct epg_map_info *map)
{
	const struct writer_value values[] = {
		value_text(map->name),       value_text(map->type),    value_number(map->entries),
		value_number(map->capacity), value_number(map->bytes), value_text(map->pin),
	};

	writer_row(user, values);
	return 0;
}

int cmd_map_ls(struct cli *cli)
{
	static const struct writer_column columns[] = {
		{"name", "NAME", WRITER_WORD},         {"type", "TYPE", WRITER_WORD},
		{"entries", "ENTRIES", WRITER_NUMBER}, {"capacity", "CAPACITY", WRITER_NUMBER},
		{"bytes", "MEMORY", WRITER_BYTES},     {"pin", NULL, WRITER_TEXT},
	};
	static const struct writer_table table = {"maps", columns, ARRAY_SIZE(columns), "no maps"};
	const char *pin = arguments_value(&cli->arguments, OPTION_PIN);
	int error;

	writer_say(cli->writer, DISPLAY_PLAIN, "pinned below %s by their names", pin ? pin : EPG_DEFAULT_PIN);
	writer_rows_begin(cli->writer, &table);
	error = epg_maps_each(cli->epg, write_map, cli->writer);
	if (error)
		return report_failure(cli, error);
	writer_rows_end(cli->writer);
	return CLI_OK;
}

int cmd_version(struct cli *cli)
{
	static const struct writer_column columns[] = {
		{"epgctl", "epgctl", WRITER_TEXT},
		{"libepg", "libepg", WRITER_TEXT},
		{"abi", "abi", WRITER_NUMBER},
	};
	const struct writer_value values[] = {
		value_text(EPG_VERSION),
		value_text(epg_version()),
		value_number(EPG_ABI_VERSION),
	};

	writer_fields(cli->writer, columns, ARRAY_SIZE(columns), values);
	return CLI_OK;
}
