// SPDX-License-Identifier: GPL-2.0-only
/* What happens when a system call of ours fails, or when we are killed at it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <criterion/criterion.h>

#include "environment.h"
#include "fault.h"
#include "host.h"

/* The second one: one endpoint moves, one goes, one comes. */
static const char first[] = POLICY(FRONT(", endpoints: [{interface: veth0, ips: [10.1.0.2]}, "
					 "{interface: veth2, ips: [10.1.0.4]}]") BACK(""));
static const char second[] = POLICY(FRONT("") BACK(", endpoints: [{interface: veth0, ips: [10.1.0.3]}, "
						   "{interface: veth1, ips: [10.1.0.2]}]"));

/* Read beforehand: only what comes later is to fail. */
struct policies {
	struct epg_policy *first, *second;
};

static struct host open_host(struct policies *ret)
{
	struct host host = host_open();

	*ret = (struct policies){host_read(&host, first), host_read(&host, second)};
	return host;
}

static void close_host(struct host *host, struct policies *policies)
{
	epg_policy_free(policies->first);
	epg_policy_free(policies->second);
	host_close(host);
}

static int apply(struct host *host, const struct epg_policy *policy)
{
	return epg_apply(host->epg, policy, NULL, NULL, NULL);
}

static const char first_endpoints[] = "veth0 t/a/front 10.1.0.2; veth2 t/a/front 10.1.0.4; ";
static const char second_endpoints[] = "veth0 t/a/back 10.1.0.3; veth1 t/a/back 10.1.0.2; ";

static size_t count_slots(struct host *host)
{
	int fd = host_map(host, "nodes");
	size_t count = 0;

	for (__u32 slot = 0, id; slot < EPG_SLOTS; slot++)
		count += !bpf_map_lookup_elem(fd, &slot, &id);
	close(fd);
	return count;
}

static bool runs(struct host *host, const char *text, const char *endpoints)
{
	char *source, *file;
	size_t length;
	bool same;

	EXPECT(host, epg_export(host->epg, &source, &length, &file));
	same = !strcmp(source, text);
	free(source);
	free(file);
	if (same)
		cr_assert_str_eq(host_endpoints(host), endpoints, "%s", host_endpoints(host));
	return same;
}

static void expect_clean(struct host *host, size_t generations, long at)
{
	cr_assert_eq(host_count(host, "endpoints"), 2, "call %ld: endpoints", at);
	cr_assert_eq(host_count(host, "addresses"), 2, "call %ld: addresses", at);
	cr_assert_eq(count_slots(host), generations, "call %ld: %zu slots", at, count_slots(host));
	cr_assert_eq(environment_run("test $(ls '%s/generations' | wc -l) = %zu", host->pin, generations), 0,
		     "call %ld: generations", at);
}

/* With their kind, which host_attachments does not tell. */
static int add_attached(void *user, const struct epg_attachment *attachment)
{
	char *text = (char *)user + strlen(user);

	sprintf(text, "%s%s; ", attachment->interface, attachment->kind == EPG_ATTACHMENT_CLSACT ? " clsact" : "");
	return 0;
}

static void expect_attached(struct host *host, const char *expected)
{
	char told[1024] = "";

	cr_assert_eq(epg_attachments_each(host->epg, add_attached, told), 0);
	cr_assert_str_eq(told, expected, "told: %s", told);
}

/*
 * One call fails, every second one in turn to be quick: either the old policy stays, and nothing of the new one is
 * left; or the new one is in force.
 */
