// SPDX-License-Identifier: GPL-2.0-only
/* Applying policies and rolling back. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <criterion/criterion.h>

#include "environment.h"
#include "host.h"

static __u16 class_of(struct host *host, const char *name)
{
	struct epg_group_key key = {0};
	struct epg_group group;
	int map = host_map(host, "groups");

	memcpy(key.name, name, strlen(name));
	if (bpf_map_lookup_elem(map, &key, &group))
		group.class_id = 0;
	close(map);
	return group.class_id;
}

Test(apply, apply_and_roll_back)
{
	struct host host = host_open();
	struct epg_apply_result result;
	__u16 front, back;

	/* A dry run does not even load. */
	host_expect(host.epg, host_try(&host, HOST_SIMPLE, true, &result), "dry run");
	cr_assert_eq(result.generation, 0);
	cr_assert_gt(result.cost.rules, 0);
	host_expect_failure(host.epg, epg_unload(host.epg), -ENODEV, EPG_FAILURE_UNSUPPORTED, "not loaded");

	result = host_apply(&host, HOST_SIMPLE);
	cr_assert_eq(result.generation, 1);
	cr_assert_eq(result.attached, 3, "veth0, veth1 and veth1-peer, not %zu", result.attached);
	cr_assert_eq(result.bound, 3);
	cr_assert_str_eq(host_endpoints(&host), "veth0 t/a/front 10.1.0.2; veth1-peer t/a/back; veth1 t/a/back; ");
	host_expect_export(&host, HOST_SIMPLE);
	front = class_of(&host, "t/a/front");
	back = class_of(&host, "t/a/back");
	cr_assert(front >= EPG_CLASS_FIRST && back >= EPG_CLASS_FIRST && front != back);
	host_expect_failure(host.epg, epg_rollback(host.epg, NULL), -ENOENT, EPG_FAILURE_NOT_FOUND, "before");

	host_expect(host.epg, host_try(&host, HOST_MOVED, true, &result), "dry run");
	cr_assert_eq(host_running(&host), 1);
	result = host_apply(&host, HOST_MOVED);
	cr_assert_eq(result.generation, 2);
	cr_assert_eq(result.attached, 0);
	cr_assert_str_eq(host_endpoints(&host), "veth0 t/a/back 10.1.0.3; ");
	cr_assert_eq(host_count(&host, "endpoints"), 1, "entries of former endpoints are gone");
	cr_assert_eq(host_count(&host, "addresses"), 1, "so are their addresses");
	cr_assert_eq(class_of(&host, "t/a/front"), front, "ids stay");
	cr_assert_eq(class_of(&host, "t/a/back"), back);

	EXPECT(&host, epg_rollback(host.epg, &result));
	cr_assert_eq(result.generation, 3, "numbers are never used twice");
	host_expect_export(&host, HOST_SIMPLE);
	cr_assert_str_eq(host_endpoints(&host), "veth0 t/a/front 10.1.0.2; veth1-peer t/a/back; veth1 t/a/back; ");
	EXPECT(&host, epg_rollback(host.epg, NULL));
	host_expect_export(&host, HOST_MOVED);
	cr_assert_str_eq(host_endpoints(&host), "veth0 t/a/back 10.1.0.3; ");
	cr_assert_eq(environment_run("test $(ls '%s/generations' | wc -l) = 2", host.pin), 0);
	host_close(&host);
}

static int find_rule(void *user, const struct epg_rule_info *rule)
{
	uint64_t *packets = user;

	if (!strcmp(rule->entry, "alt"))
		*packets += rule->packets;
	return 0;
}

static int find_index(void *user, const struct epg_rule_info *rule)
{
	if (!strcmp(rule->entry, "alt"))
		*(uint32_t *)user = rule->index;
	return 0;
}

/* Rules are numbered anew by each apply; what they have counted follows them. */
Test(apply, counters_follow_their_rules)
{
	struct host host = host_open();
	struct epg_counter counter = {.packets = 7, .bytes = 700};
	uint32_t before = 0, after = 0;
	uint64_t packets = 0;
	int map;

	host_apply(&host, HOST_SIMPLE);
	EXPECT(&host, epg_rules_each(host.epg, find_index, &before));
	map = host_map(&host, "generations/1/counters");
	cr_assert_eq(bpf_map_update_elem(map, &before, &counter, BPF_ANY), 0);
	close(map);
	host_apply(&host, POLICY(DNS FRONT("") BACK("")));
	EXPECT(&host, epg_rules_each(host.epg, find_index, &after));
	EXPECT(&host, epg_rules_each(host.epg, find_rule, &packets));
	cr_assert_eq(packets, 7);
	EXPECT(&host, epg_rollback(host.epg, NULL));
	packets = 0;
	EXPECT(&host, epg_rules_each(host.epg, find_rule, &packets));
	cr_assert_eq(packets, 7, "and back");
	host_close(&host);
}

