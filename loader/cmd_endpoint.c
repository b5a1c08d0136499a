/* SPDX-License-Identifier: GPL-2.0-only */
/* attach, detach, endpoint add, endpoint rm, endpoint ls */
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "commands.h"
#include "report.h"

/* ---- attach, detach ---- */

/* For each interface on the command line whether it is attached. */
struct attachments {
	const struct arguments *arguments;
	bool *attached;
};

static int note_attachment(void *user, const struct epg_attachment *attachment)
{
	const struct attachments *attachments = user;

	for (int i = 0; i < attachments->arguments->n_operands; i++)
		if (!strcmp(attachments->arguments->operands[i], attachment->interface))
			attachments->attached[i] = true;
	return 0;
}

/* Fills `attached`, one an operand; nothing is where nothing is loaded. Returns an exit status. */
static int find_attachments(struct cli *cli, bool *attached)
{
	struct attachments attachments = {&cli->arguments, attached};
	int error = epg_attachments_each(cli->epg, note_attachment, &attachments);

	return error && error != -ENODEV ? report_failure(cli, error) : CLI_OK;
}

/* Attaches all of them. Where one fails, those before it that were not attached are detached again. */
static int attach_all(struct cli *cli, const bool *attached)
{
	const struct epg_attach_options options = {
		.size = sizeof(options),
		.xdp = arguments_has(&cli->arguments, OPTION_XDP),
	};
	char **interfaces = cli->arguments.operands;

	for (int i = 0; i < cli->arguments.n_operands; i++) {
		int error = epg_attach(cli->epg, interfaces[i], &options);
		int status;

		if (!error)
			continue;
		status = report_failure(cli, error);
		while (i-- > 0)
			if (!attached[i])
				epg_detach(cli->epg, interfaces[i]);
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

	if (!strcmp(endpoint->interface, search->interface))
		snprintf(search->group, sizeof(search->group), "%s", endpoint->group);
	return 0;
}

static int write_attached(struct cli *cli)
{
	static const struct writer_column columns[] = {
		{"interface", "INTERFACE", WRITER_WORD},
		{"xdp", "XDP", WRITER_BOOLEAN},
		{"group", NULL, WRITER_TEXT},
		{NULL, "GROUP", WRITER_WORD},
	};
	static const struct writer_table table = {"interfaces", columns, ARRAY_SIZE(columns), NULL};

	writer_rows_begin(cli->writer, &table);
	for (int i = 0; i < cli->arguments.n_operands; i++) {
		struct group_search search = {.interface = cli->arguments.operands[i]};
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
	AUTO_FREE bool *attached = calloc((size_t)cli->arguments.n_operands, sizeof(*attached));
	int status;

	if (!attached)
		return report_error(cli, CLI_KERNEL, NULL, NULL, "out of memory");
	status = find_attachments(cli, attached);
	if (!status)
		status = attach_all(cli, attached);
	return status ? status : write_attached(cli);
}

/* Detaches those interfaces of the command line for which `attached` is as wanted. */
static int detach_those(struct cli *cli, const bool *attached, bool wanted)
{
	for (int i = 0; i < cli->arguments.n_operands; i++) {
		int error = attached[i] == wanted ? epg_detach(cli->epg, cli->arguments.operands[i]) : 0;

		if (error)
			return report_failure(cli, error);
	}
	return CLI_OK;
}

int cmd_detach(struct cli *cli)
{
	static const struct writer_column columns[] = {{"interface", "DETACHED", WRITER_TEXT}};
	static const struct writer_table table = {"interfaces", columns, ARRAY_SIZE(columns), NULL};
	AUTO_FREE bool *attached = calloc((size_t)cli->arguments.n_operands, sizeof(*attached));
	int status;

	if (!attached)
		return report_error(cli, CLI_KERNEL, NULL, NULL, "out of memory");
	status = find_attachments(cli, attached);
	/* One that is not attached fails, and before the others have been touched. */
	if (!status)
		status = detach_those(cli, attached, false);
	if (!status)
		status = detach_those(cli, attached, true);
	if (status)
		return status;
	writer_rows_begin(cli->writer, &table);
	for (int i = 0; i < cli->arguments.n_operands; i++) {
		const struct writer_value value = value_text(cli->arguments.operands[i]);

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
	struct epg_endpoint_spec spec = {
		.size = sizeof(spec),
		.interface = cli->arguments.operands[0],
		.group = arguments_value(&cli->arguments, OPTION_GROUP),
		.mac = arguments_value(&cli->arguments, OPTION_MAC),
	};
	int error;

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
	const char *interface = cli->arguments.operands[0];
	int error = epg_endpoint_remove(cli->epg, interface);

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
	bool quarantined = !*endpoint->group;
	char interface[IF_NAMESIZE + 16];

	/* One that has vanished is named as `endpoint rm` takes it. */
	snprintf(interface, sizeof(interface), "%s", endpoint->interface);
	if (!*endpoint->interface)
		snprintf(interface, sizeof(interface), "if%u", endpoint->ifindex);

	const struct writer_value values[] = {
		value_text(endpoint->interface),
		value_text(interface),
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
		value_number(endpoint->flags & EPG_ENDPOINT_FROM_POLICY),
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
		{"fromPolicy", NULL, WRITER_BOOLEAN},
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