Test(fault, an_apply_fails_at_any_call)
{
	struct policies policies;
	struct host host = open_host(&policies);
	long failed = 0, at, generations = 1;

	cr_assert_eq(apply(&host, policies.first), 0);
	for (at = 1;; at += 2) {
		int error;

		plan.calls = 0;
		plan.at = at;
		plan.fault = FAULT_FAIL;
		error = apply(&host, policies.second);
		plan.fault = FAULT_NONE;
		if (error) {
			failed++;
			cr_assert_str_neq(epg_error(host.epg)->message, "", "call %ld: without a word", at);
			cr_assert(runs(&host, first, first_endpoints), "call %ld", at);
			expect_attached(&host, "veth0; veth2; ");
			expect_clean(&host, generations, at);
			continue;
		}
		if (plan.calls < at)
			break;
		generations = 2;
		cr_assert(runs(&host, second, second_endpoints), "call %ld", at);
		cr_assert_eq(apply(&host, policies.first), 0, "call %ld: and back", at);
		cr_assert_eq(epg_detach(host.epg, "veth1"), 0);
		expect_clean(&host, 2, at);
	}
	cr_assert_gt(failed, 30, "only %ld of %ld calls made an apply fail", failed, at);
	close_host(&host, &policies);
}

/*
 * Killed at one call after the other, by fives to be quick: one policy or the other is whole, and the next apply
 * removes all traces.
 */
Test(fault, an_apply_is_killed_at_any_call)
{
	struct policies policies;
	struct host host = open_host(&policies);
	int status;

	cr_assert_eq(apply(&host, policies.first), 0);
	for (long at = 1;; at += 5) {
		pid_t child = fork();

		if (child == 0) {
			plan.at = at;
			plan.fault = FAULT_KILL;
			_exit(apply(&host, policies.second) ? 1 : 0);
		}
		cr_assert_eq(waitpid(child, &status, 0), child);
		if (!runs(&host, first, first_endpoints))
			cr_assert(runs(&host, second, second_endpoints), "call %ld: neither", at);
		cr_assert_eq(apply(&host, policies.first), 0, "call %ld: %s", at, epg_error(host.epg)->message);
		cr_assert(runs(&host, first, first_endpoints));
		expect_clean(&host, 2, at);
		(void)epg_detach(host.epg, "veth1");
		if (!WIFSIGNALED(status))
			break;
	}
	cr_assert_eq(WEXITSTATUS(status), 0);
	close_host(&host, &policies);
}

/* The same for an endpoint that is bound by hand. */
Test(fault, an_endpoint_fails_at_any_call)
{
	static const char *const addresses[] = {"10.1.0.8", "10.1.0.9"};
	struct policies policies;
	struct host host = open_host(&policies);
	struct epg_endpoint_spec spec = {.size = sizeof(spec),
					 .interface = "veth1",
					 .group = "t/a/back",
					 .addresses = addresses,
					 .n_addresses = sizeof(addresses) / sizeof(addresses[0])};
	int error = -1;

	cr_assert_eq(apply(&host, policies.first), 0);
	for (long at = 1;; at++) {
		plan.calls = 0;
		plan.at = at;
		plan.fault = FAULT_FAIL;
		error = epg_endpoint_add(host.epg, &spec);
		plan.fault = FAULT_NONE;
		if (!error && plan.calls < at)
			break;
		if (error) {
			cr_assert(runs(&host, first, first_endpoints), "call %ld", at);
			expect_attached(&host, "veth0; veth2; ");
		} else {
			cr_assert_eq(epg_endpoint_remove(host.epg, "veth1"), 0);
			cr_assert_eq(epg_detach(host.epg, "veth1"), 0);
		}
		expect_clean(&host, 1, at);
	}
	close_host(&host, &policies);
}

static const char ports_first[] = POLICY(FRONT(", match: [{interface: veth0, vlan: 5}, {interface: veth0, vlan: 6}]"));
static const char ports_second[] = POLICY(FRONT(", match: [{interface: veth0, vlan: 6}, {interface: veth1, vlan: 7}]"));
/* In whatever order: a port that comes back has another number. */
static const char *const ports_told[2][2] = {{"veth0/5 t/a/front; ", "veth0/6 t/a/front; "},
					     {"veth0/6 t/a/front; ", "veth1/7 t/a/front; "}};

static char *told;

static int add_bound(void *user, const struct epg_endpoint_info *endpoint)
{
	(void)user;
	if (*endpoint->group)
		told += sprintf(told, "%s %s; ", endpoint->interface, endpoint->group);
	return 0;
}

