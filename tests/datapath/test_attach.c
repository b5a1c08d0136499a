// SPDX-License-Identifier: GPL-2.0-only
/* Attaching and detaching. */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "environment.h"
#include "host.h"

Test(attach, attach_and_detach)
{
	struct host host = host_open();
	struct epg_attach_options xdp = {.size = sizeof(xdp), .xdp = true};

	host_expect_failure(host.epg, epg_attach(host.epg, "nosuch", NULL), -ENOENT, EPG_FAILURE_NOT_FOUND,
			    "interface");
	host_expect_failure(host.epg, epg_attach(host.epg, "a-name-that-is-too-long", NULL), -ENAMETOOLONG,
			    EPG_FAILURE_INPUT, "longer");
	EXPECT(&host, epg_attach(host.epg, "veth2", NULL));
	EXPECT(&host, epg_attach(host.epg, "veth2", NULL));
	EXPECT(&host, epg_attach(host.epg, "veth3", &xdp));
	cr_assert_str_eq(host_attachments(&host), "veth2 ingress egress; veth3 ingress egress xdp; ");
	host_expect_failure(host.epg, epg_attach(host.epg, "veth2", &xdp), -EEXIST, EPG_FAILURE_INPUT, "detach");
	host_expect_failure(host.epg, epg_attach(host.epg, "veth3", NULL), -EEXIST, EPG_FAILURE_INPUT, "XDP");

	/* A policy that comes binds what is attached already; attaching binds what the policy speaks of. */
	cr_assert_eq(host_apply(&host, POLICY(FRONT(", match: [{interface: veth3}]"))).attached, 0);
	cr_assert_str_eq(host_endpoints(&host), "veth3 t/a/front; ");
	EXPECT(&host, epg_detach(host.epg, "veth3"));
	host_expect_failure(host.epg, epg_detach(host.epg, "veth3"), -ENOENT, EPG_FAILURE_NOT_FOUND, "not attached");
	cr_assert_str_eq(host_endpoints(&host), "veth3 t/a/front (not attached); ");
	EXPECT(&host, epg_endpoint_remove(host.epg, "veth3"));
	cr_assert_str_eq(host_endpoints(&host), "");
	EXPECT(&host, epg_attach(host.epg, "veth3", NULL));
	cr_assert_str_eq(host_endpoints(&host), "veth3 t/a/front; ");

	/* Interfaces go without asking. */
	environment_remove_interface("veth2");
	cr_assert_str_eq(host_attachments(&host), "veth3 ingress egress; ");
	host_close(&host);
}

static unsigned int pins_of(const struct host *host, uint32_t ifindex)
{
	char pattern[PATH_MAX];
	unsigned int count;
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/links/%u-*", host->pin, ifindex);
	count = glob(pattern, 0, NULL, &found) ? 0 : (unsigned int)found.gl_pathc;
	if (count)
		globfree(&found);
	return count;
}

/* What is pinned for an interface that has vanished goes with a later change; a second must have passed in between. */
Test(attach, pins_of_the_vanished_go)
{
	struct host host = host_open();
	struct epg_attach_options xdp = {.size = sizeof(xdp), .xdp = true};
	uint32_t gone = if_nametoindex("veth2"), other = if_nametoindex("veth3");

	EXPECT(&host, epg_attach(host.epg, "veth2", &xdp));
	EXPECT(&host, epg_attach(host.epg, "veth3", &xdp));
	cr_assert_eq(pins_of(&host, gone), 3);
	environment_remove_interface("veth2");
	sleep(1);
	EXPECT(&host, epg_attach(host.epg, "veth0", NULL));
	cr_assert_eq(pins_of(&host, gone), 0);
	cr_assert_eq(pins_of(&host, other), 3);
	cr_assert_str_eq(host_attachments(&host), "veth0 ingress egress; veth3 ingress egress xdp; ");
	host_close(&host);
}

static int find_flags(void *user, const struct epg_endpoint_info *endpoint)
{
	*(uint16_t *)user = endpoint->flags;
	return 0;
}

/* What the XDP hook of an endpoint has permitted is believed by others: the flag must follow the program. */
Test(attach, the_xdp_flag_follows_the_program)
{
	struct host host = host_open();
	struct epg_attach_options xdp = {.size = sizeof(xdp), .xdp = true};
	uint16_t flags = 0;

	host_apply(&host, POLICY(FRONT("")));
	EXPECT(&host, epg_attach(host.epg, "veth0", &xdp));
	EXPECT(&host, host_add(&host, "veth0", "t/a/front", NULL));
	epg_endpoints_each(host.epg, find_flags, &flags);
	cr_assert_eq(flags, EPG_ENDPOINT_XDP);
	EXPECT(&host, epg_detach(host.epg, "veth0"));
	epg_endpoints_each(host.epg, find_flags, &flags);
	cr_assert_eq(flags, 0);
	EXPECT(&host, epg_attach(host.epg, "veth0", &xdp));
	epg_endpoints_each(host.epg, find_flags, &flags);
	cr_assert_eq(flags, EPG_ENDPOINT_XDP);
	host_apply(&host, POLICY(FRONT(", endpoints: [{interface: veth0}]")));
	epg_endpoints_each(host.epg, find_flags, &flags);
	cr_assert_eq(flags, EPG_ENDPOINT_XDP | EPG_ENDPOINT_FROM_POLICY);
	host_close(&host);
}
