// SPDX-License-Identifier: GPL-2.0-only
/* Endpoints, by hand and by the policy, and their addresses. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <criterion/criterion.h>

#include "environment.h"
#include "host.h"

Test(endpoint, endpoints_by_hand)
{
	struct host host = host_open();
	struct epg_endpoint_spec spec = {.size = sizeof(spec),
					 .interface = "veth2",
					 .group = "t/a/back",
					 .mac = "nonsense"};
	uint32_t ifindex;
	char vanished[32];

	host_apply(&host, HOST_SIMPLE);
	host_expect_failure(host.epg, host_add(&host, "veth2", "t/a/nosuch", NULL), -ENOENT, EPG_FAILURE_NOT_FOUND,
			    "group");
	host_expect_failure(host.epg, host_add(&host, "nosuch", "t/a/back", NULL), -ENOENT, EPG_FAILURE_NOT_FOUND,
			    "interface");
	host_expect_failure(host.epg, host_add(&host, "veth2", "t/a/back", "10.1.0.256"), -EINVAL, EPG_FAILURE_INPUT,
			    "10.1.0.256");
	host_expect_failure(host.epg, host_add(&host, "veth2", "t/a/back", "224.0.0.1"), -EINVAL, EPG_FAILURE_INPUT,
			    "224.0.0.1");
	host_expect_failure(host.epg, epg_endpoint_add(host.epg, &spec), -EINVAL, EPG_FAILURE_INPUT, "MAC");
	host_expect_failure(host.epg, host_add(&host, "veth2", "t/a/back", "10.1.0.2"), -EEXIST, EPG_FAILURE_INPUT,
			    "veth0");
	host_expect_failure(host.epg, host_add(&host, "veth2", "t/world", "10.1.0.9"), -EINVAL, EPG_FAILURE_INPUT,
			    "uplink");
	host_expect_failure(host.epg, epg_endpoint_remove(host.epg, "veth2"), -ENOENT, EPG_FAILURE_NOT_FOUND,
			    "endpoint");

	EXPECT(&host, host_add(&host, "veth2", "t/a/back", "10.1.0.9"));
	EXPECT(&host, host_add(&host, "veth2", "t/a/back", "10.1.0.10"));
	EXPECT(&host, host_add(&host, "veth3", "t/world", NULL));
	cr_assert_str_eq(host_endpoints(&host), "veth0 t/a/front 10.1.0.2; veth1-peer t/a/back; veth1 t/a/back; "
						"veth2 t/a/back 10.1.0.10; veth3 t/world; ");
	cr_assert_eq(host_count(&host, "addresses"), 2, "the first address of veth2 was given back");
	EXPECT(&host, host_add(&host, "veth1", "t/a/front", "10.1.0.9"));

	/* By the policy's glob veth1 is a member of back: what was bound by hand stays. veth0 is named: it does not. */
	EXPECT(&host, host_add(&host, "veth0", "t/a/back", "10.1.0.77"));
	host_apply(&host, HOST_SIMPLE);
	cr_assert_str_eq(host_endpoints(&host),
			 "veth0 t/a/front 10.1.0.2; veth1-peer t/a/back; veth1 t/a/front 10.1.0.9; "
			 "veth2 t/a/back 10.1.0.10; veth3 t/world; ");
	/* Its group goes: it is nobody. */
	host_apply(&host, POLICY(FRONT("")));
	cr_assert_str_eq(host_endpoints(&host), "veth1 t/a/front 10.1.0.9; veth3 t/world; ");

	ifindex = if_nametoindex("veth1");
	environment_remove_interface("veth1");
	snprintf(vanished, sizeof(vanished), "if%u", ifindex);
	EXPECT(&host, epg_endpoint_remove(host.epg, vanished));
	cr_assert_str_eq(host_endpoints(&host), "veth3 t/world; ");
	cr_assert_eq(host_count(&host, "addresses"), 0);
	host_close(&host);
}

/* Writes what the programs write when they learn an address. */
static void learn(struct host *host, const char *interface, const uint8_t ipv4[4], __u16 slot)
{
	struct epg_address_key address = {.vrf = 1, .address = {[10] = 0xff, [11] = 0xff}};
	struct epg_address owner = {.now = {.ifindex = if_nametoindex(interface), .flags = EPG_ADDRESS_LEARNED}};
	struct epg_learned_key key = {.ifindex = owner.now.ifindex, .slot = slot};
	struct epg_group_key name = {.name = "t/a/front"};
	struct epg_group group;
	int groups = host_map(host, "groups"), addresses = host_map(host, "addresses");
	int learned = host_map(host, "learned");

	cr_assert_eq(bpf_map_lookup_elem(groups, &name, &group), 0);
	address.vrf = group.vrf;
	memcpy(address.address + 12, ipv4, 4);
	cr_assert_eq(bpf_map_update_elem(learned, &key, &address, BPF_NOEXIST), 0);
	cr_assert_eq(bpf_map_update_elem(addresses, &address, &owner, BPF_NOEXIST), 0);
	close(groups);
	close(addresses);
	close(learned);
}