static void expect_ports(struct host *host, bool later, long at)
{
	char text[1024] = "";

	told = text;
	cr_assert_eq(epg_endpoints_each(host->epg, add_bound, NULL), 0);
	cr_assert(strstr(text, ports_told[later][0]) && strstr(text, ports_told[later][1]) && strlen(text) == 38,
		  "call %ld: %s", at, text);
	cr_assert_eq(host_count(host, "ports"), 2, "call %ld: ports", at);
	cr_assert_eq(host_count(host, "port_names"), 2, "call %ld: names of ports", at);
	cr_assert_eq(host_count(host, "endpoints"), later ? 4 : 3, "call %ld: ports, and interfaces", at);
}

/* Ports that come and go with a policy: all of it, or nothing. Killed, the next change removes all traces. */
Test(fault, ports_of_a_policy)
{
	struct policies policies;
	struct host host = open_host(&policies);
	struct epg_policy *from = host_read(&host, ports_first), *to = host_read(&host, ports_second);
	int error, status;

	cr_assert_eq(apply(&host, from), 0);
	for (long at = 1;; at += 3) {
		plan.calls = 0;
		plan.at = at;
		plan.fault = FAULT_FAIL;
		error = apply(&host, to);
		plan.fault = FAULT_NONE;
		if (!error && plan.calls < at)
			break;
		/* What fails after the generation has come into force is put right by the next change. */
		cr_assert_eq(error ? 0 : apply(&host, to), 0);
		expect_ports(&host, !error, at);
		cr_assert_eq(apply(&host, from), 0, "call %ld: and back", at);
		expect_ports(&host, false, at);
	}
	for (long at = 1;; at += 7) {
		pid_t child = fork();

		if (child == 0) {
			plan.calls = 0;
			plan.at = at;
			plan.fault = FAULT_KILL;
			_exit(apply(&host, to) ? 1 : 0);
		}
		cr_assert_eq(waitpid(child, &status, 0), child);
		cr_assert_eq(apply(&host, from), 0, "call %ld: %s", at, epg_error(host.epg)->message);
		expect_ports(&host, false, at);
		if (!WIFSIGNALED(status))
			break;
	}
	cr_assert_eq(WEXITSTATUS(status), 0);
	epg_policy_free(from);
	epg_policy_free(to);
	close_host(&host, &policies);
}

/* A station, and an interface inside another namespace, bound by hand. */
Test(fault, a_port_fails_at_any_call)
{
	static char inside[64];
	const char *names[] = {"veth1/7/02:00:00:00:00:0a", inside};
	struct policies policies;
	struct host host = open_host(&policies);
	char netns[32];

	snprintf(netns, sizeof(netns), "epgt-%d-f", (int)getpid());
	snprintf(inside, sizeof(inside), "eth0@/run/netns/%s", netns);
	cr_assert_eq(
		environment_run("ip netns add %s && ip link add link veth3 name eth0 netns %s type macvlan mode bridge",
				netns, netns),
		0);
	cr_assert_eq(apply(&host, policies.first), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		bool failed = true;

		for (long at = 1; failed; at += 2) {
			int error;

			plan.calls = 0;
			plan.at = at;
			plan.fault = FAULT_FAIL;
			error = host_add(&host, names[i], "t/a/back", "10.1.0.9");
			plan.fault = FAULT_NONE;
			failed = plan.calls >= at;
			if (error) {
				cr_assert_str_neq(epg_error(host.epg)->message, "", "call %ld: without a word", at);
				cr_assert(runs(&host, first, first_endpoints), "call %ld", at);
				expect_attached(&host, "veth0; veth2; ");
			} else {
				cr_assert_eq(epg_endpoint_remove(host.epg, names[i]), 0);
				cr_assert_eq(epg_detach(host.epg, i ? inside : "veth1"), 0);
			}
			expect_clean(&host, 1, at);
			cr_assert_eq(host_count(&host, "port_names"), 0, "call %ld", at);
			cr_assert_eq(host_count(&host, "ports"), 0, "call %ld", at);
		}
	}
	/* Where there is no TCX a container could take a filter away: no enforcement is said to be none. */
	plan.no_tcx = true;
	cr_assert_eq(host_add(&host, inside, "t/a/back", NULL), -EOPNOTSUPP);
	cr_assert(strstr(epg_error(host.epg)->message, "TCX"), "%s", epg_error(host.epg)->message);
	cr_assert_eq(host_count(&host, "port_names"), 0);
	plan.no_tcx = false;
	environment_run("ip netns del %s", netns);
	close_host(&host, &policies);
}

