/* SPDX-License-Identifier: GPL-2.0-only */
/* attach, detach, endpoint add, endpoint rm, endpoint ls */
#include <errno.h>
#include <string.h>

#include "commands.h"
#include "endpoint_text.h"
#include "report.h"

/* ---- attach, detach ---- */

/* Those on the command line: as libepg names them, and for each whether it is attached. */
struct operands {
	char **names;
	size_t n;
	bool *attached;
};

static void operands_clear(struct operands *operands)
{
	endpoint_text_free(operands->names);
	free(operands->attached);
}

#define AUTO_OPERANDS __attribute__((cleanup(operands_clear)))

/* Returns an exit status. */
static int operands_read(struct cli *cli, struct operands *ret)
{
	struct usage_error usage = {"out of memory", ""};
	int error = endpoint_text_names(&cli->arguments, &ret->names, &usage);

	if (error)
		return report_error(cli, error == -EINVAL ? CLI_USAGE : CLI_KERNEL, NULL, usage.hint, "%s",
				    usage.message);
	ret->n = (size_t)cli->arguments.n_operands;
	ret->attached = calloc(ret->n, sizeof(*ret->attached));
	return ret->attached ? CLI_OK : report_error(cli, CLI_KERNEL, NULL, NULL, "out of memory");
}

static int note_attachment(void *user, const struct epg_attachment *attachment)
{
	const struct operands *operands = user;

	for (size_t i = 0; i < operands->n; i++)
		if (endpoint_text_is(operands->names[i], attachment->interface))
			operands->attached[i] = true;
	return 0;
}

/* Fills `attached`, one an operand; nothing is where nothing is loaded. Returns an exit status. */
static int find_attachments(struct cli *cli, struct operands *operands)
{
	int error = epg_attachments_each(cli->epg, note_attachment, operands);

	return error && error != -ENODEV ? report_failure(cli, error) : CLI_OK;
}

/* The id of a program; *ret stays as it is where the option was not given. */
static int read_program(struct cli *cli, enum option_id id, const char *name, uint32_t *ret)
{
	const char *text = arguments_value(&cli->arguments, id);
	uint64_t number = 0;

	if (!text)
		return CLI_OK;
	if (arguments_parse_number(text, 1, UINT32_MAX, &number))
		return report_error(cli, CLI_USAGE, NULL, "bpftool net show lists programs with their ids",
				    "--%s takes the id of a BPF program, not '%s'", name, text);
	*ret = (uint32_t)number;
	return CLI_OK;
}

static int read_attach_options(struct cli *cli, struct epg_attach_options *ret)
{
	int status;

	*ret = (struct epg_attach_options){
		.size = sizeof(*ret),
		.xdp = arguments_has(&cli->arguments, OPTION_XDP),
		.detour = arguments_has(&cli->arguments, OPTION_DETOUR),
	};
	status = read_program(cli, OPTION_BEFORE, "before", &ret->before);
	if (!status)
		status = read_program(cli, OPTION_AFTER, "after", &ret->after);
	if (!status && ret->before && ret->after)
		return report_error(cli, CLI_USAGE, NULL, NULL, "--before and --after: one of both");
	return status;
}

/* Attaches all of them. Where one fails, those before it that were not attached are detached again. */
static int attach_all(struct cli *cli, const struct operands *operands, const struct epg_attach_options *options)
{
	for (size_t i = 0; i < operands->n; i++) {
		int error = epg_attach(cli->epg, operands->names[i], options);
		int status;

		if (!error)
			continue;
		status = report_failure(cli, error);
		while (i-- > 0)
			if (!operands->attached[i])
				epg_detach(cli->epg, operands->names[i]);
		return status;
	}
	return CLI_OK;
}

/* The group that an interface belongs to: a walk over endpoints finds it. */
struct group_search {
	const char *interface;
	char group[EPG_NAME_MAX];
};

static int find_group(void *user, const struct epg_endpoint_info *endpoint)
{
	struct group_search *search = user;

	if (endpoint_text_is(search->interface, endpoint->interface))
		snprintf(search->group, sizeof(search->group), "%s", endpoint->group);
	return 0;
}

