// SPDX-License-Identifier: GPL-2.0-only
/* Stations and VLANs behind an interface that several share: by hand and by the policy. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <criterion/criterion.h>

#include "environment.h"
#include "host.h"

#define MAC "02:00:00:00:00:0a"

/* The binding in force of an endpoint by its id; false: there is no entry. */
static bool read_binding(struct host *host, uint32_t id, struct epg_binding *ret)
{
	struct epg_endpoint_key key = {.ifindex = id};
	int map = host_map(host, "endpoints");
	struct epg_endpoint entry;
	bool found = !bpf_map_lookup_elem(map, &key, &entry);

	close(map);
	if (found)
		*ret = entry.next_generation ? entry.next : entry.now;
	return found;
}

static uint16_t flags_of(struct host *host, uint32_t id)
{
	struct epg_binding binding;

	return read_binding(host, id, &binding) ? binding.flags : 0xffff;
}

/* The port behind an interface; 0: there is none. */
static uint32_t port_of(struct host *host, const char *interface, uint16_t vlan, uint8_t last)
{
	struct epg_port_key key = {.ifindex = if_nametoindex(interface), .vlan = vlan};
	int map = host_map(host, "ports");
	uint32_t port = 0;

	if (last)
		memcpy(key.mac, (uint8_t[]){2, 0, 0, 0, 0, last}, sizeof(key.mac));
	if (bpf_map_lookup_elem(map, &key, &port))
		port = 0;
	close(map);
	return port;
}

static void expect_no_name(struct host *host, const char *name, const char *word)
{
	host_expect_failure(host->epg, host_add(host, name, "t/a/front", NULL), -EINVAL, EPG_FAILURE_INPUT, word);
}

Test(port, names)
{
	struct host host = host_open();
	struct epg_endpoint_spec mac = {.size = sizeof(mac),
					.interface = "veth0/7",
					.group = "t/a/front",
					.mac = "02:00:00:00:00:0b"};

	host_apply(&host, POLICY(FRONT("") BACK("")));
	expect_no_name(&host, "veth0/0", "4094");
	expect_no_name(&host, "veth0/4095", "4094");
	expect_no_name(&host, "veth0/99999999999999", "4094");
	expect_no_name(&host, "veth0/", "4094");
	expect_no_name(&host, "veth0/12x", "4094");
	expect_no_name(&host, "/12", "missing");
	expect_no_name(&host, "veth0/01:00:00:00:00:01", "multicast");
	expect_no_name(&host, "veth0/00:00:00:00:00:00", "multicast");
	expect_no_name(&host, "veth0/02:00:00:00:00", "MAC");
	expect_no_name(&host, "veth0/120/", "4094");
	expect_no_name(&host, "veth0/x/" MAC, "4094");
	expect_no_name(&host, "veth0/120/" MAC "/1", "MAC");
	host_expect_failure(host.epg, host_add(&host, "nosuch/120", "t/a/front", NULL), -ENOENT, EPG_FAILURE_NOT_FOUND,
			    "no such interface");
	host_expect_failure(host.epg, epg_endpoint_remove(host.epg, "veth0/120"), -ENOENT, EPG_FAILURE_NOT_FOUND,
			    "endpoint");
	host_expect_failure(host.epg, epg_endpoint_remove(host.epg, "port1"), -ENOENT, EPG_FAILURE_NOT_FOUND,
			    "interface");
	host_expect_failure(host.epg, host_add(&host, "veth0/120", "t/world", NULL), -EINVAL, EPG_FAILURE_INPUT,
			    "whole");
	host_expect_failure(host.epg, epg_endpoint_add(host.epg, &mac), -EINVAL, EPG_FAILURE_INPUT, "in their name");
	host_expect_failure(host.epg, epg_attach(host.epg, "veth0/120", NULL), -EINVAL, EPG_FAILURE_INPUT, "hook");
	cr_assert_eq(host_count(&host, "endpoints") + host_count(&host, "ports") + host_count(&host, "port_names"), 0);
	cr_assert_str_eq(host_attachments(&host), "");
	host_close(&host);
}