/* A load that fails or is killed has left no instance, and the next one works. */
Test(fault, a_load_fails)
{
	struct policies policies;
	struct host host = open_host(&policies);

	for (long at = 1; at < 200; at += 60) {
		int error;

		plan.calls = 0;
		plan.at = at;
		plan.fault = FAULT_FAIL;
		error = epg_load(host.epg, NULL);
		plan.fault = FAULT_NONE;
		if (!error)
			cr_assert_eq(epg_unload(host.epg), 0);
		cr_assert_neq(environment_run("ls -d '%s'* >/dev/null 2>&1", host.pin), 0, "call %ld: left something",
			      at);
	}
	cr_assert_eq(epg_load(host.epg, NULL), 0);
	close_host(&host, &policies);
}

/* What a kernel lacks is called by its name. */
Test(fault, a_kernel_without_ring_buffers)
{
	struct policies policies;
	struct host host = open_host(&policies);

	plan.no_map_type = BPF_MAP_TYPE_RINGBUF;
	cr_assert_eq(epg_load(host.epg, NULL), -EOPNOTSUPP);
	cr_assert_eq(epg_error(host.epg)->failure, EPG_FAILURE_UNSUPPORTED);
	cr_assert(strstr(epg_error(host.epg)->message, "ring buffer"), "%s", epg_error(host.epg)->message);
	plan.no_map_type = 0;
	cr_assert_eq(epg_load(host.epg, NULL), 0);
	close_host(&host, &policies);
}

/* Before Linux 6.6: filters of a clsact qdisc. */
Test(fault, a_kernel_without_tcx)
{
	struct policies policies;
	struct host host = open_host(&policies);

	plan.no_tcx = true;
	cr_assert_eq(apply(&host, policies.first), 0, "%s", epg_error(host.epg)->message);
	expect_attached(&host, "veth0 clsact; veth2 clsact; ");
	cr_assert_eq(environment_run("tc filter show dev veth0 ingress | grep -q epg_tc_ingress"), 0);
	cr_assert_eq(environment_run("tc filter show dev veth0 egress | grep -q epg_tc_egress"), 0);
	cr_assert_eq(apply(&host, policies.second), 0);
	expect_attached(&host, "veth0 clsact; veth1 clsact; veth2 clsact; ");
	cr_assert_eq(epg_detach(host.epg, "veth0"), 0);
	cr_assert_eq(environment_run("tc filter show dev veth0 ingress | grep -q epg_tc_ingress"), 1);
	/* Somebody else has the first place. */
	cr_assert_eq(environment_run("tc filter add dev veth0 ingress prio 1 handle 1 bpf da pinned "
				     "'%s/programs/tc_inside_out'",
				     host.pin),
		     0);
	cr_assert_eq(epg_attach(host.epg, "veth0", NULL), -EEXIST);
	cr_assert(strstr(epg_error(host.epg)->message, "first place"), "%s", epg_error(host.epg)->message);
	environment_remove_interface("veth2");
	expect_attached(&host, "veth1 clsact; ");
	cr_assert_eq(epg_unload(host.epg), 0);
	cr_assert_eq(environment_run("tc filter show dev veth1 egress | grep -q epg_tc_egress"), 1);
	cr_assert_eq(epg_load(host.epg, NULL), 0);
	close_host(&host, &policies);
}