Test(endpoint, learned_addresses)
{
	static const uint8_t ten[] = {10, 1, 0, 10}, eleven[] = {10, 1, 0, 11};
	struct host host = host_open();

	host_apply(&host, POLICY(FRONT(", match: [{interface: veth0}, {interface: veth1}]")));
	learn(&host, "veth0", ten, 0);
	learn(&host, "veth1", eleven, 0);
	/* Nothing changes for them. */
	host_apply(&host, POLICY(FRONT(", match: [{interface: veth0}, {interface: veth1}]") BACK("")));
	cr_assert_str_eq(host_endpoints(&host), "veth0 t/a/front 10.1.0.10; veth1 t/a/front 10.1.0.11; ");
	/* Declared for another endpoint: it was never more than a loan. */
	host_apply(&host, POLICY(FRONT(", match: [{interface: veth0}, {interface: veth1}]")
					 BACK(", endpoints: [{interface: veth2, ips: [10.1.0.11]}]")));
	cr_assert_str_eq(host_endpoints(&host),
			 "veth0 t/a/front 10.1.0.10; veth1 t/a/front; veth2 t/a/back 10.1.0.11; ");
	cr_assert_eq(host_count(&host, "learned"), 1, "and its slot is free");
	/* A bridge domain with other subnets. */
	host_apply(&host, POLICY("    - {name: front, bridgeDomain: bd2, match: [{interface: veth0}]}\n"));
	cr_assert_str_eq(host_endpoints(&host), "veth0 t/a/front; ");
	cr_assert_eq(host_count(&host, "learned"), 0);
	/* Declared by hand, an address moves with its group to another VRF; learned, it does not. */
	EXPECT(&host, host_add(&host, "veth1", "t/a/front", "10.2.0.9"));
	host_apply(&host, POLICY("    - {name: front, bridgeDomain: bd3}\n"));
	cr_assert_str_eq(host_endpoints(&host), "veth1 t/a/front 10.2.0.9; ");
	cr_assert_eq(host_count(&host, "addresses"), 1);
	EXPECT(&host, epg_endpoint_remove(host.epg, "veth1"));
	cr_assert_eq(host_count(&host, "addresses"), 0);
	host_close(&host);
}

Test(endpoint, counters_of_an_endpoint_survive_its_move)
{
	struct host host = host_open();
	struct epg_endpoint_key key = {0};
	struct epg_endpoint entry;
	int map;

	host_apply(&host, HOST_SIMPLE);
	key.ifindex = if_nametoindex("veth0");
	map = host_map(&host, "endpoints");
	cr_assert_eq(bpf_map_lookup_elem(map, &key, &entry), 0);
	entry.packets = 5;
	cr_assert_eq(bpf_map_update_elem(map, &key, &entry, BPF_EXIST), 0);
	host_apply(&host, HOST_MOVED);
	cr_assert_eq(bpf_map_lookup_elem(map, &key, &entry), 0);
	cr_assert_eq(entry.packets, 5);
	EXPECT(&host, host_add(&host, "veth0", "t/a/front", NULL));
	cr_assert_eq(bpf_map_lookup_elem(map, &key, &entry), 0);
	cr_assert_eq(entry.packets, 5);
	close(map);
	host_close(&host);
}

/* Two endpoints want one address: the policy that says so is refused. */
Test(endpoint, an_address_has_one_owner)
{
	struct host host = host_open();
	const char *before;

	host_apply(&host, HOST_SIMPLE);
	EXPECT(&host, host_add(&host, "veth3", "t/a/back", "10.1.0.3"));
	before = strdup(host_endpoints(&host));
	host_expect_failure(host.epg, host_try(&host, HOST_MOVED, false, NULL), -EEXIST, EPG_FAILURE_INPUT, "10.1.0.3");
	cr_assert_str_eq(host_endpoints(&host), before);
	cr_assert_eq(host_running(&host), 1);
	free((void *)before);
	/* Unless the other one is gone. */
	environment_remove_interface("veth3");
	host_apply(&host, HOST_MOVED);
	cr_assert(strstr(host_endpoints(&host), "veth0 t/a/back 10.1.0.3;"));
	host_close(&host);
}