Test(apply, capacity_is_checked_first)
{
	struct host host = host_open();
	struct epg_load_options few_rules = {.size = sizeof(few_rules), .rules = 6};
	struct epg_load_options few_endpoints = {.size = sizeof(few_endpoints), .endpoints = 2};

	EXPECT(&host, epg_load(host.epg, &few_rules));
	host_expect_failure(host.epg, host_try(&host, HOST_SIMPLE, true, NULL), -ENOSPC, EPG_FAILURE_KERNEL, "--rules");
	host_expect_failure(host.epg, host_try(&host, HOST_SIMPLE, false, NULL), -ENOSPC, EPG_FAILURE_KERNEL, "has 12");
	EXPECT(&host, epg_unload(host.epg));
	EXPECT(&host, epg_load(host.epg, &few_endpoints));
	host_expect_failure(host.epg, host_try(&host, POLICY(FRONT(", match: [{interface: \"veth*\"}]")), false, NULL),
			    -ENOSPC, EPG_FAILURE_KERNEL, "endpoints");
	cr_assert_eq(host_running(&host), 0);
	cr_assert_str_eq(host_attachments(&host), "");

	host_apply(&host, POLICY(FRONT(", endpoints: [{interface: veth0}, {interface: veth1}]") BACK("")));
	host_expect_failure(host.epg, host_add(&host, "veth2", "t/a/back", "10.1.0.9"), -ENOSPC, EPG_FAILURE_KERNEL,
			    "--endpoints");
	cr_assert_eq(host_count(&host, "addresses"), 0, "a failed add leaves nothing");
	cr_assert_str_eq(host_attachments(&host), "veth0 ingress egress; veth1 ingress egress; ");
	host_close(&host);
}

static void *apply_twenty_times(void *user)
{
	struct host host = host_open_at(user);

	for (int i = 0; i < 10; i++) {
		host_apply(&host, HOST_SIMPLE);
		host_apply(&host, HOST_MOVED);
	}
	epg_close(host.epg);
	return NULL;
}

Test(apply, many_at_once)
{
	struct host host = host_open();
	struct epg_apply_result result;
	pthread_t threads[3];

	EXPECT(&host, epg_load(host.epg, NULL));
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, apply_twenty_times, host.pin), 0);
	for (size_t i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	result = host_apply(&host, HOST_SIMPLE);
	cr_assert_eq(result.generation, 61, "one after the other: %u", result.generation);
	cr_assert_str_eq(host_endpoints(&host), "veth0 t/a/front 10.1.0.2; veth1-peer t/a/back; veth1 t/a/back; ");
	host_close(&host);
}

Test(apply, two_instances)
{
	struct host host = host_open();
	char pin[160];
	struct host other;

	snprintf(pin, sizeof(pin), "%s-b", host.pin);
	other = host_open_at(pin);
	host_apply(&host, HOST_SIMPLE);
	host_apply(&other, HOST_MOVED);
	cr_assert_str_eq(host_endpoints(&host), "veth0 t/a/front 10.1.0.2; veth1-peer t/a/back; veth1 t/a/back; ");
	cr_assert_str_eq(host_endpoints(&other), "veth0 t/a/back 10.1.0.3; ");
	host_close(&other);
	cr_assert_eq(host_running(&host), 1);
	cr_assert_str_eq(host_attachments(&host),
			 "veth0 ingress egress; veth1-peer ingress egress; veth1 ingress egress; ");
	host_close(&host);
}

/* What veth0 was bound to two policies ago does not hold the id back. */
Test(apply, the_class_of_a_group_that_is_gone_is_free_again)
{
	struct host host = host_open();

	host_apply(&host, POLICY(FRONT(", class: 4000, endpoints: [{interface: veth0}]") BACK("")));
	host_apply(&host, POLICY(BACK(", endpoints: [{interface: veth0}]")));
	host_apply(&host, POLICY(BACK(", endpoints: [{interface: veth0}]") DNS));
	host_apply(&host,
		   POLICY(BACK(", endpoints: [{interface: veth0}], class: 4001") "    - {name: other, bridgeDomain: "
										 "bd1, class: 4000}\n"));
	cr_assert_eq(class_of(&host, "t/a/other"), 4000);
	host_close(&host);
}