/* The last one leaves the interface to itself; a number does not come back. */
static void remove_all(struct host *host, uint32_t station)
{
	char name[32];

	EXPECT(host, epg_endpoint_remove(host->epg, "veth0/120"));
	snprintf(name, sizeof(name), "port%u", station & ~EPG_PORT);
	EXPECT(host, epg_endpoint_remove(host->epg, name));
	cr_assert_eq(host_count(host, "endpoints"), 0);
	cr_assert_eq(host_count(host, "addresses"), 0);
	cr_assert_eq(host_count(host, "ports") + host_count(host, "port_names"), 0);
	cr_assert_str_eq(host_attachments(host), "veth0 ingress egress; ");
	EXPECT(host, host_add(host, "veth0/5", "t/a/front", NULL));
	cr_assert_eq(port_of(host, "veth0", 5, 0), EPG_PORT | 4);

	/* Its interface goes. */
	environment_remove_interface("veth0");
	cr_assert(strstr(host_endpoints(host), " t/a/front"), "%s", host_endpoints(host));
	cr_assert_eq(strstr(host_endpoints(host), "veth0"), NULL);
	EXPECT(host, epg_endpoint_remove(host->epg, "port4"));
	cr_assert_eq(host_count(host, "endpoints") + host_count(host, "ports") + host_count(host, "port_names"), 0);
}

Test(port, by_hand)
{
	struct host host = host_open();
	uint32_t eth, vlan, station, both;

	host_apply(&host, POLICY(FRONT("") BACK("")));
	eth = if_nametoindex("veth0");
	EXPECT(&host, host_add(&host, "veth0/120", "t/a/front", NULL));
	cr_assert_str_eq(host_attachments(&host), "veth0 ingress egress; ");
	EXPECT(&host, host_add(&host, "veth0/" MAC, "t/a/back", "10.1.0.9"));
	EXPECT(&host, host_add(&host, "veth0/120/" MAC, "t/a/back", NULL));
	vlan = port_of(&host, "veth0", 120, 0);
	station = port_of(&host, "veth0", 0, 10);
	both = port_of(&host, "veth0", 120, 10);
	cr_assert(vlan == (EPG_PORT | 1) && station == (EPG_PORT | 2) && both == (EPG_PORT | 3));
	cr_assert_eq(flags_of(&host, eth), EPG_ENDPOINT_SHARED);
	cr_assert_eq(flags_of(&host, vlan), EPG_ENDPOINT_MANY);
	cr_assert_eq(flags_of(&host, station), EPG_ENDPOINT_ADDRESSES_DECLARED);
	cr_assert_eq(flags_of(&host, both), 0);
	cr_assert(strstr(host_endpoints(&host), "veth0/120 t/a/front"), "%s", host_endpoints(&host));
	cr_assert(strstr(host_endpoints(&host), "veth0/" MAC " t/a/back 10.1.0.9"));
	cr_assert(strstr(host_endpoints(&host), "veth0/120/" MAC " t/a/back"));

	/* The interface itself is another endpoint; who is behind it stays, and the other way round. */
	EXPECT(&host, host_add(&host, "veth0", "t/a/front", "10.1.0.8"));
	cr_assert_eq(flags_of(&host, eth), EPG_ENDPOINT_SHARED | EPG_ENDPOINT_ADDRESSES_DECLARED);
	host_expect_failure(host.epg, host_add(&host, "veth1", "t/a/back", "10.1.0.9"), -EEXIST, EPG_FAILURE_INPUT,
			    "veth0/" MAC);
	EXPECT(&host, epg_endpoint_remove(host.epg, "veth0"));
	host_expect_failure(host.epg, epg_endpoint_remove(host.epg, "veth0"), -ENOENT, EPG_FAILURE_NOT_FOUND,
			    "endpoint");
	cr_assert_eq(flags_of(&host, eth), EPG_ENDPOINT_SHARED);

	/* Bound anew under the same number. By hand stays by hand, as long as the policy has the group. */
	EXPECT(&host, host_add(&host, "veth0/" MAC, "t/a/front", "10.1.0.9"));
	cr_assert_eq(port_of(&host, "veth0", 0, 10), station);
	host_apply(&host, POLICY(FRONT("")));
	cr_assert_eq(port_of(&host, "veth0", 120, 10), 0, "its group has gone");
	cr_assert_eq(flags_of(&host, vlan), EPG_ENDPOINT_MANY);
	cr_assert_eq(flags_of(&host, eth), EPG_ENDPOINT_SHARED);
	cr_assert_eq(host_count(&host, "port_names"), 2);

	remove_all(&host, station);
	host_close(&host);
}

