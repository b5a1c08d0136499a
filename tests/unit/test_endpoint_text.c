/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "endpoint_text.h"
#include "epg/epg.h"

static int put_together(const char *interface, const char *netns, const char *vlan, char ***ret)
{
	struct argument given[2];
	char *operands[] = {(char *)interface};
	struct arguments arguments = {.given = given, .operands = operands, .n_operands = 1};
	struct usage_error usage;

	if (netns)
		given[arguments.n_given++] = (struct argument){OPTION_NETNS, netns};
	if (vlan)
		given[arguments.n_given++] = (struct argument){OPTION_VLAN, vlan};
	return endpoint_text_names(&arguments, ret, &usage);
}

static void expect_name(const char *interface, const char *netns, const char *vlan, const char *expected)
{
	char **names;

	cr_assert_eq(put_together(interface, netns, vlan, &names), 0);
	cr_assert_str_eq(names[0], expected);
	endpoint_text_free(names);
}

Test(endpoint_text, options_become_part_of_the_name)
{
	expect_name("veth7", NULL, NULL, "veth7");
	expect_name("eth1", NULL, "120", "eth1/120");
	expect_name("eth0", "c1", NULL, "eth0@/run/netns/c1");
	expect_name("eth0", "/proc/4711/ns/net", NULL, "eth0@/proc/4711/ns/net");
	expect_name("eth1/120/02:00:00:00:00:07", NULL, NULL, "eth1/120/02:00:00:00:00:07");
}

Test(endpoint_text, what_does_not_go_together_is_refused)
{
	static const char *const wrong[][3] = {
		{"eth1", NULL, "0"},    {"eth1", NULL, "4095"},      {"eth1", NULL, "x"}, {"eth1/120", NULL, "121"},
		{"eth1/120", "c1", ""}, {"eth0@/run/x", "c1", NULL}, {"eth0", "", NULL},  {"eth0", "c1", "120"},
	};
	char **names;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_assert_eq(put_together(wrong[i][0], wrong[i][1], wrong[i][2], &names), -EINVAL, "number %zu", i);
}

Test(endpoint_text, of_a_long_path_the_end_is_enough)
{
	char tail[EPG_PORT_PLACE_MAX], given[200], told[200];

	memset(tail, 'x', sizeof(tail) - 1);
	tail[sizeof(tail) - 1] = '\0';
	snprintf(given, sizeof(given), "eth0@/run/%s", tail);
	snprintf(told, sizeof(told), "eth0@%s", tail);
	cr_assert(endpoint_text_is(given, told));
	told[3] = '1';
	cr_assert_not(endpoint_text_is(given, told), "another interface there");
	cr_assert_not(endpoint_text_is("eth1@/x", told), "shorter than the end");
	cr_assert(endpoint_text_is("veth7", "veth7"));
	cr_assert_not(endpoint_text_is("veth7", "veth70"));
	cr_assert_not(endpoint_text_is("eth0@/run/netns/c1", "eth0@c1"), "a short path is told whole");
	cr_assert_not(endpoint_text_is("eth0", "eth0@/run/netns/c1"));
}

Test(endpoint_text, what_has_vanished_goes_by_its_number)
{
	char text[ENDPOINT_TEXT_MAX];

	cr_assert_str_eq(endpoint_text_vanished(42, "veth7", text), "veth7");
	cr_assert_str_eq(endpoint_text_vanished(42, "", text), "if42");
	cr_assert_str_eq(endpoint_text_vanished(EPG_PORT | 7, "", text), "port7");
}
