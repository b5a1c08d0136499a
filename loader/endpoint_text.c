/* SPDX-License-Identifier: GPL-2.0-only */
#include "endpoint_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "epg/epg.h"

#define NETNS_DIRECTORY "/run/netns/" /* where ip-netns(8) keeps them */
#define VLAN_LAST 4094

static int read_vlan(const char *text, uint64_t *ret, struct usage_error *reterr)
{
	if (arguments_parse_number(text, 1, VLAN_LAST, ret))
		return usage_fail(reterr, NULL, "--vlan takes a number from 1 to %u, not '%s'", VLAN_LAST, text);
	return 0;
}

/* "eth1" with VLAN 120: "eth1/120"; in namespace c1: "eth1@/run/netns/c1". */
static char *put_together(const char *interface, uint64_t vlan, const char *netns)
{
	char behind[24] = "";
	char *name;

	if (vlan)
		snprintf(behind, sizeof(behind), "/%" PRIu64, vlan);
	if (asprintf(&name, "%s%s%s%s%s", interface, behind, netns ? "@" : "",
		     netns && !strchr(netns, '/') ? NETNS_DIRECTORY : "", netns ? netns : "") < 0)
		return NULL;
	return name;
}

static int check(const char *interface, const char *vlan, const char *netns, struct usage_error *reterr)
{
	if (netns && !*netns)
		return usage_fail(reterr, "such as c1, /run/netns/c1 or /proc/4711/ns/net",
				  "--netns needs the name or path of a network namespace");
	if (netns && strpbrk(interface, "@/"))
		return usage_fail(reterr, NULL, "--netns goes with the bare name of an interface, not '%s'", interface);
	if (vlan && netns)
		return usage_fail(reterr, "who is behind an interface is told apart in the host's namespace",
				  "--vlan does not go with --netns");
	if (vlan && strpbrk(interface, "@/"))
		return usage_fail(reterr, NULL, "--vlan goes with the bare name of an interface, not '%s'", interface);
	return 0;
}

int endpoint_text_names(const struct arguments *arguments, char ***ret, struct usage_error *reterr)
{
	const char *netns = arguments_value(arguments, OPTION_NETNS), *vlan = arguments_value(arguments, OPTION_VLAN);
	char **names = calloc((size_t)arguments->n_operands + 1, sizeof(*names));
	uint64_t number = 0;
	int error = names ? 0 : -ENOMEM;

	if (!error && vlan)
		error = read_vlan(vlan, &number, reterr);
	for (int i = 0; !error && i < arguments->n_operands; i++) {
		error = check(arguments->operands[i], vlan, netns, reterr);
		if (error)
			break;
		names[i] = put_together(arguments->operands[i], number, netns);
		error = names[i] ? 0 : -ENOMEM;
	}
	if (error) {
		endpoint_text_free(names);
		return error;
	}
	*ret = names;
	return 0;
}

void endpoint_text_free(char **names)
{
	for (size_t i = 0; names && names[i]; i++)
		free(names[i]);
	free(names);
}

bool endpoint_text_is(const char *given, const char *told)
{
	const char *given_path = strchr(given, '@'), *told_path = strchr(told, '@');
	size_t given_length, told_length;

	if (!strcmp(given, told))
		return true;
	if (!given_path || !told_path || given_path - given != told_path - told ||
	    strncmp(given, told, (size_t)(given_path - given)) != 0)
		return false;
	given_length = strlen(given_path + 1);
	told_length = strlen(told_path + 1);
	/* Shorter than what libepg keeps: then it is another one. */
	return told_length >= EPG_PORT_PLACE_MAX - 1 && given_length > told_length &&
	       !strcmp(given_path + 1 + given_length - told_length, told_path + 1);
}

const char *endpoint_text_vanished(uint32_t id, const char *name, char text[ENDPOINT_TEXT_MAX])
{
	if (*name)
		snprintf(text, ENDPOINT_TEXT_MAX, "%s", name);
	else if (id & EPG_PORT)
		snprintf(text, ENDPOINT_TEXT_MAX, "port%" PRIu32, id & ~EPG_PORT);
	else
		snprintf(text, ENDPOINT_TEXT_MAX, "if%" PRIu32, id);
	return text;
}