/* XDP decides for all who come by the interface. */
Test(port, flags_of_a_shared_interface)
{
	struct host host = host_open();
	struct epg_attach_options xdp = {.size = sizeof(xdp), .xdp = true};
	struct epg_attach_options detour = {.size = sizeof(detour), .detour = true};
	uint32_t eth, port;

	host_apply(&host, POLICY(FRONT("")));
	eth = if_nametoindex("veth0");
	EXPECT(&host, epg_attach(host.epg, "veth0", &xdp));
	EXPECT(&host, host_add(&host, "veth0/120", "t/a/front", NULL));
	port = port_of(&host, "veth0", 120, 0);
	cr_assert_eq(flags_of(&host, eth), EPG_ENDPOINT_SHARED | EPG_ENDPOINT_XDP);
	cr_assert_eq(flags_of(&host, port), EPG_ENDPOINT_MANY | EPG_ENDPOINT_XDP);
	EXPECT(&host, epg_detach(host.epg, "veth0"));
	cr_assert_eq(flags_of(&host, eth), EPG_ENDPOINT_SHARED);
	cr_assert_eq(flags_of(&host, port), EPG_ENDPOINT_MANY);
	EXPECT(&host, epg_attach(host.epg, "veth0", &xdp));
	cr_assert_eq(flags_of(&host, port), EPG_ENDPOINT_MANY | EPG_ENDPOINT_XDP);

	/* A detour is known of the interface before it is bound, and outlasts bindings and applies, until it is detached. */
	eth = if_nametoindex("veth1");
	EXPECT(&host, epg_attach(host.epg, "veth1", &detour));
	cr_assert_eq(flags_of(&host, eth), EPG_ENDPOINT_DETOUR);
	EXPECT(&host, host_add(&host, "veth1", "t/a/front", NULL));
	cr_assert_eq(flags_of(&host, eth), EPG_ENDPOINT_DETOUR);
	host_apply(&host, POLICY(FRONT(", endpoints: [{interface: veth1}]")));
	cr_assert_eq(flags_of(&host, eth), EPG_ENDPOINT_DETOUR | EPG_ENDPOINT_FROM_POLICY);
	host_apply(&host, POLICY(FRONT("")));
	cr_assert_eq(flags_of(&host, eth), EPG_ENDPOINT_DETOUR);
	EXPECT(&host, epg_detach(host.epg, "veth1"));
	cr_assert_eq(flags_of(&host, eth), 0xffff, "nothing is left to be said of it");
	host_close(&host);
}

#define BY_MAC ", match: [{mac: \"" MAC "\"}]"