static int write_attached(struct cli *cli, const struct operands *operands)
{
	static const struct writer_column columns[] = {
		{"interface", "INTERFACE", WRITER_WORD},
		{"xdp", "XDP", WRITER_BOOLEAN},
		{"group", NULL, WRITER_TEXT},
		{NULL, "GROUP", WRITER_WORD},
	};
	static const struct writer_table table = {"interfaces", columns, ARRAY_SIZE(columns), NULL};

	writer_rows_begin(cli->writer, &table);
	for (size_t i = 0; i < operands->n; i++) {
		struct group_search search = {.interface = operands->names[i]};
		int error = epg_endpoints_each(cli->epg, find_group, &search);
		const struct writer_value values[] = {
			value_text(search.interface),
			value_number(arguments_has(&cli->arguments, OPTION_XDP)),
			value_text(search.group),
			*search.group ? value_text(search.group) : value_coloured("(quarantined)", DISPLAY_YELLOW),
		};

		if (error)
			return report_failure(cli, error);
		writer_row(cli->writer, values);
	}
	writer_rows_end(cli->writer);
	return CLI_OK;
}

int cmd_attach(struct cli *cli)
{
	AUTO_OPERANDS struct operands operands = {0};
	struct epg_attach_options options;
	int status = read_attach_options(cli, &options);

	if (!status)
		status = operands_read(cli, &operands);
	if (!status)
		status = find_attachments(cli, &operands);
	if (!status)
		status = attach_all(cli, &operands, &options);
	return status ? status : write_attached(cli, &operands);
}

/* Detaches those interfaces of the command line for which `attached` is as wanted. */
static int detach_those(struct cli *cli, const struct operands *operands, bool wanted)
{
	for (size_t i = 0; i < operands->n; i++) {
		int error = operands->attached[i] == wanted ? epg_detach(cli->epg, operands->names[i]) : 0;

		if (error)
			return report_failure(cli, error);
	}
	return CLI_OK;
}

int cmd_detach(struct cli *cli)
{
	static const struct writer_column columns[] = {{"interface", "DETACHED", WRITER_TEXT}};
	static const struct writer_table table = {"interfaces", columns, ARRAY_SIZE(columns), NULL};
	AUTO_OPERANDS struct operands operands = {0};
	int status = operands_read(cli, &operands);

	if (!status)
		status = find_attachments(cli, &operands);
	/* One that is not attached fails, and before the others have been touched. */
	if (!status)
		status = detach_those(cli, &operands, false);
	if (!status)
		status = detach_those(cli, &operands, true);
	if (status)
		return status;
	writer_rows_begin(cli->writer, &table);
	for (size_t i = 0; i < operands.n; i++) {
		const struct writer_value value = value_text(operands.names[i]);

		writer_row(cli->writer, &value);
	}
	writer_rows_end(cli->writer);
	return CLI_OK;
}

/* ---- endpoint add, rm ---- */

/* The addresses that --ip gave, in their order; for the caller to free, NULL when memory is out. */
static const char **collect_addresses(const struct arguments *arguments, size_t *ret_count)
{
	const char **addresses = calloc(arguments->n_given + 1, sizeof(*addresses));
	size_t count = 0;

	for (size_t i = 0; addresses && i < arguments->n_given; i++)
		if (arguments->given[i].id == OPTION_IP)
			addresses[count++] = arguments->given[i].value;
	*ret_count = count;
	return addresses;
}

int cmd_endpoint_add(struct cli *cli)
{
	static const struct writer_column columns[] = {
		{"interface", "interface", WRITER_TEXT},
		{"group", "group", WRITER_TEXT},
		{"addresses", "addresses", WRITER_LIST},
		{"mac", "mac", WRITER_TEXT},
	};
	AUTO_FREE const char **addresses = NULL;
	AUTO_OPERANDS struct operands operands = {0};
	struct epg_endpoint_spec spec = {
		.size = sizeof(spec),
		.group = arguments_value(&cli->arguments, OPTION_GROUP),
		.mac = arguments_value(&cli->arguments, OPTION_MAC),
		.detour = arguments_has(&cli->arguments, OPTION_DETOUR),
	};
	int error, status = operands_read(cli, &operands);

	if (status)
		return status;
	spec.interface = operands.names[0];
	addresses = collect_addresses(&cli->arguments, &spec.n_addresses);
	if (!addresses)
		return report_error(cli, CLI_KERNEL, NULL, NULL, "out of memory");
	spec.addresses = addresses;
	error = epg_endpoint_add(cli->epg, &spec);
	if (error)
		return report_failure(cli, error);

	const struct writer_value values[] = {
		value_text(spec.interface),
		value_text(spec.group),
		value_list(spec.addresses, spec.n_addresses),
		value_text(spec.mac),
	};

	writer_fields(cli->writer, columns, ARRAY_SIZE(columns), values);
	return CLI_OK;
}

int cmd_endpoint_rm(struct cli *cli)
{
	static const struct writer_column column = {"interface", NULL, WRITER_TEXT};
	AUTO_OPERANDS struct operands operands = {0};
	int error, status = operands_read(cli, &operands);
	const char *interface;

	if (status)
		return status;
	interface = operands.names[0];
	error = epg_endpoint_remove(cli->epg, interface);
	if (error)
		return report_failure(cli, error);
	writer_field(cli->writer, &column, value_text(interface));
	writer_say(cli->writer, DISPLAY_PLAIN, "%s is no endpoint any more: quarantined while it is attached",
		   interface);
	return CLI_OK;
}