Test(port, by_policy)
{
	struct host host = host_open();
	struct epg_apply_result result;
	uint32_t eth, vlan;

	for (int i = 1; i < 4; i++)
		environment_run("ip link del veth%d", i);
	eth = if_nametoindex("veth0");
	result = host_apply(&host, POLICY(FRONT(", match: [{interface: veth0, vlan: 120}, {interface: veth0, vlan: 7, "
						"mac: \"" MAC "\", ips: [10.1.0.9]}, {interface: absent, vlan: 3}]")));
	cr_assert_eq(result.bound, 2);
	cr_assert_eq(result.attached, 1);
	cr_assert_eq(result.absent, 1);
	cr_assert_str_eq(host_attachments(&host), "veth0 ingress egress; ");
	cr_assert_eq(flags_of(&host, eth), EPG_ENDPOINT_SHARED);
	vlan = port_of(&host, "veth0", 120, 0);
	cr_assert_eq(flags_of(&host, vlan), EPG_ENDPOINT_MANY | EPG_ENDPOINT_FROM_POLICY);
	cr_assert_eq(flags_of(&host, port_of(&host, "veth0", 7, 10)),
		     EPG_ENDPOINT_ADDRESSES_DECLARED | EPG_ENDPOINT_FROM_POLICY);
	cr_assert(strstr(host_endpoints(&host), "veth0/7/" MAC " t/a/front 10.1.0.9"), "%s", host_endpoints(&host));

	/* To another group, under the same number; one goes; one by hand stays. */
	EXPECT(&host, host_add(&host, "veth0/9", "t/a/front", NULL));
	host_apply(&host, POLICY(FRONT("") BACK(", match: [{interface: \"veth*\", vlan: 120}]")));
	cr_assert_eq(port_of(&host, "veth0", 120, 0), vlan);
	cr_assert_eq(port_of(&host, "veth0", 7, 10), 0);
	cr_assert(strstr(host_endpoints(&host), "veth0/120 t/a/back"), "%s", host_endpoints(&host));
	cr_assert(strstr(host_endpoints(&host), "veth0/9 t/a/front"));
	cr_assert(strstr(host_endpoints(&host), "veth0-peer/120 t/a/back"));
	cr_assert_eq(host_count(&host, "addresses"), 0);
	EXPECT(&host, epg_rollback(host.epg, NULL));
	cr_assert(strstr(host_endpoints(&host), "veth0/7/" MAC " t/a/front 10.1.0.9"), "%s", host_endpoints(&host));
	cr_assert_eq(port_of(&host, "veth0", 120, 0), vlan);
	EXPECT(&host, epg_endpoint_remove(host.epg, "veth0/9"));

	/* An interface that comes later has them as soon as it is attached. */
	host_apply(&host, POLICY(FRONT(", match: [{interface: \"later\", vlan: 120}]")));
	cr_assert_eq(host_count(&host, "endpoints") + host_count(&host, "ports") + host_count(&host, "port_names"), 0);
	environment_veth("later");
	EXPECT(&host, epg_attach(host.epg, "later", NULL));
	cr_assert_eq(flags_of(&host, port_of(&host, "later", 120, 0)), EPG_ENDPOINT_MANY | EPG_ENDPOINT_FROM_POLICY);
	cr_assert_eq(flags_of(&host, if_nametoindex("later")), EPG_ENDPOINT_SHARED);
	host_close(&host);
}

/* A station is looked for behind the uplinks of its VRF. */
Test(port, behind_uplinks)
{
	static const char policy[] = POLICY(FRONT(BY_MAC)) "  - {name: other, vrf: two, subnets: [0.0.0.0/0]}\n";
	struct host host = host_open();
	uint32_t port;

	host_apply(&host, policy);
	cr_assert_eq(host_count(&host, "endpoints"), 0);
	EXPECT(&host, host_add(&host, "veth1", "t/other", NULL));
	cr_assert_eq(host_count(&host, "ports"), 0, "an uplink of the other VRF");
	EXPECT(&host, host_add(&host, "veth2", "t/world", NULL));
	port = port_of(&host, "veth2", 0, 10);
	cr_assert_neq(port, 0, "the running policy says so");
	cr_assert_eq(flags_of(&host, if_nametoindex("veth2")), EPG_ENDPOINT_SHARED | EPG_ENDPOINT_UPLINK);
	host_apply(&host, POLICY(FRONT("")));
	cr_assert_eq(host_count(&host, "ports"), 0);
	cr_assert_eq(flags_of(&host, if_nametoindex("veth2")), EPG_ENDPOINT_UPLINK);
	host_apply(&host, policy);
	cr_assert_neq(port_of(&host, "veth2", 0, 10), 0, "and so does an apply");
	cr_assert_neq(port_of(&host, "veth2", 0, 10), port, "under a number of its own");
	cr_assert_eq(host_count(&host, "ports"), 2, "behind veth2 only: the station, and for what is sent to all");
	host_close(&host);
}