/* ---- endpoint ls ---- */

static void write_addresses(struct writer *writer, const struct epg_endpoint_info *endpoint)
{
	static const struct writer_column columns[] = {
		{"address", NULL, WRITER_TEXT},
		{"learned", NULL, WRITER_BOOLEAN},
		{"fromPolicy", NULL, WRITER_BOOLEAN},
	};
	static const struct writer_table table = {"addresses", columns, ARRAY_SIZE(columns), NULL};

	writer_rows_begin(writer, &table);
	for (size_t i = 0; i < endpoint->n_addresses; i++) {
		const struct writer_value values[] = {
			value_text(endpoint->addresses[i]),
			value_number(endpoint->address_flags[i] & EPG_ADDRESS_LEARNED),
			value_number(endpoint->address_flags[i] & EPG_ADDRESS_FROM_POLICY),
		};

		writer_row(writer, values);
	}
	writer_rows_end(writer);
}

static int write_endpoint(void *user, const struct epg_endpoint_info *endpoint)
{
	struct writer *writer = user;
	bool quarantined = !*endpoint->group, direct = endpoint->flags & EPG_ENDPOINT_DIRECT;
	char interface[ENDPOINT_TEXT_MAX];

	const struct writer_value values[] = {
		value_text(endpoint->interface),
		value_text(endpoint_text_vanished(endpoint->ifindex, endpoint->interface, interface)),
		value_number(endpoint->ifindex),
		value_text(endpoint->group),
		quarantined ? value_coloured("(quarantined)", DISPLAY_YELLOW) : value_text(endpoint->group),
		value_number(endpoint->class_id),
		value_list(endpoint->addresses, endpoint->n_addresses),
		value_text(endpoint->mac),
		value_number(endpoint->attached),
		value_number(quarantined),
		value_number(endpoint->flags & EPG_ENDPOINT_UPLINK),
		value_number(endpoint->flags & EPG_ENDPOINT_XDP),
		value_number(endpoint->flags & EPG_ENDPOINT_SHARED),
		value_number(endpoint->flags & EPG_ENDPOINT_INSIDE),
		value_number(endpoint->flags & EPG_ENDPOINT_DETOUR),
		value_number(endpoint->flags & EPG_ENDPOINT_FROM_POLICY),
		value_text(direct ? "direct" : "stack"),
		value_text(!direct && endpoint->direct_asked && !*endpoint->stack_why
				   ? "nothing is in the way any more: attach it again"
				   : endpoint->stack_why),
		value_number(endpoint->packets),
		value_number(endpoint->bytes),
	};

	writer_row_begin(writer, values);
	write_addresses(writer, endpoint);
	writer_row_end(writer);
	return 0;
}

int cmd_endpoint_ls(struct cli *cli)
{
	static const struct writer_column columns[] = {
		{"interface", NULL, WRITER_TEXT},
		{NULL, "INTERFACE", WRITER_WORD},
		{"ifindex", NULL, WRITER_NUMBER},
		{"group", NULL, WRITER_TEXT},
		{NULL, "GROUP", WRITER_WORD},
		{"class", NULL, WRITER_NUMBER},
		{NULL, "ADDRESSES", WRITER_LIST},
		{"mac", "MAC", WRITER_WORD},
		{"attached", "ATTACHED", WRITER_BOOLEAN},
		{"quarantined", NULL, WRITER_BOOLEAN},
		{"uplink", NULL, WRITER_BOOLEAN},
		{"xdp", NULL, WRITER_BOOLEAN},
		{"shared", NULL, WRITER_BOOLEAN},
		{"inside", NULL, WRITER_BOOLEAN},
		{"detour", NULL, WRITER_BOOLEAN},
		{"fromPolicy", NULL, WRITER_BOOLEAN},
		{"forwarding", "FORWARDING", WRITER_WORD},
		{"forwardingReason", NULL, WRITER_TEXT},
		{"packets", "PACKETS", WRITER_NUMBER},
		{"bytes", "BYTES", WRITER_BYTES},
	};
	static const struct writer_table table = {"endpoints", columns, ARRAY_SIZE(columns), "no endpoints"};
	int error;

	writer_rows_begin(cli->writer, &table);
	error = epg_endpoints_each(cli->epg, write_endpoint, cli->writer);
	if (error)
		return report_failure(cli, error);
	writer_rows_end(cli->writer);
	return CLI_OK;
}
